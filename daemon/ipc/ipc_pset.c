/* SPDX-License-Identifier: Apache-2.0 */
/* Port sets and memberships. */
#include "daemon/ipc/ipc_pset.h"

#include "daemon/base/mem.h"
#include "daemon/ipc/ipc_account.h"
#include "daemon/ipc/ipc_bell.h"
#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_mqueue.h"
#include "daemon/ipc/ipc_port.h"
#include "daemon/ipc/ipc_space.h"

#define MEMBERS_PER_STEP 8 /* of those that leave a set that is gone */

struct ipc_pset *ipc_pset_create(struct ipc_host *host, struct ipc_space *space)
{
	struct ipc_pset *set = mem_alloc(sizeof *set);

	if (!set)
		return NULL;
	if (!ipc_account_charge(host, space->is_account, IPC_CHARGE_PORTS, 1)) {
		mem_free(set);
		return NULL;
	}
	set->ps_account = ipc_account_ref(space->is_account);
	set->ps_id = ipc_host_id(host);
	set->ps_refs = 1;
	set->ps_active = true;
	set->ps_space = space;
	list_init(&set->ps_members);
	list_init(&set->ps_ready);
	list_init(&set->ps_receivers);
	list_init(&set->ps_knotes);
	ipc_work_init(&set->ps_work, IPC_WORK_SET);
	list_append(&host->h_psets, &set->ps_link);
	return set;
}

void ipc_pset_release(struct ipc_pset *set)
{
	if (--set->ps_refs)
		return;
	list_remove(&set->ps_link);
	ipc_account_discharge(set->ps_account, IPC_CHARGE_PORTS, 1);
	ipc_account_put(set->ps_account);
	mem_free(set);
}

/* The member's port has messages. */
static void member_ready(struct ipc_member *member)
{
	struct ipc_pset *set = member->m_set;
	bool first = list_empty(&set->ps_ready);

	if (!list_empty(&member->m_ready_link))
		return;
	list_append(&set->ps_ready, &member->m_ready_link);
	if (first)
		ipc_knotes_ready(&set->ps_knotes);
}

/* It has none, or is no member any more. */
static void member_empty(struct ipc_member *member)
{
	list_remove(&member->m_ready_link);
	if (list_empty(&member->m_set->ps_ready))
		ipc_knotes_quiet(&member->m_set->ps_knotes);
}

static void member_free(struct ipc_member *member)
{
	member_empty(member);
	member->m_port->ip_member_count--;
	list_remove(&member->m_port_link);
	list_remove(&member->m_set_link);
	ipc_account_discharge(member->m_set->ps_account, IPC_CHARGE_LINKS, 1);
	mem_free(member);
}

void ipc_pset_destroy(struct ipc_host *host, struct ipc_pset *set)
{
	set->ps_active = false;
	ipc_knotes_gone(&set->ps_knotes);
	ipc_mqueue_changed(host, &set->ps_receivers);
	ipc_work_add(host, &set->ps_work);
	ipc_work_run(host);
}

void ipc_pset_destroy_step(struct ipc_host *host, struct ipc_pset *set)
{
	struct ipc_member *member = NULL;

	for (unsigned i = 0; i < MEMBERS_PER_STEP; i++) {
		member = list_first(&set->ps_members, struct ipc_member, m_set_link);
		if (!member)
			break;
		member_free(member);
	}
	if (member)
		ipc_work_again(host, &set->ps_work);
	else
		ipc_pset_release(set);
}

static struct ipc_member *membership(const struct ipc_pset *set, struct ipc_port *port)
{
	LIST_FOR_EACH (node, &port->ip_members) {
		struct ipc_member *member = list_entry(node, struct ipc_member, m_port_link);

		if (member->m_set == set)
			return member;
	}
	return NULL;
}

kern_return_t ipc_pset_add(struct ipc_host *host, struct ipc_pset *set, struct ipc_port *port)
{
	struct ipc_member *member;

	if (membership(set, port))
		return KERN_ALREADY_IN_SET;
	if (port->ip_member_count >= host->h_limits.sets_per_port)
		return KERN_RESOURCE_SHORTAGE;
	member = mem_alloc(sizeof *member);
	if (!member)
		return KERN_RESOURCE_SHORTAGE;
	if (!ipc_account_charge(host, set->ps_account, IPC_CHARGE_LINKS, 1)) {
		mem_free(member);
		return KERN_RESOURCE_SHORTAGE;
	}
	member->m_port = port;
	member->m_set = set;
	port->ip_member_count++;
	list_append(&port->ip_members, &member->m_port_link);
	list_append(&set->ps_members, &member->m_set_link);
	list_init(&member->m_ready_link);
	if (!list_empty(&port->ip_messages)) {
		member_ready(member);
		ipc_mqueue_serve(host, port);
	}
	return KERN_SUCCESS;
}

kern_return_t ipc_pset_remove(struct ipc_pset *set, struct ipc_port *port)
{
	struct ipc_member *member = membership(set, port);

	if (!member)
		return KERN_NOT_IN_SET;
	member_free(member);
	return KERN_SUCCESS;
}

unsigned ipc_pset_remove_from_all(struct ipc_port *port, const struct ipc_pset *keep)
{
	unsigned removed = 0;

	LIST_FOR_EACH_SAFE (node, &port->ip_members) {
		struct ipc_member *member = list_entry(node, struct ipc_member, m_port_link);

		if (member->m_set == keep)
			continue;
		member_free(member);
		removed++;
	}
	return removed;
}

void ipc_pset_port_urgent(struct ipc_port *port)
{
	ipc_knotes_urgent(&port->ip_knotes);
	LIST_FOR_EACH (node, &port->ip_members)
		ipc_knotes_urgent(
			&list_entry(node, struct ipc_member, m_port_link)->m_set->ps_knotes);
}

void ipc_pset_port_ready(struct ipc_port *port)
{
	ipc_knotes_ready(&port->ip_knotes);
	LIST_FOR_EACH (node, &port->ip_members)
		member_ready(list_entry(node, struct ipc_member, m_port_link));
}

void ipc_pset_port_empty(struct ipc_port *port)
{
	ipc_knotes_quiet(&port->ip_knotes);
	LIST_FOR_EACH (node, &port->ip_members)
		member_empty(list_entry(node, struct ipc_member, m_port_link));
}

struct ipc_port *ipc_pset_first(const struct ipc_pset *set)
{
	struct ipc_member *member = list_first(&set->ps_ready, struct ipc_member, m_ready_link);

	return member ? member->m_port : NULL;
}

struct ipc_port *ipc_pset_next(struct ipc_pset *set)
{
	struct ipc_member *member = list_first(&set->ps_ready, struct ipc_member, m_ready_link);

	if (!member)
		return NULL;
	list_remove(&member->m_ready_link);
	list_append(&set->ps_ready, &member->m_ready_link);
	return member->m_port;
}
