/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The time of day. The state machine counts by a monotonic clock; this tells it the offset of the
 * time of day from that, at the start and each time it is set.
 */
#pragma once

#include <uv.h>

#include "daemon/io/gate.h"

struct calendar {
	struct gate *gate;
	uv_poll_t poll;
	int fd; /* of a timer; -1: changes are not noticed */
};

/* Now: ns from the clock of uv_hrtime() to the time of day. */
uint64_t calendar_offset(void);

/* Watch for changes. If that is not possible, the offset stays as it is. */
void calendar_start(struct calendar *calendar, struct gate *gate);

/* Stop; the handle is closed with the loop's others. */
void calendar_stop(struct calendar *calendar);
