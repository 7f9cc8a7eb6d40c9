/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The time of day. The state machine has a clock that never goes back; this tells it how far the
 * time of day is ahead of that, at the start and each time somebody sets it.
 */
#pragma once

#include <uv.h>

#include "daemon/io/gate.h"

struct calendar {
	struct gate *gate;
	uv_poll_t poll;
	int fd; /* of a timer; -1: nobody tells us */
};

/* Now: ns from the clock of uv_hrtime() to the time of day. */
uint64_t calendar_offset(void);

/* Watch it. Where that cannot be done it is taken to go on as it does now. */
void calendar_start(struct calendar *calendar, struct gate *gate);

/* Stop; the handle is closed with the loop's others. */
void calendar_stop(struct calendar *calendar);
