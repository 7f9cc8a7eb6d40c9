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

/* Arithmetic on pointers to times that are in order. */
#define BAD_MACH_TIMESPEC(t) ((t)->tv_nsec < 0 || (unsigned long long)(t)->tv_nsec >= NSEC_PER_SEC)

/* Nanoseconds from t2 to t1; a second if their seconds differ at all. */
#define CMP_MACH_TIMESPEC(t1, t2)                                                           \
	((t1)->tv_sec != (t2)->tv_sec                                                       \
		 ? ((t1)->tv_sec < (t2)->tv_sec ? -(long)NSEC_PER_SEC : (long)NSEC_PER_SEC) \
		 : (long)(t1)->tv_nsec - (long)(t2)->tv_nsec)

#define ADD_MACH_TIMESPEC(t1, t2)                                   \
	do {                                                        \
		(t1)->tv_sec += (t2)->tv_sec;                       \
		(t1)->tv_nsec += (t2)->tv_nsec;                     \
		if ((t1)->tv_nsec >= (clock_res_t)NSEC_PER_SEC) {   \
			(t1)->tv_sec++;                             \
			(t1)->tv_nsec -= (clock_res_t)NSEC_PER_SEC; \
		}                                                   \
	} while (0)

#define SUB_MACH_TIMESPEC(t1, t2)                                   \
	do {                                                        \
		(t1)->tv_sec -= (t2)->tv_sec;                       \
		(t1)->tv_nsec -= (t2)->tv_nsec;                     \
		if ((t1)->tv_nsec < 0) {                            \
			(t1)->tv_sec--;                             \
			(t1)->tv_nsec += (clock_res_t)NSEC_PER_SEC; \
		}                                                   \
	} while (0)

/* Whether a time to sleep until is one of the clock's or so much later than now. */
#define TIME_ABSOLUTE 0x00
#define TIME_RELATIVE 0x01
#define ALRMTYPE      0xff

#define BAD_ALRMTYPE(t) (((t) & ~TIME_RELATIVE) != 0)
