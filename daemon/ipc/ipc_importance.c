/* SPDX-License-Identifier: Apache-2.0 */
/* Boosts: at ports, at tasks, and on their way between them. */
#include "daemon/ipc/ipc_importance.h"

#include "daemon/ipc/ipc_entry.h"
#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_kmsg.h"
#include "daemon/ipc/ipc_port.h"
#include "daemon/ipc/ipc_source.h"
#include "daemon/ipc/ipc_space.h"
#include "daemon/ipc/ipc_task.h"
#include "daemon/ipc/ipc_user.h"

void ipc_importance_count_task(struct ipc_host *host, struct ipc_task *task, int64_t delta)
{
	if (!task)
		return;
	task->t_boosts += (uint64_t)delta;
	list_remove(&task->t_boost_link);
	if ((task->t_boosts != 0) != task->t_boost_told)
		list_append(&host->h_boost_changes, &task->t_boost_link);
	ipc_source_changed(host, task->t_source);
}

/* Change the boosts of the task that will receive from the port, through all queues it is in. */
static void adjust_receiver(struct ipc_host *host, struct ipc_port *port, int64_t delta)
{
	const struct ipc_port *base;

	if (delta == 0)
		return;
	base = list_entry(ipc_transit_root(&port->ip_transit), struct ipc_port, ip_transit);
	if (base->ip_place == IP_IN_SPACE && !base->ip_tempowner)
		ipc_importance_count_task(host, base->ip_receiver->is_task, delta);
}

void ipc_importance_count_port(struct ipc_host *host, struct ipc_port *port, int delta)
{
	port->ip_boosts += (uint32_t)delta;
	ipc_transit_count(&port->ip_transit, delta);
	adjust_receiver(host, port, delta);
}

uint32_t ipc_importance_of(const struct ipc_port *port)
{
	return ipc_transit_sum(&port->ip_transit);
}

bool ipc_importance_donates(const struct ipc_task *task)
{
	return task->t_donor || task->t_boosts != 0;
}

kern_return_t ipc_importance_donate(struct ipc_host *host, struct ipc_task *task)
{
	if (task->t_donor)
		return KERN_SUCCESS;
	if (!ipc_user_charge(host, task->t_user, IPC_CHARGE_DONORS, 1))
		return KERN_RESOURCE_SHORTAGE;
	task->t_donor = true;
	ipc_source_changed(host, task->t_source);
	return KERN_SUCCESS;
}

void ipc_importance_send(struct ipc_host *host, const struct ipc_task *sender,
			 struct ipc_kmsg *kmsg)
{
	struct ipc_port *port = kmsg->ikm_header.ikm_dest;

	if (!kmsg->ikm_may_donate || !port->ip_accepts_importance)
		return;
	if (kmsg->ikm_lends)
		ipc_source_raise(host, &kmsg->ikm_donation, true);
	else if (sender->t_takes_boosts || ipc_importance_donates(sender))
		ipc_source_follow(host, sender->t_source, &kmsg->ikm_donation);
}

void ipc_importance_clean(struct ipc_host *host, struct ipc_kmsg *kmsg)
{
	ipc_source_unfollow(&kmsg->ikm_donation);
	ipc_source_raise(host, &kmsg->ikm_donation, false);
}

bool ipc_importance_receive(struct ipc_host *host, struct ipc_space *space, struct ipc_kmsg *kmsg,
			    mach_port_name_t reply)
{
	struct ipc_entry *entry;
	bool kept;

	entry = kmsg->ikm_donation.dn_raised ? ipc_entry_lookup(space, reply) : NULL;
	kept = entry && entry->ie_type == MACH_PORT_TYPE_SEND_ONCE;
	if (kept) {
		entry->ie_boosts = true;
		ipc_importance_count_task(host, space->is_task, 1);
	}
	ipc_importance_clean(host, kmsg);
	return kept;
}

void ipc_importance_entry_gone(struct ipc_host *host, struct ipc_space *space,
			       struct ipc_entry *entry)
{
	if (!entry->ie_boosts)
		return;
	entry->ie_boosts = false;
	ipc_importance_count_task(host, space->is_task, -1);
}

kern_return_t ipc_importance_hold(struct ipc_host *host, struct ipc_task *task,
				  mach_port_name_t reply)
{
	const struct ipc_entry *entry = ipc_entry_lookup(task->t_space, reply);

	if (!entry || !entry->ie_boosts)
		return KERN_INVALID_RIGHT;
	task->t_held++;
	ipc_importance_count_task(host, task, 1);
	return KERN_SUCCESS;
}

kern_return_t ipc_importance_drop(struct ipc_host *host, struct ipc_task *task)
{
	if (task->t_held == 0)
		return KERN_FAILURE;
	task->t_held--;
	ipc_importance_count_task(host, task, -1);
	return KERN_SUCCESS;
}

/* A task that has a port that accepts importance may be boosted, and then donates. */
static void takes_boosts(struct ipc_port *port)
{
	if (port->ip_place == IP_IN_SPACE && port->ip_receiver->is_task)
		port->ip_receiver->is_task->t_takes_boosts = true;
}

void ipc_importance_accept(struct ipc_host *host, struct ipc_port *port, bool temporary)
{
	port->ip_accepts_importance = true;
	takes_boosts(port);
	if (!temporary || port->ip_tempowner)
		return;
	ipc_importance_leaves(host, port);
	port->ip_tempowner = true;
}

void ipc_importance_arm(struct ipc_host *host, struct ipc_port *port)
{
	if (port->ip_armed_boost || !port->ip_accepts_importance)
		return;
	port->ip_armed_boost = true;
	ipc_importance_count_port(host, port, 1);
}

void ipc_importance_disarm(struct ipc_host *host, struct ipc_port *port)
{
	if (!port->ip_armed_boost)
		return;
	port->ip_armed_boost = false;
	ipc_importance_count_port(host, port, -1);
}

void ipc_importance_arrived(struct ipc_host *host, struct ipc_port *port)
{
	port->ip_tempowner = false;
	if (port->ip_accepts_importance)
		takes_boosts(port);
	adjust_receiver(host, port, ipc_importance_of(port));
}

void ipc_importance_leaves(struct ipc_host *host, struct ipc_port *port)
{
	adjust_receiver(host, port, -(int64_t)ipc_importance_of(port));
}

static void tell(struct ipc_host *host, struct ipc_task *task)
{
	list_remove(&task->t_boost_link);
	task->t_boost_told = task->t_boosts != 0;
	host->h_outbox->boost(host->h_outbox->context, task->t_pid, task->t_user->u_uid,
			      task->t_boost_told);
}

void ipc_importance_end(struct ipc_host *host, struct ipc_task *task)
{
	if (task->t_donor)
		ipc_user_discharge(task->t_user, IPC_CHARGE_DONORS, 1);
	task->t_boosts = 0;
	list_remove(&task->t_boost_link);
	ipc_source_gone(host, task->t_source);
	/* Its process may live on, but serves nobody any more. */
	if (task->t_boost_told)
		tell(host, task);
}

void ipc_importance_tell(struct ipc_host *host)
{
	struct ipc_task *task;

	while ((task = list_first(&host->h_boost_changes, struct ipc_task, t_boost_link)))
		tell(host, task);
}
