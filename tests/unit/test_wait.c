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

/* A yield of `spent` at `before`: until when there is none. */
static uint64_t quiet_after(uint64_t before, uint64_t spent)
{
	uint64_t until;

	machd_wait_yielded(&wait, before, before + spent);
	until = wait.quiet_until;
	ck_assert(!machd_wait_yields(&wait, until - 1, until - 1));
	ck_assert(machd_wait_yields(&wait, until, until));
	return until;
}

START_TEST(a_long_one_is_followed_by_quiet)
{
	ck_assert_uint_eq(quiet_after(S, 4 * MS), S + 4 * MS + 64 * MS);
}
END_TEST

START_TEST(it_doubles_up_to_a_second)
{
	uint64_t now = quiet_after(S, 4 * MS), quiet = 64 * MS;

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
	uint64_t now = quiet_after(S, 4 * MS);

	now = quiet_after(now, 4 * MS);
	now += 40 * MS;
	ck_assert_uint_eq(quiet_after(now, 4 * MS), now + 4 * MS + 64 * MS);
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
	tcase_add_test(tests, a_long_one_is_followed_by_quiet);
	tcase_add_test(tests, it_doubles_up_to_a_second);
	tcase_add_test(tests, it_begins_anew_when_all_was_well);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
