/* SPDX-License-Identifier: Apache-2.0 */
/* The bootstrap calls, where a name stands for a send right that the daemon keeps [24]. */
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
