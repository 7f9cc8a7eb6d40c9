/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `machctl ports [PID]`: every name of every task, or of one process's tasks. There may be a
 * million of them: they are written as they come.
 */
#include <mach/port.h>
#include <stdio.h>
#include <stdlib.h>

#include "client/machctl/channel.h"
#include "client/machctl/json.h"
#include "client/machctl/machctl.h"
#include "client/machctl/output.h"
#include "client/machctl/port_words.h"
#include "client/machctl/table.h"
#include "client/machctl/text.h"
#include "client/machctl/watch.h"

static const struct table_column columns[] = {
	{"NAME", true, 0},   {"RIGHTS", true, 0}, {"REFS", false, 0}, {"OBJECT", false, 0},
	{"QUEUE", false, 0}, {"SEND", false, 0},  {"ONCE", false, 0}, {"WAIT", false, 0},
	{"FLAGS", true, 0},  {"OWNER", false, 0}, {"WHAT", true, 8},
};

static bool is_port(const struct machd_watch_port *port)
{
	return port->kind != MACHD_WATCH_SET && port->kind != MACHD_WATCH_DEAD;
}

static void rights_cell(struct table *table, const struct machd_watch_port *port)
{
	char text[PORT_RIGHTS_SIZE];

	table_cell(table, "%s", port_rights(port->type, text));
}

/* Queued messages and the limit; senders to a full queue block. */
static void queue_cell(struct table *table, const struct machd_watch_port *port)
{
	if (port->kind != MACHD_WATCH_PLAIN) {
		table_cell(table, "-");
		return;
	}
	table_cell(table, "%u/%u", port->msgcount, port->qlimit);
	if (port->msgcount >= port->qlimit || port->blocked_senders)
		table_alert(table);
}

static void count_cell(struct table *table, bool shown, uint32_t value)
{
	char count[TEXT_COUNT_SIZE];

	table_cell(table, "%s", shown ? text_count(value, count) : "-");
}

/* Blocked senders before blocked receivers: they are the ones to worry about. */
static void wait_cell(struct table *table, const struct machd_watch_port *port)
{
	char count[TEXT_COUNT_SIZE];

	if (port->blocked_senders) {
		table_cell(table, "%ss", text_count(port->blocked_senders, count));
		table_alert(table);
	} else if (port->waiters) {
		table_cell(table, "%sr", text_count(port->waiters, count));
	} else {
		table_cell(table, "-");
	}
}

static void flags_cell(struct table *table, const struct machd_watch_port *port)
{
	uint32_t flags = port->flags;

	table_cell(table, "%s%s%s%s%s%s%s", flags & MACHD_WATCH_NSREQUEST ? "N" : "",
		   flags & MACHD_WATCH_PDREQUEST ? "P" : "",
		   flags & MACHD_WATCH_DNREQUEST ? "D" : "", flags & MACHD_WATCH_IN_SET ? "S" : "",
		   flags & MACHD_WATCH_IMPORTANCE ? "I" : "",
		   flags & MACHD_WATCH_TEMPOWNER ? "T" : "", flags ? "" : "-");
}

static void owner_cell(struct table *table, const struct machd_watch_port *port)
{
	if (port->receiver_task == 0)
		table_cell(table, "-");
	else if (port->receiver_task == port->task)
		table_cell(table, "self");
	else
		table_cell(table, "%d", port->receiver_pid);
}

static void what_cell(struct table *table, const struct machd_watch_port *port)
{
	char *service;

	if (port->service[0] == 0) {
		table_cell(table, port->kind == MACHD_WATCH_PLAIN ? "-" : "(%s)",
			   port_kind(port->kind));
		return;
	}
	service = text_escape(port->service);
	table_cell(table, "%s", service);
	free(service);
}

static void row(struct table *table, const struct machd_watch_port *port)
{
	table_cell(table, "%#x", port->name);
	rights_cell(table, port);
	table_cell(table, "%u", port->urefs);
	if (port->object)
		table_cell(table, "%llu", (unsigned long long)port->object);
	else
		table_cell(table, "-");
	queue_cell(table, port);
	count_cell(table, is_port(port), port->srights);
	count_cell(table, is_port(port), port->sorights);
	wait_cell(table, port);
	flags_cell(table, port);
	owner_cell(table, port);
	what_cell(table, port);
}

/* Cells that are kept before they are printed: some hundred rows. */
#define CELLS_MAX 8192

/* The table as it is written. */
struct listing {
	struct table *table;
	struct json json;
	uint64_t task; /* of the row before, */
	char command[TEXT_COMMAND_SIZE];
	bool alive; /* and its process */
};

/* True if this is the first row of a task. */
static bool begin_task(struct listing *listing, const struct machd_watch_port *port)
{
	if (port->task == listing->task)
		return false;
	listing->task = port->task;
	listing->alive = text_command(port->pid, listing->command);
	return true;
}

static void visit_row(void *context, const void *record)
{
	const struct machd_watch_port *port = record;
	struct listing *listing = context;

	if (table_cells(listing->table) > CELLS_MAX)
		output_table(listing->table);
	if (begin_task(listing, port)) {
		char *command = text_escape(listing->command);

		table_section(listing->table, "PID %d %s, task %llu", port->pid, command,
			      (unsigned long long)port->task);
		free(command);
	}
	row(listing->table, port);
}

static void receiver(struct json *json, const struct machd_watch_port *port)
{
	if (port->receiver_task == 0) {
		json_string(json, "receiver", NULL);
		return;
	}
	json_object(json, "receiver");
	json_number(json, "task", port->receiver_task);
	json_integer(json, "pid", port->receiver_pid);
	json_number(json, "name", port->receiver_name);
	json_end_object(json);
}

static void visit_object(void *context, const void *record)
{
	const struct machd_watch_port *port = record;
	struct listing *listing = context;
	struct json *json = &listing->json;

	begin_task(listing, port);
	json_object(json, NULL);
	json_number(json, "task", port->task);
	json_integer(json, "pid", port->pid);
	json_string(json, "command", listing->alive ? listing->command : NULL);
	json_number(json, "name", port->name);
	port_rights_json(json, "rights", port->type);
	json_number(json, "urefs", port->urefs);
	json_string(json, "kind", port_kind(port->kind));
	json_number(json, "object", port->object);
	receiver(json, port);
	json_string(json, "service", port->service[0] ? port->service : NULL);
	json_number(json, "msgcount", port->msgcount);
	json_number(json, "qlimit", port->qlimit);
	json_number(json, "seqno", port->seqno);
	json_number(json, "mscount", port->mscount);
	json_number(json, "srights", port->srights);
	json_number(json, "sorights", port->sorights);
	json_number(json, "waiters", port->waiters);
	json_number(json, "blocked_senders", port->blocked_senders);
	json_number(json, "override", port->override);
	json_number(json, "boosts", port->boosts);
	json_bool(json, "no_senders", port->flags & MACHD_WATCH_NSREQUEST);
	json_bool(json, "port_destroyed", port->flags & MACHD_WATCH_PDREQUEST);
	json_bool(json, "dead_name", port->flags & MACHD_WATCH_DNREQUEST);
	json_bool(json, "importance", port->flags & MACHD_WATCH_IMPORTANCE);
	json_bool(json, "temporary_owner", port->flags & MACHD_WATCH_TEMPOWNER);
	json_bool(json, "in_set", port->flags & MACHD_WATCH_IN_SET);
	json_end_object(json);
}

void cmd_ports(const struct options *options)
{
	struct channel *channel = channel_open(options->socket);
	struct watch_query query = {.table = MACHD_WATCH_PORTS, .pid = options->pid};
	struct listing listing = {.json = {.out = stdout}};

	if (options->pid)
		watch_require_task(channel, options->pid);
	if (options->json) {
		json_array(&listing.json, NULL);
		watch_each(channel, &query, visit_object, &listing);
		json_end_array(&listing.json);
	} else {
		listing.table = table_new(columns, sizeof columns / sizeof *columns);
		watch_each(channel, &query, visit_row, &listing);
		output_table(listing.table);
		table_free(listing.table);
	}
	channel_close(channel);
}
