/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rights in the arguments and results of routines. A frame names them, and they are taken from the
 * caller's space and put there. A message brings them naked and takes them along naked in its
 * reply; the words that are names in a frame are handles then: (number of the right + 1) * 4, which
 * no space has as a name.
 */
#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_owed.h"
#include "daemon/ipc/ipc_port.h"
#include "daemon/ipc/ipc_right.h"
#include "daemon/ipc/ipc_task.h"
#include "daemon/trap/trap_internal.h"

#define HANDLE_STEP 4

static uint32_t handle_index(mach_port_name_t handle)
{
	return handle / HANDLE_STEP - 1;
}

static mach_port_name_t index_handle(uint32_t index)
{
	return (index + 1) * HANDLE_STEP;
}

mach_port_name_t trap_right_handle(const struct trap_rights *rights, uint32_t index)
{
	const struct ipc_port *port = rights->tr_request->ikm_rights[index].r_port;

	if (!IP_VALID(port))
		return port == IP_DEAD ? MACH_PORT_DEAD : MACH_PORT_NULL;
	return index_handle(index);
}

/* A right of the message; its place is empty then, so that it goes only one way. */
static kern_return_t take(struct trap_call *call, mach_port_name_t handle, struct ipc_port **port)
{
	union ikm_right *right;

	*port = handle == MACH_PORT_DEAD ? IP_DEAD : IP_NULL;
	if (!MACH_PORT_VALID(handle))
		return KERN_INVALID_CAPABILITY;
	right = &call->c_rights->tr_request->ikm_rights[handle_index(handle)];
	*port = right->r_port;
	right->r_port = IP_NULL;
	return KERN_SUCCESS;
}

kern_return_t trap_copyin(struct trap_call *call, mach_port_name_t name, uint32_t disposition,
			  struct ipc_port **port)
{
	struct ipc_space *space = call->c_caller->t_space;
	struct ipc_entry *entry;

	if (call->c_rights)
		return take(call, name, port);
	if (!MACH_PORT_VALID(name))
		return KERN_INVALID_NAME;
	entry = ipc_right_lookup(call->c_host, space, name);
	if (!entry)
		return KERN_INVALID_NAME;
	if (!ipc_right_copyin_check(space, entry, disposition, RIGHT_FOR_DAEMON))
		return KERN_INVALID_RIGHT;
	if (disposition == MACH_MSG_TYPE_MAKE_SEND_ONCE && !ipc_owed_keep(call->c_host, 1))
		return KERN_RESOURCE_SHORTAGE;
	*port = ipc_right_copyin(call->c_host, space, entry, disposition);
	return *port == IP_DEAD ? KERN_INVALID_CAPABILITY : KERN_SUCCESS;
}

kern_return_t trap_copyin_body(struct trap_call *call, mach_port_name_t name, uint32_t disposition,
			       struct ipc_port **port)
{
	kern_return_t kr = KERN_SUCCESS;

	*port = name == MACH_PORT_DEAD ? IP_DEAD : IP_NULL;
	if (MACH_PORT_VALID(name))
		kr = trap_copyin(call, name, disposition, port);
	return kr == KERN_SUCCESS || kr == KERN_INVALID_CAPABILITY ? KERN_SUCCESS
								   : MACH_SEND_INVALID_RIGHT;
}

bool trap_keepable(const struct trap_call *call, const struct ipc_port *port)
{
	return !IP_VALID(port) || !ipc_right_immovable_send(call->c_caller->t_space, port);
}

kern_return_t trap_port(struct trap_call *call, mach_port_name_t name, struct ipc_port **port)
{
	struct ipc_entry *entry;

	if (!MACH_PORT_VALID(name))
		return KERN_INVALID_NAME;
	if (call->c_rights) {
		*port = call->c_rights->tr_request->ikm_rights[handle_index(name)].r_port;
		return KERN_SUCCESS;
	}
	entry = ipc_right_lookup(call->c_host, call->c_caller->t_space, name);
	if (!entry || entry->ie_type == MACH_PORT_TYPE_DEAD_NAME)
		return KERN_INVALID_NAME;
	if (!(entry->ie_type & MACH_PORT_TYPE_SEND))
		return KERN_INVALID_RIGHT;
	*port = entry->ie_port;
	return KERN_SUCCESS;
}

kern_return_t trap_reserve(struct trap_call *call)
{
	if (!call->c_rights)
		return ipc_entry_reserve(call->c_host, call->c_caller->t_space);
	return call->c_rights->tr_count < call->c_rights->tr_room ? KERN_SUCCESS
								  : KERN_RESOURCE_SHORTAGE;
}

/* Into the space of a caller who gets a frame for an answer, but Mach's code for a reply. */
static kern_return_t copyout(struct trap_call *call, struct ipc_port *port, uint8_t type,
			     mach_port_name_t *name)
{
	switch (ipc_right_copyout(call->c_host, call->c_caller->t_space, port, type, name)) {
	case KERN_SUCCESS:
		return KERN_SUCCESS;
	case KERN_RESOURCE_SHORTAGE:
		return MACH_RCV_BODY_ERROR | MACH_MSG_IPC_KERNEL;
	}
	return MACH_RCV_BODY_ERROR | MACH_MSG_IPC_SPACE;
}

kern_return_t trap_copyout(struct trap_call *call, struct ipc_port *port, uint8_t type,
			   mach_port_name_t *name)
{
	struct trap_rights *rights = call->c_rights;

	if (!rights)
		return copyout(call, port, type, name);
	if (trap_reserve(call) != KERN_SUCCESS) {
		*name = MACH_PORT_NULL;
		ipc_right_destroy_naked(call->c_host, port, type);
		return KERN_RESOURCE_SHORTAGE;
	}
	rights->tr_given[rights->tr_count] = (struct trap_right){port, type};
	*name = index_handle(rights->tr_count++);
	return KERN_SUCCESS;
}

struct trap_right trap_right_take(struct trap_rights *rights, mach_port_name_t handle)
{
	struct trap_right *given, right = {IP_NULL, 0};

	if (handle == MACH_PORT_NULL)
		return right;
	given = &rights->tr_given[handle_index(handle)];
	right = *given;
	given->r_port = IP_NULL;
	return right;
}
