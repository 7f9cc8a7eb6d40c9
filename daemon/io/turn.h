/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose turn it is: the daemon's main loop. It looks at the rings that something came through
 * lately, one after the other, and lets sockets (event.h) and libuv have their turn now and then,
 * and whenever something has happened there.
 *
 * A ring in use is active: nobody has to wake us for it. While some are, the loop does not block;
 * what it does when none has anything is yield the CPU, as protocol/wait.h says. When that has
 * lasted long enough all rings go back to their bells, and the loop sleeps in an epoll that has the
 * bells in it, and the one with the sockets, and that one libuv's. So a bell costs nothing of
 * sockets, and neither costs anything of libuv.
 */
#pragma once

#include <uv.h>

#include "daemon/base/list.h"
#include "daemon/io/event.h"
#include "daemon/io/pace.h"
#include "protocol/wait.h"

struct gate;
struct ring;

struct turns {
	struct gate *gate;
	struct list active; /* rings, by ring->active */
	struct machd_wait wait;
	uint64_t last; /* when a frame came last, ns */
	uint64_t idle; /* when nothing had come for the first time after that */
	bool far;      /* who was answered last is on another CPU */
	struct pace pace;
	uint64_t sliced; /* up to when slices of pages have been made, ns */
	struct events events;
	struct event *hot; /* of who was answered last on his socket; or NULL */
	unsigned missed;   /* times, one after the other, that nothing came from there, */
	unsigned skipped;  /* and that he was not waited for */
	uint64_t heard;	   /* when others were listened to last although something had come */
	int bells;	   /* an epoll */
	unsigned count;	   /* of rings */
	bool more;	   /* there were as many events of sockets as are handled in a turn */
	bool stop;

	/* Called now and then while something happens, and before the loop sleeps; or NULL. */
	void (*activity)(void *context);
	void *activity_context;
};

/* Begin and end, with the gate. false: no memory or descriptors, and nothing is left to stop. */
bool turns_start(struct turns *turns, struct gate *gate);
void turns_stop(struct turns *turns);

/* For how many microseconds to yield before sleeping; 0: sleep at once. */
void turns_set_spin(struct turns *turns, unsigned us);

/*
 * The main loop, until turns_end() is called from a callback of libuv's; and once around: with what
 * there is to do, or, if `wait`, when there is something.
 */
void turns_run(struct turns *turns);
void turns_once(struct turns *turns, bool wait);
void turns_end(struct turns *turns);

/* Have a ring's bell heard, until turn_forget(). false: no memory. */
bool turn_watch(struct turns *turns, struct ring *ring);
void turn_forget(struct turns *turns, struct ring *ring);

/* Activate the rings whose bells have rung by now. */
void turn_hear(struct turns *turns);

/* No ring is in use. */
static inline bool turns_quiet(const struct turns *turns)
{
	return list_empty(&turns->active);
}

/* Something may come through this ring: look at it without being called. */
void turn_activate(struct turns *turns, struct ring *ring);
