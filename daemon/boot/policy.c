/* SPDX-License-Identifier: Apache-2.0 */
/* Rules for service names: found by name, and asked about a task. */
#include "daemon/boot/policy.h"

#include <stdio.h>
#include <string.h>

#include "daemon/base/mem.h"
#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_task.h"
#include "daemon/ipc/ipc_user.h"

void boot_policy_init(struct boot_policy *policy)
{
	*policy = (struct boot_policy){.bp_head.bh_register.us_all = 1};
}

size_t boot_policy_rules_size(const struct boot_policy *policy)
{
	return policy->bp_head.bh_count * sizeof *policy->bp_rules;
}

static bool text_good(const char *text, size_t size)
{
	return memchr(text, '\0', size);
}

bool boot_policy_head_good(const struct boot_policy_head *head)
{
	return head->bh_count <= BOOT_POLICY_RULES && ipc_uids_good(&head->bh_register) &&
	       text_good(head->bh_file, sizeof head->bh_file);
}

static bool who_good(const struct boot_who *who)
{
	return who->bw_user_count <= BOOT_POLICY_IDS && who->bw_group_count <= BOOT_POLICY_IDS &&
	       who->bw_all <= 1 && who->bw_default <= 1 &&
	       text_good(who->bw_unit, sizeof who->bw_unit);
}

static bool rule_good(const struct boot_rule *rule)
{
	return text_good(rule->br_service, sizeof rule->br_service) &&
	       text_good(rule->br_file, sizeof rule->br_file) &&
	       rule->br_start <= BOOT_START_COMMAND && who_good(&rule->br_own) &&
	       who_good(&rule->br_look_up);
}

bool boot_policy_rules_good(const struct boot_policy *policy)
{
	const struct boot_rule *rules = policy->bp_rules;

	for (uint32_t i = 0; i < policy->bp_head.bh_count; i++) {
		if (!rule_good(&rules[i]))
			return false;
		if (i && strcmp(rules[i - 1].br_service, rules[i].br_service) >= 0)
			return false;
	}
	return true;
}

bool boot_policy_copy(struct boot_policy *to, const struct boot_policy *from)
{
	struct boot_rule *rules = NULL;

	if (from->bp_head.bh_count) {
		rules = mem_alloc_array(from->bp_head.bh_count, sizeof *rules);
		if (!rules)
			return false;
		memcpy(rules, from->bp_rules, boot_policy_rules_size(from));
	}
	mem_free(to->bp_rules);
	*to = (struct boot_policy){from->bp_head, rules};
	return true;
}

void boot_policy_free(struct boot_policy *policy)
{
	mem_free(policy->bp_rules);
	boot_policy_init(policy);
}

static const struct boot_rule *find(const struct boot_policy *policy, const char *name)
{
	uint32_t from = 0, to = policy->bp_head.bh_count;

	while (from < to) {
		uint32_t middle = from + (to - from) / 2;
		int order = strcmp(policy->bp_rules[middle].br_service, name);

		if (order == 0)
			return &policy->bp_rules[middle];
		if (order < 0)
			from = middle + 1;
		else
			to = middle;
	}
	return NULL;
}

const struct boot_rule *boot_policy_declares(const struct boot_policy *policy, const char *name)
{
	size_t length = strlen(name);

	return length && name[length - 1] != '*' ? find(policy, name) : NULL;
}

/* The rule with the longest prefix: for the name "a.b.c", "a.b.*" and then "a.*". */
static const struct boot_rule *find_beginning(const struct boot_policy *policy, const char *name)
{
	char beginning[MACHD_SERVICE_NAME_MAX + 2];
	const struct boot_rule *rule = NULL;

	for (size_t length = strlen(name); length > 0 && !rule; length--) {
		if (name[length - 1] != '.')
			continue;
		snprintf(beginning, sizeof beginning, "%.*s*", (int)length, name);
		rule = find(policy, beginning);
	}
	return rule;
}

static const struct boot_rule *rule_for(const struct boot_policy *policy, const char *name)
{
	const struct boot_rule *rule = boot_policy_declares(policy, name);

	return rule ? rule : find_beginning(policy, name);
}

static bool in_list(const uint32_t *list, uint32_t count, uint32_t id)
{
	for (uint32_t i = 0; i < count; i++)
		if (list[i] == id)
			return true;
	return false;
}

static bool in_groups(const struct boot_who *who, const struct ipc_identity *identity)
{
	if (!identity)
		return false;
	for (uint32_t i = 0; i < identity->id_group_count; i++)
		if (in_list(who->bw_groups, who->bw_group_count, identity->id_groups[i]))
			return true;
	return false;
}

static bool in_unit(const struct boot_who *who, const struct ipc_identity *identity)
{
	return identity && who->bw_unit[0] && strcmp(who->bw_unit, identity->id_unit) == 0;
}

/* A line that says whom it is for, of a rule that is for somebody else. */
static uint32_t refusing_line(const struct boot_rule *rule, const struct boot_who *who)
{
	if (who->bw_users_line)
		return who->bw_users_line;
	if (who->bw_groups_line)
		return who->bw_groups_line;
	return who->bw_unit_line ? who->bw_unit_line : rule->br_line;
}

static struct boot_verdict ask(const struct ipc_host *host, const struct ipc_task *task,
			       const struct boot_rule *rule, const struct boot_who *who)
{
	const struct ipc_identity *identity = task->t_identity;
	struct boot_verdict verdict = {true, MACHD_POLICY_EVERYBODY, rule->br_file, rule->br_line};

	if (who->bw_all) {
		if (who->bw_users_line)
			verdict.bv_line = who->bw_users_line;
	} else if (in_list(who->bw_users, who->bw_user_count, task->t_user->u_uid)) {
		verdict.bv_why = MACHD_POLICY_USER;
		verdict.bv_line = who->bw_users_line ? who->bw_users_line : rule->br_line;
	} else if (in_groups(who, identity)) {
		verdict.bv_why = MACHD_POLICY_GROUP;
		verdict.bv_line = who->bw_groups_line;
	} else if (in_unit(who, identity)) {
		verdict.bv_why = MACHD_POLICY_UNIT;
		verdict.bv_line = who->bw_unit_line ? who->bw_unit_line : rule->br_line;
	} else if (who->bw_default && ipc_task_privileged(host, task)) {
		verdict.bv_why = MACHD_POLICY_PRIVILEGED;
	} else {
		verdict.bv_allowed = false;
		verdict.bv_why = MACHD_POLICY_NOT_LISTED;
		verdict.bv_line = refusing_line(rule, who);
	}
	return verdict;
}

struct boot_verdict boot_policy_own(const struct ipc_host *host, const struct ipc_task *task,
				    const char *name)
{
	const struct boot_policy *policy = host->h_names;
	const struct boot_policy_head *head = &policy->bp_head;
	const struct boot_rule *rule = rule_for(policy, name);
	bool allowed;

	if (rule)
		return ask(host, task, rule, &rule->br_own);
	allowed = ipc_uids_have(&head->bh_register, task->t_user->u_uid);
	return (struct boot_verdict){
		allowed, allowed ? MACHD_POLICY_UNDECLARED : MACHD_POLICY_UNDECLARED_REFUSED,
		head->bh_line ? head->bh_file : NULL, head->bh_line};
}

struct boot_verdict boot_policy_look_up(const struct ipc_host *host, const struct ipc_task *task,
					const char *name, const uint32_t *owner)
{
	const struct boot_rule *rule = rule_for(host->h_names, name);
	struct boot_verdict verdict = {.bv_allowed = true};

	if (rule)
		return ask(host, task, rule, &rule->br_look_up);
	if (!owner)
		verdict.bv_why = MACHD_POLICY_NOBODY;
	else if (task->t_user->u_uid == *owner)
		verdict.bv_why = MACHD_POLICY_SAME_USER;
	else if (task->t_user->u_uid == 0)
		verdict.bv_why = MACHD_POLICY_ROOT;
	else
		verdict = (struct boot_verdict){.bv_why = MACHD_POLICY_OTHER_USER};
	return verdict;
}
