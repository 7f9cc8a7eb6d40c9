/* SPDX-License-Identifier: Apache-2.0 */
/* What the benchmarks share: see bench.h. */
#include "tests/bench/bench.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char *const place_names[] = {"free", "1cpu"};

void bench_each(const char *broker, long count, void (*measure)(const struct bench_case *))
{
	static const size_t sizes[] = {64, 1024, 16384, BENCH_SIZE_MAX};

	for (int place = 0; place < BENCH_PLACES; place++)
		for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
			struct bench_case run = {
				.broker = broker,
				.size = sizes[i],
				.place = (enum bench_place)place,
				.count = sizes[i] > 1024 ? (count + 3) / 4 : count,
			};

			measure(&run);
		}
}

uint64_t bench_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

uint64_t bench_cpu(pid_t pid)
{
	struct timespec used;
	clockid_t clock;

	if (clock_getcpuclockid(pid, &clock) || clock_gettime(clock, &used))
		bench_die("CPU clock of the broker");
	return (uint64_t)used.tv_sec * 1000000000U + (uint64_t)used.tv_nsec;
}

/* The CPUs this program was allowed when it started. */
static const cpu_set_t *all_cpus(void)
{
	static cpu_set_t all;

	if (CPU_COUNT(&all) == 0 && sched_getaffinity(0, sizeof all, &all))
		bench_die("sched_getaffinity");
	return &all;
}

void bench_place(pid_t pid, enum bench_place place)
{
	cpu_set_t set = *all_cpus();

	if (place == BENCH_ONE) {
		int first = 0;

		while (!CPU_ISSET(first, all_cpus()))
			first++;
		CPU_ZERO(&set);
		CPU_SET(first, &set);
	}
	if (sched_setaffinity(pid, sizeof set, &set))
		bench_die("sched_setaffinity");
}

pid_t bench_fork(void)
{
	pid_t parent = getpid(), pid;

	all_cpus();
	fflush(stdout);
	pid = fork();
	if (pid < 0)
		bench_die("fork");
	if (pid == 0 && (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent))
		_exit(1);
	return pid;
}

void bench_end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

void bench_wait(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		fprintf(stderr, "a process of the benchmark failed\n");
		exit(1);
	}
}

void bench_row(const char *test, const struct bench_case *run, const char *metric, double value)
{
	printf("%s\t%s\t%zu\t%s\t%s\t%.6g\n", test, run->broker, run->size, place_names[run->place],
	       metric, value);
	fflush(stdout);
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

void bench_row_latency(const char *test, const struct bench_case *run, uint64_t *samples)
{
	size_t count = (size_t)run->count, middle = count / 2, late = count - 1 - count / 100;

	qsort(samples, count, sizeof *samples, by_value);
	bench_row(test, run, "p50_us", (double)samples[middle] / 1e3);
	bench_row(test, run, "p99_us", (double)samples[late] / 1e3);
}

void bench_row_rate(const char *test, const struct bench_case *run, uint64_t spent)
{
	bench_row(test, run, "kmsg_s", (double)run->count * 1e6 / (double)spent);
}

void bench_row_cpu(const char *test, const struct bench_case *run, uint64_t used)
{
	bench_row(test, run, "broker_cpu_us", (double)used / 1e3 / (double)run->count);
}

uint64_t *bench_samples(const struct bench_case *run)
{
	uint64_t *samples = calloc((size_t)run->count, sizeof *samples);

	if (!samples)
		bench_die("memory for the samples");
	return samples;
}

void bench_die(const char *what)
{
	perror(what);
	exit(1);
}

long bench_count(int argc, char **argv, long usual)
{
	long count = argc > 1 ? atol(argv[1]) : usual;

	return count > 0 ? count : usual;
}

pid_t bench_machd(void)
{
	const char *text = getenv("BENCH_MACHD_PID");

	if (!text || atoi(text) <= 0) {
		errno = EINVAL;
		bench_die("BENCH_MACHD_PID");
	}
	return atoi(text);
}
