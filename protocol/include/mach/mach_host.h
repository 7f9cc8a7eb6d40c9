/* SPDX-License-Identifier: Apache-2.0 */
/* Calls on the host (mach_host_self()). */
#pragma once

#include <mach/clock_types.h>
#include <mach/host_info.h>
#include <mach/host_notify.h>
#include <mach/mach_types.h>
#include <machd_cdefs.h>

MACHD_BEGIN_DECLS

/*
 * What machine this is. `host_info_outCnt` has the room, and gets the length, in 32-bit words.
 * KERN_FAILURE: too little room. KERN_INVALID_ARGUMENT: no such flavor.
 */
extern kern_return_t host_info(host_t host, host_flavor_t flavor, host_info_t host_info_out,
			       mach_msg_type_number_t *host_info_outCnt);

/* Name, release and version of the kernel. */
extern kern_return_t host_kernel_version(host_t host, kernel_version_t kernel_version);

/* A send right to SYSTEM_CLOCK or CALENDAR_CLOCK. KERN_INVALID_ARGUMENT: no such clock. */
extern kern_return_t host_get_clock_service(host_t host, clock_id_t clock_id,
					    clock_serv_t *clock_serv);

/*
 * Have a message sent to `notify_port`, a receive right, when the time of day is set: once, and the
 * right cannot be sent any more. KERN_INVALID_ARGUMENT: no such notification.
 * KERN_INVALID_CAPABILITY: no port, or there is such a request for it already.
 */
extern kern_return_t host_request_notification(host_t host, host_flavor_t notify_type,
					       mach_port_t notify_port);

MACHD_END_DECLS
