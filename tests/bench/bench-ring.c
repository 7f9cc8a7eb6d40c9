/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bare ring relay, the other yardstick: what it costs to pass messages through a third process
 * if all share memory. Everybody waits like machd: yields for a while, then sleeps on a futex. With
 * BENCH_SLEEP in the environment everybody sleeps at once.
 */
#include <stdlib.h>
#include <string.h>

#include "protocol/wait.h"
#include "tests/bench/peer.h"
#include "tests/bench/ring.h"

/* To and from the relay: those of the clients, then those of the services. */
static struct ring *up, *down;

__attribute__((noreturn)) static void relay(const struct bench_case *run)
{
	unsigned count = run->clients + run->services, to;
	char *buffer = bench_alloc(BENCH_SIZE_MAX);

	for (;;) {
		ring_wait(up, count);
		for (unsigned i = 0; i < count; i++)
			while (ring_ready(&up[i])) {
				size_t size = ring_take(&up[i], buffer);

				if (i < run->clients) {
					memcpy(buffer, &i, sizeof i);
					to = run->clients + i % run->services;
				} else {
					memcpy(&to, buffer, sizeof to);
				}
				ring_put(&down[to], buffer, size);
			}
	}
}

static pid_t start(const struct bench_case *run)
{
	unsigned count = run->clients + run->services;
	struct bell *bells = bell_new(count + 1);
	pid_t broker;

	ring_patience(getenv("BENCH_SLEEP") ? 0 : MACHD_SPIN_US_DEFAULT * UINT64_C(1000));
	up = ring_new(count);
	down = ring_new(count);
	for (unsigned i = 0; i < count; i++) {
		up[i].ready = &bells[count];
		down[i].ready = &bells[i];
	}
	broker = bench_fork();
	if (broker == 0)
		relay(run);
	return broker;
}

static void serve(const struct bench_case *run, unsigned number)
{
	unsigned me = run->clients + number;
	char *buffer = bench_alloc(BENCH_SIZE_MAX);

	bench_ready();
	for (;;)
		ring_put(&up[me], buffer, ring_take(&down[me], buffer));
}

struct party {
	struct ring *up, *down;
	char buffer[BENCH_SIZE_MAX];
};

static void *open_party(unsigned number)
{
	struct party *party = bench_alloc(sizeof *party);

	party->up = &up[number];
	party->down = &down[number];
	return party;
}

static void *open_client(const struct bench_case *run, unsigned number)
{
	(void)run;
	return open_party(number);
}

static void receive(void *argument, size_t size)
{
	struct party *party = argument;

	if (ring_take(party->down, party->buffer) != size)
		bench_die("a message of another size");
}

static void call(void *argument, size_t size)
{
	struct party *party = argument;

	ring_put(party->up, party->buffer, size);
	receive(party, size);
}

static void *open_sink(const struct bench_case *run)
{
	return open_party(run->clients);
}

static void source(const struct bench_case *run)
{
	char *buffer = bench_alloc(run->size);

	for (;;)
		ring_put(&up[0], buffer, run->size);
}

int main(int argc, char **argv)
{
	static const struct bench_peer ring = {
		.name = "ring",
		.start = start,
		.serve = serve,
		.open = open_client,
		.call = call,
		.sink = open_sink,
		.receive = receive,
		.source = source,
	};

	return bench_peer_main(argc, argv, &ring);
}
