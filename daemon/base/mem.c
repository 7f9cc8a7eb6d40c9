/* SPDX-License-Identifier: Apache-2.0 */
/* Allocation with a seam for faults, and a count of what is alive. */
#include "daemon/base/mem.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static uint64_t live;
static uint64_t fail_in;   /* allocations until one fails; 0: never */
static uint64_t fail_from; /* allocations until all fail; 0: never */

/* The next allocation shall fail. */
static bool fails(void)
{
	if (fail_from > 1)
		fail_from--;
	else if (fail_from)
		return true;
	return fail_in && --fail_in == 0;
}

void *mem_alloc(size_t size)
{
	return mem_alloc_array(1, size);
}

void *mem_alloc_array(size_t count, size_t size)
{
	void *memory = fails() ? NULL : calloc(count, size);

	live += memory != NULL;
	return memory;
}

void *mem_alloc_raw(size_t size, size_t zeroed)
{
	void *memory = fails() ? NULL : malloc(size);

	if (!memory)
		return NULL;
	live++;
	memset(memory, 0, zeroed);
	return memory;
}

void mem_free(void *memory)
{
	live -= memory != NULL;
	free(memory);
}

/* Of memory that is kept nobody would notice that it is used after it was freed. */
#ifdef MACHD_SANITIZED
static const unsigned kept = 0;
#else
static const unsigned kept = MEM_POOL_KEPT;
#endif

/* Sizes of one class are rounded up to its largest: any piece of it will do. */
static size_t class_of(size_t size)
{
	return (size + MEM_POOL_STEP - 1) / MEM_POOL_STEP;
}

void *mem_pool_alloc(struct mem_pool *pool, size_t size, size_t zeroed)
{
	size_t class = class_of(size);
	void *memory;

	if (class >= MEM_POOL_CLASSES)
		return mem_alloc_raw(size, zeroed);
	memory = pool->mp_first[class];
	if (!memory)
		return mem_alloc_raw(class * MEM_POOL_STEP, zeroed);
	if (fails())
		return NULL;
	memcpy(&pool->mp_first[class], memory, sizeof memory);
	pool->mp_count[class]--;
	live++;
	memset(memory, 0, zeroed);
	return memory;
}

void mem_pool_free(struct mem_pool *pool, void *memory, size_t size)
{
	size_t class = class_of(size);

	if (class >= MEM_POOL_CLASSES || pool->mp_count[class] >= kept) {
		mem_free(memory);
		return;
	}
	live--;
	memcpy(memory, &pool->mp_first[class], sizeof memory);
	pool->mp_first[class] = memory;
	pool->mp_count[class]++;
}

void mem_pool_empty(struct mem_pool *pool)
{
	for (size_t class = 0; class < MEM_POOL_CLASSES; class ++) {
		while (pool->mp_first[class]) {
			void *memory = pool->mp_first[class];

			memcpy(&pool->mp_first[class], memory, sizeof memory);
			free(memory);
		}
		pool->mp_count[class] = 0;
	}
}

void mem_fail_after(uint64_t n)
{
	fail_in = n;
}

void mem_fail_from(uint64_t n)
{
	fail_from = n;
}

uint64_t mem_live(void)
{
	return live;
}
