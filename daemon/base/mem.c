/* SPDX-License-Identifier: Apache-2.0 */
/* Allocation with a seam for faults, and a count of what is alive. */
#include "daemon/base/mem.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static uint64_t live;
static uint64_t fail_in; /* allocations until one fails; 0: never */

/* The next allocation is the one that shall fail. */
static bool fails(void)
{
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

void mem_fail_after(uint64_t n)
{
	fail_in = n;
}

uint64_t mem_live(void)
{
	return live;
}
