/* SPDX-License-Identifier: Apache-2.0 */
/* The rule by which both ends of a ring wait. */
#include <check.h>
#include <stdlib.h>

#include "protocol/wait.h"

#define US UINT64_C(1000)
#define MS UINT64_C(1000000)
#define S  UINT64_C(1000000000)

static struct machd_wait wait;

static void setup(void)
{
	wait = (struct machd_wait){.spin = 50 * US};
}

START_TEST(yields_for_a_while)
{
	uint64_t since = 7 * S;

	ck_assert(machd_wait_yields(&wait, since, since));
	ck_assert(machd_wait_yields(&wait, since, since + 50 * US - 1));
	ck_assert(!machd_wait_yields(&wait, since, since + 50 * US));
	wait.spin = 0;
	ck_assert(!machd_wait_yields(&wait, since, since));
}
END_TEST

START_TEST(short_yields_change_nothing)
{
	for (uint64_t now = S; now < S + MS; now += 300 * US)
		machd_wait_yielded(&wait, now, now + 300 * US);
	machd_wait_yielded(&wait, 2 * S, 2 * S + MS - 1);
	ck_assert(machd_wait_yields(&wait, 3 * S, 3 * S));
}
END_TEST

/* A long yield of `spent` at `before`, not the first of late: until when there is none. */
static uint64_t quiet_after(uint64_t before, uint64_t spent)
{
	uint64_t until;

	machd_wait_yielded(&wait, before, before + spent);
	until = wait.quiet_until;
	ck_assert(!machd_wait_yields(&wait, until - 1, until - 1));
	ck_assert(machd_wait_yields(&wait, until, until));
	return until;
}

/* The first long one in a long time: it changes nothing. Returns when it is over. */
static uint64_t let_pass(uint64_t before, uint64_t spent)
{
	machd_wait_yielded(&wait, before, before + spent);
	ck_assert(machd_wait_yields(&wait, before + spent, before + spent));
	return before + spent;
}

START_TEST(a_long_one_now_and_then_is_no_matter)
{
	uint64_t now = S;

	for (int i = 0; i < 10; i++)
		now = let_pass(now, 4 * MS) + 16 * 4 * MS;
	let_pass(now, MS);
	ck_assert_uint_eq(quiet_after(now + MS + 16 * MS - 1, MS), now + 18 * MS - 1 + 16 * MS);
}
END_TEST

START_TEST(a_second_long_one_is_followed_by_quiet)
{
	uint64_t now = let_pass(S, 4 * MS);

	ck_assert_uint_eq(quiet_after(now, 4 * MS), now + 4 * MS + 64 * MS);
}
END_TEST

START_TEST(it_doubles_up_to_a_second)
{
	uint64_t now = quiet_after(let_pass(S, 4 * MS), 4 * MS), quiet = 64 * MS;

	for (int i = 0; i < 6; i++) {
		quiet = 2 * quiet < S ? 2 * quiet : S;
		ck_assert_uint_eq(quiet_after(now, 4 * MS), now + 4 * MS + quiet);
		now = wait.quiet_until;
	}
	ck_assert_uint_eq(quiet, S);
	/* Very long ones are no reason for more. */
	ck_assert_uint_eq(quiet_after(now, S), now + 2 * S);
}
END_TEST

START_TEST(it_begins_anew_when_all_was_well)
{
	uint64_t now = quiet_after(let_pass(S, 4 * MS), 4 * MS);

	now = quiet_after(now, 4 * MS);
	now = quiet_after(now + 40 * MS, 4 * MS);
	ck_assert_uint_eq(wait.quiet, 64 * MS);
	let_pass(now + 64 * MS, 4 * MS);
}
END_TEST

/* It may not yield from S to 2 * S. How long a wait for somebody far away looks on, ns. */
static uint64_t looks_for(uint64_t since)
{
	uint64_t now = since;

	wait.quiet_until = 2 * S;
	while (machd_wait_looks(&wait, since, now))
		now += US;
	return now - since;
}

START_TEST(looks_on_where_it_may_not_yield)
{
	ck_assert(!machd_wait_looks(&wait, S, S));
	ck_assert_uint_eq(looks_for(S), 300 * US);
	ck_assert(!machd_wait_looks(&wait, 2 * S, 2 * S));
	wait.spin = 10 * US;
	ck_assert_uint_eq(looks_for(S + MS), 60 * US);
	wait.spin = 0;
	ck_assert_uint_eq(looks_for(S + 2 * MS), 0);
}
END_TEST

START_TEST(looks_in_vain_end)
{
	uint64_t since = S;

	for (int i = 0; i < 3; i++)
		ck_assert_uint_eq(looks_for(since++), 300 * US);
	for (int i = 1; i < 16; i++)
		ck_assert_uint_eq(looks_for(since++), 0);
	ck_assert_uint_eq(looks_for(since++), 300 * US);
	ck_assert_uint_eq(looks_for(since++), 0);
}
END_TEST

START_TEST(what_was_seen_has_it_look_again)
{
	uint64_t since = S;

	for (int i = 0; i < 2; i++)
		looks_for(since++);
	/* Something came before its time was over. */
	ck_assert(machd_wait_looks(&wait, since, since));
	ck_assert(machd_wait_looks(&wait, since, since + 299 * US));
	for (int i = 0; i < 3; i++)
		ck_assert_uint_eq(looks_for(++since), 300 * US);
	ck_assert_uint_eq(looks_for(++since), 0);
}
END_TEST

/* A wait of `count` yields of `spent` each, or fewer if it ends; how many there were. */
static unsigned in_vain(unsigned count, uint64_t spent, bool near)
{
	unsigned yields = 0;

	machd_wait_begin(&wait);
	while (wait.patience && yields < count) {
		machd_wait_shares(&wait, spent, near);
		yields++;
	}
	machd_wait_end(&wait, false);
	return yields;
}

static void know_the_shortest(void)
{
	machd_wait_begin(&wait);
	ck_assert_uint_eq(machd_wait_shares(&wait, 300, true), 0);
	machd_wait_end(&wait, true);
}

START_TEST(patience_on_the_daemons_cpu_ends)
{
	know_the_shortest();
	ck_assert_uint_eq(in_vain(100, 5 * US, true), 4);
	ck_assert_uint_eq(in_vain(100, 5 * US, true), 2);
	ck_assert_uint_eq(in_vain(100, 5 * US, true), 1);
	for (int i = 1; i < 16; i++)
		ck_assert_uint_eq(in_vain(100, 5 * US, true), 0);
	/* It may have become better. */
	ck_assert_uint_eq(in_vain(100, 5 * US, true), 4);
	ck_assert_uint_eq(in_vain(100, 5 * US, true), 0);
}
END_TEST

START_TEST(what_came_restores_patience)
{
	know_the_shortest();
	in_vain(100, 5 * US, true);
	in_vain(100, 5 * US, true);
	machd_wait_begin(&wait);
	machd_wait_end(&wait, true);
	ck_assert_uint_eq(in_vain(100, 5 * US, true), 4);
}
END_TEST

/* Nobody else wanted the CPU: one waits as long as one may, the next time, too. */
START_TEST(alone_there_is_no_end_of_patience)
{
	know_the_shortest();
	for (int i = 0; i < 10; i++)
		ck_assert_uint_eq(in_vain(100, 599, true), 100);
	/* Nor is one that lasted all the time a sign of many: it may be one with much to do. */
	for (int i = 0; i < 10; i++)
		ck_assert_uint_eq(in_vain(100, 50 * US, true), 100);
}
END_TEST

START_TEST(far_from_the_daemon_time_counts)
{
	know_the_shortest();
	for (int i = 0; i < 3; i++)
		ck_assert_uint_eq(in_vain(100, 5 * US, false), 100);
	ck_assert_uint_eq(in_vain(100, 5 * US, false), 0);
	/* But not what others made of it. */
	ck_assert_uint_eq(machd_wait_shares(&wait, 5 * US, false), 3 * US);
	ck_assert_uint_eq(machd_wait_shares(&wait, 1 * US, false), 0);
	ck_assert_uint_eq(machd_wait_shares(&wait, 50 * US, false), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("wait");
	TCase *tests = tcase_create("wait");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tests, setup, NULL);
	tcase_add_test(tests, yields_for_a_while);
	tcase_add_test(tests, short_yields_change_nothing);
	tcase_add_test(tests, a_long_one_now_and_then_is_no_matter);
	tcase_add_test(tests, a_second_long_one_is_followed_by_quiet);
	tcase_add_test(tests, it_doubles_up_to_a_second);
	tcase_add_test(tests, it_begins_anew_when_all_was_well);
	tcase_add_test(tests, looks_on_where_it_may_not_yield);
	tcase_add_test(tests, looks_in_vain_end);
	tcase_add_test(tests, what_was_seen_has_it_look_again);
	tcase_add_test(tests, patience_on_the_daemons_cpu_ends);
	tcase_add_test(tests, what_came_restores_patience);
	tcase_add_test(tests, alone_there_is_no_end_of_patience);
	tcase_add_test(tests, far_from_the_daemon_time_counts);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
