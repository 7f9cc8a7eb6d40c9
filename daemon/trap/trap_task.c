/* SPDX-License-Identifier: Apache-2.0 */
/* The task calls: special ports and registered ports [24]. */
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
	return trap_copyout(call, port, MACH_MSG_TYPE_PORT_SEND, &result->port);
}

/* A right that its holder has to keep is not given to the task either [16.3, 24]. */
static bool keepable(struct trap_call *call, const struct ipc_port *port)
{
	return !IP_VALID(port) || !ipc_right_immovable_send(call->c_caller->t_space, port);
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
	if (!keepable(call, port)) {
		ipc_right_destroy_naked(call->c_host, port, MACH_MSG_TYPE_PORT_SEND);
		return KERN_INVALID_RIGHT;
	}
	call->c_task->t_bootstrap = port;
	if (old)
		ipc_right_destroy_naked(call->c_host, old, MACH_MSG_TYPE_PORT_SEND);
	return KERN_SUCCESS;
}

/*
 * Copies of the send rights that the names stand for. On failure nothing was taken:
 * MACH_SEND_INVALID_RIGHT, as the body of a message would be refused, or KERN_INVALID_RIGHT.
 */
static kern_return_t copy_rights(struct trap_call *call, const uint32_t *names, uint32_t count,
				 struct ipc_port **ports)
{
	kern_return_t kr = KERN_SUCCESS;
	uint32_t i;

	for (i = 0; i < count; i++) {
		ports[i] = IP_NULL;
		if (names[i] == MACH_PORT_NULL)
			continue;
		if (names[i] == MACH_PORT_DEAD)
			ports[i] = IP_DEAD;
		else
			kr = trap_copyin(call, names[i], MACH_MSG_TYPE_COPY_SEND, &ports[i]);
		if (kr != KERN_SUCCESS && kr != KERN_INVALID_CAPABILITY) {
			kr = MACH_SEND_INVALID_RIGHT;
			break;
		}
		kr = KERN_SUCCESS;
	}
	for (uint32_t k = 0; k < count && kr == KERN_SUCCESS; k++)
		if (!keepable(call, ports[k]))
			kr = KERN_INVALID_RIGHT;
	while (kr != KERN_SUCCESS && i > 0)
		ipc_right_destroy_naked(call->c_host, ports[--i], MACH_MSG_TYPE_PORT_SEND);
	return kr;
}

kern_return_t trap_mach_ports_register(struct trap_call *call,
				       const struct mach_ports_register_in *args,
				       struct mach_ports_register_out *result)
{
	struct ipc_port *ports[TASK_PORT_REGISTER_MAX] = {IP_NULL}, *old;
	kern_return_t kr;

	(void)result;
	if (call->c_in_words > TASK_PORT_REGISTER_MAX)
		return KERN_INVALID_ARGUMENT;
	kr = copy_rights(call, args->ports, call->c_in_words, ports);
	if (kr != KERN_SUCCESS)
		return kr;
	for (unsigned i = 0; i < TASK_PORT_REGISTER_MAX; i++) {
		old = call->c_task->t_registered[i];
		call->c_task->t_registered[i] = ports[i];
		ipc_right_destroy_naked(call->c_host, old, MACH_MSG_TYPE_PORT_SEND);
	}
	return KERN_SUCCESS;
}

kern_return_t trap_mach_ports_lookup(struct trap_call *call,
				     const struct mach_ports_lookup_in *args,
				     struct mach_ports_lookup_out *result)
{
	kern_return_t kr = KERN_SUCCESS;

	(void)args;
	for (unsigned i = 0; i < TASK_PORT_REGISTER_MAX; i++) {
		struct ipc_port *port = call->c_task->t_registered[i];

		if (IP_VALID(port))
			port = ipc_port_copy_send(port);
		kr |= trap_copyout(call, port, MACH_MSG_TYPE_PORT_SEND, &result->ports[i]);
	}
	call->c_out_words = TASK_PORT_REGISTER_MAX;
	return kr;
}
