/* SPDX-License-Identifier: Apache-2.0 */
/* Times of Mach's clocks. */
#pragma once

#include <mach/std_types.h>

typedef int alarm_type_t;
typedef int sleep_type_t;
typedef int clock_id_t;
typedef int clock_res_t;
typedef int clock_flavor_t;
typedef int *clock_attr_t;

typedef struct mach_timespec {
	unsigned int tv_sec;
	clock_res_t tv_nsec; /* 0 to 999999999 */
} mach_timespec_t;

#define SYSTEM_CLOCK   0
#define CALENDAR_CLOCK 1

#define REALTIME_CLOCK SYSTEM_CLOCK

/* What clock_get_attributes tells: nanoseconds between ticks, 0: there are no alarms. */
#define CLOCK_GET_TIME_RES 1
#define CLOCK_ALARM_CURRES 3
#define CLOCK_ALARM_MINRES 4
#define CLOCK_ALARM_MAXRES 5

#define NSEC_PER_USEC 1000ull
#define USEC_PER_SEC  1000000ull
#define NSEC_PER_SEC  1000000000ull
#define NSEC_PER_MSEC 1000000ull
