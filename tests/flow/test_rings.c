/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shared memory between a thread and the daemon: when it comes, that it is never missed where there
 * is none, and what becomes of it in a fork and at the end of a thread or of the daemon. That calls
 * do the same with it and without is shown by all the other tests.
 */
#include <machd.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "protocol/limits.h"
#include "tests/flow/flow.h"

/* Rings that a process has mapped. */
static unsigned rings_of(pid_t pid)
{
	char path[32], line[512];
	unsigned count = 0;
	FILE *maps;

	snprintf(path, sizeof path, "/proc/%d/maps", pid);
	maps = fopen(path, "r");
	CHECK(maps != NULL);
	while (fgets(line, sizeof line, maps))
		count += strstr(line, "memfd:machd-ring") != NULL;
	fclose(maps);
	return count;
}

static void start_with(const char *after, const char *config)
{
	struct flow_options options = {.config = config};

	unsetenv("MACHD_RING");
	if (after)
		setenv("MACHD_RING_AFTER", after, 1);
	flow_start_with(&options);
}

/* A message to ourselves, there and back. */
static void call(mach_port_t port)
{
	struct flow_message message;

	flow_header(&message, port, MACH_MSG_TYPE_COPY_SEND, MACH_PORT_NULL, 0, 7);
	CHECK_OK(mach_msg(&message.header, MACH_SEND_MSG | MACH_RCV_MSG, 24, sizeof message, port,
			  MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL));
	CHECK_EQ(message.header.msgh_id, 7);
}

START_TEST(a_ring_comes_after_some_calls)
{
	char after[16];
	mach_port_t port;

	snprintf(after, sizeof after, "%d", MACHD_RING_AFTER);
	start_with(after, NULL);
	port = flow_port();
	CHECK_EQ(rings_of(getpid()), 0);
	CHECK_EQ(rings_of(flow_daemon()), 0);
	for (unsigned i = 0; i < MACHD_RING_AFTER; i++)
		call(port);
	CHECK_EQ(rings_of(getpid()), 1);
	CHECK_EQ(rings_of(flow_daemon()), 1);
	flow_stop();
}
END_TEST

/* All that a thread does: `argument` is how many rings there are then. */
static void *some_calls(void *argument)
{
	mach_port_t port = flow_port();

	for (unsigned i = 0; i < 5; i++)
		call(port);
	CHECK_EQ(rings_of(getpid()), *(unsigned *)argument);
	CHECK_EQ(rings_of(flow_daemon()), *(unsigned *)argument);
	return NULL;
}

static void in_a_thread(unsigned rings)
{
	pthread_t thread;

	CHECK(pthread_create(&thread, NULL, some_calls, &rings) == 0);
	CHECK(pthread_join(thread, NULL) == 0);
}

START_TEST(each_thread_has_its_own)
{
	unsigned one = 1;

	start_with("0", NULL);
	some_calls(&one);
	in_a_thread(2);
	flow_await_channels(getpid(), 1);
	CHECK_EQ(rings_of(getpid()), 1);
	CHECK_EQ(rings_of(flow_daemon()), 1);
	in_a_thread(2);
	flow_stop();
}
END_TEST

START_TEST(where_there_is_none_left_sockets_do)
{
	unsigned one = 1;

	start_with("0", "[limits]\nRingsPerUser=1\nTaskShare=100\n");
	some_calls(&one);
	in_a_thread(1);
	some_calls(&one);
	flow_stop();
}
END_TEST

START_TEST(an_administrator_can_say_no)
{
	unsigned none = 0;

	start_with("0", "[limits]\nRings=0\n");
	some_calls(&none);
	flow_stop();
}
END_TEST

START_TEST(a_program_can_say_no)
{
	unsigned none = 0;

	setenv("MACHD_RING_AFTER", "0", 1);
	setenv("MACHD_RING", "0", 1);
	flow_start();
	some_calls(&none);
	flow_stop();
}
END_TEST

static void child(void *argument)
{
	unsigned one = 1, two = 2;

	CHECK_EQ(rings_of(getpid()), 0);
	call(flow_port());
	CHECK_EQ(rings_of(getpid()), one);
	CHECK_EQ(rings_of(flow_daemon()), two);
	(void)argument;
}

START_TEST(a_child_has_nothing_of_its_parents)
{
	struct flow_child other;
	mach_port_t port;

	start_with("0", NULL);
	port = flow_port();
	call(port);
	flow_fork(&other, child, NULL);
	flow_join(&other);
	call(port);
	CHECK_EQ(rings_of(getpid()), 1);
	flow_stop();
}
END_TEST

/* The last connection outlives its thread, and its ring with it. */
static void *first_thread(void *argument)
{
	*(mach_port_t *)argument = flow_port();
	call(*(mach_port_t *)argument);
	return NULL;
}

static void only_threads(void *argument)
{
	pthread_t thread;
	mach_port_t port;
	unsigned one = 1;

	(void)argument;
	CHECK(pthread_create(&thread, NULL, first_thread, &port) == 0);
	CHECK(pthread_join(thread, NULL) == 0);
	CHECK_EQ(rings_of(getpid()), one);
	call(port);
	CHECK_EQ(rings_of(getpid()), one);
}

START_TEST(the_next_thread_takes_it_over)
{
	struct flow_child other;

	start_with("0", NULL);
	flow_fork(&other, only_threads, NULL);
	flow_join(&other);
	flow_stop();
}
END_TEST

static void *waits_for_ever(void *argument)
{
	struct flow_message message;

	CHECK_CODE(mach_msg(&message.header, MACH_RCV_MSG, 0, sizeof message,
			    *(mach_port_t *)argument, MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL),
		   MACHD_NO_DAEMON);
	return NULL;
}

START_TEST(the_end_of_the_daemon_is_noticed)
{
	pthread_t thread;
	mach_port_t port;

	start_with("0", NULL);
	port = flow_receive_right();
	CHECK(pthread_create(&thread, NULL, waits_for_ever, &port) == 0);
	flow_await_waiting(getpid(), 1);
	flow_crash();
	CHECK(pthread_join(thread, NULL) == 0);
	CHECK_EQ(rings_of(getpid()), 1);
	CHECK_CODE(mach_port_deallocate(mach_task_self(), port), MACHD_NO_DAEMON);
	CHECK_EQ(rings_of(getpid()), 0);
	flow_restart();
	call(flow_port());
	CHECK_EQ(rings_of(getpid()), 1);
	flow_stop();
}
END_TEST

/* Whole answers in the ring, of all sizes around its end, and some that are on the socket. */
START_TEST(sizes)
{
	enum { MOST = 210000 };
	static struct {
		mach_msg_header_t header;
		uint8_t bytes[MOST];
		mach_msg_max_trailer_t trailer;
	} message;
	mach_port_t port;

	start_with("0", NULL);
	port = flow_port();
	for (uint32_t size = 0; size < MOST; size += 4 * (1 + size / 61)) {
		message.header = (mach_msg_header_t){
			.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0),
			.msgh_remote_port = port,
		};
		for (uint32_t i = 0; i < size; i++)
			message.bytes[i] = (uint8_t)(size + i);
		CHECK_OK(mach_msg(&message.header, MACH_SEND_MSG | MACH_RCV_MSG,
				  (mach_msg_size_t)sizeof message.header + size, sizeof message,
				  port, MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL));
		CHECK_EQ(message.header.msgh_size, sizeof message.header + size);
		for (uint32_t i = 0; i < size; i++)
			CHECK(message.bytes[i] == (uint8_t)(size + i));
	}
	flow_stop();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("rings");
	TCase *tests = tcase_create("rings");

	suite_add_tcase(suite, tests);
	tcase_add_test(tests, a_ring_comes_after_some_calls);
	tcase_add_test(tests, each_thread_has_its_own);
	tcase_add_test(tests, where_there_is_none_left_sockets_do);
	tcase_add_test(tests, an_administrator_can_say_no);
	tcase_add_test(tests, a_program_can_say_no);
	tcase_add_test(tests, a_child_has_nothing_of_its_parents);
	tcase_add_test(tests, the_next_thread_takes_it_over);
	tcase_add_test(tests, the_end_of_the_daemon_is_noticed);
	tcase_add_test(tests, sizes);
	return flow_run(suite);
}
