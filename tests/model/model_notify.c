/* SPDX-License-Identifier: Apache-2.0 */
/* Messages that the daemon makes: notifications [14] and answers of its own objects [29]. */
#include <mach/mig_errors.h>
#include <string.h>

#include "tests/model/model_private.h"

enum { WORD_AT = 8, WORD_SIZE = 12 }; /* of a body: an NDR record, and a word */

struct m_msg *m_kernel_msg(struct model *model, struct m_right dest, int32_t id, uint32_t size)
{
	struct m_msg *msg = m_alloc(model, sizeof *msg);

	msg->body = m_alloc(model, size);
	msg->body_size = size;
	msg->id = id;
	msg->dest = dest;
	msg->security[1] = 1;
	if (dest.port->user)
		m_msg_begins(dest.port->user, msg);
	return msg;
}

/* With the NDR record and a word behind it. */
static struct m_msg *word_msg(struct model *model, struct m_right dest, int32_t id, uint32_t word)
{
	static const uint8_t ndr[8] = {0, 0, 0, 0, 1, 0, 0, 0};
	struct m_msg *msg = m_kernel_msg(model, dest, id, WORD_SIZE);

	memcpy(msg->body, ndr, sizeof ndr);
	memcpy(msg->body + WORD_AT, &word, sizeof word);
	return msg;
}

static struct m_right once(struct m_port *notify)
{
	return (struct m_right){.port = notify, .type = MACH_MSG_TYPE_PORT_SEND_ONCE};
}

void m_notify_word(struct model *model, struct m_port *notify, int32_t id, uint32_t word,
		   unsigned group)
{
	struct m_msg *msg;

	if (notify->dead)
		return;
	msg = word_msg(model, once(notify), id, word);
	msg->group = group;
	m_post(model, notify, msg);
}

void m_notify_send_once(struct model *model, struct m_port *notify)
{
	if (notify->dead || model->mutation == MODEL_SEND_ONCE_SILENT)
		return;
	m_post(model, notify, m_kernel_msg(model, once(notify), MACH_NOTIFY_SEND_ONCE, 0));
}

void m_notify_destroyed(struct model *model, struct m_port *notify, struct m_port *port)
{
	struct m_msg *msg = m_kernel_msg(model, once(notify), MACH_NOTIFY_PORT_DESTROYED, 0);

	msg->complex = true;
	msg->parts = msg->right_count = 1;
	msg->part = m_alloc(model, sizeof *msg->part);
	msg->part->rights = msg->right = m_alloc(model, sizeof *msg->right);
	msg->part->disposition = MACH_MSG_TYPE_PORT_RECEIVE;
	msg->right[0] = (struct m_right){.port = port, .type = MACH_MSG_TYPE_PORT_RECEIVE};
	if (m_circular(port, notify)) {
		m_msg_destroy(model, msg);
		return;
	}
	port->transit = notify;
	port->tempowner = false;
	m_post(model, notify, msg);
}

void m_send_possible(struct model *model, struct m_port *port)
{
	struct m_request *request;
	unsigned group = ++model->groups;

	port->armed_boost = false;
	TAILQ_FOREACH (request, &port->requests, on_port) {
		struct m_port *notify = request->notify;

		if (!notify || !request->armed)
			continue;
		request->notify = NULL;
		m_notify_word(model, notify, MACH_NOTIFY_SEND_POSSIBLE, request->entry->name,
			      group);
	}
}

struct m_msg *m_kernel_message(struct model *model, struct m_msg *msg)
{
	struct m_right reply = msg->reply;
	struct m_user *asker = msg->user;
	struct m_msg *answer;

	msg->reply = (struct m_right){.type = 0};
	m_msg_destroy(model, msg);
	if (!reply.port || reply.port->dead)
		return NULL;
	answer = word_msg(model, reply, msg->id + 100, (uint32_t)MIG_BAD_ID);
	if (reply.port->home) { /* who asked pays */
		m_msg_over(model, answer);
		m_msg_begins(asker, answer);
	}
	answer->from_kernel = true;
	if (reply.type != MACH_MSG_TYPE_PORT_SEND_ONCE && m_full(model, reply.port))
		return answer;
	m_post(model, reply.port, answer);
	return NULL;
}
