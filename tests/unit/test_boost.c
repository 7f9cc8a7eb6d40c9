/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What boosts do to the threads of a process: this one. Who may not have better nice values, as its
 * user is not root, sees that nothing changes.
 */
#include "daemon/io/boost.h"

#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A thread that lives until it is told to end. */
struct worker {
	pthread_t thread;
	pthread_barrier_t barrier;
	int32_t tid;
	struct worker *makes; /* the next thing that it does */
};

static void start(struct worker *worker);

static void *work(void *context)
{
	struct worker *worker = context;

	worker->tid = (int32_t)syscall(SYS_gettid);
	pthread_barrier_wait(&worker->barrier);
	for (;;) {
		pthread_barrier_wait(&worker->barrier);
		if (!worker->makes)
			return NULL;
		start(worker->makes);
		worker->makes = NULL;
		pthread_barrier_wait(&worker->barrier);
	}
}

static void start(struct worker *worker)
{
	ck_assert_int_eq(pthread_barrier_init(&worker->barrier, NULL, 2), 0);
	worker->makes = NULL;
	ck_assert_int_eq(pthread_create(&worker->thread, NULL, work, worker), 0);
	pthread_barrier_wait(&worker->barrier);
}

static void start_by(struct worker *maker, struct worker *worker)
{
	maker->makes = worker;
	pthread_barrier_wait(&maker->barrier);
	pthread_barrier_wait(&maker->barrier);
}

static void finish(struct worker *worker)
{
	pthread_barrier_wait(&worker->barrier);
	ck_assert_int_eq(pthread_join(worker->thread, NULL), 0);
	pthread_barrier_destroy(&worker->barrier);
}

static int nice_of(const struct worker *worker)
{
	errno = 0;
	return getpriority(PRIO_PROCESS, (id_t)worker->tid);
}

static void set_nice(const struct worker *worker, int nice)
{
	ck_assert_int_eq(setpriority(PRIO_PROCESS, (id_t)worker->tid, nice), 0);
}

static struct boosts boosts;

static int boost(bool on)
{
	return boosts_set(&boosts, (int32_t)getpid(), geteuid(), on);
}

/* May this user? Its first thread has 0 then. */
static bool begin(int by)
{
	boosts_init(&boosts);
	boosts_set_nice(&boosts, by);
	if (setpriority(PRIO_PROCESS, 0, -20) == 0 && setpriority(PRIO_PROCESS, 0, 0) == 0)
		return true;
	ck_assert_int_eq(boost(true), EACCES);
	return false;
}

START_TEST(each_thread_gets_its_own_back)
{
	struct worker usual, patient, of_first, of_usual, of_patient;
	struct worker first = {.tid = (int32_t)getpid()};

	if (!begin(-5))
		return;
	start(&usual);
	start(&patient);
	set_nice(&patient, 7);
	ck_assert_int_eq(boost(true), 0);
	ck_assert_int_eq(nice_of(&first), -5);
	ck_assert_int_eq(nice_of(&usual), -5);
	ck_assert_int_eq(nice_of(&patient), 2);
	start(&of_first);
	start_by(&usual, &of_usual);
	start_by(&patient, &of_patient);
	ck_assert_int_eq(nice_of(&of_patient), 2);
	finish(&usual); /* who made it may be gone */
	ck_assert_int_eq(boost(false), 0);
	ck_assert_int_eq(nice_of(&first), 0);
	ck_assert_int_eq(nice_of(&patient), 7);
	ck_assert_int_eq(nice_of(&of_first), 0);
	ck_assert_int_eq(nice_of(&of_usual), 0);
	ck_assert_int_eq(nice_of(&of_patient), 7);
	finish(&patient);
	finish(&of_first);
	finish(&of_usual);
	finish(&of_patient);
}
END_TEST

/* The kernel's range ends at -20: of those who are brought there each has had less. */
START_TEST(a_thread_at_the_end_of_the_range)
{
	struct worker eager, of_eager, of_first;
	struct worker first = {.tid = (int32_t)getpid()};

	if (!begin(-5))
		return;
	start(&eager);
	set_nice(&eager, -18);
	ck_assert_int_eq(boost(true), 0);
	ck_assert_int_eq(nice_of(&eager), -20);
	ck_assert_int_eq(nice_of(&first), -5);
	start_by(&eager, &of_eager);
	start(&of_first);
	ck_assert_int_eq(boost(false), 0);
	ck_assert_int_eq(nice_of(&eager), -18);
	ck_assert_int_eq(nice_of(&of_eager), -18);
	ck_assert_int_eq(nice_of(&first), 0);
	ck_assert_int_eq(nice_of(&of_first), 0);
	finish(&eager);
	finish(&of_eager);
	finish(&of_first);
}
END_TEST

/* Who made it is not known: none of them may gain by it. */
START_TEST(two_threads_at_the_end_of_the_range)
{
	struct worker most, less, of_most, of_less;

	if (!begin(-5))
		return;
	start(&most);
	set_nice(&most, -20);
	start(&less);
	set_nice(&less, -16);
	ck_assert_int_eq(boost(true), 0);
	start_by(&most, &of_most);
	start_by(&less, &of_less);
	ck_assert_int_eq(nice_of(&of_most), -20);
	ck_assert_int_eq(nice_of(&of_less), -20);
	ck_assert_int_eq(boost(false), 0);
	ck_assert_int_eq(nice_of(&most), -20);
	ck_assert_int_eq(nice_of(&less), -16);
	ck_assert_int_eq(nice_of(&of_most), -16);
	ck_assert_int_eq(nice_of(&of_less), -16);
	finish(&most);
	finish(&less);
	finish(&of_most);
	finish(&of_less);
}
END_TEST

/* One whose maker was not boosted yet: it was made after the threads were listed. */
START_TEST(what_was_never_given_is_not_taken_back)
{
	struct worker late;
	struct worker first = {.tid = (int32_t)getpid()};

	if (!begin(-5))
		return;
	ck_assert_int_eq(boost(true), 0);
	start(&late);
	set_nice(&late, 0);
	ck_assert_int_eq(boost(false), 0);
	ck_assert_int_eq(nice_of(&late), 0);
	ck_assert_int_eq(nice_of(&first), 0);
	finish(&late);
}
END_TEST

START_TEST(another_number_takes_the_place_of_the_first)
{
	struct worker patient, late;
	struct worker first = {.tid = (int32_t)getpid()};

	if (!begin(-5))
		return;
	start(&patient);
	set_nice(&patient, 3);
	ck_assert_int_eq(boost(true), 0);
	start(&late);
	boosts_set_nice(&boosts, -2);
	ck_assert_int_eq(nice_of(&first), -2);
	ck_assert_int_eq(nice_of(&patient), 1);
	ck_assert_int_eq(nice_of(&late), -2);
	boosts_set_nice(&boosts, 0);
	ck_assert_int_eq(nice_of(&first), 0);
	ck_assert_int_eq(nice_of(&patient), 3);
	ck_assert_int_eq(nice_of(&late), 0);
	ck_assert_int_eq(boost(false), 0);
	finish(&patient);
	finish(&late);
}
END_TEST

START_TEST(a_process_of_another_user_is_left_alone)
{
	boosts_init(&boosts);
	boosts_set_nice(&boosts, -5);
	ck_assert_int_eq(boosts_set(&boosts, (int32_t)getpid(), geteuid() + 1, true), ESRCH);
	ck_assert_int_eq(boosts_set(&boosts, INT32_MAX, geteuid(), true), ESRCH);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("boost");
	TCase *tests = tcase_create("boost");
	SRunner *runner;
	int failed;

	tcase_add_test(tests, each_thread_gets_its_own_back);
	tcase_add_test(tests, a_thread_at_the_end_of_the_range);
	tcase_add_test(tests, two_threads_at_the_end_of_the_range);
	tcase_add_test(tests, what_was_never_given_is_not_taken_back);
	tcase_add_test(tests, another_number_takes_the_place_of_the_first);
	tcase_add_test(tests, a_process_of_another_user_is_left_alone);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
