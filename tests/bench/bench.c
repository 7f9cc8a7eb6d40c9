/* SPDX-License-Identifier: Apache-2.0 */
/* What the benchmarks share: see bench.h. */
#include "tests/bench/bench.h"

#include <errno.h>
#include <ftw.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char *const place_names[BENCH_PLACES] = {"free", "1cpu", "busy"};

__attribute__((noreturn)) static void usage(const char *program)
{
	fprintf(stderr,
		"usage: %s [-b BROKER] [-s SIZE] [-p free|1cpu|busy] [-c CLIENTS] [-v SERVICES]\n"
		"       [-t MILLISECONDS] [-n COUNT] [-r ROUNDS] TEST\n",
		program);
	exit(2);
}

static enum bench_place place_of(const char *name, const char *program)
{
	for (enum bench_place place = 0; place < BENCH_PLACES; place++)
		if (strcmp(name, place_names[place]) == 0)
			return place;
	usage(program);
}

static unsigned long number(const char *text, unsigned long most, const char *program)
{
	char *end;
	unsigned long value;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (end == text || *end || errno || value > most)
		usage(program);
	return value;
}

/* A loop that never ends on each CPU that this process may use. */
static void keep_busy(void)
{
	cpu_set_t all, one;

	if (sched_getaffinity(0, sizeof all, &all))
		bench_die("sched_getaffinity");
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &all) || bench_fork() != 0)
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		sched_setaffinity(0, sizeof one, &one);
		for (volatile unsigned turns = 0;; turns++)
			;
	}
}

struct bench_case bench_options(int argc, char **argv, const char *broker)
{
	struct bench_case run = {.broker = broker,
				 .size = 64,
				 .clients = 1,
				 .services = 1,
				 .window = 200000000,
				 .rounds = 1};
	int option;

	while ((option = getopt(argc, argv, "b:s:p:c:v:t:n:r:")) != -1)
		switch (option) {
		case 'b':
			run.broker = optarg;
			break;
		case 's':
			run.size = number(optarg, 1UL << 32, argv[0]);
			break;
		case 'p':
			run.place = place_of(optarg, argv[0]);
			break;
		case 'c':
			run.clients = (unsigned)number(optarg, 4096, argv[0]);
			break;
		case 'v':
			run.services = (unsigned)number(optarg, 64, argv[0]);
			break;
		case 't':
			run.window = number(optarg, 3600000, argv[0]) * 1000000;
			break;
		case 'n':
			run.count = (long)number(optarg, 100000000, argv[0]);
			break;
		case 'r':
			run.rounds = (unsigned)number(optarg, 1000, argv[0]);
			break;
		default:
			usage(argv[0]);
		}
	if (optind != argc - 1 || run.clients == 0 || run.services == 0 || run.rounds == 0)
		usage(argv[0]);
	run.test = argv[optind];
	if (run.place == BENCH_BUSY)
		keep_busy();
	bench_place(0, run.place);
	return run;
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
		bench_die("CPU clock of a process");
	return (uint64_t)used.tv_sec * 1000000000U + (uint64_t)used.tv_nsec;
}

void bench_sleep(uint64_t duration)
{
	struct timespec left = {.tv_sec = (time_t)(duration / 1000000000U),
				.tv_nsec = (long)(duration % 1000000000U)};

	while (nanosleep(&left, &left) && errno == EINTR)
		;
}

/* The CPUs this program was allowed when it started. */
static const cpu_set_t *all_cpus(void)
{
	static cpu_set_t all;

	if (CPU_COUNT(&all) == 0 && sched_getaffinity(0, sizeof all, &all))
		bench_die("sched_getaffinity");
	return &all;
}

static int first_cpu(void)
{
	int first = 0;

	while (!CPU_ISSET(first, all_cpus()))
		first++;
	return first;
}

void bench_place(pid_t pid, enum bench_place place)
{
	cpu_set_t set = *all_cpus();

	if (place == BENCH_ONE) {
		CPU_ZERO(&set);
		CPU_SET(first_cpu(), &set);
	}
	if (sched_setaffinity(pid, sizeof set, &set))
		bench_die("sched_setaffinity");
}

bool bench_leave_one(void)
{
	cpu_set_t set = *all_cpus();

	CPU_CLR(first_cpu(), &set);
	if (CPU_COUNT(&set) == 0)
		return false;
	if (sched_setaffinity(0, sizeof set, &set))
		bench_die("sched_setaffinity");
	return true;
}

/* The children of this process that are still to be ended. */
static pid_t children[4096];
static size_t child_count;

pid_t bench_fork(void)
{
	pid_t parent = getpid(), pid;

	all_cpus();
	fflush(stdout);
	if (child_count == sizeof children / sizeof *children)
		bench_die("too many children");
	pid = fork();
	if (pid < 0)
		bench_die("fork");
	if (pid == 0 && (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent))
		_exit(1);
	if (pid == 0)
		child_count = 0;
	else
		children[child_count++] = pid;
	return pid;
}

static void forget(pid_t pid)
{
	for (size_t i = 0; i < child_count; i++)
		if (children[i] == pid)
			children[i] = children[--child_count];
}

void bench_end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	forget(pid);
}

static char folder[108];
static pid_t folder_owner;

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *where)
{
	(void)status;
	(void)type;
	(void)where;
	return remove(path);
}

static void remove_folder(void)
{
	if (folder_owner && getpid() == folder_owner)
		nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

const char *bench_folder(void)
{
	const char *where = getenv("TMPDIR");

	if (folder_owner)
		return folder;
	snprintf(folder, sizeof folder, "%s/machd-bench.XXXXXX", where ? where : "/tmp");
	if (!mkdtemp(folder))
		bench_die(folder);
	folder_owner = getpid();
	atexit(remove_folder);
	return folder;
}

void bench_finish(void)
{
	fflush(stdout);
	while (child_count > 0)
		bench_end(children[child_count - 1]);
	remove_folder();
	_exit(0);
}

void bench_row(const struct bench_case *run, const char *metric, double value)
{
	char size[24];

	snprintf(size, sizeof size, "%zu", run->size);
	printf("%s\t%s\t%s\t%s\t%s\t%.6g\n", run->test, run->broker, run->label ? run->label : size,
	       place_names[run->place], metric, value);
	fflush(stdout);
}

void bench_samples_new(struct bench_samples *samples, size_t room)
{
	*samples =
		(struct bench_samples){.taken = bench_alloc(room * sizeof(uint64_t)), .room = room};
}

void bench_samples_add(struct bench_samples *samples, uint64_t duration)
{
	if (samples->count < samples->room)
		samples->taken[samples->count++] = duration;
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

double bench_samples_at(struct bench_samples *samples, double part)
{
	size_t last = samples->count - 1;

	qsort(samples->taken, samples->count, sizeof *samples->taken, by_value);
	return (double)samples->taken[(size_t)((double)last * part + 0.5)] / 1e3;
}

void bench_samples_row(const struct bench_case *run, struct bench_samples *samples)
{
	if (samples->count == 0) {
		fprintf(stderr, "%s: nothing was measured\n", run->test);
		exit(1);
	}
	bench_row(run, "p50_us", bench_samples_at(samples, 0.5));
	bench_row(run, "p99_us", bench_samples_at(samples, 0.99));
}

double bench_memory(pid_t pid, const char *file, const char *key)
{
	char path[64], line[256];
	double kib = 0, value;
	FILE *stream;

	snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, file);
	stream = fopen(path, "r");
	if (!stream)
		bench_die(path);
	while (fgets(line, sizeof line, stream))
		if (strncmp(line, key, strlen(key)) == 0 &&
		    sscanf(line + strlen(key), ": %lf", &value) == 1)
			kib = value;
	fclose(stream);
	return kib;
}

void *bench_alloc(size_t size)
{
	void *memory = calloc(1, size);

	if (!memory)
		bench_die("memory");
	return memory;
}

void bench_die(const char *what)
{
	perror(what);
	exit(1);
}
