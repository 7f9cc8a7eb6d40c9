/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What looking at a daemon costs those that use it:
 *
 *   inspect   round trips of a client beside a task with -n ports (a million): alone, and while
 *             `machctl ports`, then `machctl port`, run again and again; and how long one list
 * takes
 *
 * machctl is the one of MACHCTL_BINARY, or of the build folder that this program is in.
 */
#include <fcntl.h>
#include <servers/bootstrap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/machd.h"

#define SERVICE	    "org.machd.bench"
#define PORTS	    1000000
#define SAMPLES_MAX 1000000

/* A child that tells by a byte that it has done its part, and stays. */
static void have(void (*part)(long), long argument)
{
	int fds[2];
	char byte;

	if (pipe(fds) < 0)
		bench_die("pipe");
	if (bench_fork() == 0) {
		part(argument);
		if (write(fds[1], "", 1) != 1)
			bench_die("pipe");
		if (argument)
			for (;;)
				pause();
		bench_echo(bench_check_in(SERVICE));
	}
	close(fds[1]);
	if (read(fds[0], &byte, 1) != 1)
		bench_die("a process of the benchmark failed");
	close(fds[0]);
}

static void make_ports(long count)
{
	for (long i = 0; i < count; i++)
		bench_port();
}

static void serve(long none)
{
	(void)none;
}

/* Run machctl once; its output goes nowhere. */
static void run_machctl(const char *command, const char *argument)
{
	const char *binary = bench_program("MACHCTL_BINARY", "client/machctl");
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		dup2(open("/dev/null", O_WRONLY), STDOUT_FILENO);
		execl(binary, "machctl", command, "--json", argument, (char *)NULL);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
		bench_die(binary);
}

/* A child that does so again and again. */
static pid_t look(const char *command, const char *argument)
{
	pid_t pid = bench_fork();

	if (pid == 0)
		for (;;)
			run_machctl(command, argument);
	return pid;
}

static void measure(const struct bench_case *run, struct bench_client *client, const char *label)
{
	struct bench_case named = *run;
	struct bench_samples samples;
	uint64_t end = bench_now() + run->window;

	named.label = label;
	bench_samples_new(&samples, SAMPLES_MAX);
	while (samples.count < samples.room && bench_now() < end) {
		uint64_t start = bench_now();

		bench_client_call(client, run->size);
		bench_samples_add(&samples, bench_now() - start);
	}
	bench_samples_row(&named, &samples);
	free(samples.taken);
}

static void inspect(const struct bench_case *run)
{
	long count = run->count ? run->count : PORTS;
	char text[96];
	struct bench_client *client;
	uint64_t start;
	pid_t looking;

	snprintf(text, sizeof text, "[limits]\nNamesPerTask=%ld\n", count + 1000);
	bench_machd_start(text);
	have(make_ports, count);
	have(serve, 0);
	do
		usleep(1000);
	while (bootstrap_look_up(bootstrap_port, SERVICE, &(mach_port_t){0}) != KERN_SUCCESS);
	client = bench_client_new(bench_look_up(SERVICE));
	measure(run, client, "alone");
	looking = look("ports", NULL);
	measure(run, client, "ports");
	bench_end(looking);
	looking = look("port", SERVICE);
	measure(run, client, "port");
	bench_end(looking);
	start = bench_now();
	run_machctl("ports", NULL);
	bench_row(run, "list_ms", (double)(bench_now() - start) / 1e6);
	start = bench_now();
	run_machctl("port", SERVICE);
	bench_row(run, "port_ms", (double)(bench_now() - start) / 1e6);
}

int main(int argc, char **argv)
{
	struct bench_case run = bench_options(argc, argv, "machd");

	if (strcmp(run.test, "inspect") != 0)
		return 2;
	inspect(&run);
	bench_finish();
}
