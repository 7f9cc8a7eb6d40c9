/* SPDX-License-Identifier: Apache-2.0 */
/* The table of regions, and checking one against the kernel's view. */
#include "client/region_table.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct region_table mi_regions = {.lock = PTHREAD_MUTEX_INITIALIZER};

size_t mi_region_find(uintptr_t address)
{
	size_t low = 0, high = mi_regions.count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (mi_regions.at[middle].end > address)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

bool mi_region_reserve(void)
{
	size_t more = mi_regions.room ? mi_regions.room * 2 : 16;
	struct region *larger;

	if (mi_regions.count + 2 <= mi_regions.room)
		return true;
	larger = reallocarray(mi_regions.at, more, sizeof *larger);
	if (!larger)
		return false;
	mi_regions.at = larger;
	mi_regions.room = more;
	return true;
}

void mi_region_insert(struct region region)
{
	size_t at = mi_region_find(region.start);

	memmove(&mi_regions.at[at + 1], &mi_regions.at[at],
		(mi_regions.count - at) * sizeof *mi_regions.at);
	mi_regions.at[at] = region;
	region.backing->regions++;
	mi_regions.count++;
}

void mi_region_erase(size_t at)
{
	struct backing *backing = mi_regions.at[at].backing;

	mi_regions.count--;
	memmove(&mi_regions.at[at], &mi_regions.at[at + 1],
		(mi_regions.count - at) * sizeof *mi_regions.at);
	if (--backing->regions > 0)
		return;
	if (backing->fd >= 0)
		close(backing->fd);
	free(backing);
}

bool mi_region_is_mapped(const struct region *region, int *protection)
{
	struct mi_mapped_file file;

	if (region->backing->file.name[0] == 0 &&
	    !mi_mapping_name(region->backing->fd, &region->backing->file))
		return false;
	return mi_mapping_find((void *)region->start, region->end - region->start, &file,
			       protection) &&
	       strcmp(file.name, region->backing->file.name) == 0;
}

bool mi_region_make_private(const struct region *region)
{
	const struct backing *backing = region->backing;
	int protection;

	return mi_region_is_mapped(region, &protection) &&
	       mmap((void *)region->start, region->end - region->start, protection,
		    MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE, backing->fd,
		    (off_t)(region->start - backing->base)) != MAP_FAILED;
}

bool mi_region_is_of(const struct region *region, uintptr_t start, const struct mi_mapping *mapping)
{
	struct stat file;

	return region->start <= start && fstat(region->backing->fd, &file) == 0 &&
	       (uint64_t)file.st_ino == mapping->inode &&
	       mapping->offset + (start - mapping->start) == start - region->backing->base;
}

/*
 * Memory of a region was unmapped. If nobody else has its memfd the bytes are taken out of it, and
 * what is left is still a region, or two; else it is ordinary memory from now on. There is room.
 */
static void cut(size_t at, uintptr_t start, uintptr_t end)
{
	struct region *region = &mi_regions.at[at];
	const struct backing *backing = region->backing;
	struct region behind = {.start = end, .end = region->end, .backing = region->backing};
	uintptr_t from = region->start > start ? region->start : start;
	uintptr_t to = region->end < end ? region->end : end;
	bool all = from == region->start && to == region->end;

	if (backing->shared && !(all && backing->regions == 1))
		fallocate(backing->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			  (off_t)(from - backing->base), (off_t)(to - from));
	if (all || !(backing->shared || backing->kept)) {
		mi_region_erase(at);
		return;
	}
	if (from > region->start)
		region->end = from;
	else
		region->start = to;
	if (from > region->start && behind.end > to)
		mi_region_insert(behind);
}

void mi_region_forget(const void *start, size_t size)
{
	uintptr_t first = (uintptr_t)start, end = first + size;
	size_t at;

	while ((at = mi_region_find(first)) < mi_regions.count && mi_regions.at[at].start < end)
		cut(at, first, end);
}
