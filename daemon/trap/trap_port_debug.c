/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mach_port calls for debuggers: what a name stands for, and the table of names as it is, free
 * slots and all [20].
 */
#include <mach/port.h>
#include <string.h>

#include "daemon/ipc/ipc_entry.h"
#include "daemon/ipc/ipc_port.h"
#include "daemon/ipc/ipc_pset.h"
#include "daemon/ipc/ipc_right.h"
#include "daemon/ipc/ipc_space.h"
#include "daemon/trap/trap_internal.h"

/* What Mach calls the objects behind its own ports. */
enum {
	IKOT_NONE = 0,
	IKOT_THREAD_CONTROL = 1,
	IKOT_TASK_CONTROL = 2,
	IKOT_HOST = 3,
	IKOT_HOST_PRIV = 4,
	IKOT_TIMER = 8,
	IKOT_TASK_NAME = 20,
	IKOT_SEMAPHORE = 23,
	IKOT_CLOCK = 25,
	IKOT_NAMED_ENTRY = 28,
	IKOT_FILEPORT = 34,
	IKOT_VOUCHER = 37,
	IKOT_EVENTLINK = 43,
	IKOT_TASK_INSPECT = 44,
	IKOT_TASK_READ = 45,
};

static uint32_t type_of(const struct ipc_port *port)
{
	switch (port->ip_kind) {
	case IP_TASK:
		return IKOT_TASK_CONTROL;
	case IP_TASK_READ:
		return IKOT_TASK_READ;
	case IP_TASK_INSPECT:
		return IKOT_TASK_INSPECT;
	case IP_TASK_NAME:
		return IKOT_TASK_NAME;
	case IP_THREAD:
		return IKOT_THREAD_CONTROL;
	case IP_HOST:
		return IKOT_HOST;
	case IP_HOST_PRIV:
		return IKOT_HOST_PRIV;
	case IP_EVENTLINK:
		return IKOT_EVENTLINK;
	case IP_CLOCK:
		return IKOT_CLOCK;
	case IP_TIMER:
		return IKOT_TIMER;
	case IP_SEMAPHORE:
		return IKOT_SEMAPHORE;
	case IP_VOUCHER:
		return IKOT_VOUCHER;
	case IP_FILE:
		return IKOT_FILEPORT;
	case IP_MEMORY:
		return IKOT_NAMED_ENTRY;
	case IP_PLAIN:
	case IP_BOOTSTRAP: /* a task's port like any other, to Mach */
		break;
	}
	return IKOT_NONE;
}

static kern_return_t kobject(struct trap_call *call, mach_port_name_t name, uint32_t *type)
{
	struct ipc_entry *entry = ipc_right_lookup(call->c_host, call->c_space, name);

	if (!entry || entry->ie_type == MACH_PORT_TYPE_DEAD_NAME)
		return KERN_INVALID_NAME;
	if (!(entry->ie_type & MACH_PORT_TYPE_SEND_RECEIVE))
		return KERN_INVALID_RIGHT;
	*type = type_of(entry->ie_port);
	return KERN_SUCCESS;
}

kern_return_t trap_mach_port_kobject(struct trap_call *call,
				     const struct mach_port_kobject_in *args,
				     struct mach_port_kobject_out *result)
{
	return kobject(call, args->name, &result->type);
}

kern_return_t trap_mach_port_kernel_object(struct trap_call *call,
					   const struct mach_port_kernel_object_in *args,
					   struct mach_port_kernel_object_out *result)
{
	return kobject(call, args->name, &result->type);
}

/* Only objects of drivers have a description, and there are none. */
kern_return_t trap_mach_port_kobject_description(
	struct trap_call *call, const struct mach_port_kobject_description_in *args,
	struct mach_port_kobject_description_out *result)
{
	return kobject(call, args->name, &result->type);
}

/* Exists only in development kernels of Mach; elsewhere, and so here, it is not supported. */
kern_return_t trap_mach_port_special_reply_port_reset_link(
	struct trap_call *call, const struct mach_port_special_reply_port_reset_link_in *args,
	struct mach_port_special_reply_port_reset_link_out *result)
{
	(void)call;
	(void)args;
	(void)result;
	return KERN_NOT_SUPPORTED;
}

/* A row of the table: the words of ipc_info_name_t. */
enum {
	ROW_NAME,
	ROW_COLLISION,
	ROW_TYPE,
	ROW_UREFS,
	ROW_OBJECT,
	ROW_NEXT,
	ROW_HASH,
	ROW_WORDS,
};
#define ROWS_PER_PAGE 4096
#define LAST_NAME     0xffu /* slot 0 has no name: index 0, and a generation nothing has */

static uint32_t object_id(const struct ipc_entry *entry)
{
	if (entry->ie_type & MACH_PORT_TYPE_PORT_RIGHTS)
		return (uint32_t)entry->ie_port->ip_id;
	return entry->ie_type == MACH_PORT_TYPE_PORT_SET ? (uint32_t)entry->ie_pset->ps_id : 0;
}

static void put_row(uint32_t *row, const struct ipc_space *space, const struct ipc_entry *entry)
{
	bool used = entry->ie_type != 0;

	memset(row, 0, ROW_WORDS * sizeof *row);
	row[ROW_NAME] = ipc_entry_name(space, entry);
	row[ROW_TYPE] = entry->ie_type | trap_request_bits(entry);
	row[ROW_UREFS] = used ? entry->ie_urefs : 0;
	row[ROW_OBJECT] = object_id(entry);
	row[ROW_NEXT] = used ? entry->ie_request : entry->ie_next;
	row[ROW_HASH] = used ? entry->ie_next : 0;
}

kern_return_t trap_mach_port_space_info(struct trap_call *call,
					const struct mach_port_space_info_in *args,
					struct mach_port_space_info_out *result)
{
	const struct ipc_space *space = call->c_space;
	uint32_t index = args->first, count = 0;

	for (; index < space->is_size && count < ROWS_PER_PAGE; index++, count++) {
		put_row(&result->rows[ROW_WORDS * count], space, &space->is_table[index]);
		if (index == 0)
			result->rows[ROW_NAME] = LAST_NAME;
	}
	result->genno_mask = MACH_PORT_MAKE(0, MACH_PORT_GEN(MACH_PORT_DEAD));
	result->size = space->is_size;
	result->next = index < space->is_size ? index : 0;
	call->c_out_words = ROW_WORDS * count;
	return KERN_SUCCESS;
}
