/* SPDX-License-Identifier: Apache-2.0 */
/* Starting and stopping machd in places that do not fit. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/hostile/launch.h"

START_TEST(test_socket_for_all)
{
	pid_t pid;
	struct stat st;

	umask(0077);
	pid = START("--log-level", "info");
	ck_assert_int_eq(stat(victim.socket, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0666);
	launch_serves();
	launch_stop(pid);
	ck_assert_int_lt(access(victim.socket, F_OK), 0);
	launch_printed("machd: info: listening at ");
	launch_printed("machd: info: stopped; 0 pieces of memory are left");
}
END_TEST

START_TEST(test_second_machd)
{
	pid_t pid = START("--log-level", "info");

	ck_assert_int_eq(RUN("--foreground", "--socket", victim.socket), 1);
	launch_printed("machd: error: ");
	launch_printed("/socket: a machd is already running there\n");
	launch_serves();
	launch_stop(pid);
}
END_TEST

START_TEST(test_stale_socket)
{
	pid_t pid = START("--log-level", "info");
	int status;

	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(access(victim.socket, F_OK), 0);
	pid = START("--log-level", "info");
	launch_serves();
	launch_stop(pid);
}
END_TEST

START_TEST(test_file_in_the_way)
{
	launch_write(victim.socket, "precious");
	ck_assert_int_eq(RUN("--foreground", "--socket", victim.socket), 1);
	launch_printed("/socket exists and is not a socket\n");
	ck_assert_int_eq(access(victim.socket, F_OK), 0);
}
END_TEST

/* What is at the path when machd stops is somebody else's. */
START_TEST(test_socket_replaced)
{
	pid_t pid = START("--log-level", "info");

	ck_assert_int_eq(unlink(victim.socket), 0);
	launch_write(victim.socket, "precious");
	launch_stop(pid);
	ck_assert_int_eq(access(victim.socket, F_OK), 0);
}
END_TEST

START_TEST(test_impossible_paths)
{
	char path[200] = "/tmp/";

	memset(path + 5, 'x', 150);
	ck_assert_int_eq(RUN("--foreground", "--socket", path), 1);
	launch_printed("a socket's path has at most 107 bytes\n");
	ck_assert_int_eq(RUN("--foreground", "--socket", ""), 1);
	launch_printed("the path of the socket is empty\n");
	ck_assert_int_eq(RUN("--foreground", "--socket", "/nowhere/socket"), 1);
	launch_printed("cannot listen at /nowhere/socket: No such file or directory\n");
}
END_TEST

START_TEST(test_bad_configuration)
{
	char expected[256];

	launch_write(launch_config, "[limits]\nChannels=many\n");
	snprintf(expected, sizeof expected,
		 "machd: error: %s:2: Channels=many is not a number: use 16 to 1048576, K, M or G "
		 "may follow\n",
		 launch_config);
	ck_assert_int_eq(RUN("--foreground", "--socket", victim.socket, "--config", launch_config),
			 78);
	ck_assert_str_eq(launch_output, expected);
	ck_assert_int_lt(access(victim.socket, F_OK), 0);
	ck_assert_int_eq(RUN("--check-config", "--config", launch_config), 78);
	ck_assert_str_eq(launch_output, expected);
	ck_assert_int_eq(RUN("--check-config", "--config", "/nowhere/machd.conf"), 78);
	launch_printed("/nowhere/machd.conf: cannot be read: No such file or directory\n");
	launch_write(launch_config, "[limits]\nChannels=100\n");
	ck_assert_int_eq(RUN("--check-config", "--config", launch_config), 0);
	launch_printed("/machd.conf: good\n");
}
END_TEST

START_TEST(test_bad_command_lines)
{
	ck_assert_int_eq(RUN("--fast"), 64);
	ck_assert_int_eq(RUN("fast"), 64);
	launch_printed("there is no use for \"fast\"");
	ck_assert_int_eq(RUN("--log-level", "loud"), 64);
	launch_printed("--log-level=loud: use error, warning, notice, info or debug");
	ck_assert_int_eq(RUN("--ready-fd", "-1"), 64);
	ck_assert_int_eq(RUN("--ready-fd", "3x"), 64);
	launch_printed("--ready-fd=3x: this is not a descriptor");
	ck_assert_int_eq(RUN("--replay", "/nowhere/record"), 65);
	launch_printed("/nowhere/record: No such file or directory\n");
	ck_assert_int_eq(RUN("--version"), 0);
	ck_assert_int_eq(strncmp(launch_output, "machd ", 6), 0);
	ck_assert_int_eq(RUN("--help"), 0);
	launch_printed("--foreground");
	ck_assert_int_eq(RUN("--foreground", "--socket", victim.socket, "--record", "/no/where"),
			 1);
	launch_printed("cannot record to /no/where: No such file or directory\n");
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		test_socket_for_all,	test_second_machd,	test_stale_socket,
		test_file_in_the_way,	test_socket_replaced,	test_impossible_paths,
		test_bad_configuration, test_bad_command_lines,
	};

	return hostile_run("start", tests, sizeof tests / sizeof *tests, launch_setup,
			   launch_teardown);
}
