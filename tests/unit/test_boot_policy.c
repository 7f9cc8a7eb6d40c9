/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may bring a service name and who may look it up: every way in which a rule can let somebody,
 * every code of a refusal [24].
 */
#include <servers/bootstrap.h>
#include <stdio.h>
#include <string.h>

#include "tests/lab/lab_expect.h"
#include "tests/lab/lab_names.h"

#define NAME "org.example.service"
#define UNIT "example.service"

/* Users are 1000 (one of those that ask) or 1001; groups 50 and 51. */
static const struct ipc_identity in_unit = {2, {1001, 50}, UNIT};

static struct lab *start(struct lab_names *names)
{
	struct lab_options options;

	lab_options_init(&options);
	options.names = lab_names_policy(names);
	options.owner_uid = 900;
	return lab_start(&options);
}

/* --- who a rule is for --- */

enum { ALL, UID, GID, IN_UNIT, DEFAULT, NONE };

static const struct {
	int rule;
	uint32_t id; /* in the rule */
	const char *unit;
	uint32_t uid; /* who asks */
	bool identity;
	bool allowed;
} cases[] = {
	{ALL, 0, NULL, 1000, true, true},
	{ALL, 0, NULL, 1000, false, true},
	{UID, 1000, NULL, 1000, true, true},
	{UID, 1000, NULL, 1000, false, true},
	{UID, 1001, NULL, 1000, true, false},
	{UID, 1001, NULL, 0, true, false},   /* root is nobody special where somebody is named */
	{UID, 1001, NULL, 900, true, false}, /* nor is the daemon's uid */
	{GID, 50, NULL, 1000, true, true},
	{GID, 51, NULL, 1000, true, false},
	{GID, 50, NULL, 1000, false, false}, /* what is not known is not believed */
	{IN_UNIT, 0, UNIT, 1000, true, true},
	{IN_UNIT, 0, "other.service", 1000, true, false},
	{IN_UNIT, 0, UNIT, 1000, false, false},
	{DEFAULT, 0, NULL, 1000, true, false},
	{DEFAULT, 0, NULL, 0, true, true},
	{DEFAULT, 0, NULL, 900, true, true},
	{NONE, 0, NULL, 0, true, false},
};

static void write_who(struct boot_who *who, int number)
{
	memset(who, 0, sizeof *who);
	who->bw_all = cases[number].rule == ALL;
	who->bw_default = cases[number].rule == DEFAULT;
	if (cases[number].rule == UID)
		lab_who_uid(who, cases[number].id, 3);
	if (cases[number].rule == GID)
		lab_who_gid(who, cases[number].id, 4);
	if (cases[number].rule == IN_UNIT)
		lab_who_unit(who, cases[number].unit, 5);
}

START_TEST(a_rule_says_who_may_own_a_name)
{
	struct lab_names names;
	struct lab *lab;
	struct lab_thread *asks;
	mach_port_name_t port;

	lab_names_init(&names);
	write_who(&lab_names_add(&names, NAME)->br_own, _i);
	lab = start(&names);
	lab->identity = cases[_i].identity ? &in_unit : NULL;
	asks = lab_task(lab, cases[_i].uid)->thread;
	lab_is(cases[_i].allowed ? BOOTSTRAP_SUCCESS : BOOTSTRAP_NOT_PRIVILEGED,
	       lab_check_in(asks, NAME, &port));
	lab_is(cases[_i].allowed ? BOOTSTRAP_NAME_IN_USE : BOOTSTRAP_NOT_PRIVILEGED,
	       lab_register(asks, NAME, lab_new_service(asks)));
	lab_is(cases[_i].allowed ? BOOTSTRAP_SERVICE_ACTIVE : BOOTSTRAP_NOT_PRIVILEGED,
	       lab_check_in(asks, NAME, &port));
	lab_stop(lab);
}
END_TEST

START_TEST(a_rule_says_who_may_look_a_name_up)
{
	struct lab_names names;
	struct lab *lab;
	struct lab_thread *asks;
	mach_port_name_t port;
	kern_return_t code = cases[_i].allowed ? BOOTSTRAP_SUCCESS : BOOTSTRAP_NOT_PRIVILEGED;

	lab_names_init(&names);
	write_who(&lab_names_add(&names, NAME)->br_look_up, _i);
	lab = start(&names);
	lab->identity = cases[_i].identity ? &in_unit : NULL;
	asks = lab_task(lab, cases[_i].uid)->thread;
	lab_is(code, lab_look_up(asks, NAME, &port));
	ck_assert_uint_eq(lab->starts, cases[_i].allowed); /* who may not, starts nothing */
	lab_ok(lab_check_in(lab_task(lab, 5)->thread, NAME, &port));
	lab_is(code, lab_look_up(asks, NAME, &port));
	lab_stop(lab);
}
END_TEST

START_TEST(one_of_several_is_enough)
{
	struct lab_names names;
	struct boot_rule *rule;
	struct lab *lab;
	mach_port_name_t port;

	lab_names_init(&names);
	rule = lab_names_add(&names, NAME);
	lab_who_uid(&rule->br_look_up, 7, 2);
	lab_who_gid(&rule->br_look_up, 50, 3);
	lab_who_unit(&rule->br_look_up, UNIT, 4);
	lab = start(&names);
	lab_ok(lab_look_up(lab_task(lab, 7)->thread, NAME, &port));
	lab_is(BOOTSTRAP_NOT_PRIVILEGED, lab_look_up(lab_task(lab, 8)->thread, NAME, &port));
	lab->identity = &(struct ipc_identity){1, {50}, ""};
	lab_ok(lab_look_up(lab_task(lab, 8)->thread, NAME, &port));
	lab->identity = &(struct ipc_identity){0, {0}, UNIT};
	lab_ok(lab_look_up(lab_task(lab, 8)->thread, NAME, &port));
	lab_stop(lab);
}
END_TEST

/* --- for which names --- */

START_TEST(the_rule_for_the_longest_beginning_holds)
{
	static const struct {
		const char *name;
		uint32_t uid; /* who may */
	} which[] = {{"a.b.c", 3}, {"a.b.d", 2},  {"a.b.d.e", 2}, {"a.x", 1},
		     {"a.b", 1},   {"a.b.", 2},	  {"a.", 1},	  {"ab", 1000},
		     {"a", 1000},  {"a.b.c.", 2}, {"a.b.*", 2}};
	struct lab_names names;
	struct lab_thread *user[4];
	struct lab *lab;
	mach_port_name_t port;

	lab_names_init(&names);
	lab_who_uid(&lab_names_add(&names, "a.*")->br_own, 1, 1);
	lab_who_uid(&lab_names_add(&names, "a.b.*")->br_own, 2, 1);
	lab_who_uid(&lab_names_add(&names, "a.b.c")->br_own, 3, 1);
	lab = start(&names);
	for (uint32_t i = 1; i <= 3; i++)
		user[i] = lab_task(lab, i)->thread;
	for (unsigned i = 0; i < sizeof which / sizeof *which; i++) {
		for (uint32_t uid = 1; uid <= 3; uid++)
			if (uid != which[i].uid && which[i].uid != 1000)
				lab_is(BOOTSTRAP_NOT_PRIVILEGED,
				       lab_check_in(user[uid], which[i].name, &port));
		lab_ok(lab_check_in(user[which[i].uid % 997], which[i].name, &port));
	}
	lab_stop(lab);
}
END_TEST

START_TEST(a_name_of_a_beginning_is_free_when_its_port_dies)
{
	struct lab_names names;
	struct lab_thread *owner;
	struct lab *lab;
	mach_port_name_t port, name;

	lab_names_init(&names);
	lab_who_uid(&lab_names_add(&names, "a.*")->br_look_up, 1001, 1);
	lab = start(&names);
	owner = lab_task(lab, 1000)->thread;
	lab_is(BOOTSTRAP_UNKNOWN_SERVICE, lab_look_up(owner, "a.b", &port));
	lab_ok(lab_check_in(owner, "a.b", &port));
	lab_is(BOOTSTRAP_NOT_PRIVILEGED, lab_look_up(owner, "a.b", &name));
	lab_ok(lab_look_up(lab_task(lab, 1001)->thread, "a.b", &name));
	lab_ok(lab_register(owner, "a.c", lab_new_service(owner)));
	lab_ok(lab_register(owner, "a.c", MACH_PORT_NULL));
	lab_ok(lab_destroy(owner, port));
	ck_assert_uint_eq(lab->starts, 0);
	lab_ok(lab_check_in(owner, "a.b", &port));
	lab_stop(lab);
}
END_TEST

START_TEST(who_may_look_a_name_up_may_not_take_it_back)
{
	struct lab_names names;
	struct lab_thread *owner, *other;
	struct lab *lab;

	lab_names_init(&names);
	lab_names_add(&names, "a.*");
	lab = start(&names);
	owner = lab_task(lab, 1000)->thread;
	other = lab_task(lab, 1001)->thread;
	lab_ok(lab_register(owner, "a.b", lab_new_service(owner)));
	lab_is(BOOTSTRAP_NOT_PRIVILEGED, lab_register(other, "a.b", MACH_PORT_NULL));
	lab_ok(lab_register(lab_task(lab, 0)->thread, "a.b", MACH_PORT_NULL));
	lab_stop(lab);
}
END_TEST

START_TEST(a_declared_name_cannot_be_taken_back)
{
	struct lab_names names;
	struct lab_thread *owner;
	struct lab *lab;
	mach_port_name_t port;

	lab_names_init(&names);
	lab_names_add(&names, NAME);
	lab = start(&names);
	owner = lab_task(lab, 1000)->thread;
	lab_is(BOOTSTRAP_UNKNOWN_SERVICE, lab_register(owner, NAME, MACH_PORT_NULL));
	lab_ok(lab_check_in(owner, NAME, &port));
	lab_is(BOOTSTRAP_NOT_PRIVILEGED, lab_register(owner, NAME, MACH_PORT_NULL));
	lab_stop(lab);
}
END_TEST

/* --- names that no rule is for --- */

START_TEST(machd_conf_says_who_may_bring_other_names)
{
	struct lab_names names;
	struct lab_thread *may, *may_not;
	struct lab *lab;
	mach_port_name_t port;

	lab_names_init(&names);
	names.policy.bp_head.bh_register = (struct ipc_uids){.us_count = 1, .us_uid = {1000}};
	lab = start(&names);
	may = lab_task(lab, 1000)->thread;
	may_not = lab_task(lab, 1001)->thread;
	lab_is(BOOTSTRAP_UNKNOWN_SERVICE, lab_check_in(may_not, "x", &port));
	lab_is(BOOTSTRAP_NOT_PRIVILEGED, lab_register(may_not, "x", lab_new_service(may_not)));
	lab_ok(lab_check_in(may, "x", &port));
	lab_ok(lab_register(may, "y", lab_new_service(may)));
	lab_is(BOOTSTRAP_UNKNOWN_SERVICE, lab_check_in(may_not, "x", &port));
	lab_is(BOOTSTRAP_NOT_PRIVILEGED, lab_look_up(may_not, "x", &port));
	lab_stop(lab);
}
END_TEST

/* --- a forked process is who it is, not who its parent was --- */

START_TEST(identity_is_not_inherited)
{
	struct lab_names names;
	struct lab_task *parent, *child;
	struct lab *lab;
	mach_port_name_t port;

	lab_names_init(&names);
	lab_who_unit(&lab_names_add(&names, NAME)->br_own, UNIT, 2);
	lab = start(&names);
	lab->identity = &in_unit;
	parent = lab_task(lab, 1000);
	lab->identity = NULL;
	child = lab_fork(lab, 1000, parent->token);
	lab_is(BOOTSTRAP_NOT_PRIVILEGED, lab_check_in(child->thread, NAME, &port));
	lab_is(BOOTSTRAP_NOT_PRIVILEGED, lab_check_in(lab_task(lab, 1000)->thread, NAME, &port));
	lab_ok(lab_check_in(lab_thread(parent), NAME, &port)); /* a thread is who its task is */
	lab_stop(lab);
}
END_TEST

static void add_tests(TCase *tcase)
{
	int count = sizeof cases / sizeof *cases;

	tcase_add_loop_test(tcase, a_rule_says_who_may_own_a_name, 0, count);
	tcase_add_loop_test(tcase, a_rule_says_who_may_look_a_name_up, 0, count);
	tcase_add_test(tcase, one_of_several_is_enough);
	tcase_add_test(tcase, the_rule_for_the_longest_beginning_holds);
	tcase_add_test(tcase, a_name_of_a_beginning_is_free_when_its_port_dies);
	tcase_add_test(tcase, who_may_look_a_name_up_may_not_take_it_back);
	tcase_add_test(tcase, a_declared_name_cannot_be_taken_back);
	tcase_add_test(tcase, machd_conf_says_who_may_bring_other_names);
	tcase_add_test(tcase, identity_is_not_inherited);
}

int main(void)
{
	return lab_run("boot_policy", add_tests);
}
