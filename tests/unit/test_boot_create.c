/* SPDX-License-Identifier: Apache-2.0 */
/* Names that are created before anybody checks in: whose they are, what queues, how long [24]. */
#include <servers/bootstrap.h>
#include <string.h>

#include "daemon/base/mem.h"
#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_task.h"
#include "tests/lab/lab_audit.h"
#include "tests/lab/lab_expect.h"
#include "tests/lab/lab_mig.h"
#include "tests/lab/lab_names.h"

static struct lab *lab;
static struct lab_thread *a, *b; /* of two uids */
static struct lab_names names;

/* A command starts "org"; everybody may bring other names, four for each uid. */
static void begin(void)
{
	struct lab_options options;

	lab_names_init(&names);
	lab_names_add(&names, "org");
	lab_options_init(&options);
	options.names = lab_names_policy(&names);
	options.limits.services_per_user = 4;
	options.limits.task_share = options.limits.user_share = 100;
	lab = lab_start(&options);
	a = lab_task(lab, 1000)->thread;
	b = lab_task(lab, 1001)->thread;
}

/* A call with a name as its argument and a right as its result. */
static kern_return_t ask(struct lab_thread *thread, uint32_t routine, mach_port_name_t bp,
			 const char *service, mach_port_name_t *port)
{
	struct bootstrap_create_service_in in = {0};
	struct bootstrap_create_service_out out = {0};
	kern_return_t kr;

	strcpy(in.service, service);
	kr = lab_call(thread, routine, bp, &in, sizeof in, &out, sizeof out, NULL);
	*port = out.port;
	return kr;
}

static kern_return_t create(struct lab_thread *thread, const char *service, mach_port_name_t *port)
{
	return ask(thread, MACHD_ROUTINE_bootstrap_create_service, thread->task->bootstrap, service,
		   port);
}

static kern_return_t take_back(struct lab_thread *thread, const char *service)
{
	struct bootstrap_register_in in = {0};

	strcpy(in.service, service);
	return lab_call(thread, MACHD_ROUTINE_bootstrap_register, thread->task->bootstrap, &in,
			sizeof in, NULL, 0, NULL);
}

static kern_return_t make_subset(struct lab_thread *thread, mach_port_name_t requestor,
				 mach_port_name_t *subset)
{
	struct bootstrap_subset_in in = {.requestor = requestor};
	struct bootstrap_subset_out out = {0};
	kern_return_t kr = lab_call(thread, MACHD_ROUTINE_bootstrap_subset, thread->task->bootstrap,
				    &in, sizeof in, &out, sizeof out, NULL);

	*subset = out.port;
	return kr;
}

static uint32_t status(const char *service)
{
	struct bootstrap_status_in in = {0};
	struct bootstrap_status_out out = {.active = 77};

	strcpy(in.service, service);
	lab_ok(lab_call(a, MACHD_ROUTINE_bootstrap_status, a->task->bootstrap, &in, sizeof in, &out,
			sizeof out, NULL));
	return out.active;
}

START_TEST(messages_queue_until_somebody_checks_in)
{
	mach_port_name_t port, name;
	struct lab_thread *server;

	begin();
	server = lab_task(lab, 1000)->thread;
	lab_ok(create(a, "x", &port));
	lab_name_is(a, port, SEND, 1);
	ck_assert_uint_eq(status("x"), BOOTSTRAP_STATUS_INACTIVE);
	lab_ok(lab_look_up(a, "x", &name));
	ck_assert_uint_eq(name, port);
	lab_fill(a, port, 2, 1);
	lab_ok(lab_check_in(server, "x", &name));
	ck_assert_uint_eq(status("x"), BOOTSTRAP_STATUS_ACTIVE);
	ck_assert_uint_eq(lab_status(server, name).mps_mscount, 0);
	lab_message(server, name, 1);
	lab_is(BOOTSTRAP_SERVICE_ACTIVE, lab_check_in(a, "x", &name));
	ck_assert_uint_eq(lab->starts, 0);
	lab_stop(lab);
}
END_TEST

START_TEST(its_port_comes_back_with_its_queue)
{
	mach_port_name_t port, name;
	struct lab_thread *server;

	begin();
	server = lab_task(lab, 1000)->thread;
	lab_ok(create(a, "x", &port));
	lab_ok(lab_check_in(server, "x", &name));
	lab_fill(a, port, 1, 7);
	lab_kill(server->task);
	lab_name_is(a, port, SEND, 1);
	ck_assert_uint_eq(status("x"), BOOTSTRAP_STATUS_INACTIVE);
	lab_fill(a, port, 1, 8);
	lab_ok(lab_check_in(a, "x", &name));
	ck_assert_uint_eq(name, port);
	lab_message(a, port, 7);
	lab_message(a, port, 8);
	ck_assert_uint_eq(lab->starts, 0);
	lab_stop(lab);
}
END_TEST

/* Whoever gives the receive right up and keeps a send right has the same port still. */
START_TEST(its_holder_keeps_a_send_right)
{
	mach_port_name_t port, name, previous;

	begin();
	lab_ok(create(a, "x", &port));
	lab_ok(lab_check_in(a, "x", &name));
	ck_assert_uint_eq(name, port);
	lab_ok(lab_request_notification(a, port, MACH_NOTIFY_DEAD_NAME, 0, lab_new_port(a),
					MAKE_ONCE, &previous));
	lab_ok(lab_mod_refs(a, port, MACH_PORT_RIGHT_RECEIVE, -1));
	lab_name_is(a, port, SEND, 1);
	lab_fill(a, port, 1, 7);
	lab_ok(lab_check_in(a, "x", &name));
	lab_message(a, port, 7);
	lab_stop(lab);
}
END_TEST

/* The port is kept for the name that was created, and not for another that it has. */
START_TEST(another_name_of_its_port_is_taken_back)
{
	mach_port_name_t port, name;
	struct bootstrap_register_in in = {.service = "other"};

	begin();
	lab_ok(create(a, "x", &port));
	in.port = port;
	lab_ok(lab_call(a, MACHD_ROUTINE_bootstrap_register, a->task->bootstrap, &in, sizeof in,
			NULL, 0, NULL));
	lab_audit(lab);
	lab_ok(take_back(a, "other"));
	lab_name_is(a, port, SEND, 1);
	lab_ok(lab_check_in(a, "x", &name));
	ck_assert_uint_eq(name, port);
	lab_stop(lab);
}
END_TEST

START_TEST(it_outlives_its_maker_and_is_the_uids)
{
	mach_port_name_t port, name;
	struct lab_thread *root;

	begin();
	root = lab_task(lab, 0)->thread;
	lab_ok(create(a, "x", &port));
	lab_kill(a->task);
	lab_is(BOOTSTRAP_NOT_PRIVILEGED, lab_look_up(b, "x", &name));
	lab_is(BOOTSTRAP_NOT_PRIVILEGED, lab_check_in(b, "x", &name));
	lab_is(BOOTSTRAP_NOT_PRIVILEGED, take_back(b, "x"));
	lab_is(BOOTSTRAP_NAME_IN_USE, create(b, "x", &name));
	lab_ok(lab_check_in(root, "x", &name));
	lab_ok(lab_destroy(root, name));
	a = lab_task(lab, 1000)->thread;
	lab_ok(lab_check_in(a, "x", &name));
	lab_stop(lab);
}
END_TEST

START_TEST(it_is_taken_back)
{
	mach_port_name_t port, held, name;

	begin();
	lab_ok(create(a, "x", &port));
	lab_ok(create(a, "y", &held));
	lab_ok(lab_check_in(a, "y", &held));
	lab_fill(a, port, 1, 1);
	lab_ok(take_back(a, "x"));
	lab_name_is(a, port, DEAD_NAME, 1);
	lab_is(BOOTSTRAP_UNKNOWN_SERVICE, lab_look_up(a, "x", &name));
	lab_ok(take_back(a, "y"));
	lab_name_is(a, held, SEND_RECEIVE, 1); /* who holds it keeps it */
	lab_ok(lab_destroy(a, held));
	lab_is(BOOTSTRAP_UNKNOWN_SERVICE, lab_look_up(a, "y", &name));
	lab_ok(create(b, "x", &name));
	lab_stop(lab);
}
END_TEST

START_TEST(a_name_is_there_once)
{
	mach_port_name_t port;

	begin();
	lab_is(BOOTSTRAP_BAD_COUNT, create(a, "", &port));
	lab_ok(create(a, "x", &port));
	lab_is(BOOTSTRAP_NAME_IN_USE, create(a, "x", &port));
	lab_ok(lab_check_in(a, "y", &port));
	lab_is(BOOTSTRAP_NAME_IN_USE, create(a, "y", &port));
	lab_is(BOOTSTRAP_NAME_IN_USE, create(a, "org", &port)); /* though nobody has used it */
	lab_stop(lab);
}
END_TEST

START_TEST(a_rule_says_who_may)
{
	mach_port_name_t port;

	begin();
	lab_names_init(&names);
	lab_who_uid(&lab_names_add(&names, "mine.*")->br_own, 1000, 1);
	lab_set_names(lab, lab_names_policy(&names));
	lab_is(BOOTSTRAP_NOT_PRIVILEGED, create(b, "mine.x", &port));
	lab_ok(create(a, "mine.x", &port));
	lab_stop(lab);
}
END_TEST

START_TEST(names_are_charged_to_the_uid)
{
	static const char *const service[] = {"1", "2", "3", "4"};
	mach_port_name_t port;

	begin();
	for (unsigned i = 0; i < 4; i++)
		lab_ok(create(a, service[i], &port));
	lab_is(BOOTSTRAP_NO_MEMORY, create(a, "5", &port));
	lab_kill(a->task);
	a = lab_task(lab, 1000)->thread;
	lab_is(BOOTSTRAP_NO_MEMORY, create(a, "5", &port));
	lab_ok(create(b, "5", &port));
	lab_ok(take_back(a, "1"));
	lab_ok(create(a, "1", &port));
	lab_stop(lab);
}
END_TEST

static uint64_t held(const struct ipc_user *user)
{
	return user->u_held[IPC_CHARGE_PORTS];
}

/* Its port is: to who made it while the daemon has it, and to its holder else. */
START_TEST(a_port_is_charged_to_who_made_its_name)
{
	mach_port_name_t port, name;
	struct ipc_user *of_a, *of_root;
	struct lab_thread *root;
	uint64_t before, roots;

	begin();
	root = lab_task(lab, 0)->thread;
	of_a = ipc_task_find(lab->host, a->task->token)->t_user;
	of_root = ipc_task_find(lab->host, root->task->token)->t_user;
	before = held(of_a);
	roots = held(of_root);
	lab_ok(create(a, "x", &port));
	ck_assert_uint_eq(held(of_a), before + 1);
	lab_ok(lab_check_in(root, "x", &name));
	ck_assert_uint_eq(held(of_a), before);
	ck_assert_uint_eq(held(of_root), roots + 1);
	lab_ok(lab_destroy(root, name));
	ck_assert_uint_eq(held(of_a), before + 1);
	ck_assert_uint_eq(held(of_root), roots);
	lab_audit(lab);
	lab_kill(a->task);
	ck_assert_uint_ge(held(of_a), 1);
	lab_audit(lab);
	lab_ok(take_back(root, "x"));
	lab_audit(lab);
	lab_stop(lab);
}
END_TEST

/* At the limit: no name more, but who has paid may check in. */
START_TEST(a_name_needs_room_for_its_port)
{
	mach_port_name_t port, own;
	struct machd_limits limits;

	begin();
	lab_ok(create(a, "x", &port));
	limits = lab->host->h_limits;
	limits.ports_per_user = held(ipc_task_find(lab->host, a->task->token)->t_user);
	lab_limits(lab, &limits);
	lab_is(BOOTSTRAP_NO_MEMORY, create(a, "y", &own));
	lab_is(BOOTSTRAP_UNKNOWN_SERVICE, lab_look_up(a, "y", &own));
	lab_ok(lab_check_in(a, "x", &port));
	lab_ok(lab_destroy(a, port));
	limits.ports_per_user--;
	lab_limits(lab, &limits);
	lab_is(BOOTSTRAP_NO_MEMORY, lab_check_in(a, "x", &port));
	lab_audit(lab);
	lab_stop(lab);
}
END_TEST

START_TEST(in_a_subset_it_is_for_who_has_that)
{
	mach_port_name_t requestor, subset, theirs, port, name;

	begin();
	requestor = lab_new_service(a);
	lab_ok(make_subset(a, requestor, &subset));
	lab_names_init(&names);
	lab_names_add(&names, "lab.*");
	lab_set_names(lab, lab_names_policy(&names));
	theirs = lab_pass(a, subset, COPY_SEND, b);
	lab_ok(ask(a, MACHD_ROUTINE_bootstrap_create_service, subset, "x", &port));
	lab_is(BOOTSTRAP_UNKNOWN_SERVICE, lab_look_up(a, "x", &name));
	lab_ok(ask(b, MACHD_ROUTINE_bootstrap_check_in, theirs, "x", &name));
	lab_kill(b->task);
	lab_name_is(a, port, SEND, 1);
	lab_fill(a, port, 1, 1);
	lab_ok(lab_mod_refs(a, requestor, MACH_PORT_RIGHT_RECEIVE, -1));
	lab_name_is(a, port, DEAD_NAME, 1);
	lab_stop(lab);
}
END_TEST

START_TEST(a_created_name_is_declared_later_and_back)
{
	mach_port_name_t port, name;

	begin();
	lab_ok(create(a, "x", &port));
	lab_set_names(lab, lab_names_policy(&names)); /* "org": it is not for the name */
	lab_name_is(a, port, SEND, 1);
	lab_fill(a, port, 1, 1);
	lab_names_add(&names, "x");
	lab_set_names(lab, lab_names_policy(&names));
	ck_assert_uint_eq(lab->starts, 1); /* a message waits */
	ck_assert_str_eq(lab->start_service, "x");
	lab_ok(lab_check_in(b, "x", &name));
	lab_message(b, name, 1);
	lab_names_init(&names);
	lab_set_names(lab, lab_names_policy(&names));
	lab_ok(lab_destroy(b, name)); /* now it is b's, like any other */
	lab_name_is(a, port, DEAD_NAME, 1);
	lab_stop(lab);
}
END_TEST

START_TEST(by_message)
{
	mach_port_name_t reply, created;
	char service[128] = "x";

	begin();
	reply = lab_new_port(a);
	mig_start(410, a->task->bootstrap, reply);
	mig_words((const uint32_t *)(const void *)service, sizeof service / sizeof(uint32_t));
	lab_ok(mig_call(a));
	created = mig_port(0).name;
	ck_assert_uint_eq(mig_port(0).disposition, MACH_MSG_TYPE_PORT_SEND);
	lab_name_is(a, created, SEND, 1);
	lab_stop(lab);
}
END_TEST

START_TEST(without_memory_there_is_none)
{
	mach_port_name_t port, again;
	kern_return_t kr;

	for (uint64_t failing = 1; failing < 6; failing++) {
		begin();
		mem_fail_after(failing);
		kr = create(a, "x", &port);
		mem_fail_after(0);
		LAB_TRUE(kr == KERN_SUCCESS || kr == BOOTSTRAP_NO_MEMORY);
		LAB_TRUE(failing > 2 || kr == BOOTSTRAP_NO_MEMORY);
		lab_is(kr ? KERN_SUCCESS : BOOTSTRAP_NAME_IN_USE, create(a, "x", &again));
		lab_stop(lab);
	}
}
END_TEST

START_TEST(a_machine_stops_with_created_names)
{
	mach_port_name_t port;

	begin();
	lab_ok(create(a, "x", &port));
	lab_ok(create(a, "y", &port));
	lab_ok(lab_check_in(b, "z", &port));
	lab_ok(lab_check_in(a, "y", &port));
	lab_stop_at_once(lab);
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_test(tcase, messages_queue_until_somebody_checks_in);
	tcase_add_test(tcase, its_port_comes_back_with_its_queue);
	tcase_add_test(tcase, its_holder_keeps_a_send_right);
	tcase_add_test(tcase, another_name_of_its_port_is_taken_back);
	tcase_add_test(tcase, it_outlives_its_maker_and_is_the_uids);
	tcase_add_test(tcase, it_is_taken_back);
	tcase_add_test(tcase, a_name_is_there_once);
	tcase_add_test(tcase, a_rule_says_who_may);
	tcase_add_test(tcase, names_are_charged_to_the_uid);
	tcase_add_test(tcase, a_port_is_charged_to_who_made_its_name);
	tcase_add_test(tcase, a_name_needs_room_for_its_port);
	tcase_add_test(tcase, in_a_subset_it_is_for_who_has_that);
	tcase_add_test(tcase, a_created_name_is_declared_later_and_back);
	tcase_add_test(tcase, by_message);
	tcase_add_test(tcase, without_memory_there_is_none);
	tcase_add_test(tcase, a_machine_stops_with_created_names);
}

int main(void)
{
	return lab_run("boot_create", add_tests);
}
