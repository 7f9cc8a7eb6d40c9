/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The clocks: time since the machine started, and the time of day. Both are the time of the request
 * being handled [24].
 */
#include <mach/clock_types.h>

#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_port.h"
#include "daemon/trap/trap_internal.h"

kern_return_t trap_host_get_clock_service(struct trap_call *call,
					  const struct host_get_clock_service_in *args,
					  struct host_get_clock_service_out *result)
{
	if (args->clock < SYSTEM_CLOCK || args->clock > CALENDAR_CLOCK)
		return KERN_INVALID_ARGUMENT;
	return trap_copyout(call, ipc_port_make_send(call->c_host->h_clocks[args->clock]),
			    MACH_MSG_TYPE_PORT_SEND, &result->clock);
}

kern_return_t trap_clock_get_time(struct trap_call *call, const struct clock_get_time_in *args,
				  struct clock_get_time_out *result)
{
	uint64_t time = call->c_host->h_now;

	(void)args;
	if (call->c_port == call->c_host->h_clocks[CALENDAR_CLOCK])
		time += call->c_host->h_calendar;
	result->sec = (uint32_t)(time / NSEC_PER_SEC);
	result->nsec = (int32_t)(time % NSEC_PER_SEC);
	return KERN_SUCCESS;
}

/* Both count nanoseconds, and neither has alarms: a timer (mk_timer) is one. */
kern_return_t trap_clock_get_attributes(struct trap_call *call,
					const struct clock_get_attributes_in *args,
					struct clock_get_attributes_out *result)
{
	if (args->count != 1)
		return KERN_FAILURE;
	switch (args->flavor) {
	case CLOCK_GET_TIME_RES:
		result->info[0] = 1;
		break;
	case CLOCK_ALARM_CURRES:
	case CLOCK_ALARM_MINRES:
	case CLOCK_ALARM_MAXRES:
		result->info[0] = 0;
		break;
	default:
		return KERN_INVALID_VALUE;
	}
	call->c_out_words = 1;
	return KERN_SUCCESS;
}
