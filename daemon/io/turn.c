/* SPDX-License-Identifier: Apache-2.0 */
/* Looking at rings, yielding, sleeping, and the loop around them. */
#include "daemon/io/turn.h"

#include <sched.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "daemon/io/channel.h"
#include "daemon/io/gate.h"
#include "daemon/io/ring.h"

#define BELLS_AT_ONCE 64
#define POLL_EVERY_NS 20000  /* sockets and timers have to wait so long while rings are busy */
#define QUIET_NS      200000 /* a ring that nothing came through so long goes back to its bell */

/* Rings that wake up and go to sleep. */

void turn_activate(struct turns *turns, struct ring *ring)
{
	if (!list_empty(&ring->active))
		return;
	ring->last = uv_hrtime();
	machd_ring_rouse(&ring->in);
	list_append(&turns->active, &ring->active);
}

/*
 * Back to its bell; false: something has come meanwhile. One whose client does not read its answer
 * is not waited for at all until it does.
 */
static bool put_to_sleep(struct ring *ring)
{
	if (list_empty(&ring->channel->unsent)) {
		machd_ring_doze(&ring->in, MACHD_RING_ASLEEP);
		if (machd_ring_look(&ring->in) != MACHD_RING_EMPTY) {
			machd_ring_rouse(&ring->in);
			return false;
		}
	}
	list_remove(&ring->active);
	return true;
}

static bool all_asleep(struct turns *turns)
{
	LIST_FOR_EACH_SAFE (node, &turns->active)
		put_to_sleep(list_entry(node, struct ring, active));
	return list_empty(&turns->active);
}

static unsigned count_active(const struct turns *turns)
{
	unsigned count = 0;

	LIST_FOR_EACH (node, &turns->active)
		count++;
	return count;
}

/* One look at each ring. Returns whether anything came. */
static bool look_once(struct turns *turns, uint64_t now)
{
	unsigned left = count_active(turns);
	struct ring *ring;
	bool came = false;

	/* All of them stay on the list: what has to be handled before a frame is looked for there.
	 */
	while (left-- && (ring = list_first(&turns->active, struct ring, active))) {
		list_remove(&ring->active);
		list_append(&turns->active, &ring->active);
		if (ring_serve(ring)) {
			came = true;
			gate_settle(turns->gate); /* may free it */
		} else if (now > ring->last && now - ring->last > QUIET_NS) {
			put_to_sleep(ring);
		}
	}
	return came;
}

/* The time after it. */
static uint64_t give_way(struct turns *turns, uint64_t now)
{
	uint64_t after;

	sched_yield();
	after = uv_hrtime();
	machd_wait_yielded(&turns->wait, now, after);
	return after;
}

/*
 * Look, and look again; false: all sleep. Else others must have their turn. The clock is read when
 * a frame is fed and for each yield, not more often.
 */
static bool look_on(struct turns *turns)
{
	uint64_t start = uv_hrtime(), now = start;
	bool fresh = true;

	while (now - start < POLL_EVERY_NS) {
		bool came = look_once(turns, now);

		now = came ? turns->last : fresh ? now : uv_hrtime();
		fresh = !came;
		if (!came && machd_wait_yields(&turns->wait, turns->last, now))
			now = give_way(turns, now);
		else if (!came && all_asleep(turns))
			return false;
		if (list_empty(&turns->active) || trap_has_work(turns->gate->host))
			break;
	}
	return !list_empty(&turns->active);
}

/* Bells. Nobody reads them: it is the edge that wakes us. */

bool turn_watch(struct turns *turns, struct ring *ring)
{
	struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.ptr = ring};

	turns->count++;
	return epoll_ctl(turns->bells, EPOLL_CTL_ADD, ring->bell, &event) == 0;
}

void turn_forget(struct turns *turns, struct ring *ring)
{
	/* The client has the descriptor, too: that we close ours would not end it. */
	epoll_ctl(turns->bells, EPOLL_CTL_DEL, ring->bell, NULL);
	turns->count--;
}

/* Wait so many ms for bells; how many came of those that can. `libuv`: it has something to do. */
static int hear_bells(struct turns *turns, int timeout, bool *libuv)
{
	struct epoll_event rung[BELLS_AT_ONCE];
	int count = epoll_wait(turns->bells, rung, BELLS_AT_ONCE, timeout);

	*libuv = false;
	for (int i = 0; i < count; i++) {
		if (rung[i].data.ptr)
			turn_activate(turns, rung[i].data.ptr);
		else
			*libuv = true;
	}
	return count;
}

void turn_hear(struct turns *turns)
{
	bool libuv; /* it will say so again */

	while (hear_bells(turns, 0, &libuv) == BELLS_AT_ONCE)
		continue;
}

/* The loop. */

/* Look at rings, and sleep if there is nothing. Returns whether libuv has something to do. */
static bool take_turn(struct turns *turns)
{
	uv_loop_t *loop = turns->gate->loop;
	bool awake = !list_empty(&turns->active) && look_on(turns), heard, libuv;
	int timeout;

	uv_update_time(loop);
	timeout = uv_backend_timeout(loop);
	heard = hear_bells(turns, awake ? 0 : timeout, &libuv) > 0;
	return libuv || timeout == 0 || (!awake && !heard);
}

void turns_run(struct turns *turns)
{
	bool libuv = true;

	while (!turns->stop) {
		/* Without rings libuv alone is faster. */
		if (libuv)
			uv_run(turns->gate->loop, turns->count ? UV_RUN_NOWAIT : UV_RUN_ONCE);
		libuv = turns->stop || turns->count == 0 || take_turn(turns);
	}
}

void turns_end(struct turns *turns)
{
	turns->stop = true;
	uv_stop(turns->gate->loop);
}

/* Beginning and end. */

void turns_set_spin(struct turns *turns, unsigned us)
{
	turns->wait.spin = us * UINT64_C(1000);
}

void turns_start(struct turns *turns, struct gate *gate)
{
	struct epoll_event libuv = {.events = EPOLLIN};

	turns->gate = gate;
	turns_set_spin(turns, MACHD_SPIN_US_DEFAULT);
	list_init(&turns->active);
	turns->bells = epoll_create1(EPOLL_CLOEXEC);
	if (turns->bells >= 0 &&
	    epoll_ctl(turns->bells, EPOLL_CTL_ADD, uv_backend_fd(gate->loop), &libuv) < 0)
		turns_stop(turns);
}

void turns_stop(struct turns *turns)
{
	if (turns->bells >= 0)
		close(turns->bells);
	turns->bells = -1;
}
