/* SPDX-License-Identifier: Apache-2.0 */
/* `machctl ps`: the tasks, one line each. */
#include <stdbool.h>
#include <stdlib.h>

#include "client/machctl/channel.h"
#include "client/machctl/json.h"
#include "client/machctl/machctl.h"
#include "client/machctl/output.h"
#include "client/machctl/table.h"
#include "client/machctl/text.h"
#include "client/machctl/watch.h"

/* The last one is there when anybody is important, or may make others so. */
static const struct table_column columns[] = {
	{"PID", false, 0},   {"COMMAND", true, 4}, {"UID", false, 0},  {"CHAN", false, 0},
	{"NAMES", false, 0}, {"RECV", false, 0},   {"SEND", false, 0}, {"ONCE", false, 0},
	{"DEAD", false, 0},  {"QUEUE", false, 0},  {"WAIT", false, 0}, {"SENT", false, 0},
	{"RCVD", false, 0},  {"BAD", false, 0},	   {"IMP", false, 0},
};

#define COLUMNS (sizeof columns / sizeof *columns)

static bool any_important(const struct machd_watch_task *tasks, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (tasks[i].boosts || tasks[i].donor)
			return true;
	return false;
}

static void row(struct table *table, const struct machd_watch_task *task, bool important)
{
	const uint64_t counts[] = {
		task->channels,	 task->names,	 task->receive,	   task->send,
		task->send_once, task->dead,	 task->queued,	   task->waiting,
		task->sent,	 task->received, task->violations,
	};
	char count[TEXT_COUNT_SIZE], *command = text_command_escaped(task->pid);

	table_cell(table, "%d", task->pid);
	table_cell(table, "%s", command);
	table_cell(table, "%u", task->uid);
	for (unsigned i = 0; i < sizeof counts / sizeof *counts; i++)
		table_cell(table, "%s", text_count(counts[i], count));
	if (important)
		table_cell(table, "%s%s", text_count(task->boosts, count), task->donor ? "+" : "");
	free(command);
}

static void print_table(const struct machd_watch_task *tasks, size_t count)
{
	bool important = any_important(tasks, count);
	struct table *table = table_new(columns, important ? COLUMNS : COLUMNS - 1);

	for (size_t i = 0; i < count; i++)
		row(table, &tasks[i], important);
	output_table(table);
	table_free(table);
}

static void object(struct json *json, const struct machd_watch_task *task)
{
	json_object(json, NULL);
	json_number(json, "task", task->id);
	json_process(json, task->pid);
	json_number(json, "uid", task->uid);
	json_number(json, "gid", task->gid);
	json_number(json, "channels", task->channels);
	json_number(json, "names", task->names);
	json_number(json, "receive", task->receive);
	json_number(json, "send", task->send);
	json_number(json, "send_once", task->send_once);
	json_number(json, "sets", task->sets);
	json_number(json, "dead", task->dead);
	json_number(json, "queued", task->queued);
	json_number(json, "queued_bytes", task->queued_bytes);
	json_number(json, "waiting", task->waiting);
	json_number(json, "boosts", task->boosts);
	json_number(json, "inherited", task->inherited);
	json_bool(json, "donor", task->donor);
	json_number(json, "sent", task->sent);
	json_number(json, "received", task->received);
	json_number(json, "guard_exceptions", task->violations);
	json_number(json, "names_peak", task->names_peak);
	json_number(json, "channels_peak", task->channels_peak);
	json_end_object(json);
}

static void print_json(const struct machd_watch_task *tasks, size_t count)
{
	struct json json = {.out = stdout};

	json_array(&json, NULL);
	for (size_t i = 0; i < count; i++)
		object(&json, &tasks[i]);
	json_end_array(&json);
}

void cmd_ps(const struct options *options)
{
	struct channel *channel = channel_open(options->socket);
	struct watch_query query = {.table = MACHD_WATCH_TASKS};
	size_t count;
	struct machd_watch_task *tasks = watch_all(channel, &query, &count);

	if (options->json)
		print_json(tasks, count);
	else
		print_table(tasks, count);
	free(tasks);
	channel_close(channel);
}
