/* SPDX-License-Identifier: Apache-2.0 */
/* What kind of operation comes next, by whom, and with which names. */
#include "tests/model/gen.h"

#include <mach/mach_voucher_types.h>
#include <string.h>

#include "tests/model/rng.h"

enum { TASKS_MIN = 2, TASKS_MAX = 5, TASK_THREADS_MAX = 4 };

#define UNUSED_NAME 0x00fffe03u

void gen_start(struct gen *gen, struct world *world, uint64_t seed)
{
	*gen = (struct gen){.world = world, .random = seed};
}

uint32_t gen_below(struct gen *gen, uint32_t bound)
{
	return rng_below(&gen->random, bound);
}

bool gen_percent(struct gen *gen, uint32_t percent)
{
	return rng_percent(&gen->random, percent);
}

uint32_t gen_weighted(struct gen *gen, const uint32_t (*table)[2])
{
	uint32_t sum = 0, at;
	unsigned i = 0;

	for (; table[i][0]; i++)
		sum += table[i][0];
	at = gen_below(gen, sum);
	for (i = 0; at >= table[i][0]; i++)
		at -= table[i][0];
	return table[i][1];
}

/* --- names --- */

uint32_t gen_type_for(uint32_t disposition)
{
	switch (disposition) {
	case MACH_MSG_TYPE_MOVE_SEND:
	case MACH_MSG_TYPE_COPY_SEND:
		return MACH_PORT_TYPE_SEND | MACH_PORT_TYPE_DEAD_NAME;
	case MACH_MSG_TYPE_MOVE_SEND_ONCE:
		return MACH_PORT_TYPE_SEND_ONCE;
	}
	return MACH_PORT_TYPE_RECEIVE;
}

static struct op_name literal(uint32_t value)
{
	return (struct op_name){.literal = value};
}

/* One of the task's entries with any of these rights; seldom a port of the daemon's. */
static struct op_name entry_name(struct gen *gen, const struct m_task *task, uint32_t types)
{
	const struct m_entry *entry, *chosen = NULL;
	uint32_t seen = 0;

	TAILQ_FOREACH (entry, &task->entries, link) {
		if (!(entry->type & types))
			continue;
		if (entry->port && entry->port->kernel && !entry->port->voucher &&
		    !gen_percent(gen, 2))
			continue;
		if (gen_below(gen, ++seen) == 0)
			chosen = entry;
	}
	if (!chosen)
		return literal(UNUSED_NAME);
	return chosen->origin ? (struct op_name){.origin = chosen->origin} : literal(chosen->name);
}

/* A name that some task was told once. */
static struct op_name old_name(struct gen *gen)
{
	uint32_t op = 1 + gen_below(gen, gen->number), n = gen_below(gen, 3);

	if (!gen->world->names[op][n])
		return literal(UNUSED_NAME);
	return (struct op_name){.origin = op * OP_NAMES + n};
}

static uint32_t odd_name(struct gen *gen)
{
	switch (gen_below(gen, 4)) {
	case 0:
		return MACH_PORT_NULL;
	case 1:
		return MACH_PORT_DEAD;
	case 2:
		return gen_below(gen, 256) << 8 | 3;
	}
	return gen_below(gen, UINT32_MAX);
}

struct op_name gen_name(struct gen *gen, const struct m_task *task, uint32_t types)
{
	uint32_t way = gen_below(gen, 100);
	const struct m_entry *entry;
	struct op_name name;

	if (way < 86)
		name = entry_name(gen, task, types);
	else if (way < 91)
		name = entry_name(gen, task, ~0u);
	else if (way < 95)
		name = old_name(gen);
	else
		name = literal(odd_name(gen));
	entry = m_find(task, world_name(gen->world, &name));
	if (entry && entry->port && entry->port->kernel && way >= 86 && !gen_percent(gen, 5))
		return literal(UNUSED_NAME);
	return name;
}

struct op_name gen_right(struct gen *gen, const struct m_task *task, const uint32_t (*table)[2],
			 uint32_t *disposition)
{
	struct op_name name = literal(UNUSED_NAME);

	for (unsigned i = 0; i < 4 && name.literal == UNUSED_NAME; i++) {
		*disposition = gen_weighted(gen, table);
		name = gen_name(gen, task, gen_type_for(*disposition));
	}
	return name;
}

struct op_name gen_voucher(struct gen *gen, const struct m_task *task)
{
	const uint32_t bank = MACH_VOUCHER_ATTR_KEY_BANK - 1;
	const struct m_entry *entry, *chosen = NULL;
	unsigned seen = 0;

	TAILQ_FOREACH (entry, &task->entries, link) {
		if (!entry->port || !entry->port->voucher)
			continue;
		seen += entry->port->values[bank].bank.known ? 4 : 1; /* which change most */
		if (gen_below(gen, seen) < (entry->port->values[bank].bank.known ? 4 : 1))
			chosen = entry;
	}
	if (gen_percent(gen, 5))
		return gen_name(gen, task, MACH_PORT_TYPE_SEND);
	return (struct op_name){.origin = chosen && gen_percent(gen, 90) ? chosen->origin : 0};
}

/* --- kinds --- */

static unsigned task_count(const struct world *world)
{
	const struct m_task *task;
	unsigned count = 0;

	TAILQ_FOREACH (task, &world->model.tasks, link)
		count++;
	return count;
}

static const struct actor *any_actor(struct gen *gen)
{
	return &gen->world->actors[gen_below(gen, gen->world->actor_count)];
}

/* A thread that waits, or does not; NULL if none was found. */
static const struct actor *find_actor(struct gen *gen, bool waits)
{
	for (unsigned i = 0; i < 40; i++) {
		const struct actor *actor = any_actor(gen);

		if (m_waits(actor->model) == waits)
			return actor;
	}
	return NULL;
}

static void cancel_one(struct gen *gen, struct op *op)
{
	const struct actor *actor = find_actor(gen, gen_percent(gen, 90));

	op->kind = OP_CANCEL;
	op->who = (actor ? actor : any_actor(gen))->origin;
}

static void let_one_leave(struct gen *gen, struct op *op)
{
	const struct actor *actor = any_actor(gen);

	for (unsigned i = 0; gen->doomed && i < gen->world->actor_count; i++)
		if (gen->world->actors[i].model->task == gen->doomed)
			actor = &gen->world->actors[i];
	op->kind = OP_LEAVE;
	op->who = actor->origin;
	if (gen->doomed && gen->doomed->threads == 1)
		gen->doomed = NULL;
}

static void add_thread(struct gen *gen, struct op *op)
{
	const struct actor *actor = any_actor(gen);

	op->kind = OP_THREAD;
	op->who = actor->origin;
	if (actor->model->task->threads >= TASK_THREADS_MAX)
		cancel_one(gen, op);
}

static void request(struct gen *gen, struct op *op)
{
	const struct actor *actor = find_actor(gen, false);

	if (gen->burst.left && gen->burst.left--) {
		struct actor *sender = world_actor(gen->world, gen->burst.who);

		if (sender && !m_waits(sender->model))
			actor = sender;
	}
	if (!actor) {
		cancel_one(gen, op);
		return;
	}
	op->who = actor->origin;
	op->check = gen_percent(gen, 20) ? OP_CHECK_USED : OP_CHECK_NONE;
	if (gen_ahead(gen, actor, op) || gen_bell(gen, actor, op))
		return;
	if (gen_percent(gen, 2))
		gen_file(gen, actor->model->task, op);
	else if (gen_percent(gen, 42))
		gen_call(gen, actor->model->task, op);
	else
		gen_message(gen, actor->model->task, op);
}

void gen_next(struct gen *gen, struct op *op)
{
	unsigned tasks = task_count(gen->world);
	uint32_t way = gen_below(gen, 1000);

	memset(op, 0, sizeof *op);
	op->number = ++gen->number;
	if (gen->doomed || (tasks > TASKS_MIN && way < 6)) {
		let_one_leave(gen, op);
	} else if (tasks < TASKS_MIN || (tasks < TASKS_MAX && way < 20)) {
		op->kind = OP_TASK;
		op->count = (uint8_t)gen_below(gen, 256);
	} else if (way < 60) {
		add_thread(gen, op);
	} else if (way < 100) {
		cancel_one(gen, op);
	} else if (way < 130) {
		op->kind = OP_CLOCK;
		op->timeout = gen_below(gen, 30);
	} else if (way < 133) {
		op->kind = OP_COMPARE;
	} else {
		if (way == 133 && tasks > TASKS_MIN)
			gen->doomed = any_actor(gen)->model->task;
		request(gen, op);
	}
}
