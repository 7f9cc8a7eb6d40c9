/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ops.def as C: an enum of routine numbers, struct NAME_in and NAME_out for each routine's
 * arguments and results (in wire layout), and a table with names and sizes.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define U32(f)	 uint32_t f;
#define I32(f)	 int32_t f;
#define U64(f)	 uint64_t f;
#define STR(f)	 char f[128];
#define TEXT(f)	 char f[512];
#define ARRAY(f) uint32_t f[0];
#define IN(...)	 __VA_ARGS__
#define OUT(...) __VA_ARGS__
#pragma pack(push, 4)
#define MACHD_ROUTINE(number, name, object, in, out) \
	struct name##_in {                           \
		in                                   \
	};                                           \
	struct name##_out {                          \
		out                                  \
	};
#include "protocol/ops.def"
#pragma pack(pop)
#undef MACHD_ROUTINE
#undef U32
#undef I32
#undef U64
#undef STR
#undef TEXT
#undef ARRAY
#undef IN
#undef OUT

enum machd_routine {
#define MACHD_ROUTINE(number, name, object, in, out) MACHD_ROUTINE_##name = (number),
#include "protocol/ops.def"
#undef MACHD_ROUTINE
};

/* What a routine's target must be. */
enum machd_object {
	MACHD_OBJECT_SPACE,
	MACHD_OBJECT_SPACE_READ,    /* a right to look at it is enough */
	MACHD_OBJECT_SPACE_INSPECT, /* or one to see its outlines */
	MACHD_OBJECT_TASK,
	MACHD_OBJECT_BOOTSTRAP,
};

struct machd_routine_row {
	uint32_t number;
	uint32_t object; /* enum machd_object */
	const char *name;
	uint32_t in_size, out_size;   /* without the array */
	uint32_t in_array, out_array; /* 1 if 32-bit words may follow */
};

extern const struct machd_routine_row machd_routines[];
extern const unsigned machd_routine_count;

/* The row of a routine; NULL if there is none with that number. */
const struct machd_routine_row *machd_routine_find(uint32_t number);
