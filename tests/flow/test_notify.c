/* SPDX-License-Identifier: Apache-2.0 */
/* Notifications: when each kind comes, what is in it, and what becomes of a request. */
#include <string.h>
#include <unistd.h>

#include "tests/flow/flow.h"

#define COPY	  MACH_MSG_TYPE_COPY_SEND
#define MOVE	  MACH_MSG_TYPE_MOVE_SEND
#define MAKE	  MACH_MSG_TYPE_MAKE_SEND
#define MAKE_ONCE MACH_MSG_TYPE_MAKE_SEND_ONCE
#define MOVE_ONCE MACH_MSG_TYPE_MOVE_SEND_ONCE

#define SELF mach_task_self()

static kern_return_t request(mach_port_t name, mach_msg_id_t id, mach_port_mscount_t sync,
			     mach_port_t notify)
{
	mach_port_t previous = MACH_PORT_NULL;

	return mach_port_request_notification(SELF, name, id, sync, notify, MAKE_ONCE, &previous);
}

static void kill_port(mach_port_t port)
{
	CHECK_OK(mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_RECEIVE, -1));
}

/* --- no-senders --- */

START_TEST(n217_no_senders_at_once)
{
	mach_port_t port = flow_receive_right(), notify = flow_receive_right();
	struct flow_message message;

	CHECK_OK(mach_port_set_mscount(SELF, port, 7));
	CHECK_EQ(flow_request(port, MACH_NOTIFY_NO_SENDERS, 0, notify), MACH_PORT_NULL);
	CHECK_OK(flow_receive(notify, &message));
	CHECK_EQ(message.header.msgh_id, MACH_NOTIFY_NO_SENDERS);
	CHECK_EQ(message.header.msgh_size, 36);
	CHECK_EQ(message.header.msgh_bits, 0x1200);
	ck_assert_mem_eq(&message.NDR, &NDR_record, sizeof message.NDR);
	CHECK_EQ(message.word, 7);
	CHECK_EQ(flow_status(port).mps_nsrequest, 0);
}
END_TEST

START_TEST(n218_no_senders_waits_for_the_sync_count)
{
	mach_port_t port = flow_receive_right(), notify = flow_receive_right();

	CHECK_EQ(flow_request(port, MACH_NOTIFY_NO_SENDERS, 1, notify), MACH_PORT_NULL);
	flow_notified(notify, -1);
	CHECK_EQ(flow_status(port).mps_nsrequest, 1);
	flow_make_send(port, 1);
	CHECK_OK(mach_port_deallocate(SELF, port));
	CHECK_EQ(flow_notified(notify, MACH_NOTIFY_NO_SENDERS), 1);
}
END_TEST

START_TEST(n220_no_senders_cancelled)
{
	mach_port_t port = flow_port(), notify = flow_receive_right(), previous;

	CHECK_EQ(flow_request(port, MACH_NOTIFY_NO_SENDERS, 0, notify), MACH_PORT_NULL);
	previous = flow_request(port, MACH_NOTIFY_NO_SENDERS, 0, MACH_PORT_NULL);
	CHECK_EQ(flow_type(previous), MACH_PORT_TYPE_SEND_ONCE);
	CHECK_OK(mach_port_deallocate(SELF, port));
	flow_notified(notify, -1);
	CHECK_OK(mach_port_deallocate(SELF, previous));
	flow_notified(notify, MACH_NOTIFY_SEND_ONCE);
}
END_TEST

START_TEST(n221_a_right_in_a_message_counts)
{
	mach_port_t port = flow_port(), carrier = flow_port(), notify = flow_receive_right();
	struct flow_message message;

	flow_request(port, MACH_NOTIFY_NO_SENDERS, 0, notify);
	flow_complex(&message, carrier, COPY, 1);
	flow_add_port(&message, port, MOVE);
	CHECK_OK(flow_send(&message));
	CHECK_EQ(flow_type(port), MACH_PORT_TYPE_RECEIVE);
	flow_notified(notify, -1);
	CHECK_OK(mach_port_destroy(SELF, carrier));
	CHECK_EQ(flow_notified(notify, MACH_NOTIFY_NO_SENDERS), 1);
}
END_TEST

START_TEST(a_message_holds_a_send_right_to_its_own_port_until_received)
{
	mach_port_t port = flow_port(), notify = flow_receive_right();
	struct flow_message message;

	flow_request(port, MACH_NOTIFY_NO_SENDERS, 0, notify);
	CHECK_OK(flow_send_to(port, MOVE, 0, 0, 1));
	flow_notified(notify, -1);
	CHECK_OK(flow_receive(port, &message));
	CHECK_EQ(flow_notified(notify, MACH_NOTIFY_NO_SENDERS), 1);
}
END_TEST

START_TEST(n223_destroy_is_no_senders_and_mod_refs_is_send_once)
{
	mach_port_t notify = flow_receive_right(), port = flow_port();

	flow_request(port, MACH_NOTIFY_NO_SENDERS, 0, notify);
	CHECK_OK(mach_port_destroy(SELF, port));
	CHECK_EQ(flow_notified(notify, MACH_NOTIFY_NO_SENDERS), 1);
	port = flow_port();
	flow_request(port, MACH_NOTIFY_NO_SENDERS, 0, notify);
	kill_port(port);
	flow_notified(notify, MACH_NOTIFY_SEND_ONCE);
	flow_notified(notify, -1);
}
END_TEST

START_TEST(n224_the_request_moves_with_the_receive_right)
{
	mach_port_t port = flow_port(), carrier = flow_port(), notify = flow_receive_right();
	struct flow_message message;

	flow_request(port, MACH_NOTIFY_NO_SENDERS, 0, notify);
	flow_complex(&message, carrier, COPY, 1);
	flow_add_port(&message, port, MACH_MSG_TYPE_MOVE_RECEIVE);
	CHECK_OK(flow_send(&message));
	CHECK_OK(flow_receive(carrier, &message));
	CHECK_EQ(flow_status(port).mps_nsrequest, 1);
	CHECK_OK(mach_port_deallocate(SELF, port));
	CHECK_EQ(flow_notified(notify, MACH_NOTIFY_NO_SENDERS), 0);
}
END_TEST

/* --- port-destroyed --- */

START_TEST(n226_n227_port_destroyed_cannot_be_synchronised_replaced_or_cancelled)
{
	mach_port_t port = flow_receive_right(), notify = flow_receive_right();

	CHECK_CODE(request(port, MACH_NOTIFY_PORT_DESTROYED, 1, notify), KERN_INVALID_VALUE);
	flow_notified(notify, MACH_NOTIFY_SEND_ONCE);
	CHECK_OK(request(port, MACH_NOTIFY_PORT_DESTROYED, 0, notify));
	CHECK_EQ(flow_status(port).mps_pdrequest, 1);
	CHECK_CODE(request(port, MACH_NOTIFY_PORT_DESTROYED, 0, notify), KERN_FAILURE);
	flow_notified(notify, MACH_NOTIFY_SEND_ONCE);
	CHECK_CODE(request(port, MACH_NOTIFY_PORT_DESTROYED, 0, MACH_PORT_NULL), KERN_FAILURE);
}
END_TEST

START_TEST(n228_n230_the_port_arrives_alive_with_its_queue_and_only_once)
{
	mach_port_t port = flow_port(), notify = flow_receive_right();
	struct flow_message message;

	CHECK_OK(request(port, MACH_NOTIFY_PORT_DESTROYED, 0, notify));
	flow_fill(port, 2);
	kill_port(port);
	CHECK_EQ(flow_type(port), MACH_PORT_TYPE_SEND);
	flow_fill(port, 1);
	CHECK_OK(flow_receive(notify, &message));
	CHECK_EQ(message.header.msgh_id, MACH_NOTIFY_PORT_DESTROYED);
	CHECK_EQ(message.header.msgh_size, 40);
	CHECK_EQ(message.header.msgh_bits, MACH_MSGH_BITS_COMPLEX | 0x1200);
	CHECK_EQ(message.base.body.msgh_descriptor_count, 1);
	CHECK_EQ(message.port[0].name, port);
	CHECK_EQ(message.port[0].disposition, MACH_MSG_TYPE_PORT_RECEIVE);
	CHECK_EQ(flow_status(port).mps_msgcount, 3);
	CHECK_EQ(flow_status(port).mps_pdrequest, 0);
	kill_port(port);
	CHECK_EQ(flow_type(port), MACH_PORT_TYPE_DEAD_NAME);
	flow_notified(notify, -1);
}
END_TEST

/* --- dead-name and port-deleted --- */

START_TEST(n232_giving_the_name_up_is_port_deleted)
{
	mach_port_t port = flow_receive_right(), once = flow_send_once(port), notify;

	notify = flow_receive_right();
	CHECK_EQ(flow_request(once, MACH_NOTIFY_DEAD_NAME, 0, notify), MACH_PORT_NULL);
	CHECK_OK(mach_port_deallocate(SELF, once));
	CHECK_EQ(flow_notified(notify, MACH_NOTIFY_PORT_DELETED), once);
	once = flow_send_once(port);
	flow_request(once, MACH_NOTIFY_DEAD_NAME, 0, notify);
	CHECK_OK(flow_send_to(once, MOVE_ONCE, 0, 0, 1));
	CHECK_EQ(flow_notified(notify, MACH_NOTIFY_PORT_DELETED), once);
	flow_notified(notify, -1);
}
END_TEST

START_TEST(a_dead_name_notification_adds_a_reference)
{
	mach_port_t port = flow_receive_right(), once = flow_send_once(port);
	mach_port_t notify = flow_receive_right();
	struct flow_message message;

	flow_request(once, MACH_NOTIFY_DEAD_NAME, 0, notify);
	kill_port(port);
	CHECK_OK(flow_receive(notify, &message));
	CHECK_EQ(message.header.msgh_id, MACH_NOTIFY_DEAD_NAME);
	CHECK_EQ(message.header.msgh_size, 36);
	CHECK_EQ(message.word, once);
	CHECK_EQ(flow_refs(once, MACH_PORT_RIGHT_DEAD_NAME), 2);
	CHECK_CODE(flow_send_to(once, MOVE_ONCE, 0, 0, 1), MACH_SEND_INVALID_DEST); /* b43 */
}
END_TEST

START_TEST(b41_a_send_once_right_to_a_dead_port_swallows_the_message)
{
	mach_port_t port = flow_receive_right(), once = flow_send_once(port);
	mach_port_t reply = flow_receive_right();

	kill_port(port);
	CHECK_OK(flow_send_to(once, MOVE_ONCE, reply, MAKE_ONCE, 1));
	CHECK_EQ(flow_type(once), 0);
	flow_notified(reply, MACH_NOTIFY_SEND_ONCE);
}
END_TEST

START_TEST(n233_a_dead_name_cannot_be_asked_about)
{
	mach_port_t dead = flow_dead_name(1), notify = flow_receive_right();

	CHECK_CODE(request(dead, MACH_NOTIFY_DEAD_NAME, 0, notify), KERN_INVALID_ARGUMENT);
	flow_notified(notify, MACH_NOTIFY_SEND_ONCE);
	CHECK_CODE(request(dead, MACH_NOTIFY_DEAD_NAME, 1, notify), KERN_INVALID_ARGUMENT);
	flow_notified(notify, MACH_NOTIFY_SEND_ONCE);
	CHECK_EQ(flow_refs(dead, MACH_PORT_RIGHT_DEAD_NAME), 1);
	CHECK_OK(request(dead, MACH_NOTIFY_SEND_POSSIBLE, 0, notify));
	CHECK_EQ(flow_notified(notify, MACH_NOTIFY_DEAD_NAME), dead);
	CHECK_EQ(flow_refs(dead, MACH_PORT_RIGHT_DEAD_NAME), 2);
}
END_TEST

START_TEST(n235_one_request_for_each_name)
{
	mach_port_t port = flow_port(), first = flow_receive_right(), second, previous;

	second = flow_receive_right();
	CHECK_EQ(flow_request(port, MACH_NOTIFY_DEAD_NAME, 0, first), MACH_PORT_NULL);
	previous = flow_request(port, MACH_NOTIFY_SEND_POSSIBLE, 0, second);
	CHECK_EQ(flow_type(previous), MACH_PORT_TYPE_SEND_ONCE);
	kill_port(port);
	flow_notified(first, -1);
	CHECK_EQ(flow_notified(second, MACH_NOTIFY_DEAD_NAME), port);
	flow_notified(second, -1);
}
END_TEST

START_TEST(n242_requests_that_are_refused)
{
	mach_port_t set, notify = flow_receive_right(), port = flow_port();

	CHECK_OK(mach_port_allocate(SELF, MACH_PORT_RIGHT_PORT_SET, &set));
	CHECK_CODE(request(set, MACH_NOTIFY_DEAD_NAME, 0, notify), KERN_INVALID_RIGHT);
	CHECK_CODE(request(flow_missing_name(), MACH_NOTIFY_DEAD_NAME, 0, notify),
		   KERN_INVALID_NAME);
	CHECK_CODE(request(MACH_PORT_NULL, MACH_NOTIFY_DEAD_NAME, 0, notify),
		   KERN_INVALID_ARGUMENT);
	CHECK_CODE(request(port, 99, 0, notify), KERN_INVALID_VALUE);
	for (unsigned i = 0; i < 4; i++)
		flow_notified(notify, MACH_NOTIFY_SEND_ONCE);
	CHECK_CODE(request(port, MACH_NOTIFY_DEAD_NAME, 0, MACH_PORT_DEAD),
		   KERN_INVALID_CAPABILITY);
	CHECK_CODE(request(mach_task_self(), MACH_NOTIFY_NO_SENDERS, 0, notify),
		   KERN_INVALID_RIGHT);
	flow_notified(notify, MACH_NOTIFY_SEND_ONCE);
}
END_TEST

START_TEST(n245_a_notify_right_that_is_dead)
{
	mach_port_t port = flow_port(), notify = flow_receive_right(), previous;
	mach_port_t once = flow_send_once(notify);

	kill_port(notify);
	CHECK_CODE(mach_port_request_notification(SELF, port, MACH_NOTIFY_DEAD_NAME, 0, once,
						  MOVE_ONCE, &previous),
		   KERN_INVALID_CAPABILITY);
	CHECK_EQ(flow_type(once), 0);
}
END_TEST

/* --- send-possible --- */

START_TEST(n236_send_possible_at_once)
{
	mach_port_t port = flow_port(), notify = flow_receive_right();
	mach_port_t once = flow_send_once(port);

	CHECK_EQ(flow_request(port, MACH_NOTIFY_SEND_POSSIBLE, 1, notify), MACH_PORT_NULL);
	CHECK_EQ(flow_notified(notify, MACH_NOTIFY_SEND_POSSIBLE), port);
	flow_request(once, MACH_NOTIFY_SEND_POSSIBLE, 1, notify);
	CHECK_EQ(flow_notified(notify, MACH_NOTIFY_SEND_POSSIBLE), once);
}
END_TEST

START_TEST(n238_unarmed_requests_stay_silent)
{
	mach_port_t port = flow_port(), notify = flow_receive_right();
	struct flow_message message;

	flow_fill(port, 5);
	flow_request(port, MACH_NOTIFY_SEND_POSSIBLE, 0, notify);
	CHECK_OK(flow_receive(port, &message));
	flow_notified(notify, -1);
}
END_TEST

static void send_notify(mach_port_t port, mach_msg_return_t code)
{
	struct flow_message message;

	flow_header(&message, port, COPY, 0, 0, 9);
	CHECK_CODE(mach_msg(&message.header, MACH_SEND_MSG | MACH_SEND_TIMEOUT | MACH_SEND_NOTIFY,
			    24, 0, 0, 0, 0),
		   code);
}

START_TEST(n239_a_send_that_finds_the_queue_full_arms_the_request)
{
	mach_port_t port = flow_port(), notify = flow_receive_right();
	struct flow_message message;

	flow_fill(port, 5);
	flow_request(port, MACH_NOTIFY_SEND_POSSIBLE, 0, notify);
	send_notify(port, MACH_SEND_TIMED_OUT);
	flow_notified(notify, -1);
	CHECK_OK(flow_receive(port, &message));
	CHECK_EQ(flow_notified(notify, MACH_NOTIFY_SEND_POSSIBLE), port);
	CHECK_OK(flow_receive(port, &message));
	flow_notified(notify, -1);
}
END_TEST

START_TEST(send_notify_does_nothing_while_there_is_room)
{
	mach_port_t port = flow_port(), notify = flow_receive_right();
	struct flow_message message;

	flow_request(port, MACH_NOTIFY_SEND_POSSIBLE, 0, notify);
	send_notify(port, MACH_MSG_SUCCESS);
	CHECK_OK(flow_receive(port, &message));
	flow_notified(notify, -1);
}
END_TEST

START_TEST(n241_a_message_dropped_as_too_large_does_not_fire)
{
	mach_port_t port = flow_port(), notify = flow_receive_right();
	struct flow_message message;

	flow_fill(port, 5);
	flow_request(port, MACH_NOTIFY_SEND_POSSIBLE, 1, notify);
	CHECK_CODE(mach_msg(&message.header, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, 24, port, 0, 0),
		   MACH_RCV_TOO_LARGE);
	flow_notified(notify, -1);
	CHECK_OK(flow_receive(port, &message));
	CHECK_EQ(flow_notified(notify, MACH_NOTIFY_SEND_POSSIBLE), port);
}
END_TEST

/* --- queues of notifications --- */

START_TEST(n244_notifications_ignore_the_limit)
{
	mach_port_t notify = flow_port();
	struct flow_message message;

	flow_fill(notify, 5);
	for (unsigned i = 0; i < 3; i++)
		CHECK_OK(mach_port_deallocate(SELF, flow_send_once(notify)));
	CHECK_EQ(flow_status(notify).mps_msgcount, 8);
	for (unsigned i = 0; i < 5; i++)
		CHECK_OK(flow_receive(notify, &message));
	for (unsigned i = 0; i < 3; i++)
		flow_notified(notify, MACH_NOTIFY_SEND_ONCE);
}
END_TEST

START_TEST(n247_replies_in_a_dying_ports_queue)
{
	mach_port_t port = flow_port(), reply = flow_receive_right(), once = flow_send_once(port);

	CHECK_OK(flow_send_to(port, COPY, reply, MAKE_ONCE, 1));
	CHECK_OK(flow_send_to(once, MOVE_ONCE, reply, MAKE_ONCE, 2));
	CHECK_OK(mach_port_destroy(SELF, port));
	flow_notified(reply, MACH_NOTIFY_SEND_ONCE);
	flow_notified(reply, MACH_NOTIFY_SEND_ONCE);
	flow_notified(reply, -1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("notify");
	TCase *tests = flow_case(suite, "no-senders");

	tcase_add_test(tests, n217_no_senders_at_once);
	tcase_add_test(tests, n218_no_senders_waits_for_the_sync_count);
	tcase_add_test(tests, n220_no_senders_cancelled);
	tcase_add_test(tests, n221_a_right_in_a_message_counts);
	tcase_add_test(tests, a_message_holds_a_send_right_to_its_own_port_until_received);
	tcase_add_test(tests, n223_destroy_is_no_senders_and_mod_refs_is_send_once);
	tcase_add_test(tests, n224_the_request_moves_with_the_receive_right);
	tests = flow_case(suite, "port-destroyed");
	tcase_add_test(tests,
		       n226_n227_port_destroyed_cannot_be_synchronised_replaced_or_cancelled);
	tcase_add_test(tests, n228_n230_the_port_arrives_alive_with_its_queue_and_only_once);
	tests = flow_case(suite, "dead-name");
	tcase_add_test(tests, n232_giving_the_name_up_is_port_deleted);
	tcase_add_test(tests, a_dead_name_notification_adds_a_reference);
	tcase_add_test(tests, b41_a_send_once_right_to_a_dead_port_swallows_the_message);
	tcase_add_test(tests, n233_a_dead_name_cannot_be_asked_about);
	tcase_add_test(tests, n235_one_request_for_each_name);
	tcase_add_test(tests, n242_requests_that_are_refused);
	tcase_add_test(tests, n245_a_notify_right_that_is_dead);
	tests = flow_case(suite, "send-possible");
	tcase_add_test(tests, n236_send_possible_at_once);
	tcase_add_test(tests, n238_unarmed_requests_stay_silent);
	tcase_add_test(tests, n239_a_send_that_finds_the_queue_full_arms_the_request);
	tcase_add_test(tests, send_notify_does_nothing_while_there_is_room);
	tcase_add_test(tests, n241_a_message_dropped_as_too_large_does_not_fire);
	tests = flow_case(suite, "queues of notifications");
	tcase_add_test(tests, n244_notifications_ignore_the_limit);
	tcase_add_test(tests, n247_replies_in_a_dying_ports_queue);
	return flow_run(suite);
}
