/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reply ports that stubs of MIG use [17.2, 25]: what they are good for, and what a stub does
 * with them when its call has failed.
 */
#include <mach/mig.h>

#include "tests/flow/flow.h"

#define SELF	  mach_task_self()
#define COPY	  MACH_MSG_TYPE_COPY_SEND
#define MAKE_ONCE MACH_MSG_TYPE_MAKE_SEND_ONCE

/* It is made for replies, so that a server which wants no others can be called. */
START_TEST(a_server_that_enforces_replies_is_called)
{
	mach_port_options_t options = {.flags = MPO_ENFORCE_REPLY_PORT_SEMANTICS |
						MPO_INSERT_SEND_RIGHT};
	mach_port_t server, reply = mig_get_reply_port();

	CHECK_OK(mach_port_construct(SELF, &options, 0, &server));
	CHECK_EQ(flow_type(reply), MACH_PORT_TYPE_RECEIVE);
	CHECK_OK(flow_send_to(server, COPY, reply, MAKE_ONCE, 1));
	CHECK_OK(flow_send_to(server, COPY, mig_get_special_reply_port(), MAKE_ONCE, 2));
	CHECK_CODE(flow_send_to(server, COPY, mach_reply_port(), MAKE_ONCE, 3),
		   MACH_SEND_INVALID_REPLY);
}
END_TEST

/* A request that comes back brings the right to reply, which is given up with the port. */
static void fail_to_call(mach_port_t reply, void (*give_up)(mach_port_t reply))
{
	mach_port_t server = flow_port();
	struct flow_message message;

	flow_fill(server, MACH_PORT_QLIMIT_DEFAULT);
	flow_header(&message, server, COPY, reply, MAKE_ONCE, 1);
	CHECK_CODE(flow_send(&message), MACH_SEND_TIMED_OUT);
	CHECK(message.header.msgh_local_port != reply);
	CHECK_EQ(flow_type(message.header.msgh_local_port), MACH_PORT_TYPE_SEND_ONCE);
	give_up(message.header.msgh_local_port);
	CHECK_EQ(flow_type(message.header.msgh_local_port), 0);
	CHECK_EQ(flow_type(reply), 0);
}

START_TEST(a_call_that_comes_back_leaves_no_right_behind)
{
	mach_port_t reply = mig_get_reply_port(), special = mig_get_special_reply_port();

	fail_to_call(reply, mig_dealloc_reply_port);
	CHECK(mig_get_reply_port() != reply);
	CHECK_EQ(flow_type(mig_get_reply_port()), MACH_PORT_TYPE_RECEIVE);
	fail_to_call(special, mig_dealloc_special_reply_port);
	CHECK(mig_get_special_reply_port() != special);
	CHECK_EQ(flow_type(mig_get_special_reply_port()), MACH_PORT_TYPE_SEND_RECEIVE);
}
END_TEST

START_TEST(a_message_without_the_port_leaves_none_either)
{
	mach_port_t reply = mig_get_reply_port(), special = mig_get_special_reply_port();

	mig_dealloc_reply_port(MACH_PORT_NULL);
	CHECK_EQ(flow_type(reply), 0);
	mig_dealloc_special_reply_port(MACH_PORT_DEAD);
	CHECK_EQ(flow_type(special), 0);
}
END_TEST

/* Who has none, or has given it up, does nothing to others. */
START_TEST(without_a_reply_port_there_is_nothing_to_destroy)
{
	mach_port_t port = flow_port();

	mig_dealloc_reply_port(port);
	mig_dealloc_special_reply_port(port);
	CHECK_EQ(flow_type(port), MACH_PORT_TYPE_SEND_RECEIVE);
	mig_dealloc_reply_port(mig_get_reply_port());
	mig_dealloc_reply_port(port);
	CHECK_EQ(flow_type(port), MACH_PORT_TYPE_SEND_RECEIVE);
}
END_TEST

/* To a hardened task it is a reply port and nothing else [17.1]. */
START_TEST(of_a_hardened_task_it_makes_replies_only)
{
	struct flow_options options = {.config = "[policy]\nHardened=all\n"};
	struct flow_message message;
	mach_port_t server, reply;

	flow_stop();
	flow_start_with(&options);
	server = flow_port();
	reply = mig_get_reply_port();
	CHECK_CODE(mach_port_insert_right(SELF, 0x77703, reply, MAKE_ONCE),
		   KERN_INVALID_CAPABILITY);
	CHECK_OK(flow_send_to(server, COPY, reply, MAKE_ONCE, 1));
	CHECK_OK(flow_receive(server, &message));
	CHECK_OK(flow_send_to(message.header.msgh_remote_port, SEND_ONCE, MACH_PORT_NULL, 0, 2));
	CHECK_OK(flow_receive(reply, &message));
	CHECK_EQ(message.header.msgh_id, 2);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("mig reply ports");
	TCase *tests = flow_case(suite, "stubs");

	tcase_add_test(tests, a_server_that_enforces_replies_is_called);
	tcase_add_test(tests, a_call_that_comes_back_leaves_no_right_behind);
	tcase_add_test(tests, a_message_without_the_port_leaves_none_either);
	tcase_add_test(tests, without_a_reply_port_there_is_nothing_to_destroy);
	tcase_add_test(tests, of_a_hardened_task_it_makes_replies_only);
	return flow_run(suite);
}
