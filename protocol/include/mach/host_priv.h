/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls on the privileged host port, which is what mach_host_self() gives to tasks of root and of
 * the user that machd runs as.
 */
#pragma once

#include <mach/host_special_ports.h>
#include <mach/mach_types.h>
#include <machd_cdefs.h>

MACHD_BEGIN_DECLS

/*
 * A send right to a port that the host keeps, MACH_PORT_NULL if that is not set. `node` does not
 * matter. KERN_INVALID_ARGUMENT: no such port, or this is not the caller's privileged host port.
 */
extern kern_return_t host_get_special_port(host_priv_t host_priv, int node, int which,
					   mach_port_t *port);

/*
 * Have it keep a copy of a send right. KERN_INVALID_ARGUMENT: as above, or one of the host's own.
 * KERN_INVALID_RIGHT: a right that must stay where it is. KERN_NO_ACCESS: the caller may not.
 */
extern kern_return_t host_set_special_port(host_priv_t host_priv, int which, mach_port_t port);

MACHD_END_DECLS
