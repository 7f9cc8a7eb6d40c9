/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `machctl limits`: each limit of protocol/limits.def, its present value, and the user or task that
 * uses most of it. Limits that the daemon does not count by user or task are shown without a use.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/machctl/channel.h"
#include "client/machctl/json.h"
#include "client/machctl/machctl.h"
#include "client/machctl/output.h"
#include "client/machctl/table.h"
#include "client/machctl/text.h"
#include "client/machctl/watch.h"
#include "protocol/limits.h"

/* Percent of a limit in use from which on its row is highlighted. */
#define ALARMING 80

static const struct table_column columns[] = {
	{"LIMIT", true, 0}, {"VALUE", false, 0}, {"USED", false, 0},
	{"MOST", false, 0}, {"BY", true, 0},	 {"WHY", true, 12},
};

/* Limits that are part of the contract or of the wire. */
static const struct {
	const char *name, *reason;
	uint64_t value;
} fixed[] = {
#define MACHD_FIXED(name, value, reason) {#name, reason, value},
#include "protocol/limits.def"
};

/* What the daemon says of all limits. */
struct uses {
	struct machd_watch_limit *records;
	size_t count;
};

/* Does this record tell the use of that limit by a user or task? */
static bool is_use(const struct machd_watch_limit *record, const char *key)
{
	return record->scope != MACHD_WATCH_OF_NOBODY && strcmp(record->key, key) == 0;
}

/* The value in force, which need not be the default. */
static uint64_t value_of(const struct uses *uses, const struct machd_limit_row *limit)
{
	for (size_t i = 0; i < uses->count; i++)
		if (strcmp(uses->records[i].key, limit->key) == 0)
			return uses->records[i].value;
	return limit->value;
}

/* The user or task that uses most of a limit now; NULL: the limit is not counted. */
static const struct machd_watch_limit *heaviest(const struct uses *uses, const char *key)
{
	const struct machd_watch_limit *most = NULL;

	for (size_t i = 0; i < uses->count; i++)
		if (is_use(&uses->records[i], key) && (!most || uses->records[i].used > most->used))
			most = &uses->records[i];
	return most;
}

/* The most that anybody had at once. */
static uint64_t peak(const struct uses *uses, const char *key)
{
	uint64_t most = 0;

	for (size_t i = 0; i < uses->count; i++)
		if (is_use(&uses->records[i], key) && uses->records[i].peak > most)
			most = uses->records[i].peak;
	return most;
}

static void who_cell(struct table *table, const struct machd_watch_limit *use)
{
	if (use->scope == MACHD_WATCH_OF_TASK)
		table_cell(table, "PID %d", use->pid);
	else if (use->scope == MACHD_WATCH_OF_USER)
		table_cell(table, "uid %u", use->uid);
	else
		table_cell(table, "all");
}

static void row(struct table *table, const struct uses *uses, const struct machd_limit_row *limit)
{
	const struct machd_watch_limit *use = heaviest(uses, limit->key);
	char text[TEXT_COUNT_SIZE];

	table_cell(table, "%s", limit->key);
	table_cell(table, "%llu", (unsigned long long)value_of(uses, limit));
	if (use) {
		table_cell(table, "%s", text_count(use->used, text));
		if (use->used >= use->value / 100 * ALARMING && use->used > 0)
			table_alert(table);
		table_cell(table, "%s", text_count(peak(uses, limit->key), text));
		who_cell(table, use);
	} else {
		table_cell(table, "-");
		table_cell(table, "-");
		table_cell(table, "-");
	}
	table_cell(table, "%s", limit->reason);
}

static void print_table(const struct uses *uses)
{
	struct table *table = table_new(columns, sizeof columns / sizeof *columns);

	for (unsigned i = 0; i < machd_limit_row_count; i++)
		row(table, uses, &machd_limit_rows[i]);
	for (unsigned i = 0; i < sizeof fixed / sizeof *fixed; i++) {
		table_cell(table, "%s", fixed[i].name + strlen("MACHD_"));
		table_cell(table, "%llu", (unsigned long long)fixed[i].value);
		for (unsigned column = 0; column < 3; column++)
			table_cell(table, "-");
		table_cell(table, "%s", fixed[i].reason);
	}
	output_table(table);
	table_free(table);
}

static void use_object(struct json *json, const struct machd_watch_limit *use)
{
	json_object(json, NULL);
	if (use->scope == MACHD_WATCH_OF_TASK) {
		json_number(json, "task", use->task);
		json_process(json, use->pid);
	}
	if (use->scope != MACHD_WATCH_OF_HOST)
		json_number(json, "uid", use->uid);
	json_number(json, "used", use->used);
	json_number(json, "peak", use->peak);
	json_end_object(json);
}

static void object(struct json *json, const struct uses *uses, const struct machd_limit_row *limit)
{
	json_object(json, NULL);
	json_string(json, "limit", limit->key);
	json_number(json, "value", value_of(uses, limit));
	json_number(json, "default", limit->value);
	json_string(json, "reason", limit->reason);
	json_bool(json, "fixed", false);
	json_array(json, "uses");
	for (size_t i = 0; i < uses->count; i++)
		if (is_use(&uses->records[i], limit->key))
			use_object(json, &uses->records[i]);
	json_end_array(json);
	json_end_object(json);
}

static void print_json(const struct uses *uses)
{
	struct json json = {.out = stdout};

	json_array(&json, NULL);
	for (unsigned i = 0; i < machd_limit_row_count; i++)
		object(&json, uses, &machd_limit_rows[i]);
	for (unsigned i = 0; i < sizeof fixed / sizeof *fixed; i++) {
		json_object(&json, NULL);
		json_string(&json, "limit", fixed[i].name);
		json_number(&json, "value", fixed[i].value);
		json_number(&json, "default", fixed[i].value);
		json_string(&json, "reason", fixed[i].reason);
		json_bool(&json, "fixed", true);
		json_array(&json, "uses");
		json_end_array(&json);
		json_end_object(&json);
	}
	json_end_array(&json);
}

void cmd_limits(const struct options *options)
{
	struct channel *channel = channel_open(options->socket);
	struct watch_query query = {.table = MACHD_WATCH_LIMITS};
	struct uses uses;

	uses.records = watch_all(channel, &query, &uses.count);
	if (options->json)
		print_json(&uses);
	else
		print_table(&uses);
	free(uses.records);
	channel_close(channel);
}
