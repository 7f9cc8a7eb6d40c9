/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client's side of a channel's ring: for wire.c, which knows requests and answers, and for
 * channel.c, which owns the connection.
 */
#pragma once

#include "client/mi.h"

struct mi_ring;

/* Read the environment, once: MACHD_RING, MACHD_RING_AFTER and MACHD_SPIN_US. */
void mi_ring_configure(void);

/* Whether a channel has asked for a ring. */
enum mi_ring_asked {
	MI_RING_UNASKED,
	MI_RING_ASKED,
	MI_RING_USELESS, /* the daemon made one that this process could not map */
};

/*
 * One more call begins on a connected channel: if it has made enough of them, ask the daemon for a
 * ring. 0, with a ring or without; or an errno: the connection does not work.
 */
int mi_ring_want(struct mi_channel *channel);

/* The connection is closed. In the child of a fork the memory is not mapped. */
void mi_ring_free(struct mi_ring *ring, bool in_child);

/*
 * Put a frame of `length` bytes into the ring; `present`: its memory is known to be mapped. 0;
 * EAGAIN: it does not fit, use the socket; EFAULT: the program's memory cannot be read; ECONNRESET:
 * the ring is broken. Then mi_ring_let_go() publishes it (`waits`: an answer is waited for), or
 * mi_ring_take_back() drops it.
 */
int mi_ring_put(struct mi_ring *ring, const struct iovec *parts, int count, uint32_t length,
		bool present);
void mi_ring_let_go(struct mi_ring *ring, bool waits);
void mi_ring_take_back(struct mi_ring *ring);

/* Where the answer to the last request comes from. */
enum mi_way {
	MI_WAY_UNKNOWN, /* not known yet */
	MI_WAY_RING,	/* all of its frames are in the ring */
	MI_WAY_SOCKET,	/* all of its frames are packets */
	MI_WAY_SLEEP,	/* wait for a packet: the answer, or MACHD_OP_LOOK */
};

/* How a wait ended. */
enum mi_ring_end {
	MI_RING_KNOWN,	/* channel->way is known */
	MI_RING_SIGNAL, /* a signal came */
	MI_RING_ERROR,	/* the ring is broken */
};

/*
 * Wait until it is known which way the answer comes: first awake, then asleep on the ring's futex
 * for a moment. Not on the futex if signals are `held` back, because they could not interrupt it.
 */
enum mi_ring_end mi_ring_wait(struct mi_channel *channel, bool held);

/* After MI_WAY_SLEEP, the packet that came was the answer. */
int mi_ring_woken(struct mi_channel *channel);

/* Take the answer's next frame out of the ring, as mi_answer() does. */
int mi_ring_take(struct mi_ring *ring, struct mi_answer *answer);
