/* SPDX-License-Identifier: Apache-2.0 */
/* The mach_port calls on names and rights: allocate, release, insert, extract, request [20]. */
#include <mach/notify.h>

#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_notify.h"
#include "daemon/ipc/ipc_owed.h"
#include "daemon/ipc/ipc_port.h"
#include "daemon/ipc/ipc_pset.h"
#include "daemon/ipc/ipc_right.h"
#include "daemon/ipc/ipc_task.h"
#include "daemon/trap/trap_internal.h"

#define MIG_TYPE_ERROR (-300)

static struct ipc_entry *lookup(struct trap_call *call, mach_port_name_t name)
{
	return ipc_right_lookup(call->c_host, call->c_space, name);
}

/* The object of a new right of this kind; KERN_INVALID_VALUE if none can be allocated. */
static kern_return_t new_object(struct trap_call *call, mach_port_right_t right,
				struct ipc_port **port, struct ipc_pset **set)
{
	switch (right) {
	case MACH_PORT_RIGHT_RECEIVE:
		*port = ipc_port_create(call->c_host, call->c_space->is_account);
		return *port ? KERN_SUCCESS : KERN_RESOURCE_SHORTAGE;
	case MACH_PORT_RIGHT_PORT_SET:
		*set = ipc_pset_create(call->c_host, call->c_space);
		return *set ? KERN_SUCCESS : KERN_RESOURCE_SHORTAGE;
	case MACH_PORT_RIGHT_DEAD_NAME:
		return KERN_SUCCESS;
	}
	return KERN_INVALID_VALUE;
}

/* Put a new object into its entry. */
static void fill(struct trap_call *call, struct ipc_entry *entry, struct ipc_port *port,
		 struct ipc_pset *set)
{
	mach_port_name_t name = ipc_entry_name(call->c_space, entry);

	if (port) {
		ipc_entry_set_type(call->c_space, entry, MACH_PORT_TYPE_RECEIVE);
		entry->ie_port = port;
		ipc_port_set_receiver(call->c_host, port, call->c_space, name);
		ipc_hash_insert(call->c_space, entry);
	} else if (set) {
		ipc_entry_set_type(call->c_space, entry, MACH_PORT_TYPE_PORT_SET);
		entry->ie_pset = set;
		set->ps_name = name;
	} else {
		ipc_entry_set_type(call->c_space, entry, MACH_PORT_TYPE_DEAD_NAME);
		entry->ie_urefs = 1;
	}
}

kern_return_t trap_mach_port_allocate(struct trap_call *call,
				      const struct mach_port_allocate_in *args,
				      struct mach_port_allocate_out *result)
{
	struct ipc_port *port = NULL;
	struct ipc_pset *set = NULL;
	kern_return_t kr = KERN_INVALID_VALUE;

	if (args->right == MACH_PORT_RIGHT_RECEIVE || args->right == MACH_PORT_RIGHT_PORT_SET ||
	    args->right == MACH_PORT_RIGHT_DEAD_NAME)
		kr = ipc_entry_reserve(call->c_host, call->c_space);
	if (kr == KERN_SUCCESS)
		kr = new_object(call, args->right, &port, &set);
	if (kr == KERN_SUCCESS)
		fill(call, ipc_entry_claim(call->c_space, &result->name), port, set);
	return kr;
}

kern_return_t trap_mach_port_allocate_name(struct trap_call *call,
					   const struct mach_port_allocate_name_in *args,
					   struct mach_port_allocate_name_out *result)
{
	struct ipc_port *port = NULL;
	struct ipc_pset *set = NULL;
	struct ipc_entry *entry;
	kern_return_t kr;

	(void)result;
	if (!MACH_PORT_VALID(args->name))
		return KERN_INVALID_VALUE;
	if (args->right != MACH_PORT_RIGHT_RECEIVE && args->right != MACH_PORT_RIGHT_PORT_SET &&
	    args->right != MACH_PORT_RIGHT_DEAD_NAME)
		return KERN_INVALID_VALUE;
	kr = ipc_entry_claim_name(call->c_host, call->c_space, args->name, &entry);
	if (kr != KERN_SUCCESS)
		return kr;
	kr = new_object(call, args->right, &port, &set);
	if (kr == KERN_SUCCESS)
		fill(call, entry, port, set);
	else
		ipc_entry_free(call->c_host, call->c_space, entry);
	return kr;
}

/* The entry of a name whose right is to be released; a missing name raises a guard exception. */
static struct ipc_entry *lookup_to_drop(struct trap_call *call, mach_port_name_t name)
{
	struct ipc_entry *entry = lookup(call, name);

	if (!entry && MACH_PORT_VALID(name))
		trap_guard(call, kGUARD_EXC_INVALID_NAME, name, 0);
	return entry;
}

/* Raise the guard exception if a release was refused because the right is pinned. */
static void guard_pinned(struct trap_call *call, mach_port_name_t name, kern_return_t kr,
			 uint64_t how)
{
	if (kr == KERN_INVALID_CAPABILITY)
		trap_guard(call, kGUARD_EXC_MOD_REFS_NON_FATAL, name, how);
}

kern_return_t trap_mach_port_destroy(struct trap_call *call,
				     const struct mach_port_destroy_in *args,
				     struct mach_port_destroy_out *result)
{
	struct ipc_entry *entry = lookup_to_drop(call, args->name);
	kern_return_t kr;

	(void)result;
	if (!MACH_PORT_VALID(args->name))
		return KERN_SUCCESS;
	if (!entry)
		return KERN_INVALID_NAME;
	kr = ipc_right_destroy(call->c_host, call->c_space, entry);
	if (kr == KERN_INVALID_RIGHT)
		trap_guard(call, kGUARD_EXC_DESTROY, args->name, entry->ie_port->ip_context);
	guard_pinned(call, args->name, kr, MPG_FLAGS_MOD_REFS_PINNED_DESTROY);
	return kr;
}

kern_return_t trap_mach_port_deallocate(struct trap_call *call,
					const struct mach_port_deallocate_in *args,
					struct mach_port_deallocate_out *result)
{
	struct ipc_entry *entry = lookup_to_drop(call, args->name);
	kern_return_t kr;

	(void)result;
	if (!MACH_PORT_VALID(args->name))
		return KERN_SUCCESS;
	if (!entry)
		return KERN_INVALID_NAME;
	kr = ipc_right_dealloc(call->c_host, call->c_space, entry);
	if (kr == KERN_INVALID_RIGHT)
		trap_guard(call, kGUARD_EXC_INVALID_RIGHT, args->name, 0);
	guard_pinned(call, args->name, kr, MPG_FLAGS_MOD_REFS_PINNED_DEALLOC);
	return kr;
}

/* NULL and DEAD stand for send rights without a count. */
static bool is_send_right(mach_port_right_t right)
{
	return right == MACH_PORT_RIGHT_SEND || right == MACH_PORT_RIGHT_SEND_ONCE;
}

kern_return_t trap_mach_port_get_refs(struct trap_call *call,
				      const struct mach_port_get_refs_in *args,
				      struct mach_port_get_refs_out *result)
{
	struct ipc_entry *entry = lookup(call, args->name);
	bool counted =
		args->right == MACH_PORT_RIGHT_SEND || args->right == MACH_PORT_RIGHT_DEAD_NAME;

	if (args->right >= MACH_PORT_RIGHT_NUMBER)
		return KERN_INVALID_VALUE;
	if (!MACH_PORT_VALID(args->name)) {
		result->refs = 1;
		return is_send_right(args->right) ? KERN_SUCCESS : KERN_INVALID_NAME;
	}
	if (!entry)
		return KERN_INVALID_NAME;
	if (entry->ie_type & MACH_PORT_TYPE(args->right))
		result->refs = counted ? entry->ie_urefs : 1;
	return KERN_SUCCESS;
}

/*
 * The entry has no such right. No guard exception if the right may have died or moved unnoticed, or
 * if a send right is made by counting one up on a receive right.
 */
static bool wrong_right(const struct ipc_entry *entry, const struct mach_port_mod_refs_in *args)
{
	switch (args->right) {
	case MACH_PORT_RIGHT_SEND:
		return entry->ie_type != MACH_PORT_TYPE_DEAD_NAME &&
		       !((entry->ie_type & MACH_PORT_TYPE_RECEIVE) && args->delta == 1);
	case MACH_PORT_RIGHT_RECEIVE:
		return !entry->ie_had_receive;
	case MACH_PORT_RIGHT_PORT_SET:
	case MACH_PORT_RIGHT_DEAD_NAME:
		return true;
	}
	return false;
}

/* The count of this right, which the entry has or has not, cannot be changed like that. */
static void guard_mod_refs(struct trap_call *call, const struct ipc_entry *entry,
			   const struct mach_port_mod_refs_in *args, kern_return_t kr)
{
	bool receive = args->right == MACH_PORT_RIGHT_RECEIVE;

	if (kr == KERN_INVALID_VALUE)
		trap_guard(call, kGUARD_EXC_INVALID_VALUE, args->name, 0);
	else if (receive && (entry->ie_type & MACH_PORT_TYPE_RECEIVE))
		trap_guard(call, kGUARD_EXC_MOD_REFS, args->name, entry->ie_port->ip_context);
	else if (kr == KERN_INVALID_RIGHT && wrong_right(entry, args))
		trap_guard(call, kGUARD_EXC_INVALID_RIGHT, args->name, 0);
	guard_pinned(call, args->name, kr, MPG_FLAGS_MOD_REFS_PINNED_DEALLOC);
}

kern_return_t trap_mach_port_mod_refs(struct trap_call *call,
				      const struct mach_port_mod_refs_in *args,
				      struct mach_port_mod_refs_out *result)
{
	struct ipc_entry *entry;
	kern_return_t kr;

	(void)result;
	if (args->right >= MACH_PORT_RIGHT_NUMBER)
		return KERN_INVALID_VALUE;
	if (!MACH_PORT_VALID(args->name))
		return is_send_right(args->right) ? KERN_SUCCESS : KERN_INVALID_NAME;
	entry = lookup_to_drop(call, args->name);
	if (!entry)
		return KERN_INVALID_NAME;
	kr = ipc_right_delta(call->c_host, call->c_space, entry, args->right, args->delta);
	if (kr != KERN_SUCCESS)
		guard_mod_refs(call, entry, args, kr);
	return kr;
}

/*
 * Insert a send right under the caller's own name that has a right to that port already: only its
 * count changes. KERN_INVALID_NAME, _INVALID_CAPABILITY, _INVALID_RIGHT.
 */
static kern_return_t insert_same(struct trap_call *call, mach_port_name_t name,
				 uint32_t disposition)
{
	struct ipc_entry *entry = lookup(call, name);
	struct ipc_port *port;

	if (!entry)
		return KERN_INVALID_NAME;
	if (entry->ie_type == MACH_PORT_TYPE_DEAD_NAME)
		return KERN_INVALID_CAPABILITY;
	if (!ipc_right_copyin_check(call->c_space, entry, disposition, RIGHT_FOR_ITSELF))
		return KERN_INVALID_RIGHT;
	port = ipc_right_copyin(call->c_host, call->c_space, entry, disposition);
	/* It merges with the entry it came from: no other one is needed. */
	ipc_right_copyout_reserved(call->c_host, call->c_space, port, MACH_MSG_TYPE_PORT_SEND);
	return KERN_SUCCESS;
}

/* Is the argument an immovable right of the caller? Then the guard exception is raised. */
static bool argument_stays(struct trap_call *call, mach_port_name_t name, uint32_t disposition)
{
	struct ipc_space *space = call->c_caller->t_space;
	uint32_t reason = ipc_right_misuse(space, ipc_right_lookup(call->c_host, space, name),
					   disposition, RIGHT_FOR_CALL);

	if (reason)
		ipc_guard_raise(call->c_host, call->c_thread, reason, name, 0);
	return reason != 0;
}

/*
 * Take a right that is an argument. To another task it goes in the body of a message, which has
 * places for no right as well, and which cannot be sent if there is no such right.
 */
static kern_return_t copyin_argument(struct trap_call *call, mach_port_name_t name,
				     uint32_t disposition, struct ipc_port **port)
{
	if (call->c_task != call->c_caller)
		return trap_copyin_body(call, name, disposition, port);
	return trap_copyin(call, name, disposition, port);
}

kern_return_t trap_mach_port_insert_right(struct trap_call *call,
					  const struct mach_port_insert_right_in *args,
					  struct mach_port_insert_right_out *result)
{
	const struct ipc_right_move *move = ipc_right_move(args->right_type);
	struct ipc_port *port = IP_NULL;
	kern_return_t kr;

	(void)result;
	if (call->c_task == call->c_caller && args->name == args->right &&
	    MACH_PORT_VALID(args->name) &&
	    (args->right_type == MACH_MSG_TYPE_MAKE_SEND ||
	     args->right_type == MACH_MSG_TYPE_COPY_SEND))
		return insert_same(call, args->name, args->right_type);
	if (call->c_task == call->c_caller && argument_stays(call, args->right, args->right_type))
		return KERN_INVALID_CAPABILITY;
	kr = copyin_argument(call, args->right, args->right_type, &port);
	if (kr != KERN_SUCCESS && kr != KERN_INVALID_CAPABILITY)
		return kr;
	if (!move) /* in a message, no right may go by any disposition */
		return KERN_INVALID_VALUE;
	return ipc_right_copyout_name(call->c_host, call->c_space, port, move->given, args->name);
}

kern_return_t trap_mach_port_extract_right(struct trap_call *call,
					   const struct mach_port_extract_right_in *args,
					   struct mach_port_extract_right_out *result)
{
	const struct ipc_right_move *move = ipc_right_move(args->desired_type);
	struct ipc_entry *entry = lookup(call, args->name);
	struct ipc_port *port;
	enum ipc_right_use use = RIGHT_FOR_CALL;
	uint32_t misuse;

	if (!move)
		return KERN_INVALID_VALUE;
	if (!MACH_PORT_VALID(args->name))
		return KERN_INVALID_RIGHT;
	if (!entry)
		return KERN_INVALID_NAME;
	/* A task may copy immovable send rights for itself; others cannot get them. */
	if (call->c_task == call->c_caller && args->desired_type == MACH_MSG_TYPE_COPY_SEND)
		use = RIGHT_FOR_DAEMON;
	misuse = ipc_right_misuse(call->c_space, entry, args->desired_type, use);
	if (misuse) {
		trap_guard(call, misuse, args->name, 0);
		return KERN_INVALID_CAPABILITY;
	}
	if (!ipc_right_copyin_check(call->c_space, entry, args->desired_type, use))
		return KERN_INVALID_RIGHT;
	if (args->desired_type == MACH_MSG_TYPE_MAKE_SEND_ONCE && !ipc_owed_keep(call->c_host, 1))
		return KERN_RESOURCE_SHORTAGE;
	port = ipc_right_copyin(call->c_host, call->c_space, entry, args->desired_type);
	result->right_type = move->given;
	return trap_copyout(call, port, move->given, &result->right);
}

static kern_return_t request_no_senders(struct trap_call *call, mach_port_name_t name,
					mach_port_mscount_t sync, struct ipc_port *notify,
					struct ipc_port **previous)
{
	struct ipc_port *port;
	kern_return_t kr = ipc_right_lookup_receive(call->c_host, call->c_space, name, &port);

	if (kr != KERN_SUCCESS)
		return kr;
	if (port->ip_only_reply) {
		trap_guard(call, kGUARD_EXC_INVALID_RIGHT, name, 0);
		return KERN_INVALID_RIGHT;
	}
	ipc_port_nsrequest(call->c_host, port, sync, notify, previous);
	return KERN_SUCCESS;
}

/* Is its receive right in no space, or immovable in that of the first process? */
static bool stays_with_first(const struct ipc_port *port)
{
	const struct ipc_space *space = port->ip_place == IP_IN_SPACE ? port->ip_receiver : NULL;

	return !space || (space->is_task && space->is_task->t_first && ipc_port_immovable(port));
}

/* Only the first process is notified of a service port's end, on a port that it cannot lose. */
static bool may_hear_of_service(const struct trap_call *call, const struct ipc_port *port,
				const struct ipc_port *notify)
{
	if (!port->ip_defended)
		return true;
	return call->c_task->t_first && (!IP_VALID(notify) || stays_with_first(notify));
}

static kern_return_t request_port_destroyed(struct trap_call *call, mach_port_name_t name,
					    mach_port_mscount_t sync, struct ipc_port *notify)
{
	struct ipc_port *port;
	kern_return_t kr;

	if (sync != 0)
		return KERN_INVALID_VALUE;
	kr = ipc_right_lookup_receive(call->c_host, call->c_space, name, &port);
	if (kr != KERN_SUCCESS)
		return kr;
	if (port->ip_kind != IP_PLAIN || port->ip_only_reply || port->ip_special_reply) {
		trap_guard(call, kGUARD_EXC_INVALID_RIGHT, name, 0);
		return KERN_INVALID_RIGHT;
	}
	if (port->ip_pdrequest || !may_hear_of_service(call, port, notify)) {
		trap_guard(call, kGUARD_EXC_KERN_FAILURE, name, 0);
		return KERN_FAILURE;
	}
	port->ip_pdrequest = notify;
	return KERN_SUCCESS;
}

static kern_return_t request_on_name(struct trap_call *call, mach_port_name_t name,
				     enum ipc_request_kind kind, struct ipc_port *notify,
				     struct ipc_port **previous)
{
	struct ipc_entry *entry = ipc_entry_lookup(call->c_space, name);
	bool asked = entry && entry->ie_request;

	if (!MACH_PORT_VALID(name))
		return KERN_INVALID_ARGUMENT;
	if (!entry)
		return KERN_INVALID_NAME;
	entry = lookup(call, name);
	/* A request that the port's death used up cannot be cancelled. */
	if (asked && !notify && entry->ie_type == MACH_PORT_TYPE_DEAD_NAME)
		return KERN_INVALID_ARGUMENT;
	return ipc_right_request(call->c_host, call->c_space, entry, kind, notify, previous);
}

static kern_return_t request(struct trap_call *call,
			     const struct mach_port_request_notification_in *args,
			     struct ipc_port *notify, struct ipc_port **previous)
{
	switch (args->msgid) {
	case MACH_NOTIFY_NO_SENDERS:
		return request_no_senders(call, args->name, args->sync, notify, previous);
	case MACH_NOTIFY_PORT_DESTROYED:
		return request_port_destroyed(call, args->name, args->sync, notify);
	case MACH_NOTIFY_SEND_POSSIBLE:
		return request_on_name(call, args->name,
				       args->sync ? IPC_REQUEST_ARMED : IPC_REQUEST_SEND_POSSIBLE,
				       notify, previous);
	case MACH_NOTIFY_DEAD_NAME:
		return request_on_name(call, args->name, IPC_REQUEST_DEAD_NAME, notify, previous);
	}
	return KERN_INVALID_VALUE;
}

/*
 * The right of the request that was replaced or cancelled. Mach replaces one's own by a trap and
 * does all else by a message: where the right cannot be given, because the table is full or its
 * port has died, the one says so in its code and the other as a message does. In either case the
 * request was made.
 */
static kern_return_t give_previous(struct trap_call *call, const struct ipc_port *notify,
				   struct ipc_port *previous, mach_port_name_t *name)
{
	bool dead = IP_VALID(previous) && !ipc_port_active(previous);
	kern_return_t kr;

	if (!notify || call->c_rights || call->c_task != call->c_caller)
		return trap_copyout(call, previous, MACH_MSG_TYPE_PORT_SEND_ONCE, name);
	kr = ipc_right_copyout(call->c_host, call->c_caller->t_space, previous,
			       MACH_MSG_TYPE_PORT_SEND_ONCE, name);
	return kr == KERN_SUCCESS && dead ? KERN_INVALID_CAPABILITY : kr;
}

kern_return_t trap_mach_port_request_notification(
	struct trap_call *call, const struct mach_port_request_notification_in *args,
	struct mach_port_request_notification_out *result)
{
	struct ipc_port *notify = IP_NULL, *previous = IP_NULL;
	kern_return_t kr;

	if (args->notify_type != MACH_MSG_TYPE_MAKE_SEND_ONCE &&
	    args->notify_type != MACH_MSG_TYPE_MOVE_SEND_ONCE)
		return MIG_TYPE_ERROR;
	if (args->notify == MACH_PORT_DEAD)
		return KERN_INVALID_CAPABILITY;
	if (args->notify != MACH_PORT_NULL) {
		if (!call->c_rights && call->c_task == call->c_caller &&
		    argument_stays(call, args->notify, args->notify_type))
			return KERN_INVALID_CAPABILITY;
		kr = copyin_argument(call, args->notify, args->notify_type, &notify);
		if (kr != KERN_SUCCESS)
			return kr;
		if (notify == IP_DEAD)
			return KERN_INVALID_CAPABILITY;
	}
	kr = request(call, args, notify, &previous);
	if (kr != KERN_SUCCESS) {
		ipc_right_destroy_naked(call->c_host, notify, MACH_MSG_TYPE_PORT_SEND_ONCE);
		return kr;
	}
	return give_previous(call, notify, previous, &result->previous);
}
