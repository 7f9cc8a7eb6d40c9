/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Regions and fork(): shared mappings become private, since parent and child would otherwise write
 * into each other's memory. Of regions with memory entries, which stay shared, the child has the
 * same mapping, or a copy.
 */
#include <fcntl.h>
#include <mach/vm_page_size.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "client/mi.h"
#include "client/region_table.h"

/*
 * Make private what is left of a region that the program has divided, as by protecting a part of
 * it: each mapping of its memfd in that range, with the protection that it has.
 */
static void make_parts_private(const struct region *region)
{
	struct mi_mapping mapping = {.end = region->start};

	while (mapping.end < region->end && mi_mapping_at(mapping.end, &mapping) == 0 &&
	       mapping.start < region->end) {
		struct region part = {
			.start = mapping.start, .end = mapping.end, .backing = region->backing};

		if (part.start >= region->start && part.end <= region->end)
			mi_region_make_private(&part);
	}
}

/*
 * A copy of memory that others have, as it is now. Without memory for it the child has the same
 * pages.
 */
static void take_snapshot(struct region *region)
{
	size_t size = region->end - region->start;
	struct mi_mapping mapping;
	void *copy;

	if (mi_mapping_at(region->start, &mapping) || mapping.start > region->start ||
	    !mi_region_is_of(region, region->start, &mapping))
		return;
	copy = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (copy == MAP_FAILED)
		return;
	if (mi_drain(region->backing->fd, copy, size, region->start - region->backing->base) ||
	    mprotect(copy, size, mapping.protection))
		munmap(copy, size);
	else
		region->snapshot = copy;
}

static void before_fork(void)
{
	pthread_mutex_lock(&mi_regions.lock);
	for (size_t i = 0; i < mi_regions.count; i++)
		if (mi_regions.at[i].backing->forked)
			take_snapshot(&mi_regions.at[i]);
	for (size_t i = 0; i < mi_regions.count; i++)
		if (mi_regions.at[i].backing->shared && !mi_region_make_private(&mi_regions.at[i]))
			make_parts_private(&mi_regions.at[i]);
	for (size_t i = 0; i < mi_regions.count; i++)
		mi_regions.at[i].backing->shared = false;
}

static void after_fork_here(void)
{
	for (size_t i = 0; i < mi_regions.count; i++)
		if (mi_regions.at[i].snapshot) {
			munmap(mi_regions.at[i].snapshot,
			       mi_regions.at[i].end - mi_regions.at[i].start);
			mi_regions.at[i].snapshot = NULL;
		}
	pthread_mutex_unlock(&mi_regions.lock);
}

/* The copies take the place of what they are of, and are memory like any other. */
static void after_fork_in_child(void)
{
	for (size_t i = mi_regions.count; i > 0; i--) {
		struct region *region = &mi_regions.at[i - 1];
		size_t size = region->end - region->start;

		if (region->snapshot &&
		    mremap(region->snapshot, size, size, MREMAP_MAYMOVE | MREMAP_FIXED,
			   (void *)region->start) != MAP_FAILED)
			mi_region_erase(i - 1);
	}
	pthread_mutex_unlock(&mi_regions.lock);
}

/* Can we find out what is mapped? Without that a child of fork() would share what is no entry. */
static bool kernel_tells(void)
{
	int fd = memfd_create("mach", MFD_CLOEXEC), protection;
	struct mi_mapped_file mapped, file;
	void *page = MAP_FAILED;
	bool tells = false;

	if (fd >= 0) /* nobody looks into the page: the file may as well be empty */
		page = mmap(NULL, vm_page_size, PROT_READ, MAP_SHARED, fd, 0);
	if (page != MAP_FAILED) {
		tells = mi_mapping_name(fd, &file) &&
			mi_mapping_find(page, vm_page_size, &mapped, &protection) &&
			strcmp(mapped.name, file.name) == 0;
		munmap(page, vm_page_size);
	}
	if (fd >= 0)
		close(fd);
	return tells;
}

static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool forks_safely; /* fork() will tell us */
static size_t most_regions;

static void set_up(void)
{
	struct rlimit limit = {.rlim_cur = 1024};

	getrlimit(RLIMIT_NOFILE, &limit);
	most_regions = limit.rlim_cur / 4 < 4096 ? (size_t)limit.rlim_cur / 4 : 4096;
	forks_safely = kernel_tells() &&
		       pthread_atfork(before_fork, after_fork_here, after_fork_in_child) == 0;
}

bool mi_region_set_up(size_t *most)
{
	pthread_once(&once, set_up);
	*most = most_regions;
	return forks_safely;
}
