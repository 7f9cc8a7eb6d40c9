/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sd-bus on the daemon's loop: the bus says which events and what time it waits for. A job is known
 * by the path that StartUnit() answers with; the signal JobRemoved() says how it ended. From then
 * on the unit is watched. It has ended when it is "failed" or "inactive" and has no job: with one,
 * systemd or the administrator starts it once more.
 */
#include "daemon/io/manager.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/log.h"

#define SERVICE	  "org.freedesktop.systemd1"
#define OBJECT	  "/org/freedesktop/systemd1"
#define INTERFACE "org.freedesktop.systemd1.Manager"

#define UNIT_INTERFACE "org.freedesktop.systemd1.Unit"
#define PROPERTIES     "org.freedesktop.DBus.Properties"
#define NO_SUCH_UNIT   "org.freedesktop.systemd1.NoSuchUnit"

#define WHY_SIZE 112

static void end_job(struct manager_job *job, const char *why)
{
	void (*ended)(struct manager_job *, const char *) = job->ended;

	manager_forget(job);
	ended(job, why);
}

/* The connection. */

static void disconnect(struct manager *manager)
{
	if (!manager->bus)
		return;
	uv_timer_stop(&manager->timer);
	event_remove(manager->events, &manager->event);
	sd_bus_close(manager->bus);
	manager->bus = sd_bus_unref(manager->bus);
}

/* The bus is gone, and with it whatever it would have told us. */
static void lose(struct manager *manager, int error)
{
	struct list jobs = LIST_INIT(jobs);
	struct manager_job *job;
	char why[WHY_SIZE];

	snprintf(why, sizeof why, "the connection to systemd was lost: %s", strerror(error));
	disconnect(manager);
	list_splice(&jobs, &manager->jobs);
	while ((job = list_first(&jobs, struct manager_job, link))) {
		if (job->started) /* and may well check in */
			manager_forget(job);
		else
			end_job(job, why);
	}
}

static void turn(struct manager *manager);

static void on_event(struct event *event, uint32_t events)
{
	(void)events;
	turn((struct manager *)((char *)event - offsetof(struct manager, event)));
}

static void on_timer(uv_timer_t *timer)
{
	turn(timer->data);
}

/* Wait for what the bus waits for. */
static void wait_for(struct manager *manager)
{
	int wanted = sd_bus_get_events(manager->bus);
	uint64_t until = UINT64_MAX, now = uv_hrtime() / 1000;

	sd_bus_get_timeout(manager->bus, &until);
	if (until == UINT64_MAX)
		uv_timer_stop(&manager->timer);
	else
		uv_timer_start(&manager->timer, on_timer,
			       until > now ? (until - now) / 1000 + 1 : 0, 0);
	event_want(manager->events, &manager->event,
		   (wanted & POLLIN ? EPOLLIN : 0) | (wanted & POLLOUT ? EPOLLOUT : 0));
}

/* Let the bus do what it can. */
static void turn(struct manager *manager)
{
	int result;

	do
		result = sd_bus_process(manager->bus, NULL);
	while (result > 0);
	if (result < 0)
		lose(manager, -result);
	else
		wait_for(manager);
}

static const char *words_for(const char *result)
{
	static const struct {
		const char *result, *words;
	} all[] = {
		{"failed", "systemd: the unit failed"},
		{"timeout", "systemd: the unit took too long to start"},
		{"dependency", "systemd: a unit that it depends on failed"},
		{"canceled", "systemd: its start was cancelled"},
		{"skipped", "systemd: a condition of the unit is not met"},
	};

	for (unsigned i = 0; i < sizeof all / sizeof *all; i++)
		if (strcmp(result, all[i].result) == 0)
			return all[i].words;
	return "systemd: the unit was not started";
}

/* Units that run. */

/* Of a unit, at one moment. */
struct unit_state {
	const char *active;
	uint32_t job; /* 0: none */
};

/* One of its properties; a negative errno if it is not what it should be. */
static int read_property(sd_bus_message *message, struct unit_state *state)
{
	const char *name, *path;
	int result = sd_bus_message_read(message, "s", &name);

	if (result < 0)
		return result;
	if (strcmp(name, "ActiveState") == 0)
		return sd_bus_message_read(message, "v", "s", &state->active);
	if (strcmp(name, "Job") == 0)
		return sd_bus_message_read(message, "v", "(uo)", &state->job, &path);
	return sd_bus_message_skip(message, "v");
}

static bool read_state(sd_bus_message *message, struct unit_state *state)
{
	int result = sd_bus_message_enter_container(message, 'a', "{sv}");

	*state = (struct unit_state){0};
	while (result >= 0 && (result = sd_bus_message_enter_container(message, 'e', "sv")) > 0) {
		result = read_property(message, state);
		if (result >= 0)
			result = sd_bus_message_exit_container(message);
	}
	return result >= 0 && state->active;
}

static int on_state(sd_bus_message *message, void *context, sd_bus_error *error)
{
	struct manager_job *job = context;
	struct unit_state state;

	(void)error;
	job->call = sd_bus_slot_unref(job->call);
	if (sd_bus_message_get_error(message) || !read_state(message, &state))
		manager_forget(job);
	else if (state.job) /* its end is told as well */
		return 0;
	else if (strcmp(state.active, "failed") == 0)
		end_job(job, "systemd: the unit failed");
	else if (strcmp(state.active, "inactive") == 0)
		end_job(job, "systemd: the unit ended without checking in");
	return 0;
}

/* All at once: of two answers the second may be of another moment. */
static int ask_state(struct manager_job *job)
{
	job->call = sd_bus_slot_unref(job->call);
	return sd_bus_call_method_async(job->manager->bus, &job->call, SERVICE, job->path,
					PROPERTIES, "GetAll", on_state, job, "s", UNIT_INTERFACE);
}

static int on_change(sd_bus_message *message, void *context, sd_bus_error *error)
{
	struct manager_job *job = context;

	(void)message;
	(void)error;
	if (ask_state(job) < 0)
		manager_forget(job);
	return 0;
}

/* What systemd knows it by. It may have changed before it is watched: so it is asked for, too. */
static int on_unit(sd_bus_message *message, void *context, sd_bus_error *error)
{
	struct manager_job *job = context;
	const char *path;

	(void)error;
	job->call = sd_bus_slot_unref(job->call);
	if (sd_bus_message_is_method_error(message, NO_SUCH_UNIT))
		end_job(job, "systemd: the unit ended without checking in");
	else if (sd_bus_message_get_error(message) ||
		 sd_bus_message_read(message, "o", &path) < 0 || !(job->path = strdup(path)) ||
		 sd_bus_match_signal_async(job->manager->bus, &job->changes, SERVICE, path,
					   PROPERTIES, "PropertiesChanged", on_change, NULL,
					   job) < 0 ||
		 ask_state(job) < 0)
		manager_forget(job);
	return 0;
}

/* systemd has started it. */
static void watch_unit(struct manager_job *job, const char *unit)
{
	job->started = true;
	free(job->path);
	job->path = NULL;
	if (sd_bus_call_method_async(job->manager->bus, &job->call, SERVICE, OBJECT, INTERFACE,
				     "GetUnit", on_unit, job, "s", unit) < 0)
		manager_forget(job);
}

/* Jobs. */

static int on_job_removed(sd_bus_message *message, void *context, sd_bus_error *error)
{
	struct manager *manager = context;
	const char *path, *unit, *result;
	uint32_t id;

	(void)error;
	if (sd_bus_message_read(message, "uoss", &id, &path, &unit, &result) < 0)
		return 0;
	LIST_FOR_EACH_SAFE (node, &manager->jobs) {
		struct manager_job *job = list_entry(node, struct manager_job, link);

		if (job->started || !job->path || strcmp(job->path, path) != 0)
			continue;
		if (strcmp(result, "done") == 0)
			watch_unit(job, unit);
		else
			end_job(job, words_for(result));
	}
	return 0;
}

static int open_bus(struct manager *manager)
{
	int result =
		manager->user ? sd_bus_open_user(&manager->bus) : sd_bus_open_system(&manager->bus);

	if (result < 0)
		return result;
	result = sd_bus_match_signal_async(manager->bus, NULL, SERVICE, OBJECT, INTERFACE,
					   "JobRemoved", on_job_removed, NULL, manager);
	if (result >= 0) /* or the manager sends no signals */
		result = sd_bus_call_method_async(manager->bus, NULL, SERVICE, OBJECT, INTERFACE,
						  "Subscribe", NULL, NULL, "");
	if (result >= 0)
		result = sd_bus_get_fd(manager->bus);
	return result;
}

static int connect_bus(struct manager *manager)
{
	int result;

	if (manager->bus)
		return 0;
	result = open_bus(manager);
	if (result >= 0)
		result = -event_add(manager->events, &manager->event, result, 0,
				    &manager->events->pace->common, on_event);
	if (result < 0) {
		manager->bus = sd_bus_unref(manager->bus);
		return -result;
	}
	return 0;
}

static int on_answer(sd_bus_message *message, void *context, sd_bus_error *error)
{
	struct manager_job *job = context;
	const sd_bus_error *refusal = sd_bus_message_get_error(message);
	const char *path = NULL;
	char why[WHY_SIZE];

	(void)error;
	job->call = sd_bus_slot_unref(job->call);
	if (refusal)
		snprintf(why, sizeof why, "systemd: %s",
			 refusal->message ? refusal->message : refusal->name);
	else if (sd_bus_message_read(message, "o", &path) < 0)
		snprintf(why, sizeof why, "systemd gave an answer that is none");
	else if (!(job->path = strdup(path)))
		snprintf(why, sizeof why, "memory is short");
	if (!job->path)
		end_job(job, why);
	return 0;
}

int manager_start_unit(struct manager *manager, struct manager_job *job, const char *unit,
		       void (*ended)(struct manager_job *job, const char *why))
{
	int error = connect_bus(manager), result;

	if (error)
		return error;
	*job = (struct manager_job){.manager = manager, .ended = ended};
	result = sd_bus_call_method_async(manager->bus, &job->call, SERVICE, OBJECT, INTERFACE,
					  "StartUnit", on_answer, job, "ss", unit, "replace");
	wait_for(manager);
	if (result < 0) {
		job->manager = NULL;
		return -result;
	}
	list_append(&manager->jobs, &job->link);
	return 0;
}

void manager_forget(struct manager_job *job)
{
	if (!job->manager)
		return;
	job->manager = NULL;
	list_remove(&job->link);
	job->call = sd_bus_slot_unref(job->call);
	job->changes = sd_bus_slot_unref(job->changes);
	free(job->path);
	job->path = NULL;
}

/* Beginning and end. */

void manager_init(struct manager *manager, uv_loop_t *loop, struct events *events)
{
	*manager = (struct manager){.events = events};
	list_init(&manager->jobs);
	uv_timer_init(loop, &manager->timer);
	manager->timer.data = manager;
}

void manager_stop(struct manager *manager)
{
	disconnect(manager);
	uv_close((uv_handle_t *)&manager->timer, NULL);
}
