/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The peers dbus-broker and dbus-daemon (-b says which) with clients of sd-bus. One way: signals to
 * one receiver; a call after each few hundred keeps them from piling up in the broker.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>

#include "tests/bench/bus.h"
#include "tests/bench/peer.h"

#define OBJECT "/org/machd/Bench"
#define FACE   "org.machd.Bench"

static void ok(int result, const char *what)
{
	if (result >= 0)
		return;
	fprintf(stderr, "%s: %s\n", what, strerror(-result));
	exit(1);
}

/* A connection, and for a client the service that it calls. */
struct party {
	sd_bus *bus;
	char service[32];
	char buffer[BENCH_SIZE_MAX];
	bool ticked;
};

static struct party *attach(unsigned service)
{
	struct party *party = bench_alloc(sizeof *party);

	ok(sd_bus_new(&party->bus), "sd_bus_new");
	ok(sd_bus_set_address(party->bus, bus_address()), "set_address");
	ok(sd_bus_set_bus_client(party->bus, true), "set_bus_client");
	ok(sd_bus_start(party->bus), "start");
	snprintf(party->service, sizeof party->service, FACE ".S%u", service);
	return party;
}

/* Answer a call with the bytes it brought; note a signal. */
static int on_message(sd_bus_message *message, void *argument, sd_bus_error *error)
{
	sd_bus_message *reply = NULL;
	struct party *party = argument;
	const void *bytes;
	size_t size;

	(void)error;
	if (sd_bus_message_is_signal(message, NULL, "Tick")) {
		party->ticked = true;
		return 1;
	}
	if (!sd_bus_message_is_method_call(message, NULL, "Echo"))
		return 0;
	ok(sd_bus_message_read_array(message, 'y', &bytes, &size), "read_array");
	ok(sd_bus_message_new_method_return(message, &reply), "new_method_return");
	ok(sd_bus_message_append_array(reply, 'y', bytes, size), "append_array");
	ok(sd_bus_send(NULL, reply, NULL), "send");
	sd_bus_message_unref(reply);
	return 1;
}

static struct party *own_name(unsigned number)
{
	struct party *party = attach(number);

	ok(sd_bus_add_filter(party->bus, NULL, on_message, party), "add_filter");
	ok(sd_bus_request_name(party->bus, party->service, 0), "request_name");
	return party;
}

static void turn(struct party *party)
{
	int done = sd_bus_process(party->bus, NULL);

	ok(done, "process");
	if (done == 0)
		ok(sd_bus_wait(party->bus, UINT64_MAX), "wait");
}

static void serve(const struct bench_case *run, unsigned number)
{
	struct party *party = own_name(number);

	(void)run;
	bench_ready();
	for (;;)
		turn(party);
}

static void *open_client(const struct bench_case *run, unsigned number)
{
	return attach(number % run->services);
}

static void call(void *argument, size_t size)
{
	struct party *party = argument;
	sd_bus_message *request = NULL, *reply = NULL;
	const void *bytes;
	size_t got;

	ok(sd_bus_message_new_method_call(party->bus, &request, party->service, OBJECT, FACE,
					  "Echo"),
	   "new_method_call");
	ok(sd_bus_message_append_array(request, 'y', party->buffer, size), "append_array");
	ok(sd_bus_call(party->bus, request, 0, NULL, &reply), "call");
	ok(sd_bus_message_read_array(reply, 'y', &bytes, &got), "read_array");
	sd_bus_message_unref(request);
	sd_bus_message_unref(reply);
}

static void tick(struct party *party, size_t size)
{
	sd_bus_message *signal = NULL;

	ok(sd_bus_message_new_signal(party->bus, &signal, OBJECT, FACE, "Tick"), "new_signal");
	ok(sd_bus_message_set_destination(signal, party->service), "set_destination");
	ok(sd_bus_message_append_array(signal, 'y', party->buffer, size), "append_array");
	ok(sd_bus_send(party->bus, signal, NULL), "send");
	sd_bus_message_unref(signal);
}

static void *open_sink(const struct bench_case *run)
{
	(void)run;
	return own_name(0);
}

static void receive(void *argument, size_t size)
{
	struct party *party = argument;

	(void)size;
	for (party->ticked = false; !party->ticked;)
		turn(party);
}

static void source(const struct bench_case *run)
{
	struct party *party = attach(0);
	long few = run->size > 4096 ? 100 : 1000;

	for (long i = 1;; i++) {
		tick(party, run->size);
		if (i % few == 0)
			call(party, 1);
	}
}

int main(int argc, char **argv)
{
	static const struct bench_peer dbus = {
		.name = "dbus-broker",
		.start = bus_start,
		.serve = serve,
		.open = open_client,
		.call = call,
		.sink = open_sink,
		.receive = receive,
		.source = source,
	};

	return bench_peer_main(argc, argv, &dbus);
}
