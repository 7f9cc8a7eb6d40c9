/* SPDX-License-Identifier: Apache-2.0 */
/* Chunks of pieces, and which of them are taken. */
#include "daemon/base/mem_reserve.h"

#include <assert.h>
#include <string.h>

#include "daemon/base/mem.h"

/* Its pieces follow the words, at a multiple of 16. */
struct chunk {
	struct list link;
	uint64_t count;	 /* of free pieces, */
	uint64_t free[]; /* a bit for each piece */
};

/* What is in front of a piece that was taken: the chunk it is of. */
struct piece {
	struct chunk *chunk;
	_Alignas(16) char bytes[];
};

static uint64_t pieces(const struct mem_reserve *reserve)
{
	return (uint64_t)reserve->mr_words * MEM_RESERVE_CHUNK;
}

static size_t head_size(const struct mem_reserve *reserve)
{
	return (sizeof(struct chunk) + reserve->mr_words * sizeof(uint64_t) + 15) / 16 * 16;
}

void mem_reserve_init(struct mem_reserve *reserve, size_t size, unsigned words)
{
	reserve->mr_words = words;
	reserve->mr_size = sizeof(struct piece) + (size + 15) / 16 * 16;
	reserve->mr_free = 0;
	list_init(&reserve->mr_chunks);
}

bool mem_reserve_keep(struct mem_reserve *reserve, uint64_t count)
{
	struct chunk *chunk;

	while (reserve->mr_free < count) {
		chunk = mem_alloc_raw(head_size(reserve) + pieces(reserve) * reserve->mr_size,
				      sizeof *chunk);
		if (!chunk)
			return false;
		memset(chunk->free, 0xff, reserve->mr_words * sizeof *chunk->free);
		chunk->count = pieces(reserve);
		list_init(&chunk->link);
		list_prepend(&reserve->mr_chunks, &chunk->link);
		reserve->mr_free += pieces(reserve);
	}
	return true;
}

void *mem_reserve_take(struct mem_reserve *reserve)
{
	struct chunk *chunk = list_first(&reserve->mr_chunks, struct chunk, link);
	struct piece *piece;
	size_t word = 0, index;

	assert(chunk && chunk->count);
	while (!chunk->free[word])
		word++;
	index = word * MEM_RESERVE_CHUNK + (unsigned)__builtin_ctzll(chunk->free[word]);
	chunk->free[word] &= chunk->free[word] - 1;
	reserve->mr_free--;
	if (--chunk->count == 0) {
		list_remove(&chunk->link);
		list_append(&reserve->mr_chunks, &chunk->link);
	}
	piece = (struct piece *)((char *)chunk + head_size(reserve) + index * reserve->mr_size);
	piece->chunk = chunk;
	return piece->bytes;
}

void mem_reserve_give(struct mem_reserve *reserve, void *memory)
{
	struct piece *piece = (struct piece *)((char *)memory - offsetof(struct piece, bytes));
	struct chunk *chunk = piece->chunk;
	size_t index =
		(size_t)((char *)piece - (char *)chunk - head_size(reserve)) / reserve->mr_size;

	if (chunk->count == 0) {
		list_remove(&chunk->link);
		list_prepend(&reserve->mr_chunks, &chunk->link);
	}
	chunk->free[index / MEM_RESERVE_CHUNK] |= UINT64_C(1) << index % MEM_RESERVE_CHUNK;
	chunk->count++;
	reserve->mr_free++;
}

void mem_reserve_trim(struct mem_reserve *reserve, uint64_t count)
{
	LIST_FOR_EACH_SAFE (node, &reserve->mr_chunks) {
		struct chunk *chunk = list_entry(node, struct chunk, link);

		if (reserve->mr_free < count + pieces(reserve))
			return;
		if (chunk->count != pieces(reserve))
			continue;
		reserve->mr_free -= pieces(reserve);
		list_remove(&chunk->link);
		mem_free(chunk);
	}
}
