/* SPDX-License-Identifier: Apache-2.0 */
/* Boards and bells: plain messages by the dozen, and who wants to be told of them. */
#include "tests/model/gen.h"

#define R(name) MACHD_ROUTINE_##name

enum { BURST_MAX = 12, BELLS_MAX = 4 };

/* --- with a board --- */

static void plain_send(struct gen *gen, const struct m_task *task, struct op *op)
{
	op->kind = OP_MESSAGE;
	op->dest = gen_name(gen, task, MACH_PORT_TYPE_SEND);
	op->bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0);
	op->id = gen_below(gen, UINT32_MAX) << 8 | 0xff;
	op->voucher.literal = gen_below(gen, UINT32_MAX);
	op->size = op_least_size(op, task->word) + 4 * gen_below(gen, 20);
	op->option = MACH_SEND_MSG | MACH64_SEND_ANY;
	if (gen_percent(gen, 20))
		op->thread_priority = gen_priority(gen);
	if (gen_percent(gen, 70))
		return;
	op->reply = gen_name(gen, task, MACH_PORT_TYPE_RECEIVE); /* it asks */
	op->bits |= MACH_MSGH_BITS(0, MACH_MSG_TYPE_MAKE_SEND_ONCE);
}

static void plain_receive(struct gen *gen, const struct m_task *task, struct op *op)
{
	op->kind = OP_MESSAGE;
	op->receive = gen_receive_name(gen, task);
	op->receive_size = 4096;
	op->option = MACH_RCV_MSG | (uint64_t)gen_below(gen, 10) << 24;
	if (gen_percent(gen, 70))
		op->option |= MACH_RCV_TIMEOUT;
	if (gen_percent(gen, 30))
		op->option |= MACH_RCV_LARGE;
}

/* To a send-once right, mostly the one that the board says is good for it. */
static void reply(struct gen *gen, const struct actor *actor, struct op *op)
{
	const struct m_task *task = actor->model->task;
	const struct m_entry *entry = m_find(task, world_promised_reply(actor));

	op->dest = gen_name(gen, task, MACH_PORT_TYPE_SEND_ONCE);
	if (entry && entry->origin && gen_percent(gen, 80))
		op->dest = (struct op_name){.origin = entry->origin};
	op->bits = MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND_ONCE, 0);
	op->id = gen_below(gen, UINT32_MAX) << 8 | 0xff;
	op->size = op_least_size(op, task->word) + 4 * gen_below(gen, 20);
}

/* The same receive as the one that messages were lent with. */
static void receive_again(struct gen *gen, const struct actor *actor, struct op *op)
{
	op->kind = OP_MESSAGE;
	op->receive = actor->loan.op_name;
	op->receive_size = gen_percent(gen, 90) ? 4096 : gen_below(gen, 100);
	op->option = actor->loan.option;
	if (op->option & MACH_SEND_MSG)
		reply(gen, actor, op);
}

/* What servers call. */
static void serve(struct gen *gen, const struct actor *actor, struct op *op)
{
	plain_receive(gen, actor->model->task, op);
	op->option |= MACH_SEND_MSG | MACH64_SEND_ANY;
	reply(gen, actor, op);
}

bool gen_ahead(struct gen *gen, const struct actor *actor, struct op *op)
{
	const struct m_task *task = actor->model->task;

	if (!actor->lab->has_board) {
		if (!gen_percent(gen, 2))
			return false;
		op->kind = OP_BOARD;
		op->count = gen_percent(gen, 90);
	} else if (world_loan(actor) && gen_percent(gen, 70)) {
		receive_again(gen, actor, op);
	} else if (gen->burst.left && gen->burst.who == actor->origin) {
		plain_send(gen, task, op);
		op->dest = gen->burst.dest;
	} else if (gen_percent(gen, 25)) {
		plain_send(gen, task, op);
		gen->burst.who = actor->origin;
		gen->burst.dest = op->dest;
		gen->burst.left = gen_percent(gen, 30) ? gen_below(gen, BURST_MAX) : 0;
	} else if (gen_percent(gen, 30)) {
		plain_receive(gen, task, op);
	} else if (gen_percent(gen, 30)) {
		serve(gen, actor, op);
	} else if (gen_below(gen, 300) == 0) {
		op->kind = OP_BOARD;
		op->count = 1;
	} else {
		return false;
	}
	return true;
}

/* --- bells --- */

/* One of the task's, or NULL. */
static const struct m_bell *find_bell(struct gen *gen, const struct m_task *task, unsigned *count)
{
	const struct m_bell *bell, *chosen = NULL;

	*count = 0;
	TAILQ_FOREACH (bell, &gen->world->model.bells, link)
		if (bell->task == task && bell->origin && gen_below(gen, ++*count) == 0)
			chosen = bell;
	return chosen;
}

bool gen_bell(struct gen *gen, const struct actor *actor, struct op *op)
{
	static const uint32_t routines[][2] = {{8, R(machd_bell_add)},
					       {2, R(machd_bell_remove)},
					       {8, R(machd_bell_next)},
					       {1, R(machd_bell_close)},
					       {0, 0}};
	const struct m_task *task = actor->model->task;
	const struct m_bell *bell;
	unsigned count;

	if (!gen_percent(gen, 6))
		return false;
	bell = find_bell(gen, task, &count);
	if (count < BELLS_MAX && gen_percent(gen, 10)) {
		op->kind = OP_BELL;
		op->count = gen_percent(gen, 95);
		return true;
	}
	if (!bell && !gen_percent(gen, 10))
		return false;
	op->kind = OP_CALL;
	op->target.origin = task->origin * OP_NAMES;
	op->routine = gen_weighted(gen, routines);
	op->arg[op->words++].origin = bell ? bell->origin : 0;
	gen_word(op, gen_below(gen, 100) == 0);
	if (op->routine == R(machd_bell_next))
		gen_word(op, gen_below(gen, 6));
	else if (op->routine != R(machd_bell_close))
		gen_arg(gen, task, op, MACH_PORT_TYPE_RECEIVE | MACH_PORT_TYPE_PORT_SET);
	return true;
}
