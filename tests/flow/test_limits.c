/* SPDX-License-Identifier: Apache-2.0 */
/* What a client sees when a limit is reached: a code, and everything else goes on. */
#include <machd.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/flow/flow.h"

#define COPY	  MACH_MSG_TYPE_COPY_SEND
#define MAKE_ONCE MACH_MSG_TYPE_MAKE_SEND_ONCE

#define SELF mach_task_self()

static void few_names(void)
{
	flow_start_with(&(struct flow_options){.config = "[limits]\nNamesPerTask=64\n"});
}

static void few_of_all(void)
{
	flow_start_with(&(struct flow_options){.config = "[limits]\n"
							 "TaskShare=100\n"
							 "MessagesPerUser=16\n"
							 "MemfdsPerUser=2\n"
							 "ChannelsPerTask=3\n"
							 "TasksPerUser=2\n"
							 "PortsPerUser=64\n"});
}

/* Use up all names but `spare`. */
static void fill_names(unsigned spare)
{
	mach_port_t last[64], name;
	unsigned count = 0;

	while (mach_port_allocate(SELF, MACH_PORT_RIGHT_DEAD_NAME, &name) == KERN_SUCCESS)
		last[count++ % 64] = name;
	CHECK(count >= spare);
	while (spare-- > 0)
		CHECK_OK(mach_port_deallocate(SELF, last[--count % 64]));
}

START_TEST(l173_no_name_is_left)
{
	mach_port_t name = 5;

	fill_names(0);
	CHECK_CODE(mach_port_allocate(SELF, MACH_PORT_RIGHT_RECEIVE, &name), KERN_NO_SPACE);
	CHECK_CODE(mach_port_allocate(SELF, MACH_PORT_RIGHT_PORT_SET, &name), KERN_NO_SPACE);
	CHECK_CODE(mach_port_allocate_name(SELF, MACH_PORT_RIGHT_RECEIVE, 0x4003), KERN_NO_SPACE);
	CHECK_EQ(name, 5);
}
END_TEST

START_TEST(l170_no_name_for_the_reply)
{
	mach_port_t port = flow_port(), reply = flow_receive_right();
	struct flow_message message;

	CHECK_OK(flow_send_to(port, COPY, reply, MAKE_ONCE, 5));
	fill_names(0);
	CHECK_CODE(flow_receive(port, &message), MACH_RCV_HEADER_ERROR | MACH_MSG_IPC_SPACE);
	CHECK_EQ(message.header.msgh_size, 24);
	CHECK_EQ(message.header.msgh_remote_port, MACH_PORT_NULL);
	CHECK_EQ(message.header.msgh_local_port, port);
	CHECK_EQ(message.header.msgh_id, 5);
	flow_notified(reply, MACH_NOTIFY_SEND_ONCE);
	CHECK_OK(flow_send_to(port, COPY, MACH_PORT_NULL, 0, 6));
	CHECK_OK(flow_receive(port, &message));
	CHECK_EQ(message.header.msgh_id, 6);
}
END_TEST

START_TEST(l172_the_last_name_goes_to_the_first_right)
{
	mach_port_t port = flow_port(), held = flow_port(), other = flow_receive_right();
	struct flow_message message;

	flow_complex(&message, port, COPY, 5);
	flow_add_port(&message, other, MAKE_ONCE);
	flow_add_port(&message, held, COPY);
	CHECK_OK(flow_send(&message));
	fill_names(1);
	CHECK_CODE(flow_receive(port, &message), MACH_RCV_BODY_ERROR | MACH_MSG_IPC_SPACE);
	CHECK_EQ(flow_type(message.port[0].name), MACH_PORT_TYPE_SEND_ONCE);
	CHECK_EQ(message.port[1].name, MACH_PORT_NULL);
	CHECK_EQ(flow_refs(held, MACH_PORT_RIGHT_SEND), 1);
	flow_notified(other, -1);
}
END_TEST

START_TEST(no_name_for_what_is_given_back)
{
	mach_port_t port = flow_port(), reply = flow_receive_right();
	struct flow_message message;

	flow_fill(port, 5);
	fill_names(0);
	flow_header(&message, port, COPY, reply, MAKE_ONCE, 5);
	CHECK_CODE(flow_send(&message), MACH_SEND_TIMED_OUT | MACH_MSG_IPC_SPACE);
	CHECK_EQ(message.header.msgh_local_port, MACH_PORT_NULL);
	flow_notified(reply, MACH_NOTIFY_SEND_ONCE);
}
END_TEST

START_TEST(messages_of_one_user)
{
	mach_port_t port = flow_port();
	struct flow_message message;

	flow_set_qlimit(port, 100);
	flow_fill(port, 16);
	CHECK_CODE(flow_send_to(port, COPY, 0, 0, 1), MACH_SEND_NO_BUFFER);
	CHECK_EQ(flow_refs(port, MACH_PORT_RIGHT_SEND), 1);
	CHECK_OK(flow_receive(port, &message));
	CHECK_OK(flow_send_to(port, COPY, 0, 0, 1));
}
END_TEST

START_TEST(memfds_of_one_user)
{
	enum { SIZE = 200000 };
	mach_msg_header_t *message = calloc(1, SIZE + 8);
	mach_port_t port = flow_port();

	CHECK(message != NULL);
	*message =
		(mach_msg_header_t){.msgh_bits = MACH_MSGH_BITS(COPY, 0), .msgh_remote_port = port};
	for (unsigned i = 0; i < 3; i++)
		CHECK_CODE(mach_msg(message, MACH_SEND_MSG, SIZE, 0, 0, 0, 0),
			   i < 2 ? MACH_MSG_SUCCESS : MACH_SEND_NO_BUFFER);
	CHECK_OK(flow_send_to(port, COPY, 0, 0, 1));
	for (unsigned i = 0; i < 2; i++)
		CHECK_OK(mach_msg(message, MACH_RCV_MSG, 0, SIZE + 8, port, 0, 0));
	*message =
		(mach_msg_header_t){.msgh_bits = MACH_MSGH_BITS(COPY, 0), .msgh_remote_port = port};
	CHECK_OK(mach_msg(message, MACH_SEND_MSG, SIZE, 0, 0, 0, 0));
	free(message);
}
END_TEST

START_TEST(ports_of_one_user)
{
	mach_port_t ports[100];
	unsigned count = 0;

	while (count < 100 &&
	       mach_port_allocate(SELF, MACH_PORT_RIGHT_RECEIVE, &ports[count]) == KERN_SUCCESS)
		count++;
	CHECK(count > 0 && count <= 64);
	CHECK_CODE(mach_port_allocate(SELF, MACH_PORT_RIGHT_RECEIVE, &ports[99]),
		   KERN_RESOURCE_SHORTAGE);
	CHECK_OK(mach_port_destroy(SELF, ports[0]));
	CHECK_OK(mach_port_allocate(SELF, MACH_PORT_RIGHT_RECEIVE, &ports[0]));
}
END_TEST

struct joiner {
	pthread_t thread;
	pthread_barrier_t *barrier;
	kern_return_t code;
	bool names_the_limit;
};

static void *join_task(void *argument)
{
	struct joiner *joiner = argument;
	mach_port_type_t type;

	joiner->code = mach_port_type(mach_task_self(), MACH_PORT_DEAD, &type);
	joiner->names_the_limit = strstr(machd_last_error(), "ChannelsPerTask") != NULL;
	pthread_barrier_wait(joiner->barrier);
	return NULL;
}

START_TEST(connections_of_one_task)
{
	struct joiner joiners[4];
	pthread_barrier_t barrier;
	mach_port_t port = flow_port();
	unsigned refused = 0;

	CHECK(pthread_barrier_init(&barrier, NULL, 4) == 0);
	for (unsigned i = 0; i < 4; i++) {
		joiners[i].barrier = &barrier;
		CHECK(pthread_create(&joiners[i].thread, NULL, join_task, &joiners[i]) == 0);
	}
	for (unsigned i = 0; i < 4; i++) {
		CHECK(pthread_join(joiners[i].thread, NULL) == 0);
		if (joiners[i].code != KERN_SUCCESS) {
			CHECK_CODE(joiners[i].code, MACHD_NO_DAEMON);
			CHECK(joiners[i].names_the_limit);
			refused++;
		}
	}
	CHECK_EQ(refused, 2);
	CHECK_EQ(flow_type(port), MACH_PORT_TYPE_SEND_RECEIVE);
	CHECK_EQ(flow_task_count(), 1);
}
END_TEST

static void be_a_task(void *unused)
{
	(void)unused;
	flow_port();
	flow_tell_parent(0);
	flow_hear_parent();
}

static void be_refused(void *unused)
{
	(void)unused;
	CHECK_EQ(mach_task_self(), MACH_PORT_NULL);
	CHECK(strstr(machd_last_error(), "TasksPerUser"));
}

START_TEST(tasks_of_one_user)
{
	struct flow_child second, third;
	mach_port_t port = flow_port();

	flow_fork(&second, be_a_task, NULL);
	flow_hear(&second);
	flow_fork(&third, be_refused, NULL);
	flow_join(&third);
	flow_tell(&second, 0);
	flow_join(&second);
	flow_fork(&third, be_a_task, NULL);
	flow_hear(&third);
	flow_tell(&third, 0);
	flow_join(&third);
	CHECK_EQ(flow_type(port), MACH_PORT_TYPE_SEND_RECEIVE);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("limits");
	TCase *tests = tcase_create("names");

	suite_add_tcase(suite, tests);
	tcase_add_checked_fixture(tests, few_names, flow_stop);
	tcase_add_test(tests, l173_no_name_is_left);
	tcase_add_test(tests, l170_no_name_for_the_reply);
	tcase_add_test(tests, l172_the_last_name_goes_to_the_first_right);
	tcase_add_test(tests, no_name_for_what_is_given_back);
	tests = tcase_create("users");
	suite_add_tcase(suite, tests);
	tcase_add_checked_fixture(tests, few_of_all, flow_stop);
	tcase_add_test(tests, messages_of_one_user);
	tcase_add_test(tests, memfds_of_one_user);
	tcase_add_test(tests, ports_of_one_user);
	tcase_add_test(tests, connections_of_one_task);
	tcase_add_test(tests, tasks_of_one_user);
	return flow_run(suite);
}
