/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copies to and from memory of the program that may not be there. Mach answers a bad address with a
 * code, so the kernel has to do the copying: it can tell, we would crash.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "client/mi.h"

/* Where a sandbox takes the call away, an ordinary copy is what is left. */
static bool copied(ssize_t count, void *to, const void *from, size_t size)
{
	if (count < 0 && (errno == ENOSYS || errno == EPERM)) {
		memcpy(to, from, size);
		return true;
	}
	return count == (ssize_t)size;
}

bool mi_fetch(void *to, const void *from, size_t size)
{
	struct iovec here = {to, size}, there = {(void *)(uintptr_t)from, size};

	return copied(process_vm_readv(getpid(), &here, 1, &there, 1, 0), to, from, size);
}

bool mi_store(void *to, const void *from, size_t size)
{
	struct iovec here = {(void *)(uintptr_t)from, size}, there = {to, size};

	return copied(process_vm_writev(getpid(), &here, 1, &there, 1, 0), to, from, size);
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
