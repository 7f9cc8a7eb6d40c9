/* SPDX-License-Identifier: Apache-2.0 */
/* Pages of ports themselves: those with messages in their queues, or a single one. */
#include <string.h>

#include "daemon/boot/registry.h"
#include "daemon/ipc/ipc_account.h"
#include "daemon/ipc/ipc_importance.h"
#include "daemon/ipc/ipc_kmsg.h"
#include "daemon/ipc/ipc_port.h"
#include "daemon/ipc/ipc_qos.h"
#include "daemon/ipc/ipc_space.h"
#include "daemon/ipc/ipc_task.h"
#include "daemon/ipc/ipc_thread.h"
#include "daemon/ipc/ipc_trace.h"
#include "daemon/ipc/ipc_user.h"
#include "daemon/watch/page.h"

uint32_t watch_kind(const struct ipc_port *port)
{
	switch (port->ip_kind) {
	case IP_TASK:
	case IP_TASK_READ:
	case IP_TASK_INSPECT:
	case IP_TASK_NAME:
		return MACHD_WATCH_TASK_PORT;
	case IP_HOST:
	case IP_HOST_PRIV:
		return MACHD_WATCH_HOST_PORT;
	case IP_BOOTSTRAP:
		return MACHD_WATCH_BOOTSTRAP_PORT;
	case IP_SEMAPHORE:
		return MACHD_WATCH_SEMAPHORE;
	case IP_TIMER:
		return MACHD_WATCH_TIMER;
	case IP_EVENTLINK:
		return MACHD_WATCH_EVENTLINK;
	case IP_CLOCK:
		return MACHD_WATCH_CLOCK;
	case IP_THREAD:
		return MACHD_WATCH_THREAD_PORT;
	case IP_VOUCHER:
		return MACHD_WATCH_VOUCHER;
	case IP_FILE:
		return MACHD_WATCH_FILEPORT;
	case IP_MEMORY:
		return MACHD_WATCH_MEMORY_ENTRY;
	case IP_PLAIN:
		break;
	}
	return MACHD_WATCH_PLAIN;
}

const struct ipc_task *watch_receiver(const struct ipc_port *port)
{
	return port->ip_place == IP_IN_SPACE ? port->ip_receiver->is_task : NULL;
}

uint32_t watch_flags(const struct ipc_port *port)
{
	return (port->ip_nsrequest ? MACHD_WATCH_NSREQUEST : 0) |
	       (port->ip_pdrequest ? MACHD_WATCH_PDREQUEST : 0) |
	       (list_empty(&port->ip_members) ? 0 : MACHD_WATCH_IN_SET) |
	       (port->ip_accepts_importance ? MACHD_WATCH_IMPORTANCE : 0) |
	       (port->ip_tempowner ? MACHD_WATCH_TEMPOWNER : 0) |
	       (port->ip_guarded ? MACHD_WATCH_GUARDED : 0) |
	       (port->ip_strict ? MACHD_WATCH_STRICT : 0) |
	       (port->ip_immovable ? MACHD_WATCH_IMMOVABLE : 0) |
	       (port->ip_reply_port ? MACHD_WATCH_REPLY : 0) |
	       (port->ip_special_reply ? MACHD_WATCH_SPECIAL : 0) |
	       (port->ip_service_port ? MACHD_WATCH_SERVICE : 0) |
	       (port->ip_connection ? MACHD_WATCH_CONNECTION : 0) |
	       (port->ip_filtered ? MACHD_WATCH_FILTERED : 0) |
	       (list_empty(&port->ip_knotes) ? 0 : MACHD_WATCH_EVENTS);
}

static uint32_t place_of(const struct ipc_port *port)
{
	switch (port->ip_place) {
	case IP_IN_SPACE:
		return MACHD_WATCH_IN_TASK;
	case IP_IN_TRANSIT:
		return MACHD_WATCH_IN_MESSAGE;
	case IP_IN_LIMBO:
	case IP_IN_DAEMON:
	case IP_KEPT:
		return MACHD_WATCH_IN_DAEMON;
	case IP_NOWHERE:
		break;
	}
	return MACHD_WATCH_NOWHERE;
}

/* Whose the port is. */
static uint32_t uid_of(const struct ipc_port *port)
{
	const struct ipc_task *task = watch_receiver(port);

	if (!task && port->ip_kind == IP_TASK)
		task = port->ip_task;
	if (task)
		return task->t_user->u_uid;
	if (!port->ip_account || port->ip_place == IP_KEPT)
		return MACHD_WATCH_NO_UID;
	return port->ip_account->ac_user->u_uid;
}

/* Its first message. */
static void describe_head(struct machd_watch_queue *record, const struct ipc_host *host,
			  const struct ipc_port *port)
{
	const struct ipc_kmsg *kmsg =
		list_first(&port->ip_messages, struct ipc_kmsg, ikm_work.w_link);

	if (!kmsg)
		return;
	record->age = host->h_now - kmsg->ikm_since;
	record->head_id = kmsg->ikm_header.ikm_msgh_id;
	record->head_pid = (int32_t)kmsg->ikm_header.ikm_audit.val[IPC_AUDIT_PID];
}

static void add_queue(struct page *page, const struct ipc_port *port)
{
	const struct ipc_task *receiver = watch_receiver(port);
	struct machd_watch_queue record = {
		.object = port->ip_id,
		.bytes = port->ip_bytes,
		.uid = uid_of(port),
		.kind = watch_kind(port),
		.place = place_of(port),
		.flags = watch_flags(port),
		.qlimit = port->ip_qlimit,
		.msgcount = port->ip_msgcount,
		.seqno = port->ip_seqno,
		.mscount = port->ip_mscount,
		.srights = port->ip_srights,
		.sorights = port->ip_sorights,
		.blocked_senders = port->ip_sending,
		.waiters = port->ip_waiting,
		.sets = port->ip_member_count,
		.requests = port->ip_requests.rs_armed,
		.override = ipc_qos_of_head(&port->ip_messages),
		.boosts = ipc_importance_of(port),
	};

	describe_head(&record, page->p_host, port);
	if (receiver) {
		record.receiver_task = receiver->t_id;
		record.receiver_pid = receiver->t_pid;
		record.receiver_name = port->ip_name;
	}
	if (port->ip_place == IP_IN_TRANSIT)
		record.destination = port->ip_destination->ip_id;
	if (port->ip_service)
		memcpy(record.service, port->ip_service->s_name, sizeof record.service);
	page_add(page, &record);
}

/* The daemon's own ports are no secret: everybody has rights to them. */
static bool sees_port(const struct page *page, const struct ipc_port *port)
{
	const struct ipc_task *receiver = watch_receiver(port);

	if (page->p_request->pid && (!receiver || receiver->t_pid != page->p_request->pid))
		return false;
	if (port->ip_kind == IP_HOST || port->ip_kind == IP_BOOTSTRAP || port->ip_kind == IP_CLOCK)
		return true;
	return page_sees(page, uid_of(port));
}

static bool wants_port(const struct page *page, const struct ipc_port *port)
{
	uint64_t object = page->p_request->object;

	if (object ? port->ip_id != object : port->ip_msgcount == 0 && port->ip_sending == 0)
		return false;
	return sees_port(page, port);
}

void watch_queues(struct page *page)
{
	struct list *ports = &page->p_host->h_ports, *node = ports->next;
	bool first;

	if (!page_begin(page, &first))
		return;
	for (node = first ? node : page->p_place->pl_port; node != ports; node = node->next) {
		const struct ipc_port *port = list_entry(node, struct ipc_port, ip_link);

		if (!page_goes_far(page)) {
			page->p_place->pl_port = node;
			page_more(page);
			return;
		}
		if (wants_port(page, port))
			add_queue(page, port);
	}
	page_done(page);
}
