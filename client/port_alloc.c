/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mach_port_* calls that need no routine of their own: they are made of other calls, or do nothing
 * any more.
 */
#include <mach/mach_init.h>
#include <mach/mach_port.h>
#include <mach/mig_errors.h>

#include "protocol/limits.h"

/* A code that does not depend on the task, unless there is no such task. */
static kern_return_t answer(ipc_space_t task, kern_return_t code)
{
	mach_port_type_t type;
	kern_return_t reached = mach_port_type(task, MACH_PORT_DEAD, &type);

	return reached == KERN_SUCCESS ? code : reached;
}

kern_return_t mach_port_allocate_full(ipc_space_t task, mach_port_right_t right, mach_port_t proto,
				      mach_port_qos_t *qos, mach_port_name_t *name)
{
	if (proto != MACH_PORT_NULL)
		return answer(task, KERN_INVALID_VALUE);
	if (qos->name && !MACH_PORT_VALID(*name))
		return answer(task, KERN_INVALID_VALUE);
	/* There is nothing to reserve: machd makes room for a message when it is sent. */
	if (qos->prealloc && qos->len > MACHD_MESSAGE_SIZE_MAX)
		return answer(task, KERN_RESOURCE_SHORTAGE);
	if (qos->prealloc && right != MACH_PORT_RIGHT_RECEIVE)
		return answer(task, KERN_INVALID_VALUE);
	return qos->name ? mach_port_allocate_name(task, right, *name)
			 : mach_port_allocate(task, right, name);
}

kern_return_t mach_port_allocate_qos(ipc_space_t task, mach_port_right_t right,
				     mach_port_qos_t *qos, mach_port_name_t *name)
{
	if (qos->name)
		return answer(task, KERN_INVALID_ARGUMENT);
	return mach_port_allocate_full(task, right, MACH_PORT_NULL, qos, name);
}

kern_return_t mach_port_rename(ipc_space_t task, mach_port_name_t old_name,
			       mach_port_name_t new_name)
{
	(void)old_name;
	(void)new_name;
	return answer(task, MIG_BAD_ID);
}

kern_return_t task_set_port_space(ipc_space_t task, int table_entries)
{
	(void)table_entries;
	return answer(task, KERN_SUCCESS);
}
