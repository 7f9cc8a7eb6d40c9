/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Turns: somebody calls without a pause. Whatever else machd is asked for meanwhile, and in
 * whatever quantity, is done in the end, all of it and in order. (That the caller hardly notices is
 * a benchmark's business.)
 */
#include <pthread.h>
#include <sched.h>

#include "tests/flow/flow.h"

#define SELF mach_task_self()
#define COPY MACH_MSG_TYPE_COPY_SEND

enum { STREAM = 8000, CROWD = 48, CALLS = 24, CLIENTS = 4, PORTS = 2000 };

static struct flow_child caller;

static void ask(mach_port_t port)
{
	mach_port_type_t type;

	CHECK_OK(mach_port_type(SELF, port, &type));
}

/* Through a ring, since it calls so often. */
static void call_for_ever(void *argument)
{
	mach_port_t port = flow_port();

	(void)argument;
	for (unsigned i = 0; i < CALLS; i++)
		ask(port);
	flow_tell_parent(1);
	for (;;)
		ask(port);
}

static void start(void)
{
	flow_start();
	flow_fork(&caller, call_for_ever, NULL);
	flow_hear(&caller);
}

static void stop(void)
{
	flow_kill(&caller);
	flow_stop();
}

static void *send_all(void *argument)
{
	mach_port_t port = *(const mach_port_t *)argument;
	mach_msg_header_t header = {.msgh_bits = MACH_MSGH_BITS(COPY, 0),
				    .msgh_size = sizeof header,
				    .msgh_remote_port = port};

	for (header.msgh_id = 1; header.msgh_id <= STREAM; header.msgh_id++)
		CHECK_OK(mach_msg(&header, MACH_SEND_MSG, sizeof header, 0, MACH_PORT_NULL, 0,
				  MACH_PORT_NULL));
	return NULL;
}

/* More than its task has time in hand for: both ends of it come to wait for their turns. */
START_TEST(a_stream_arrives)
{
	mach_port_t port = flow_port();
	struct flow_message message;
	pthread_t sender;

	flow_set_qlimit(port, MACH_PORT_QLIMIT_MAX);
	CHECK(pthread_create(&sender, NULL, send_all, &port) == 0);
	for (unsigned i = 1; i <= STREAM; i++) {
		flow_await(port, &message);
		CHECK_EQ(message.header.msgh_id, i);
	}
	CHECK(pthread_join(sender, NULL) == 0);
}
END_TEST

static void *call_some(void *argument)
{
	for (unsigned i = 0; i < CALLS; i++)
		ask(*(const mach_port_t *)argument);
	return NULL;
}

/* Connections, greetings, calls over sockets, rings, and the end of all that. */
START_TEST(a_crowd_is_served)
{
	mach_port_t port = flow_port();
	pthread_t threads[CROWD];

	for (unsigned i = 0; i < CROWD; i++)
		CHECK(pthread_create(&threads[i], NULL, call_some, &port) == 0);
	for (unsigned i = 0; i < CROWD; i++)
		CHECK(pthread_join(threads[i], NULL) == 0);
	ask(port);
}
END_TEST

static void be_client(void *argument)
{
	mach_port_t port;

	(void)argument;
	flow_hear_parent();
	port = flow_port();
	for (unsigned i = 0; i < CALLS; i++)
		ask(port);
}

/* New processes, one after the other, beside one that streams. */
START_TEST(others_are_served_beside_a_stream)
{
	mach_port_t port = flow_port();
	struct flow_message message;
	struct flow_child clients[CLIENTS];
	pthread_t sender;

	for (unsigned i = 0; i < CLIENTS; i++)
		flow_fork(&clients[i], be_client, NULL);
	flow_set_qlimit(port, MACH_PORT_QLIMIT_MAX);
	CHECK(pthread_create(&sender, NULL, send_all, &port) == 0);
	for (unsigned i = 1; i <= STREAM; i++) {
		flow_await(port, &message);
		if (i % (STREAM / CLIENTS) == 0) {
			flow_tell(&clients[i * CLIENTS / STREAM - 1], 1);
			flow_join(&clients[i * CLIENTS / STREAM - 1]);
		}
	}
	CHECK(pthread_join(sender, NULL) == 0);
}
END_TEST

static void have_much(void *argument)
{
	mach_port_t port;

	(void)argument;
	for (unsigned i = 0; i < PORTS; i++)
		CHECK_OK(mach_port_allocate(SELF, MACH_PORT_RIGHT_RECEIVE, &port));
	flow_tell_parent(1);
	flow_hear_parent();
}

/* Freeing what a task had is work for more than one turn. */
START_TEST(what_the_dead_had_is_freed)
{
	uint64_t before = flow_totals().ports;
	struct flow_child child;

	flow_fork(&child, have_much, NULL);
	flow_hear(&child);
	CHECK(flow_totals().ports >= before + PORTS);
	flow_kill(&child);
	flow_await_gone(child.pid);
	while (flow_totals().ports > before)
		sched_yield();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("turns");
	TCase *tests = tcase_create("turns");

	tcase_add_checked_fixture(tests, start, stop);
	tcase_add_test(tests, a_stream_arrives);
	tcase_add_test(tests, a_crowd_is_served);
	tcase_add_test(tests, others_are_served_beside_a_stream);
	tcase_add_test(tests, what_the_dead_had_is_freed);
	suite_add_tcase(suite, tests);
	return flow_run(suite);
}
