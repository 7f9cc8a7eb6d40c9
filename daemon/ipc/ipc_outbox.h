/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The outbox: everything the state machine tells the world goes through these calls, and nothing
 * comes back but what settle(), usage() and memory() say. The io layer implements it with sockets
 * and timers, the recorder and the tests with a log. An implementation must not feed the state
 * machine from inside a call.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/ipc/ipc_usage.h"
#include "protocol/board.h"

struct ipc_thread;

/* A descriptor the daemon holds for a message or a bell: opaque here, never 0, never repeated. */
typedef uint64_t ipc_fd_t;
#define IPC_FD_NONE ((ipc_fd_t)0)

/* An answer: one packet, or two if it carries out-of-line memory. */
struct ipc_answer {
	const void *packet;
	size_t size;
	const void *memory; /* the second packet; the descriptors go with it, else with the first */
	size_t memory_size; /* 0: there is none */
	const ipc_fd_t *fds;
	unsigned fd_count;
	bool lent; /* the descriptors are still ours: the peer gets copies */
	bool ring; /* the callee makes a ring, and the descriptors for it go along, if it can */
};

struct ipc_outbox {
	void *context;
	/*
	 * Send an answer to a thread's channel. The bytes are valid during the call only; the
	 * descriptors now belong to the callee, unless they are lent.
	 */
	void (*answer)(void *context, struct ipc_thread *thread, const struct ipc_answer *answer);
	/* Feed a time-out for this thread at `deadline` (ns, the clock of `now`); 0: not any more.
	 */
	void (*timer)(void *context, struct ipc_thread *thread, uint64_t deadline);
	/* Feed TRAP_ALARM at `deadline` (the clock of `now`) instead of any earlier one; 0: never.
	 */
	void (*alarm)(void *context, uint64_t deadline);
	/* Close a descriptor that nobody will receive. */
	void (*release)(void *context, ipc_fd_t fd);
	/* A queued message's signature is wrong: our memory is corrupt. May not return. */
	void (*corrupt)(void *context, const char *message);
	/*
	 * A task is important from now on, or is not any more: its process, and whose it is. Told
	 * at the end of an input, and for a task that ends boosted.
	 */
	void (*boost)(void *context, int32_t pid, uint32_t uid, bool on);
	/* A line for the log that an administrator should see. */
	void (*warn)(void *context, const char *text);
	/*
	 * A bell begins to ring, or stops: send a byte to `ring`, or take it back from `quiet`.
	 * Both descriptors stay the machine's.
	 */
	void (*ring)(void *context, ipc_fd_t ring, ipc_fd_t quiet, bool on);
	/*
	 * Start whatever provides a service that services.d declares. `id` is fresh; with it the
	 * outcome is fed (TRAP_START), or at `deadline` (the clock of `now`) that there was none.
	 */
	void (*start)(void *context, uint64_t id, const char *service, uint64_t deadline);
	/* That start is over: its service has checked in, or is not wanted any more. */
	void (*started)(void *context, uint64_t id, bool checked_in);
	/*
	 * The thread's board is the memfd `fd`, which now belongs to the callee; and a word of it
	 * changes, of a window or a reply (protocol/board.h). Who hears of anything later sees the
	 * change.
	 */
	void (*board)(void *context, struct ipc_thread *thread, ipc_fd_t fd);
	void (*window)(void *context, struct ipc_thread *thread, unsigned index,
		       machd_window_t window);
	/*
	 * Messages are lent to the thread (ipc_loan.h), before the answer that has them; and how
	 * many of them it has taken so far. If the loan is `over` it takes no more. This comes
	 * back, and a record has it.
	 */
	void (*lend)(void *context, struct ipc_thread *thread, uint32_t count);
	uint32_t (*settle)(void *context, struct ipc_thread *thread, bool over);
	/*
	 * What the process uses now; this comes back as well. False: that cannot be found out.
	 */
	bool (*usage)(void *context, int32_t pid, struct ipc_usage *usage);
	/*
	 * A sealed memfd with these bytes, for a message of the daemon's own that is too long for a
	 * frame; its handle comes back. IPC_FD_NONE: there is none to be had.
	 */
	ipc_fd_t (*memory)(void *context, const void *bytes, size_t size);
};
