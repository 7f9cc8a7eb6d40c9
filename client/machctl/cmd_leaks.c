/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `machctl leaks`: tasks whose number of names keeps growing. It reads the tasks several times and
 * compares; a task that has more names each time is a suspect.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "client/machctl/channel.h"
#include "client/machctl/json.h"
#include "client/machctl/machctl.h"
#include "client/machctl/output.h"
#include "client/machctl/table.h"
#include "client/machctl/text.h"
#include "client/machctl/watch.h"

static const struct table_column columns[] = {
	{"PID", false, 0},  {"COMMAND", true, 4}, {"UID", false, 0},  {"NAMES", false, 0},
	{"GREW", false, 0}, {"PER-S", false, 0},  {"TIMES", true, 0}, {"RECV", false, 0},
	{"SEND", false, 0}, {"ONCE", false, 0},	  {"DEAD", false, 0}, {"SETS", false, 0},
};

/* A task as it was first and last seen. */
struct growth {
	struct machd_watch_task first, last;
	unsigned looks; /* readings that include the task, without its first */
	unsigned grew;	/* readings with more names than the one before */
};

struct growths {
	struct growth *list;
	size_t count, room;
	double seconds; /* between the first look and the last */
};

static struct growth *find(struct growths *all, uint64_t task)
{
	for (size_t i = 0; i < all->count; i++)
		if (all->list[i].first.id == task)
			return &all->list[i];
	return NULL;
}

static void visit_task(void *context, const void *record)
{
	const struct machd_watch_task *task = record;
	struct growths *all = context;
	struct growth *growth = find(all, task->id);

	if (growth) {
		growth->looks++;
		growth->grew += task->names > growth->last.names;
		growth->last = *task;
		return;
	}
	if (all->count == all->room) {
		all->room = all->room ? all->room * 2 : 64;
		all->list = reallocarray(all->list, all->room, sizeof *all->list);
		if (!all->list)
			fail(EXIT_ERROR, "out of memory");
	}
	all->list[all->count++] = (struct growth){.first = *task, .last = *task};
}

static int64_t grown(const struct growth *growth)
{
	return (int64_t)growth->last.names - growth->first.names;
}

static int by_growth(const void *a, const void *b)
{
	const struct growth *x = a, *y = b;

	if (grown(x) != grown(y))
		return grown(x) < grown(y) ? 1 : -1;
	return x->first.id < y->first.id ? -1 : 1;
}

/* It grew every time: not once at the start, and not up and down. */
static bool is_leak(const struct growth *growth)
{
	return growth->looks > 0 && growth->grew == growth->looks;
}

static void change_cell(struct table *table, uint32_t before, uint32_t now)
{
	table_cell(table, "%+lld", (long long)now - before);
}

static void row(struct table *table, const struct growths *all, const struct growth *growth)
{
	const struct machd_watch_task *first = &growth->first, *last = &growth->last;
	char *command = text_command_escaped(first->pid), text[TEXT_COUNT_SIZE];

	table_cell(table, "%d", first->pid);
	table_cell(table, "%s", command);
	table_cell(table, "%u", first->uid);
	table_cell(table, "%s", text_count(last->names, text));
	change_cell(table, first->names, last->names);
	if (is_leak(growth))
		table_alert(table);
	table_cell(table, "%.1f", (double)grown(growth) / all->seconds);
	table_cell(table, "%u/%u", growth->grew, growth->looks);
	change_cell(table, first->receive, last->receive);
	change_cell(table, first->send, last->send);
	change_cell(table, first->send_once, last->send_once);
	change_cell(table, first->dead, last->dead);
	change_cell(table, first->sets, last->sets);
	free(command);
}

static void object(struct json *json, const struct growths *all, const struct growth *growth)
{
	const struct machd_watch_task *first = &growth->first, *last = &growth->last;

	json_object(json, NULL);
	json_number(json, "task", first->id);
	json_process(json, first->pid);
	json_number(json, "uid", first->uid);
	json_number(json, "names", last->names);
	json_integer(json, "grew", grown(growth));
	json_number(json, "seconds", (uint64_t)(all->seconds + 0.5));
	json_number(json, "times", growth->grew);
	json_number(json, "looks", growth->looks);
	json_integer(json, "receive", (int64_t)last->receive - first->receive);
	json_integer(json, "send", (int64_t)last->send - first->send);
	json_integer(json, "send_once", (int64_t)last->send_once - first->send_once);
	json_integer(json, "dead", (int64_t)last->dead - first->dead);
	json_integer(json, "sets", (int64_t)last->sets - first->sets);
	json_bool(json, "leak", is_leak(growth));
	json_end_object(json);
}

static void print(const struct growths *all, bool as_json)
{
	struct table *table = table_new(columns, sizeof columns / sizeof *columns);
	struct json json = {.out = stdout};

	if (as_json)
		json_array(&json, NULL);
	for (size_t i = 0; i < all->count && grown(&all->list[i]) > 0; i++) {
		if (as_json)
			object(&json, all, &all->list[i]);
		else
			row(table, all, &all->list[i]);
	}
	if (as_json)
		json_end_array(&json);
	else
		output_table(table);
	table_free(table);
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

void cmd_leaks(const struct options *options)
{
	struct channel *channel = channel_open(options->socket);
	struct watch_query query = {.table = MACHD_WATCH_TASKS};
	const struct timespec pause = {
		(time_t)options->interval,
		(long)((options->interval - (double)(time_t)options->interval) * 1e9)};
	struct growths all = {.list = NULL};
	bool leak = false;
	double start = now();

	watch_each(channel, &query, visit_task, &all);
	for (uint64_t i = 0; i < options->count; i++) {
		nanosleep(&pause, NULL);
		watch_each(channel, &query, visit_task, &all);
	}
	all.seconds = now() - start;
	if (all.count)
		qsort(all.list, all.count, sizeof *all.list, by_growth);
	print(&all, options->json);
	for (size_t i = 0; i < all.count; i++)
		leak |= is_leak(&all.list[i]);
	free(all.list);
	channel_close(channel);
	if (leak)
		finish(EXIT_FOUND);
}
