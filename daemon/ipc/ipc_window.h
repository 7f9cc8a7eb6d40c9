/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Windows: what a thread may send without being answered [8, 12].
 *
 * mach_msg returns a code, and to know it costs a round trip. But where a send cannot fail and need
 * not wait, its code is known beforehand: a message without rights or memory, to a name that is a
 * send right to a living port, whose queue has room. So a thread may have a window: a promise that
 * so many messages can be sent to a name. Who has a board (protocol/board.h) can see it, sends
 * within it and goes on at once; the first send that does not fit goes the ordinary way, behind
 * those before it, and blocks if it must. Nothing is ever parked, so nobody can overtake it or wait
 * for it, and a queue gets as full as without windows.
 *
 * A port's messages and what is promised of its queue are never more than its limit, as far as the
 * daemon can see. Who sends the ordinary way is not held up by promises: if he takes the room, the
 * oldest windows are closed. Windows are closed, too, before anybody can learn that the name or the
 * port is gone, or the queue full. A message that was under way at that time was sent before that
 * as far as anybody can tell: the sender has returned from a call that the closing followed. It is
 * queued beyond the limit, by no more than was promised; and if its port or its name is gone it is
 * destroyed, as if the port had died just after the send.
 *
 * Promises are charged (IPC_CHARGE_PROMISES) until their messages come: what a user's tasks may
 * send unseen is bounded as its queued messages are, and kept within that limit when promised. The
 * memory for each is got when it is promised (h_reserve), and used if there is no other when the
 * message comes: so nothing that was promised is ever lost. Where it cannot be had, nothing is
 * promised, and sends are answered.
 */
#pragma once

#include "daemon/base/list.h"
#include "daemon/ipc/ipc_types.h"
#include "protocol/board.h"

struct ipc_window {
	struct ipc_thread *w_thread;
	struct ipc_port *w_port; /* while it is on a list of that port; without a reference */
	mach_port_name_t w_name; /* that it is for, or was for last */
	uint32_t w_size;	 /* how far it is opened */
	uint32_t w_taken;	 /* messages that came through, whatever it was for then */
	uint32_t w_end;		 /* how many may come, as the board says */
	uint32_t w_promised; /* the largest of all w_end: who saw that may not know better yet */
	struct list w_open;  /* port's ip_windows while something is promised */
	struct list
		w_wants; /* port's ip_wanted while more shall be promised as soon as it can be */
};

/* All windows of a thread, and what else is on its board. */
struct ipc_windows {
	struct ipc_window ws_window[MACHD_BOARD_WINDOWS];
	mach_port_name_t ws_lent[MACHD_BOARD_REPLIES];	/* what each message lent replies to */
	mach_port_name_t ws_reply[MACHD_BOARD_REPLIES]; /* to be replied to, see ipc_reply.h */
	uint32_t ws_replies;				/* charged, and not come yet */
};

/*
 * Pay for so many messages that the thread may send unseen: charges, and memory. False: that is
 * more than its user's tasks may have, or there is none. Then: they have come, or cannot come any
 * more.
 */
bool ipc_window_pay(struct ipc_host *host, const struct ipc_thread *thread, uint32_t count);
void ipc_window_paid(struct ipc_host *host, const struct ipc_thread *thread, uint32_t count);

/* The thread has a fresh board. KERN_RESOURCE_SHORTAGE: no memory; it has none, then. */
kern_return_t ipc_window_board(struct ipc_host *host, struct ipc_thread *thread);

/* A message has been sent to a name; from now on that shall not need an answer, if it can be. */
void ipc_window_ask(struct ipc_host *host, struct ipc_thread *thread, mach_port_name_t name);

/* A message comes without wanting an answer. False: it was never promised. */
bool ipc_window_take(struct ipc_host *host, struct ipc_thread *thread, mach_port_name_t name);

/*
 * The port that it goes to, if what was promised still holds: the name is a send right to it, and
 * it takes such a message. NULL: nothing is known of the name.
 */
struct ipc_port *ipc_window_port(const struct ipc_thread *thread, mach_port_name_t name);

/* That was sent, or destroyed: keep the window it came through open. */
void ipc_window_taken(struct ipc_host *host, struct ipc_thread *thread, mach_port_name_t name);

/* The port's queue has got longer, or shorter, or its limit was set. */
void ipc_window_fuller(struct ipc_host *host, struct ipc_port *port);
void ipc_window_emptier(struct ipc_host *host, struct ipc_port *port);

/* The port dies. */
void ipc_window_port_died(struct ipc_host *host, struct ipc_port *port);

/* The name is no send right any more; to be called while the entry still has its port. */
void ipc_window_name_gone(struct ipc_host *host, struct ipc_space *space, struct ipc_entry *entry);

/* Another policy is in force: what may be filtered now needs an answer. */
void ipc_window_policy_changed(struct ipc_host *host);

/* The thread ends. */
void ipc_window_end(struct ipc_host *host, struct ipc_thread *thread);
