/* SPDX-License-Identifier: Apache-2.0 */
/* Reading policies: lists of uids, ids of messages. Words and numbers only; config.c says what is
 * wrong and where.
 */
#include "daemon/config_policy.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A number of 32 bits; *value is what comes behind it. */
static bool take_number(const char **value, int base, uint32_t *number)
{
	unsigned long long wide;
	char *end;

	if (!isdigit((unsigned char)**value))
		return false;
	errno = 0;
	wide = strtoull(*value, &end, base);
	*number = (uint32_t)wide;
	*value = end;
	return errno != ERANGE && wide <= UINT32_MAX;
}

/* The end of the value, or a blank and more to come. */
static bool take_blanks(const char **value)
{
	if (**value != '\0' && !isblank((unsigned char)**value))
		return false;
	*value += strspn(*value, " \t");
	return true;
}

bool policy_parse_uids(const char *value, struct ipc_uids *uids)
{
	*uids = (struct ipc_uids){.us_all = strcmp(value, "all") == 0};
	if (uids->us_all || strcmp(value, "none") == 0)
		return true;
	if (*value == '\0')
		return false;
	while (*value != '\0') {
		if (uids->us_count == IPC_POLICY_UIDS ||
		    !take_number(&value, 10, &uids->us_uid[uids->us_count]) || !take_blanks(&value))
			return false;
		uids->us_count++;
	}
	return true;
}

/* "7", "0x10" or "100-0x1ff". */
static bool take_range(const char **value, struct ipc_filter_rule *rule)
{
	if (!take_number(value, 0, &rule->fr_first))
		return false;
	rule->fr_last = rule->fr_first;
	if (**value == '-') {
		++*value;
		if (!take_number(value, 0, &rule->fr_last) || rule->fr_last < rule->fr_first)
			return false;
	}
	return take_blanks(value);
}

static struct ipc_filter_rule *new_rule(struct ipc_policy *policy, const char *service)
{
	struct ipc_filter_rule *rule;

	if (policy->p_rule_count == IPC_POLICY_RULES)
		return NULL;
	rule = &policy->p_rules[policy->p_rule_count++];
	strcpy(rule->fr_service, service);
	return rule;
}

const char *policy_parse_filter(const char *service, const char *value, struct ipc_policy *policy)
{
	struct ipc_filter_rule *rule;

	if (strlen(service) >= IPC_POLICY_NAME - 1)
		return "the name of the service is too long";
	for (uint32_t i = 0; i < policy->p_rule_count; i++)
		if (strcmp(policy->p_rules[i].fr_service, service) == 0)
			return "it was set already: remove one of them";
	do {
		rule = new_rule(policy, service);
		if (!rule)
			return "there are more than 64 ranges in all";
		if (strcmp(value, "none") == 0) {
			rule->fr_first = 1;
			return NULL;
		}
		if (!take_range(&value, rule))
			return "use none, or numbers and ranges like 0x100-0x1ff";
	} while (*value != '\0');
	return NULL;
}
