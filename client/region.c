/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Regions: creation and sending. Each holds a descriptor, and a process may have only so many: at
 * most a quarter of the limit is used for regions, and memory beyond that is ordinary memory.
 */
#include "client/region.h"

#include <errno.h>
#include <fcntl.h>
#include <mach/vm_page_size.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/mi.h"
#include "client/region_table.h"

/* From this size on large pages are worth asking for; where there are none it costs nothing. */
#define LARGE_PAGE ((size_t)2 << 20)

/* A part is copied if its memfd is more than this many times as large. */
#define REST_MOST 8

int mi_region_make_memfd(size_t size, struct mi_mapped_file *file)
{
	static atomic_uint serial;
	char name[40];
	int fd;

	snprintf(name, sizeof name, "mach:%d:%u", (int)getpid(), atomic_fetch_add(&serial, 1));
	snprintf(file->name, sizeof file->name, "/memfd:%s (deleted)", name);
	fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd >= 0 && !mi_resize(fd, size)) {
		close(fd);
		return -1;
	}
	return fd;
}

void mi_region_ask_for_large_pages(void *start, size_t size)
{
	if (size >= LARGE_PAGE)
		madvise(start, size, MADV_HUGEPAGE);
}

/* May there be one more region? */
static bool allowed(size_t size)
{
	size_t most;

	return mi_region_set_up(&most) && size >= MI_REGION_MIN && mi_regions.count < most;
}

/* A backing whose first byte is mapped at `base`; takes the descriptor. NULL: no memory. */
static struct backing *make_backing(int fd, uintptr_t base)
{
	struct backing *backing = calloc(1, sizeof *backing);

	if (!backing) {
		close(fd);
		return NULL;
	}
	backing->fd = fd;
	backing->base = base;
	return backing;
}

/* Map a memfd; MAP_FAILED, and all as before, if that cannot be. */
static void *map_region(void *wanted, size_t size, int flags)
{
	struct mi_mapped_file file;
	struct backing *backing;
	int fd = mi_region_make_memfd(size, &file);
	void *start;

	if (fd < 0)
		return MAP_FAILED;
	start = mmap(wanted, size, PROT_READ | PROT_WRITE, MAP_SHARED | flags, fd, 0);
	if (start == MAP_FAILED) {
		close(fd);
		return MAP_FAILED;
	}
	mi_region_forget(start, size);
	backing = make_backing(fd, (uintptr_t)start);
	if (!backing) {
		munmap(start, size);
		return MAP_FAILED;
	}
	backing->shared = true;
	backing->file = file;
	mi_region_insert((struct region){
		.start = (uintptr_t)start, .end = (uintptr_t)start + size, .backing = backing});
	mi_region_ask_for_large_pages(start, size);
	return start;
}

void *mi_region_map(void *wanted, size_t size, int flags)
{
	void *start = MAP_FAILED;

	pthread_mutex_lock(&mi_regions.lock);
	if (mi_region_reserve() && allowed(size))
		start = map_region(wanted, size, flags);
	if (start == MAP_FAILED && mi_region_reserve()) {
		start = mmap(wanted, size, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
		if (start != MAP_FAILED)
			mi_region_forget(start, size);
	}
	pthread_mutex_unlock(&mi_regions.lock);
	return start;
}

int mi_region_unmap(void *start, size_t size)
{
	int status = -1;

	pthread_mutex_lock(&mi_regions.lock);
	if (mi_region_reserve())
		status = munmap(start, size);
	else
		errno = ENOMEM;
	if (status == 0)
		mi_region_forget(start, size);
	pthread_mutex_unlock(&mi_regions.lock);
	return status;
}

/* A private mapping of all of a sealed memfd. */
static void adopt(void *start, size_t size, int fd)
{
	struct backing *backing;
	struct stat file;
	int own;

	if (fstat(fd, &file) || round_page((size_t)file.st_size) != size)
		return;
	own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	backing = own < 0 ? NULL : make_backing(own, (uintptr_t)start);
	if (!backing)
		return;
	backing->sealed = true;
	backing->holds_start = (uintptr_t)start;
	backing->holds_end = (uintptr_t)start + size;
	mi_region_insert((struct region){
		.start = (uintptr_t)start, .end = (uintptr_t)start + size, .backing = backing});
}

void mi_region_adopt(void *start, size_t size, int fd)
{
	int saved = errno;

	pthread_mutex_lock(&mi_regions.lock);
	if (mi_region_reserve()) {
		mi_region_forget(start, size);
		if (allowed(size))
			adopt(start, size, fd);
	}
	pthread_mutex_unlock(&mi_regions.lock);
	errno = saved;
}

/*
 * The memfd of a region holds nothing outside of some of its pages. Before it is sealed that is
 * where nobody wrote; afterwards what is known from then, for reading and private writing put
 * zeroes there, too.
 */
static bool holds_only(const struct backing *backing, uintptr_t start, uintptr_t end)
{
	off_t first, behind;

	if (backing->sealed)
		return start <= backing->holds_start && end >= backing->holds_end;
	first = lseek(backing->fd, 0, SEEK_DATA);
	if (first < 0 ? errno != ENXIO : first < (off_t)(start - backing->base))
		return false;
	behind = lseek(backing->fd, (off_t)(end - backing->base), SEEK_DATA);
	return behind < 0 && errno == ENXIO;
}

/*
 * May these pages of a region go with its memfd? There must be nothing else in it, and they must
 * not be so small a part that it is mostly rest, which is charged like the part.
 */
static bool may_go(const struct region *region, uintptr_t start, uintptr_t end)
{
	return (region->end - region->start) / REST_MOST <= end - start &&
	       holds_only(region->backing, start, end);
}

/* Nobody can change the memfd any more, nor will anybody of us want to. */
static bool seal(const struct region *region, uintptr_t start, uintptr_t end)
{
	struct backing *backing = region->backing;
	bool only;

	if (backing->sealed)
		return true;
	if (fcntl(backing->fd, F_ADD_SEALS, MI_SEALS))
		return false;
	only = holds_only(backing, start, end); /* other threads may have written until now */
	backing->holds_start = only ? start : region->start;
	backing->holds_end = only ? end : region->end;
	backing->sealed = true;
	return true;
}

/* The memfd holds what these pages of the region do, and nothing else, and that for ever. */
static bool freeze(const struct region *region, uintptr_t start, uintptr_t end)
{
	struct backing *backing = region->backing;
	bool fresh = backing->shared;
	int protection;

	if (backing->regions > 1 || backing->kept || !may_go(region, start, end))
		return false;
	if (fresh && !mi_region_make_private(region))
		return false;
	backing->shared = false;
	return seal(region, start, end) && may_go(region, start, end) &&
	       (fresh || (mi_region_is_mapped(region, &protection) &&
			  !mi_mapping_written((void *)start, end - start)));
}

/* The region that the pages of a piece of memory belong to; `count`: none. */
static size_t find_around(uintptr_t start, uintptr_t end)
{
	size_t at = mi_region_find(start);

	return at < mi_regions.count && mi_regions.at[at].start <= start &&
			       mi_regions.at[at].end >= end
		       ? at
		       : mi_regions.count;
}

/* The region that is just these pages. */
static size_t find_whole(uintptr_t start, uintptr_t end)
{
	size_t at = find_around(start, end);

	return at < mi_regions.count && mi_regions.at[at].start == start &&
			       mi_regions.at[at].end == end
		       ? at
		       : mi_regions.count;
}

int mi_region_share(uintptr_t address, size_t size, uint64_t *offset)
{
	uintptr_t start = trunc_page(address), end = round_page(address + size);
	int fd = -1;
	size_t at;

	pthread_mutex_lock(&mi_regions.lock);
	at = find_around(start, end);
	if (at < mi_regions.count && freeze(&mi_regions.at[at], start, end)) {
		fd = fcntl(mi_regions.at[at].backing->fd, F_DUPFD_CLOEXEC, 0);
		*offset = address - mi_regions.at[at].backing->base;
	}
	pthread_mutex_unlock(&mi_regions.lock);
	return fd;
}

/*
 * Take a region's memory away, keep its place, and seal its memfd. A memfd that others map to write
 * cannot be sealed; then all is as freeze() leaves it.
 */
static bool withdraw(const struct region *region)
{
	struct backing *backing = region->backing;
	void *start = (void *)region->start;
	size_t size = region->end - region->start;
	int protection;

	if (backing->regions > 1 || backing->kept || !may_go(region, region->start, region->end) ||
	    !mi_region_is_mapped(region, &protection) ||
	    (!backing->shared && mi_mapping_written(start, size)) ||
	    mmap(start, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE,
		 -1, 0) == MAP_FAILED)
		return false;
	backing->shared = false;
	if (seal(region, region->start, region->end))
		return true;
	/* As it was: one mapping takes the place of one of the same size. */
	(void)mmap(start, size, protection, MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE, backing->fd,
		   (off_t)(region->start - backing->base));
	return false;
}

int mi_region_give(uintptr_t address, size_t size, uint64_t *offset)
{
	int fd = -1;
	size_t at;

	pthread_mutex_lock(&mi_regions.lock);
	at = find_whole(trunc_page(address), round_page(address + size));
	if (at < mi_regions.count && withdraw(&mi_regions.at[at])) {
		fd = mi_regions.at[at].backing->fd;
		*offset = address - mi_regions.at[at].backing->base;
		mi_regions.at[at].backing->fd = -1;
		mi_region_erase(at);
	}
	pthread_mutex_unlock(&mi_regions.lock);
	return fd;
}

bool mi_region_restore(void *start, size_t size, int fd, uint64_t offset)
{
	/* To the last page, of which it may have a part. */
	if (mi_keeps(fd, offset + size - vm_page_mask) ||
	    mmap(start, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, fd, (off_t)offset) ==
		    MAP_FAILED)
		return false;
	mi_region_adopt(start, size, fd);
	return true;
}
