/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Vouchers: the calls, and the hooks for programs that keep a current voucher. The
 * voucher_mach_msg_ functions are weak, so that such a program or library can replace them;
 * mach_msg_server and the stubs of MIG call them.
 */
#include <mach/mach.h>
#include <mach/mig_errors.h>
#include <string.h>

#include "client/mi.h"

/* The longest content; the longest recipes are a little longer. */
#define CONTENT_MAX 4096
#define RECIPES_MAX MACH_VOUCHER_ATTR_MAX_RAW_RECIPE_ARRAY_SIZE

/* Bytes in whole words, as they go by wire. */
struct packed {
	uint32_t size; /* of the words, in bytes */
	uint8_t bytes[RECIPES_MAX];
};

/* KERN_MEMORY_ERROR: the bytes cannot be read. There is room for them. */
static kern_return_t pack(struct packed *packed, const void *bytes, uint32_t size)
{
	const uint32_t word = sizeof(uint32_t);

	packed->size = (size + word - 1) / word * word;
	memset(packed->bytes + size, 0, packed->size - size);
	return size == 0 || mi_fetch(packed->bytes, bytes, size) ? KERN_SUCCESS : KERN_MEMORY_ERROR;
}

/* A call whose result is bytes behind their number: they go where `bytes` and *size say. */
static kern_return_t get_bytes(struct mi_call *call, void *bytes, mach_msg_type_number_t *size)
{
	uint32_t came, words[RECIPES_MAX / sizeof(uint32_t)];
	kern_return_t code;

	call->out = &came;
	call->out_size = sizeof came;
	call->out_array = words;
	call->out_array_size = sizeof words;
	code = mi_call(call);
	if (code != KERN_SUCCESS)
		return code;
	if (came > *size || came > call->out_array_size)
		return MIG_REPLY_MISMATCH;
	if (came)
		memcpy(bytes, words, came);
	*size = came;
	return KERN_SUCCESS;
}

kern_return_t host_create_mach_voucher(host_t host, mach_voucher_attr_raw_recipe_array_t recipes,
				       mach_voucher_attr_raw_recipe_size_t recipes_size,
				       ipc_voucher_t *voucher)
{
	struct host_create_mach_voucher_in in = {.recipes_size = recipes_size};
	struct host_create_mach_voucher_out out;
	struct packed packed;
	struct mi_call call = {
		.routine = MACHD_ROUTINE_host_create_mach_voucher,
		.target = host,
		.in = &in,
		.in_size = sizeof in,
		.in_array = packed.bytes,
		.out = &out,
		.out_size = sizeof out,
	};
	kern_return_t code;

	if (recipes_size > RECIPES_MAX)
		return MIG_ARRAY_TOO_LARGE;
	code = pack(&packed, recipes, recipes_size);
	call.in_array_size = packed.size;
	if (code == KERN_SUCCESS)
		code = mi_call(&call);
	if (code == KERN_SUCCESS)
		*voucher = out.voucher;
	return code;
}

kern_return_t mach_voucher_extract_attr_content(mach_voucher_t voucher, mach_voucher_attr_key_t key,
						mach_voucher_attr_content_t content,
						mach_msg_type_number_t *content_size)
{
	struct mach_voucher_extract_attr_content_in in = {.key = key, .size = *content_size};
	struct mi_call call = {
		.routine = MACHD_ROUTINE_mach_voucher_extract_attr_content,
		.target = voucher,
		.in = &in,
		.in_size = sizeof in,
	};

	return get_bytes(&call, content, content_size);
}

kern_return_t mach_voucher_extract_attr_recipe(mach_voucher_t voucher, mach_voucher_attr_key_t key,
					       mach_voucher_attr_raw_recipe_t recipe,
					       mach_msg_type_number_t *recipe_size)
{
	struct mach_voucher_extract_attr_recipe_in in = {.key = key, .size = *recipe_size};
	struct mi_call call = {
		.routine = MACHD_ROUTINE_mach_voucher_extract_attr_recipe,
		.target = voucher,
		.in = &in,
		.in_size = sizeof in,
	};

	return get_bytes(&call, recipe, recipe_size);
}

kern_return_t mach_voucher_extract_all_attr_recipes(mach_voucher_t voucher,
						    mach_voucher_attr_raw_recipe_array_t recipes,
						    mach_msg_type_number_t *recipes_size)
{
	struct mach_voucher_extract_all_attr_recipes_in in = {.size = *recipes_size};
	struct mi_call call = {
		.routine = MACHD_ROUTINE_mach_voucher_extract_all_attr_recipes,
		.target = voucher,
		.in = &in,
		.in_size = sizeof in,
	};

	return get_bytes(&call, recipes, recipes_size);
}

kern_return_t mach_voucher_attr_command(mach_voucher_t voucher, mach_voucher_attr_key_t key,
					mach_voucher_attr_command_t command,
					mach_voucher_attr_content_t in_content,
					mach_msg_type_number_t in_content_size,
					mach_voucher_attr_content_t out_content,
					mach_msg_type_number_t *out_content_size)
{
	struct mach_voucher_attr_command_in in = {
		.key = key,
		.command = command,
		.size = *out_content_size,
		.in_content_size = in_content_size,
	};
	struct packed packed;
	struct mi_call call = {
		.routine = MACHD_ROUTINE_mach_voucher_attr_command,
		.target = voucher,
		.in = &in,
		.in_size = sizeof in,
		.in_array = packed.bytes,
	};
	kern_return_t code;

	if (in_content_size > CONTENT_MAX)
		return MIG_ARRAY_TOO_LARGE;
	code = pack(&packed, in_content, in_content_size);
	call.in_array_size = packed.size;
	if (code == KERN_SUCCESS)
		code = get_bytes(&call, out_content, out_content_size);
	return code;
}

kern_return_t mach_voucher_debug_info(ipc_space_t task, mach_port_name_t voucher_name,
				      mach_voucher_attr_raw_recipe_array_t recipes,
				      mach_msg_type_number_t *recipes_size)
{
	struct mach_voucher_debug_info_in in = {.name = voucher_name, .size = *recipes_size};
	struct mi_call call = {
		.routine = MACHD_ROUTINE_mach_voucher_debug_info,
		.target = task,
		.in = &in,
		.in_size = sizeof in,
	};

	return get_bytes(&call, recipes, recipes_size);
}

kern_return_t mach_voucher_deallocate(mach_voucher_t voucher)
{
	return mach_port_deallocate(mach_task_self(), voucher);
}

kern_return_t thread_get_mach_voucher(thread_act_t thr_act, mach_voucher_selector_t which,
				      ipc_voucher_t *voucher)
{
	struct thread_get_mach_voucher_in in = {.which = which};
	struct thread_get_mach_voucher_out out;
	kern_return_t code = MI_CALL(thread_get_mach_voucher, thr_act, &in, &out);

	if (code == KERN_SUCCESS)
		*voucher = out.voucher;
	return code;
}

kern_return_t thread_set_mach_voucher(thread_act_t thr_act, ipc_voucher_t voucher)
{
	struct thread_set_mach_voucher_in in = {.voucher = voucher};
	kern_return_t code = MI_CALL(thread_set_mach_voucher, thr_act, &in, NULL);

	if (code == KERN_SUCCESS)
		mi_thread_channel()->thread_port = true; /* to be told of when the thread ends */
	return code;
}

__attribute__((weak)) boolean_t voucher_mach_msg_set(mach_msg_header_t *msg)
{
	(void)msg;
	return FALSE;
}

__attribute__((weak)) void voucher_mach_msg_clear(mach_msg_header_t *msg)
{
	(void)msg;
}

static voucher_mach_msg_state_t adopt_none(mach_msg_header_t *msg)
{
	(void)msg;
	return VOUCHER_MACH_MSG_STATE_UNCHANGED;
}

__attribute__((weak, alias("adopt_none"))) voucher_mach_msg_state_t voucher_mach_msg_adopt(
	mach_msg_header_t *msg);

bool mi_adopts_vouchers(void)
{
	return voucher_mach_msg_adopt != adopt_none;
}

__attribute__((weak)) void voucher_mach_msg_revert(voucher_mach_msg_state_t state)
{
	(void)state;
}
