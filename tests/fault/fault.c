/* SPDX-License-Identifier: Apache-2.0 */
/* The library that makes calls fail, see fault.h. */
#include "tests/fault/fault.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* The C library's own names of what cannot be asked for by dlsym(), which allocates. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);

static struct fault_plan *plan; /* NULL: nothing is to fail */

__attribute__((constructor)) static void attach(void)
{
	const char *path = getenv("MACHD_FAULT");
	int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *memory;

	if (fd < 0)
		return;
	memory = mmap(NULL, sizeof *plan, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (memory != MAP_FAILED)
		plan = memory;
}

/* Is this the call that is to fail? */
static bool fails(enum fault_kind kind)
{
	uint32_t call, nth;

	if (!plan || atomic_load(&plan->kind) != kind)
		return false;
	call = atomic_fetch_add(&plan->calls, 1) + 1;
	nth = atomic_load(&plan->nth);
	if (call < nth || call - nth > atomic_load(&plan->more))
		return false;
	atomic_fetch_add(&plan->fired, 1);
	errno = atomic_load(&plan->error);
	return true;
}

/* A function of the C library, found at the first call. */
#define NEXT(name)                                                          \
	({                                                                  \
		static __typeof__(&name) next_;                             \
		if (!next_)                                                 \
			next_ = (__typeof__(&name))dlsym(RTLD_NEXT, #name); \
		next_;                                                      \
	})

int accept4(int fd, struct sockaddr *restrict address, socklen_t *restrict size, int flags)
{
	return fails(FAULT_ACCEPT) ? -1 : NEXT(accept4)(fd, address, size, flags);
}

ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
	return fails(FAULT_RECVMSG) ? -1 : NEXT(recvmsg)(fd, message, flags);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
	return fails(FAULT_SENDMSG) ? -1 : NEXT(sendmsg)(fd, message, flags);
}

int fcntl64(int fd, int command, ...)
{
	va_list arguments;
	void *argument;

	va_start(arguments, command);
	argument = va_arg(arguments, void *);
	va_end(arguments);
	return fails(FAULT_FCNTL) ? -1 : NEXT(fcntl64)(fd, command, argument);
}

int fstat64(int fd, struct stat64 *facts)
{
	return fails(FAULT_FSTAT) ? -1 : NEXT(fstat64)(fd, facts);
}

int ioctl(int fd, unsigned long request, ...)
{
	va_list arguments;
	void *argument;

	va_start(arguments, request);
	argument = va_arg(arguments, void *);
	va_end(arguments);
	return fails(FAULT_IOCTL) ? -1 : NEXT(ioctl)(fd, request, argument);
}

int getsockopt(int fd, int level, int option, void *restrict value, socklen_t *restrict size)
{
	return fails(FAULT_GETSOCKOPT) ? -1 : NEXT(getsockopt)(fd, level, option, value, size);
}

int getpeername(int fd, struct sockaddr *restrict address, socklen_t *restrict size)
{
	return fails(FAULT_GETPEERNAME) ? -1 : NEXT(getpeername)(fd, address, size);
}

int memfd_create(const char *name, unsigned flags)
{
	return fails(FAULT_MEMFD) ? -1 : NEXT(memfd_create)(name, flags);
}

int ftruncate64(int fd, off64_t size)
{
	return fails(FAULT_FTRUNCATE) ? -1 : NEXT(ftruncate64)(fd, size);
}

void *mmap64(void *address, size_t size, int protection, int flags, int fd, off64_t offset)
{
	if (fails(FAULT_MMAP))
		return MAP_FAILED;
	return NEXT(mmap64)(address, size, protection, flags, fd, offset);
}

int eventfd(unsigned count, int flags)
{
	return fails(FAULT_EVENTFD) ? -1 : NEXT(eventfd)(count, flags);
}

/* Only adding costs the kernel something. */
int epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event)
{
	if (operation == EPOLL_CTL_ADD && fails(FAULT_EPOLL))
		return -1;
	return NEXT(epoll_ctl)(epoll, operation, fd, event);
}

/* A sanitizer has an allocator of its own. */
#ifndef __SANITIZE_ADDRESS__
void *malloc(size_t size)
{
	return fails(FAULT_MALLOC) ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	return fails(FAULT_CALLOC) ? NULL : __libc_calloc(count, size);
}
#endif
