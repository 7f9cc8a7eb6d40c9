/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bootstrap calls, where a name stands for a send right that the daemon keeps, and those on a
 * task's special ports [24].
 */
#include <mach/task_special_ports.h>
#include <servers/bootstrap.h>

#include "tests/model/model_private.h"

#define HEAD ((uint32_t)sizeof(struct machd_call_answer))

/* Services are called "0", "1" ... */
static unsigned service_of(const uint32_t *args)
{
	return *(const char *)args - '0';
}

uint32_t m_give_port(struct model *model, struct m_thread *thread, struct m_right right)
{
	struct m_entry *entry;
	mach_port_name_t name;
	uint32_t full = 0;

	entry = m_copyout(model, thread->task, right, &name, &full);
	if (full)
		return MACH_RCV_BODY_ERROR | full;
	m_answer(model, thread, BOOTSTRAP_SUCCESS, HEAD + 4);
	m_put_name(&thread->answer, HEAD, entry, name);
	return M_ANSWERED;
}

static uint32_t check_in(struct model *model, struct m_thread *thread, unsigned service)
{
	struct m_port *port;

	if (model->service[service])
		return BOOTSTRAP_SERVICE_ACTIVE;
	if (!m_room(model, thread->task) || !m_may_make_port(model, thread, thread->task->user))
		return BOOTSTRAP_NO_MEMORY;
	port = m_port_new(model, thread->task->user);
	port->srights = 1;
	model->service[service] = port;
	model->service_uid[service] = thread->task->uid;
	return m_give_port(model, thread,
			   (struct m_right){.port = port, .type = MACH_MSG_TYPE_PORT_RECEIVE});
}

/* Root may use everybody's names, others only those of their own user. */
static bool may_use(const struct model *model, const struct m_thread *thread, unsigned service)
{
	return thread->task->uid == 0 || thread->task->uid == model->service_uid[service];
}

static uint32_t unregister(struct model *model, const struct m_thread *thread, unsigned service)
{
	struct m_port *port = model->service[service];

	if (!port)
		return BOOTSTRAP_UNKNOWN_SERVICE;
	if (!may_use(model, thread, service))
		return BOOTSTRAP_NOT_PRIVILEGED;
	model->service[service] = NULL;
	m_release_send(model, port);
	return BOOTSTRAP_SUCCESS;
}

static uint32_t enter(struct model *model, struct m_thread *thread, unsigned service,
		      mach_port_name_t name)
{
	struct m_entry *entry = m_look(thread->task, name);

	if (model->service[service])
		return BOOTSTRAP_NAME_IN_USE;
	if (entry && entry->type == MACH_PORT_TYPE_DEAD_NAME)
		return KERN_INVALID_CAPABILITY;
	if (!entry || !m_copyin_good(entry, MACH_MSG_TYPE_COPY_SEND, M_FOR_DAEMON))
		return MACH_SEND_INVALID_RIGHT;
	entry->port->srights++;
	model->service[service] = entry->port;
	model->service_uid[service] = thread->task->uid;
	return BOOTSTRAP_SUCCESS;
}

static uint32_t look_up(struct model *model, struct m_thread *thread, unsigned service)
{
	struct m_port *port = model->service[service];

	if (!port)
		return BOOTSTRAP_UNKNOWN_SERVICE;
	if (!may_use(model, thread, service))
		return BOOTSTRAP_NOT_PRIVILEGED;
	if (!m_room(model, thread->task))
		return BOOTSTRAP_NO_MEMORY;
	port->srights++;
	return m_give_port(model, thread,
			   (struct m_right){.port = port, .type = MACH_MSG_TYPE_PORT_SEND});
}

uint32_t m_special_port_get(struct model *model, struct m_thread *thread, struct m_task *task,
			    int32_t which)
{
	struct m_right right = {.type = MACH_MSG_TYPE_PORT_SEND};

	if (which == TASK_KERNEL_PORT)
		right.port = task->self;
	else if (which == TASK_HOST_PORT)
		right.port = task->host;
	else if (which == TASK_BOOTSTRAP_PORT)
		right.port = task->bootstrap;
	else
		return KERN_INVALID_ARGUMENT;
	if (right.port && right.port->dead)
		right = (struct m_right){.dead = true};
	if (right.port)
		right.port->srights++;
	return m_give_port(model, thread, right);
}

uint32_t m_special_port_set(struct model *model, struct m_thread *thread, struct m_task *task,
			    int32_t which, mach_port_name_t name)
{
	struct m_entry *entry = m_look(thread->task, name);
	struct m_port *old = task->bootstrap;

	if (entry && !m_copyin_good(entry, MACH_MSG_TYPE_COPY_SEND, M_FOR_DAEMON))
		return MACH_SEND_INVALID_RIGHT;
	if (entry && m_kept(entry))
		return KERN_INVALID_RIGHT;
	if (which == TASK_KERNEL_PORT || which == TASK_HOST_PORT)
		return KERN_NO_ACCESS;
	if (which != TASK_BOOTSTRAP_PORT)
		return KERN_INVALID_ARGUMENT;
	task->bootstrap = entry ? entry->port : NULL;
	if (entry)
		entry->port->srights++;
	if (old)
		m_release_send(model, old);
	return KERN_SUCCESS;
}

/* What an array of names gives a task to keep: a copy of each send right. */
static uint32_t copy_rights(struct m_thread *thread, const mach_port_name_t *names, unsigned count,
			    struct m_right *rights)
{
	bool kept = false;

	for (unsigned i = 0; i < count; i++) {
		struct m_entry *entry = m_look(thread->task, names[i]);

		rights[i].dead = names[i] == MACH_PORT_DEAD;
		if (!MACH_PORT_VALID(names[i]))
			continue;
		if (!entry || !m_copyin_good(entry, MACH_MSG_TYPE_COPY_SEND, M_FOR_DAEMON))
			return MACH_SEND_INVALID_RIGHT;
		rights[i].port = entry->port;
		rights[i].dead = entry->type == MACH_PORT_TYPE_DEAD_NAME;
		kept |= m_kept(entry);
	}
	return kept ? KERN_INVALID_RIGHT : KERN_SUCCESS;
}

uint32_t m_ports_register(struct model *model, struct m_thread *thread, struct m_task *task,
			  const mach_port_name_t *names, unsigned count)
{
	struct m_right rights[TASK_PORT_REGISTER_MAX] = {{.port = NULL}};
	uint32_t code = KERN_INVALID_ARGUMENT;

	if (count <= TASK_PORT_REGISTER_MAX)
		code = copy_rights(thread, names, count, rights);
	if (code != KERN_SUCCESS)
		return code;
	for (unsigned i = 0; i < TASK_PORT_REGISTER_MAX; i++)
		if (rights[i].port)
			rights[i].port->srights++;
	for (unsigned i = 0; i < TASK_PORT_REGISTER_MAX; i++) {
		struct m_port *old = task->registered[i].port;

		task->registered[i] = rights[i];
		if (old && model->mutation != MODEL_REGISTERED_KEPT)
			m_release_send(model, old);
	}
	return KERN_SUCCESS;
}

uint32_t m_ports_lookup(struct model *model, struct m_thread *thread, struct m_task *task)
{
	struct m_entry *entries[TASK_PORT_REGISTER_MAX];
	mach_port_name_t names[TASK_PORT_REGISTER_MAX];
	uint32_t full = 0;

	for (unsigned i = 0; i < TASK_PORT_REGISTER_MAX; i++) {
		struct m_right right = task->registered[i];

		right.type = MACH_MSG_TYPE_PORT_SEND;
		if (right.port && right.port->dead)
			right = (struct m_right){.dead = true};
		if (right.port)
			right.port->srights++;
		entries[i] = m_copyout(model, thread->task, right, &names[i], &full);
	}
	if (full)
		return MACH_RCV_BODY_ERROR | full;
	m_answer(model, thread, KERN_SUCCESS, HEAD + sizeof names);
	for (unsigned i = 0; i < TASK_PORT_REGISTER_MAX; i++)
		m_put_name(&thread->answer, HEAD + 4 * i, entries[i], names[i]);
	return M_ANSWERED;
}

uint32_t m_boot_call(struct model *model, struct m_thread *thread, uint32_t routine,
		     const uint32_t *args)
{
	unsigned service = service_of(args);
	const struct bootstrap_register_in *in = (const void *)args;

	switch (routine) {
	case MACHD_ROUTINE_bootstrap_check_in:
		return check_in(model, thread, service);
	case MACHD_ROUTINE_bootstrap_look_up:
		return look_up(model, thread, service);
	}
	if (in->port == MACH_PORT_NULL)
		return unregister(model, thread, service);
	return enter(model, thread, service, in->port);
}
