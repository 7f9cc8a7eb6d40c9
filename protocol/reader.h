/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A cursor over msgpack bytes that come from somebody we do not trust. It owns nothing, allocates
 * nothing and never looks behind the bytes it was given. A count or a length that the bytes left
 * could not hold is an error at once, so that five bytes cannot announce four thousand million
 * elements.
 *
 * The first error sticks: every later read fails too, and a caller may check once at the end.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct machd_reader {
	const uint8_t *at, *end;
	bool bad;
};

enum machd_value_kind {
	MACHD_VALUE_NIL = 1,
	MACHD_VALUE_BOOL,     /* number is 0 or 1 */
	MACHD_VALUE_UINT,     /* number; any integer that is not negative, however it is coded */
	MACHD_VALUE_NEGATIVE, /* number is the two's complement of it in 64 bits */
	MACHD_VALUE_FLOAT,    /* bytes: the 4 or 8 of it, big-endian */
	MACHD_VALUE_STRING,   /* bytes: without a zero at the end */
	MACHD_VALUE_BYTES,    /* bytes */
	MACHD_VALUE_EXT,      /* bytes; number is its type, 0 to 255 */
	MACHD_VALUE_ARRAY,    /* number of values follow */
	MACHD_VALUE_MAP,      /* number of pairs follow: two values each */
};

struct machd_value {
	enum machd_value_kind kind;
	uint64_t number;
	const uint8_t *bytes; /* in the caller's buffer */
	size_t size;	      /* of those */
};

/* Start at the beginning of `size` bytes, which must stay valid as long as the values read. */
void machd_reader_init(struct machd_reader *reader, const void *bytes, size_t size);

/*
 * Read one value; of an array or a map its head only, the elements are the next values. False if
 * the bytes left are not a value.
 */
bool machd_read(struct machd_reader *reader, struct machd_value *value);

/* Read past one value with all that is in it. Takes time proportional to its bytes, no stack. */
bool machd_read_skip(struct machd_reader *reader);

/* Read a value that must be of one kind. The strings and bytes are not copied. */
bool machd_read_map(struct machd_reader *reader, uint32_t *pairs);
bool machd_read_array(struct machd_reader *reader, uint32_t *elements);
bool machd_read_uint(struct machd_reader *reader, uint64_t *number);
bool machd_read_u32(struct machd_reader *reader, uint32_t *number);
bool machd_read_string(struct machd_reader *reader, const char **text, size_t *size);

/* Read bytes of exactly this length and copy them. */
bool machd_read_bytes(struct machd_reader *reader, void *bytes, size_t size);

/* Nothing went wrong and nothing is left. */
bool machd_reader_done(const struct machd_reader *reader);
