/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two processes: calls and replies, rights in every disposition, ports that change hands, and what
 * the other side is told when a process dies.
 */
#include <servers/bootstrap.h>
#include <string.h>
#include <unistd.h>

#include "tests/flow/flow.h"

#define COPY	  MACH_MSG_TYPE_COPY_SEND
#define MOVE	  MACH_MSG_TYPE_MOVE_SEND
#define MAKE	  MACH_MSG_TYPE_MAKE_SEND
#define MAKE_ONCE MACH_MSG_TYPE_MAKE_SEND_ONCE
#define MOVE_ONCE MACH_MSG_TYPE_MOVE_SEND_ONCE
#define RECEIVE	  MACH_MSG_TYPE_MOVE_RECEIVE

#define SELF mach_task_self()

/* The test process's port that children look up. */
#define SERVICE "flow.test"

static mach_port_t publish(void)
{
	mach_port_t port = flow_port();

	CHECK_OK(bootstrap_register(bootstrap_port, SERVICE, port));
	CHECK_OK(mach_port_deallocate(SELF, port));
	return port;
}

static mach_port_t look_up(void)
{
	mach_port_t port = MACH_PORT_NULL;

	CHECK_OK(bootstrap_look_up(bootstrap_port, SERVICE, &port));
	CHECK_EQ(flow_type(port), MACH_PORT_TYPE_SEND);
	return port;
}

/* Hand a right to the test process; `type` as in a message. */
static void hand_over(mach_port_t right, mach_msg_type_name_t type)
{
	struct flow_message message;

	flow_complex(&message, look_up(), MOVE, 1);
	flow_add_port(&message, right, type);
	CHECK_OK(mach_msg_send(&message.header));
}

static mach_port_t take_over(mach_port_t service, mach_msg_type_name_t type)
{
	struct flow_message message;

	flow_await(service, &message);
	CHECK_EQ(message.port[0].disposition, type);
	return message.port[0].name;
}

/* --- calls --- */

static void echo_server(void *argument)
{
	unsigned calls = *(unsigned *)argument;
	struct flow_message message;
	mach_port_t port = flow_port();

	hand_over(port, MAKE);
	flow_await(port, &message);
	while (calls-- > 0) {
		mach_msg_option_t option = MACH_SEND_MSG | (calls ? MACH_RCV_MSG : 0);

		CHECK_EQ(MACH_MSGH_BITS_REMOTE(message.header.msgh_bits), MOVE_ONCE);
		message.header.msgh_bits = MACH_MSGH_BITS(MOVE_ONCE, 0);
		message.header.msgh_local_port = MACH_PORT_NULL;
		message.header.msgh_id += 100;
		CHECK_OK(mach_msg(&message.header, option, message.header.msgh_size, sizeof message,
				  port, 0, 0));
	}
}

START_TEST(calls_and_replies_between_two_processes)
{
	unsigned calls = 2000;
	mach_port_t service = publish(), server, reply = flow_receive_right();
	struct flow_message message;
	struct flow_child child;

	flow_fork(&child, echo_server, &calls);
	server = take_over(service, MOVE);
	for (unsigned i = 0; i < calls; i++) {
		mach_msg_size_t size = 24 + 4 * (i % 100);

		flow_header(&message, server, COPY, reply, MAKE_ONCE, (mach_msg_id_t)i);
		memset(message.bytes + 24, (int)i, size - 24);
		CHECK_OK(mach_msg(&message.header, MACH_SEND_MSG | MACH_RCV_MSG, size,
				  sizeof message, reply, 0, 0));
		CHECK_EQ(message.header.msgh_id, i + 100);
		CHECK_EQ(message.header.msgh_size, size);
		CHECK_EQ(message.header.msgh_local_port, reply);
		for (unsigned at = 24; at < size; at++)
			CHECK_EQ(message.bytes[at], i & 0xff);
	}
	flow_join(&child);
	CHECK_EQ(flow_status(reply).mps_seqno, calls);
	CHECK_EQ(flow_type(server), MACH_PORT_TYPE_DEAD_NAME);
}
END_TEST

static void send_tokens(void *unused)
{
	(void)unused;
	CHECK_OK(flow_send_to(look_up(), COPY, 0, 0, 1));
	CHECK_OK(flow_send_to(look_up(), COPY, 0, 0, 2));
}

START_TEST(trailers_name_the_process_that_sent)
{
	mach_port_t service = publish();
	struct flow_message message;
	const audit_token_t *token;
	struct flow_child child;
	unsigned version = 0;

	flow_fork(&child, send_tokens, NULL);
	for (unsigned i = 0; i < 2; i++) {
		flow_await(service, &message);
		token = &flow_trailer(&message)->msgh_audit;
		CHECK_EQ(token->val[5], child.pid);
		CHECK_EQ(token->val[1], geteuid());
		CHECK_EQ(token->val[2], getegid());
		CHECK_EQ(flow_trailer(&message)->msgh_sender.val[0], geteuid());
		CHECK(i == 0 || token->val[7] == version);
		version = token->val[7];
	}
	flow_join(&child);
	CHECK_OK(flow_send_to(service, MAKE, 0, 0, 3));
	CHECK_OK(flow_receive(service, &message));
	CHECK_EQ(flow_trailer(&message)->msgh_audit.val[5], getpid());
	CHECK(flow_trailer(&message)->msgh_audit.val[7] != version);
}
END_TEST

static void die_after_sending(void *unused)
{
	mach_port_t reply = flow_receive_right();

	(void)unused;
	CHECK_OK(flow_send_to(look_up(), COPY, reply, MAKE_ONCE, 5));
	flow_tell_parent(0);
	flow_hear_parent();
}

START_TEST(v335_a_message_outlives_its_sender)
{
	mach_port_t service = publish();
	struct flow_message message;
	struct flow_child child;

	flow_fork(&child, die_after_sending, NULL);
	flow_hear(&child);
	flow_kill(&child);
	CHECK_OK(flow_receive(service, &message));
	CHECK_EQ(message.header.msgh_id, 5);
	CHECK_EQ(flow_trailer(&message)->msgh_audit.val[5], child.pid);
	CHECK_EQ(message.header.msgh_remote_port, MACH_PORT_DEAD);
	CHECK_EQ(MACH_MSGH_BITS_REMOTE(message.header.msgh_bits), MOVE_ONCE);
}
END_TEST

/* --- rights from one process to the other --- */

/* Serves one word after the other: gets a right in each disposition and uses it. */
static void use_rights(void *unused)
{
	mach_port_t inbox = flow_port(), name;
	struct flow_message message;

	(void)unused;
	hand_over(inbox, MAKE);
	name = take_over(inbox, MOVE); /* COPY_SEND */
	CHECK_OK(flow_send_to(name, COPY, 0, 0, 1));
	CHECK_EQ(take_over(inbox, MOVE), name); /* MOVE_SEND */
	CHECK_EQ(take_over(inbox, MOVE), name); /* MAKE_SEND */
	CHECK_EQ(flow_refs(name, MACH_PORT_RIGHT_SEND), 3);
	CHECK_EQ(flow_type(name), MACH_PORT_TYPE_SEND);
	name = take_over(inbox, MOVE_ONCE); /* MAKE_SEND_ONCE */
	CHECK_EQ(flow_type(name), MACH_PORT_TYPE_SEND_ONCE);
	CHECK_OK(flow_send_to(name, MOVE_ONCE, 0, 0, 2));
	name = take_over(inbox, MOVE_ONCE); /* MOVE_SEND_ONCE */
	CHECK_OK(flow_send_to(name, MOVE_ONCE, 0, 0, 3));
	name = take_over(inbox, RECEIVE); /* MOVE_RECEIVE */
	CHECK_EQ(flow_type(name), MACH_PORT_TYPE_RECEIVE);
	for (mach_msg_id_t i = 0; i < 3; i++) {
		CHECK_OK(flow_receive(name, &message));
		CHECK_EQ(message.header.msgh_id, i);
		CHECK_EQ(message.header.msgh_local_port, name); /* j154 */
		CHECK_EQ(flow_trailer(&message)->msgh_seqno, i);
	}
	hand_over(name, RECEIVE);
}

static void send_right(mach_port_t to, mach_port_t right, mach_msg_type_name_t type)
{
	struct flow_message message;

	flow_complex(&message, to, COPY, 1);
	flow_add_port(&message, right, type);
	CHECK_OK(mach_msg_send(&message.header));
}

START_TEST(every_disposition_works_between_processes)
{
	mach_port_t service = publish(), inbox, port = flow_port(), moved = flow_port();
	struct flow_message message;
	struct flow_child child;

	flow_fork(&child, use_rights, NULL);
	inbox = take_over(service, MOVE);
	send_right(inbox, port, COPY);
	send_right(inbox, port, MOVE);
	send_right(inbox, port, MAKE);
	CHECK_EQ(flow_type(port), MACH_PORT_TYPE_RECEIVE);
	send_right(inbox, port, MAKE_ONCE);
	send_right(inbox, flow_send_once(port), MOVE_ONCE);
	flow_fill(moved, 3);
	send_right(inbox, moved, RECEIVE);
	CHECK_EQ(flow_type(moved), MACH_PORT_TYPE_SEND);
	for (mach_msg_id_t i = 1; i <= 3; i++) {
		flow_await(port, &message);
		CHECK_EQ(message.header.msgh_id, i);
	}
	CHECK_EQ(take_over(service, RECEIVE), moved); /* e95 */
	CHECK_EQ(flow_type(moved), MACH_PORT_TYPE_SEND_RECEIVE);
	CHECK_EQ(flow_refs(moved, MACH_PORT_RIGHT_SEND), 1);
	flow_join(&child);
	CHECK_EQ(flow_status(port).mps_srights, 0);
	CHECK_EQ(flow_status(port).mps_sorights, 0);
}
END_TEST

static void receive_twice(void *unused)
{
	struct flow_message message;
	mach_port_t inbox = flow_port(), name;

	(void)unused;
	hand_over(inbox, MAKE);
	flow_await(inbox, &message); /* c49: two replies made of one port */
	name = message.header.msgh_remote_port;
	flow_await(inbox, &message);
	CHECK_EQ(message.header.msgh_remote_port, name);
	CHECK_EQ(flow_refs(name, MACH_PORT_RIGHT_SEND), 2);
	flow_await(inbox, &message); /* e91: two rights in one body */
	CHECK_EQ(message.port[0].name, message.port[1].name);
	CHECK_EQ(flow_refs(message.port[0].name, MACH_PORT_RIGHT_SEND), 2);
	flow_tell_parent(0);
	flow_hear_parent();
}

START_TEST(c49_e91_e205_send_rights_merge_in_the_receiving_space)
{
	mach_port_t service = publish(), inbox, reply = flow_receive_right(), port = flow_port();
	mach_port_rights_t rights = 0;
	struct flow_message message;
	struct flow_child child;

	flow_fork(&child, receive_twice, NULL);
	inbox = take_over(service, MOVE);
	CHECK_OK(flow_send_to(inbox, COPY, reply, MAKE, 1));
	CHECK_OK(flow_send_to(inbox, COPY, reply, MAKE, 2));
	flow_complex(&message, inbox, COPY, 3);
	flow_add_port(&message, port, COPY);
	flow_add_port(&message, port, COPY);
	CHECK_OK(flow_send(&message));
	flow_hear(&child);
	CHECK_OK(mach_port_get_srights(SELF, port, &rights));
	CHECK_EQ(rights, 2);
	CHECK_OK(mach_port_get_srights(SELF, reply, &rights));
	CHECK_EQ(rights, 1);
	flow_tell(&child, 0);
	flow_join(&child);
	CHECK_OK(mach_port_get_srights(SELF, port, &rights));
	CHECK_EQ(rights, 1);
}
END_TEST

static void move_with_request(void *unused)
{
	mach_port_t notify = flow_receive_right(), service = look_up();

	(void)unused;
	flow_request(service, MACH_NOTIFY_DEAD_NAME, 0, notify);
	CHECK_OK(flow_send_to(service, MOVE, 0, 0, 1));
	CHECK_EQ(flow_notified(notify, MACH_NOTIFY_PORT_DELETED), service);
	CHECK_EQ(flow_type(service), 0);
}

START_TEST(b34_moving_the_last_send_right_away_ends_its_request)
{
	struct flow_child child;

	publish();
	flow_fork(&child, move_with_request, NULL);
	flow_join(&child);
}
END_TEST

/* --- death --- */

static void hold_and_wait(void *unused)
{
	mach_port_t port = flow_port();

	(void)unused;
	hand_over(port, MAKE);
	flow_tell_parent(0);
	flow_hear_parent();
}

START_TEST(a_killed_process_leaves_dead_names)
{
	mach_port_t service = publish(), notify = flow_receive_right(), port;
	struct flow_message message;
	struct flow_child child;

	flow_fork(&child, hold_and_wait, NULL);
	port = take_over(service, MOVE);
	flow_request(port, MACH_NOTIFY_DEAD_NAME, 0, notify);
	flow_fill(port, 2);
	flow_hear(&child);
	flow_kill(&child);
	flow_await(notify, &message);
	CHECK_EQ(message.header.msgh_id, MACH_NOTIFY_DEAD_NAME);
	CHECK_EQ(message.word, port);
	CHECK_EQ(flow_type(port), MACH_PORT_TYPE_DEAD_NAME);
	CHECK_EQ(flow_refs(port, MACH_PORT_RIGHT_DEAD_NAME), 2);
	CHECK_CODE(flow_send_to(port, COPY, 0, 0, 1), MACH_SEND_INVALID_DEST);
	CHECK_EQ(flow_task_count(), 1);
}
END_TEST

static void hold_send_right(void *unused)
{
	(void)unused;
	flow_tell_parent(look_up());
	flow_hear_parent();
}

START_TEST(v334_no_senders_when_the_last_holder_is_killed)
{
	mach_port_t service = publish(), notify = flow_receive_right();
	struct flow_message message;
	struct flow_child child;

	flow_fork(&child, hold_send_right, NULL);
	flow_hear(&child);
	CHECK_OK(bootstrap_register(bootstrap_port, SERVICE, MACH_PORT_NULL));
	flow_request(service, MACH_NOTIFY_NO_SENDERS, 0, notify);
	flow_notified(notify, -1);
	flow_kill(&child);
	flow_await(notify, &message);
	CHECK_EQ(message.header.msgh_id, MACH_NOTIFY_NO_SENDERS);
}
END_TEST

static void take_three(void *unused)
{
	mach_port_t inbox = flow_port();

	(void)unused;
	hand_over(inbox, MAKE);
	for (unsigned i = 0; i < 3; i++)
		take_over(inbox, MOVE_ONCE);
	flow_tell_parent(0);
	flow_hear_parent();
}

START_TEST(n248_unused_send_once_rights_of_a_killed_process)
{
	mach_port_t service = publish(), inbox, port = flow_receive_right();
	struct flow_child child;

	flow_fork(&child, take_three, NULL);
	inbox = take_over(service, MOVE);
	for (unsigned i = 0; i < 3; i++)
		send_right(inbox, port, MAKE_ONCE);
	flow_hear(&child);
	flow_kill(&child);
	for (unsigned i = 0; i < 3; i++)
		flow_notified(port, MACH_NOTIFY_SEND_ONCE);
	flow_notified(port, -1);
}
END_TEST

static void own_port(void *unused)
{
	mach_port_t inbox = flow_port();

	(void)unused;
	hand_over(inbox, MAKE);
	take_over(inbox, RECEIVE);
	flow_tell_parent(0);
	flow_hear_parent();
}

START_TEST(n229_a_killed_owners_port_comes_back_with_its_queue)
{
	mach_port_t service = publish(), inbox, port = flow_port(), notify = flow_receive_right();
	struct flow_child child;

	flow_fork(&child, own_port, NULL);
	inbox = take_over(service, MOVE);
	CHECK_EQ(flow_request(port, MACH_NOTIFY_PORT_DESTROYED, 0, notify), MACH_PORT_NULL);
	send_right(inbox, port, RECEIVE);
	flow_hear(&child);
	flow_fill(port, 3);
	flow_kill(&child);
	CHECK_EQ(flow_notified(notify, MACH_NOTIFY_PORT_DESTROYED), port);
	CHECK_EQ(flow_type(port), MACH_PORT_TYPE_SEND_RECEIVE);
	CHECK_EQ(flow_status(port).mps_msgcount, 3);
}
END_TEST

static void block_in_send(void *unused)
{
	struct flow_message message;

	(void)unused;
	flow_header(&message, look_up(), COPY, 0, 0, 99);
	mach_msg_send(&message.header);
}

START_TEST(a_killed_process_gives_up_its_blocked_send)
{
	mach_port_t service = publish();
	struct flow_message message;
	struct flow_child child;

	flow_make_send(service, 1);
	flow_fill(service, 5);
	flow_fork(&child, block_in_send, NULL);
	flow_await_waiting(child.pid, 1);
	flow_kill(&child);
	for (mach_msg_id_t i = 0; i < 5; i++) {
		CHECK_OK(flow_receive(service, &message));
		CHECK_EQ(message.header.msgh_id, i);
	}
	flow_notified(service, -1);
}
END_TEST

static void block_in_receive(void *unused)
{
	struct flow_message message;
	mach_port_t port = flow_port();

	(void)unused;
	hand_over(port, MAKE);
	flow_await(port, &message);
}

START_TEST(a_killed_process_that_waits_takes_its_port_along)
{
	mach_port_t service = publish(), port;
	struct flow_child child;

	flow_fork(&child, block_in_receive, NULL);
	port = take_over(service, MOVE);
	flow_await_waiting(child.pid, 1);
	flow_kill(&child);
	CHECK_EQ(flow_type(port), MACH_PORT_TYPE_DEAD_NAME);
}
END_TEST

START_TEST(registered_ports_are_kept_and_looked_up)
{
	mach_port_t one = flow_port(), two = flow_port(), none = MACH_PORT_NULL;
	mach_port_t set[] = {one, MACH_PORT_NULL, two, one}, *found;
	mach_msg_type_number_t count;

	CHECK_CODE(mach_ports_register(mach_task_self(), set, 4), KERN_INVALID_ARGUMENT);
	CHECK_OK(mach_ports_register(mach_task_self(), set, 3));
	CHECK_EQ(flow_refs(one, MACH_PORT_RIGHT_SEND), 1);
	CHECK_OK(mach_ports_lookup(mach_task_self(), &found, &count));
	CHECK_EQ(count, 3);
	CHECK(found[0] == one && found[1] == MACH_PORT_NULL && found[2] == two);
	CHECK_EQ(flow_refs(one, MACH_PORT_RIGHT_SEND), 2);
	CHECK_OK(vm_deallocate(mach_task_self(), (vm_address_t)found, count * sizeof *found));
	/* A set that cannot be taken changes nothing. */
	set[1] = flow_missing_name();
	CHECK_CODE(mach_ports_register(mach_task_self(), set, 2), MACH_SEND_INVALID_RIGHT);
	CHECK_OK(mach_ports_lookup(mach_task_self(), &found, &count));
	CHECK_EQ(found[2], two);
	CHECK_OK(vm_deallocate(mach_task_self(), (vm_address_t)found, count * sizeof *found));
	/* One that is shorter is filled up, and the rights before it are given up. */
	CHECK_OK(mach_ports_register(mach_task_self(), &none, 1));
	CHECK_OK(mach_ports_lookup(mach_task_self(), &found, &count));
	CHECK(count == 3 && !found[0] && !found[1] && !found[2]);
	CHECK_OK(vm_deallocate(mach_task_self(), (vm_address_t)found, count * sizeof *found));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tasks");
	TCase *tests = flow_case(suite, "calls");

	tcase_add_test(tests, registered_ports_are_kept_and_looked_up);
	tcase_add_test(tests, calls_and_replies_between_two_processes);
	tcase_add_test(tests, trailers_name_the_process_that_sent);
	tcase_add_test(tests, v335_a_message_outlives_its_sender);
	tests = flow_case(suite, "rights");
	tcase_add_test(tests, every_disposition_works_between_processes);
	tcase_add_test(tests, c49_e91_e205_send_rights_merge_in_the_receiving_space);
	tcase_add_test(tests, b34_moving_the_last_send_right_away_ends_its_request);
	tests = flow_case(suite, "death");
	tcase_add_test(tests, a_killed_process_leaves_dead_names);
	tcase_add_test(tests, v334_no_senders_when_the_last_holder_is_killed);
	tcase_add_test(tests, n248_unused_send_once_rights_of_a_killed_process);
	tcase_add_test(tests, n229_a_killed_owners_port_comes_back_with_its_queue);
	tcase_add_test(tests, a_killed_process_gives_up_its_blocked_send);
	tcase_add_test(tests, a_killed_process_that_waits_takes_its_port_along);
	return flow_run(suite);
}
