/* SPDX-License-Identifier: Apache-2.0 */
/* Policies for service names, and what the daemon says of them. */
#include "tests/lab/lab_names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define S UINT64_C(1000000000)

void lab_names_init(struct lab_names *names)
{
	memset(names, 0, sizeof *names);
	boot_policy_init(&names->policy);
	names->policy.bp_rules = names->rules;
}

struct boot_rule *lab_names_add(struct lab_names *names, const char *service)
{
	struct boot_rule *rule = &names->rules[names->policy.bp_head.bh_count];

	LAB_TRUE(names->policy.bp_head.bh_count < sizeof names->rules / sizeof *names->rules);
	names->policy.bp_head.bh_count++;
	snprintf(rule->br_service, sizeof rule->br_service, "%s", service);
	snprintf(rule->br_file, sizeof rule->br_file, "/etc/machd/services.d/%s.conf", service);
	rule->br_line = 1;
	rule->br_start = BOOT_START_COMMAND;
	rule->br_own.bw_all = rule->br_look_up.bw_all = 1;
	rule->br_timeout = 10 * S;
	rule->br_interval = 60 * S;
	rule->br_burst = 3;
	return rule;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct boot_rule *)a)->br_service,
		      ((const struct boot_rule *)b)->br_service);
}

const struct boot_policy *lab_names_policy(struct lab_names *names)
{
	qsort(names->rules, names->policy.bp_head.bh_count, sizeof *names->rules, by_name);
	LAB_TRUE(boot_policy_head_good(&names->policy.bp_head));
	LAB_TRUE(boot_policy_rules_good(&names->policy));
	return &names->policy;
}

void lab_who_uid(struct boot_who *who, uint32_t uid, uint32_t line)
{
	who->bw_all = 0;
	who->bw_users[who->bw_user_count++] = uid;
	who->bw_users_line = line;
}

void lab_who_gid(struct boot_who *who, uint32_t gid, uint32_t line)
{
	who->bw_all = 0;
	who->bw_groups[who->bw_group_count++] = gid;
	who->bw_groups_line = line;
}

void lab_who_unit(struct boot_who *who, const char *unit, uint32_t line)
{
	who->bw_all = 0;
	snprintf(who->bw_unit, sizeof who->bw_unit, "%s", unit);
	who->bw_unit_line = line;
}
