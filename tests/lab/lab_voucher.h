/* SPDX-License-Identifier: Apache-2.0 */
/* Vouchers in a lab: recipes put together piece by piece, and the voucher calls on them. */
#pragma once

#include <bank/bank_types.h>
#include <voucher/ipc_pthread_priority_types.h>

#include "tests/lab/lab_expect.h"

/* Recipes, packed as they are sent. */
struct lab_recipes {
	uint8_t bytes[8192];
	uint32_t size;
};

/* Add one recipe. */
void lab_recipe(struct lab_recipes *recipes, uint32_t key, uint32_t command,
		mach_port_name_t previous, const void *content, uint32_t size);

/* Make a voucher: the code of host_create_mach_voucher. */
kern_return_t lab_create_voucher(struct lab_thread *thread, const struct lab_recipes *recipes,
				 mach_port_name_t *voucher);

/* The same with one recipe. */
kern_return_t lab_one_recipe(struct lab_thread *thread, uint32_t key, uint32_t command,
			     mach_port_name_t previous, const void *content, uint32_t size,
			     mach_port_name_t *voucher);

/* A voucher with this text as user data; with the caller's own bank value. Must succeed. */
mach_port_name_t lab_new_voucher(struct lab_thread *thread, const char *text);
mach_port_name_t lab_new_bank(struct lab_thread *thread);

/* The extract calls and the command; `bytes` has room for *size, and 3 more. */
kern_return_t lab_extract(struct lab_thread *thread, mach_port_name_t voucher, uint32_t key,
			  void *bytes, uint32_t *size);
kern_return_t lab_extract_content(struct lab_thread *thread, mach_port_name_t voucher, uint32_t key,
				  void *bytes, uint32_t *size);
kern_return_t lab_extract_all(struct lab_thread *thread, mach_port_name_t voucher, void *bytes,
			      uint32_t *size);
kern_return_t lab_voucher_command(struct lab_thread *thread, mach_port_name_t voucher, uint32_t key,
				  uint32_t command, const void *in, uint32_t in_size, void *bytes,
				  uint32_t *size);

/* The id of the task whose importance a voucher of the thread stands for; 0: none. */
uint64_t lab_voucher_donor(const struct lab_thread *thread, mach_port_name_t voucher);

/* Put a voucher into a message. */
void lab_carry(struct lab_buffer *message, mach_port_name_t voucher, uint32_t disposition);
