/* SPDX-License-Identifier: Apache-2.0 */
/* Everything that a program needs to use ports and messages. */
#pragma once

#include <mach/mach_error.h>
#include <mach/mach_init.h>
#include <mach/mach_port.h>
#include <mach/mach_traps.h>
#include <mach/mach_types.h>
#include <mach/mig.h>
#include <mach/std_types.h>
#include <mach/task.h>
#include <mach/vm_map.h>
#include <machd_cdefs.h>

MACHD_BEGIN_DECLS

/* Send a message; its length is msg->msgh_size. */
extern mach_msg_return_t mach_msg_send(mach_msg_header_t *msg);

/* Receive a message from msg->msgh_local_port into a buffer of msg->msgh_size bytes. */
extern mach_msg_return_t mach_msg_receive(mach_msg_header_t *msg);

/*
 * Give up the rights and memory that a message names: one received that nobody wants, or one that
 * was not sent. The local port is left alone. The buffer stays the caller's.
 */
extern void mach_msg_destroy(mach_msg_header_t *msg);

MACHD_END_DECLS
