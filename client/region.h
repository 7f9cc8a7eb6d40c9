/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Regions: memory with a memfd of its own, so that it can be sent without a copy. Memory from
 * vm_allocate() is a region if it is large enough, and so is received memory.
 *
 * A region begins as a shared mapping of its memfd. When it is sent, the mapping is replaced by a
 * private one of the same pages: later writes go to copies of pages, so the memfd can be sealed and
 * sent as it is, and neither side sees later writes of the other. A region with pages that were
 * written to since is copied like any other memory. So is a part of a region, unless nothing was
 * ever written to the rest: a memfd is sent as a whole, and must not hold bytes that are not part
 * of the message.
 *
 * A region with a memory entry stays a shared mapping, since its pages are for all who map them,
 * and is copied when it is sent. So is memory that was mapped from memory entries.
 *
 * Regions are looked up by address, and checked against the kernel's view: the program may have
 * unmapped one, or mapped something else in its place, without telling the library.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mach/kern_return.h>

#include "protocol/limits.h"

/*
 * The smallest region. Below, a copy is cheaper than what the sender has to do instead: replace its
 * mapping, and fault the pages in again.
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
 * The memfd of the region that contains [address, address + size), sealed with MI_SEALS; the caller
 * closes it. Its byte at *offset is that at `address`. -1: this memory has to be copied.
 */
int mi_region_share(uintptr_t address, size_t size, uint64_t *offset);

/*
 * The same for memory that is given away: it becomes inaccessible at once. Its addresses stay
 * reserved until mi_region_unmap() frees them, or mi_region_restore() maps the memfd there again
 * (`start` and `size` are whole pages, `offset` is that of the first). False: that failed.
 */
int mi_region_give(uintptr_t address, size_t size, uint64_t *offset);
bool mi_region_restore(void *start, size_t size, int fd, uint64_t offset);

/* A fresh memfd of zeroes that cannot change its size; -1 with errno. */
int mi_region_memfd(size_t size);

/* Open the memfd again, read-only; -1 if /proc is not available. */
int mi_region_read_only(int fd);

/*
 * Map a part of a memfd shared, and keep it shared when it is sent. `wanted` and `flags` are
 * mmap()'s; the region takes the descriptor. If it is `forked`, a child of fork() has a copy of it.
 * MAP_FAILED with errno.
 */
void *mi_region_map_shared(void *wanted, size_t size, int flags, int protection, int fd,
			   uint64_t offset, bool forked);

/*
 * Share the pages at `start` with others from now on, for a memory entry. *size is whole pages; it
 * becomes less if they are several mappings, of which the first is taken, unless `all` are wanted.
 * Memory without a memfd of its own gets one and is copied there; no thread may write to it
 * meanwhile, and a child of fork() gets a copy of it. *fd is a descriptor that allows `protection`,
 * for the caller to close, and *offset that of `start`. KERN_INVALID_ADDRESS: nothing is mapped
 * there. KERN_PROTECTION_FAILURE: the program itself may not do that with it. KERN_NOT_SUPPORTED: a
 * file that is mapped shared, or `all` are several mappings. KERN_RESOURCE_SHORTAGE.
 */
kern_return_t mi_region_export(uintptr_t start, size_t *size, bool all, int protection, int *fd,
			       uint64_t *offset);
