/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copyin of the body: descriptor by descriptor, each checked and then taken. If one is refused, the
 * message is destroyed with what was taken before, and the sender keeps the rest; Mach does the
 * same, and senders can observe it [8.9, 10.1].
 */
#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_kmsg.h"
#include "daemon/ipc/ipc_port.h"
#include "daemon/ipc/ipc_right.h"
#include "daemon/ipc/kmsg_layout.h"
#include "protocol/frame.h"

/* A message that no task will receive may carry immovable rights [4.1]. */
static enum ipc_right_use body_use(const struct ipc_kmsg *kmsg)
{
	const struct ipc_port *dest = kmsg->ikm_header.ikm_dest;

	return ipc_port_active(dest) && dest->ip_place != IP_IN_DAEMON ? RIGHT_FOR_BODY
								       : RIGHT_FOR_DAEMON;
}

/* One name becomes a naked right. False: it is refused and untouched. */
static bool copyin_right(struct ipc_host *host, struct ipc_space *space, struct ipc_kmsg *kmsg,
			 union ikm_right *right, uint32_t disposition)
{
	mach_port_name_t name = right->r_name;
	struct ipc_entry *entry;

	if (!MACH_PORT_VALID(name)) {
		right->r_port = name == MACH_PORT_DEAD ? IP_DEAD : IP_NULL;
		return true;
	}
	entry = ipc_right_lookup(host, space, name);
	if (!ipc_right_copyin_check(space, entry, disposition, body_use(kmsg))) {
		ipc_right_guard(host, space, name, disposition, body_use(kmsg));
		if (entry) /* a name that does not exist raises no guard exception */
			ipc_guard_raise(host, host->h_current, kGUARD_EXC_SEND_INVALID_RIGHT, name,
					0);
		return false;
	}
	right->r_port = ipc_right_copyin(host, space, entry, disposition);
	if (IP_VALID(right->r_port) &&
	    ipc_right_move(disposition)->given == MACH_MSG_TYPE_PORT_RECEIVE &&
	    !ipc_port_set_destination(host, right->r_port, kmsg->ikm_header.ikm_dest))
		kmsg->ikm_circular = true;
	return true;
}

/* Does the descriptor's guard match the port's, or allow that it has none? */
static bool guard_fits(const struct ipc_entry *entry, const struct ikm_descriptor *desc)
{
	const struct ipc_port *port;

	if (!entry || !(entry->ie_type & MACH_PORT_TYPE_RECEIVE))
		return false;
	port = entry->ie_port;
	if (port->ip_guarded)
		return port->ip_context == desc->d_context;
	return (desc->d_flags & MACH_MSG_GUARD_FLAGS_UNGUARDED_ON_SEND) && desc->d_context == 0;
}

/* It does not: raise the guard exception, for an immovable right rather than for the guard. */
static void guard_unfit(struct ipc_host *host, struct ipc_space *space,
			const struct ipc_entry *entry, mach_port_name_t name)
{
	ipc_right_guard(host, space, name, MACH_MSG_TYPE_MOVE_RECEIVE, RIGHT_FOR_BODY);
	if (entry && (entry->ie_type & MACH_PORT_TYPE_RECEIVE))
		ipc_guard_raise(host, host->h_current, kGUARD_EXC_INCORRECT_GUARD, name,
				entry->ie_port->ip_context);
	else if (entry)
		ipc_guard_raise(host, host->h_current, kGUARD_EXC_SEND_INVALID_RIGHT, name, 0);
}

static bool copyin_guarded(struct ipc_host *host, struct ipc_space *space, struct ipc_kmsg *kmsg,
			   struct ikm_descriptor *desc)
{
	union ikm_right *right = &kmsg->ikm_rights[desc->d_first];
	const struct ipc_entry *entry = NULL;

	if (MACH_PORT_VALID(right->r_name)) {
		entry = ipc_right_lookup(host, space, right->r_name);
		if (!guard_fits(entry, desc)) {
			guard_unfit(host, space, entry, right->r_name);
			return false;
		}
		desc->d_flags |= MACH_MSG_GUARD_FLAGS_UNGUARDED_ON_SEND;
	}
	/* The guard does not travel: copyout sets the receiver's. */
	desc->d_context = 0;
	return copyin_right(host, space, kmsg, right, desc->d_disposition);
}

/* All rights of a port descriptor or an array. On failure d_count says how many were taken. */
static mach_msg_return_t copyin_rights(struct ipc_host *host, struct ipc_space *space,
				       struct ipc_kmsg *kmsg, struct ikm_descriptor *desc)
{
	const struct ipc_right_move *move = ipc_right_move(desc->d_disposition);
	bool good = true;
	uint32_t i = 0;

	if (desc->d_type == MACH_MSG_GUARDED_PORT_DESCRIPTOR)
		good = copyin_guarded(host, space, kmsg, desc);
	else
		while (good && i < desc->d_count) {
			good = copyin_right(host, space, kmsg, &kmsg->ikm_rights[desc->d_first + i],
					    desc->d_disposition);
			i += good;
		}
	desc->d_disposition = move ? move->given : 0;
	if (good)
		return MACH_MSG_SUCCESS;
	desc->d_count = i;
	return MACH_SEND_INVALID_RIGHT;
}

static mach_msg_return_t copyin_descriptor(struct ipc_host *host, struct ipc_space *space,
					   struct ipc_kmsg *kmsg, struct ikm_descriptor *desc,
					   uint32_t *memory_taken)
{
	if (desc->d_source == MACHD_MEMORY_UNREADABLE) {
		desc->d_count = 0;
		return MACH_SEND_INVALID_MEMORY;
	}
	*memory_taken += layout_is_memory(desc->d_type);
	if (desc->d_type == MACH_MSG_OOL_DESCRIPTOR ||
	    desc->d_type == MACH_MSG_OOL_VOLATILE_DESCRIPTOR)
		return MACH_MSG_SUCCESS;
	return copyin_rights(host, space, kmsg, desc);
}

mach_msg_return_t ipc_kmsg_copyin_body(struct ipc_host *host, struct ipc_space *space,
				       struct ipc_kmsg *kmsg, uint32_t *memory_taken)
{
	for (uint32_t i = 0; i < kmsg->ikm_header.ikm_descriptors; i++) {
		mach_msg_return_t code =
			copyin_descriptor(host, space, kmsg, &kmsg->ikm_desc[i], memory_taken);

		if (code != MACH_MSG_SUCCESS) {
			ipc_kmsg_clean_refused(host, kmsg, i);
			return code;
		}
	}
	return MACH_MSG_SUCCESS;
}
