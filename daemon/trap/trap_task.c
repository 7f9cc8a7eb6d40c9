/* SPDX-License-Identifier: Apache-2.0 */
/* The task calls: special ports [24]. */
#include <mach/task_special_ports.h>

#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_port.h"
#include "daemon/ipc/ipc_right.h"
#include "daemon/ipc/ipc_task.h"
#include "daemon/trap/trap_internal.h"

kern_return_t trap_task_get_special_port(struct trap_call *call,
					 const struct task_get_special_port_in *args,
					 struct task_get_special_port_out *result)
{
	struct ipc_port *port = IP_NULL;

	switch (args->which) {
	case TASK_KERNEL_PORT:
		port = ipc_port_make_send(call->c_task->t_self);
		break;
	case TASK_HOST_PORT:
		port = ipc_port_make_send(call->c_host->h_host_port);
		break;
	case TASK_BOOTSTRAP_PORT:
		if (call->c_task->t_bootstrap)
			port = ipc_port_copy_send(call->c_task->t_bootstrap);
		break;
	default:
		return KERN_INVALID_ARGUMENT;
	}
	return ipc_right_copyout(call->c_host, call->c_caller->t_space, port,
				 MACH_MSG_TYPE_PORT_SEND, &result->port);
}

kern_return_t trap_task_set_special_port(struct trap_call *call,
					 const struct task_set_special_port_in *args,
					 struct task_set_special_port_out *result)
{
	struct ipc_port *port = IP_NULL, *old = call->c_task->t_bootstrap;
	kern_return_t kr;

	(void)result;
	if (args->which == TASK_KERNEL_PORT || args->which == TASK_HOST_PORT)
		return KERN_NO_ACCESS;
	if (args->which != TASK_BOOTSTRAP_PORT)
		return KERN_INVALID_ARGUMENT;
	if (args->port != MACH_PORT_NULL) {
		kr = trap_copyin(call, args->port, MACH_MSG_TYPE_COPY_SEND, &port);
		if (kr != KERN_SUCCESS)
			return kr;
	}
	call->c_task->t_bootstrap = port;
	if (old)
		ipc_right_destroy_naked(call->c_host, old, MACH_MSG_TYPE_PORT_SEND);
	return KERN_SUCCESS;
}
