/* SPDX-License-Identifier: Apache-2.0 */
/* Beginning and end of fileports. */
#include "daemon/ipc/ipc_fileport.h"

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

void ipc_fileport_orphaned(struct ipc_host *host, struct ipc_port *port)
{
	host->h_outbox->release(host->h_outbox->context, port->ip_file);
	port->ip_file = IPC_FD_NONE;
	host->h_memfds--;
	ipc_user_discharge(port->ip_user, IPC_CHARGE_MEMFDS, 1);
	ipc_port_destroy(host, port);
}
