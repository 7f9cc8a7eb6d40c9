/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages to the daemon's own ports [29]. They are handled at once, in their sender's request;
 * what they ask for is the business of daemon/trap, which the host knows as h_kobject_server. Here
 * the message is received, taken apart afterwards, and the reply sent.
 */
#include "daemon/ipc/ipc_kobject.h"

#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_kmsg.h"
#include "daemon/ipc/ipc_mqueue.h"
#include "daemon/ipc/ipc_port.h"
#include "daemon/ipc/ipc_right.h"
#include "daemon/ipc/ipc_task.h"
#include "daemon/ipc/ipc_thread.h"

/* A reply goes to a queue of a task, never to the daemon. */
static bool replies_to(const struct ipc_port *port)
{
	return IP_VALID(port) && ipc_port_active(port) && port->ip_place != IP_IN_DAEMON;
}

/* Who pays for a reply: whose the queue is; or, for one that the daemon keeps, who asked. */
static struct ipc_account *payer_of(const struct ipc_thread *thread, const struct ipc_port *port)
{
	if (!replies_to(port))
		return NULL;
	return port->ip_place == IP_KEPT ? thread->th_task->t_account : port->ip_account;
}

/* Receive rights in the reply are on their way. False: one is that of the reply's own queue. */
static bool set_destinations(struct ipc_host *host, struct ipc_kmsg *reply, struct ipc_port *dest)
{
	bool good = true;

	for (uint32_t i = 0; i < reply->ikm_header.ikm_descriptors; i++) {
		const struct ikm_descriptor *desc = &reply->ikm_desc[i];
		struct ipc_port *port = IP_NULL;

		if (desc->d_disposition == MACH_MSG_TYPE_PORT_RECEIVE)
			port = reply->ikm_rights[desc->d_first].r_port;
		if (IP_VALID(port))
			good &= ipc_port_set_destination(host, port, dest);
	}
	return good;
}

/* Send the reply to a right, which is taken. If that cannot be done at once, it is destroyed. */
static void send_reply(struct ipc_host *host, struct ipc_kmsg *reply, struct ipc_port *port,
		       uint8_t type)
{
	bool once = type == MACH_MSG_TYPE_PORT_SEND_ONCE;
	bool good = replies_to(port) && set_destinations(host, reply, port);

	reply->ikm_header.ikm_dest = port;
	reply->ikm_header.ikm_dest_type = type;
	ipc_kmsg_sign(host, reply);
	if (!good || ipc_mqueue_send(host, reply, once ? IPC_MQUEUE_ALWAYS : IPC_MQUEUE_BOUND) !=
			     MACH_MSG_SUCCESS)
		ipc_kmsg_destroy(host, reply);
}

void ipc_kobject_server(struct ipc_host *host, struct ipc_thread *thread, struct ipc_kmsg *kmsg)
{
	struct ikm_header *header = &kmsg->ikm_header;
	struct ipc_port *port = header->ikm_reply;
	uint8_t type = header->ikm_reply_type;
	struct ipc_kmsg *reply;

	header->ikm_dest->ip_seqno++;
	header->ikm_reply = IP_NULL;
	reply = host->h_kobject_server(host, thread, kmsg, payer_of(thread, port));
	ipc_kmsg_sign(host, kmsg);
	ipc_kmsg_destroy(host, kmsg);
	if (reply)
		send_reply(host, reply, port, type);
	else
		ipc_right_destroy_naked(host, port, type);
}
