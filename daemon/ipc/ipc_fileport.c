/* SPDX-License-Identifier: Apache-2.0 */
/* Beginning and end of fileports and memory entries. */
#include "daemon/ipc/ipc_fileport.h"

#include "daemon/base/mem.h"
#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_port.h"
#include "daemon/ipc/ipc_user.h"

struct ipc_port *ipc_fileport_create(struct ipc_host *host, struct ipc_user *user, ipc_fd_t file)
{
	struct ipc_port *port;

	if (!ipc_user_charge(host, user, IPC_CHARGE_MEMFDS, 1))
		return NULL;
	port = ipc_port_create(host, user);
	if (!port) {
		ipc_user_discharge(user, IPC_CHARGE_MEMFDS, 1);
		return NULL;
	}
	port->ip_kind = IP_FILE;
	port->ip_place = IP_IN_DAEMON;
	port->ip_file = file;
	host->h_memfds++;
	return ipc_port_make_send(port);
}

struct ipc_port *ipc_memory_create(struct ipc_host *host, struct ipc_user *user, ipc_fd_t file,
				   const struct ipc_memory *memory)
{
	struct ipc_memory *own = mem_alloc(sizeof *own);
	struct ipc_port *right;

	if (!own || !ipc_user_charge(host, user, IPC_CHARGE_MEMORY, memory->im_charge)) {
		mem_free(own);
		return NULL;
	}
	right = ipc_fileport_create(host, user, file);
	if (!right) {
		ipc_user_discharge(user, IPC_CHARGE_MEMORY, memory->im_charge);
		mem_free(own);
		return NULL;
	}
	*own = *memory;
	right->ip_kind = IP_MEMORY;
	right->ip_memory = own;
	return right;
}

void ipc_fileport_orphaned(struct ipc_host *host, struct ipc_port *port)
{
	host->h_outbox->release(host->h_outbox->context, port->ip_file);
	port->ip_file = IPC_FD_NONE;
	host->h_memfds--;
	ipc_user_discharge(port->ip_user, IPC_CHARGE_MEMFDS, 1);
	if (port->ip_memory) {
		ipc_user_discharge(port->ip_user, IPC_CHARGE_MEMORY, port->ip_memory->im_charge);
		mem_free(port->ip_memory);
		port->ip_memory = NULL;
	}
	ipc_port_destroy(host, port);
}
