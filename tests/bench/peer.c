/* SPDX-License-Identifier: Apache-2.0 */
/* How all peers are measured: see peer.h. */
#include "tests/bench/peer.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SAMPLES_MAX 200000
#define CALLS_LEAST 20 /* of a measurement, however long they take */

/* A pipe on which a service says that it is there, and one that lets the source or the clock begin.
 */
static int ready[2], go[2];

static void await(int from)
{
	char byte;

	if (read(from, &byte, 1) != 1)
		bench_die("a process of the benchmark went away");
}

static void tell(int to)
{
	if (write(to, "", 1) != 1)
		bench_die("pipe");
}

void bench_ready(void)
{
	tell(ready[1]);
}

void bench_services(const struct bench_peer *peer, const struct bench_case *run)
{
	if (pipe(ready))
		bench_die("pipe");
	for (unsigned i = 0; i < run->services; i++)
		if (bench_fork() == 0) {
			close(ready[0]);
			peer->serve(run, i);
			_exit(0);
		}
	close(ready[1]);
	for (unsigned i = 0; i < run->services; i++)
		await(ready[0]);
	close(ready[0]);
}

void bench_calls(const struct bench_peer *peer, void *client, const struct bench_case *run,
		 struct bench_samples *samples)
{
	uint64_t start = bench_now(), now = start, last;

	while (now - start < run->window || samples->count < CALLS_LEAST) {
		last = now;
		peer->call(client, run->size);
		now = bench_now();
		bench_samples_add(samples, now - last);
	}
}

static void warm_up(const struct bench_peer *peer, void *client, const struct bench_case *run)
{
	struct bench_case less = *run;
	struct bench_samples samples;

	less.window /= 8;
	bench_samples_new(&samples, SAMPLES_MAX);
	bench_calls(peer, client, &less, &samples);
	free(samples.taken);
}

static void row_cpu(const struct bench_case *run, uint64_t used, uint64_t messages)
{
	bench_row(run, "broker_cpu_us", (double)used / 1e3 / (double)messages);
}

static void measure_rpc(const struct bench_peer *peer, const struct bench_case *run, pid_t broker)
{
	struct bench_samples samples;
	uint64_t used;
	void *client;

	bench_services(peer, run);
	client = peer->open(run, 0);
	warm_up(peer, client, run);
	bench_samples_new(&samples, SAMPLES_MAX);
	used = bench_cpu(broker);
	bench_calls(peer, client, run, &samples);
	row_cpu(run, bench_cpu(broker) - used, samples.count);
	bench_samples_row(run, &samples);
}

/* Receive for so long, at least a few: how many. */
static uint64_t drain(const struct bench_peer *peer, void *sink, size_t size, uint64_t window)
{
	uint64_t start = bench_now(), count = 0;

	do {
		for (int i = 0; i < CALLS_LEAST; i++)
			peer->receive(sink, size);
		count += CALLS_LEAST;
	} while (bench_now() - start < window);
	return count;
}

static void measure_oneway(const struct bench_peer *peer, const struct bench_case *run,
			   pid_t broker)
{
	uint64_t start, used, count;
	void *sink;

	if (pipe(go))
		bench_die("pipe");
	if (bench_fork() == 0) {
		await(go[0]);
		peer->source(run);
		_exit(0);
	}
	sink = peer->sink(run);
	tell(go[1]);
	drain(peer, sink, run->size, run->window / 4);
	used = bench_cpu(broker);
	start = bench_now();
	count = drain(peer, sink, run->size, run->window);
	bench_row(run, "kmsg_s", (double)count * 1e6 / (double)(bench_now() - start));
	row_cpu(run, bench_cpu(broker) - used, count);
}

/* One of many clients, in memory that is shared with who counts. */
struct caller {
	_Alignas(64) _Atomic uint64_t calls;
	const struct bench_peer *peer;
	const struct bench_case *run;
	pthread_barrier_t *begin;
	unsigned number;
};

static void *run_caller(void *argument)
{
	struct caller *caller = argument;
	void *client = caller->peer->open(caller->run, caller->number);

	pthread_barrier_wait(caller->begin);
	for (;;) {
		caller->peer->call(client, caller->run->size);
		atomic_fetch_add_explicit(&caller->calls, 1, memory_order_relaxed);
	}
	return NULL;
}

/* The process with all clients; each has its connection when it says that it is ready. */
__attribute__((noreturn)) static void be_callers(const struct bench_peer *peer,
						 const struct bench_case *run,
						 struct caller *callers)
{
	pthread_barrier_t begin;
	pthread_t thread;

	if (pthread_barrier_init(&begin, NULL, run->clients + 1))
		bench_die("pthread_barrier_init");
	for (unsigned i = 0; i < run->clients; i++) {
		callers[i] =
			(struct caller){.peer = peer, .run = run, .begin = &begin, .number = i};
		if (pthread_create(&thread, NULL, run_caller, &callers[i]))
			bench_die("pthread_create");
	}
	pthread_barrier_wait(&begin);
	tell(go[1]);
	for (;;)
		pause();
}

static uint64_t calls_of(struct caller *callers, unsigned count)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < count; i++)
		sum += atomic_load_explicit(&callers[i].calls, memory_order_relaxed);
	return sum;
}

static void measure_many(const struct bench_peer *peer, const struct bench_case *run, pid_t broker)
{
	struct caller *callers = mmap(NULL, run->clients * sizeof *callers, PROT_READ | PROT_WRITE,
				      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint64_t start, used, before, calls;

	if (callers == MAP_FAILED || pipe(go))
		bench_die("clients");
	bench_services(peer, run);
	if (bench_fork() == 0) {
		close(go[0]);
		be_callers(peer, run, callers);
	}
	close(go[1]);
	await(go[0]);
	bench_sleep(run->window / 4);
	before = calls_of(callers, run->clients);
	used = bench_cpu(broker);
	start = bench_now();
	do {
		bench_sleep(run->window);
		calls = calls_of(callers, run->clients) - before;
	} while (calls < CALLS_LEAST);
	bench_row(run, "kcall_s", (double)calls * 1e6 / (double)(bench_now() - start));
	row_cpu(run, bench_cpu(broker) - used, calls);
}

int bench_peer_main(int argc, char **argv, const struct bench_peer *peer)
{
	struct bench_case run = bench_options(argc, argv, peer->name);
	char label[32];
	pid_t broker;

	if (run.size > BENCH_SIZE_MAX) {
		fprintf(stderr, "%s: %d bytes at most\n", argv[0], BENCH_SIZE_MAX);
		return 2;
	}
	broker = peer->start(&run);
	if (strcmp(run.test, "rpc") == 0) {
		measure_rpc(peer, &run, broker);
	} else if (strcmp(run.test, "oneway") == 0) {
		measure_oneway(peer, &run, broker);
	} else if (strcmp(run.test, "many") == 0) {
		snprintf(label, sizeof label, "%ux%u", run.clients, run.services);
		run.label = label;
		measure_many(peer, &run, broker);
	} else {
		fprintf(stderr, "%s: there is no test '%s'\n", argv[0], run.test);
		return 2;
	}
	bench_finish();
}
