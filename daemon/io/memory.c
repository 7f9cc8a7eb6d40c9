/* SPDX-License-Identifier: Apache-2.0 */
/* Memfds of the daemon's own: made, filled and sealed in one go. */
#include "daemon/io/memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/io/fdcheck.h"

#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL)

static bool fill(int fd, const uint8_t *bytes, size_t size)
{
	while (size > 0) {
		ssize_t done = write(fd, bytes, size);

		if (done <= 0)
			return false;
		bytes += done;
		size -= (size_t)done;
	}
	return fcntl(fd, F_ADD_SEALS, SEALS) == 0;
}

ipc_fd_t memory_of(const void *bytes, size_t size)
{
	int fd = memfd_create("machd-list", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return IPC_FD_NONE;
	if (fill(fd, bytes, size))
		return fdcheck_own(fd);
	close(fd);
	return IPC_FD_NONE;
}
