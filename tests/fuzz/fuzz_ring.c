/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemon's two ends of a ring, and a client that writes into the memory as the input says. Each
 * end must stay within the memory, which ends where it ends, and take no more steps than there are
 * records.
 */
#include <stdatomic.h>
#include <string.h>

#include "protocol/ring.h"
#include "tests/fuzz/fuzz.h"

struct world {
	struct machd_rings *shared;
	struct machd_ring in, out; /* the daemon's */
	struct machd_ring client;  /* writes requests as a good client does */
};

static uint32_t take_word(struct fuzz_script *script)
{
	uint32_t word = 0;

	for (int i = 0; i < 4; i++)
		word = word << 8 | fuzz_take(script);
	return word;
}

/* An index near one that makes sense, or none at all. */
static uint32_t take_index(struct fuzz_script *script, uint32_t near)
{
	unsigned how = fuzz_take(script);

	return how & 1 ? near + 8 * (how >> 1) : take_word(script);
}

/* false: it gives the client up. */
static bool read_one(struct world *world)
{
	static uint8_t bytes[MACHD_RING_SIZE];
	enum machd_ring_state state = machd_ring_look(&world->in);

	if (state != MACHD_RING_READY)
		return state == MACHD_RING_EMPTY;
	FUZZ_CHECK(world->in.record.length <= MACHD_RING_SIZE - sizeof(struct machd_record));
	FUZZ_CHECK(world->in.record.type != MACHD_RECORD_SKIP);
	machd_ring_copy(&world->in, 0, bytes, world->in.record.length);
	machd_ring_consume(&world->in);
	FUZZ_CHECK(world->in.seen - world->in.at <= MACHD_RING_SIZE);
	return true;
}

static bool write_one(struct machd_ring *ring, uint32_t size)
{
	static const uint8_t bytes[MACHD_RING_SIZE];
	enum machd_ring_state state = machd_ring_begin(ring, MACHD_RECORD_FRAME, size);

	if (state == MACHD_RING_READY) {
		machd_ring_add(ring, bytes, size);
		machd_ring_publish(ring);
		FUZZ_CHECK(ring->at - ring->seen <= MACHD_RING_SIZE);
	}
	return state != MACHD_RING_BROKEN;
}

static void write_bytes(struct world *world, struct fuzz_script *script)
{
	uint32_t at = world->in.at + 4 * fuzz_take(script), word = take_word(script);

	for (unsigned i = 0; i < sizeof word; i++)
		world->shared->bytes[0][(at + i) % MACHD_RING_SIZE] = (uint8_t)(word >> 8 * i);
}

/* false: the daemon gives the client up. */
static bool step(struct world *world, struct fuzz_script *script)
{
	struct machd_rings *shared = world->shared;

	switch (fuzz_take(script) % 8) {
	case 0:
		atomic_store(&shared->submission.tail, take_index(script, world->in.at));
		return true;
	case 1:
		atomic_store(&shared->completion.head, take_index(script, world->out.at));
		return true;
	case 2:
		write_bytes(world, script);
		return true;
	case 3:
		write_one(&world->client, take_word(script) % MACHD_RING_SIZE);
		return true;
	case 4:
		atomic_store(&shared->completion.asleep, take_word(script));
		machd_ring_wake(&world->out);
		return true;
	case 5:
		return write_one(&world->out, take_word(script) % (MACHD_FRAME_SIZE_MAX + 1));
	case 6:
		machd_ring_doze(&world->in, MACHD_RING_ASLEEP);
		atomic_store(&shared->submission.asleep, fuzz_take(script));
		machd_ring_rouse(&world->in);
		return true;
	default:
		return read_one(world);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct fuzz_script script = {bytes, bytes + size};
	struct world world = {.shared = aligned_alloc(64, sizeof(struct machd_rings))};

	FUZZ_CHECK(world.shared);
	memset(world.shared, 0, sizeof *world.shared);
	machd_ring_init(&world.in, world.shared, false);
	machd_ring_init(&world.out, world.shared, true);
	machd_ring_init(&world.client, world.shared, false);
	while (script.at < script.end && step(&world, &script))
		;
	free(world.shared);
	return 0;
}
