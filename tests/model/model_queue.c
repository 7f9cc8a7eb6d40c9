/* SPDX-License-Identifier: Apache-2.0 */
/* Queues, port sets, and the receive half of mach_msg [9, 12, 13]. */
#include <string.h>

#include "tests/model/model_private.h"

#define HEAD ((uint32_t)sizeof(struct machd_message_answer))

/* --- sets --- */

struct m_member *m_member_find(struct m_port *port, const struct m_set *set)
{
	struct m_member *member;

	TAILQ_FOREACH (member, &port->sets, of_port)
		if (member->set == set)
			return member;
	return NULL;
}

static void member_ready(struct m_member *member, bool ready)
{
	struct m_set *set = member->set;

	if (member->ready)
		TAILQ_REMOVE(&set->ready, member, in_ready);
	if (ready)
		TAILQ_INSERT_TAIL(&set->ready, member, in_ready);
	member->ready = ready;
	if (TAILQ_EMPTY(&set->ready))
		m_knotes_quiet(&set->knotes);
	else
		m_knotes_ready(&set->knotes);
}

void m_member_remove(struct m_member *member)
{
	member_ready(member, false);
	TAILQ_REMOVE(&member->port->sets, member, of_port);
	TAILQ_REMOVE(&member->set->members, member, of_set);
}

/* --- who waits --- */

void m_stop_waiting(struct m_thread *thread)
{
	if (thread->state == M_SENDING)
		TAILQ_REMOVE(&thread->port->senders, thread, link);
	else if (thread->state == M_RECEIVING)
		TAILQ_REMOVE(thread->set ? &thread->set->receivers : &thread->port->receivers,
			     thread, link);
	else if (thread->side)
		thread->side->waiter = NULL;
	else if (thread->state == M_WAITING)
		TAILQ_REMOVE(&thread->semaphore->waiters, thread, link);
	thread->state = M_IDLE;
	thread->deadline = 0;
	thread->port = NULL;
	thread->set = NULL;
	thread->semaphore = NULL;
	thread->side = NULL;
	thread->msg = NULL;
}

void m_wake_receivers(struct model *model, struct m_threads *threads)
{
	struct m_thread *thread;

	while ((thread = TAILQ_FIRST(threads))) {
		m_stop_waiting(thread);
		m_message_answer(model, thread, MACH_RCV_PORT_CHANGED, 0);
	}
}

/* The thread that gets what comes next to a port, or NULL. */
static struct m_thread *first_receiver(struct m_port *port)
{
	struct m_thread *thread = TAILQ_FIRST(&port->receivers), *first = NULL;
	struct m_member *member;

	if (thread)
		return thread;
	TAILQ_FOREACH (member, &port->sets, of_port) {
		thread = TAILQ_FIRST(&member->set->receivers);
		if (thread && (!first || (thread->heard && !first->heard)))
			first = thread;
	}
	return first;
}

/* --- queues --- */

bool m_full(const struct model *model, const struct m_port *port)
{
	uint32_t limit = port->qlimit + (model->mutation == MODEL_QUEUE_ONE_LARGER);

	return port->queued + port->reserved >= limit;
}

/* The first blocked sender gets a slot. */
static void wake_sender(struct model *model, struct m_port *port)
{
	struct m_thread *thread = TAILQ_FIRST(&port->senders);

	if (!thread)
		return;
	TAILQ_REMOVE(&port->senders, thread, link);
	port->reserved++;
	thread->state = M_WOKEN;
	thread->granted = true;
	TAILQ_INSERT_TAIL(&model->woken, thread, link);
}

void m_grant_slot(struct model *model, struct m_port *port)
{
	if (!m_full(model, port))
		wake_sender(model, port);
}

void m_set_qlimit(struct model *model, struct m_port *port, uint32_t qlimit)
{
	uint32_t old = port->qlimit;

	port->qlimit = qlimit;
	for (; old < qlimit; old++)
		wake_sender(model, port);
}

static struct m_msg *take_head(struct model *model, struct m_port *port)
{
	struct m_msg *msg = TAILQ_FIRST(&port->queue);
	struct m_member *member;

	TAILQ_REMOVE(&port->queue, msg, link);
	port->queued--;
	if (TAILQ_EMPTY(&port->queue)) {
		if (model->mutation != MODEL_BELL_RINGS_ON)
			m_knotes_quiet(&port->knotes);
		TAILQ_FOREACH (member, &port->sets, of_port)
			member_ready(member, false);
	}
	m_grant_slot(model, port);
	return msg;
}

static void put_tail(const struct model *model, struct m_port *port, struct m_msg *msg)
{
	struct m_member *member;

	if (TAILQ_EMPTY(&port->queue)) {
		m_knotes_ready(&port->knotes);
		TAILQ_FOREACH (member, &port->sets, of_port)
			member_ready(member, true);
	}
	m_raise_queue(model, port, msg);
	TAILQ_INSERT_TAIL(&port->queue, msg, link);
	port->queued++;
}

/* Destroy the rights of a message that was not received, or not by the one it was meant for. */
static void destroy_rights(struct model *model, struct m_msg *msg, bool received)
{
	if (!received)
		m_right_destroy(model, msg->dest);
	m_right_destroy(model, msg->reply);
	m_right_destroy(model, msg->voucher_right);
	for (unsigned i = 0; i < msg->right_count; i++)
		m_right_destroy(model, msg->right[i]);
	m_msg_over(model, msg);
}

void m_msg_clean(struct model *model, struct m_msg *msg)
{
	/* What was taken of an array with a bad name goes first. */
	for (unsigned i = msg->refused; i < msg->right_count; i++)
		m_right_destroy(model, msg->right[i]);
	if (msg->right_count > msg->refused)
		msg->right_count = msg->refused;
	destroy_rights(model, msg, false);
}

void m_msg_destroy(struct model *model, struct m_msg *msg)
{
	if (msg)
		TAILQ_INSERT_TAIL(&model->reap, msg, link);
	if (model->reaping)
		return;
	model->reaping = true;
	while ((msg = TAILQ_FIRST(&model->reap))) {
		TAILQ_REMOVE(&model->reap, msg, link);
		destroy_rights(model, msg, false);
	}
	model->reaping = false;
}

/* --- receiving --- */

uint32_t m_trailer_size(uint64_t option, unsigned word)
{
	static const uint8_t sizes[] = {8, 12, 20, 52, 60, 68};
	unsigned elements = (option >> 24) & 0xf;

	if (elements >= sizeof sizes)
		elements = sizeof sizes - 1;
	return sizes[elements] - (word == 32 && elements > 3 ? 4 : 0);
}

static uint32_t trailer_for(const struct m_thread *thread)
{
	return m_trailer_size(thread->args.option, thread->task->word);
}

void m_put_trailer(struct m_answer *answer, uint32_t at, uint32_t size, const struct m_msg *msg,
		   uint32_t seqno, uint64_t context, bool error)
{
	mach_msg_max_trailer_t trailer = {.msgh_trailer_size = size, .msgh_seqno = seqno};
	uint32_t room = answer->size > at ? answer->size - at : 0;

	if (error) {
		trailer.msgh_sender.val[1] = 1;
	} else {
		memcpy(&trailer.msgh_sender, msg->security, sizeof trailer.msgh_sender);
		memcpy(&trailer.msgh_audit, msg->audit, sizeof trailer.msgh_audit);
		trailer.msgh_context = context;
	}
	if (size > room)
		size = room;
	memcpy(answer->bytes + at, &trailer, size);
	if (!error && msg->audit[1] && size >= offsetof(mach_msg_max_trailer_t, msgh_context)) {
		/* Audit user and session: what they are on Linux is not said. */
		m_answer_ignore(answer, at + offsetof(mach_msg_max_trailer_t, msgh_audit), 4);
		m_answer_ignore(answer, at + offsetof(mach_msg_max_trailer_t, msgh_audit) + 24, 4);
	}
	if (error && size > offsetof(mach_msg_max_trailer_t, msgh_context))
		m_answer_ignore(answer, at + offsetof(mach_msg_max_trailer_t, msgh_context),
				size - offsetof(mach_msg_max_trailer_t, msgh_context));
}

void m_put_name(struct m_answer *answer, uint32_t at, struct m_entry *entry, mach_port_name_t name)
{
	if (entry)
		m_answer_name(answer, at, entry);
	else
		m_answer_word(answer, at, name);
}

void m_put_aux(struct m_answer *answer, uint32_t at, const uint8_t *aux, uint32_t size)
{
	if (size)
		memcpy(answer->bytes + at, aux, size);
	m_answer_word(answer, offsetof(struct machd_message_answer, aux_size), size);
}

static void consume_dest(struct model *model, struct m_msg *msg)
{
	if (msg->dest.type == MACH_MSG_TYPE_PORT_SEND)
		m_release_send(model, msg->dest.port);
	else
		msg->dest.port->sorights--;
}

/* A header and what there is room for of a trailer, for a message that is destroyed. */
static void put_bare(struct model *model, struct m_thread *thread, struct m_port *port,
		     struct m_msg *msg, uint32_t seqno, uint32_t code)
{
	const struct m_right *reply = &msg->reply;
	uint32_t trailer = trailer_for(thread), rcv_size = thread->args.rcv_size;
	uint32_t size = sizeof(mach_msg_header_t) + trailer;
	mach_msg_header_t header = {
		.msgh_bits = MACH_MSGH_BITS(reply->type, msg->dest.type) |
			     (msg->voucher_type ? MACH_MSG_TYPE_PORT_SEND << 16 : 0) |
			     (msg->complex ? MACH_MSGH_BITS_COMPLEX : 0),
		.msgh_size = sizeof header,
		.msgh_remote_port = reply->dead ? MACH_PORT_DEAD : MACH_PORT_NULL,
		.msgh_voucher_port = msg->voucher_right.port ? MACH_PORT_NULL : msg->voucher,
		.msgh_id = msg->id,
	};
	struct m_answer *answer = &thread->answer;
	const mach_msg_aux_header_t aux = {.msgdh_size = sizeof aux};
	uint32_t lost = msg->aux_size && thread->args.rcv_aux_size >= sizeof aux ? sizeof aux : 0;

	if (size > rcv_size)
		size = rcv_size;
	m_message_answer(model, thread, code, size + lost);
	m_put_aux(answer, HEAD + size, (const uint8_t *)&aux, lost);
	answer->size -= lost; /* nothing else is cut there */
	m_answer_word(answer, offsetof(struct machd_message_answer, place), MACHD_PLACE_RECEIVE);
	memcpy(answer->bytes + HEAD, &header, sizeof header);
	m_put_trailer(answer, HEAD + sizeof header, trailer, msg, seqno, 0, true);
	m_put_name(answer, HEAD + offsetof(mach_msg_header_t, msgh_local_port), port->holder, 0);
	answer->size += lost;
}

/* Only a header is left of a message, if there is room for one; the rights are destroyed. */
static void receive_bare(struct model *model, struct m_thread *thread, struct m_port *port,
			 struct m_msg *msg, uint32_t seqno, uint32_t code)
{
	if (thread->args.rcv_size < sizeof(mach_msg_header_t))
		m_message_answer(model, thread, MACH_RCV_INVALID_DATA, 0);
	else
		put_bare(model, thread, port, msg, seqno, code);
	consume_dest(model, msg);
	destroy_rights(model, msg, true);
}

/* The body that was sent, under a new header. */
static void put_header(struct m_thread *thread, const struct m_msg *msg, uint32_t bits)
{
	uint32_t at = m_body_at(msg, thread->task->word), count = msg->parts;
	struct m_answer *answer = &thread->answer;
	mach_msg_header_t header = {
		.msgh_bits = bits, .msgh_size = at + msg->body_size, .msgh_id = msg->id};

	memcpy(answer->bytes + HEAD + at, msg->body, msg->body_size - msg->tail);
	memcpy(answer->bytes + HEAD, &header, sizeof header);
	if (msg->complex)
		m_answer_word(answer, HEAD + sizeof header, count);
	if (msg->tail == 0)
		return;
	m_answer_word(answer, offsetof(struct machd_message_answer, body_offset),
		      header.msgh_size - msg->tail);
	m_answer_word(answer, offsetof(struct machd_message_answer, body_size), msg->tail);
	answer->fds = 1;
	answer->fd[0] = msg->fd[0];
}

uint32_t m_place_message(struct model *model, struct m_thread *thread, struct m_msg *msg,
			 struct m_port *port)
{
	const uint32_t remote_at = HEAD + offsetof(mach_msg_header_t, msgh_remote_port);
	const uint32_t local_at = HEAD + offsetof(mach_msg_header_t, msgh_local_port);
	const uint32_t voucher_at = HEAD + offsetof(mach_msg_header_t, msgh_voucher_port);
	struct m_answer *answer = &thread->answer;
	uint32_t bits = msg->complex ? MACH_MSGH_BITS_COMPLEX : 0;
	mach_port_name_t name;
	struct m_entry *entry;
	uint32_t full = 0, parts;

	if (port)
		bits |= MACH_MSGH_BITS(msg->reply.type, msg->dest.type);
	else
		bits |= MACH_MSGH_BITS(msg->dest.type, msg->reply.type);
	put_header(thread, msg, bits);
	if (!port) {
		entry = m_copyout(model, thread->task, msg->dest, &name, &full);
		m_put_name(answer, remote_at, entry, name);
	}
	entry = NULL;
	if (!port && m_swallowed(msg)) {
		name = msg->reply.port->dead ? MACH_PORT_DEAD : MACH_PORT_NULL;
		entry = msg->reply.port->dead ? NULL : msg->reply.port->holder;
		msg->reply.port->sorights--;
		if (entry)
			bits ^= MACH_MSGH_BITS(0, MACH_MSG_TYPE_PORT_SEND_ONCE ^
							  MACH_MSG_TYPE_MAKE_SEND_ONCE);
	} else {
		entry = m_copyout(model, thread->task, msg->reply, &name, &full);
	}
	if (port && (m_importance_received(msg, entry) || msg->inherits))
		bits |= MACH_MSGH_BITS_RAISEIMP;
	m_put_name(answer, port ? remote_at : local_at, entry, name);
	bits |= m_put_voucher(model, thread, msg, voucher_at, !port, &full) << 16;
	m_answer_word(answer, HEAD, bits);
	if (port) {
		consume_dest(model, msg);
		m_put_name(answer, local_at, port->holder, MACH_PORT_NULL);
	}
	parts = m_put_parts(model, thread, msg, !port);
	if (!port && parts)
		parts |= MACH_RCV_BODY_ERROR;
	return full | parts;
}

/* Names that the header of a message may take, as far as must be sure beforehand. */
static unsigned header_names(const struct m_thread *thread, const struct m_msg *msg)
{
	bool voucher = thread->args.option & MACH_RCV_VOUCHER &&
		       (msg->voucher_right.port || m_inherit_due(thread->task, msg));

	return (msg->reply.port != NULL) + voucher;
}

uint32_t model_head_size(const struct m_task *task, mach_port_name_t name, uint64_t option)
{
	const struct m_entry *entry = m_find(task, name);
	const struct m_msg *msg = NULL;

	if (entry && entry->type == MACH_PORT_TYPE_PORT_SET && !TAILQ_EMPTY(&entry->set->ready))
		msg = TAILQ_FIRST(&TAILQ_FIRST(&entry->set->ready)->port->queue);
	else if (entry && entry->type & MACH_PORT_TYPE_RECEIVE)
		msg = TAILQ_FIRST(&entry->port->queue);
	return msg ? m_msg_size(msg, task->word) + m_trailer_size(option, task->word) : 0;
}

/* What the test for "too large" compares with the receiver's buffer. */
static uint64_t needed(const struct model *model, const struct m_thread *thread,
		       const struct m_msg *msg)
{
	unsigned word = thread->task->word;
	uint32_t aux = thread->args.option & MACHD_RCV_LINEAR ? msg->aux_size : 0;

	if (model->mutation == MODEL_SIZE_OF_SENDER)
		word = 64;
	return (uint64_t)m_msg_size(msg, word) + trailer_for(thread) + aux;
}

/* A receiver that knows of no auxiliary data goes without. */
static bool too_large(const struct model *model, const struct m_thread *thread,
		      const struct m_msg *msg)
{
	const struct machd_message_args *args = &thread->args;
	bool beside = (args->option & MACH64_MSG_VECTOR) && !(args->option & MACHD_RCV_LINEAR);

	if (beside && msg->aux_size > args->rcv_aux_size && model->mutation != MODEL_AUX_UNCOUNTED)
		return true;
	return needed(model, thread, msg) > args->rcv_size;
}

static void deliver(struct model *model, struct m_thread *thread, struct m_port *port,
		    struct m_msg *msg)
{
	uint32_t seqno = port->seqno, trailer = trailer_for(thread), error;
	uint32_t size = m_msg_size(msg, thread->task->word);
	struct m_answer *answer = &thread->answer;
	uint64_t context;
	uint32_t aux;

	port->seqno += model->mutation != MODEL_SEQNO_STAYS;
	model->received++;
	if (too_large(model, thread, msg)) {
		receive_bare(model, thread, port, msg, seqno, MACH_RCV_TOO_LARGE);
		return;
	}
	m_send_possible(model, port);
	if (!m_room_for(model, thread->task, header_names(thread, msg))) {
		receive_bare(model, thread, port, msg, seqno,
			     MACH_RCV_HEADER_ERROR | MACH_MSG_IPC_SPACE);
		return;
	}
	if (!m_voucher_redeem(model, thread, msg)) {
		receive_bare(model, thread, port, msg, seqno,
			     MACH_RCV_HEADER_ERROR | MACH_MSG_IPC_KERNEL);
		return;
	}
	error = m_strict_receive(model, thread, msg);
	if (error) {
		receive_bare(model, thread, port, msg, seqno, error);
		return;
	}
	size -= msg->tail;
	aux = thread->args.option & MACH64_MSG_VECTOR ? msg->aux_size : 0;
	m_message_answer(model, thread, MACH_MSG_SUCCESS,
			 size + trailer + aux + m_memory_size(msg));
	m_put_aux(answer, HEAD + size + trailer, msg->aux, aux);
	m_answer_word(answer, offsetof(struct machd_message_answer, place), MACHD_PLACE_RECEIVE);
	m_answer_word(answer, offsetof(struct machd_message_answer, priority), msg->priority);
	m_answer_word(answer, offsetof(struct machd_message_answer, override), msg->override);
	answer->note = msg->group ? msg : NULL;
	context = port->context;
	if (thread->task->word == 32 || model->mutation == MODEL_NARROW_TRAILER)
		context = (uint32_t)context;
	m_put_trailer(answer, HEAD + size, trailer, msg, seqno, context, false);
	error = m_place_message(model, thread, msg, port);
	m_msg_over(model, msg);
	if (error) {
		m_answer_word(answer, 0, MACH_RCV_BODY_ERROR | error);
		answer->other_code = MACH_RCV_BODY_ERROR | error;
	}
}

/* With RCV_LARGE a message that does not fit stays, and the receiver is told how large it is. */
static bool too_large_stays(struct model *model, struct m_thread *thread, struct m_port *port,
			    const struct m_msg *msg)
{
	const struct machd_message_args *args = &thread->args;
	uint32_t size = m_msg_size(msg, thread->task->word);
	struct m_answer *answer = &thread->answer;

	if (!(args->option & MACH_RCV_LARGE) || !too_large(model, thread, msg))
		return false;
	m_message_answer(model, thread, MACH_RCV_TOO_LARGE, 0);
	m_answer_word(answer, offsetof(struct machd_message_answer, place), MACHD_PLACE_TOO_LARGE);
	m_answer_word(answer, offsetof(struct machd_message_answer, too_large_size), size);
	m_answer_word(answer, offsetof(struct machd_message_answer, aux_size), msg->aux_size);
	if (args->option & MACH_RCV_LARGE_IDENTITY)
		m_answer_name(answer, offsetof(struct machd_message_answer, too_large_name),
			      port->holder);
	return true;
}

void m_post(struct model *model, struct m_port *port, struct m_msg *msg)
{
	struct m_thread *thread;

	while ((thread = first_receiver(port))) {
		m_stop_waiting(thread);
		if (too_large_stays(model, thread, port, msg))
			continue;
		deliver(model, thread, port, msg);
		return;
	}
	put_tail(model, port, msg);
}

/* Take the next message of a port; false if there is none. */
static bool receive_from(struct model *model, struct m_thread *thread, struct m_port *port)
{
	struct m_msg *msg = TAILQ_FIRST(&port->queue);

	if (!msg)
		return false;
	if (!too_large_stays(model, thread, port, msg))
		deliver(model, thread, port, take_head(model, port));
	return true;
}

static bool receive_from_set(struct model *model, struct m_thread *thread, struct m_set *set)
{
	struct m_member *member = TAILQ_FIRST(&set->ready);

	if (!member)
		return false;
	member_ready(member, true); /* to the end */
	return receive_from(model, thread, member->port);
}

void m_member_add(struct model *model, struct m_port *port, struct m_set *set)
{
	struct m_member *member = m_alloc(model, sizeof *member);
	struct m_thread *thread;

	member->port = port;
	member->set = set;
	TAILQ_INSERT_TAIL(&port->sets, member, of_port);
	TAILQ_INSERT_TAIL(&set->members, member, of_set);
	member_ready(member, port->queued > 0);
	while (port->queued && (thread = TAILQ_FIRST(&set->receivers))) {
		m_stop_waiting(thread);
		receive_from_set(model, thread, set);
	}
}

/* With MACH_RCV_SYNC_WAIT one waits at one's special reply port; a receive alone says for whom. */
static bool waits_well(const struct m_thread *thread, const struct m_entry *entry)
{
	const struct machd_message_args *args = &thread->args;

	if (!(args->option & MACH_RCV_SYNC_WAIT))
		return true;
	return entry->port && entry->port == thread->special &&
	       (args->option & MACH_SEND_MSG || MACH_PORT_VALID(args->priority));
}

void m_receive(struct model *model, struct m_thread *thread)
{
	const struct machd_message_args *args = &thread->args;
	struct m_entry *entry = m_look(thread->task, args->rcv_name);
	bool set = entry && entry->type == MACH_PORT_TYPE_PORT_SET;

	if (!set && !(entry && entry->type & MACH_PORT_TYPE_RECEIVE)) {
		m_message_answer(model, thread, MACH_RCV_INVALID_NAME, 0);
		return;
	}
	if (!waits_well(thread, entry)) {
		m_message_answer(model, thread, MACH_RCV_INVALID_NOTIFY, 0);
		return;
	}
	if (set ? receive_from_set(model, thread, entry->set)
		: receive_from(model, thread, entry->port))
		return;
	if (args->option & MACH_RCV_TIMEOUT && args->timeout == 0) {
		m_message_answer(model, thread, MACH_RCV_TIMED_OUT, 0);
		return;
	}
	thread->state = M_RECEIVING;
	thread->port = set ? NULL : entry->port;
	thread->set = set ? entry->set : NULL;
	if (args->option & MACH_RCV_TIMEOUT)
		thread->deadline = model->now + args->timeout * UINT64_C(1000000);
	TAILQ_INSERT_TAIL(set ? &entry->set->receivers : &entry->port->receivers, thread, link);
}
