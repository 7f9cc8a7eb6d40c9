/* SPDX-License-Identifier: Apache-2.0 */
/* Semaphores: who is woken and with which code, and the names they have. */
#include <mach/semaphore.h>
#include <mach/sync_policy.h>
#include <pthread.h>
#include <sched.h>
#include <servers/bootstrap.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "tests/flow/flow_letter.h"

#define COPY MACH_MSG_TYPE_COPY_SEND
#define MAKE MACH_MSG_TYPE_MAKE_SEND

#define SELF mach_task_self()

static const mach_timespec_t now = {0, 0}, soon = {0, 5000000}, never = {3600, 0};

static semaphore_t semaphore(int value)
{
	semaphore_t made = SEMAPHORE_NULL;

	CHECK_OK(semaphore_create(SELF, &made, SYNC_POLICY_FIFO, value));
	return made;
}

/* Is there a count to be had? It is taken. */
static bool take(semaphore_t from)
{
	kern_return_t code = semaphore_timedwait(from, now);

	if (code != KERN_OPERATION_TIMED_OUT)
		CHECK_OK(code);
	return code == KERN_SUCCESS;
}

/* --- other threads that wait --- */

struct waiter {
	pthread_t thread;
	semaphore_t wait, signal; /* `signal` may be SEMAPHORE_NULL */
	kern_return_t code;
	_Atomic bool done;
	int *order, place; /* *order is counted up by each that is woken */
};

static void *wait_thread(void *argument)
{
	struct waiter *waiter = argument;

	if (waiter->signal)
		waiter->code = semaphore_wait_signal(waiter->wait, waiter->signal);
	else
		waiter->code = semaphore_wait(waiter->wait);
	if (waiter->order)
		waiter->place = __atomic_add_fetch(waiter->order, 1, __ATOMIC_SEQ_CST);
	waiter->done = true;
	return NULL;
}

static void start(struct waiter *waiter, semaphore_t wait, unsigned waiting)
{
	waiter->wait = wait;
	CHECK(pthread_create(&waiter->thread, NULL, wait_thread, waiter) == 0);
	flow_await_waiting(getpid(), waiting);
}

static kern_return_t end(struct waiter *waiter)
{
	CHECK(pthread_join(waiter->thread, NULL) == 0);
	return waiter->code;
}

/* --- counting --- */

START_TEST(it_counts)
{
	semaphore_t made = semaphore(2);

	CHECK(take(made) && take(made) && !take(made));
	for (unsigned i = 0; i < 3; i++)
		CHECK_OK(semaphore_signal(made));
	CHECK_OK(semaphore_wait(made));
	CHECK_OK(semaphore_timedwait(made, never));
	CHECK(take(made) && !take(made));
}
END_TEST

START_TEST(what_cannot_be_made)
{
	semaphore_t made = 0x77;

	CHECK_CODE(semaphore_create(SELF, &made, SYNC_POLICY_FIFO, -1), KERN_INVALID_ARGUMENT);
	CHECK_CODE(semaphore_create(SELF, &made, SYNC_POLICY_FIXED_PRIORITY, 0),
		   KERN_INVALID_ARGUMENT);
	CHECK_CODE(semaphore_create(SELF, &made, 8, 0), KERN_INVALID_ARGUMENT);
	CHECK_CODE(semaphore_create(SELF, &made, -1, 0), KERN_INVALID_ARGUMENT);
	CHECK_EQ(made, 0x77);
	CHECK_OK(semaphore_create(SELF, &made, SYNC_POLICY_REVERSED, 0));
	CHECK_OK(semaphore_create(SELF, &made, SYNC_POLICY_PREPOST, INT32_MAX));
	CHECK_EQ(flow_type(made), MACH_PORT_TYPE_SEND);
	CHECK_EQ(flow_refs(made, MACH_PORT_RIGHT_SEND), 1);
}
END_TEST

START_TEST(t316_times)
{
	semaphore_t made = semaphore(0);
	mach_timespec_t bad[] = {{0, 1000000000}, {5, -1}, {0, INT32_MIN}, {0, INT32_MAX}};

	CHECK_CODE(semaphore_timedwait(made, now), KERN_OPERATION_TIMED_OUT);
	CHECK_CODE(semaphore_timedwait(made, soon), KERN_OPERATION_TIMED_OUT);
	for (unsigned i = 0; i < 4; i++) {
		CHECK_CODE(semaphore_timedwait(made, bad[i]), KERN_INVALID_VALUE);
		/* The time is looked at before the name. */
		CHECK_CODE(semaphore_timedwait(MACH_PORT_NULL, bad[i]), KERN_INVALID_VALUE);
		CHECK_CODE(semaphore_timedwait_signal(made, made, bad[i]), KERN_INVALID_VALUE);
	}
	CHECK(!take(made));
}
END_TEST

START_TEST(t319_t320_names)
{
	mach_port_t send = flow_port();
	const struct {
		mach_port_t name;
		kern_return_t code;
	} bad[] = {
		{MACH_PORT_NULL, KERN_INVALID_NAME},
		{MACH_PORT_DEAD, KERN_INVALID_NAME},
		{flow_missing_name(), KERN_INVALID_NAME},
		{flow_dead_name(1), KERN_INVALID_NAME},
		{flow_receive_right(), KERN_INVALID_RIGHT},
		{flow_send_once(send), KERN_INVALID_RIGHT},
		{send, KERN_INVALID_CAPABILITY},
		{SELF, KERN_INVALID_CAPABILITY},
	};
	semaphore_t made = semaphore(0);

	for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
		CHECK_CODE(semaphore_signal(bad[i].name), bad[i].code);
		CHECK_CODE(semaphore_signal_all(bad[i].name), bad[i].code);
		CHECK_CODE(semaphore_wait(bad[i].name), bad[i].code);
		CHECK_CODE(semaphore_timedwait(bad[i].name, now), bad[i].code);
		CHECK_CODE(semaphore_wait_signal(made, bad[i].name), bad[i].code);
		CHECK_CODE(semaphore_wait_signal(bad[i].name, made), bad[i].code);
		CHECK_CODE(semaphore_timedwait_signal(bad[i].name, made, now), bad[i].code);
	}
	CHECK(!take(made));
	CHECK_OK(semaphore_signal_all(made));
	CHECK(!take(made));
}
END_TEST

/* --- waiting --- */

START_TEST(a_signal_wakes_the_first)
{
	static const int policies[] = {SYNC_POLICY_FIFO, SYNC_POLICY_REVERSED};

	for (unsigned round = 0; round < 2; round++) {
		struct waiter waiters[4] = {0};
		semaphore_t made;
		int order = 0;

		CHECK_OK(semaphore_create(SELF, &made, policies[round], 0));
		for (unsigned i = 0; i < 4; i++) {
			waiters[i].order = &order;
			start(&waiters[i], made, i + 1);
		}
		for (unsigned i = 0; i < 4; i++) {
			struct waiter *next = &waiters[round ? 3 - i : i];

			CHECK_OK(semaphore_signal(made));
			CHECK_OK(end(next));
			CHECK_EQ(next->place, i + 1);
		}
		CHECK(!take(made));
	}
}
END_TEST

START_TEST(signal_all_wakes_all_and_adds_nothing)
{
	struct waiter waiters[5] = {0};
	semaphore_t made = semaphore(0);

	for (unsigned i = 0; i < 5; i++)
		start(&waiters[i], made, i + 1);
	CHECK_OK(semaphore_signal_all(made));
	for (unsigned i = 0; i < 5; i++)
		CHECK_OK(end(&waiters[i]));
	CHECK(!take(made));
}
END_TEST

START_TEST(t317_the_end_of_a_semaphore)
{
	struct waiter waiters[2] = {0};
	semaphore_t made = semaphore(0), other = semaphore(0);

	start(&waiters[0], made, 1);
	start(&waiters[1], made, 2);
	CHECK_OK(semaphore_destroy(SELF, made));
	CHECK_CODE(end(&waiters[0]), KERN_TERMINATED);
	CHECK_CODE(end(&waiters[1]), KERN_TERMINATED);
	CHECK_EQ(flow_type(made), MACH_PORT_TYPE_SEND);
	CHECK_CODE(semaphore_wait(made), KERN_TERMINATED);
	CHECK_CODE(semaphore_timedwait(made, now), KERN_TERMINATED);
	CHECK_CODE(semaphore_signal(made), KERN_TERMINATED);
	CHECK_CODE(semaphore_signal_all(made), KERN_TERMINATED);
	CHECK_CODE(semaphore_wait_signal(other, made), KERN_TERMINATED);
	CHECK_OK(mach_port_deallocate(SELF, made));
	CHECK_EQ(flow_type(made), 0);
}
END_TEST

START_TEST(the_last_name_is_the_end_too)
{
	semaphore_t made = semaphore(3);

	CHECK_OK(mach_port_deallocate(SELF, made));
	CHECK_CODE(semaphore_signal(made), KERN_INVALID_NAME);
}
END_TEST

/* Two threads pass the turn to each other. */
START_TEST(wait_and_signal_in_one_call)
{
	enum { TURNS = 200 };
	semaphore_t mine = semaphore(0), yours = semaphore(0);

	for (unsigned i = 0; i < TURNS; i++) {
		struct waiter waiter = {.signal = mine};

		start(&waiter, yours, 1);
		CHECK_OK(semaphore_wait_signal(mine, yours));
		CHECK_OK(end(&waiter));
	}
	CHECK(!take(mine) && !take(yours));
	CHECK_CODE(semaphore_timedwait_signal(mine, yours, soon), KERN_OPERATION_TIMED_OUT);
	CHECK(take(yours) && !take(yours));
}
END_TEST

static void on_signal(int number)
{
	(void)number;
}

START_TEST(a_signal_ends_the_waiting)
{
	struct sigaction action = {.sa_handler = on_signal};
	struct waiter waiter = {0};
	semaphore_t made = semaphore(0);

	CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
	start(&waiter, made, 1);
	while (!waiter.done)
		flow_interrupt(waiter.thread);
	CHECK_CODE(end(&waiter), KERN_ABORTED);
	CHECK_OK(semaphore_signal(made));
	CHECK(take(made));
}
END_TEST

/* --- other tasks --- */

#define SERVICE "org.example.semaphore"

/* Get a semaphore from the test process, signal it, wait for it, fail to destroy it. */
static void use_it(void *unused)
{
	mach_port_t reply = flow_receive_right(), service;
	struct flow_message message;
	semaphore_t got;

	(void)unused;
	CHECK_OK(bootstrap_look_up(bootstrap_port, SERVICE, &service));
	CHECK_OK(flow_send_to(service, COPY, reply, MAKE, 1));
	flow_await(reply, &message);
	got = message.port[0].name;
	CHECK_EQ(flow_type(got), MACH_PORT_TYPE_SEND);
	CHECK_OK(semaphore_signal(got));
	CHECK_OK(semaphore_destroy(SELF, got));
	flow_tell_parent(0);
	flow_hear_parent();
	CHECK_CODE(semaphore_wait(got), KERN_TERMINATED);
}

START_TEST(a_semaphore_of_another_task)
{
	mach_port_t service;
	struct flow_message message;
	struct flow_child child;
	semaphore_t made = semaphore(0);

	CHECK_OK(bootstrap_check_in(bootstrap_port, SERVICE, &service));
	flow_fork(&child, use_it, NULL);
	flow_await(service, &message);
	service = message.header.msgh_remote_port;
	flow_complex(&message, service, COPY, 2);
	flow_add_port(&message, made, COPY);
	CHECK_OK(flow_send(&message));
	CHECK_OK(semaphore_wait(made));
	flow_hear(&child);
	flow_tell(&child, 0);
	flow_await_waiting(child.pid, 1);
	CHECK_OK(semaphore_destroy(SELF, made));
	flow_join(&child);
}
END_TEST

/* The maker ends; who has a name finds nothing behind it. */
static void make_and_end(void *unused)
{
	mach_port_t service;
	struct flow_message message;

	(void)unused;
	CHECK_OK(bootstrap_look_up(bootstrap_port, SERVICE, &service));
	flow_complex(&message, service, COPY, 2);
	flow_add_port(&message, semaphore(5), MACH_MSG_TYPE_MOVE_SEND);
	CHECK_OK(flow_send(&message));
	flow_tell_parent(0);
	flow_hear_parent();
}

START_TEST(a_semaphore_ends_with_its_task)
{
	mach_port_t service;
	struct flow_message message;
	struct flow_child child;
	struct waiter waiter = {0};
	semaphore_t got;

	CHECK_OK(bootstrap_check_in(bootstrap_port, SERVICE, &service));
	flow_fork(&child, make_and_end, NULL);
	flow_hear(&child);
	CHECK_OK(flow_receive(service, &message));
	got = message.port[0].name;
	for (unsigned i = 0; i < 5; i++)
		CHECK(take(got));
	start(&waiter, got, 1);
	flow_kill(&child);
	CHECK_CODE(end(&waiter), KERN_TERMINATED);
	CHECK_CODE(semaphore_signal(got), KERN_TERMINATED);
}
END_TEST

/* Killed while it waits: nobody is woken for it. */
static void wait_for_ever(void *unused)
{
	mach_port_t reply = flow_receive_right(), service;
	struct flow_message message;

	(void)unused;
	CHECK_OK(bootstrap_look_up(bootstrap_port, SERVICE, &service));
	CHECK_OK(flow_send_to(service, COPY, reply, MAKE, 1));
	flow_await(reply, &message);
	semaphore_wait(message.port[0].name);
	flow_fail(__FILE__, __LINE__, "the waiting ended");
}

START_TEST(a_waiter_that_is_killed_takes_nothing)
{
	mach_port_t service;
	struct flow_message message;
	struct flow_child child;
	semaphore_t made = semaphore(0);

	CHECK_OK(bootstrap_check_in(bootstrap_port, SERVICE, &service));
	flow_fork(&child, wait_for_ever, NULL);
	flow_await(service, &message);
	service = message.header.msgh_remote_port;
	flow_complex(&message, service, COPY, 2);
	flow_add_port(&message, made, COPY);
	CHECK_OK(flow_send(&message));
	flow_await_waiting(child.pid, 1);
	flow_kill(&child);
	CHECK_OK(semaphore_signal(made));
	CHECK(take(made) && !take(made));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("semaphore");
	TCase *tcase = flow_case(suite, "semaphore");

	tcase_add_test(tcase, it_counts);
	tcase_add_test(tcase, what_cannot_be_made);
	tcase_add_test(tcase, t316_times);
	tcase_add_test(tcase, t319_t320_names);
	tcase_add_test(tcase, a_signal_wakes_the_first);
	tcase_add_test(tcase, signal_all_wakes_all_and_adds_nothing);
	tcase_add_test(tcase, t317_the_end_of_a_semaphore);
	tcase_add_test(tcase, the_last_name_is_the_end_too);
	tcase_add_test(tcase, wait_and_signal_in_one_call);
	tcase_add_test(tcase, a_signal_ends_the_waiting);
	tcase_add_test(tcase, a_semaphore_of_another_task);
	tcase_add_test(tcase, a_semaphore_ends_with_its_task);
	tcase_add_test(tcase, a_waiter_that_is_killed_takes_nothing);
	return flow_run(suite);
}
