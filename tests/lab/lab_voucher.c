/* SPDX-License-Identifier: Apache-2.0 */
/* Recipes, and the voucher calls of a lab's threads. */
#include "tests/lab/lab_voucher.h"

#include <string.h>

#include "daemon/ipc/ipc_task.h"
#include "daemon/ipc/ipc_thread.h"
#include "daemon/ipc/ipc_voucher.h"
#include "daemon/ipc/voucher_attr.h"

void lab_recipe(struct lab_recipes *recipes, uint32_t key, uint32_t command,
		mach_port_name_t previous, const void *content, uint32_t size)
{
	const mach_voucher_attr_recipe_data_t head = {
		.key = key, .command = command, .previous_voucher = previous, .content_size = size};

	LAB_TRUE(recipes->size + sizeof head + size <= sizeof recipes->bytes);
	memcpy(recipes->bytes + recipes->size, &head, sizeof head);
	recipes->size += sizeof head;
	if (size)
		memcpy(recipes->bytes + recipes->size, content, size);
	recipes->size += size;
}

static uint32_t words(uint32_t size)
{
	return (size + 3) / 4 * 4;
}

kern_return_t lab_create_voucher(struct lab_thread *thread, const struct lab_recipes *recipes,
				 mach_port_name_t *voucher)
{
	struct {
		struct host_create_mach_voucher_in in;
		uint8_t bytes[sizeof recipes->bytes];
	} request = {.in.recipes_size = recipes->size};
	struct host_create_mach_voucher_out out;
	kern_return_t kr;

	memcpy(request.bytes, recipes->bytes, recipes->size);
	kr = lab_call(thread, MACHD_ROUTINE_host_create_mach_voucher, thread->task->host, &request,
		      sizeof request.in + words(recipes->size), &out, sizeof out, NULL);
	*voucher = out.voucher;
	return kr;
}

kern_return_t lab_one_recipe(struct lab_thread *thread, uint32_t key, uint32_t command,
			     mach_port_name_t previous, const void *content, uint32_t size,
			     mach_port_name_t *voucher)
{
	struct lab_recipes recipes = {.size = 0};

	lab_recipe(&recipes, key, command, previous, content, size);
	return lab_create_voucher(thread, &recipes, voucher);
}

mach_port_name_t lab_new_voucher(struct lab_thread *thread, const char *text)
{
	mach_port_name_t voucher;

	lab_ok(lab_one_recipe(thread, MACH_VOUCHER_ATTR_KEY_USER_DATA,
			      MACH_VOUCHER_ATTR_USER_DATA_STORE, MACH_PORT_NULL, text,
			      (uint32_t)strlen(text), &voucher));
	return voucher;
}

mach_port_name_t lab_new_bank(struct lab_thread *thread)
{
	mach_port_name_t voucher;

	lab_ok(lab_one_recipe(thread, MACH_VOUCHER_ATTR_KEY_BANK, MACH_VOUCHER_ATTR_BANK_CREATE,
			      MACH_PORT_NULL, NULL, 0, &voucher));
	return voucher;
}

/* A call that gives a size and bytes; what fills the last word must be zero. */
static kern_return_t get_bytes(struct lab_thread *thread, uint32_t routine,
			       mach_port_name_t voucher, const void *in, size_t in_size,
			       void *bytes, uint32_t *size)
{
	struct {
		uint32_t size;
		uint8_t bytes[8192];
	} out;
	size_t got;
	kern_return_t kr = lab_call(thread, routine, voucher, in, in_size, &out, sizeof out, &got);

	if (kr != KERN_SUCCESS)
		return kr;
	LAB_TRUE(out.size <= *size && got == sizeof out.size + words(out.size));
	for (uint32_t i = out.size; i < words(out.size); i++)
		LAB_TRUE(out.bytes[i] == 0);
	*size = out.size;
	memcpy(bytes, out.bytes, out.size);
	return kr;
}

kern_return_t lab_extract(struct lab_thread *thread, mach_port_name_t voucher, uint32_t key,
			  void *bytes, uint32_t *size)
{
	struct mach_voucher_extract_attr_recipe_in in = {.key = key, .size = *size};

	return get_bytes(thread, MACHD_ROUTINE_mach_voucher_extract_attr_recipe, voucher, &in,
			 sizeof in, bytes, size);
}

kern_return_t lab_extract_content(struct lab_thread *thread, mach_port_name_t voucher, uint32_t key,
				  void *bytes, uint32_t *size)
{
	struct mach_voucher_extract_attr_content_in in = {.key = key, .size = *size};

	return get_bytes(thread, MACHD_ROUTINE_mach_voucher_extract_attr_content, voucher, &in,
			 sizeof in, bytes, size);
}

kern_return_t lab_extract_all(struct lab_thread *thread, mach_port_name_t voucher, void *bytes,
			      uint32_t *size)
{
	struct mach_voucher_extract_all_attr_recipes_in in = {.size = *size};

	return get_bytes(thread, MACHD_ROUTINE_mach_voucher_extract_all_attr_recipes, voucher, &in,
			 sizeof in, bytes, size);
}

kern_return_t lab_voucher_command(struct lab_thread *thread, mach_port_name_t voucher, uint32_t key,
				  uint32_t command, const void *in, uint32_t in_size, void *bytes,
				  uint32_t *size)
{
	struct {
		struct mach_voucher_attr_command_in in;
		uint8_t bytes[64];
	} request = {
		.in = {.key = key, .command = command, .size = *size, .in_content_size = in_size}};

	if (in_size)
		memcpy(request.bytes, in, in_size);
	return get_bytes(thread, MACHD_ROUTINE_mach_voucher_attr_command, voucher, &request,
			 sizeof request.in + words(in_size), bytes, size);
}

uint64_t lab_voucher_donor(const struct lab_thread *thread, mach_port_name_t voucher)
{
	const struct ipc_voucher *found =
		ipc_voucher_lookup(thread->ipc->th_task->t_space, voucher);
	struct ipc_voucher_value value = ipc_voucher_value(found, MACH_VOUCHER_ATTR_KEY_IMPORTANCE);
	struct voucher_importance importance = {0};

	if (value.v_size)
		memcpy(&importance, value.v_bytes, sizeof importance);
	return importance.vi_task;
}

void lab_carry(struct lab_buffer *message, mach_port_name_t voucher, uint32_t disposition)
{
	message->header.msgh_voucher_port = voucher;
	message->header.msgh_bits |= disposition << 16;
}
