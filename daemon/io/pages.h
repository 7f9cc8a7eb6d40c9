/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pages for watchers (daemon/watch) are made in slices. While others are served slices are rare: a
 * message waits for one at most, and few do; and the watcher, which competes for the CPU while it
 * reads the pages, gets little to do at a time.
 */
#pragma once

#include <mach/clock_types.h>
#include <stdbool.h>
#include <stdint.h>

#define PAGES_AT_ONCE 8		    /* slices, when nobody else is served, or to catch up */
#define PAGES_BUSY_NS NSEC_PER_MSEC /* others count as being served for so long after a frame */

struct gate;

struct pages {
	struct gate *gate;
	uint64_t made; /* time up to which slices have been made, ns */
};

/* Are others served? `last`: when their last frame came, in ns like `now`. */
static inline bool pages_beside(uint64_t last, uint64_t now)
{
	return now < last + PAGES_BUSY_NS;
}

/* Make the slices that are due, up to `most` if others are served. */
void pages_make(struct pages *pages, uint64_t last, uint64_t now, unsigned most);
