/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ring of a channel: its shared memory, the eventfd that wakes the daemon for it (its bell),
 * and frames through it. It belongs to the channel. A frame read out of it goes to the gate like a
 * packet.
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
	struct pace_job job; /* waits for a turn to handle its stream */
	struct machd_rings *shared;
	struct machd_ring in, out; /* submission, completion */
	int bell;		   /* an eventfd that the client writes to while we sleep */
	uint64_t last;		   /* when the last frame came, ns */
	bool used;		   /* a frame has come: the client has mapped it */
};

/* Frames of one channel that are handled before others have their turn. */
#define RING_FRAMES 32

/*
 * Make a ring for a channel; `fds` become the descriptors for its client, which the caller sends
 * and closes. False: no memory or descriptors, and nothing was made.
 */
bool ring_make(struct channel *channel, ipc_fd_t fds[MACHD_RING_FDS]);

void ring_free(struct ring *ring);

/*
 * Feed up to RING_FRAMES frames to the gate, none if the client has not read its last answer. That
 * may doom the channel; the caller calls gate_settle(). Returns the number of frames.
 */
unsigned ring_serve(struct ring *ring);

/* The next frame is part of a stream and its payer has to wait: then it does, and true. */
bool ring_waits(struct ring *ring, uint64_t now);

/* The beginning of the next frame, up to `size` bytes of it; 0: there is none. */
size_t ring_peek(struct ring *ring, void *bytes, size_t size);

/*
 * Feed the next frame, copied to `buffer` of GATE_BUFFER_SIZE, without handling earlier messages of
 * other channels first (order.h). False: there is none.
 */
bool ring_serve_one(struct ring *ring, uint8_t *buffer);

/* May a packet be read from the socket? Serves what was put into the ring before it. */
bool ring_drained(struct ring *ring);

enum ring_way {
	RING_SENT,   /* it went into the ring */
	RING_SOCKET, /* send it by the socket: the client has been told to look there */
	RING_BROKEN, /* the client has broken its ring, or not read what is in it */
};

/* Put an answer into the ring, if the ring is used, has room, and there are no descriptors. */
enum ring_way ring_send(struct ring *ring, const struct ipc_answer *answer);
