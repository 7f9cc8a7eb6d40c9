/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Descriptors that the loop waits for: the listening socket, those of channels, the bus. An epoll
 * of our own has them, not libuv's: there a kernel or a heap that has no memory for one more would
 * end the daemon, here it is the new one that is refused. What is left to libuv after start, timers
 * and signals, allocates nothing.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

#include "daemon/io/pace.h"

/*
 * A descriptor that is waited for; whoever it belongs to has it in his own memory. That must stay
 * until the loop has run once more after event_remove().
 */
struct event {
	int fd;
	uint32_t wanted; /* EPOLLIN and the like; without any only errors and the end are told */
	void (*happened)(struct event *event, uint32_t events); /* NULL: it is not waited for */
	struct events *events;
	struct pace_job job; /* while it waits the kernel does not tell of more */
	uint32_t came;	     /* what it waits with */
};

struct events {
	int epoll; /* -1: there is none */
	struct pace *pace;
};

/* false: no descriptor, or no memory; nothing is left then. */
bool events_start(struct events *events, struct pace *pace);
void events_stop(struct events *events);

/*
 * Wait for what is wanted at `fd`, from now on; `happened` is called from events_hear(), or, if
 * that is not up to its payer yet, when it is. 0, or an errno: ENOMEM, or ENOSPC if the user may
 * watch no more.
 */
int event_add(struct events *events, struct event *event, int fd, uint32_t wanted,
	      struct pace_payer *payer, void (*happened)(struct event *event, uint32_t events));

/* Wait for something else there. Needs no memory. */
void event_want(struct events *events, struct event *event, uint32_t wanted);

/* Before the descriptor is closed; one that is not waited for is left alone. */
void event_remove(struct events *events, struct event *event);

/* Something may have come there: have it handled, if it need not wait. */
void event_try(struct events *events, struct event *event);

/*
 * Wait so many ms, -1: for ever, and hear of up to `most` things that happened, which are
 * EVENTS_AT_ONCE at most. They are handled now, but for those that must wait for their turn. How
 * many there were. *other: one was of the epoll that event_add_other() was told of.
 */
#define EVENTS_AT_ONCE 16
int events_hear(struct events *events, int timeout, int most, bool *other);

/* Be woken by another epoll, too, whose events somebody else will handle; 0, or an errno. */
int event_add_other(struct events *events, int epoll);
