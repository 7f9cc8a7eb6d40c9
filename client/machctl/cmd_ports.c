/* SPDX-License-Identifier: Apache-2.0 */
/* `machctl ports [PID]`: every name of every task, or of one process's tasks. */
#include <mach/port.h>
#include <stdio.h>
#include <stdlib.h>

#include "client/machctl/channel.h"
#include "client/machctl/json.h"
#include "client/machctl/machctl.h"
#include "client/machctl/output.h"
#include "client/machctl/table.h"
#include "client/machctl/text.h"
#include "client/machctl/watch.h"

static const struct table_column columns[] = {
	{"NAME", true, 0},   {"RIGHTS", true, 0}, {"REFS", false, 0}, {"OBJECT", false, 0},
	{"QUEUE", false, 0}, {"SEND", false, 0},  {"ONCE", false, 0}, {"WAIT", false, 0},
	{"FLAGS", true, 0},  {"OWNER", false, 0}, {"WHAT", true, 8},
};

/* The words for the rights of an entry: in a table, and in JSON. */
static const struct {
	mach_port_type_t bit;
	const char *brief, *name;
} rights[] = {
	{MACH_PORT_TYPE_RECEIVE, "recv", "receive"},
	{MACH_PORT_TYPE_SEND, "send", "send"},
	{MACH_PORT_TYPE_SEND_ONCE, "once", "send-once"},
	{MACH_PORT_TYPE_PORT_SET, "set", "port-set"},
	{MACH_PORT_TYPE_DEAD_NAME, "dead", "dead-name"},
};

#define RIGHT_COUNT (sizeof rights / sizeof *rights)

static const char *const kinds[] = {
	[MACHD_WATCH_PLAIN] = "port",
	[MACHD_WATCH_TASK_PORT] = "task",
	[MACHD_WATCH_HOST_PORT] = "host",
	[MACHD_WATCH_BOOTSTRAP_PORT] = "bootstrap",
	[MACHD_WATCH_SET] = "set",
	[MACHD_WATCH_DEAD] = "dead",
	[MACHD_WATCH_TIMER] = "timer",
	[MACHD_WATCH_SEMAPHORE] = "semaphore",
	[MACHD_WATCH_THREAD_PORT] = "thread",
	[MACHD_WATCH_VOUCHER] = "voucher",
	[MACHD_WATCH_FILEPORT] = "fileport",
	[MACHD_WATCH_CLOCK] = "clock",
	[MACHD_WATCH_EVENTLINK] = "eventlink",
	[MACHD_WATCH_MEMORY_ENTRY] = "memory",
};

static const char *kind_name(uint32_t kind)
{
	return kind < sizeof kinds / sizeof *kinds ? kinds[kind] : "unknown";
}

static bool is_port(const struct machd_watch_port *port)
{
	return port->kind != MACHD_WATCH_SET && port->kind != MACHD_WATCH_DEAD;
}

static void rights_cell(struct table *table, const struct machd_watch_port *port)
{
	char text[64] = "";
	int length = 0;

	for (unsigned i = 0; i < RIGHT_COUNT; i++)
		if (port->type & rights[i].bit)
			length += snprintf(text + length, sizeof text - (size_t)length, "%s%s",
					   length ? "," : "", rights[i].brief);
	table_cell(table, "%s", length ? text : "-");
}

/* Messages and the limit; a full queue is where somebody hangs. */
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
			   kind_name(port->kind));
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

static void print_table(const struct machd_watch_port *ports, size_t count)
{
	struct table *table = table_new(columns, sizeof columns / sizeof *columns);

	for (size_t i = 0; i < count; i++) {
		if (i == 0 || ports[i].task != ports[i - 1].task) {
			char *command = text_command_escaped(ports[i].pid);

			table_section(table, "PID %d %s, task %llu", ports[i].pid, command,
				      (unsigned long long)ports[i].task);
			free(command);
		}
		row(table, &ports[i]);
	}
	output_table(table);
	table_free(table);
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

static void object(struct json *json, const struct machd_watch_port *port)
{
	json_object(json, NULL);
	json_number(json, "task", port->task);
	json_process(json, port->pid);
	json_number(json, "name", port->name);
	json_array(json, "rights");
	for (unsigned i = 0; i < RIGHT_COUNT; i++)
		if (port->type & rights[i].bit)
			json_string(json, NULL, rights[i].name);
	json_end_array(json);
	json_number(json, "urefs", port->urefs);
	json_string(json, "kind", kind_name(port->kind));
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

static void print_json(const struct machd_watch_port *ports, size_t count)
{
	struct json json = {.out = stdout};

	json_array(&json, NULL);
	for (size_t i = 0; i < count; i++)
		object(&json, &ports[i]);
	json_end_array(&json);
}

/* A process without a task is an error, not an empty table. */
static void require_task(struct channel *channel, int32_t pid)
{
	size_t count;

	free(watch_tasks(channel, pid, &count));
	if (count == 0)
		fail(EXIT_ERROR,
		     "process %d has no task at %s that you may see; `machctl ps` lists them", pid,
		     channel_path(channel));
}

void cmd_ports(const struct options *options)
{
	struct channel *channel = channel_open(options->socket);
	struct machd_watch_port *ports;
	size_t count;

	if (options->pid)
		require_task(channel, options->pid);
	ports = watch_ports(channel, options->pid, &count);
	if (options->json)
		print_json(ports, count);
	else
		print_table(ports, count);
	free(ports);
	channel_close(channel);
}
