/* SPDX-License-Identifier: Apache-2.0 */
/* Eventlinks between real threads [28]. case 322 */
#include <mach/mach_eventlink.h>
#include <mach/mach_time.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "tests/flow/flow.h"

#define SELF	 mach_task_self()
#define ABSOLUTE KERN_CLOCK_MACH_ABSOLUTE_TIME

struct waiter {
	pthread_t thread;
	mach_port_t side;
	unsigned turns;
	uint64_t count;
	kern_return_t code;
};

static kern_return_t associate(mach_port_t side, mach_port_t thread)
{
	return mach_eventlink_associate(side, thread, 0, 0, 0, 0, MELA_OPTION_NONE);
}

static void *wait_once(void *argument)
{
	struct waiter *waiter = argument;

	CHECK_OK(associate(waiter->side, mach_thread_self()));
	waiter->code = mach_eventlink_wait_until(waiter->side, &waiter->count, 0, ABSOLUTE, 0);
	return NULL;
}

static void start(struct waiter *waiter, mach_port_t side, void *(*body)(void *))
{
	*waiter = (struct waiter){.side = side};
	CHECK(pthread_create(&waiter->thread, NULL, body, waiter) == 0);
	flow_await_waiting(getpid(), 1);
}

static void end(struct waiter *waiter, kern_return_t code, uint64_t count)
{
	CHECK(pthread_join(waiter->thread, NULL) == 0);
	CHECK_EQ(waiter->code, code);
	CHECK_EQ(waiter->count, count);
}

START_TEST(t322_a_side_has_one_thread)
{
	eventlink_port_pair_t sides;
	struct waiter waiter;
	uint64_t count = 0;

	CHECK_OK(mach_eventlink_create(SELF, MELC_OPTION_NO_COPYIN, sides));
	start(&waiter, sides[1], wait_once);
	CHECK_CODE(associate(sides[1], mach_thread_self()), KERN_NAME_EXISTS);
	CHECK_CODE(mach_eventlink_wait_until(sides[1], &count, 0, ABSOLUTE, 0),
		   KERN_INVALID_ARGUMENT);
	CHECK_OK(mach_eventlink_signal(sides[0], 0));
	end(&waiter, KERN_SUCCESS, 1);
	CHECK_CODE(mach_eventlink_create(SELF, MELC_OPTION_NONE, sides), KERN_INVALID_ARGUMENT);
}
END_TEST

START_TEST(t322_destroying_one_side_ends_the_other)
{
	eventlink_port_pair_t sides;
	struct waiter waiter;

	CHECK_OK(mach_eventlink_create(SELF, MELC_OPTION_NO_COPYIN, sides));
	start(&waiter, sides[1], wait_once);
	CHECK_OK(mach_eventlink_destroy(sides[0]));
	CHECK_EQ(flow_type(sides[0]), 0); /* the right was taken */
	end(&waiter, KERN_TERMINATED, 0);
	CHECK_CODE(mach_eventlink_disassociate(sides[1], MELD_OPTION_NONE), KERN_TERMINATED);
	CHECK_OK(mach_eventlink_destroy(sides[1]));
	CHECK_CODE(mach_eventlink_destroy(sides[1]), MACH_SEND_INVALID_DEST);
}
END_TEST

START_TEST(disassociation_wakes)
{
	eventlink_port_pair_t sides;
	struct waiter waiter;

	CHECK_OK(mach_eventlink_create(SELF, MELC_OPTION_NO_COPYIN, sides));
	start(&waiter, sides[1], wait_once);
	CHECK_OK(mach_eventlink_disassociate(sides[1], MELD_OPTION_NONE));
	end(&waiter, KERN_TERMINATED, 0);
}
END_TEST

static void do_nothing(int number)
{
	(void)number;
}

START_TEST(a_signal_handler_ends_the_wait)
{
	struct sigaction action = {.sa_handler = do_nothing, .sa_flags = SA_RESTART};
	eventlink_port_pair_t sides;
	struct waiter waiter;

	CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
	CHECK_OK(mach_eventlink_create(SELF, MELC_OPTION_NO_COPYIN, sides));
	start(&waiter, sides[1], wait_once);
	/* It blocks in the daemon's eyes a moment before it does in the kernel's. */
	while (pthread_tryjoin_np(waiter.thread, NULL) != 0)
		flow_interrupt(waiter.thread);
	CHECK_EQ(waiter.code, KERN_ABORTED);
}
END_TEST

START_TEST(times)
{
	eventlink_port_pair_t sides;
	uint64_t count = 0, deadline = mach_absolute_time() + 2000000;

	CHECK_OK(mach_eventlink_create(SELF, MELC_OPTION_NO_COPYIN, sides));
	CHECK_OK(associate(sides[0], mach_thread_self()));
	CHECK_CODE(mach_eventlink_wait_until(sides[0], &count, 0, ABSOLUTE, deadline),
		   KERN_OPERATION_TIMED_OUT);
	CHECK(mach_absolute_time() >= deadline);
	CHECK_CODE(mach_eventlink_wait_until(sides[0], &count, MELSW_OPTION_NO_WAIT, ABSOLUTE, 0),
		   KERN_OPERATION_TIMED_OUT);
	CHECK_CODE(mach_eventlink_wait_until(sides[0], &count, 0, 2, 0), KERN_INVALID_ARGUMENT);
	CHECK_EQ(count, 0);
}
END_TEST

enum { TURNS = 500 };

static void *answer_all(void *argument)
{
	struct waiter *waiter = argument;

	CHECK_OK(associate(waiter->side, mach_thread_self()));
	CHECK_OK(mach_eventlink_wait_until(waiter->side, &waiter->count, 0, ABSOLUTE, 0));
	for (unsigned i = 1; i < TURNS; i++)
		CHECK_OK(mach_eventlink_signal_wait_until(waiter->side, &waiter->count, 0, 0,
							  ABSOLUTE, 0));
	waiter->code = mach_eventlink_signal(waiter->side, 0);
	return NULL;
}

START_TEST(two_threads_take_turns)
{
	eventlink_port_pair_t sides;
	struct waiter waiter;
	uint64_t count = 0;

	CHECK_OK(mach_eventlink_create(SELF, MELC_OPTION_NO_COPYIN, sides));
	CHECK_OK(associate(sides[0], mach_thread_self()));
	start(&waiter, sides[1], answer_all);
	for (unsigned i = 1; i <= TURNS; i++) {
		CHECK_OK(mach_eventlink_signal_wait_until(sides[0], &count, 0, 0, ABSOLUTE, 0));
		CHECK_EQ(count, i);
	}
	end(&waiter, KERN_SUCCESS, TURNS);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("eventlink");
	TCase *tests = flow_case(suite, "eventlinks");

	tcase_add_test(tests, t322_a_side_has_one_thread);
	tcase_add_test(tests, t322_destroying_one_side_ends_the_other);
	tcase_add_test(tests, disassociation_wakes);
	tcase_add_test(tests, a_signal_handler_ends_the_wait);
	tcase_add_test(tests, times);
	tcase_add_test(tests, two_threads_take_turns);
	return flow_run(suite);
}
