/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ring of a channel: its memory, what wakes the daemon for it, and frames through it. It
 * belongs to the channel. What is read out of it goes to the gate like a packet.
 */
#pragma once

#include "daemon/base/list.h"
#include "daemon/io/pace.h"
#include "daemon/ipc/ipc_outbox.h"
#include "protocol/frame.h"
#include "protocol/ring.h"

struct channel;

struct ring {
	struct list active; /* in turns->active as long as it is looked at, see turn.h */
	struct channel *channel;
	struct pace_job job; /* while what streams through it waits for its turn */
	struct machd_rings *shared;
	struct machd_ring in, out; /* submission, completion */
	int bell;		   /* an eventfd that the client writes to while we sleep */
	uint64_t last;		   /* when something came last, ns */
	bool used; /* something came: before that its client may have had no memory to map it */
};

/* Frames of one channel before others have their turn. */
#define RING_FRAMES 32

/*
 * Make a ring for a channel; `fds` get what its client needs, for the caller to send and close.
 * false: no memory or descriptors, and nothing was made.
 */
bool ring_make(struct channel *channel, ipc_fd_t fds[MACHD_RING_FDS]);

void ring_free(struct ring *ring);

/*
 * Feed up to RING_FRAMES frames to the gate, none if the client has not read its last answer. The
 * channel may be doomed then; the caller settles. Returns how many there were.
 */
unsigned ring_serve(struct ring *ring);

/* Must what is in it wait for its payer's turn? Then it does. */
bool ring_waits(struct ring *ring, uint64_t now);

/* The beginning of the next frame, up to `size` bytes of it; 0: there is none. */
size_t ring_peek(struct ring *ring, void *bytes, size_t size);

/*
 * Feed the next frame by way of `buffer`, GATE_BUFFER_SIZE, whatever else is there to be handled;
 * false: there is none.
 */
bool ring_serve_one(struct ring *ring, uint8_t *buffer);

/* May a packet be read from the socket? Serves what was put into the ring before it. */
bool ring_drained(struct ring *ring);

enum ring_way {
	RING_SENT,   /* it went into the ring */
	RING_SOCKET, /* send its packets: the client knows that they come, or waits for them */
	RING_BROKEN, /* the client has broken its ring, or not read what is in it */
};

/* Put an answer into the ring, if that is used, there is room, and there are no descriptors. */
enum ring_way ring_send(struct ring *ring, const struct ipc_answer *answer);
