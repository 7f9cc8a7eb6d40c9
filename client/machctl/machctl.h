/* SPDX-License-Identifier: Apache-2.0 */
/*
 * machctl: shows what a running machd holds. It is a client like any other, but of role "watch": it
 * has no task and cannot change anything. This header is what its parts share.
 *
 *   main.c      the command line
 *   channel.c   the connection: hello, one request, one answer
 *   watch.c     a whole table, page by page
 *   cmd_*.c     one command each: from records to a table or to JSON
 *   table.c     aligned columns; json.c JSON; text.c words and numbers that both need;
 *   trace_words.c  what the numbers of a trace record mean
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* How machctl exits; --help says the same. */
enum exit_code {
	EXIT_GOOD = 0,
	EXIT_ERROR = 1,	    /* the daemon refused, broke the protocol, or the output failed */
	EXIT_USAGE = 2,	    /* the command line makes no sense */
	EXIT_NO_DAEMON = 3, /* nobody answers at the socket */
};

/* What the command line said. */
struct options {
	const char *socket; /* NULL: look in the usual places */
	bool json;
	int32_t pid; /* `ports PID`, `trace PID`; 0: all */
	/* trace: only messages to this port and with this msgh_id, and end after so many; 0: all */
	uint64_t object, count;
	bool has_id;
	uint32_t id;
};

/* The commands. They write to stdout and return only if that was possible. */
void cmd_ps(const struct options *options);
void cmd_ports(const struct options *options);
void cmd_names(const struct options *options);
void cmd_trace(const struct options *options);

/* Print "machctl: ..." to stderr and exit with `code`. */
__attribute__((noreturn, format(printf, 2, 3))) void fail(enum exit_code code, const char *format,
							  ...);
