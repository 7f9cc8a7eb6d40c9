/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Importance in the model [5.2, 14.3, 20]. Nothing is added up as it comes and goes: who is
 * boosted, and how often, is found by looking at all messages, rights to reply and assertions that
 * there are.
 */
#include <mach/mach_voucher_types.h>

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
	const struct m_inherit *inherit;
	const struct m_entry *entry;
	uint32_t count = task->held;

	if (!model->donors)
		return 0;
	TAILQ_FOREACH (inherit, &model->inherits, link)
		if (inherit->to == task && inherit->raised)
			count += inherit->boosts;
	if (task->dead)
		return count;
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
	return (!task->dead && task->donor) || model_boosts(model, task) > 0;
}

bool m_donates(const struct model *model, const struct m_thread *thread)
{
	return !(thread->args.option & MACH_SEND_NOIMPORTANCE) && m_important(model, thread->task);
}

bool m_lends(const struct m_thread *thread, const mach_msg_header_t *header)
{
	const struct m_entry *entry = MACH_PORT_VALID(header->msgh_local_port)
					      ? m_find(thread->task, header->msgh_local_port)
					      : NULL;

	return entry && entry->boosts &&
	       MACH_MSGH_BITS_LOCAL(header->msgh_bits) == MACH_MSG_TYPE_MOVE_SEND_ONCE;
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
	bool self = port->holder && port->holder->task == task, important;

	if (!msg->may_donate || !port->accepts ||
	    (self && model->mutation == MODEL_SELF_UNIMPORTANT))
		return;
	important = m_important(model, task);
	msg->raised = msg->lends || important;
	if (!msg->lends && (important || task->takes))
		msg->donor = task;
}

bool m_importance_received(struct m_msg *msg, struct m_entry *reply)
{
	bool raised = msg->raised;

	msg->raised = false;
	msg->donor = NULL;
	if (!raised || !reply || reply->type != MACH_PORT_TYPE_SEND_ONCE)
		return false;
	reply->boosts = true;
	return true;
}

/* --- what is inherited --- */

/* What the sender had inherited itself and sent along, or NULL. */
static const struct m_value *via_of(const struct m_msg *msg)
{
	const struct m_port *voucher = msg->voucher_right.port;
	const struct m_value *value;

	if (!voucher)
		return NULL;
	value = &voucher->values[MACH_VOUCHER_ATTR_KEY_IMPORTANCE - 1];
	return value->from && value->boosting == msg->donor ? value : NULL;
}

bool m_inherit_due(const struct m_task *task, const struct m_msg *msg)
{
	return msg->donor && (msg->donor != task || via_of(msg));
}

/* The chain is as long as it may be, whether it is the first or has begun anew. */
static bool longest(uint64_t depth)
{
	return (depth & 0xff) == 32;
}

void m_inherit_value(const struct m_task *task, const struct m_msg *msg, struct m_value *value)
{
	const struct m_value *via = via_of(msg);

	if (via && msg->donor == task) {
		*value = *via;
		return;
	}
	*value = (struct m_value){.boosting = task, .from = msg->donor, .depth = 1};
	if (via)
		value->depth = longest(via->depth) ? 0x80000001 : via->depth + 1;
}

static struct m_inherit *find(const struct model *model, const struct m_value *value)
{
	struct m_inherit *inherit;

	TAILQ_FOREACH (inherit, &model->inherits, link)
		if (inherit->from == value->from && inherit->to == value->boosting &&
		    inherit->depth == value->depth)
			return inherit;
	return NULL;
}

void m_inherit(struct model *model, const struct m_task *task, struct m_msg *msg)
{
	const struct m_value *via = via_of(msg);
	struct m_inherit *inherit;
	struct m_value value;

	m_inherit_value(task, msg, &value);
	inherit = find(model, &value);
	if (!inherit) {
		inherit = m_alloc(model, sizeof *inherit);
		inherit->from = value.from;
		inherit->to = task;
		inherit->depth = value.depth;
		if (via && !longest(via->depth))
			inherit->via = find(model, via);
		inherit->raised = m_important(model, msg->donor);
		TAILQ_INSERT_TAIL(&model->inherits, inherit, link);
	}
	inherit->boosts++;
	msg->donor = NULL;
	msg->raised = false;
	msg->inherits = true;
	msg->voucher_type = MACH_MSG_TYPE_MOVE_SEND;
}

static bool has_voucher(const struct model *model, const struct m_inherit *inherit)
{
	const struct m_port *each;

	TAILQ_FOREACH (each, &model->vouchers, next_voucher) {
		const struct m_value *value = &each->values[MACH_VOUCHER_ATTR_KEY_IMPORTANCE - 1];

		if (each->srights > 0 && find(model, value) == inherit)
			return true;
	}
	return false;
}

static bool has_heir(const struct model *model, const struct m_inherit *inherit)
{
	const struct m_inherit *each;

	TAILQ_FOREACH (each, &model->inherits, link)
		if (each->via == inherit)
			return true;
	return false;
}

void m_inherit_over(struct model *model, const struct m_port *voucher)
{
	struct m_inherit *inherit =
		find(model, &voucher->values[MACH_VOUCHER_ATTR_KEY_IMPORTANCE - 1]);
	const struct m_inherit *via;

	if (!inherit || has_voucher(model, inherit))
		return;
	for (inherit->boosts = 0; inherit && inherit->boosts == 0; inherit = (void *)via) {
		via = inherit->via;
		if (has_voucher(model, inherit) || has_heir(model, inherit))
			return;
		TAILQ_REMOVE(&model->inherits, inherit, link);
	}
}

uint32_t m_inherit_drop(struct call *call, uint32_t *left)
{
	struct m_inherit *inherit =
		find(call->model, &call->target->values[MACH_VOUCHER_ATTR_KEY_IMPORTANCE - 1]);

	if (!inherit)
		return KERN_INVALID_ARGUMENT;
	if (call->args[4] > inherit->boosts)
		return KERN_FAILURE;
	inherit->boosts -= call->args[4];
	*left = inherit->boosts;
	return KERN_SUCCESS;
}

/* --- what follows --- */

/* It is to be raised, or not to be any more; true: it was not so. */
static bool follow(const struct model *model, const struct m_task *donor, bool raise, bool *raised)
{
	if (!donor || *raised == raise || m_important(model, donor) != raise)
		return false;
	*raised = raise;
	return true;
}

static bool follow_queue(const struct model *model, struct m_port *port, bool raise)
{
	struct m_thread *thread;
	struct m_msg *msg;
	bool any = false;

	TAILQ_FOREACH (msg, &port->queue, link)
		any |= follow(model, msg->donor, raise, &msg->raised);
	TAILQ_FOREACH (thread, &port->senders, link)
		any |= follow(model, thread->msg->donor, raise, &thread->msg->raised);
	return any;
}

static bool follow_all(struct model *model, bool raise)
{
	struct m_inherit *inherit;
	struct m_port *port;
	bool any = false;

	TAILQ_FOREACH (port, &model->ports, of_model)
		any |= follow_queue(model, port, raise);
	TAILQ_FOREACH (inherit, &model->inherits, link)
		any |= follow(model, inherit->from, raise, &inherit->raised);
	return any;
}

void m_importance_settle(struct model *model)
{
	struct m_port *port;

	TAILQ_FOREACH (port, &model->ports, of_model)
		if (port->accepts && port->holder)
			port->holder->task->takes = true;
	if (model->donors) {
		while (follow_all(model, false))
			continue;
		while (follow_all(model, true))
			continue;
	}
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
