/* SPDX-License-Identifier: Apache-2.0 */
/* Many threads of one task: each has its own connection, all share one name space. */
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "tests/flow/flow.h"

#define COPY MACH_MSG_TYPE_COPY_SEND

enum { THREADS = 64 };

struct worker {
	pthread_t thread;
	pthread_barrier_t *barrier;
	mach_port_t port;
	mach_msg_id_t id;
	mach_port_t self;
};

static void start(struct worker *worker, void *(*body)(void *))
{
	CHECK(pthread_create(&worker->thread, NULL, body, worker) == 0);
}

static void join(struct worker *worker)
{
	CHECK(pthread_join(worker->thread, NULL) == 0);
}

static void *receive_one(void *argument)
{
	struct worker *worker = argument;
	struct flow_message message;

	flow_await(worker->port, &message);
	worker->id = message.header.msgh_id;
	return NULL;
}

START_TEST(many_threads_block_at_once_each_on_its_port)
{
	struct worker workers[THREADS];

	for (unsigned i = 0; i < THREADS; i++) {
		workers[i].port = flow_port();
		start(&workers[i], receive_one);
	}
	flow_await_waiting(getpid(), THREADS);
	for (unsigned i = THREADS; i-- > 0;)
		CHECK_OK(flow_send_to(workers[i].port, COPY, 0, 0, (mach_msg_id_t)(1000 + i)));
	for (unsigned i = 0; i < THREADS; i++) {
		join(&workers[i]);
		CHECK_EQ(workers[i].id, 1000 + i);
	}
}
END_TEST

START_TEST(many_threads_on_one_port_get_a_message_each)
{
	struct worker workers[THREADS];
	bool seen[THREADS] = {false};
	mach_port_t port = flow_port();

	for (unsigned i = 0; i < THREADS; i++) {
		workers[i].port = port;
		start(&workers[i], receive_one);
	}
	flow_await_waiting(getpid(), THREADS);
	flow_fill(port, THREADS);
	for (unsigned i = 0; i < THREADS; i++) {
		join(&workers[i]);
		CHECK(workers[i].id >= 0 && workers[i].id < THREADS);
		CHECK(!seen[workers[i].id]);
		seen[workers[i].id] = true;
	}
}
END_TEST

static void *connect_together(void *argument)
{
	struct worker *worker = argument;

	pthread_barrier_wait(worker->barrier);
	worker->self = mach_task_self();
	worker->port = flow_port();
	pthread_barrier_wait(worker->barrier);
	return NULL;
}

static void race_for_the_task(void *unused)
{
	struct worker workers[16];
	pthread_barrier_t barrier;

	(void)unused;
	CHECK(pthread_barrier_init(&barrier, NULL, 16) == 0);
	for (unsigned i = 0; i < 16; i++) {
		workers[i].barrier = &barrier;
		start(&workers[i], connect_together);
	}
	for (unsigned i = 0; i < 16; i++)
		join(&workers[i]);
	for (unsigned i = 0; i < 16; i++) {
		CHECK_EQ(workers[i].self, mach_task_self());
		CHECK_EQ(flow_type(workers[i].port), MACH_PORT_TYPE_SEND_RECEIVE);
	}
	CHECK_EQ(flow_task_count(), 2);
}

START_TEST(threads_that_connect_at_once_are_one_task)
{
	struct flow_child child;

	flow_fork(&child, race_for_the_task, NULL);
	flow_join(&child);
}
END_TEST

static void *short_life(void *argument)
{
	struct worker *worker = argument;

	CHECK_EQ(flow_type(worker->port), MACH_PORT_TYPE_SEND_RECEIVE);
	CHECK(MACH_PORT_VALID(mig_get_reply_port()));
	return NULL;
}

START_TEST(threads_that_end_leave_no_connection_and_no_port)
{
	struct worker worker = {.port = flow_port()};
	mach_msg_type_number_t before, after;
	mach_port_name_array_t names;
	mach_port_type_array_t types;

	CHECK_OK(mach_port_names(mach_task_self(), &names, &before, &types, &before));
	for (unsigned i = 0; i < 300; i++) {
		start(&worker, short_life);
		join(&worker);
	}
	flow_await_channels(getpid(), 1);
	CHECK_OK(mach_port_names(mach_task_self(), &names, &after, &types, &after));
	CHECK_EQ(before, after);
}
END_TEST

static void *cancelled(void *argument)
{
	receive_one(argument);
	pthread_testcancel();
	return argument;
}

START_TEST(calls_are_no_cancellation_points)
{
	struct worker worker = {.port = flow_port()};
	void *result = NULL;

	start(&worker, cancelled);
	flow_await_waiting(getpid(), 1);
	CHECK(pthread_cancel(worker.thread) == 0);
	CHECK_OK(flow_send_to(worker.port, COPY, 0, 0, 5));
	CHECK(pthread_join(worker.thread, &result) == 0);
	CHECK(result == PTHREAD_CANCELED);
	CHECK_EQ(worker.id, 5);
	flow_await_channels(getpid(), 1);
}
END_TEST

static void *churn(void *argument)
{
	struct worker *worker = argument;
	struct flow_message message;

	pthread_barrier_wait(worker->barrier);
	for (mach_msg_id_t i = 0; i < 200; i++) {
		mach_port_t port = flow_port();

		CHECK_OK(flow_send_to(port, COPY, port, MACH_MSG_TYPE_MAKE_SEND_ONCE, i));
		CHECK_OK(flow_receive(port, &message));
		CHECK_EQ(message.header.msgh_id, i);
		CHECK_OK(mach_port_deallocate(mach_task_self(), message.header.msgh_remote_port));
		CHECK_OK(mach_port_destroy(mach_task_self(), port));
	}
	return NULL;
}

START_TEST(threads_work_side_by_side)
{
	struct worker workers[8];
	pthread_barrier_t barrier;
	mach_msg_type_number_t before, after;
	mach_port_name_array_t names;
	mach_port_type_array_t types;

	CHECK_OK(mach_port_names(mach_task_self(), &names, &before, &types, &before));
	CHECK(pthread_barrier_init(&barrier, NULL, 8) == 0);
	for (unsigned i = 0; i < 8; i++) {
		workers[i].barrier = &barrier;
		start(&workers[i], churn);
	}
	for (unsigned i = 0; i < 8; i++)
		join(&workers[i]);
	CHECK_OK(mach_port_names(mach_task_self(), &names, &after, &types, &after));
	CHECK_EQ(before, after);
}
END_TEST

static void *fork_while_others_work(void *argument)
{
	(void)argument;
	for (unsigned i = 0; i < 20; i++) {
		mach_port_t port = flow_port();

		CHECK_OK(mach_port_destroy(mach_task_self(), port));
	}
	return NULL;
}

static void use_a_port(void *unused)
{
	mach_port_t port = flow_port();

	(void)unused;
	CHECK_OK(mach_port_destroy(mach_task_self(), port));
}

START_TEST(fork_while_other_threads_are_in_calls)
{
	for (unsigned i = 0; i < 10; i++) {
		struct worker workers[4];
		struct flow_child child;

		for (unsigned j = 0; j < 4; j++)
			start(&workers[j], fork_while_others_work);
		flow_fork(&child, use_a_port, NULL);
		flow_join(&child);
		for (unsigned j = 0; j < 4; j++)
			join(&workers[j]);
	}
	flow_await_channels(getpid(), 1);
	CHECK_EQ(flow_task_count(), 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("threads");
	TCase *tests = flow_case(suite, "threads");

	tcase_add_test(tests, many_threads_block_at_once_each_on_its_port);
	tcase_add_test(tests, many_threads_on_one_port_get_a_message_each);
	tcase_add_test(tests, threads_that_connect_at_once_are_one_task);
	tcase_add_test(tests, threads_that_end_leave_no_connection_and_no_port);
	tcase_add_test(tests, calls_are_no_cancellation_points);
	tcase_add_test(tests, threads_work_side_by_side);
	tcase_add_test(tests, fork_while_other_threads_are_in_calls);
	return flow_run(suite);
}
