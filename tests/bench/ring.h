/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rings for one producer and one consumer in memory that processes share, as bare as can be: nobody
 * checks what stands in them. A bell costs a system call only if somebody sleeps beside it.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RING_SIZE (256u * 1024) /* a power of two */

struct bell {
	_Alignas(64) _Atomic uint32_t rung;
	_Atomic uint32_t asleep;
};

struct ring {
	_Alignas(64) _Atomic uint64_t tail; /* written by the producer */
	_Alignas(64) _Atomic uint64_t head; /* written by the consumer */
	struct bell *ready;		    /* rung when there is something */
	struct bell room;		    /* rung when there is room */
	_Alignas(64) char data[RING_SIZE];
};

/* In memory that is shared with children. A ring's bell is set by the caller. */
struct ring *ring_new(size_t count);
struct bell *bell_new(size_t count);

/*
 * How this process and its children wait: they yield for so many ns, as protocol/wait.h says of who
 * is the only one, before they sleep.
 */
void ring_patience(uint64_t yield);

/* Put a message, and wait for room; take one, and wait for it: its size. */
void ring_put(struct ring *ring, const void *message, size_t size);
size_t ring_take(struct ring *ring, void *message);

/* Is there a message? And wait until there is one in any of these, which have one bell. */
bool ring_ready(const struct ring *ring);
void ring_wait(struct ring *rings, size_t count);
