/* SPDX-License-Identifier: Apache-2.0 */
/* `machctl names`: the service names that can be looked up, at the first bootstrap port and below.
 */
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
	{"SERVICE", true, 16}, {"PID", false, 0},    {"COMMAND", true, 0}, {"UID", false, 0},
	{"OBJECT", false, 0},  {"SUBSET", false, 0}, {"BY", true, 0},	   {"STATE", true, 0},
};

/* enum machd_watch_name_state */
static const char *const states[] = {"running", "declared", "starting", "failed", "created"};

static const char *state_of(const struct machd_watch_name *name)
{
	return name->state < sizeof states / sizeof *states ? states[name->state] : "unknown";
}

static const char *origin_of(const struct machd_watch_name *name)
{
	if (name->declared)
		return "declared";
	if (name->state == MACHD_NAME_CREATED)
		return "create";
	return name->checked_in ? "check-in" : "register";
}

/* Numbers that there may not be. */
static void cell(struct table *table, bool there, uint64_t number)
{
	if (there)
		table_cell(table, "%llu", (unsigned long long)number);
	else
		table_cell(table, "-");
}

static void state_cell(struct table *table, const struct machd_watch_name *name)
{
	bool waits = name->state == MACHD_NAME_STARTING || name->state == MACHD_NAME_CREATED;

	if (waits && name->queued)
		table_cell(table, "%s, %u wait", state_of(name), name->queued);
	else
		table_cell(table, "%s", state_of(name));
	if (name->state == MACHD_NAME_FAILED)
		table_alert(table);
}

static void row(struct table *table, const struct machd_watch_name *name)
{
	char *service = text_escape(name->service);
	char *command = text_command_escaped(name->owner_pid);

	table_cell(table, "%s", service);
	cell(table, name->owner_task, (uint64_t)name->owner_pid);
	table_cell(table, "%s", name->owner_task ? command : "-");
	cell(table, !name->declared, name->uid);
	cell(table, name->object, name->object);
	cell(table, name->subset, name->subset);
	table_cell(table, "%s", origin_of(name));
	state_cell(table, name);
	free(service);
	free(command);
}

/* Below the table, as it is too long for a column. */
static void print_failure(const struct machd_watch_name *name)
{
	char *service = text_escape(name->service), *why = text_escape(name->why);

	printf("%s failed: %s\n", service, why);
	free(service);
	free(why);
}

static void print_table(const struct machd_watch_name *names, size_t count)
{
	struct table *table = table_new(columns, sizeof columns / sizeof *columns);

	for (size_t i = 0; i < count; i++)
		row(table, &names[i]);
	output_table(table);
	table_free(table);
	for (size_t i = 0; i < count; i++)
		if (names[i].state == MACHD_NAME_FAILED)
			print_failure(&names[i]);
}

static void number_or_null(struct json *json, const char *key, uint64_t number)
{
	if (number)
		json_number(json, key, number);
	else
		json_string(json, key, NULL);
}

static void object(struct json *json, const struct machd_watch_name *name)
{
	json_object(json, NULL);
	json_string(json, "service", name->service);
	json_number(json, "task", name->owner_task);
	json_process(json, name->owner_pid);
	if (name->declared)
		json_string(json, "uid", NULL);
	else
		json_number(json, "uid", name->uid);
	json_number(json, "object", name->object);
	number_or_null(json, "subset", name->subset);
	number_or_null(json, "subset_parent", name->parent);
	json_bool(json, "checked_in", name->checked_in && name->state == MACHD_NAME_RUNNING);
	json_bool(json, "declared", name->declared);
	json_string(json, "state", state_of(name));
	json_number(json, "starts", name->starts);
	json_number(json, "queued", name->queued);
	json_string(json, "why", *name->why ? name->why : NULL);
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

	for (size_t i = 0; i < count; i++)
		names[i].why[sizeof names[i].why - 1] = '\0';

	if (options->json)
		print_json(names, count);
	else
		print_table(names, count);
	free(names);
	channel_close(channel);
}
