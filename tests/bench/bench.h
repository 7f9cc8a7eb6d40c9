/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the benchmarks share: clock, placement of processes, rows of results. run.sh starts the
 * daemon, runs the programs and makes a table of what they print. Nothing here judges a number.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The largest message; and how many a broker takes in one go. */
#define BENCH_SIZE_MAX 65536
#define BENCH_BATCH    32

/* Where the processes of one measurement run: wherever the scheduler likes, or all on one CPU. */
enum bench_place { BENCH_FREE, BENCH_ONE, BENCH_PLACES };

/* One measurement, and what it is called in its rows. */
struct bench_case {
	const char *broker; /* "relay" or "machd" */
	size_t size;	    /* of a message, header included */
	enum bench_place place;
	long count; /* messages or round trips */
};

/* Run `measure` for each place and size, `count` times for small messages and less for large. */
void bench_each(const char *broker, long count, void (*measure)(const struct bench_case *));

/* Nanoseconds of a steady clock; CPU time that a process has used. */
uint64_t bench_now(void);
uint64_t bench_cpu(pid_t pid);

/* Let a process (0: this one) run at `place`. */
void bench_place(pid_t pid, enum bench_place place);

/* A child that dies with its parent; 0 in the child. bench_end() kills it, bench_wait() waits. */
pid_t bench_fork(void);
void bench_end(pid_t pid);
void bench_wait(pid_t pid);

/* Print a row: test, broker, size, place, metric, value. */
void bench_row(const char *test, const struct bench_case *run, const char *metric, double value);

/* Rows for the median and the 99th percentile, in us, of samples in ns, which are sorted. */
void bench_row_latency(const char *test, const struct bench_case *run, uint64_t *samples);

/* Rows for the rate, and for the broker's CPU time, of run->count messages. */
void bench_row_rate(const char *test, const struct bench_case *run, uint64_t spent);
void bench_row_cpu(const char *test, const struct bench_case *run, uint64_t used);

/* Memory for the samples of a measurement. */
uint64_t *bench_samples(const struct bench_case *run);

/* Print what failed, with errno, and exit. */
__attribute__((noreturn)) void bench_die(const char *what);

/* argv[1] as a count, or `usual`. */
long bench_count(int argc, char **argv, long usual);

/* The daemon's pid, from BENCH_MACHD_PID. */
pid_t bench_machd(void);
