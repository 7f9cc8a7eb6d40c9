/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that are not messages to a port. */
#pragma once

#include <mach/port.h>
#include <machd_cdefs.h>

MACHD_BEGIN_DECLS

/*
 * A fresh receive right. MACH_PORT_NULL if there is no room, or machd cannot be reached.
 */
extern mach_port_name_t mach_reply_port(void);

MACHD_END_DECLS
