/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of ops.def as a table, and the search in it. */
#include "protocol/ops.h"

/* 1 for an argument list that ends in an ARRAY, else 0. */
#define U32(f)	 +0
#define I32(f)	 +0
#define U64(f)	 +0
#define STR(f)	 +0
#define TEXT(f)	 +0
#define ARRAY(f) +1
#define IN(...)	 0 __VA_ARGS__
#define OUT(...) 0 __VA_ARGS__

const struct machd_routine_row machd_routines[] = {
#define MACHD_ROUTINE(number, name, object, in, out) \
	{number,                                     \
	 MACHD_OBJECT_##object,                      \
	 #name,                                      \
	 sizeof(struct name##_in),                   \
	 sizeof(struct name##_out),                  \
	 in,                                         \
	 out},
#include "protocol/ops.def"
#undef MACHD_ROUTINE
};

const unsigned machd_routine_count = sizeof machd_routines / sizeof *machd_routines;

const struct machd_routine_row *machd_routine_find(uint32_t number)
{
	for (unsigned i = 0; i < machd_routine_count; i++)
		if (machd_routines[i].number == number)
			return &machd_routines[i];
	return NULL;
}
