/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How to wait for the other end of a ring: look, give the CPU to others with sched_yield(), look
 * again, and after a while sleep. On a machine whose CPUs are busy a yield can give away a whole
 * time slice; then it is better to sleep at once, and for a time that doubles as long as yields go
 * on to be long. This is the rule and no more: who waits reads the clock and yields.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define MACHD_SPIN_US_DEFAULT 50
#define MACHD_SPIN_US_MAX     1000

#define MACHD_WAIT_LONG_NS  UINT64_C(1000000)	 /* a yield that gave the CPU to somebody busy */
#define MACHD_WAIT_TIMES    16			 /* no yielding for so many times a long one */
#define MACHD_WAIT_QUIET_NS UINT64_C(1000000000) /* at most */

/* All times in ns of one clock; 0 to begin with. */
struct machd_wait {
	uint64_t spin;	      /* how long to yield before sleeping; 0: sleep at once */
	uint64_t quiet_until; /* no yielding before */
	uint64_t quiet;	      /* how long the last such time was */
};

/* May one who waits since `since` still yield? */
static inline bool machd_wait_yields(const struct machd_wait *wait, uint64_t since, uint64_t now)
{
	return now - since < wait->spin && now >= wait->quiet_until;
}

/* A yield lasted from `before` to `after`. */
static inline void machd_wait_yielded(struct machd_wait *wait, uint64_t before, uint64_t after)
{
	uint64_t spent = after - before;
	bool again = before < wait->quiet_until + 10 * spent;

	if (spent < MACHD_WAIT_LONG_NS)
		return;
	wait->quiet = again && wait->quiet ? 2 * wait->quiet : MACHD_WAIT_TIMES * spent;
	if (wait->quiet > MACHD_WAIT_QUIET_NS)
		wait->quiet = MACHD_WAIT_QUIET_NS;
	wait->quiet_until = after + wait->quiet;
}
