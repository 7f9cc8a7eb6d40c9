/* SPDX-License-Identifier: Apache-2.0 */
/* `machctl queues [PID]`: ports with messages or blocked senders, the deepest first. */
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
	{"OBJECT", false, 0},  {"QUEUE", false, 0}, {"BYTES", false, 0}, {"AGE", false, 0},
	{"BLOCKED", false, 0}, {"WAIT", false, 0},  {"PID", false, 0},	 {"COMMAND", true, 8},
	{"NAME", true, 0},     {"HEAD", false, 0},  {"FROM", false, 0},	 {"SERVICE", true, 7},
};

/* The deepest first, then the oldest. */
static int by_depth(const void *a, const void *b)
{
	const struct machd_watch_queue *x = a, *y = b;

	if (x->msgcount != y->msgcount)
		return x->msgcount < y->msgcount ? 1 : -1;
	if (x->age != y->age)
		return x->age < y->age ? 1 : -1;
	return x->object < y->object ? -1 : 1;
}

static void row(struct table *table, const struct machd_watch_queue *queue)
{
	char *service = text_escape(queue->service), text[TEXT_COUNT_SIZE];
	char *command = text_command_escaped(queue->receiver_pid);

	table_cell(table, "%llu", (unsigned long long)queue->object);
	table_cell(table, "%u/%u", queue->msgcount, queue->qlimit);
	if (queue->blocked_senders || queue->msgcount >= queue->qlimit)
		table_alert(table);
	table_cell(table, "%s", text_count(queue->bytes, text));
	table_cell(table, "%s", queue->msgcount ? text_age(queue->age, text) : "-");
	table_cell(table, "%s", text_count(queue->blocked_senders, text));
	table_cell(table, "%s", text_count(queue->waiters, text));
	if (queue->receiver_task) {
		table_cell(table, "%d", queue->receiver_pid);
		table_cell(table, "%s", command);
		table_cell(table, "%#x", queue->receiver_name);
	} else {
		table_cell(table, "-");
		table_cell(table, "(%s)",
			   queue->place == MACHD_WATCH_IN_MESSAGE ? "moving" : "ended");
		table_cell(table, "-");
	}
	if (queue->msgcount) {
		table_cell(table, "%u", queue->head_id);
		table_cell(table, "%d", queue->head_pid);
	} else {
		table_cell(table, "-");
		table_cell(table, "-");
	}
	table_cell(table, "%s", *service ? service : "-");
	free(service);
	free(command);
}

static void print_table(const struct machd_watch_queue *queues, size_t count)
{
	struct table *table = table_new(columns, sizeof columns / sizeof *columns);

	for (size_t i = 0; i < count; i++)
		row(table, &queues[i]);
	output_table(table);
	table_free(table);
}

static void object(struct json *json, const struct machd_watch_queue *queue)
{
	json_object(json, NULL);
	json_number(json, "object", queue->object);
	json_number(json, "msgcount", queue->msgcount);
	json_number(json, "qlimit", queue->qlimit);
	json_number(json, "bytes", queue->bytes);
	json_number(json, "age_ns", queue->age);
	json_number(json, "blocked_senders", queue->blocked_senders);
	json_number(json, "waiters", queue->waiters);
	json_number(json, "task", queue->receiver_task);
	json_process(json, queue->receiver_pid);
	json_number(json, "name", queue->receiver_name);
	json_number(json, "head_id", queue->head_id);
	json_integer(json, "head_pid", queue->head_pid);
	json_string(json, "service", queue->service[0] ? queue->service : NULL);
	json_end_object(json);
}

static void print_json(const struct machd_watch_queue *queues, size_t count)
{
	struct json json = {.out = stdout};

	json_array(&json, NULL);
	for (size_t i = 0; i < count; i++)
		object(&json, &queues[i]);
	json_end_array(&json);
}

void cmd_queues(const struct options *options)
{
	struct channel *channel = channel_open(options->socket);
	struct watch_query query = {.table = MACHD_WATCH_QUEUES, .pid = options->pid};
	struct machd_watch_queue *queues;
	size_t count;

	if (options->pid)
		watch_require_task(channel, options->pid);
	queues = watch_all(channel, &query, &count);
	if (count)
		qsort(queues, count, sizeof *queues, by_depth);
	if (options->json)
		print_json(queues, count);
	else
		print_table(queues, count);
	free(queues);
	channel_close(channel);
}
