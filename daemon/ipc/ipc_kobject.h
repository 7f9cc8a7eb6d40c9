/* SPDX-License-Identifier: Apache-2.0 */
/* Messages to the daemon's own ports [29]. */
#pragma once

#include "daemon/ipc/ipc_types.h"

/*
 * Handle a message of a thread whose destination is a port of the daemon's own, and reply if it
 * names a reply right; takes the message. A reply to a send right may find the queue full: if the
 * thread waits it is left in th_kmsg, else it is destroyed.
 */
void ipc_kobject_server(struct ipc_host *host, struct ipc_thread *thread, struct ipc_kmsg *kmsg,
			bool waits);

/* The work behind that (ipc_work.h): the request is destroyed; the reply is sent. */
void ipc_kobject_served_step(struct ipc_host *host, struct ipc_kmsg *kmsg);
void ipc_kobject_reply_step(struct ipc_host *host, struct ipc_kmsg *reply);
