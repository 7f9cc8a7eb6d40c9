/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting for descriptors, in an epoll whose refusals we can answer. */
#include "daemon/io/event.h"

#include <errno.h>
#include <stddef.h>
#include <unistd.h>

bool events_start(struct events *events)
{
	events->epoll = epoll_create1(EPOLL_CLOEXEC);
	return events->epoll >= 0;
}

void events_stop(struct events *events)
{
	if (events->epoll >= 0)
		close(events->epoll);
	events->epoll = -1;
}

static int control(const struct events *events, int operation, struct event *event)
{
	struct epoll_event request = {.events = event->wanted, .data.ptr = event};

	return epoll_ctl(events->epoll, operation, event->fd, &request) < 0 ? errno : 0;
}

int event_add(struct events *events, struct event *event, int fd, uint32_t wanted,
	      void (*happened)(struct event *event, uint32_t events))
{
	int error;

	*event = (struct event){.fd = fd, .wanted = wanted};
	error = control(events, EPOLL_CTL_ADD, event);
	if (error == 0)
		event->happened = happened;
	return error;
}

void event_want(struct events *events, struct event *event, uint32_t wanted)
{
	if (event->wanted == wanted || !event->happened)
		return;
	event->wanted = wanted;
	control(events, EPOLL_CTL_MOD, event);
}

void event_remove(struct events *events, struct event *event)
{
	if (!event->happened)
		return;
	event->happened = NULL;
	control(events, EPOLL_CTL_DEL, event);
}

int events_hear(struct events *events, int timeout, int most, bool *other)
{
	struct epoll_event happened[EVENTS_AT_ONCE];
	int count = epoll_wait(events->epoll, happened, most, timeout);

	*other = false;
	for (int i = 0; i < count; i++) {
		struct event *event = happened[i].data.ptr;

		if (!event)
			*other = true;
		else if (event->happened) /* one before it may have ended it */
			event->happened(event, happened[i].events);
	}
	return count;
}

int event_add_other(struct events *events, int epoll)
{
	struct epoll_event request = {.events = EPOLLIN};

	return epoll_ctl(events->epoll, EPOLL_CTL_ADD, epoll, &request) < 0 ? errno : 0;
}
