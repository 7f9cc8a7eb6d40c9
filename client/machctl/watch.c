/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads tables of the daemon page by page (protocol/watch.h). A daemon with longer records than
 * ours is a newer one that added fields at their end: those are left out.
 */
#include "client/machctl/watch.h"

#include <errno.h>
#include <mach/kern_return.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "client/machctl/machctl.h"
#include "client/machctl/text.h"
#include "protocol/frame.h"
#include "protocol/rows.h"

#define NS_PER_S UINT64_C(1000000000)

/* When somebody who waits at a terminal is told of progress first, and how often then, seconds. */
#define PATIENCE_NS 1000000000
#define REFRESH_NS  200000000

/*
 * After this many pages machctl lowers its priority to a nice value of 19: the daemon's clients
 * need the same CPUs. SCHED_IDLE would be lower still, but would never run on a machine that is
 * always busy, where one wants to know why.
 */
#define GENTLE_AFTER 8
#define GENTLE_NICE  19

#define TEXT(type, field) offsetof(struct type, field), sizeof(((struct type *)0)->field)

/* The records of each table, and the text that they have, if any. */
static const struct shape {
	size_t record, text, text_size;
} shapes[] = {
	[MACHD_WATCH_TASKS] = {sizeof(struct machd_watch_task), 0, 0},
	[MACHD_WATCH_PORTS] = {sizeof(struct machd_watch_port), TEXT(machd_watch_port, service)},
	[MACHD_WATCH_NAMES] = {sizeof(struct machd_watch_name), TEXT(machd_watch_name, service)},
	[MACHD_WATCH_MESSAGES] = {sizeof(struct machd_watch_message), 0, 0},
	[MACHD_WATCH_QUEUES] = {sizeof(struct machd_watch_queue), TEXT(machd_watch_queue, service)},
	[MACHD_WATCH_HOLDS] = {sizeof(struct machd_watch_hold), 0, 0},
	[MACHD_WATCH_WAITS] = {sizeof(struct machd_watch_wait), 0, 0},
	[MACHD_WATCH_LIMITS] = {sizeof(struct machd_watch_limit), TEXT(machd_watch_limit, key)},
	[MACHD_WATCH_TOTALS] = {sizeof(struct machd_watch_totals), 0, 0},
	[MACHD_WATCH_POLICY] = {sizeof(struct machd_watch_policy),
				TEXT(machd_watch_policy, service)},
};

/* A table that is being read. */
struct walk {
	const struct shape *shape;
	void (*visit)(void *context, const void *record);
	void *context;
	uint64_t count;
	uint64_t next_word; /* when to tell how far it is, ns */
	unsigned pages;
	bool told;
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

static void tell_progress(struct walk *walk)
{
	uint64_t now = now_ns();

	if (now < walk->next_word || !isatty(STDERR_FILENO))
		return;
	walk->next_word = now + REFRESH_NS;
	walk->told = true;
	fprintf(stderr, "\rmachctl: %llu records so far", (unsigned long long)walk->count);
}

static void be_gentle(struct walk *walk)
{
	if (++walk->pages == GENTLE_AFTER)
		setpriority(PRIO_PROCESS, 0, GENTLE_NICE);
}

static void end_progress(const struct walk *walk)
{
	if (walk->told)
		fputs("\r\033[K", stderr);
}

__attribute__((noreturn)) static void fail_code(const char *path, uint32_t code)
{
	if (code == KERN_RESOURCE_SHORTAGE)
		fail(EXIT_ERROR, "machd at %s is short of memory; try again", path);
	if (code == KERN_ABORTED)
		fail(EXIT_ERROR, "machd at %s lost its place in the table; try again", path);
	fail(EXIT_ERROR,
	     "machd at %s does not know this table (code %u): it is older "
	     "than this machctl",
	     path, code);
}

/* Check a page's header against its size and ours; the header is copied to `answer`. */
static void check_page(const struct channel *channel, const void *page, size_t size,
		       const struct shape *shape, struct machd_watch_answer *answer)
{
	const char *path = channel_path(channel);

	if (size < sizeof *answer)
		fail(EXIT_ERROR, "machd at %s sent a page without a header", path);
	memcpy(answer, page, sizeof *answer);
	if (answer->code != KERN_SUCCESS)
		fail_code(path, answer->code);
	size -= sizeof *answer;
	if (size == 0)
		return;
	if (answer->record_size < shape->record)
		fail(EXIT_ERROR,
		     "machd at %s sends records of %u bytes, not %zu: it is older "
		     "than this machctl",
		     path, answer->record_size, shape->record);
	if (answer->record_size > MACHD_ROW_MAX || answer->record_size % MACHD_ROW_WORD != 0)
		fail(EXIT_ERROR, "machd at %s sends records of %u bytes, which none can have", path,
		     answer->record_size);
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

/* A record as it was unpacked: text ends within its field. */
static void hand_on(struct walk *walk, struct machd_rows *rows)
{
	const struct shape *shape = walk->shape;
	char *record = (char *)rows->last, end = 0;

	if (shape->text_size) {
		end = record[shape->text + shape->text_size - 1];
		record[shape->text + shape->text_size - 1] = 0;
	}
	walk->count++;
	walk->visit(walk->context, record);
	if (end) /* the next record may differ from this one elsewhere only */
		record[shape->text + shape->text_size - 1] = end;
}

/* Ask for a page, and hand its records on. */
static void read_page(struct channel *channel, const struct machd_watch *request, struct walk *walk,
		      struct machd_watch_answer *answer)
{
	enum machd_rows_state state;
	struct machd_rows rows;
	size_t size;
	uint8_t *page = channel_call(channel, MACHD_OP_WATCH, request, sizeof *request, &size);

	check_page(channel, page, size, walk->shape, answer);
	size -= sizeof *answer;
	if (size == 0)
		return;
	machd_rows_begin(&rows, page + sizeof *answer, answer->record_size);
	while ((state = machd_rows_next(&rows, size)) == MACHD_ROWS_READY)
		hand_on(walk, &rows);
	if (state != MACHD_ROWS_END)
		fail(EXIT_ERROR, "machd at %s sent half a record", channel_path(channel));
}

void watch_each(struct channel *channel, const struct watch_query *query,
		void (*visit)(void *context, const void *record), void *context)
{
	struct machd_watch request = {
		.table = query->table, .pid = query->pid, .object = query->object};
	struct walk walk = {.shape = &shapes[query->table],
			    .visit = visit,
			    .context = context,
			    .next_word = now_ns() + PATIENCE_NS};
	struct machd_watch_answer answer;

	for (;;) {
		read_page(channel, &request, &walk, &answer);
		if (answer.next_task == 0 && answer.next_index == 0)
			break;
		turn_page(channel, &request, &answer);
		tell_progress(&walk);
		be_gentle(&walk);
	}
	end_progress(&walk);
}

/* Records collected so far. */
struct collection {
	uint8_t *bytes;
	size_t record; /* bytes of one */
	size_t count, room;
};

static void collect(void *context, const void *record)
{
	struct collection *all = context;

	if (all->count == all->room) {
		all->room = all->room ? all->room * 2 : 64;
		all->bytes = reallocarray(all->bytes, all->room, all->record);
		if (!all->bytes)
			fail(EXIT_ERROR, "out of memory");
	}
	memcpy(all->bytes + all->count++ * all->record, record, all->record);
}

void *watch_all(struct channel *channel, const struct watch_query *query, size_t *count)
{
	struct collection all = {.record = shapes[query->table].record};

	watch_each(channel, query, collect, &all);
	*count = all.count;
	return all.bytes;
}

void watch_require_task(struct channel *channel, int32_t pid)
{
	struct watch_query query = {.table = MACHD_WATCH_TASKS, .pid = pid};
	size_t count;

	free(watch_all(channel, &query, &count));
	if (count == 0)
		fail(EXIT_ERROR,
		     "process %d has no task at %s that you may see; `machctl ps` lists them", pid,
		     channel_path(channel));
}

bool watch_sees_all(struct channel *channel)
{
	struct watch_query query = {.table = MACHD_WATCH_TOTALS};
	size_t count;
	struct machd_watch_totals *totals = watch_all(channel, &query, &count);
	bool all = false;

	for (size_t i = 0; i < count; i++)
		all |= totals[i].uid == MACHD_WATCH_NO_UID;
	free(totals);
	return all;
}

bool watch_port(struct channel *channel, uint64_t object, struct machd_watch_queue *port)
{
	struct watch_query query = {.table = MACHD_WATCH_QUEUES, .object = object};
	size_t count;
	struct machd_watch_queue *found = watch_all(channel, &query, &count);

	if (count)
		*port = *found;
	free(found);
	return count != 0;
}

struct machd_watch_message *watch_messages(struct channel *channel, int32_t pid, uint64_t *next,
					   uint64_t *lost, size_t *count)
{
	struct machd_watch request = {.table = MACHD_WATCH_MESSAGES, .pid = pid, .index = *next};
	struct collection all = {.record = sizeof(struct machd_watch_message)};
	struct walk walk = {
		.shape = &shapes[MACHD_WATCH_MESSAGES], .visit = collect, .context = &all};
	struct machd_watch_answer answer;

	read_page(channel, &request, &walk, &answer);
	*next = answer.next_index;
	*lost = answer.next_task;
	*count = all.count;
	return (struct machd_watch_message *)all.bytes;
}

static void end_text(char *text, size_t size)
{
	text[size - 1] = '\0';
}

void watch_policy(struct channel *channel, int32_t pid, const char *service,
		  struct machd_watch_policy *policy)
{
	struct machd_watch_policy_request request = {
		.head = {.table = MACHD_WATCH_POLICY, .pid = pid}};
	struct machd_watch_answer answer;
	struct machd_rows rows;
	uint8_t *page;
	size_t size;

	if (strlen(service) >= sizeof request.service)
		fail(EXIT_ERROR, "%s is too long to be the name of a service", service);
	strcpy(request.service, service);
	page = channel_call(channel, MACHD_OP_WATCH, &request, sizeof request, &size);
	if (size >= sizeof answer) {
		memcpy(&answer, page, sizeof answer);
		if (answer.code == KERN_NOT_FOUND)
			watch_require_task(channel, pid);
	}
	check_page(channel, page, size, &shapes[MACHD_WATCH_POLICY], &answer);
	if (size > sizeof answer)
		machd_rows_begin(&rows, page + sizeof answer, answer.record_size);
	if (size == sizeof answer ||
	    machd_rows_next(&rows, size - sizeof answer) != MACHD_ROWS_READY)
		fail(EXIT_ERROR, "machd at %s sent no record", channel_path(channel));
	memcpy(policy, rows.last, sizeof *policy);
	end_text(policy->service, sizeof policy->service);
	end_text(policy->unit, sizeof policy->unit);
	end_text(policy->own.file, sizeof policy->own.file);
	end_text(policy->look_up.file, sizeof policy->look_up.file);
}
