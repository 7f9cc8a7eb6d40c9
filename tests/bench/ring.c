/* SPDX-License-Identifier: Apache-2.0 */
/* Rings as bare as can be: see ring.h. */
#include "tests/bench/ring.h"

#include <linux/futex.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "protocol/wait.h"
#include "tests/bench/bench.h"

#define PAD UINT32_MAX /* in a size's place: go on at the ring's start */

static uint64_t patience;
static _Thread_local struct machd_wait wait;

void ring_patience(uint64_t yield)
{
	patience = yield;
}

static void *shared(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		bench_die("mmap");
	return memory;
}

struct ring *ring_new(size_t count)
{
	return shared(count * sizeof(struct ring));
}

struct bell *bell_new(size_t count)
{
	return shared(count * sizeof(struct bell));
}

static void ring_bell(struct bell *bell)
{
	atomic_thread_fence(memory_order_seq_cst);
	if (!atomic_load(&bell->asleep) || !atomic_exchange(&bell->asleep, 0))
		return;
	atomic_fetch_add(&bell->rung, 1);
	syscall(SYS_futex, &bell->rung, FUTEX_WAKE, 1, NULL, NULL, 0);
}

/* The time after it. */
static uint64_t give_way(uint64_t before)
{
	uint64_t after;

	sched_yield();
	after = bench_now();
	machd_wait_yielded(&wait, before, after);
	return after;
}

/* What is waited for: something in one of `count` rings, or `need` bytes of room in one. */
struct wish {
	struct ring *rings;
	size_t count, need;
};

static bool has_room(const struct ring *ring, size_t need)
{
	return RING_SIZE - (atomic_load(&ring->tail) - atomic_load(&ring->head)) >= need;
}

static bool fulfilled(const struct wish *wish)
{
	if (wish->need)
		return has_room(wish->rings, wish->need);
	for (size_t i = 0; i < wish->count; i++)
		if (ring_ready(&wish->rings[i]))
			return true;
	return false;
}

static void wait_at(struct bell *bell, const struct wish *wish)
{
	uint64_t start, now;

	if (fulfilled(wish))
		return;
	if (patience && !wish->need) {
		wait.spin = patience;
		start = now = bench_now();
		while (machd_wait_yields(&wait, start, now)) {
			now = give_way(now);
			if (fulfilled(wish))
				return;
		}
	}
	for (;;) {
		uint32_t rung = atomic_load(&bell->rung);

		atomic_store(&bell->asleep, 1);
		if (fulfilled(wish))
			break;
		syscall(SYS_futex, &bell->rung, FUTEX_WAIT, rung, NULL, NULL, 0);
	}
	atomic_store(&bell->asleep, 0);
}

bool ring_ready(const struct ring *ring)
{
	return atomic_load(&ring->tail) != atomic_load(&ring->head);
}

void ring_wait(struct ring *rings, size_t count)
{
	wait_at(rings[0].ready, &(struct wish){.rings = rings, .count = count});
}

void ring_put(struct ring *ring, const void *message, size_t size)
{
	uint64_t tail = atomic_load(&ring->tail), at = tail % RING_SIZE;
	size_t need = (sizeof(uint64_t) + size + 7) & ~(size_t)7, skip = 0;
	uint32_t head = (uint32_t)size, pad = PAD;

	if (at + need > RING_SIZE)
		skip = RING_SIZE - at;
	wait_at(&ring->room, &(struct wish){.rings = ring, .need = need + skip});
	if (skip)
		memcpy(ring->data + at, &pad, sizeof pad);
	at = (at + skip) % RING_SIZE;
	memcpy(ring->data + at, &head, sizeof head);
	memcpy(ring->data + at + sizeof(uint64_t), message, size);
	atomic_store(&ring->tail, tail + skip + need);
	ring_bell(ring->ready);
}

size_t ring_take(struct ring *ring, void *message)
{
	uint64_t head, at;
	uint32_t size;

	ring_wait(ring, 1);
	head = atomic_load(&ring->head);
	at = head % RING_SIZE;
	memcpy(&size, ring->data + at, sizeof size);
	if (size == PAD) {
		head += RING_SIZE - at;
		at = 0;
		memcpy(&size, ring->data, sizeof size);
	}
	memcpy(message, ring->data + at + sizeof(uint64_t), size);
	atomic_store(&ring->head, head + ((sizeof(uint64_t) + size + 7) & ~(size_t)7));
	ring_bell(&ring->room);
	return size;
}
