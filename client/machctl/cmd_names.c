/* SPDX-License-Identifier: Apache-2.0 */
/* `machctl names`: the service names that can be looked up. */
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
	{"SERVICE", true, 16}, {"PID", false, 0},    {"COMMAND", true, 0},
	{"UID", false, 0},     {"OBJECT", false, 0}, {"BY", true, 0},
};

static void row(struct table *table, const struct machd_watch_name *name)
{
	char *service = text_escape(name->service);
	char *command = text_command_escaped(name->owner_pid);

	table_cell(table, "%s", service);
	if (name->owner_task)
		table_cell(table, "%d", name->owner_pid);
	else
		table_cell(table, "-");
	table_cell(table, "%s", name->owner_task ? command : "-");
	table_cell(table, "%u", name->uid);
	table_cell(table, "%llu", (unsigned long long)name->object);
	table_cell(table, "%s", name->checked_in ? "check-in" : "register");
	free(service);
	free(command);
}

static void print_table(const struct machd_watch_name *names, size_t count)
{
	struct table *table = table_new(columns, sizeof columns / sizeof *columns);

	for (size_t i = 0; i < count; i++)
		row(table, &names[i]);
	output_table(table);
	table_free(table);
}

static void object(struct json *json, const struct machd_watch_name *name)
{
	json_object(json, NULL);
	json_string(json, "service", name->service);
	json_number(json, "task", name->owner_task);
	json_process(json, name->owner_pid);
	json_number(json, "uid", name->uid);
	json_number(json, "object", name->object);
	json_bool(json, "checked_in", name->checked_in);
	json_end_object(json);
}

static void print_json(const struct machd_watch_name *names, size_t count)
{
	struct json json = {.out = stdout};

	json_array(&json, NULL);
	for (size_t i = 0; i < count; i++)
		object(&json, &names[i]);
	json_end_array(&json);
}

void cmd_names(const struct options *options)
{
	struct channel *channel = channel_open(options->socket);
	struct watch_query query = {.table = MACHD_WATCH_NAMES};
	size_t count;
	struct machd_watch_name *names = watch_all(channel, &query, &count);

	if (options->json)
		print_json(names, count);
	else
		print_table(names, count);
	free(names);
	channel_close(channel);
}
