/* SPDX-License-Identifier: Apache-2.0 */
/* The epoll of sockets: events are handled at once, or wait for their payer's turn. */
#include "daemon/io/event.h"

#include <errno.h>
#include <stddef.h>
#include <unistd.h>
#include <uv.h>

bool events_start(struct events *events, struct pace *pace)
{
	events->epoll = epoll_create1(EPOLL_CLOEXEC);
	events->pace = pace;
	return events->epoll >= 0;
}

void events_stop(struct events *events)
{
	if (events->epoll >= 0)
		close(events->epoll);
	events->epoll = -1;
}

static int control(const struct events *events, int operation, struct event *event, uint32_t wanted)
{
	struct epoll_event request = {.events = wanted, .data.ptr = event};

	return epoll_ctl(events->epoll, operation, event->fd, &request) < 0 ? errno : 0;
}

/* Its turn has come. Re-arming reports again what happened meanwhile. */
static void run(struct pace_job *job)
{
	struct event *event = list_entry(job, struct event, job);

	control(event->events, EPOLL_CTL_MOD, event, event->wanted);
	if (event->came & (event->wanted | EPOLLERR | EPOLLHUP))
		event->happened(event, event->came);
}

int event_add(struct events *events, struct event *event, int fd, uint32_t wanted,
	      struct pace_payer *payer, void (*happened)(struct event *event, uint32_t events))
{
	int error;

	*event = (struct event){.fd = fd, .wanted = wanted, .events = events};
	pace_job_init(&event->job, payer, run);
	error = control(events, EPOLL_CTL_ADD, event, wanted);
	if (error == 0)
		event->happened = happened;
	return error;
}

void event_want(struct events *events, struct event *event, uint32_t wanted)
{
	if (event->wanted == wanted || !event->happened)
		return;
	event->wanted = wanted;
	if (!pace_job_waits(&event->job))
		control(events, EPOLL_CTL_MOD, event, wanted);
}

void event_remove(struct events *events, struct event *event)
{
	if (!event->happened)
		return;
	event->happened = NULL;
	pace_drop(events->pace, &event->job, uv_hrtime());
	control(events, EPOLL_CTL_DEL, event, 0);
}

/* It waits for its turn. EPOLLONESHOT: a hang-up may be reported once more meanwhile. */
static void put_off(struct events *events, struct event *event, uint32_t came, uint64_t now)
{
	if (pace_job_waits(&event->job))
		return;
	events->put_off = true;
	event->came = came;
	pace_wait(events->pace, &event->job, now);
	control(events, EPOLL_CTL_MOD, event, EPOLLONESHOT);
}

/*
 * Nobody waits for the end of a connection: while there are calls that waits for a turn, whatever
 * its payer's budget.
 */
static bool may_be_handled(const struct events *events, const struct event *event, uint32_t came,
			   uint64_t now)
{
	if (pace_job_waits(&event->job))
		return false;
	if (came & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		return pace_calm(events->pace);
	return pace_admits(events->pace, event->job.payer, now);
}

/* Handle it, and charge its payer for the time since `start`. */
static void handle(struct events *events, struct event *event, uint32_t came, uint64_t start)
{
	struct pace_payer *payer = event->job.payer;
	uint64_t end;

	event->happened(event, came);
	end = uv_hrtime();
	pace_held(events->pace, payer, end - start, end);
}

void event_try(struct events *events, struct event *event)
{
	uint64_t now = uv_hrtime();

	if (event->happened && (event->wanted & EPOLLIN) &&
	    may_be_handled(events, event, EPOLLIN, now))
		handle(events, event, EPOLLIN, now);
}

int events_hear(struct events *events, int timeout, int most, bool *other)
{
	struct epoll_event happened[EVENTS_AT_ONCE];
	int count = epoll_wait(events->epoll, happened, most, timeout);

	*other = events->put_off = false;
	for (int i = 0; i < count; i++) {
		struct event *event = happened[i].data.ptr;
		uint64_t now;

		if (!event)
			*other = true;
		if (!event || !event->happened) /* one before it may have ended it */
			continue;
		now = uv_hrtime();
		if (may_be_handled(events, event, happened[i].events, now))
			handle(events, event, happened[i].events, now);
		else
			put_off(events, event, happened[i].events, now);
	}
	return count;
}

int event_add_other(struct events *events, int epoll)
{
	struct epoll_event request = {.events = EPOLLIN};

	return epoll_ctl(events->epoll, EPOLL_CTL_ADD, epoll, &request) < 0 ? errno : 0;
}
