/* SPDX-License-Identifier: Apache-2.0 */
/* Chunks of pieces, and which of them are taken. */
#include "daemon/base/mem_reserve.h"

#include <assert.h>

#include "daemon/base/mem.h"

#define ALL_FREE UINT64_MAX

struct chunk {
	struct list link;
	uint64_t free; /* a bit for each piece */
	_Alignas(16) char bytes[];
};

/* What is in front of a piece that was taken: the chunk it is of. */
struct piece {
	struct chunk *chunk;
	_Alignas(16) char bytes[];
};

void mem_reserve_init(struct mem_reserve *reserve, size_t size)
{
	reserve->mr_size = sizeof(struct piece) + (size + 15) / 16 * 16;
	reserve->mr_free = 0;
	list_init(&reserve->mr_chunks);
}

bool mem_reserve_keep(struct mem_reserve *reserve, uint64_t count)
{
	struct chunk *chunk;

	while (reserve->mr_free < count) {
		chunk = mem_alloc_raw(sizeof *chunk + MEM_RESERVE_CHUNK * reserve->mr_size,
				      sizeof *chunk);
		if (!chunk)
			return false;
		chunk->free = ALL_FREE;
		list_init(&chunk->link);
		list_prepend(&reserve->mr_chunks, &chunk->link);
		reserve->mr_free += MEM_RESERVE_CHUNK;
	}
	return true;
}

void *mem_reserve_take(struct mem_reserve *reserve)
{
	struct chunk *chunk = list_first(&reserve->mr_chunks, struct chunk, link);
	struct piece *piece;
	unsigned index;

	assert(chunk && chunk->free);
	index = (unsigned)__builtin_ctzll(chunk->free);
	chunk->free &= ~(UINT64_C(1) << index);
	reserve->mr_free--;
	if (!chunk->free) {
		list_remove(&chunk->link);
		list_append(&reserve->mr_chunks, &chunk->link);
	}
	piece = (struct piece *)(chunk->bytes + index * reserve->mr_size);
	piece->chunk = chunk;
	return piece->bytes;
}

void mem_reserve_give(struct mem_reserve *reserve, void *memory)
{
	struct piece *piece = (struct piece *)((char *)memory - offsetof(struct piece, bytes));
	struct chunk *chunk = piece->chunk;
	size_t index = (size_t)((char *)piece - chunk->bytes) / reserve->mr_size;

	if (!chunk->free) {
		list_remove(&chunk->link);
		list_prepend(&reserve->mr_chunks, &chunk->link);
	}
	chunk->free |= UINT64_C(1) << index;
	reserve->mr_free++;
}

void mem_reserve_trim(struct mem_reserve *reserve, uint64_t count)
{
	LIST_FOR_EACH_SAFE (node, &reserve->mr_chunks) {
		struct chunk *chunk = list_entry(node, struct chunk, link);

		if (reserve->mr_free < count + MEM_RESERVE_CHUNK)
			return;
		if (chunk->free != ALL_FREE)
			continue;
		reserve->mr_free -= MEM_RESERVE_CHUNK;
		list_remove(&chunk->link);
		mem_free(chunk);
	}
}
