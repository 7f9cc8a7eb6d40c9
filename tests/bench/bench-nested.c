/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The worst that one client can do with receive rights: each of -n ports is put into a message that
 * is queued on the next, and the last is destroyed, which destroys them all. Meanwhile another
 * client sends itself messages; its longest round trip says how well it was served, while the chain
 * was built and while it was destroyed.
 */
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "tests/bench/machd.h"

#define DEPTH 1000000 /* ports, if nothing else is asked for */
#define ROOM  100     /* for a message and its trailer */

/* What the other client shares with this one. */
struct other {
	_Atomic uint64_t longest; /* ns, since it was set to 0 */
	_Atomic uint64_t calls;
};

/* Send a message and receive it, again and again. */
__attribute__((noreturn)) static void be_other(struct other *other)
{
	mach_port_t port = bench_port();
	union {
		mach_msg_header_t header;
		char bytes[ROOM];
	} message;

	for (;;) {
		uint64_t start = bench_now(), spent;

		message.header =
			(mach_msg_header_t){.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_MAKE_SEND, 0),
					    .msgh_remote_port = port};
		bench_must(mach_msg(&message.header, MACH_SEND_MSG | MACH_RCV_MSG,
				    sizeof message.header, sizeof message, port, 0, 0),
			   "round trip");
		spent = bench_now() - start;
		other->calls++;
		if (spent > other->longest)
			other->longest = spent;
	}
}

/* Put `inner` into a message for `outer`. */
static void nest(mach_port_t inner, mach_port_t outer)
{
	struct {
		mach_msg_base_t base;
		mach_msg_port_descriptor_t port;
	} message = {.base = {.header = {.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_MAKE_SEND, 0) |
						      MACH_MSGH_BITS_COMPLEX,
					 .msgh_remote_port = outer},
			      .body = {1}},
		     .port = {.name = inner,
			      .disposition = MACH_MSG_TYPE_MOVE_RECEIVE,
			      .type = MACH_MSG_PORT_DESCRIPTOR}};

	bench_must(mach_msg(&message.base.header, MACH_SEND_MSG, sizeof message, 0, 0, 0, 0),
		   "send");
}

/* What has happened since `start`, and from now on it is counted anew. */
static void report(const struct bench_case *run, struct other *other, uint64_t start)
{
	bench_row(run, "ms", (double)(bench_now() - start) / 1e6);
	bench_row(run, "longest_wait_ms", (double)other->longest / 1e6);
	bench_row(run, "others_calls", (double)other->calls);
	other->longest = other->calls = 0;
}

static struct other *start_other(void)
{
	struct other *other = mmap(NULL, sizeof *other, PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (other == MAP_FAILED)
		bench_die("mmap");
	if (bench_fork() == 0)
		be_other(other);
	while (other->calls == 0)
		sched_yield();
	return other;
}

int main(int argc, char **argv)
{
	struct bench_case run = bench_options(argc, argv, "machd");
	long depth = run.count ? run.count : DEPTH;
	struct bench_machd machd;
	struct other *other;
	mach_port_t port, next;
	uint64_t start;
	char label[24];

	snprintf(label, sizeof label, "%ld", depth);
	run.label = label;
	machd = bench_machd_start("[limits]\nBytesPerUser=4G\nMessagesPerUser=16M\n");
	other = start_other();
	start = bench_now();
	port = bench_port();
	for (long i = 1; i < depth; i++, port = next) {
		next = bench_port();
		nest(port, next);
	}
	run.test = "nest";
	report(&run, other, start);
	start = bench_now();
	bench_must(mach_port_destroy(mach_task_self(), port), "destroy");
	run.test = "nested-end";
	report(&run, other, start);
	bench_row(&run, "peak_rss_kib", bench_memory(machd.pid, "status", "VmHWM"));
	bench_finish();
}
