/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The regions of this process, in one array by address, under one lock: what region.c,
 * region_fork.c and region_shared.c have in common. Who calls one of the functions here has the
 * lock.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/mapping.h"

/* A memfd, and what is mapped of it. */
struct backing {
	int fd;
	struct mi_mapped_file file; /* as the kernel names it; "": not asked yet */
	uintptr_t base;		    /* where its first byte is mapped, or would be */
	unsigned regions;	    /* what is left of it when parts were unmapped */
	bool shared;		    /* mapped shared: nobody else has it */
	bool sealed;		    /* there is nothing in it outside of: */
	uintptr_t holds_start, holds_end;
	bool kept;   /* mapped shared, and stays so: others may have it, */
	bool forked; /* but not a child of fork(): it gets a copy */
};

struct region {
	uintptr_t start, end;
	struct backing *backing;
	void *snapshot; /* during fork(): what the child gets, or NULL */
};

struct region_table {
	pthread_mutex_t lock;
	struct region *at; /* `count` of them, sorted, in room for `room` */
	size_t count, room;
};

extern struct region_table mi_regions;

/* The first region that ends above an address; the count if there is none. */
size_t mi_region_find(uintptr_t address);

/* Make room for two more: a new one, and the end of one that is cut in two. */
bool mi_region_reserve(void);

/* There is room. */
void mi_region_insert(struct region region);

/* Forget one, and its backing with the last of that. */
void mi_region_erase(size_t at);

/* A range was unmapped, or something else was mapped there. There is room for a region more. */
void mi_region_forget(const void *start, size_t size);

/* The region is still mapped as one piece, with the protection that is found out here. */
bool mi_region_is_mapped(const struct region *region, int *protection);

/* Is the mapping at `start` the region's? */
bool mi_region_is_of(const struct region *region, uintptr_t start,
		     const struct mi_mapping *mapping);

/* Replace the shared mapping of a region by a private one. False: it is not mapped as we know it.
 */
bool mi_region_make_private(const struct region *region);

/* A memfd with a name that no other has, for the kernel tells mappings apart by it. */
int mi_region_make_memfd(size_t size, struct mi_mapped_file *file);

/* Ask for large pages where there are enough; the system decides, and places mappings for it. */
void mi_region_ask_for_large_pages(void *start, size_t size);

/* See that fork() tells us, once. Does it? And how many regions there may be. */
bool mi_region_set_up(size_t *most);
