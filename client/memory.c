/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copies to and from memory of the program that may not be mapped. Mach returns a code for a bad
 * address, so the kernel does the copying: it reports an error where the library would crash.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "client/mi.h"

static _Atomic pid_t own; /* 0: fork() would not tell us */

void mi_own_process(void)
{
	atomic_store_explicit(&own, getpid(), memory_order_relaxed);
}

/* This process, of whom the kernel is not asked each time. */
static pid_t self(void)
{
	pid_t pid = atomic_load_explicit(&own, memory_order_relaxed);

	return pid ? pid : getpid();
}

/* Touch the pages as a copy would. */
static bool populate(const void *memory, size_t size, int advice)
{
	uintptr_t mask = ~((uintptr_t)sysconf(_SC_PAGESIZE) - 1);
	uintptr_t start = (uintptr_t)memory & mask, end = (uintptr_t)memory + size;

	return end >= start && madvise((void *)start, end - start, advice) == 0;
}

/*
 * Where a sandbox takes the call away, an ordinary copy is what is left, of what is there a moment
 * before it. `theirs` is the program's side of the copy.
 */
static bool copied(ssize_t count, void *to, const void *from, size_t size, const void *theirs,
		   int advice)
{
	if (count >= 0 || (errno != ENOSYS && errno != EPERM))
		return count == (ssize_t)size;
	if (!populate(theirs, size, advice))
		return false;
	memcpy(to, from, size);
	return true;
}

bool mi_fetch(void *to, const void *from, size_t size)
{
	struct iovec here = {to, size}, there = {(void *)(uintptr_t)from, size};

	return copied(process_vm_readv(self(), &here, 1, &there, 1, 0), to, from, size, from,
		      MADV_POPULATE_READ);
}

bool mi_store(void *to, const void *from, size_t size)
{
	struct iovec here = {(void *)(uintptr_t)from, size}, there = {to, size};

	return copied(process_vm_writev(self(), &here, 1, &there, 1, 0), to, from, size, to,
		      MADV_POPULATE_WRITE);
}

/* So much is written or read at once: what was done is counted in a word with a sign. */
#define IO_MAX ((size_t)1 << 30)

/* Who makes a file longer than RLIMIT_FSIZE gets a signal, and that ends most programs. */
static bool may_be_long(uint64_t size)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_FSIZE, &limit) != 0 || size <= limit.rlim_cur;
}

bool mi_resize(int fd, uint64_t size)
{
	if (may_be_long(size))
		return ftruncate(fd, (off_t)size) == 0;
	errno = ENOMEM;
	return false;
}

/* Each try waits for a seventh of a second. */
#define SEAL_TRIES 10

int mi_seal(int fd, int seals)
{
	for (unsigned tries = 1; fcntl(fd, F_ADD_SEALS, seals); tries++)
		if (errno != EBUSY || tries == SEAL_TRIES)
			return errno;
	return 0;
}

int mi_keeps(int fd, uint64_t size)
{
	int seals = fcntl(fd, F_GET_SEALS);
	struct stat status;

	if (seals < 0)
		return errno == EINVAL ? EPROTO : errno; /* it is no memfd */
	if (fstat(fd, &status))
		return errno;
	return (seals & F_SEAL_SHRINK) && (uint64_t)status.st_size >= size ? 0 : EPROTO;
}

int mi_fill(int fd, const void *from, size_t size, uint64_t at)
{
	if (!may_be_long(at + size))
		return ENOMEM;
	for (size_t done = 0; done < size;) {
		size_t left = size - done < IO_MAX ? size - done : IO_MAX;
		ssize_t count = pwrite(fd, (const char *)from + done, left, (off_t)(at + done));

		if (count < 0 && errno == EINTR)
			continue;
		if (count <= 0)
			return count < 0 ? errno : ENOSPC;
		done += (size_t)count;
	}
	return 0;
}

int mi_drain(int fd, void *to, size_t size, uint64_t at)
{
	for (size_t done = 0; done < size;) {
		size_t left = size - done < IO_MAX ? size - done : IO_MAX;
		ssize_t count = pread(fd, (char *)to + done, left, (off_t)(at + done));

		if (count < 0 && errno == EINTR)
			continue;
		if (count <= 0)
			return count < 0 ? errno : ENODATA;
		done += (size_t)count;
	}
	return 0;
}

void *mi_pages(size_t size)
{
	void *pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return pages == MAP_FAILED ? NULL : pages;
}

void mi_pages_free(void *pages, size_t size)
{
	munmap(pages, size);
}
