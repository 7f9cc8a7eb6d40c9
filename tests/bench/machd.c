/* SPDX-License-Identifier: Apache-2.0 */
/* A daemon for a benchmark, and what is always said to it: see machd.h. */
#include "tests/bench/machd.h"

#include <fcntl.h>
#include <libgen.h>
#include <servers/bootstrap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *bench_program(const char *variable, const char *place)
{
	static char path[4096];
	const char *given = getenv(variable);
	ssize_t length;

	if (given)
		return given;
	length = readlink("/proc/self/exe", path, sizeof path - 64);
	if (length < 0)
		bench_die("/proc/self/exe");
	path[length] = 0;
	strcat(strcat(dirname(path), "/../../"), place);
	return path;
}

__attribute__((noreturn)) static void become_machd(const char *socket, const char *config,
						   int ready)
{
	const char *binary = bench_program("MACHD_BINARY", "daemon/machd");
	char number[12];

	snprintf(number, sizeof number, "%d", ready);
	if (config)
		execl(binary, binary, "--foreground", "--socket", socket, "--ready-fd", number,
		      "--config", config, (char *)NULL);
	else
		execl(binary, binary, "--foreground", "--socket", socket, "--ready-fd", number,
		      (char *)NULL);
	bench_die(binary);
}

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	if (!file || fputs(text, file) < 0 || fclose(file))
		bench_die(path);
}

struct bench_machd bench_machd_start(const char *config)
{
	static unsigned number;
	struct bench_machd machd;
	char path[128], byte;
	int ready[2];

	snprintf(machd.socket, sizeof machd.socket, "%.80s/machd%u", bench_folder(), number++);
	snprintf(path, sizeof path, "%s.conf", machd.socket);
	if (config)
		write_file(path, config);
	if (pipe(ready))
		bench_die("pipe");
	machd.pid = bench_fork();
	if (machd.pid == 0) {
		close(ready[0]);
		become_machd(machd.socket, config ? path : NULL, ready[1]);
	}
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 1)
		bench_die("machd did not start");
	close(ready[0]);
	setenv("MACHD_SOCKET", machd.socket, 1);
	return machd;
}

void bench_must(kern_return_t code, const char *what)
{
	if (code == KERN_SUCCESS)
		return;
	fprintf(stderr, "%s: %s (%#x)\n", what, mach_error_string(code), (unsigned)code);
	exit(1);
}

mach_port_t bench_port(void)
{
	mach_port_t port;

	bench_must(mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &port),
		   "allocate");
	return port;
}

mach_port_t bench_check_in(const char *name)
{
	mach_port_t port;

	bench_must(bootstrap_check_in(bootstrap_port, name, &port), name);
	return port;
}

mach_port_t bench_look_up(const char *name)
{
	mach_port_t port;

	bench_must(bootstrap_look_up(bootstrap_port, name, &port), name);
	return port;
}

void bench_long_queue(mach_port_t port)
{
	mach_port_limits_t limits = {.mpl_qlimit = MACH_PORT_QLIMIT_LARGE};

	bench_must(mach_port_set_attributes(mach_task_self(), port, MACH_PORT_LIMITS_INFO,
					    (mach_port_info_t)&limits, MACH_PORT_LIMITS_INFO_COUNT),
		   "set the queue's limit");
}

struct bench_client *bench_client_new(mach_port_t server)
{
	struct bench_client *client = bench_alloc(sizeof *client);

	client->server = server;
	client->reply = mig_get_reply_port();
	client->room = BENCH_SIZE_MAX + MAX_TRAILER_SIZE;
	client->buffer = bench_alloc(client->room);
	return client;
}

static void address(struct bench_client *client, mach_port_t reply, size_t size)
{
	*client->buffer = (mach_msg_header_t){
		.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND,
					    reply ? MACH_MSG_TYPE_MAKE_SEND_ONCE : 0),
		.msgh_size = (mach_msg_size_t)size,
		.msgh_remote_port = client->server,
		.msgh_local_port = reply,
	};
}

void bench_client_call(struct bench_client *client, size_t size)
{
	address(client, client->reply, size);
	bench_must(mach_msg(client->buffer, MACH_SEND_MSG | MACH_RCV_MSG, (mach_msg_size_t)size,
			    (mach_msg_size_t)client->room, client->reply, MACH_MSG_TIMEOUT_NONE,
			    MACH_PORT_NULL),
		   "call");
}

void bench_client_send(struct bench_client *client, size_t size)
{
	address(client, MACH_PORT_NULL, size);
	bench_must(mach_msg(client->buffer, MACH_SEND_MSG, (mach_msg_size_t)size, 0, MACH_PORT_NULL,
			    MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL),
		   "send");
}

void bench_echo(mach_port_t port)
{
	mach_msg_size_t room = BENCH_SIZE_MAX + MAX_TRAILER_SIZE, answer = 0;
	mach_msg_header_t *buffer = bench_alloc(room);

	for (;;) {
		bench_must(mach_msg(buffer, MACH_RCV_MSG | (answer ? MACH_SEND_MSG : 0), answer,
				    room, port, MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL),
			   "serve");
		answer = buffer->msgh_size;
		buffer->msgh_bits = MACH_MSGH_BITS(MACH_MSGH_BITS_REMOTE(buffer->msgh_bits), 0);
		buffer->msgh_local_port = MACH_PORT_NULL;
	}
}
