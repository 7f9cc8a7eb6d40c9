/* SPDX-License-Identifier: Apache-2.0 */
/* Records are unpacked as they were packed, and packed bytes that make no sense are refused. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/rows.h"

enum { WORDS_MAX = MACHD_ROW_MAX / MACHD_ROW_WORD, ROWS = 200 };

START_TEST(records_come_out_as_they_went_in)
{
	size_t words = (size_t)_i, size = words * MACHD_ROW_WORD;
	static uint64_t records[ROWS][WORDS_MAX];
	uint8_t *bytes = malloc(ROWS * machd_rows_need(size));
	struct machd_rows rows;
	size_t end;

	ck_assert_ptr_nonnull(bytes);
	srandom((unsigned)_i);
	memset(records, 0, sizeof records);
	for (unsigned i = 1; i < ROWS; i++) {
		memcpy(records[i], records[i - 1], size);
		for (unsigned k = (unsigned)random() % 4; k; k--)
			records[i][(size_t)random() % words] = (uint64_t)random() % 3;
	}
	machd_rows_begin(&rows, bytes, size);
	for (unsigned i = 0; i < ROWS; i++) {
		size_t used = rows.used;

		machd_rows_add(&rows, records[i]);
		ck_assert_uint_le(rows.used, used + machd_rows_need(size));
	}
	end = rows.used;
	machd_rows_begin(&rows, bytes, size);
	for (unsigned i = 0; i < ROWS; i++) {
		ck_assert_int_eq(machd_rows_next(&rows, end), MACHD_ROWS_READY);
		ck_assert_mem_eq(rows.last, records[i], size);
	}
	ck_assert_int_eq(machd_rows_next(&rows, end), MACHD_ROWS_END);
	free(bytes);
}
END_TEST

START_TEST(what_is_the_same_takes_its_bits_only)
{
	uint64_t record[28] = {1, 2, 3};
	uint8_t bytes[1000];
	struct machd_rows rows;

	machd_rows_begin(&rows, bytes, sizeof record);
	machd_rows_add(&rows, record);
	ck_assert_uint_eq(rows.used, 4 + 3 * 8);
	machd_rows_add(&rows, record);
	ck_assert_uint_eq(rows.used, 4 + 3 * 8 + 4);
}
END_TEST

START_TEST(a_record_that_breaks_off_is_refused)
{
	uint64_t record[9] = {1, 0, 0, 0, 0, 0, 0, 0, 1};
	uint8_t bytes[100];
	struct machd_rows rows;
	size_t end;

	machd_rows_begin(&rows, bytes, sizeof record);
	machd_rows_add(&rows, record);
	end = rows.used;
	for (size_t cut = 1; cut < end; cut++) {
		uint8_t *exact = malloc(cut); /* so that a sanitizer sees what is read behind it */

		ck_assert_ptr_nonnull(exact);
		memcpy(exact, bytes, cut);
		machd_rows_begin(&rows, exact, sizeof record);
		ck_assert_int_eq(machd_rows_next(&rows, cut), MACHD_ROWS_BROKEN);
		free(exact);
	}
	for (unsigned bit = 1; bit < 8; bit++) { /* of words that the record does not have */
		bytes[1] = (uint8_t)(1u | 1u << bit);
		machd_rows_begin(&rows, bytes, sizeof record);
		ck_assert_int_eq(machd_rows_next(&rows, sizeof bytes), MACHD_ROWS_BROKEN);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("rows");
	TCase *tcase = tcase_create("rows");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	tcase_add_loop_test(tcase, records_come_out_as_they_went_in, 1, WORDS_MAX + 1);
	tcase_add_test(tcase, what_is_the_same_takes_its_bits_only);
	tcase_add_test(tcase, a_record_that_breaks_off_is_refused);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
