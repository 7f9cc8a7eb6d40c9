/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the benchmarks share: options, clock, placement of processes, rows of results. run.sh runs
 * the programs, each for one measurement, and makes a table of the rows they print. Nothing here
 * judges a number.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define BENCH_SIZE_MAX 65536

/* Where the processes of one measurement run: wherever the scheduler likes, all of them on one CPU,
 * or as with the first, but beside a busy loop on each CPU. */
enum bench_place { BENCH_FREE, BENCH_ONE, BENCH_BUSY, BENCH_PLACES };

/* One measurement: what was asked for on the command line. */
struct bench_case {
	const char *test;   /* what to measure */
	const char *broker; /* its name in the rows */
	const char *label;  /* size or whatever else is varied, in the rows */
	size_t size;	    /* of a message */
	enum bench_place place;
	unsigned clients, services;
	uint64_t window; /* how long to measure, ns */
	long count;	 /* of what is counted rather than timed; 0: as many as the test likes */
	unsigned rounds; /* of what is set up once and measured more than once */
};

/*
 * Read a command line:
 *
 *   [-b BROKER] [-s SIZE] [-p free|1cpu|busy] [-c CLIENTS] [-v SERVICES] [-t MILLISECONDS]
 *   [-n COUNT] [-r ROUNDS] TEST
 *
 * into a case; what is not given is `broker`, 64, free, 1, 1, 200, 0 and 1. Ends the process if the
 * line cannot be read. This process is placed already when it returns, and so are its children.
 */
struct bench_case bench_options(int argc, char **argv, const char *broker);

/* Nanoseconds of a steady clock; CPU time that a process has used. Sleep for so long. */
uint64_t bench_now(void);
uint64_t bench_cpu(pid_t pid);
void bench_sleep(uint64_t duration);

/* Let a process (0: this one) run at `place`. */
void bench_place(pid_t pid, enum bench_place place);

/* Let this process run on all CPUs but that of BENCH_ONE. false: there is no other. */
bool bench_leave_one(void);

/* A child that dies with its parent; 0 in the child. bench_end() kills it. bench_finish() ends this
 * process and its children, whatever threads may be running. */
pid_t bench_fork(void);
void bench_end(pid_t pid);
__attribute__((noreturn)) void bench_finish(void);

/* A folder for sockets and configurations, removed when this process ends. */
const char *bench_folder(void);

/* Print a row: test, broker, label, place, metric, value. */
void bench_row(const struct bench_case *run, const char *metric, double value);

/* Durations in ns, as many as were taken. bench_samples_row() prints rows for the median and the
 * 99th percentile, in us, and sorts them. */
struct bench_samples {
	uint64_t *taken;
	size_t count, room;
};
void bench_samples_new(struct bench_samples *samples, size_t room);
void bench_samples_add(struct bench_samples *samples, uint64_t duration);
double bench_samples_at(struct bench_samples *samples, double part); /* us; 0.5: the median */
void bench_samples_row(const struct bench_case *run, struct bench_samples *samples);

/* A line of /proc/PID/FILE, in KiB. */
double bench_memory(pid_t pid, const char *file, const char *key);

/* Memory, or the end. */
void *bench_alloc(size_t size);

/* Print what failed, with errno, and exit. */
__attribute__((noreturn)) void bench_die(const char *what);
