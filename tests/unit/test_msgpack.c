/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bounded msgpack cursor on every kind of value, whole, cut short and with a lie in its head;
 * and the writer on a buffer that is too small.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/reader.h"
#include "protocol/writer.h"
#include "tests/unit/exact.h"

/* Each row is one value in bytes and what the cursor must say about it. */

static const struct {
	const char *bytes;
	size_t size;
	enum machd_value_kind kind;
	uint64_t number;
	size_t value_size;
} values[] = {
#define VALUE(bytes, ...)                             \
	{                                             \
		bytes, sizeof(bytes) - 1, __VA_ARGS__ \
	}
	VALUE("\x00", MACHD_VALUE_UINT, 0, 0),
	VALUE("\x7f", MACHD_VALUE_UINT, 127, 0),
	VALUE("\x80", MACHD_VALUE_MAP, 0, 0),
	VALUE("\x90", MACHD_VALUE_ARRAY, 0, 0),
	VALUE("\xa0", MACHD_VALUE_STRING, 0, 0),
	VALUE("\xa3"
	      "abc",
	      MACHD_VALUE_STRING, 0, 3),
	VALUE("\xc0", MACHD_VALUE_NIL, 0, 0),
	VALUE("\xc2", MACHD_VALUE_BOOL, 0, 0),
	VALUE("\xc3", MACHD_VALUE_BOOL, 1, 0),
	VALUE("\xc4\x02zz", MACHD_VALUE_BYTES, 0, 2),
	VALUE("\xc5\x00\x02zz", MACHD_VALUE_BYTES, 0, 2),
	VALUE("\xc6\x00\x00\x00\x02zz", MACHD_VALUE_BYTES, 0, 2),
	VALUE("\xc7\x01\xfez", MACHD_VALUE_EXT, 0xfe, 1),
	VALUE("\xc8\x00\x01\x05z", MACHD_VALUE_EXT, 5, 1),
	VALUE("\xc9\x00\x00\x00\x01\x05z", MACHD_VALUE_EXT, 5, 1),
	VALUE("\xca\x3f\x80\x00\x00", MACHD_VALUE_FLOAT, 0, 4),
	VALUE("\xcb\x3f\xf0\x00\x00\x00\x00\x00\x00", MACHD_VALUE_FLOAT, 0, 8),
	VALUE("\xcc\xff", MACHD_VALUE_UINT, 0xff, 0),
	VALUE("\xcd\x12\x34", MACHD_VALUE_UINT, 0x1234, 0),
	VALUE("\xce\x12\x34\x56\x78", MACHD_VALUE_UINT, 0x12345678, 0),
	VALUE("\xcf\xff\xff\xff\xff\xff\xff\xff\xfe", MACHD_VALUE_UINT, UINT64_MAX - 1, 0),
	VALUE("\xd0\x05", MACHD_VALUE_UINT, 5, 0),
	VALUE("\xd0\xfb", MACHD_VALUE_NEGATIVE, -UINT64_C(5), 0),
	VALUE("\xd1\x80\x00", MACHD_VALUE_NEGATIVE, -UINT64_C(32768), 0),
	VALUE("\xd2\x7f\xff\xff\xff", MACHD_VALUE_UINT, INT32_MAX, 0),
	VALUE("\xd3\x80\x00\x00\x00\x00\x00\x00\x00", MACHD_VALUE_NEGATIVE, UINT64_C(1) << 63, 0),
	VALUE("\xd4\x07z", MACHD_VALUE_EXT, 7, 1),
	VALUE("\xd5\x07zz", MACHD_VALUE_EXT, 7, 2),
	VALUE("\xd6\x07zzzz", MACHD_VALUE_EXT, 7, 4),
	VALUE("\xd7\x07zzzzzzzz", MACHD_VALUE_EXT, 7, 8),
	VALUE("\xd8\x07zzzzzzzzzzzzzzzz", MACHD_VALUE_EXT, 7, 16),
	VALUE("\xd9\x02zz", MACHD_VALUE_STRING, 0, 2),
	VALUE("\xda\x00\x02zz", MACHD_VALUE_STRING, 0, 2),
	VALUE("\xdb\x00\x00\x00\x02zz", MACHD_VALUE_STRING, 0, 2),
	VALUE("\xdc\x00\x00", MACHD_VALUE_ARRAY, 0, 0),
	VALUE("\xdd\x00\x00\x00\x00", MACHD_VALUE_ARRAY, 0, 0),
	VALUE("\xde\x00\x00", MACHD_VALUE_MAP, 0, 0),
	VALUE("\xdf\x00\x00\x00\x00", MACHD_VALUE_MAP, 0, 0),
	VALUE("\xe0", MACHD_VALUE_NEGATIVE, -UINT64_C(32), 0),
	VALUE("\xff", MACHD_VALUE_NEGATIVE, -UINT64_C(1), 0),
};
#define VALUES (sizeof values / sizeof *values)

START_TEST(reader_values)
{
	uint8_t *bytes = exact_copy(values[_i].bytes, values[_i].size);
	struct machd_reader reader;
	struct machd_value value;

	machd_reader_init(&reader, bytes, values[_i].size);
	ck_assert(machd_read(&reader, &value));
	ck_assert_int_eq(value.kind, values[_i].kind);
	ck_assert_uint_eq(value.number, values[_i].number);
	ck_assert_uint_eq(value.size, values[_i].value_size);
	if (value.size)
		ck_assert_ptr_eq(value.bytes, bytes + values[_i].size - value.size);
	ck_assert(machd_reader_done(&reader));

	machd_reader_init(&reader, bytes, values[_i].size);
	ck_assert(machd_read_skip(&reader));
	ck_assert(machd_reader_done(&reader));
	free(bytes);
}
END_TEST

START_TEST(reader_truncated_values)
{
	struct machd_value value;

	for (size_t size = 0; size < values[_i].size; size++) {
		uint8_t *bytes = exact_copy(values[_i].bytes, size);
		struct machd_reader reader;

		machd_reader_init(&reader, bytes, size);
		ck_assert(!machd_read(&reader, &value));
		ck_assert(!machd_reader_done(&reader));
		ck_assert_msg(!machd_read_skip(&reader), "an error does not stick");
		free(bytes);
	}
}
END_TEST

/* The one byte that msgpack leaves undefined. */
START_TEST(reader_undefined)
{
	struct machd_reader reader;
	struct machd_value value;

	machd_reader_init(&reader, "\xc1\x00", 2);
	ck_assert(!machd_read(&reader, &value));
}
END_TEST

/* Heads that announce more than could follow: read or skipped, they end at once. */
static const struct {
	const char *bytes;
	size_t size;
} bombs[] = {
#define BOMB(bytes)                      \
	{                                \
		bytes, sizeof(bytes) - 1 \
	}
	BOMB("\xdd\xff\xff\xff\xff"),
	BOMB("\xdf\xff\xff\xff\xff"),
	BOMB("\xdf\x80\x00\x00\x00"),
	BOMB("\xdb\xff\xff\xff\xff"),
	BOMB("\xc6\xff\xff\xff\xff"),
	BOMB("\xc9\xff\xff\xff\xff\x01"),
	BOMB("\xdc\xff\xff\x00"),
	BOMB("\xde\x00\x01\x00"),
	BOMB("\x81\x00"),
	BOMB("\x92\x00"),
};

START_TEST(reader_bombs)
{
	uint8_t *bytes = exact_copy(bombs[_i].bytes, bombs[_i].size);
	struct machd_reader reader;
	struct machd_value value;

	machd_reader_init(&reader, bytes, bombs[_i].size);
	ck_assert(!machd_read(&reader, &value));
	machd_reader_init(&reader, bytes, bombs[_i].size);
	ck_assert(!machd_read_skip(&reader));
	free(bytes);
}
END_TEST

/* Each array has one element, an array: 60,000 deep on no stack. */
START_TEST(reader_skips_deep_nesting)
{
	enum { DEPTH = 60000 };
	uint8_t *bytes = malloc(DEPTH + 1);
	struct machd_reader reader;

	ck_assert_ptr_nonnull(bytes);
	memset(bytes, 0x91, DEPTH);
	bytes[DEPTH] = 0xc0;
	machd_reader_init(&reader, bytes, DEPTH + 1);
	ck_assert(machd_read_skip(&reader));
	ck_assert(machd_reader_done(&reader));
	machd_reader_init(&reader, bytes, DEPTH);
	ck_assert(!machd_read_skip(&reader));
	free(bytes);
}
END_TEST

/* Arrays in an array may each be small enough for the bytes left, but not all of them together. */
START_TEST(reader_skip_adds_up)
{
	struct machd_reader reader;

	machd_reader_init(&reader, "\x93\x92\x00\x00\x92\x00", 6);
	ck_assert(!machd_read_skip(&reader));
}
END_TEST

START_TEST(reader_skip_stops_behind_the_value)
{
	struct machd_reader reader;
	uint64_t number;

	machd_reader_init(&reader, "\x82\x01\x92\xc0\xa1z\x02\x81\x03\xc4\x01z\x2a", 13);
	ck_assert(machd_read_skip(&reader));
	ck_assert(machd_read_uint(&reader, &number));
	ck_assert_uint_eq(number, 42);
	ck_assert(machd_reader_done(&reader));
}
END_TEST

START_TEST(reader_typed)
{
	const char *text;
	struct machd_reader reader;
	uint8_t bytes[2];
	uint32_t count;
	uint64_t number;
	size_t size;

	machd_reader_init(&reader, "\xce\xff\xff\xff\xff", 5);
	ck_assert(machd_read_u32(&reader, &count));
	ck_assert_uint_eq(count, UINT32_MAX);
	machd_reader_init(&reader, "\xcf\x00\x00\x00\x01\x00\x00\x00\x00", 9);
	ck_assert_msg(!machd_read_u32(&reader, &count), "33 bits");
	machd_reader_init(&reader, "\xff", 1);
	ck_assert_msg(!machd_read_uint(&reader, &number), "negative");
	machd_reader_init(&reader, "\x90", 1);
	ck_assert(!machd_read_map(&reader, &count));
	machd_reader_init(&reader, "\x80", 1);
	ck_assert(!machd_read_array(&reader, &count));
	machd_reader_init(&reader, "\xc4\x01z", 3);
	ck_assert(!machd_read_string(&reader, &text, &size));
	machd_reader_init(&reader, "\xa2zz", 3);
	ck_assert(!machd_read_bytes(&reader, bytes, 2));
	machd_reader_init(&reader, "\xc4\x01z", 3);
	ck_assert_msg(!machd_read_bytes(&reader, bytes, 2), "another length");
}
END_TEST

/* What msgpack-c packs, the cursor reads. */
START_TEST(writer_round_trip)
{
	const char *text;
	struct machd_reader reader;
	struct machd_writer writer;
	uint8_t buffer[64], bytes[3];
	uint32_t count;
	uint64_t number;
	size_t size;

	machd_writer_init(&writer, buffer, sizeof buffer);
	machd_write_map(&writer, 1);
	machd_write_string(&writer, "key");
	machd_write_array(&writer, 2);
	machd_write_uint(&writer, UINT64_MAX);
	machd_write_bytes(&writer, "\x00\x01\x02", 3);
	machd_reader_init(&reader, buffer, machd_writer_end(&writer));
	ck_assert(machd_read_map(&reader, &count) && count == 1);
	ck_assert(machd_read_string(&reader, &text, &size));
	ck_assert_uint_eq(size, 3);
	ck_assert_mem_eq(text, "key", 3);
	ck_assert(machd_read_array(&reader, &count) && count == 2);
	ck_assert(machd_read_uint(&reader, &number) && number == UINT64_MAX);
	ck_assert(machd_read_bytes(&reader, bytes, 3) && bytes[2] == 2);
	ck_assert(machd_reader_done(&reader));
}
END_TEST

START_TEST(writer_full_stays_full)
{
	struct machd_writer writer;
	uint8_t *buffer = malloc(4);

	ck_assert_ptr_nonnull(buffer);
	machd_writer_init(&writer, buffer, 4);
	machd_write_string(&writer, "long text");
	machd_write_uint(&writer, 1);
	ck_assert_uint_eq(machd_writer_end(&writer), 0);
	free(buffer);
}
END_TEST

static void add_msgpack(Suite *suite)
{
	TCase *tests = tcase_create("msgpack");

	tcase_add_loop_test(tests, reader_values, 0, VALUES);
	tcase_add_loop_test(tests, reader_truncated_values, 0, VALUES);
	tcase_add_test(tests, reader_undefined);
	tcase_add_loop_test(tests, reader_bombs, 0, sizeof bombs / sizeof *bombs);
	tcase_add_test(tests, reader_skips_deep_nesting);
	tcase_add_test(tests, reader_skip_adds_up);
	tcase_add_test(tests, reader_skip_stops_behind_the_value);
	tcase_add_test(tests, reader_typed);
	tcase_add_test(tests, writer_round_trip);
	tcase_add_test(tests, writer_full_stays_full);
	suite_add_tcase(suite, tests);
}

int main(void)
{
	Suite *suite = suite_create("msgpack");
	SRunner *runner = srunner_create(suite);
	int failed;

	add_msgpack(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
