/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `machctl trace [PID]`: the messages that are sent, a line each, until interrupted or
 * --count are shown. The daemon keeps records only while there is a reader. It is polled for new
 * ones: at once while there are more, else after a pause. Records can be written to a file, and
 * read from one.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client/machctl/channel.h"
#include "client/machctl/json.h"
#include "client/machctl/machctl.h"
#include "client/machctl/trace_file.h"
#include "client/machctl/trace_words.h"
#include "client/machctl/watch.h"

#define PAUSE_NS 50000000L

/* One run of the command. */
struct trace {
	const struct options *options;
	struct channel *channel;
	struct trace_file *file; /* to write to; NULL: show */
	uint64_t next;		 /* number of the next record */
	uint64_t shown;		 /* records */
};

/* From this process, or for it; 0: any. */
static bool is_of(const struct machd_watch_message *message, int32_t pid)
{
	return pid == 0 || message->sender_pid == (uint32_t)pid ||
	       message->receiver_pid == (uint32_t)pid || message->holder_pid == (uint32_t)pid;
}

static bool wanted(const struct options *options, const struct machd_watch_message *message)
{
	if (options->object && message->object != options->object)
		return false;
	return !options->has_id || message->msgh_id == options->id;
}

static void print_line(const struct machd_watch_message *message)
{
	char from[TRACE_WORD_SIZE], to[TRACE_WORD_SIZE], words[TRACE_WORDS_SIZE];

	printf("%11.6f %7s %7s %10" PRIu32 " %8" PRIu64 " %5" PRIu32 " %6" PRIu64 " %s\n",
	       (double)message->time / 1e9, trace_pid(message->sender_pid, from),
	       trace_pid(message->receiver_pid, to), message->msgh_id, message->size,
	       message->ports, message->object, trace_words(message, words));
}

/* A pid; null where there is no process. */
static void json_pid(struct json *json, const char *key, uint32_t pid)
{
	if (trace_is_pid(pid))
		json_number(json, key, pid);
	else
		json_string(json, key, NULL);
}

static void print_object(const struct machd_watch_message *message)
{
	struct json json = {.out = stdout};
	char words[TRACE_WORDS_SIZE];

	json_line(&json);
	json_number(&json, "number", message->number);
	json_number(&json, "time_ns", message->time);
	json_pid(&json, "from", message->sender_pid);
	json_pid(&json, "to", message->receiver_pid);
	json_number(&json, "object", message->object);
	json_number(&json, "id", message->msgh_id);
	json_number(&json, "size", message->size);
	json_number(&json, "ports", message->ports);
	json_number(&json, "flags", message->flags);
	json_string(&json, "what", trace_words(message, words));
	json_end_line(&json);
}

/* The daemon overwrote records that we had not read yet. */
static void report_gap(uint64_t lost)
{
	fflush(stdout);
	fprintf(stderr, "machctl: %" PRIu64 " records came too fast and are lost\n", lost);
}

static bool done(const struct trace *trace)
{
	return trace->options->count && trace->shown == trace->options->count;
}

/* A record that is wanted goes to a file, or is shown. */
static void show(struct trace *trace, const struct machd_watch_message *message)
{
	trace->shown++;
	if (trace->file)
		trace_file_add(trace->file, message);
	else if (trace->options->json)
		print_object(message);
	else
		print_line(message);
}

/* What was shown is out before we wait for more. */
static void flush(struct trace *trace)
{
	if (trace->file)
		trace_file_flush(trace->file);
	else if (fflush(stdout) || ferror(stdout))
		fail(EXIT_ERROR, "cannot write the output: %s", strerror(errno));
}

/* Ask for what is new and show it; false if there was nothing. */
static bool turn(struct trace *trace)
{
	struct machd_watch_message *messages;
	uint64_t from = trace->next, lost;
	size_t count;

	messages = watch_messages(trace->channel, trace->options->pid, &trace->next, &lost, &count);
	if (lost)
		report_gap(lost);
	for (size_t i = 0; i < count && !done(trace); i++)
		if (wanted(trace->options, &messages[i]))
			show(trace, &messages[i]);
	flush(trace);
	free(messages);
	return from != 0 && trace->next != from;
}

/* Above what is shown, once it is clear that something can be. */
static void print_headings(const struct trace *trace)
{
	if (!trace->file && !trace->options->json)
		printf("%11s %7s %7s %10s %8s %5s %6s %s\n", "TIME", "FROM", "TO", "ID", "SIZE",
		       "PORTS", "OBJECT", "WHAT");
}

/* Read records from a file, which needs no daemon. */
static void read_file(struct trace *trace)
{
	struct trace_file *file = trace_file_open(trace->options->read);
	struct machd_watch_message message;

	print_headings(trace);
	while (!done(trace) && trace_file_next(file, &message))
		if (is_of(&message, trace->options->pid) && wanted(trace->options, &message))
			show(trace, &message);
	flush(trace);
	trace_file_close(file);
}

/* It may call machd for the first time later on; but not if there is none. */
static void require_process(int32_t pid)
{
	if (pid && kill(pid, 0) < 0 && errno == ESRCH)
		fail(EXIT_ERROR, "there is no process %d", pid);
}

static void read_daemon(struct trace *trace)
{
	const struct timespec pause = {.tv_nsec = PAUSE_NS};

	trace->channel = channel_open(trace->options->socket);
	require_process(trace->options->pid);
	print_headings(trace);
	while (!done(trace))
		if (!turn(trace) && !done(trace))
			nanosleep(&pause, NULL);
	channel_close(trace->channel);
}

void cmd_trace(const struct options *options)
{
	struct trace trace = {.options = options};

	if (options->write)
		trace.file = trace_file_create(options->write);
	if (options->read)
		read_file(&trace);
	else
		read_daemon(&trace);
	trace_file_close(trace.file);
}
