/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starting machd by hand, with any command line and in a directory of its own: for tests of how it
 * starts, reloads and ends. victim.socket and victim.log are in that directory.
 */
#pragma once

#include <sys/types.h>

#include "tests/hostile/hostile.h"

/* What machds that ended have printed; the place for a configuration file. */
extern char launch_output[4096], launch_config[96];

/* Fixtures: the directory. */
void launch_setup(void);
void launch_teardown(void);

/*
 * Run machd with these arguments, up to a NULL; both its outputs go to victim.log. `ready` is to be
 * its descriptor 9, and `listening` a socket from systemd; -1: none.
 */
pid_t launch(const char *const *arguments, int ready, int listening);

/* The same, and wait until it listens: the arguments must have --ready-fd 9. */
pid_t launch_start(const char *const *arguments, int listening);

/* Wait for its end; the exit status. With a signal first: it must be 0. And all in one. */
int launch_end(pid_t pid);
void launch_stop(pid_t pid);
int launch_run(const char *const *arguments);

#define RUN(...) launch_run((const char *const[]){__VA_ARGS__, NULL})
#define START(...)                                                                    \
	launch_start((const char *const[]){"--foreground", "--socket", victim.socket, \
					   "--ready-fd", "9", __VA_ARGS__, NULL},     \
		     -1)

/* A client gets a port. */
void launch_serves(void);

/* It was printed by those that ended. */
void launch_printed(const char *text);

/* Write a file; make a socket of any type that listens. */
void launch_write(const char *path, const char *text);
int launch_listen(const char *path, int type);
