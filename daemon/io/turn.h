/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose turn it is: looks at the rings that something came through lately, one after the other, and
 * decides when there is nothing to wait for but libuv.
 *
 * A ring in use is active: nobody has to wake us for it. While some are, the loop does not block;
 * what it does when none has anything is yield the CPU, as protocol/wait.h says. When that has
 * lasted long enough all rings go back to their bells, and the loop sleeps in the kernel.
 */
#pragma once

#include <uv.h>

#include "daemon/base/list.h"
#include "protocol/wait.h"

struct gate;
struct ring;

struct turns {
	struct gate *gate;
	struct list active; /* rings, by ring->active */
	struct machd_wait wait;
	uint64_t last; /* when a frame came last, ns */
	int bells;     /* an epoll of all bells; -1: there is none, and no rings */
	uv_prepare_t look;
	uv_idle_t awake; /* runs while rings are active */
	uv_poll_t rung;	 /* of `bells` */
};

/* Begin and end, with the gate's loop. */
void turns_start(struct turns *turns, struct gate *gate);
void turns_stop(struct turns *turns);

/* For how many microseconds to yield before sleeping; 0: sleep at once. */
void turns_set_spin(struct turns *turns, unsigned us);

/* Have a ring's bell heard, until turn_forget(). false: no memory. */
bool turn_watch(struct turns *turns, struct ring *ring);
void turn_forget(struct turns *turns, struct ring *ring);

/* Something may come through this ring: look at it without being called. */
void turn_activate(struct turns *turns, struct ring *ring);
