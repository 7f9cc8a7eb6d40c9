/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How to wait for the other end of a ring: look, give the CPU to others with sched_yield(), look
 * again, and after a while sleep. This is the rule and no more: who waits reads the clock and
 * yields.
 *
 * On a machine whose CPUs are busy a yield can give away a whole time slice; then it is better not
 * to yield, and for a time that doubles as long as yields go on to be long. One that is long once
 * in a while costs less than that. Meanwhile who waits for somebody on the same CPU sleeps at once.
 * With somebody on another CPU it is being woken that costs most, of both: there he goes on to
 * look, for as long as that would take, unless that was in vain a few times.
 *
 * A yield that lasts longer than one that finds nobody is shared: others had work to do. If the
 * daemon is on that CPU, too, each who yields there delays it by two switches, and is woken cheaply
 * when he sleeps: he yields a few times only. Elsewhere it is being woken that costs much. Who
 * waited in vain has less patience the next time, in the end none, and tries again now and then.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define MACHD_SPIN_US_DEFAULT 50
#define MACHD_SPIN_US_MAX     1000

#define MACHD_WAIT_LONG_NS  UINT64_C(1000000)	 /* a yield that gave the CPU to somebody busy */
#define MACHD_WAIT_TIMES    16			 /* no yielding for so many times a long one */
#define MACHD_WAIT_QUIET_NS UINT64_C(1000000000) /* at most */

#define MACHD_WAIT_LOOK_NS 20000 /* about what it costs to be woken from another CPU */
#define MACHD_WAIT_UNSEEN  3	 /* waits, one after the other, that may look in vain */

#define MACHD_WAIT_SWITCH_NS 2000 /* what a shared yield costs by itself */
#define MACHD_WAIT_SHARED    4	  /* shared yields in a wait, halved with each wait in vain */
#define MACHD_WAIT_AGAIN     16	  /* of so many waits without any, one has them all */

/* All times in ns of one clock; 0 to begin with. */
struct machd_wait {
	uint64_t spin;	      /* how long to yield before sleeping; 0: sleep at once */
	uint64_t quiet_until; /* no yielding before */
	uint64_t quiet;	      /* how long the last such time was; 0: there was none */
	uint64_t least;	      /* the shortest yield so far: nobody else wanted the CPU */
	unsigned vain;	      /* waits, one after the other, whose shared yields brought nothing */
	unsigned at_once;     /* waits that had none */
	unsigned shared;      /* such yields of this wait */
	unsigned patience;    /* for more of them on the daemon's CPU */
	uint64_t since;	      /* when the last wait began that could look on */
	unsigned unseen;      /* waits, one after the other, that looked on in vain */
	unsigned blind;	      /* waits that did not */
	bool looks;	      /* this one still does */
};

/* May one who waits since `since` still yield? */
static inline bool machd_wait_yields(const struct machd_wait *wait, uint64_t since, uint64_t now)
{
	return now - since < wait->spin && now >= wait->quiet_until;
}

/* It lasted so long, whoever had the CPU. */
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
 * May one who may not yield go on to look? For who waits since `since`, for somebody on another
 * CPU. When all such waits are in vain, one of many looks.
 */
static inline bool machd_wait_looks(struct machd_wait *wait, uint64_t since, uint64_t now)
{
	uint64_t most = wait->spin < MACHD_WAIT_LOOK_NS ? wait->spin : MACHD_WAIT_LOOK_NS;

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

/* What follows is for who is one of many. A wait begins. */
static inline void machd_wait_begin(struct machd_wait *wait)
{
	wait->shared = 0;
	wait->patience = MACHD_WAIT_SHARED >> wait->vain;
	if (wait->patience == 0 && ++wait->at_once % MACHD_WAIT_AGAIN == 0)
		wait->patience = MACHD_WAIT_SHARED;
}

/*
 * A yield of it lasted so long, on the daemon's CPU or another. Returns how much of that is none of
 * the wait's time: what others made of it.
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

/* It is over: something came, or one sleeps. */
static inline void machd_wait_end(struct machd_wait *wait, bool came)
{
	if (came)
		wait->vain = 0;
	else if (wait->shared && MACHD_WAIT_SHARED >> wait->vain)
		wait->vain++;
}
