/* SPDX-License-Identifier: Apache-2.0 */
/* host_* and clock_*: what machine this is, its clocks, the ports it keeps for everybody. */
#include <mach/clock.h>
#include <mach/host_priv.h>
#include <mach/mach_host.h>
#include <string.h>

#include "client/mi.h"

kern_return_t host_info(host_t host, host_flavor_t flavor, host_info_t host_info_out,
			mach_msg_type_number_t *host_info_outCnt)
{
	struct host_info_in in = {.flavor = flavor, .count = *host_info_outCnt};
	struct mi_call call = {
		.routine = MACHD_ROUTINE_host_info,
		.target = host,
		.in = &in,
		.in_size = sizeof in,
		.out_array = host_info_out,
		.out_array_size = in.count * sizeof *host_info_out,
	};
	kern_return_t code = mi_call(&call);

	if (code == KERN_SUCCESS)
		*host_info_outCnt =
			(mach_msg_type_number_t)(call.out_array_size / sizeof *host_info_out);
	return code;
}

kern_return_t host_kernel_version(host_t host, kernel_version_t kernel_version)
{
	struct host_kernel_version_in in;
	struct host_kernel_version_out out;
	kern_return_t code = MI_CALL(host_kernel_version, host, &in, &out);

	if (code == KERN_SUCCESS)
		memcpy(kernel_version, out.version, sizeof out.version);
	return code;
}

kern_return_t host_get_clock_service(host_t host, clock_id_t clock_id, clock_serv_t *clock_serv)
{
	struct host_get_clock_service_in in = {.clock = clock_id};
	struct host_get_clock_service_out out;
	kern_return_t code = MI_CALL(host_get_clock_service, host, &in, &out);

	if (code == KERN_SUCCESS)
		*clock_serv = out.clock;
	return code;
}

kern_return_t host_request_notification(host_t host, host_flavor_t notify_type,
					mach_port_t notify_port)
{
	struct host_request_notification_in in = {.type = notify_type, .notify = notify_port};

	return MI_CALL(host_request_notification, host, &in, NULL);
}

kern_return_t host_get_special_port(host_priv_t host_priv, int node, int which, mach_port_t *port)
{
	struct host_get_special_port_in in = {.node = node, .which = which};
	struct host_get_special_port_out out;
	kern_return_t code = MI_CALL(host_get_special_port, host_priv, &in, &out);

	if (code == KERN_SUCCESS)
		*port = out.port;
	return code;
}

kern_return_t host_set_special_port(host_priv_t host_priv, int which, mach_port_t port)
{
	struct host_set_special_port_in in = {.which = which, .port = port};

	return MI_CALL(host_set_special_port, host_priv, &in, NULL);
}

kern_return_t clock_get_time(clock_serv_t clock_serv, mach_timespec_t *cur_time)
{
	struct clock_get_time_in in;
	struct clock_get_time_out out;
	kern_return_t code = MI_CALL(clock_get_time, clock_serv, &in, &out);

	if (code == KERN_SUCCESS)
		*cur_time = (mach_timespec_t){.tv_sec = out.sec, .tv_nsec = out.nsec};
	return code;
}

kern_return_t clock_get_attributes(clock_serv_t clock_serv, clock_flavor_t flavor,
				   clock_attr_t clock_attr, mach_msg_type_number_t *clock_attrCnt)
{
	struct clock_get_attributes_in in = {.flavor = flavor, .count = *clock_attrCnt};
	struct mi_call call = {
		.routine = MACHD_ROUTINE_clock_get_attributes,
		.target = clock_serv,
		.in = &in,
		.in_size = sizeof in,
		.out_array = clock_attr,
		.out_array_size = in.count * sizeof *clock_attr,
	};

	return mi_call(&call);
}
