/* SPDX-License-Identifier: Apache-2.0 */
/* Accepting connections, and not dying or spinning when there is no room for them. */
#include "daemon/io/listener.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/io/channel.h"
#include "daemon/io/fdcheck.h"
#include "daemon/io/gate.h"

/* Connections accepted before others have their turn. */
#define ACCEPTS_AT_ONCE 16
#define PAUSE_MS	200

static void on_connection(uv_poll_t *poll, int status, int events);

static void resume(struct listener *listener)
{
	uv_timer_stop(&listener->pause);
	uv_poll_start(&listener->poll, UV_READABLE, on_connection);
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
	uv_poll_stop(&listener->poll);
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

/* Returns whether there may be more to accept. */
static bool accept_one(struct listener *listener)
{
	int fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

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
	listener->short_of = false;
	channel_open(listener->gate, fd);
	gate_settle(listener->gate);
	return true;
}

static void on_connection(uv_poll_t *poll, int status, int events)
{
	struct listener *listener = poll->data;

	(void)events;
	if (status < 0) {
		report_shortage(listener, uv_strerror(status));
		pause_listening(listener);
		return;
	}
	for (int i = 0; i < ACCEPTS_AT_ONCE && accept_one(listener); i++)
		;
}

int listener_start(struct listener *listener, struct gate *gate, int fd)
{
	int result;

	*listener = (struct listener){.gate = gate, .fd = fd};
	result = uv_poll_init(gate->loop, &listener->poll, fd);
	if (result < 0)
		return result;
	uv_timer_init(gate->loop, &listener->pause);
	listener->poll.data = listener->pause.data = listener;
	gate->has_room = on_room;
	gate->room_context = listener;
	return uv_poll_start(&listener->poll, UV_READABLE, on_connection);
}

void listener_stop(struct listener *listener)
{
	listener->gate->has_room = NULL;
	uv_close((uv_handle_t *)&listener->poll, NULL);
	uv_close((uv_handle_t *)&listener->pause, NULL);
}
