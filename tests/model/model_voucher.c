/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Vouchers in the model. Vouchers with equal values (model_attr.c) are the same voucher; one
 * without send rights no longer exists.
 */
#include <mach/mach_voucher_types.h>
#include <string.h>

#include "tests/model/model_call.h"

/* The voucher that says this, with one send right more; NULL: it cannot be made. */
static struct m_port *find(struct model *model, struct m_user *user, bool refused,
			   const struct m_value *values)
{
	const size_t size = M_KEYS * sizeof *values;
	struct m_port *port;

	TAILQ_FOREACH (port, &model->vouchers, next_voucher) {
		if (port->srights > 0 && memcmp(port->values, values, size) == 0 &&
		    model->mutation != MODEL_VOUCHERS_DIFFER) {
			port->srights++;
			return port;
		}
	}
	if (!m_may_make(model, user, refused))
		return NULL;
	port = m_port_new(model, user);
	m_port_doubt(port);
	port->kernel = port->voucher = true;
	port->values = memcpy(m_alloc(model, size), values, size);
	port->srights = 1;
	TAILQ_INSERT_TAIL(&model->vouchers, port, next_voucher);
	return port;
}

struct m_entry *m_voucher_entry(const struct m_task *task, mach_port_name_t name)
{
	struct m_entry *entry = m_find(task, name);

	return entry && entry->type == MACH_PORT_TYPE_SEND && entry->port->voucher ? entry : NULL;
}

/* args: a size, and so many bytes of recipes. */
uint32_t call_create_voucher(struct call *call)
{
	struct m_right right = {.type = MACH_MSG_TYPE_PORT_SEND};
	struct m_task *task = call->thread->task;
	struct m_value values[M_KEYS];
	uint32_t code;

	memset(values, 0, sizeof values);
	if (call->args[0] == 0) {
		call_give(call, 1);
		return M_ANSWERED;
	}
	code = m_run_recipes(call->model, task, (const uint8_t *)(call->args + 1), call->args[0],
			     values);
	if (code != KERN_SUCCESS)
		return code;
	right.port = find(call->model, task->user, call->thread->refused, values);
	if (!right.port)
		return KERN_RESOURCE_SHORTAGE;
	return m_give_port(call->model, call->thread, right);
}

/* --- what a thread works under --- */

/* args: a name; of what is no voucher, none. */
uint32_t call_thread_set_voucher(struct call *call)
{
	mach_port_name_t name = call->args[0];
	const struct m_entry *entry = m_look(call->thread->task, name);
	struct m_port *old = call->thread->voucher;

	if (MACH_PORT_VALID(name) && (!entry || entry->type == MACH_PORT_TYPE_DEAD_NAME))
		return KERN_INVALID_NAME;
	if (entry && !(entry->type & MACH_PORT_TYPE_SEND))
		return KERN_INVALID_RIGHT;
	if (call->target->thread != call->thread)
		return KERN_INVALID_ARGUMENT;
	call->thread->voucher = entry && entry->port->voucher ? entry->port : NULL;
	if (call->thread->voucher)
		call->thread->voucher->srights++;
	if (old)
		m_release_send(call->model, old);
	call->model->slack++; /* what is kept is not looked for */
	return KERN_SUCCESS;
}

uint32_t call_thread_get_voucher(struct call *call)
{
	struct m_right right = {.port = call->target->thread->voucher,
				.type = MACH_MSG_TYPE_PORT_SEND};

	if (right.port)
		right.port->srights++;
	return m_give_port(call->model, call->thread, right);
}

/* --- in headers --- */

uint32_t m_voucher_check(const struct m_task *task, const mach_msg_header_t *header)
{
	uint32_t disposition = MACH_MSGH_BITS_VOUCHER(header->msgh_bits);

	if (disposition == 0)
		return MACH_MSG_SUCCESS;
	if (disposition != MACH_MSG_TYPE_MOVE_SEND && disposition != MACH_MSG_TYPE_COPY_SEND)
		return MACH_SEND_INVALID_VOUCHER;
	if (header->msgh_voucher_port == MACH_PORT_NULL)
		return MACH_MSG_SUCCESS;
	return m_voucher_entry(task, header->msgh_voucher_port) ? MACH_MSG_SUCCESS
								: MACH_SEND_INVALID_VOUCHER;
}

/* Destination and voucher are one name [4.3]. */
uint32_t m_voucher_check_dest(const struct m_task *task, const mach_msg_header_t *header)
{
	uint32_t dest = MACH_MSGH_BITS_REMOTE(header->msgh_bits);
	uint32_t reply = MACH_MSGH_BITS_LOCAL(header->msgh_bits);
	const struct m_entry *entry = m_find(task, header->msgh_remote_port), *other;

	if (MACH_PORT_VALID(header->msgh_local_port)) {
		other = m_look(task, header->msgh_local_port);
		if (other == entry || !other || !m_copyin_good(other, reply, M_FOR_REPLY))
			return MACH_SEND_INVALID_REPLY;
	}
	if (dest == MACH_MSG_TYPE_COPY_SEND)
		return MACH_MSG_SUCCESS;
	if (dest != MACH_MSG_TYPE_MOVE_SEND)
		return MACH_SEND_INVALID_DEST;
	return MACH_MSGH_BITS_VOUCHER(header->msgh_bits) == MACH_MSG_TYPE_COPY_SEND ||
			       entry->urefs >= 2
		       ? MACH_MSG_SUCCESS
		       : MACH_SEND_INVALID_DEST;
}

/* The same values as the task sends, or receives them: another voucher, or the same. */
static struct m_port *pass_on(struct model *model, const struct m_task *task, bool refused,
			      struct m_port *voucher, bool sent)
{
	struct m_value values[M_KEYS];

	memcpy(values, voucher->values, sizeof values);
	if (sent)
		m_values_sent(model, task, values);
	else
		m_values_received(model, task, values);
	return find(model, task->user, refused, values);
}

uint32_t m_voucher_prepare(struct model *model, struct m_thread *thread,
			   const mach_msg_header_t *header, struct m_right *right)
{
	struct m_entry *entry = NULL;

	if (MACH_MSGH_BITS_VOUCHER(header->msgh_bits))
		entry = m_voucher_entry(thread->task, header->msgh_voucher_port);
	if (!entry)
		return MACH_MSG_SUCCESS;
	right->type = MACH_MSG_TYPE_PORT_SEND;
	right->port = pass_on(model, thread->task, thread->refused, entry->port, true);
	return right->port ? MACH_MSG_SUCCESS : MACH_SEND_NO_BUFFER;
}

/* What was sent says whose importance comes along: that which came with the message, or none. */
static bool take_importance(struct model *model, struct m_thread *thread, struct m_msg *msg)
{
	const unsigned held = 3 + msg->right_count;
	struct m_right *right = &msg->voucher_right;
	bool due = m_inherit_due(thread->task, msg);
	struct m_value values[M_KEYS], *importance = &values[MACH_VOUCHER_ATTR_KEY_IMPORTANCE - 1];
	struct m_port *port;

	memset(values, 0, sizeof values);
	if (right->port)
		memcpy(values, right->port->values, sizeof values);
	if (!due && !importance->boosting)
		return true;
	memset(importance, 0, sizeof *importance);
	if (due)
		m_inherit_value(thread->task, msg, importance);
	model->slack += held;
	port = find(model, thread->task->user, thread->lost, values);
	model->slack -= held;
	if (!port)
		return false;
	if (due)
		m_inherit(model, thread->task, msg);
	m_right_destroy(model, *right);
	*right = (struct m_right){.port = port, .type = MACH_MSG_TYPE_PORT_SEND};
	return true;
}

bool m_voucher_redeem(struct model *model, struct m_thread *thread, struct m_msg *msg)
{
	const unsigned held = 3 + msg->right_count;
	struct m_right *right = &msg->voucher_right;
	struct m_port *redeemed;

	if (!(thread->args.option & MACH_RCV_VOUCHER))
		return true;
	if (!take_importance(model, thread, msg))
		return false;
	if (!right->port)
		return true;
	model->slack += held; /* the message is in no queue, where its ports would be found */
	redeemed = pass_on(model, thread->task, thread->lost, right->port, false);
	model->slack -= held;
	if (!redeemed)
		return false;
	m_right_destroy(model, *right);
	right->port = redeemed;
	return true;
}

void m_voucher_copyin(struct model *model, struct m_task *task, const mach_msg_header_t *header,
		      struct m_msg *msg, struct m_deleted *deleted)
{
	struct m_entry *entry;

	msg->voucher = header->msgh_voucher_port;
	msg->voucher_type = MACH_MSGH_BITS_VOUCHER(header->msgh_bits);
	if (msg->voucher_type == 0)
		return;
	entry = m_voucher_entry(task, msg->voucher);
	if (entry)
		m_right_destroy(model, m_copyin(model, entry, msg->voucher_type, deleted));
	else
		msg->voucher_type = MACH_MSG_TYPE_MOVE_SEND; /* of nothing */
}

/* The voucher of a message that is received, or given back: its bits and its field. */
uint32_t m_put_voucher(struct model *model, struct m_thread *thread, struct m_msg *msg, uint32_t at,
		       bool giving_back, uint32_t *full)
{
	bool wanted = giving_back ? msg->voucher_type == MACH_MSG_TYPE_MOVE_SEND
				  : thread->args.option & MACH_RCV_VOUCHER ||
					    model->mutation == MODEL_VOUCHER_UNASKED;
	struct m_right right = msg->voucher_right;
	struct m_entry *entry = NULL;
	mach_port_name_t name = MACH_PORT_NULL;

	msg->voucher_right = (struct m_right){.type = 0};
	if (right.port && wanted)
		entry = m_copyout(model, thread->task, right, &name, full);
	else
		m_right_destroy(model, right);
	if (!right.port || (giving_back && !wanted))
		name = msg->voucher;
	m_put_name(&thread->answer, at, entry, name);
	if (giving_back)
		return msg->voucher_type;
	return msg->voucher_type && wanted ? MACH_MSG_TYPE_PORT_SEND : 0;
}
