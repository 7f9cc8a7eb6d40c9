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
 * The thread for connections has the lowest priority there is (SCHED_IDLE): clients that never read
 * can leave thousands of connections a second to close, and no caller shall share its CPU with
 * that. A thread of that priority may stop running at any instruction, for long; so it holds
 * nothing that the loop needs: the queues have no lock. Memory is freed at the usual priority,
 * because it is scarce and no client is charged for it any more.
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
