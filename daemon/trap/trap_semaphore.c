/* SPDX-License-Identifier: Apache-2.0 */
/* The semaphore calls [22]. A call that has to wait is answered when the waiting ends. */
#include <mach/clock_types.h>
#include <mach/sync_policy.h>

#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_port.h"
#include "daemon/ipc/ipc_right.h"
#include "daemon/ipc/ipc_semaphore.h"
#include "daemon/ipc/ipc_task.h"
#include "daemon/trap/trap_internal.h"

static kern_return_t lookup(struct trap_call *call, mach_port_name_t name,
			    struct ipc_semaphore **semaphore)
{
	struct ipc_port *port;
	kern_return_t kr = trap_port(call, name, &port);

	if (kr != KERN_SUCCESS)
		return kr;
	*semaphore = port->ip_semaphore;
	return *semaphore ? KERN_SUCCESS : KERN_INVALID_CAPABILITY;
}

kern_return_t trap_semaphore_create(struct trap_call *call, const struct semaphore_create_in *args,
				    struct semaphore_create_out *result)
{
	const int32_t known = SYNC_POLICY_REVERSED | SYNC_POLICY_PREPOST;
	struct ipc_port *port;

	if ((args->policy & ~known) != 0 || args->value < 0)
		return KERN_INVALID_ARGUMENT;
	port = ipc_semaphore_create(call->c_host, call->c_task, args->value,
				    args->policy & SYNC_POLICY_REVERSED);
	if (!port)
		return KERN_RESOURCE_SHORTAGE;
	return trap_copyout(call, port, MACH_MSG_TYPE_PORT_SEND, &result->semaphore);
}

kern_return_t trap_semaphore_destroy(struct trap_call *call,
				     const struct semaphore_destroy_in *args,
				     struct semaphore_destroy_out *result)
{
	struct ipc_semaphore *semaphore;
	kern_return_t kr = lookup(call, args->semaphore, &semaphore);

	(void)result;
	if (kr != KERN_SUCCESS && call->c_rights)
		return KERN_INVALID_ARGUMENT; /* whatever it is that the message brought */
	/* To destroy what is not the task's own, or not any more, has no effect. */
	if (kr == KERN_SUCCESS && semaphore->sm_owner == call->c_task->t_id)
		ipc_semaphore_end(call->c_host, semaphore);
	return kr;
}

kern_return_t trap_semaphore_signal(struct trap_call *call, const struct semaphore_signal_in *args,
				    struct semaphore_signal_out *result)
{
	struct ipc_semaphore *semaphore;
	kern_return_t kr = lookup(call, args->semaphore, &semaphore);

	(void)result;
	return kr == KERN_SUCCESS ? ipc_semaphore_signal(call->c_host, semaphore) : kr;
}

kern_return_t trap_semaphore_signal_all(struct trap_call *call,
					const struct semaphore_signal_all_in *args,
					struct semaphore_signal_all_out *result)
{
	struct ipc_semaphore *semaphore;
	kern_return_t kr = lookup(call, args->semaphore, &semaphore);

	(void)result;
	return kr == KERN_SUCCESS ? ipc_semaphore_signal_all(call->c_host, semaphore) : kr;
}

kern_return_t trap_semaphore_signal_thread(struct trap_call *call,
					   const struct semaphore_signal_thread_in *args,
					   struct semaphore_signal_thread_out *result)
{
	struct ipc_thread *thread = trap_thread(call, args->thread);
	struct ipc_semaphore *semaphore;
	kern_return_t kr;

	(void)result;
	if (args->thread != MACH_PORT_NULL && !thread)
		return KERN_INVALID_ARGUMENT;
	kr = lookup(call, args->semaphore, &semaphore);
	return kr == KERN_SUCCESS ? ipc_semaphore_signal_thread(call->c_host, semaphore, thread)
				  : kr;
}

/* Signal one semaphore, unless there is none to signal, and wait for another. */
static kern_return_t wait_signal(struct trap_call *call, mach_port_name_t wait, bool signals,
				 mach_port_name_t signal, bool timed, uint64_t timeout)
{
	struct ipc_semaphore *waited, *signalled;
	kern_return_t kr = KERN_SUCCESS;

	if (signals)
		kr = lookup(call, signal, &signalled);
	if (kr == KERN_SUCCESS)
		kr = lookup(call, wait, &waited);
	if (kr == KERN_SUCCESS && signals && !signalled->sm_owner)
		kr = KERN_TERMINATED;
	if (kr != KERN_SUCCESS)
		return kr;
	/* The thread waits by the time it signals, which may end its own wait. */
	kr = ipc_semaphore_wait(call->c_host, waited, call->c_thread, timed, timeout);
	if (signals)
		ipc_semaphore_signal(call->c_host, signalled);
	return kr;
}

kern_return_t trap_semaphore_wait(struct trap_call *call, const struct semaphore_wait_in *args,
				  struct semaphore_wait_out *result)
{
	(void)result;
	return wait_signal(call, args->wait, false, MACH_PORT_NULL, false, 0);
}

kern_return_t trap_semaphore_wait_signal(struct trap_call *call,
					 const struct semaphore_wait_signal_in *args,
					 struct semaphore_wait_signal_out *result)
{
	(void)result;
	return wait_signal(call, args->wait, true, args->signal, false, 0);
}

static bool time_good(int32_t nsec)
{
	return nsec >= 0 && (uint32_t)nsec < NSEC_PER_SEC;
}

static uint64_t nanoseconds(uint32_t sec, int32_t nsec)
{
	return (uint64_t)sec * NSEC_PER_SEC + (uint64_t)nsec;
}

kern_return_t trap_semaphore_timedwait(struct trap_call *call,
				       const struct semaphore_timedwait_in *args,
				       struct semaphore_timedwait_out *result)
{
	(void)result;
	if (!time_good(args->nsec))
		return KERN_INVALID_VALUE;
	return wait_signal(call, args->wait, false, MACH_PORT_NULL, true,
			   nanoseconds(args->sec, args->nsec));
}

kern_return_t trap_semaphore_timedwait_signal(struct trap_call *call,
					      const struct semaphore_timedwait_signal_in *args,
					      struct semaphore_timedwait_signal_out *result)
{
	(void)result;
	if (!time_good(args->nsec))
		return KERN_INVALID_VALUE;
	return wait_signal(call, args->wait, true, args->signal, true,
			   nanoseconds(args->sec, args->nsec));
}
