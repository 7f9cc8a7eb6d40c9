/* SPDX-License-Identifier: Apache-2.0 */
/* The routines that move rights and ask for notifications [14.2, 20]. */
#include "tests/model/model_call.h"

/* The right that an argument names, taken as the body of a message would take it. */
static uint32_t copyin(struct call *call, mach_port_name_t name, uint32_t disposition,
		       struct m_right *right)
{
	struct m_entry *entry = m_look(call->thread->task, name);
	bool own = call->task == call->thread->task;
	enum m_use use = own ? M_FOR_CALL : M_FOR_DAEMON;
	struct m_deleted deleted = {0};

	if (!own && !MACH_PORT_VALID(name)) {
		*right = (struct m_right){.dead = true}; /* as good as one that has died */
		return KERN_SUCCESS;
	}
	if (!entry)
		return own ? KERN_INVALID_NAME : MACH_SEND_INVALID_RIGHT;
	if (own && m_stays(entry, disposition, use))
		return KERN_INVALID_CAPABILITY;
	if (!m_copyin_good(entry, disposition, use))
		return own ? KERN_INVALID_RIGHT : MACH_SEND_INVALID_RIGHT;
	*right = m_copyin(call->model, entry, disposition, &deleted);
	m_deleted_send(call->model, &deleted);
	return KERN_SUCCESS;
}

/* insert_right with both names the same: one reference more. */
static uint32_t insert_same(struct call *call, uint32_t disposition)
{
	struct m_entry *entry = m_look(call->task, call->args[0]);
	struct m_deleted deleted = {0};

	if (!entry)
		return KERN_INVALID_NAME;
	if (entry->type == MACH_PORT_TYPE_DEAD_NAME)
		return KERN_INVALID_CAPABILITY;
	if (!m_copyin_good(entry, disposition, M_FOR_ITSELF))
		return KERN_INVALID_RIGHT;
	m_merge(call->model, entry, m_copyin(call->model, entry, disposition, &deleted));
	return KERN_SUCCESS;
}

/* Can the right be put under the name? *entry: it is there and the right merges with it. */
static uint32_t check_insert(struct call *call, mach_port_name_t name, struct m_right right,
			     struct m_entry **entry)
{
	bool once = right.type == MACH_MSG_TYPE_PORT_SEND_ONCE;
	struct m_entry *holder = once || !right.port ? NULL : m_find_port(call->task, right.port);
	uint32_t code;

	if (!MACH_PORT_VALID(name))
		return KERN_INVALID_VALUE;
	if (right.dead || right.port->dead)
		return KERN_INVALID_CAPABILITY;
	code = call_check_name(call, name, entry);
	if (code != KERN_SUCCESS)
		return code;
	if (!*entry)
		m_name_freed(call->task, name); /* from here on its generation may be used up */
	if (holder && holder != *entry)
		return KERN_RIGHT_EXISTS;
	return *entry && *entry != holder ? KERN_NAME_EXISTS : KERN_SUCCESS;
}

uint32_t call_insert_right(struct call *call)
{
	mach_port_name_t name = call->args[0];
	uint32_t disposition = call->args[2], code;
	struct m_right right;
	struct m_entry *entry;

	if (call->task == call->thread->task && name == call->args[1] &&
	    (disposition == MACH_MSG_TYPE_MAKE_SEND || disposition == MACH_MSG_TYPE_COPY_SEND))
		return insert_same(call, disposition);
	code = copyin(call, call->args[1], disposition, &right);
	if (code != KERN_SUCCESS)
		return code;
	if (!MACH_MSG_TYPE_PORT_ANY(disposition)) /* no right has gone by it */
		return KERN_INVALID_VALUE;
	code = check_insert(call, name, right, &entry);
	if (code != KERN_SUCCESS) {
		m_right_destroy(call->model, right);
		return code;
	}
	if (!entry) {
		entry = m_entry_new(call->model, call->task, 0, 0);
		entry->name = name;
	}
	m_merge(call->model, entry, right);
	return KERN_SUCCESS;
}

uint32_t call_extract_right(struct call *call)
{
	uint32_t disposition = call->args[1];
	struct m_entry *entry = m_look(call->task, call->args[0]);
	struct m_deleted deleted = {0};
	bool oneself = call->task == call->thread->task;
	enum m_use use = M_FOR_CALL;
	struct m_right right;
	mach_port_name_t name;
	uint32_t full = 0;

	if (!MACH_MSG_TYPE_PORT_ANY(disposition))
		return KERN_INVALID_VALUE;
	if (!MACH_PORT_VALID(call->args[0]))
		return KERN_INVALID_RIGHT;
	if (!entry)
		return KERN_INVALID_NAME;
	if (oneself && disposition == MACH_MSG_TYPE_COPY_SEND)
		use = M_FOR_DAEMON;
	if (m_stays(entry, disposition, use))
		return KERN_INVALID_CAPABILITY;
	if (!m_copyin_good(entry, disposition, use))
		return KERN_INVALID_RIGHT;
	right = m_copyin(call->model, entry, disposition, &deleted);
	m_deleted_send(call->model, &deleted);
	entry = m_copyout(call->model, call->thread->task, right, &name, &full);
	if (full) /* of the reply, which is too late for the rest */
		return MACH_RCV_BODY_ERROR | full;
	call_give(call, 2);
	call_give_name(call, 0, entry, name);
	m_answer_word(&call->thread->answer, OUT(1), right.type);
	return M_ANSWERED;
}

/* --- notifications --- */

static uint32_t request_no_senders(struct call *call, struct m_port *notify, uint32_t sync,
				   struct m_port **previous)
{
	struct m_port *port;
	uint32_t code = call_look_up_port(call, call->args[0], &port);

	if (code != KERN_SUCCESS)
		return code;
	if (port->only_reply)
		return KERN_INVALID_RIGHT;
	*previous = port->no_senders;
	port->no_senders = notify;
	if (notify && port->srights == 0 && sync <= port->mscount) {
		port->no_senders = NULL;
		m_notify_word(call->model, notify, MACH_NOTIFY_NO_SENDERS, port->mscount, 0);
	}
	return KERN_SUCCESS;
}

static uint32_t request_destroyed(struct call *call, struct m_port *notify, uint32_t sync)
{
	struct m_port *port;
	uint32_t code;

	if (sync != 0)
		return KERN_INVALID_VALUE;
	code = call_look_up_port(call, call->args[0], &port);
	if (code != KERN_SUCCESS)
		return code;
	if (port->timer || port->only_reply || port->special)
		return KERN_INVALID_RIGHT;
	if (port->destroyed)
		return KERN_FAILURE;
	port->destroyed = notify;
	return KERN_SUCCESS;
}

static uint32_t request_dead(struct call *call, struct m_entry *entry, struct m_port *notify,
			     bool send_possible)
{
	if (!send_possible)
		return KERN_INVALID_ARGUMENT;
	entry->urefs = m_urefs(entry->urefs, 1);
	m_notify_word(call->model, notify, MACH_NOTIFY_DEAD_NAME, entry->name, 0);
	return KERN_SUCCESS;
}

static uint32_t request_name(struct call *call, struct m_port *notify, bool send_possible,
			     bool armed, struct m_port **previous)
{
	struct m_entry *entry = m_find(call->task, call->args[0]);
	bool used_up = entry && entry->died_asked, fires;
	struct m_port *port;

	if (!MACH_PORT_VALID(call->args[0]))
		return KERN_INVALID_ARGUMENT;
	if (!entry)
		return KERN_INVALID_NAME;
	m_look(call->task, call->args[0]);
	if (!notify && used_up)
		return KERN_INVALID_ARGUMENT;
	if (!notify && !entry->request) /* nothing to cancel, whatever it is */
		return KERN_SUCCESS;
	if (entry->type == MACH_PORT_TYPE_DEAD_NAME)
		return request_dead(call, entry, notify, send_possible);
	if (!(entry->type & MACH_PORT_TYPE_PORT_RIGHTS))
		return KERN_INVALID_RIGHT;
	port = entry->port;
	fires = send_possible && armed &&
		(entry->type == MACH_PORT_TYPE_SEND_ONCE || port->kernel ||
		 !m_full(call->model, port));
	if (notify && send_possible && armed && !fires)
		m_importance_asked(call->model, call->thread->task, port);
	*previous = m_request_take(entry);
	if (!notify)
		return KERN_SUCCESS;
	if (fires) {
		m_notify_word(call->model, notify, MACH_NOTIFY_SEND_POSSIBLE, entry->name, 0);
		return KERN_SUCCESS;
	}
	entry->request = m_alloc(call->model, sizeof *entry->request);
	*entry->request = (struct m_request){.entry = entry,
					     .notify = notify,
					     .send_possible = send_possible,
					     .armed = send_possible && armed};
	TAILQ_INSERT_TAIL(&port->requests, entry->request, on_port);
	return KERN_SUCCESS;
}

static uint32_t request(struct call *call, struct m_port *notify, struct m_port **previous)
{
	uint32_t sync = call->args[2];

	switch (call->args[1]) {
	case MACH_NOTIFY_NO_SENDERS:
		return request_no_senders(call, notify, sync, previous);
	case MACH_NOTIFY_PORT_DESTROYED:
		return request_destroyed(call, notify, sync);
	case MACH_NOTIFY_DEAD_NAME:
	case MACH_NOTIFY_SEND_POSSIBLE:
		return request_name(call, notify, call->args[1] == MACH_NOTIFY_SEND_POSSIBLE,
				    sync != 0, previous);
	}
	return KERN_INVALID_VALUE;
}

static uint32_t lack_code(uint32_t bits)
{
	return bits == MACH_MSG_IPC_SPACE ? KERN_NO_SPACE : KERN_RESOURCE_SHORTAGE;
}

uint32_t call_request_notification(struct call *call)
{
	struct m_right right = {.type = 0};
	struct m_port *previous = NULL;
	struct m_entry *entry;
	mach_port_name_t name;
	uint32_t code;
	uint32_t full = 0;
	bool replaces;

	if (MACH_PORT_VALID(call->args[3])) {
		code = copyin(call, call->args[3], call->args[4], &right);
		if (code != KERN_SUCCESS)
			return code;
	}
	if (call->args[3] == MACH_PORT_DEAD || right.dead)
		return KERN_INVALID_CAPABILITY;
	code = request(call, right.port, &previous);
	if (code != KERN_SUCCESS) {
		m_right_destroy(call->model, right);
		return code;
	}
	replaces = right.port != NULL && call->task == call->thread->task;
	right = (struct m_right){.port = previous, .type = MACH_MSG_TYPE_PORT_SEND_ONCE};
	entry = m_copyout(call->model, call->thread->task, right, &name, &full);
	if (full)
		return replaces ? lack_code(full) : MACH_RCV_BODY_ERROR | full;
	if (replaces && name == MACH_PORT_DEAD)
		return KERN_INVALID_CAPABILITY;
	call_give(call, 1);
	call_give_name(call, 0, entry, name);
	return M_ANSWERED;
}
