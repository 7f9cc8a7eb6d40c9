/* SPDX-License-Identifier: Apache-2.0 */
/* Queue limits, senders that wait, and port sets. */
#include <pthread.h>
#include <unistd.h>

#include "tests/flow/flow.h"

#define COPY	  MACH_MSG_TYPE_COPY_SEND
#define MOVE_ONCE MACH_MSG_TYPE_MOVE_SEND_ONCE

#define SELF mach_task_self()

/* A thread in a blocking send or receive. */
struct blocked {
	pthread_t thread;
	mach_port_t port;
	mach_msg_option_t option;
	struct flow_message message;
	mach_msg_return_t code;
};

static void *block(void *argument)
{
	struct blocked *blocked = argument;

	blocked->code = mach_msg(&blocked->message.header, blocked->option, 24,
				 sizeof blocked->message, blocked->port, 0, 0);
	return NULL;
}

/* Start one and wait until `waiting` threads of this process are blocked. */
static void start(struct blocked *blocked, unsigned waiting)
{
	CHECK(pthread_create(&blocked->thread, NULL, block, blocked) == 0);
	flow_await_waiting(getpid(), waiting);
}

static void start_sender(struct blocked *blocked, mach_port_t port, mach_msg_id_t id,
			 unsigned waiting)
{
	blocked->option = MACH_SEND_MSG;
	flow_header(&blocked->message, port, COPY, 0, 0, id);
	start(blocked, waiting);
}

static void start_receiver(struct blocked *blocked, mach_port_t port, unsigned waiting)
{
	blocked->option = MACH_RCV_MSG;
	blocked->port = port;
	start(blocked, waiting);
}

static void end(struct blocked *blocked, mach_msg_return_t code)
{
	CHECK(pthread_join(blocked->thread, NULL) == 0);
	CHECK_CODE(blocked->code, code);
}

static mach_msg_id_t received_id(mach_port_t port)
{
	struct flow_message message;

	CHECK_OK(flow_receive(port, &message));
	return message.header.msgh_id;
}

static mach_msg_return_t send_now(mach_port_t port, mach_msg_id_t id)
{
	mach_msg_return_t code = flow_send_to(port, COPY, 0, 0, id);

	/* It came back as a send right. */
	if (code == MACH_SEND_TIMED_OUT)
		CHECK_OK(mach_port_deallocate(SELF, port));
	return code;
}

/* --- limits --- */

START_TEST(the_default_limit_is_five)
{
	mach_port_t port = flow_port();

	flow_fill(port, 5);
	CHECK_CODE(send_now(port, 6), MACH_SEND_TIMED_OUT);
	CHECK_EQ(flow_status(port).mps_msgcount, 5);
	for (mach_msg_id_t i = 0; i < 5; i++)
		CHECK_EQ(received_id(port), i);
	CHECK_OK(send_now(port, 7));
}
END_TEST

START_TEST(o250_send_once_rights_ignore_the_limit)
{
	mach_port_t port = flow_port();

	flow_fill(port, 5);
	for (unsigned i = 0; i < 20; i++)
		CHECK_OK(flow_send_to(flow_send_once(port), MOVE_ONCE, 0, 0, 9));
	CHECK_EQ(flow_status(port).mps_msgcount, 25);
}
END_TEST

START_TEST(o251_limit_zero_blocks_even_with_a_receiver_waiting)
{
	mach_port_t port = flow_port();
	struct blocked receiver;

	flow_set_qlimit(port, 0);
	start_receiver(&receiver, port, 1);
	CHECK_CODE(send_now(port, 1), MACH_SEND_TIMED_OUT);
	CHECK_OK(flow_send_to(flow_send_once(port), MOVE_ONCE, 0, 0, 2));
	end(&receiver, MACH_MSG_SUCCESS);
	CHECK_EQ(receiver.message.header.msgh_id, 2);
}
END_TEST

START_TEST(o257_a_message_for_a_waiting_receiver_is_not_queued)
{
	mach_port_t port = flow_port();
	struct blocked receiver;

	start_receiver(&receiver, port, 1);
	CHECK_OK(send_now(port, 1));
	CHECK_EQ(flow_status(port).mps_msgcount, 0);
	CHECK_EQ(flow_status(port).mps_seqno, 1);
	end(&receiver, MACH_MSG_SUCCESS);
}
END_TEST

START_TEST(lowering_the_limit_drops_nothing)
{
	mach_port_t port = flow_port();

	flow_fill(port, 5);
	flow_set_qlimit(port, 2);
	CHECK_EQ(flow_status(port).mps_msgcount, 5);
	for (unsigned i = 0; i < 3; i++) {
		CHECK_EQ(received_id(port), i);
		CHECK_CODE(send_now(port, 9), MACH_SEND_TIMED_OUT);
	}
	CHECK_EQ(received_id(port), 3);
	CHECK_OK(send_now(port, 9));
}
END_TEST

/* --- blocked senders --- */

START_TEST(o253_the_freed_slot_belongs_to_who_waited_for_it)
{
	mach_port_t port = flow_port();
	struct blocked sender;

	flow_fill(port, 5);
	start_sender(&sender, port, 10, 1);
	CHECK_EQ(received_id(port), 0);
	CHECK_CODE(send_now(port, 11), MACH_SEND_TIMED_OUT);
	end(&sender, MACH_MSG_SUCCESS);
	for (mach_msg_id_t i = 1; i < 5; i++)
		CHECK_EQ(received_id(port), i);
	CHECK_EQ(received_id(port), 10);
}
END_TEST

START_TEST(blocked_senders_go_in_the_order_they_came)
{
	enum { COUNT = 8 };
	struct blocked senders[COUNT];
	mach_port_t port = flow_port();

	flow_fill(port, 5);
	for (unsigned i = 0; i < COUNT; i++)
		start_sender(&senders[i], port, (mach_msg_id_t)(5 + i), i + 1);
	for (mach_msg_id_t i = 0; i < 5 + COUNT; i++)
		CHECK_EQ(received_id(port), i);
	for (unsigned i = 0; i < COUNT; i++)
		end(&senders[i], MACH_MSG_SUCCESS);
	flow_notified(port, -1);
}
END_TEST

START_TEST(o254_raising_the_limit_lets_so_many_go)
{
	mach_port_t port = flow_port();
	struct blocked senders[3];

	flow_fill(port, 5);
	for (unsigned i = 0; i < 3; i++)
		start_sender(&senders[i], port, (mach_msg_id_t)(5 + i), i + 1);
	flow_set_qlimit(port, 7);
	flow_await_waiting(getpid(), 1);
	CHECK_EQ(flow_status(port).mps_msgcount, 7);
	end(&senders[0], MACH_MSG_SUCCESS);
	end(&senders[1], MACH_MSG_SUCCESS);
	for (mach_msg_id_t i = 0; i < 8; i++)
		CHECK_EQ(received_id(port), i);
	end(&senders[2], MACH_MSG_SUCCESS);
}
END_TEST

START_TEST(a_sender_that_times_out_leaves_the_others_in_order)
{
	mach_port_t port = flow_port();
	struct blocked first, last;
	struct flow_message message;

	flow_fill(port, 5);
	start_sender(&first, port, 5, 1);
	flow_header(&message, port, COPY, 0, 0, 99);
	CHECK_CODE(mach_msg(&message.header, MACH_SEND_MSG | MACH_SEND_TIMEOUT, 24, 0, 0, 5, 0),
		   MACH_SEND_TIMED_OUT);
	start_sender(&last, port, 6, 2);
	for (mach_msg_id_t i = 0; i < 7; i++)
		CHECK_EQ(received_id(port), i);
	end(&first, MACH_MSG_SUCCESS);
	end(&last, MACH_MSG_SUCCESS);
}
END_TEST

START_TEST(blocked_senders_stay_with_a_port_that_moves)
{
	mach_port_t port = flow_port(), carrier = flow_port();
	struct flow_message message;
	struct blocked sender;

	flow_fill(port, 5);
	start_sender(&sender, port, 5, 1);
	flow_complex(&message, carrier, COPY, 1);
	flow_add_port(&message, port, MACH_MSG_TYPE_MOVE_RECEIVE);
	CHECK_OK(flow_send(&message));
	CHECK_OK(flow_receive(carrier, &message));
	for (mach_msg_id_t i = 0; i < 6; i++)
		CHECK_EQ(received_id(message.port[0].name), i);
	end(&sender, MACH_MSG_SUCCESS);
}
END_TEST

/* --- receivers --- */

START_TEST(receivers_are_told_when_their_port_dies_or_moves)
{
	mach_port_t port = flow_port(), moved = flow_port(), carrier = flow_port();
	struct blocked on_port, on_moved;
	struct flow_message message;

	start_receiver(&on_port, port, 1);
	start_receiver(&on_moved, moved, 2);
	CHECK_OK(mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_RECEIVE, -1));
	end(&on_port, MACH_RCV_PORT_CHANGED);
	flow_complex(&message, carrier, COPY, 1);
	flow_add_port(&message, moved, MACH_MSG_TYPE_MOVE_RECEIVE);
	CHECK_OK(flow_send(&message));
	end(&on_moved, MACH_RCV_PORT_CHANGED);
}
END_TEST

START_TEST(receivers_get_messages_in_the_order_they_came)
{
	enum { COUNT = 4 };
	struct blocked receivers[COUNT];
	mach_port_t port = flow_port();

	for (unsigned i = 0; i < COUNT; i++)
		start_receiver(&receivers[i], port, i + 1);
	flow_fill(port, COUNT);
	for (unsigned i = 0; i < COUNT; i++) {
		end(&receivers[i], MACH_MSG_SUCCESS);
		CHECK_EQ(receivers[i].message.header.msgh_id, i);
	}
}
END_TEST

/* --- sets --- */

static mach_port_t set_of(mach_port_t *members, unsigned count)
{
	mach_port_t set;

	CHECK_OK(mach_port_allocate(SELF, MACH_PORT_RIGHT_PORT_SET, &set));
	for (unsigned i = 0; i < count; i++) {
		members[i] = flow_port();
		CHECK_OK(mach_port_insert_member(SELF, members[i], set));
	}
	return set;
}

START_TEST(p260_p269_members_can_be_in_many_sets)
{
	mach_port_t port = flow_port(), none[1], sets[3];

	for (unsigned i = 0; i < 3; i++)
		sets[i] = set_of(none, 0);
	CHECK_OK(mach_port_insert_member(SELF, port, sets[0]));
	CHECK_CODE(mach_port_insert_member(SELF, port, sets[0]), KERN_ALREADY_IN_SET);
	CHECK_OK(mach_port_insert_member(SELF, port, sets[1]));
	CHECK_OK(mach_port_insert_member(SELF, port, sets[2]));
	CHECK_EQ(flow_status(port).mps_pset, 1);
	CHECK_OK(mach_port_extract_member(SELF, port, sets[0]));
	CHECK_CODE(mach_port_extract_member(SELF, port, sets[0]), KERN_NOT_IN_SET);
	CHECK_OK(mach_port_move_member(SELF, port, sets[0]));
	CHECK_CODE(mach_port_extract_member(SELF, port, sets[1]), KERN_NOT_IN_SET);
	CHECK_OK(mach_port_move_member(SELF, port, sets[0]));
	CHECK_OK(mach_port_move_member(SELF, port, MACH_PORT_NULL));
	CHECK_CODE(mach_port_move_member(SELF, port, MACH_PORT_NULL), KERN_NOT_IN_SET);
	CHECK_EQ(flow_status(port).mps_pset, 0);
	CHECK_CODE(mach_port_insert_member(SELF, port, port), KERN_INVALID_RIGHT);
	CHECK_CODE(mach_port_insert_member(SELF, sets[1], sets[0]), KERN_INVALID_RIGHT);
	CHECK_CODE(mach_port_insert_member(SELF, flow_missing_name(), sets[0]), KERN_INVALID_NAME);
	CHECK_CODE(mach_port_insert_member(SELF, MACH_PORT_NULL, sets[0]), KERN_INVALID_RIGHT);
}
END_TEST

START_TEST(p262_p263_members_are_served_in_turn)
{
	mach_port_t members[3], set = set_of(members, 3);
	struct flow_message message;

	for (unsigned i = 0; i < 3; i++)
		flow_fill(members[i], 2);
	for (unsigned i = 0; i < 6; i++) {
		CHECK_OK(flow_receive(set, &message));
		CHECK_EQ(message.header.msgh_local_port, members[i % 3]);
		CHECK_EQ(message.header.msgh_id, i / 3);
		CHECK_EQ(flow_trailer(&message)->msgh_seqno, i / 3);
	}
	flow_notified(set, -1);
}
END_TEST

START_TEST(p265_a_message_is_received_once)
{
	mach_port_t port[1], set = set_of(port, 1), none[1], other = set_of(none, 0);

	CHECK_OK(mach_port_insert_member(SELF, port[0], other));
	flow_fill(port[0], 1);
	CHECK_EQ(received_id(other), 0);
	flow_notified(set, -1);
	flow_notified(port[0], -1);
}
END_TEST

START_TEST(p266_a_set_that_is_destroyed_leaves_its_members)
{
	mach_port_t members[2], set = set_of(members, 2);
	struct blocked receiver;

	start_receiver(&receiver, set, 1);
	CHECK_OK(mach_port_destroy(SELF, set));
	end(&receiver, MACH_RCV_PORT_CHANGED);
	flow_fill(members[0], 1);
	CHECK_EQ(received_id(members[0]), 0);
	CHECK_EQ(flow_status(members[0]).mps_pset, 0);
}
END_TEST

START_TEST(inserting_a_port_with_messages_serves_who_waits_on_the_set)
{
	mach_port_t none[1], set = set_of(none, 0), port = flow_port();
	struct blocked receiver;

	flow_fill(port, 2);
	start_receiver(&receiver, set, 1);
	CHECK_OK(mach_port_insert_member(SELF, port, set));
	end(&receiver, MACH_MSG_SUCCESS);
	CHECK_EQ(receiver.message.header.msgh_local_port, port);
	CHECK_EQ(receiver.message.header.msgh_id, 0);
	CHECK_EQ(received_id(set), 1);
}
END_TEST

START_TEST(waiters_on_the_port_come_before_waiters_on_its_set)
{
	mach_port_t port[1], set = set_of(port, 1);
	struct blocked on_set, on_port;

	start_receiver(&on_set, set, 1);
	start_receiver(&on_port, port[0], 2);
	flow_fill(port[0], 2);
	end(&on_port, MACH_MSG_SUCCESS);
	end(&on_set, MACH_MSG_SUCCESS);
	CHECK_EQ(on_port.message.header.msgh_id, 0);
	CHECK_EQ(on_set.message.header.msgh_id, 1);
}
END_TEST

START_TEST(p268_the_members_are_listed_in_ascending_order)
{
	enum { COUNT = 500 };
	mach_port_t members[COUNT], set = set_of(members, COUNT);
	mach_msg_type_number_t count = 0;
	mach_port_name_t *names = NULL;

	CHECK_OK(mach_port_get_set_status(SELF, set, &names, &count));
	CHECK_EQ(count, COUNT);
	for (unsigned i = 0; i < COUNT; i++) {
		CHECK(i == 0 || names[i - 1] < names[i]);
		CHECK_EQ(flow_type(names[i]), MACH_PORT_TYPE_SEND_RECEIVE);
	}
	CHECK_OK(vm_deallocate(SELF, (vm_address_t)names, count * sizeof *names));
	CHECK_CODE(mach_port_get_set_status(SELF, members[0], &names, &count), KERN_INVALID_RIGHT);
	CHECK_CODE(mach_port_get_set_status(SELF, MACH_PORT_NULL, &names, &count),
		   KERN_INVALID_RIGHT);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("queue");
	TCase *tests = flow_case(suite, "limits");

	tcase_add_test(tests, the_default_limit_is_five);
	tcase_add_test(tests, o250_send_once_rights_ignore_the_limit);
	tcase_add_test(tests, o251_limit_zero_blocks_even_with_a_receiver_waiting);
	tcase_add_test(tests, o257_a_message_for_a_waiting_receiver_is_not_queued);
	tcase_add_test(tests, lowering_the_limit_drops_nothing);
	tests = flow_case(suite, "blocked senders");
	tcase_add_test(tests, o253_the_freed_slot_belongs_to_who_waited_for_it);
	tcase_add_test(tests, blocked_senders_go_in_the_order_they_came);
	tcase_add_test(tests, o254_raising_the_limit_lets_so_many_go);
	tcase_add_test(tests, a_sender_that_times_out_leaves_the_others_in_order);
	tcase_add_test(tests, blocked_senders_stay_with_a_port_that_moves);
	tests = flow_case(suite, "blocked receivers");
	tcase_add_test(tests, receivers_are_told_when_their_port_dies_or_moves);
	tcase_add_test(tests, receivers_get_messages_in_the_order_they_came);
	tests = flow_case(suite, "sets");
	tcase_add_test(tests, p260_p269_members_can_be_in_many_sets);
	tcase_add_test(tests, p262_p263_members_are_served_in_turn);
	tcase_add_test(tests, p265_a_message_is_received_once);
	tcase_add_test(tests, p266_a_set_that_is_destroyed_leaves_its_members);
	tcase_add_test(tests, inserting_a_port_with_messages_serves_who_waits_on_the_set);
	tcase_add_test(tests, waiters_on_the_port_come_before_waiters_on_its_set);
	tcase_add_test(tests, p268_the_members_are_listed_in_ascending_order);
	return flow_run(suite);
}
