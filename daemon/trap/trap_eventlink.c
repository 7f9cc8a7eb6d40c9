/* SPDX-License-Identifier: Apache-2.0 */
/* The eventlink calls [28]. */
#include <mach/mach_eventlink_types.h>

#include "daemon/ipc/ipc_eventlink.h"
#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_port.h"
#include "daemon/ipc/ipc_right.h"
#include "daemon/ipc/ipc_task.h"
#include "daemon/trap/trap_internal.h"

kern_return_t trap_mach_eventlink_create(struct trap_call *call,
					 const struct mach_eventlink_create_in *args,
					 struct mach_eventlink_create_out *result)
{
	struct ipc_space *space = call->c_caller->t_space;
	struct ipc_port *rights[2];
	kern_return_t first, second;

	if (call->c_task != call->c_caller || args->option != MELC_OPTION_NO_COPYIN)
		return KERN_INVALID_ARGUMENT;
	if (!ipc_eventlink_create(call->c_host, call->c_task, rights))
		return KERN_RESOURCE_SHORTAGE;
	first = trap_copyout(call, rights[0], MACH_MSG_TYPE_PORT_SEND, &result->first);
	second = trap_copyout(call, rights[1], MACH_MSG_TYPE_PORT_SEND, &result->second);
	/* Half of one is of no use. */
	if (first == KERN_SUCCESS && second != KERN_SUCCESS && !call->c_rights)
		ipc_right_dealloc(call->c_host, space,
				  ipc_right_lookup(call->c_host, space, result->first));
	return first | second;
}

kern_return_t trap_mach_eventlink_destroy(struct trap_call *call,
					  const struct mach_eventlink_destroy_in *args,
					  struct mach_eventlink_destroy_out *result)
{
	(void)args;
	(void)result;
	if (call->c_port->ip_eventlink)
		ipc_eventlink_end(call->c_host, call->c_port->ip_eventlink);
	return KERN_SUCCESS;
}

kern_return_t trap_mach_eventlink_associate(struct trap_call *call,
					    const struct mach_eventlink_associate_in *args,
					    struct mach_eventlink_associate_out *result)
{
	struct ipc_eventlink_side *side = call->c_port->ip_eventlink;
	struct ipc_thread *thread = trap_thread(call, args->thread);

	(void)result;
	if (!side)
		return KERN_TERMINATED;
	if (args->wait_address || args->wait_mask || args->signal_address || args->signal_mask)
		return KERN_INVALID_ARGUMENT;
	if ((!thread && args->option == MELA_OPTION_NONE) ||
	    (thread && args->option == MELA_OPTION_ASSOCIATE_ON_WAIT))
		return KERN_INVALID_ARGUMENT;
	return ipc_eventlink_associate(side, thread);
}

kern_return_t trap_mach_eventlink_disassociate(struct trap_call *call,
					       const struct mach_eventlink_disassociate_in *args,
					       struct mach_eventlink_disassociate_out *result)
{
	struct ipc_eventlink_side *side = call->c_port->ip_eventlink;

	(void)result;
	if (!side)
		return KERN_TERMINATED;
	if (args->option != MELD_OPTION_NONE)
		return KERN_INVALID_ARGUMENT;
	return ipc_eventlink_disassociate(call->c_host, side);
}

static kern_return_t lookup(struct trap_call *call, mach_port_name_t name,
			    struct ipc_eventlink_side **side)
{
	struct ipc_port *port;
	kern_return_t kr = trap_port(call, name, &port);

	if (kr != KERN_SUCCESS)
		return kr;
	if (port->ip_kind != IP_EVENTLINK)
		return KERN_INVALID_CAPABILITY;
	*side = port->ip_eventlink;
	return *side ? KERN_SUCCESS : KERN_TERMINATED;
}

kern_return_t trap_mach_eventlink_signal(struct trap_call *call,
					 const struct mach_eventlink_signal_in *args,
					 struct mach_eventlink_signal_out *result)
{
	struct ipc_eventlink_side *side;
	kern_return_t kr = lookup(call, args->port, &side);

	(void)result;
	if (kr == KERN_SUCCESS)
		ipc_eventlink_signal(call->c_host, side);
	return kr;
}

/* The code of a wait is a result like the count, which is told whatever the code is. */
static void wait(struct trap_call *call, const struct mach_eventlink_wait_until_in *args,
		 bool signals, struct ipc_eventlink_result *result)
{
	struct ipc_eventlink_side *side;
	const struct ipc_eventlink_wait how = {.count = args->count,
					       .deadline = args->deadline,
					       .no_wait = args->option & MELSW_OPTION_NO_WAIT,
					       .signals = signals};

	*result = (struct ipc_eventlink_result){args->count, KERN_INVALID_ARGUMENT};
	if (args->clock != KERN_CLOCK_MACH_ABSOLUTE_TIME)
		return;
	result->code = lookup(call, args->port, &side);
	if (result->code == KERN_SUCCESS)
		ipc_eventlink_wait(call->c_host, side, call->c_thread, &how, result);
}

kern_return_t trap_mach_eventlink_wait_until(struct trap_call *call,
					     const struct mach_eventlink_wait_until_in *args,
					     struct mach_eventlink_wait_until_out *result)
{
	struct ipc_eventlink_result ended;

	wait(call, args, false, &ended);
	result->count = ended.count;
	result->code = ended.code;
	return KERN_SUCCESS;
}

kern_return_t trap_mach_eventlink_signal_wait_until(
	struct trap_call *call, const struct mach_eventlink_signal_wait_until_in *args,
	struct mach_eventlink_signal_wait_until_out *result)
{
	struct mach_eventlink_wait_until_in in = {.port = args->port,
						  .count = args->count,
						  .option = args->option,
						  .clock = args->clock,
						  .deadline = args->deadline};
	struct ipc_eventlink_result ended;

	wait(call, &in, true, &ended);
	result->count = ended.count;
	result->code = ended.code;
	return KERN_SUCCESS;
}
