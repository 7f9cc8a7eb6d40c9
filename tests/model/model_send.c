/* SPDX-License-Identifier: Apache-2.0 */
/* The send half of mach_msg: checks in their order, copyin, and what happens then [8, 10]. */
#include <string.h>

#include "tests/model/model_private.h"

/* --- before any right moves --- */

static uint32_t check_size(const uint8_t *bytes, const struct machd_message_args *args)
{
	mach_msg_base_t base = {.body = {0}};
	uint32_t size = args->send_size;

	if (size < sizeof base.header || size % 4 != 0)
		return MACH_SEND_MSG_TOO_SMALL;
	if (args->aux_size && args->aux_size < MACHD_AUX_SIZE_MIN)
		return MACH_SEND_AUX_TOO_SMALL;
	if (args->aux_size > MACHD_AUX_SIZE_MAX)
		return MACH_SEND_AUX_TOO_LARGE;
	memcpy(&base, bytes, size < sizeof base ? size : sizeof base);
	if (!(base.header.msgh_bits & MACH_MSGH_BITS_COMPLEX))
		return MACH_MSG_SUCCESS;
	if (size < sizeof base || base.body.msgh_descriptor_count >
					  (size - sizeof base) / sizeof(mach_msg_port_descriptor_t))
		return MACH_SEND_MSG_TOO_SMALL;
	return MACH_MSG_SUCCESS;
}

static uint32_t check_header(const mach_msg_header_t *header)
{
	uint32_t dest = MACH_MSGH_BITS_REMOTE(header->msgh_bits);
	uint32_t reply = MACH_MSGH_BITS_LOCAL(header->msgh_bits);

	if (!MACH_MSG_TYPE_PORT_ANY_SEND(dest))
		return MACH_SEND_INVALID_HEADER;
	if (reply == 0 ? header->msgh_local_port != MACH_PORT_NULL
		       : !MACH_MSG_TYPE_PORT_ANY_SEND(reply))
		return MACH_SEND_INVALID_HEADER;
	if (!MACH_PORT_VALID(header->msgh_remote_port))
		return MACH_SEND_INVALID_DEST;
	return MACH_MSG_SUCCESS;
}

/* Destination and reply are one name [4.3]. */
static uint32_t check_same(const struct model *model, struct m_entry *entry, uint32_t dest,
			   uint32_t reply)
{
	if (!m_copyin_good(entry, reply, M_FOR_REPLY) || !m_reply_fits(model, entry, entry) ||
	    m_stays(entry, dest, M_FOR_DEST))
		return MACH_SEND_INVALID_REPLY;
	if (entry->type == MACH_PORT_TYPE_DEAD_NAME || !m_copyin_good(entry, dest, M_FOR_DEST))
		return MACH_SEND_INVALID_DEST;
	if (dest == MACH_MSG_TYPE_MOVE_SEND_ONCE || reply == MACH_MSG_TYPE_MOVE_SEND_ONCE)
		return MACH_SEND_INVALID_DEST;
	if (dest == MACH_MSG_TYPE_MOVE_SEND && reply == MACH_MSG_TYPE_MOVE_SEND && entry->urefs < 2)
		return MACH_SEND_INVALID_DEST;
	return MACH_MSG_SUCCESS;
}

/* A send-once right whose port died is a destination as long as nobody asked about it. */
static bool dest_good(struct m_task *task, mach_port_name_t name, uint32_t disposition)
{
	struct m_entry *entry = m_find(task, name);

	if (disposition == MACH_MSG_TYPE_MOVE_SEND_ONCE &&
	    entry->type == MACH_PORT_TYPE_SEND_ONCE && !entry->request)
		return true;
	entry = m_look(task, name);
	return entry->type != MACH_PORT_TYPE_DEAD_NAME &&
	       m_copyin_good(entry, disposition, M_FOR_DEST);
}

static uint32_t check_names(const struct model *model, struct m_task *task,
			    const mach_msg_header_t *header)
{
	uint32_t dest = MACH_MSGH_BITS_REMOTE(header->msgh_bits);
	uint32_t reply = MACH_MSGH_BITS_LOCAL(header->msgh_bits);
	bool replies = MACH_PORT_VALID(header->msgh_local_port);
	struct m_entry *entry, *voucher = NULL;
	bool reply_good;

	if (MACH_MSGH_BITS_VOUCHER(header->msgh_bits))
		voucher = m_voucher_entry(task, header->msgh_voucher_port);
	if (voucher && header->msgh_remote_port == voucher->name)
		return m_voucher_check_dest(task, header);
	if (!m_find(task, header->msgh_remote_port))
		return MACH_SEND_INVALID_DEST;
	if (replies && header->msgh_local_port == header->msgh_remote_port)
		return check_same(model, m_look(task, header->msgh_remote_port), dest, reply);
	if (dest != MACH_MSG_TYPE_MOVE_SEND_ONCE)
		m_look(task, header->msgh_remote_port);
	entry = replies ? m_look(task, header->msgh_local_port) : NULL;
	reply_good = !replies ||
		     (entry && entry != voucher && m_copyin_good(entry, reply, M_FOR_REPLY) &&
		      m_reply_fits(model, m_find(task, header->msgh_remote_port), entry));
	if (!reply_good && model->mutation != MODEL_REPLY_CHECKED_LAST)
		return MACH_SEND_INVALID_REPLY;
	if (!dest_good(task, header->msgh_remote_port, dest))
		return MACH_SEND_INVALID_DEST;
	return reply_good ? MACH_MSG_SUCCESS : MACH_SEND_INVALID_REPLY;
}

/* --- copyin --- */

struct m_right m_copyin_name(struct model *model, struct m_task *task, mach_port_name_t name,
			     uint32_t disposition, struct m_deleted *deleted)
{
	if (!MACH_PORT_VALID(name))
		return (struct m_right){.dead = name == MACH_PORT_DEAD,
					.type = m_received_type(disposition)};
	return m_copyin(model, m_find(task, name), disposition, deleted);
}

/* A send with MACH_SEND_NOTIFY to a full queue arms the request on the destination's name. */
static void arm_request(struct model *model, struct m_thread *thread, mach_port_name_t name,
			struct m_msg *msg)
{
	struct m_entry *entry = m_find(thread->task, name);
	struct m_request *request = entry ? entry->request : NULL;

	if (msg->dest.type != MACH_MSG_TYPE_PORT_SEND || !request || msg->dest.port->kernel)
		return;
	msg->always = !m_full(model, msg->dest.port);
	if (request->notify && request->send_possible && !msg->always) {
		request->armed = true;
		m_raise_head(msg->dest.port, &thread->args);
		msg->dest.port->armed_boost |= msg->donates && msg->dest.port->accepts;
	}
}

static void copyin_header(struct model *model, struct m_thread *thread,
			  const mach_msg_header_t *header, struct m_msg *msg)
{
	uint32_t dest = MACH_MSGH_BITS_REMOTE(header->msgh_bits);
	uint32_t reply = MACH_MSGH_BITS_LOCAL(header->msgh_bits);
	struct m_task *task = thread->task;
	struct m_deleted deleted = {0};
	bool reply_first = header->msgh_local_port == header->msgh_remote_port &&
			   reply == MACH_MSG_TYPE_COPY_SEND;
	bool voucher_first = header->msgh_voucher_port == header->msgh_remote_port &&
			     dest == MACH_MSG_TYPE_MOVE_SEND;

	if (voucher_first)
		m_voucher_copyin(model, task, header, msg, &deleted);
	if (reply_first)
		msg->reply = m_copyin_name(model, task, header->msgh_local_port, reply, &deleted);
	msg->dest = m_copyin_name(model, task, header->msgh_remote_port, dest, &deleted);
	if (!reply_first)
		msg->reply = m_copyin_name(model, task, header->msgh_local_port, reply, &deleted);
	if (!voucher_first)
		m_voucher_copyin(model, task, header, msg, &deleted);
	m_stamp(model, msg, &thread->args);
	if (thread->args.option & MACH_SEND_NOTIFY)
		arm_request(model, thread, header->msgh_remote_port, msg);
	m_deleted_send(model, &deleted);
}

/* --- delivery --- */

static void block(struct model *model, struct m_thread *thread, struct m_msg *msg)
{
	thread->state = M_SENDING;
	thread->msg = msg;
	thread->port = msg->dest.port;
	if (thread->args.option & MACH_SEND_TIMEOUT)
		thread->deadline = model->now + thread->args.timeout * UINT64_C(1000000);
	m_queue_sender(thread);
}

static uint32_t transmit(struct model *model, struct m_thread *thread, struct m_msg *msg)
{
	struct m_port *port = msg->dest.port;
	uint32_t code = msg->circular ? MACH_MSG_SUCCESS : m_strict_context(model, thread, msg);
	bool hasty = thread->args.option & MACH_SEND_TIMEOUT && thread->args.timeout == 0;

	if (code != MACH_MSG_SUCCESS) {
		m_give_back(model, thread, msg, code);
		return M_ANSWERED;
	}
	if (!msg->circular && !port->dead && !port->kernel)
		m_importance_send(model, thread->task, msg);
	if (msg->circular || port->dead) {
		m_msg_destroy(model, msg);
	} else if (port->kernel) {
		msg = m_kernel_message(model, msg);
		if (!msg)
			return MACH_MSG_SUCCESS;
		if (!hasty) {
			block(model, thread, msg);
			return M_BLOCKED;
		}
		m_msg_destroy(model, msg);
	} else if (msg->dest.type == MACH_MSG_TYPE_PORT_SEND_ONCE || msg->always ||
		   !m_full(model, port)) {
		m_post(model, port, msg);
	} else if (hasty) {
		m_give_back(model, thread, msg, MACH_SEND_TIMED_OUT);
		return M_ANSWERED;
	} else {
		block(model, thread, msg);
		return M_BLOCKED;
	}
	return MACH_MSG_SUCCESS;
}

void m_give_back(struct model *model, struct m_thread *thread, struct m_msg *msg, uint32_t code)
{
	uint32_t size = m_msg_size(msg, thread->task->word) - msg->tail;

	msg->raised = false;
	msg->donor = NULL;
	m_message_answer(model, thread, code, size + msg->aux_size + m_memory_size(msg));
	m_put_aux(&thread->answer, sizeof(struct machd_message_answer) + size, msg->aux,
		  msg->aux_size);
	m_answer_word(&thread->answer, offsetof(struct machd_message_answer, place),
		      MACHD_PLACE_SEND);
	code |= m_place_message(model, thread, msg, NULL);
	m_answer_word(&thread->answer, 0, code);
	thread->answer.other_code = code;
	m_msg_over(model, msg);
}

void m_lose_reply(struct model *model, struct m_thread *thread, struct m_msg *msg)
{
	m_msg_destroy(model, msg);
	if (m_receives(thread))
		m_receive(model, thread);
	else
		m_message_answer(model, thread, MACH_MSG_SUCCESS, 0);
}

static struct m_msg *new_msg(struct model *model, const struct m_thread *thread,
			     const struct m_sent *sent, const mach_msg_header_t *header)
{
	const struct m_task *task = thread->task;
	struct m_msg *msg = m_alloc(model, sizeof *msg);
	uint32_t audit[8] = {0,		task->uid, task->gid, task->uid,
			     task->gid, task->pid, 0,	      task->pidversion};

	msg->tail = sent->tail;
	msg->fds = sent->fds;
	for (unsigned i = 0; i < sent->fds; i++) {
		msg->fd[i] = sent->fd[i].handle;
		msg->fd_size[i] = sent->fd[i].size;
	}
	msg->complex = header->msgh_bits & MACH_MSGH_BITS_COMPLEX;
	msg->id = header->msgh_id;
	msg->security[0] = task->uid;
	msg->security[1] = task->gid;
	memcpy(msg->audit, audit, sizeof audit);
	return msg;
}

/* Does the kind of destination that the options name fit this one? */
static bool kind_good(const struct m_thread *thread, const struct m_msg *msg)
{
	uint64_t option = thread->args.option;

	if (option & MACH64_SEND_ANY)
		return true;
	if (msg->dest.port->table && option & MACH64_SEND_MQ_CALL)
		return true;
	if (msg->dest.port->kernel)
		return option & MACH64_SEND_KOBJECT_CALL && option & MACH_RCV_MSG;
	return option & MACH64_SEND_MQ_CALL;
}

/* What is behind the descriptors is carried as it is. */
static void keep_body(struct model *model, const struct m_thread *thread, const struct m_sent *sent,
		      struct m_msg *msg)
{
	mach_msg_aux_header_t header = {.msgdh_size = thread->args.aux_size};
	uint32_t at = m_body_at(msg, thread->task->word);

	msg->body_size = thread->args.send_size - at;
	msg->body = m_alloc(model, msg->body_size);
	memcpy(msg->body, sent->bytes + at, msg->body_size - msg->tail);
	msg->aux_size = thread->args.aux_size;
	if (msg->aux_size == 0)
		return;
	msg->aux = memcpy(m_alloc(model, msg->aux_size), sent->aux, msg->aux_size);
	if (model->mutation != MODEL_AUX_HEADER_KEPT)
		memcpy(msg->aux, &header, sizeof header);
}

uint32_t m_send(struct model *model, struct m_thread *thread, const struct m_sent *sent)
{
	uint32_t code = check_size(sent->bytes, &thread->args);
	mach_msg_base_t base = {.body = {0}};
	struct m_msg *msg;

	if (code != MACH_MSG_SUCCESS)
		return code;
	memcpy(&base, sent->bytes,
	       thread->args.send_size < sizeof base ? sizeof base.header : sizeof base);
	msg = new_msg(model, thread, sent, &base.header);
	code = m_body_check(model, thread, sent, msg->complex ? base.body.msgh_descriptor_count : 0,
			    msg);
	if (code == MACH_MSG_SUCCESS) {
		keep_body(model, thread, sent, msg);
		code = sent->promised || m_may_send(model, thread, msg) ? MACH_MSG_SUCCESS
									: MACH_SEND_NO_BUFFER;
	}
	if (code == MACH_MSG_SUCCESS)
		code = check_header(&base.header);
	if (code == MACH_MSG_SUCCESS)
		code = m_voucher_check(thread->task, &base.header);
	if (code == MACH_MSG_SUCCESS && !m_strict_reply_good(model, thread, &base.header))
		code = MACH_SEND_INVALID_REPLY;
	if (code == MACH_MSG_SUCCESS)
		code = check_names(model, thread->task, &base.header);
	if (code == MACH_MSG_SUCCESS)
		code = m_voucher_prepare(model, thread, &base.header, &msg->voucher_right);
	if (code != MACH_MSG_SUCCESS)
		return code;
	m_msg_begins(thread->task->user, msg);
	msg->donates = m_donates(model, thread);
	msg->may_donate = !(thread->args.option & MACH_SEND_NOIMPORTANCE);
	msg->lends = m_lends(thread, &base.header);
	copyin_header(model, thread, &base.header, msg);
	code = m_strict_port_good(model, thread, msg) ? MACH_SEND_INVALID_OPTIONS
						      : MACH_SEND_INVALID_REPLY;
	if (code == MACH_SEND_INVALID_OPTIONS && kind_good(thread, msg))
		code = m_check_policy(model, thread->task, msg);
	if (code == MACH_MSG_SUCCESS)
		code = m_copyin_body(model, thread, msg);
	if (code == MACH_MSG_SUCCESS)
		return transmit(model, thread, msg);
	m_msg_clean(model, msg);
	return code;
}

/* --- senders that waited --- */

static void go_on(struct model *model, struct m_thread *thread)
{
	struct m_msg *msg = thread->msg;
	struct m_port *port = thread->port;

	thread->state = M_IDLE;
	thread->deadline = 0;
	thread->msg = NULL;
	thread->port = NULL;
	if (thread->granted)
		port->reserved--;
	thread->granted = false;
	model->sent++;
	if (port->dead)
		m_msg_destroy(model, msg);
	else
		m_post(model, port, msg);
	m_grant_slot(model, port);
	if (m_receives(thread))
		m_receive(model, thread);
	else
		m_message_answer(model, thread, MACH_MSG_SUCCESS, 0);
}

void m_settle(struct model *model)
{
	struct m_thread *thread;

	while ((thread = TAILQ_FIRST(&model->woken))) {
		TAILQ_REMOVE(&model->woken, thread, link);
		go_on(model, thread);
	}
	m_importance_settle(model);
}
