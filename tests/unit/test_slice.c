/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon's time slice as the kernel reports it, and that no thread or child inherits it. */
#include <check.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/io/slice.h"

#define MS UINT64_C(1000000)

static const char first, second, third;
static struct slice slice;

static void setup(void)
{
	slice_init(&slice);
}

static void teardown(void)
{
	slice_note(&slice, &third, false, false, UINT64_MAX);
}

/* The calling thread's slice, ns; 0 on a kernel where slices cannot be changed. */
static uint64_t length(void)
{
	struct slice now;

	slice_init(&now);
	return now.whole;
}

/* Calls of two channels, from `begin` until the slice has been shortened. */
static uint64_t converse(uint64_t begin, bool apart)
{
	uint64_t now = begin;

	for (; now <= begin + MS; now += MS / 100) {
		slice_note(&slice, &first, false, apart, now);
		slice_note(&slice, &second, false, false, now);
	}
	return now;
}

START_TEST(between_two_it_is_a_third)
{
	int policy = sched_getscheduler(0), nice = getpriority(PRIO_PROCESS, 0);

	slice_note(&slice, &first, false, false, MS);
	slice_note(&slice, &second, false, false, MS);
	ck_assert_uint_eq(length(), slice.whole);
	converse(MS, false);
	ck_assert_uint_eq(length(), slice.whole / 3);
	ck_assert_int_eq(sched_getscheduler(0) & ~SCHED_RESET_ON_FORK, policy);
	ck_assert_int_eq(getpriority(PRIO_PROCESS, 0), nice);
}
END_TEST

START_TEST(among_more_it_is_whole)
{
	uint64_t now = converse(MS, false);

	slice_note(&slice, &third, false, false, now);
	ck_assert_uint_eq(length(), slice.whole);
	now = converse(now, false);
	ck_assert_uint_eq(length(), slice.whole / 3);
}
END_TEST

START_TEST(for_a_stream_it_is_whole)
{
	uint64_t now = converse(MS, false);

	for (unsigned i = 0; i < 300; i++) {
		slice_note(&slice, &first, true, false, now += MS / 100);
		ck_assert_uint_eq(length(), slice.whole);
	}
}
END_TEST

START_TEST(with_a_client_on_another_cpu_it_is_whole)
{
	uint64_t now = converse(MS, true);

	ck_assert(slice_between_two(&slice, now));
	ck_assert_uint_eq(length(), slice.whole);
	now = converse(now, false);
	ck_assert_uint_eq(length(), slice.whole / 3);
	slice_note(&slice, &third, false, false, now);
	ck_assert(!slice_between_two(&slice, now));
}
END_TEST

static void *look(void *found)
{
	*(uint64_t *)found = length();
	return NULL;
}

static uint64_t length_in_thread(void)
{
	pthread_t thread;
	uint64_t found = UINT64_MAX;

	ck_assert_int_eq(pthread_create(&thread, NULL, look, &found), 0);
	pthread_join(thread, NULL);
	return found;
}

static bool child_has(uint64_t expected)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(length() == expected ? 0 : 1);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

START_TEST(nobody_inherits_a_short_one)
{
	uint64_t before = length_in_thread();

	converse(MS, false);
	ck_assert_uint_eq(length(), slice.whole / 3);
	ck_assert_uint_eq(length_in_thread(), before);
	ck_assert(child_has(before));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("slice");
	TCase *test_case = tcase_create("slice");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(test_case, setup, teardown);
	tcase_add_test(test_case, between_two_it_is_a_third);
	tcase_add_test(test_case, among_more_it_is_whole);
	tcase_add_test(test_case, for_a_stream_it_is_whole);
	tcase_add_test(test_case, with_a_client_on_another_cpu_it_is_whole);
	tcase_add_test(test_case, nobody_inherits_a_short_one);
	suite_add_tcase(suite, test_case);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
