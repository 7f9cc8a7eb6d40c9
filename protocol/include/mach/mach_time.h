/* SPDX-License-Identifier: Apache-2.0 */
/* Clocks that only go forward. None of these calls needs machd. */
#pragma once

#include <mach/kern_return.h>
#include <machd_cdefs.h>
#include <stdint.h>

/* Nanoseconds are clock units * numer / denom. */
struct mach_timebase_info {
	uint32_t numer;
	uint32_t denom;
};

typedef struct mach_timebase_info *mach_timebase_info_t;
typedef struct mach_timebase_info mach_timebase_info_data_t;

MACHD_BEGIN_DECLS

/* What a clock unit is: one nanosecond, so both numbers are 1. */
extern kern_return_t mach_timebase_info(mach_timebase_info_t info);

/* Time since the machine was started, without the time it was suspended. */
extern uint64_t mach_absolute_time(void);

/* The same as of the last tick of the kernel's timer: some milliseconds old, but cheaper. */
extern uint64_t mach_approximate_time(void);

/* Time since the machine was started, suspended or not. */
extern uint64_t mach_continuous_time(void);
extern uint64_t mach_continuous_approximate_time(void);

/* Sleep until mach_absolute_time() is `deadline`. KERN_ABORTED: a signal came first. */
extern kern_return_t mach_wait_until(uint64_t deadline);

MACHD_END_DECLS
