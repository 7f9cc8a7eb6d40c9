/* SPDX-License-Identifier: Apache-2.0 */
/* The calls on threads: their ports [24]. */
#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_port.h"
#include "daemon/ipc/ipc_right.h"
#include "daemon/ipc/ipc_task.h"
#include "daemon/ipc/ipc_thread.h"
#include "daemon/trap/trap_internal.h"

kern_return_t trap_mach_thread_self(struct trap_call *call, const struct mach_thread_self_in *args,
				    struct mach_thread_self_out *result)
{
	struct ipc_port *port = ipc_thread_make_send(call->c_host, call->c_thread);

	(void)args;
	if (!port)
		return KERN_RESOURCE_SHORTAGE;
	return trap_copyout(call, port, MACH_MSG_TYPE_PORT_SEND, &result->thread);
}

/* A receive right and a send right under one name; a reply port, as the task's others are. */
kern_return_t trap_thread_get_special_reply_port(
	struct trap_call *call, const struct thread_get_special_reply_port_in *args,
	struct thread_get_special_reply_port_out *result)
{
	struct ipc_host *host = call->c_host;
	struct ipc_space *space = call->c_caller->t_space;
	kern_return_t kr = ipc_entry_reserve(host, space);
	struct ipc_port *port;

	(void)args;
	if (kr != KERN_SUCCESS)
		return kr;
	port = ipc_port_create(host, space->is_account);
	if (!port)
		return KERN_RESOURCE_SHORTAGE;
	result->port = ipc_right_copyout_reserved(host, space, port, MACH_MSG_TYPE_PORT_RECEIVE);
	ipc_right_copyout_reserved(host, space, ipc_port_make_send(port), MACH_MSG_TYPE_PORT_SEND);
	port->ip_reply_port = true;
	port->ip_only_reply = port->ip_immovable = call->c_caller->t_hardened;
	ipc_thread_bind_special(host, call->c_thread, port);
	return KERN_SUCCESS;
}

/* The port of a thread of the caller's own task, by the number that its welcome told. */
kern_return_t trap_machd_thread_port(struct trap_call *call,
				     const struct machd_thread_port_in *args,
				     struct machd_thread_port_out *result)
{
	struct ipc_thread *thread = ipc_thread_find(call->c_host, args->thread);
	struct ipc_port *port;

	if (!thread || thread->th_task != call->c_caller)
		return KERN_INVALID_ARGUMENT;
	port = ipc_thread_make_send(call->c_host, thread);
	if (!port)
		return KERN_RESOURCE_SHORTAGE;
	return trap_copyout(call, port, MACH_MSG_TYPE_PORT_SEND, &result->port);
}

/* The calling thread ends; another of its task may take its channel over. */
kern_return_t trap_machd_thread_end(struct trap_call *call, const struct machd_thread_end_in *args,
				    struct machd_thread_end_out *result)
{
	(void)args;
	(void)result;
	ipc_thread_end(call->c_host, call->c_thread);
	return KERN_SUCCESS;
}

struct ipc_thread *trap_thread(struct trap_call *call, mach_port_name_t name)
{
	struct ipc_port *port;

	return trap_port(call, name, &port) == KERN_SUCCESS ? port->ip_thread : NULL;
}
