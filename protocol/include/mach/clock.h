/* SPDX-License-Identifier: Apache-2.0 */
/* Calls on clocks (host_get_clock_service()). */
#pragma once

#include <mach/clock_types.h>
#include <mach/mach_types.h>
#include <machd_cdefs.h>

MACHD_BEGIN_DECLS

/* SYSTEM_CLOCK: that of mach_absolute_time(). CALENDAR_CLOCK: since 1970. */
extern kern_return_t clock_get_time(clock_serv_t clock_serv, mach_timespec_t *cur_time);

/* Nanoseconds between ticks, or 0 for what there is not. KERN_INVALID_VALUE: no such flavor. */
extern kern_return_t clock_get_attributes(clock_serv_t clock_serv, clock_flavor_t flavor,
					  clock_attr_t clock_attr,
					  mach_msg_type_number_t *clock_attrCnt);

MACHD_END_DECLS
