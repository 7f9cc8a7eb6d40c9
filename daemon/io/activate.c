/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A start lives until the machine has said that it is over and, of a command, until all of it has
 * ended. Nothing is fed from inside an outbox call: what fails at once is told by a timer.
 */
#include "daemon/io/activate.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/log.h"
#include "daemon/base/mem.h"
#include "daemon/io/gate.h"
#include "daemon/io/spawn.h"

struct start {
	struct list link;
	struct activator *activator;
	uint64_t id, deadline;
	char service[MACHD_SERVICE_NAME_MAX + 1];
	bool over; /* the machine does not care any more */
	bool has_process, running;
	uv_process_t process; /* the command's reaper, which ends all of it after SIGTERM */
	int failure;	      /* while it runs: the other end of spawn_command()'s */
	char program[65];     /* what it runs, or how that begins */
	uv_timer_t timer;     /* to the deadline, or to the next turn of the loop if it failed */
	struct manager_job job;
	unsigned handles; /* that are being closed */
	char why[TRAP_START_WHY];
};

#define PATIENCE_MS 10000

static void tell(struct activator *activator, uint64_t id, const char *why)
{
	struct trap_start start = {.id = id};
	struct trap_input input = {.kind = TRAP_START, .start = &start};

	snprintf(start.why, sizeof start.why, "%s", why);
	gate_feed(activator->gate, &input);
	gate_settle(activator->gate);
}

/* The end of a start. */

static void on_closed(uv_handle_t *handle)
{
	struct start *start = handle->data;

	if (--start->handles == 0)
		mem_free(start);
}

static void close_handle(struct start *start, uv_handle_t *handle)
{
	start->handles++;
	uv_close(handle, on_closed);
}

static void release(struct start *start)
{
	if (!start->over || start->running || start->handles)
		return;
	list_remove(&start->link);
	manager_forget(&start->job);
	if (start->has_process)
		close_handle(start, (uv_handle_t *)&start->process);
	close_handle(start, (uv_handle_t *)&start->timer);
}

static void on_timer(uv_timer_t *timer)
{
	struct start *start = timer->data;

	tell(start->activator, start->id, start->why);
}

/* It cannot be told now, but very soon. */
static void fail_soon(struct start *start)
{
	uv_timer_start(&start->timer, on_timer, 0, 0);
}

/* Commands. */

/* The errno with which it could not be executed, or 0. */
static int execution_failure(const struct start *start)
{
	int error;

	return read(start->failure, &error, sizeof error) == sizeof error ? error : 0;
}

/* Its reaper ended, and nothing of it is left. */
static void on_process_end(uv_process_t *process, int64_t status, int signal)
{
	struct start *start = process->data;
	int error = execution_failure(start);
	char why[TRAP_START_WHY];

	start->running = false;
	close(start->failure);
	log_debug("the command of %s ended: status %" PRId64 ", signal %d", start->service, status,
		  signal);
	if (error)
		snprintf(why, sizeof why, "%.64s cannot be started: %s", start->program,
			 strerror(error));
	else if (signal)
		snprintf(why, sizeof why, "its command was ended by signal %d", signal);
	else if (status)
		snprintf(why, sizeof why, "its command exited with status %" PRId64, status);
	else
		snprintf(why, sizeof why, "its command ended without checking in");
	if (!start->over)
		tell(start->activator, start->id, why);
	release(start);
}

/* 0, or a negative code of libuv. */
static int spawn(struct start *start, const struct plan *plan)
{
	const struct activator *activator = start->activator;
	int fds[2], result;

	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
		return -errno;
	start->process.data = start;
	start->has_process = true;
	result = spawn_command(activator->gate->loop, &start->process, plan, activator->socket,
			       activator->patience, fds[1], on_process_end);
	close(fds[1]);
	if (result < 0)
		close(fds[0]);
	start->failure = fds[0];
	return result;
}

static void start_command(struct start *start, const struct plan *plan)
{
	int result = spawn(start, plan);

	snprintf(start->program, sizeof start->program, "%.64s", plan->words);
	start->running = result == 0;
	if (result == 0)
		return;
	snprintf(start->why, sizeof start->why, "no process can be started: %s",
		 uv_strerror(result));
	fail_soon(start);
}

/* Units. */

static void on_job(struct manager_job *job, const char *why)
{
	struct start *start = (struct start *)((char *)job - offsetof(struct start, job));

	if (!start->over)
		tell(start->activator, start->id, why);
}

static void start_unit(struct start *start, const struct plan *plan)
{
	int error = manager_start_unit(&start->activator->manager, &start->job, plan->unit, on_job);

	if (error == 0)
		return;
	snprintf(start->why, sizeof start->why, "systemd cannot be asked for %.48s: %s", plan->unit,
		 strerror(error));
	fail_soon(start);
}

/* What the machine asks for. */

static void on_again(uv_timer_t *timer)
{
	struct activator *activator = timer->data;

	while (activator->lost_count)
		tell(activator, activator->lost[--activator->lost_count], "memory is short");
}

/* A name has one start under way at most: there is room for all. */
static void lose(struct activator *activator, uint64_t id)
{
	if (activator->lost_count < BOOT_POLICY_RULES)
		activator->lost[activator->lost_count++] = id;
	uv_timer_start(&activator->again, on_again, 0, 0);
}

void activator_start(struct activator *activator, uint64_t id, const char *service,
		     uint64_t deadline)
{
	const struct plan *plan = activator->plans ? plans_find(activator->plans, service) : NULL;
	struct start *start = mem_alloc(sizeof *start);

	if (!start) {
		lose(activator, id);
		return;
	}
	start->activator = activator;
	start->id = id;
	snprintf(start->service, sizeof start->service, "%s", service);
	list_append(&activator->starts, &start->link);
	uv_timer_init(activator->gate->loop, &start->timer);
	start->timer.data = start;
	uv_timer_start(&start->timer, on_timer, gate_delay(activator->gate, deadline), 0);
	log_info("starting %s", service);
	if (plan && plan->start == BOOT_START_COMMAND)
		start_command(start, plan);
	else if (plan && plan->start == BOOT_START_UNIT)
		start_unit(start, plan);
}

static struct start *find(const struct activator *activator, uint64_t id)
{
	LIST_FOR_EACH (node, &activator->starts) {
		struct start *start = list_entry(node, struct start, link);

		if (start->id == id && !start->over)
			return start;
	}
	return NULL;
}

void activator_started(struct activator *activator, uint64_t id, bool checked_in)
{
	struct start *start = find(activator, id);

	if (!start)
		return;
	start->over = true;
	uv_timer_stop(&start->timer);
	if (start->running && !checked_in)
		uv_process_kill(&start->process, SIGTERM);
	release(start);
}

/* Beginning and end. */

void activator_init(struct activator *activator, struct gate *gate)
{
	*activator = (struct activator){.gate = gate, .patience = PATIENCE_MS};
	list_init(&activator->starts);
	manager_init(&activator->manager, gate->loop, &gate->turns.events);
	uv_timer_init(gate->loop, &activator->again);
	activator->again.data = activator;
}

void activator_stop(struct activator *activator)
{
	LIST_FOR_EACH_SAFE (node, &activator->starts) {
		struct start *start = list_entry(node, struct start, link);

		if (start->running) {
			uv_process_kill(&start->process, SIGTERM);
			close(start->failure);
		}
		start->over = true;
		start->running = false;
		release(start);
	}
	manager_stop(&activator->manager);
	uv_close((uv_handle_t *)&activator->again, NULL);
}
