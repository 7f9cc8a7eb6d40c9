/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making vouchers and looking into them. Sizes are in bytes. Where a size is a pointer it says how
 * much room there is, and afterwards how much of it is used.
 */
#pragma once

#include <mach/mach_types.h>
#include <mach/mach_voucher_types.h>
#include <machd_cdefs.h>

MACHD_BEGIN_DECLS

/*
 * Make a voucher from packed recipes, which are carried out in order. Who makes the same voucher
 * again gets the same name with one user reference more. No recipes make MACH_VOUCHER_NULL. Of the
 * commands, each with or without a previous voucher:
 *
 * MACH_VOUCHER_ATTR_COPY     takes the key's value from the previous voucher, or with
 *                            MACH_VOUCHER_ATTR_KEY_ALL all values
 * MACH_VOUCHER_ATTR_REMOVE   removes the value, or all; if there is a previous voucher, only what
 *                            is as in that one
 * MACH_VOUCHER_ATTR_REDEEM   takes the previous value as one's own, of one key or all
 * others                     are those of the key's attribute, such as _USER_DATA_STORE
 *
 * KERN_INVALID_ARGUMENT: a recipe is cut short, or its key, command or content is not one there is.
 * KERN_INVALID_CAPABILITY: its previous voucher is none, or its value cannot be redeemed here.
 * KERN_NO_ACCESS: not allowed to change a persona. KERN_RESOURCE_SHORTAGE: no memory, too many
 * vouchers, or content that is too long. MIG_ARRAY_TOO_LARGE: more than
 * MACH_VOUCHER_ATTR_MAX_RAW_RECIPE_ARRAY_SIZE bytes. KERN_MEMORY_ERROR: they cannot be read.
 * MACH_SEND_INVALID_DEST: `host` is not the host's port.
 */
extern kern_return_t host_create_mach_voucher(host_t host,
					      mach_voucher_attr_raw_recipe_array_t recipes,
					      mach_voucher_attr_raw_recipe_size_t recipes_size,
					      ipc_voucher_t *voucher);

/*
 * The value of one key: as content alone, or as a recipe that makes it. Nothing for the default and
 * for keys that do not exist. KERN_NO_SPACE: not enough room. KERN_INVALID_VALUE: no room at all
 * for a priority. MIG_ARRAY_TOO_LARGE: a recipe with more room than any can fill.
 * MACH_SEND_INVALID_DEST: not a voucher.
 */
extern kern_return_t mach_voucher_extract_attr_content(mach_voucher_t voucher,
						       mach_voucher_attr_key_t key,
						       mach_voucher_attr_content_t content,
						       mach_msg_type_number_t *content_size);
extern kern_return_t mach_voucher_extract_attr_recipe(mach_voucher_t voucher,
						      mach_voucher_attr_key_t key,
						      mach_voucher_attr_raw_recipe_t recipe,
						      mach_msg_type_number_t *recipe_size);

/* The recipes of all values that are not the default; codes as above. */
extern kern_return_t mach_voucher_extract_all_attr_recipes(
	mach_voucher_t voucher, mach_voucher_attr_raw_recipe_array_t recipes,
	mach_msg_type_number_t *recipes_size);

/*
 * A command to the attribute of a key, about its value in a voucher. KERN_INVALID_ARGUMENT: no such
 * key, or no such command. KERN_FAILURE: it takes none. KERN_INVALID_VALUE: there is no value.
 * KERN_INVALID_OBJECT: a value that was not sent yet. KERN_NOT_SUPPORTED, KERN_NO_SPACE,
 * MIG_ARRAY_TOO_LARGE, MACH_SEND_INVALID_DEST.
 */
extern kern_return_t mach_voucher_attr_command(mach_voucher_t voucher, mach_voucher_attr_key_t key,
					       mach_voucher_attr_command_t command,
					       mach_voucher_attr_content_t in_content,
					       mach_msg_type_number_t in_content_size,
					       mach_voucher_attr_content_t out_content,
					       mach_msg_type_number_t *out_content_size);

/*
 * The recipes of a voucher by the name that a task has for it. KERN_INVALID_ARGUMENT: not a send
 * right. KERN_FAILURE: not a voucher. KERN_NO_SPACE.
 */
extern kern_return_t mach_voucher_debug_info(ipc_space_t task, mach_port_name_t voucher_name,
					     mach_voucher_attr_raw_recipe_array_t recipes,
					     mach_msg_type_number_t *recipes_size);

/* Give up one user reference of a voucher. */
extern kern_return_t mach_voucher_deallocate(mach_voucher_t voucher);

MACHD_END_DECLS
