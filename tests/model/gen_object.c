/* SPDX-License-Identifier: Apache-2.0 */
/* Random calls that make ports for something, and those of objects that the daemon keeps. */
#include <machd.h>

#include "protocol/importance.h"
#include "tests/model/gen.h"

#define R(name) MACHD_ROUTINE_##name

/* --- ports that are made for something --- */

/* What the port is for. */
static uint32_t purpose(struct gen *gen)
{
	static const uint32_t purposes[][2] = {{30, 0},
					       {8, MPO_REPLY_PORT},
					       {4, MPO_PROVISIONAL_REPLY_PORT},
					       {4, MPO_ENFORCE_REPLY_PORT_SEMANTICS},
					       {2, MPO_EXCEPTION_PORT},
					       {4, MPO_FILTER_MSG},
					       {4, MACHD_MPO_NO_GRANT},
					       {6, MPO_CONNECTION_PORT},
					       {1, MPO_SERVICE_PORT},
					       {1, MPO_TG_BLOCK_TRACKING},
					       {20, MPO_IMPORTANCE_RECEIVER},
					       {1, MPO_DENAP_RECEIVER},
					       {2, MPO_TEMPOWNER},
					       {0, 0}};

	return gen_weighted(gen, purposes) |
	       (gen_percent(gen, 4) ? gen_weighted(gen, purposes) : 0);
}

/* The name of some service that the task has a right to. */
static void service_name(struct gen *gen, const struct m_task *task, struct op *op)
{
	const struct m_entry *entry, *chosen = NULL;
	uint32_t seen = 0;

	TAILQ_FOREACH (entry, &task->entries, link)
		if (entry->port && entry->port->service && entry->origin &&
		    gen_below(gen, ++seen) == 0)
			chosen = entry;
	if (chosen && gen_percent(gen, 90))
		op->arg[op->words++].origin = chosen->origin;
	else
		gen_arg(gen, task, op, MACH_PORT_TYPE_SEND_RECEIVE);
}

static void service_call(struct gen *gen, const struct m_task *task, struct op *op)
{
	const struct m_entry *entry, *chosen = NULL;
	uint32_t seen = 0;

	if (op->routine == R(mach_port_get_service_port_info)) {
		service_name(gen, task, op);
		return;
	}
	TAILQ_FOREACH (entry, &task->entries, link)
		if (entry->port && entry->port->connection && entry->origin &&
		    gen_below(gen, ++seen) == 0)
			chosen = entry;
	if (chosen && gen_percent(gen, 80))
		op->arg[op->words++].origin = chosen->origin;
	else
		gen_arg(gen, task, op, MACH_PORT_TYPE_RECEIVE);
	service_name(gen, task, op);
}

static uint32_t construct_flags(struct gen *gen)
{
	uint32_t flags = purpose(gen);

	if (gen_percent(gen, 40))
		flags |= MPO_CONTEXT_AS_GUARD;
	if (gen_percent(gen, 30))
		flags |= MPO_QLIMIT;
	if (gen_percent(gen, 60))
		flags |= MPO_INSERT_SEND_RIGHT;
	if (gen_percent(gen, 20))
		flags |= MPO_STRICT;
	if (gen_percent(gen, 20))
		flags |= MPO_IMMOVABLE_RECEIVE;
	return flags;
}

static void construct(struct gen *gen, const struct m_task *task, struct op *op)
{
	uint32_t flags = construct_flags(gen);

	gen_word(op, flags);
	gen_word(op, gen_percent(gen, 95) ? gen_below(gen, 8) : 1024 + gen_below(gen, 2));
	if (op->routine == R(machd_construct_service_port)) {
		op->service = (uint8_t)gen_below(gen, 2);
		gen_word(op, gen_below(gen, 3));
		gen_word(op, 0);
		gen_word(op, gen_below(gen, 20) == 0);
		return;
	}
	if (flags & MPO_CONNECTION_PORT)
		service_name(gen, task, op);
	else
		gen_word(op, 0);
	for (unsigned i = 0; i < 3; i++) /* the rest of the options */
		gen_word(op, 0);
	gen_word(op, gen_below(gen, 3));
	gen_word(op, 0);
}

/* --- semaphores, eventlinks, timers --- */

/* A name of an object of this kind, or any other. */
static void object_name(struct gen *gen, const struct m_task *task, struct op *op, bool timer)
{
	const struct m_entry *entry, *chosen = NULL;
	uint32_t seen = 0;

	TAILQ_FOREACH (entry, &task->entries, link) {
		const struct m_port *port = entry->port;

		if (port && entry->origin &&
		    (timer ? port->timer != NULL : port->semaphore != NULL) &&
		    gen_below(gen, ++seen) == 0)
			chosen = entry;
	}
	if (chosen && gen_percent(gen, 90))
		op->arg[op->words++].origin = chosen->origin;
	else
		gen_arg(gen, task, op, timer ? MACH_PORT_TYPE_RECEIVE : MACH_PORT_TYPE_SEND);
}

/* Something that the task has a name for and that is like this, or any other name. */
static struct op_name like(struct gen *gen, const struct m_task *task,
			   bool (*is)(const struct m_port *port))
{
	const struct m_entry *entry, *chosen = NULL;
	uint32_t seen = 0;

	TAILQ_FOREACH (entry, &task->entries, link)
		if (entry->port && entry->origin && is(entry->port) && gen_below(gen, ++seen) == 0)
			chosen = entry;
	if (chosen && gen_percent(gen, 92))
		return (struct op_name){.origin = chosen->origin};
	return gen_name(gen, task, MACH_PORT_TYPE_SEND);
}

static bool is_eventlink(const struct m_port *port)
{
	return port->eventlink;
}

static bool is_thread(const struct m_port *port)
{
	return port->thread;
}

static bool is_file(const struct m_port *port)
{
	return port->file;
}

void gen_file(struct gen *gen, const struct m_task *task, struct op *op)
{
	static const uint32_t states[][2] = {{10, OP_FILE_FIXED},  {5, OP_FILE_SEALED},
					     {3, OP_FILE_PLAIN},   {1, OP_FILE_CONNECTION},
					     {1, OP_FILE_NO_ROOM}, {0, 0}};

	op->kind = OP_FILE;
	op->file.makes = gen_percent(gen, 50);
	op->file.memory = gen_percent(gen, 50);
	if (!op->file.makes) {
		op->target = like(gen, task, is_file);
		return;
	}
	op->file.state = (uint8_t)gen_weighted(gen, states);
	op->file.size = gen_below(gen, 10000);
	if (!op->file.memory)
		return;
	op->file.offset = gen_below(gen, op->file.size + 10);
	op->file.part = gen_below(gen, gen_percent(gen, 90) ? op->file.size - op->file.offset + 2
							    : UINT32_MAX);
	op->file.protection = gen_below(gen, 9);
}

static bool is_boot(const struct m_port *port)
{
	return port->table;
}

struct op_name gen_boot(struct gen *gen, const struct m_task *task)
{
	return like(gen, task, is_boot);
}

struct op_name gen_thread(struct gen *gen, const struct m_task *task)
{
	return like(gen, task, is_thread);
}

static void associate(struct gen *gen, const struct m_task *task, struct op *op)
{
	bool any = gen_percent(gen, 40);

	if (any && gen_percent(gen, 95))
		gen_word(op, MACH_PORT_NULL);
	else
		op->arg[op->words++] = gen_thread(gen, task);
	for (unsigned i = 0; i < 8; i++)
		gen_word(op, gen_below(gen, 200) == 0);
	gen_word(op, any != (gen_below(gen, 20) == 0));
}

static void eventlink_call(struct gen *gen, const struct m_task *task, struct op *op)
{
	bool both = op->routine == R(mach_eventlink_signal_wait_until);
	uint64_t deadline = gen->world->lab->now + gen_below(gen, 40) * UINT64_C(1000000);

	if (op->routine == R(mach_eventlink_create)) {
		gen_word(op, gen_below(gen, 12) != 0);
		return;
	}
	if (machd_routine_find(op->routine)->object == MACHD_OBJECT_EVENTLINK)
		op->target = like(gen, task, is_eventlink);
	else
		op->arg[op->words++] = like(gen, task, is_eventlink);
	if (op->routine == R(mach_eventlink_associate))
		associate(gen, task, op);
	if (op->routine == R(mach_eventlink_disassociate))
		gen_word(op, gen_below(gen, 12) == 0);
	if (op->words == 0 || op->routine == R(mach_eventlink_associate) ||
	    op->routine == R(mach_eventlink_disassociate))
		return;
	gen_word(op, gen_below(gen, 4));
	gen_word(op, 0);
	if (op->routine == R(mach_eventlink_signal))
		return;
	for (unsigned i = 0; both && i < 2; i++)
		gen_word(op, 0);
	if (gen_percent(gen, 30))
		deadline = 0;
	gen_word(op, (uint32_t)deadline);
	gen_word(op, (uint32_t)(deadline >> 32));
	gen_word(op, gen_below(gen, 20) != 0);
	gen_word(op, gen_below(gen, 5) == 0);
}

static void semaphore_call(struct gen *gen, const struct m_task *task, struct op *op)
{
	static const uint32_t policies[][2] = {{10, 0}, {6, 2}, {2, 4}, {1, 1}, {0, 0}};
	bool signals = op->routine == R(semaphore_wait_signal) ||
		       op->routine == R(semaphore_timedwait_signal);
	bool timed = op->routine == R(semaphore_timedwait) ||
		     op->routine == R(semaphore_timedwait_signal);

	if (op->routine == R(semaphore_create)) {
		gen_word(op, gen_weighted(gen, policies));
		gen_word(op, gen_below(gen, 4) - 1);
		return;
	}
	object_name(gen, task, op, false);
	if (op->routine == R(semaphore_signal_thread)) {
		op->arg[op->words++] = gen_thread(gen, task);
		if (gen_percent(gen, 30))
			op->arg[1] = (struct op_name){0};
	}
	if (signals)
		object_name(gen, task, op, false);
	if (!timed)
		return;
	gen_word(op, gen_percent(gen, 97) ? 0 : gen_below(gen, 3));
	gen_word(op, gen_percent(gen, 40)
			     ? 0
			     : gen_below(gen, 60000000) + (gen_below(gen, 50) == 0) * 1000000000);
}

static void timer_call(struct gen *gen, const struct m_task *task, struct op *op)
{
	uint64_t deadline = gen->world->lab->now + op->number;

	if (op->routine == R(mk_timer_create))
		return;
	if (op->routine == R(mk_timer_arm)) {
		deadline += gen_percent(gen, 60) ? gen_below(gen, 40) * UINT64_C(1000000) : 0;
		if (gen_percent(gen, 55)) /* long past: no time has to pass for what comes of it */
			deadline = 1 + gen_below(gen, 5);
		gen_word(op, (uint32_t)deadline);
		gen_word(op, (uint32_t)(deadline >> 32));
	}
	object_name(gen, task, op, true);
}

/* What a task says of its importance: mostly about a message that brought it some. */
static void importance_call(struct gen *gen, const struct m_task *task, struct op *op)
{
	static const uint32_t actions[][2] = {{4, MACHD_POLICY_SET},
					      {8, MACHD_POLICY_HOLD},
					      {6, MACHD_POLICY_DROP},
					      {1, 11},
					      {0, 0}};
	const struct m_entry *entry, *chosen = NULL;
	uint32_t seen = 0;

	TAILQ_FOREACH (entry, &task->entries, link)
		if (entry->boosts && entry->origin && gen_below(gen, ++seen) == 0)
			chosen = entry;
	gen_word(op, gen_weighted(gen, actions));
	if (chosen && gen_percent(gen, 80))
		op->arg[op->words++].origin = chosen->origin;
	else
		gen_arg(gen, task, op, MACH_PORT_TYPE_SEND_ONCE);
}

bool gen_object(struct gen *gen, const struct m_task *caller, const struct m_task *task,
		struct op *op)
{
	switch (op->routine) {
	case R(machd_construct_service_port):
	case R(mach_port_construct):
		construct(gen, task, op);
		break;
	case R(mach_port_is_connection_for_service):
	case R(mach_port_get_service_port_info):
		service_call(gen, task, op);
		break;
	case R(semaphore_create):
	case R(semaphore_destroy):
	case R(semaphore_signal):
	case R(semaphore_signal_all):
	case R(semaphore_signal_thread):
	case R(semaphore_wait):
	case R(semaphore_wait_signal):
	case R(semaphore_timedwait):
	case R(semaphore_timedwait_signal):
		semaphore_call(gen, caller, op);
		break;
	case R(mach_eventlink_create):
	case R(mach_eventlink_destroy):
	case R(mach_eventlink_associate):
	case R(mach_eventlink_disassociate):
	case R(mach_eventlink_signal):
	case R(mach_eventlink_wait_until):
	case R(mach_eventlink_signal_wait_until):
		eventlink_call(gen, caller, op);
		break;
	case R(process_policy):
		importance_call(gen, task, op);
		break;
	case R(mach_thread_self): /* no arguments */
	case R(thread_get_special_reply_port):
		break;
	case R(mk_timer_create):
	case R(mk_timer_arm):
	case R(mk_timer_cancel):
	case R(mk_timer_destroy):
		timer_call(gen, task, op);
		break;
	default:
		return false;
	}
	return true;
}
