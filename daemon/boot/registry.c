/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of service names, and the receive rights that the daemon keeps. */
#include "daemon/boot/registry.h"

#include <stdio.h>

#include "daemon/boot/policy.h"
#include "daemon/boot/start.h"
#include "daemon/boot/subset.h"
#include "daemon/ipc/ipc_account.h"
#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_mqueue.h"
#include "daemon/ipc/ipc_place.h"
#include "daemon/ipc/ipc_port.h"
#include "daemon/ipc/ipc_space.h"
#include "daemon/ipc/ipc_task.h"
#include "daemon/ipc/ipc_user.h"

struct boot_service **boot_table(struct ipc_host *host, const struct ipc_port *port)
{
	return port->ip_subset ? &port->ip_subset->ss_services : &host->h_services;
}

struct boot_service *boot_find_in(struct boot_service *const *table, const char *name)
{
	struct boot_service *service;

	HASH_FIND_STR(*table, name, service);
	return service;
}

struct boot_service *boot_find(struct ipc_host *host, const char *name)
{
	return boot_find_in(&host->h_services, name);
}

const struct boot_subset *boot_subset_of(const struct ipc_host *host,
					 const struct boot_service *service)
{
	if (service->s_table == &host->h_services)
		return NULL;
	return list_entry(service->s_table, struct boot_subset, ss_services);
}

/* An entry without a port. NULL without memory. */
static struct boot_service *add(struct ipc_host *host, struct boot_service **table,
				const char *name)
{
	struct boot_service *service = mem_alloc(sizeof *service);

	if (!service)
		return NULL;
	snprintf(service->s_name, sizeof service->s_name, "%s", name);
	list_init(&service->s_wanted);
	service->s_table = table;
	HASH_ADD_STR(*table, s_name, service);
	if (!service->hh.tbl) {
		mem_free(service);
		return NULL;
	}
	list_init(&service->s_link);
	list_append(&host->h_service_list, &service->s_link);
	return service;
}

/* Takes a send right. */
static void link_port(struct boot_service *service, struct ipc_port *port)
{
	service->s_port = port;
	service->s_next = port->ip_service;
	port->ip_service = service;
}

static void unlink_port(struct ipc_host *host, struct boot_service *service)
{
	struct ipc_port *port = service->s_port;
	struct boot_service **link;

	if (!port)
		return;
	for (link = &port->ip_service; *link != service; link = &(*link)->s_next)
		;
	*link = service->s_next;
	service->s_port = NULL;
	ipc_port_release_send(host, port);
}

/* An entry that the task's user is charged for. */
static struct boot_service *add_for(struct ipc_host *host, struct boot_service **table,
				    const char *name, const struct ipc_task *task)
{
	struct boot_service *service;

	if (!ipc_user_charge(host, task->t_user, IPC_CHARGE_SERVICES, 1))
		return NULL;
	service = add(host, table, name);
	if (!service) {
		ipc_user_discharge(task->t_user, IPC_CHARGE_SERVICES, 1);
		return NULL;
	}
	service->s_user = ipc_user_ref(task->t_user);
	return service;
}

bool boot_enter(struct ipc_host *host, struct boot_service **table, const char *name,
		struct ipc_port *port, const struct ipc_task *task, bool checked_in)
{
	struct boot_service *service = add_for(host, table, name, task);

	if (!service)
		return false;
	service->s_checked_in = checked_in;
	link_port(service, port);
	return true;
}

struct boot_service *boot_create(struct ipc_host *host, struct boot_service **table,
				 const char *name, const struct ipc_task *task)
{
	struct boot_service *service = add_for(host, table, name, task);

	if (!service)
		return NULL;
	service->s_kept = service->s_checked_in = true;
	service->s_account = ipc_account_ref(task->t_account);
	if (boot_has_port(host, service))
		return service;
	boot_remove(host, service);
	return NULL;
}

bool boot_declared(const struct boot_service *service)
{
	return service->s_kept && !service->s_user;
}

struct boot_service *boot_keep(struct ipc_host *host, const char *name)
{
	struct boot_service *service = boot_find(host, name);

	if (service)
		return service;
	service = add(host, &host->h_services, name);
	if (service)
		service->s_kept = service->s_checked_in = true;
	return service;
}

bool boot_has_port(struct ipc_host *host, struct boot_service *service)
{
	struct ipc_port *port;

	if (service->s_port)
		return true;
	port = ipc_port_create(host, service->s_account);
	if (!port)
		return false;
	link_port(service, ipc_port_make_send(port));
	port->ip_mscount = 0; /* the registry's own right is none that the owner made */
	port->ip_place = IP_KEPT;
	return true;
}

bool boot_running(const struct boot_service *service)
{
	return service->s_port && service->s_port->ip_place != IP_KEPT;
}

/* Who the port is, or was, charged to: NULL if nobody is. */
static void set_account(struct ipc_port *port, struct ipc_account *account)
{
	struct ipc_account *old = port->ip_account;

	port->ip_account = account ? ipc_account_ref(account) : NULL;
	if (old)
		ipc_account_put(old);
}

/* While a created name's port is with the daemon, its maker pays, whatever his limit is by now. */
static void charge_maker(const struct boot_service *service)
{
	if (service->s_account)
		ipc_account_charge_always(service->s_account, IPC_CHARGE_PORTS, 1);
}

static void discharge_maker(const struct boot_service *service)
{
	if (service->s_account)
		ipc_account_discharge(service->s_account, IPC_CHARGE_PORTS, 1);
}

struct ipc_port *boot_hand_out(struct ipc_host *host, struct boot_service *service,
			       const struct ipc_task *task)
{
	struct ipc_port *port = service->s_port;

	discharge_maker(service); /* he does not need room for two */
	if (!ipc_account_charge(host, task->t_account, IPC_CHARGE_PORTS, 1)) {
		charge_maker(service);
		return NULL;
	}
	set_account(port, task->t_account);
	port->ip_place = IP_IN_LIMBO;
	boot_start_over(host, service, true);
	service->s_failed = false;
	return port;
}

void boot_drop_port(struct ipc_host *host, struct boot_service *service)
{
	struct ipc_port *port = service->s_port;

	if (!port || !service->s_kept || port->ip_place != IP_KEPT)
		return;
	port->ip_place = IP_IN_LIMBO; /* nobody is wanted for what its last sender leaves */
	discharge_maker(service);
	set_account(port, NULL);
	unlink_port(host, service);
	ipc_port_destroy(host, port);
}

static void forget_user(struct boot_service *service)
{
	if (!service->s_user)
		return;
	ipc_user_discharge(service->s_user, IPC_CHARGE_SERVICES, 1);
	ipc_user_put(service->s_user);
	service->s_user = NULL;
	if (service->s_account)
		ipc_account_put(service->s_account);
	service->s_account = NULL;
}

void boot_remove(struct ipc_host *host, struct boot_service *service)
{
	HASH_DEL(*service->s_table, service);
	ipc_place_move_service(host, &service->s_link);
	list_remove(&service->s_link);
	boot_drop_port(host, service);
	unlink_port(host, service);
	forget_user(service);
	boot_start_over(host, service, false);
	mem_free(service);
}

void boot_service_died(struct ipc_host *host, struct ipc_port *port)
{
	boot_subsets_end(host, port);
	while (port->ip_service) {
		if (boot_declared(port->ip_service))
			unlink_port(host, port->ip_service);
		else
			boot_remove(host, port->ip_service);
	}
}

bool boot_service_keeps(const struct ipc_host *host, const struct ipc_port *port)
{
	return boot_kept(port) && !host->h_stopping;
}

bool boot_service_back(struct ipc_host *host, struct ipc_port *port)
{
	struct boot_service *service = boot_kept(port);

	if (!boot_service_keeps(host, port))
		return false;
	ipc_account_discharge(port->ip_account, IPC_CHARGE_PORTS, 1);
	charge_maker(service);
	if (service->s_account)
		set_account(port, service->s_account);
	port->ip_place = IP_KEPT;
	if (port->ip_qlimit == 0) /* or nobody could ever ask for the service again */
		ipc_mqueue_set_qlimit(host, port, MACH_PORT_QLIMIT_DEFAULT);
	if (boot_start_due(host, service))
		boot_service_wanted(host, port);
	return true;
}

/* A new policy. */

bool boot_names_start(struct ipc_host *host, const struct boot_policy *policy)
{
	host->h_names = mem_alloc(sizeof *host->h_names);
	if (!host->h_names)
		return false;
	boot_policy_init(host->h_names);
	return !policy || boot_policy_copy(host->h_names, policy);
}

void boot_names_end(struct ipc_host *host)
{
	if (host->h_names)
		boot_policy_free(host->h_names);
	mem_free(host->h_names);
}

/* The name is no longer declared: it belongs to its holder like any other, or is removed. */
static void stop_keeping(struct ipc_host *host, struct boot_service *service)
{
	const struct ipc_port *port = service->s_port;
	const struct ipc_task *task =
		port && port->ip_place == IP_IN_SPACE ? port->ip_receiver->is_task : NULL;

	if (!task) {
		boot_remove(host, service);
		return;
	}
	service->s_kept = false;
	service->s_user = ipc_user_ref(task->t_user);
	ipc_user_charge_always(task->t_user, IPC_CHARGE_SERVICES, 1);
}

/* It is declared from now on; what waits on the port of a created one does so for who is started.
 */
static void begin_keeping(struct ipc_host *host, struct boot_service *service)
{
	service->s_kept = true;
	if (!boot_running(service)) {
		discharge_maker(service);
		set_account(service->s_port, NULL);
	}
	forget_user(service);
	if (!boot_running(service) && boot_start_due(host, service))
		boot_service_wanted(host, service->s_port);
}

void boot_names_set(struct ipc_host *host, const struct boot_policy *policy)
{
	struct boot_policy old = *host->h_names;
	struct boot_service *service;

	boot_policy_init(host->h_names);
	if (!boot_policy_copy(host->h_names, policy)) {
		*host->h_names = old;
		host->h_outbox->warn(host->h_outbox->context,
				     "there is no memory for the new rules for service names");
		return;
	}
	/* By the rules and not by the names: those may go together. */
	for (uint32_t i = 0; i < old.bp_head.bh_count; i++) {
		service = boot_find(host, old.bp_rules[i].br_service);
		if (service && boot_declared(service) &&
		    !boot_policy_declares(host->h_names, service->s_name))
			stop_keeping(host, service);
	}
	for (uint32_t i = 0; i < policy->bp_head.bh_count; i++) {
		service = boot_find(host, policy->bp_rules[i].br_service);
		if (service && !boot_declared(service) && service->s_checked_in &&
		    boot_policy_declares(host->h_names, service->s_name))
			begin_keeping(host, service);
	}
	boot_policy_free(&old);
}

void boot_forget_all(struct ipc_host *host)
{
	boot_subsets_forget(host);
	while (host->h_services) /* a name may take others of its port along */
		boot_remove(host, host->h_services);
}
