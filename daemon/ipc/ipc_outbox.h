/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The outbox: everything the state machine tells the world goes through these calls, and nothing
 * comes back. The io layer implements it with sockets and timers, the recorder and the tests with
 * a log. An implementation must not feed the state machine from inside a call.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct ipc_thread;

/* A descriptor the daemon holds for a message: opaque here, never 0, never repeated. */
typedef uint64_t ipc_fd_t;
#define IPC_FD_NONE ((ipc_fd_t)0)

struct ipc_outbox {
	void *context;
	/*
	 * Send one packet to a thread's channel. The bytes are valid during the call only; the
	 * descriptor, if there is one, now belongs to the callee.
	 */
	void (*answer)(void *context, struct ipc_thread *thread, const void *packet, size_t size,
		       ipc_fd_t fd);
	/* Feed a time-out for this thread at `deadline` (ns, the clock of `now`); 0: not any more.
	 */
	void (*timer)(void *context, struct ipc_thread *thread, uint64_t deadline);
	/* Close a descriptor that nobody will receive. */
	void (*release)(void *context, ipc_fd_t fd);
	/* A queued message's signature is wrong: our memory is corrupt. May not return. */
	void (*corrupt)(void *context, const char *message);
	/* A line for the log that an administrator should see. */
	void (*warn)(void *context, const char *text);
};
