/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The time slice of the daemon's thread: how long the scheduler lets it run before the other
 * threads on its CPU.
 *
 * Since Linux 6.12 a thread may ask for a shorter slice than others. Its share of the CPU stays the
 * same, but its turn comes more often: a thread that yields gives away one slice, and a thread with
 * a shorter slice runs as soon as it is woken. The daemon asks for a third of its slice while it
 * only carries calls between one client and one service on its own CPU, or is on a busy CPU. It has
 * two frames to handle for each one of theirs: with equal slices it would wait until both have
 * yielded twice, with a third it runs between any two of their turns.
 *
 * Otherwise it takes its whole slice. With more channels in use, or with streams of messages, it is
 * better that all of them run first, and that the daemon handles their frames at once. With one of
 * the two on another CPU the daemon does not yield while it waits for that one (turn.c), and then
 * the other one's turn shall come with the first yield.
 *
 * On an older kernel, or under a filter that refuses sched_setattr(), nothing here has an effect.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* The slice of one thread. The threads and processes that it starts do not inherit a short one. */
struct slice {
	uint64_t whole;	    /* ns; 0: it cannot be changed */
	uint64_t crowded;   /* last time of a frame from a third channel, or of a stream */
	uint64_t apart;	    /* last time that the daemon waited for a client on another CPU */
	const void *two[2]; /* the channels the last frames came from, the later one first */
	bool shortened;
};

/* Read the calling thread's slice. */
void slice_init(struct slice *slice);

/*
 * A frame came from a channel at `now`, in ns: a call, or a message of a stream. `apart`: the
 * client that the daemon answered last is on another CPU, and yielding is not paused.
 */
void slice_note(struct slice *slice, const void *channel, bool streams, bool apart, uint64_t now);

/* Have only calls of two channels come for a while? */
bool slice_between_two(const struct slice *slice, uint64_t now);
