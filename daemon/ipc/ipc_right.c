/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copyin: from a name to a naked right. The table says what each disposition needs, takes and
 * makes; check and commit only read it.
 */
#include "daemon/ipc/ipc_right.h"

#include "daemon/ipc/ipc_guard.h"
#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_importance.h"
#include "daemon/ipc/ipc_loan.h"
#include "daemon/ipc/ipc_notify.h"
#include "daemon/ipc/ipc_owed.h"
#include "daemon/ipc/ipc_port.h"
#include "daemon/ipc/ipc_pset.h"
#include "daemon/ipc/ipc_reply.h"
#include "daemon/ipc/ipc_task.h"
#include "daemon/ipc/ipc_thread.h"
#include "daemon/ipc/ipc_window.h"

const struct ipc_right_move ipc_right_moves[IPC_RIGHT_DISPOSITIONS] = {
	[MACH_MSG_TYPE_MOVE_RECEIVE] = {.needs = MACH_PORT_TYPE_RECEIVE,
					.takes = TAKES_RIGHT,
					.given = MACH_MSG_TYPE_PORT_RECEIVE},
	[MACH_MSG_TYPE_MOVE_SEND] = {.needs = MACH_PORT_TYPE_SEND,
				     .takes = TAKES_UREF,
				     .dead = DEAD_MOVED,
				     .given = MACH_MSG_TYPE_PORT_SEND},
	[MACH_MSG_TYPE_MOVE_SEND_ONCE] = {.needs = MACH_PORT_TYPE_SEND_ONCE,
					  .takes = TAKES_RIGHT,
					  .dead = DEAD_MOVED,
					  .given = MACH_MSG_TYPE_PORT_SEND_ONCE},
	[MACH_MSG_TYPE_COPY_SEND] = {.needs = MACH_PORT_TYPE_SEND,
				     .dead = DEAD_COPIED,
				     .given = MACH_MSG_TYPE_PORT_SEND},
	[MACH_MSG_TYPE_MAKE_SEND] = {.needs = MACH_PORT_TYPE_RECEIVE,
				     .makes = true,
				     .given = MACH_MSG_TYPE_PORT_SEND},
	[MACH_MSG_TYPE_MAKE_SEND_ONCE] = {.needs = MACH_PORT_TYPE_RECEIVE,
					  .given = MACH_MSG_TYPE_PORT_SEND_ONCE},
};

const struct ipc_right_move *ipc_right_move(uint32_t disposition)
{
	if (disposition >= IPC_RIGHT_DISPOSITIONS || ipc_right_moves[disposition].needs == 0)
		return NULL;
	return &ipc_right_moves[disposition];
}

/* The port of a send or send-once entry has died: turn the entry into a dead name [15.3]. */
static void become_dead_name(struct ipc_host *host, struct ipc_space *space,
			     struct ipc_entry *entry)
{
	struct ipc_port *port = entry->ie_port;

	if (entry->ie_type == MACH_PORT_TYPE_SEND) {
		ipc_hash_delete(space, entry);
		port->ip_srights--;
	} else {
		ipc_owed_end(host);
		port->ip_sorights--;
	}
	if (ipc_request_counts(port, entry->ie_request) && entry->ie_urefs < MACHD_UREFS_MAX)
		entry->ie_urefs++; /* for the dead-name notification */
	ipc_importance_entry_gone(host, space, entry);
	ipc_reply_name_gone(host, space, entry);
	entry->ie_windows = false; /* the port's death has closed them */
	entry->ie_request = 0;
	ipc_entry_set_type(space, entry, MACH_PORT_TYPE_DEAD_NAME);
	entry->ie_port = NULL;
	ipc_port_release(host, port);
}

struct ipc_entry *ipc_right_lookup(struct ipc_host *host, struct ipc_space *space,
				   mach_port_name_t name)
{
	struct ipc_entry *entry = ipc_entry_lookup(space, name);

	if (entry && (entry->ie_type & MACH_PORT_TYPE_RECEIVE))
		ipc_loan_settle(host, entry->ie_port);
	else if (entry &&
		 (entry->ie_type == MACH_PORT_TYPE_SEND ||
		  entry->ie_type == MACH_PORT_TYPE_SEND_ONCE) &&
		 !ipc_port_active(entry->ie_port))
		become_dead_name(host, space, entry);
	return entry;
}

/* The entry of a name that must be of some type. Dead names count as missing. */
static kern_return_t lookup_type(struct ipc_host *host, struct ipc_space *space,
				 mach_port_name_t name, uint32_t type, struct ipc_entry **entryp)
{
	struct ipc_entry *entry;

	if (!MACH_PORT_VALID(name))
		return KERN_INVALID_RIGHT;
	entry = ipc_right_lookup(host, space, name);
	if (!entry || entry->ie_type == MACH_PORT_TYPE_DEAD_NAME)
		return KERN_INVALID_NAME;
	*entryp = entry;
	return entry->ie_type & type ? KERN_SUCCESS : KERN_INVALID_RIGHT;
}

kern_return_t ipc_right_lookup_receive(struct ipc_host *host, struct ipc_space *space,
				       mach_port_name_t name, struct ipc_port **port)
{
	struct ipc_entry *entry;
	kern_return_t kr = lookup_type(host, space, name, MACH_PORT_TYPE_RECEIVE, &entry);

	if (kr == KERN_SUCCESS)
		*port = entry->ie_port;
	return kr;
}

kern_return_t ipc_right_lookup_named_receive(struct ipc_host *host, struct ipc_space *space,
					     mach_port_name_t name, struct ipc_port **port)
{
	if (!MACH_PORT_VALID(name))
		return KERN_INVALID_NAME;
	return ipc_right_lookup_receive(host, space, name, port);
}

kern_return_t ipc_right_lookup_pset(struct ipc_host *host, struct ipc_space *space,
				    mach_port_name_t name, struct ipc_pset **set)
{
	struct ipc_entry *entry;
	kern_return_t kr = lookup_type(host, space, name, MACH_PORT_TYPE_PORT_SET, &entry);

	if (kr == KERN_SUCCESS)
		*set = entry->ie_pset;
	return kr;
}

bool ipc_right_immovable_send(const struct ipc_space *space, const struct ipc_port *port)
{
	const struct ipc_task *task = NULL;

	if (port->ip_kind == IP_TASK)
		task = port->ip_task;
	else if (port->ip_thread)
		task = port->ip_thread->th_task;
	return port->ip_connection || (task && task == space->is_task);
}

bool ipc_right_pinned(const struct ipc_entry *entry)
{
	const struct ipc_task *task;

	if (!(entry->ie_type & MACH_PORT_TYPE_SEND) || entry->ie_port->ip_kind != IP_TASK)
		return false;
	task = entry->ie_port->ip_task;
	return task && ipc_entry_lookup(task->t_space, task->t_self_name) == entry;
}

/* Would moving `urefs` references away take the last one of a pinned right? */
static bool must_keep(const struct ipc_entry *entry, unsigned urefs)
{
	return urefs > 0 && entry->ie_urefs == urefs && ipc_right_pinned(entry);
}

/* Is this use forbidden for a marked reply port? It may only make a reply and be replied to. */
static bool reply_only(uint32_t disposition, enum ipc_right_use use)
{
	if (disposition == MACH_MSG_TYPE_MAKE_SEND_ONCE)
		return use != RIGHT_FOR_REPLY;
	if (disposition == MACH_MSG_TYPE_MOVE_SEND_ONCE)
		return use != RIGHT_FOR_DEST;
	return use != RIGHT_FOR_ITSELF;
}

/* Bodies may carry the receive right of a connection, and that of a service from the first task. */
static bool receive_must_stay(const struct ipc_space *space, const struct ipc_port *port,
			      enum ipc_right_use use)
{
	bool in_body = use == RIGHT_FOR_BODY || use == RIGHT_FOR_DAEMON;

	if (port->ip_special_reply)
		return true;
	if (port->ip_service_port && in_body && space->is_task && space->is_task->t_first)
		return false;
	return port->ip_immovable || port->ip_defended || (port->ip_connection && !in_body);
}

bool ipc_right_must_stay(const struct ipc_space *space, const struct ipc_entry *entry,
			 uint32_t disposition, enum ipc_right_use use)
{
	const struct ipc_right_move *move = ipc_right_move(disposition);
	const struct ipc_port *port = entry->ie_port;

	if (!move || !(entry->ie_type & move->needs))
		return false;
	if (port->ip_only_reply)
		return reply_only(disposition, use);
	if (move->given == MACH_MSG_TYPE_PORT_RECEIVE)
		return receive_must_stay(space, port, use);
	/* Applies to existing send and send-once rights, not to ones that are being made. */
	return move->needs != MACH_PORT_TYPE_RECEIVE &&
	       (use == RIGHT_FOR_REPLY || use == RIGHT_FOR_BODY || use == RIGHT_FOR_CALL) &&
	       ipc_right_immovable_send(space, port);
}

bool ipc_right_copyin_check(const struct ipc_space *space, const struct ipc_entry *entry,
			    uint32_t disposition, enum ipc_right_use use)
{
	const struct ipc_right_move *move = ipc_right_move(disposition);

	if (!entry || !move)
		return false;
	if (entry->ie_type == MACH_PORT_TYPE_DEAD_NAME)
		return move->dead != DEAD_REFUSED;
	if (!(entry->ie_type & move->needs) || ipc_right_must_stay(space, entry, disposition, use))
		return false;
	return !must_keep(entry, move->takes == TAKES_UREF);
}

uint32_t ipc_right_misuse(const struct ipc_space *space, const struct ipc_entry *entry,
			  uint32_t disposition, enum ipc_right_use use)
{
	if (!entry || !ipc_right_must_stay(space, entry, disposition, use))
		return 0;
	if (!entry->ie_port->ip_only_reply || disposition == MACH_MSG_TYPE_MOVE_RECEIVE)
		return kGUARD_EXC_IMMOVABLE;
	/* Misuse in a message's reply raises an exception about the message instead. */
	return use == RIGHT_FOR_REPLY ? 0 : kGUARD_EXC_INVALID_RIGHT;
}

void ipc_right_guard(struct ipc_host *host, struct ipc_space *space, mach_port_name_t name,
		     uint32_t disposition, enum ipc_right_use use)
{
	uint32_t reason = ipc_right_misuse(space, ipc_entry_lookup(space, name), disposition, use);

	if (reason)
		ipc_guard_raise(host, host->h_current, reason, name, 0);
}

/* Drop a user reference, unless the count is pegged. True if it was the last. */
static bool drop_uref(struct ipc_entry *entry)
{
	if (entry->ie_urefs == MACHD_UREFS_MAX)
		return false;
	return --entry->ie_urefs == 0;
}

/* Free the entry of a port; its request gets a port-deleted notification. */
static void free_port_entry(struct ipc_host *host, struct ipc_space *space, struct ipc_entry *entry)
{
	mach_port_name_t name = ipc_entry_name(space, entry);
	struct ipc_port *port = entry->ie_port, *notify = NULL;

	if (entry->ie_type & MACH_PORT_TYPE_SEND_RECEIVE)
		ipc_hash_delete(space, entry);
	if (entry->ie_request)
		notify = ipc_request_cancel(port, entry->ie_request);
	ipc_entry_free(host, space, entry);
	if (notify)
		ipc_notify_port_deleted(host, notify, name);
}

static struct ipc_port *move_send(struct ipc_host *host, struct ipc_space *space,
				  struct ipc_entry *entry)
{
	struct ipc_port *port = entry->ie_port;

	if (!drop_uref(entry)) {
		port->ip_srights++;
		return ipc_port_ref(port);
	}
	if (entry->ie_type & MACH_PORT_TYPE_RECEIVE) {
		ipc_window_name_gone(host, space, entry);
		ipc_entry_set_type(space, entry, MACH_PORT_TYPE_RECEIVE);
		return ipc_port_ref(port);
	}
	free_port_entry(host, space, entry);
	return port;
}

static struct ipc_port *move_receive(struct ipc_host *host, struct ipc_space *space,
				     struct ipc_entry *entry)
{
	struct ipc_port *port = entry->ie_port;

	ipc_port_clear_receiver(host, port);
	if (entry->ie_type & MACH_PORT_TYPE_SEND) {
		ipc_entry_set_type(space, entry, MACH_PORT_TYPE_SEND);
		entry->ie_had_receive = true;
		ipc_port_ref(port);
	} else {
		free_port_entry(host, space, entry);
	}
	return port;
}

static struct ipc_port *take_dead_name(struct ipc_host *host, struct ipc_space *space,
				       struct ipc_entry *entry, const struct ipc_right_move *move)
{
	if (move->dead == DEAD_MOVED && drop_uref(entry))
		ipc_entry_free(host, space, entry);
	return IP_DEAD;
}

struct ipc_port *ipc_right_copyin(struct ipc_host *host, struct ipc_space *space,
				  struct ipc_entry *entry, uint32_t disposition)
{
	const struct ipc_right_move *move = ipc_right_move(disposition);
	struct ipc_port *port = entry->ie_port;

	if (entry->ie_type == MACH_PORT_TYPE_DEAD_NAME)
		return take_dead_name(host, space, entry, move);
	switch (move->takes) {
	case TAKES_NOTHING:
		if (move->given == MACH_MSG_TYPE_PORT_SEND_ONCE)
			return ipc_port_make_sonce(host, port);
		return move->makes ? ipc_port_make_send(port) : ipc_port_copy_send(port);
	case TAKES_UREF:
		return move_send(host, space, entry);
	case TAKES_RIGHT:
		break;
	}
	if (move->given == MACH_MSG_TYPE_PORT_RECEIVE)
		return move_receive(host, space, entry);
	free_port_entry(host, space, entry);
	return port;
}

bool ipc_right_copyin_pair_check(const struct ipc_entry *entry, uint32_t dest, uint32_t reply)
{
	const struct ipc_right_move *d = ipc_right_move(dest), *r = ipc_right_move(reply);
	uint32_t needs = d->needs | r->needs;
	unsigned urefs = (d->takes == TAKES_UREF) + (r->takes == TAKES_UREF);

	if (needs & MACH_PORT_TYPE_SEND_ONCE)
		return false;
	return (entry->ie_type & needs) == needs && entry->ie_urefs >= urefs &&
	       !must_keep(entry, urefs);
}

void ipc_right_copyin_pair(struct ipc_host *host, struct ipc_space *space, mach_port_name_t name,
			   uint32_t dest, uint32_t reply, struct ipc_port **dest_port,
			   struct ipc_port **reply_port)
{
	struct ipc_entry *entry = ipc_entry_lookup(space, name);

	/* The half that takes a reference goes last: the other one still needs the entry. */
	if (ipc_right_move(dest)->takes == TAKES_UREF) {
		*reply_port = ipc_right_copyin(host, space, entry, reply);
		*dest_port = ipc_right_copyin(host, space, entry, dest);
	} else {
		*dest_port = ipc_right_copyin(host, space, entry, dest);
		*reply_port = ipc_right_copyin(host, space, entry, reply);
	}
}
