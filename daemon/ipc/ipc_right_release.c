/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Releasing rights by name: deallocate, mod_refs, destroy, and the termination of a space; and the
 * notification requests on a name.
 */
#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_importance.h"
#include "daemon/ipc/ipc_loan.h"
#include "daemon/ipc/ipc_notify.h"
#include "daemon/ipc/ipc_port.h"
#include "daemon/ipc/ipc_pset.h"
#include "daemon/ipc/ipc_reply.h"
#include "daemon/ipc/ipc_right.h"
#include "daemon/ipc/ipc_thread.h"
#include "daemon/ipc/ipc_window.h"

/* Notifications to send once a right is gone. */
struct epilogue {
	struct ipc_last_words e_words;
	struct ipc_port *e_orphan; /* stands for what nobody can use any more, with a reference */
};

/* The space's send right to the port goes; its reference stays with the caller. */
static void drop_send(struct ipc_port *port, struct epilogue *epilogue)
{
	if (--port->ip_srights == 0) {
		epilogue->e_words.lw_no_senders = port->ip_nsrequest;
		epilogue->e_words.lw_mscount = port->ip_mscount;
		port->ip_nsrequest = NULL;
		if (ipc_port_dies_unsent(port))
			epilogue->e_orphan = ipc_port_ref(port);
	}
}

/* Free the entry of a port. Its reference to the port is the caller's now. */
static void free_port_entry(struct ipc_host *host, struct ipc_space *space, struct ipc_entry *entry,
			    struct epilogue *epilogue)
{
	epilogue->e_words.lw_name = ipc_entry_name(space, entry);
	if (entry->ie_type & MACH_PORT_TYPE_SEND_RECEIVE)
		ipc_hash_delete(space, entry);
	if (entry->ie_request)
		epilogue->e_words.lw_deleted =
			ipc_request_cancel(entry->ie_port, entry->ie_request);
	ipc_entry_free(host, space, entry);
}

static void speak(struct ipc_host *host, const struct epilogue *epilogue)
{
	ipc_port_say(host, &epilogue->e_words);
	if (epilogue->e_orphan) {
		ipc_port_orphaned(host, epilogue->e_orphan);
		ipc_port_release(host, epilogue->e_orphan);
	}
}

static void destroy_set(struct ipc_host *host, struct ipc_space *space, struct ipc_entry *entry)
{
	struct ipc_pset *set = entry->ie_pset;

	ipc_entry_free(host, space, entry);
	ipc_pset_destroy(host, set);
}

/* The whole entry goes, whatever is in it. */
static void destroy_entry(struct ipc_host *host, struct ipc_space *space, struct ipc_entry *entry)
{
	struct epilogue epilogue = {0};
	struct ipc_port *port = entry->ie_port;
	uint32_t type = entry->ie_type;

	if (type == MACH_PORT_TYPE_DEAD_NAME) {
		ipc_entry_free(host, space, entry);
		return;
	}
	if (type == MACH_PORT_TYPE_PORT_SET) {
		destroy_set(host, space, entry);
		return;
	}
	if (type & MACH_PORT_TYPE_SEND)
		drop_send(port, &epilogue);
	free_port_entry(host, space, entry, &epilogue);
	if (type & MACH_PORT_TYPE_RECEIVE) {
		ipc_port_clear_receiver(host, port);
		ipc_port_destroy_saying(host, port, &epilogue.e_words);
		return;
	}
	if (type & MACH_PORT_TYPE_SEND_ONCE) {
		port->ip_reply_persona =
			0; /* the reply that it was to be sent under will not come */
		ipc_notify_send_once(host, port);
	} else {
		ipc_port_release(host, port);
	}
	speak(host, &epilogue);
}

static bool guarded(const struct ipc_entry *entry)
{
	return (entry->ie_type & MACH_PORT_TYPE_RECEIVE) && entry->ie_port->ip_guarded;
}

kern_return_t ipc_right_destroy(struct ipc_host *host, struct ipc_space *space,
				struct ipc_entry *entry)
{
	if (ipc_right_pinned(entry))
		return KERN_INVALID_CAPABILITY;
	if (guarded(entry) && entry->ie_port->ip_context != 0)
		return KERN_INVALID_RIGHT;
	destroy_entry(host, space, entry);
	return KERN_SUCCESS;
}

void ipc_right_terminate(struct ipc_host *host, struct ipc_space *space, struct ipc_entry *entry)
{
	/* Looked up by name, so that a right whose port has died is a dead name by now. */
	destroy_entry(host, space, ipc_right_lookup(host, space, ipc_entry_name(space, entry)));
}

/* The last reference of the send right under a name. */
static kern_return_t drop_last_send(struct ipc_host *host, struct ipc_space *space,
				    struct ipc_entry *entry)
{
	struct epilogue epilogue = {0};
	struct ipc_port *port = entry->ie_port;

	if (ipc_right_pinned(entry))
		return KERN_INVALID_CAPABILITY;
	drop_send(port, &epilogue);
	if (entry->ie_type & MACH_PORT_TYPE_RECEIVE) {
		ipc_window_name_gone(host, space, entry);
		ipc_entry_set_type(space, entry, MACH_PORT_TYPE_RECEIVE);
		entry->ie_urefs = 0;
	} else {
		free_port_entry(host, space, entry, &epilogue);
		ipc_port_release(host, port);
	}
	speak(host, &epilogue);
	return KERN_SUCCESS;
}

/* Change the count of a send right or dead name; at zero it goes. */
static kern_return_t change_urefs(struct ipc_host *host, struct ipc_space *space,
				  struct ipc_entry *entry, int32_t delta)
{
	int32_t urefs = entry->ie_urefs;

	if (delta > MACHD_UREFS_MAX || delta < -MACHD_UREFS_MAX || urefs + delta < 0)
		return KERN_INVALID_VALUE;
	if (urefs + delta == 0) {
		if (entry->ie_type & MACH_PORT_TYPE_SEND)
			return drop_last_send(host, space, entry);
		ipc_entry_free(host, space, entry);
		return KERN_SUCCESS;
	}
	if (urefs != MACHD_UREFS_MAX)
		entry->ie_urefs = urefs + delta < MACHD_UREFS_MAX ? (uint16_t)(urefs + delta)
								  : MACHD_UREFS_MAX;
	return KERN_SUCCESS;
}

kern_return_t ipc_right_dealloc(struct ipc_host *host, struct ipc_space *space,
				struct ipc_entry *entry)
{
	uint32_t type = entry->ie_type;

	if (type & (MACH_PORT_TYPE_SEND | MACH_PORT_TYPE_DEAD_NAME))
		return change_urefs(host, space, entry, -1);
	if (type == MACH_PORT_TYPE_RECEIVE)
		return KERN_INVALID_RIGHT;
	destroy_entry(host, space, entry);
	return KERN_SUCCESS;
}

/* The receive right goes while the name keeps its send right [15.2]. */
static void drop_receive_keep_send(struct ipc_host *host, struct ipc_space *space,
				   struct ipc_entry *entry, struct ipc_port *port)
{
	entry->ie_had_receive = true;
	if (port->ip_pdrequest || (port->ip_service && host->h_ops->o_service_keeps(host, port))) {
		ipc_entry_set_type(space, entry, MACH_PORT_TYPE_SEND);
		ipc_port_ref(port);
		return;
	}
	ipc_window_name_gone(host, space, entry);
	ipc_hash_delete(space, entry);
	port->ip_srights--; /* no no-senders: its request gets a send-once instead */
	/* Destroying one's own right gives the reference even for a slot that was used up. */
	if (entry->ie_request && entry->ie_urefs < MACHD_UREFS_MAX)
		entry->ie_urefs++;
	entry->ie_request = 0;
	ipc_entry_set_type(space, entry, MACH_PORT_TYPE_DEAD_NAME);
	entry->ie_port = NULL;
}

static void drop_receive(struct ipc_host *host, struct ipc_space *space, struct ipc_entry *entry)
{
	struct epilogue epilogue = {0};
	struct ipc_port *port = entry->ie_port;

	if (entry->ie_type & MACH_PORT_TYPE_SEND)
		drop_receive_keep_send(host, space, entry, port);
	else
		free_port_entry(host, space, entry, &epilogue);
	ipc_port_clear_receiver(host, port);
	ipc_port_destroy_saying(host, port, &epilogue.e_words);
}

kern_return_t ipc_right_delta(struct ipc_host *host, struct ipc_space *space,
			      struct ipc_entry *entry, mach_port_right_t right, int32_t delta)
{
	if (right >= MACH_PORT_RIGHT_LABELH || !(entry->ie_type & MACH_PORT_TYPE(right)))
		return KERN_INVALID_RIGHT;
	if (right == MACH_PORT_RIGHT_SEND || right == MACH_PORT_RIGHT_DEAD_NAME)
		return change_urefs(host, space, entry, delta);
	if (delta != 0 && delta != -1)
		return KERN_INVALID_VALUE;
	if (delta == 0)
		return KERN_SUCCESS;
	if (guarded(entry))
		return KERN_INVALID_RIGHT;
	if (right == MACH_PORT_RIGHT_RECEIVE)
		drop_receive(host, space, entry);
	else
		destroy_entry(host, space, entry);
	return KERN_SUCCESS;
}

kern_return_t ipc_right_destruct(struct ipc_host *host, struct ipc_space *space,
				 struct ipc_entry *entry, int32_t srdelta, uint64_t guard)
{
	mach_port_name_t name = ipc_entry_name(space, entry);
	bool send = entry->ie_type & MACH_PORT_TYPE_SEND;

	if (!(entry->ie_type & MACH_PORT_TYPE_RECEIVE) || (srdelta != 0 && !send))
		return KERN_INVALID_RIGHT;
	if (srdelta > 0)
		return KERN_INVALID_VALUE;
	if (guarded(entry) && entry->ie_port->ip_context != guard)
		return KERN_INVALID_ARGUMENT;
	if (entry->ie_urefs + srdelta < 0)
		return KERN_INVALID_VALUE;
	if (srdelta != 0)
		change_urefs(host, space, entry, srdelta);
	drop_receive(host, space, ipc_entry_lookup(space, name));
	return KERN_SUCCESS;
}

/* A request on a name whose port lives. */
static kern_return_t request_on_port(struct ipc_host *host, struct ipc_space *space,
				     struct ipc_entry *entry, enum ipc_request_kind kind,
				     struct ipc_port *notify, struct ipc_port **previous)
{
	mach_port_name_t name = ipc_entry_name(space, entry);
	struct ipc_port *port = entry->ie_port;
	bool room = entry->ie_type == MACH_PORT_TYPE_SEND_ONCE || port->ip_place == IP_IN_DAEMON ||
		    port->ip_msgcount < port->ip_qlimit;
	bool now = notify && kind == IPC_REQUEST_ARMED && room;
	bool first = kind == IPC_REQUEST_ARMED && port->ip_requests.rs_armed == 0;
	uint32_t slot = 0;

	/* The slot of a previous request is free then: replacing one cannot fail. */
	if (entry->ie_request)
		*previous = ipc_request_cancel(port, entry->ie_request);
	entry->ie_request = 0;
	if (notify && !now) {
		slot = ipc_request_add(port, name, notify, kind);
		if (!slot)
			return KERN_RESOURCE_SHORTAGE;
		/* A sender that waits for room may be important: so is the receiver meanwhile. */
		if (first && ipc_importance_donates(host->h_current->th_task))
			ipc_importance_arm(host, port);
	}
	ipc_reply_name_gone(host, space, entry);
	entry->ie_request = slot;
	if (now)
		ipc_notify_send_possible(host, notify, name);
	return KERN_SUCCESS;
}

kern_return_t ipc_right_request(struct ipc_host *host, struct ipc_space *space,
				struct ipc_entry *entry, enum ipc_request_kind kind,
				struct ipc_port *notify, struct ipc_port **previous)
{
	*previous = NULL;
	if (!notify && !entry->ie_request)
		return KERN_SUCCESS;
	if (entry->ie_type & MACH_PORT_TYPE_PORT_RIGHTS) {
		ipc_loan_settle(host, entry->ie_port); /* is there room in its queue? */
		return request_on_port(host, space, entry, kind, notify, previous);
	}
	if (entry->ie_type != MACH_PORT_TYPE_DEAD_NAME)
		return KERN_INVALID_RIGHT;
	if (kind == IPC_REQUEST_DEAD_NAME)
		return KERN_INVALID_ARGUMENT;
	if (entry->ie_urefs < MACHD_UREFS_MAX)
		entry->ie_urefs++;
	ipc_notify_dead_name(host, notify, ipc_entry_name(space, entry));
	return KERN_SUCCESS;
}
