/* SPDX-License-Identifier: Apache-2.0 */
/* The table of service names. */
#include "daemon/boot/registry.h"

#include <stdio.h>

#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_port.h"
#include "daemon/ipc/ipc_task.h"
#include "daemon/ipc/ipc_user.h"

struct boot_service *boot_find(struct ipc_host *host, const char *name)
{
	struct boot_service *service;

	HASH_FIND_STR(host->h_services, name, service);
	return service;
}

bool boot_enter(struct ipc_host *host, const char *name, struct ipc_port *port,
		const struct ipc_task *task, bool checked_in)
{
	struct boot_service *service = mem_alloc(sizeof *service);

	if (!service)
		return false;
	if (!ipc_user_charge(host, task->t_user, IPC_CHARGE_SERVICES, 1)) {
		mem_free(service);
		return false;
	}
	snprintf(service->s_name, sizeof service->s_name, "%s", name);
	HASH_ADD_STR(host->h_services, s_name, service);
	if (!service->hh.tbl) {
		ipc_user_discharge(task->t_user, IPC_CHARGE_SERVICES, 1);
		mem_free(service);
		return false;
	}
	service->s_port = port;
	service->s_user = ipc_user_ref(task->t_user);
	service->s_checked_in = checked_in;
	service->s_next = port->ip_service;
	port->ip_service = service;
	return true;
}

void boot_remove(struct ipc_host *host, struct boot_service *service)
{
	struct ipc_port *port = service->s_port;
	struct boot_service **link = &port->ip_service;

	while (*link != service)
		link = &(*link)->s_next;
	*link = service->s_next;
	HASH_DEL(host->h_services, service);
	ipc_user_discharge(service->s_user, IPC_CHARGE_SERVICES, 1);
	ipc_user_put(service->s_user);
	mem_free(service);
	ipc_port_release_send(host, port);
}

void boot_service_died(struct ipc_host *host, struct ipc_port *port)
{
	while (port->ip_service)
		boot_remove(host, port->ip_service);
}

void boot_forget_all(struct ipc_host *host)
{
	struct boot_service *service, *next;

	HASH_ITER(hh, host->h_services, service, next)
	boot_remove(host, service);
}
