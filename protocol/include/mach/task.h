/* SPDX-License-Identifier: Apache-2.0 */
/* Operations on a task. */
#pragma once

#include <mach/mach_types.h>
#include <mach/task_special_ports.h>
#include <machd_cdefs.h>

MACHD_BEGIN_DECLS

/* A send right to one of the task's special ports, or MACH_PORT_NULL if that is not set. */
extern kern_return_t task_get_special_port(task_t task, int which_port, mach_port_t *special_port);

/* Set one to a copy of a send right. KERN_NO_ACCESS: the kernel and host ports are fixed. */
extern kern_return_t task_set_special_port(task_t task, int which_port, mach_port_t special_port);

MACHD_END_DECLS
