/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A channel: one accepted connection. It carries packets between the socket and the gate and knows
 * nothing of what is in them.
 *
 * A peer has one request under way at a time, so a channel needs no queues: packets are read one at
 * a time into a buffer that all channels share, and an answer the peer has no room for, of one
 * packet or two, is the only one kept; until it is gone nothing more is read from that peer.
 */
#pragma once

#include <uv.h>

#include "daemon/base/list.h"
#include "daemon/io/event.h"
#include "daemon/trap/trap.h"

struct channel_board;
struct gate;
struct ring;

struct channel {
	struct gate *gate;
	struct ipc_thread *thread;
	struct list link;     /* in gate->channels */
	struct list pending;  /* in gate->doomed or gate->starved */
	struct list in_order; /* in gate->order.channels */
	uint64_t order_round; /* in which it was found last, see order.c */
	struct event event;
	uv_timer_t timer;
	uint64_t id;
	int fd;
	struct ring *ring;	     /* NULL: it has none */
	struct list unsent;	     /* packets that the peer has no room for yet */
	struct channel_board *board; /* NULL: it has none */
	bool doomed;		     /* to be closed, or closed: nothing is sent any more */
	const char *breach;	     /* why it is doomed, see gate_doom() */
	struct trap_peer peer;	     /* without its token */
};

/*
 * Make a channel of an accepted, non-blocking socket, which now belongs to it whatever happens. 0,
 * or why there is none: ECONNREFUSED by the state machine, which is logged here; else the errno of
 * what the kernel or we are short of.
 */
int channel_open(struct gate *gate, int fd);

/* Close the socket. The memory is freed when libuv has let go of the timer. */
void channel_close(struct channel *channel);

/* Send an answer, or keep it if the peer has no room. Takes over its descriptors. */
void channel_send(struct channel *channel, const struct ipc_answer *answer);

/* The same by the socket, although there is a ring. */
void channel_send_packets(struct channel *channel, const struct ipc_answer *answer);

/* Read a packet and handle it, before anything else that was read already. */
void channel_read_one(struct channel *channel);

/*
 * Map the memfd that is the channel's board from now on, and close it; and write a window's word
 * there. Where there is no memory for that the client sees no window. One that is opened further
 * for somebody who has to wait for his turn is shown when the next answer is on its way: until
 * then he asks, and sleeps.
 */
void channel_set_board(struct channel *channel, ipc_fd_t fd);
void channel_set_window(struct channel *channel, unsigned index, machd_window_t window);
void channel_show_windows(struct channel *channel);
void channel_drop_board(struct channel *channel);

/* Lend messages on the board; how many were taken, and if it is over, take the loan back. */
void channel_lend(struct channel *channel, uint32_t count);
uint32_t channel_settle(struct channel *channel, bool over);

/* Feed TRAP_TIMEOUT at `deadline` (ns); 0: not any more. */
void channel_set_timer(struct channel *channel, uint64_t deadline);

/* Try again to send what is unsent, or drop it. */
void channel_retry(struct channel *channel);
void channel_drop_unsent(struct channel *channel);

/* What to wait for at the socket: requests, as long as nothing is unsent. */
#define CHANNEL_REQUESTS (EPOLLIN | EPOLLRDHUP)
void channel_watch(struct channel *channel, uint32_t events);

/* The kernel is short of something; it is not the peer's fault, and no event tells when it ends. */
bool channel_is_shortage(int error);
