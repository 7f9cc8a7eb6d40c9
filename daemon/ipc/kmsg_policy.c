/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a destination takes at all, looked at when the header's rights are in and those of the body
 * are not: on a refusal the sender loses the former and keeps the latter [8.8, 10.1].
 */
#include "daemon/ipc/ipc_guard.h"
#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_kmsg.h"
#include "daemon/ipc/ipc_label.h"
#include "daemon/ipc/ipc_port.h"
#include "daemon/ipc/ipc_task.h"
#include "daemon/ipc/kmsg_layout.h"

/*
 * mach_msg2's control-flow bits must match the kind of destination. The bootstrap port is a task's
 * on macOS, and the daemon's here: both kinds match.
 */
static bool flow_good(const struct ipc_port *dest, uint64_t option)
{
	bool kobject = dest->ip_place == IP_IN_DAEMON;

	if (option & MACH64_SEND_ANY)
		return true;
	if (option & MACH64_SEND_MQ_CALL)
		return !kobject || dest->ip_kind == IP_BOOTSTRAP;
	return kobject && (option & MACH64_SEND_KOBJECT_CALL) && (option & MACH_RCV_MSG);
}

/* Has it port descriptors (of NULL and DEAD, too), or arrays of ports that are not empty? */
static bool has_ports(const struct ipc_kmsg *kmsg)
{
	for (uint32_t i = 0; i < kmsg->ikm_header.ikm_descriptors; i++) {
		const struct ikm_descriptor *desc = &kmsg->ikm_desc[i];

		if (layout_is_port(desc->d_type) ||
		    (desc->d_type == MACH_MSG_OOL_PORTS_DESCRIPTOR && desc->d_count > 0))
			return true;
	}
	return false;
}

/* In ids of messages to a bootstrap server the highest byte selects the subsystem, and is not 0. */
#define ID_MASK 0x00ffffffu

/* Message filters [16.4]: by the port's service and the message's id. */
static bool filter_allows(const struct ipc_host *host, const struct ipc_port *dest, uint32_t id)
{
	const struct ipc_label *label = dest->ip_label;
	const char *service = label ? label->l_info.mspi_string_name : NULL;

	if (label && dest->ip_service_port &&
	    label->l_info.mspi_domain_type == IPC_LABEL_BOOTSTRAP) {
		if ((id & ~ID_MASK) == 0)
			return false;
		id &= ID_MASK;
	}
	return ipc_policy_allows(&host->h_policy, service, id);
}

mach_msg_return_t ipc_kmsg_check_policy(struct ipc_host *host, struct ipc_thread *thread,
					const struct ipc_kmsg *kmsg)
{
	const struct ipc_port *dest = kmsg->ikm_header.ikm_dest;
	uint64_t option = thread->th_args.a_option;
	mach_port_name_t name = kmsg->ikm_dest_name;

	if (!flow_good(dest, option)) {
		ipc_guard_raise(host, thread, kGUARD_EXC_INVALID_OPTIONS, name, 0);
		return MACH_SEND_INVALID_OPTIONS;
	}
	/* Also if the port is dead. */
	if (dest->ip_no_grant && has_ports(kmsg))
		return MACH_SEND_NO_GRANT_DEST;
	if (!ipc_port_active(dest))
		return MACH_MSG_SUCCESS;
	if (!thread->th_task->t_filtered || !dest->ip_filtered ||
	    filter_allows(host, dest, kmsg->ikm_header.ikm_msgh_id))
		return MACH_MSG_SUCCESS;
	if (!(option & MACH_SEND_FILTER_NONFATAL))
		ipc_guard_raise(host, thread, kGUARD_EXC_MSG_FILTERED, name, 0);
	return MACH_SEND_MSG_FILTERED;
}
