/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recipes: packed instructions for making a voucher [23], and the reverse, a recipe from a voucher.
 * A recipe that fails leaves nothing behind. Its bytes come from a client: each size is checked
 * against the bytes that are left before it is used.
 */
#include <mach/mach_voucher_types.h>
#include <string.h>

#include "daemon/ipc/ipc_port.h"
#include "daemon/ipc/ipc_space.h"
#include "daemon/ipc/ipc_task.h"
#include "daemon/ipc/voucher_attr.h"

/* A voucher being made. Its values point into recipes, into other vouchers, or into d_rooms. */
struct draft {
	const struct ipc_task *d_task;
	struct ipc_voucher_value d_values[IPC_VOUCHER_KEYS];
	union voucher_room d_rooms[IPC_VOUCHER_KEYS];
};

/* One recipe; r_content points into the packed bytes. */
struct recipe {
	uint32_t r_key, r_command;
	const struct ipc_voucher *r_previous; /* or NULL */
	struct ipc_voucher_value r_content;
};

static bool key_good(uint32_t key)
{
	return key >= 1 && key <= IPC_VOUCHER_KEYS;
}

/* Run `step` on the key of a recipe, or on all keys. */
static kern_return_t each_key(struct draft *draft, const struct recipe *recipe,
			      kern_return_t (*step)(struct draft *draft,
						    const struct recipe *recipe, uint32_t key))
{
	kern_return_t kr = KERN_SUCCESS;

	if (recipe->r_key != MACH_VOUCHER_ATTR_KEY_ALL)
		return key_good(recipe->r_key) ? step(draft, recipe, recipe->r_key)
					       : KERN_INVALID_ARGUMENT;
	for (uint32_t key = 1; key <= IPC_VOUCHER_KEYS && kr == KERN_SUCCESS; key++)
		kr = step(draft, recipe, key);
	return kr;
}

static kern_return_t copy_key(struct draft *draft, const struct recipe *recipe, uint32_t key)
{
	draft->d_values[key - 1] = ipc_voucher_value(recipe->r_previous, key);
	return KERN_SUCCESS;
}

static bool same_value(struct ipc_voucher_value a, struct ipc_voucher_value b)
{
	return a.v_size == b.v_size &&
	       (a.v_size == 0 || memcmp(a.v_bytes, b.v_bytes, a.v_size) == 0);
}

/* With a previous voucher, remove the value only if it equals that voucher's. */
static kern_return_t remove_key(struct draft *draft, const struct recipe *recipe, uint32_t key)
{
	struct ipc_voucher_value *value = &draft->d_values[key - 1];

	if (!recipe->r_previous || same_value(*value, ipc_voucher_value(recipe->r_previous, key)))
		*value = VOUCHER_DEFAULT;
	return KERN_SUCCESS;
}

/* Let the attribute's manager compute the new value. */
static kern_return_t run_key(struct draft *draft, const struct recipe *recipe, uint32_t key)
{
	const struct voucher_attr *attr = voucher_attr(key);
	struct ipc_voucher_value *value = &draft->d_values[key - 1], previous = *value;

	if (!attr)
		return KERN_INVALID_ARGUMENT;
	if (recipe->r_previous)
		previous = ipc_voucher_value(recipe->r_previous, key);
	return attr->get(draft->d_task, recipe->r_command, previous, recipe->r_content,
			 &draft->d_rooms[key - 1], value);
}

/* Redeeming everything: what has no value stays without. */
static kern_return_t redeem_key(struct draft *draft, const struct recipe *recipe, uint32_t key)
{
	struct ipc_voucher_value previous = draft->d_values[key - 1];

	if (recipe->r_previous)
		previous = ipc_voucher_value(recipe->r_previous, key);
	return previous.v_size ? run_key(draft, recipe, key) : KERN_SUCCESS;
}

static kern_return_t run_recipe(struct draft *draft, const struct recipe *recipe)
{
	bool content = recipe->r_content.v_size > 0;

	switch (recipe->r_command) {
	case MACH_VOUCHER_ATTR_COPY:
		if (content)
			return KERN_INVALID_ARGUMENT;
		return recipe->r_previous ? each_key(draft, recipe, copy_key) : KERN_SUCCESS;
	case MACH_VOUCHER_ATTR_REMOVE:
		return content ? KERN_INVALID_ARGUMENT : each_key(draft, recipe, remove_key);
	case MACH_VOUCHER_ATTR_SET_VALUE_HANDLE:
		return KERN_INVALID_CAPABILITY; /* for attributes that live in programs */
	case MACH_VOUCHER_ATTR_REDEEM:
		if (recipe->r_key == MACH_VOUCHER_ATTR_KEY_ALL)
			return each_key(draft, recipe, redeem_key);
		break;
	}
	return key_good(recipe->r_key) ? run_key(draft, recipe, recipe->r_key)
				       : KERN_INVALID_ARGUMENT;
}

/* Take the first recipe of *size bytes apart; *bytes and *size are moved behind it. */
static kern_return_t next_recipe(const struct ipc_task *task, const uint8_t **bytes, size_t *size,
				 struct recipe *recipe)
{
	mach_voucher_attr_recipe_data_t head;

	if (*size < sizeof head)
		return KERN_INVALID_ARGUMENT;
	memcpy(&head, *bytes, sizeof head);
	if (*size - sizeof head < head.content_size)
		return KERN_INVALID_ARGUMENT;
	*recipe = (struct recipe){
		.r_key = head.key,
		.r_command = head.command,
		.r_previous = ipc_voucher_lookup(task->t_space, head.previous_voucher),
		.r_content = {*bytes + sizeof head, head.content_size},
	};
	*bytes += sizeof head + head.content_size;
	*size -= sizeof head + head.content_size;
	if (head.previous_voucher != MACH_VOUCHER_NAME_NULL && !recipe->r_previous)
		return KERN_INVALID_CAPABILITY;
	return KERN_SUCCESS;
}

kern_return_t ipc_voucher_create(struct ipc_host *host, const struct ipc_task *task,
				 const uint8_t *recipes, size_t size, struct ipc_port **port)
{
	struct draft draft = {.d_task = task};
	struct recipe recipe;
	kern_return_t kr;

	*port = IP_NULL;
	if (size == 0)
		return KERN_SUCCESS;
	while (size > 0) {
		kr = next_recipe(task, &recipes, &size, &recipe);
		if (kr == KERN_SUCCESS)
			kr = run_recipe(&draft, &recipe);
		if (kr != KERN_SUCCESS)
			return kr;
	}
	*port = ipc_voucher_find(host, task->t_account, draft.d_values);
	return *port ? KERN_SUCCESS : KERN_RESOURCE_SHORTAGE;
}

struct ipc_port *ipc_voucher_process(struct ipc_host *host, const struct ipc_task *task,
				     struct ipc_voucher *voucher, uint32_t command)
{
	const struct recipe recipe = {.r_command = command, .r_previous = voucher};
	struct draft draft = {.d_task = task};
	bool changes = false;

	for (uint32_t key = 1; key <= IPC_VOUCHER_KEYS; key++) {
		const struct voucher_attr *attr = voucher_attr(key);

		copy_key(&draft, &recipe, key);
		if (!attr || !attr->travels || draft.d_values[key - 1].v_size == 0)
			continue;
		run_key(&draft, &recipe, key);
		changes = true;
	}
	return changes ? ipc_voucher_find(host, task->t_account, draft.d_values)
		       : ipc_port_copy_send(voucher->iv_port);
}

static struct ipc_voucher_value value_of(const struct ipc_voucher *voucher, uint32_t key)
{
	return key_good(key) ? ipc_voucher_value(voucher, key) : VOUCHER_DEFAULT;
}

kern_return_t ipc_voucher_extract_content(struct ipc_host *host, const struct ipc_voucher *voucher,
					  const struct ipc_task *task, uint32_t key, uint8_t *bytes,
					  uint32_t *size)
{
	struct ipc_voucher_value value = value_of(voucher, key);
	uint32_t command;

	if (value.v_size)
		return voucher_attr(key)->extract(host, task, value, &command, bytes, size);
	*size = 0;
	return KERN_SUCCESS;
}

kern_return_t ipc_voucher_extract_recipe(struct ipc_host *host, const struct ipc_voucher *voucher,
					 const struct ipc_task *task, uint32_t key, uint8_t *bytes,
					 uint32_t *size)
{
	mach_voucher_attr_recipe_data_t head = {.key = key, .command = MACH_VOUCHER_ATTR_NOOP};
	struct ipc_voucher_value value = value_of(voucher, key);
	kern_return_t kr;

	if (value.v_size == 0) {
		*size = 0;
		return KERN_SUCCESS;
	}
	if (*size < sizeof head)
		return KERN_NO_SPACE;
	head.content_size = *size - (uint32_t)sizeof head;
	kr = voucher_attr(key)->extract(host, task, value, &head.command, bytes + sizeof head,
					&head.content_size);
	if (kr != KERN_SUCCESS)
		return kr;
	memcpy(bytes, &head, sizeof head);
	*size = (uint32_t)sizeof head + head.content_size;
	return KERN_SUCCESS;
}

kern_return_t ipc_voucher_extract_all(struct ipc_host *host, const struct ipc_voucher *voucher,
				      const struct ipc_task *task, uint8_t *bytes, uint32_t *size)
{
	uint32_t used = 0;

	for (uint32_t key = 1; key <= IPC_VOUCHER_KEYS; key++) {
		uint32_t room = *size - used;
		kern_return_t kr =
			ipc_voucher_extract_recipe(host, voucher, task, key, bytes + used, &room);

		if (kr != KERN_SUCCESS)
			return kr;
		used += room;
	}
	*size = used;
	return KERN_SUCCESS;
}

kern_return_t ipc_voucher_command(struct ipc_host *host, const struct ipc_voucher *voucher,
				  const struct ipc_task *task, uint32_t key, uint32_t command,
				  struct ipc_voucher_value in, uint8_t *bytes, uint32_t *size)
{
	const struct voucher_attr *attr = voucher_attr(key);

	if (!attr)
		return KERN_INVALID_ARGUMENT;
	return attr->command(host, task, ipc_voucher_value(voucher, key), command, in, bytes, size);
}
