/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages longer than fits a frame. The header and the descriptors go in the frame, for the daemon
 * has to read them; the rest goes through a memfd, sealed so that nobody can change or shrink it.
 */
#include <errno.h>
#include <fcntl.h>
#include <mach/message.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "client/mi.h"
#include "protocol/limits.h"

/* Where the descriptors end at the latest: they are 12 or 16 bytes long. */
static size_t descriptors_end(const mach_msg_base_t *base)
{
	uint64_t end = sizeof *base;

	if (MACH_MSGH_BITS_IS_COMPLEX(base->header.msgh_bits))
		end += (uint64_t)base->body.msgh_descriptor_count * sizeof(mach_msg_descriptor_t);
	return end < MACHD_INLINE_LIMIT ? (size_t)end : MACHD_INLINE_LIMIT;
}

/* A sealed memfd with these bytes, or -1 with errno. */
static int make_memfd(const uint8_t *bytes, size_t size)
{
	int fd = memfd_create("mach message", MFD_CLOEXEC | MFD_ALLOW_SEALING), error;

	if (fd < 0)
		return -1;
	error = mi_fill(fd, bytes, size, 0);
	if (error == 0)
		error = mi_seal(fd, MI_SEALS);
	if (error == 0)
		return fd;
	close(fd);
	errno = error;
	return -1;
}

int mi_tail_make(const void *message, const mach_msg_header_t *header, size_t size,
		 struct mi_tail *tail)
{
	mach_msg_base_t base;

	*tail = (struct mi_tail){.inline_size = size, .fd = -1};
	if (size <= mi_inline_max())
		return 0;
	if (!mi_fetch(&base, message, sizeof base))
		return EFAULT;
	if (header)
		base.header = *header;
	tail->inline_size = descriptors_end(&base);
	if (tail->inline_size >= size) {
		tail->inline_size = size;
		return 0;
	}
	tail->fd =
		make_memfd((const uint8_t *)message + tail->inline_size, size - tail->inline_size);
	return tail->fd < 0 ? errno : 0;
}

bool mi_tail_place(int fd, void *message, size_t before, size_t body, size_t behind)
{
	uint8_t *to = (uint8_t *)message + before;
	uint8_t rest[MAX_TRAILER_SIZE + 64];

	return behind <= sizeof rest && mi_fetch(rest, to, behind) &&
	       mi_drain(fd, to, body, 0) == 0 && mi_store(to + body, rest, behind);
}
