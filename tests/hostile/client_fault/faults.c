/* SPDX-License-Identifier: Apache-2.0 */
/* The functions that fail, see faults.h. */
#include "tests/hostile/client_fault/faults.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define OURS __attribute__((visibility("default")))

/* The C library's own names of what dlsym() itself calls. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);

static struct {
	_Atomic uint32_t kind, calls, fired;
	uint32_t nth, more;
	int error;
} plan;

void fault_arm(enum fault kind, uint32_t nth, uint32_t more, int error)
{
	plan.nth = nth;
	plan.more = more;
	plan.error = error;
	atomic_store(&plan.calls, 0);
	atomic_store(&plan.fired, 0);
	atomic_store(&plan.kind, kind);
}

uint32_t fault_disarm(void)
{
	atomic_store(&plan.kind, FAULT_NONE);
	return atomic_load(&plan.fired);
}

/* Is this the call that is to fail? */
static bool fails(enum fault kind)
{
	uint32_t call;

	if (atomic_load(&plan.kind) != kind)
		return false;
	call = atomic_fetch_add(&plan.calls, 1) + 1;
	if (call < plan.nth || call - plan.nth > plan.more)
		return false;
	atomic_fetch_add(&plan.fired, 1);
	errno = plan.error;
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

/* A sanitizer has an allocator of its own, and keys that are set. */
#ifndef __SANITIZE_ADDRESS__
OURS void *malloc(size_t size)
{
	return fails(FAULT_MALLOC) ? NULL : __libc_malloc(size);
}

OURS void *calloc(size_t count, size_t size)
{
	return fails(FAULT_CALLOC) ? NULL : __libc_calloc(count, size);
}

OURS void *realloc(void *memory, size_t size)
{
	return fails(FAULT_REALLOC) ? NULL : __libc_realloc(memory, size);
}

OURS void *reallocarray(void *memory, size_t count, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(count, size, &bytes))
		return NULL;
	return realloc(memory, bytes);
}
#endif

OURS int memfd_create(const char *name, unsigned flags)
{
	return fails(FAULT_MEMFD) ? -1 : NEXT(memfd_create)(name, flags);
}

OURS int ftruncate64(int fd, off64_t size)
{
	return fails(FAULT_FTRUNCATE) ? -1 : NEXT(ftruncate64)(fd, size);
}

OURS int fallocate64(int fd, int mode, off64_t offset, off64_t size)
{
	return fails(FAULT_FALLOCATE) ? -1 : NEXT(fallocate64)(fd, mode, offset, size);
}

OURS void *mmap64(void *address, size_t size, int protection, int flags, int fd, off64_t offset)
{
	if (fails(FAULT_MMAP))
		return MAP_FAILED;
	return NEXT(mmap64)(address, size, protection, flags, fd, offset);
}

OURS void *mremap(void *old, size_t old_size, size_t size, int flags, ...)
{
	va_list arguments;
	void *place;

	va_start(arguments, flags);
	place = flags & MREMAP_FIXED ? va_arg(arguments, void *) : NULL;
	va_end(arguments);
	if (fails(FAULT_MREMAP))
		return MAP_FAILED;
	return NEXT(mremap)(old, old_size, size, flags, place);
}

OURS int mprotect(void *address, size_t size, int protection)
{
	return fails(FAULT_MPROTECT) ? -1 : NEXT(mprotect)(address, size, protection);
}

OURS int madvise(void *address, size_t size, int advice)
{
	return fails(FAULT_MADVISE) ? -1 : NEXT(madvise)(address, size, advice);
}

OURS int socket(int domain, int type, int protocol)
{
	return fails(FAULT_SOCKET) ? -1 : NEXT(socket)(domain, type, protocol);
}

OURS int connect(int fd, const struct sockaddr *address, socklen_t size)
{
	return fails(FAULT_CONNECT) ? -1 : NEXT(connect)(fd, address, size);
}

OURS ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
	/* Of references there are too many only where some are made. */
	if ((plan.error != ETOOMANYREFS || message->msg_controllen) && fails(FAULT_SENDMSG))
		return -1;
	return NEXT(sendmsg)(fd, message, flags);
}

OURS ssize_t send(int fd, const void *bytes, size_t size, int flags)
{
	return fails(FAULT_SEND) ? -1 : NEXT(send)(fd, bytes, size, flags);
}

OURS ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
	return fails(FAULT_RECVMSG) ? -1 : NEXT(recvmsg)(fd, message, flags);
}

OURS ssize_t recv(int fd, void *bytes, size_t size, int flags)
{
	return fails(FAULT_RECV) ? -1 : NEXT(recv)(fd, bytes, size, flags);
}

OURS int fcntl64(int fd, int command, ...)
{
	va_list arguments;
	void *argument;

	va_start(arguments, command);
	argument = va_arg(arguments, void *);
	va_end(arguments);
	return fails(FAULT_FCNTL) ? -1 : NEXT(fcntl64)(fd, command, argument);
}

OURS int fstat64(int fd, struct stat64 *facts)
{
	return fails(FAULT_FSTAT) ? -1 : NEXT(fstat64)(fd, facts);
}

OURS ssize_t pread64(int fd, void *bytes, size_t size, off64_t offset)
{
	return fails(FAULT_PREAD) ? -1 : NEXT(pread64)(fd, bytes, size, offset);
}

OURS ssize_t pwrite64(int fd, const void *bytes, size_t size, off64_t offset)
{
	return fails(FAULT_PWRITE) ? -1 : NEXT(pwrite64)(fd, bytes, size, offset);
}

OURS ssize_t process_vm_readv(pid_t pid, const struct iovec *here, unsigned long here_count,
			      const struct iovec *there, unsigned long there_count,
			      unsigned long flags)
{
	if (fails(FAULT_COPY))
		return -1;
	return NEXT(process_vm_readv)(pid, here, here_count, there, there_count, flags);
}

OURS ssize_t process_vm_writev(pid_t pid, const struct iovec *here, unsigned long here_count,
			       const struct iovec *there, unsigned long there_count,
			       unsigned long flags)
{
	if (fails(FAULT_COPY))
		return -1;
	return NEXT(process_vm_writev)(pid, here, here_count, there, there_count, flags);
}

/* The library makes no other such call. */
OURS long syscall(long number, ...)
{
	va_list arguments;
	long a[6];

	va_start(arguments, number);
	for (unsigned i = 0; i < 6; i++)
		a[i] = va_arg(arguments, long);
	va_end(arguments);
	if (number == SYS_futex && a[1] == FUTEX_WAIT && fails(FAULT_FUTEX))
		return -1;
	return NEXT(syscall)(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

OURS int ppoll(struct pollfd *fds, nfds_t count, const struct timespec *timeout,
	       const sigset_t *mask)
{
	return fails(FAULT_PPOLL) ? -1 : NEXT(ppoll)(fds, count, timeout, mask);
}

OURS int pthread_key_create(pthread_key_t *key, void (*end)(void *))
{
	return fails(FAULT_KEY) ? errno : NEXT(pthread_key_create)(key, end);
}

OURS int pthread_setspecific(pthread_key_t key, const void *value)
{
	return fails(FAULT_SPECIFIC) ? errno : NEXT(pthread_setspecific)(key, value);
}
