/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many packets the library has received: for one file of a program to include. Over a ring
 * nothing comes but what a ring cannot carry, so who counts answers does it with MACHD_RING=0.
 */
#pragma once

#include <dlfcn.h>
#include <stdatomic.h>
#include <sys/socket.h>

#include "tests/flow/flow.h"

static atomic_uint packets_received;

/* Instead of the C library's. Were it hidden, the library would not call it. */
__attribute__((visibility("default"))) ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
	static ssize_t (*real)(int, struct msghdr *, int);

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "recvmsg");
	atomic_fetch_add(&packets_received, 1);
	return real(fd, message, flags);
}

/* So far; there were some, or it does not count. */
static inline unsigned flow_packets(void)
{
	unsigned count = atomic_load(&packets_received);

	CHECK(count > 0);
	return count;
}
