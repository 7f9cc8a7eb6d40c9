/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that is kept for who was promised some. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/mem.h"
#include "daemon/base/mem_reserve.h"

enum { SIZE = 100, MANY = 5 * MEM_RESERVE_CHUNK };

static struct mem_reserve reserve;
static unsigned char *piece[MANY];

static void start(void)
{
	mem_reserve_init(&reserve, SIZE, 1);
}

static void stop(void)
{
	mem_reserve_trim(&reserve, 0);
	ck_assert_uint_eq(mem_live(), 0);
	ck_assert(list_empty(&reserve.mr_chunks));
}

static void take_all(void)
{
	for (unsigned i = 0; i < MANY; i++) {
		piece[i] = mem_reserve_take(&reserve);
		memset(piece[i], (int)i, SIZE);
	}
}

START_TEST(pieces_are_apart_from_each_other)
{
	ck_assert(mem_reserve_keep(&reserve, MANY));
	mem_fail_from(1); /* to take one needs no memory */
	take_all();
	ck_assert_uint_eq(reserve.mr_free, 0);
	for (unsigned i = 0; i < MANY; i++) {
		ck_assert_uint_eq((uintptr_t)piece[i] % 16, 0);
		ck_assert_uint_eq(piece[i][0], (unsigned char)i);
		ck_assert_int_eq(memcmp(piece[i], piece[i] + 1, SIZE - 1), 0);
		mem_reserve_give(&reserve, piece[i]);
	}
	mem_fail_from(0);
	ck_assert_uint_eq(reserve.mr_free, MANY);
}
END_TEST

START_TEST(as_many_are_kept_as_are_asked_for)
{
	ck_assert(mem_reserve_keep(&reserve, 0));
	ck_assert_uint_eq(mem_live(), 0);
	ck_assert(mem_reserve_keep(&reserve, 1));
	ck_assert_uint_eq(mem_live(), 1);
	mem_fail_from(1);
	ck_assert(mem_reserve_keep(&reserve, MEM_RESERVE_CHUNK));
	ck_assert(!mem_reserve_keep(&reserve, MEM_RESERVE_CHUNK + 1));
	piece[0] = mem_reserve_take(&reserve);
	ck_assert(!mem_reserve_keep(&reserve, MEM_RESERVE_CHUNK));
	mem_fail_from(0);
	ck_assert(mem_reserve_keep(&reserve, MEM_RESERVE_CHUNK));
	ck_assert_uint_eq(mem_live(), 2);
	mem_reserve_give(&reserve, piece[0]);
}
END_TEST

START_TEST(a_chunk_goes_when_it_is_whole_and_too_much)
{
	ck_assert(mem_reserve_keep(&reserve, MANY));
	take_all();
	for (unsigned i = 1; i < MANY; i++)
		mem_reserve_give(&reserve, piece[i]);
	mem_reserve_trim(&reserve, MEM_RESERVE_CHUNK);
	ck_assert_uint_eq(mem_live(), 2);
	ck_assert_uint_eq(reserve.mr_free, 2 * MEM_RESERVE_CHUNK - 1);
	mem_reserve_trim(&reserve, 0);
	ck_assert_uint_eq(mem_live(), 1);
	mem_reserve_give(&reserve, piece[0]);
}
END_TEST

START_TEST(a_chunk_that_was_full_is_taken_from_again)
{
	ck_assert(mem_reserve_keep(&reserve, MANY));
	take_all();
	for (unsigned round = 0; round < MANY; round++) {
		mem_reserve_give(&reserve, piece[round]);
		ck_assert_ptr_eq(mem_reserve_take(&reserve), piece[round]);
	}
	for (unsigned i = 0; i < MANY; i++)
		mem_reserve_give(&reserve, piece[i]);
}
END_TEST

START_TEST(large_chunks_are_used_up_as_well)
{
	mem_reserve_init(&reserve, SIZE, 3);
	ck_assert(mem_reserve_keep(&reserve, MANY));
	ck_assert_uint_eq(reserve.mr_free, 6 * MEM_RESERVE_CHUNK);
	ck_assert_uint_eq(mem_live(), 2);
	take_all();
	for (unsigned i = 0; i < MANY; i++) {
		ck_assert_uint_eq((uintptr_t)piece[i] % 16, 0);
		ck_assert_int_eq(memcmp(piece[i], piece[i] + 1, SIZE - 1), 0);
	}
	for (unsigned i = MANY; i-- > 0;) {
		mem_reserve_give(&reserve, piece[i]);
		mem_reserve_trim(&reserve, 4 * MEM_RESERVE_CHUNK);
	}
	ck_assert_uint_eq(reserve.mr_free, 6 * MEM_RESERVE_CHUNK);
	mem_reserve_trim(&reserve, 3 * MEM_RESERVE_CHUNK);
	ck_assert_uint_eq(mem_live(), 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("reserve");
	TCase *tests = tcase_create("reserve");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tests, start, stop);
	tcase_add_test(tests, pieces_are_apart_from_each_other);
	tcase_add_test(tests, as_many_are_kept_as_are_asked_for);
	tcase_add_test(tests, a_chunk_goes_when_it_is_whole_and_too_much);
	tcase_add_test(tests, a_chunk_that_was_full_is_taken_from_again);
	tcase_add_test(tests, large_chunks_are_used_up_as_well);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
