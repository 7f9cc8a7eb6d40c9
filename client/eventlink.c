/* SPDX-License-Identifier: Apache-2.0 */
/* mach_eventlink_*: a wait is answered by the daemon when it ends, with the count in any case. */
#include <mach/mach_eventlink.h>
#include <mach/mach_init.h>
#include <mach/mach_port.h>

#include "client/mi.h"

kern_return_t mach_eventlink_create(task_t task, mach_eventlink_create_option_t option,
				    eventlink_port_pair_t eventlink_pair)
{
	struct mach_eventlink_create_in in = {.option = option};
	struct mach_eventlink_create_out out;
	kern_return_t code = MI_CALL(mach_eventlink_create, task, &in, &out);

	if (code == KERN_SUCCESS) {
		eventlink_pair[0] = out.first;
		eventlink_pair[1] = out.second;
	}
	return code;
}

kern_return_t mach_eventlink_destroy(mach_port_t eventlink)
{
	struct mach_eventlink_destroy_in in;
	kern_return_t code = MI_CALL(mach_eventlink_destroy, eventlink, &in, NULL);

	/* As a message the call would have taken the right. */
	return code == KERN_SUCCESS ? mach_port_deallocate(mach_task_self(), eventlink) : code;
}

kern_return_t mach_eventlink_associate(mach_port_t eventlink, thread_t thread,
				       mach_vm_address_t copyin_addr_wait,
				       uint64_t copyin_mask_wait,
				       mach_vm_address_t copyin_addr_signal,
				       uint64_t copyin_mask_signal,
				       mach_eventlink_associate_option_t option)
{
	struct mach_eventlink_associate_in in = {.thread = thread,
						 .wait_address = copyin_addr_wait,
						 .wait_mask = copyin_mask_wait,
						 .signal_address = copyin_addr_signal,
						 .signal_mask = copyin_mask_signal,
						 .option = option};

	return MI_CALL(mach_eventlink_associate, eventlink, &in, NULL);
}

kern_return_t mach_eventlink_disassociate(mach_port_t eventlink,
					  mach_eventlink_disassociate_option_t option)
{
	struct mach_eventlink_disassociate_in in = {.option = option};

	return MI_CALL(mach_eventlink_disassociate, eventlink, &in, NULL);
}

kern_return_t mach_eventlink_signal(mach_port_t eventlink_port, uint64_t signal_count)
{
	struct mach_eventlink_signal_in in = {.port = eventlink_port, .signal_count = signal_count};

	return MI_CALL(mach_eventlink_signal, mach_task_self(), &in, NULL);
}

/* A call that waits; the count is told whatever the code is. */
static kern_return_t wait(enum machd_routine routine, const void *in, size_t in_size,
			  uint64_t *count)
{
	struct mach_eventlink_wait_until_out out;
	struct mi_call call = {
		.routine = routine,
		.target = mach_task_self(),
		.in = in,
		.in_size = in_size,
		.out = &out,
		.out_size = sizeof out,
		.waits = true,
	};
	kern_return_t code = mi_call(&call);

	if (code != KERN_SUCCESS)
		return code;
	*count = out.count;
	return out.code;
}

kern_return_t mach_eventlink_wait_until(mach_port_t eventlink_port, uint64_t *count_ptr,
					mach_eventlink_signal_wait_option_t option,
					kern_clock_id_t clock_id, uint64_t deadline)
{
	struct mach_eventlink_wait_until_in in = {.port = eventlink_port,
						  .count = *count_ptr,
						  .option = option,
						  .clock = clock_id,
						  .deadline = deadline};

	return wait(MACHD_ROUTINE_mach_eventlink_wait_until, &in, sizeof in, count_ptr);
}

kern_return_t mach_eventlink_signal_wait_until(mach_port_t eventlink_port, uint64_t *count_ptr,
					       uint64_t signal_count,
					       mach_eventlink_signal_wait_option_t option,
					       kern_clock_id_t clock_id, uint64_t deadline)
{
	struct mach_eventlink_signal_wait_until_in in = {.port = eventlink_port,
							 .count = *count_ptr,
							 .signal_count = signal_count,
							 .option = option,
							 .clock = clock_id,
							 .deadline = deadline};

	return wait(MACHD_ROUTINE_mach_eventlink_signal_wait_until, &in, sizeof in, count_ptr);
}
