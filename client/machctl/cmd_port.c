/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `machctl port`: everything that refers to one port. Its rights under names, those in messages
 * still queued, requests, sets, waiting threads, and its queue.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/machctl/channel.h"
#include "client/machctl/json.h"
#include "client/machctl/machctl.h"
#include "client/machctl/output.h"
#include "client/machctl/port_words.h"
#include "client/machctl/table.h"
#include "client/machctl/text.h"
#include "client/machctl/watch.h"

static const struct table_column columns[] = {
	{"PID", false, 0}, {"COMMAND", true, 0}, {"NAME", true, 0},   {"WHAT", true, 0},
	{"N", false, 0},   {"AGE", false, 0},	 {"WHERE", true, 12},
};

/* The report as it is written. */
struct report {
	struct machd_watch_queue port;
	struct table *table; /* NULL: json */
	struct json json;
};

/* Holds are called so in JSON, and in words. */
static const struct {
	const char *key, *word;
} hold_kinds[] = {
	[MACHD_WATCH_QUEUED] = {"message", "in a message"},
	[MACHD_WATCH_BLOCKED] = {"blocked_message", "in a blocked message"},
	[MACHD_WATCH_NO_SENDERS] = {"no_senders", "to hear of no senders"},
	[MACHD_WATCH_PORT_DESTROYED] = {"port_destroyed", "to rescue the receive right"},
	[MACHD_WATCH_DEAD_NAME] = {"dead_name", "to hear of a death"},
	[MACHD_WATCH_SEND_POSSIBLE] = {"send_possible", "to hear of room"},
	[MACHD_WATCH_CALENDAR] = {"calendar", "to hear of the clock"},
	[MACHD_WATCH_MEMBER] = {"member", "member of a set"},
	[MACHD_WATCH_TASK_SPECIAL] = {"task_special", "special port of a task"},
	[MACHD_WATCH_REGISTERED] = {"registered", "registered with a task"},
	[MACHD_WATCH_HOST_SPECIAL] = {"host_special", "special port of the host"},
	[MACHD_WATCH_VOUCHER_OF] = {"voucher", "a thread works under it"},
	[MACHD_WATCH_BOOTSTRAP] = {"bootstrap", "service names"},
	[MACHD_WATCH_TIMER_OF] = {"timer", "the timer behind it"},
};

#define HOLD_KINDS (sizeof hold_kinds / sizeof *hold_kinds)

static bool hold_known(const struct machd_watch_hold *hold)
{
	return hold->kind < HOLD_KINDS && hold_kinds[hold->kind].key;
}

static void pid_cells(struct table *table, int32_t pid)
{
	char *command = text_command_escaped(pid);

	if (pid)
		table_cell(table, "%d", pid);
	else
		table_cell(table, "-");
	table_cell(table, "%s", pid ? command : "machd");
	free(command);
}

static void age_cell(struct table *table, uint64_t age)
{
	char text[TEXT_COUNT_SIZE];

	table_cell(table, "%s", age ? text_age(age, text) : "-");
}

static void visit_name(void *context, const void *record)
{
	const struct machd_watch_port *name = record;
	struct report *report = context;
	char text[PORT_RIGHTS_SIZE];

	if (report->table) {
		pid_cells(report->table, name->pid);
		table_cell(report->table, "%#x", name->name);
		table_cell(report->table, "%s", port_rights(name->type, text));
		table_cell(report->table, "%u", name->urefs ? name->urefs : 1);
		table_cell(report->table, "-");
		table_cell(report->table, "in its name space%s",
			   name->flags & MACHD_WATCH_DNREQUEST ? ", asks to hear of its death"
							       : "");
		return;
	}
	json_object(&report->json, NULL);
	json_string(&report->json, "how", "name");
	json_number(&report->json, "task", name->task);
	json_process(&report->json, name->pid);
	json_number(&report->json, "name", name->name);
	port_rights_json(&report->json, "rights", name->type);
	json_number(&report->json, "urefs", name->urefs);
	json_end_object(&report->json);
}

/* A right to the port in a message, or one that is in a message to the port. */
static void message_place(struct table *table, const struct report *report,
			  const struct machd_watch_hold *hold)
{
	const char *word = hold_kinds[hold->kind].word;

	if (hold->object == report->port.object)
		table_cell(table, "%s of PID %d to port %llu, id %u", word, hold->sender_pid,
			   (unsigned long long)hold->via, hold->msgh_id);
	else
		table_cell(table, "for port %llu, %s of PID %d to this port, id %u",
			   (unsigned long long)hold->object, word, hold->sender_pid, hold->msgh_id);
}

/* Where a right is that no name stands for. */
static void hold_place(struct table *table, const struct report *report,
		       const struct machd_watch_hold *hold)
{
	unsigned long long via = hold->via, object = hold->object;
	const char *word = hold_kinds[hold->kind].word;

	if (hold->kind == MACHD_WATCH_QUEUED || hold->kind == MACHD_WATCH_BLOCKED)
		message_place(table, report, hold);
	else if (hold->kind == MACHD_WATCH_MEMBER)
		table_cell(table, "%s, %llu", word, via);
	else if (via && object == report->port.object)
		table_cell(table, "%s of port %llu", word, via);
	else if (via)
		table_cell(table, "%s here; told to port %llu", word, object);
	else
		table_cell(table, "%s", word);
}

static void hold_json(struct json *json, const struct machd_watch_hold *hold)
{
	json_object(json, NULL);
	json_string(json, "how", hold_kinds[hold->kind].key);
	json_number(json, "task", hold->task);
	json_process(json, hold->pid);
	json_number(json, "name", hold->name);
	json_array(json, "rights");
	if (hold->type)
		json_string(json, NULL, port_right(hold->type));
	json_end_array(json);
	json_number(json, "count", hold->count);
	json_number(json, "object", hold->object);
	json_number(json, "via", hold->via);
	json_integer(json, "sender", hold->sender_pid);
	json_number(json, "id", hold->msgh_id);
	json_number(json, "age_ns", hold->age);
	json_end_object(json);
}

static void visit_hold(void *context, const void *record)
{
	const struct machd_watch_hold *hold = record;
	struct report *report = context;

	if (!hold_known(hold))
		return;
	if (!report->table) {
		hold_json(&report->json, hold);
		return;
	}
	pid_cells(report->table, hold->pid);
	if (hold->name)
		table_cell(report->table, "%#x", hold->name);
	else
		table_cell(report->table, "-");
	table_cell(report->table, "%s", hold->type ? port_right(hold->type) : "-");
	table_cell(report->table, "%u", hold->count);
	age_cell(report->table, hold->age);
	hold_place(report->table, report, hold);
}

static const char *wait_word(uint32_t state)
{
	switch (state) {
	case MACHD_WATCH_SENDING:
		return "send";
	case MACHD_WATCH_RECEIVING:
		return "receive";
	case MACHD_WATCH_SEMAPHORE_WAIT:
		return "semaphore";
	case MACHD_WATCH_EVENTLINK_WAIT:
		return "eventlink";
	}
	return "unknown";
}

static void visit_wait(void *context, const void *record)
{
	const struct machd_watch_wait *wait = record;
	struct report *report = context;

	if (report->table) {
		pid_cells(report->table, wait->pid);
		table_cell(report->table, "-");
		table_cell(report->table, "waits");
		table_cell(report->table, "1");
		age_cell(report->table, wait->age);
		table_cell(report->table, "thread %llu, to %s", (unsigned long long)wait->thread,
			   wait_word(wait->state));
		return;
	}
	json_object(&report->json, NULL);
	json_string(&report->json, "how", "wait");
	json_number(&report->json, "task", wait->task);
	json_process(&report->json, wait->pid);
	json_number(&report->json, "thread", wait->thread);
	json_string(&report->json, "state", wait_word(wait->state));
	json_bool(&report->json, "timed", wait->timed);
	json_number(&report->json, "age_ns", wait->age);
	json_end_object(&report->json);
}

/* All that there is about the port, in the form that the report has. */
static void visit_all(struct channel *channel, struct report *report)
{
	struct watch_query query = {.table = MACHD_WATCH_PORTS, .object = report->port.object};

	watch_each(channel, &query, visit_name, report);
	query.table = MACHD_WATCH_HOLDS;
	watch_each(channel, &query, visit_hold, report);
	query.table = MACHD_WATCH_WAITS;
	watch_each(channel, &query, visit_wait, report);
}

static void print_receiver(const struct machd_watch_queue *port)
{
	char *command = text_command_escaped(port->receiver_pid);

	switch (port->place) {
	case MACHD_WATCH_IN_TASK:
		printf("received by PID %d %s, task %llu, as %#x", port->receiver_pid, command,
		       (unsigned long long)port->receiver_task, port->receiver_name);
		break;
	case MACHD_WATCH_IN_MESSAGE:
		printf("its receive right is in a message for port %llu",
		       (unsigned long long)port->destination);
		break;
	case MACHD_WATCH_IN_DAEMON:
		printf("machd's own");
		break;
	default:
		printf("dead");
		break;
	}
	free(command);
	if (port->uid != MACHD_WATCH_NO_UID)
		printf(", uid %u", port->uid);
	putchar('\n');
}

static void print_queue(const struct machd_watch_queue *port)
{
	char bytes[TEXT_COUNT_SIZE], age[TEXT_COUNT_SIZE];

	printf("queue: %u of %u messages, %s bytes", port->msgcount, port->qlimit,
	       text_count(port->bytes, bytes));
	if (port->msgcount)
		printf("; the first, id %u from PID %d, waits %s", port->head_id, port->head_pid,
		       text_age(port->age, age));
	if (port->blocked_senders)
		printf("; %u blocked", port->blocked_senders);
	putchar('\n');
}

static void print_port(const struct machd_watch_queue *port)
{
	char *service = text_escape(port->service), flags[PORT_FLAGS_SIZE];

	printf("port %llu (%s)%s%s\n", (unsigned long long)port->object, port_kind(port->kind),
	       *service ? " " : "", service);
	free(service);
	print_receiver(port);
	print_queue(port);
	printf("rights: %u send, %u send-once; make-send count %u, sequence number %u\n",
	       port->srights, port->sorights, port->mscount, port->seqno);
	printf("besides: %s\n", port_flags(port->flags, flags));
}

static void print_table(struct channel *channel, struct report *report)
{
	print_port(&report->port);
	report->table = table_new(columns, sizeof columns / sizeof *columns);
	visit_all(channel, report);
	output_table(report->table);
	table_free(report->table);
	if (!watch_sees_all(channel))
		printf("What belongs to other users is not shown.\n");
}

static void print_json(struct channel *channel, struct report *report)
{
	static const char *const places[] = {"task", "message", "machd", "nowhere"};
	const struct machd_watch_queue *port = &report->port;
	struct json *json = &report->json;

	json_object(json, NULL);
	json_number(json, "object", port->object);
	json_string(json, "kind", port_kind(port->kind));
	json_string(json, "service", port->service[0] ? port->service : NULL);
	json_string(json, "place", port->place < 4 ? places[port->place] : NULL);
	json_number(json, "task", port->receiver_task);
	json_process(json, port->receiver_pid);
	json_number(json, "name", port->receiver_name);
	json_number(json, "destination", port->destination);
	json_number(json, "msgcount", port->msgcount);
	json_number(json, "qlimit", port->qlimit);
	json_number(json, "bytes", port->bytes);
	json_number(json, "age_ns", port->age);
	json_number(json, "head_id", port->head_id);
	json_integer(json, "head_pid", port->head_pid);
	json_number(json, "seqno", port->seqno);
	json_number(json, "mscount", port->mscount);
	json_number(json, "srights", port->srights);
	json_number(json, "sorights", port->sorights);
	json_number(json, "waiters", port->waiters);
	json_number(json, "blocked_senders", port->blocked_senders);
	json_number(json, "sets", port->sets);
	json_number(json, "requests", port->requests);
	json_object(json, "flags");
	port_flags_json(json, port->flags);
	json_end_object(json);
	json_array(json, "holders");
	visit_all(channel, report);
	json_end_array(json);
	json_bool(json, "complete", watch_sees_all(channel));
	json_end_object(json);
}

/* What the command line named, and the id that was found for it. */
struct search {
	const struct options *options;
	uint64_t object;
};

static void visit_service(void *context, const void *record)
{
	const struct machd_watch_name *name = record;
	struct search *search = context;

	/* In subsets there may be others of that name. */
	if (strcmp(name->service, search->options->port) == 0 && (!search->object || !name->subset))
		search->object = name->object;
}

static void visit_task_name(void *context, const void *record)
{
	const struct machd_watch_port *port = record;
	struct search *search = context;

	if (port->name == search->options->name)
		search->object = port->object;
}

static uint64_t find_name(struct channel *channel, const struct options *options)
{
	struct watch_query query = {.table = MACHD_WATCH_PORTS, .pid = options->pid};
	struct search search = {.options = options};

	watch_require_task(channel, options->pid);
	watch_each(channel, &query, visit_task_name, &search);
	if (!search.object)
		fail(EXIT_ERROR,
		     "process %d has no port under the name %#x; `machctl ports %d` lists them",
		     options->pid, options->name, options->pid);
	return search.object;
}

static uint64_t find_object(struct channel *channel, const struct options *options)
{
	struct watch_query query = {.table = MACHD_WATCH_NAMES};
	struct search search = {.options = options};
	char *end;

	if (options->pid)
		return find_name(channel, options);
	errno = 0;
	search.object = strtoull(options->port, &end, 10);
	if (errno == 0 && end != options->port && *end == 0)
		return search.object;
	search.object = 0;
	watch_each(channel, &query, visit_service, &search);
	if (!search.object)
		fail(EXIT_ERROR,
		     "'%s' is neither the id of a port nor a service that you may see;\n"
		     "`machctl ports` and `machctl names` list them",
		     options->port);
	return search.object;
}

/* A number that is no port's may well be a process's, and the name is missing. */
__attribute__((noreturn)) static void fail_number(const struct options *options, uint64_t object)
{
	bool process =
		object && object <= INT32_MAX && (kill((pid_t)object, 0) == 0 || errno == EPERM);

	if (process && !options->pid)
		fail(EXIT_ERROR,
		     "there is no port %llu that you may see; `machctl ports` lists them.\n"
		     "Of process %llu say also its name: `machctl port %llu NAME`",
		     (unsigned long long)object, (unsigned long long)object,
		     (unsigned long long)object);
	fail(EXIT_ERROR, "there is no port %llu that you may see; `machctl ports` lists them",
	     (unsigned long long)object);
}

void cmd_port(const struct options *options)
{
	struct channel *channel = channel_open(options->socket);
	struct report report = {.json = {.out = stdout}};
	uint64_t object = find_object(channel, options);

	if (object == 0 || !watch_port(channel, object, &report.port))
		fail_number(options, object);
	if (options->json)
		print_json(channel, &report);
	else
		print_table(channel, &report);
	channel_close(channel);
}
