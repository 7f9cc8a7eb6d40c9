/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What vouchers say in the model [23]: user data of a few bytes, a priority, whose importance comes
 * along, and for whom work is done. Recipes make it, and the last changes when it is sent and
 * received.
 */
#include <bank/bank_types.h>
#include <mach/mach_voucher_types.h>
#include <string.h>
#include <voucher/ipc_pthread_priority_types.h>

#include "tests/model/model_private.h"

enum { RELATIVE_LEAST = -15 };

/* --- the bank --- */

/* A persona is a user's, and 0 is none. */
static uint32_t persona_of(const struct m_task *task)
{
	return task->uid + 1;
}

static struct m_bank own_of(const struct m_task *task)
{
	return (struct m_bank){.known = true,
			       .holder = task,
			       .originator = task,
			       .proximate = task,
			       .persona = persona_of(task)};
}

struct m_bank m_bank_seen(const struct m_task *task, const struct m_value *value)
{
	return value->bank.known && !value->bank.holder ? own_of(task) : value->bank;
}

/* Who sends vouches for himself, and for nobody before him. */
static void bank_sent(const struct model *model, const struct m_task *task, struct m_value *value)
{
	struct m_bank bank = m_bank_seen(task, value);

	if (!bank.known || (!value->bank.holder && model->mutation == MODEL_BANK_UNSENT))
		return;
	bank.originator = bank.proximate = task;
	bank.persona = persona_of(task);
	bank.merchant = bank.holder == task ? NULL : task;
	value->bank = bank;
}

/* Who receives it works for the holder, under the persona if that is his or he may have any. */
static void bank_received(const struct m_task *task, struct m_bank *bank)
{
	if (!bank->holder) {
		*bank = (struct m_bank){.known = false};
		return;
	}
	if (task->uid != 0)
		bank->persona = persona_of(task);
	if (bank->holder == task && bank->originator == task && bank->proximate == task &&
	    bank->persona == persona_of(task))
		*bank = (struct m_bank){.known = true};
	else
		bank->merchant = task;
}

void m_values_sent(const struct model *model, const struct m_task *task, struct m_value *values)
{
	bank_sent(model, task, &values[MACH_VOUCHER_ATTR_KEY_BANK - 1]);
}

void m_values_received(const struct model *model, const struct m_task *task, struct m_value *values)
{
	if (model->mutation != MODEL_BANK_UNREDEEMED)
		bank_received(task, &values[MACH_VOUCHER_ATTR_KEY_BANK - 1].bank);
}

static uint32_t redeem_bank(const struct m_task *task, const struct m_bank *previous,
			    struct m_value *value)
{
	const struct m_task *worker = previous->merchant ? previous->merchant : previous->holder;

	if (previous->holder && worker != task)
		return KERN_INVALID_CAPABILITY;
	value->bank = *previous;
	if (!previous->merchant)
		value->bank = (struct m_bank){.known = previous->known};
	return KERN_SUCCESS;
}

static uint32_t run_bank(const struct model *model, const struct m_task *task, uint32_t command,
			 const struct m_value *previous, struct m_value *value)
{
	const struct m_value was = *previous;

	memset(value, 0, sizeof *value);
	switch (command) {
	case MACH_VOUCHER_ATTR_BANK_CREATE:
		value->bank.known = true;
		return KERN_SUCCESS;
	case MACH_VOUCHER_ATTR_BANK_MODIFY_PERSONA: /* of what has been sent, by the privileged */
		return was.bank.holder ? KERN_NO_ACCESS : KERN_SUCCESS;
	case MACH_VOUCHER_ATTR_REDEEM:
		return redeem_bank(task, &was.bank, value);
	case MACH_VOUCHER_ATTR_SEND_PREPROCESS:
		*value = was;
		bank_sent(model, task, value);
		return KERN_SUCCESS;
	case MACH_VOUCHER_ATTR_AUTO_REDEEM:
		*value = was;
		bank_received(task, &value->bank);
		return KERN_SUCCESS;
	}
	return KERN_INVALID_ARGUMENT;
}

/* --- the others --- */

/* A class and a relative priority; a word that has anything else instead says nothing. */
static uint32_t priority_of(uint32_t word)
{
	int relative = (int8_t)(word & 0xff) + 1;

	if (word & 0x22000000 || (word & 0x3f00) == 0)
		return 0;
	if (relative > 0 || relative < RELATIVE_LEAST)
		word |= 0xff;
	return word & 0x3fffff;
}

static uint32_t run_priority(uint32_t command, const uint8_t *content, uint32_t size,
			     struct m_value *value)
{
	uint32_t word;

	if (command != MACH_VOUCHER_ATTR_PTHPRIORITY_CREATE || size != sizeof word)
		return KERN_INVALID_ARGUMENT;
	memcpy(&word, content, sizeof word);
	*value = (struct m_value){.word = priority_of(word)};
	if (value->word)
		value->size = sizeof word;
	return KERN_SUCCESS;
}

static uint32_t run_importance(const struct m_task *task, uint32_t command, uint32_t size,
			       const struct m_value *previous, struct m_value *value)
{
	if (size > 0)
		return KERN_INVALID_ARGUMENT;
	if (command == MACH_VOUCHER_ATTR_REDEEM)
		*value = *previous;
	else if (command == MACH_VOUCHER_ATTR_IMPORTANCE_SELF)
		*value = (struct m_value){.boosting = task};
	else
		return KERN_INVALID_ARGUMENT;
	return KERN_SUCCESS;
}

static uint32_t run_data(uint32_t command, const uint8_t *content, uint32_t size,
			 const struct m_value *previous, struct m_value *value)
{
	if (command == MACH_VOUCHER_ATTR_REDEEM) {
		*value = *previous;
		return KERN_SUCCESS;
	}
	if (command != MACH_VOUCHER_ATTR_USER_DATA_STORE)
		return KERN_INVALID_ARGUMENT;
	*value = (struct m_value){.size = size};
	memcpy(&value->word, content, size < sizeof value->word ? size : sizeof value->word);
	return KERN_SUCCESS;
}

/* --- recipes --- */

struct recipe {
	uint32_t key, command, size;
	const struct m_value *previous; /* or NULL */
	const uint8_t *content;
};

static bool nothing(const struct m_value *value)
{
	static const struct m_value zero;

	return memcmp(value, &zero, sizeof zero) == 0;
}

/* The attribute of a key takes a command. */
static uint32_t run_key(const struct model *model, const struct m_task *task,
			const struct recipe *recipe, uint32_t key, struct m_value *value)
{
	struct m_value previous = recipe->previous ? recipe->previous[key - 1] : *value;

	switch (key) {
	case MACH_VOUCHER_ATTR_KEY_BANK:
		return run_bank(model, task, recipe->command, &previous, value);
	case MACH_VOUCHER_ATTR_KEY_IMPORTANCE:
		return run_importance(task, recipe->command, recipe->size, &previous, value);
	case MACH_VOUCHER_ATTR_KEY_PTHPRIORITY:
		return run_priority(recipe->command, recipe->content, recipe->size, value);
	case MACH_VOUCHER_ATTR_KEY_USER_DATA:
	case MACH_VOUCHER_ATTR_KEY_TEST:
		return run_data(recipe->command, recipe->content, recipe->size, &previous, value);
	}
	return KERN_INVALID_ARGUMENT;
}

/* A command about one key of all that there are. */
static uint32_t run_one(const struct model *model, const struct m_task *task,
			const struct recipe *recipe, uint32_t key, struct m_value *values)
{
	struct m_value *value = &values[key - 1];
	const struct m_value *previous = recipe->previous ? &recipe->previous[key - 1] : NULL;

	if (recipe->command == MACH_VOUCHER_ATTR_COPY) {
		*value = *previous;
	} else if (recipe->command == MACH_VOUCHER_ATTR_REMOVE) {
		if (!previous || memcmp(value, previous, sizeof *value) == 0)
			memset(value, 0, sizeof *value);
	} else if (recipe->key != MACH_VOUCHER_ATTR_KEY_ALL ||
		   !nothing(previous ? previous : value)) {
		return run_key(model, task, recipe, key, value);
	}
	return KERN_SUCCESS;
}

static uint32_t run(const struct model *model, const struct m_task *task,
		    const struct recipe *recipe, struct m_value *values)
{
	bool copies = recipe->command == MACH_VOUCHER_ATTR_COPY;
	bool removes = recipe->command == MACH_VOUCHER_ATTR_REMOVE;
	bool for_all = copies || removes || recipe->command == MACH_VOUCHER_ATTR_REDEEM;
	uint32_t code = KERN_SUCCESS;

	if ((copies || removes) && recipe->size > 0)
		return KERN_INVALID_ARGUMENT;
	if (copies && !recipe->previous)
		return KERN_SUCCESS;
	if (recipe->command == MACH_VOUCHER_ATTR_SET_VALUE_HANDLE)
		return KERN_INVALID_CAPABILITY;
	if (recipe->key != MACH_VOUCHER_ATTR_KEY_ALL)
		return recipe->key >= 1 && recipe->key <= M_KEYS
			       ? run_one(model, task, recipe, recipe->key, values)
			       : KERN_INVALID_ARGUMENT;
	if (!for_all)
		return KERN_INVALID_ARGUMENT;
	for (uint32_t key = 1; key <= M_KEYS && code == KERN_SUCCESS; key++)
		code = run_one(model, task, recipe, key, values);
	return code;
}

uint32_t m_run_recipes(const struct model *model, const struct m_task *task, const uint8_t *bytes,
		       uint32_t size, struct m_value *values)
{
	const struct m_entry *entry;
	uint32_t head[4], code;
	struct recipe recipe;

	while (size > 0) {
		if (size < sizeof head)
			return KERN_INVALID_ARGUMENT;
		memcpy(head, bytes, sizeof head);
		if (head[3] > size - sizeof head)
			return KERN_INVALID_ARGUMENT;
		entry = m_voucher_entry(task, head[2]);
		if (head[2] != MACH_PORT_NULL && !entry)
			return KERN_INVALID_CAPABILITY;
		recipe = (struct recipe){.key = head[0],
					 .command = head[1],
					 .size = head[3],
					 .previous = entry ? entry->port->values : NULL,
					 .content = bytes + sizeof head};
		code = run(model, task, &recipe, values);
		if (code != KERN_SUCCESS)
			return code;
		bytes += sizeof head + head[3];
		size -= (uint32_t)sizeof head + head[3];
	}
	return KERN_SUCCESS;
}
