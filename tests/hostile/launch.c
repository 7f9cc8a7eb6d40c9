/* SPDX-License-Identifier: Apache-2.0 */
/* Processes, files and sockets for tests that start machd by hand. */
#include "tests/hostile/launch.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define READY_FD 9

char launch_output[4096], launch_config[96];

void launch_setup(void)
{
	memset(&victim, 0, sizeof victim);
	strcpy(victim.directory, "/tmp/machd-start-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(victim.directory));
	snprintf(victim.socket, sizeof victim.socket, "%s/socket", victim.directory);
	snprintf(victim.log, sizeof victim.log, "%s/log", victim.directory);
	snprintf(launch_config, sizeof launch_config, "%s/machd.conf", victim.directory);
}

void launch_teardown(void)
{
	unlink(victim.socket);
	unlink(victim.log);
	unlink(launch_config);
	ck_assert_int_eq(rmdir(victim.directory), 0);
}

void launch_write(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	ck_assert_int_eq(fclose(file), 0);
}

static void read_output(void)
{
	int fd = open(victim.log, O_RDONLY);
	ssize_t size = read(fd, launch_output, sizeof launch_output - 1);

	ck_assert_int_ge(size, 0);
	launch_output[size] = '\0';
	close(fd);
}

pid_t launch(const char *const *arguments, int ready, int listening)
{
	const char *argv[16] = {getenv("MACHD_BINARY")};
	pid_t pid = fork();
	char number[16];
	int log;

	ck_assert_int_ge(pid, 0);
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (int i = 0; arguments[i]; i++)
		argv[i + 1] = arguments[i];
	log = open(victim.log, O_WRONLY | O_CREAT | O_APPEND, 0600);
	dup2(log, STDOUT_FILENO);
	dup2(log, STDERR_FILENO);
	if (ready >= 0)
		dup2(ready, READY_FD);
	if (listening >= 0) {
		snprintf(number, sizeof number, "%d", (int)getpid());
		setenv("LISTEN_PID", number, 1);
		setenv("LISTEN_FDS", "1", 1);
		dup2(listening, 3);
	}
	execv(argv[0], (char *const *)(uintptr_t)argv);
	_exit(127);
}

int launch_end(pid_t pid)
{
	int status;

	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFEXITED(status), "machd was ended by %d", status);
	read_output();
	return WEXITSTATUS(status);
}

int launch_run(const char *const *arguments)
{
	unlink(victim.log);
	return launch_end(launch(arguments, -1, -1));
}

pid_t launch_start(const char *const *arguments, int listening)
{
	int ready[2];
	char byte;
	pid_t pid;

	ck_assert_int_eq(pipe2(ready, O_CLOEXEC), 0);
	pid = launch(arguments, ready[1], listening);
	close(ready[1]);
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	ck_assert_int_eq(byte, '\n');
	ck_assert_int_eq(read(ready[0], &byte, 1), 0);
	close(ready[0]);
	return pid;
}

void launch_stop(pid_t pid)
{
	ck_assert_int_eq(kill(pid, SIGTERM), 0);
	ck_assert_int_eq(launch_end(pid), 0);
}

void launch_serves(void)
{
	struct raw raw;

	raw_join(&raw);
	raw_port(&raw);
	raw_close(&raw);
}

void launch_printed(const char *text)
{
	ck_assert_msg(strstr(launch_output, text), "\"%s\" is not in:\n%s", text, launch_output);
}

int launch_listen(const char *path, int type)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, path);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
	if (type != SOCK_DGRAM)
		ck_assert_int_eq(listen(fd, 10), 0);
	return fd;
}
