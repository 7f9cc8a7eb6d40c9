/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A channel: one accepted connection. It carries packets between the socket and the gate and does
 * not interpret them.
 *
 * A peer has one request under way at a time, so a channel needs no queues. Packets are read one at
 * a time into a buffer that all channels share. If the peer's socket has no room for an answer (one
 * packet or two), that answer is kept, and nothing more is read from the peer until it is sent.
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
	uint64_t order_round; /* the last order.round in which its socket was readable */
	struct event event;
	uv_timer_t timer;
	uint64_t id;
	int fd;
	struct ring *ring;	     /* NULL: it has none */
	struct list unsent;	     /* packets of an answer that the socket has no room for yet */
	struct channel_board *board; /* NULL: it has none */
	bool doomed;		     /* to be closed, or closed: nothing is sent any more */
	const char *breach;	     /* why it is doomed, see gate_doom() */
	struct trap_peer peer;	     /* without its token */
};

/*
 * Make a channel of an accepted, non-blocking socket; takes the socket in any case. 0, or an errno:
 * ECONNREFUSED if the state machine refused it, which is logged here; otherwise what the kernel or
 * the daemon is short of.
 */
int channel_open(struct gate *gate, int fd);

/* Close the socket. The memory is freed when libuv has let go of the timer. */
void channel_close(struct channel *channel);

/* Send an answer, or keep it if the peer has no room. Takes over its descriptors. */
void channel_send(struct channel *channel, const struct ipc_answer *answer);

/* The same, by the socket even if there is a ring. */
void channel_send_packets(struct channel *channel, const struct ipc_answer *answer);

/* Read and handle the next frame, while one of another channel is in the gate's first buffer. */
void channel_read_one(struct channel *channel);

/*
 * The channel's board. channel_set_board() maps the memfd and closes it; if that fails the client
 * sees no windows. channel_set_window() writes a word there. But if the client has to wait
 * (pace.h), a window that opens further is written by channel_show_windows(), with the next answer:
 * until then the client's sends are requests, for which it sleeps.
 */
void channel_set_board(struct channel *channel, ipc_fd_t fd);
void channel_set_window(struct channel *channel, unsigned index, machd_window_t window);
void channel_show_windows(struct channel *channel);
void channel_drop_board(struct channel *channel);

/* The board's loan word: lend `count` messages; read how many were taken, and if `over` clear it.
 */
void channel_lend(struct channel *channel, uint32_t count);
uint32_t channel_settle(struct channel *channel, bool over);

/* Feed TRAP_TIMEOUT at `deadline` (ns); 0: never. */
void channel_set_timer(struct channel *channel, uint64_t deadline);

/* Try again to send what is unsent, or drop it. */
void channel_retry(struct channel *channel);
void channel_drop_unsent(struct channel *channel);

/* The events to wait for at the socket: requests, as long as nothing is unsent. */
#define CHANNEL_REQUESTS (EPOLLIN | EPOLLRDHUP)
void channel_watch(struct channel *channel, uint32_t events);

/* An errno of the kernel being short of something, of whose end no event tells. */
bool channel_is_shortage(int error);
