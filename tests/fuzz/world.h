/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A state machine with a few connections and nothing behind them, for the frame fuzzer. It
 * implements the outbox and checks there what must hold for any input: answers go to connections
 * that exist, repeat a sequence that was sent, and every descriptor is given back exactly once.
 */
#pragma once

#include "daemon/trap/trap.h"
#include "protocol/board.h"
#include "tests/fuzz/fuzz.h"

enum { WORLD_LINKS = 6, WORLD_NAMES = 16, WORLD_HANDLES = 1024 };

/* A connection. */
struct world_link {
	struct ipc_thread *thread;		   /* NULL: not connected */
	uint64_t deadline;			   /* the time-out it waits for, or 0 */
	uint32_t sequence;			   /* of its last request */
	uint32_t flags;				   /* of its next request */
	uint32_t lent;				   /* messages */
	uint32_t taken;				   /* of those, if the world counts them */
	machd_window_t windows[MACHD_BOARD_WORDS]; /* its board */
	uint32_t code;				   /* of its last answer */
	uint32_t name_count;
	uint32_t names[WORLD_NAMES]; /* names its client has been told, the newest of each slot */
	uint8_t token[MACHD_TOKEN_SIZE];
};

struct world {
	/* Told of each answer; or NULL. */
	void (*answered)(struct world_link *link, const struct ipc_answer *answer);
	bool counts_taken; /* else more are taken of a loan than there are */
	uint32_t process;  /* who connects next; 0: each time another */
	struct ipc_host *host;
	struct ipc_outbox outbox;
	struct world_link links[WORLD_LINKS];
	uint64_t now;
	uint64_t alarm; /* the deadline the machine asked for last, or 0 */
	uint64_t last_channel;
	ipc_fd_t last_handle;
	bool held[WORLD_HANDLES + 1]; /* by handle: the state machine has it */
	uint64_t heard;		      /* a digest of all that came out */
};

void world_start(struct world *world);

/* Ends everything; nothing may be left of it. The digests of state and outputs go to `digest`. */
void world_stop(struct world *world, uint8_t digest[TRAP_DIGEST_SIZE], uint64_t *heard);

/* Feed one input for a link. A peer that has to be dropped is. */
void world_connect(struct world *world, struct world_link *link);
void world_packet(struct world *world, struct world_link *link, const void *packet, size_t size,
		  const struct trap_fd *fds, unsigned fd_count);

/* A packet with a good header; the first frame of a link is its hello, a later one is no good. */
void world_request(struct world *world, struct world_link *link, unsigned op, const void *body,
		   size_t size, const struct trap_fd *fds, unsigned fd_count);
void world_hello(struct world *world, struct world_link *link, const uint8_t *token, uint32_t word);
void world_hello_watcher(struct world *world, struct world_link *link);

void world_timeout(struct world *world, struct world_link *link);
void world_alarm(struct world *world);
void world_disconnect(struct world *world, struct world_link *link);
void world_limits(struct world *world, const struct machd_limits *limits);

/* Let it do all work it has put off. */
void world_work(struct world *world);

/*
 * Let `run` take an input through a world of its own, from start to stop, and again: the same
 * inputs must give the same outputs and the same state.
 */
void world_twice(void (*run)(struct world *world, struct fuzz_script *script), const uint8_t *bytes,
		 size_t size);

/* A new descriptor to send along; false when there have been too many. */
bool world_handle(struct world *world, ipc_fd_t *handle);
