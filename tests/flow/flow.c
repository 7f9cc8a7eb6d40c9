/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon of a flow test: started, stopped, killed; and what a failed check does. */
#include "tests/flow/flow.h"

#include <errno.h>
#include <fcntl.h>
#include <machd.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/flow/flow_private.h"

static struct {
	pid_t pid; /* 0: not running */
	bool record;
	char directory[64];
	char socket[96], log[96], config[96], recording[96];
} daemon_;

bool flow_in_child;

/* Descriptor that the daemon writes to when it is ready. */
#define READY_FD 3

static void print_log(void)
{
	char line[512];
	FILE *log = fopen(daemon_.log, "r");

	while (log && fgets(line, sizeof line, log))
		fprintf(stderr, "  machd: %s", line);
	if (log)
		fclose(log);
}

static int finish(pid_t pid)
{
	int status = -1;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

static bool clean_up(void)
{
	unlink(daemon_.log);
	unlink(daemon_.config);
	unlink(daemon_.recording);
	return rmdir(daemon_.directory) == 0;
}

void flow_fail(const char *file, int line, const char *format, ...)
{
	char text[512];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	if (flow_in_child) {
		fprintf(stderr, "%s:%d: in a child: %s\n", file, line, text);
		_exit(99);
	}
	print_log();
	if (daemon_.pid > 0) {
		kill(daemon_.pid, SIGKILL);
		finish(daemon_.pid);
		daemon_.pid = 0;
		unlink(daemon_.socket);
	}
	clean_up();
	_ck_assert_failed(file, line, "Failed", "%s", text);
	abort();
}

void flow_check_code(const char *file, int line, const char *call, kern_return_t code,
		     kern_return_t expected)
{
	if (code == expected)
		return;
	flow_fail(file, line, "%s is %#x (%s), not %#x (%s) %s", call, (unsigned)code,
		  mach_error_string(code), (unsigned)expected, mach_error_string(expected),
		  code == MACHD_NO_DAEMON ? machd_last_error() : "");
}

void flow_check_equal(const char *file, int line, const char *left, const char *right, uint64_t a,
		      uint64_t b)
{
	if (a != b)
		flow_fail(file, line, "%s is %#llx, %s is %#llx", left, (unsigned long long)a,
			  right, (unsigned long long)b);
}

static const char *binary(void)
{
	const char *path = getenv("MACHD_BINARY");

	if (!path || access(path, X_OK))
		flow_fail(__FILE__, __LINE__, "MACHD_BINARY does not name machd");
	return path;
}

/* In the forked child: become machd. */
static void become(const char *const arguments[], int ready)
{
	int log = open(daemon_.log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(log, STDOUT_FILENO);
	dup2(log, STDERR_FILENO);
	if (ready == READY_FD)
		fcntl(ready, F_SETFD, 0);
	else if (ready >= 0)
		dup2(ready, READY_FD);
	execv(arguments[0], (char *const *)(uintptr_t)arguments);
	_exit(127);
}

void flow_restart(void)
{
	const char *arguments[] = {
		binary(),
		"--foreground",
		"--socket",
		daemon_.socket,
		"--config",
		daemon_.config,
		"--ready-fd",
		"3",
		daemon_.record ? "--record" : NULL,
		daemon_.recording,
		NULL,
	};
	int ready[2];
	char byte;

	CHECK(pipe2(ready, O_CLOEXEC) == 0);
	daemon_.pid = fork();
	CHECK(daemon_.pid >= 0);
	if (daemon_.pid == 0)
		become(arguments, ready[1]);
	close(ready[1]);
	CHECK(read(ready[0], &byte, 1) == 1);
	close(ready[0]);
}

/* Without forks between tests, a task of the daemon before this one may be remembered. */
static void connect_test(void)
{
	mach_port_type_t type;

	if (mach_port_type(mach_task_self(), MACH_PORT_DEAD, &type) == MACHD_NO_DAEMON)
		CHECK(mach_task_self() != MACH_PORT_NULL);
}

void flow_start_with(const struct flow_options *options)
{
	FILE *config;

	binary();
	strcpy(daemon_.directory, "/tmp/machd-flow-XXXXXX");
	CHECK(mkdtemp(daemon_.directory) != NULL);
	snprintf(daemon_.socket, sizeof daemon_.socket, "%s/machd.sock", daemon_.directory);
	snprintf(daemon_.log, sizeof daemon_.log, "%s/log", daemon_.directory);
	snprintf(daemon_.config, sizeof daemon_.config, "%s/machd.conf", daemon_.directory);
	snprintf(daemon_.recording, sizeof daemon_.recording, "%s/record", daemon_.directory);
	daemon_.record = options->record || getenv("MACHD_FLOW_RECORD");
	config = fopen(daemon_.config, "w");
	CHECK(config != NULL);
	if (getenv("MACHD_FLOW_SPIN_US"))
		fprintf(config, "[machd]\nSpinTime=%s\n", getenv("MACHD_FLOW_SPIN_US"));
	fputs(options->config ? options->config : "", config);
	CHECK(fclose(config) == 0);
	CHECK(setenv("MACHD_SOCKET", daemon_.socket, 1) == 0);
	CHECK(setenv("MACHD_RING_AFTER", "0", 0) == 0);
	flow_restart();
	connect_test();
}

void flow_start(void)
{
	flow_start_with(&(struct flow_options){0});
}

void flow_crash(void)
{
	kill(daemon_.pid, SIGKILL);
	finish(daemon_.pid);
	daemon_.pid = 0;
}

/* Do again what was recorded: the outcome must be the same. */
static void replay(void)
{
	const char *arguments[] = {binary(), "--replay", daemon_.recording, NULL};
	pid_t pid = fork();
	int status;

	CHECK(pid >= 0);
	if (pid == 0)
		become(arguments, -1);
	status = finish(pid);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		flow_fail(__FILE__, __LINE__, "the replay ended with status %#x", status);
}

void flow_stop(void)
{
	bool crashed = daemon_.pid == 0;
	int status = 0;

	if (!crashed) {
		kill(daemon_.pid, SIGTERM);
		status = finish(daemon_.pid);
		daemon_.pid = 0;
	}
	if (status != 0)
		flow_fail(__FILE__, __LINE__, "machd ended with status %#x", status);
	if (waitpid(-1, NULL, WNOHANG) != -1 || errno != ECHILD)
		flow_fail(__FILE__, __LINE__, "a child process is left");
	if (crashed)
		unlink(daemon_.socket);
	else if (daemon_.record)
		replay();
	if (!clean_up())
		flow_fail(__FILE__, __LINE__, "%s cannot be removed: %s", daemon_.directory,
			  strerror(errno));
}

pid_t flow_daemon(void)
{
	return daemon_.pid;
}

const char *flow_socket(void)
{
	return daemon_.socket;
}

unsigned flow_logged(const char *text)
{
	FILE *log = fopen(daemon_.log, "r");
	char line[1024];
	unsigned count = 0;

	CHECK(log != NULL);
	while (fgets(line, sizeof line, log))
		count += strstr(line, text) != NULL;
	fclose(log);
	return count;
}

TCase *flow_case(Suite *suite, const char *name)
{
	TCase *tests = tcase_create(name);

	tcase_add_checked_fixture(tests, flow_start, flow_stop);
	suite_add_tcase(suite, tests);
	return tests;
}

int flow_run(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
