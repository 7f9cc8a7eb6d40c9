/* SPDX-License-Identifier: Apache-2.0 */
/* A timer that never expires, but is cancelled by the kernel when the time of day is set. */
#include "daemon/io/calendar.h"

#include <errno.h>
#include <mach/clock_types.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "daemon/base/log.h"

uint64_t calendar_offset(void)
{
	struct timespec day;
	uint64_t before = uv_hrtime(), after;

	clock_gettime(CLOCK_REALTIME, &day);
	after = uv_hrtime();
	return (uint64_t)day.tv_sec * NSEC_PER_SEC + (uint64_t)day.tv_nsec -
	       (before + (after - before) / 2);
}

static bool arm(int fd)
{
	struct itimerspec never = {
		.it_value = {.tv_sec = (time_t)INT64_MAX / (time_t)NSEC_PER_SEC}};

	return timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, NULL) == 0;
}

static void on_cancel(uv_poll_t *handle, int status, int events)
{
	struct calendar *calendar = handle->data;
	uint64_t expirations;

	(void)events;
	if (status < 0 || read(calendar->fd, &expirations, sizeof expirations) >= 0 ||
	    errno != ECANCELED)
		return;
	arm(calendar->fd);
	gate_set_calendar(calendar->gate, calendar_offset());
}

void calendar_start(struct calendar *calendar, struct gate *gate)
{
	calendar->gate = gate;
	calendar->fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
	if (calendar->fd >= 0 && arm(calendar->fd) &&
	    uv_poll_init(gate->loop, &calendar->poll, calendar->fd) == 0) {
		calendar->poll.data = calendar;
		uv_poll_start(&calendar->poll, UV_READABLE, on_cancel);
		return;
	}
	log_warning("nobody will tell us when the time of day is set");
	if (calendar->fd >= 0)
		close(calendar->fd);
	calendar->fd = -1;
}

void calendar_stop(struct calendar *calendar)
{
	if (calendar->fd < 0)
		return;
	uv_poll_stop(&calendar->poll);
	close(calendar->fd);
	calendar->fd = -1;
}
