/* SPDX-License-Identifier: Apache-2.0 */
/* mach_msg_destroy: releases all rights and memory that a message carries. */
#include <mach/mach.h>
#include <mach/message.h>
#include <stddef.h>

#include "client/mi.h"

void mi_destroy_port(mach_port_t port, mach_msg_type_name_t type)
{
	mach_msg_type_name_t made_type;
	mach_port_t made;

	if (!MACH_PORT_VALID(port))
		return;
	switch (type) {
	case MACH_MSG_TYPE_MOVE_RECEIVE:
		mach_port_mod_refs(mach_task_self(), port, MACH_PORT_RIGHT_RECEIVE, -1);
		break;
	case MACH_MSG_TYPE_MOVE_SEND:
	case MACH_MSG_TYPE_MOVE_SEND_ONCE:
		mach_port_deallocate(mach_task_self(), port);
		break;
	case MACH_MSG_TYPE_MAKE_SEND:
		/* Who waits for no-senders may be waiting for this very right. */
		if (mach_port_insert_right(mach_task_self(), port, port, MACH_MSG_TYPE_MAKE_SEND) ==
		    KERN_SUCCESS)
			mach_port_deallocate(mach_task_self(), port);
		break;
	case MACH_MSG_TYPE_MAKE_SEND_ONCE:
		if (mach_port_extract_right(mach_task_self(), port, MACH_MSG_TYPE_MAKE_SEND_ONCE,
					    &made, &made_type) == KERN_SUCCESS)
			mach_port_deallocate(mach_task_self(), made);
		break;
	default:
		break; /* MACH_MSG_TYPE_COPY_SEND: there is no right in the message yet */
	}
}

static void destroy_ports(const mach_msg_ool_ports_descriptor_t *ports)
{
	const mach_port_t *names = ports->address;

	for (mach_msg_size_t i = 0; names && i < ports->count; i++)
		mi_destroy_port(names[i], ports->disposition);
	if (ports->deallocate)
		vm_deallocate(mach_task_self(), (vm_address_t)ports->address,
			      ports->count * sizeof *names);
}

/* The guard goes first, or the right would resist. */
static void destroy_guarded(const mach_msg_guarded_port_descriptor_t *guarded)
{
	if (MACH_PORT_VALID(guarded->name) &&
	    !(guarded->flags & MACH_MSG_GUARD_FLAGS_UNGUARDED_ON_SEND))
		mach_port_unguard(mach_task_self(), guarded->name, guarded->context);
	mi_destroy_port(guarded->name, guarded->disposition);
}

/* Returns the bytes the descriptor takes in the message; 0: no such descriptor. */
static size_t destroy_descriptor(const mach_msg_descriptor_t *descriptor)
{
	switch (descriptor->type.type) {
	case MACH_MSG_PORT_DESCRIPTOR:
		mi_destroy_port(descriptor->port.name, descriptor->port.disposition);
		return sizeof descriptor->port;
	case MACH_MSG_OOL_DESCRIPTOR:
		if (descriptor->out_of_line.deallocate)
			vm_deallocate(mach_task_self(),
				      (vm_address_t)descriptor->out_of_line.address,
				      descriptor->out_of_line.size);
		return sizeof descriptor->out_of_line;
	case MACH_MSG_OOL_VOLATILE_DESCRIPTOR:
		return sizeof descriptor->out_of_line;
	case MACH_MSG_OOL_PORTS_DESCRIPTOR:
		destroy_ports(&descriptor->ool_ports);
		return sizeof descriptor->ool_ports;
	case MACH_MSG_GUARDED_PORT_DESCRIPTOR:
		destroy_guarded(&descriptor->guarded_port);
		return sizeof descriptor->guarded_port;
	default:
		return 0;
	}
}

void mach_msg_destroy(mach_msg_header_t *msg)
{
	const mach_msg_base_t *base = (const mach_msg_base_t *)msg;
	const char *next = (const char *)(base + 1);
	size_t size = 1;

	mi_destroy_port(msg->msgh_remote_port, MACH_MSGH_BITS_REMOTE(msg->msgh_bits));
	mi_destroy_port(msg->msgh_voucher_port, MACH_MSGH_BITS_VOUCHER(msg->msgh_bits));
	if (!MACH_MSGH_BITS_IS_COMPLEX(msg->msgh_bits))
		return;
	for (mach_msg_size_t i = base->body.msgh_descriptor_count; i > 0 && size > 0; i--) {
		size = destroy_descriptor((const mach_msg_descriptor_t *)next);
		next += size;
	}
}
