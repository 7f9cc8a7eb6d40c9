/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench-sizes: a call with an inline body, for bodies of all powers of two up to the largest that
 * Mach allows. There is no size at which something else begins that costs much more.
 */
#include <mach/mach.h>
#include <servers/bootstrap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/bench/bench.h"

#define SERVICE	     "bench.sizes"
#define MESSAGE_MAX  ((48u << 20) - 68)
#define COUNT_MAX    2000
#define BYTES_IN_ALL (256u << 20) /* of one size */

static void check(kern_return_t code, const char *what)
{
	if (code == KERN_SUCCESS)
		return;
	fprintf(stderr, "%s: %s\n", what, mach_error_string(code));
	exit(1);
}

static mach_msg_header_t *make_buffer(void)
{
	void *buffer = calloc(1, MESSAGE_MAX + MAX_TRAILER_SIZE);

	if (!buffer)
		bench_die("calloc");
	return buffer;
}

/* Answer each message with an empty one. */
static void serve(int ready)
{
	mach_msg_header_t *buffer = make_buffer(), reply = {.msgh_size = sizeof reply};
	mach_port_t port;

	check(bootstrap_check_in(bootstrap_port, SERVICE, &port), "check in");
	if (write(ready, "", 1) != 1)
		bench_die("write");
	for (;;) {
		check(mach_msg(buffer, MACH_RCV_MSG, 0, MESSAGE_MAX + MAX_TRAILER_SIZE, port, 0, 0),
		      "receive");
		reply.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND_ONCE, 0);
		reply.msgh_remote_port = buffer->msgh_remote_port;
		check(mach_msg_send(&reply), "reply");
	}
}

static uint64_t call(mach_msg_header_t *buffer, mach_port_t service, mach_port_t reply, size_t size)
{
	struct {
		mach_msg_header_t header;
		mach_msg_max_trailer_t trailer;
	} answer;
	uint64_t start = bench_now();

	*buffer = (mach_msg_header_t){
		.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE),
		.msgh_remote_port = service,
		.msgh_local_port = reply};
	check(mach_msg_overwrite(buffer, MACH_SEND_MSG | MACH_RCV_MSG, (mach_msg_size_t)size,
				 sizeof answer, reply, 0, 0, &answer.header, 0),
	      "call");
	return bench_now() - start;
}

static void measure(mach_port_t service, mach_port_t reply, size_t size)
{
	struct bench_case run = {.broker = "machd", .size = size, .place = BENCH_ONE};
	static uint64_t samples[COUNT_MAX];
	mach_msg_header_t *buffer = make_buffer();

	run.count = BYTES_IN_ALL / size < COUNT_MAX ? (long)(BYTES_IN_ALL / size) : COUNT_MAX;
	memset(buffer, 1, size);
	for (long i = 0; i < run.count; i++)
		samples[i] = call(buffer, service, reply, size);
	bench_row_latency("sizes", &run, samples);
	free(buffer);
}

int main(void)
{
	mach_port_t service, reply = mach_reply_port();
	pid_t server;
	int ready[2];
	char byte;

	if (pipe(ready))
		bench_die("pipe");
	server = bench_fork();
	if (server == 0)
		serve(ready[1]);
	if (read(ready[0], &byte, 1) != 1)
		bench_die("read");
	check(bootstrap_look_up(bootstrap_port, SERVICE, &service), "look up");
	bench_place(0, BENCH_ONE);
	bench_place(server, BENCH_ONE);
	bench_place(bench_machd(), BENCH_ONE);
	measure(service, reply, sizeof(mach_msg_header_t));
	for (size_t size = 32; size < MESSAGE_MAX; size *= 2)
		measure(service, reply, size);
	measure(service, reply, MESSAGE_MAX);
	bench_end(server);
	return 0;
}
