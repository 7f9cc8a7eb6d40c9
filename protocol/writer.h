/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packs msgpack into a buffer of the caller's. What does not fit is noticed once, at the end: a
 * writer that is full takes no more bytes and machd_writer_end() returns 0.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <msgpack/pack.h>

struct machd_writer {
	msgpack_packer packer;
	uint8_t *buffer;
	size_t size, used;
	bool full;
};

/* Start in a buffer of `size` bytes; neither it nor the writer may move while writing. */
void machd_writer_init(struct machd_writer *writer, void *buffer, size_t size);

/* The heads of a map and of an array: that many pairs or elements have to follow. */
void machd_write_map(struct machd_writer *writer, uint32_t pairs);
void machd_write_array(struct machd_writer *writer, uint32_t elements);

void machd_write_uint(struct machd_writer *writer, uint64_t number);
void machd_write_string(struct machd_writer *writer, const char *text);
void machd_write_bytes(struct machd_writer *writer, const void *bytes, size_t size);

/* The number of bytes written; 0 if they did not all fit. */
size_t machd_writer_end(const struct machd_writer *writer);
