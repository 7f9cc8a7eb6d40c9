/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The older forms of mach_port_allocate, with wishes in a mach_port_qos_t, and calls that do
 * nothing any more.
 */
#include <mach/mach_init.h>
#include <mach/mach_port.h>
#include <mach/mig_errors.h>
#include <string.h>

#include "client/mi.h"

_Static_assert(sizeof(mach_port_qos_t) == 2 * sizeof(uint32_t), "it travels as two words");

kern_return_t mach_port_allocate_full(ipc_space_t task, mach_port_right_t right, mach_port_t proto,
				      mach_port_qos_t *qos, mach_port_name_t *name)
{
	uint32_t words[2];
	struct mach_port_allocate_full_in in = {.right = right, .proto = proto, .name = *name};
	struct mach_port_allocate_full_out out;
	kern_return_t code;

	memcpy(words, qos, sizeof words);
	in.qos = words[0];
	in.length = words[1];
	code = MI_CALL(mach_port_allocate_full, task, &in, &out);
	if (code == KERN_SUCCESS) {
		memcpy(qos, (uint32_t[]){out.qos, out.length}, sizeof *qos);
		*name = out.name;
	}
	return code;
}

kern_return_t mach_port_allocate_qos(ipc_space_t task, mach_port_right_t right,
				     mach_port_qos_t *qos, mach_port_name_t *name)
{
	uint32_t words[2];
	struct mach_port_allocate_qos_in in = {.right = right};
	struct mach_port_allocate_qos_out out;
	kern_return_t code;

	memcpy(words, qos, sizeof words);
	in.qos = words[0];
	in.length = words[1];
	code = MI_CALL(mach_port_allocate_qos, task, &in, &out);
	if (code == KERN_SUCCESS) {
		memcpy(qos, (uint32_t[]){out.qos, out.length}, sizeof *qos);
		*name = out.name;
	}
	return code;
}

/* Names cannot be changed any more: what any task answers to an id that it does not know. */
kern_return_t mach_port_rename(ipc_space_t task, mach_port_name_t old_name,
			       mach_port_name_t new_name)
{
	mach_port_type_t type;
	kern_return_t reached = mach_port_type(task, MACH_PORT_DEAD, &type);

	(void)old_name;
	(void)new_name;
	return reached == KERN_SUCCESS ? MIG_BAD_ID : reached;
}

kern_return_t task_set_port_space(ipc_space_t task, int table_entries)
{
	struct task_set_port_space_in in = {.table_entries = table_entries};

	return MI_CALL(task_set_port_space, task, &in, NULL);
}
