/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The outbox: all output of the state machine goes through these calls. Only settle(), usage() and
 * memory() return something, which a record keeps as it does inputs. The io layer implements the
 * outbox with sockets and timers, the recorder and the tests with a log. An implementation must not
 * feed an input from inside a call.
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
	/* Feed TRAP_TIMEOUT for this thread at `deadline` (ns, the clock of `now`); 0: never. */
	void (*timer)(void *context, struct ipc_thread *thread, uint64_t deadline);
	/* Feed TRAP_ALARM at `deadline`; replaces the deadline given before. 0: never. */
	void (*alarm)(void *context, uint64_t deadline);
	/* Close a descriptor that nobody will receive. */
	void (*release)(void *context, ipc_fd_t fd);
	/* A queued message's signature is wrong: our memory is corrupt. May not return. */
	void (*corrupt)(void *context, const char *message);
	/*
	 * A task with this process and user became important, or ceased to be. Called at the end of
	 * an input, and when a task ends while important.
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
	 * Start the provider of a service that services.d declares. Feed TRAP_START with this fresh
	 * `id` if that fails, or at `deadline` (the clock of `now`) if nothing was decided by then.
	 */
	void (*start)(void *context, uint64_t id, const char *service, uint64_t deadline);
	/* That start is over: the service has checked in, or is no longer wanted. */
	void (*started)(void *context, uint64_t id, bool checked_in);
	/*
	 * board(): the thread's board is the memfd `fd`, which now belongs to the callee. window():
	 * store a word of it, of a window or a reply (protocol/board.h), visible to the client
	 * before any later output.
	 */
	void (*board)(void *context, struct ipc_thread *thread, ipc_fd_t fd);
	void (*window)(void *context, struct ipc_thread *thread, unsigned index,
		       machd_window_t window);
	/*
	 * lend(): `count` messages are lent to the thread (ipc_loan.h); the answer with them
	 * follows. settle(): returns how many of them it has taken so far; if `over`, it can take
	 * no more.
	 */
	void (*lend)(void *context, struct ipc_thread *thread, uint32_t count);
	uint32_t (*settle)(void *context, struct ipc_thread *thread, bool over);
	/* The resources that a process uses now. False: that cannot be found out. */
	bool (*usage)(void *context, int32_t pid, struct ipc_usage *usage);
	/*
	 * Make a sealed memfd with these bytes, for a message of the daemon's own that is too long
	 * for a frame. IPC_FD_NONE: that failed.
	 */
	ipc_fd_t (*memory)(void *context, const void *bytes, size_t size);
};
