/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Moves records through a ring: indices, wrapping, and the checks of all that the other end says.
 * Used by daemon/io/ring.c and client/ring.c, which own the memory and do the waiting.
 */
#include "protocol/ring.h"

#include <stdatomic.h>
#include <string.h>

#define ALIGN	   ((uint32_t)sizeof(struct machd_record))
#define MASK	   (MACHD_RING_SIZE - 1u)
#define TURN_FIRST 4096u

_Static_assert((MACHD_RING_SIZE & (MACHD_RING_SIZE - 1)) == 0, "a power of two");
_Static_assert(MACHD_RING_SIZE >= MACHD_FRAME_SIZE_MAX + sizeof(struct machd_record), "a frame");
_Static_assert(sizeof(struct machd_rings) == MACHD_RING_HEAD + 2 * MACHD_RING_SIZE, "layout");
_Static_assert(sizeof(struct machd_record) == 8, "layout");
_Static_assert(sizeof(_Atomic uint32_t) == 4, "no lock hides in it");

void machd_ring_init(struct machd_ring *ring, struct machd_rings *shared, bool completion)
{
	*ring = (struct machd_ring){
		.words = completion ? &shared->completion : &shared->submission,
		.bytes = shared->bytes[completion],
		.turn = TURN_FIRST,
	};
}

/* Space of a record with its header and padding; `length` is less than a ring. */
static uint32_t space_for(uint32_t length)
{
	return ALIGN + ((length + ALIGN - 1) & ~(ALIGN - 1));
}

static bool distance_good(uint32_t distance)
{
	return distance <= MACHD_RING_SIZE && distance % ALIGN == 0;
}

/* Writing. */

/* Read how far the reader is; false: nowhere that it could be. */
static bool refresh_head(struct machd_ring *ring)
{
	uint32_t head = atomic_load_explicit(&ring->words->head, memory_order_acquire);

	if (!distance_good(ring->at - head))
		return false;
	ring->seen = head;
	return true;
}

static void put_record(struct machd_ring *ring, enum machd_record_type type, uint32_t length,
		       uint32_t space)
{
	struct machd_record record = {length, type};

	memcpy(ring->bytes + (ring->next & MASK), &record, sizeof record);
	ring->cursor = ring->next + ALIGN;
	ring->next += space;
}

/*
 * When the ring is empty and used up to ring->turn, start over at its first byte, so that small
 * messages touch little memory. That wastes the space behind `turn`: a writer that then finds too
 * little room doubles it.
 */
static bool turn_early(struct machd_ring *ring, uint32_t space)
{
	uint32_t position = ring->next & MASK;

	if (position < ring->turn || space > position || ring->next != ring->at)
		return true;
	if (!refresh_head(ring))
		return false;
	if (ring->seen == ring->at)
		put_record(ring, MACHD_RECORD_SKIP, MACHD_RING_SIZE - position - ALIGN,
			   MACHD_RING_SIZE - position);
	return true;
}

enum machd_ring_state machd_ring_begin(struct machd_ring *ring, enum machd_record_type type,
				       uint32_t length)
{
	uint32_t space;

	if (length > MACHD_RING_SIZE - ALIGN)
		return MACHD_RING_EMPTY;
	space = space_for(length);
	if (!turn_early(ring, space))
		return MACHD_RING_BROKEN;
	if (MACHD_RING_SIZE - (ring->next - ring->seen) < space) {
		if (!refresh_head(ring))
			return MACHD_RING_BROKEN;
		if (MACHD_RING_SIZE - (ring->next - ring->seen) < space) {
			if (ring->turn < MACHD_RING_SIZE)
				ring->turn *= 2;
			return MACHD_RING_EMPTY;
		}
	}
	put_record(ring, type, length, space);
	return MACHD_RING_READY;
}

static uint32_t in_one_piece(uint32_t index, uint32_t size)
{
	uint32_t rest = MACHD_RING_SIZE - (index & MASK);

	return size < rest ? size : rest;
}

void *machd_ring_room(struct machd_ring *ring, uint32_t *size)
{
	void *room = ring->bytes + (ring->cursor & MASK);

	*size = in_one_piece(ring->cursor, *size);
	ring->cursor += *size;
	return room;
}

void machd_ring_add(struct machd_ring *ring, const void *bytes, uint32_t size)
{
	const uint8_t *from = bytes;

	while (size > 0) {
		uint32_t part = size;
		void *to = machd_ring_room(ring, &part);

		memcpy(to, from, part);
		from += part;
		size -= part;
	}
}

void machd_ring_publish(struct machd_ring *ring)
{
	ring->at = ring->next;
	atomic_store_explicit(&ring->words->tail, ring->at, memory_order_release);
}

void machd_ring_abandon(struct machd_ring *ring)
{
	ring->next = ring->at;
}

/* Reading. */

static bool refresh_tail(struct machd_ring *ring)
{
	uint32_t tail = atomic_load_explicit(&ring->words->tail, memory_order_acquire);

	if (!distance_good(tail - ring->at))
		return false;
	ring->seen = tail;
	return true;
}

/* The record at our index must end before the writer's. */
static bool read_record(struct machd_ring *ring)
{
	memcpy(&ring->record, ring->bytes + (ring->at & MASK), sizeof ring->record);
	if (ring->record.length > MACHD_RING_SIZE - ALIGN ||
	    space_for(ring->record.length) > ring->seen - ring->at)
		return false;
	ring->next = ring->at + space_for(ring->record.length);
	return true;
}

/* Only from somewhere in the ring to its end, so there is one in a round. */
static bool skip_good(const struct machd_ring *ring)
{
	return (ring->at & MASK) != 0 && (ring->next & MASK) == 0;
}

enum machd_ring_state machd_ring_look(struct machd_ring *ring)
{
	while (ring->next == ring->at) {
		if (ring->seen == ring->at) {
			if (!refresh_tail(ring))
				return MACHD_RING_BROKEN;
			if (ring->seen == ring->at)
				return MACHD_RING_EMPTY;
		}
		if (!read_record(ring))
			return MACHD_RING_BROKEN;
		if (ring->record.type == MACHD_RECORD_SKIP) {
			if (!skip_good(ring))
				return MACHD_RING_BROKEN;
			ring->at = ring->next;
		}
	}
	return MACHD_RING_READY;
}

const void *machd_ring_piece(const struct machd_ring *ring, uint32_t offset, uint32_t *size)
{
	uint32_t index = ring->at + ALIGN + offset;

	*size = in_one_piece(index, *size);
	return ring->bytes + (index & MASK);
}

void machd_ring_copy(const struct machd_ring *ring, uint32_t offset, void *to, uint32_t size)
{
	uint8_t *into = to;

	while (size > 0) {
		uint32_t part = size;
		const void *from = machd_ring_piece(ring, offset, &part);

		memcpy(into, from, part);
		into += part;
		offset += part;
		size -= part;
	}
}

void machd_ring_consume(struct machd_ring *ring)
{
	ring->at = ring->next;
	atomic_store_explicit(&ring->words->head, ring->at, memory_order_release);
}

/* Sleeping. Each side writes its own word first and then reads the other's. */

void machd_ring_doze(struct machd_ring *ring, enum machd_ring_sleep how)
{
	atomic_store_explicit(&ring->words->asleep, how, memory_order_seq_cst);
	atomic_thread_fence(memory_order_seq_cst);
}

static enum machd_ring_sleep take_sleep(struct machd_ring *ring)
{
	return (enum machd_ring_sleep)atomic_exchange_explicit(
		&ring->words->asleep, MACHD_RING_AWAKE, memory_order_seq_cst);
}

enum machd_ring_sleep machd_ring_wake(struct machd_ring *ring)
{
	atomic_thread_fence(memory_order_seq_cst);
	if (atomic_load_explicit(&ring->words->asleep, memory_order_relaxed) == MACHD_RING_AWAKE)
		return MACHD_RING_AWAKE;
	return take_sleep(ring);
}

enum machd_ring_sleep machd_ring_rouse(struct machd_ring *ring)
{
	return take_sleep(ring);
}

enum machd_ring_sleep machd_ring_sleeps(const struct machd_ring *ring)
{
	return (enum machd_ring_sleep)atomic_load_explicit(&ring->words->asleep,
							   memory_order_relaxed);
}

void machd_ring_set_cpu(struct machd_ring *ring, uint32_t cpu)
{
	atomic_store_explicit(&ring->words->cpu, cpu, memory_order_relaxed);
}

uint32_t machd_ring_cpu(const struct machd_ring *ring)
{
	return atomic_load_explicit(&ring->words->cpu, memory_order_relaxed);
}
