/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a daemon costs that has nothing to do, and what it keeps in memory:
 *
 *   idle    memory and CPU time per second alone, and with -n bare channels that have said hello:
 *           each is a task of its own to the daemon
 *   active  the same with -n processes that have each called a service, and then a second has
 *           passed; the CPU time that they use is counted, too
 *   rss     memory for a port, of -n, and for a send right to each, in another task
 */
#include <mach/mach_vm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/bench/machd.h"

#define SECOND	     1000000000U
#define SERVICE	     "org.machd.bench"
#define CALLS	     100   /* of an active client */
#define ARRAY_RIGHTS 16383 /* in one message */

static double rss(const struct bench_machd *machd)
{
	return bench_memory(machd->pid, "smaps_rollup", "Rss");
}

static void await(int from, long times)
{
	for (char byte; times > 0; times--)
		if (read(from, &byte, 1) != 1)
			bench_die("a process of the benchmark failed");
}

static void tell(int to)
{
	if (write(to, "", 1) != 1)
		bench_die("pipe");
}

/* CPU time of some processes. */
static uint64_t cpu_of(const pid_t *pids, long count)
{
	uint64_t sum = 0;

	for (long i = 0; i < count; i++)
		sum += bench_cpu(pids[i]);
	return sum;
}

/* A row: CPU milliseconds that they use in a second of the wall clock. */
static void row_cpu(const struct bench_case *run, const char *metric, const pid_t *pids, long count)
{
	uint64_t used = cpu_of(pids, count), start = bench_now();

	bench_sleep(SECOND);
	used = cpu_of(pids, count) - used;
	bench_row(run, metric, (double)used * 1e3 / (double)(bench_now() - start));
}

/* idle */

static double measure_with(const struct bench_case *run, const struct bench_machd *machd,
			   long clients)
{
	struct bench_case with = *run;
	double kib = rss(machd);
	char label[24];

	snprintf(label, sizeof label, "%ld", clients);
	with.label = label;
	bench_row(&with, "rss_kib", kib);
	bench_row(&with, "pss_kib", bench_memory(machd->pid, "smaps_rollup", "Pss"));
	row_cpu(&with, "cpu_ms_per_s", &machd->pid, 1);
	return kib;
}

static void measure_idle(struct bench_case *run, const struct bench_machd *machd, long clients)
{
	double alone = measure_with(run, machd, 0), with;
	uint64_t start = bench_now(), spent;

	for (long i = 0; i < clients; i++)
		bench_channel(machd);
	spent = bench_now() - start;
	with = measure_with(run, machd, clients);
	run->label = "each";
	bench_row(run, "connect_us", (double)spent / 1e3 / (double)clients);
	bench_row(run, "kib_per_client", (with - alone) / (double)clients);
}

/* active */

__attribute__((noreturn)) static void be_client(int ready)
{
	struct bench_client *client = bench_client_new(bench_look_up(SERVICE));

	for (int i = 0; i < CALLS; i++)
		bench_client_call(client, 64);
	tell(ready);
	for (;;)
		pause();
}

static void measure_active(struct bench_case *run, const struct bench_machd *machd, long clients)
{
	pid_t *pids = bench_alloc((size_t)clients * sizeof *pids);
	double alone;
	int ready[2];

	if (pipe(ready))
		bench_die("pipe");
	if (bench_fork() == 0) {
		mach_port_t port = bench_check_in(SERVICE);

		tell(ready[1]);
		bench_echo(port);
	}
	await(ready[0], 1);
	alone = rss(machd);
	for (long i = 0; i < clients; i++) {
		pids[i] = bench_fork();
		if (pids[i] == 0)
			be_client(ready[1]);
	}
	await(ready[0], clients);
	bench_sleep(SECOND);
	run->label = "each";
	bench_row(run, "kib_per_client", (rss(machd) - alone) / (double)clients);
	run->label = "all";
	row_cpu(run, "cpu_ms_per_s", &machd->pid, 1);
	row_cpu(run, "clients_cpu_ms_per_s", pids, clients);
}

/* rss */

struct message {
	mach_msg_base_t base;
	mach_msg_ool_ports_descriptor_t rights;
	mach_msg_max_trailer_t trailer;
};

static void send_rights(mach_port_t to, mach_port_t *ports, long count)
{
	struct message message = {
		.base = {.header = {.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0) |
						 MACH_MSGH_BITS_COMPLEX,
				    .msgh_size = offsetof(struct message, trailer),
				    .msgh_remote_port = to},
			 .body = {1}},
		.rights = {.address = ports,
			   .count = (mach_msg_size_t)count,
			   .copy = MACH_MSG_VIRTUAL_COPY,
			   .disposition = MACH_MSG_TYPE_MAKE_SEND,
			   .type = MACH_MSG_OOL_PORTS_DESCRIPTOR},
	};

	bench_must(mach_msg_send(&message.base.header), "send");
}

/* Make ports, then, when told, give away a right to each. */
__attribute__((noreturn)) static void be_maker(long count, int ready, int go)
{
	mach_port_t *ports = bench_alloc((size_t)count * sizeof *ports);
	mach_port_t to = bench_look_up(SERVICE);

	for (long i = 0; i < count; i++)
		ports[i] = bench_port();
	tell(ready);
	await(go, 1);
	for (long i = 0; i < count; i += ARRAY_RIGHTS)
		send_rights(to, ports + i, count - i < ARRAY_RIGHTS ? count - i : ARRAY_RIGHTS);
	for (;;)
		pause();
}

static void receive_rights(mach_port_t port, long count)
{
	struct message message;

	while (count > 0) {
		bench_must(mach_msg(&message.base.header, MACH_RCV_MSG, 0, sizeof message, port,
				    MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL),
			   "receive");
		count -= (long)message.rights.count;
		mach_vm_deallocate(mach_task_self(), (mach_vm_address_t)message.rights.address,
				   message.rights.count * sizeof(mach_port_t));
	}
}

static void measure_rss(struct bench_case *run, const struct bench_machd *machd, long count)
{
	double before, ports, rights;
	int ready[2], go[2];
	mach_port_t port;
	pid_t maker;

	if (pipe(ready) || pipe(go))
		bench_die("pipe");
	maker = bench_fork();
	if (maker == 0) {
		await(go[0], 1);
		be_maker(count, ready[1], go[0]);
	}
	port = bench_check_in(SERVICE);
	before = rss(machd);
	tell(go[1]);
	await(ready[0], 1);
	ports = rss(machd);
	tell(go[1]);
	receive_rights(port, count);
	rights = rss(machd);
	run->label = "each";
	bench_row(run, "bytes_per_port", (ports - before) * 1024 / (double)count);
	bench_row(run, "bytes_per_right", (rights - ports) * 1024 / (double)count);
}

int main(int argc, char **argv)
{
	struct bench_case run = bench_options(argc, argv, "machd");
	struct bench_machd machd = bench_machd_start(NULL);

	if (strcmp(run.test, "idle") == 0) {
		measure_idle(&run, &machd, run.count ? run.count : 1000);
	} else if (strcmp(run.test, "active") == 0) {
		measure_active(&run, &machd, run.count ? run.count : 1000);
	} else if (strcmp(run.test, "rss") == 0) {
		measure_rss(&run, &machd, run.count ? run.count : 100000);
	} else {
		fprintf(stderr, "%s: there is no test '%s'\n", argv[0], run.test);
		return 2;
	}
	bench_finish();
}
