/* SPDX-License-Identifier: Apache-2.0 */
/* Looking at rings, yielding, and sleeping. */
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

/* One look at each ring. Returns whether anything came. */
static bool look_once(struct turns *turns, uint64_t now)
{
	struct list round = LIST_INIT(round);
	struct ring *ring;
	bool came = false;

	list_splice(&round, &turns->active);
	while ((ring = list_first(&round, struct ring, active))) {
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

static void on_awake(uv_idle_t *handle)
{
	(void)handle; /* that it runs keeps the loop from blocking */
}

static void on_look(uv_prepare_t *handle)
{
	struct turns *turns = handle->data;

	if (!list_empty(&turns->active) && look_on(turns))
		uv_idle_start(&turns->awake, on_awake);
	else
		uv_idle_stop(&turns->awake);
}

/* Bells. Nobody reads them: it is the edge that wakes us. */

static void on_rung(uv_poll_t *handle, int status, int events)
{
	struct turns *turns = handle->data;
	struct epoll_event rung[BELLS_AT_ONCE];
	int count = epoll_wait(turns->bells, rung, BELLS_AT_ONCE, 0);

	(void)status;
	(void)events;
	for (int i = 0; i < count; i++)
		turn_activate(turns, rung[i].data.ptr);
}

bool turn_watch(struct turns *turns, struct ring *ring)
{
	struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.ptr = ring};

	return epoll_ctl(turns->bells, EPOLL_CTL_ADD, ring->bell, &event) == 0;
}

void turn_forget(struct turns *turns, struct ring *ring)
{
	/* The client has the descriptor, too: that we close ours would not end it. */
	epoll_ctl(turns->bells, EPOLL_CTL_DEL, ring->bell, NULL);
}

/* Beginning and end. */

void turns_set_spin(struct turns *turns, unsigned us)
{
	turns->wait.spin = us * UINT64_C(1000);
}

void turns_start(struct turns *turns, struct gate *gate)
{
	turns->gate = gate;
	turns_set_spin(turns, MACHD_SPIN_US_DEFAULT);
	list_init(&turns->active);
	uv_prepare_init(gate->loop, &turns->look);
	uv_idle_init(gate->loop, &turns->awake);
	turns->look.data = turns->awake.data = turns->rung.data = turns;
	turns->bells = epoll_create1(EPOLL_CLOEXEC);
	if (turns->bells < 0)
		return;
	if (uv_poll_init(gate->loop, &turns->rung, turns->bells) != 0) {
		close(turns->bells);
		turns->bells = -1;
		return;
	}
	uv_poll_start(&turns->rung, UV_READABLE, on_rung);
	uv_prepare_start(&turns->look, on_look);
	uv_unref((uv_handle_t *)&turns->rung);
	uv_unref((uv_handle_t *)&turns->look);
}

void turns_stop(struct turns *turns)
{
	uv_close((uv_handle_t *)&turns->look, NULL);
	uv_close((uv_handle_t *)&turns->awake, NULL);
	if (turns->bells < 0)
		return;
	uv_close((uv_handle_t *)&turns->rung, NULL);
	close(turns->bells);
	turns->bells = -1;
}
