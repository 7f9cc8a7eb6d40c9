/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Importance in the model [5.2, 14.3, 20]. Nothing is added up as it comes and goes: who is
 * boosted, and how often, is found by looking at all messages, rights to reply and assertions that
 * there are.
 */
#include "protocol/importance.h"
#include "tests/model/model_call.h"

/* Boosts that messages to a port bring, queued or waiting, and a donor that waits for room. */
static uint32_t own(const struct m_port *port)
{
	const struct m_thread *thread;
	const struct m_msg *msg;
	uint32_t count = port->armed_boost;

	TAILQ_FOREACH (msg, &port->queue, link)
		count += msg->raised;
	TAILQ_FOREACH (thread, &port->senders, link)
		count += thread->msg->raised;
	return count;
}

/* The port in whose queue the receive right is, or NULL. */
static const struct m_port *outer(const struct m_port *port)
{
	return port->holder ? NULL : port->transit;
}

uint32_t m_port_boosts(const struct model *model, const struct m_port *port)
{
	const struct m_port *each, *step;
	uint32_t count = 0;

	if (!model->donors)
		return 0;
	TAILQ_FOREACH (each, &model->ports, of_model) {
		for (step = each; step && step != port; step = outer(step))
			continue;
		if (step && !each->dead)
			count += own(each);
	}
	return count;
}

uint32_t model_boosts(const struct model *model, const struct m_task *task)
{
	const struct m_port *each, *root;
	const struct m_entry *entry;
	uint32_t count = task->held;

	if (!model->donors)
		return 0;
	TAILQ_FOREACH (entry, &task->entries, link)
		count += entry->boosts;
	TAILQ_FOREACH (each, &model->ports, of_model) {
		for (root = each; outer(root);)
			root = outer(root);
		if (!each->dead && root->holder && root->holder->task == task && !root->tempowner)
			count += own(each);
	}
	return count;
}

bool m_important(const struct model *model, const struct m_task *task)
{
	return task->donor || model_boosts(model, task) > 0;
}

bool m_donates(const struct model *model, const struct m_thread *thread)
{
	return !(thread->args.option & MACH_SEND_NOIMPORTANCE) && m_important(model, thread->task);
}

void m_importance_asked(const struct model *model, const struct m_task *task, struct m_port *port)
{
	const struct m_request *request;

	TAILQ_FOREACH (request, &port->requests, on_port)
		if (request->notify && request->armed)
			return;
	if (port->accepts && m_important(model, task))
		port->armed_boost = true;
}

void m_importance_send(const struct model *model, const struct m_task *task, struct m_msg *msg)
{
	const struct m_port *port = msg->dest.port;
	bool self = port->holder && port->holder->task == task;

	msg->raised =
		msg->donates && port->accepts && (!self || model->mutation == MODEL_SELF_IMPORTANT);
}

bool m_importance_received(struct m_msg *msg, struct m_entry *reply)
{
	bool raised = msg->raised;

	msg->raised = false;
	if (!raised || !reply || reply->type != MACH_PORT_TYPE_SEND_ONCE)
		return false;
	reply->boosts = true;
	return true;
}

static uint32_t hold(struct call *call, mach_port_name_t reply)
{
	const struct m_entry *entry = m_find(call->task, reply);

	if (!entry || (!entry->boosts && call->model->mutation != MODEL_HELD_FOR_NOTHING))
		return KERN_INVALID_RIGHT;
	call->task->held++;
	return KERN_SUCCESS;
}

/* args: an action, the right to reply that it is about. */
uint32_t call_process_policy(struct call *call)
{
	switch (call->args[0]) {
	case MACHD_POLICY_SET:
		call->task->donor = true;
		call->model->donors = true;
		return KERN_SUCCESS;
	case MACHD_POLICY_HOLD:
		return hold(call, call->args[1]);
	case MACHD_POLICY_DROP:
		if (call->task->held == 0)
			return KERN_FAILURE;
		call->task->held--;
		return KERN_SUCCESS;
	}
	return KERN_INVALID_ARGUMENT;
}
