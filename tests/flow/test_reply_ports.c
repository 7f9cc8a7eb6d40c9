/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ports made for replies. To a task that is not hardened they are ordinary ports; but a destination
 * that was made to enforce it takes replies to them only.
 */
#include "tests/flow/flow.h"

#define COPY	  MACH_MSG_TYPE_COPY_SEND
#define MAKE_ONCE MACH_MSG_TYPE_MAKE_SEND_ONCE

static mach_port_t construct(uint32_t flags)
{
	mach_port_options_t options = {.flags = flags | MPO_INSERT_SEND_RIGHT};
	mach_port_t port;

	CHECK_OK(mach_port_construct(mach_task_self(), &options, 0, &port));
	return port;
}

static mach_msg_return_t send_with_reply(mach_port_t port, mach_port_t reply, uint32_t disposition)
{
	struct flow_message message;

	flow_header(&message, port, COPY, reply, disposition, 1);
	return flow_send(&message);
}

START_TEST(r293_an_enforcing_destination_wants_a_reply_port)
{
	mach_port_t port = construct(MPO_ENFORCE_REPLY_PORT_SEMANTICS);
	mach_port_t plain = flow_receive_right();
	struct flow_message message;

	CHECK_CODE(send_with_reply(port, plain, MAKE_ONCE), MACH_SEND_INVALID_REPLY);
	CHECK_EQ(flow_status(plain).mps_sorights, 0);
	CHECK_CODE(flow_receive(port, &message), MACH_RCV_TIMED_OUT);
	CHECK_OK(send_with_reply(port, MACH_PORT_NULL, 0));
	CHECK_OK(send_with_reply(port, construct(MPO_REPLY_PORT), MAKE_ONCE));
	CHECK_OK(send_with_reply(port, construct(MPO_PROVISIONAL_REPLY_PORT), MAKE_ONCE));
	CHECK_CODE(send_with_reply(port, construct(MPO_EXCEPTION_PORT), MAKE_ONCE),
		   MACH_SEND_INVALID_REPLY);
}
END_TEST

START_TEST(an_enforcing_destination_wants_no_dead_name_either)
{
	mach_port_t port = construct(MPO_ENFORCE_REPLY_PORT_SEMANTICS), dead;

	CHECK_OK(mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_DEAD_NAME, &dead));
	CHECK_CODE(send_with_reply(port, dead, COPY), MACH_SEND_INVALID_REPLY);
	CHECK_EQ(flow_refs(dead, MACH_PORT_RIGHT_DEAD_NAME), 1);
}
END_TEST

START_TEST(a_reply_that_does_not_fit_beats_a_missing_right_to_the_destination)
{
	mach_port_options_t options = {.flags = MPO_ENFORCE_REPLY_PORT_SEMANTICS};
	mach_port_t port;

	CHECK_OK(mach_port_construct(mach_task_self(), &options, 0, &port));
	CHECK_CODE(send_with_reply(port, flow_receive_right(), MAKE_ONCE), MACH_SEND_INVALID_REPLY);
	CHECK_CODE(send_with_reply(port, construct(MPO_REPLY_PORT), MAKE_ONCE),
		   MACH_SEND_INVALID_DEST);
}
END_TEST

START_TEST(r292_a_reply_port_is_an_ordinary_port)
{
	mach_port_t reply = construct(MPO_REPLY_PORT);
	struct flow_message message;

	CHECK_OK(send_with_reply(reply, MACH_PORT_NULL, 0));
	CHECK_OK(flow_receive(reply, &message));
	CHECK_OK(mach_port_insert_right(mach_task_self(), reply, reply, MACH_MSG_TYPE_MAKE_SEND));
	CHECK_EQ(flow_refs(reply, MACH_PORT_RIGHT_SEND), 2);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("reply_ports");
	TCase *tests = flow_case(suite, "not hardened");

	tcase_add_test(tests, r293_an_enforcing_destination_wants_a_reply_port);
	tcase_add_test(tests, an_enforcing_destination_wants_no_dead_name_either);
	tcase_add_test(tests, a_reply_that_does_not_fit_beats_a_missing_right_to_the_destination);
	tcase_add_test(tests, r292_a_reply_port_is_an_ordinary_port);
	return flow_run(suite);
}
