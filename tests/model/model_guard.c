/* SPDX-License-Identifier: Apache-2.0 */
/* Contexts and guards [16.1], construct and destruct, and peeking into a queue [20]. */
#include <assert.h>
#include <string.h>

#include "tests/model/model_call.h"

/* A 64-bit argument that begins at this word. */
static uint64_t wide(const struct call *call, unsigned word)
{
	return call->args[word] | (uint64_t)call->args[word + 1] << 32;
}

/* For the guard calls NULL and DEAD are missing names. */
static uint32_t look_up(struct call *call, mach_port_name_t name, struct m_port **port)
{
	return MACH_PORT_VALID(name) ? call_look_up_port(call, name, port) : KERN_INVALID_NAME;
}

uint32_t call_get_context(struct call *call)
{
	struct m_port *port;
	uint32_t code = call_look_up_port(call, call->args[0], &port);
	struct m_answer *answer;
	uint64_t context;

	if (code != KERN_SUCCESS)
		return code;
	context = port->strict ? 0 : port->context;
	answer = call_give(call, 2);
	m_answer_word(answer, OUT(0), (uint32_t)context);
	m_answer_word(answer, OUT(1), (uint32_t)(context >> 32));
	return M_ANSWERED;
}

uint32_t call_set_context(struct call *call)
{
	struct m_port *port;
	uint32_t code = call_look_up_port(call, call->args[0], &port);

	if (code != KERN_SUCCESS)
		return code;
	if (port->strict)
		return KERN_INVALID_ARGUMENT;
	port->context = wide(call, 1);
	return KERN_SUCCESS;
}

static uint32_t guard(struct call *call, bool strict, bool immovable)
{
	struct m_port *port;
	uint32_t code = look_up(call, call->args[0], &port);

	if (code != KERN_SUCCESS)
		return code;
	if (port->context != 0)
		return KERN_INVALID_ARGUMENT;
	port->context = wide(call, 1);
	port->guarded = true;
	port->strict = strict;
	port->immovable |= immovable;
	return KERN_SUCCESS;
}

uint32_t call_guard(struct call *call)
{
	return guard(call, call->args[3] != 0, false);
}

uint32_t call_guard_with_flags(struct call *call)
{
	uint32_t flags = call->args[3];

	return guard(call, flags & MPG_STRICT, flags & MPG_IMMOVABLE_RECEIVE);
}

uint32_t call_unguard(struct call *call)
{
	struct m_port *port;
	uint32_t code = look_up(call, call->args[0], &port);

	if (code != KERN_SUCCESS)
		return code;
	if (!port->guarded || port->context != wide(call, 1))
		return KERN_INVALID_ARGUMENT;
	port->context = 0;
	port->guarded = port->strict = false;
	return KERN_SUCCESS;
}

uint32_t call_swap_guard(struct call *call)
{
	struct m_port *port;
	uint32_t code = look_up(call, call->args[0], &port);

	if (code != KERN_SUCCESS)
		return code;
	if (!port->guarded || port->strict || port->context != wide(call, 1))
		return KERN_INVALID_ARGUMENT;
	port->context = wide(call, 3);
	return KERN_SUCCESS;
}

uint32_t call_assert_attributes(struct call *call)
{
	struct m_port *port;
	uint32_t code;

	if ((int32_t)call->args[1] != MACH_PORT_GUARD_INFO || call->words < 4)
		return KERN_INVALID_ARGUMENT;
	code = call_look_up_port(call, call->args[0], &port);
	if (code != KERN_SUCCESS)
		return code;
	return port->strict && port->context == wide(call, 2) ? KERN_SUCCESS
							      : KERN_INVALID_ARGUMENT;
}

/* The label of a service that an argument names. */
static uint32_t find_label(struct call *call, mach_port_name_t name, struct m_label **label)
{
	struct m_entry *entry = m_look(call->task, name);

	if (!entry || entry->type == MACH_PORT_TYPE_DEAD_NAME)
		return KERN_INVALID_NAME;
	if (!(entry->type & MACH_PORT_TYPE_SEND))
		return KERN_INVALID_RIGHT;
	if (!entry->port->service)
		return KERN_INVALID_CAPABILITY;
	*label = entry->port->label;
	return KERN_SUCCESS;
}

static uint32_t construct(struct call *call, uint32_t flags, uint64_t context,
			  struct m_label *label)
{
	uint32_t code;
	struct m_entry *entry;
	struct m_port *port;

	code = m_lack(call->model, call->task, 1);
	if (code != KERN_SUCCESS)
		return code;
	if (!m_may_make_port(call->model, call->thread, call->task->user))
		return KERN_RESOURCE_SHORTAGE;
	port = m_port_new(call->model, call->task->user);
	entry = m_entry_new(call->model, call->task, MACH_PORT_TYPE_RECEIVE, 0);
	entry->port = port;
	port->holder = entry;
	port->context = context;
	port->label = label;
	port->guarded = flags & MPO_CONTEXT_AS_GUARD;
	port->strict = port->guarded && flags & MPO_STRICT;
	port->immovable = port->guarded && flags & MPO_IMMOVABLE_RECEIVE;
	m_apply_purpose(call->task, port, flags);
	if (flags & MPO_QLIMIT)
		port->qlimit = call->args[1];
	if (flags & MPO_INSERT_SEND_RIGHT) {
		entry->type |= MACH_PORT_TYPE_SEND;
		entry->urefs = port->srights = port->mscount = 1;
	}
	call_give(call, 1);
	call_give_name(call, 0, entry, 0);
	return M_ANSWERED;
}

uint32_t call_construct(struct call *call)
{
	uint32_t flags = call->args[0], qlimit = call->args[1];
	uint32_t code = m_check_purpose(call->thread->task, flags);
	struct m_label *label = NULL;

	if (code != KERN_SUCCESS)
		return code;
	if (flags & MPO_SERVICE_PORT || (flags & MPO_CONNECTION_PORT && call->args[2] == 0))
		return KERN_INVALID_ARGUMENT;
	if (flags & MPO_CONNECTION_PORT)
		code = find_label(call, call->args[2], &label);
	if (code == KERN_SUCCESS && flags & MPO_QLIMIT && qlimit > MACH_PORT_QLIMIT_MAX)
		code = KERN_INVALID_VALUE;
	return code == KERN_SUCCESS ? construct(call, flags, wide(call, 6), label) : code;
}

uint32_t call_construct_service(struct call *call)
{
	uint32_t flags = call->args[0] | MPO_SERVICE_PORT;
	uint32_t code = m_check_purpose(call->thread->task, flags);
	struct m_label *label;

	if (code != KERN_SUCCESS)
		return code;
	if (call->args[4])
		return KERN_MEMORY_ERROR;
	if (flags & MPO_QLIMIT && call->args[1] > MACH_PORT_QLIMIT_MAX)
		return KERN_INVALID_VALUE;
	label = m_alloc(call->model, sizeof *label);
	label->owner = call->task;
	memcpy(label->info, call->args + 5, sizeof label->info);
	call->model->slack++;
	return construct(call, flags, wide(call, 2), label);
}

/* Both receive rights are needed, and there must be filters at all. */
uint32_t call_is_connection(struct call *call)
{
	struct m_port *connection, *service;
	uint32_t code;

	if (!MACH_PORT_VALID(call->args[0]) || !MACH_PORT_VALID(call->args[1]))
		return KERN_INVALID_NAME;
	if (!call->model->policy)
		return KERN_NOT_SUPPORTED;
	code = call_look_up_port(call, call->args[1], &service);
	if (code == KERN_SUCCESS && !service->service)
		code = KERN_INVALID_CAPABILITY;
	if (code == KERN_SUCCESS)
		code = call_look_up_port(call, call->args[0], &connection);
	if (code != KERN_SUCCESS)
		return code;
	if (!connection->connection || connection->label != service->label)
		return KERN_INVALID_CAPABILITY;
	m_answer_word(call_give(call, 2), OUT(0), 2); /* the second rule is that of the service */
	return M_ANSWERED;
}

uint32_t call_service_info(struct call *call)
{
	struct m_answer *answer;
	struct m_port *port;
	uint32_t code = call_look_up_port(call, call->args[0], &port);

	if (code == KERN_SUCCESS && !port->service)
		code = KERN_INVALID_CAPABILITY;
	if (code != KERN_SUCCESS)
		return code;
	answer = call_give(call, M_INFO_WORDS);
	for (unsigned i = 0; i < M_INFO_WORDS; i++)
		m_answer_word(answer, OUT(i), port->label->info[i]);
	return M_ANSWERED;
}

uint32_t call_special_reply_port(struct call *call)
{
	uint32_t code;

	call->task = call->thread->task;
	call->model->slack++; /* its thread holds it as well */
	code = construct(call, MPO_INSERT_SEND_RIGHT | MPO_REPLY_PORT, 0, NULL);
	if (code == M_ANSWERED)
		m_bind_special(call->thread, TAILQ_LAST(&call->task->entries, m_entries)->port);
	return code;
}

/* What is wrong with destroying this receive right and `delta` send references. */
static uint32_t check_destruct(const struct m_entry *entry, int32_t delta, uint64_t value)
{
	const struct m_port *port = entry->port;

	if (!(entry->type & MACH_PORT_TYPE_RECEIVE))
		return KERN_INVALID_RIGHT;
	if (delta != 0 && !(entry->type & MACH_PORT_TYPE_SEND))
		return KERN_INVALID_RIGHT;
	if (delta > 0)
		return KERN_INVALID_VALUE;
	if (port->guarded && port->context != value)
		return KERN_INVALID_ARGUMENT;
	return (int64_t)entry->urefs + delta < 0 ? KERN_INVALID_VALUE : KERN_SUCCESS;
}

uint32_t call_destruct(struct call *call)
{
	int32_t delta = (int32_t)call->args[1];
	struct m_entry *entry = m_look(call->task, call->args[0]);
	uint32_t code;

	if (!entry)
		return KERN_INVALID_NAME;
	code = check_destruct(entry, delta, wide(call, 2));
	if (code != KERN_SUCCESS)
		return code;
	if (delta != 0 && entry->urefs != MACHD_UREFS_MAX)
		call_drop_sends(call, entry, (uint32_t)-delta);
	call_drop_receive(call, entry);
	return KERN_SUCCESS;
}

uint32_t call_kobject(struct call *call)
{
	struct m_entry *entry;
	uint32_t code =
		call_look_up_named(call, call->args[0], MACH_PORT_TYPE_SEND_RECEIVE, &entry);

	if (code != KERN_SUCCESS)
		return code;
	call_give(call, 3);
	if (entry->port->kernel || entry->port->timer) /* a number of the daemon's */
		m_answer_ignore(&call->thread->answer, OUT(0), 12);
	return M_ANSWERED;
}

uint32_t call_dnrequest_info(struct call *call)
{
	const struct m_request *request;
	struct m_entry *entry;
	uint32_t code = call_look_up_named(call, call->args[0], MACH_PORT_TYPE_RECEIVE, &entry);
	uint32_t used = 0;

	if (code != KERN_SUCCESS)
		return code;
	TAILQ_FOREACH (request, &entry->port->requests, on_port)
		used += request->notify != NULL;
	m_answer_word(call_give(call, 2), OUT(1), used);
	m_answer_ignore(&call->thread->answer, OUT(0), 4);
	return M_ANSWERED;
}

/* The message that will have this sequence number, NULL: none; 0: the first one. */
static const struct m_msg *find_msg(const struct m_port *port, uint32_t *seqno)
{
	const struct m_msg *msg = TAILQ_FIRST(&port->queue);
	uint32_t steps = *seqno ? *seqno - port->seqno : 0, end;

	end = port->seqno + port->queued + port->reserved;
	if (*seqno != 0 && (*seqno < port->seqno || *seqno >= end))
		return NULL;
	*seqno = port->seqno + steps;
	if (steps >= port->queued)
		return NULL;
	while (steps-- > 0)
		msg = TAILQ_NEXT(msg, link);
	return msg;
}

/* Descriptors that the daemon has in a longer form than anybody else. */
static uint32_t plain_parts(const struct m_msg *msg)
{
	uint32_t count = 0;

	for (unsigned i = 0; i < msg->parts; i++)
		count += msg->part[i].type == MACH_MSG_PORT_DESCRIPTOR;
	return count;
}

uint32_t call_peek(struct call *call)
{
	uint32_t trailer = m_trailer_size(call->args[1], 64), seqno = call->args[2], code;
	const struct m_msg *msg;
	struct m_answer *answer;
	struct m_port *port;

	if (!MACH_PORT_VALID(call->args[0]))
		return KERN_INVALID_RIGHT;
	if (trailer > sizeof(mach_msg_audit_trailer_t) || trailer > call->args[3])
		return KERN_INVALID_VALUE;
	code = call_look_up_port(call, call->args[0], &port);
	if (code != KERN_SUCCESS)
		return code;
	msg = find_msg(port, &seqno);
	if (!msg)
		return KERN_FAILURE;
	answer = call_give(call, 4 + trailer / 4);
	m_answer_word(answer, OUT(0), seqno);
	m_answer_word(answer, OUT(1), m_msg_size(msg, 64) + 8 + plain_parts(msg) * 4);
	m_answer_word(answer, OUT(2), (uint32_t)msg->id);
	m_answer_word(answer, OUT(3), trailer);
	m_put_trailer(answer, OUT(4), trailer, msg, seqno, 0, false);
	m_answer_word(answer, OUT(5), MAX_TRAILER_SIZE);
	return M_ANSWERED;
}
