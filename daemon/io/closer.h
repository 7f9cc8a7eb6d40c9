/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Closes descriptors. Closing the last descriptor of a connection frees its unread packets, and
 * that of a memfd all its pages: a tenth of a millisecond for the former, fifty milliseconds for a
 * gigabyte of the latter, in which the daemon would serve nobody. So threads do that, one for each.
 * A thread is created when it is first needed, and does nothing else.
 *
 * A close that takes no time is done at once; so is any other if the thread cannot be created or
 * its queue is full.
 *
 * The thread for connections has the lowest priority there is (SCHED_IDLE): who never reads leaves
 * thousands of them a second, and nobody who calls shall have to share his CPU with that. So it may
 * be kept from running at any point, for long, and nothing the loop needs is held by it: the queues
 * have no lock. Memory is freed at the usual priority. It is scarce, and nobody pays for it any
 * more.
 */
#pragma once

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "protocol/limits.h"

/* A thread and its queue. */
struct closer_lane {
	pthread_t thread; /* if it runs */
	bool runs;	  /* used by the loop's thread only */
	bool idles;	  /* it has the lowest priority */
	sem_t more;	  /* posted for each descriptor, and to end the thread */
	_Atomic bool stop;
	_Atomic unsigned added;	    /* descriptors so far, written by the loop, */
	_Atomic unsigned taken;	    /* and by the thread */
	int fds[MACHD_CLOSING_MAX]; /* a ring: number n is at n % MACHD_CLOSING_MAX */
};

struct closer {
	struct closer_lane packets, memory;
};

void closer_init(struct closer *closer);

/* Close what is queued, and end the threads. */
void closer_stop(struct closer *closer);

/* Close a descriptor, whatever it is. It belongs to the closer from here on. */
void closer_close(struct closer *closer, int fd);

/* The same for a connection: it is shut down at once, so that the peer notices before the close. */
void closer_hang_up(struct closer *closer, int fd);
