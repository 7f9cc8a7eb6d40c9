/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A peer is a way to get messages from one process to another through a third, the broker: machd,
 * another program that people use for that, or a bare loop that only passes bytes on. Each peer is
 * a program bench-*.c that fills in this table and leaves the measuring to peer.c, so that all are
 * measured alike:
 *
 *   rpc     round trips of one client to one service, one after the other
 *   oneway  messages per second from one source to one sink
 *   many    calls per second of several client threads of one process, all at once
 */
#pragma once

#include "tests/bench/bench.h"

struct bench_peer {
	const char *name;

	/* Before anything else: start the broker, a child; its pid. */
	pid_t (*start)(const struct bench_case *run);

	/* In a process of its own: be service `number`, bench_ready(), answer for ever. */
	void (*serve)(const struct bench_case *run, unsigned number);

	/* In a thread of its own, when all services are ready: be client `number` of service
	 * `number % run->services`; and call it. */
	void *(*open)(const struct bench_case *run, unsigned number);
	void (*call)(void *client, size_t size);

	/* One way: be the sink and receive one message; in a process of its own, when the sink is
	 * open: send for ever. */
	void *(*sink)(const struct bench_case *run);
	void (*receive)(void *sink, size_t size);
	void (*source)(const struct bench_case *run);
};

/* Measure what the command line says; the exit status for main(). */
int bench_peer_main(int argc, char **argv, const struct bench_peer *peer);

/* In a service: clients can come now. */
void bench_ready(void);

/* Call until the time is over, in turns of a few; the first calls are not counted. */
void bench_calls(const struct bench_peer *peer, void *client, const struct bench_case *run,
		 struct bench_samples *samples);

/* The processes for such calls: services, each of them ready. */
void bench_services(const struct bench_peer *peer, const struct bench_case *run);
