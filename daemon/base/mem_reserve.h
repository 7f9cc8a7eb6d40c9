/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reserved memory: pieces of one size that are allocated before they are needed, so that taking one
 * cannot fail. They are allocated in chunks, and no piece is written to before it is taken: until
 * then it is address space, without pages.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/list.h"

/* Pieces of a chunk: as many as one word has bits, or several. */
#define MEM_RESERVE_CHUNK 64

struct mem_reserve {
	size_t mr_size;	       /* bytes of a piece, including its own header */
	unsigned mr_words;     /* of a chunk */
	uint64_t mr_free;      /* pieces that can be taken */
	struct list mr_chunks; /* those with free pieces come first */
};

/*
 * Pieces of `size` bytes, in chunks of `words` times MEM_RESERVE_CHUNK: of a large chunk, fewer of
 * its pages are in use before a piece is.
 */
void mem_reserve_init(struct mem_reserve *reserve, size_t size, unsigned words);

/* Make sure that `count` pieces can be taken; false without memory, and nothing has changed. */
bool mem_reserve_keep(struct mem_reserve *reserve, uint64_t count);

/* Take a free piece, of which there must be one. It is not zeroed. */
void *mem_reserve_take(struct mem_reserve *reserve);

void mem_reserve_give(struct mem_reserve *reserve, void *piece);

/* Free what is not needed to keep `count` pieces. */
void mem_reserve_trim(struct mem_reserve *reserve, uint64_t count);
