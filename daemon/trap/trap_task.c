/* SPDX-License-Identifier: Apache-2.0 */
/* The task calls: special ports and registered ports [24]. */
#include <mach/task_special_ports.h>

#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_port.h"
#include "daemon/ipc/ipc_right.h"
#include "daemon/ipc/ipc_task.h"
#include "daemon/trap/trap_internal.h"

/* Which of the ports that are kept with a task; -1: none of them. */
static int special_index(int32_t which)
{
	switch (which) {
	case TASK_BOOTSTRAP_PORT:
		return TASK_SPECIAL_BOOTSTRAP;
	case TASK_ACCESS_PORT:
		return TASK_SPECIAL_ACCESS;
	case TASK_DEBUG_CONTROL_PORT:
		return TASK_SPECIAL_DEBUG_CONTROL;
	case TASK_RESOURCE_NOTIFY_PORT:
		return TASK_SPECIAL_RESOURCE_NOTIFY;
	}
	return -1;
}

/* A port that is made when it is asked for. */
static kern_return_t get_view(struct trap_call *call, enum ipc_task_view view,
			      struct ipc_port **port)
{
	*port = ipc_task_make_view(call->c_host, call->c_task, view);
	return *port ? KERN_SUCCESS : KERN_RESOURCE_SHORTAGE;
}

static kern_return_t get_special(struct trap_call *call, int32_t which, struct ipc_port **port)
{
	struct ipc_task *task = call->c_task;
	int index = special_index(which);

	switch (which) {
	case TASK_KERNEL_PORT:
		*port = ipc_port_make_send(task->t_self);
		return KERN_SUCCESS;
	case TASK_HOST_PORT:
		*port = ipc_port_make_send(ipc_task_host_port(call->c_host, task));
		return KERN_SUCCESS;
	case TASK_NAME_PORT:
		return get_view(call, TASK_VIEW_NAME, port);
	case TASK_INSPECT_PORT:
		return get_view(call, TASK_VIEW_INSPECT, port);
	case TASK_READ_PORT:
		return get_view(call, TASK_VIEW_READ, port);
	}
	if (index < 0)
		return KERN_INVALID_ARGUMENT;
	*port = ipc_task_copy_kept(task->t_special[index]);
	return KERN_SUCCESS;
}

/* Who may only look at a task gets no more than that from it. */
static bool may_get(enum ipc_port_kind held, int32_t which)
{
	if (held == IP_TASK)
		return true;
	return which == TASK_NAME_PORT || which == TASK_INSPECT_PORT ||
	       (which == TASK_READ_PORT && held == IP_TASK_READ);
}

kern_return_t trap_task_get_special_port(struct trap_call *call,
					 const struct task_get_special_port_in *args,
					 struct task_get_special_port_out *result)
{
	struct ipc_port *port;
	kern_return_t kr;

	if (!may_get(call->c_port->ip_kind, args->which))
		return KERN_INVALID_CAPABILITY;
	kr = get_special(call, args->which, &port);
	if (kr != KERN_SUCCESS)
		return kr;
	return trap_copyout(call, port, MACH_MSG_TYPE_PORT_SEND, &result->port);
}

static kern_return_t set_special(struct trap_call *call, int32_t which, struct ipc_port *port)
{
	int index = special_index(which);
	struct ipc_port *old;

	if (!trap_keepable(call, port))
		return KERN_INVALID_RIGHT;
	if (which == TASK_KERNEL_PORT || which == TASK_HOST_PORT)
		return KERN_NO_ACCESS;
	if (index < 0)
		return KERN_INVALID_ARGUMENT;
	old = call->c_task->t_special[index];
	if (index == TASK_SPECIAL_ACCESS && IP_VALID(old))
		return KERN_NO_ACCESS;
	call->c_task->t_special[index] = port;
	ipc_right_destroy_naked(call->c_host, old, MACH_MSG_TYPE_PORT_SEND);
	return KERN_SUCCESS;
}

kern_return_t trap_task_set_special_port(struct trap_call *call,
					 const struct task_set_special_port_in *args,
					 struct task_set_special_port_out *result)
{
	struct ipc_port *port;
	kern_return_t kr = trap_copyin_body(call, args->port, MACH_MSG_TYPE_COPY_SEND, &port);

	(void)result;
	if (kr != KERN_SUCCESS)
		return kr;
	kr = set_special(call, args->which, port);
	if (kr != KERN_SUCCESS)
		ipc_right_destroy_naked(call->c_host, port, MACH_MSG_TYPE_PORT_SEND);
	return kr;
}

/*
 * Copies of the send rights that the names stand for. On failure nothing was taken:
 * MACH_SEND_INVALID_RIGHT or KERN_INVALID_RIGHT.
 */
static kern_return_t copy_rights(struct trap_call *call, const uint32_t *names, uint32_t count,
				 struct ipc_port **ports)
{
	kern_return_t kr = KERN_SUCCESS;
	uint32_t taken = 0;

	while (taken < count && kr == KERN_SUCCESS) {
		kr = trap_copyin_body(call, names[taken], MACH_MSG_TYPE_COPY_SEND, &ports[taken]);
		taken += kr == KERN_SUCCESS;
	}
	for (uint32_t i = 0; i < count && kr == KERN_SUCCESS; i++)
		if (!trap_keepable(call, ports[i]))
			kr = KERN_INVALID_RIGHT;
	while (kr != KERN_SUCCESS && taken > 0)
		ipc_right_destroy_naked(call->c_host, ports[--taken], MACH_MSG_TYPE_PORT_SEND);
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
		struct ipc_port *port = ipc_task_copy_kept(call->c_task->t_registered[i]);

		kr |= trap_copyout(call, port, MACH_MSG_TYPE_PORT_SEND, &result->ports[i]);
	}
	call->c_out_words = TASK_PORT_REGISTER_MAX;
	return kr;
}
