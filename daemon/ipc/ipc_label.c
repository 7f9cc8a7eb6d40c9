/* SPDX-License-Identifier: Apache-2.0 */
/* Labels of service and connection ports. */
#include "daemon/ipc/ipc_label.h"

#include "daemon/base/mem.h"
#include "daemon/ipc/ipc_account.h"
#include "daemon/ipc/ipc_port.h"
#include "daemon/ipc/ipc_space.h"
#include "daemon/ipc/ipc_task.h"

struct ipc_label *ipc_label_create(struct ipc_host *host, const struct ipc_task *owner,
				   const struct mach_service_port_info *info)
{
	struct ipc_label *label = mem_alloc(sizeof *label);

	if (!label)
		return NULL;
	/* It takes about as much memory as a port. */
	if (!ipc_account_charge(host, owner->t_account, IPC_CHARGE_PORTS, 1)) {
		mem_free(label);
		return NULL;
	}
	label->l_refs = 1;
	label->l_info = *info;
	label->l_account = ipc_account_ref(owner->t_account);
	label->l_owner = owner->t_id;
	return label;
}

struct ipc_label *ipc_label_ref(struct ipc_label *label)
{
	label->l_refs++;
	return label;
}

void ipc_label_release(struct ipc_label *label)
{
	if (!label || --label->l_refs)
		return;
	ipc_account_discharge(label->l_account, IPC_CHARGE_PORTS, 1);
	ipc_account_put(label->l_account);
	mem_free(label);
}

static bool in_owners_space(const struct ipc_port *port)
{
	const struct ipc_task *task = port->ip_receiver ? port->ip_receiver->is_task : NULL;

	return task && task->t_id == port->ip_label->l_owner;
}

void ipc_label_leaves(const struct ipc_port *port)
{
	if (!in_owners_space(port))
		return;
	port->ip_label->l_guarded = port->ip_guarded && port->ip_strict;
	port->ip_label->l_guard = port->ip_context;
}

void ipc_label_arrives(struct ipc_port *port)
{
	struct ipc_label *label = port->ip_label;

	if (label->l_returning && label->l_guarded && in_owners_space(port)) {
		port->ip_context = label->l_guard;
		port->ip_guarded = port->ip_strict = true;
	}
	label->l_returning = false;
}
