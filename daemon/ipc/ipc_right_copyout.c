/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copyout: from a naked right to a name. Send and receive rights to one port share a name, each
 * send-once right has its own [4.2]. A free entry is held before a shared name is looked for, so a
 * full table fails even where it would not have been needed, as in Mach.
 */
#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_notify.h"
#include "daemon/ipc/ipc_port.h"
#include "daemon/ipc/ipc_right.h"

/* A send right joins the entry that already has rights to its port. */
static void merge_send(struct ipc_host *host, struct ipc_space *space, struct ipc_entry *entry,
		       struct ipc_port *port)
{
	if (entry->ie_type & MACH_PORT_TYPE_SEND) {
		if (entry->ie_urefs < MACHD_UREFS_MAX)
			entry->ie_urefs++;
		port->ip_srights--; /* the space counts as one */
	} else {
		ipc_entry_set_type(space, entry, entry->ie_type | MACH_PORT_TYPE_SEND);
		entry->ie_urefs = 1;
	}
	ipc_port_release(host, port);
}

static void merge_receive(struct ipc_host *host, struct ipc_space *space, struct ipc_entry *entry,
			  struct ipc_port *port)
{
	ipc_entry_set_type(space, entry, entry->ie_type | MACH_PORT_TYPE_RECEIVE);
	entry->ie_had_receive = false;
	ipc_port_set_receiver(host, port, space, ipc_entry_name(space, entry));
	ipc_port_release(host, port);
}

/* A right becomes the first one of an entry that was just claimed. */
static void fill(struct ipc_host *host, struct ipc_space *space, struct ipc_entry *entry,
		 struct ipc_port *port, uint8_t type)
{
	entry->ie_port = port;
	switch (type) {
	case MACH_MSG_TYPE_PORT_SEND_ONCE:
		ipc_entry_set_type(space, entry, MACH_PORT_TYPE_SEND_ONCE);
		entry->ie_urefs = 1;
		return;
	case MACH_MSG_TYPE_PORT_SEND:
		ipc_entry_set_type(space, entry, MACH_PORT_TYPE_SEND);
		entry->ie_urefs = 1;
		break;
	default:
		ipc_entry_set_type(space, entry, MACH_PORT_TYPE_RECEIVE);
		ipc_port_set_receiver(host, port, space, ipc_entry_name(space, entry));
		break;
	}
	ipc_hash_insert(space, entry);
}

/* Put the right where the port's other rights are; NULL if the space has none. */
static struct ipc_entry *merge(struct ipc_host *host, struct ipc_space *space,
			       struct ipc_port *port, uint8_t type)
{
	struct ipc_entry *entry = NULL;

	if (type != MACH_MSG_TYPE_PORT_SEND_ONCE)
		entry = ipc_hash_lookup(space, port);
	if (!entry)
		return NULL;
	if (type == MACH_MSG_TYPE_PORT_SEND)
		merge_send(host, space, entry, port);
	else
		merge_receive(host, space, entry, port);
	return entry;
}

mach_port_name_t ipc_right_copyout_reserved(struct ipc_host *host, struct ipc_space *space,
					    struct ipc_port *port, uint8_t type)
{
	mach_port_name_t name;
	struct ipc_entry *entry;

	if (!IP_VALID(port))
		return port == IP_DEAD ? MACH_PORT_DEAD : MACH_PORT_NULL;
	if (!ipc_port_active(port)) {
		ipc_right_destroy_naked(host, port, type);
		return MACH_PORT_DEAD;
	}
	entry = merge(host, space, port, type);
	if (entry)
		return ipc_entry_name(space, entry);
	entry = ipc_entry_claim(space, &name);
	fill(host, space, entry, port, type);
	return name;
}

kern_return_t ipc_right_copyout(struct ipc_host *host, struct ipc_space *space,
				struct ipc_port *port, uint8_t type, mach_port_name_t *name)
{
	kern_return_t kr = KERN_SUCCESS;

	/* Also for a port that has died, which then needs none. */
	if (IP_VALID(port))
		kr = ipc_entry_reserve(host, space);
	if (kr == KERN_SUCCESS) {
		*name = ipc_right_copyout_reserved(host, space, port, type);
	} else {
		*name = MACH_PORT_NULL;
		ipc_right_destroy_naked(host, port, type);
	}
	return kr;
}

/* The entry `name` for the right, claimed or the one it merges with; see the header for codes. */
static kern_return_t place_by_name(struct ipc_host *host, struct ipc_space *space,
				   struct ipc_port *port, uint8_t type, mach_port_name_t name,
				   struct ipc_entry **entryp)
{
	struct ipc_entry *entry = NULL, *other = NULL;
	kern_return_t kr = ipc_entry_claim_name(host, space, name, &entry);

	if (kr != KERN_SUCCESS && kr != KERN_NAME_EXISTS)
		return kr;
	if (type != MACH_MSG_TYPE_PORT_SEND_ONCE)
		other = ipc_hash_lookup(space, port);
	*entryp = entry;
	if (other == entry && other)
		return KERN_SUCCESS;
	if (kr == KERN_SUCCESS && other)
		ipc_entry_free(host, space, entry);
	return other ? KERN_RIGHT_EXISTS : kr;
}

kern_return_t ipc_right_copyout_name(struct ipc_host *host, struct ipc_space *space,
				     struct ipc_port *port, uint8_t type, mach_port_name_t name)
{
	struct ipc_entry *entry;
	kern_return_t kr;

	if (!MACH_PORT_VALID(name))
		kr = KERN_INVALID_VALUE;
	else if (!IP_VALID(port) || !ipc_port_active(port))
		kr = KERN_INVALID_CAPABILITY;
	else
		kr = place_by_name(host, space, port, type, name, &entry);
	if (kr != KERN_SUCCESS)
		ipc_right_destroy_naked(host, port, type);
	else if (!merge(host, space, port, type))
		fill(host, space, entry, port, type);
	return kr;
}

void ipc_right_destroy_naked(struct ipc_host *host, struct ipc_port *port, uint8_t type)
{
	if (!IP_VALID(port))
		return;
	switch (type) {
	case MACH_MSG_TYPE_PORT_SEND:
		ipc_port_release_send(host, port);
		return;
	case MACH_MSG_TYPE_PORT_SEND_ONCE:
		ipc_notify_send_once(host, port);
		return;
	case MACH_MSG_TYPE_PORT_RECEIVE:
		ipc_port_destroy(host, port);
		return;
	}
}
