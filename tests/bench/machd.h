/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A daemon for a benchmark, and what is always said to it. Programs that fork make sure that they
 * have not yet called it, or that nobody minds if the child is another task.
 */
#pragma once

#include <mach/mach.h>
#include <stdbool.h>

#include "tests/bench/bench.h"

/*
 * The program that an environment variable names, or else the one at `place` of the build folder
 * that this program is in. It stays good until the next call.
 */
const char *bench_program(const char *variable, const char *place);

/* A daemon on a socket of its own. MACHD_BINARY says which; usually that of this build. */
struct bench_machd {
	pid_t pid;
	char socket[108];
};

/* Start one with these lines of machd.conf (NULL: none). It and what is called from now on by this
 * process and its new children meet: MACHD_SOCKET is set. */
struct bench_machd bench_machd_start(const char *config);

/* Print what failed and exit, unless it did not fail. */
void bench_must(kern_return_t code, const char *what);

/* A receive right; and one with `name` at bootstrap, or somebody's send right by that name. */
mach_port_t bench_port(void);
mach_port_t bench_check_in(const char *name);
mach_port_t bench_look_up(const char *name);

/* Let the queue of a port be as long as can be. */
void bench_long_queue(mach_port_t port);

/* A client's end of a call: the buffer holds the largest message of a benchmark, and a trailer. */
struct bench_client {
	mach_port_t server, reply;
	mach_msg_header_t *buffer;
	size_t room;
};
struct bench_client *bench_client_new(mach_port_t server);
void bench_client_call(struct bench_client *client, size_t size);
void bench_client_send(struct bench_client *client, size_t size);

/* Answer each message on `port` with itself; that never ends. */
__attribute__((noreturn)) void bench_echo(mach_port_t port);

/* A bare channel: a socket that has said hello, and so is a task of its own, without a library or
 * a ring. It stays open until this process ends. */
int bench_channel(const struct bench_machd *machd);
