/* SPDX-License-Identifier: Apache-2.0 */
/* Looking things up in a policy, and whether bytes from a file are one. */
#include "daemon/ipc/ipc_policy.h"

#include <string.h>

size_t ipc_policy_size(const struct ipc_policy *policy)
{
	return offsetof(struct ipc_policy, p_rules) +
	       policy->p_rule_count * sizeof *policy->p_rules;
}

bool ipc_uids_good(const struct ipc_uids *uids)
{
	uint32_t rest = 0;

	for (uint32_t i = uids->us_count; i < IPC_POLICY_UIDS; i++)
		rest |= uids->us_uid[i];
	return uids->us_all <= 1 && uids->us_count <= IPC_POLICY_UIDS && rest == 0;
}

bool ipc_policy_head_good(const struct ipc_policy *policy)
{
	return ipc_uids_good(&policy->p_hardened) && ipc_uids_good(&policy->p_filtered) &&
	       policy->p_rule_count <= IPC_POLICY_RULES && policy->p_strict_reply <= 1 &&
	       policy->p_service_defense <= 1;
}

bool ipc_policy_rules_good(const struct ipc_policy *policy)
{
	for (uint32_t i = 0; i < policy->p_rule_count; i++) {
		const char *name = policy->p_rules[i].fr_service;
		const char *end = memchr(name, '\0', IPC_POLICY_NAME);

		if (!end || end == name)
			return false;
	}
	return true;
}

bool ipc_uids_have(const struct ipc_uids *uids, uint32_t uid)
{
	for (uint32_t i = 0; i < uids->us_count; i++)
		if (uids->us_uid[i] == uid)
			return true;
	return uids->us_all;
}

static uint32_t find_rule(const struct ipc_policy *policy, const char *name)
{
	for (uint32_t i = 0; i < policy->p_rule_count; i++)
		if (strcmp(policy->p_rules[i].fr_service, name) == 0)
			return i + 1;
	return 0;
}

uint32_t ipc_policy_rule(const struct ipc_policy *policy, const char *service)
{
	uint32_t rule = service ? find_rule(policy, service) : 0;

	return rule ? rule : find_rule(policy, "*");
}

bool ipc_policy_allows(const struct ipc_policy *policy, const char *service, uint32_t id)
{
	uint32_t rule = ipc_policy_rule(policy, service);

	if (rule == 0)
		return true;
	for (uint32_t i = rule - 1; i < policy->p_rule_count; i++) {
		const struct ipc_filter_rule *each = &policy->p_rules[i];

		if (strcmp(each->fr_service, policy->p_rules[rule - 1].fr_service) == 0 &&
		    id >= each->fr_first && id <= each->fr_last)
			return true;
	}
	return false;
}
