/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `machctl why PID`: which task waits for which. A thread that waits to send waits for the task
 * that receives from the full queue. One that waits to receive waits for the tasks that could send
 * to its port: those with a right to it, and those that get one with a message in their queues. The
 * chain is followed from task to task until one does not wait, any task could help, or it returns
 * to a task that it has passed: a circle.
 */
#include <mach/port.h>
#include <stdarg.h>
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

/* So many tasks that could help are named; with more of them, anybody may. */
#define HELPERS_MAX 8
/* Longer chains are cut. */
#define DEPTH_MAX 32

/* A task that could end a wait. */
struct helper {
	uint64_t task;
	int32_t pid;
	char how[96];
};

struct helpers {
	struct helper list[HELPERS_MAX];
	unsigned count;
	bool anybody; /* there are more, or the port has a name that can be looked up */
};

struct search {
	struct channel *channel;
	struct json *json; /* NULL: words */
	struct machd_watch_task *tasks;
	struct machd_watch_wait *waits;
	size_t task_count, wait_count;
	bool *told;		  /* by task: it has been explained */
	uint64_t path[DEPTH_MAX]; /* the chain so far: ids of tasks */
	unsigned depth;
	bool circle;
};

/* --- who could help --- */

__attribute__((format(printf, 4, 5))) static void add_helper(struct helpers *helpers, uint64_t task,
							     int32_t pid, const char *format, ...)
{
	struct helper *helper = &helpers->list[helpers->count];
	va_list arguments;

	for (unsigned i = 0; i < helpers->count; i++)
		if (helpers->list[i].task == task)
			return;
	if (helpers->count == HELPERS_MAX) {
		helpers->anybody = true;
		return;
	}
	helper->task = task;
	helper->pid = pid;
	va_start(arguments, format);
	vsnprintf(helper->how, sizeof helper->how, format, arguments);
	va_end(arguments);
	helpers->count++;
}

/* Who waits, and who could send to what it waits for. */
struct looking {
	const struct machd_watch_wait *wait;
	struct helpers *helpers;
};

static void visit_name(void *context, const void *record)
{
	const struct machd_watch_port *name = record;
	const struct looking *looking = context;
	char rights[PORT_RIGHTS_SIZE];

	if (name->task == looking->wait->task ||
	    !(name->type & (MACH_PORT_TYPE_SEND | MACH_PORT_TYPE_SEND_ONCE)))
		return;
	add_helper(looking->helpers, name->task, name->pid, "has a right to it, %s, as %#x",
		   port_rights(name->type & ~MACH_PORT_TYPE_RECEIVE, rights), name->name);
}

static void visit_hold(void *context, const void *record)
{
	const struct machd_watch_hold *hold = record;
	const struct looking *looking = context;

	if (hold->object != looking->wait->object || hold->kind == MACHD_WATCH_MEMBER)
		return;
	if (hold->kind == MACHD_WATCH_BOOTSTRAP)
		looking->helpers->anybody = true;
	else if (hold->kind == MACHD_WATCH_QUEUED && hold->task)
		add_helper(looking->helpers, hold->task, hold->pid,
			   "has not received message %u at port %llu, with a right to it",
			   hold->msgh_id, (unsigned long long)hold->via);
	else if (hold->kind == MACHD_WATCH_BLOCKED && hold->task)
		add_helper(looking->helpers, hold->task, hold->pid,
			   "cannot send message %u to port %llu, with a right to it", hold->msgh_id,
			   (unsigned long long)hold->via);
}

static void find_senders(struct search *search, const struct machd_watch_wait *wait,
			 struct helpers *helpers)
{
	struct watch_query query = {.table = MACHD_WATCH_PORTS, .object = wait->object};
	struct looking looking = {wait, helpers};

	watch_each(search->channel, &query, visit_name, &looking);
	query.table = MACHD_WATCH_HOLDS;
	watch_each(search->channel, &query, visit_hold, &looking);
}

/* The port, or the one in whose queue its receive right is, and so on. */
static void find_receiver(struct search *search, const struct machd_watch_queue *port,
			  struct helpers *helpers)
{
	struct machd_watch_queue outer = *port;

	for (unsigned i = 0; i < DEPTH_MAX && outer.place == MACHD_WATCH_IN_MESSAGE; i++)
		if (!watch_port(search->channel, outer.destination, &outer))
			return;
	if (!outer.receiver_task)
		return;
	if (outer.object == port->object)
		add_helper(helpers, outer.receiver_task, outer.receiver_pid,
			   "receives from it, as %#x", outer.receiver_name);
	else
		add_helper(helpers, outer.receiver_task, outer.receiver_pid,
			   "has not received its receive right at port %llu",
			   (unsigned long long)outer.object);
}

static void find_helpers(struct search *search, const struct machd_watch_wait *wait,
			 const struct machd_watch_queue *port, struct helpers *helpers)
{
	*helpers = (struct helpers){.count = 0};
	if (wait->state == MACHD_WATCH_SENDING)
		find_receiver(search, port, helpers);
	else if (wait->set || wait->state == MACHD_WATCH_EVENTLINK_WAIT)
		helpers->anybody = true;
	else
		find_senders(search, wait, helpers);
}

/* --- telling --- */

__attribute__((format(printf, 2, 3))) static void say(const struct search *search,
						      const char *format, ...)
{
	va_list arguments;

	printf("%*s", (int)(search->depth * 4), "");
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	putchar('\n');
}

static const char *state_word(const struct machd_watch_wait *wait)
{
	switch (wait->state) {
	case MACHD_WATCH_SENDING:
		return "send to";
	case MACHD_WATCH_RECEIVING:
		return "receive from";
	case MACHD_WATCH_SEMAPHORE_WAIT:
		return "be signalled at semaphore";
	case MACHD_WATCH_EVENTLINK_WAIT:
		return "be signalled at eventlink";
	}
	return "get on with";
}

static const char *state_key(uint32_t state)
{
	static const char *const keys[] = {"running", "send", "receive", "semaphore", "eventlink"};

	return state < sizeof keys / sizeof *keys ? keys[state] : "unknown";
}

static void say_wait(const struct search *search, const struct machd_watch_wait *wait,
		     const struct machd_watch_queue *port)
{
	char *command = text_command_escaped(wait->pid), *service = text_escape(port->service);
	char age[TEXT_COUNT_SIZE], queue[64] = "";

	if (wait->state == MACHD_WATCH_SENDING)
		snprintf(queue, sizeof queue, ", its queue is full: %u/%u", port->msgcount,
			 port->qlimit);
	say(search, "PID %d %s, thread %llu: waits %s%s to %s %s%llu%s%s%s", wait->pid, command,
	    (unsigned long long)wait->thread, text_age(wait->age, age),
	    wait->timed ? ", for a limited time," : "", state_word(wait),
	    wait->set ? "set " : "port ", (unsigned long long)wait->object, *service ? " " : "",
	    service, queue);
	free(command);
	free(service);
}

/* What a wait and who could end it are called in JSON; it goes on with the tasks of `next`. */
static void write_wait(struct search *search, const struct machd_watch_wait *wait,
		       const struct machd_watch_queue *port, const struct helpers *helpers)
{
	struct json *json = search->json;

	json_object(json, NULL);
	json_number(json, "depth", search->depth);
	json_number(json, "task", wait->task);
	json_process(json, wait->pid);
	json_string(json, "state", state_key(wait->state));
	json_number(json, "thread", wait->thread);
	json_number(json, "object", wait->object);
	json_bool(json, "set", wait->set);
	json_string(json, "service", port->service[0] ? port->service : NULL);
	json_number(json, "age_ns", wait->age);
	json_bool(json, "timed", wait->timed);
	json_number(json, "msgcount", port->msgcount);
	json_number(json, "qlimit", port->qlimit);
	json_bool(json, "anybody", helpers->anybody);
	json_array(json, "next");
	for (unsigned i = 0; i < helpers->count; i++) {
		json_object(json, NULL);
		json_number(json, "task", helpers->list[i].task);
		json_process(json, helpers->list[i].pid);
		json_string(json, "how", helpers->list[i].how);
		json_end_object(json);
	}
	json_end_array(json);
	json_end_object(json);
}

/* A task where the chain ends: `state` says how. */
static void write_end(struct search *search, uint64_t task, int32_t pid, const char *state)
{
	json_object(search->json, NULL);
	json_number(search->json, "depth", search->depth);
	json_number(search->json, "task", task);
	json_process(search->json, pid);
	json_string(search->json, "state", state);
	json_end_object(search->json);
}

static void end_chain(struct search *search, uint64_t task, int32_t pid, const char *state,
		      const char *words)
{
	char *command = text_command_escaped(pid);

	if (search->json)
		write_end(search, task, pid, state);
	else
		say(search, "PID %d %s%s", pid, command, words);
	free(command);
}

/* --- following --- */

static void explain_task(struct search *search, uint64_t id, int32_t pid);

static void follow(struct search *search, const struct helpers *helpers)
{
	search->depth++;
	if (helpers->count == 0 && !helpers->anybody && !search->json)
		say(search, "nobody that you may see could end this");
	if (helpers->anybody && !search->json)
		say(search, "anybody who has a right to it or gets one could end this");
	for (unsigned i = 0; i < helpers->count && !helpers->anybody; i++) {
		char *command = text_command_escaped(helpers->list[i].pid);

		if (!search->json)
			say(search, "PID %d %s %s", helpers->list[i].pid, command,
			    helpers->list[i].how);
		free(command);
		explain_task(search, helpers->list[i].task, helpers->list[i].pid);
	}
	search->depth--;
}

static void explain_wait(struct search *search, const struct machd_watch_wait *wait)
{
	struct machd_watch_queue port = {.object = wait->object};
	struct helpers helpers;

	if (!wait->set)
		watch_port(search->channel, wait->object, &port);
	find_helpers(search, wait, &port, &helpers);
	if (search->json)
		write_wait(search, wait, &port, &helpers);
	else
		say_wait(search, wait, &port);
	follow(search, &helpers);
}

static bool on_path(const struct search *search, uint64_t task)
{
	for (unsigned i = 0; i < search->depth; i++)
		if (search->path[i] == task)
			return true;
	return false;
}

static const struct machd_watch_task *find_task(const struct search *search, uint64_t id)
{
	for (size_t i = 0; i < search->task_count; i++)
		if (search->tasks[i].id == id)
			return &search->tasks[i];
	return NULL;
}

static void explain_waits(struct search *search, const struct machd_watch_task *task)
{
	unsigned waiting = 0;
	char words[64];

	for (size_t i = 0; i < search->wait_count; i++) {
		if (search->waits[i].task != task->id)
			continue;
		waiting++;
		explain_wait(search, &search->waits[i]);
	}
	if (waiting >= task->channels)
		return;
	if (task->channels == 1)
		snprintf(words, sizeof words, ": its thread does not wait in machd");
	else
		snprintf(words, sizeof words, ": %u of its %u threads %s not wait in machd",
			 task->channels - waiting, task->channels,
			 task->channels - waiting == 1 ? "does" : "do");
	end_chain(search, task->id, task->pid, "running", words);
}

static void explain_task(struct search *search, uint64_t id, int32_t pid)
{
	const struct machd_watch_task *task = find_task(search, id);

	if (on_path(search, id)) {
		search->circle = true;
		end_chain(search, id, pid, "circle", " again: this is a circle");
	} else if (!task) {
		end_chain(search, id, pid, "unknown", " has ended, or is another user's");
	} else if (search->told[task - search->tasks]) {
		end_chain(search, id, pid, "told", ": see above");
	} else if (search->depth == DEPTH_MAX - 1) {
		end_chain(search, id, pid, "cut", ": and so on");
	} else {
		search->told[task - search->tasks] = true;
		search->path[search->depth] = id;
		explain_waits(search, task);
	}
}

static void explain(struct search *search, int32_t pid)
{
	for (size_t i = 0; i < search->task_count; i++)
		if (search->tasks[i].pid == pid)
			explain_task(search, search->tasks[i].id, pid);
}

void cmd_why(const struct options *options)
{
	struct watch_query tasks = {.table = MACHD_WATCH_TASKS};
	struct watch_query waits = {.table = MACHD_WATCH_WAITS};
	struct search search = {.channel = channel_open(options->socket)};
	struct json json = {.out = stdout};

	watch_require_task(search.channel, options->pid);
	search.tasks = watch_all(search.channel, &tasks, &search.task_count);
	search.waits = watch_all(search.channel, &waits, &search.wait_count);
	search.told = text_alloc(search.task_count + 1);
	memset(search.told, 0, search.task_count + 1);
	if (options->json) {
		search.json = &json;
		json_array(&json, NULL);
	}
	explain(&search, options->pid);
	if (options->json)
		json_end_array(&json);
	free(search.told);
	free(search.waits);
	free(search.tasks);
	channel_close(search.channel);
	if (search.circle)
		finish(EXIT_FOUND);
}
