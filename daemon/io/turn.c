/* SPDX-License-Identifier: Apache-2.0 */
/* The main loop: looking at rings, yielding, sleeping, and giving sockets and libuv their turn. */
#include "daemon/io/turn.h"

#include <mach/clock_types.h>
#include <sched.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "daemon/io/channel.h"
#include "daemon/io/gate.h"
#include "daemon/io/ring.h"

#define BELLS_AT_ONCE 64
#define EVENTS_BESIDE 1	    /* of sockets between two looks at the rings */
#define POLL_EVERY_NS 20000 /* how long sockets and timers wait while rings are busy */

#define HOT_MISSES 3  /* after so many misses in a row, see hear_soon(), */
#define HOT_AGAIN  16 /* it is tried only every so many times */

#define FAR_NS 5000 /* how long a frame from another CPU is awaited without yielding */

#define QUIET_NS 200000 /* a ring without a frame for so long goes to sleep */

#define LATELY_NS 10000000 /* who was answered within that may not have run again yet */

/* Rings becoming active and going to sleep. */

void turn_activate(struct turns *turns, struct ring *ring)
{
	if (!list_empty(&ring->active))
		return;
	ring->last = uv_hrtime();
	machd_ring_rouse(&ring->in);
	list_append(&turns->active, &ring->active);
}

/*
 * Let a ring sleep: its client will ring the bell. False: a frame has come meanwhile. If the client
 * has an answer unread, nothing is expected from it, bell or not, until it is sent.
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

/* Look at each active ring once. Returns whether a frame came. */
static bool look_once(struct turns *turns, uint64_t now)
{
	unsigned left = count_active(turns);
	struct ring *ring;
	bool came = false;

	pace_looked(&turns->pace, now);
	/* All stay on the list meanwhile: order.h looks for earlier messages there. */
	while (left-- && (ring = list_first(&turns->active, struct ring, active))) {
		list_remove(&ring->active);
		list_append(&turns->active, &ring->active);
		if (ring_waits(ring, now))
			continue;
		if (ring_serve(ring)) {
			came = true;
			gate_settle(turns->gate); /* may free it */
		} else if (now > ring->last && now - ring->last > QUIET_NS) {
			put_to_sleep(ring);
		}
	}
	return came;
}

/*
 * Run paced jobs (pace.h): one, or all that fit into a turn. Returns whether there was any.
 */
static bool serve_paced(struct turns *turns)
{
	struct pace *pace = &turns->pace;
	uint64_t start = uv_hrtime(), end;
	struct pace_job *job = pace_next(pace, start);
	bool any = job != NULL;

	while (job) {
		struct pace_payer *payer = job->payer;

		job->run(job);
		end = uv_hrtime();
		pace_held(pace, payer, end - start, end);
		start = end;
		job = pace_turn(pace) ? pace_next(pace, start) : NULL;
	}
	return any;
}

/* Yield the CPU; returns the time after that. */
static uint64_t give_way(struct turns *turns, uint64_t now)
{
	uint64_t after;

	sched_yield();
	after = uv_hrtime();
	machd_wait_yielded(&turns->wait, now, after);
	return after;
}

/*
 * While yielding is paused (protocol/wait.h): may the loop keep looking, for the client on another
 * CPU that was answered last? *now becomes the current time.
 */
static bool looks_on(struct turns *turns, uint64_t *now)
{
	if (turns->idle < turns->last) /* the time that waking the client took does not count */
		turns->idle = *now;
	if (!turns->far || !machd_wait_looks(&turns->wait, turns->idle, *now))
		return false;
	*now = uv_hrtime();
	return true;
}

/*
 * Do calls go between two channels only, and does the daemon wait for a client on another CPU? Then
 * the client on this CPU waits for that one, too, and a yield to it would cost two context switches
 * for nothing.
 */
static bool awaits_far(const struct turns *turns, uint64_t now)
{
	return turns->far && slice_between_two(&turns->slice, now) && now - turns->last < FAR_NS;
}

/*
 * Look at the rings again and again. False: all are asleep. True: sockets and libuv must have their
 * turn. The clock is read when a frame is fed and for each yield, not more often.
 */
static bool look_on(struct turns *turns)
{
	uint64_t start = uv_hrtime(), now = start;
	bool fresh = true;

	do {
		bool came = look_once(turns, now);

		now = came ? turns->last : fresh ? now : uv_hrtime();
		fresh = !came;
		if (pace_waits(&turns->pace) && serve_paced(turns))
			now = uv_hrtime();
		else if (!came && machd_wait_yields(&turns->wait, turns->last, now))
			now = awaits_far(turns, now) ? uv_hrtime() : give_way(turns, now);
		else if (!came && !looks_on(turns, &now) && all_asleep(turns))
			return false;
		if (trap_has_pages(turns->gate->host))
			pages_make(&turns->pages, turns->last, now, 1);
		if (list_empty(&turns->active) || pace_turn(&turns->pace))
			break;
	} while (!turns->more && now - start < POLL_EVERY_NS);
	return !list_empty(&turns->active);
}

/* Bells: eventfds in an edge-triggered epoll, which need not be read. */

bool turn_watch(struct turns *turns, struct ring *ring)
{
	struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.ptr = ring};

	turns->count++;
	return epoll_ctl(turns->bells, EPOLL_CTL_ADD, ring->bell, &event) == 0;
}

void turn_forget(struct turns *turns, struct ring *ring)
{
	/* The client has the eventfd open, too: closing ours would not take it out of the epoll. */
	epoll_ctl(turns->bells, EPOLL_CTL_DEL, ring->bell, NULL);
	turns->count--;
}

/* Wait up to `timeout` ms for bells; returns the number of events. *events: one of sockets. */
static int hear_bells(struct turns *turns, int timeout, bool *events)
{
	struct epoll_event rung[BELLS_AT_ONCE];
	int count = epoll_wait(turns->bells, rung, BELLS_AT_ONCE, timeout);

	*events = false;
	for (int i = 0; i < count; i++) {
		if (rung[i].data.ptr)
			turn_activate(turns, rung[i].data.ptr);
		else
			*events = true;
	}
	return count;
}

void turn_hear(struct turns *turns)
{
	bool events; /* unused: the epoll is level-triggered for sockets */

	while (hear_bells(turns, 0, &events) == BELLS_AT_ONCE)
		continue;
}

/* The loop. */

/*
 * Wait up to `timeout` ms for bells, sockets and libuv, and handle events of sockets. *libuv: it
 * has something to do. Returns whether anything came.
 */
static bool hear_all(struct turns *turns, int timeout, bool *libuv)
{
	bool events = true, heard = false;
	int most, count = 0;

	*libuv = false;
	if (turns->count) {
		heard = hear_bells(turns, timeout, &events) > 0;
		timeout = 0;
	}
	if (turns_quiet(turns))
		pace_looked(&turns->pace, uv_hrtime());
	most = turns_quiet(turns) || pace_turn(&turns->pace) ? EVENTS_AT_ONCE : EVENTS_BESIDE;
	if (events)
		count = events_hear(&turns->events, timeout, most, libuv);
	if (count == 0 && pace_turn(&turns->pace))
		pace_end_turn(&turns->pace, uv_hrtime());
	/* After an event that was put off the next ones are likely to be, too: rings come first. */
	turns->more = count >= most && !turns->events.put_off;
	return count > 0 || heard;
}

/*
 * Nobody calls, and so other work is done. But a client that was answered just before may wait for
 * this CPU: without a yield now and then it would get it only when no other work is left.
 */
static void let_callers_run(struct turns *turns)
{
	uint64_t now;

	if (!turns->count || !turns_quiet(turns) || pace_turn(&turns->pace))
		return;
	now = uv_hrtime();
	if (now < turns->last + LATELY_NS && machd_wait_yields(&turns->wait, now, now))
		give_way(turns, now);
}

/* How long the loop may block, in ms: until libuv has something to do; -1: for ever. */
static int time_to_sleep(struct turns *turns)
{
	uv_loop_t *loop = turns->gate->loop;
	int timeout;

	uv_update_time(loop);
	if (turns->activity)
		turns->activity(turns->activity_context);
	/* Of a loop without handles uv_backend_timeout() returns 0. */
	timeout = uv_loop_alive(loop) ? uv_backend_timeout(loop) : -1;
	if (timeout != 0 && trap_has_pages(turns->gate->host))
		timeout = pages_beside(turns->last, uv_hrtime()) ? 1 : 0;
	return timeout;
}

/*
 * A client that was answered on its socket often sends again at once. If it is on this CPU it does
 * so while the daemon yields once, and then neither has to sleep and be woken. Returns whether
 * something came from it.
 */
static bool hear_soon(struct turns *turns, uint64_t now)
{
	struct event *event = turns->hot;
	uint64_t fed = turns->gate->now;

	turns->hot = NULL;
	if (!event || !machd_wait_yields(&turns->wait, now, now) ||
	    (turns->missed >= HOT_MISSES && ++turns->skipped % HOT_AGAIN))
		return false;
	give_way(turns, now);
	event_try(&turns->events, event);
	turns->missed = turns->gate->now == fed ? turns->missed + 1 : 0;
	return turns->missed == 0;
}

/*
 * hear_soon(), if nothing else is to be done. True: something came, and other sockets may wait, but
 * for no longer than POLL_EVERY_NS. *awake: the loop must not block.
 */
static bool hear_one(struct turns *turns, bool *awake)
{
	uint64_t now = uv_hrtime();

	if (*awake || pace_waits(&turns->pace) || trap_has_pages(turns->gate->host))
		return false;
	*awake = hear_soon(turns, now);
	if (*awake && now - turns->heard < POLL_EVERY_NS)
		return true;
	turns->heard = now;
	return false;
}

void turns_once(struct turns *turns, bool wait)
{
	bool turn = pace_turn(&turns->pace); /* a turn is finished before rings are looked at */
	bool awake = turn || (!list_empty(&turns->active) && look_on(turns)) || !wait;
	bool heard, libuv;
	int timeout;

	if (turns->hot && hear_one(turns, &awake))
		return;
	timeout = time_to_sleep(turns);
	if (pace_waits(&turns->pace)) {
		if (turn || turns_quiet(turns))
			serve_paced(turns);
		awake = true;
	}

	heard = hear_all(turns, awake ? 0 : timeout, &libuv);
	let_callers_run(turns);
	if (libuv || timeout == 0 || (!awake && !heard))
		uv_run(turns->gate->loop, UV_RUN_NOWAIT);
	if (trap_has_pages(turns->gate->host))
		pages_make(&turns->pages, turns->last, uv_hrtime(), PAGES_AT_ONCE);
}

void turns_run(struct turns *turns)
{
	while (!turns->stop)
		turns_once(turns, true);
}

void turns_end(struct turns *turns)
{
	turns->stop = true;
	uv_stop(turns->gate->loop);
}

/* Beginning and end. */

void turns_set_spin(struct turns *turns, unsigned us)
{
	turns->wait.spin = us * NSEC_PER_USEC;
}

bool turns_start(struct turns *turns, struct gate *gate)
{
	struct epoll_event events = {.events = EPOLLIN};

	turns->gate = gate;
	turns->pages = (struct pages){.gate = gate};
	turns_set_spin(turns, MACHD_SPIN_US_DEFAULT);
	list_init(&turns->active);
	turns->bells = epoll_create1(EPOLL_CLOEXEC);
	pace_init(&turns->pace);
	slice_init(&turns->slice);
	if (events_start(&turns->events, &turns->pace) && turns->bells >= 0 &&
	    event_add_other(&turns->events, uv_backend_fd(gate->loop)) == 0 &&
	    epoll_ctl(turns->bells, EPOLL_CTL_ADD, turns->events.epoll, &events) == 0)
		return true;
	turns_stop(turns);
	return false;
}

void turns_stop(struct turns *turns)
{
	events_stop(&turns->events);
	if (turns->bells >= 0)
		close(turns->bells);
	turns->bells = -1;
	pace_free(&turns->pace);
}
