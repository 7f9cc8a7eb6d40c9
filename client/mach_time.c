/* SPDX-License-Identifier: Apache-2.0 */
/* Mach's clocks are the kernel's; a unit is a nanosecond. */
#include <errno.h>
#include <mach/mach_time.h>
#include <pthread.h>
#include <time.h>

#define NSEC_PER_SEC 1000000000ull

static uint64_t read_clock(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now); /* fails for no clock named in this file */
	return (uint64_t)now.tv_sec * NSEC_PER_SEC + (uint64_t)now.tv_nsec;
}

kern_return_t mach_timebase_info(mach_timebase_info_t info)
{
	*info = (mach_timebase_info_data_t){.numer = 1, .denom = 1};
	return KERN_SUCCESS;
}

uint64_t mach_absolute_time(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

uint64_t mach_approximate_time(void)
{
	return read_clock(CLOCK_MONOTONIC_COARSE);
}

uint64_t mach_continuous_time(void)
{
	return read_clock(CLOCK_BOOTTIME);
}

/* Linux has no coarse clock that goes on while the machine is suspended. */
uint64_t mach_continuous_approximate_time(void)
{
	return read_clock(CLOCK_BOOTTIME);
}

kern_return_t mach_wait_until(uint64_t deadline)
{
	uint64_t seconds = deadline / NSEC_PER_SEC;
	struct timespec until = {
		/* 68 years are for ever, and fit in any time_t. */
		.tv_sec = (time_t)(seconds < INT32_MAX ? seconds : INT32_MAX),
		.tv_nsec = (long)(deadline % NSEC_PER_SEC),
	};
	int state, error;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	error = clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
	pthread_setcancelstate(state, NULL);
	return error == 0 ? KERN_SUCCESS : KERN_ABORTED;
}
