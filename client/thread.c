/* SPDX-License-Identifier: Apache-2.0 */
/* A thread's own port. The daemon makes it when it is first asked for. */
#include <mach/mach_init.h>
#include <mach/mach_port.h>
#include <mach/task.h>
#include <mach/vm_page_size.h>

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

/* A pthread_t: public headers do without <pthread.h>. */
_Static_assert(__builtin_types_compatible_p(pthread_t, unsigned long), "as declared");

mach_port_t pthread_mach_thread_np(unsigned long thread)
{
	struct machd_thread_port_in in;
	struct machd_thread_port_out out;
	mach_port_t name = MACH_PORT_NULL;

	if (pthread_equal(thread, pthread_self())) {
		if (mi_thread_find(thread, &name, &in.thread) && name != MACH_PORT_NULL)
			return name;
		name = mach_thread_self();
	} else {
		if (!mi_thread_connect(thread) || !mi_thread_find(thread, &name, &in.thread) ||
		    name != MACH_PORT_NULL)
			return name;
		if (MI_CALL(machd_thread_port, mach_task_self(), &in, &out) == KERN_SUCCESS)
			name = out.port;
	}
	if (name != MACH_PORT_NULL && !mi_thread_keep(thread, name)) /* somebody was faster */
		mach_port_deallocate(mach_task_self(), name);
	return name;
}

kern_return_t task_threads(task_t target_task, thread_act_array_t *act_list,
			   mach_msg_type_number_t *act_listCnt)
{
	const size_t room = round_page(MACHD_FRAME_SIZE_MAX);
	char *threads = mi_pages(room);
	struct mi_call call = {
		.routine = MACHD_ROUTINE_task_threads,
		.target = target_task,
		.out_array = threads,
		.out_array_size = MACHD_FRAME_SIZE_MAX,
	};
	kern_return_t code = threads ? mi_call(&call) : KERN_RESOURCE_SHORTAGE;
	size_t used = code == KERN_SUCCESS ? round_page(call.out_array_size) : 0;

	if (threads && used < room)
		mi_pages_free(threads + used, room - used);
	if (code == KERN_SUCCESS) {
		*act_list = (thread_act_array_t)(void *)threads;
		*act_listCnt = (mach_msg_type_number_t)(call.out_array_size / sizeof **act_list);
	}
	return code;
}

void mi_thread_exit(struct mi_channel *channel)
{
	struct machd_thread_end_in in;

	if (!channel->thread_port || channel->generation != mi_generation())
		return;
	MI_CALL(machd_thread_end, mach_task_self(), &in, NULL);
	if (channel->thread_name != MACH_PORT_NULL)
		mach_port_deallocate(mach_task_self(), channel->thread_name);
}
