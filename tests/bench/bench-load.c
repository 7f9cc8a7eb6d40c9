/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a load that is too much does to the daemon:
 *
 *   pressure  messages in one direction to a receiver that is slower than the sender: none may be
 *             lost or out of order, and neither the daemon nor the sender may grow
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/bench/machd.h"

#define LOAD	 "org.machd.bench.load"
#define SLOWNESS 20000 /* ns that the slow receiver spends on a message */
#define FLOWING	 2000  /* messages after which a stream counts as flowing */

static void receive(struct bench_client *client)
{
	bench_must(mach_msg(client->buffer, MACH_RCV_MSG, 0, (mach_msg_size_t)client->room,
			    client->reply, MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL),
		   "receive");
}

static struct bench_client *start_sink(void)
{
	struct bench_client *sink = bench_client_new(MACH_PORT_NULL);

	sink->reply = bench_check_in(LOAD);
	bench_long_queue(sink->reply);
	return sink;
}

/* A message's number stands behind its header. */
static uint64_t *number_of(struct bench_client *client)
{
	return (uint64_t *)(client->buffer + 1);
}

__attribute__((noreturn)) static void be_source(int go)
{
	struct bench_client *source;
	char byte;

	if (read(go, &byte, 1) != 1)
		bench_die("pipe");
	source = bench_client_new(bench_look_up(LOAD));
	for (uint64_t number = 0;; number++) {
		*number_of(source) = number;
		bench_client_send(source, 64);
	}
}

static uint64_t receive_slowly(struct bench_client *sink)
{
	uint64_t done;

	receive(sink);
	for (done = bench_now() + SLOWNESS; bench_now() < done;)
		;
	return *number_of(sink);
}

/* Messages that were not the ones to come next. */
static uint64_t lost, expected;

static void receive_for(struct bench_client *sink, uint64_t window)
{
	uint64_t start = bench_now(), least = expected + FLOWING;

	while (expected < least || bench_now() - start < window) {
		uint64_t number = receive_slowly(sink);

		lost += number - expected;
		expected = number + 1;
	}
}

static void measure_pressure(const struct bench_case *run, pid_t machd)
{
	double machd_before, source_before;
	struct bench_client *sink;
	uint64_t start, first;
	pid_t source;
	int go[2];

	if (pipe(go))
		bench_die("pipe");
	source = bench_fork();
	if (source == 0)
		be_source(go[0]);
	sink = start_sink();
	if (write(go[1], "", 1) != 1)
		bench_die("pipe");
	receive_for(sink, run->window / 4);
	machd_before = bench_memory(machd, "smaps_rollup", "Rss");
	source_before = bench_memory(source, "smaps_rollup", "Rss");
	first = expected;
	start = bench_now();
	receive_for(sink, run->window);
	bench_row(run, "kmsg_s", (double)(expected - first) * 1e6 / (double)(bench_now() - start));
	bench_row(run, "lost", (double)lost);
	bench_row(run, "machd_growth_kib",
		  bench_memory(machd, "smaps_rollup", "Rss") - machd_before);
	bench_row(run, "source_growth_kib",
		  bench_memory(source, "smaps_rollup", "Rss") - source_before);
}

int main(int argc, char **argv)
{
	struct bench_case run = bench_options(argc, argv, "machd");
	struct bench_machd machd = bench_machd_start(NULL);

	if (strcmp(run.test, "pressure") != 0) {
		fprintf(stderr, "%s: there is no test '%s'\n", argv[0], run.test);
		return 2;
	}
	measure_pressure(&run, machd.pid);
	bench_finish();
}
