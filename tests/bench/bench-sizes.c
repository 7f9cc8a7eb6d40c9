/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench-sizes: a call with an inline body, for bodies of all powers of two up to the largest that
 * Mach allows. There is no size at which something else begins that costs much more. -n is how many
 * calls of each size at most.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/bench/machd.h"

#define SERVICE	     "bench.sizes"
#define MESSAGE_MAX  ((48u << 20) - 68)
#define COUNT_MAX    2000
#define BYTES_IN_ALL (256u << 20) /* of one size */

static mach_msg_header_t *make_buffer(void)
{
	return bench_alloc(MESSAGE_MAX + MAX_TRAILER_SIZE);
}

/* Answer each message with an empty one. */
static void serve(int ready)
{
	mach_msg_header_t *buffer = make_buffer(), reply = {.msgh_size = sizeof reply};
	mach_port_t port = bench_check_in(SERVICE);

	if (write(ready, "", 1) != 1)
		bench_die("write");
	for (;;) {
		bench_must(mach_msg(buffer, MACH_RCV_MSG, 0, MESSAGE_MAX + MAX_TRAILER_SIZE, port,
				    0, 0),
			   "receive");
		reply.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND_ONCE, 0);
		reply.msgh_remote_port = buffer->msgh_remote_port;
		bench_must(mach_msg_send(&reply), "reply");
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
	bench_must(mach_msg_overwrite(buffer, MACH_SEND_MSG | MACH_RCV_MSG, (mach_msg_size_t)size,
				      sizeof answer, reply, 0, 0, &answer.header, 0),
		   "call");
	return bench_now() - start;
}

static void measure(const struct bench_case *asked, mach_port_t service, mach_port_t reply,
		    size_t size)
{
	long most = asked->count ? asked->count : COUNT_MAX, fit = (long)(BYTES_IN_ALL / size);
	mach_msg_header_t *buffer = make_buffer();
	struct bench_case run = *asked;
	struct bench_samples samples;

	run.size = size;
	memset(buffer, 1, size);
	bench_samples_new(&samples, COUNT_MAX);
	for (long i = 0; i < most && i < fit; i++)
		bench_samples_add(&samples, call(buffer, service, reply, size));
	bench_samples_row(&run, &samples);
	free(samples.taken);
	free(buffer);
}

int main(int argc, char **argv)
{
	struct bench_case run = bench_options(argc, argv, "machd");
	mach_port_t service, reply;
	int ready[2];
	char byte;

	bench_machd_start(NULL);
	if (pipe(ready))
		bench_die("pipe");
	if (bench_fork() == 0)
		serve(ready[1]);
	if (read(ready[0], &byte, 1) != 1)
		bench_die("read");
	service = bench_look_up(SERVICE);
	reply = mach_reply_port();
	measure(&run, service, reply, sizeof(mach_msg_header_t));
	for (size_t size = 32; size < MESSAGE_MAX; size *= 2)
		measure(&run, service, reply, size);
	measure(&run, service, reply, MESSAGE_MAX);
	bench_finish();
}
