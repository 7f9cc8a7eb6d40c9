/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The peers dbus-broker and dbus-daemon (-b says which) with a bare client: what the broker itself
 * can do when its clients cost next to nothing. Calls only.
 */
#include <string.h>
#include <sys/mman.h>

#include "tests/bench/bus.h"
#include "tests/bench/peer.h"

/* The unique names of the services, in memory that all share. */
static char (*names)[32];

static pid_t start(const struct bench_case *run)
{
	names = mmap(NULL, run->services * sizeof *names, PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (names == MAP_FAILED)
		bench_die("mmap");
	return bus_start(run);
}

static void serve(const struct bench_case *run, unsigned number)
{
	struct bus_client *service = bus_connect();
	char *bytes = bench_alloc(BENCH_SIZE_MAX), sender[32];
	uint32_t serial;

	memcpy(names[number], service->name, sizeof *names);
	bench_ready();
	for (;;) {
		serial = bus_next(service, BUS_CALL, sender);
		bus_send(service, BUS_RETURN, serial, sender, bytes, (uint32_t)run->size);
	}
}

struct party {
	struct bus_client *bus;
	const char *service;
	uint32_t serial;
	char buffer[BENCH_SIZE_MAX];
};

static void *open_client(const struct bench_case *run, unsigned number)
{
	struct party *party = bench_alloc(sizeof *party);

	party->bus = bus_connect();
	party->service = names[number % run->services];
	return party;
}

static void call(void *argument, size_t size)
{
	struct party *party = argument;

	bus_send(party->bus, BUS_CALL, ++party->serial, party->service, party->buffer,
		 (uint32_t)size);
	if (bus_next(party->bus, BUS_RETURN, NULL) != party->serial)
		bench_die("the return of another call");
}

int main(int argc, char **argv)
{
	static const struct bench_peer dbus = {
		.name = "dbus-broker-bare",
		.start = start,
		.serve = serve,
		.open = open_client,
		.call = call,
	};

	return bench_peer_main(argc, argv, &dbus);
}
