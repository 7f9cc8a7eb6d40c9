/* SPDX-License-Identifier: Apache-2.0 */
/*
 * machd and a service manager, whose part is played by a socket here: what it is told, and when,
 * and that the configuration can be read again. tests/boot has a real systemd.
 */
#include <errno.h>
#include <mach/message.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/hostile/launch.h"

static const char *const as_service[] = {"--ready-fd", "9",	      "--log-level", "info",
					 "--config",   launch_config, NULL};

static char notify[128], drop_ins[128], drop_in[160], word[256];
static int notified, listening;

static void setup(void)
{
	launch_setup();
	launch_write(launch_config, "");
	snprintf(drop_ins, sizeof drop_ins, "%s.d", launch_config);
	snprintf(drop_in, sizeof drop_in, "%s/10.conf", drop_ins);
	snprintf(notify, sizeof notify, "%s/notify", victim.directory);
	notified = launch_listen(notify, SOCK_DGRAM);
	listening = launch_listen(victim.socket, SOCK_SEQPACKET);
	ck_assert_int_eq(setenv("NOTIFY_SOCKET", notify, 1), 0);
}

static void teardown(void)
{
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	close(notified);
	close(listening);
	unlink(notify);
	unlink(drop_in);
	rmdir(drop_ins);
	launch_teardown();
}

/* Wait for a word to the manager, which has this in it. */
static void told(const char *text)
{
	ssize_t size = recv(notified, word, sizeof word - 1, 0);

	ck_assert_int_gt(size, 0);
	word[size] = '\0';
	ck_assert_msg(strstr(word, text), "\"%s\" is not in:\n%s", text, word);
}

static pid_t start_service(void)
{
	pid_t pid = launch_start(as_service, listening);

	told("READY=1\nSTATUS=0 tasks, ");
	return pid;
}

static void stop_service(pid_t pid)
{
	launch_stop(pid);
	told("STOPPING=1");
}

static void reload(pid_t pid)
{
	ck_assert_int_eq(kill(pid, SIGHUP), 0);
	told("RELOADING=1\nMONOTONIC_USEC=");
	ck_assert_int_gt(atoll(strchr(word, '=') + sizeof "1\nMONOTONIC_USEC="), 0);
	told("READY=1\nSTATUS=");
}

/* As systemd does it: the socket is handed over, stays its own, and it is told. */
START_TEST(test_socket_from_systemd)
{
	pid_t pid = start_service();

	launch_serves();
	stop_service(pid);
	launch_printed("listening at the socket from systemd");
	ck_assert_int_eq(access(victim.socket, F_OK), 0);
}
END_TEST

START_TEST(test_wrong_socket_from_systemd)
{
	char path[128];
	int stream;

	snprintf(path, sizeof path, "%s/stream", victim.directory);
	stream = launch_listen(path, SOCK_STREAM);
	ck_assert_int_eq(launch_end(launch(as_service + 2, -1, stream)), 1);
	launch_printed("is not a listening SEQPACKET socket: its unit needs "
		       "ListenSequentialPacket=\n");
	close(stream);
	unlink(path);
}
END_TEST

/* The loop is heard of again and again; nothing else has to happen for it. */
START_TEST(test_watchdog)
{
	pid_t pid;

	ck_assert_int_eq(setenv("WATCHDOG_USEC", "30000", 1), 0);
	pid = start_service();
	for (int i = 0; i < 3; i++)
		told("WATCHDOG=1");
	ck_assert_int_eq(kill(pid, SIGTERM), 0);
	do
		told("");
	while (!strstr(word, "STOPPING=1"));
	ck_assert_int_eq(launch_end(pid), 0);
}
END_TEST

/* A message to a port whose queue has room for it. */
static void send_one(struct raw *raw, uint32_t port)
{
	struct raw_message message = raw_message(port, MACH_MSG_TYPE_MAKE_SEND);
	uint8_t packet[512];

	ck_assert(raw_send(raw, MACHD_OP_MESSAGE, ++raw->sequence, &message, sizeof message, NULL,
			   0));
	ck_assert_uint_gt(raw_receive(raw, packet, sizeof packet, NULL), 0);
}

/* It says who is there and what they do, and at last that nobody does anything. */
START_TEST(test_status)
{
	pid_t pid = start_service();
	struct raw raw;
	uint32_t port;

	raw_join(&raw);
	port = raw_port(&raw);
	for (int i = 0; i < 5; i++)
		send_one(&raw, port);
	do
		told("STATUS=1 tasks, ");
	while (strstr(word, " 0 messages per second"));
	do
		told("STATUS=1 tasks, ");
	while (!strstr(word, " 0 messages per second"));
	raw_close(&raw);
	told("STATUS=0 tasks, ");
	told("STATUS=0 tasks, ");
	stop_service(pid);
}
END_TEST

/* A manager that does not listen is not waited for, and hears of the end of a reload later. */
START_TEST(test_manager_that_hangs)
{
	pid_t pid = start_service();
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, notify);
	while (sendto(fd, "", 1, 0, (struct sockaddr *)&address, sizeof address) == 1)
		continue;
	ck_assert_int_eq(errno, EAGAIN);
	close(fd);
	launch_write(launch_config, "[limits]\nChannels=20\n");
	ck_assert_int_eq(kill(pid, SIGHUP), 0);
	while (victim_lines("the configuration was read again") == 0)
		launch_serves();
	launch_serves();
	do
		ck_assert_int_gt(recv(notified, word, sizeof word, 0), 0);
	while (!strstr(word, "READY=1"));
	launch_stop(pid);
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

/* Limits change for tasks that live; with a file that is wrong nothing does. */
START_TEST(test_reload)
{
	pid_t pid;

	launch_write(launch_config, "[limits]\nChannels=20\n");
	pid = start_service();
	ck_assert_uint_eq(connections_taken(50), 20);
	ck_assert_uint_eq(victim_lines("there are too many connections (Channels=)"), 1);
	launch_write(launch_config, "[limits]\nChannels=30\nTasksPerUser=40\n");
	reload(pid);
	ck_assert_uint_eq(connections_taken(50), 30);
	launch_write(launch_config, "[limits]\nChannels=20\nColour=red\n");
	reload(pid);
	ck_assert_uint_eq(victim_lines(":3: unknown key Colour= in [limits]"), 1);
	ck_assert_uint_eq(victim_lines("the configuration stays as it was"), 1);
	ck_assert_uint_eq(connections_taken(50), 30);
	launch_stop(pid);
}
END_TEST

/* A drop-in that appears changes what the file says, and one that is wrong nothing. */
START_TEST(test_drop_in)
{
	pid_t pid;

	launch_write(launch_config, "[limits]\nChannels=20\n");
	pid = start_service();
	ck_assert_int_eq(mkdir(drop_ins, 0700), 0);
	launch_write(drop_in, "[limits]\nChannels=25\n");
	reload(pid);
	ck_assert_uint_eq(connections_taken(50), 25);
	launch_write(drop_in, "\n[limits]\nChannels=1\n");
	reload(pid);
	ck_assert_uint_eq(victim_lines("machd.conf.d/10.conf:3: Channels=1 is out of range"), 1);
	ck_assert_uint_eq(connections_taken(50), 25);
	launch_stop(pid);
}
END_TEST

/* What only a new machd can do is said, and not done by halves. */
START_TEST(test_later)
{
	pid_t pid = start_service();

	launch_write(launch_config,
		     "[machd]\nSocket=/a\nOnBadSignature=discard\nImportanceNice=-1\n"
		     "[policy]\nHardened=all\n");
	reload(pid);
	ck_assert_uint_eq(victim_lines("that takes effect when machd starts again"), 1);
	ck_assert_uint_eq(victim_lines("Socket= changed"), 1);
	launch_write(launch_config, "");
	reload(pid);
	ck_assert_uint_eq(victim_lines("that takes effect when machd starts again"), 1);
	launch_serves();
	stop_service(pid);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		test_socket_from_systemd,
		test_wrong_socket_from_systemd,
		test_watchdog,
		test_status,
		test_manager_that_hangs,
		test_reload,
		test_drop_in,
		test_later,
	};

	return hostile_run("supervise", tests, sizeof tests / sizeof *tests, setup, teardown);
}
