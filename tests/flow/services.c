/* SPDX-License-Identifier: Apache-2.0 */
/* Services of flow tests, from both sides. */
#include "tests/flow/services.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <servers/bootstrap.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/flow/flow_private.h"

static char directory[] = "/tmp/machd-services-XXXXXX";

/* The service. */

static int32_t answer_to(const struct flow_message *message)
{
	unsigned variables = 0;

	switch (message->header.msgh_id) {
	case CRASH:
		kill(getpid(), SIGKILL);
		return 0;
	case SAY_PID:
		return getpid();
	case SAY_VARIABLE:
		while (environ[variables])
			variables++;
		return (int32_t)variables;
	}
	return message->header.msgh_id + 100;
}

static _Noreturn void serve(const char *name)
{
	struct flow_message message;
	mach_port_t port;

	if (bootstrap_check_in(bootstrap_port, name, &port) != BOOTSTRAP_SUCCESS)
		_exit(3);
	for (;;) {
		flow_await(port, &message);
		if (MACH_MSGH_BITS_REMOTE(message.header.msgh_bits) == MACH_MSG_TYPE_MOVE_SEND_ONCE)
			flow_send_to(message.header.msgh_remote_port, SEND_ONCE, MACH_PORT_NULL, 0,
				     answer_to(&message));
	}
}

/* Open for writing until the process ends. */
static _Noreturn void hold(const char *fifo)
{
	int fd = open(fifo, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, "", 1) != 1)
		_exit(4);
	for (;;)
		pause();
}

/* As a daemon of old: what goes on is a grandchild in a session of its own. */
static void leave(void)
{
	if (fork() != 0)
		_exit(0);
	setsid();
	if (fork() != 0)
		_exit(0);
}

void services_main(int argc, char **argv)
{
	if (argc < 3 || strcmp(argv[1], "serve") != 0)
		return;
	flow_in_child = true;
	if (strcmp(argv[2], "leave") == 0) {
		leave();
		argv++;
	}
	if (strcmp(argv[2], "exit") == 0)
		_exit(atoi(argv[3]));
	if (strcmp(argv[2], "kill") == 0)
		kill(getpid(), SIGKILL);
	if (strcmp(argv[2], "wait") == 0)
		pause();
	if (strcmp(argv[2], "hold") == 0)
		hold(argv[3]);
	serve(argv[2]);
}

/* Its files. */

const char *services_path(const char *file)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof path, "%s/%s", directory, file);
	return path;
}

void services_write(const char *file, const char *format)
{
	char program[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
	FILE *stream;

	if (!format) {
		unlink(services_path(file));
		return;
	}
	CHECK(length > 0);
	program[length] = '\0';
	stream = fopen(services_path(file), "w");
	CHECK(stream != NULL);
	for (const char *at = format; *at; at++) {
		if (strncmp(at, "%s", 2) == 0) {
			fputs(program, stream);
			at++;
		} else if (strncmp(at, "%d", 2) == 0) {
			fputs(directory, stream);
			at++;
		} else {
			fputc(*at, stream);
		}
	}
	CHECK(fclose(stream) == 0);
}

void services_start(const char *format)
{
	char config[PATH_MAX];

	strcpy(directory + strlen(directory) - 6, "XXXXXX");
	CHECK(mkdtemp(directory) != NULL);
	services_write("test.conf", format);
	snprintf(config, sizeof config, "[machd]\nLogLevel=debug\n[names]\nServices=%s\n",
		 directory);
	flow_start_with(&(struct flow_options){.config = config, .record = true});
}

void services_stop(void)
{
	char command[PATH_MAX];

	flow_stop();
	snprintf(command, sizeof command, "rm -r %s", directory);
	CHECK(system(command) == 0);
}

void services_reload(void)
{
	static const char line[] = "the services were read again";
	unsigned before = flow_logged(line);

	CHECK(kill(flow_daemon(), SIGHUP) == 0);
	while (flow_logged(line) == before)
		sched_yield();
}

int services_fifo(const char *file)
{
	int fifo;

	CHECK(mkfifo(services_path(file), 0600) == 0);
	fifo = open(services_path(file), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	CHECK(fifo >= 0);
	return fifo;
}

void services_await_open(int fifo)
{
	struct pollfd byte = {.fd = fifo, .events = POLLIN};
	char zero;

	CHECK(poll(&byte, 1, -1) == 1);
	CHECK(read(fifo, &zero, 1) == 1);
}

void services_await_close(int fifo)
{
	struct pollfd end = {.fd = fifo, .events = POLLIN};

	CHECK(poll(&end, 1, -1) == 1);
	close(fifo);
}

/* The client. */

mach_msg_return_t services_ask(mach_port_t service, mach_port_t reply, mach_msg_id_t id)
{
	return flow_send_to(service, MACH_MSG_TYPE_COPY_SEND, reply, MACH_MSG_TYPE_MAKE_SEND_ONCE,
			    id);
}

mach_msg_id_t services_answer(mach_port_t reply)
{
	struct flow_message message;

	flow_await(reply, &message);
	return message.header.msgh_id;
}
