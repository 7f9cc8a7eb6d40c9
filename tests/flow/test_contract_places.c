/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a right can be in a message, and what becomes of it there [4.1, 8, 9.3, 10.3]: a name that
 * goes with its right is told of from every place, and a message to nobody takes along what it
 * carries. And which member of a set comes next if a message was too large to be taken.
 */
#include <string.h>

#include "tests/flow/flow.h"
#include "tests/flow/flow_letter.h"

#define COPY	  MACH_MSG_TYPE_COPY_SEND
#define MOVE	  MACH_MSG_TYPE_MOVE_SEND
#define MAKE_ONCE MACH_MSG_TYPE_MAKE_SEND_ONCE
#define MOVE_ONCE MACH_MSG_TYPE_MOVE_SEND_ONCE
#define RECEIVE	  MACH_MSG_TYPE_MOVE_RECEIVE

#define SELF mach_task_self()

/* --- names that go --- */

enum place { AS_DEST, AS_REPLY, IN_BODY, IN_ARRAY, PLACES };

/* A send right and nothing else: the receive right is on its way to somebody. */
static mach_port_t send_right(void)
{
	mach_port_t port = flow_port(), holder = flow_port();
	struct flow_message message;

	flow_complex(&message, holder, COPY, 1);
	flow_add_port(&message, port, RECEIVE);
	CHECK_OK(flow_send(&message));
	CHECK_EQ(flow_type(port), MACH_PORT_TYPE_SEND);
	return port;
}

/* Send a message to `way` with the right in that place, or to the right itself. */
static void send_from(enum place place, mach_port_t way, mach_port_t right,
		      mach_msg_type_name_t type)
{
	struct flow_letter letter;

	if (place == AS_DEST)
		letter_start_as(&letter, right, type, MACH_PORT_NULL, 0);
	else if (place == AS_REPLY)
		letter_start_as(&letter, way, COPY, right, type);
	else
		letter_start(&letter, way);
	if (place == IN_BODY)
		letter_add_port(&letter, right, type);
	else if (place == IN_ARRAY)
		letter_add_ports(&letter, &right, 1, type, false);
	CHECK_OK(letter_send(&letter));
}

static void goes_and_is_told_of(enum place place, mach_port_t right, mach_msg_type_name_t type)
{
	mach_port_t way = flow_port(), notify = flow_receive_right();

	CHECK_EQ(flow_request(right, MACH_NOTIFY_DEAD_NAME, 0, notify), MACH_PORT_NULL);
	send_from(place, way, right, type);
	CHECK_EQ(flow_type(right), 0);
	CHECK_EQ(flow_notified(notify, MACH_NOTIFY_PORT_DELETED), right);
	flow_notified(notify, -1);
}

START_TEST(b36_a_name_that_goes_is_told_of_from_every_place)
{
	goes_and_is_told_of((enum place)_i, send_right(), MOVE);
	goes_and_is_told_of((enum place)_i, flow_send_once(flow_receive_right()), MOVE_ONCE);
	if (_i == IN_BODY || _i == IN_ARRAY)
		goes_and_is_told_of((enum place)_i, flow_receive_right(), RECEIVE);
}
END_TEST

/* With another reference the name stays, and nobody is told. */
START_TEST(b36_a_name_that_stays_is_not_told_of)
{
	mach_port_t way = flow_port(), notify = flow_receive_right(), right = send_right();

	CHECK_OK(mach_port_mod_refs(SELF, right, MACH_PORT_RIGHT_SEND, 1));
	CHECK_EQ(flow_request(right, MACH_NOTIFY_DEAD_NAME, 0, notify), MACH_PORT_NULL);
	send_from((enum place)_i, way, right, MOVE);
	CHECK_EQ(flow_refs(right, MACH_PORT_RIGHT_SEND), 1);
	flow_notified(notify, -1);
}
END_TEST

/* --- nobody there --- */

/* Its port is dead, and nobody has looked at the name since. */
static mach_port_t dead_once(void)
{
	mach_port_t port = flow_receive_right(), once = flow_send_once(port);

	CHECK_OK(mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_RECEIVE, -1));
	return once;
}

START_TEST(b42_what_a_message_to_nobody_carries_is_destroyed)
{
	mach_port_t once = dead_once(), reply = flow_receive_right(), moved = flow_port();
	mach_port_t told = flow_receive_right(), last = flow_receive_right();
	mach_port_t array[] = {flow_send_once(told), MACH_PORT_NULL, flow_send_once(told)};
	uint8_t *pages = letter_pages(2);
	struct flow_letter letter;

	flow_make_send(last, 1);
	CHECK_EQ(flow_request(last, MACH_NOTIFY_NO_SENDERS, 1, told), MACH_PORT_NULL);
	letter_start_as(&letter, once, MOVE_ONCE, reply, MAKE_ONCE);
	letter_add_port(&letter, moved, RECEIVE);
	letter_add_ports(&letter, array, 3, MOVE_ONCE, false);
	letter_add_port(&letter, last, MOVE);
	letter_add_memory(&letter, pages, 2 * 4096, true, MACH_MSG_VIRTUAL_COPY);
	CHECK_OK(letter_send(&letter));
	CHECK(!letter_mapped(pages) && !letter_mapped(pages + 4096));
	CHECK_EQ(flow_type(once), 0);
	flow_notified(reply, MACH_NOTIFY_SEND_ONCE);
	CHECK_EQ(flow_type(moved), MACH_PORT_TYPE_DEAD_NAME);
	flow_notified(told, MACH_NOTIFY_SEND_ONCE);
	flow_notified(told, MACH_NOTIFY_SEND_ONCE);
	CHECK_EQ(flow_notified(told, MACH_NOTIFY_NO_SENDERS), 1);
}
END_TEST

/* A right that is wrong is found out before it is seen that nobody is there. */
START_TEST(b42_a_message_to_nobody_must_be_right_all_the_same)
{
	mach_port_t once = dead_once(), reply = flow_receive_right();
	struct flow_letter letter;

	letter_start_as(&letter, once, MOVE_ONCE, reply, MAKE_ONCE);
	letter_add_port(&letter, flow_missing_name(), COPY);
	CHECK_CODE(letter_send(&letter), MACH_SEND_INVALID_RIGHT);
	CHECK_EQ(flow_type(once), 0);
	flow_notified(reply, MACH_NOTIFY_SEND_ONCE);
}
END_TEST

/* The name has been looked at: it is a dead name by now, and costs nothing. */
START_TEST(b42_a_name_that_was_looked_at_is_no_destination)
{
	mach_port_t once = dead_once();

	CHECK_EQ(flow_type(once), MACH_PORT_TYPE_DEAD_NAME);
	CHECK_CODE(flow_send_to(once, MOVE_ONCE, MACH_PORT_NULL, 0, 1), MACH_SEND_INVALID_DEST);
	CHECK_EQ(flow_refs(once, MACH_PORT_RIGHT_DEAD_NAME), 1);
}
END_TEST

/* --- too large --- */

static mach_msg_return_t receive(mach_port_t name, struct flow_message *message,
				 mach_msg_option_t option, mach_msg_size_t size)
{
	memset(message, 0x77, sizeof *message);
	return mach_msg(&message->header, MACH_RCV_MSG | MACH_RCV_TIMEOUT | option, 0, size, name,
			0, MACH_PORT_NULL);
}

/* Two members of a set with a message each, the first one's the larger. */
static mach_port_t two_members(mach_port_t member[2])
{
	struct flow_message message;
	mach_port_t set;

	CHECK_OK(mach_port_allocate(SELF, MACH_PORT_RIGHT_PORT_SET, &set));
	for (int i = 0; i < 2; i++) {
		member[i] = flow_port();
		CHECK_OK(mach_port_insert_member(SELF, member[i], set));
		memset(&message, 0, sizeof message);
		flow_header(&message, member[i], COPY, MACH_PORT_NULL, 0, i);
		message.header.msgh_size += i == 0 ? 100 : 0;
		CHECK_OK(flow_send(&message));
	}
	return set;
}

START_TEST(k162_the_next_member_comes_after_one_whose_message_stays)
{
	mach_port_t member[2], set = two_members(member);
	struct flow_message message;

	CHECK_CODE(receive(set, &message, MACH_RCV_LARGE | MACH_RCV_LARGE_IDENTITY, 40),
		   MACH_RCV_TOO_LARGE);
	CHECK_EQ(message.header.msgh_local_port, member[0]);
	CHECK_EQ(message.header.msgh_size, 124);
	CHECK_OK(receive(set, &message, MACH_RCV_LARGE | MACH_RCV_LARGE_IDENTITY, 40));
	CHECK_EQ(message.header.msgh_local_port, member[1]);
	CHECK_CODE(receive(set, &message, MACH_RCV_LARGE | MACH_RCV_LARGE_IDENTITY, 40),
		   MACH_RCV_TOO_LARGE);
	CHECK_EQ(message.header.msgh_local_port, member[0]);
	CHECK_OK(receive(set, &message, MACH_RCV_LARGE, sizeof message));
	CHECK_EQ(message.header.msgh_local_port, member[0]);
	CHECK_EQ(flow_status(member[0]).mps_seqno, 1);
}
END_TEST

START_TEST(k165_the_name_is_told_of_a_message_that_stays_and_of_no_other)
{
	mach_port_t member[2], set = two_members(member);
	struct flow_message message;

	CHECK_CODE(receive(set, &message, MACH_RCV_LARGE_IDENTITY, 40), MACH_RCV_TOO_LARGE);
	CHECK_EQ(message.header.msgh_size, sizeof message.header);
	CHECK_EQ(flow_status(member[0]).mps_msgcount, 0);
	CHECK_EQ(flow_status(member[0]).mps_seqno, 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("contract_places");
	TCase *tests = flow_case(suite, "places");

	tcase_add_loop_test(tests, b36_a_name_that_goes_is_told_of_from_every_place, 0, PLACES);
	tcase_add_loop_test(tests, b36_a_name_that_stays_is_not_told_of, 0, PLACES);
	tcase_add_test(tests, b42_what_a_message_to_nobody_carries_is_destroyed);
	tcase_add_test(tests, b42_a_message_to_nobody_must_be_right_all_the_same);
	tcase_add_test(tests, b42_a_name_that_was_looked_at_is_no_destination);
	tcase_add_test(tests, k162_the_next_member_comes_after_one_whose_message_stays);
	tcase_add_test(tests, k165_the_name_is_told_of_a_message_that_stays_and_of_no_other);
	return flow_run(suite);
}
