/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host calls: facts about the machine, the host's special ports, and notifications of changes
 * of the time of day [24].
 */
#include <mach/host_info.h>
#include <mach/host_special_ports.h>
#include <string.h>

#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_port.h"
#include "daemon/ipc/ipc_right.h"
#include "daemon/ipc/ipc_task.h"
#include "daemon/trap/trap_internal.h"

#define BASIC_OLD      5 /* words of HOST_BASIC_INFO as it was before cpu_threadtype */
#define MEMORY_SIZE_32 UINT32_C(0x80000000) /* what 32 bits say of more memory than that */

static host_basic_info_data_t basic_info(const struct ipc_machine *machine)
{
	return (host_basic_info_data_t){
		.max_cpus = (integer_t)machine->m_cpus_max,
		.avail_cpus = (integer_t)machine->m_cpus,
		.memory_size = machine->m_memory < MEMORY_SIZE_32 ? (natural_t)machine->m_memory
								  : MEMORY_SIZE_32,
		.cpu_type = machine->m_cpu_type,
		.cpu_subtype = machine->m_cpu_subtype,
		.cpu_threadtype = CPU_THREADTYPE_NONE,
		.physical_cpu = (integer_t)machine->m_cores,
		.physical_cpu_max = (integer_t)machine->m_cores_max,
		.logical_cpu = (integer_t)machine->m_cpus,
		.logical_cpu_max = (integer_t)machine->m_cpus_max,
		.max_mem = machine->m_memory,
	};
}

/* Mach's bands of priorities: no thread of Linux has one, but programs compute with them. */
static const host_priority_info_data_t priorities = {
	.kernel_priority = 80,
	.system_priority = 80,
	.server_priority = 64,
	.user_priority = 31,
	.depress_priority = 4,
	.idle_priority = 0,
	.minimum_priority = 0,
	.maximum_priority = 79,
};

/* What a call may tell: `words` of it, if there is room for that many. */
struct info {
	union {
		host_basic_info_data_t basic;
		host_sched_info_data_t sched;
		host_priority_info_data_t priority;
		host_can_has_debugger_info_data_t debugger;
		host_preferred_user_arch_data_t arch;
	};
	uint32_t words;
	uint32_t words_old; /* of a shorter form for who has less room; or as above */
};

static kern_return_t find_info(const struct ipc_host *host, int32_t flavor, struct info *info)
{
	const struct ipc_machine *machine = &host->h_machine;

	memset(info, 0, sizeof *info);
	switch (flavor) {
	case HOST_BASIC_INFO:
		info->basic = basic_info(machine);
		info->words = HOST_BASIC_INFO_COUNT;
		info->words_old = BASIC_OLD;
		return KERN_SUCCESS;
	case HOST_SCHED_INFO:
		info->sched.min_timeout = info->sched.min_quantum = (integer_t)machine->m_quantum;
		info->words = HOST_SCHED_INFO_COUNT;
		break;
	case HOST_PRIORITY_INFO:
		info->priority = priorities;
		info->words = HOST_PRIORITY_INFO_COUNT;
		break;
	case HOST_CAN_HAS_DEBUGGER: /* of the kernel: no */
		info->words = HOST_CAN_HAS_DEBUGGER_COUNT;
		break;
	case HOST_PREFERRED_USER_ARCH:
		info->arch.cpu_type = machine->m_cpu_type;
		info->arch.cpu_subtype = machine->m_cpu_subtype;
		info->words = HOST_PREFERRED_USER_ARCH_COUNT;
		break;
	case HOST_MACH_MSG_TRAP: /* that the call succeeds is the answer */
	case HOST_SEMAPHORE_TRAPS:
		break;
	default:
		return KERN_INVALID_ARGUMENT;
	}
	info->words_old = info->words;
	return KERN_SUCCESS;
}

kern_return_t trap_host_info(struct trap_call *call, const struct host_info_in *args,
			     struct host_info_out *result)
{
	struct info info;
	kern_return_t kr = find_info(call->c_host, args->flavor, &info);

	if (kr != KERN_SUCCESS)
		return kr;
	if (args->count < info.words_old)
		return KERN_FAILURE;
	call->c_out_words = args->count < info.words ? info.words_old : info.words;
	memcpy(result->info, &info, call->c_out_words * sizeof *result->info);
	return KERN_SUCCESS;
}

kern_return_t trap_host_kernel_version(struct trap_call *call,
				       const struct host_kernel_version_in *args,
				       struct host_kernel_version_out *result)
{
	(void)args;
	_Static_assert(sizeof result->version == IPC_MACHINE_VERSION_SIZE, "one size");
	memcpy(result->version, call->c_host->h_machine.m_version, sizeof result->version);
	return KERN_SUCCESS;
}

kern_return_t trap_host_page_size(struct trap_call *call, const struct host_page_size_in *args,
				  struct host_page_size_out *result)
{
	(void)args;
	result->page_size = call->c_host->h_machine.m_page_size;
	return KERN_SUCCESS;
}

/* Is the target the privileged port, and the caller a task that has it as its host port? */
static bool acts_for_host(const struct trap_call *call)
{
	return call->c_port->ip_kind == IP_HOST_PRIV &&
	       ipc_task_privileged(call->c_host, call->c_caller);
}

kern_return_t trap_host_get_special_port(struct trap_call *call,
					 const struct host_get_special_port_in *args,
					 struct host_get_special_port_out *result)
{
	struct ipc_host *host = call->c_host;
	struct ipc_port *port;

	if (args->which <= HOST_SECURITY_PORT || args->which > HOST_MAX_SPECIAL_PORT ||
	    !acts_for_host(call))
		return KERN_INVALID_ARGUMENT;
	if (args->which == HOST_PORT)
		port = ipc_port_make_send(host->h_host_port);
	else if (args->which == HOST_PRIV_PORT)
		port = ipc_port_make_send(host->h_host_priv_port);
	else
		port = ipc_task_copy_kept(host->h_special[args->which]);
	return trap_copyout(call, port, MACH_MSG_TYPE_PORT_SEND, &result->port);
}

/* May this port be put there? The order of the errors is Mach's. */
static kern_return_t check_special(const struct trap_call *call, int32_t which,
				   const struct ipc_port *port)
{
	if (which <= HOST_MAX_SPECIAL_KERNEL_PORT || which > HOST_MAX_SPECIAL_PORT ||
	    call->c_port->ip_kind != IP_HOST_PRIV)
		return KERN_INVALID_ARGUMENT;
	if (!trap_keepable(call, port) || (IP_VALID(port) && ipc_port_immovable(port)))
		return KERN_INVALID_RIGHT;
	return acts_for_host(call) ? KERN_SUCCESS : KERN_NO_ACCESS;
}

kern_return_t trap_host_set_special_port(struct trap_call *call,
					 const struct host_set_special_port_in *args,
					 struct host_set_special_port_out *result)
{
	struct ipc_port *port, *old;
	kern_return_t kr = trap_copyin_body(call, args->port, MACH_MSG_TYPE_COPY_SEND, &port);

	(void)result;
	if (kr != KERN_SUCCESS)
		return kr;
	kr = check_special(call, args->which, port);
	if (kr == KERN_SUCCESS) {
		old = call->c_host->h_special[args->which];
		call->c_host->h_special[args->which] = port;
		port = old;
	}
	ipc_right_destroy_naked(call->c_host, port, MACH_MSG_TYPE_PORT_SEND);
	return kr;
}

kern_return_t trap_host_request_notification(struct trap_call *call,
					     const struct host_request_notification_in *args,
					     struct host_request_notification_out *result)
{
	struct ipc_port *notify;
	kern_return_t kr =
		trap_copyin_body(call, args->notify, MACH_MSG_TYPE_MAKE_SEND_ONCE, &notify);

	(void)result;
	if (kr != KERN_SUCCESS)
		return kr;
	if (!IP_VALID(notify))
		kr = KERN_INVALID_CAPABILITY;
	else if (args->type < 0 || args->type > HOST_NOTIFY_TYPE_MAX)
		kr = KERN_INVALID_ARGUMENT;
	else
		kr = ipc_host_notify(call->c_host, (uint32_t)args->type, notify);
	if (kr != KERN_SUCCESS)
		ipc_right_destroy_naked(call->c_host, notify, MACH_MSG_TYPE_PORT_SEND_ONCE);
	return kr;
}
