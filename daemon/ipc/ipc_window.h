/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Windows: sends without an answer [8, 12].
 *
 * mach_msg returns a code, and to learn it costs a round trip. But the code of a send that cannot
 * fail and need not block is known in advance: a message without rights or memory, to a name that
 * is a send right to an active port, whose queue has room. So a thread may get a window: a promise
 * that a number of messages can be sent to a name. The client sees it on its board
 * (protocol/board.h), sends within it and goes on at once. The first send that exceeds it is an
 * ordinary request, handled after those before it, which blocks if it must. The daemon never puts
 * a promised message aside, so none is overtaken or waited for, and a queue fills as it would
 * without windows.
 *
 * Room. A port's messages plus what is promised of its queue never exceed its limit. Ordinary
 * sends have precedence: if one takes promised room, the oldest windows are closed.
 *
 * Closing. A window is closed before anybody can learn that the name or the port is gone, or that
 * the queue is full. A promised message still under way then counts as sent before that: its
 * sender had already returned from mach_msg. It is queued beyond the limit, by no more than was
 * promised; if its port or name is gone it is destroyed, as if the port had died just after the
 * send.
 *
 * Cost. A promise is charged (IPC_CHARGE_PROMISES) until its message arrives, and its memory is
 * reserved in advance (h_reserve) for the case that there is no other when the message arrives. So
 * no promised message is ever lost. Without memory nothing is promised, and sends are answered.
 */
#pragma once

#include "daemon/base/list.h"
#include "daemon/ipc/ipc_types.h"
#include "protocol/board.h"

struct ipc_window {
	struct ipc_thread *w_thread;
	struct ipc_port *w_port; /* while it is on a list of that port; without a reference */
	mach_port_name_t w_name; /* the name it is for, or was for last */
	uint32_t w_size;	 /* messages to promise at a time */
	uint32_t w_taken;	 /* messages that came through it, whatever the name was */
	uint32_t w_end;		 /* w_taken may grow up to this: the count on the board */
	uint32_t w_promised;	 /* the largest w_end ever shown: the client may still act on it */
	struct list w_open;	 /* port's ip_windows while something is promised */
	struct list w_wants;	 /* port's ip_wanted while it waits to be opened further */
};

/* All windows of a thread, and its promised replies (ipc_reply.h). */
struct ipc_windows {
	struct ipc_window ws_window[MACHD_BOARD_WINDOWS];
	mach_port_name_t ws_lent[MACHD_BOARD_REPLIES];	/* the reply right of each lent message */
	mach_port_name_t ws_reply[MACHD_BOARD_REPLIES]; /* the rights promised for replies */
	uint32_t ws_replies;				/* replies charged that have not come yet */
};

/*
 * Charge for `count` promised messages of the thread and reserve their memory. False: that goes
 * over its user's limit, or there is no memory. ipc_window_paid() undoes it: they have come, or
 * cannot come any more.
 */
bool ipc_window_pay(struct ipc_host *host, const struct ipc_thread *thread, uint32_t count);
void ipc_window_paid(struct ipc_host *host, const struct ipc_thread *thread, uint32_t count);

/* The thread has a fresh board. KERN_RESOURCE_SHORTAGE: no memory; it has none, then. */
kern_return_t ipc_window_board(struct ipc_host *host, struct ipc_thread *thread);

/* A message was sent to a name, and its sender asked for a window: open one if that is possible. */
void ipc_window_ask(struct ipc_host *host, struct ipc_thread *thread, mach_port_name_t name);

/* An unanswered message to this name has come: count it. False: it was never promised. */
bool ipc_window_take(struct ipc_host *host, struct ipc_thread *thread, mach_port_name_t name);

/*
 * The destination of that message, if the promise still holds: the name is a send right to this
 * port. NULL: the name has to be looked up.
 */
struct ipc_port *ipc_window_port(const struct ipc_thread *thread, mach_port_name_t name);

/* That message was sent or destroyed: open its window further. */
void ipc_window_taken(struct ipc_host *host, struct ipc_thread *thread, mach_port_name_t name);

/* The port's queue has got longer, or shorter, or its limit was set. */
void ipc_window_fuller(struct ipc_host *host, struct ipc_port *port);
void ipc_window_emptier(struct ipc_host *host, struct ipc_port *port);

/* The port dies. */
void ipc_window_port_died(struct ipc_host *host, struct ipc_port *port);

/* The name is no send right any more; to be called while the entry still has its port. */
void ipc_window_name_gone(struct ipc_host *host, struct ipc_space *space, struct ipc_entry *entry);

/* Another policy is in force: close the windows of tasks whose messages may now be filtered. */
void ipc_window_policy_changed(struct ipc_host *host);

/* The thread ends. */
void ipc_window_end(struct ipc_host *host, struct ipc_thread *thread);
