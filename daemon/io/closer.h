/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Closing descriptors. With the last one of a connection the kernel frees every packet that nobody
 * has read, and with that of a memfd all its pages: half a millisecond for the one, and fifty for
 * a gigabyte, in which the daemon would serve nobody. So a thread does that; it is begun when it is
 * needed for the first time, and does nothing else.
 *
 * What takes no time is closed at once, and so is everything else when there is no thread to be had
 * or too much waits for it already.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>

#include "protocol/limits.h"

struct closer {
	pthread_mutex_t lock;
	pthread_cond_t more; /* or `stop` */
	pthread_t thread;    /* if it runs */
	bool runs;	     /* our own business */
	bool stop;
	unsigned first, count;
	int fds[MACHD_CLOSING_MAX]; /* that wait: a ring */
};

void closer_init(struct closer *closer);

/* Have closed what waits, and end the thread. */
void closer_stop(struct closer *closer);

/* Close a descriptor, whatever it is. It belongs to the closer from here on. */
void closer_close(struct closer *closer, int fd);

/* Close a connection that nobody but us has our end of: the peer learns it at once. */
void closer_hang_up(struct closer *closer, int fd);
