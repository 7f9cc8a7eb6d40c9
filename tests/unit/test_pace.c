/* SPDX-License-Identifier: Apache-2.0 */
/* Pace: who may have something done while others call. */
#include <check.h>
#include <stdlib.h>

#include "daemon/base/mem.h"
#include "daemon/io/pace.h"
#include "protocol/limits.h"

#define US    UINT64_C(1000)
#define GAP   (MACHD_PACE_GAP_US * US)
#define EVERY (MACHD_PACE_EVERY_US * US)
#define TURN  (MACHD_PACE_TURN_US * US)
#define TASK  (MACHD_PACE_TASK_US * US)
#define USER  (MACHD_PACE_USER_US * US)
#define SHORT (MACHD_PACE_SHORT_US * US)
#define START (1000 * EVERY)

#define ALICE 1000
#define BOB   1001

static struct pace pace;
static uint64_t now;

static void setup(void)
{
	pace_init(&pace);
	now = START;
	pace_called(&pace, now);
}

static void teardown(void)
{
	pace_free(&pace);
	ck_assert_ptr_null(pace.known);
}

/* Time passes, and somebody goes on calling. */
static void pass(uint64_t time)
{
	now += time;
	pace_called(&pace, now);
}

/* Time passes, rings are looked at, and nobody calls. */
static void listen_for(uint64_t time)
{
	now += time;
	pace_looked(&pace, now);
}

static struct pace_payer *join(uint32_t uid, int32_t pid)
{
	return pace_join(&pace, uid, pid, now);
}

static void leave(struct pace_payer *payer)
{
	pace_leave(&pace, payer, now);
}

static void spend(struct pace_payer *payer, uint64_t time)
{
	pass(time);
	pace_spent(&pace, payer, time, now);
}

static struct pace_payer *join_poor(uint32_t uid, int32_t pid)
{
	struct pace_payer *payer = join(uid, pid);

	spend(payer, 2 * TASK);
	ck_assert(!pace_admits(&pace, payer, now));
	return payer;
}

static struct pace_job *next(void)
{
	return pace_next(&pace, now);
}

START_TEST(nobody_waits_when_nobody_calls)
{
	struct pace_payer *payer = join_poor(ALICE, 1);
	struct pace_job job;

	pace_job_init(&job, payer, NULL);
	pace_wait(&pace, &job, now);
	listen_for(GAP - 1);
	ck_assert(!pace_calm(&pace));
	ck_assert(!pace_admits(&pace, payer, now));
	listen_for(1);
	ck_assert(pace_calm(&pace));
	ck_assert(pace_admits(&pace, payer, now));
	ck_assert_ptr_eq(next(), &job);
	ck_assert(!pace_turn(&pace)); /* and it is nobody's turn */
	leave(payer);
}
END_TEST

/* As during a long job: that nobody was heard does not mean that nobody called. */
START_TEST(time_in_which_nobody_listens_does_not_count)
{
	struct pace_payer *payer = join_poor(ALICE, 1);

	now += 10 * GAP;
	ck_assert(!pace_admits(&pace, payer, now));
	listen_for(0);
	ck_assert(pace_admits(&pace, payer, now));
	leave(payer);
}
END_TEST

/* It keeps twice as many waiting, each of them twice as long. */
START_TEST(what_takes_long_costs_more_than_it_takes)
{
	struct pace_payer *payer = join(ALICE, 1);

	for (unsigned i = 0; i < 10; i++)
		pace_held(&pace, payer, SHORT, now);
	ck_assert_uint_eq(payer->purse.left, TASK - 10 * SHORT);
	pace_held(&pace, payer, 10 * SHORT, now);
	ck_assert_uint_eq(payer->purse.left, TASK - 110 * SHORT);
	ck_assert_uint_eq(payer->user->purse.left, USER - 110 * SHORT);
	leave(payer);
	payer = join(BOB, 2);
	pace_held(&pace, payer, 1000 * TASK, now); /* but never more than a task can have */
	ck_assert_uint_eq(payer->purse.left, 0);
	ck_assert_uint_eq(payer->user->purse.left, USER - TASK);
	leave(payer);
}
END_TEST

/* In a turn they wait for that anyway. */
START_TEST(in_a_turn_it_costs_what_it_takes)
{
	struct pace_payer *payer = join(ALICE, 1);
	struct pace_job job;

	pace_job_init(&job, payer, NULL);
	pace_wait(&pace, &job, now);
	pass(EVERY);
	ck_assert_ptr_eq(next(), &job);
	pace_held(&pace, payer, TURN - 1, now);
	ck_assert_uint_eq(payer->purse.left, TASK - TURN + 1);
	ck_assert_uint_eq(payer->user->purse.left, USER);
	ck_assert(pace_turn(&pace));
	leave(payer);
}
END_TEST

START_TEST(a_task_has_some_time_in_hand)
{
	struct pace_payer *payer = join(ALICE, 1);

	ck_assert(pace_admits(&pace, payer, now));
	ck_assert(!pace_calm(&pace)); /* for what cannot wait */
	spend(payer, TASK - US);
	ck_assert(pace_admits(&pace, payer, now));
	spend(payer, TASK); /* what it got back for that is less */
	ck_assert(!pace_admits(&pace, payer, now));
	pass(2 * TASK - 4 * US);
	ck_assert(!pace_admits(&pace, payer, now));
	pass(4 * US); /* a quarter of it is half of what it may have */
	ck_assert(pace_admits(&pace, payer, now));
	pass(1000 * TASK); /* and it never has more */
	spend(payer, TASK - US);
	ck_assert(pace_admits(&pace, payer, now));
	spend(payer, TASK);
	ck_assert(!pace_admits(&pace, payer, now));
	leave(payer);
}
END_TEST

START_TEST(who_waits_gets_nothing)
{
	struct pace_payer *payer = join_poor(ALICE, 1);
	struct pace_job job;

	pace_job_init(&job, payer, NULL);
	pace_wait(&pace, &job, now);
	pass(100 * TASK);
	pace_drop(&pace, &job, now);
	ck_assert(!pace_job_waits(&job));
	ck_assert(!pace_waits(&pace));
	ck_assert(!pace_admits(&pace, payer, now));
	pass(2 * TASK);
	ck_assert(pace_admits(&pace, payer, now));
	leave(payer);
}
END_TEST

START_TEST(nothing_overtakes_what_waits)
{
	struct pace_payer *payer = join(ALICE, 1);
	struct pace_job job;

	pace_job_init(&job, payer, NULL);
	pace_wait(&pace, &job, now);
	ck_assert(!pace_admits(&pace, payer, now));
	pace_drop(&pace, &job, now);
	ck_assert(pace_admits(&pace, payer, now));
	leave(payer);
}
END_TEST

START_TEST(turns_come_and_end)
{
	struct pace_payer *payer = join_poor(ALICE, 1);
	struct pace_job job;

	pace_job_init(&job, payer, NULL);
	pace_end_turn(&pace, now);
	pace_wait(&pace, &job, now);
	pass(EVERY - 1);
	ck_assert_ptr_null(next());
	pass(1);
	ck_assert_ptr_eq(next(), &job);
	ck_assert(pace_turn(&pace));
	ck_assert(pace_calm(&pace));
	ck_assert(pace_admits(&pace, payer, now)); /* as long as it lasts */
	spend(payer, TURN - 1);
	ck_assert(pace_turn(&pace));
	spend(payer, 1);
	ck_assert(!pace_turn(&pace));
	ck_assert(!pace_admits(&pace, payer, now));
	pace_wait(&pace, &job, now);
	pass(EVERY - 1);
	ck_assert_ptr_null(next());
	pass(1);
	ck_assert_ptr_eq(next(), &job);
	ck_assert_ptr_null(next());
	leave(payer);
}
END_TEST

/* Alice has two tasks at work, one with two connections; Bob has one. */
START_TEST(users_take_turns_and_then_their_tasks)
{
	struct pace_payer *one = join(ALICE, 1), *two = join(ALICE, 2), *bob = join(BOB, 3);
	struct pace_job jobs[8];
	static const unsigned order[] = {0, 6, 4, 7, 1, 5, 2, 3};

	for (unsigned i = 0; i < 8; i++) {
		pace_job_init(&jobs[i], i < 4 ? one : i < 6 ? two : bob, NULL);
		pace_wait(&pace, &jobs[i], now);
	}
	pass(EVERY);
	for (unsigned i = 0; i < 8; i++)
		ck_assert_ptr_eq(next(), &jobs[order[i]]);
	ck_assert_ptr_null(next());
	leave(one);
	leave(two);
	leave(bob);
}
END_TEST

START_TEST(a_job_waits_once_and_can_be_dropped)
{
	struct pace_payer *one = join(ALICE, 1), *two = join(ALICE, 2);
	struct pace_job jobs[3];

	for (unsigned i = 0; i < 3; i++) {
		pace_job_init(&jobs[i], i < 2 ? one : two, NULL);
		pace_wait(&pace, &jobs[i], now);
		pace_wait(&pace, &jobs[i], now);
	}
	pass(EVERY);
	pace_drop(&pace, &jobs[0], now);
	pace_drop(&pace, &jobs[0], now);
	pace_drop(&pace, &jobs[2], now);
	ck_assert_ptr_eq(next(), &jobs[1]);
	ck_assert_ptr_null(next());
	leave(one);
	leave(two);
}
END_TEST

START_TEST(who_comes_back_finds_the_purse_it_left)
{
	struct pace_payer *payer = join_poor(ALICE, 1);

	leave(payer);
	payer = join(ALICE, 1);
	ck_assert(!pace_admits(&pace, payer, now));
	ck_assert_ptr_eq(join(ALICE, 1), payer); /* another connection of it */
	leave(payer);
	pass(4 * TASK);
	ck_assert_ptr_eq(join(ALICE, 1), payer); /* it was not forgotten while it had one */
	leave(payer);
	leave(payer);
	pass(4 * TASK);
	leave(join(BOB, 2));
	ck_assert_uint_eq(HASH_COUNT(pace.known), 1); /* Alice is forgotten */
}
END_TEST

START_TEST(tasks_share_what_their_user_has)
{
	struct pace_payer *other, *bob;
	unsigned tasks = 0;

	/* None spends all that it has. */
	for (uint64_t spent = 0; spent < 2 * USER; spent += TASK / 2, tasks++) {
		struct pace_payer *payer = join(ALICE, (int32_t)tasks + 1);

		if (!pace_admits(&pace, payer, now)) {
			leave(payer);
			break;
		}
		spend(payer, TASK / 2);
		leave(payer);
	}
	ck_assert_uint_gt(tasks, USER / (TASK / 2));
	ck_assert_uint_lt(tasks, 2 * (unsigned)(USER / (TASK / 2)));
	other = join(ALICE, 1000000);
	bob = join(BOB, 1);
	ck_assert(!pace_admits(&pace, other, now));
	ck_assert(pace_admits(&pace, bob, now));
	leave(other);
	leave(bob);
}
END_TEST

/* The listening socket's payer is not known before a connection is accepted. */
START_TEST(who_connects_without_time_in_hand_has_connections_wait)
{
	struct pace_payer *poor, *rich = join(ALICE, 1);

	ck_assert(pace_admits(&pace, &pace.common, now));
	pace_accepted(&pace, rich, SHORT, now);
	ck_assert_uint_eq(rich->purse.left, TASK - SHORT);
	ck_assert(pace_admits(&pace, &pace.common, now));
	poor = join_poor(BOB, 2);
	ck_assert(pace_admits(&pace, &pace.common, now));
	pace_accepted(&pace, poor, SHORT, now);
	ck_assert(!pace_admits(&pace, &pace.common, now));
	ck_assert(pace_admits(&pace, rich, now));
	pass(2 * TASK + 4 * SHORT);
	pace_accepted(&pace, poor, SHORT, now); /* it has time again, too */
	ck_assert(pace_admits(&pace, &pace.common, now));
	pace_accepted(&pace, &pace.common, TASK, now);
	ck_assert(pace_admits(&pace, &pace.common, now));
	leave(poor);
	leave(rich);
}
END_TEST

START_TEST(who_there_is_no_memory_for_shares)
{
	struct pace_payer *payer = NULL;
	unsigned fails = 0;

	/* Until it works: a user, a task, and a table for each. */
	for (; payer == NULL || payer == &pace.common; fails++) {
		mem_fail_after(fails + 1);
		payer = join(ALICE, 1);
	}
	mem_fail_after(0);
	ck_assert_uint_gt(fails, 4);
	ck_assert(pace_admits(&pace, &pace.common, now));
	spend(&pace.common, 2 * TASK);
	ck_assert(!pace_admits(&pace, &pace.common, now));
	ck_assert(pace_admits(&pace, payer, now));
	leave(&pace.common);
	leave(payer);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pace");
	TCase *tests = tcase_create("pace");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, nobody_waits_when_nobody_calls);
	tcase_add_test(tests, time_in_which_nobody_listens_does_not_count);
	tcase_add_test(tests, what_takes_long_costs_more_than_it_takes);
	tcase_add_test(tests, in_a_turn_it_costs_what_it_takes);
	tcase_add_test(tests, a_task_has_some_time_in_hand);
	tcase_add_test(tests, who_waits_gets_nothing);
	tcase_add_test(tests, nothing_overtakes_what_waits);
	tcase_add_test(tests, turns_come_and_end);
	tcase_add_test(tests, users_take_turns_and_then_their_tasks);
	tcase_add_test(tests, a_job_waits_once_and_can_be_dropped);
	tcase_add_test(tests, who_comes_back_finds_the_purse_it_left);
	tcase_add_test(tests, tasks_share_what_their_user_has);
	tcase_add_test(tests, who_connects_without_time_in_hand_has_connections_wait);
	tcase_add_test(tests, who_there_is_no_memory_for_shares);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
