/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ops.def as C: an enum of routine numbers, struct NAME_in and NAME_out for each routine's
 * arguments and results (as a frame has them), and a table with names, sizes and fields.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define U32(f)		    uint32_t f;
#define I32(f)		    int32_t f;
#define U64(f)		    uint64_t f;
#define STR(f)		    char f[128];
#define TEXT(f)		    char f[512];
#define CHARS(f, n)	    char f[n];
#define PORT(f, type)	    uint32_t f;
#define POLY(f, t)	    uint32_t f, t;
#define POLY_OF(f, t, type) uint32_t f, t;
#define LATE(f)		    uint32_t f;
#define REF(...)	    __VA_ARGS__
#define FRAME(...)	    __VA_ARGS__
#define NEXT(f)		    uint32_t f;
#define ARRAY(f, max)	    uint32_t f[0];
#define BYTES(f, max)      \
	uint32_t f##_size; \
	uint8_t f[0];
#define OOL(f, arrays, words) uint32_t f[0];
#define OOL_PORTS(f)	      uint32_t f[0];
#define EMPTY()
#define BESIDE(f, words)
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

enum machd_routine {
#define MACHD_ROUTINE(number, name, object, in, out) MACHD_ROUTINE_##name = (number),
#include "protocol/ops.def"
};

/* What a routine's target must be. */
enum machd_object {
	MACHD_OBJECT_SPACE,
	MACHD_OBJECT_SPACE_READ,    /* a read port is enough */
	MACHD_OBJECT_SPACE_INSPECT, /* an inspect port is enough */
	MACHD_OBJECT_TASK,
	MACHD_OBJECT_TASK_INSPECT,
	MACHD_OBJECT_TASK_NAME, /* a name port is enough */
	MACHD_OBJECT_BOOTSTRAP,
	MACHD_OBJECT_HOST, /* the privileged port is one, too */
	MACHD_OBJECT_CLOCK,
	MACHD_OBJECT_EVENTLINK, /* a side of one, even if that has ended */
	MACHD_OBJECT_VOUCHER,
	MACHD_OBJECT_THREAD,
	MACHD_OBJECT_TRAP, /* the caller; frames name its task */
};

/* What a field of ops.def is. The structs hold the fields in order, without padding. */
enum machd_field_kind {
	MACHD_FIELD_END,    /* of the list, or of the fields of a REF or FRAME */
	MACHD_FIELD_DATA,   /* f_size bytes */
	MACHD_FIELD_TEXT,   /* likewise; a zero ends it */
	MACHD_FIELD_PORT,   /* a right of f_type; in the structs a name */
	MACHD_FIELD_POLY,   /* a right of f_type or, if that is 0, of any; a name and its type */
	MACHD_FIELD_REF,    /* its own fields follow, up to their END */
	MACHD_FIELD_FRAME,  /* likewise */
	MACHD_FIELD_LATE,   /* a word of arguments */
	MACHD_FIELD_NEXT,   /* a word of results */
	MACHD_FIELD_EMPTY,  /* nothing */
	MACHD_FIELD_BESIDE, /* an array of f_size bytes an element, by turns with the OOL before */
	MACHD_FIELD_ARRAY,  /* up to f_max times f_size bytes */
	MACHD_FIELD_BYTES,  /* up to f_max; their number is a word before them */
	MACHD_FIELD_OOL,    /* f_max arrays of f_size bytes an element */
	MACHD_FIELD_OOL_PORTS,
};

struct machd_field {
	uint8_t f_kind; /* enum machd_field_kind */
	uint8_t f_type; /* MACH_MSG_TYPE_PORT_ */
	uint16_t f_size;
	uint32_t f_max;
};

struct machd_routine_row {
	uint32_t number;
	uint32_t object; /* enum machd_object */
	const char *name;
	uint32_t in_size,
		out_size; /* of the structs, without the last field if its length varies */
	const struct machd_field *in, *out;
};

extern const struct machd_routine_row machd_routines[];
extern const unsigned machd_routine_count;

/* The row of a routine; NULL if there is none with that number. */
const struct machd_routine_row *machd_routine_find(uint32_t number);

/* The last of these fields if its length varies, so that more follows the struct; else NULL. */
const struct machd_field *machd_fields_rest(const struct machd_field *fields);
