/* SPDX-License-Identifier: Apache-2.0 */
/* Accepting connections, and not dying or spinning when there is no room for them. */
#include "daemon/io/listener.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/io/channel.h"
#include "daemon/io/fdcheck.h"
#include "daemon/io/gate.h"

/* Connections accepted before others have their turn; one while rings are in use, but in a turn. */
#define ACCEPTS_AT_ONCE 16
#define PAUSE_MS	200

static void want(struct listener *listener, uint32_t events)
{
	event_want(&listener->gate->turns.events, &listener->event, events);
}

static void resume(struct listener *listener)
{
	uv_timer_stop(&listener->pause);
	want(listener, EPOLLIN);
}

static void on_pause_over(uv_timer_t *timer)
{
	resume(timer->data);
}

/* A channel was closed. */
static void on_room(void *context)
{
	struct listener *listener = context;

	if (uv_is_active((uv_handle_t *)&listener->pause))
		resume(listener);
}

/* Connections stay in the kernel's queue; the socket would wake us all the time. */
static void pause_listening(struct listener *listener)
{
	want(listener, 0);
	uv_timer_start(&listener->pause, on_pause_over, PAUSE_MS, 0);
}

/* One line for each time that it begins. */
static void report_shortage(struct listener *listener, const char *what)
{
	if (!listener->short_of && log_limit_pass(&listener->lines, uv_hrtime()))
		log_warning("cannot take more connections: %s (%u are open)", what,
			    listener->gate->channel_count);
	listener->short_of = true;
}

static const char *words_for(int error)
{
	/* What strerror() says of it is about disks. */
	return error == ENOSPC ? "fs.epoll.max_user_watches is reached" : strerror(error);
}

/* Returns whether there may be more to accept. */
static bool accept_one(struct listener *listener)
{
	int fd = accept4(listener->event.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), error;

	if (fd < 0 && (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED))
		return errno != EAGAIN;
	if (fd < 0) {
		report_shortage(listener, strerror(errno));
		pause_listening(listener);
		return false;
	}
	if (fdcheck_reserved(fd)) {
		close(fd);
		report_shortage(listener, "only the reserve of descriptors is left");
		return true;
	}
	error = channel_open(listener->gate, fd);
	gate_settle(listener->gate);
	if (error && error != ECONNREFUSED)
		report_shortage(listener, words_for(error));
	else
		listener->short_of = false;
	return true;
}

static void on_connection(struct event *event, uint32_t events)
{
	struct listener *listener =
		(struct listener *)((char *)event - offsetof(struct listener, event));
	const struct turns *turns = &listener->gate->turns;
	int most = turns_quiet(turns) || pace_turn(&turns->pace) ? ACCEPTS_AT_ONCE : 1;

	(void)events; /* accept() tells of errors as well */
	while (most-- && accept_one(listener))
		;
}

int listener_start(struct listener *listener, struct gate *gate, int fd)
{
	int error;

	*listener = (struct listener){.gate = gate};
	error = event_add(&gate->turns.events, &listener->event, fd, EPOLLIN,
			  &gate->turns.pace.common, on_connection);
	if (error)
		return error;
	uv_timer_init(gate->loop, &listener->pause);
	listener->pause.data = listener;
	gate->has_room = on_room;
	gate->room_context = listener;
	return 0;
}

void listener_stop(struct listener *listener)
{
	listener->gate->has_room = NULL;
	event_remove(&listener->gate->turns.events, &listener->event);
	uv_close((uv_handle_t *)&listener->pause, NULL);
}
