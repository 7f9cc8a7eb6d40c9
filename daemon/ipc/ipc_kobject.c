/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages to the daemon's own ports [29]. They are handled at once, within their sender's request,
 * by daemon/trap, which the host calls through o_kobject_server. Then, in this order: what the
 * routine destroyed is cleared away, the message is destroyed, and the reply is sent. Without
 * memory for a reply the reply right is destroyed with the message.
 */
#include "daemon/ipc/ipc_kobject.h"

#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_kmsg.h"
#include "daemon/ipc/ipc_mqueue.h"
#include "daemon/ipc/ipc_port.h"
#include "daemon/ipc/ipc_task.h"
#include "daemon/ipc/ipc_thread.h"

/* A reply goes to a queue of a task, never to the daemon. */
static bool replies_to(const struct ipc_port *port)
{
	return IP_VALID(port) && ipc_port_active(port) && port->ip_place != IP_IN_DAEMON;
}

/* A reply is charged to the receiver; if the daemon keeps the reply port, to the caller. */
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

/* Queue the message as work of this kind, which is done after what earlier kinds destroy. */
static void put_behind(struct ipc_host *host, struct ipc_kmsg *kmsg, enum ipc_work_kind kind)
{
	ipc_kmsg_sign(host, kmsg);
	kmsg->ikm_work.w_kind = kind;
	ipc_work_add(host, &kmsg->ikm_work);
}

void ipc_kobject_server(struct ipc_host *host, struct ipc_thread *thread, struct ipc_kmsg *kmsg,
			bool waits)
{
	struct ikm_header *header = &kmsg->ikm_header;
	struct ipc_port *port = header->ikm_reply;
	struct ipc_kmsg *reply;

	header->ikm_dest->ip_seqno++;
	header->ikm_reply = IP_NULL;
	reply = host->h_ops->o_kobject_server(host, thread, kmsg, payer_of(thread, port));
	if (reply) {
		reply->ikm_caller = waits ? thread->th_id : 0;
		reply->ikm_header.ikm_dest = port;
		reply->ikm_header.ikm_dest_type = header->ikm_reply_type;
		put_behind(host, reply, IPC_WORK_REPLY);
	} else {
		header->ikm_reply = port;
	}
	put_behind(host, kmsg, IPC_WORK_SERVED);
	ipc_work_run(host);
}

void ipc_kobject_served_step(struct ipc_host *host, struct ipc_kmsg *kmsg)
{
	kmsg->ikm_work.w_kind = IPC_WORK_KMSG;
	ipc_kmsg_destroy(host, kmsg);
}

/* The queue is full: leave the reply to the thread that waits with it, if it is still there. */
static void leave(struct ipc_host *host, struct ipc_kmsg *reply)
{
	struct ipc_thread *thread = NULL;

	if (reply->ikm_caller)
		thread = ipc_thread_find(host, reply->ikm_caller);
	if (thread)
		thread->th_kmsg = reply;
	else
		ipc_kmsg_destroy(host, reply);
}

void ipc_kobject_reply_step(struct ipc_host *host, struct ipc_kmsg *reply)
{
	struct ipc_port *port = reply->ikm_header.ikm_dest;
	bool once = reply->ikm_header.ikm_dest_type == MACH_MSG_TYPE_PORT_SEND_ONCE;
	mach_msg_return_t code = MACH_SEND_INVALID_DEST;

	if (!ipc_kmsg_check_signature(host, reply))
		return;
	reply->ikm_work.w_kind = IPC_WORK_KMSG;
	if (replies_to(port) && set_destinations(host, reply, port))
		code = ipc_mqueue_send(host, reply, once ? IPC_MQUEUE_ALWAYS : IPC_MQUEUE_BOUND);
	if (code == MACH_SEND_TIMED_OUT)
		leave(host, reply);
	else if (code != MACH_MSG_SUCCESS)
		ipc_kmsg_destroy(host, reply);
}
