/* SPDX-License-Identifier: Apache-2.0 */
/* Ports of threads, of real ones: mach_thread_self() and semaphore_signal_thread() [22, 24]. */
#include <mach/semaphore.h>
#include <pthread.h>
#include <unistd.h>

#include "tests/flow/flow.h"

#define SELF mach_task_self()

START_TEST(each_call_gives_one_more_reference)
{
	mach_port_t thread = mach_thread_self();

	CHECK(MACH_PORT_VALID(thread));
	CHECK_EQ(flow_refs(thread, MACH_PORT_RIGHT_SEND), 1);
	CHECK_EQ(mach_thread_self(), thread);
	CHECK_EQ(flow_refs(thread, MACH_PORT_RIGHT_SEND), 2);
	CHECK_OK(mach_port_deallocate(SELF, thread));
	CHECK_OK(mach_port_deallocate(SELF, thread));
	CHECK_CODE(mach_port_deallocate(SELF, thread), KERN_INVALID_NAME);
}
END_TEST

static void *thread_port(void *port)
{
	*(mach_port_t *)port = mach_thread_self();
	return NULL;
}

static mach_port_t port_of_a_thread_that_ended(void)
{
	mach_port_t port;
	pthread_t thread;

	CHECK(pthread_create(&thread, NULL, thread_port, &port) == 0);
	CHECK(pthread_join(thread, NULL) == 0);
	return port;
}

START_TEST(a_port_dies_with_its_thread)
{
	mach_port_t port = port_of_a_thread_that_ended(), another;

	CHECK(port != mach_thread_self());
	CHECK_EQ(flow_type(port), MACH_PORT_TYPE_DEAD_NAME);
	another = port_of_a_thread_that_ended();
	CHECK(another != port);
	CHECK_EQ(flow_type(another), MACH_PORT_TYPE_DEAD_NAME);
}
END_TEST

/* The only connection of a process outlives its thread, and the next thread gets it. */
static void last_connection(void *argument)
{
	mach_port_t port = port_of_a_thread_that_ended();

	(void)argument;
	CHECK_EQ(flow_type(port), MACH_PORT_TYPE_DEAD_NAME);
	CHECK(mach_thread_self() != port);
}

START_TEST(a_connection_that_is_passed_on_has_another_thread)
{
	struct flow_child child;

	flow_fork(&child, last_connection, NULL);
	flow_join(&child);
}
END_TEST

START_TEST(the_port_of_this_thread_without_a_reference)
{
	mach_port_t thread = pthread_mach_thread_np(pthread_self());

	CHECK(MACH_PORT_VALID(thread));
	CHECK_EQ(flow_refs(thread, MACH_PORT_RIGHT_SEND), 1); /* the library's */
	CHECK_EQ(pthread_mach_thread_np(pthread_self()), thread);
	CHECK_EQ(flow_refs(thread, MACH_PORT_RIGHT_SEND), 1);
	CHECK_EQ(mach_thread_self(), thread);
	CHECK_OK(mach_port_deallocate(SELF, thread));
}
END_TEST

/* A thread that waits for its process, having used machd or not. */
struct other {
	pthread_t thread;
	bool connects;
	int here[2], go[2];
};

static void *be_looked_at(void *argument)
{
	struct other *other = argument;
	char byte;

	if (other->connects)
		flow_port();
	CHECK(write(other->here[1], "x", 1) == 1);
	CHECK(read(other->go[0], &byte, 1) == 1);
	return NULL;
}

static void start_other(struct other *other, bool connects)
{
	char byte;

	other->connects = connects;
	CHECK(pipe(other->here) == 0 && pipe(other->go) == 0);
	CHECK(pthread_create(&other->thread, NULL, be_looked_at, other) == 0);
	CHECK(read(other->here[0], &byte, 1) == 1);
}

static void end_other(struct other *other)
{
	CHECK(write(other->go[1], "x", 1) == 1);
	CHECK(pthread_join(other->thread, NULL) == 0);
}

START_TEST(the_port_of_another_thread)
{
	struct other uses, does_not;
	thread_act_array_t threads;
	mach_msg_type_number_t count;
	mach_port_t port;

	start_other(&uses, true);
	start_other(&does_not, false);
	port = pthread_mach_thread_np(uses.thread);
	CHECK(MACH_PORT_VALID(port));
	CHECK_EQ(pthread_mach_thread_np(uses.thread), port);
	CHECK_EQ(flow_refs(port, MACH_PORT_RIGHT_SEND), 1);
	CHECK(port != pthread_mach_thread_np(pthread_self()));
	CHECK_OK(task_threads(SELF, &threads, &count));
	CHECK_EQ(count, 2);
	CHECK(threads[0] == port || threads[1] == port);
	CHECK_OK(vm_deallocate(SELF, (vm_address_t)threads, count * sizeof *threads));
	end_other(&uses);
	end_other(&does_not);
	CHECK_EQ(flow_refs(port, MACH_PORT_RIGHT_DEAD_NAME), 1); /* of task_threads */
}
END_TEST

struct waiter {
	pthread_t thread;
	int ready[2];
	semaphore_t semaphore;
	mach_port_t port;
};

static void *wait_for_signal(void *argument)
{
	struct waiter *waiter = argument;

	waiter->port = mach_thread_self();
	CHECK(write(waiter->ready[1], "x", 1) == 1);
	CHECK_OK(semaphore_wait(waiter->semaphore));
	return NULL;
}

START_TEST(a_semaphore_wakes_the_thread_that_is_named)
{
	struct waiter waiters[3];
	semaphore_t semaphore;
	char byte;

	CHECK_OK(semaphore_create(SELF, &semaphore, SYNC_POLICY_FIFO, 0));
	for (int i = 0; i < 3; i++) {
		waiters[i].semaphore = semaphore;
		CHECK(pipe(waiters[i].ready) == 0);
		CHECK(pthread_create(&waiters[i].thread, NULL, wait_for_signal, &waiters[i]) == 0);
		CHECK(read(waiters[i].ready[0], &byte, 1) == 1);
	}
	flow_await_waiting(getpid(), 3);
	CHECK_CODE(semaphore_signal_thread(semaphore, mach_thread_self()), KERN_NOT_WAITING);
	CHECK_CODE(semaphore_signal_thread(semaphore, semaphore), KERN_INVALID_ARGUMENT);
	for (int i = 2; i >= 0; i--) {
		CHECK_OK(semaphore_signal_thread(semaphore, i ? waiters[i].port : THREAD_NULL));
		CHECK(pthread_join(waiters[i].thread, NULL) == 0);
	}
	CHECK_CODE(semaphore_signal_thread(semaphore, THREAD_NULL), KERN_NOT_WAITING);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("thread_ports");
	TCase *tests = flow_case(suite, "threads");

	tcase_add_test(tests, each_call_gives_one_more_reference);
	tcase_add_test(tests, a_port_dies_with_its_thread);
	tcase_add_test(tests, a_connection_that_is_passed_on_has_another_thread);
	tcase_add_test(tests, the_port_of_this_thread_without_a_reference);
	tcase_add_test(tests, the_port_of_another_thread);
	tcase_add_test(tests, a_semaphore_wakes_the_thread_that_is_named);
	return flow_run(suite);
}
