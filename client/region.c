/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The regions of this process, in one array by address, under one lock. fork() takes it too, and
 * makes all shared mappings private: parent and child would write into each other's memory.
 *
 * Each region holds a descriptor, of which a process has not many. There are at most a quarter as
 * many regions as descriptors are allowed; memory beyond that is ordinary memory.
 */
#include "client/region.h"

#include <errno.h>
#include <fcntl.h>
#include <mach/vm_page_size.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/mapping.h"
#include "client/mi.h"

/* From this size on large pages are worth asking for; where there are none it costs nothing. */
#define LARGE_PAGE ((size_t)2 << 20)

/* A memfd, and what is mapped of it. */
struct backing {
	int fd;
	struct mi_mapped_file file; /* as the kernel names it; "": not asked yet */
	uintptr_t base;		    /* where its first byte is mapped, or would be */
	unsigned regions;	    /* what is left of it when parts were unmapped */
	bool shared;		    /* mapped shared: nobody else has it */
	bool sealed;
	bool kept; /* mapped shared, and stays so: others may have it */
};

struct region {
	uintptr_t start, end;
	struct backing *backing;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool forks_safely; /* fork() will tell us */
static size_t most;	  /* regions */

static struct region *regions; /* `count` of them, sorted, in room for `room` */
static size_t count, room;

/* The first region that ends above an address; `count` if there is none. */
static size_t find(uintptr_t address)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (regions[middle].end > address)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

/* Room for two more: a new one, and the end of one that is cut in two. */
static bool reserve(void)
{
	size_t more = room ? room * 2 : 16;
	struct region *larger;

	if (count + 2 <= room)
		return true;
	larger = reallocarray(regions, more, sizeof *regions);
	if (!larger)
		return false;
	regions = larger;
	room = more;
	return true;
}

/* There is room. */
static void insert(struct region region)
{
	size_t at = find(region.start);

	memmove(&regions[at + 1], &regions[at], (count - at) * sizeof *regions);
	regions[at] = region;
	region.backing->regions++;
	count++;
}

static void erase(size_t at)
{
	struct backing *backing = regions[at].backing;

	count--;
	memmove(&regions[at], &regions[at + 1], (count - at) * sizeof *regions);
	if (--backing->regions > 0)
		return;
	if (backing->fd >= 0)
		close(backing->fd);
	free(backing);
}

/* The region is still mapped, with the protection that is found out here. */
static bool is_mapped(const struct region *region, int *protection)
{
	struct mi_mapped_file file;

	if (region->backing->file.name[0] == 0 &&
	    !mi_mapping_name(region->backing->fd, &region->backing->file))
		return false;
	return mi_mapping_find((void *)region->start, region->end - region->start, &file,
			       protection) &&
	       strcmp(file.name, region->backing->file.name) == 0;
}

/* Replace the shared mapping of a region by a private one. False: it is not mapped as we know it.
 */
static bool make_private(const struct region *region)
{
	const struct backing *backing = region->backing;
	int protection;

	return is_mapped(region, &protection) &&
	       mmap((void *)region->start, region->end - region->start, protection,
		    MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE, backing->fd,
		    (off_t)(region->start - backing->base)) != MAP_FAILED;
}

/*
 * The same for what is left of a region that the program has divided, as by protecting a part of
 * it: each mapping of its memfd in that range, with the protection that it has.
 */
static void make_parts_private(const struct region *region)
{
	struct mi_mapping mapping = {.end = region->start};

	while (mapping.end < region->end && mi_mapping_at(mapping.end, &mapping) == 0 &&
	       mapping.start < region->end) {
		struct region part = {mapping.start, mapping.end, region->backing};

		if (part.start >= region->start && part.end <= region->end)
			make_private(&part);
	}
}

static void before_fork(void)
{
	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < count; i++)
		if (regions[i].backing->shared && !make_private(&regions[i]))
			make_parts_private(&regions[i]);
	for (size_t i = 0; i < count; i++)
		regions[i].backing->shared = false;
}

static void after_fork(void)
{
	pthread_mutex_unlock(&lock);
}

/* Can we find out what is mapped? Without that a child of fork() would share what is no entry. */
static bool kernel_tells(void)
{
	int fd = memfd_create("mach", MFD_CLOEXEC), protection;
	struct mi_mapped_file mapped, file;
	void *page = MAP_FAILED;
	bool tells = false;

	if (fd >= 0 && ftruncate(fd, (off_t)vm_page_size) == 0)
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

static void set_up(void)
{
	struct rlimit limit = {.rlim_cur = 1024};

	getrlimit(RLIMIT_NOFILE, &limit);
	most = limit.rlim_cur / 4 < 4096 ? (size_t)limit.rlim_cur / 4 : 4096;
	forks_safely = kernel_tells() && pthread_atfork(before_fork, after_fork, after_fork) == 0;
}

/* May there be one more region? */
static bool allowed(size_t size)
{
	pthread_once(&once, set_up);
	return size >= MI_REGION_MIN && forks_safely && count < most;
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

/* A memfd with a name that no other has, for the kernel tells mappings apart by it. */
static int make_memfd(size_t size, struct mi_mapped_file *file)
{
	static atomic_uint serial;
	char name[40];
	int fd;

	snprintf(name, sizeof name, "mach:%d:%u", (int)getpid(), atomic_fetch_add(&serial, 1));
	snprintf(file->name, sizeof file->name, "/memfd:%s (deleted)", name);
	fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd >= 0 && ftruncate(fd, (off_t)size)) {
		close(fd);
		return -1;
	}
	return fd;
}

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

/*
 * Memory of a region was unmapped. If nobody else has its memfd the bytes are taken out of it, and
 * what is left is still a region, or two; else it is ordinary memory from now on. There is room.
 */
static void cut(size_t at, uintptr_t start, uintptr_t end)
{
	struct region *region = &regions[at];
	struct region behind = {.start = end, .end = region->end, .backing = region->backing};
	uintptr_t from = region->start > start ? region->start : start;
	uintptr_t to = region->end < end ? region->end : end;

	if ((from == region->start && to == region->end) ||
	    !(region->backing->shared || region->backing->kept)) {
		erase(at);
		return;
	}
	if (region->backing->shared)
		fallocate(region->backing->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			  (off_t)(from - region->backing->base), (off_t)(to - from));
	if (from > region->start)
		region->end = from;
	else
		region->start = to;
	if (from > region->start && behind.end > to)
		insert(behind);
}

/* A range was unmapped, or something else was mapped there. There is room for a region more. */
static void forget(const void *start, size_t size)
{
	uintptr_t first = (uintptr_t)start, end = first + size;
	size_t at;

	while ((at = find(first)) < count && regions[at].start < end)
		cut(at, first, end);
}

/* The system decides (transparent_hugepage/shmem_enabled), and places large mappings for it. */
static void ask_for_large_pages(void *start, size_t size)
{
	if (size >= LARGE_PAGE)
		madvise(start, size, MADV_HUGEPAGE);
}

/* Map a memfd; MAP_FAILED, and all as before, if that cannot be. */
static void *map_region(void *wanted, size_t size, int flags)
{
	struct mi_mapped_file file;
	struct backing *backing;
	int fd = make_memfd(size, &file);
	void *start;

	if (fd < 0)
		return MAP_FAILED;
	start = mmap(wanted, size, PROT_READ | PROT_WRITE, MAP_SHARED | flags, fd, 0);
	if (start == MAP_FAILED) {
		close(fd);
		return MAP_FAILED;
	}
	forget(start, size);
	backing = make_backing(fd, (uintptr_t)start);
	if (!backing) {
		munmap(start, size);
		return MAP_FAILED;
	}
	backing->shared = true;
	backing->file = file;
	insert((struct region){(uintptr_t)start, (uintptr_t)start + size, backing});
	ask_for_large_pages(start, size);
	return start;
}

void *mi_region_map(void *wanted, size_t size, int flags)
{
	void *start = MAP_FAILED;

	pthread_mutex_lock(&lock);
	if (reserve() && allowed(size))
		start = map_region(wanted, size, flags);
	if (start == MAP_FAILED && reserve()) {
		start = mmap(wanted, size, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
		if (start != MAP_FAILED)
			forget(start, size);
	}
	pthread_mutex_unlock(&lock);
	return start;
}

int mi_region_unmap(void *start, size_t size)
{
	int status = -1;

	pthread_mutex_lock(&lock);
	if (reserve())
		status = munmap(start, size);
	else
		errno = ENOMEM;
	if (status == 0)
		forget(start, size);
	pthread_mutex_unlock(&lock);
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
	insert((struct region){(uintptr_t)start, (uintptr_t)start + size, backing});
}

void mi_region_adopt(void *start, size_t size, int fd)
{
	int saved = errno;

	pthread_mutex_lock(&lock);
	if (reserve()) {
		forget(start, size);
		if (allowed(size))
			adopt(start, size, fd);
	}
	pthread_mutex_unlock(&lock);
	errno = saved;
}

/* Nobody can change the memfd any more, nor will anybody of us want to. */
static bool seal(struct backing *backing)
{
	if (!backing->sealed)
		backing->sealed = fcntl(backing->fd, F_ADD_SEALS, MI_SEALS) == 0;
	return backing->sealed;
}

/* The memfd holds what the region does, and nothing else, and that for ever. */
static bool freeze(const struct region *region)
{
	struct backing *backing = region->backing;
	int protection;

	if (backing->regions > 1 || backing->kept)
		return false;
	if (backing->shared) {
		if (!make_private(region))
			return false;
		backing->shared = false;
		return seal(backing);
	}
	return seal(backing) && is_mapped(region, &protection) &&
	       !mi_mapping_written((void *)region->start, region->end - region->start);
}

/* The region that the pages of a piece of memory are; `count`: none. */
static size_t find_whole(uintptr_t address, size_t size)
{
	uintptr_t start = trunc_page(address), end = round_page(address + size);
	size_t at = find(start);

	return at < count && regions[at].start == start && regions[at].end == end ? at : count;
}

int mi_region_share(uintptr_t address, size_t size, uint64_t *offset)
{
	int fd = -1;
	size_t at;

	pthread_mutex_lock(&lock);
	at = find_whole(address, size);
	if (at < count && freeze(&regions[at])) {
		fd = fcntl(regions[at].backing->fd, F_DUPFD_CLOEXEC, 0);
		*offset = address - regions[at].backing->base;
	}
	pthread_mutex_unlock(&lock);
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

	if (backing->regions > 1 || backing->kept || !is_mapped(region, &protection) ||
	    (!backing->shared && mi_mapping_written(start, size)) ||
	    mmap(start, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE,
		 -1, 0) == MAP_FAILED)
		return false;
	backing->shared = false;
	if (seal(backing))
		return true;
	mmap(start, size, protection, MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE, backing->fd,
	     (off_t)(region->start - backing->base));
	return false;
}

int mi_region_give(uintptr_t address, size_t size, uint64_t *offset)
{
	int fd = -1;
	size_t at;

	pthread_mutex_lock(&lock);
	at = find_whole(address, size);
	if (at < count && withdraw(&regions[at])) {
		fd = regions[at].backing->fd;
		*offset = address - regions[at].backing->base;
		regions[at].backing->fd = -1;
		erase(at);
	}
	pthread_mutex_unlock(&lock);
	return fd;
}

bool mi_region_restore(void *start, size_t size, int fd, uint64_t offset)
{
	if (mmap(start, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, fd, (off_t)offset) ==
	    MAP_FAILED)
		return false;
	mi_region_adopt(start, size, fd);
	return true;
}

/* What others have, too. */

int mi_region_memfd(size_t size)
{
	struct mi_mapped_file file;
	int fd = make_memfd(size, &file);

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
static void *map_kept(void *wanted, size_t size, int flags, int protection, int fd, uint64_t offset)
{
	struct backing *backing = calloc(1, sizeof *backing);
	void *start = MAP_FAILED;

	if (backing)
		start = mmap(wanted, size, protection, MAP_SHARED | flags, fd, (off_t)offset);
	if (start == MAP_FAILED) {
		free(backing);
		return MAP_FAILED;
	}
	forget(start, size);
	backing->fd = fd;
	backing->base = (uintptr_t)start - (uintptr_t)offset;
	backing->kept = true;
	insert((struct region){(uintptr_t)start, (uintptr_t)start + size, backing});
	ask_for_large_pages(start, size);
	return start;
}

void *mi_region_map_shared(void *wanted, size_t size, int flags, int protection, int fd,
			   uint64_t offset)
{
	void *start = MAP_FAILED;

	pthread_mutex_lock(&lock);
	pthread_once(&once, set_up);
	if (reserve())
		start = map_kept(wanted, size, flags, protection, fd, offset);
	else
		errno = ENOMEM;
	if (start == MAP_FAILED) {
		int error = errno;

		close(fd);
		errno = error;
	}
	pthread_mutex_unlock(&lock);
	return start;
}

/* Is the mapping at `start` the region's? */
static bool is_of(const struct region *region, uintptr_t start, const struct mi_mapping *mapping)
{
	struct stat file;

	return region->start <= start && fstat(region->backing->fd, &file) == 0 &&
	       (uint64_t)file.st_ino == mapping->inode &&
	       mapping->offset + (start - mapping->start) == start - region->backing->base;
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
	if (error == 0 && map_kept((void *)start, size, MAP_FIXED, protection, fd, 0) == MAP_FAILED)
		error = errno;
	if (error == 0) {
		*backing = regions[find(start)].backing;
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
	size_t at = find(start);
	struct region *region = at < count ? &regions[at] : NULL;

	if (region && !is_of(region, start, mapping))
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

	pthread_mutex_lock(&lock);
	pthread_once(&once, set_up);
	if (reserve())
		code = export_pages(start, &end, all, protection, &backing);
	if (code == KERN_SUCCESS) {
		*size = end - start;
		*offset = start - backing->base;
		*fd = lend(backing, protection);
		if (*fd < 0)
			code = KERN_RESOURCE_SHORTAGE;
	}
	pthread_mutex_unlock(&lock);
	return code;
}
