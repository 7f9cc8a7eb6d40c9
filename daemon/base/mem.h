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

/* For tests: let allocation number `n` from now on fail (1: the next); 0: none. */
void mem_fail_after(uint64_t n);

/* Allocations that are alive: 0 when everything was freed. */
uint64_t mem_live(void);
