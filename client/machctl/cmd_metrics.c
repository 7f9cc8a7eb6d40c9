/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `machctl metrics`: numbers for a monitoring system, as text in the format of OpenMetrics 1.0.
 * Those with a uid are of one user; counters of a user begin anew when nothing of it was left for a
 * while.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/machctl/channel.h"
#include "client/machctl/json.h"
#include "client/machctl/machctl.h"
#include "client/machctl/watch.h"

/* A number of each user. */
static const struct family {
	const char *name, *unit, *help;
	size_t offset; /* in struct machd_watch_totals */
	bool counter;
} families[] = {
#define GAUGE(field, name, unit, help)                                              \
	{                                                                           \
		name, unit, help, offsetof(struct machd_watch_totals, field), false \
	}
#define COUNTER(field, name, unit, help)                                           \
	{                                                                          \
		name, unit, help, offsetof(struct machd_watch_totals, field), true \
	}
	GAUGE(tasks, "machd_tasks", "", "Tasks: processes that use machd."),
	GAUGE(channels, "machd_channels", "", "Connections."),
	GAUGE(names, "machd_names", "", "Entries of name spaces, used or not."),
	GAUGE(ports, "machd_ports", "", "Ports and port sets."),
	GAUGE(messages, "machd_messages", "", "Messages inside machd."),
	GAUGE(bytes, "machd_messages_bytes", "bytes", "Memory of those messages."),
	GAUGE(memfds, "machd_memfds", "", "Descriptors in those messages and in fileports."),
	COUNTER(sent, "machd_messages_sent", "", "Messages that tasks sent."),
	COUNTER(received, "machd_messages_received", "", "Messages that tasks received."),
	COUNTER(destroyed, "machd_messages_destroyed", "", "Messages that nobody received."),
	COUNTER(sent_bytes, "machd_sent_bytes", "bytes", "Content of messages sent."),
#undef GAUGE
#undef COUNTER
};

#define FAMILY_COUNT (sizeof families / sizeof *families)

/* All that the numbers come from. */
struct look {
	struct machd_watch_totals *totals;
	struct machd_watch_limit *limits;
	struct machd_watch_queue *queues;
	size_t total_count, limit_count, queue_count;
};

static uint64_t value_of(const struct machd_watch_totals *totals, const struct family *family)
{
	uint64_t value;

	memcpy(&value, (const char *)totals + family->offset, sizeof value);
	return value;
}

static void head(const char *name, const char *type, const char *unit, const char *help)
{
	printf("# TYPE %s %s\n", name, type);
	if (*unit)
		printf("# UNIT %s %s\n", name, unit);
	printf("# HELP %s %s\n", name, help);
}

/* The name of a number without "machd_". */
static const char *brief(const struct family *family)
{
	return family->name + strlen("machd_");
}

/* The sum; only who sees all gets it. */
static void print_sum(const struct look *look, const struct family *family)
{
	for (size_t i = 0; i < look->total_count; i++) {
		if (look->totals[i].uid != MACHD_WATCH_NO_UID)
			continue;
		head(family->name, family->counter ? "counter" : "gauge", family->unit,
		     family->help);
		printf("%s%s %" PRIu64 "\n", family->name, family->counter ? "_total" : "",
		       value_of(&look->totals[i], family));
	}
}

/* The same by user, under another name: a sum over these is not to count twice. */
static void print_users(const struct look *look, const struct family *family)
{
	char name[64];

	snprintf(name, sizeof name, "machd_user_%s", brief(family));
	head(name, family->counter ? "counter" : "gauge", family->unit, family->help);
	for (size_t i = 0; i < look->total_count; i++)
		if (look->totals[i].uid != MACHD_WATCH_NO_UID)
			printf("%s%s{uid=\"%u\"} %" PRIu64 "\n", name,
			       family->counter ? "_total" : "", look->totals[i].uid,
			       value_of(&look->totals[i], family));
}

/* A label's value: backslashes, quotes and line ends are escaped, and no more. */
static void print_label(const char *name, const char *value)
{
	printf("%s=\"", name);
	for (; *value; value++) {
		if (*value == '\n')
			fputs("\\n", stdout);
		else if (*value == '"' || *value == '\\')
			printf("\\%c", *value);
		else if ((unsigned char)*value < ' ' || (unsigned char)*value >= 0x7f)
			putchar('?');
		else
			putchar(*value);
	}
	putchar('"');
}

/* Queues of ports with a service name: those are few, and stay. */
static void print_queues(const struct look *look)
{
	uint64_t deepest = 0, oldest = 0;

	for (size_t i = 0; i < look->queue_count; i++) {
		if (look->queues[i].msgcount > deepest)
			deepest = look->queues[i].msgcount;
		if (look->queues[i].age > oldest)
			oldest = look->queues[i].age;
	}
	head("machd_queue_depth_most", "gauge", "", "Messages in the deepest queue.");
	printf("machd_queue_depth_most %" PRIu64 "\n", deepest);
	head("machd_queue_age_seconds", "gauge", "seconds", "How long the oldest message waits.");
	printf("machd_queue_age_seconds %.9f\n", (double)oldest / 1e9);
	head("machd_queue_depth", "gauge", "", "Messages for a service, where there are any.");
	for (size_t i = 0; i < look->queue_count; i++) {
		if (!look->queues[i].service[0])
			continue;
		printf("machd_queue_depth{");
		print_label("service", look->queues[i].service);
		printf("} %u\n", look->queues[i].msgcount);
	}
}

static void print_limit(const struct machd_watch_limit *limit, const char *name, uint64_t value)
{
	printf("%s{", name);
	print_label("limit", limit->key);
	if (limit->scope == MACHD_WATCH_OF_USER)
		printf(",uid=\"%u\"", limit->uid);
	printf("} %" PRIu64 "\n", value);
}

/* Tasks come and go: they are not among the labels. */
static bool is_shown(const struct machd_watch_limit *limit)
{
	return limit->scope == MACHD_WATCH_OF_USER || limit->scope == MACHD_WATCH_OF_HOST;
}

static void print_limits(const struct look *look)
{
	head("machd_limit", "gauge", "", "Limits, as in machd.conf.");
	for (size_t i = 0; i < look->limit_count; i++)
		if (look->limits[i].scope == MACHD_WATCH_OF_NOBODY)
			print_limit(&look->limits[i], "machd_limit", look->limits[i].value);
	head("machd_limit_used", "gauge", "",
	     "What is used of a limit, by whom it is counted for.");
	for (size_t i = 0; i < look->limit_count; i++)
		if (is_shown(&look->limits[i]))
			print_limit(&look->limits[i], "machd_limit_used", look->limits[i].used);
	head("machd_limit_peak", "gauge", "", "The most that was used of a limit at once.");
	for (size_t i = 0; i < look->limit_count; i++)
		if (is_shown(&look->limits[i]))
			print_limit(&look->limits[i], "machd_limit_peak", look->limits[i].peak);
}

static void print_text(const struct look *look)
{
	for (unsigned i = 0; i < FAMILY_COUNT; i++)
		print_sum(look, &families[i]);
	for (unsigned i = 0; i < FAMILY_COUNT; i++)
		print_users(look, &families[i]);
	print_queues(look);
	print_limits(look);
	puts("# EOF");
}

static void print_json(const struct look *look)
{
	struct json json = {.out = stdout};

	json_array(&json, NULL);
	for (size_t i = 0; i < look->total_count; i++) {
		const struct machd_watch_totals *totals = &look->totals[i];

		json_object(&json, NULL);
		if (totals->uid == MACHD_WATCH_NO_UID)
			json_string(&json, "uid", NULL);
		else
			json_number(&json, "uid", totals->uid);
		for (unsigned k = 0; k < FAMILY_COUNT; k++)
			json_number(&json, brief(&families[k]), value_of(totals, &families[k]));
		json_end_object(&json);
	}
	json_end_array(&json);
}

void cmd_metrics(const struct options *options)
{
	struct channel *channel = channel_open(options->socket);
	struct watch_query totals = {.table = MACHD_WATCH_TOTALS};
	struct watch_query limits = {.table = MACHD_WATCH_LIMITS};
	struct watch_query queues = {.table = MACHD_WATCH_QUEUES};
	struct look look;

	look.totals = watch_all(channel, &totals, &look.total_count);
	look.limits = watch_all(channel, &limits, &look.limit_count);
	look.queues = watch_all(channel, &queues, &look.queue_count);
	if (options->json)
		print_json(&look);
	else
		print_text(&look);
	free(look.totals);
	free(look.limits);
	free(look.queues);
	channel_close(channel);
}
