/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Vouchers in the model, with one attribute: a word of user data or none. What they say is all that
 * counts, so one is found by it; one without send rights is gone.
 */
#include <mach/mach_voucher_types.h>
#include <mach/mig_errors.h>
#include <string.h>

#include "tests/model/model_call.h"

enum { RECIPE = 4, KEYS = 8 }; /* words of a recipe's head; keys there are */

static struct m_port *find(struct model *model, const struct m_thread *thread, uint64_t data)
{
	struct m_port *port;

	TAILQ_FOREACH (port, &model->vouchers, next_voucher)
		if (port->data == data && port->srights > 0 &&
		    model->mutation != MODEL_VOUCHERS_DIFFER)
			return port;
	if (!m_may_make_port(model, thread, thread->task->user))
		return NULL;
	port = m_port_new(model, thread->task->user);
	m_port_doubt(port);
	port->kernel = port->voucher = true;
	port->data = data;
	TAILQ_INSERT_TAIL(&model->vouchers, port, next_voucher);
	return port;
}

struct m_entry *m_voucher_entry(const struct m_task *task, mach_port_name_t name)
{
	struct m_entry *entry = m_find(task, name);

	return entry && entry->type == MACH_PORT_TYPE_SEND && entry->port->voucher ? entry : NULL;
}

/* The commands that keys without values take as well; 0: none of them. */
static uint32_t run_common(uint32_t key, uint32_t command, uint32_t content_size,
			   const struct m_port *previous, uint64_t *data)
{
	bool known = key == MACH_VOUCHER_ATTR_KEY_ALL || (key >= 1 && key <= KEYS);
	bool here = key == MACH_VOUCHER_ATTR_KEY_ALL || key == MACH_VOUCHER_ATTR_KEY_USER_DATA;

	if (content_size > 0)
		return KERN_INVALID_ARGUMENT;
	if (command == MACH_VOUCHER_ATTR_COPY && !previous)
		return KERN_SUCCESS;
	if (!known)
		return KERN_INVALID_ARGUMENT;
	if (here && command == MACH_VOUCHER_ATTR_COPY)
		*data = previous->data;
	return KERN_SUCCESS; /* there is nothing yet that could be removed */
}

/* One recipe for a voucher that has nothing so far. */
static uint32_t run(const uint32_t *recipe, const struct m_port *previous, uint64_t *data)
{
	uint32_t key = recipe[0], command = recipe[1], size = recipe[3];

	switch (command) {
	case MACH_VOUCHER_ATTR_COPY:
	case MACH_VOUCHER_ATTR_REMOVE:
		return run_common(key, command, size, previous, data);
	case MACH_VOUCHER_ATTR_SET_VALUE_HANDLE:
		return KERN_INVALID_CAPABILITY;
	case MACH_VOUCHER_ATTR_REDEEM:
		if (key != MACH_VOUCHER_ATTR_KEY_ALL && key != MACH_VOUCHER_ATTR_KEY_USER_DATA)
			return KERN_INVALID_ARGUMENT;
		*data = previous ? previous->data : 0;
		return KERN_SUCCESS;
	case MACH_VOUCHER_ATTR_USER_DATA_STORE:
		if (key != MACH_VOUCHER_ATTR_KEY_USER_DATA)
			return KERN_INVALID_ARGUMENT;
		*data = size ? 1 + (uint64_t)recipe[RECIPE] : 0;
		return KERN_SUCCESS;
	}
	return KERN_INVALID_ARGUMENT;
}

/* args: a size, a recipe, a word of content. */
uint32_t call_create_voucher(struct call *call)
{
	const uint32_t head = RECIPE * sizeof(uint32_t), size = call->args[0],
		       *recipe = call->args + 1;
	struct m_right right = {.type = MACH_MSG_TYPE_PORT_SEND};
	struct m_entry *previous;
	uint64_t data = 0;
	uint32_t code;

	if (size == 0) {
		call_give(call, 1);
		return M_ANSWERED;
	}
	if (size < head || recipe[3] > size - head)
		return KERN_INVALID_ARGUMENT;
	previous = m_voucher_entry(call->thread->task, recipe[2]);
	if (recipe[2] != MACH_PORT_NULL && !previous)
		return KERN_INVALID_CAPABILITY;
	code = run(recipe, previous ? previous->port : NULL, &data);
	if (code != KERN_SUCCESS || recipe[3] < size - head)
		return code != KERN_SUCCESS ? code : KERN_INVALID_ARGUMENT;
	right.port = find(call->model, call->thread, data);
	if (!right.port)
		return KERN_RESOURCE_SHORTAGE;
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
		msg->voucher_right = m_copyin(model, entry, msg->voucher_type, deleted);
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
