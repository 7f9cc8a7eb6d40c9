/* SPDX-License-Identifier: Apache-2.0 */
/* Send rights that the daemon keeps for tasks and for the host, by numbers and in rows [24]. */
#include <mach/host_special_ports.h>
#include <mach/task_special_ports.h>

#include "tests/model/model_call.h"

#define HEAD ((uint32_t)sizeof(struct machd_call_answer))

/* Copy a kept send right; a dead port gives a dead right. */
static struct m_right copy_kept(struct m_right right)
{
	right.type = MACH_MSG_TYPE_PORT_SEND;
	if (right.port && right.port->dead)
		right = (struct m_right){.dead = true};
	if (right.port)
		right.port->srights++;
	return right;
}

/* Replace a kept right and release the old one. */
static void keep(struct model *model, struct m_right *kept, const struct m_entry *entry)
{
	struct m_right old = *kept;

	*kept = (struct m_right){.port = entry ? entry->port : NULL};
	if (entry)
		entry->port->srights++;
	if (old.port)
		m_release_send(model, old.port);
}

/* --- tasks --- */

static bool is_kept(int32_t which)
{
	return which == TASK_BOOTSTRAP_PORT || which == TASK_ACCESS_PORT ||
	       which == TASK_DEBUG_CONTROL_PORT || which == TASK_RESOURCE_NOTIFY_PORT;
}

uint32_t m_special_port_get(struct model *model, struct m_thread *thread, struct m_task *task,
			    int32_t which)
{
	struct m_right right = {.port = which == TASK_KERNEL_PORT ? task->self : task->host};

	if (is_kept(which))
		right = task->special[which];
	else if (which != TASK_KERNEL_PORT && which != TASK_HOST_PORT)
		return KERN_INVALID_ARGUMENT;
	return m_give_port(model, thread, copy_kept(right));
}

uint32_t m_special_port_set(struct model *model, struct m_thread *thread, struct m_task *task,
			    int32_t which, mach_port_name_t name)
{
	struct m_entry *entry = m_look(thread->task, name);

	if (entry && !m_copyin_good(entry, MACH_MSG_TYPE_COPY_SEND, M_FOR_DAEMON))
		return MACH_SEND_INVALID_RIGHT;
	if (entry && m_kept(entry))
		return KERN_INVALID_RIGHT;
	if (which == TASK_KERNEL_PORT || which == TASK_HOST_PORT)
		return KERN_NO_ACCESS;
	if (!is_kept(which))
		return KERN_INVALID_ARGUMENT;
	if (which == TASK_ACCESS_PORT && task->special[which].port)
		return KERN_NO_ACCESS;
	keep(model, &task->special[which], entry);
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
		entries[i] = m_copyout(model, thread->task, copy_kept(task->registered[i]),
				       &names[i], &full);
	}
	if (full)
		return MACH_RCV_BODY_ERROR | full;
	m_answer(model, thread, KERN_SUCCESS, HEAD + sizeof names);
	for (unsigned i = 0; i < TASK_PORT_REGISTER_MAX; i++)
		m_put_name(&thread->answer, HEAD + 4 * i, entries[i], names[i]);
	return M_ANSWERED;
}

/* --- the host --- */

static bool acts_for_host(const struct call *call)
{
	return call->target == call->model->host_priv && call->thread->task->uid == 0;
}

/* args: the node, which one. */
uint32_t call_host_special_get(struct call *call)
{
	int32_t which = (int32_t)call->args[1];
	struct m_right right = {.port = call->model->host};

	if (which < HOST_PORT || which > HOST_MAX_SPECIAL_PORT || !acts_for_host(call))
		return KERN_INVALID_ARGUMENT;
	if (which == HOST_PRIV_PORT)
		right.port = call->model->host_priv;
	else if (which != HOST_PORT)
		right = call->model->host_special[which];
	return m_give_port(call->model, call->thread, copy_kept(right));
}

uint32_t call_host_special_set(struct call *call)
{
	int32_t which = (int32_t)call->args[0];
	struct m_entry *entry = m_look(call->thread->task, call->args[1]);

	if (entry && !m_copyin_good(entry, MACH_MSG_TYPE_COPY_SEND, M_FOR_DAEMON))
		return MACH_SEND_INVALID_RIGHT;
	if (which <= HOST_MAX_SPECIAL_KERNEL_PORT || which > HOST_MAX_SPECIAL_PORT ||
	    call->target != call->model->host_priv)
		return KERN_INVALID_ARGUMENT;
	if (entry && (m_kept(entry) || entry->port->immovable))
		return KERN_INVALID_RIGHT;
	if (!acts_for_host(call))
		return KERN_NO_ACCESS;
	keep(call->model, &call->model->host_special[which], entry);
	return KERN_SUCCESS;
}
