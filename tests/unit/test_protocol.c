/* SPDX-License-Identifier: Apache-2.0 */
/* What both sides must agree on: frame headers, and the tables of routines and limits. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/frame.h"
#include "protocol/hello.h"
#include "protocol/limits.h"
#include "protocol/ops.h"

/* Frames */

static struct machd_frame good_frame(void)
{
	return (struct machd_frame){
		.length = sizeof(struct machd_frame) + 8, .op = MACHD_OP_CALL, .sequence = 7};
}

static enum machd_frame_error check_frame(const struct machd_frame *frame, size_t size,
					  unsigned fds)
{
	struct machd_frame copy;
	uint8_t packet[64] = {0};

	memcpy(packet, frame, sizeof *frame);
	return machd_frame_check(packet, size, fds, &copy);
}

START_TEST(frame_good)
{
	struct machd_frame frame = good_frame(), copy;
	uint8_t packet[24] = {0};

	frame.fds = 1;
	memcpy(packet, &frame, sizeof frame);
	ck_assert_int_eq(machd_frame_check(packet, sizeof packet, 1, &copy), MACHD_FRAME_OK);
	ck_assert_mem_eq(&copy, &frame, sizeof frame);
}
END_TEST

START_TEST(frame_short)
{
	struct machd_frame frame = good_frame();

	for (size_t size = 0; size < sizeof frame; size++)
		ck_assert_int_eq(check_frame(&frame, size, 0), MACHD_FRAME_SHORT);
}
END_TEST

START_TEST(frame_length)
{
	struct machd_frame frame = good_frame();

	ck_assert_int_eq(check_frame(&frame, 23, 0), MACHD_FRAME_LENGTH);
	ck_assert_int_eq(check_frame(&frame, 25, 0), MACHD_FRAME_LENGTH);
	frame.length = UINT32_MAX;
	ck_assert_int_eq(check_frame(&frame, 24, 0), MACHD_FRAME_LENGTH);
}
END_TEST

START_TEST(frame_reserved)
{
	struct machd_frame frame = good_frame();

	frame.flags = 1u << 31;
	ck_assert_int_eq(check_frame(&frame, 24, 0), MACHD_FRAME_RESERVED);
	for (uint32_t flags = 0; flags < 8; flags++) {
		frame.flags = flags;
		frame.op = MACHD_OP_CALL;
		ck_assert_int_eq(check_frame(&frame, 24, 0),
				 flags ? MACHD_FRAME_RESERVED : MACHD_FRAME_OK);
		frame.op = MACHD_OP_MESSAGE;
		ck_assert_int_eq(check_frame(&frame, 24, 0),
				 flags == 3 || flags > 4 ? MACHD_FRAME_RESERVED : MACHD_FRAME_OK);
	}
}
END_TEST

START_TEST(frame_descriptors)
{
	struct machd_frame frame = good_frame();

	ck_assert_int_eq(check_frame(&frame, 24, 1), MACHD_FRAME_FDS);
	frame.fds = 1;
	ck_assert_int_eq(check_frame(&frame, 24, 0), MACHD_FRAME_FDS);
	frame.fds = MACHD_FRAME_FDS_MAX + 1;
	ck_assert_int_eq(check_frame(&frame, 24, frame.fds), MACHD_FRAME_FDS);
}
END_TEST

START_TEST(frame_operations)
{
	struct machd_frame frame = good_frame();

	for (unsigned op = 0; op <= UINT16_MAX; op++) {
		bool request = op >= MACHD_OP_HELLO && op <= MACHD_OP_BOARD &&
			       op != MACHD_OP_MEMORY && op != MACHD_OP_LOOK;

		frame.op = (uint16_t)op;
		ck_assert_int_eq(check_frame(&frame, 24, 0),
				 request ? MACHD_FRAME_OK : MACHD_FRAME_OP);
	}
}
END_TEST

START_TEST(frame_problems_have_names)
{
	const char *names[MACHD_FRAME_OP + 1];

	for (int i = 0; i <= MACHD_FRAME_OP; i++) {
		names[i] = machd_frame_problem(i);
		for (int j = 0; j < i; j++)
			ck_assert_str_ne(names[i], names[j]);
	}
}
END_TEST

/* Tables */

START_TEST(routines_are_unique)
{
	ck_assert_uint_gt(machd_routine_count, 20);
	for (unsigned i = 0; i < machd_routine_count; i++) {
		const struct machd_routine_row *row = &machd_routines[i];

		ck_assert_ptr_eq(machd_routine_find(row->number), row);
		for (unsigned j = 0; j < i; j++)
			ck_assert_str_ne(row->name, machd_routines[j].name);
	}
	ck_assert_ptr_null(machd_routine_find(0));
	ck_assert_ptr_null(machd_routine_find(3202));
}
END_TEST

START_TEST(routine_layout)
{
	ck_assert_uint_eq(MACHD_ROUTINE_mach_port_allocate, 3204);
	ck_assert_uint_eq(machd_routine_find(3204)->in_size, 4);
	ck_assert_uint_eq(machd_routine_find(3204)->out_size, 4);
	ck_assert_uint_eq(machd_fields_rest(machd_routine_find(3200)->out)->f_kind,
			  MACHD_FIELD_OOL);
	ck_assert_ptr_null(machd_fields_rest(machd_routine_find(3200)->in));
	ck_assert_ptr_null(machd_fields_rest(machd_routine_find(3204)->in));
	ck_assert_uint_eq(machd_routine_find(3200)->out_size, 4);
	ck_assert_uint_eq(machd_routine_find(403)->in_size, 132);
	ck_assert_uint_eq(sizeof(struct mach_port_set_context_in), 12);
}
END_TEST

/* Bytes of a struct with these fields; what has no fixed length counts only with its length. */
static uint32_t fields_size(const struct machd_field *fields)
{
	uint32_t size = 0;

	for (unsigned depth = 0; fields->f_kind != MACHD_FIELD_END || depth > 0; fields++) {
		depth += fields->f_kind == MACHD_FIELD_REF || fields->f_kind == MACHD_FIELD_FRAME;
		depth -= fields->f_kind == MACHD_FIELD_END;
		if (fields->f_kind == MACHD_FIELD_DATA || fields->f_kind == MACHD_FIELD_TEXT) {
			ck_assert_uint_eq(fields->f_size % 4, 0);
			size += fields->f_size;
		}
		if (fields->f_kind == MACHD_FIELD_PORT || fields->f_kind == MACHD_FIELD_NEXT ||
		    fields->f_kind == MACHD_FIELD_LATE || fields->f_kind == MACHD_FIELD_BYTES)
			size += 4;
		if (fields->f_kind == MACHD_FIELD_POLY)
			size += 8;
		/* What has no fixed length is the last. */
		ck_assert(fields->f_kind < MACHD_FIELD_ARRAY ||
			  fields[1].f_kind == MACHD_FIELD_END ||
			  fields[1].f_kind == MACHD_FIELD_EMPTY ||
			  fields[1].f_kind == MACHD_FIELD_BESIDE);
	}
	return size;
}

/* Arguments have no lists that only results have, and groups have only data. */
static void check_kinds(const struct machd_routine_row *row, const struct machd_field *field,
			bool result)
{
	bool group = false;

	for (; field->f_kind != MACHD_FIELD_END || group; field++) {
		enum machd_field_kind kind = field->f_kind;
		bool opens = kind == MACHD_FIELD_REF || kind == MACHD_FIELD_FRAME;
		bool results = kind == MACHD_FIELD_TEXT || kind == MACHD_FIELD_NEXT ||
			       kind == MACHD_FIELD_OOL || kind == MACHD_FIELD_EMPTY ||
			       kind == MACHD_FIELD_BESIDE;

		ck_assert_msg(!group || kind == MACHD_FIELD_DATA || kind == MACHD_FIELD_END, "%s",
			      row->name);
		ck_assert_msg(result ? !opens && kind != MACHD_FIELD_LATE : !results, "%s",
			      row->name);
		group = opens || (group && kind != MACHD_FIELD_END);
	}
}

START_TEST(routine_fields)
{
	for (unsigned i = 0; i < machd_routine_count; i++) {
		const struct machd_routine_row *row = &machd_routines[i];

		ck_assert_msg(fields_size(row->in) == row->in_size, "%s", row->name);
		ck_assert_msg(fields_size(row->out) == row->out_size, "%s", row->name);
		check_kinds(row, row->in, false);
		check_kinds(row, row->out, true);
	}
}
END_TEST

START_TEST(limits_are_in_order)
{
	struct machd_limits limits;

	machd_limits_init(&limits);
	ck_assert_uint_eq(machd_limit_row_count, sizeof limits / sizeof(uint64_t));
	for (unsigned i = 0; i < machd_limit_row_count; i++) {
		const struct machd_limit_row *row = &machd_limit_rows[i];

		ck_assert_msg(row->least <= row->value, "%s", row->key);
		ck_assert_msg(row->value <= row->most, "%s", row->key);
		ck_assert_uint_eq(*machd_limit_field(&limits, row), row->value);
		for (unsigned j = 0; j < i; j++) {
			ck_assert_str_ne(row->key, machd_limit_rows[j].key);
			ck_assert_uint_ne(row->offset, machd_limit_rows[j].offset);
		}
	}
}
END_TEST

/* A frame holds a message of the inline size with what goes before it; a hello fits any frame. */
START_TEST(fixed_limits_fit_together)
{
	ck_assert_uint_le(sizeof(struct machd_frame) + sizeof(struct machd_message_args) +
				  MACHD_INLINE_MAX,
			  MACHD_FRAME_SIZE_MAX);
	ck_assert_uint_le(sizeof(struct machd_frame) + MACHD_HELLO_SIZE_MAX, MACHD_FRAME_SIZE_MAX);
	ck_assert_uint_eq(MACHD_MESSAGE_SIZE_MAX, 48 * 1024 * 1024 - 68);
}
END_TEST

static void add_frames(Suite *suite)
{
	TCase *tests = tcase_create("frames");

	tcase_add_test(tests, frame_good);
	tcase_add_test(tests, frame_short);
	tcase_add_test(tests, frame_length);
	tcase_add_test(tests, frame_reserved);
	tcase_add_test(tests, frame_descriptors);
	tcase_add_test(tests, frame_operations);
	tcase_add_test(tests, frame_problems_have_names);
	suite_add_tcase(suite, tests);
}

static void add_tables(Suite *suite)
{
	TCase *tests = tcase_create("tables");

	tcase_add_test(tests, routines_are_unique);
	tcase_add_test(tests, routine_layout);
	tcase_add_test(tests, routine_fields);
	tcase_add_test(tests, limits_are_in_order);
	tcase_add_test(tests, fixed_limits_fit_together);
	suite_add_tcase(suite, tests);
}

int main(void)
{
	Suite *suite = suite_create("protocol");
	SRunner *runner = srunner_create(suite);
	int failed;

	add_frames(suite);
	add_tables(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
