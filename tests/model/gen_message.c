/* SPDX-License-Identifier: Apache-2.0 */
/* Random calls of mach_msg. */
#include "tests/model/gen.h"

static const uint32_t dest_dispositions[][2] = {
	{30, MACH_MSG_TYPE_COPY_SEND},
	{22, MACH_MSG_TYPE_MAKE_SEND},
	{14, MACH_MSG_TYPE_MOVE_SEND},
	{9, MACH_MSG_TYPE_MAKE_SEND_ONCE},
	{16, MACH_MSG_TYPE_MOVE_SEND_ONCE},
	{1, MACH_MSG_TYPE_MOVE_RECEIVE},
	{1, 0},
	{1, 31},
	{0, 0},
};

static const uint32_t reply_dispositions[][2] = {
	{1, 0},
	{22, MACH_MSG_TYPE_MAKE_SEND_ONCE},
	{8, MACH_MSG_TYPE_MAKE_SEND},
	{8, MACH_MSG_TYPE_COPY_SEND},
	{8, MACH_MSG_TYPE_MOVE_SEND},
	{7, MACH_MSG_TYPE_MOVE_SEND_ONCE},
	{1, MACH_MSG_TYPE_MOVE_RECEIVE},
	{1, MACH_MSG_TYPE_DISPOSE_SEND_ONCE},
	{0, 0},
};

static const uint32_t body_dispositions[][2] = {
	{15, MACH_MSG_TYPE_COPY_SEND},
	{15, MACH_MSG_TYPE_MAKE_SEND},
	{12, MACH_MSG_TYPE_MOVE_SEND},
	{8, MACH_MSG_TYPE_MAKE_SEND_ONCE},
	{8, MACH_MSG_TYPE_MOVE_SEND_ONCE},
	{14, MACH_MSG_TYPE_MOVE_RECEIVE},
	{1, 0},
	{1, MACH_MSG_TYPE_COPY_RECEIVE},
	{1, MACH_MSG_TYPE_DISPOSE_RECEIVE},
	{0, 0},
};

/* Bits of a header and of the options that must have no effect. */
#define IDLE_BITS    0x7fe0e0e0u
#define IDLE_OPTIONS (0x200u | 0x20000u | 0x80000u | 0x400000u)

/* Make it a guarded one, mostly with the guard that the port has. */
static void guard_descriptor(struct gen *gen, const struct m_task *task, struct op *op,
			     unsigned index)
{
	const struct m_entry *entry =
		m_find(task, world_name(gen->world, &op->descriptor[index].name));
	bool guarded = entry && entry->port && entry->port->guarded;

	op->descriptor[index].type = MACH_MSG_GUARDED_PORT_DESCRIPTOR;
	op->descriptor[index].flags = (uint8_t)(guarded ? 1 : 2 + gen_below(gen, 2));
	op->descriptor[index].context = guarded ? (uint32_t)entry->port->context : 0;
	if (gen_percent(gen, 8))
		op->descriptor[index].flags = (uint8_t)gen_below(gen, 5);
	if (gen_percent(gen, 8))
		op->descriptor[index].context = gen_below(gen, 3);
	if (gen_percent(gen, 2))
		op->descriptor[index].disposition = MACH_MSG_TYPE_MAKE_SEND;
}

/* An array: of a few names, with as many more of the same now and then. */
static void array_descriptor(struct gen *gen, const struct m_task *task, struct op *op,
			     struct op_descriptor *desc)
{
	uint32_t disposition, left = OP_ARRAY - op->array_count;

	desc->type = MACH_MSG_OOL_PORTS_DESCRIPTOR;
	desc->source = MACHD_MEMORY_INLINE;
	desc->first = op->array_count;
	desc->different = (uint8_t)gen_below(gen, left < 4 ? left + 1 : 5);
	desc->count = desc->different;
	op->array[desc->first] = gen_right(gen, task, body_dispositions, &disposition);
	desc->disposition = (uint8_t)disposition;
	for (unsigned i = 1; i < desc->different; i++)
		op->array[desc->first + i] = gen_name(gen, task, gen_type_for(desc->disposition));
	op->array_count += desc->different;
	if (gen_percent(gen, 6) && desc->different)
		desc->count = 1 + gen_below(gen, 90);
	if (gen_below(gen, 60) == 0)
		desc->count = gen_percent(gen, 50) ? 5000 + gen_below(gen, 12000) : UINT32_MAX;
}

static void memory_descriptor(struct gen *gen, struct op_descriptor *desc)
{
	static const uint32_t sizes[][2] = {{6, 0},	  {30, 24},   {6, 5000},
					    {4, 4000000}, {1, 20000}, {0, 0}};

	desc->type =
		gen_percent(gen, 85) ? MACH_MSG_OOL_DESCRIPTOR : MACH_MSG_OOL_VOLATILE_DESCRIPTOR;
	desc->count = gen_weighted(gen, sizes);
	if (desc->count)
		desc->count = 1 + gen_below(gen, desc->count);
	desc->copy = (uint8_t)gen_below(gen, 2);
	desc->source =
		desc->count < 60 && gen_percent(gen, 70) ? MACHD_MEMORY_INLINE : MACHD_MEMORY_FD;
	if (gen_percent(gen, 2))
		desc->copy = (uint8_t)gen_below(gen, 256);
}

static void add_descriptor(struct gen *gen, const struct m_task *task, struct op *op, unsigned i)
{
	struct op_descriptor *desc = &op->descriptor[i];
	uint32_t disposition, way = gen_below(gen, 100);

	desc->gives = gen_percent(gen, 30);
	desc->context = gen_below(gen, 5000);
	if (way < 20 && op->array_count < OP_ARRAY) {
		array_descriptor(gen, task, op, desc);
	} else if (way < 35) {
		memory_descriptor(gen, desc);
	} else if (way < 42) { /* in a body nothing becomes of a voucher */
		desc->name = gen_voucher(gen, task);
		desc->disposition = MACH_MSG_TYPE_COPY_SEND;
	} else {
		desc->name = gen_right(gen, task, body_dispositions, &disposition);
		desc->disposition = (uint8_t)disposition;
		if (disposition == MACH_MSG_TYPE_MOVE_RECEIVE && gen_percent(gen, 35))
			guard_descriptor(gen, task, op, i);
	}
	if (way < 35 && gen_percent(gen, 2))
		desc->source = MACHD_MEMORY_UNREADABLE;
	if (gen_below(gen, 200) == 0)
		desc->type = (uint8_t)(5 + gen_below(gen, 250));
}

/* Make what several descriptors say wrong, each in its way. */
static void spoil(struct gen *gen, struct op *op)
{
	for (unsigned i = 0; i < op->descriptors; i++) {
		struct op_descriptor *desc = &op->descriptor[i];

		desc->type = (uint8_t)(1 + gen_below(gen, 4));
		desc->copy = 2;
		desc->flags = 4;
		desc->count = UINT32_MAX;
		desc->different = 0;
	}
}

static void add_descriptors(struct gen *gen, const struct m_task *task, struct op *op)
{
	op->bits |= MACH_MSGH_BITS_COMPLEX;
	op->descriptors = (uint8_t)gen_below(gen, gen_percent(gen, 90) ? 4 : OP_DESCRIPTORS + 1);
	for (unsigned i = 0; i < op->descriptors; i++)
		add_descriptor(gen, task, op, i);
	if (gen_percent(gen, 2))
		spoil(gen, op);
	if (gen_percent(gen, 3))
		op->filler = (uint8_t)(58 + gen_below(gen, 8));
	if (gen_percent(gen, 3))
		op->fault = (uint8_t)(1 + gen_below(gen, OP_FAULT_UNSEALED));
	op->announced = op->filler + op->descriptors;
	if (gen_below(gen, 100) == 0)
		op->announced = 100000;
}

static void voucher(struct gen *gen, const struct m_task *task, struct op *op)
{
	uint32_t disposition =
		gen_percent(gen, 60) ? MACH_MSG_TYPE_COPY_SEND : MACH_MSG_TYPE_MOVE_SEND;

	op->voucher.literal = gen_below(gen, UINT32_MAX);
	if (gen_percent(gen, gen->world->options.strict ? 30 : 60))
		return;
	op->bits |= (gen_percent(gen, 95) ? disposition : gen_below(gen, 32)) << 16;
	op->voucher = gen_voucher(gen, task);
	if (gen_percent(gen, 3))
		op->dest = op->voucher;
	if (gen_percent(gen, 3))
		op->reply = op->voucher;
}

uint32_t gen_priority(struct gen *gen)
{
	return 0x80u << gen_below(gen, 8) | (gen_percent(gen, 90) ? 0xff : gen_below(gen, 256)) |
	       (gen_percent(gen, 95) ? 0 : 0x20000000);
}

static void urgency(struct gen *gen, struct op *op)
{
	if (gen_percent(gen, 30))
		op->thread_priority = gen_priority(gen);
	if (gen_percent(gen, 15))
		op->option |= MACH_SEND_PROPAGATE_QOS;
	if (gen_percent(gen, 60))
		return;
	op->option |= MACH_SEND_OVERRIDE;
	op->priority = gen_below(gen, 7) << 20 | gen_below(gen, 8) << 16 | gen_below(gen, 256) << 8;
	if (gen_percent(gen, 20))
		op->priority = gen_priority(gen);
	if (gen_percent(gen, 5))
		op->priority = gen_below(gen, UINT32_MAX);
}

static void size(struct gen *gen, const struct m_task *task, struct op *op)
{
	op->size = op_least_size(op, task->word);
	op->size += 4 * gen_below(gen, 10);
	if (gen_percent(gen, 5))
		op->tail = 1 + gen_below(gen, 8);
	if (gen_below(gen, 60) == 0)
		op->size = gen_below(gen, op->size);
}

/* A donor's request to somebody who would be important for it, if there is one. */
static void donate(struct gen *gen, const struct m_task *task, struct op *op)
{
	const struct m_entry *entry, *chosen = NULL;
	uint32_t seen = 0;

	TAILQ_FOREACH (entry, &task->entries, link)
		if (entry->type == MACH_PORT_TYPE_SEND && entry->port->accepts && entry->origin &&
		    gen_below(gen, ++seen) == 0)
			chosen = entry;
	if (!chosen || !task->donor || !gen_percent(gen, 50))
		return;
	op->dest.origin = chosen->origin;
	op->reply = gen_name(gen, task, MACH_PORT_TYPE_RECEIVE);
	op->bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE);
}

static void send(struct gen *gen, const struct m_task *task, struct op *op)
{
	uint32_t dest, reply = 0;

	op->dest = gen_right(gen, task, dest_dispositions, &dest);
	if (gen_percent(gen, 55))
		op->reply = gen_right(gen, task, reply_dispositions, &reply);
	if (gen_percent(gen, 6))
		op->reply = op->dest;
	op->bits = MACH_MSGH_BITS(dest, reply);
	donate(gen, task, op);
	op->id = (gen_below(gen, UINT32_MAX) << 8 | 0xff) ^ gen_below(gen, 2) << 31;
	if (gen_percent(gen, 8))
		op->bits |= IDLE_BITS;
	voucher(gen, task, op);
	if (gen_percent(gen, 50))
		add_descriptors(gen, task, op);
	size(gen, task, op);
	urgency(gen, op);
	op->option |= MACH_SEND_MSG;
	if (gen_percent(gen, 60))
		op->option |= MACH_SEND_TIMEOUT;
	if (gen_percent(gen, 15))
		op->option |= MACH_SEND_NOTIFY;
	if (gen_percent(gen, 88))
		op->option |= MACH64_SEND_ANY;
	else
		op->option |= gen_percent(gen, 80) ? MACH64_SEND_MQ_CALL : MACH64_SEND_KOBJECT_CALL;
	if (gen_percent(gen, 5))
		op->option |= MACH_SEND_NOIMPORTANCE;
	if (gen_below(gen, 100) == 0)
		op->option ^= MACH64_SEND_ANY;
}

struct op_name gen_receive_name(struct gen *gen, const struct m_task *task)
{
	const struct m_entry *entry, *chosen = NULL;
	uint32_t seen = 0;

	TAILQ_FOREACH (entry, &task->entries, link) {
		bool ready = entry->type & MACH_PORT_TYPE_RECEIVE && entry->port->queued;

		if (entry->type == MACH_PORT_TYPE_PORT_SET)
			ready = !TAILQ_EMPTY(&entry->set->ready);
		if (ready && entry->origin && gen_below(gen, ++seen) == 0)
			chosen = entry;
	}
	if (chosen && gen_percent(gen, 70))
		return (struct op_name){.origin = chosen->origin};
	return gen_name(gen, task, MACH_PORT_TYPE_RECEIVE | MACH_PORT_TYPE_PORT_SET);
}

static void receive(struct gen *gen, const struct m_task *task, struct op *op)
{
	uint32_t least;

	op->receive = gen_receive_name(gen, task);
	op->receive_size = gen_percent(gen, 88) ? 4096 : gen_below(gen, 160);
	op->option |= MACH_RCV_MSG | (uint64_t)gen_below(gen, 10) << 24;
	least = model_head_size(task, world_name(gen->world, &op->receive), op->option);
	if (least && gen_percent(gen, 20))
		op->receive_size = least - (gen_percent(gen, 50) ? 1 + gen_below(gen, 20) : 0);
	if (gen_percent(gen, 65))
		op->option |= MACH_RCV_TIMEOUT;
	if (gen_percent(gen, 30))
		op->option |= MACH_RCV_LARGE;
	if (gen_percent(gen, 20))
		op->option |= MACH_RCV_LARGE_IDENTITY;
	if (gen_percent(gen, 40))
		op->option |= MACH_RCV_VOUCHER;
	if (gen_percent(gen, 50))
		op->option |= MACH_RCV_GUARDED_DESC;
	if (gen_percent(gen, 5))
		op->option |= MACH_RCV_SYNC_WAIT;
	if (op->option & MACH_RCV_SYNC_WAIT)
		op->priority = gen_percent(gen, 80);
}

/* Auxiliary data, and what the library asks for by itself. */
static void vector(struct gen *gen, struct op *op)
{
	static const uint32_t sizes[][2] = {{10, 0}, {10, 8},	{10, 20},  {10, 128},
					    {4, 3},  {4, 1024}, {1, 1025}, {0, 0}};

	if (op->option & MACH_SEND_MSG && gen_percent(gen, 30))
		op->option |= MACHD_SEND_RETURN;
	if (gen_percent(gen, 75))
		return;
	op->option |= MACH64_MSG_VECTOR;
	if (op->option & MACH_SEND_MSG)
		op->aux_size = gen_weighted(gen, sizes);
	if (op->option & MACH_RCV_MSG && gen_percent(gen, 20))
		op->option |= MACHD_RCV_LINEAR;
	else if (op->option & MACH_RCV_MSG)
		op->receive_aux_size = gen_percent(gen, 70) ? 1024 : gen_weighted(gen, sizes);
}

void gen_message(struct gen *gen, const struct m_task *task, struct op *op)
{
	uint32_t way = gen_below(gen, 100);

	op->kind = OP_MESSAGE;
	if (way < 62)
		send(gen, task, op);
	if (way >= 44 && way < 99)
		receive(gen, task, op);
	vector(gen, op);
	if (gen_percent(gen, 35))
		op->timeout = 1 + gen_below(gen, 40);
	if (gen_percent(gen, 5))
		op->option |= IDLE_OPTIONS;
	if (gen->world->options.strict && gen_percent(gen, 45))
		op->option |= MACH_MSG_STRICT_REPLY;
}
