/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The listener: accepts connections and makes channels of them. When the daemon is short of
 * descriptors or memory it refuses or waits, says so once, and goes on by itself afterwards.
 */
#pragma once

#include <uv.h>

#include "daemon/base/log.h"

struct gate;

struct listener {
	struct gate *gate;
	uv_poll_t poll;
	uv_timer_t pause; /* runs while nothing is accepted */
	int fd;
	bool short_of; /* something: said so already */
	struct log_limit lines;
};

/* Accept connections of the listening socket `fd`, which stays the caller's. 0, or a libuv error.
 */
int listener_start(struct listener *listener, struct gate *gate, int fd);

/* Accept no more. The handles are closed when the loop has run once more. */
void listener_stop(struct listener *listener);
