/* SPDX-License-Identifier: Apache-2.0 */
/* Subsets: names of their own, the way up, who may, and the end with the requestor [24]. */
#include <mach/task_special_ports.h>
#include <servers/bootstrap.h>
#include <string.h>

#include "daemon/base/mem.h"
#include "tests/lab/lab_expect.h"
#include "tests/lab/lab_names.h"

static struct lab *lab;
static struct lab_thread *a, *b;

/* Rights go from one uid to another by names that everybody may use. */
static void begin_with(struct lab_names *names)
{
	struct lab_options options;

	lab_names_add(names, "lab.*");
	lab_options_init(&options);
	options.names = lab_names_policy(names);
	options.owner_uid = 900;
	lab = lab_start(&options);
	a = lab_task(lab, 1000)->thread;
	b = lab_task(lab, 1001)->thread;
}

static void begin(void)
{
	struct lab_names names;

	lab_names_init(&names);
	begin_with(&names);
}

static kern_return_t make_subset(struct lab_thread *thread, mach_port_name_t bp,
				 mach_port_name_t requestor, mach_port_name_t *subset)
{
	struct bootstrap_subset_in in = {.requestor = requestor};
	struct bootstrap_subset_out out = {0};
	kern_return_t kr = lab_call(thread, MACHD_ROUTINE_bootstrap_subset, bp, &in, sizeof in,
				    &out, sizeof out, NULL);

	*subset = out.port;
	return kr;
}

/* The calls at any bootstrap port. */
static kern_return_t check_in(struct lab_thread *thread, mach_port_name_t bp, const char *service,
			      mach_port_name_t *port)
{
	struct bootstrap_check_in_in in = {0};
	struct bootstrap_check_in_out out = {0};
	kern_return_t kr;

	strcpy(in.service, service);
	kr = lab_call(thread, MACHD_ROUTINE_bootstrap_check_in, bp, &in, sizeof in, &out,
		      sizeof out, NULL);
	*port = out.port;
	return kr;
}

static kern_return_t enter(struct lab_thread *thread, mach_port_name_t bp, const char *service,
			   mach_port_name_t port)
{
	struct bootstrap_register_in in = {.port = port};

	strcpy(in.service, service);
	return lab_call(thread, MACHD_ROUTINE_bootstrap_register, bp, &in, sizeof in, NULL, 0,
			NULL);
}

static kern_return_t look_up(struct lab_thread *thread, mach_port_name_t bp, const char *service,
			     mach_port_name_t *port)
{
	struct bootstrap_look_up_in in = {0};
	struct bootstrap_look_up_out out = {0};
	kern_return_t kr;

	strcpy(in.service, service);
	kr = lab_call(thread, MACHD_ROUTINE_bootstrap_look_up, bp, &in, sizeof in, &out, sizeof out,
		      NULL);
	*port = out.port;
	return kr;
}

static kern_return_t status(struct lab_thread *thread, mach_port_name_t bp, const char *service,
			    uint32_t *active)
{
	struct bootstrap_status_in in = {0};
	struct bootstrap_status_out out = {.active = 77};
	kern_return_t kr;

	strcpy(in.service, service);
	kr = lab_call(thread, MACHD_ROUTINE_bootstrap_status, bp, &in, sizeof in, &out, sizeof out,
		      NULL);
	*active = out.active;
	return kr;
}

/* parent and unprivileged have no arguments. */
static kern_return_t ask(struct lab_thread *thread, uint32_t routine, mach_port_name_t bp,
			 mach_port_name_t *port)
{
	struct bootstrap_parent_out out = {0};
	kern_return_t kr = lab_call(thread, routine, bp, NULL, 0, &out, sizeof out, NULL);

	*port = out.port;
	return kr;
}

START_TEST(a_subset_has_names_of_its_own)
{
	mach_port_name_t subset, inside, outside, name;

	begin();
	lab_ok(make_subset(a, a->task->bootstrap, a->task->self, &subset));
	lab_name_is(a, subset, SEND, 1);
	lab_ok(check_in(a, subset, "x", &inside));
	lab_is(BOOTSTRAP_SERVICE_ACTIVE, check_in(a, subset, "x", &name));
	lab_is(BOOTSTRAP_UNKNOWN_SERVICE, lab_look_up(a, "x", &name));
	lab_ok(lab_check_in(a, "x", &outside));
	lab_ok(look_up(a, subset, "x", &name));
	ck_assert_uint_eq(name, inside);
	lab_ok(lab_look_up(a, "x", &name));
	ck_assert_uint_eq(name, outside);
	lab_ok(lab_check_in(a, "y", &outside));
	lab_ok(look_up(a, subset, "y", &name)); /* others are the parent's */
	ck_assert_uint_eq(name, outside);
	lab_is(BOOTSTRAP_UNKNOWN_SERVICE, look_up(a, subset, "z", &name));
	lab_ok(lab_destroy(a, inside));
	lab_ok(look_up(a, subset, "x", &name));
	lab_stop(lab);
}
END_TEST

/* A subset of a's, that b has as well under the name that is returned. */
static mach_port_name_t shared(mach_port_name_t *subset)
{
	lab_ok(make_subset(a, a->task->bootstrap, a->task->self, subset));
	return lab_pass(a, *subset, COPY_SEND, b);
}

START_TEST(who_has_the_port_may_use_it)
{
	mach_port_name_t subset, theirs, port, name;

	begin();
	theirs = shared(&subset);
	lab_ok(check_in(b, theirs, "x", &port));
	lab_ok(look_up(a, subset, "x", &name));
	lab_is(BOOTSTRAP_SERVICE_ACTIVE, check_in(a, subset, "x", &name));
	lab_is(BOOTSTRAP_NAME_IN_USE, enter(a, subset, "x", lab_new_service(a)));
	lab_stop(lab);
}
END_TEST

START_TEST(names_are_taken_back_by_who_brought_them_or_made_the_subset)
{
	mach_port_name_t subset, theirs;

	begin();
	theirs = shared(&subset);
	lab_ok(enter(b, theirs, "b", lab_new_service(b)));
	lab_ok(enter(a, subset, "a", lab_new_service(a)));
	lab_is(BOOTSTRAP_NOT_PRIVILEGED, enter(b, theirs, "a", MACH_PORT_NULL));
	lab_ok(enter(a, subset, "b", MACH_PORT_NULL));
	lab_is(BOOTSTRAP_UNKNOWN_SERVICE, enter(b, theirs, "b", MACH_PORT_NULL));
	lab_is(BOOTSTRAP_UNKNOWN_SERVICE, enter(a, subset, "none", MACH_PORT_NULL));
	lab_stop(lab);
}
END_TEST

START_TEST(rules_are_for_the_first_port_and_hold_from_below)
{
	struct lab_names names;
	mach_port_name_t subset, port, name;

	lab_names_init(&names);
	lab_who_uid(&lab_names_add(&names, "mine")->br_look_up, 1000, 1);
	lab_who_uid(&lab_names_add(&names, "others")->br_look_up, 1001, 1);
	begin_with(&names);
	lab_ok(make_subset(a, a->task->bootstrap, a->task->self, &subset));
	lab_ok(look_up(a, subset, "mine", &name));
	ck_assert_uint_eq(lab->starts, 1);
	lab_is(BOOTSTRAP_NOT_PRIVILEGED, look_up(a, subset, "others", &name));
	lab_ok(check_in(a, subset, "others", &port)); /* it hides the other one, and is not kept */
	lab_ok(look_up(a, subset, "others", &name));
	ck_assert_uint_eq(name, port);
	lab_ok(lab_destroy(a, port));
	ck_assert_uint_eq(lab->starts, 1);
	lab_is(BOOTSTRAP_NOT_PRIVILEGED, look_up(a, subset, "others", &name));
	lab_stop(lab);
}
END_TEST

START_TEST(a_status_is_told)
{
	struct lab_names names;
	mach_port_name_t subset, port;
	uint32_t active;

	lab_names_init(&names);
	lab_names_add(&names, "demand");
	lab_names_add(&names, "never")->br_start = BOOT_START_NEVER;
	lab_who_uid(&lab_names_add(&names, "others")->br_look_up, 1001, 1);
	begin_with(&names);
	lab_ok(make_subset(a, a->task->bootstrap, a->task->self, &subset));
	lab_ok(status(a, subset, "demand", &active));
	ck_assert_uint_eq(active, BOOTSTRAP_STATUS_ON_DEMAND);
	lab_ok(status(a, subset, "never", &active));
	ck_assert_uint_eq(active, BOOTSTRAP_STATUS_INACTIVE);
	lab_is(BOOTSTRAP_NOT_PRIVILEGED, status(a, subset, "others", &active));
	lab_is(BOOTSTRAP_UNKNOWN_SERVICE, status(a, subset, "none", &active));
	lab_is(BOOTSTRAP_UNKNOWN_SERVICE, status(a, subset, "", &active));
	ck_assert_uint_eq(lab->starts, 0); /* it only looks */
	lab_ok(lab_check_in(a, "demand", &port));
	lab_ok(status(a, a->task->bootstrap, "demand", &active));
	ck_assert_uint_eq(active, BOOTSTRAP_STATUS_ACTIVE);
	lab_ok(check_in(a, subset, "inside", &port));
	lab_ok(status(a, subset, "inside", &active));
	ck_assert_uint_eq(active, BOOTSTRAP_STATUS_ACTIVE);
	lab_stop(lab);
}
END_TEST

START_TEST(the_parent_is_for_the_privileged)
{
	mach_port_name_t subset, below, port;
	struct lab_thread *root;

	begin();
	lab_ok(make_subset(a, a->task->bootstrap, a->task->self, &subset));
	lab_ok(make_subset(a, subset, a->task->self, &below));
	lab_is(BOOTSTRAP_NOT_PRIVILEGED, ask(a, MACHD_ROUTINE_bootstrap_parent, below, &port));
	lab_ok(ask(a, MACHD_ROUTINE_bootstrap_unprivileged, below, &port));
	ck_assert_uint_eq(port, below);
	lab_name_is(a, below, SEND, 2);
	root = lab_task(lab, 0)->thread;
	below = lab_pass(a, below, COPY_SEND, root);
	subset = lab_pass(a, subset, COPY_SEND, root);
	lab_ok(ask(root, MACHD_ROUTINE_bootstrap_parent, below, &port));
	ck_assert_uint_eq(port, subset);
	lab_ok(ask(root, MACHD_ROUTINE_bootstrap_parent, subset, &port));
	ck_assert_uint_eq(port, root->task->bootstrap);
	lab_ok(ask(root, MACHD_ROUTINE_bootstrap_parent, port, &port));
	ck_assert_uint_eq(port, root->task->bootstrap);
	lab_stop(lab);
}
END_TEST

START_TEST(a_subset_ends_with_its_requestor)
{
	mach_port_name_t requestor, subset, theirs, below, service, name, port;

	begin();
	requestor = lab_new_service(a);
	lab_ok(make_subset(a, a->task->bootstrap, requestor, &subset));
	theirs = lab_pass(a, subset, COPY_SEND, b);
	lab_ok(make_subset(b, theirs, b->task->self, &below));
	lab_ok(check_in(b, theirs, "x", &service));
	lab_ok(check_in(b, below, "y", &name));
	lab_ok(look_up(b, below, "x", &port));
	lab_ok(lab_mod_refs(a, requestor, MACH_PORT_RIGHT_RECEIVE, -1));
	lab_name_is(a, subset, DEAD_NAME, 1);
	lab_name_is(b, theirs, DEAD_NAME, 1);
	lab_name_is(b, service, SEND_RECEIVE, 1); /* the port lives, its name does not */
	lab_ok(look_up(b, below, "y", &port));
	lab_is(BOOTSTRAP_UNKNOWN_SERVICE, look_up(b, below, "x", &port));
	lab_is(BOOTSTRAP_UNKNOWN_SERVICE, look_up(b, below, "none", &port));
	lab_stop(lab);
}
END_TEST

START_TEST(and_with_the_task_that_asked_for_it)
{
	mach_port_name_t subset, theirs, port;

	begin();
	theirs = shared(&subset);
	lab_ok(check_in(b, theirs, "x", &port));
	lab_kill(a->task);
	lab_name_is(b, theirs, DEAD_NAME, 1);
	lab_stop(lab);
}
END_TEST

START_TEST(a_requestor_is_a_port_that_can_die)
{
	mach_port_name_t subset, port;

	begin();
	port = lab_new_port(a);
	lab_is(MACH_SEND_INVALID_RIGHT, make_subset(a, a->task->bootstrap, port, &subset));
	lab_is(MACH_SEND_INVALID_RIGHT,
	       make_subset(a, a->task->bootstrap, MACH_PORT_NULL, &subset));
	lab_is(KERN_INVALID_CAPABILITY,
	       make_subset(a, a->task->bootstrap, lab_new_dead_name(a), &subset));
	lab_is(KERN_INVALID_ARGUMENT, make_subset(a, a->task->bootstrap, a->task->host, &subset));
	lab_is(KERN_INVALID_ARGUMENT,
	       make_subset(a, a->task->bootstrap, a->task->bootstrap, &subset));
	lab_is(MACH_SEND_INVALID_DEST, make_subset(a, a->task->self, a->task->self, &subset));
	lab_stop(lab);
}
END_TEST

START_TEST(subsets_are_not_stacked_without_end)
{
	mach_port_name_t bp, next;

	begin();
	bp = a->task->bootstrap;
	for (unsigned i = 0; i < MACHD_SUBSETS_MAX; i++) {
		lab_ok(make_subset(a, bp, a->task->self, &next));
		bp = next;
	}
	lab_is(BOOTSTRAP_NO_MEMORY, make_subset(a, bp, a->task->self, &next));
	lab_is(BOOTSTRAP_UNKNOWN_SERVICE, look_up(a, bp, "none", &next));
	lab_stop(lab);
}
END_TEST

START_TEST(a_child_has_its_parents_bootstrap_port)
{
	mach_port_name_t subset, port, name;
	struct lab_thread *child;

	begin();
	lab_ok(make_subset(a, a->task->bootstrap, a->task->self, &subset));
	lab_ok(check_in(a, subset, "x", &port));
	lab_ok(lab_set_special_port(a, TASK_BOOTSTRAP_PORT, subset));
	child = lab_fork(lab, 1000, a->task->token)->thread;
	lab_ok(lab_look_up(child, "x", &name));
	lab_is(BOOTSTRAP_UNKNOWN_SERVICE, lab_look_up(b, "x", &name));
	lab_stop(lab);
}
END_TEST

START_TEST(without_memory_there_is_none)
{
	mach_port_name_t subset;
	kern_return_t kr;

	for (uint64_t failing = 1; failing < 6; failing++) {
		begin();
		mem_fail_after(failing);
		kr = make_subset(a, a->task->bootstrap, a->task->self, &subset);
		mem_fail_after(0);
		LAB_TRUE(kr == KERN_SUCCESS || kr == BOOTSTRAP_NO_MEMORY);
		LAB_TRUE(failing > 2 || kr == BOOTSTRAP_NO_MEMORY);
		lab_stop(lab);
	}
}
END_TEST

START_TEST(a_machine_stops_with_subsets)
{
	mach_port_name_t subset, theirs, port;

	begin();
	theirs = shared(&subset);
	lab_ok(check_in(b, theirs, "x", &port));
	lab_stop_at_once(lab);
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_test(tcase, a_subset_has_names_of_its_own);
	tcase_add_test(tcase, who_has_the_port_may_use_it);
	tcase_add_test(tcase, names_are_taken_back_by_who_brought_them_or_made_the_subset);
	tcase_add_test(tcase, rules_are_for_the_first_port_and_hold_from_below);
	tcase_add_test(tcase, a_status_is_told);
	tcase_add_test(tcase, the_parent_is_for_the_privileged);
	tcase_add_test(tcase, a_subset_ends_with_its_requestor);
	tcase_add_test(tcase, and_with_the_task_that_asked_for_it);
	tcase_add_test(tcase, a_requestor_is_a_port_that_can_die);
	tcase_add_test(tcase, subsets_are_not_stacked_without_end);
	tcase_add_test(tcase, a_child_has_its_parents_bootstrap_port);
	tcase_add_test(tcase, without_memory_there_is_none);
	tcase_add_test(tcase, a_machine_stops_with_subsets);
}

int main(void)
{
	return lab_run("boot_subset", add_tests);
}
