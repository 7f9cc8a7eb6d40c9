/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the records of a page of protocol/watch.h are packed: as differences. A record is a bit map
 * with one bit for each of its 64-bit words (lowest bit first, padded to bytes), followed by those
 * words whose bit is set: the ones that differ from the record before. The first record is compared
 * with zeros. A million ports of one task differ in three words of twenty-eight.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Bytes of a record, at most. Each has a multiple of MACHD_ROW_WORD of them. */
#define MACHD_ROW_MAX  1024
#define MACHD_ROW_WORD 8

/* Records that are being packed, or unpacked. */
struct machd_rows {
	uint8_t *bytes; /* the packed records; only read while unpacking */
	size_t used;	/* of these bytes */
	size_t size;	/* of a record */
	uint64_t last[MACHD_ROW_MAX / MACHD_ROW_WORD]; /* the record before */
};

/* Begin with records of `size` bytes, a multiple of MACHD_ROW_WORD up to MACHD_ROW_MAX. */
void machd_rows_begin(struct machd_rows *rows, void *bytes, size_t size);

/* The most bytes that one record of that size takes. */
size_t machd_rows_need(size_t size);

/* Pack one more; there is room for machd_rows_need() bytes. */
void machd_rows_add(struct machd_rows *rows, const void *record);

/*
 * Unpack the next record into `last`, out of `end` untrusted bytes. BROKEN: they end within a
 * record, or the bit map has a word that a record does not have.
 */
enum machd_rows_state { MACHD_ROWS_END, MACHD_ROWS_READY, MACHD_ROWS_BROKEN };
enum machd_rows_state machd_rows_next(struct machd_rows *rows, size_t end);
