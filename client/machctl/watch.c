/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads a table of the daemon page by page (protocol/watch.h) into one array. A daemon with longer
 * records than ours is a newer one that added fields at their end: those are left out.
 */
#include "client/machctl/watch.h"

#include <stdlib.h>
#include <string.h>

#include "client/machctl/machctl.h"
#include "protocol/frame.h"

/* Records collected so far. */
struct collection {
	uint8_t *bytes;
	size_t record; /* bytes of one */
	size_t count, room;
};

static void collect(struct collection *all, const uint8_t *record)
{
	if (all->count == all->room) {
		all->room = all->room ? all->room * 2 : 64;
		all->bytes = reallocarray(all->bytes, all->room, all->record);
		if (!all->bytes)
			fail(EXIT_ERROR, "out of memory");
	}
	memcpy(all->bytes + all->count++ * all->record, record, all->record);
}

/* Check a page's header against its size and ours; the header is copied to `answer`. */
static void check_page(const struct channel *channel, const void *page, size_t size,
		       const struct collection *all, struct machd_watch_answer *answer)
{
	const char *path = channel_path(channel);

	if (size < sizeof *answer)
		fail(EXIT_ERROR, "machd at %s sent a page without a header", path);
	memcpy(answer, page, sizeof *answer);
	if (answer->code != 0)
		fail(EXIT_ERROR,
		     "machd at %s does not know this table (code %u): it is older "
		     "than this machctl",
		     path, answer->code);
	size -= sizeof *answer;
	if (size == 0)
		return;
	if (answer->record_size < all->record)
		fail(EXIT_ERROR,
		     "machd at %s sends records of %u bytes, not %zu: it is older "
		     "than this machctl",
		     path, answer->record_size, all->record);
	if (size % answer->record_size != 0)
		fail(EXIT_ERROR, "machd at %s sent half a record", path);
}

/* Only a request that goes forward is sent, so that a confused daemon cannot keep us for ever. */
static void turn_page(const struct channel *channel, struct machd_watch *request,
		      const struct machd_watch_answer *answer)
{
	if (answer->next_task < request->task ||
	    (answer->next_task == request->task && answer->next_index <= request->index))
		fail(EXIT_ERROR, "machd at %s sends the same page again and again",
		     channel_path(channel));
	request->task = answer->next_task;
	request->index = answer->next_index;
}

/* Ask for a page, and collect its records. */
static void read_page(struct channel *channel, const struct machd_watch *request,
		      struct collection *all, struct machd_watch_answer *answer)
{
	size_t size;
	const uint8_t *page =
		channel_call(channel, MACHD_OP_WATCH, request, sizeof *request, &size);

	check_page(channel, page, size, all, answer);
	for (size_t at = sizeof *answer; at < size; at += answer->record_size)
		collect(all, page + at);
}

static void *read_table(struct channel *channel, enum machd_watch_table table, int32_t pid,
			size_t record, size_t *count)
{
	struct machd_watch request = {.table = table, .pid = pid};
	struct collection all = {.record = record};
	struct machd_watch_answer answer;

	for (;;) {
		read_page(channel, &request, &all, &answer);
		if (answer.next_task == 0 && answer.next_index == 0)
			break;
		turn_page(channel, &request, &answer);
	}
	*count = all.count;
	return all.bytes;
}

struct machd_watch_task *watch_tasks(struct channel *channel, int32_t pid, size_t *count)
{
	return read_table(channel, MACHD_WATCH_TASKS, pid, sizeof(struct machd_watch_task), count);
}

struct machd_watch_port *watch_ports(struct channel *channel, int32_t pid, size_t *count)
{
	struct machd_watch_port *ports =
		read_table(channel, MACHD_WATCH_PORTS, pid, sizeof *ports, count);

	for (size_t i = 0; i < *count; i++)
		ports[i].service[sizeof ports[i].service - 1] = 0;
	return ports;
}

struct machd_watch_name *watch_names(struct channel *channel, size_t *count)
{
	struct machd_watch_name *names =
		read_table(channel, MACHD_WATCH_NAMES, 0, sizeof *names, count);

	for (size_t i = 0; i < *count; i++)
		names[i].service[sizeof names[i].service - 1] = 0;
	return names;
}

struct machd_watch_message *watch_messages(struct channel *channel, int32_t pid, uint64_t *next,
					   uint64_t *lost, size_t *count)
{
	struct machd_watch request = {.table = MACHD_WATCH_MESSAGES, .pid = pid, .index = *next};
	struct collection all = {.record = sizeof(struct machd_watch_message)};
	struct machd_watch_answer answer;

	read_page(channel, &request, &all, &answer);
	*next = answer.next_index;
	*lost = answer.next_task;
	*count = all.count;
	return (struct machd_watch_message *)all.bytes;
}
