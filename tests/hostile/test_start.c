/* SPDX-License-Identifier: Apache-2.0 */
/* Starting, reloading and stopping machd in places that do not fit. */
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

#include "tests/hostile/hostile.h"

#define READY_FD 9

static char output[4096]; /* of the last machd that ended, or so far */
static char config[96];

/* A directory of its own for each test; victim.socket and victim.log are in it. */
static void setup(void)
{
	memset(&victim, 0, sizeof victim);
	strcpy(victim.directory, "/tmp/machd-start-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(victim.directory));
	snprintf(victim.socket, sizeof victim.socket, "%s/socket", victim.directory);
	snprintf(victim.log, sizeof victim.log, "%s/log", victim.directory);
	snprintf(config, sizeof config, "%s/machd.conf", victim.directory);
}

static void teardown(void)
{
	unlink(victim.socket);
	unlink(victim.log);
	unlink(config);
	ck_assert_int_eq(rmdir(victim.directory), 0);
}

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	ck_assert_int_eq(fclose(file), 0);
}

static void read_output(void)
{
	int fd = open(victim.log, O_RDONLY);
	ssize_t size = read(fd, output, sizeof output - 1);

	ck_assert_int_ge(size, 0);
	output[size] = '\0';
	close(fd);
}

/* Run machd with these arguments; both of its outputs go to victim.log. */
static pid_t spawn(const char *const *arguments, int ready, int listening)
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

/* Wait for its end; the exit status. */
static int end_of(pid_t pid)
{
	int status;

	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFEXITED(status), "machd was ended by %d", status);
	read_output();
	return WEXITSTATUS(status);
}

static int run(const char *const *arguments)
{
	unlink(victim.log);
	return end_of(spawn(arguments, -1, -1));
}

#define RUN(...) run((const char *const[]){__VA_ARGS__, NULL})

/* Start machd and wait until it listens. */
static pid_t start(const char *const *arguments, int listening)
{
	int ready[2];
	char byte;
	pid_t pid;

	ck_assert_int_eq(pipe2(ready, O_CLOEXEC), 0);
	pid = spawn(arguments, ready[1], listening);
	close(ready[1]);
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	ck_assert_int_eq(byte, '\n');
	ck_assert_int_eq(read(ready[0], &byte, 1), 0);
	close(ready[0]);
	return pid;
}

#define START(...)                                                                                \
	start((const char *const[]){"--foreground", "--socket", victim.socket, "--ready-fd", "9", \
				    __VA_ARGS__, NULL},                                           \
	      -1)

static void stop(pid_t pid)
{
	ck_assert_int_eq(kill(pid, SIGTERM), 0);
	ck_assert_int_eq(end_of(pid), 0);
}

static void is_served(void)
{
	struct raw raw;

	raw_join(&raw);
	raw_port(&raw);
	raw_close(&raw);
}

static void printed(const char *text)
{
	ck_assert_msg(strstr(output, text), "\"%s\" is not in:\n%s", text, output);
}

START_TEST(test_socket_for_all)
{
	pid_t pid;
	struct stat st;

	umask(0077);
	pid = START("--log-level", "info");
	ck_assert_int_eq(stat(victim.socket, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0666);
	is_served();
	stop(pid);
	ck_assert_int_lt(access(victim.socket, F_OK), 0);
	printed("machd: info: listening at ");
	printed("machd: info: stopped; 0 pieces of memory are left");
}
END_TEST

START_TEST(test_second_machd)
{
	pid_t pid = START("--log-level", "info");

	ck_assert_int_eq(RUN("--foreground", "--socket", victim.socket), 1);
	printed("machd: error: ");
	printed("/socket: a machd is already running there\n");
	is_served();
	stop(pid);
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
	is_served();
	stop(pid);
}
END_TEST

START_TEST(test_file_in_the_way)
{
	write_file(victim.socket, "precious");
	ck_assert_int_eq(RUN("--foreground", "--socket", victim.socket), 1);
	printed("/socket exists and is not a socket\n");
	ck_assert_int_eq(access(victim.socket, F_OK), 0);
}
END_TEST

/* What is at the path when machd stops is somebody else's. */
START_TEST(test_socket_replaced)
{
	pid_t pid = START("--log-level", "info");

	ck_assert_int_eq(unlink(victim.socket), 0);
	write_file(victim.socket, "precious");
	stop(pid);
	ck_assert_int_eq(access(victim.socket, F_OK), 0);
}
END_TEST

START_TEST(test_impossible_paths)
{
	char path[200] = "/tmp/";

	memset(path + 5, 'x', 150);
	ck_assert_int_eq(RUN("--foreground", "--socket", path), 1);
	printed("a socket's path has at most 107 bytes\n");
	ck_assert_int_eq(RUN("--foreground", "--socket", ""), 1);
	printed("the path of the socket is empty\n");
	ck_assert_int_eq(RUN("--foreground", "--socket", "/nowhere/socket"), 1);
	printed("cannot listen at /nowhere/socket: No such file or directory\n");
}
END_TEST

START_TEST(test_bad_configuration)
{
	char expected[256];

	write_file(config, "[limits]\nChannels=many\n");
	snprintf(expected, sizeof expected,
		 "machd: error: %s:2: Channels=many is not a number: use 16 to 1048576, K, M or G "
		 "may follow\n",
		 config);
	ck_assert_int_eq(RUN("--foreground", "--socket", victim.socket, "--config", config), 78);
	ck_assert_str_eq(output, expected);
	ck_assert_int_lt(access(victim.socket, F_OK), 0);
	ck_assert_int_eq(RUN("--check-config", "--config", config), 78);
	ck_assert_str_eq(output, expected);
	ck_assert_int_eq(RUN("--check-config", "--config", "/nowhere/machd.conf"), 78);
	printed("/nowhere/machd.conf: cannot be read: No such file or directory\n");
	write_file(config, "[limits]\nChannels=100\n");
	ck_assert_int_eq(RUN("--check-config", "--config", config), 0);
	printed("/machd.conf: good\n");
}
END_TEST

START_TEST(test_bad_command_lines)
{
	ck_assert_int_eq(RUN("--fast"), 64);
	ck_assert_int_eq(RUN("fast"), 64);
	printed("there is no use for \"fast\"");
	ck_assert_int_eq(RUN("--log-level", "loud"), 64);
	printed("--log-level=loud: use error, warning, notice, info or debug");
	ck_assert_int_eq(RUN("--ready-fd", "-1"), 64);
	ck_assert_int_eq(RUN("--ready-fd", "3x"), 64);
	printed("--ready-fd=3x: this is not a descriptor");
	ck_assert_int_eq(RUN("--replay", "/nowhere/record"), 65);
	printed("/nowhere/record: No such file or directory\n");
	ck_assert_int_eq(RUN("--version"), 0);
	ck_assert_int_eq(strncmp(output, "machd ", 6), 0);
	ck_assert_int_eq(RUN("--help"), 0);
	printed("--foreground");
	ck_assert_int_eq(RUN("--foreground", "--socket", victim.socket, "--record", "/no/where"),
			 1);
	printed("cannot record to /no/where: No such file or directory\n");
}
END_TEST

/* Connect until one is refused; how many were not. */
static unsigned connections_taken(unsigned most)
{
	struct raw crowd[64];
	unsigned count = 0, taken = 0;
	uint8_t byte;

	for (; count < most && taken == count; count++) {
		struct machd_hello hello = {.version_oldest = 1,
					    .version_newest = 1,
					    .word = 64,
					    .role = MACHD_ROLE_TASK,
					    .pid_namespace = 1};
		uint8_t bytes[MACHD_HELLO_SIZE_MAX];
		size_t size = machd_hello_pack(&hello, bytes, sizeof bytes);

		raw_connect(&crowd[count]);
		taken += raw_send(&crowd[count], MACHD_OP_HELLO, 0, bytes, size, NULL, 0) &&
			 recv(crowd[count].fd, &byte, 1, 0) > 0;
	}
	while (count > 0)
		raw_close(&crowd[--count]);
	return taken;
}

/* Wait until machd has said something so often. */
static void await_line(const char *text, unsigned times)
{
	struct raw raw;

	/* Each connection is answered behind the signals that came before it. */
	while (victim_lines(text) < times) {
		raw_connect(&raw);
		raw_close(&raw);
	}
}

START_TEST(test_reload)
{
	pid_t pid;

	write_file(config, "[limits]\nChannels=20\n");
	pid = START("--config", config);
	ck_assert_uint_eq(connections_taken(50), 20);
	ck_assert_uint_eq(victim_lines("there are too many connections (Channels=)"), 1);
	write_file(config, "[limits]\nChannels=30\nTasksPerUser=40\n");
	ck_assert_int_eq(kill(pid, SIGHUP), 0);
	await_line("were read again", 1);
	ck_assert_uint_eq(connections_taken(50), 30);
	write_file(config, "[limits]\nChannels=20\nColour=red\n");
	ck_assert_int_eq(kill(pid, SIGHUP), 0);
	await_line("the configuration stays as it was", 1);
	ck_assert_uint_eq(victim_lines(":3: unknown key Colour= in [limits]"), 1);
	ck_assert_uint_eq(connections_taken(50), 30);
	stop(pid);
}
END_TEST

static int listening_socket(const char *path, int type)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, path);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
	if (type != SOCK_DGRAM)
		ck_assert_int_eq(listen(fd, 10), 0);
	return fd;
}

/* As systemd does it: the socket is handed over, and told when it is served. */
START_TEST(test_systemd)
{
	static const char *const arguments[] = {"--ready-fd", "9", "--log-level", "info", NULL};
	char notify[128], word[256] = "";
	int listening = listening_socket(victim.socket, SOCK_SEQPACKET), notified;
	pid_t pid;

	snprintf(notify, sizeof notify, "%s/notify", victim.directory);
	notified = listening_socket(notify, SOCK_DGRAM);
	ck_assert_int_eq(setenv("NOTIFY_SOCKET", notify, 1), 0);
	pid = start(arguments, listening);
	ck_assert_int_gt(recv(notified, word, sizeof word - 1, 0), 0);
	ck_assert_ptr_nonnull(strstr(word, "READY=1"));
	is_served();
	stop(pid);
	printed("listening at the socket from systemd");
	ck_assert_int_gt(recv(notified, word, sizeof word - 1, 0), 0);
	ck_assert_ptr_nonnull(strstr(word, "STOPPING=1"));
	ck_assert_int_eq(access(victim.socket, F_OK), 0);
	close(listening);
	close(notified);
	unlink(notify);
	unsetenv("NOTIFY_SOCKET");
}
END_TEST

START_TEST(test_wrong_socket_from_systemd)
{
	static const char *const arguments[] = {"--log-level", "info", NULL};
	int listening = listening_socket(victim.socket, SOCK_STREAM);

	ck_assert_int_eq(end_of(spawn(arguments, -1, listening)), 1);
	printed("is not a listening SEQPACKET socket: its unit needs ListenSequentialPacket=\n");
	close(listening);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		test_socket_for_all,
		test_second_machd,
		test_stale_socket,
		test_file_in_the_way,
		test_socket_replaced,
		test_impossible_paths,
		test_bad_configuration,
		test_bad_command_lines,
		test_reload,
		test_systemd,
		test_wrong_socket_from_systemd,
	};

	return hostile_run("start", tests, sizeof tests / sizeof *tests, setup, teardown);
}
