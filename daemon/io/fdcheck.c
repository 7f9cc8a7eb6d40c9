/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors that clients send, and the daemon's own stock of them. */
#include "daemon/io/fdcheck.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stddef.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <unistd.h>

#define SIZE_SEALS  (F_SEAL_SHRINK | F_SEAL_GROW)
#define RESERVE_MAX 16
#define OWN	    16 /* descriptors of the daemon itself: its loop, log, sockets */

static int reserved_from; /* first descriptor of the reserve */

/*
 * The seals of a memfd that a receiver can read, and read to its end, for ever: it cannot change
 * its size, and is not made of huge pages, which may run out when they are touched. 0: it is none.
 */
static int seals_of(int fd)
{
	int seals = fcntl(fd, F_GET_SEALS);
	struct statfs system;

	if (seals < 0 || (seals & SIZE_SEALS) != SIZE_SEALS ||
	    (fcntl(fd, F_GETFL) & O_ACCMODE) == O_WRONLY)
		return 0;
	return fstatfs(fd, &system) == 0 && system.f_type == TMPFS_MAGIC ? seals : 0;
}

static ipc_fd_t make_handle(int fd)
{
	static uint32_t serial;

	if (++serial == 0)
		serial = 1;
	return (uint64_t)serial << 32 | (uint32_t)fd;
}

struct trap_fd fdcheck_take(int fd)
{
	struct trap_fd facts = {.handle = make_handle(fd)};
	struct stat st;
	int seals;

	if (fdcheck_reserved(fd)) {
		facts.sealed = TRAP_FD_NO_ROOM;
		return facts;
	}
	seals = seals_of(fd);
	if (seals && fstat(fd, &st) == 0) {
		facts.sealed = seals & F_SEAL_WRITE ? TRAP_FD_SEALED : TRAP_FD_FIXED;
		facts.size = (uint64_t)st.st_size;
	}
	return facts;
}

bool fdcheck_connected(int fd, int channel)
{
	struct sockaddr_un theirs = {0}, ours = {0};
	socklen_t their_size = sizeof theirs, our_size = sizeof ours;

	return getpeername(fd, (struct sockaddr *)&theirs, &their_size) == 0 &&
	       getsockname(channel, (struct sockaddr *)&ours, &our_size) == 0 &&
	       their_size == our_size && memcmp(&theirs, &ours, our_size) == 0 &&
	       our_size > offsetof(struct sockaddr_un, sun_path);
}

ipc_fd_t fdcheck_own(int fd)
{
	if (fd < 0 || !fdcheck_reserved(fd))
		return fd < 0 ? IPC_FD_NONE : make_handle(fd);
	close(fd);
	return IPC_FD_NONE;
}

ipc_fd_t fdcheck_copy(ipc_fd_t handle)
{
	return fdcheck_own(fcntl(fdcheck_fd(handle), F_DUPFD_CLOEXEC, 0));
}

int fdcheck_fd(ipc_fd_t handle)
{
	return handle == IPC_FD_NONE ? -1 : (int)(uint32_t)handle;
}

bool fdcheck_reserved(int fd)
{
	return fd >= reserved_from;
}

void fdcheck_raise_limit(void)
{
	struct rlimit limit = {.rlim_cur = 1024, .rlim_max = 1024};
	int total, reserve;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
		getrlimit(RLIMIT_NOFILE, &limit);
	}
	total = limit.rlim_cur > INT_MAX ? INT_MAX : (int)limit.rlim_cur;
	reserve = total / 4 < RESERVE_MAX ? total / 4 : RESERVE_MAX;
	reserved_from = total - reserve;
}

static bool lower(uint64_t *limit, uint64_t most)
{
	if (*limit <= most)
		return false;
	*limit = most > 1 ? most : 1;
	return true;
}

bool fdcheck_fit_limits(struct machd_limits *limits)
{
	uint64_t half = reserved_from > OWN ? (uint64_t)(reserved_from - OWN) / 2 : 1;
	bool all = lower(&limits->memfds, half);
	bool memfds = lower(&limits->memfds_per_user, half);
	bool bells = lower(&limits->bells_per_user, half / 4); /* with two for each */

	bool rings = lower(&limits->rings_per_user, half / 4);

	return all || memfds || bells || rings;
}
