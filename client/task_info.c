/* SPDX-License-Identifier: Apache-2.0 */
/* task_info and the calls that find a task by its process. */
#include <mach/mach_init.h>
#include <mach/mach_traps.h>
#include <mach/task.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/mi.h"

kern_return_t task_info(task_name_t target_task, task_flavor_t flavor, task_info_t task_info_out,
			mach_msg_type_number_t *task_info_outCnt)
{
	struct task_info_in in = {.flavor = flavor, .count = *task_info_outCnt};
	struct mi_call call = {
		.routine = MACHD_ROUTINE_task_info,
		.target = target_task,
		.in = &in,
		.in_size = sizeof in,
		.out_array = task_info_out,
		.out_array_size = in.count * sizeof *task_info_out,
	};
	kern_return_t code;

	code = mi_call(&call);
	if (code == KERN_SUCCESS)
		*task_info_outCnt =
			(mach_msg_type_number_t)(call.out_array_size / sizeof *task_info_out);
	return code;
}

kern_return_t task_for_pid(mach_port_name_t target_tport, int pid, mach_port_name_t *t)
{
	struct task_for_pid_in in = {.task = target_tport, .pid = pid};
	struct task_for_pid_out out = {.task = MACH_PORT_NULL};
	kern_return_t code = MI_CALL(task_for_pid, mach_task_self(), &in, &out);

	*t = out.task;
	return code;
}

kern_return_t task_name_for_pid(mach_port_name_t target_tport, int pid, mach_port_name_t *tn)
{
	struct task_name_for_pid_in in = {.task = target_tport, .pid = pid};
	struct task_name_for_pid_out out = {.task = MACH_PORT_NULL};
	kern_return_t code = MI_CALL(task_name_for_pid, mach_task_self(), &in, &out);

	*tn = out.task;
	return code;
}

kern_return_t pid_for_task(mach_port_name_t t, int *pid)
{
	struct pid_for_task_in in = {.task = t};
	struct pid_for_task_out out = {.pid = -1};
	kern_return_t code = MI_CALL(pid_for_task, mach_task_self(), &in, &out);

	*pid = out.pid;
	return code;
}

boolean_t mach_task_is_self(task_name_t task)
{
	int theirs, ours;

	if (task == MACH_PORT_NULL)
		return FALSE;
	if (task == mach_task_self())
		return TRUE;
	return pid_for_task(task, &theirs) == KERN_SUCCESS &&
	       pid_for_task(mach_task_self(), &ours) == KERN_SUCCESS && theirs == ours;
}
