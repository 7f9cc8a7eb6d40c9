/* SPDX-License-Identifier: Apache-2.0 */
/* mk_timer_*: the daemon's clock and mach_absolute_time() are the same. */
#include <mach/mach_init.h>
#include <mach/mk_timer.h>

#include "client/mi.h"

mach_port_name_t mk_timer_create(void)
{
	struct mk_timer_create_in in = {};
	struct mk_timer_create_out out;

	return MI_CALL(mk_timer_create, mach_task_self(), &in, &out) == KERN_SUCCESS
		       ? out.name
		       : MACH_PORT_NULL;
}

kern_return_t mk_timer_destroy(mach_port_name_t name)
{
	struct mk_timer_destroy_in in = {.name = name};

	return MI_CALL(mk_timer_destroy, mach_task_self(), &in, NULL);
}

kern_return_t mk_timer_arm(mach_port_name_t name, uint64_t expire_time)
{
	struct mk_timer_arm_in in = {.name = name, .deadline = expire_time};

	return MI_CALL(mk_timer_arm, mach_task_self(), &in, NULL);
}

kern_return_t mk_timer_arm_leeway(mach_port_name_t name, uint64_t mk_timer_flags,
				  uint64_t mk_timer_expire_time, uint64_t mk_timer_leeway)
{
	(void)mk_timer_flags;
	(void)mk_timer_leeway; /* it may fire later; it need not */
	return mk_timer_arm(name, mk_timer_expire_time);
}

kern_return_t mk_timer_cancel(mach_port_name_t name, uint64_t *result_time)
{
	struct mk_timer_cancel_in in = {.name = name};
	struct mk_timer_cancel_out out;
	kern_return_t code = MI_CALL(mk_timer_cancel, mach_task_self(), &in, &out);

	if (code == KERN_SUCCESS && result_time &&
	    !mi_store(result_time, &out.deadline, sizeof out.deadline))
		return KERN_FAILURE;
	return code;
}
