/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bounded msgpack cursor. msgpack-c's own unpacker builds a tree and can be made to ask for
 * gigabytes by a few bytes; here a value is described where it lies.
 */
#include "protocol/reader.h"

#include <string.h>

static bool fail(struct machd_reader *reader)
{
	reader->bad = true;
	return false;
}

static size_t left(const struct machd_reader *reader)
{
	return (size_t)(reader->end - reader->at);
}

/* Read a big-endian number of `width` bytes: 1, 2, 4 or 8. */
static bool read_number(struct machd_reader *reader, unsigned width, uint64_t *number)
{
	if (left(reader) < width)
		return fail(reader);
	*number = 0;
	for (unsigned i = 0; i < width; i++)
		*number = *number << 8 | *reader->at++;
	return true;
}

/* The value is the next `size` bytes. */
static bool take_bytes(struct machd_reader *reader, struct machd_value *value,
		       enum machd_value_kind kind, uint64_t size)
{
	if (left(reader) < size)
		return fail(reader);
	value->kind = kind;
	value->bytes = reader->at;
	value->size = (size_t)size;
	reader->at += size;
	return true;
}

/* The value has `count` elements or pairs behind it; each value is a byte or more. */
static bool take_count(struct machd_reader *reader, struct machd_value *value,
		       enum machd_value_kind kind, uint64_t count)
{
	if (left(reader) < (kind == MACHD_VALUE_MAP ? 2 * count : count))
		return fail(reader);
	value->kind = kind;
	value->number = count;
	return true;
}

static bool take_number(struct machd_value *value, enum machd_value_kind kind, uint64_t number)
{
	value->kind = kind;
	value->number = number;
	return true;
}

/* A two's complement number of `width` bytes: 1, 2, 4 or 8. */
static bool take_signed(struct machd_value *value, uint64_t number, unsigned width)
{
	uint64_t sign = UINT64_C(1) << ((8 * width - 1) & 63);
	uint64_t extended = (number ^ sign) - sign;

	return take_number(value, number & sign ? MACHD_VALUE_NEGATIVE : MACHD_VALUE_UINT,
			   extended);
}

/* An extension: a type byte, then `size` bytes. */
static bool take_ext(struct machd_reader *reader, struct machd_value *value, uint64_t size)
{
	return read_number(reader, 1, &value->number) &&
	       take_bytes(reader, value, MACHD_VALUE_EXT, size);
}

/* The bytes c0 to df: what each begins, and how the number that belongs to it is found. */
enum form { NONE, NIL, BOOL, BYTES, EXT, FLOAT, UINT, INT, STRING, ARRAY, MAP };

static const struct {
	uint8_t form;
	uint8_t width;	/* bytes of the number that follows, or 0: */
	uint8_t number; /* then it is this one */
} forms[32] = {
	{NIL, 0, 0},   {NONE, 0, 0},   {BOOL, 0, 0},   {BOOL, 0, 1},   /* c0 */
	{BYTES, 1, 0}, {BYTES, 2, 0},  {BYTES, 4, 0},  {EXT, 1, 0},    /* c4 */
	{EXT, 2, 0},   {EXT, 4, 0},    {FLOAT, 0, 4},  {FLOAT, 0, 8},  /* c8 */
	{UINT, 1, 0},  {UINT, 2, 0},   {UINT, 4, 0},   {UINT, 8, 0},   /* cc */
	{INT, 1, 0},   {INT, 2, 0},    {INT, 4, 0},    {INT, 8, 0},    /* d0 */
	{EXT, 0, 1},   {EXT, 0, 2},    {EXT, 0, 4},    {EXT, 0, 8},    /* d4 */
	{EXT, 0, 16},  {STRING, 1, 0}, {STRING, 2, 0}, {STRING, 4, 0}, /* d8 */
	{ARRAY, 2, 0}, {ARRAY, 4, 0},  {MAP, 2, 0},    {MAP, 4, 0},    /* dc */
};

static bool read_long_form(struct machd_reader *reader, struct machd_value *value, uint8_t head)
{
	unsigned width = forms[head & 31].width;
	uint64_t number = forms[head & 31].number;

	if (width && !read_number(reader, width, &number))
		return false;
	switch (forms[head & 31].form) {
	case NIL:
		return take_number(value, MACHD_VALUE_NIL, 0);
	case BOOL:
		return take_number(value, MACHD_VALUE_BOOL, number);
	case BYTES:
		return take_bytes(reader, value, MACHD_VALUE_BYTES, number);
	case EXT:
		return take_ext(reader, value, number);
	case FLOAT:
		return take_bytes(reader, value, MACHD_VALUE_FLOAT, number);
	case UINT:
		return take_number(value, MACHD_VALUE_UINT, number);
	case INT:
		return take_signed(value, number, width);
	case STRING:
		return take_bytes(reader, value, MACHD_VALUE_STRING, number);
	case ARRAY:
		return take_count(reader, value, MACHD_VALUE_ARRAY, number);
	case MAP:
		return take_count(reader, value, MACHD_VALUE_MAP, number);
	}
	return fail(reader);
}

void machd_reader_init(struct machd_reader *reader, const void *bytes, size_t size)
{
	reader->at = bytes;
	reader->end = reader->at + size;
	reader->bad = false;
}

bool machd_read(struct machd_reader *reader, struct machd_value *value)
{
	uint8_t head;

	memset(value, 0, sizeof *value);
	if (reader->bad || !left(reader))
		return fail(reader);
	head = *reader->at++;
	if (head < 0x80)
		return take_number(value, MACHD_VALUE_UINT, head);
	if (head < 0x90)
		return take_count(reader, value, MACHD_VALUE_MAP, head & 15);
	if (head < 0xa0)
		return take_count(reader, value, MACHD_VALUE_ARRAY, head & 15);
	if (head < 0xc0)
		return take_bytes(reader, value, MACHD_VALUE_STRING, head & 31);
	if (head < 0xe0)
		return read_long_form(reader, value, head);
	return take_signed(value, head, 1);
}

bool machd_read_skip(struct machd_reader *reader)
{
	struct machd_value value;
	uint64_t open = 1; /* values still to be read, whatever they are nested in */

	while (open) {
		if (!machd_read(reader, &value))
			return false;
		open--;
		if (value.kind == MACHD_VALUE_ARRAY)
			open += value.number;
		else if (value.kind == MACHD_VALUE_MAP)
			open += 2 * value.number;
		if (open > left(reader))
			return fail(reader);
	}
	return true;
}

static bool read_kind(struct machd_reader *reader, struct machd_value *value,
		      enum machd_value_kind kind)
{
	return machd_read(reader, value) && (value->kind == kind || fail(reader));
}

bool machd_read_map(struct machd_reader *reader, uint32_t *pairs)
{
	struct machd_value value;

	if (!read_kind(reader, &value, MACHD_VALUE_MAP))
		return false;
	*pairs = (uint32_t)value.number;
	return true;
}

bool machd_read_array(struct machd_reader *reader, uint32_t *elements)
{
	struct machd_value value;

	if (!read_kind(reader, &value, MACHD_VALUE_ARRAY))
		return false;
	*elements = (uint32_t)value.number;
	return true;
}

bool machd_read_uint(struct machd_reader *reader, uint64_t *number)
{
	struct machd_value value;

	if (!read_kind(reader, &value, MACHD_VALUE_UINT))
		return false;
	*number = value.number;
	return true;
}

bool machd_read_u32(struct machd_reader *reader, uint32_t *number)
{
	uint64_t wide;

	if (!machd_read_uint(reader, &wide))
		return false;
	if (wide > UINT32_MAX)
		return fail(reader);
	*number = (uint32_t)wide;
	return true;
}

bool machd_read_string(struct machd_reader *reader, const char **text, size_t *size)
{
	struct machd_value value;

	if (!read_kind(reader, &value, MACHD_VALUE_STRING))
		return false;
	*text = (const char *)value.bytes;
	*size = value.size;
	return true;
}

bool machd_read_bytes(struct machd_reader *reader, void *bytes, size_t size)
{
	struct machd_value value;

	if (!read_kind(reader, &value, MACHD_VALUE_BYTES))
		return false;
	if (value.size != size)
		return fail(reader);
	memcpy(bytes, value.bytes, size);
	return true;
}

bool machd_reader_done(const struct machd_reader *reader)
{
	return !reader->bad && reader->at == reader->end;
}
