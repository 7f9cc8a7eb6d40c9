/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shared regions: those with memory entries, and those mapped from memory entries. Their memfd is
 * sealed against changes of its size, and stays mapped shared.
 */
#include <errno.h>
#include <fcntl.h>
#include <mach/kern_return.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/mi.h"
#include "client/region.h"
#include "client/region_table.h"

/*
 * It cannot change its size any more. Others may look at it, but to write there they need a
 * descriptor that allows it, and not only another way to the same file. 0, or -1 with errno.
 */
static int seal_size(int fd)
{
	return fchmod(fd, S_IRUSR | S_IWUSR | S_IRGRP | S_IROTH) ||
			       fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW)
		       ? -1
		       : 0;
}

int mi_region_memfd(size_t size)
{
	struct mi_mapped_file file;
	int fd = mi_region_make_memfd(size, &file);

	if (fd >= 0 && seal_size(fd)) {
		close(fd);
		return -1;
	}
	return fd;
}

int mi_region_read_only(int fd)
{
	char path[40];

	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	return open(path, O_RDONLY | O_CLOEXEC);
}

/* Map it where something may be, and then forget what was there. Takes the descriptor if it can. */
static void *map_kept(void *wanted, size_t size, int flags, int protection, int fd, uint64_t offset,
		      bool forked)
{
	struct backing *backing = calloc(1, sizeof *backing);
	void *start = MAP_FAILED;

	if (backing)
		start = mmap(wanted, size, protection, MAP_SHARED | flags, fd, (off_t)offset);
	if (start == MAP_FAILED) {
		free(backing);
		return MAP_FAILED;
	}
	mi_region_forget(start, size);
	backing->fd = fd;
	backing->base = (uintptr_t)start - (uintptr_t)offset;
	backing->kept = true;
	backing->forked = forked;
	mi_region_insert((struct region){
		.start = (uintptr_t)start, .end = (uintptr_t)start + size, .backing = backing});
	mi_region_ask_for_large_pages(start, size);
	return start;
}

void *mi_region_map_shared(void *wanted, size_t size, int flags, int protection, int fd,
			   uint64_t offset, bool forked)
{
	void *start = MAP_FAILED;
	size_t most;

	pthread_mutex_lock(&mi_regions.lock);
	mi_region_set_up(&most);
	if (mi_region_reserve())
		start = map_kept(wanted, size, flags, protection, fd, offset, forked);
	else
		errno = ENOMEM;
	if (start == MAP_FAILED) {
		int error = errno;

		close(fd);
		errno = error;
	}
	pthread_mutex_unlock(&mi_regions.lock);
	return start;
}

/* Others shall have the whole memfd: it is this region and nothing else. */
static bool keep_whole(struct backing *backing)
{
	if (seal_size(backing->fd))
		return false;
	backing->shared = false;
	backing->kept = true;
	return true;
}

/* Put a memfd of its own, with the same bytes, in the place of memory. There is room. */
static kern_return_t move_to_memfd(uintptr_t start, size_t size, int protection,
				   struct backing **backing)
{
	int fd = mi_region_memfd(size), error = fd < 0 ? errno : 0;

	if (error == 0)
		error = mi_fill(fd, (const void *)start, size, 0);
	if (error == 0 &&
	    map_kept((void *)start, size, MAP_FIXED, protection, fd, 0, true) == MAP_FAILED)
		error = errno;
	if (error == 0) {
		*backing = mi_regions.at[mi_region_find(start)].backing;
		return KERN_SUCCESS;
	}
	if (fd >= 0)
		close(fd);
	return error == EFAULT ? KERN_PROTECTION_FAILURE : KERN_RESOURCE_SHORTAGE;
}

/* The backing of [start, end), which is one mapping, after which all of it may be others', too. */
static kern_return_t share_pages(uintptr_t start, uintptr_t end, const struct mi_mapping *mapping,
				 struct backing **backing)
{
	size_t at = mi_region_find(start);
	struct region *region = at < mi_regions.count ? &mi_regions.at[at] : NULL;

	if (region && !mi_region_is_of(region, start, mapping))
		region = NULL;
	if (!region && mapping->shared)
		return KERN_NOT_SUPPORTED;
	*backing = region ? region->backing : NULL;
	if (region && region->backing->kept)
		return KERN_SUCCESS;
	if (region && region->backing->shared && region->backing->regions == 1 &&
	    region->start == start && region->end == end && keep_whole(region->backing))
		return KERN_SUCCESS;
	return move_to_memfd(start, end - start, mapping->protection, backing);
}

static kern_return_t export_pages(uintptr_t start, uintptr_t *end, bool all, int protection,
				  struct backing **backing)
{
	struct mi_mapping mapping;

	if (mi_mapping_at(start, &mapping) || mapping.start > start)
		return KERN_INVALID_ADDRESS;
	if ((mapping.protection & protection) != protection)
		return KERN_PROTECTION_FAILURE;
	if (mapping.end < *end && all)
		return KERN_NOT_SUPPORTED;
	if (mapping.end < *end)
		*end = mapping.end;
	return share_pages(start, *end, &mapping, backing);
}

/* A descriptor for who may do this much; -1 with errno. */
static int lend(const struct backing *backing, int protection)
{
	int fd = protection & PROT_WRITE ? -1 : mi_region_read_only(backing->fd);

	return fd < 0 ? fcntl(backing->fd, F_DUPFD_CLOEXEC, 0) : fd;
}

kern_return_t mi_region_export(uintptr_t start, size_t *size, bool all, int protection, int *fd,
			       uint64_t *offset)
{
	uintptr_t end = start + *size;
	kern_return_t code = KERN_RESOURCE_SHORTAGE;
	struct backing *backing;
	size_t most;

	pthread_mutex_lock(&mi_regions.lock);
	mi_region_set_up(&most);
	if (mi_region_reserve())
		code = export_pages(start, &end, all, protection, &backing);
	if (code == KERN_SUCCESS) {
		*size = end - start;
		*offset = start - backing->base;
		*fd = lend(backing, protection);
		if (*fd < 0)
			code = KERN_RESOURCE_SHORTAGE;
	}
	pthread_mutex_unlock(&mi_regions.lock);
	return code;
}
