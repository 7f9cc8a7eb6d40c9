/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of ops.def as a table, and the search in it. */
#include "protocol/ops.h"

#include <mach/message.h>

#define WORD 4

/* The fields of each routine. */
#define U32(f)		      {MACHD_FIELD_DATA, 0, WORD, 0},
#define I32(f)		      {MACHD_FIELD_DATA, 0, WORD, 0},
#define U64(f)		      {MACHD_FIELD_DATA, 0, 2 * WORD, 0},
#define STR(f)		      {MACHD_FIELD_DATA, 0, 128, 0},
#define TEXT(f)		      {MACHD_FIELD_TEXT, 0, 512, 0},
#define CHARS(f, n)	      {MACHD_FIELD_DATA, 0, n, 0},
#define PORT(f, type)	      {MACHD_FIELD_PORT, MACH_MSG_TYPE_PORT_##type, 0, 0},
#define POLY(f, t)	      {MACHD_FIELD_POLY, 0, 0, 0},
#define POLY_OF(f, t, type)   {MACHD_FIELD_POLY, MACH_MSG_TYPE_PORT_##type, 0, 0},
#define LATE(f)		      {MACHD_FIELD_LATE, 0, 0, 0},
#define REF(...)	      {MACHD_FIELD_REF, 0, 0, 0}, __VA_ARGS__{MACHD_FIELD_END, 0, 0, 0},
#define FRAME(...)	      {MACHD_FIELD_FRAME, 0, 0, 0}, __VA_ARGS__{MACHD_FIELD_END, 0, 0, 0},
#define NEXT(f)		      {MACHD_FIELD_NEXT, 0, 0, 0},
#define ARRAY(f, max)	      {MACHD_FIELD_ARRAY, 0, WORD, max},
#define BYTES(f, max)	      {MACHD_FIELD_BYTES, 0, 1, max},
#define OOL(f, arrays, words) {MACHD_FIELD_OOL, 0, (words)*WORD, arrays},
#define OOL_PORTS(f)	      {MACHD_FIELD_OOL_PORTS, MACH_MSG_TYPE_PORT_SEND, WORD, 1},
#define EMPTY()		      {MACHD_FIELD_EMPTY, 0, 0, 1},
#define BESIDE(f, words)      {MACHD_FIELD_BESIDE, 0, (words)*WORD, 1},
#define IN(...)		      __VA_ARGS__
#define OUT(...)	      __VA_ARGS__

#define MACHD_ROUTINE(number, name, object, in, out)                                  \
	static const struct machd_field name##_in[] = {in{MACHD_FIELD_END, 0, 0, 0}}, \
					name##_out[] = {out{MACHD_FIELD_END, 0, 0, 0}};
#include "protocol/ops.def"

const struct machd_routine_row machd_routines[] = {
#define MACHD_ROUTINE(number, name, object, in, out) \
	{number,                                     \
	 MACHD_OBJECT_##object,                      \
	 #name,                                      \
	 sizeof(struct name##_in),                   \
	 sizeof(struct name##_out),                  \
	 name##_in,                                  \
	 name##_out},
#include "protocol/ops.def"
};

const unsigned machd_routine_count = sizeof machd_routines / sizeof *machd_routines;

const struct machd_routine_row *machd_routine_find(uint32_t number)
{
	for (unsigned i = 0; i < machd_routine_count; i++)
		if (machd_routines[i].number == number)
			return &machd_routines[i];
	return NULL;
}

const struct machd_field *machd_fields_rest(const struct machd_field *fields)
{
	unsigned depth = 0;

	for (; fields->f_kind != MACHD_FIELD_END || depth > 0; fields++) {
		if (fields->f_kind >= MACHD_FIELD_ARRAY)
			return fields;
		depth += fields->f_kind == MACHD_FIELD_REF || fields->f_kind == MACHD_FIELD_FRAME;
		depth -= fields->f_kind == MACHD_FIELD_END;
	}
	return NULL;
}
