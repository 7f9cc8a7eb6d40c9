/* SPDX-License-Identifier: Apache-2.0 */
/* A thread's own port. The daemon makes it when it is first asked for. */
#include <mach/mach_init.h>

#include "client/mi.h"

mach_port_t mach_thread_self(void)
{
	struct mach_thread_self_in in;
	struct mach_thread_self_out out;
	struct mi_channel *channel;

	if (MI_CALL(mach_thread_self, mach_task_self(), &in, &out) != KERN_SUCCESS)
		return MACH_PORT_NULL;
	channel = mi_thread_channel();
	channel->thread_port = true;
	return out.thread;
}

void mi_thread_exit(struct mi_channel *channel)
{
	struct machd_thread_end_in in;

	if (channel->thread_port && channel->generation == mi_generation())
		MI_CALL(machd_thread_end, mach_task_self(), &in, NULL);
}
