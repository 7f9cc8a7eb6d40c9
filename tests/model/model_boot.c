/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bootstrap calls, where a name stands for a send right that the daemon keeps [24]; names that
 * were created, whose port comes back to it; and bootstrap ports below the first.
 */
#include <servers/bootstrap.h>
#include <string.h>

#include "tests/model/model_call.h"

#define HEAD ((uint32_t)sizeof(struct machd_call_answer))

/* --- names and tables --- */

/* Services are called "0", "1" ... */
static struct m_service *service_of(const struct call *call, struct m_table *table)
{
	return &table->service[*(const char *)call->args - '0'];
}

struct m_table *m_table_new(struct model *model, struct m_port *port, struct m_table *above)
{
	struct m_table *table = m_alloc(model, sizeof *table);

	table->port = port;
	table->above = above;
	port->table = table;
	TAILQ_INSERT_HEAD(&model->tables, table, link);
	return table;
}

/* A service has a port from now on: a naked send right. */
static void service_new(struct call *call, struct m_service *service, struct m_port *port,
			bool kept)
{
	*service = (struct m_service){.port = port,
				      .uid = call->thread->task->uid,
				      .kept = kept,
				      .number = ++call->model->services};
	port->srights++;
}

/* A name is given up; a port that is with the daemon dies. */
static void service_end(struct model *model, struct m_service *service)
{
	struct m_port *port = service->port;

	if (!port)
		return;
	service->port = NULL;
	if (service->kept)
		port->kept = NULL;
	if (service->kept && port->home) {
		port->home = false;
		m_port_end(model, port);
	} else {
		m_release_send(model, port);
	}
}

static void subset_end(struct model *model, struct m_table *table)
{
	struct m_service *first;

	do {
		first = NULL;
		for (unsigned i = 0; i < M_SERVICES; i++)
			if (table->service[i].port &&
			    (!first || table->service[i].number < first->number))
				first = &table->service[i];
		if (first)
			service_end(model, first);
	} while (first);
	table->ended = true;
	table->port->table = NULL;
	m_port_end(model, table->port);
	m_release_send(model, table->above->port);
	m_release_send(model, table->requestor);
}

static void end_doomed(struct model *model)
{
	struct m_table *table;

	while (!model->subsets_end && (table = TAILQ_FIRST(&model->ending))) {
		TAILQ_REMOVE(&model->ending, table, in_ending);
		model->subsets_end = true;
		subset_end(model, table);
		model->subsets_end = false;
	}
}

static void doom(struct model *model, struct m_table *table)
{
	if (!table->doomed)
		TAILQ_INSERT_TAIL(&model->ending, table, in_ending);
	table->doomed = true;
}

void m_subset_orphaned(struct model *model, struct m_port *port)
{
	doom(model, port->table);
	end_doomed(model);
}

void m_services_end(struct model *model, struct m_port *port)
{
	struct m_table *table;

	TAILQ_FOREACH (table, &model->tables, link)
		if (table->requestor == port && model->mutation != MODEL_SUBSET_STAYS)
			doom(model, table);
	end_doomed(model);
	TAILQ_FOREACH (table, &model->tables, link)
		for (unsigned i = 0; i < M_SERVICES; i++)
			if (table->service[i].port == port)
				table->service[i].port = NULL;
}

/* Who made the name pays for it there; and its queue has room, or nobody would ever be missed. */
bool m_service_back(struct model *model, struct m_port *port)
{
	if (!port->kept || model->mutation == MODEL_CREATED_DIES)
		return false;
	port->home = true;
	if (!port->doubtful)
		port->user->ports--;
	port->doubtful = false;
	port->user = m_user_of(model, port->kept->uid);
	port->user->ports++;
	if (port->qlimit == 0)
		m_set_qlimit(model, port, MACH_PORT_QLIMIT_DEFAULT);
	return true;
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

static uint32_t give(struct call *call, struct m_port *port, uint32_t type)
{
	return m_give_port(call->model, call->thread, (struct m_right){.port = port, .type = type});
}

static uint32_t give_send(struct call *call, struct m_port *port)
{
	if (port->dead)
		return m_give_port(call->model, call->thread, (struct m_right){.dead = true});
	port->srights++;
	return give(call, port, MACH_MSG_TYPE_PORT_SEND);
}

/* --- the calls --- */

/* Root may use everybody's names, others only those of their own user. */
static bool may_use(const struct call *call, const struct m_service *service)
{
	return call->thread->task->uid == 0 || call->thread->task->uid == service->uid;
}

/* May the caller have another port, or one that somebody pays for until then? */
static bool may_take(struct call *call, struct m_port *port)
{
	struct m_user *user = call->thread->task->user;
	bool good;

	if (port)
		port->user->ports--;
	good = m_may_make_port(call->model, call->thread, user);
	if (port)
		port->user->ports++;
	return good;
}

static uint32_t check_in(struct call *call, struct m_table *table)
{
	struct m_service *service = service_of(call, table);
	struct m_user *user = call->thread->task->user;
	struct m_port *port = service->port;

	if (port && !(service->kept && port->home))
		return BOOTSTRAP_SERVICE_ACTIVE;
	if (port && !table->above && !may_use(call, service))
		return BOOTSTRAP_NOT_PRIVILEGED;
	if (!m_room(call->model, call->thread->task) || !may_take(call, port))
		return BOOTSTRAP_NO_MEMORY;
	if (port) {
		port->home = false;
		port->user->ports--;
		port->user = user;
		user->ports++;
	} else {
		port = m_port_new(call->model, user);
		service_new(call, service, port, false);
	}
	return give(call, port, MACH_MSG_TYPE_PORT_RECEIVE);
}

static uint32_t unregister(struct call *call, struct m_table *table)
{
	struct m_service *service = service_of(call, table);

	if (!service->port)
		return BOOTSTRAP_UNKNOWN_SERVICE;
	if (!may_use(call, service) && !(table->above && call->thread->task->uid == table->uid))
		return BOOTSTRAP_NOT_PRIVILEGED;
	service_end(call->model, service);
	return BOOTSTRAP_SUCCESS;
}

/* A send right that an argument names, to be copied; its code. */
static uint32_t look_at(struct call *call, mach_port_name_t name, struct m_entry **entry)
{
	*entry = m_look(call->thread->task, name);
	if (*entry && (*entry)->type == MACH_PORT_TYPE_DEAD_NAME)
		return KERN_INVALID_CAPABILITY;
	return *entry && m_copyin_good(*entry, MACH_MSG_TYPE_COPY_SEND, M_FOR_DAEMON)
		       ? KERN_SUCCESS
		       : MACH_SEND_INVALID_RIGHT;
}

static uint32_t enter(struct call *call, struct m_table *table, mach_port_name_t name)
{
	struct m_service *service = service_of(call, table);
	struct m_entry *entry;
	uint32_t code;

	if (service->port)
		return BOOTSTRAP_NAME_IN_USE;
	code = look_at(call, name, &entry);
	if (code == KERN_SUCCESS)
		service_new(call, service, entry->port, false);
	return code;
}

static uint32_t create(struct call *call, struct m_table *table)
{
	struct m_service *service = service_of(call, table);
	struct m_port *port;

	if (service->port)
		return BOOTSTRAP_NAME_IN_USE;
	if (!m_room(call->model, call->thread->task) || !may_take(call, NULL))
		return BOOTSTRAP_NO_MEMORY;
	port = m_port_new(call->model, call->thread->task->user);
	port->home = true;
	port->kept = service;
	service_new(call, service, port, true);
	return give_send(call, port);
}

/* Where a name leads to: here, or above. */
static uint32_t find(struct call *call, struct m_table *table, struct m_service **service)
{
	for (; table->above; table = table->above) {
		*service = service_of(call, table);
		if ((*service)->port)
			return BOOTSTRAP_SUCCESS;
		if (table->above->ended)
			return BOOTSTRAP_UNKNOWN_SERVICE;
	}
	*service = service_of(call, table);
	if (!(*service)->port)
		return BOOTSTRAP_UNKNOWN_SERVICE;
	return may_use(call, *service) ? BOOTSTRAP_SUCCESS : BOOTSTRAP_NOT_PRIVILEGED;
}

static uint32_t look_up(struct call *call, struct m_table *table)
{
	struct m_service *service;
	uint32_t code = find(call, table, &service);

	if (code != BOOTSTRAP_SUCCESS)
		return code;
	if (!m_room(call->model, call->thread->task))
		return BOOTSTRAP_NO_MEMORY;
	return give_send(call, service->port);
}

static uint32_t status(struct call *call, struct m_table *table)
{
	struct m_service *service;
	uint32_t code = find(call, table, &service);

	if (code != BOOTSTRAP_SUCCESS)
		return code;
	m_answer_word(call_give(call, 1), OUT(0),
		      service->port->home ? BOOTSTRAP_STATUS_INACTIVE : BOOTSTRAP_STATUS_ACTIVE);
	return M_ANSWERED;
}

static uint32_t subset(struct call *call, struct m_table *above)
{
	struct m_task *task = call->thread->task;
	struct m_table *table;
	struct m_entry *entry;
	struct m_port *port;
	uint32_t code = look_at(call, call->args[0], &entry);

	if (code != KERN_SUCCESS)
		return code;
	if ((entry->port->kernel && !entry->port->task) || entry->port->home)
		return KERN_INVALID_ARGUMENT;
	if (above->depth == MACHD_SUBSETS_MAX || !m_room(call->model, task) ||
	    !m_may_make_port(call->model, call->thread, task->user))
		return BOOTSTRAP_NO_MEMORY;
	port = m_port_new(call->model, task->user);
	port->kernel = true;
	table = m_table_new(call->model, port, above);
	table->requestor = entry->port;
	table->requestor->srights++;
	above->port->srights++;
	table->depth = above->depth + 1;
	table->uid = task->uid;
	return give_send(call, port);
}

static uint32_t give_table(struct call *call, struct m_table *table)
{
	if (!m_room(call->model, call->thread->task))
		return BOOTSTRAP_NO_MEMORY;
	return give_send(call, table->port);
}

uint32_t call_bootstrap(struct call *call)
{
	struct m_table *table = call->target->table;
	const struct bootstrap_register_in *in = (const void *)call->args;

	switch (call->routine) {
	case MACHD_ROUTINE_bootstrap_check_in:
		return check_in(call, table);
	case MACHD_ROUTINE_bootstrap_look_up:
		return look_up(call, table);
	case MACHD_ROUTINE_bootstrap_create_service:
		return create(call, table);
	case MACHD_ROUTINE_bootstrap_status:
		return status(call, table);
	case MACHD_ROUTINE_bootstrap_subset:
		return subset(call, table);
	case MACHD_ROUTINE_bootstrap_unprivileged:
		return give_table(call, table);
	case MACHD_ROUTINE_bootstrap_parent:
		if (call->thread->task->uid != 0)
			return BOOTSTRAP_NOT_PRIVILEGED;
		return give_table(call, table->above ? table->above : table);
	}
	return in->port == MACH_PORT_NULL ? unregister(call, table) : enter(call, table, in->port);
}
