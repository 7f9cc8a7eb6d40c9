/* SPDX-License-Identifier: Apache-2.0 */
/* The task calls that tell who a task is, and find it by its process [24]. */
#include <mach/task_info.h>
#include <string.h>

#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_port.h"
#include "daemon/ipc/ipc_task.h"
#include "daemon/ipc/ipc_thread.h"
#include "daemon/ipc/ipc_user.h"
#include "daemon/trap/trap_internal.h"

static kern_return_t put_info(struct trap_call *call, uint32_t room, uint32_t *info,
			      const void *value, uint32_t words)
{
	if (room < words)
		return KERN_INVALID_ARGUMENT;
	memcpy(info, value, words * sizeof *info);
	call->c_out_words = words;
	return KERN_SUCCESS;
}

static time_value_t time_of(uint64_t microseconds)
{
	return (time_value_t){.seconds = (integer_t)(microseconds / USEC_PER_SEC),
			      .microseconds = (integer_t)(microseconds % USEC_PER_SEC)};
}

static uint32_t cut(uint64_t size)
{
	return size < UINT32_MAX ? (uint32_t)size : UINT32_MAX;
}

/* The layouts of what a process uses. Nobody is suspended, and there is one policy. */
static kern_return_t put_usage(struct trap_call *call, const struct task_info_in *args,
			       uint32_t *info, const struct ipc_usage *usage)
{
	struct task_basic_info_32 narrow = {
		.virtual_size = cut(usage->us_virtual),
		.resident_size = cut(usage->us_resident),
		.user_time = time_of(usage->us_user),
		.system_time = time_of(usage->us_system),
		.policy = POLICY_TIMESHARE,
	};
	struct task_basic_info_64 wide = {
		.virtual_size = usage->us_virtual,
		.resident_size = usage->us_resident,
		.user_time = narrow.user_time,
		.system_time = narrow.system_time,
		.policy = POLICY_TIMESHARE,
	};
	struct mach_task_basic_info full = {
		.virtual_size = usage->us_virtual,
		.resident_size = usage->us_resident,
		.resident_size_max = usage->us_resident_max,
		.user_time = narrow.user_time,
		.system_time = narrow.system_time,
		.policy = POLICY_TIMESHARE,
	};

	if (args->flavor == TASK_BASIC_INFO_32)
		return put_info(call, args->count, info, &narrow, TASK_BASIC_INFO_32_COUNT);
	if (args->flavor == TASK_BASIC_INFO_64)
		return put_info(call, args->count, info, &wide, TASK_BASIC_INFO_64_COUNT);
	return put_info(call, args->count, info, &full, MACH_TASK_BASIC_INFO_COUNT);
}

kern_return_t trap_task_info(struct trap_call *call, const struct task_info_in *args,
			     struct task_info_out *result)
{
	const struct ipc_outbox *outbox = call->c_host->h_outbox;
	const struct ipc_task *task = call->c_task;
	struct ipc_usage usage;

	if (args->flavor == TASK_SECURITY_TOKEN)
		return put_info(call, args->count, result->info, &task->t_security,
				TASK_SECURITY_TOKEN_COUNT);
	if (args->flavor == TASK_AUDIT_TOKEN)
		return put_info(call, args->count, result->info, &task->t_audit,
				TASK_AUDIT_TOKEN_COUNT);
	if (args->flavor != TASK_BASIC_INFO_32 && args->flavor != TASK_BASIC_INFO_64 &&
	    args->flavor != MACH_TASK_BASIC_INFO)
		return KERN_INVALID_ARGUMENT;
	if (!outbox->usage(outbox->context, task->t_pid, &usage))
		return KERN_INVALID_ARGUMENT;
	return put_usage(call, args, result->info, &usage);
}

kern_return_t trap_task_threads(struct trap_call *call, const struct task_threads_in *args,
				struct task_threads_out *result)
{
	struct ipc_task *task = call->c_task;
	struct ipc_thread *thread;

	(void)args;
	if (task->t_thread_count > call->c_out_room)
		return KERN_RESOURCE_SHORTAGE;
	LIST_FOR_EACH (node, &task->t_threads)
		if (!ipc_thread_has_port(call->c_host,
					 list_entry(node, struct ipc_thread, th_task_link)))
			return KERN_RESOURCE_SHORTAGE;
	LIST_FOR_EACH (node, &task->t_threads) {
		thread = list_entry(node, struct ipc_thread, th_task_link);
		trap_copyout(call, ipc_thread_make_send(call->c_host, thread),
			     MACH_MSG_TYPE_PORT_SEND, &result->threads[call->c_out_words++]);
	}
	return KERN_SUCCESS;
}

/* The task that an argument names, by any of its ports; NULL if it names none. */
static struct ipc_task *named_task(struct trap_call *call, mach_port_name_t name)
{
	struct ipc_port *port;

	return trap_port(call, name, &port) == KERN_SUCCESS ? port->ip_task : NULL;
}

/* The last one, as a process that lost its task may have a new one already. */
static struct ipc_task *task_of(const struct ipc_host *host, int32_t pid)
{
	struct ipc_task *found = NULL;

	LIST_FOR_EACH (node, &host->h_tasks) {
		struct ipc_task *task = list_entry(node, struct ipc_task, t_link);

		if (task->t_pid == pid)
			found = task;
	}
	return found;
}

/* The task of a process of the caller's own uid, or of any for root; else NULL. */
static struct ipc_task *open_task(struct trap_call *call, mach_port_name_t own, int32_t pid)
{
	const struct ipc_task *caller = call->c_caller;
	struct ipc_port *port;
	struct ipc_task *task;

	if (trap_port(call, own, &port) != KERN_SUCCESS || port->ip_kind != IP_TASK || pid == 0)
		return NULL;
	task = task_of(call->c_host, pid);
	if (!task || (caller->t_user->u_uid != 0 && caller->t_user != task->t_user))
		return NULL;
	return task;
}

kern_return_t trap_task_for_pid(struct trap_call *call, const struct task_for_pid_in *args,
				struct task_for_pid_out *result)
{
	struct ipc_task *task = open_task(call, args->task, args->pid);

	if (!task)
		return KERN_FAILURE;
	return trap_copyout(call, ipc_port_make_send(task->t_self), MACH_MSG_TYPE_PORT_SEND,
			    &result->task);
}

kern_return_t trap_task_name_for_pid(struct trap_call *call,
				     const struct task_name_for_pid_in *args,
				     struct task_name_for_pid_out *result)
{
	struct ipc_task *task = open_task(call, args->task, args->pid);
	struct ipc_port *port;

	if (!task)
		return KERN_FAILURE;
	port = ipc_task_make_view(call->c_host, task, TASK_VIEW_NAME);
	if (!port)
		return KERN_RESOURCE_SHORTAGE;
	return trap_copyout(call, port, MACH_MSG_TYPE_PORT_SEND, &result->task);
}

kern_return_t trap_pid_for_task(struct trap_call *call, const struct pid_for_task_in *args,
				struct pid_for_task_out *result)
{
	const struct ipc_task *task = named_task(call, args->task);

	if (!task)
		return KERN_FAILURE;
	result->pid = task->t_pid;
	return KERN_SUCCESS;
}
