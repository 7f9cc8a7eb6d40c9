/* SPDX-License-Identifier: Apache-2.0 */
/* Random recipes for vouchers, and calls that look into them. */
#include <bank/bank_types.h>
#include <mach/mach_voucher_types.h>
#include <voucher/ipc_pthread_priority_types.h>

#include "tests/model/gen.h"

enum { RECIPES_MAX = 3, WORD = 4, HEAD = 16 };

#define R(name) MACHD_ROUTINE_##name

static uint32_t any_key(struct gen *gen)
{
	static const uint32_t keys[][2] = {{16, MACH_VOUCHER_ATTR_KEY_USER_DATA},
					   {20, MACH_VOUCHER_ATTR_KEY_BANK},
					   {6, MACH_VOUCHER_ATTR_KEY_PTHPRIORITY},
					   {4, MACH_VOUCHER_ATTR_KEY_IMPORTANCE},
					   {4, MACH_VOUCHER_ATTR_KEY_TEST},
					   {12, MACH_VOUCHER_ATTR_KEY_ALL},
					   {1, MACH_VOUCHER_ATTR_KEY_ATM},
					   {1, 5},
					   {1, 9},
					   {0, 0}};

	return gen_weighted(gen, keys);
}

static uint32_t common_command(struct gen *gen)
{
	static const uint32_t commands[][2] = {{12, MACH_VOUCHER_ATTR_COPY},
					       {8, MACH_VOUCHER_ATTR_REDEEM},
					       {3, MACH_VOUCHER_ATTR_REMOVE},
					       {2, MACH_VOUCHER_ATTR_AUTO_REDEEM},
					       {2, MACH_VOUCHER_ATTR_SEND_PREPROCESS},
					       {1, MACH_VOUCHER_ATTR_BANK_MODIFY_PERSONA},
					       {1, MACH_VOUCHER_ATTR_NOOP},
					       {1, MACH_VOUCHER_ATTR_SET_VALUE_HANDLE},
					       {0, 0}};

	return gen_weighted(gen, commands);
}

/* A command that the key's attribute has for itself. */
static uint32_t own_command(struct gen *gen, uint32_t key)
{
	switch (key) {
	case MACH_VOUCHER_ATTR_KEY_IMPORTANCE:
		return MACH_VOUCHER_ATTR_IMPORTANCE_SELF;
	case MACH_VOUCHER_ATTR_KEY_BANK:
		return MACH_VOUCHER_ATTR_BANK_CREATE;
	case MACH_VOUCHER_ATTR_KEY_PTHPRIORITY:
		return MACH_VOUCHER_ATTR_PTHPRIORITY_CREATE;
	case MACH_VOUCHER_ATTR_KEY_ALL:
		return common_command(gen);
	}
	return MACH_VOUCHER_ATTR_USER_DATA_STORE;
}

/* What was sent waits to be redeemed. */
static bool was_sent(struct gen *gen, const struct m_task *task, const struct op_name *name)
{
	const struct m_entry *entry = m_find(task, world_name(gen->world, name));

	return entry && entry->port && entry->port->voucher &&
	       entry->port->values[MACH_VOUCHER_ATTR_KEY_BANK - 1].bank.holder;
}

/* One more recipe; how many bytes it has. */
static uint32_t recipe(struct gen *gen, const struct m_task *caller, struct op *op, bool last)
{
	uint32_t key = any_key(gen), content = 0;
	uint32_t command = gen_percent(gen, 60) ? own_command(gen, key) : common_command(gen);
	struct op_name previous = {.origin = 0};
	bool priority;

	if (gen_percent(gen, 65))
		previous = gen_voucher(gen, caller);
	if (was_sent(gen, caller, &previous) && gen_percent(gen, 60)) {
		key = MACH_VOUCHER_ATTR_KEY_BANK;
		command = MACH_VOUCHER_ATTR_REDEEM;
	}
	priority = command == MACH_VOUCHER_ATTR_PTHPRIORITY_CREATE;
	if (priority || command == MACH_VOUCHER_ATTR_USER_DATA_STORE || gen_percent(gen, 3))
		content = WORD;
	if (last && gen_percent(gen, 4))
		content = gen_below(gen, WORD + 1);
	gen_word(op, key);
	gen_word(op, command);
	op->arg[op->words++] = previous;
	gen_word(op, content);
	if (content)
		gen_word(op, priority ? gen_priority(gen) : gen_below(gen, 3));
	return HEAD + content;
}

/* Recipes, and now and then a size that cuts them. */
static void create(struct gen *gen, const struct m_task *caller, struct op *op)
{
	unsigned count = gen_percent(gen, 60) ? 1 : 2 + gen_below(gen, RECIPES_MAX - 1);
	uint32_t size = 0;

	op->target.origin = caller->origin * OP_NAMES + gen_percent(gen, 98);
	gen_word(op, 0);
	for (unsigned i = 1; i <= count; i++)
		size += recipe(gen, caller, op, i == count);
	op->arg[0].literal = gen_percent(gen, 95) ? size : gen_below(gen, size);
}

static uint32_t room(struct gen *gen)
{
	static const uint32_t rooms[][2] = {{10, 256}, {4, 20},	  {2, 19}, {2, 16},
					    {2, 15},   {3, 4},	  {2, 3},  {2, 0},
					    {1, 5120}, {1, 5121}, {0, 0}};

	return gen_weighted(gen, rooms);
}

/* What came with messages is given up, or asked about. */
static void drop(struct gen *gen, struct op *op)
{
	gen_word(op, MACH_VOUCHER_ATTR_KEY_IMPORTANCE);
	gen_word(op, MACH_VOUCHER_IMPORTANCE_ATTR_DROP_EXTERNAL);
	gen_word(op, gen_percent(gen, 90) ? WORD : 0);
	gen_word(op, WORD);
	gen_word(op, gen_below(gen, 3));
}

static void command(struct gen *gen, struct op *op)
{
	bool bank = gen_percent(gen, 85);

	if (gen_percent(gen, 50)) {
		drop(gen, op);
		return;
	}
	gen_word(op, bank ? MACH_VOUCHER_ATTR_KEY_BANK : any_key(gen));
	gen_word(op, gen_below(gen, 6));
	gen_word(op, gen_percent(gen, 70) ? sizeof(struct persona_token) : room(gen));
	gen_word(op, bank ? 0 : gen_below(gen, 2) * WORD);
	if (op->arg[op->words - 1].literal)
		gen_word(op, 0);
}

/* The caller's own right to itself, mostly. */
static struct op_name own_thread(struct gen *gen, const struct m_task *caller, struct op *op)
{
	const struct m_port *self = world_actor(gen->world, op->who)->model->self;
	const struct m_entry *entry;

	if (self && gen_percent(gen, 90)) {
		entry = m_find_port(caller, self);
		if (entry && entry->origin)
			return (struct op_name){.origin = entry->origin};
	}
	return gen_thread(gen, caller);
}

bool gen_voucher_call(struct gen *gen, const struct m_task *caller, const struct m_task *task,
		      struct op *op)
{
	switch (op->routine) {
	case R(host_create_mach_voucher):
		create(gen, caller, op);
		return true;
	case R(mach_voucher_debug_info):
		op->arg[op->words++] = gen_voucher(gen, task);
		gen_word(op, room(gen));
		return true;
	case R(mach_voucher_extract_attr_content):
	case R(mach_voucher_extract_attr_recipe):
	case R(mach_voucher_extract_all_attr_recipes):
		if (op->routine != R(mach_voucher_extract_all_attr_recipes))
			gen_word(op, any_key(gen));
		op->target = gen_voucher(gen, caller);
		gen_word(op, room(gen));
		return true;
	case R(thread_get_mach_voucher):
		op->target = own_thread(gen, caller, op);
		gen_word(op, gen_below(gen, 2));
		return true;
	case R(thread_set_mach_voucher):
		op->target = own_thread(gen, caller, op);
		op->arg[op->words++] = gen_voucher(gen, caller);
		return true;
	case R(mach_voucher_attr_command):
		op->target = gen_voucher(gen, caller);
		command(gen, op);
		return true;
	}
	return false;
}
