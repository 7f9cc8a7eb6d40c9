/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The peer ZeroMQ over ipc: REQ to a broker of ROUTER and DEALER to REP for calls; PUSH to PULL and
 * PUSH to PULL one way. Several services are workers behind one DEALER, which deals the calls out
 * in turn.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

#include "tests/bench/peer.h"

static char front[128], back[128];

static void *attach(int type, const char *address, int (*how)(void *, const char *))
{
	static void *context;
	int none = 0;
	void *end;

	if (!context)
		context = zmq_ctx_new();
	end = zmq_socket(context, type);
	if (!end || zmq_setsockopt(end, ZMQ_LINGER, &none, sizeof none) || how(end, address))
		bench_die(address);
	return end;
}

/* The broker listens when the files are there. */
static pid_t start(const struct bench_case *run)
{
	int oneway = strcmp(run->test, "oneway") == 0;
	pid_t broker;

	snprintf(front, sizeof front, "ipc://%s/front", bench_folder());
	snprintf(back, sizeof back, "ipc://%s/back", bench_folder());
	broker = bench_fork();
	if (broker == 0) {
		zmq_proxy(attach(oneway ? ZMQ_PULL : ZMQ_ROUTER, front, zmq_bind),
			  attach(oneway ? ZMQ_PUSH : ZMQ_DEALER, back, zmq_bind), NULL);
		_exit(1);
	}
	while (access(front + strlen("ipc://"), F_OK) || access(back + strlen("ipc://"), F_OK))
		bench_sleep(1000000);
	return broker;
}

static void serve(const struct bench_case *run, unsigned number)
{
	void *end = attach(ZMQ_REP, back, zmq_connect);
	char *buffer = bench_alloc(BENCH_SIZE_MAX);
	int got;

	(void)run;
	(void)number;
	bench_ready();
	while ((got = zmq_recv(end, buffer, BENCH_SIZE_MAX, 0)) >= 0)
		zmq_send(end, buffer, (size_t)got, 0);
}

struct party {
	void *end;
	char buffer[BENCH_SIZE_MAX];
};

static void *open_party(int type, const char *address)
{
	struct party *party = bench_alloc(sizeof *party);

	party->end = attach(type, address, zmq_connect);
	return party;
}

static void *open_client(const struct bench_case *run, unsigned number)
{
	(void)run;
	(void)number;
	return open_party(ZMQ_REQ, front);
}

static void receive(void *argument, size_t size)
{
	struct party *party = argument;

	if (zmq_recv(party->end, party->buffer, sizeof party->buffer, 0) != (int)size)
		bench_die("zmq_recv");
}

static void call(void *argument, size_t size)
{
	struct party *party = argument;

	if (zmq_send(party->end, party->buffer, size, 0) < 0)
		bench_die("zmq_send");
	receive(party, size);
}

static void *open_sink(const struct bench_case *run)
{
	(void)run;
	return open_party(ZMQ_PULL, back);
}

static void source(const struct bench_case *run)
{
	struct party *party = open_party(ZMQ_PUSH, front);

	while (zmq_send(party->end, party->buffer, run->size, 0) >= 0)
		;
}

int main(int argc, char **argv)
{
	static const struct bench_peer zeromq = {
		.name = "zeromq",
		.start = start,
		.serve = serve,
		.open = open_client,
		.call = call,
		.sink = open_sink,
		.receive = receive,
		.source = source,
	};

	return bench_peer_main(argc, argv, &zeromq);
}
