/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The worst that one client can do with receive rights: each of DEPTH ports is put into a message
 * that is queued on the next, and the last is destroyed, which destroys them all. Meanwhile another
 * client sends itself messages; its longest round trip says how well it was served, while the chain
 * was built and while it was destroyed. Run against a fresh daemon with BytesPerUser= large enough.
 */
#include <mach/mach.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "tests/bench/bench.h"

#define DEPTH 1000000
#define ROOM  100 /* for a message and its trailer */

/* What the other client shares with this one. */
struct other {
	_Atomic uint64_t longest; /* ns, since it was set to 0 */
	_Atomic uint64_t calls;
};

static void must(kern_return_t code, const char *what)
{
	if (code == KERN_SUCCESS)
		return;
	fprintf(stderr, "%s: %#x\n", what, (unsigned)code);
	exit(1);
}

static mach_port_t new_port(void)
{
	mach_port_t port;

	must(mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &port), "allocate");
	return port;
}

/* Send a message and receive it, again and again. */
__attribute__((noreturn)) static void be_other(struct other *other)
{
	mach_port_t port = new_port();
	union {
		mach_msg_header_t header;
		char bytes[ROOM];
	} message;

	for (;;) {
		uint64_t start = bench_now(), spent;

		message.header =
			(mach_msg_header_t){.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_MAKE_SEND, 0),
					    .msgh_remote_port = port};
		must(mach_msg(&message.header, MACH_SEND_MSG | MACH_RCV_MSG, sizeof message.header,
			      sizeof message, port, 0, 0),
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

	must(mach_msg(&message.base.header, MACH_SEND_MSG, sizeof message, 0, 0, 0, 0), "send");
}

/* The most memory that the daemon has had, in KiB. */
static double peak_memory(void)
{
	char path[64], line[256];
	unsigned long kib = 0;
	FILE *file;

	snprintf(path, sizeof path, "/proc/%d/status", (int)bench_machd());
	file = fopen(path, "r");
	if (!file)
		bench_die(path);
	while (fgets(line, sizeof line, file))
		if (sscanf(line, "VmHWM: %lu", &kib) == 1)
			break;
	fclose(file);
	return (double)kib;
}

/* What has happened since `start`, and from now on it is counted anew. */
static void report(const char *test, const struct bench_case *run, struct other *other,
		   uint64_t start)
{
	bench_row(test, run, "ms", (double)(bench_now() - start) / 1e6);
	bench_row(test, run, "longest_wait_ms", (double)other->longest / 1e6);
	bench_row(test, run, "others_calls", (double)other->calls);
	other->longest = other->calls = 0;
}

int main(int argc, char **argv)
{
	struct bench_case run = {.broker = "machd",
				 .size = (size_t)bench_count(argc, argv, DEPTH),
				 .place = BENCH_FREE};
	struct other *other = mmap(NULL, sizeof *other, PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	mach_port_t port, next;
	uint64_t start;
	pid_t pid;

	if (other == MAP_FAILED)
		bench_die("mmap");
	pid = bench_fork();
	if (pid == 0)
		be_other(other);
	while (other->calls == 0)
		sched_yield();
	start = bench_now();
	port = new_port();
	for (size_t i = 1; i < run.size; i++, port = next) {
		next = new_port();
		nest(port, next);
	}
	report("nest", &run, other, start);
	start = bench_now();
	must(mach_port_destroy(mach_task_self(), port), "destroy");
	report("nested-end", &run, other, start);
	bench_row("nested-end", &run, "peak_rss_kib", peak_memory());
	bench_end(pid);
	return 0;
}
