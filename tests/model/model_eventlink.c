/* SPDX-License-Identifier: Apache-2.0 */
/* Eventlinks [28], and the ports of the threads that wait on them. */
#include <mach/mach_eventlink_types.h>

#include "tests/model/model_call.h"

static struct m_port *new_port(struct model *model, const struct m_task *task)
{
	struct m_port *port = m_port_new(model, task->user);

	port->kernel = true;
	port->mscount = port->srights = 1;
	m_port_doubt(port);
	return port;
}

/* --- threads --- */

uint32_t call_thread_self(struct call *call)
{
	struct m_thread *thread = call->thread;
	struct m_right right = {.type = MACH_MSG_TYPE_PORT_SEND};

	if (!thread->self) {
		call->model->slack++;
		if (!m_may_make_port(call->model, thread, thread->task->user))
			return KERN_RESOURCE_SHORTAGE;
		thread->self = new_port(call->model, thread->task);
		thread->self->mscount = thread->self->srights = 0;
		thread->self->thread = thread;
	}
	right.port = thread->self;
	right.port->mscount++;
	right.port->srights++;
	return m_give_port(call->model, thread, right);
}

void m_thread_end(struct model *model, struct m_thread *thread)
{
	struct m_port *port;

	m_bind_special(thread, NULL);
	TAILQ_FOREACH (port, &model->ports, of_model)
		if (port->side && port->side->thread == thread)
			port->side->thread = NULL;
	if (thread->voucher)
		m_release_send(model, thread->voucher);
	port = thread->self;
	thread->self = NULL;
	if (!port)
		return;
	port->thread = NULL;
	m_port_end(model, port);
}

/* --- eventlinks --- */

/* Answer a wait: its code is a result like the count. */
static void answer_wait(struct model *model, struct m_thread *thread, uint64_t count, uint32_t code)
{
	struct m_answer *answer = &thread->answer;

	m_answer(model, thread, KERN_SUCCESS, CALL_HEAD + 3 * 4);
	m_answer_word(answer, OUT(0), (uint32_t)count);
	m_answer_word(answer, OUT(1), (uint32_t)(count >> 32));
	m_answer_word(answer, OUT(2), code);
}

void m_eventlink_give_up(struct model *model, struct m_thread *thread, uint32_t code)
{
	answer_wait(model, thread, thread->count, code);
}

static void wake(struct model *model, struct m_side *side, uint64_t count, uint32_t code)
{
	struct m_thread *thread = side->waiter;

	m_stop_waiting(thread);
	answer_wait(model, thread, count, code);
}

static void clear(struct model *model, struct m_side *side)
{
	if (side->waiter)
		wake(model, side, side->waiter->count, KERN_TERMINATED);
	side->thread = NULL;
	side->taken = side->by_any = false;
}

/* Both sides end, and the port of this one dies. */
static void end(struct model *model, struct m_side *side)
{
	struct m_port *port = side->port;

	clear(model, side);
	clear(model, side->other);
	side->other->port->side = NULL;
	port->side = NULL;
	m_port_end(model, port);
}

void m_eventlink_orphaned(struct model *model, struct m_port *port)
{
	if (port->side)
		end(model, port->side);
	else if (!port->dead)
		m_port_end(model, port);
}

static uint32_t create(struct call *call)
{
	struct m_side *side[2];
	struct m_entry *entry[2];
	mach_port_name_t name[2];
	uint32_t full = 0;

	if (call->task != call->thread->task || call->args[0] != MELC_OPTION_NO_COPYIN)
		return KERN_INVALID_ARGUMENT;
	call->model->slack++; /* it takes two */
	if (!m_may_make_port(call->model, call->thread, call->task->user))
		return KERN_RESOURCE_SHORTAGE;
	for (unsigned i = 0; i < 2; i++) {
		side[i] = m_alloc(call->model, sizeof *side[i]);
		side[i]->port = new_port(call->model, call->task);
		side[i]->port->side = side[i];
		side[i]->port->eventlink = true;
	}
	for (unsigned i = 0; i < 2; i++)
		side[i]->other = side[!i];
	for (unsigned i = 0; i < 2; i++)
		entry[i] = m_copyout(
			call->model, call->task,
			(struct m_right){.port = side[i]->port, .type = MACH_MSG_TYPE_PORT_SEND},
			&name[i], &full);
	if (full && entry[0])
		call_drop_sends(call, entry[0], 1);
	if (full)
		return MACH_RCV_BODY_ERROR | full;
	call_give(call, 2);
	call_give_name(call, 0, entry[0], name[0]);
	call_give_name(call, 1, entry[1], name[1]);
	return M_ANSWERED;
}

static uint32_t associate(struct call *call, struct m_side *side)
{
	const struct m_entry *entry = m_look(call->thread->task, call->args[0]);
	uint32_t option = call->args[9];
	struct m_thread *thread = NULL;

	if (entry && entry->type & MACH_PORT_TYPE_SEND)
		thread = entry->port->thread;
	if (!side)
		return KERN_TERMINATED;
	for (unsigned i = 1; i < 9; i++)
		if (call->args[i])
			return KERN_INVALID_ARGUMENT;
	if (thread ? option == MELA_OPTION_ASSOCIATE_ON_WAIT : option == MELA_OPTION_NONE)
		return KERN_INVALID_ARGUMENT;
	if (side->taken)
		return KERN_NAME_EXISTS;
	side->taken = true;
	side->by_any = !thread;
	side->thread = thread;
	return KERN_SUCCESS;
}

static uint32_t disassociate(struct call *call, struct m_side *side)
{
	if (!side)
		return KERN_TERMINATED;
	if (call->args[0] != MELD_OPTION_NONE || !side->taken)
		return KERN_INVALID_ARGUMENT;
	clear(call->model, side);
	return KERN_SUCCESS;
}

static uint32_t look_up(struct call *call, mach_port_name_t name, struct m_side **side)
{
	struct m_entry *entry = m_look(call->thread->task, name);

	if (!entry || entry->type == MACH_PORT_TYPE_DEAD_NAME)
		return KERN_INVALID_NAME;
	if (!(entry->type & MACH_PORT_TYPE_SEND))
		return KERN_INVALID_RIGHT;
	if (!entry->port->eventlink)
		return KERN_INVALID_CAPABILITY;
	*side = entry->port->side;
	return *side ? KERN_SUCCESS : KERN_TERMINATED;
}

static void signal_other(struct model *model, struct m_side *side)
{
	struct m_side *other = side->other;

	other->count += model->mutation != MODEL_EVENT_LOST;
	if (other->waiter && other->count > other->wanted)
		wake(model, other, other->count, KERN_SUCCESS);
}

static uint32_t signal(struct call *call)
{
	struct m_side *side;
	uint32_t code = look_up(call, call->args[0], &side);

	if (code == KERN_SUCCESS)
		signal_other(call->model, side);
	return code;
}

/* The thread waits; true if it is over at once, with a code and a count. */
static bool wait_on(struct call *call, struct m_side *side, bool no_wait, uint64_t deadline,
		    uint64_t *count, uint32_t *code)
{
	struct m_thread *thread = call->thread;
	uint64_t wanted = *count, now = call->model->now;

	*count = side->count;
	*code = side->count > wanted ? KERN_SUCCESS : KERN_OPERATION_TIMED_OUT;
	if (side->count > wanted || no_wait || (deadline && deadline <= now))
		return true;
	side->wanted = wanted;
	side->waiter = thread;
	thread->count = side->count;
	thread->state = M_WAITING;
	thread->side = side;
	thread->deadline = deadline;
	return false;
}

/* args: the port, its count, the signals if `signals`, the deadline, the clock, an option. */
static uint32_t wait(struct call *call, bool signals)
{
	const uint32_t *rest = call->args + 3 + 2 * signals;
	uint64_t count = call->args[1] | (uint64_t)call->args[2] << 32;
	uint64_t deadline = rest[0] | (uint64_t)rest[1] << 32;
	uint32_t code = KERN_INVALID_ARGUMENT;
	struct m_side *side = NULL;
	bool over = true, may;

	if (rest[2] == KERN_CLOCK_MACH_ABSOLUTE_TIME)
		code = look_up(call, call->args[0], &side);
	may = code == KERN_SUCCESS && side->taken &&
	      (side->by_any ? !side->waiter : side->thread == call->thread);
	if (code == KERN_SUCCESS && !may)
		code = KERN_INVALID_ARGUMENT;
	if (may)
		over = wait_on(call, side, rest[3] & MELSW_OPTION_NO_WAIT, deadline, &count, &code);
	if (may && signals)
		signal_other(call->model, side);
	if (over)
		answer_wait(call->model, call->thread, count, code);
	return over ? M_ANSWERED : M_BLOCKED;
}

uint32_t call_eventlink(struct call *call)
{
	switch (call->routine) {
	case MACHD_ROUTINE_mach_eventlink_create:
		return create(call);
	case MACHD_ROUTINE_mach_eventlink_destroy:
		if (call->target->side)
			end(call->model, call->target->side);
		return KERN_SUCCESS;
	case MACHD_ROUTINE_mach_eventlink_associate:
		return associate(call, call->target->side);
	case MACHD_ROUTINE_mach_eventlink_disassociate:
		return disassociate(call, call->target->side);
	case MACHD_ROUTINE_mach_eventlink_signal:
		return signal(call);
	case MACHD_ROUTINE_mach_eventlink_wait_until:
		return wait(call, false);
	}
	return wait(call, true);
}
