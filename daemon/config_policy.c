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

static bool is_for(const struct ipc_filter_rule *rule, const char *service)
{
	return strcmp(rule->fr_service, service) == 0;
}

/* Take the rules for a service out of the first `count`; returns how many of those are left. */
static uint32_t replace_earlier(struct ipc_policy *policy, uint32_t count, const char *service)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < policy->p_rule_count; i++)
		if (i >= count || !is_for(&policy->p_rules[i], service))
			policy->p_rules[kept++] = policy->p_rules[i];
	count -= policy->p_rule_count - kept;
	for (; policy->p_rule_count > kept; policy->p_rule_count--)
		policy->p_rules[policy->p_rule_count - 1] = (struct ipc_filter_rule){0};
	return count;
}

const char *policy_parse_filter(const char *service, const char *value, struct ipc_policy *policy,
				uint32_t *earlier)
{
	struct ipc_filter_rule *rule;

	if (strlen(service) >= IPC_POLICY_NAME - 1)
		return "the name of the service is too long";
	*earlier = replace_earlier(policy, *earlier, service);
	for (uint32_t i = *earlier; i < policy->p_rule_count; i++)
		if (is_for(&policy->p_rules[i], service))
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
