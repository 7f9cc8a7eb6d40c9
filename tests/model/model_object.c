/* SPDX-License-Identifier: Apache-2.0 */
/* Objects that the daemon keeps for a task: semaphores [22] and timers [21]. */
#include <mach/sync_policy.h>

#include "tests/model/model_call.h"

#define NS_PER_S   UINT64_C(1000000000)
#define TIMER_BODY 24u

/* --- semaphores --- */

static uint32_t look_up_semaphore(struct call *call, mach_port_name_t name,
				  struct m_semaphore **semaphore)
{
	struct m_entry *entry = m_look(call->thread->task, name);

	if (!entry || entry->type == MACH_PORT_TYPE_DEAD_NAME)
		return KERN_INVALID_NAME;
	if (!(entry->type & MACH_PORT_TYPE_SEND))
		return KERN_INVALID_RIGHT;
	*semaphore = entry->port->semaphore;
	return *semaphore ? KERN_SUCCESS : KERN_INVALID_CAPABILITY;
}

static uint32_t create(struct call *call)
{
	const int32_t known = SYNC_POLICY_REVERSED | SYNC_POLICY_PREPOST;
	int32_t policy = (int32_t)call->args[0], value = (int32_t)call->args[1];
	struct m_right right = {.type = MACH_MSG_TYPE_PORT_SEND};
	struct m_semaphore *semaphore;
	struct m_entry *entry;
	mach_port_name_t name;
	uint32_t full = 0;

	if (policy & ~known || value < 0)
		return KERN_INVALID_ARGUMENT;
	if (!m_may_make_port(call->model, call->thread, call->task->user))
		return KERN_RESOURCE_SHORTAGE;
	semaphore = m_alloc(call->model, sizeof *semaphore);
	right.port = m_port_new(call->model, call->task->user);
	m_port_doubt(right.port);
	right.port->kernel = true;
	right.port->semaphore = semaphore;
	right.port->mscount = right.port->srights = 1;
	*semaphore = (struct m_semaphore){
		.owner = call->task, .value = value, .reversed = policy & SYNC_POLICY_REVERSED};
	TAILQ_INIT(&semaphore->waiters);
	TAILQ_INSERT_TAIL(&call->model->semaphores, semaphore, link);
	entry = m_copyout(call->model, call->thread->task, right, &name, &full);
	if (full)
		return MACH_RCV_BODY_ERROR | full;
	call_give(call, 1);
	call_give_name(call, 0, entry, name);
	return M_ANSWERED;
}

static void release(struct model *model, struct m_thread *thread, uint32_t code)
{
	m_stop_waiting(thread);
	m_answer(model, thread, code, CALL_HEAD);
}

static void release_all(struct model *model, struct m_semaphore *semaphore, uint32_t code)
{
	while (!TAILQ_EMPTY(&semaphore->waiters))
		release(model, TAILQ_FIRST(&semaphore->waiters), code);
}

static void end(struct model *model, struct m_semaphore *semaphore)
{
	semaphore->owner = NULL;
	release_all(model, semaphore, KERN_TERMINATED);
}

void m_semaphores_end(struct model *model, const struct m_task *task)
{
	struct m_semaphore *semaphore;

	TAILQ_FOREACH (semaphore, &model->semaphores, link)
		if (semaphore->owner == task)
			end(model, semaphore);
}

void m_semaphore_orphaned(struct model *model, struct m_port *port)
{
	end(model, port->semaphore);
	port->semaphore = NULL;
	m_port_end(model, port);
}

static uint32_t destroy(struct call *call)
{
	struct m_semaphore *semaphore;
	uint32_t code = look_up_semaphore(call, call->args[0], &semaphore);

	if (code == KERN_SUCCESS && semaphore->owner == call->task)
		end(call->model, semaphore);
	return code;
}

static void signal_one(struct model *model, struct m_semaphore *semaphore)
{
	if (!TAILQ_EMPTY(&semaphore->waiters))
		release(model, TAILQ_FIRST(&semaphore->waiters), KERN_SUCCESS);
	else if (model->mutation != MODEL_SIGNAL_FORGOTTEN)
		semaphore->value++;
}

/* A thread that is named waits for it, or any. */
static uint32_t signal_thread(struct call *call)
{
	const struct m_entry *entry = m_look(call->thread->task, call->args[1]);
	struct m_semaphore *semaphore;
	struct m_thread *thread = NULL;
	uint32_t code;

	if (entry && entry->type & MACH_PORT_TYPE_SEND)
		thread = entry->port->thread;
	if (call->args[1] != MACH_PORT_NULL && !thread)
		return KERN_INVALID_ARGUMENT;
	code = look_up_semaphore(call, call->args[0], &semaphore);
	if (code != KERN_SUCCESS)
		return code;
	if (!semaphore->owner)
		return KERN_TERMINATED;
	if (!thread)
		thread = TAILQ_FIRST(&semaphore->waiters);
	if (!thread || thread->semaphore != semaphore)
		return KERN_NOT_WAITING;
	release(call->model, thread, KERN_SUCCESS);
	return KERN_SUCCESS;
}

static uint32_t signal(struct call *call, bool all)
{
	struct m_semaphore *semaphore;
	uint32_t code = look_up_semaphore(call, call->args[0], &semaphore);

	if (code != KERN_SUCCESS)
		return code;
	if (!semaphore->owner)
		return KERN_TERMINATED;
	if (all)
		release_all(call->model, semaphore, KERN_SUCCESS);
	else
		signal_one(call->model, semaphore);
	return KERN_SUCCESS;
}

static uint32_t block(struct call *call, struct m_semaphore *semaphore, bool timed,
		      uint64_t timeout)
{
	struct m_thread *thread = call->thread;

	if (!semaphore->owner)
		return KERN_TERMINATED;
	if (semaphore->value > 0) {
		semaphore->value--;
		return KERN_SUCCESS;
	}
	if (timed && timeout == 0)
		return KERN_OPERATION_TIMED_OUT;
	thread->state = M_WAITING;
	thread->semaphore = semaphore;
	if (timed)
		thread->deadline = call->model->now + timeout;
	if (semaphore->reversed)
		TAILQ_INSERT_HEAD(&semaphore->waiters, thread, link);
	else
		TAILQ_INSERT_TAIL(&semaphore->waiters, thread, link);
	return M_BLOCKED;
}

/* args: the one to wait for, the one to signal if `signals`, and the time if `timed`. */
static uint32_t wait(struct call *call, bool signals, bool timed)
{
	const uint32_t *time = call->args + 1 + signals;
	int32_t nsec = timed ? (int32_t)time[1] : 0;
	struct m_semaphore *waited, *signalled = NULL;
	uint32_t code = KERN_SUCCESS;

	if (nsec < 0 || nsec >= (int32_t)NS_PER_S)
		return KERN_INVALID_VALUE;
	if (signals)
		code = look_up_semaphore(call, call->args[1], &signalled);
	if (code == KERN_SUCCESS)
		code = look_up_semaphore(call, call->args[0], &waited);
	if (code != KERN_SUCCESS)
		return code;
	if (signals && !signalled->owner)
		return KERN_TERMINATED;
	code = block(call, waited, timed, timed ? time[0] * NS_PER_S + (uint64_t)nsec : 0);
	if (signals)
		signal_one(call->model, signalled);
	return code == M_BLOCKED && call->thread->state == M_IDLE ? M_ANSWERED : code;
}

/* --- timers --- */

static uint32_t timer_create(struct call *call)
{
	struct m_entry *entry;
	struct m_port *port;

	uint32_t code = m_lack(call->model, call->task, 1);

	if (code != KERN_SUCCESS)
		return code;
	if (!m_may_make_port(call->model, call->thread, call->task->user))
		return KERN_RESOURCE_SHORTAGE;
	port = m_port_new(call->model, call->task->user);
	port->timer = m_alloc(call->model, sizeof *port->timer);
	port->timer->port = port;
	port->immovable = true;
	port->mscount = port->srights = 1;
	TAILQ_INSERT_TAIL(&call->model->timers, port->timer, link);
	entry = m_entry_new(call->model, call->task, MACH_PORT_TYPE_RECEIVE, 0);
	entry->port = port;
	port->holder = entry;
	call_give(call, 1);
	call_give_name(call, 0, entry, 0);
	return M_ANSWERED;
}

static uint32_t look_up_timer(struct call *call, mach_port_name_t name, struct m_timer **timer)
{
	struct m_port *port;
	uint32_t code = KERN_INVALID_NAME;

	if (MACH_PORT_VALID(name))
		code = call_look_up_port(call, name, &port);
	if (code != KERN_SUCCESS)
		return code;
	*timer = port->timer;
	return *timer ? KERN_SUCCESS : KERN_INVALID_ARGUMENT;
}

static void fire(struct model *model, struct m_timer *timer)
{
	struct m_right dest = {.port = timer->port, .type = MACH_MSG_TYPE_PORT_SEND};
	struct m_msg *msg;

	timer->deadline = 0;
	if (timer->sent && model->mutation != MODEL_TIMER_TWICE)
		return;
	timer->sent = true;
	timer->port->srights++;
	msg = m_kernel_msg(model, dest, 0, TIMER_BODY);
	msg->timer = timer;
	m_post(model, timer->port, msg);
}

static uint32_t timer_arm(struct call *call)
{
	uint64_t deadline = call->args[0] | (uint64_t)call->args[1] << 32;
	struct m_timer *timer;
	uint32_t code = look_up_timer(call, call->args[2], &timer);

	if (code != KERN_SUCCESS)
		return code;
	timer->deadline = deadline;
	if (deadline <= call->model->now)
		fire(call->model, timer);
	return KERN_SUCCESS;
}

static uint32_t timer_cancel(struct call *call)
{
	struct m_timer *timer;
	uint32_t code = look_up_timer(call, call->args[0], &timer);
	struct m_answer *answer;

	if (code != KERN_SUCCESS)
		return code;
	answer = call_give(call, 2);
	m_answer_word(answer, OUT(0), (uint32_t)timer->deadline);
	m_answer_word(answer, OUT(1), (uint32_t)(timer->deadline >> 32));
	timer->deadline = 0;
	return M_ANSWERED;
}

static uint32_t timer_destroy(struct call *call)
{
	struct m_entry *entry = m_look(call->task, call->args[0]);

	if (!entry)
		return KERN_INVALID_NAME;
	if (!(entry->type & MACH_PORT_TYPE_RECEIVE))
		return KERN_INVALID_RIGHT;
	if (!entry->port->timer)
		return KERN_INVALID_ARGUMENT;
	if (entry->port->guarded && entry->port->context != 0)
		return KERN_INVALID_RIGHT;
	m_entry_destroy(call->model, entry);
	return KERN_SUCCESS;
}

void model_timers(struct model *model)
{
	struct m_timer *timer, *first;

	do {
		first = NULL;
		TAILQ_FOREACH (timer, &model->timers, link)
			if (timer->deadline && !timer->port->dead &&
			    timer->deadline <= model->now &&
			    (!first || timer->deadline < first->deadline))
				first = timer;
		if (first)
			fire(model, first);
	} while (first);
	m_settle(model);
}

/* --- dispatch --- */

bool call_object(struct call *call, uint32_t routine, uint32_t *code)
{
	switch (routine) {
	case MACHD_ROUTINE_semaphore_create:
		*code = create(call);
		return true;
	case MACHD_ROUTINE_semaphore_destroy:
		*code = destroy(call);
		return true;
	case MACHD_ROUTINE_semaphore_signal:
		*code = signal(call, false);
		return true;
	case MACHD_ROUTINE_semaphore_signal_thread:
		*code = signal_thread(call);
		return true;
	case MACHD_ROUTINE_semaphore_signal_all:
		*code = signal(call, true);
		return true;
	case MACHD_ROUTINE_semaphore_wait:
		*code = wait(call, false, false);
		return true;
	case MACHD_ROUTINE_semaphore_wait_signal:
		*code = wait(call, true, false);
		return true;
	case MACHD_ROUTINE_semaphore_timedwait:
		*code = wait(call, false, true);
		return true;
	case MACHD_ROUTINE_semaphore_timedwait_signal:
		*code = wait(call, true, true);
		return true;
	case MACHD_ROUTINE_mk_timer_create:
		*code = timer_create(call);
		return true;
	case MACHD_ROUTINE_mk_timer_arm:
		*code = timer_arm(call);
		return true;
	case MACHD_ROUTINE_mk_timer_cancel:
		*code = timer_cancel(call);
		return true;
	case MACHD_ROUTINE_mk_timer_destroy:
		*code = timer_destroy(call);
		return true;
	}
	return false;
}
