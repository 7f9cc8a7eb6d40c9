/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a process that is killed leaves to those who asked to hear of it, statement by statement of
 * the contract [14.2, 15.4]: its ports, its rights to ports of others, its requests.
 */
#include <servers/bootstrap.h>

#include "tests/flow/flow.h"

#define COPY	  MACH_MSG_TYPE_COPY_SEND
#define MAKE	  MACH_MSG_TYPE_MAKE_SEND
#define MAKE_ONCE MACH_MSG_TYPE_MAKE_SEND_ONCE
#define MOVE_ONCE MACH_MSG_TYPE_MOVE_SEND_ONCE
#define RECEIVE	  MACH_MSG_TYPE_MOVE_RECEIVE

#define SELF	mach_task_self()
#define SERVICE "org.example.deaths"

static mach_port_t service;

/* A child process tells this one of a right of its own. */
static void introduce(mach_port_t name, mach_msg_type_name_t type)
{
	mach_port_t parent;
	struct flow_message message;

	CHECK_OK(bootstrap_look_up(bootstrap_port, SERVICE, &parent));
	flow_complex(&message, parent, COPY, 1);
	flow_add_port(&message, name, type);
	CHECK_OK(flow_send(&message));
}

static mach_port_t introduced(void)
{
	struct flow_message message;

	flow_await(service, &message);
	return message.port[0].name;
}

/* Give the child a right to something of this process. */
static void hand_over(mach_port_t to, mach_port_t name, mach_msg_type_name_t type)
{
	struct flow_message message;

	flow_complex(&message, to, COPY, 2);
	flow_add_port(&message, name, type);
	CHECK_OK(flow_send(&message));
}

/*
 * A process whose port has the requests that the parent's send-once rights are for, a sender of its
 * own, and two messages in its queue.
 */
static void own_a_port(void *unused)
{
	mach_port_t port = flow_receive_right(), once[2], previous;
	struct flow_message message;

	(void)unused;
	introduce(port, MAKE);
	for (unsigned i = 0; i < 2; i++) {
		flow_await(port, &message);
		once[i] = message.port[0].name;
	}
	flow_make_send(port, 1);
	flow_fill(port, 2);
	CHECK_OK(mach_port_request_notification(SELF, port, MACH_NOTIFY_NO_SENDERS, 0, once[0],
						MOVE_ONCE, &previous));
	if (flow_hear_parent())
		CHECK_OK(mach_port_request_notification(SELF, port, MACH_NOTIFY_PORT_DESTROYED, 0,
							once[1], MOVE_ONCE, &previous));
	flow_tell_parent(port);
	flow_hear_parent();
}

/* The other process is killed: with a port-destroyed request, and without one. */
static void kill_an_owner(bool rescued, mach_port_t *port, mach_port_t notify[2], uint32_t *theirs)
{
	struct flow_child child;

	CHECK_OK(bootstrap_check_in(bootstrap_port, SERVICE, &service));
	flow_fork(&child, own_a_port, NULL);
	*port = introduced();
	for (unsigned i = 0; i < 2; i++) {
		notify[i] = flow_receive_right();
		hand_over(*port, notify[i], MAKE_ONCE);
	}
	flow_tell(&child, rescued);
	*theirs = flow_hear(&child);
	flow_kill(&child);
}

/* Case 229; what stands on the no-senders slot goes with the port to who has it next. */
START_TEST(n229_a_port_outlives_its_process)
{
	mach_port_t port, notify[2];
	struct flow_message message;
	uint32_t theirs;

	kill_an_owner(true, &port, notify, &theirs);
	CHECK_OK(flow_receive(notify[1], &message));
	CHECK_EQ(message.header.msgh_id, MACH_NOTIFY_PORT_DESTROYED);
	CHECK_EQ(message.port[0].name, port);
	CHECK_EQ(flow_type(port), MACH_PORT_TYPE_SEND_RECEIVE);
	CHECK_EQ(flow_status(port).mps_msgcount, 2);
	CHECK_EQ(flow_status(port).mps_mscount, 0);
	CHECK_EQ(flow_status(port).mps_seqno, 0);
	CHECK_EQ(flow_status(port).mps_pdrequest, 0);
	CHECK_EQ(flow_status(port).mps_nsrequest, 1);
	flow_notified(notify[0], -1);
	for (unsigned i = 0; i < 2; i++)
		CHECK_OK(flow_receive(port, &message));
	CHECK_OK(mach_port_deallocate(SELF, port));
	CHECK_EQ(flow_notified(notify[0], MACH_NOTIFY_NO_SENDERS), 0);
}
END_TEST

/* There are still senders elsewhere: who asked about them hears that it never will. */
START_TEST(a_port_that_dies_with_its_process)
{
	mach_port_t port, notify[2];
	uint32_t theirs;

	kill_an_owner(false, &port, notify, &theirs);
	flow_notified(notify[0], MACH_NOTIFY_SEND_ONCE);
	flow_notified(notify[1], MACH_NOTIFY_SEND_ONCE); /* it was in the process's hands */
	CHECK_EQ(flow_type(port), MACH_PORT_TYPE_DEAD_NAME);
}
END_TEST

/* The last send right goes with the process that has it, before the receive right does. */
static void own_all_of_a_port(void *unused)
{
	mach_port_t port = flow_receive_right(), previous;
	struct flow_message message;

	(void)unused;
	introduce(port, MAKE_ONCE);
	flow_await(port, &message);
	flow_make_send(port, 4);
	CHECK_OK(mach_port_request_notification(SELF, port, MACH_NOTIFY_NO_SENDERS, 0,
						message.port[0].name, MOVE_ONCE, &previous));
	flow_tell_parent(port);
	flow_hear_parent();
}

START_TEST(a_process_that_dies_with_the_only_sender)
{
	mach_port_t notify = flow_receive_right(), once;
	struct flow_message message;
	struct flow_child child;

	CHECK_OK(bootstrap_check_in(bootstrap_port, SERVICE, &service));
	flow_fork(&child, own_all_of_a_port, NULL);
	once = introduced();
	flow_complex(&message, once, MOVE_ONCE, 2);
	flow_add_port(&message, notify, MAKE_ONCE);
	CHECK_OK(flow_send(&message));
	flow_hear(&child);
	flow_kill(&child);
	CHECK_EQ(flow_notified(notify, MACH_NOTIFY_NO_SENDERS), 4);
	flow_notified(notify, -1);
}
END_TEST

/* A process that has rights of ours: send, send-once, and requests on both. */
static void hold_rights(void *unused)
{
	mach_port_t port = flow_receive_right(), name[5], previous;
	struct flow_message message;

	(void)unused;
	introduce(port, MAKE);
	for (unsigned i = 0; i < 5; i++) {
		flow_await(port, &message);
		name[i] = message.port[0].name;
	}
	for (unsigned i = 0; i < 2; i++)
		CHECK_OK(mach_port_request_notification(SELF, name[i], MACH_NOTIFY_DEAD_NAME, 0,
							name[3 + i], MOVE_ONCE, &previous));
	flow_tell_parent(name[0]);
	flow_tell_parent(name[1]);
	flow_hear_parent();
}

/* Cases 248, 334. */
START_TEST(what_a_process_held_is_told_when_it_dies)
{
	mach_port_t port = flow_receive_right(), senders = flow_receive_right(), to;
	mach_port_t deleted = flow_receive_right();
	struct flow_child child;
	uint32_t theirs[2];

	CHECK_OK(bootstrap_check_in(bootstrap_port, SERVICE, &service));
	flow_fork(&child, hold_rights, NULL);
	to = introduced();
	hand_over(to, port, MAKE);
	hand_over(to, port, MAKE_ONCE);
	hand_over(to, port, MAKE_ONCE);
	hand_over(to, deleted, MAKE_ONCE);
	hand_over(to, deleted, MAKE_ONCE);
	theirs[0] = flow_hear(&child);
	theirs[1] = flow_hear(&child);
	CHECK_EQ(flow_request(port, MACH_NOTIFY_NO_SENDERS, 1, senders), MACH_PORT_NULL);
	flow_notified(senders, -1);
	flow_kill(&child);
	CHECK_EQ(flow_notified(senders, MACH_NOTIFY_NO_SENDERS), 1);
	for (unsigned i = 0; i < 2; i++)
		flow_notified(port, MACH_NOTIFY_SEND_ONCE);
	flow_notified(port, -1);
	/* The names are those that the process had, in the order of its table. */
	for (unsigned i = 0; i < 2; i++) {
		uint32_t name = flow_notified(deleted, MACH_NOTIFY_PORT_DELETED);

		CHECK(name == theirs[0] || name == theirs[1]);
		theirs[name == theirs[1]] = 0;
	}
	flow_notified(deleted, -1);
	CHECK_EQ(flow_status(port).mps_sorights, 0);
}
END_TEST

/* Requests of ours on rights to what another process owns. */
static void own_what_is_asked_about(void *unused)
{
	mach_port_t port = flow_receive_right();

	(void)unused;
	introduce(port, MAKE);
	introduce(port, MAKE);
	introduce(port, MAKE_ONCE);
	flow_hear_parent();
}

START_TEST(names_of_a_dead_process_get_a_reference_each)
{
	mach_port_t notify = flow_receive_right(), name[3];
	struct flow_child child;

	CHECK_OK(bootstrap_check_in(bootstrap_port, SERVICE, &service));
	flow_fork(&child, own_what_is_asked_about, NULL);
	for (unsigned i = 0; i < 3; i++)
		name[i] = introduced();
	CHECK_EQ(name[0], name[1]);
	CHECK_EQ(flow_request(name[0], MACH_NOTIFY_DEAD_NAME, 0, notify), MACH_PORT_NULL);
	CHECK_EQ(flow_request(name[2], MACH_NOTIFY_SEND_POSSIBLE, 0, notify), MACH_PORT_NULL);
	flow_kill(&child);
	for (unsigned i = 0; i < 2; i++) {
		uint32_t told = flow_notified(notify, MACH_NOTIFY_DEAD_NAME);

		CHECK(told == name[0] || told == name[2]);
	}
	flow_notified(notify, -1);
	CHECK_EQ(flow_type(name[0]), MACH_PORT_TYPE_DEAD_NAME);
	CHECK_EQ(flow_refs(name[0], MACH_PORT_RIGHT_DEAD_NAME), 3);
	CHECK_EQ(flow_refs(name[2], MACH_PORT_RIGHT_DEAD_NAME), 2);
}
END_TEST

/* The notification goes where the port for it has gone, and has the name in who asked [14.1]. */
static void receive_for_another(void *unused)
{
	mach_port_t port = flow_receive_right();
	struct flow_message message;

	(void)unused;
	introduce(port, MAKE);
	flow_await(port, &message);
	flow_await(message.port[0].name, &message);
	CHECK_EQ(message.header.msgh_id, MACH_NOTIFY_DEAD_NAME);
	flow_tell_parent(message.word);
}

START_TEST(the_name_is_that_of_who_asked_whoever_is_told)
{
	mach_port_t notify = flow_receive_right(), port = flow_port(), to;
	struct flow_child child;

	CHECK_OK(bootstrap_check_in(bootstrap_port, SERVICE, &service));
	flow_fork(&child, receive_for_another, NULL);
	to = introduced();
	CHECK_EQ(flow_request(port, MACH_NOTIFY_DEAD_NAME, 0, notify), MACH_PORT_NULL);
	hand_over(to, notify, RECEIVE);
	CHECK_OK(mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_RECEIVE, -1));
	CHECK_EQ(flow_hear(&child), port);
	flow_join(&child);
}
END_TEST

/* A process that is killed in a blocking send, with rights in the message that does not go out. */
static void block_with_rights(void *unused)
{
	mach_port_t port = flow_receive_right(), moved = flow_port(), right[3], previous;
	struct flow_message message;

	(void)unused;
	introduce(port, MAKE);
	for (unsigned i = 0; i < 3; i++) {
		flow_await(port, &message);
		right[i] = message.port[0].name;
	}
	CHECK_EQ(mach_port_request_notification(SELF, moved, MACH_NOTIFY_PORT_DESTROYED, 0,
						right[2], MOVE_ONCE, &previous),
		 KERN_SUCCESS);
	flow_complex(&message, right[0], COPY, 3);
	flow_add_port(&message, moved, RECEIVE);
	flow_add_port(&message, right[1], MACH_MSG_TYPE_MOVE_SEND);
	mach_msg(&message.header, MACH_SEND_MSG, message.header.msgh_size, 0, MACH_PORT_NULL, 0, 0);
	flow_fail(__FILE__, __LINE__, "the message went out");
}

START_TEST(a_process_that_dies_while_it_sends)
{
	mach_port_t full = flow_port(), port = flow_receive_right(), notify[2], to;
	struct flow_message message;
	struct flow_child child;

	flow_fill(full, 5);
	for (unsigned i = 0; i < 2; i++)
		notify[i] = flow_receive_right();
	CHECK_OK(bootstrap_check_in(bootstrap_port, SERVICE, &service));
	flow_fork(&child, block_with_rights, NULL);
	to = introduced();
	hand_over(to, full, COPY);
	hand_over(to, port, MAKE);
	hand_over(to, notify[0], MAKE_ONCE);
	CHECK_EQ(flow_request(port, MACH_NOTIFY_NO_SENDERS, 1, notify[1]), MACH_PORT_NULL);
	flow_await_waiting(child.pid, 1);
	flow_notified(notify[1], -1);
	flow_kill(&child);
	CHECK_EQ(flow_notified(notify[1], MACH_NOTIFY_NO_SENDERS), 1);
	CHECK_OK(flow_receive(notify[0], &message));
	CHECK_EQ(message.header.msgh_id, MACH_NOTIFY_PORT_DESTROYED);
	CHECK_EQ(flow_type(message.port[0].name), MACH_PORT_TYPE_RECEIVE);
	CHECK_EQ(flow_status(message.port[0].name).mps_srights, 0);
	CHECK_EQ(flow_status(full).mps_msgcount, 5);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("contract_deaths");
	TCase *tests = flow_case(suite, "processes");

	tcase_add_test(tests, n229_a_port_outlives_its_process);
	tcase_add_test(tests, a_port_that_dies_with_its_process);
	tcase_add_test(tests, a_process_that_dies_with_the_only_sender);
	tcase_add_test(tests, what_a_process_held_is_told_when_it_dies);
	tcase_add_test(tests, a_process_that_dies_while_it_sends);
	tcase_add_test(tests, names_of_a_dead_process_get_a_reference_each);
	tcase_add_test(tests, the_name_is_that_of_who_asked_whoever_is_told);
	return flow_run(suite);
}
