/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Closes descriptors. Closing the last descriptor of a connection frees its unread packets, and
 * that of a memfd all its pages: half a millisecond for the former, fifty milliseconds for a
 * gigabyte of the latter, in which the daemon would serve nobody. So a thread does that. It is
 * created when it is first needed, and does nothing else.
 *
 * A close that takes no time is done at once; so is any other if the thread cannot be created or
 * its queue is full.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>

#include "protocol/limits.h"

struct closer {
	pthread_mutex_t lock;
	pthread_cond_t more; /* or `stop` */
	pthread_t thread;    /* if it runs */
	bool runs;	     /* used by the loop's thread only */
	bool stop;
	unsigned first, count;
	int fds[MACHD_CLOSING_MAX]; /* that wait: a ring */
};

void closer_init(struct closer *closer);

/* Close what is queued, and end the thread. */
void closer_stop(struct closer *closer);

/* Close a descriptor, whatever it is. It belongs to the closer from here on. */
void closer_close(struct closer *closer, int fd);

/* The same for a connection: it is shut down at once, so that the peer notices before the close. */
void closer_hang_up(struct closer *closer, int fd);
