/* SPDX-License-Identifier: Apache-2.0 */
/* A task's behavior for guard exceptions, and fetching them for the client library [16.2]. */
#include <mach/task_info.h>

#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_task.h"
#include "daemon/ipc/ipc_thread.h"
#include "daemon/trap/trap_internal.h"

kern_return_t trap_task_get_exc_guard_behavior(struct trap_call *call,
					       const struct task_get_exc_guard_behavior_in *args,
					       struct task_get_exc_guard_behavior_out *result)
{
	(void)args;
	result->behavior = call->c_task->t_guard_behavior;
	return KERN_SUCCESS;
}

kern_return_t trap_task_set_exc_guard_behavior(struct trap_call *call,
					       const struct task_set_exc_guard_behavior_in *args,
					       struct task_set_exc_guard_behavior_out *result)
{
	(void)result;
	if (args->behavior & ~(uint32_t)TASK_EXC_GUARD_ALL)
		return KERN_INVALID_ARGUMENT;
	call->c_task->t_guard_behavior = args->behavior;
	return KERN_SUCCESS;
}

kern_return_t trap_machd_take_guard_exception(struct trap_call *call,
					      const struct machd_take_guard_exception_in *args,
					      struct machd_take_guard_exception_out *result)
{
	struct ipc_violation violation = ipc_guard_take(call->c_thread);
	uint32_t *behavior = &call->c_caller->t_guard_behavior;

	(void)args;
	result->reason = violation.v_reason;
	result->name = violation.v_name;
	result->subcode = violation.v_subcode;
	result->behavior = *behavior;
	if (violation.v_reason > MAX_FATAL_kGUARD_EXC_CODE && (*behavior & TASK_EXC_GUARD_MP_ONCE))
		*behavior &= ~(uint32_t)TASK_EXC_GUARD_MP_DELIVER;
	return KERN_SUCCESS;
}
