/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that is kept for the next one: sizes, what is zero, what is counted, what fails. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/mem.h"

enum { SIZE = 3 * MEM_POOL_STEP, MANY = MEM_POOL_KEPT + 10 };

static struct mem_pool pool;

static unsigned kept_pieces(void)
{
	unsigned count = 0;

	for (size_t class = 0; class < MEM_POOL_CLASSES; class ++)
		count += pool.mp_count[class];
	return count;
}

/* With a sanitizer nothing is. */
#ifdef MACHD_SANITIZED
static const unsigned kept = 0;
#else
static const unsigned kept = MEM_POOL_KEPT;
#endif

START_TEST(memory_is_used_again_and_zeroed_as_far_as_asked)
{
	const size_t zeroed = 70;
	static const uint8_t none[70];
	uint8_t *first = mem_pool_alloc(&pool, SIZE, zeroed), *second;

	memset(first, 0xee, SIZE);
	mem_pool_free(&pool, first, SIZE);
	second = mem_pool_alloc(&pool, SIZE - MEM_POOL_STEP + 1, zeroed);
	if (kept)
		ck_assert_ptr_eq(second, first);
	ck_assert_mem_eq(second, none, zeroed);
	mem_pool_free(&pool, second, SIZE);
	mem_pool_empty(&pool);
}
END_TEST

/* The last byte of the largest size of a class is there, for whoever gets the piece. */
START_TEST(a_piece_is_large_enough_for_its_class)
{
	for (size_t size = 1; size < (MEM_POOL_CLASSES + 1) * MEM_POOL_STEP; size++) {
		size_t full = (size + MEM_POOL_STEP - 1) / MEM_POOL_STEP * MEM_POOL_STEP;
		uint8_t *piece = mem_pool_alloc(&pool, size, size);

		piece[size - 1] = 1;
		mem_pool_free(&pool, piece, size);
		piece = mem_pool_alloc(&pool, full, full);
		for (size_t at = 0; at < full; at++)
			ck_assert_uint_eq(piece[at], 0);
		memset(piece, 0xff, full);
		mem_pool_free(&pool, piece, full);
	}
	mem_pool_empty(&pool);
	ck_assert_uint_eq(kept_pieces(), 0);
}
END_TEST

START_TEST(what_is_kept_is_bounded_and_not_alive)
{
	void *pieces[MANY];
	uint64_t before = mem_live();

	for (unsigned i = 0; i < MANY; i++)
		pieces[i] = mem_pool_alloc(&pool, SIZE, 0);
	ck_assert_uint_eq(mem_live(), before + MANY);
	for (unsigned i = 0; i < MANY; i++)
		mem_pool_free(&pool, pieces[i], SIZE);
	ck_assert_uint_eq(mem_live(), before);
	ck_assert_uint_eq(kept_pieces(), kept);
	mem_pool_empty(&pool);
}
END_TEST

START_TEST(large_ones_are_not_kept)
{
	const size_t size = MEM_POOL_CLASSES * MEM_POOL_STEP;

	mem_pool_free(&pool, mem_pool_alloc(&pool, size, size), size);
	ck_assert_uint_eq(kept_pieces(), 0);
}
END_TEST

/* A test that lets memory run short finds it short, kept or not. */
START_TEST(what_is_kept_can_be_refused)
{
	void *piece = mem_pool_alloc(&pool, SIZE, 0);

	mem_pool_free(&pool, piece, SIZE);
	mem_fail_after(1);
	ck_assert_ptr_null(mem_pool_alloc(&pool, SIZE, 0));
	piece = mem_pool_alloc(&pool, SIZE, 0);
	ck_assert_ptr_nonnull(piece);
	mem_pool_free(&pool, piece, SIZE);
	mem_pool_empty(&pool);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pool");
	TCase *tests = tcase_create("pool");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tests, memory_is_used_again_and_zeroed_as_far_as_asked);
	tcase_add_test(tests, a_piece_is_large_enough_for_its_class);
	tcase_add_test(tests, what_is_kept_is_bounded_and_not_alive);
	tcase_add_test(tests, large_ones_are_not_kept);
	tcase_add_test(tests, what_is_kept_can_be_refused);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
