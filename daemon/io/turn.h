/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemon's main loop. It looks at the rings that were used lately, one after the other; sockets
 * (event.h) and libuv (timers and signals) get their turn now and then, and whenever something has
 * happened there.
 *
 * A ring in use is active: its client need not wake the daemon. While rings are active the loop
 * does not block; if none has a frame it yields the CPU, as protocol/wait.h says. When that has
 * lasted long enough, all rings go back to sleep, and the loop blocks in epoll_wait(). There are
 * three epolls, each inside the one before: that of the rings' bells (eventfds), that of the
 * sockets, and libuv's. So a wake-up by a bell does not pay for sockets, and neither pays for
 * libuv.
 */
#pragma once

#include <uv.h>

#include "daemon/base/list.h"
#include "daemon/io/event.h"
#include "daemon/io/pace.h"
#include "daemon/io/pages.h"
#include "daemon/io/slice.h"
#include "protocol/wait.h"

struct gate;
struct ring;

struct turns {
	struct gate *gate;
	struct list active; /* rings, by ring->active */
	struct machd_wait wait;
	uint64_t last; /* when the last frame came, ns */
	uint64_t idle; /* when rings were first found empty after that, ns */
	bool far;      /* the client that was answered last is on another CPU */
	struct pace pace;
	struct slice slice;
	struct pages pages;
	struct events events;
	struct event *hot; /* socket of the client that was answered last, or NULL: hear_soon() */
	unsigned missed;   /* consecutive times that nothing came from it */
	unsigned skipped;  /* times that it was not waited for */
	uint64_t heard;	   /* when other sockets were last heard, ns */
	int bells;	   /* the epoll of the rings' bells */
	unsigned count;	   /* rings in it */
	bool more;	   /* more events of sockets are waiting than were handled */
	bool stop;

	/* Called now and then while something happens, and before the loop sleeps; or NULL. */
	void (*activity)(void *context);
	void *activity_context;
};

/* False: no memory or descriptors, and nothing is left to stop. */
bool turns_start(struct turns *turns, struct gate *gate);
void turns_stop(struct turns *turns);

/* For how many microseconds to yield before sleeping; 0: sleep at once. */
void turns_set_spin(struct turns *turns, unsigned us);

/*
 * turns_run(): the main loop, until a callback calls turns_end(). turns_once(): one round of it,
 * which blocks until there is something to do if `wait`.
 */
void turns_run(struct turns *turns);
void turns_once(struct turns *turns, bool wait);
void turns_end(struct turns *turns);

/* Wait for a ring's bell, until turn_forget(). False: no memory. */
bool turn_watch(struct turns *turns, struct ring *ring);
void turn_forget(struct turns *turns, struct ring *ring);

/* Activate the rings whose bells have rung. */
void turn_hear(struct turns *turns);

/* No ring is active. */
static inline bool turns_quiet(const struct turns *turns)
{
	return list_empty(&turns->active);
}

/* Something may come through this ring: look at it from now on. */
void turn_activate(struct turns *turns, struct ring *ring);
