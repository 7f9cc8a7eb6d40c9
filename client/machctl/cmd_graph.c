/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `machctl graph [PID]`: tasks, ports and the rights between them for Graphviz. Arrows follow
 * the messages: from a task that may send to the port, from the port to the task that receives. A
 * dotted arrow from port to port: a message in the first one's queue holds a right to the second.
 * Full queues are red.
 */
#include <mach/port.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/machctl/channel.h"
#include "client/machctl/json.h"
#include "client/machctl/machctl.h"
#include "client/machctl/output.h"
#include "client/machctl/port_words.h"
#include "client/machctl/text.h"
#include "client/machctl/watch.h"

/* The ids of ports already drawn: a hash table with open addressing, at most half full. */
struct ids {
	uint64_t *slots; /* 0: free */
	size_t count, size;
};

struct drawing {
	struct json *json; /* NULL: DOT */
	bool all;	   /* also what every task has */
	struct ids ports;
};

static bool ids_place(struct ids *ids, uint64_t id)
{
	size_t at = (id * UINT64_C(0x9e3779b97f4a7c15)) >> 20;

	for (at &= ids->size - 1; ids->slots[at]; at = (at + 1) & (ids->size - 1))
		if (ids->slots[at] == id)
			return false;
	ids->slots[at] = id;
	ids->count++;
	return true;
}

static void ids_grow(struct ids *ids)
{
	struct ids larger = {.size = ids->size ? ids->size * 2 : 1024};

	larger.slots = calloc(larger.size, sizeof *larger.slots);
	if (!larger.slots)
		fail(EXIT_ERROR, "out of memory");
	for (size_t i = 0; i < ids->size; i++)
		if (ids->slots[i])
			ids_place(&larger, ids->slots[i]);
	free(ids->slots);
	*ids = larger;
}

static bool ids_have(const struct ids *ids, uint64_t id)
{
	size_t at = (id * UINT64_C(0x9e3779b97f4a7c15)) >> 20;

	if (!ids->size)
		return false;
	for (at &= ids->size - 1; ids->slots[at]; at = (at + 1) & (ids->size - 1))
		if (ids->slots[at] == id)
			return true;
	return false;
}

/* Put an id in; false: it was there. */
static bool ids_add(struct ids *ids, uint64_t id)
{
	if (2 * (ids->count + 1) > ids->size)
		ids_grow(ids);
	return ids_place(ids, id);
}

/* A text from anywhere, within a quoted string of DOT. */
static void dot_text(const char *text)
{
	char *safe = text_escape(text);

	for (const char *c = safe; *c; c++) {
		if (*c == '"' || *c == '\\')
			putchar('\\');
		putchar(*c);
	}
	free(safe);
}

static const char *fill_colour(const struct machd_watch_port *port)
{
	if (port->msgcount == 0 && port->blocked_senders == 0)
		return "white";
	if (port->msgcount >= port->qlimit)
		return "red";
	return 2 * port->msgcount >= port->qlimit ? "orange" : "yellow";
}

static void dot_task(const struct machd_watch_task *task)
{
	char command[TEXT_COMMAND_SIZE];

	text_command(task->pid, command);
	printf("  t%llu [shape=box, label=\"", (unsigned long long)task->id);
	dot_text(command);
	printf("\\nPID %d\"];\n", task->pid);
}

static void dot_port(const struct machd_watch_port *port)
{
	printf("  p%llu [shape=%s, style=filled, fillcolor=%s, label=\"",
	       (unsigned long long)port->object,
	       port->kind == MACHD_WATCH_SET ? "hexagon" : "ellipse", fill_colour(port));
	if (port->service[0]) {
		dot_text(port->service);
		printf("\\n");
	}
	printf("%s %llu", port_kind(port->kind), (unsigned long long)port->object);
	if (port->kind == MACHD_WATCH_PLAIN)
		printf("\\n%u/%u", port->msgcount, port->qlimit);
	printf("\"];\n");
}

/* The rights under one name, as arrows. */
static void dot_rights(const struct machd_watch_port *port)
{
	unsigned long long task = port->task, object = port->object;

	if (port->type & (MACH_PORT_TYPE_RECEIVE | MACH_PORT_TYPE_PORT_SET))
		printf("  p%llu -> t%llu [style=bold, label=\"%#x\"];\n", object, task, port->name);
	if (port->type & MACH_PORT_TYPE_SEND)
		printf("  t%llu -> p%llu [label=\"%#x\"];\n", task, object, port->name);
	if (port->type & MACH_PORT_TYPE_SEND_ONCE)
		printf("  t%llu -> p%llu [style=dashed, label=\"%#x\"];\n", task, object,
		       port->name);
}

/* Not ports that every task has, nor dead ones: they do not show who talks to whom. */
static bool is_drawn(const struct drawing *drawing, const struct machd_watch_port *port)
{
	switch (port->kind) {
	case MACHD_WATCH_DEAD:
		return false;
	case MACHD_WATCH_TASK_PORT:
	case MACHD_WATCH_HOST_PORT:
	case MACHD_WATCH_BOOTSTRAP_PORT:
	case MACHD_WATCH_CLOCK:
		return drawing->all;
	}
	return true;
}

static void visit_task(void *context, const void *record)
{
	const struct machd_watch_task *task = record;
	struct drawing *drawing = context;

	if (!drawing->json) {
		dot_task(task);
		return;
	}
	json_object(drawing->json, NULL);
	json_string(drawing->json, "element", "task");
	json_number(drawing->json, "task", task->id);
	json_process(drawing->json, task->pid);
	json_end_object(drawing->json);
}

static void json_port(struct json *json, const struct machd_watch_port *port)
{
	json_object(json, NULL);
	json_string(json, "element", "port");
	json_number(json, "object", port->object);
	json_string(json, "kind", port_kind(port->kind));
	json_string(json, "service", port->service[0] ? port->service : NULL);
	json_number(json, "msgcount", port->msgcount);
	json_number(json, "qlimit", port->qlimit);
	json_number(json, "blocked_senders", port->blocked_senders);
	json_end_object(json);
}

static void visit_port(void *context, const void *record)
{
	const struct machd_watch_port *port = record;
	struct drawing *drawing = context;
	bool fresh;

	if (!is_drawn(drawing, port))
		return;
	fresh = ids_add(&drawing->ports, port->object);
	if (!drawing->json) {
		if (fresh)
			dot_port(port);
		dot_rights(port);
		return;
	}
	if (fresh)
		json_port(drawing->json, port);
	json_object(drawing->json, NULL);
	json_string(drawing->json, "element", "rights");
	json_number(drawing->json, "task", port->task);
	json_number(drawing->json, "object", port->object);
	json_number(drawing->json, "name", port->name);
	port_rights_json(drawing->json, "rights", port->type);
	json_end_object(drawing->json);
}

/* Rights in messages, between ports that are there. */
static void visit_hold(void *context, const void *record)
{
	const struct machd_watch_hold *hold = record;
	struct drawing *drawing = context;

	if (hold->kind != MACHD_WATCH_QUEUED || !ids_have(&drawing->ports, hold->object) ||
	    !ids_have(&drawing->ports, hold->via))
		return;
	if (!drawing->json) {
		printf("  p%llu -> p%llu [style=dotted, label=\"%s in a message\"];\n",
		       (unsigned long long)hold->via, (unsigned long long)hold->object,
		       port_right(hold->type));
		return;
	}
	json_object(drawing->json, NULL);
	json_string(drawing->json, "element", "message");
	json_number(drawing->json, "via", hold->via);
	json_number(drawing->json, "object", hold->object);
	json_array(drawing->json, "rights");
	json_string(drawing->json, NULL, port_right(hold->type));
	json_end_array(drawing->json);
	json_end_object(drawing->json);
}

void cmd_graph(const struct options *options)
{
	struct channel *channel = channel_open(options->socket);
	struct watch_query query = {.pid = options->pid};
	struct json json = {.out = stdout};
	struct drawing drawing = {.json = options->json ? &json : NULL, .all = options->all};

	if (options->pid)
		watch_require_task(channel, options->pid);
	if (options->json)
		json_array(&json, NULL);
	else
		printf("digraph machd {\n  rankdir=LR;\n");
	query.table = MACHD_WATCH_TASKS;
	watch_each(channel, &query, visit_task, &drawing);
	query.table = MACHD_WATCH_PORTS;
	watch_each(channel, &query, visit_port, &drawing);
	query.table = MACHD_WATCH_HOLDS;
	watch_each(channel, &query, visit_hold, &drawing);
	if (options->json)
		json_end_array(&json);
	else
		printf("}\n");
	free(drawing.ports.slots);
	channel_close(channel);
}
