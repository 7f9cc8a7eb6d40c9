/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Limits: a task's on names, and a user's on names, ports and messages. What counts, and when it
 * is given back, is exact but for two things. A port that has died is held by whoever has not
 * looked at his name of it, and bytes of messages are the daemon's own: there the model knows the
 * least and the most that can be held, and takes the daemon's word between them.
 */
#include "tests/model/model_private.h"

enum {
	TABLE_FIRST = 16,    /* entries of a new table of names; it doubles */
	MESSAGE_BYTES = 400, /* what the daemon needs for a message at most, and */
	PART_BYTES = 64,     /* for a descriptor, a right or a memfd */
};

bool m_tight(const struct model *model)
{
	return model->limits.names < UINT64_MAX || model->limits.messages < UINT64_MAX ||
	       model->limits.bytes < UINT64_MAX;
}

struct m_user *m_user_of(struct model *model, uint32_t uid)
{
	struct m_user *user = model->users;

	while (user->known && user->uid != uid)
		user++;
	user->known = true;
	user->uid = uid;
	return user;
}

/* --- names --- */

static uint32_t grow(struct model *model, struct m_task *task, uint32_t size)
{
	if (task->user->names + size - task->table > model->limits.names)
		return KERN_RESOURCE_SHORTAGE;
	task->user->names += size - task->table;
	task->table = size;
	return KERN_SUCCESS;
}

uint32_t m_grow_to(struct model *model, struct m_task *task, uint32_t index)
{
	uint32_t cap = model->limits.names_per_task, size = task->table;

	if (index >= cap)
		return KERN_NO_SPACE;
	while (size <= index)
		size = size ? 2 * size : TABLE_FIRST;
	return size == task->table ? KERN_SUCCESS : grow(model, task, size < cap ? size : cap);
}

/* Names that Mach has to look for by their port: those of send rights, until seen to be dead. */
static uint32_t hashed(const struct m_task *task)
{
	const struct m_entry *entry;
	uint32_t count = 0;

	TAILQ_FOREACH (entry, &task->entries, link)
		count += entry->type == MACH_PORT_TYPE_SEND || entry->corpse;
	return count;
}

/* Entries of a table of that size that may still be taken; index 0 is nobody's. */
static uint32_t left_of(const struct m_task *task, uint32_t size)
{
	uint32_t used = hashed(task), most = size * 7 / 8, left = most > used ? most - used : 0;

	if (task->entry_count + 1 >= size)
		return 0;
	return left < size - 1 - task->entry_count ? left : size - 1 - task->entry_count;
}

uint32_t m_lack(struct model *model, struct m_task *task, unsigned count)
{
	uint32_t code = KERN_SUCCESS;

	while (code == KERN_SUCCESS && left_of(task, task->table) < count)
		code = m_grow_to(model, task, task->table);
	return code;
}

bool m_room_for(struct model *model, struct m_task *task, unsigned count)
{
	return m_lack(model, task, count) == KERN_SUCCESS;
}

bool m_room(struct model *model, struct m_task *task)
{
	return m_room_for(model, task, 1);
}

uint32_t model_names_left(const struct model *model, const struct m_task *task)
{
	bool grows = model->limits.names == UINT64_MAX;

	return left_of(task, grows ? model->limits.names_per_task : task->table);
}

bool model_task_refused(struct model *model, uint32_t uid)
{
	return m_user_of(model, uid)->names + TABLE_FIRST > model->limits.names;
}

/* --- ports --- */

/* A port counts that is not alive any more, or is the daemon's but of the user's making. */
static void count_port(struct model *model, const struct m_user *user, struct m_port *port)
{
	if (!port || port->user != user || port->counted == model->counting || !port->doubtful)
		return;
	port->counted = model->counting;
	model->doubtful++;
}

static void count_message(struct model *model, const struct m_user *user, const struct m_msg *msg)
{
	count_port(model, user, msg->dest.port);
	count_port(model, user, msg->reply.port);
	count_port(model, user, msg->voucher_right.port);
	for (unsigned i = 0; i < msg->right_count; i++)
		count_port(model, user, msg->right[i].port);
}

static void count_queue(struct model *model, const struct m_user *user, const struct m_port *port)
{
	const struct m_thread *thread;
	const struct m_msg *msg;

	TAILQ_FOREACH (msg, &port->queue, link)
		count_message(model, user, msg);
	TAILQ_FOREACH (thread, &port->senders, link)
		count_message(model, user, thread->msg);
	count_port(model, user, port->no_senders);
	count_port(model, user, port->destroyed);
}

static void count_task(struct model *model, const struct m_user *user, const struct m_task *task)
{
	const struct m_entry *entry;

	TAILQ_FOREACH (entry, &task->entries, link) {
		count_port(model, user, entry->port);
		count_port(model, user, entry->corpse);
		count_port(model, user, entry->request ? entry->request->notify : NULL);
	}
	for (unsigned i = 0; i < M_SPECIALS; i++)
		count_port(model, user, task->special[i].port);
	for (unsigned i = 0; i < TASK_PORT_REGISTER_MAX; i++)
		count_port(model, user, task->registered[i].port);
}

/* Ports of which the daemon may hold something still. */
static unsigned doubtful_ports(struct model *model, const struct m_user *user)
{
	const struct m_task *task;
	struct m_port *port;

	model->doubtful = 0;
	model->counting++;
	TAILQ_FOREACH (task, &model->tasks, link)
		count_task(model, user, task);
	for (unsigned i = 0; i < M_HOST_SPECIALS; i++)
		count_port(model, user, model->host_special[i].port);
	TAILQ_FOREACH (port, &model->ports, of_model) {
		if (!port->dead)
			count_queue(model, user, port);
		if (!port->dead && port->semaphore)
			count_port(model, user, port);
	}
	return model->doubtful;
}

bool m_may_make(struct model *model, const struct m_user *user, bool refused)
{
	uint64_t limit = model->limits.ports;

	if (model->mutation == MODEL_PORTS_ONE_MORE)
		limit++;
	if (user->ports >= limit)
		return false;
	if (user->ports + doubtful_ports(model, user) + model->slack < limit)
		return true;
	return !refused;
}

bool m_may_make_port(struct model *model, const struct m_thread *thread, const struct m_user *user)
{
	return m_may_make(model, user, thread->refused);
}

/* --- messages --- */

static uint64_t least_bytes(const struct m_msg *msg)
{
	uint64_t bytes = msg->body_size - msg->tail + msg->aux_size;

	for (unsigned i = 0; i < msg->parts; i++)
		if (msg->part[i].memory.source == MACHD_MEMORY_INLINE)
			bytes += msg->part[i].count;
	return bytes;
}

static uint64_t most_bytes(const struct m_msg *msg)
{
	uint64_t bytes = least_bytes(msg) + MESSAGE_BYTES + PART_BYTES * msg->fds;

	for (unsigned i = 0; i < msg->parts; i++)
		bytes += PART_BYTES * (msg->part[i].count < MACHD_MESSAGE_PORTS_MAX
					       ? 1 + (uint64_t)msg->part[i].count
					       : 1);
	return bytes;
}

static uint64_t fd_bytes(const struct m_msg *msg)
{
	uint64_t bytes = 0;

	for (unsigned i = 0; i < msg->fds; i++)
		bytes += msg->fd_size[i];
	return bytes;
}

void m_msg_begins(struct m_user *user, struct m_msg *msg)
{
	msg->user = user;
	user->messages++;
	user->least += least_bytes(msg);
	user->most += most_bytes(msg);
	user->memfds += msg->fds;
	user->memory += fd_bytes(msg);
}

void m_msg_over(const struct model *model, struct m_msg *msg)
{
	struct m_user *user = msg->user;

	if (msg->timer)
		msg->timer->sent = false;
	if (!user)
		return;
	msg->user = NULL;
	user->messages -= model->mutation != MODEL_MESSAGES_HELD;
	user->least -= least_bytes(msg);
	user->most -= most_bytes(msg);
	user->memfds -= msg->fds;
	user->memory -= fd_bytes(msg);
}

bool m_may_send(const struct model *model, const struct m_thread *thread, const struct m_msg *msg)
{
	const struct m_limits *limits = &model->limits;
	const struct m_user *user = thread->task->user;

	if (user->messages >= limits->messages || user->least + least_bytes(msg) > limits->bytes ||
	    user->memfds + msg->fds > limits->memfds ||
	    user->memory + fd_bytes(msg) > limits->memory)
		return false;
	return user->most + most_bytes(msg) <= limits->bytes || !thread->refused;
}
