/* SPDX-License-Identifier: Apache-2.0 */
/* The mk_timer calls [21]. Deadlines are in nanoseconds of the clock of mach_absolute_time(). */
#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_port.h"
#include "daemon/ipc/ipc_right.h"
#include "daemon/ipc/ipc_timer.h"
#include "daemon/trap/trap_internal.h"

kern_return_t trap_mk_timer_create(struct trap_call *call, const struct mk_timer_create_in *args,
				   struct mk_timer_create_out *result)
{
	struct ipc_port *port;
	kern_return_t kr = ipc_entry_reserve(call->c_host, call->c_space);

	(void)args;
	if (kr != KERN_SUCCESS)
		return kr;
	port = ipc_port_create(call->c_host, call->c_space->is_account);
	if (!port)
		return KERN_RESOURCE_SHORTAGE;
	if (!ipc_timer_attach(call->c_host, port)) {
		ipc_port_destroy(call->c_host, port);
		return KERN_RESOURCE_SHORTAGE;
	}
	result->name = ipc_right_copyout_reserved(call->c_host, call->c_space, port,
						  MACH_MSG_TYPE_PORT_RECEIVE);
	port->ip_immovable = true;
	return KERN_SUCCESS;
}

static kern_return_t lookup_timer(struct trap_call *call, mach_port_name_t name,
				  struct ipc_timer **timer)
{
	struct ipc_port *port;
	kern_return_t kr = ipc_right_lookup_named_receive(call->c_host, call->c_space, name, &port);

	if (kr != KERN_SUCCESS)
		return kr;
	*timer = port->ip_timer;
	return *timer ? KERN_SUCCESS : KERN_INVALID_ARGUMENT;
}

kern_return_t trap_mk_timer_arm(struct trap_call *call, const struct mk_timer_arm_in *args,
				struct mk_timer_arm_out *result)
{
	struct ipc_timer *timer;
	kern_return_t kr = lookup_timer(call, args->name, &timer);

	(void)result;
	if (kr == KERN_SUCCESS)
		ipc_timer_arm(call->c_host, timer, args->deadline);
	return kr;
}

kern_return_t trap_mk_timer_cancel(struct trap_call *call, const struct mk_timer_cancel_in *args,
				   struct mk_timer_cancel_out *result)
{
	struct ipc_timer *timer;
	kern_return_t kr = lookup_timer(call, args->name, &timer);

	if (kr == KERN_SUCCESS)
		result->deadline = ipc_timer_cancel(call->c_host, timer);
	return kr;
}

kern_return_t trap_mk_timer_destroy(struct trap_call *call, const struct mk_timer_destroy_in *args,
				    struct mk_timer_destroy_out *result)
{
	const struct mach_port_destroy_in destroy = {.name = args->name};
	struct ipc_entry *entry = NULL;

	(void)result;
	if (MACH_PORT_VALID(args->name))
		entry = ipc_right_lookup(call->c_host, call->c_space, args->name);
	if (!entry)
		return KERN_INVALID_NAME;
	/* A dead name is something here, unlike in the other calls. */
	if (!(entry->ie_type & MACH_PORT_TYPE_RECEIVE))
		return KERN_INVALID_RIGHT;
	if (!entry->ie_port->ip_timer)
		return KERN_INVALID_ARGUMENT;
	return trap_mach_port_destroy(call, &destroy, NULL);
}
