/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Behaviours of the contract that need a setup of their own, each with its number: dead and moved
 * ports, messages that are destroyed, special ports. Real clients and a real daemon.
 */
#include <servers/bootstrap.h>
#include <sys/mman.h>

#include "tests/flow/flow.h"
#include "tests/flow/flow_letter.h"

#define COPY	  MACH_MSG_TYPE_COPY_SEND
#define MAKE	  MACH_MSG_TYPE_MAKE_SEND
#define MAKE_ONCE MACH_MSG_TYPE_MAKE_SEND_ONCE
#define RECEIVE	  MACH_MSG_TYPE_MOVE_RECEIVE

#define SELF	mach_task_self()
#define SERVICE "org.example.contract"

START_TEST(b43_a_request_makes_a_dead_send_once_right_a_dead_name)
{
	mach_port_t port = flow_receive_right(), notify = flow_receive_right();
	mach_port_t once = flow_send_once(port), reply = flow_receive_right();

	flow_request(once, MACH_NOTIFY_DEAD_NAME, 0, notify);
	CHECK_OK(mach_port_destroy(SELF, port));
	CHECK_CODE(flow_send_to(once, MACH_MSG_TYPE_MOVE_SEND_ONCE, reply, MAKE_ONCE, 1),
		   MACH_SEND_INVALID_DEST);
	CHECK_EQ(flow_type(once), MACH_PORT_TYPE_DEAD_NAME);
	CHECK_EQ(flow_refs(once, MACH_PORT_RIGHT_DEAD_NAME), 2);
	CHECK_EQ(flow_notified(notify, MACH_NOTIFY_DEAD_NAME), once);
	flow_notified(reply, -1);
}
END_TEST

/* Send a port's send right three times, and then its receive right, each in a message. */
static void give_a_port_away(void *unused)
{
	mach_port_t service, port = flow_receive_right();
	struct flow_message message;

	(void)unused;
	CHECK_OK(bootstrap_look_up(bootstrap_port, SERVICE, &service));
	for (unsigned i = 0; i < 4; i++) {
		flow_complex(&message, service, COPY, 10 + (int)i);
		flow_add_port(&message, port, i < 3 ? MAKE : RECEIVE);
		CHECK_OK(flow_send(&message));
	}
	CHECK_EQ(flow_type(port), 0);
}

START_TEST(e95_a_receive_right_joins_the_send_rights_under_their_name)
{
	mach_port_t service, name = MACH_PORT_NULL;
	struct flow_message message;
	struct flow_child child;

	CHECK_OK(bootstrap_check_in(bootstrap_port, SERVICE, &service));
	flow_fork(&child, give_a_port_away, NULL);
	for (unsigned i = 0; i < 3; i++) {
		flow_await(service, &message);
		CHECK(i == 0 || message.port[0].name == name);
		name = message.port[0].name;
	}
	CHECK_EQ(flow_type(name), MACH_PORT_TYPE_SEND);
	flow_await(service, &message);
	CHECK_EQ(message.port[0].name, name);
	CHECK_EQ(message.port[0].disposition, MACH_MSG_TYPE_PORT_RECEIVE);
	CHECK_EQ(flow_type(name), MACH_PORT_TYPE_SEND_RECEIVE);
	CHECK_EQ(flow_refs(name, MACH_PORT_RIGHT_SEND), 3);
	flow_join(&child);
}
END_TEST

/* Queue messages on a port of one's own, and give it to the parent with them. */
static void give_a_queue_away(void *unused)
{
	mach_port_t service, port = flow_port();
	struct flow_message message;

	(void)unused;
	CHECK_OK(bootstrap_look_up(bootstrap_port, SERVICE, &service));
	flow_fill(port, 3);
	flow_complex(&message, service, COPY, 1);
	flow_add_port(&message, port, RECEIVE);
	CHECK_OK(flow_send(&message));
	CHECK_OK(flow_send_to(port, COPY, MACH_PORT_NULL, 0, 7));
}

START_TEST(j154_queued_messages_show_their_new_owners_name)
{
	mach_port_t service, port;
	struct flow_message message;
	struct flow_child child;

	CHECK_OK(bootstrap_check_in(bootstrap_port, SERVICE, &service));
	flow_fork(&child, give_a_queue_away, NULL);
	flow_await(service, &message);
	flow_join(&child);
	port = message.port[0].name;
	for (unsigned i = 0; i < 4; i++) {
		CHECK_OK(flow_receive(port, &message));
		CHECK_EQ(message.header.msgh_local_port, port);
		CHECK_EQ(flow_trailer(&message)->msgh_seqno, i);
	}
	CHECK_EQ(message.header.msgh_id, 7);
}
END_TEST

START_TEST(k164_k167_what_a_message_that_was_too_large_leaves_behind)
{
	mach_port_t port = flow_port(), reply = flow_receive_right();
	struct flow_message message;

	CHECK_OK(flow_send_to(port, COPY, reply, MAKE_ONCE, 5));
	CHECK_OK(flow_send_to(port, COPY, MACH_PORT_NULL, 0, 6));
	CHECK_CODE(mach_msg(&message.header, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, 28, port, 0, 0),
		   MACH_RCV_TOO_LARGE);
	CHECK_EQ(message.header.msgh_id, 5);
	CHECK_EQ(message.header.msgh_remote_port, MACH_PORT_NULL);
	flow_notified(reply, MACH_NOTIFY_SEND_ONCE);
	CHECK_EQ(flow_status(port).mps_seqno, 1);
	CHECK_OK(flow_receive(port, &message));
	CHECK_EQ(message.header.msgh_id, 6);
	CHECK_EQ(flow_trailer(&message)->msgh_seqno, 1);
}
END_TEST

/* The destination's own receive right is in the message: both go, and so do all names of it. */
START_TEST(o259_senders_of_a_port_that_was_sent_to_itself)
{
	mach_port_t port = flow_port(), once = flow_send_once(port), notify = flow_receive_right();
	struct flow_message message;

	flow_make_send(port, 2);
	flow_request(once, MACH_NOTIFY_DEAD_NAME, 0, notify);
	flow_complex(&message, port, COPY, 1);
	flow_add_port(&message, port, RECEIVE);
	CHECK_OK(flow_send(&message));
	CHECK_EQ(flow_type(port), MACH_PORT_TYPE_DEAD_NAME);
	CHECK_EQ(flow_refs(port, MACH_PORT_RIGHT_DEAD_NAME), 3);
	CHECK_EQ(flow_type(once), MACH_PORT_TYPE_DEAD_NAME);
	CHECK_EQ(flow_notified(notify, MACH_NOTIFY_DEAD_NAME), once);
}
END_TEST

START_TEST(r301_a_nonfatal_filter_is_no_way_round_a_full_queue)
{
	mach_port_t port = flow_port();
	struct flow_message message;

	flow_fill(port, 5);
	flow_header(&message, port, COPY, MACH_PORT_NULL, 0, 1);
	CHECK_CODE(mach_msg(&message.header,
			    MACH_SEND_MSG | MACH_SEND_TIMEOUT | MACH_SEND_FILTER_NONFATAL,
			    message.header.msgh_size, 0, MACH_PORT_NULL, 0, MACH_PORT_NULL),
		   MACH_SEND_TIMED_OUT);
	CHECK_EQ(flow_status(port).mps_msgcount, 5);
}
END_TEST

START_TEST(u329_what_else_is_in_a_circular_message_goes_with_it)
{
	mach_port_t port = flow_port(), reply = flow_receive_right();
	uint8_t *pages = letter_pages(20);
	unsigned held = letter_daemon_fds();
	struct flow_letter letter;

	letter_fill(pages, 20 * 4096, 1);
	letter_start_as(&letter, port, COPY, reply, MAKE_ONCE);
	letter_add_port(&letter, port, RECEIVE);
	letter_add_memory(&letter, pages, 20 * 4096, true, MACH_MSG_VIRTUAL_COPY);
	CHECK_OK(letter_send(&letter));
	CHECK_EQ(flow_type(port), MACH_PORT_TYPE_DEAD_NAME);
	flow_notified(reply, MACH_NOTIFY_SEND_ONCE);
	CHECK(!letter_mapped(pages));
	CHECK_EQ(letter_daemon_fds(), held);
}
END_TEST

START_TEST(w346_the_bootstrap_port_can_be_another)
{
	mach_port_t port = flow_port(), got = MACH_PORT_NULL;

	CHECK_OK(task_set_special_port(SELF, TASK_BOOTSTRAP_PORT, port));
	CHECK_OK(task_get_special_port(SELF, TASK_BOOTSTRAP_PORT, &got));
	CHECK_EQ(got, port);
	CHECK_EQ(flow_refs(port, MACH_PORT_RIGHT_SEND), 2);
	CHECK_CODE(task_get_special_port(SELF, 99, &got), KERN_INVALID_ARGUMENT);
	CHECK_CODE(task_set_special_port(SELF, 99, port), KERN_INVALID_ARGUMENT);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("contract");
	TCase *tests = flow_case(suite, "rights");

	tcase_add_test(tests, b43_a_request_makes_a_dead_send_once_right_a_dead_name);
	tcase_add_test(tests, e95_a_receive_right_joins_the_send_rights_under_their_name);
	tcase_add_test(tests, j154_queued_messages_show_their_new_owners_name);
	tcase_add_test(tests, k164_k167_what_a_message_that_was_too_large_leaves_behind);
	tcase_add_test(tests, o259_senders_of_a_port_that_was_sent_to_itself);
	tcase_add_test(tests, r301_a_nonfatal_filter_is_no_way_round_a_full_queue);
	tcase_add_test(tests, u329_what_else_is_in_a_circular_message_goes_with_it);
	tcase_add_test(tests, w346_the_bootstrap_port_can_be_another);
	return flow_run(suite);
}
