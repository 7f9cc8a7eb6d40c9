/* SPDX-License-Identifier: Apache-2.0 */
/* Pages of tasks, of the names in their spaces, of threads that wait, and of messages traced. */
#include <string.h>

#include "daemon/boot/registry.h"
#include "daemon/ipc/ipc_importance.h"
#include "daemon/ipc/ipc_kmsg.h"
#include "daemon/ipc/ipc_port.h"
#include "daemon/ipc/ipc_pset.h"
#include "daemon/ipc/ipc_qos.h"
#include "daemon/ipc/ipc_source.h"
#include "daemon/ipc/ipc_space.h"
#include "daemon/ipc/ipc_task.h"
#include "daemon/ipc/ipc_thread.h"
#include "daemon/ipc/ipc_trace.h"
#include "daemon/ipc/ipc_user.h"
#include "daemon/watch/page.h"

static uint32_t cut(uint64_t number)
{
	return number < UINT32_MAX ? (uint32_t)number : UINT32_MAX;
}

static void add_task(struct page *page, const struct ipc_task *task)
{
	const struct ipc_space *space = task->t_space;
	struct machd_watch_task record = {
		.id = task->t_id,
		.pid = task->t_pid,
		.uid = task->t_user->u_uid,
		.gid = task->t_gid,
		.channels = task->t_thread_count,
		.names = space->is_used,
		.receive = space->is_rights[MACH_PORT_RIGHT_RECEIVE],
		.send = space->is_rights[MACH_PORT_RIGHT_SEND],
		.send_once = space->is_rights[MACH_PORT_RIGHT_SEND_ONCE],
		.sets = space->is_rights[MACH_PORT_RIGHT_PORT_SET],
		.dead = space->is_rights[MACH_PORT_RIGHT_DEAD_NAME],
		.queued = cut(space->is_queued),
		.queued_bytes = space->is_queued_bytes,
		.waiting = task->t_waiting,
		.sent = task->t_sent,
		.received = task->t_received,
		.violations = task->t_violations,
		.boosts = cut(task->t_boosts),
		.donor = task->t_donor,
		.names_peak = space->is_peak,
		.channels_peak = task->t_thread_peak,
		.inherited = cut(task->t_source->so_inherited),
	};

	page_add(page, &record);
}

void watch_tasks(struct page *page)
{
	struct list *tasks = &page->p_host->h_tasks;

	for (struct list *node = page_first_task(page); node != tasks; node = node->next) {
		struct ipc_task *task = list_entry(node, struct ipc_task, t_link);

		if (!page_goes_on(page)) {
			page_stop_at(page, task, 0);
			return;
		}
		if (page_wants(page, task))
			add_task(page, task);
	}
	page_done(page);
}

/* What a port is, the same in every space. */
static void describe_port(struct machd_watch_port *record, const struct ipc_port *port)
{
	const struct ipc_task *receiver = watch_receiver(port);

	record->object = port->ip_id;
	record->kind = watch_kind(port);
	record->qlimit = port->ip_qlimit;
	record->msgcount = port->ip_msgcount;
	record->seqno = port->ip_seqno;
	record->mscount = port->ip_mscount;
	record->srights = port->ip_srights;
	record->sorights = port->ip_sorights;
	record->waiters = port->ip_waiting;
	record->boosts = ipc_importance_of(port);
	record->override = ipc_qos_of_head(&port->ip_messages);
	record->blocked_senders = port->ip_sending;
	record->flags |= watch_flags(port);
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
		record.waiters = entry->ie_pset->ps_waiting;
	}
	page_add(page, &record);
}

static bool is_about(const struct ipc_entry *entry, uint64_t object)
{
	if (entry->ie_type & MACH_PORT_TYPE_PORT_RIGHTS)
		return entry->ie_port->ip_id == object;
	return entry->ie_type == MACH_PORT_TYPE_PORT_SET && entry->ie_pset->ps_id == object;
}

/* Names of one task from index `from` on; false: the page ends before the last. */
static bool list_names_of(struct page *page, struct ipc_task *task, uint64_t from)
{
	uint64_t object = page->p_request->object;

	for (uint64_t i = from ? from : 1; i < task->t_space->is_size; i++) {
		const struct ipc_entry *entry = &task->t_space->is_table[i];

		if (entry->ie_type != 0 ? !page_goes_far(page) : !page_goes_on(page)) {
			page_stop_at(page, task, i);
			return false;
		}
		if (entry->ie_type != 0 && (object == 0 || is_about(entry, object)))
			add_entry(page, task, entry);
	}
	return true;
}

void watch_ports(struct page *page)
{
	const struct machd_watch *request = page->p_request;
	struct list *tasks = &page->p_host->h_tasks;

	for (struct list *node = page_first_task(page); node != tasks; node = node->next) {
		struct ipc_task *task = list_entry(node, struct ipc_task, t_link);
		uint64_t from = task->t_id == request->task ? request->index : 0;

		if (!page_goes_on(page)) {
			page_stop_at(page, task, from);
			return;
		}
		if (page_wants(page, task) && !list_names_of(page, task, from))
			return;
	}
	page_done(page);
}

static uint32_t state_of(const struct ipc_thread *thread)
{
	switch (thread->th_state) {
	case TH_SENDING:
		return MACHD_WATCH_SENDING;
	case TH_RECEIVING:
		return MACHD_WATCH_RECEIVING;
	case TH_SEMAPHORE:
		return MACHD_WATCH_SEMAPHORE_WAIT;
	case TH_EVENTLINK:
		return MACHD_WATCH_EVENTLINK_WAIT;
	case TH_IDLE:
	case TH_READY:
	case TH_OVER:
		break;
	}
	return 0;
}

static void add_wait(struct page *page, const struct ipc_thread *thread)
{
	const struct ipc_task *task = thread->th_task;
	uint64_t wanted = page->p_request->object;
	struct machd_watch_wait record = {
		.thread = thread->th_id,
		.age = page->p_host->h_now - thread->th_since,
		.state = state_of(thread),
		.set = thread->th_set != NULL,
		.timed = thread->th_timed,
	};

	if (record.state == 0 || !page_wants(page, task))
		return;
	record.task = task->t_id;
	record.pid = task->t_pid;
	record.uid = task->t_user->u_uid;
	record.object = thread->th_set ? thread->th_set->ps_id : thread->th_port->ip_id;
	if (thread->th_kmsg)
		record.msgh_id = thread->th_kmsg->ikm_header.ikm_msgh_id;
	if (wanted == 0 || wanted == record.object)
		page_add(page, &record);
}

void watch_waits(struct page *page)
{
	struct ipc_thread *thread = page->p_host->h_threads;
	bool first;

	if (!page_begin(page, &first))
		return;
	for (thread = first ? thread : page->p_place->pl_thread; thread; thread = thread->hh.next) {
		if (!page_goes_on(page)) {
			page->p_place->pl_thread = thread;
			page_more(page);
			return;
		}
		add_wait(page, thread);
	}
	page_done(page);
}

/* A watcher sees messages from and to tasks that it may see. */
static bool may_see_message(const struct page *page, const struct machd_watch_message *message)
{
	uint32_t pid = (uint32_t)page->p_request->pid;

	if (pid != 0 && pid != message->sender_pid && pid != message->receiver_pid &&
	    pid != message->holder_pid)
		return false;
	return page_sees(page, message->sender_uid) || page_sees(page, message->receiver_uid);
}

/* The trace from record number `index` on; with 0 only what number comes next. */
void watch_messages(struct page *page)
{
	struct ipc_host *host = page->p_host;
	const struct machd_watch_message *message;
	uint64_t number = page->p_request->index;

	if (!ipc_trace_begin(host, page->p_thread)) {
		page->p_answer.code = KERN_RESOURCE_SHORTAGE;
		return;
	}
	if (number == 0)
		number = host->h_trace->tr_next;
	while (page_goes_on(page)) {
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
