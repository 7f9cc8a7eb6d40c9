/* SPDX-License-Identifier: Apache-2.0 */
/* Special ports of a task, the host's port among them, and the ports registered with it. */
#include <mach/mach_init.h>
#include <mach/task.h>
#include <mach/vm_page_size.h>

#include "client/mi.h"

kern_return_t task_get_special_port(task_t task, int which_port, mach_port_t *special_port)
{
	struct task_get_special_port_in in = {.which = which_port};
	struct task_get_special_port_out out;
	kern_return_t code = MI_CALL(task_get_special_port, task, &in, &out);

	if (code == KERN_SUCCESS)
		*special_port = out.port;
	return code;
}

kern_return_t task_set_special_port(task_t task, int which_port, mach_port_t special_port)
{
	struct task_set_special_port_in in = {.which = which_port, .port = special_port};
	kern_return_t code = MI_CALL(task_set_special_port, task, &in, NULL);

	if (code == KERN_SUCCESS && task == mach_task_self())
		mi_set_estate();
	return code;
}

kern_return_t task_get_exc_guard_behavior(task_t task, task_exc_guard_behavior_t *behavior)
{
	struct task_get_exc_guard_behavior_in in;
	struct task_get_exc_guard_behavior_out out;
	kern_return_t code = MI_CALL(task_get_exc_guard_behavior, task, &in, &out);

	if (code == KERN_SUCCESS)
		*behavior = out.behavior;
	return code;
}

kern_return_t task_set_exc_guard_behavior(task_t task, task_exc_guard_behavior_t behavior)
{
	struct task_set_exc_guard_behavior_in in = {.behavior = behavior};

	return MI_CALL(task_set_exc_guard_behavior, task, &in, NULL);
}

mach_port_t mach_host_self(void)
{
	mach_port_t host;

	if (task_get_special_port(mach_task_self(), TASK_HOST_PORT, &host) != KERN_SUCCESS)
		return MACH_PORT_NULL;
	return host;
}

kern_return_t mach_ports_register(task_t target_task, mach_port_array_t init_port_set,
				  mach_msg_type_number_t init_port_setCnt)
{
	struct mach_ports_register_in in;
	struct mi_call call = {
		.routine = MACHD_ROUTINE_mach_ports_register,
		.target = target_task,
		.in = &in,
		.in_size = sizeof in,
		.in_array = init_port_set,
		.in_array_size = init_port_setCnt * sizeof *init_port_set,
	};

	kern_return_t code;

	if (init_port_setCnt > TASK_PORT_REGISTER_MAX)
		return KERN_INVALID_ARGUMENT;
	code = mi_call(&call);
	if (code == KERN_SUCCESS && target_task == mach_task_self())
		mi_set_estate();
	return code;
}

kern_return_t mach_ports_lookup(task_t target_task, mach_port_array_t *init_port_set,
				mach_msg_type_number_t *init_port_setCnt)
{
	struct mach_ports_lookup_in in;
	struct mach_ports_lookup_out out;
	mach_port_t *ports = mi_pages(vm_page_size);
	struct mi_call call = {
		.routine = MACHD_ROUTINE_mach_ports_lookup,
		.target = target_task,
		.in = &in,
		.in_size = sizeof in,
		.out = &out,
		.out_size = sizeof out,
		.out_array = ports,
		.out_array_size = TASK_PORT_REGISTER_MAX * sizeof *ports,
	};
	kern_return_t code = ports ? mi_call(&call) : KERN_RESOURCE_SHORTAGE;

	if (code != KERN_SUCCESS) {
		if (ports)
			mi_pages_free(ports, vm_page_size);
		return code;
	}
	*init_port_set = ports;
	*init_port_setCnt = TASK_PORT_REGISTER_MAX;
	return KERN_SUCCESS;
}
