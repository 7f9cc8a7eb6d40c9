/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A daemon with files in its services.d, for flow tests. The commands that they start are the test
 * program itself: main() begins with services_main(), which is the service then.
 */
#pragma once

#include "tests/flow/flow.h"

#define SERVICE "org.example.service"

/* As "serve MODE [ARGUMENT]": become a service and exit; otherwise return. */
void services_main(int argc, char **argv);

/* Start a daemon whose services.d has this file, and may get more. %s stands for this program. */
void services_start(const char *format);
void services_stop(void);

/* Write a file there; NULL takes it away. */
void services_write(const char *file, const char *format);

/* The path of a file there. */
const char *services_path(const char *file);

/* Let the daemon read its files again, and wait until it has. */
void services_reload(void);

/* Send a request with this id; what comes back goes to `reply`. */
mach_msg_return_t services_ask(mach_port_t service, mach_port_t reply, mach_msg_id_t id);

/* Receive on `reply`: the id of what comes. */
mach_msg_id_t services_answer(mach_port_t reply);

/* What the service does: answers 100 more than the id, and with these before that: */
enum {
	CRASH = 999,	   /* it is killed, and answers nothing */
	SAY_PID = 998,	   /* the answer's id is its process */
	SAY_VARIABLE = 997 /* the answer's id is how many variables its environment has */
};

/* A FIFO in services.d, open for reading; wait until a service holds it, and does not any more. */
int services_fifo(const char *file);
void services_await_open(int fifo);
void services_await_close(int fifo);
