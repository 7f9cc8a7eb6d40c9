/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Timers: ports on which the daemon sends a message when a deadline has passed [21]. A timer has at
 * most one message under way; deadlines that pass meanwhile are lost. All armed timers are in a
 * heap of the host, whose first deadline the outbox is told.
 */
#pragma once

#include "daemon/ipc/ipc_types.h"

struct ipc_timer {
	struct ipc_port *tm_port; /* its port, which holds it */
	uint64_t tm_deadline;	  /* ns; 0: not armed */
	uint32_t tm_place;	  /* in the heap */
	bool tm_sent;		  /* its message is under way */
};

/* The host's armed timers, the earliest first. */
struct ipc_timers {
	struct ipc_timer **ts_heap;
	uint32_t ts_count;  /* armed */
	uint32_t ts_timers; /* all there are: the heap has room for them */
	uint32_t ts_capacity;
	uint64_t ts_alarm; /* what the outbox was told last, 0: nothing */
	bool ts_behind;	   /* more are due than one input fires: this is work for the next */
};

/* Make `port`, fresh and in limbo, a timer's. False without memory. */
bool ipc_timer_attach(struct ipc_host *host, struct ipc_port *port);

/* The port dies, and its timer with it. */
void ipc_timer_detach(struct ipc_host *host, struct ipc_port *port);

/* Arm a timer, or arm it anew; a deadline that has passed fires at once. */
void ipc_timer_arm(struct ipc_host *host, struct ipc_timer *timer, uint64_t deadline);

/* Disarm it; the deadline it was armed for, or 0. */
uint64_t ipc_timer_cancel(struct ipc_host *host, struct ipc_timer *timer);

/* Fire what is due, or some of it, then tell the outbox the next deadline if that has changed. */
void ipc_timer_run(struct ipc_host *host);

/* A timer's message was received or destroyed: it may send another. */
void ipc_timer_message_done(struct ipc_host *host, struct ipc_port *port);
