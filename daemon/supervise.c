/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What sd_notify(3) describes, and when. The line about what machd does is told anew while somebody
 * is active only: an idle daemon must not wake up for it.
 */
#include "daemon/supervise.h"

#include <errno.h>
#include <inttypes.h>
#include <mach/clock_types.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "daemon/io/gate.h"
#include "daemon/ipc/ipc_host.h"

#define STATUS_FIRST_MS 1000 /* after activity that follows on silence */
#define STATUS_MS	2000
#define US_PER_MS	1000
#define AGAIN_MS	200
#define TEXT_SIZE	160

/* The watchdog hears from us this often in the time it grants. */
#define WATCHDOG_BEATS 3

/* Speaking. */

/* sd_notify() of libsystemd would wait. A leading @ stands for a name that is no file. */
static bool find_manager(struct supervise *supervise)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un *manager = &supervise->manager;

	if (!path || (*path != '/' && *path != '@') || strlen(path) >= sizeof manager->sun_path)
		return false;
	manager->sun_family = AF_UNIX;
	strcpy(manager->sun_path, path);
	supervise->manager_size =
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path) + (*path == '/'));
	if (*path == '@')
		manager->sun_path[0] = '\0';
	supervise->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	return supervise->fd >= 0;
}

/* False if there is no room for it now. */
__attribute__((format(printf, 2, 3))) static bool tell(const struct supervise *supervise,
						       const char *format, ...)
{
	char text[TEXT_SIZE];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	return sendto(supervise->fd, text, strlen(text), MSG_DONTWAIT | MSG_NOSIGNAL,
		      (const struct sockaddr *)&supervise->manager, supervise->manager_size) >= 0 ||
	       (errno != EAGAIN && errno != ENOBUFS && errno != ENOMEM);
}

/* The status line. */

static bool tell_status(const struct supervise *supervise, const char *state)
{
	return tell(supervise,
		    "%sSTATUS=%" PRIu64 " tasks, %" PRIu64 " ports, %" PRIu64
		    " messages per second",
		    state, supervise->tasks, supervise->ports, supervise->rate);
}

static bool is_true(const struct supervise *supervise)
{
	const struct ipc_host *host = supervise->gate->host;

	return supervise->tasks == host->h_task_count && supervise->ports == host->h_port_count &&
	       supervise->sent == host->h_sent;
}

static void measure(struct supervise *supervise)
{
	const struct ipc_host *host = supervise->gate->host;
	uint64_t now = uv_hrtime(), passed = now - supervise->since + 1;

	/* Rounded up: 0 shall mean none. */
	supervise->rate = ((host->h_sent - supervise->sent) * NSEC_PER_SEC + passed - 1) / passed;
	supervise->tasks = host->h_task_count;
	supervise->ports = host->h_port_count;
	supervise->sent = host->h_sent;
	supervise->since = now;
}

/* The line that is told last says that nothing happens. */
static void on_status(uv_timer_t *timer)
{
	struct supervise *supervise = timer->data;

	if (is_true(supervise))
		uv_timer_stop(timer);
	measure(supervise);
	tell_status(supervise, "");
}

static void on_activity(void *context)
{
	struct supervise *supervise = context;

	if (uv_is_active((uv_handle_t *)&supervise->status) || is_true(supervise))
		return;
	supervise->since = uv_hrtime();
	uv_timer_start(&supervise->status, on_status, STATUS_FIRST_MS, STATUS_MS);
}

/* The watchdog. */

static void on_watchdog(uv_timer_t *timer)
{
	tell(timer->data, "WATCHDOG=1");
}

static void start_watchdog(struct supervise *supervise)
{
	uint64_t granted, beat;

	if (sd_watchdog_enabled(0, &granted) <= 0)
		return;
	beat = granted / US_PER_MS / WATCHDOG_BEATS;
	if (beat == 0)
		beat = 1;
	uv_timer_start(&supervise->watchdog, on_watchdog, beat, beat);
}

/* Beginning and end. */

void supervise_start(struct supervise *supervise, struct gate *gate, bool silent)
{
	*supervise = (struct supervise){.gate = gate, .fd = -1};
	supervise->silent = silent || !find_manager(supervise);
	uv_timer_init(gate->loop, &supervise->watchdog);
	uv_timer_init(gate->loop, &supervise->status);
	uv_timer_init(gate->loop, &supervise->again);
	supervise->status.data = supervise->watchdog.data = supervise->again.data = supervise;
	if (!supervise->silent)
		start_watchdog(supervise);
}

static void on_again(uv_timer_t *timer)
{
	supervise_ready(timer->data);
}

void supervise_ready(struct supervise *supervise)
{
	if (supervise->silent)
		return;
	if (!supervise->gate->turns.activity)
		measure(supervise);
	if (!tell_status(supervise, "READY=1\n"))
		uv_timer_start(&supervise->again, on_again, AGAIN_MS, 0);
	supervise->gate->turns.activity_context = supervise;
	supervise->gate->turns.activity = on_activity;
}

void supervise_reloading(const struct supervise *supervise)
{
	uint64_t now = uv_hrtime() / NSEC_PER_USEC;

	if (!supervise->silent)
		tell(supervise, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, now);
}

void supervise_stop(struct supervise *supervise)
{
	if (!supervise->silent)
		tell(supervise, "STOPPING=1");
	supervise->gate->turns.activity = NULL;
	uv_close((uv_handle_t *)&supervise->watchdog, NULL);
	uv_close((uv_handle_t *)&supervise->status, NULL);
	uv_close((uv_handle_t *)&supervise->again, NULL);
	if (supervise->fd >= 0)
		close(supervise->fd);
}
