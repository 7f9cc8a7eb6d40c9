/* SPDX-License-Identifier: Apache-2.0 */
/* Beginning and end of fileports and memory entries. */
#include "daemon/ipc/ipc_fileport.h"

#include "daemon/base/mem.h"
#include "daemon/ipc/ipc_account.h"
#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_port.h"

struct ipc_port *ipc_fileport_create(struct ipc_host *host, struct ipc_account *payer,
				     ipc_fd_t file)
{
	struct ipc_port *port;

	if (!ipc_account_charge(host, payer, IPC_CHARGE_MEMFDS, 1))
		return NULL;
	port = ipc_port_create(host, payer);
	if (!port) {
		ipc_account_discharge(payer, IPC_CHARGE_MEMFDS, 1);
		return NULL;
	}
	port->ip_kind = IP_FILE;
	port->ip_place = IP_IN_DAEMON;
	port->ip_file = file;
	host->h_memfds++;
	return ipc_port_make_send(port);
}

struct ipc_port *ipc_memory_create(struct ipc_host *host, struct ipc_account *payer, ipc_fd_t file,
				   const struct ipc_memory *memory)
{
	struct ipc_memory *own = mem_alloc(sizeof *own);
	struct ipc_port *right;

	if (!own || !ipc_account_charge(host, payer, IPC_CHARGE_MEMORY, memory->im_charge)) {
		mem_free(own);
		return NULL;
	}
	right = ipc_fileport_create(host, payer, file);
	if (!right) {
		ipc_account_discharge(payer, IPC_CHARGE_MEMORY, memory->im_charge);
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
	ipc_account_discharge(port->ip_account, IPC_CHARGE_MEMFDS, 1);
	if (port->ip_memory) {
		ipc_account_discharge(port->ip_account, IPC_CHARGE_MEMORY,
				      port->ip_memory->im_charge);
		mem_free(port->ip_memory);
		port->ip_memory = NULL;
	}
	ipc_port_destroy(host, port);
}
