/* SPDX-License-Identifier: Apache-2.0 */
/* Starts one command, waits for all that comes of it, and ends it; owns nothing but processes. */
#include "daemon/io/reaper.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <mach/clock_types.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* While it ends: how often to look for processes that were just being created. */
#define AGAIN_MS 100

/* How deep below the reaper a process may be; its children's orphans are its children soon. */
#define DEPTH_MAX 32

/* So many get it, each once: for some, a second one is a different word. */
#define TOLD_MAX 1024

struct reaper {
	pid_t command;
	int status;	   /* of the command, when it has ended */
	bool ending;	   /* all get SIGTERM, */
	uint64_t deadline; /* and from then on, in ms, SIGKILL */
	uint64_t patience;
	pid_t told[TOLD_MAX]; /* who got SIGTERM */
	unsigned told_count;
};

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / NSEC_PER_MSEC;
}

/* Signals. */

static bool was_told(const struct reaper *reaper, pid_t pid)
{
	for (unsigned i = 0; i < reaper->told_count; i++)
		if (reaper->told[i] == pid)
			return true;
	return false;
}

/* Politely, once; one that is stopped has to go on to end. */
static void tell(struct reaper *reaper, pid_t pid)
{
	if (reaper->told_count == TOLD_MAX || was_told(reaper, pid))
		return;
	reaper->told[reaper->told_count++] = pid;
	kill(pid, SIGTERM);
	kill(pid, SIGCONT);
}

static void end_below(struct reaper *reaper, pid_t pid, unsigned depth, int number);

/* The children of one thread, and their descendants. */
static void end_children(struct reaper *reaper, FILE *children, unsigned depth, int number)
{
	int child;

	while (fscanf(children, "%d", &child) == 1) {
		if (depth)
			end_below(reaper, child, depth - 1, number);
		if (number == SIGTERM)
			tell(reaper, child);
		else
			kill(child, number);
	}
}

static void end_below(struct reaper *reaper, pid_t pid, unsigned depth, int number)
{
	char path[64];
	const struct dirent *thread;
	DIR *threads;

	snprintf(path, sizeof path, "/proc/%d/task", pid);
	threads = opendir(path);
	while (threads && (thread = readdir(threads))) {
		FILE *children;

		snprintf(path, sizeof path, "/proc/%d/task/%.16s/children", pid, thread->d_name);
		children = fopen(path, "re");
		if (!children)
			continue;
		end_children(reaper, children, depth, number);
		fclose(children);
	}
	if (threads)
		closedir(threads);
}

/*
 * Once more, as processes may have been made meanwhile. Where /proc does not list children, what is
 * still in the command's session can be found.
 */
static void end_all(struct reaper *reaper)
{
	bool late = now_ms() >= reaper->deadline;

	if (access("/proc/thread-self/children", R_OK) == 0)
		end_below(reaper, getpid(), DEPTH_MAX, late ? SIGKILL : SIGTERM);
	else if (late)
		kill(-reaper->command, SIGKILL);
	else
		tell(reaper, -reaper->command);
}

static void begin_to_end(struct reaper *reaper)
{
	if (reaper->ending)
		return;
	reaper->ending = true;
	reaper->deadline = now_ms() + reaper->patience;
}

/* Children. */

/* Wait for those that have ended; is there any other? */
static bool reap(struct reaper *reaper)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid != reaper->command)
			continue;
		reaper->status = status;
		if (status)
			begin_to_end(reaper);
	}
	return pid == 0;
}

/* Until somebody has ended, or machd wants them to, or it is time to look again. */
static void wait_for(struct reaper *reaper, const sigset_t *signals)
{
	static const struct timespec again = {.tv_nsec = AGAIN_MS * NSEC_PER_MSEC};

	if (reaper->ending)
		end_all(reaper);
	if (sigtimedwait(signals, NULL, reaper->ending ? &again : NULL) == SIGTERM)
		begin_to_end(reaper);
}

/* The command. */

static int start(struct reaper *reaper, char **arguments)
{
	posix_spawnattr_t attributes;
	sigset_t none;
	int error;

	sigemptyset(&none);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK);
	error = posix_spawn(&reaper->command, arguments[0], NULL, &attributes, arguments, environ);
	posix_spawnattr_destroy(&attributes);
	return error;
}

/* Did machd end before we could ask to be told? Then nobody reads what we write. */
static bool is_orphan(void)
{
	struct pollfd failure = {.fd = REAPER_FD};

	return poll(&failure, 1, 0) == 1 && (failure.revents & POLLERR);
}

/* As the command did; a core of this one is of no use. */
static _Noreturn void end_as(int status)
{
	sigset_t all;

	if (WIFEXITED(status))
		_exit(WEXITSTATUS(status));
	setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
	sigfillset(&all);
	signal(WTERMSIG(status), SIG_DFL);
	sigprocmask(SIG_UNBLOCK, &all, NULL);
	raise(WTERMSIG(status));
	_exit(EXIT_FAILURE);
}

static _Noreturn void reaper_run(struct reaper *reaper, char **arguments)
{
	sigset_t signals;
	int error;

	sigemptyset(&signals);
	sigaddset(&signals, SIGCHLD);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	prctl(PR_SET_NAME, REAPER_NAME);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	fcntl(REAPER_FD, F_SETFD, FD_CLOEXEC);
	error = start(reaper, arguments);
	if (error) {
		ssize_t written = write(REAPER_FD, &error, sizeof error);

		_exit(written == sizeof error ? EXIT_SUCCESS : EXIT_FAILURE);
	}
	if (is_orphan())
		begin_to_end(reaper);
	close(REAPER_FD);
	while (reap(reaper))
		wait_for(reaper, &signals);
	end_as(reaper->status);
}

void reaper_main(int argc, char **argv)
{
	static struct reaper reaper;

	if (argc <= REAPER_ARGUMENTS || strcmp(argv[0], REAPER_NAME) != 0)
		return;
	reaper.patience = strtoull(argv[1], NULL, 10);
	reaper_run(&reaper, argv + REAPER_ARGUMENTS);
}
