/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the real machctl and reads what it wrote: for test_machctl*.c. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct machctl {
	int status; /* exit status; -1: it was killed */
	char *out, *err;
};

/*
 * Run $MACHCTL_BINARY with these arguments, up to NULL, and wait for its end. machctl_free() what
 * it wrote. stdout goes to `target` instead if that is not -1, and `out` is empty then.
 */
void machctl_run(struct machctl *run, const char *first, ...) __attribute__((sentinel));
void machctl_run_into(struct machctl *run, int target, const char *first, ...)
	__attribute__((sentinel));
void machctl_free(struct machctl *run);

/*
 * What machctl writes to a terminal so many columns wide, with the line ends of a file. It must
 * succeed. free() it.
 */
char *machctl_on_terminal(const char *command, unsigned short columns);

/* The first line that contains `text`, as a copy to free(); NULL: there is none. */
char *machctl_line(const char *output, const char *text);

/* Whether a text is JSON, with nothing behind it. */
bool json_valid(const char *text);

/* The number of the member `key` in a line of JSON; the test fails if there is none. */
uint64_t json_number_in(const char *line, const char *key);
