/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How to wait for the other end of a ring: look, sched_yield(), look again, and after a while
 * sleep. Only the policy is here; the callers read the clock, yield and sleep.
 *
 * Busy CPUs. A yield can then give away a whole time slice. After such a long yield there is no
 * yielding for a while, and the pause doubles as long as yields stay long. During the pause a wait
 * for a peer on the same CPU sleeps at once. With a peer on another CPU the wake-up is the most
 * expensive part, for both: there the waiter keeps looking (without yielding) for as long as the
 * wake-ups of a whole call take, unless that was in vain a few times in a row. If it looked for
 * less, a delay that has put both ends and the daemon to sleep would go on: each would be asleep
 * again before the other two are awake.
 *
 * Shared yields. A yield that lasts longer than the shortest one seen gave the CPU to somebody with
 * work to do. If the daemon is on that CPU, every client that yields there delays it by two context
 * switches, while waking a sleeper is cheap: such a client yields a few times only. On another CPU
 * being woken costs more. A client that waited in vain yields less the next time, in the end not at
 * all, and tries again once in a while.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define MACHD_SPIN_US_DEFAULT 50
#define MACHD_SPIN_US_MAX     1000

#define MACHD_WAIT_LONG_NS  UINT64_C(1000000)	 /* a yield that gave the CPU to somebody busy */
#define MACHD_WAIT_TIMES    16			 /* length of the pause, in long yields */
#define MACHD_WAIT_QUIET_NS UINT64_C(1000000000) /* the longest pause */

#define MACHD_WAIT_LOOK_NS 300000 /* at most: four wake-ups from another CPU, and a bit */
#define MACHD_WAIT_LOOKS   6	  /* at most so many times as long as `spin` */
#define MACHD_WAIT_UNSEEN  3	  /* consecutive waits that may look in vain */

#define MACHD_WAIT_SWITCH_NS 2000 /* the cost of a shared yield itself */
#define MACHD_WAIT_SHARED    4	  /* shared yields in a wait; halved after each wait in vain */
#define MACHD_WAIT_AGAIN     16	  /* at 0 of them, every so many waits all are allowed again */

/* All times in ns of one clock. Zeroed at first, but for `spin`. */
struct machd_wait {
	uint64_t spin;	      /* how long to yield before sleeping; 0: sleep at once */
	uint64_t quiet_until; /* end of the pause: no yielding before */
	uint64_t quiet;	      /* length of the last pause; 0: there was none */
	uint64_t least;	      /* the shortest yield so far: nobody else wanted the CPU */
	unsigned vain;	      /* consecutive waits with shared yields in vain */
	unsigned at_once;     /* waits that were allowed no shared yield */
	unsigned shared;      /* shared yields of this wait */
	unsigned patience;    /* how many more this wait may have on the daemon's CPU */
	uint64_t since;	      /* start of the last wait that asked machd_wait_looks() */
	unsigned unseen;      /* consecutive waits that looked in vain */
	unsigned blind;	      /* waits that were not allowed to look */
	bool looks;	      /* this wait may still look */
};

/* May a wait that began at `since` still yield? */
static inline bool machd_wait_yields(const struct machd_wait *wait, uint64_t since, uint64_t now)
{
	return now - since < wait->spin && now >= wait->quiet_until;
}

/* A long yield began at `before` and took `spent`: pause, longer than last time if that was soon.
 */
static inline void machd_wait_long(struct machd_wait *wait, uint64_t before, uint64_t spent)
{
	uint64_t calm = before - wait->quiet_until;

	if (calm >= MACHD_WAIT_TIMES * spent)
		wait->quiet = 0;
	else if (calm < 10 * spent && wait->quiet)
		wait->quiet *= 2;
	else
		wait->quiet = MACHD_WAIT_TIMES * spent;
	if (wait->quiet > MACHD_WAIT_QUIET_NS)
		wait->quiet = MACHD_WAIT_QUIET_NS;
	wait->quiet_until = before + spent + wait->quiet;
}

/* A yield lasted from `before` to `after`. */
static inline void machd_wait_yielded(struct machd_wait *wait, uint64_t before, uint64_t after)
{
	if (after - before >= MACHD_WAIT_LONG_NS)
		machd_wait_long(wait, before, after - before);
}

/*
 * May a wait that began at `since`, for a peer on another CPU, and that may not yield, keep
 * looking? When such waits are always in vain, one in MACHD_WAIT_AGAIN may.
 */
static inline bool machd_wait_looks(struct machd_wait *wait, uint64_t since, uint64_t now)
{
	uint64_t longest = MACHD_WAIT_LOOKS * wait->spin;
	uint64_t most = longest < MACHD_WAIT_LOOK_NS ? longest : MACHD_WAIT_LOOK_NS;

	if (now >= wait->quiet_until)
		return false;
	if (wait->since != since) {
		if (wait->looks) /* the last one did to its end */
			wait->unseen = 0;
		wait->since = since;
		wait->looks =
			wait->unseen < MACHD_WAIT_UNSEEN || ++wait->blind % MACHD_WAIT_AGAIN == 0;
	}
	if (wait->looks && now - since >= most) {
		wait->looks = false;
		wait->unseen++;
	}
	return wait->looks;
}

/* The rest is for clients, of which several may share a CPU. A wait begins. */
static inline void machd_wait_begin(struct machd_wait *wait)
{
	wait->shared = 0;
	wait->patience = MACHD_WAIT_SHARED >> wait->vain;
	if (wait->patience == 0 && ++wait->at_once % MACHD_WAIT_AGAIN == 0)
		wait->patience = MACHD_WAIT_SHARED;
}

/*
 * A yield of the wait took `spent`; `near`: on the daemon's CPU. Returns how much of that others
 * used, which does not count against the wait's time.
 */
static inline uint64_t machd_wait_shares(struct machd_wait *wait, uint64_t spent, bool near)
{
	if (wait->least == 0 || spent < wait->least)
		wait->least = spent;
	if (spent < 2 * wait->least || spent >= wait->spin)
		return 0;
	wait->shared++;
	if (near && wait->patience > 0)
		wait->patience--;
	return spent > MACHD_WAIT_SWITCH_NS ? spent - MACHD_WAIT_SWITCH_NS : 0;
}

/* The wait ends: something came, or the client goes to sleep. */
static inline void machd_wait_end(struct machd_wait *wait, bool came)
{
	if (came)
		wait->vain = 0;
	else if (wait->shared && MACHD_WAIT_SHARED >> wait->vain)
		wait->vain++;
}
