/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Regions: memory that is kept in a memfd of its own, so that it can be sent without being copied.
 * What vm_allocate() gives is one if it is large enough, and so is memory that was received.
 *
 * A region begins as a shared mapping of its memfd. When it is sent, the mapping is replaced by a
 * private one of the same pages: from then on writes go to pages of the writer's own, so that the
 * memfd can be sealed and given away as it is. Nobody sees a later write of anybody else. A region
 * whose pages were written to since is copied like any other memory. So is a part of a region,
 * unless nothing was ever written to the rest: a memfd is given away as a whole, and must not hold
 * bytes that were not meant.
 *
 * A region of which there is a memory entry is kept as it is: its pages are for all who map them,
 * and when it is sent it is copied. So is what was mapped of memory entries.
 *
 * Regions are found by address. Nothing is believed of one that the kernel does not confirm: the
 * program may have unmapped it, or put something else in its place, without telling us.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mach/kern_return.h>

#include "protocol/limits.h"

/*
 * From this size on memory is worth a memfd of its own. Below, copying it is cheaper than what the
 * sender has to do instead: replace its mapping, and fault the pages in again.
 */
#define MI_REGION_MIN ((size_t)MACHD_REGION_MIN)

/*
 * Map zeroed memory: `size` is whole pages, `wanted` and `flags` are mmap()'s (0, MAP_FIXED or
 * MAP_FIXED_NOREPLACE). It is a region if it is large enough, else ordinary memory. MAP_FAILED with
 * errno.
 */
void *mi_region_map(void *wanted, size_t size, int flags);

/* munmap(), for regions and all other memory; whole pages. */
int mi_region_unmap(void *start, size_t size);

/*
 * Received memory: `size` bytes at `start`, whole pages, are a private mapping of the sealed memfd
 * `fd`, which stays the caller's.
 */
void mi_region_adopt(void *start, size_t size, int fd);

/*
 * The memfd of the region that the pages of [address, address + size) are, sealed with
 * MI_SEALS; the caller closes it. Its byte at *offset is that at `address`. -1: this memory
 * has to be copied.
 */
int mi_region_share(uintptr_t address, size_t size, uint64_t *offset);

/*
 * The same for memory that is given away, by which it is lost: nobody can use it any more, but its
 * place is kept until mi_region_unmap() frees it, or mi_region_restore() maps the memfd there again
 * (`start` and `size` are whole pages, `offset` where the first is). False: there is no memory.
 */
int mi_region_give(uintptr_t address, size_t size, uint64_t *offset);
bool mi_region_restore(void *start, size_t size, int fd, uint64_t offset);

/* A fresh memfd of zeroes that cannot change its size; -1 with errno. */
int mi_region_memfd(size_t size);

/* The same memory, without the right to write to it; -1 if nobody can tell where it is. */
int mi_region_read_only(int fd);

/*
 * Map a part of a memfd for all to see, and keep it so. `wanted` and `flags` are mmap()'s; the
 * descriptor is the region's from now on. If it is `forked` a child of fork() has a copy.
 * MAP_FAILED with errno.
 */
void *mi_region_map_shared(void *wanted, size_t size, int flags, int protection, int fd,
			   uint64_t offset, bool forked);

/*
 * Let others have the pages at `start`, too, from now on. `size` is whole pages; it may be less
 * afterwards, for only one piece of memory is taken, unless `all` of it is wanted. Memory that has
 * no memfd for itself gets one, and is copied there: nobody may write to it meanwhile. Of such
 * memory a child of fork() gets a copy. *fd is a descriptor of it, the caller's, that allows
 * `protection`, and *offset where `start` is. KERN_INVALID_ADDRESS: nothing is mapped there.
 * KERN_PROTECTION_FAILURE: the program itself may not do that with it. KERN_NOT_SUPPORTED: a file
 * that is mapped shared, or `all` are several pieces. KERN_RESOURCE_SHORTAGE
 */
kern_return_t mi_region_export(uintptr_t start, size_t *size, bool all, int protection, int *fd,
			       uint64_t *offset);
