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

static void give_port(struct model *model, struct m_thread *thread, struct m_right right)
{
	struct m_entry *entry;
	mach_port_name_t name;
	bool full;

	m_answer(model, thread, BOOTSTRAP_SUCCESS, HEAD + 4);
	entry = m_copyout(model, thread->task, right, &name, &full);
	if (entry)
		m_answer_name(&thread->answer, HEAD, entry);
	else
		m_answer_word(&thread->answer, HEAD, name);
}

static uint32_t check_in(struct model *model, struct m_thread *thread, unsigned service)
{
	struct m_port *port;

	if (model->service[service])
		return BOOTSTRAP_SERVICE_ACTIVE;
	if (!m_room(model, thread->task))
		return BOOTSTRAP_NO_MEMORY;
	port = m_port_new(model);
	port->srights = 1;
	model->service[service] = port;
	give_port(model, thread,
		  (struct m_right){.port = port, .type = MACH_MSG_TYPE_PORT_RECEIVE});
	return M_ANSWERED;
}

static uint32_t unregister(struct model *model, unsigned service)
{
	struct m_port *port = model->service[service];

	if (!port)
		return BOOTSTRAP_UNKNOWN_SERVICE;
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
	if (!entry || !(entry->type & MACH_PORT_TYPE_SEND))
		return MACH_SEND_INVALID_RIGHT;
	entry->port->srights++;
	model->service[service] = entry->port;
	return BOOTSTRAP_SUCCESS;
}

static uint32_t look_up(struct model *model, struct m_thread *thread, unsigned service)
{
	struct m_port *port = model->service[service];

	if (!port)
		return BOOTSTRAP_UNKNOWN_SERVICE;
	if (!m_room(model, thread->task))
		return BOOTSTRAP_NO_MEMORY;
	port->srights++;
	give_port(model, thread, (struct m_right){.port = port, .type = MACH_MSG_TYPE_PORT_SEND});
	return M_ANSWERED;
}

uint32_t m_special_port_get(struct model *model, struct m_thread *thread, struct m_task *task,
			    int32_t which)
{
	struct m_right right = {.type = MACH_MSG_TYPE_PORT_SEND};

	if (which == TASK_KERNEL_PORT)
		right.port = task->self;
	else if (which == TASK_HOST_PORT)
		right.port = model->host;
	else if (which == TASK_BOOTSTRAP_PORT)
		right.port = task->bootstrap;
	else
		return KERN_INVALID_ARGUMENT;
	if (right.port)
		right.port->srights++;
	give_port(model, thread, right);
	return M_ANSWERED;
}

uint32_t m_special_port_set(struct model *model, struct m_thread *thread, struct m_task *task,
			    int32_t which, mach_port_name_t name)
{
	struct m_entry *entry = m_look(thread->task, name);
	struct m_port *old = task->bootstrap;

	if (entry && m_pinned(entry))
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
		return unregister(model, service);
	return enter(model, thread, service, in->port);
}
