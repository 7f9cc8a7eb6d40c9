/* SPDX-License-Identifier: Apache-2.0 */
/* Special ports of a task, the host's port among them. */
#include <mach/mach_init.h>
#include <mach/task.h>

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

	return MI_CALL(task_set_special_port, task, &in, NULL);
}

mach_port_t mach_host_self(void)
{
	mach_port_t host;

	if (task_get_special_port(mach_task_self(), TASK_HOST_PORT, &host) != KERN_SUCCESS)
		return MACH_PORT_NULL;
	return host;
}
