/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Timers: a receive right on which machd sends a message, 24 bytes behind the header, when a
 * deadline has passed. While one of a timer's messages waits, further deadlines pass without
 * another.
 */
#pragma once

#include <mach/kern_return.h>
#include <mach/message.h>
#include <mach/port.h>
#include <machd_cdefs.h>

#define MK_TIMER_NORMAL	  0
#define MK_TIMER_CRITICAL 1

typedef struct mk_timer_expire_msg {
	mach_msg_header_t header;
	uint64_t unused[3];
} mk_timer_expire_msg_t;

MACHD_BEGIN_DECLS

/* A new timer, or MACH_PORT_NULL. */
extern mach_port_name_t mk_timer_create(void);

/* Destroy a timer. The codes of all of these: KERN_INVALID_NAME, _INVALID_RIGHT, _INVALID_ARGUMENT.
 */
extern kern_return_t mk_timer_destroy(mach_port_name_t name);

/* Arm it for a time as mach_absolute_time() counts, instead of any other; the past fires at once.
 */
extern kern_return_t mk_timer_arm(mach_port_name_t name, uint64_t expire_time);
extern kern_return_t mk_timer_arm_leeway(mach_port_name_t name, uint64_t mk_timer_flags,
					 uint64_t mk_timer_expire_time, uint64_t mk_timer_leeway);

/* Disarm it; *result_time is what it was armed for, or 0. KERN_FAILURE: that cannot be written. */
extern kern_return_t mk_timer_cancel(mach_port_name_t name, uint64_t *result_time);

MACHD_END_DECLS
