/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The listener: accepts connections and makes channels of them. When the daemon is short of
 * descriptors or memory it refuses or waits, says so once, and goes on by itself afterwards.
 */
#pragma once

#include <uv.h>

#include "daemon/base/log.h"
#include "daemon/io/event.h"

struct gate;

struct listener {
	struct gate *gate;
	struct event event;
	uv_timer_t pause; /* runs while nothing is accepted */
	bool short_of;	  /* something: said so already */
	struct log_limit lines;
};

/* Accept connections of the listening socket `fd`, which stays the caller's. 0, or an errno. */
int listener_start(struct listener *listener, struct gate *gate, int fd);

/* Accept no more. The timer is closed when the loop has run once more. */
void listener_stop(struct listener *listener);
