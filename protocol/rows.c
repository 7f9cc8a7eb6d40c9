/* SPDX-License-Identifier: Apache-2.0 */
/* Packing records, and unpacking them. */
#include "protocol/rows.h"

#include <string.h>

/* Bytes of the bits in front of a record. */
static size_t mask_size(size_t size)
{
	return (size / MACHD_ROW_WORD + 7) / 8;
}

void machd_rows_begin(struct machd_rows *rows, void *bytes, size_t size)
{
	rows->bytes = bytes;
	rows->used = 0;
	rows->size = size;
	memset(rows->last, 0, size);
}

size_t machd_rows_need(size_t size)
{
	return mask_size(size) + size;
}

void machd_rows_add(struct machd_rows *rows, const void *record)
{
	uint8_t *mask = rows->bytes + rows->used, *at = mask + mask_size(rows->size);
	const uint8_t *from = record;
	uint64_t word;

	memset(mask, 0, mask_size(rows->size));
	for (size_t i = 0; i < rows->size / MACHD_ROW_WORD; i++) {
		memcpy(&word, from + i * MACHD_ROW_WORD, MACHD_ROW_WORD);
		if (word == rows->last[i])
			continue;
		rows->last[i] = word;
		mask[i / 8] |= (uint8_t)(1u << i % 8);
		memcpy(at, &word, MACHD_ROW_WORD);
		at += MACHD_ROW_WORD;
	}
	rows->used = (size_t)(at - rows->bytes);
}

enum machd_rows_state machd_rows_next(struct machd_rows *rows, size_t end)
{
	const uint8_t *mask = rows->bytes + rows->used;
	size_t bits = mask_size(rows->size), at = rows->used + bits, words;

	words = rows->size / MACHD_ROW_WORD;
	if (rows->used == end)
		return MACHD_ROWS_END;
	if (end - rows->used < bits)
		return MACHD_ROWS_BROKEN;
	for (size_t byte = 0; byte < bits; byte++) {
		for (unsigned left = mask[byte]; left; left &= left - 1) {
			size_t i = byte * 8 + (size_t)__builtin_ctz(left);

			if (i >= words || end - at < MACHD_ROW_WORD)
				return MACHD_ROWS_BROKEN;
			memcpy(&rows->last[i], rows->bytes + at, MACHD_ROW_WORD);
			at += MACHD_ROW_WORD;
		}
	}
	rows->used = at;
	return MACHD_ROWS_READY;
}
