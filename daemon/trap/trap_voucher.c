/* SPDX-License-Identifier: Apache-2.0 */
/* The voucher calls [23]: bytes of any length, in whole words on the wire. */
#include <mach/mach_voucher_types.h>
#include <mach/mig_errors.h>
#include <string.h>

#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_port.h"
#include "daemon/ipc/ipc_right.h"
#include "daemon/ipc/ipc_task.h"
#include "daemon/ipc/ipc_thread.h"
#include "daemon/ipc/ipc_voucher.h"
#include "daemon/trap/trap_internal.h"

#define WORD	    ((uint32_t)sizeof(uint32_t))
#define RECIPES_MAX MACH_VOUCHER_ATTR_MAX_RAW_RECIPE_ARRAY_SIZE
#define CONTENT_MAX 4096 /* of one attribute, as MIG has it */

/* Set the length of a result in bytes, and clear the padding of its last word. */
static void put_bytes(struct trap_call *call, uint8_t *bytes, uint32_t size, uint32_t *result_size)
{
	call->c_out_words = (size + WORD - 1) / WORD;
	memset(bytes + size, 0, call->c_out_words * WORD - size);
	*result_size = size;
}

/* Room for the bytes of a result: what the caller has, and not too much of it. */
static uint32_t room_for(uint32_t size, uint32_t most)
{
	return size < most ? size : most;
}

kern_return_t trap_host_create_mach_voucher(struct trap_call *call,
					    const struct host_create_mach_voucher_in *args,
					    struct host_create_mach_voucher_out *result)
{
	struct ipc_port *port;
	kern_return_t kr;

	if (args->recipes_size > RECIPES_MAX)
		return MIG_ARRAY_TOO_LARGE;
	kr = ipc_voucher_create(call->c_host, call->c_caller, args->recipes, args->recipes_size,
				&port);
	if (kr != KERN_SUCCESS)
		return kr;
	return trap_copyout(call, port, MACH_MSG_TYPE_PORT_SEND, &result->voucher);
}

kern_return_t trap_mach_voucher_extract_attr_content(
	struct trap_call *call, const struct mach_voucher_extract_attr_content_in *args,
	struct mach_voucher_extract_attr_content_out *result)
{
	uint32_t size = room_for(args->size, CONTENT_MAX);
	kern_return_t kr =
		ipc_voucher_extract_content(call->c_host, call->c_port->ip_voucher, call->c_caller,
					    args->key, result->content, &size);

	if (kr == KERN_SUCCESS)
		put_bytes(call, result->content, size, &result->content_size);
	return kr;
}

kern_return_t trap_mach_voucher_extract_attr_recipe(
	struct trap_call *call, const struct mach_voucher_extract_attr_recipe_in *args,
	struct mach_voucher_extract_attr_recipe_out *result)
{
	uint32_t size = args->size;
	kern_return_t kr;

	if (size > RECIPES_MAX)
		return MIG_ARRAY_TOO_LARGE;
	kr = ipc_voucher_extract_recipe(call->c_host, call->c_port->ip_voucher, call->c_caller,
					args->key, result->recipe, &size);
	if (kr == KERN_SUCCESS)
		put_bytes(call, result->recipe, size, &result->recipe_size);
	return kr;
}

kern_return_t trap_mach_voucher_extract_all_attr_recipes(
	struct trap_call *call, const struct mach_voucher_extract_all_attr_recipes_in *args,
	struct mach_voucher_extract_all_attr_recipes_out *result)
{
	uint32_t size = room_for(args->size, RECIPES_MAX);
	kern_return_t kr = ipc_voucher_extract_all(call->c_host, call->c_port->ip_voucher,
						   call->c_caller, result->recipes, &size);

	if (kr == KERN_SUCCESS)
		put_bytes(call, result->recipes, size, &result->recipes_size);
	return kr;
}

kern_return_t trap_mach_voucher_attr_command(struct trap_call *call,
					     const struct mach_voucher_attr_command_in *args,
					     struct mach_voucher_attr_command_out *result)
{
	struct ipc_voucher_value in = {args->in_content, args->in_content_size};
	uint32_t size = room_for(args->size, CONTENT_MAX);
	kern_return_t kr;

	kr = ipc_voucher_command(call->c_host, call->c_port->ip_voucher, call->c_caller, args->key,
				 args->command, in, result->content, &size);
	if (kr == KERN_SUCCESS)
		put_bytes(call, result->content, size, &result->content_size);
	return kr;
}

kern_return_t trap_mach_voucher_debug_info(struct trap_call *call,
					   const struct mach_voucher_debug_info_in *args,
					   struct mach_voucher_debug_info_out *result)
{
	struct ipc_entry *entry = ipc_right_lookup(call->c_host, call->c_space, args->name);
	struct ipc_voucher *voucher = ipc_voucher_lookup(call->c_space, args->name);
	uint32_t size = room_for(args->size, RECIPES_MAX);
	kern_return_t kr;

	if (!entry || !(entry->ie_type & MACH_PORT_TYPE_SEND))
		return KERN_INVALID_ARGUMENT;
	if (!voucher)
		return KERN_FAILURE;
	kr = ipc_voucher_extract_all(call->c_host, voucher, call->c_task, result->recipes, &size);
	if (kr == KERN_SUCCESS)
		put_bytes(call, result->recipes, size, &result->recipes_size);
	return kr;
}

kern_return_t trap_thread_get_mach_voucher(struct trap_call *call,
					   const struct thread_get_mach_voucher_in *args,
					   struct thread_get_mach_voucher_out *result)
{
	struct ipc_port *voucher = call->c_port->ip_thread->th_voucher;

	(void)args; /* a thread has one, whichever is asked for */
	if (voucher)
		voucher = ipc_port_copy_send(voucher);
	return trap_copyout(call, voucher, MACH_MSG_TYPE_PORT_SEND, &result->voucher);
}

/* Only a thread itself says what it works under. A right that is no voucher's is none at all. */
kern_return_t trap_thread_set_mach_voucher(struct trap_call *call,
					   const struct thread_set_mach_voucher_in *args,
					   struct thread_set_mach_voucher_out *result)
{
	struct ipc_port *port = IP_NULL;
	kern_return_t kr = KERN_SUCCESS;

	(void)result;
	if (MACH_PORT_VALID(args->voucher))
		kr = trap_port(call, args->voucher, &port);
	if (kr != KERN_SUCCESS)
		return kr;
	if (call->c_port->ip_thread != call->c_thread)
		return KERN_INVALID_ARGUMENT;
	if (IP_VALID(port) && port->ip_voucher)
		port = ipc_port_copy_send(port);
	else
		port = IP_NULL;
	ipc_thread_set_voucher(call->c_host, call->c_thread, port);
	return KERN_SUCCESS;
}
