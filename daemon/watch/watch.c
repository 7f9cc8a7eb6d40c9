/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The WATCH frame: pages of the tables that machctl shows (protocol/watch.h). Looking changes
 * nothing. Who asks sees tasks of its own uid; root and the daemon's owner see all.
 */
#include <string.h>

#include "daemon/boot/registry.h"
#include "daemon/ipc/ipc_answer.h"
#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_importance.h"
#include "daemon/ipc/ipc_port.h"
#include "daemon/ipc/ipc_pset.h"
#include "daemon/ipc/ipc_qos.h"
#include "daemon/ipc/ipc_space.h"
#include "daemon/ipc/ipc_task.h"
#include "daemon/ipc/ipc_thread.h"
#include "daemon/ipc/ipc_trace.h"
#include "daemon/ipc/ipc_user.h"
#include "daemon/trap/trap_internal.h"
#include "protocol/watch.h"

/* Bytes of records in one answer, and entries looked at for one: a page costs a bounded time. */
#define PAGE_BYTES   65536
#define PAGE_ENTRIES 4096

struct page {
	struct ipc_host *p_host;
	struct ipc_thread *p_thread;
	const struct machd_watch *p_request;
	struct machd_watch_answer p_answer;
	uint8_t *p_records;
	size_t p_size;
};

static bool page_full(const struct page *page)
{
	return page->p_size + page->p_answer.record_size > PAGE_BYTES;
}

static void page_add(struct page *page, const void *record)
{
	memcpy(page->p_records + page->p_size, record, page->p_answer.record_size);
	page->p_size += page->p_answer.record_size;
}

static bool may_see(const struct page *page, uint32_t uid)
{
	uint32_t own = page->p_thread->th_user->u_uid;

	return own == 0 || own == page->p_host->h_owner_uid || own == uid;
}

static bool wanted(const struct page *page, const struct ipc_task *task)
{
	if (page->p_request->pid != 0 && page->p_request->pid != task->t_pid)
		return false;
	return may_see(page, task->t_user->u_uid);
}

static void count_entry(struct machd_watch_task *record, const struct ipc_entry *entry)
{
	uint32_t type = entry->ie_type;

	record->names += type != 0;
	record->receive += (type & MACH_PORT_TYPE_RECEIVE) != 0;
	record->send += (type & MACH_PORT_TYPE_SEND) != 0;
	record->send_once += (type & MACH_PORT_TYPE_SEND_ONCE) != 0;
	record->sets += (type & MACH_PORT_TYPE_PORT_SET) != 0;
	record->dead += (type & MACH_PORT_TYPE_DEAD_NAME) != 0;
	if (type & MACH_PORT_TYPE_RECEIVE) {
		record->queued += entry->ie_port->ip_msgcount;
		record->queued_bytes += entry->ie_port->ip_bytes;
	}
}

static void add_task(struct page *page, const struct ipc_task *task)
{
	struct machd_watch_task record = {
		.id = task->t_id,
		.pid = task->t_pid,
		.uid = task->t_user->u_uid,
		.gid = task->t_gid,
		.channels = task->t_thread_count,
		.sent = task->t_sent,
		.received = task->t_received,
		.violations = task->t_violations,
		.boosts = task->t_boosts < UINT32_MAX ? (uint32_t)task->t_boosts : UINT32_MAX,
		.donor = task->t_donor,
	};

	for (uint32_t i = 1; i < task->t_space->is_size; i++)
		count_entry(&record, &task->t_space->is_table[i]);
	LIST_FOR_EACH (node, &task->t_threads)
		record.waiting +=
			list_entry(node, struct ipc_thread, th_task_link)->th_state != TH_IDLE;
	page_add(page, &record);
}

/* Tasks from the one with id `task` on, at most so many that their tables are one page's work. */
static void list_tasks(struct page *page)
{
	uint32_t looked_at = 0;

	page->p_answer.record_size = sizeof(struct machd_watch_task);
	LIST_FOR_EACH (node, &page->p_host->h_tasks) {
		const struct ipc_task *task = list_entry(node, struct ipc_task, t_link);

		if (task->t_id < page->p_request->task || !wanted(page, task))
			continue;
		if (page_full(page) || looked_at > PAGE_ENTRIES) {
			page->p_answer.next_task = task->t_id;
			return;
		}
		looked_at += task->t_space->is_size;
		add_task(page, task);
	}
}

static uint32_t list_length(const struct list *list)
{
	uint32_t length = 0;

	LIST_FOR_EACH (node, list)
		length++;
	return length;
}

static const struct ipc_task *receiver_of(const struct ipc_port *port)
{
	if (port->ip_place != IP_IN_SPACE)
		return NULL;
	return port->ip_receiver->is_task;
}

static uint32_t kind_of(const struct ipc_port *port)
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
	case IP_PLAIN:
		break;
	}
	return MACHD_WATCH_PLAIN;
}

static void describe_port(struct machd_watch_port *record, const struct ipc_port *port)
{
	const struct ipc_task *receiver = receiver_of(port);

	record->object = port->ip_id;
	record->kind = kind_of(port);
	record->qlimit = port->ip_qlimit;
	record->msgcount = port->ip_msgcount;
	record->seqno = port->ip_seqno;
	record->mscount = port->ip_mscount;
	record->srights = port->ip_srights;
	record->sorights = port->ip_sorights;
	record->waiters = list_length(&port->ip_receivers);
	record->boosts = ipc_importance_of(port);
	record->override = ipc_qos_of_head(&port->ip_messages);
	record->blocked_senders = ipc_senders_count(&port->ip_senders);
	record->flags |= (port->ip_nsrequest ? MACHD_WATCH_NSREQUEST : 0) |
			 (port->ip_pdrequest ? MACHD_WATCH_PDREQUEST : 0) |
			 (list_empty(&port->ip_members) ? 0 : MACHD_WATCH_IN_SET) |
			 (port->ip_accepts_importance ? MACHD_WATCH_IMPORTANCE : 0) |
			 (port->ip_tempowner ? MACHD_WATCH_TEMPOWNER : 0);
	if (receiver) {
		record->receiver_task = receiver->t_id;
		record->receiver_pid = receiver->t_pid;
		record->receiver_name = port->ip_name;
	}
	if (port->ip_service)
		memcpy(record->service, port->ip_service->s_name, sizeof record->service);
}

static void add_entry(struct page *page, const struct ipc_task *task, const struct ipc_entry *entry)
{
	struct machd_watch_port record = {
		.task = task->t_id,
		.pid = task->t_pid,
		.name = ipc_entry_name(task->t_space, entry),
		.type = entry->ie_type,
		.urefs = entry->ie_urefs,
		.kind = MACHD_WATCH_DEAD,
	};

	if (entry->ie_type & MACH_PORT_TYPE_PORT_RIGHTS) {
		if (entry->ie_request)
			record.flags |= MACHD_WATCH_DNREQUEST;
		if (ipc_port_active(entry->ie_port))
			describe_port(&record, entry->ie_port);
		else
			record.type = MACH_PORT_TYPE_DEAD_NAME;
	} else if (entry->ie_type == MACH_PORT_TYPE_PORT_SET) {
		record.kind = MACHD_WATCH_SET;
		record.object = entry->ie_pset->ps_id;
		record.waiters = list_length(&entry->ie_pset->ps_receivers);
	}
	page_add(page, &record);
}

/* Entries of one task from index `from` on. True when all were shown. */
static bool list_entries(struct page *page, const struct ipc_task *task, uint64_t from,
			 uint32_t *looked_at)
{
	for (uint64_t i = from ? from : 1; i < task->t_space->is_size; i++) {
		const struct ipc_entry *entry = &task->t_space->is_table[i];

		if (page_full(page) || ++*looked_at > PAGE_ENTRIES) {
			page->p_answer.next_task = task->t_id;
			page->p_answer.next_index = i;
			return false;
		}
		if (entry->ie_type != 0)
			add_entry(page, task, entry);
	}
	return true;
}

static void list_ports(struct page *page)
{
	const struct machd_watch *request = page->p_request;
	uint32_t looked_at = 0;

	page->p_answer.record_size = sizeof(struct machd_watch_port);
	LIST_FOR_EACH (node, &page->p_host->h_tasks) {
		const struct ipc_task *task = list_entry(node, struct ipc_task, t_link);
		uint64_t from = task->t_id == request->task ? request->index : 0;

		if (task->t_id < request->task || !wanted(page, task))
			continue;
		if (!list_entries(page, task, from, &looked_at))
			return;
	}
}

static void add_name(struct page *page, const struct boot_service *service)
{
	const struct ipc_task *owner = receiver_of(service->s_port);
	struct machd_watch_name record = {
		.object = service->s_port->ip_id,
		.owner_task = owner ? owner->t_id : 0,
		.owner_pid = owner ? owner->t_pid : 0,
		.uid = service->s_user->u_uid,
		.checked_in = service->s_checked_in,
	};

	memcpy(record.service, service->s_name, sizeof record.service);
	page_add(page, &record);
}

/* Names from the one numbered `index` on, in the order they were entered. */
static void list_names(struct page *page)
{
	const struct boot_service *service = page->p_host->h_services;
	uint64_t index = 0;

	page->p_answer.record_size = sizeof(struct machd_watch_name);
	for (; service; service = service->hh.next, index++) {
		if (index < page->p_request->index || !may_see(page, service->s_user->u_uid))
			continue;
		if (page_full(page)) {
			page->p_answer.next_index = index;
			return;
		}
		add_name(page, service);
	}
}

/* Who asks sees messages from and to tasks of its own uid. */
static bool may_see_message(const struct page *page, const struct machd_watch_message *message)
{
	uint32_t pid = (uint32_t)page->p_request->pid;

	if (pid != 0 && pid != message->sender_pid && pid != message->receiver_pid)
		return false;
	return may_see(page, message->sender_uid) || may_see(page, message->receiver_uid);
}

/* The trace from record number `index` on; with 0 only what number comes next. */
static void list_messages(struct page *page)
{
	struct ipc_host *host = page->p_host;
	const struct machd_watch_message *message;
	uint64_t number = page->p_request->index;

	page->p_answer.record_size = sizeof *message;
	if (!ipc_trace_begin(host, page->p_thread)) {
		page->p_answer.code = KERN_RESOURCE_SHORTAGE;
		return;
	}
	if (number == 0)
		number = host->h_trace->tr_next;
	for (unsigned looked_at = 0; looked_at < PAGE_ENTRIES && !page_full(page); looked_at++) {
		message = ipc_trace_read(host, number);
		if (!message)
			break;
		page->p_answer.next_task += message->number - number;
		number = message->number + 1;
		if (may_see_message(page, message))
			page_add(page, message);
	}
	page->p_answer.next_index = number;
}

const char *trap_watch(struct ipc_host *host, struct ipc_thread *thread,
		       const struct trap_packet *packet)
{
	struct machd_watch request;
	struct page page = {.p_host = host, .p_thread = thread, .p_request = &request};
	uint8_t *payload = ipc_answer_payload(host, thread);

	if (packet->tp_size != sizeof request)
		return "its watch request has the wrong size";
	memcpy(&request, packet->tp_bytes, sizeof request);
	page.p_records = payload + sizeof page.p_answer;
	switch (request.table) {
	case MACHD_WATCH_TASKS:
		list_tasks(&page);
		break;
	case MACHD_WATCH_PORTS:
		list_ports(&page);
		break;
	case MACHD_WATCH_NAMES:
		list_names(&page);
		break;
	case MACHD_WATCH_MESSAGES:
		list_messages(&page);
		break;
	default:
		page.p_answer.code = KERN_INVALID_ARGUMENT;
		break;
	}
	memcpy(payload, &page.p_answer, sizeof page.p_answer);
	ipc_answer_send(host, thread, MACHD_OP_WATCH, sizeof page.p_answer + page.p_size, 0, NULL,
			0);
	return NULL;
}
