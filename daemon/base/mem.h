/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory of the daemon. Every allocation that a client can cause goes through here, so that a test
 * can let any one of them fail.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Zeroed memory, or NULL; free with mem_free(). */
void *mem_alloc(size_t size);

/* `count` zeroed elements; NULL also when the size overflows. */
void *mem_alloc_array(size_t count, size_t size);

/* As mem_alloc(), but only the first `zeroed` bytes are: for what is written whole anyway. */
void *mem_alloc_raw(size_t size, size_t zeroed);

void mem_free(void *memory);

/*
 * For objects that come and go all the time: some freed memory is kept for the next object of about
 * the same size. All zero: an empty pool.
 */
#define MEM_POOL_STEP	 64 /* granularity of the size classes, in bytes */
#define MEM_POOL_CLASSES 10 /* number of classes; larger pieces are not kept */
#define MEM_POOL_KEPT	 64 /* pieces kept of each class */

struct mem_pool {
	void *mp_first[MEM_POOL_CLASSES]; /* free lists */
	unsigned mp_count[MEM_POOL_CLASSES];
};

/* As mem_alloc_raw(); and as mem_free(), of memory of that size. */
void *mem_pool_alloc(struct mem_pool *pool, size_t size, size_t zeroed);
void mem_pool_free(struct mem_pool *pool, void *memory, size_t size);

/* Free all that is kept. */
void mem_pool_empty(struct mem_pool *pool);

/* For tests: make allocation number `n` from now on fail (1: the next); 0: none. */
void mem_fail_after(uint64_t n);

/* For tests: make number `n` and all that follow fail. */
void mem_fail_from(uint64_t n);

/* Allocations that are alive: 0 when everything was freed. */
uint64_t mem_live(void);
