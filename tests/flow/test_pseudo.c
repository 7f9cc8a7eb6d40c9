/* SPDX-License-Identifier: Apache-2.0 */
/* A message that could not be queued comes back into the sender's buffer and name space. */
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "tests/flow/flow.h"

#define COPY	  MACH_MSG_TYPE_COPY_SEND
#define MOVE	  MACH_MSG_TYPE_MOVE_SEND
#define MAKE	  MACH_MSG_TYPE_MAKE_SEND
#define MAKE_ONCE MACH_MSG_TYPE_MAKE_SEND_ONCE
#define MOVE_ONCE MACH_MSG_TYPE_MOVE_SEND_ONCE

static mach_port_t full_port(void)
{
	mach_port_t port = flow_port();

	flow_fill(port, MACH_PORT_QLIMIT_BASIC);
	return port;
}

static void drain(mach_port_t port, unsigned count)
{
	struct flow_message message;

	while (count-- > 0)
		CHECK_OK(flow_receive(port, &message));
}

START_TEST(i131_a_copied_destination_comes_back_as_one_reference_more)
{
	mach_port_t port = full_port();
	struct flow_message message;

	flow_header(&message, port, COPY, 0, 0, 5);
	CHECK_CODE(flow_send(&message), MACH_SEND_TIMED_OUT);
	CHECK_EQ(message.header.msgh_bits, MACH_MSGH_BITS(MOVE, 0));
	CHECK_EQ(message.header.msgh_remote_port, port);
	CHECK_EQ(message.header.msgh_local_port, MACH_PORT_NULL);
	CHECK_EQ(message.header.msgh_size, 24);
	CHECK_EQ(message.header.msgh_id, 5);
	CHECK_EQ(flow_refs(port, MACH_PORT_RIGHT_SEND), 2);
	CHECK_EQ(flow_status(port).mps_msgcount, 5);
}
END_TEST

START_TEST(a_moved_destination_comes_back_as_it_was)
{
	mach_port_t port = full_port();
	struct flow_message message;

	flow_header(&message, port, MOVE, 0, 0, 5);
	CHECK_CODE(flow_send(&message), MACH_SEND_TIMED_OUT);
	CHECK_EQ(message.header.msgh_bits, MACH_MSGH_BITS(MOVE, 0));
	CHECK_EQ(flow_refs(port, MACH_PORT_RIGHT_SEND), 1);
}
END_TEST

START_TEST(i133_a_send_once_reply_comes_back_under_a_new_name)
{
	mach_port_t port = full_port(), reply = flow_receive_right();
	struct flow_message message;

	flow_header(&message, port, COPY, reply, MAKE_ONCE, 5);
	CHECK_CODE(flow_send(&message), MACH_SEND_TIMED_OUT);
	CHECK_EQ(message.header.msgh_bits, MACH_MSGH_BITS(MOVE, MOVE_ONCE));
	CHECK(message.header.msgh_local_port != reply);
	CHECK_EQ(flow_type(message.header.msgh_local_port), MACH_PORT_TYPE_SEND_ONCE);
	CHECK_EQ(flow_status(reply).mps_sorights, 1);
	flow_notified(reply, -1);
}
END_TEST

START_TEST(i134_the_buffer_can_be_sent_again_as_it_is)
{
	mach_port_t port = full_port(), reply = flow_receive_right();
	struct flow_message message;

	flow_header(&message, port, COPY, reply, MAKE_ONCE, 55);
	CHECK_CODE(flow_send(&message), MACH_SEND_TIMED_OUT);
	CHECK_CODE(flow_send(&message), MACH_SEND_TIMED_OUT);
	drain(port, 1);
	CHECK_OK(flow_send(&message));
	CHECK_EQ(flow_refs(port, MACH_PORT_RIGHT_SEND), 1);
	drain(port, 4);
	CHECK_OK(flow_receive(port, &message));
	CHECK_EQ(message.header.msgh_id, 55);
	CHECK_OK(flow_send_to(message.header.msgh_remote_port, MOVE_ONCE, 0, 0, 66));
	CHECK_OK(flow_receive(reply, &message));
	CHECK_EQ(message.header.msgh_id, 66);
	flow_notified(reply, -1);
}
END_TEST

START_TEST(body_rights_come_back_in_received_form)
{
	mach_port_t port = full_port(), send = flow_port(), receive = flow_receive_right();
	struct flow_message message;

	flow_complex(&message, port, COPY, 5);
	flow_add_port(&message, send, COPY);
	flow_add_port(&message, receive, MACH_MSG_TYPE_MOVE_RECEIVE);
	flow_add_port(&message, send, MAKE_ONCE);
	flow_add_port(&message, MACH_PORT_DEAD, 25);
	CHECK_CODE(flow_send(&message), MACH_SEND_TIMED_OUT);
	CHECK_EQ(message.header.msgh_bits, MACH_MSGH_BITS_COMPLEX | MACH_MSGH_BITS(MOVE, 0));
	CHECK_EQ(message.header.msgh_size, 28 + 4 * 12);
	CHECK_EQ(message.base.body.msgh_descriptor_count, 4);
	CHECK_EQ(message.port[0].name, send);
	CHECK_EQ(message.port[0].disposition, MOVE);
	CHECK_EQ(flow_refs(send, MACH_PORT_RIGHT_SEND), 2);
	CHECK_EQ(message.port[1].disposition, MACH_MSG_TYPE_MOVE_RECEIVE);
	CHECK_EQ(flow_type(message.port[1].name), MACH_PORT_TYPE_RECEIVE);
	CHECK_EQ(message.port[2].disposition, MOVE_ONCE);
	CHECK_EQ(flow_type(message.port[2].name), MACH_PORT_TYPE_SEND_ONCE);
	CHECK_EQ(message.port[3].name, MACH_PORT_DEAD);
	CHECK_EQ(message.port[3].disposition, 0);
}
END_TEST

START_TEST(i139_no_trailer_and_no_byte_behind_the_message)
{
	mach_port_t port = full_port();
	struct flow_message message;

	memset(&message, 0x77, sizeof message);
	flow_header(&message, port, COPY, 0, 0, 5);
	message.header.msgh_size = 40;
	CHECK_CODE(flow_send(&message), MACH_SEND_TIMED_OUT);
	CHECK_EQ(message.header.msgh_size, 40);
	for (unsigned i = 24; i < sizeof message; i++)
		CHECK_EQ(message.bytes[i], 0x77);
}
END_TEST

START_TEST(with_a_receive_asked_for_as_well_the_send_buffer_gets_it)
{
	mach_port_t port = full_port();
	struct flow_message message, buffer;

	flow_header(&message, port, COPY, 0, 0, 5);
	memset(&buffer, 0x77, sizeof buffer);
	CHECK_CODE(mach_msg_overwrite(&message.header,
				      MACH_SEND_MSG | MACH_SEND_TIMEOUT | MACH_RCV_MSG |
					      MACH_RCV_TIMEOUT,
				      24, sizeof buffer, port, 0, 0, &buffer.header, 0),
		   MACH_SEND_TIMED_OUT);
	CHECK_EQ(message.header.msgh_bits, MACH_MSGH_BITS(MOVE, 0));
	for (unsigned i = 0; i < sizeof buffer; i++)
		CHECK_EQ(buffer.bytes[i], 0x77);
	CHECK_EQ(flow_status(port).mps_msgcount, 5);
	/* The same with one buffer for both. */
	CHECK_CODE(mach_msg(&message.header,
			    MACH_SEND_MSG | MACH_SEND_TIMEOUT | MACH_RCV_MSG | MACH_RCV_TIMEOUT, 24,
			    sizeof message, port, 0, 0),
		   MACH_SEND_TIMED_OUT);
	CHECK_EQ(message.header.msgh_bits, MACH_MSGH_BITS(MOVE, 0));
	CHECK_EQ(message.header.msgh_id, 5);
}
END_TEST

struct sender {
	struct flow_message message;
	mach_msg_return_t code;
};

static void *send_blocking(void *argument)
{
	struct sender *sender = argument;

	sender->code = mach_msg(&sender->message.header, MACH_SEND_MSG, 24, 0, 0, 0, 0);
	return NULL;
}

START_TEST(i140_a_destination_that_dies_under_a_blocked_sender_is_success)
{
	mach_port_t port = full_port(), reply = flow_receive_right();
	struct sender sender;
	pthread_t thread;

	flow_header(&sender.message, port, COPY, reply, MAKE_ONCE, 5);
	CHECK(pthread_create(&thread, NULL, send_blocking, &sender) == 0);
	flow_await_waiting(getpid(), 1);
	CHECK_OK(mach_port_mod_refs(mach_task_self(), port, MACH_PORT_RIGHT_RECEIVE, -1));
	CHECK(pthread_join(thread, NULL) == 0);
	CHECK_OK(sender.code);
	CHECK_EQ(sender.message.header.msgh_bits, MACH_MSGH_BITS(COPY, MAKE_ONCE));
	flow_notified(reply, MACH_NOTIFY_SEND_ONCE);
}
END_TEST

START_TEST(o256_a_time_out_while_blocked_gives_the_message_back)
{
	mach_port_t port = full_port();
	struct flow_message message;

	flow_header(&message, port, COPY, 0, 0, 5);
	CHECK_CODE(mach_msg(&message.header, MACH_SEND_MSG | MACH_SEND_TIMEOUT, 24, 0, 0, 20, 0),
		   MACH_SEND_TIMED_OUT);
	CHECK_EQ(message.header.msgh_bits, MACH_MSGH_BITS(MOVE, 0));
	CHECK_EQ(flow_refs(port, MACH_PORT_RIGHT_SEND), 2);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pseudo");
	TCase *tests = flow_case(suite, "given back");

	tcase_add_test(tests, i131_a_copied_destination_comes_back_as_one_reference_more);
	tcase_add_test(tests, a_moved_destination_comes_back_as_it_was);
	tcase_add_test(tests, i133_a_send_once_reply_comes_back_under_a_new_name);
	tcase_add_test(tests, i134_the_buffer_can_be_sent_again_as_it_is);
	tcase_add_test(tests, body_rights_come_back_in_received_form);
	tcase_add_test(tests, i139_no_trailer_and_no_byte_behind_the_message);
	tcase_add_test(tests, with_a_receive_asked_for_as_well_the_send_buffer_gets_it);
	tcase_add_test(tests, i140_a_destination_that_dies_under_a_blocked_sender_is_success);
	tcase_add_test(tests, o256_a_time_out_while_blocked_gives_the_message_back);
	return flow_run(suite);
}
