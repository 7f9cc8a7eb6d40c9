/* SPDX-License-Identifier: Apache-2.0 */
/* machd.conf's [policy], with a real daemon: who is hardened, and that a record knows it [17.1]. */
#include <mach/mach.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/flow/flow.h"

static mach_port_t construct(uint32_t flags)
{
	mach_port_options_t options = {.flags = flags};
	mach_port_t port;

	CHECK_OK(mach_port_construct(mach_task_self(), &options, 0, &port));
	return port;
}

static void start(const char *value)
{
	char config[64];
	struct flow_options options = {.config = config, .record = true};

	snprintf(config, sizeof config, "[policy]\nHardened=%s\n", value);
	flow_start_with(&options);
}

/* Ask a port, and answer. */
static void converse(mach_port_t server, mach_port_t reply)
{
	struct flow_message message;

	CHECK_OK(flow_send_to(server, MACH_MSG_TYPE_COPY_SEND, reply, MACH_MSG_TYPE_MAKE_SEND_ONCE,
			      1));
	flow_await(server, &message);
	CHECK_OK(flow_send_to(message.header.msgh_remote_port, SEND_ONCE, 0, 0, 2));
	flow_await(reply, &message);
	CHECK_EQ(message.header.msgh_id, 2);
}

/* Cases 289 and 290, by way of the library. */
static void hardened(void)
{
	mach_port_t server = flow_port(), reply = construct(MPO_REPLY_PORT), port;
	struct flow_message message;
	mach_msg_type_name_t type;

	CHECK_CODE(mach_port_extract_right(mach_task_self(), reply, MACH_MSG_TYPE_MAKE_SEND_ONCE,
					   &port, &type),
		   KERN_INVALID_CAPABILITY);
	flow_complex(&message, server, MACH_MSG_TYPE_COPY_SEND, 1);
	flow_add_port(&message, reply, MACH_MSG_TYPE_MAKE_SEND_ONCE);
	CHECK_CODE(flow_send(&message), MACH_SEND_INVALID_RIGHT);
	CHECK_CODE(flow_send_to(server, MACH_MSG_TYPE_COPY_SEND, reply, MACH_MSG_TYPE_MAKE_SEND, 1),
		   MACH_SEND_INVALID_REPLY);
	converse(server, reply);
}

/* Case 292. */
static void ordinary(void)
{
	mach_port_t reply = construct(MPO_REPLY_PORT);

	CHECK_OK(mach_port_insert_right(mach_task_self(), reply, reply, MACH_MSG_TYPE_MAKE_SEND));
	converse(flow_port(), reply);
	CHECK_OK(flow_send_to(reply, MACH_MSG_TYPE_COPY_SEND, 0, 0, 1));
}

START_TEST(all_are_hardened)
{
	start("all");
	hardened();
	flow_stop();
}
END_TEST

START_TEST(this_user_is_hardened)
{
	char uids[32];

	snprintf(uids, sizeof uids, "4294967294 %u", getuid());
	start(uids);
	hardened();
	flow_stop();
}
END_TEST

START_TEST(another_user_is_hardened)
{
	start("4294967294");
	ordinary();
	flow_stop();
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("hardened");
	TCase *tcase = tcase_create("policy");

	tcase_add_test(tcase, all_are_hardened);
	tcase_add_test(tcase, this_user_is_hardened);
	tcase_add_test(tcase, another_user_is_hardened);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return flow_run(suite());
}
