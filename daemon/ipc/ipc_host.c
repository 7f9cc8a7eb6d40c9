/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ids and random numbers of a host, its own ports, and notifications of changes of the time of day.
 */
#include "daemon/ipc/ipc_host.h"

#include "daemon/ipc/ipc_notify.h"
#include "daemon/ipc/ipc_port.h"
#include "daemon/ipc/ipc_right.h"

uint64_t ipc_host_id(struct ipc_host *host)
{
	return ++host->h_last_id;
}

/* A counter run through a mixing function: small state, and good enough to shuffle names. */
uint64_t ipc_host_random(struct ipc_host *host)
{
	uint64_t x = host->h_random += 0x9e3779b97f4a7c15u;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

/* Where the ports are, in the order of their ids. */
static struct ipc_port **own_port(struct ipc_host *host, unsigned index, enum ipc_port_kind *kind)
{
	switch (index) {
	case 0:
		*kind = IP_HOST;
		return &host->h_host_port;
	case 1:
		*kind = IP_BOOTSTRAP;
		return &host->h_bootstrap_port;
	case 2:
		*kind = IP_HOST_PRIV;
		return &host->h_host_priv_port;
	}
	*kind = IP_CLOCK;
	return &host->h_clocks[index - 3];
}

bool ipc_host_make_ports(struct ipc_host *host)
{
	for (unsigned i = 0; i < IPC_HOST_PORTS; i++) {
		enum ipc_port_kind kind;
		struct ipc_port **port = own_port(host, i, &kind);

		*port = ipc_port_create_special(host, kind);
		if (!*port)
			return false;
	}
	return true;
}

void ipc_host_end(struct ipc_host *host)
{
	enum ipc_port_kind kind;

	for (unsigned i = 0; i <= HOST_MAX_SPECIAL_PORT; i++)
		ipc_right_destroy_naked(host, host->h_special[i], MACH_MSG_TYPE_PORT_SEND);
	for (unsigned i = 0; i < IPC_HOST_PORTS; i++)
		if (*own_port(host, i, &kind))
			ipc_port_destroy(host, *own_port(host, i, &kind));
}

kern_return_t ipc_host_notify(struct ipc_host *host, uint32_t type, struct ipc_port *notify)
{
	if (!ipc_port_active(notify) || !list_empty(&notify->ip_host_link))
		return KERN_INVALID_CAPABILITY;
	notify->ip_immovable = true;
	list_append(&host->h_notify[type], &notify->ip_host_link);
	return KERN_SUCCESS;
}

void ipc_host_notify_cancel(struct ipc_host *host, struct ipc_port *port)
{
	if (list_empty(&port->ip_host_link))
		return;
	list_remove(&port->ip_host_link);
	ipc_port_release_sonce(host, port);
}

void ipc_host_set_calendar(struct ipc_host *host, uint64_t calendar)
{
	static const uint32_t ids[] = {HOST_CALENDAR_CHANGED_REPLYID, HOST_CALENDAR_SET_REPLYID};

	host->h_calendar = calendar;
	for (unsigned i = 0; i <= HOST_NOTIFY_TYPE_MAX; i++) {
		while (!list_empty(&host->h_notify[i])) {
			struct ipc_port *port =
				list_first(&host->h_notify[i], struct ipc_port, ip_host_link);

			list_remove(&port->ip_host_link);
			ipc_notify_event(host, port, ids[i]);
		}
	}
}
