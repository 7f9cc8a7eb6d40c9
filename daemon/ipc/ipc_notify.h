/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Notifications: messages of the daemon itself, sent to send-once rights that users gave it [14].
 * They carry the daemon's tokens, which no client's message can. Each call takes the right, and
 * none needs memory: ipc_owed.h.
 */
#pragma once

#include "daemon/ipc/ipc_types.h"

void ipc_notify_port_deleted(struct ipc_host *host, struct ipc_port *notify, mach_port_name_t name);
void ipc_notify_send_possible(struct ipc_host *host, struct ipc_port *notify,
			      mach_port_name_t name);
void ipc_notify_dead_name(struct ipc_host *host, struct ipc_port *notify, mach_port_name_t name);
void ipc_notify_no_senders(struct ipc_host *host, struct ipc_port *notify,
			   mach_port_mscount_t mscount);

/* A bare header with that id. */
void ipc_notify_event(struct ipc_host *host, struct ipc_port *right, uint32_t id);

/* A send-once right was destroyed unused: it is itself where the notification goes [14.4]. */
void ipc_notify_send_once(struct ipc_host *host, struct ipc_port *right);

/*
 * The receive right to `port`, in limbo and with its reference, goes to `notify`. False if that is
 * dead: only the right to it was taken.
 */
bool ipc_notify_port_destroyed(struct ipc_host *host, struct ipc_port *notify,
			       struct ipc_port *port);
