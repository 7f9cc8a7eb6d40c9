/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The peer machd: calls to a service whose answers come to a send-once right, and messages in one
 * direction to a port with a long queue. A size is that of the whole message. With -p 1cpu the
 * daemon has that CPU, too. What the environment says of rings and waiting applies to all.
 */
#include <stdio.h>

#include "tests/bench/machd.h"
#include "tests/bench/peer.h"

#define SINK "org.machd.bench.sink"

static const char *service_name(unsigned number)
{
	static _Thread_local char name[40];

	snprintf(name, sizeof name, "org.machd.bench.%u", number);
	return name;
}

static pid_t start(const struct bench_case *run)
{
	(void)run;
	return bench_machd_start(NULL).pid;
}

static void serve(const struct bench_case *run, unsigned number)
{
	mach_port_t port = bench_check_in(service_name(number));

	(void)run;
	bench_ready();
	bench_echo(port);
}

static void *open_client(const struct bench_case *run, unsigned number)
{
	return bench_client_new(bench_look_up(service_name(number % run->services)));
}

static void call(void *client, size_t size)
{
	bench_client_call(client, size);
}

/* What receives: the port is in the reply's place. */
static void *open_sink(const struct bench_case *run)
{
	struct bench_client *sink = bench_client_new(MACH_PORT_NULL);

	(void)run;
	sink->reply = bench_check_in(SINK);
	bench_long_queue(sink->reply);
	return sink;
}

static void receive(void *argument, size_t size)
{
	struct bench_client *sink = argument;

	(void)size;
	bench_must(mach_msg(sink->buffer, MACH_RCV_MSG, 0, (mach_msg_size_t)sink->room, sink->reply,
			    MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL),
		   "receive");
}

static void source(const struct bench_case *run)
{
	struct bench_client *client = bench_client_new(bench_look_up(SINK));

	for (;;)
		bench_client_send(client, run->size);
}

int main(int argc, char **argv)
{
	static const struct bench_peer machd = {
		.name = "machd",
		.start = start,
		.serve = serve,
		.open = open_client,
		.call = call,
		.sink = open_sink,
		.receive = receive,
		.source = source,
	};

	return bench_peer_main(argc, argv, &machd);
}
