/* SPDX-License-Identifier: Apache-2.0 */
/* Names and subsets that end because others do: in any number, and each of them once [24]. */
#include <servers/bootstrap.h>
#include <string.h>
#include <sys/resource.h>

#include "daemon/ipc/ipc_account.h"
#include "daemon/ipc/ipc_task.h"
#include "tests/lab/lab_audit.h"
#include "tests/lab/lab_expect.h"
#include "tests/lab/lab_names.h"

enum { CHAIN = 2000, STACK = 512 << 10 };

static struct lab *lab;
static struct lab_thread *a;
static struct lab_names names;

/* Everybody may bring names, as many as the chain is long. */
static void begin(void)
{
	struct lab_options options;

	lab_names_init(&names);
	lab_options_init(&options);
	options.names = lab_names_policy(&names);
	options.limits.services_per_user = CHAIN + 10;
	options.limits.task_share = options.limits.user_share = 100;
	lab = lab_start(&options);
	a = lab_task(lab, 1000)->thread;
}

static mach_port_name_t create(mach_port_name_t bp, const char *service)
{
	struct bootstrap_create_service_in in = {0};
	struct bootstrap_create_service_out out = {0};

	strcpy(in.service, service);
	lab_ok(lab_call(a, MACHD_ROUTINE_bootstrap_create_service, bp, &in, sizeof in, &out,
			sizeof out, NULL));
	return out.port;
}

static void check_in(mach_port_name_t bp, const char *service)
{
	struct bootstrap_check_in_in in = {0};
	struct bootstrap_check_in_out out = {0};

	strcpy(in.service, service);
	lab_ok(lab_call(a, MACHD_ROUTINE_bootstrap_check_in, bp, &in, sizeof in, &out, sizeof out,
			NULL));
}

static void give_name(mach_port_name_t bp, const char *service, mach_port_name_t port)
{
	struct bootstrap_register_in in = {.port = port};

	strcpy(in.service, service);
	lab_ok(lab_call(a, MACHD_ROUTINE_bootstrap_register, bp, &in, sizeof in, NULL, 0, NULL));
}

static mach_port_name_t make_subset(mach_port_name_t requestor)
{
	struct bootstrap_subset_in in = {.requestor = requestor};
	struct bootstrap_subset_out out = {0};

	lab_ok(lab_call(a, MACHD_ROUTINE_bootstrap_subset, a->task->bootstrap, &in, sizeof in, &out,
			sizeof out, NULL));
	return out.port;
}

/* A port that the daemon keeps for one name, with another one behind it in the same table. */
static mach_port_name_t two_names(mach_port_name_t bp)
{
	mach_port_name_t port = create(bp, "kept");

	give_name(bp, "other", port);
	give_name(bp, "third", a->task->self);
	return port;
}

/* Whoever made the right to be told of pays for what the daemon says to a port that it keeps. */
START_TEST(notices_to_a_port_that_is_kept_are_paid_for)
{
	const struct ipc_account *account;
	mach_port_name_t port, once;

	begin();
	port = create(a->task->bootstrap, "kept");
	check_in(a->task->bootstrap, "kept");
	once = lab_new_once(a, port);
	lab_ok(lab_destroy(a, port));
	account = ipc_task_find(lab->host, a->task->token)->t_account;
	ck_assert_uint_eq(account->ac_held[IPC_CHARGE_MESSAGES], 0);
	lab_ok(lab_deallocate(a, once));
	lab_audit(lab);
	ck_assert_uint_eq(account->ac_held[IPC_CHARGE_MESSAGES], 1);
	check_in(a->task->bootstrap, "kept");
	lab_stop(lab);
}
END_TEST

START_TEST(a_subset_ends_with_two_names_of_a_port)
{
	mach_port_name_t requestor, subset, port;

	begin();
	requestor = lab_new_service(a);
	subset = make_subset(requestor);
	port = two_names(subset);
	lab_ok(lab_mod_refs(a, requestor, MACH_PORT_RIGHT_RECEIVE, -1));
	lab_name_is(a, subset, DEAD_NAME, 1);
	lab_name_is(a, port, DEAD_NAME, 1);
	lab_stop(lab);
}
END_TEST

/* Who cannot be asked for a name any more keeps none. */
START_TEST(a_subset_ends_with_its_last_right)
{
	mach_port_name_t subset, port;

	begin();
	subset = make_subset(a->task->self);
	port = create(subset, "kept");
	lab_ok(lab_deallocate(a, subset));
	lab_name_is(a, port, DEAD_NAME, 1);
	lab_stop(lab);
}
END_TEST

/* Its requestor is in the queue of a port that it keeps: nothing else would ever end them. */
START_TEST(a_subset_that_keeps_its_own_requestor)
{
	mach_port_name_t requestor, subset;
	struct lab_buffer message;

	begin();
	requestor = lab_new_service(a);
	subset = make_subset(requestor);
	lab_compose(&message, create(subset, "kept"), MOVE_SEND, NOBODY, 0, 1);
	lab_add_port(&message, requestor, MACH_MSG_TYPE_MOVE_RECEIVE);
	lab_ok(lab_send_now(a, &message));
	lab_ok(lab_deallocate(a, subset));
	lab_name_is(a, requestor, DEAD_NAME, 1);
	lab_stop(lab);
}
END_TEST

/* The same with a right to the subset in that queue as well. */
START_TEST(a_machine_stops_with_a_subset_that_keeps_itself)
{
	mach_port_name_t requestor, subset;
	struct lab_buffer message;

	begin();
	requestor = lab_new_service(a);
	subset = make_subset(requestor);
	lab_compose(&message, requestor, COPY_SEND, NOBODY, 0, 1);
	lab_add_port(&message, subset, COPY_SEND);
	lab_ok(lab_send_now(a, &message));
	lab_compose(&message, create(subset, "kept"), MOVE_SEND, NOBODY, 0, 1);
	lab_add_port(&message, requestor, MACH_MSG_TYPE_MOVE_RECEIVE);
	lab_ok(lab_send_now(a, &message));
	lab_stop(lab);
}
END_TEST

/* The last sender is the registry, and whom that is told to is the port itself. */
START_TEST(a_port_that_asked_for_its_senders_is_given_up)
{
	struct bootstrap_register_in in = {.service = "kept"};
	mach_port_name_t port, previous;

	begin();
	port = create(a->task->bootstrap, "kept");
	check_in(a->task->bootstrap, "kept");
	lab_ok(lab_request_notification(a, port, MACH_NOTIFY_NO_SENDERS, 1, port, MAKE_ONCE,
					&previous));
	lab_ok(lab_destroy(a, port));
	lab_ok(lab_call(a, MACHD_ROUTINE_bootstrap_register, a->task->bootstrap, &in, sizeof in,
			NULL, 0, NULL));
	lab_stop(lab);
}
END_TEST

START_TEST(a_machine_stops_with_two_names_of_a_port)
{
	begin();
	two_names(a->task->bootstrap);
	lab_stop_at_once(lab);
}
END_TEST

START_TEST(a_rule_ends_with_two_names_of_a_port)
{
	struct boot_policy none;
	mach_port_name_t port, name;

	begin();
	lab_names_add(&names, "kept")->br_start = BOOT_START_NEVER;
	port = create(a->task->bootstrap, "kept");
	give_name(a->task->bootstrap, "other", port);
	lab_set_names(lab, lab_names_policy(&names)); /* it is declared from now on */
	lab_audit(lab);
	boot_policy_init(&none);
	lab_set_names(lab, &none);
	lab_name_is(a, port, DEAD_NAME, 1);
	lab_is(BOOTSTRAP_UNKNOWN_SERVICE, lab_look_up(a, "kept", &name));
	lab_is(BOOTSTRAP_UNKNOWN_SERVICE, lab_look_up(a, "other", &name));
	lab_stop(lab);
}
END_TEST

/* The port of a name whose rule is gone comes home out of the queue of another such port. */
START_TEST(rules_end_with_a_port_in_the_queue_of_another)
{
	struct lab_buffer message;
	struct boot_policy none;
	mach_port_name_t first, second;

	begin();
	lab_names_add(&names, "kept");
	lab_names_add(&names, "sent");
	lab_set_names(lab, lab_names_policy(&names));
	lab_ok(lab_look_up(a, "kept", &first));
	check_in(a->task->bootstrap, "sent");
	lab_ok(lab_look_up(a, "sent", &second));
	lab_compose(&message, first, COPY_SEND, NOBODY, 0, 1);
	lab_add_port(&message, second, MACH_MSG_TYPE_MOVE_RECEIVE);
	lab_ok(lab_send_now(a, &message));
	boot_policy_init(&none);
	lab_set_names(lab, &none);
	lab_name_is(a, first, DEAD_NAME, 1);
	lab_name_is(a, second, DEAD_NAME, 1);
	lab_stop(lab);
}
END_TEST

/* Each has the port whose end is that of the next one: no matter how many they are. */
START_TEST(a_long_chain_of_subsets_ends)
{
	const struct rlimit small = {STACK, STACK};
	mach_port_name_t first, requestor, subset = MACH_PORT_NULL;

	begin();
	first = requestor = lab_new_service(a);
	for (unsigned i = 0; i < CHAIN; i++) {
		subset = make_subset(requestor);
		if (requestor != first) /* the port that its subset keeps ends with that */
			lab_ok(lab_mod_refs(a, requestor, MACH_PORT_RIGHT_RECEIVE, -1));
		requestor = create(subset, "next");
		check_in(subset, "next"); /* a port that is kept is no requestor */
	}
	ck_assert_int_eq(setrlimit(RLIMIT_STACK, &small), 0);
	lab_ok(lab_mod_refs(a, first, MACH_PORT_RIGHT_RECEIVE, -1));
	lab_name_is(a, subset, DEAD_NAME, 1);
	lab_stop(lab);
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_test(tcase, notices_to_a_port_that_is_kept_are_paid_for);
	tcase_add_test(tcase, a_subset_ends_with_two_names_of_a_port);
	tcase_add_test(tcase, a_subset_ends_with_its_last_right);
	tcase_add_test(tcase, a_subset_that_keeps_its_own_requestor);
	tcase_add_test(tcase, a_machine_stops_with_a_subset_that_keeps_itself);
	tcase_add_test(tcase, a_port_that_asked_for_its_senders_is_given_up);
	tcase_add_test(tcase, a_machine_stops_with_two_names_of_a_port);
	tcase_add_test(tcase, a_rule_ends_with_two_names_of_a_port);
	tcase_add_test(tcase, rules_end_with_a_port_in_the_queue_of_another);
	tcase_add_test(tcase, a_long_chain_of_subsets_ends);
}

int main(void)
{
	return lab_run("boot_ends", add_tests);
}
