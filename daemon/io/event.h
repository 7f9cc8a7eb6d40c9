/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Descriptors that the loop waits for: the listening socket, the sockets of channels, the bus. They
 * are in an epoll of our own, because libuv aborts when the kernel or the heap has no memory for
 * one more; here the new descriptor is refused. What libuv is still used for after start, timers
 * and signals, allocates nothing.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

#include "daemon/io/pace.h"

/*
 * A descriptor in that epoll. Embedded in its owner, whose memory must stay until the loop has run
 * once more after event_remove().
 */
struct event {
	int fd;
	uint32_t wanted; /* EPOLLIN and the like; 0: only errors and hang-up are reported */
	void (*happened)(struct event *event, uint32_t events); /* NULL: it was removed */
	struct events *events;
	struct pace_job job; /* while this waits for its turn, the descriptor is not polled */
	uint32_t came;	     /* the events that it waits with */
};

struct events {
	int epoll; /* -1: there is none */
	struct pace *pace;
	bool put_off; /* an event became a job in the last events_hear() */
};

/* false: no descriptor, or no memory; nothing is left then. */
bool events_start(struct events *events, struct pace *pace);
void events_stop(struct events *events);

/*
 * Wait for `wanted` events at `fd`. `happened` is called from events_hear() or, if the payer has to
 * wait (pace.h), in its turn. 0, or an errno: ENOMEM, or ENOSPC at the kernel's limit of watches.
 */
int event_add(struct events *events, struct event *event, int fd, uint32_t wanted,
	      struct pace_payer *payer, void (*happened)(struct event *event, uint32_t events));

/* Change the events that are wanted. Needs no memory. */
void event_want(struct events *events, struct event *event, uint32_t wanted);

/* To be called before the descriptor is closed. Does nothing if it was removed before. */
void event_remove(struct events *events, struct event *event);

/* Something may have come: call `happened` with EPOLLIN now, if the payer need not wait. */
void event_try(struct events *events, struct event *event);

/*
 * Wait up to `timeout` ms (-1: for ever) and take up to `most` events, EVENTS_AT_ONCE at most. They
 * are handled now, or become jobs if their payer has to wait. Returns their number. *other: one was
 * from the epoll that was added with event_add_other().
 */
#define EVENTS_AT_ONCE 16
int events_hear(struct events *events, int timeout, int most, bool *other);

/* Add another epoll (libuv's), whose events the caller handles; 0, or an errno. */
int event_add_other(struct events *events, int epoll);
