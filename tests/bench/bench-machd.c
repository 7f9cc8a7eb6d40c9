/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The same through machd: calls to a service whose answers come to a send-once right, and messages
 * in one direction to a port with a long queue. Client and server are children, each a task of its
 * own; what one has to tell the other goes by bootstrap, and by a pipe for "I am ready".
 */
#include <mach/mach.h>
#include <servers/bootstrap.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/bench/bench.h"

#define ONEWAY_QUEUE MACH_PORT_QLIMIT_LARGE

static union {
	mach_msg_header_t header;
	char bytes[BENCH_SIZE_MAX + MAX_TRAILER_SIZE];
} buffer;

/* A fresh name for each measurement: the last one's owner may still be on its way out. */
static char service[64];

static void check(kern_return_t code, const char *what)
{
	if (code == KERN_SUCCESS)
		return;
	fprintf(stderr, "%s: %s (%#x)\n", what, mach_error_string(code), (unsigned)code);
	exit(1);
}

static void address(mach_port_t to, mach_port_t reply, size_t size)
{
	buffer.header = (mach_msg_header_t){
		.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND,
					    reply ? MACH_MSG_TYPE_MAKE_SEND_ONCE : 0),
		.msgh_size = (mach_msg_size_t)size,
		.msgh_remote_port = to,
		.msgh_local_port = reply,
	};
}

static void echo(mach_port_t port)
{
	mach_msg_size_t answer = 0;

	for (;;) {
		mach_msg_bits_t bits;

		check(mach_msg(&buffer.header, MACH_RCV_MSG | (answer ? MACH_SEND_MSG : 0), answer,
			       sizeof buffer, port, MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL),
		      "serve");
		bits = buffer.header.msgh_bits;
		answer = buffer.header.msgh_size;
		buffer.header.msgh_bits = MACH_MSGH_BITS(MACH_MSGH_BITS_REMOTE(bits), 0);
		buffer.header.msgh_local_port = MACH_PORT_NULL;
	}
}

static void call(mach_port_t server, mach_port_t reply, size_t size)
{
	address(server, reply, size);
	check(mach_msg(&buffer.header, MACH_SEND_MSG | MACH_RCV_MSG, (mach_msg_size_t)size,
		       sizeof buffer, reply, MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL),
	      "call");
}

static void run_caller(const struct bench_case *run)
{
	uint64_t *samples = bench_samples(run), used;
	mach_port_t reply = mig_get_reply_port(), server;

	check(bootstrap_look_up(bootstrap_port, service, &server), "look up");
	for (long i = 0; i < 200; i++)
		call(server, reply, run->size);
	used = bench_cpu(bench_machd());
	for (long i = 0; i < run->count; i++) {
		uint64_t start = bench_now();

		call(server, reply, run->size);
		samples[i] = bench_now() - start;
	}
	bench_row_cpu("rpc", run, bench_cpu(bench_machd()) - used);
	bench_row_latency("rpc", run, samples);
	free(samples);
}

static void run_source(const struct bench_case *run)
{
	mach_port_t sink;

	check(bootstrap_look_up(bootstrap_port, service, &sink), "look up");
	for (long i = 0; i < run->count; i++) {
		address(sink, MACH_PORT_NULL, run->size);
		check(mach_msg(&buffer.header, MACH_SEND_MSG, (mach_msg_size_t)run->size, 0,
			       MACH_PORT_NULL, MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL),
		      "send");
	}
}

static void receive(mach_port_t port)
{
	check(mach_msg(&buffer.header, MACH_RCV_MSG, 0, sizeof buffer, port, MACH_MSG_TIMEOUT_NONE,
		       MACH_PORT_NULL),
	      "receive");
}

/* The clock starts before the source does, as it does for the relay. */
static void run_sink(mach_port_t port, const struct bench_case *run, int ready)
{
	mach_port_limits_t limits = {.mpl_qlimit = ONEWAY_QUEUE};
	uint64_t start, used;

	check(mach_port_set_attributes(mach_task_self(), port, MACH_PORT_LIMITS_INFO,
				       (mach_port_info_t)&limits, MACH_PORT_LIMITS_INFO_COUNT),
	      "set the queue's limit");
	used = bench_cpu(bench_machd());
	start = bench_now();
	if (write(ready, "", 1) != 1)
		bench_die("ready");
	for (long i = 0; i < run->count; i++)
		receive(port);
	bench_row_rate("oneway", run, bench_now() - start);
	bench_row_cpu("oneway", run, bench_cpu(bench_machd()) - used);
}

static mach_port_t check_in(void)
{
	mach_port_t port;

	check(bootstrap_check_in(bootstrap_port, service, &port), "check in");
	return port;
}

/* A pipe on which the server says that its name is there. */
static void await(int ready)
{
	char c;

	if (read(ready, &c, 1) != 1)
		bench_die("the server");
}

static void prepare(const struct bench_case *run, int ready[2])
{
	static unsigned number;

	snprintf(service, sizeof service, "org.machd.bench.%d.%u", getpid(), number++);
	if (pipe(ready))
		bench_die("pipe");
	bench_place(0, run->place);
	bench_place(bench_machd(), run->place);
}

static void measure_rpc(const struct bench_case *run)
{
	int ready[2];
	pid_t server;

	prepare(run, ready);
	server = bench_fork();
	if (server == 0) {
		mach_port_t port = check_in();

		if (write(ready[1], "", 1) != 1)
			bench_die("ready");
		echo(port);
	}
	close(ready[1]);
	await(ready[0]);
	run_caller(run);
	bench_end(server);
	close(ready[0]);
}

static void measure_oneway(const struct bench_case *run)
{
	int ready[2];
	pid_t sink;

	prepare(run, ready);
	sink = bench_fork();
	if (sink == 0) {
		run_sink(check_in(), run, ready[1]);
		exit(0);
	}
	close(ready[1]);
	await(ready[0]);
	run_source(run);
	bench_wait(sink);
	close(ready[0]);
}

int main(int argc, char **argv)
{
	long count = bench_count(argc, argv, 5000);

	bench_each("machd", count, measure_rpc);
	bench_each("machd", count * 4, measure_oneway);
	bench_place(bench_machd(), BENCH_FREE);
	return 0;
}
