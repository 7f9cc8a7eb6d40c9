/* SPDX-License-Identifier: Apache-2.0 */
/*
 * machctl: shows what a running machd holds. It is a client like any other, but of role "watch": it
 * has no task and cannot change anything. This header is what its parts share.
 *
 *   main.c      the command line; commands.c the commands there are
 *   channel.c   the connection: hello, one request, one answer
 *   watch.c     a table of the daemon, page by page
 *   cmd_*.c     one command each: from records to a table or to JSON
 *   table.c     aligned columns; json.c JSON; text.c words and numbers that both need;
 *   screen.c    the terminal of `top`
 *   port_words.c   what ports and rights are called; trace_words.c what a trace record means
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
	EXIT_FOUND = 4,	    /* what the command looks for is there */
};

/* What the command line said. */
struct options {
	const char *socket; /* NULL: look in the usual places */
	bool json;
	bool all;    /* graph */
	int32_t pid; /* `ports PID`, `trace PID`; 0: all */
	/* `policy explain PID NAME`: the name of a service; */
	const char *port; /* `port OBJECT`, `port SERVICE` or, with a name, `port PID NAME` */
	uint32_t name;
	/* trace: only messages to this port and with this msgh_id, and end after so many; 0: all */
	uint64_t object, count;
	bool has_id;
	uint32_t id;
	double interval;	  /* leaks, top: seconds between two looks; `count` is how many */
	const char *sort;	  /* top: the key of the column to sort by */
	bool batch;		  /* top: no screen */
	const char *write, *read; /* trace: files */
};

/* The commands. They write to stdout and return only if that was possible. */
void cmd_ps(const struct options *options);
void cmd_ports(const struct options *options);
void cmd_port(const struct options *options);
void cmd_names(const struct options *options);
void cmd_policy(const struct options *options);
void cmd_queues(const struct options *options);
void cmd_limits(const struct options *options);
void cmd_why(const struct options *options);
void cmd_graph(const struct options *options);
void cmd_leaks(const struct options *options);
void cmd_metrics(const struct options *options);
void cmd_top(const struct options *options);
void cmd_trace(const struct options *options);

/* End with this code, once all that was written is out. */
__attribute__((noreturn)) void finish(enum exit_code code);

/* Print "machctl: ..." to stderr and exit with `code`. */
__attribute__((noreturn, format(printf, 2, 3))) void fail(enum exit_code code, const char *format,
							  ...);
