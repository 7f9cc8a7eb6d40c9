/* SPDX-License-Identifier: Apache-2.0 */
/* Copyin and copyout of rights, and their destruction [3, 4, 15]. */
#include <assert.h>

#include "tests/model/model_private.h"

uint32_t m_received_type(uint32_t disposition)
{
	switch (disposition) {
	case MACH_MSG_TYPE_MOVE_RECEIVE:
		return MACH_MSG_TYPE_PORT_RECEIVE;
	case MACH_MSG_TYPE_MOVE_SEND:
	case MACH_MSG_TYPE_COPY_SEND:
	case MACH_MSG_TYPE_MAKE_SEND:
		return MACH_MSG_TYPE_PORT_SEND;
	case MACH_MSG_TYPE_MOVE_SEND_ONCE:
	case MACH_MSG_TYPE_MAKE_SEND_ONCE:
		return MACH_MSG_TYPE_PORT_SEND_ONCE;
	}
	return 0;
}

static bool has(const struct m_entry *entry, uint32_t disposition)
{
	switch (disposition) {
	case MACH_MSG_TYPE_MAKE_SEND:
	case MACH_MSG_TYPE_MAKE_SEND_ONCE:
	case MACH_MSG_TYPE_MOVE_RECEIVE:
		return entry->type & MACH_PORT_TYPE_RECEIVE;
	case MACH_MSG_TYPE_MOVE_SEND:
		return entry->type & (MACH_PORT_TYPE_SEND | MACH_PORT_TYPE_DEAD_NAME);
	case MACH_MSG_TYPE_COPY_SEND:
		return entry->type & (MACH_PORT_TYPE_SEND | MACH_PORT_TYPE_DEAD_NAME);
	case MACH_MSG_TYPE_MOVE_SEND_ONCE:
		return entry->type & (MACH_PORT_TYPE_SEND_ONCE | MACH_PORT_TYPE_DEAD_NAME);
	}
	return false;
}

/* A service port is sent by root, whatever it is otherwise. */
static bool in_body_of_first(const struct m_entry *entry, enum m_use use)
{
	return entry->port->service && entry->task->uid == 0 &&
	       (use == M_FOR_BODY || use == M_FOR_DAEMON);
}

bool m_stays(const struct m_entry *entry, uint32_t disposition, enum m_use use)
{
	const struct m_port *port = entry->port;
	bool sends = disposition == MACH_MSG_TYPE_COPY_SEND ||
		     disposition == MACH_MSG_TYPE_MOVE_SEND ||
		     disposition == MACH_MSG_TYPE_MOVE_SEND_ONCE;

	if (entry->type == MACH_PORT_TYPE_DEAD_NAME || !has(entry, disposition))
		return false;
	if (port->only_reply && disposition == MACH_MSG_TYPE_MAKE_SEND_ONCE)
		return use != M_FOR_REPLY;
	if (port->only_reply && disposition == MACH_MSG_TYPE_MOVE_SEND_ONCE)
		return use != M_FOR_DEST;
	if (port->only_reply)
		return use != M_FOR_ITSELF;
	if (disposition == MACH_MSG_TYPE_MOVE_RECEIVE)
		return port->special || (!in_body_of_first(entry, use) && port->immovable) ||
		       (port->connection && use != M_FOR_BODY && use != M_FOR_DAEMON);
	return sends && m_kept(entry) &&
	       (use == M_FOR_REPLY || use == M_FOR_BODY || use == M_FOR_CALL);
}

bool m_copyin_good(const struct m_entry *entry, uint32_t disposition, enum m_use use)
{
	if (!has(entry, disposition) || m_stays(entry, disposition, use))
		return false;
	return disposition != MACH_MSG_TYPE_MOVE_SEND || !m_pinned(entry) || entry->urefs > 1;
}

void m_deleted_send(struct model *model, struct m_deleted *deleted)
{
	for (unsigned i = 0; i < deleted->count; i++)
		m_notify_word(model, deleted->notify[i], MACH_NOTIFY_PORT_DELETED, deleted->name[i],
			      0);
	deleted->count = 0;
}

struct m_port *m_request_take(struct m_entry *entry)
{
	struct m_request *request = entry->request;

	if (!request)
		return NULL;
	TAILQ_REMOVE(&entry->port->requests, request, on_port);
	entry->request = NULL;
	return request->notify;
}

/* The name is free; who asked about it will be told so. */
static void free_moved(struct m_entry *entry, struct m_deleted *deleted)
{
	struct m_port *notify = m_request_take(entry);

	if (notify) {
		deleted->notify[deleted->count] = notify;
		deleted->name[deleted->count++] = entry->name;
	}
	m_entry_free(entry);
}

static struct m_right copyin_dead(struct m_entry *entry, uint32_t disposition)
{
	struct m_right right = {.dead = true, .type = m_received_type(disposition)};

	if (disposition == MACH_MSG_TYPE_COPY_SEND || entry->urefs == MACHD_UREFS_MAX)
		return right;
	if (--entry->urefs == 0)
		m_entry_free(entry);
	return right;
}

static void move_send(struct m_entry *entry, struct m_deleted *deleted)
{
	if (entry->urefs > 1) {
		entry->port->srights++;
		entry->urefs = m_urefs(entry->urefs, -1);
	} else if (entry->type & MACH_PORT_TYPE_RECEIVE) {
		entry->type = MACH_PORT_TYPE_RECEIVE;
		entry->urefs = 0;
	} else {
		free_moved(entry, deleted);
	}
}

static void move_receive(struct model *model, struct m_entry *entry, struct m_deleted *deleted)
{
	m_clear_receiver(model, entry->port);
	if (entry->type & MACH_PORT_TYPE_SEND)
		entry->type = MACH_PORT_TYPE_SEND;
	else
		free_moved(entry, deleted);
}

struct m_right m_copyin(struct model *model, struct m_entry *entry, uint32_t disposition,
			struct m_deleted *deleted)
{
	struct m_port *port = entry->port;

	assert(has(entry, disposition));
	if (entry->type == MACH_PORT_TYPE_DEAD_NAME)
		return copyin_dead(entry, disposition);
	switch (disposition) {
	case MACH_MSG_TYPE_MAKE_SEND:
		port->mscount += model->mutation != MODEL_MAKE_SEND_UNCOUNTED;
		port->srights++;
		break;
	case MACH_MSG_TYPE_COPY_SEND:
		port->srights++;
		break;
	case MACH_MSG_TYPE_MOVE_SEND:
		move_send(entry, deleted);
		break;
	case MACH_MSG_TYPE_MAKE_SEND_ONCE:
		port->sorights++;
		break;
	case MACH_MSG_TYPE_MOVE_SEND_ONCE:
		free_moved(entry, deleted);
		break;
	case MACH_MSG_TYPE_MOVE_RECEIVE:
		move_receive(model, entry, deleted);
		break;
	}
	return (struct m_right){.port = port, .type = m_received_type(disposition)};
}

static uint32_t entry_type(uint32_t right_type)
{
	switch (right_type) {
	case MACH_MSG_TYPE_PORT_RECEIVE:
		return MACH_PORT_TYPE_RECEIVE;
	case MACH_MSG_TYPE_PORT_SEND:
		return MACH_PORT_TYPE_SEND;
	}
	assert(right_type == MACH_MSG_TYPE_PORT_SEND_ONCE);
	return MACH_PORT_TYPE_SEND_ONCE;
}

void m_merge(struct model *model, struct m_entry *entry, struct m_right right)
{
	struct m_port *port = right.port;

	if (right.type == MACH_MSG_TYPE_PORT_SEND && (entry->type & MACH_PORT_TYPE_SEND)) {
		port->srights--;
		if (model->mutation != MODEL_MERGE_WITHOUT_UREF)
			entry->urefs = m_urefs(entry->urefs, 1);
	} else if (right.type == MACH_MSG_TYPE_PORT_SEND ||
		   right.type == MACH_MSG_TYPE_PORT_SEND_ONCE) {
		entry->urefs = 1;
	}
	if (right.type == MACH_MSG_TYPE_PORT_RECEIVE) {
		port->holder = entry;
		port->transit = NULL;
		port->tempowner = false;
		m_service_arrives(port);
	}
	entry->type |= entry_type(right.type);
	entry->port = port;
}

struct m_entry *m_copyout(struct model *model, struct m_task *task, struct m_right right,
			  mach_port_name_t *name, uint32_t *full)
{
	struct m_entry *entry = NULL;
	uint32_t lack;

	*name = right.dead ? MACH_PORT_DEAD : MACH_PORT_NULL;
	if (!right.port)
		return NULL;
	lack = m_lack(model, task, 1);
	if (lack != KERN_SUCCESS) {
		*full |= lack == KERN_NO_SPACE ? MACH_MSG_IPC_SPACE : MACH_MSG_IPC_KERNEL;
		m_right_destroy(model, right);
		return NULL;
	}
	if (right.port->dead) {
		*name = MACH_PORT_DEAD;
		return NULL;
	}
	if (right.type != MACH_MSG_TYPE_PORT_SEND_ONCE)
		entry = m_find_port(task, right.port);
	if (!entry)
		entry = m_entry_new(model, task, 0, 0);
	m_merge(model, entry, right);
	return entry;
}

/* What a port stands for goes with its last send right. */
static void orphaned(struct model *model, struct m_port *port)
{
	if (port->voucher)
		m_inherit_over(model, port);
	else if (port->semaphore)
		m_semaphore_orphaned(model, port);
	else if (port->eventlink)
		m_eventlink_orphaned(model, port);
	else if (port->file)
		m_file_orphaned(model, port);
	else if (port->table && port->table->above)
		m_subset_orphaned(model, port);
}

void m_release_send(struct model *model, struct m_port *port)
{
	struct m_port *notify = port->no_senders;

	if (port->dead || --port->srights > 0)
		return;
	port->no_senders = NULL;
	if (notify)
		m_notify_word(model, notify, MACH_NOTIFY_NO_SENDERS, port->mscount, 0);
	orphaned(model, port);
}

void m_right_destroy(struct model *model, struct m_right right)
{
	if (!right.port || right.port->dead)
		return;
	switch (right.type) {
	case MACH_MSG_TYPE_PORT_RECEIVE:
		m_port_end(model, right.port);
		break;
	case MACH_MSG_TYPE_PORT_SEND:
		m_release_send(model, right.port);
		break;
	case MACH_MSG_TYPE_PORT_SEND_ONCE:
		m_notify_send_once(model, right.port);
		break;
	}
}

bool m_circular(const struct m_port *port, const struct m_port *dest)
{
	for (; dest; dest = dest->holder ? NULL : dest->transit)
		if (dest == port)
			return true;
	return false;
}

void m_clear_receiver(struct model *model, struct m_port *port)
{
	while (!TAILQ_EMPTY(&port->sets))
		m_member_remove(TAILQ_FIRST(&port->sets));
	m_wake_receivers(model, &port->receivers);
	m_service_leaves(port);
	m_knotes_gone(model, &port->knotes);
	port->holder = NULL;
	port->guarded = port->strict = port->immovable = false;
	port->mscount = 0;
	port->context = 0;
	if (model->mutation != MODEL_MOVE_KEEPS_SEQNO)
		port->seqno = 0;
}

/* The port is dead: names of it are dead names, but send-once rights that nobody asked about. */
static void names_die(struct model *model, struct m_port *port)
{
	struct m_task *task;
	struct m_entry *entry;

	TAILQ_FOREACH (task, &model->tasks, link) {
		TAILQ_FOREACH (entry, &task->entries, link) {
			const struct m_request *request = entry->request;

			if (entry->port != port)
				continue;
			if (entry->type == MACH_PORT_TYPE_SEND_ONCE && !request)
				continue;
			if (request && (request->notify || entry == model->ended) &&
			    model->mutation != MODEL_REQUEST_WITHOUT_UREF)
				entry->urefs = m_urefs(entry->urefs, 1);
			entry->died_asked = request && entry != model->ended;
			entry->type = MACH_PORT_TYPE_DEAD_NAME;
			entry->port = NULL;
			entry->corpse = port;
			entry->request = NULL;
		}
	}
}

static void requests_fire(struct model *model, struct m_port *port)
{
	struct m_request *request;
	unsigned group = ++model->groups;

	TAILQ_FOREACH (request, &port->requests, on_port)
		if (request->notify)
			m_notify_word(model, request->notify, MACH_NOTIFY_DEAD_NAME,
				      request->entry->name, group);
	TAILQ_INIT(&port->requests);
}

static void queue_end(struct model *model, struct m_port *port)
{
	struct m_msg *msg;

	while ((msg = TAILQ_FIRST(&port->queue))) {
		TAILQ_REMOVE(&port->queue, msg, link);
		TAILQ_INSERT_TAIL(&model->reap, msg, link);
	}
	port->queued = 0;
	m_msg_destroy(model, NULL);
}

void m_port_end(struct model *model, struct m_port *port)
{
	struct m_port *notify = port->destroyed;
	struct m_thread *thread;

	m_clear_receiver(model, port);
	port->transit = NULL;
	port->destroyed = NULL;
	if (notify && port->service)
		port->label->returning = true;
	if (notify && !notify->dead) {
		m_notify_destroyed(model, notify, port);
		return;
	}
	if (m_service_back(model, port))
		return;
	port->dead = true;
	m_port_doubt(port);
	while ((thread = TAILQ_FIRST(&port->senders))) {
		TAILQ_REMOVE(&port->senders, thread, link);
		thread->state = M_WOKEN;
		TAILQ_INSERT_TAIL(&model->woken, thread, link);
	}
	m_services_end(model, port);
	names_die(model, port);
	queue_end(model, port);
	if (port->no_senders)
		m_notify_send_once(model, port->no_senders);
	port->no_senders = NULL;
	requests_fire(model, port);
}

void m_set_destroy(struct model *model, struct m_set *set)
{
	set->holder->task->user->ports--;
	m_knotes_gone(model, &set->knotes);
	while (!TAILQ_EMPTY(&set->members))
		m_member_remove(TAILQ_FIRST(&set->members));
	m_wake_receivers(model, &set->receivers);
}

void m_entry_destroy(struct model *model, struct m_entry *entry)
{
	uint32_t type = entry->type, mscount = 0;
	struct m_port *port = entry->port, *notify = NULL, *no_senders = NULL;

	if (!(type == MACH_PORT_TYPE_SEND_ONCE && port->dead))
		notify = m_request_take(entry);
	m_entry_free(entry);
	if (type == MACH_PORT_TYPE_PORT_SET)
		m_set_destroy(model, entry->set);
	if (type & MACH_PORT_TYPE_SEND && --port->srights == 0) {
		no_senders = port->no_senders;
		port->no_senders = NULL;
		mscount = port->mscount;
	}
	if (type & MACH_PORT_TYPE_RECEIVE)
		m_port_end(model, port);
	if (type & MACH_PORT_TYPE_SEND_ONCE) {
		port->persona = 0; /* the reply will not come */
		m_right_destroy(model, (struct m_right){.port = port,
							.type = MACH_MSG_TYPE_PORT_SEND_ONCE});
	}
	if (no_senders)
		m_notify_word(model, no_senders, MACH_NOTIFY_NO_SENDERS, mscount, 0);
	if (notify)
		m_notify_word(model, notify, MACH_NOTIFY_PORT_DELETED, entry->name, 0);
	if (type & MACH_PORT_TYPE_SEND && port->srights == 0)
		orphaned(model, port);
}
