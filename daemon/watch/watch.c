/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The WATCH frame: pages of the tables that machctl shows (protocol/watch.h). Looking changes
 * nothing but where the next page begins. This file has the frame and what all tables need; the
 * tables are in the other files of this folder.
 */
#include <string.h>

#include "daemon/ipc/ipc_answer.h"
#include "daemon/ipc/ipc_loan.h"
#include "daemon/ipc/ipc_task.h"
#include "daemon/ipc/ipc_thread.h"
#include "daemon/ipc/ipc_user.h"
#include "daemon/trap/trap_internal.h"
#include "daemon/watch/page.h"

/* What a step to a cold object counts for. */
#define FAR_STEPS 4

bool page_goes_on(struct page *page)
{
	size_t reserve = page->p_answer.record_size * PAGE_RESERVE;

	return page->p_steps++ < PAGE_STEPS && page->p_size + reserve <= PAGE_BYTES;
}

bool page_goes_far(struct page *page)
{
	page->p_steps += FAR_STEPS - 1;
	return page_goes_on(page);
}

void page_add(struct page *page, const void *record)
{
	memcpy(page->p_records + page->p_size, record, page->p_answer.record_size);
	page->p_size += page->p_answer.record_size;
}

bool page_sees_all(const struct page *page)
{
	uint32_t own = page->p_thread->th_user->u_uid;

	return own == 0 || own == page->p_host->h_owner_uid || page->p_thread->th_inspects;
}

bool page_sees(const struct page *page, uint32_t uid)
{
	return page_sees_all(page) || page->p_thread->th_user->u_uid == uid;
}

bool page_wants(const struct page *page, const struct ipc_task *task)
{
	if (page->p_request->pid != 0 && page->p_request->pid != task->t_pid)
		return false;
	return page_sees(page, task->t_user->u_uid);
}

/* The place of the watcher, for this table from now on; NULL without memory. */
static struct ipc_place *take_place(struct page *page)
{
	const struct machd_watch *request = page->p_request;
	struct ipc_place *place = ipc_place_of(page->p_thread);

	if (!place) {
		page->p_answer.code = KERN_RESOURCE_SHORTAGE;
		return NULL;
	}
	if (place->pl_table != request->table || place->pl_object != request->object)
		ipc_place_drop(place);
	page->p_place = place;
	return place;
}

struct list *page_first_task(struct page *page)
{
	struct list *tasks = &page->p_host->h_tasks;
	uint64_t id = page->p_request->task;
	struct ipc_place *place = take_place(page);

	if (!place)
		return tasks;
	if (id != 0 && place->pl_task && place->pl_task_id == id)
		return place->pl_task;
	for (struct list *node = tasks->next; node != tasks; node = node->next) {
		if (list_entry(node, struct ipc_task, t_link)->t_id >= id)
			return node;
		if (!page_goes_on(page)) {
			page->p_answer.code = KERN_ABORTED;
			break;
		}
	}
	return tasks;
}

void page_stop_at(struct page *page, struct ipc_task *task, uint64_t index)
{
	struct ipc_place *place = page->p_place;

	place->pl_table = page->p_request->table;
	place->pl_object = page->p_request->object;
	place->pl_task = &task->t_link;
	place->pl_task_id = task->t_id;
	ipc_place_keep(page->p_host, place);
	page->p_answer.next_task = task->t_id;
	page->p_answer.next_index = index;
}

bool page_begin(struct page *page, bool *first)
{
	const struct machd_watch *request = page->p_request;
	struct ipc_place *place = take_place(page);

	if (!place)
		return false;
	*first = request->index == 0;
	if (*first)
		ipc_place_drop(place);
	else if (request->index != place->pl_pages)
		page->p_answer.code = KERN_ABORTED;
	return page->p_answer.code == KERN_SUCCESS;
}

void page_more(struct page *page)
{
	struct ipc_place *place = page->p_place;

	place->pl_table = page->p_request->table;
	place->pl_object = page->p_request->object;
	page->p_answer.next_index = ++place->pl_pages;
	ipc_place_keep(page->p_host, place);
}

void page_done(struct page *page)
{
	if (page->p_place)
		ipc_place_drop(page->p_place);
}

/* The tables, by enum machd_watch_table. */
static const struct {
	void (*list)(struct page *page);
	uint32_t record_size;
} tables[] = {
	[MACHD_WATCH_TASKS] = {watch_tasks, sizeof(struct machd_watch_task)},
	[MACHD_WATCH_PORTS] = {watch_ports, sizeof(struct machd_watch_port)},
	[MACHD_WATCH_NAMES] = {watch_names, sizeof(struct machd_watch_name)},
	[MACHD_WATCH_MESSAGES] = {watch_messages, sizeof(struct machd_watch_message)},
	[MACHD_WATCH_QUEUES] = {watch_queues, sizeof(struct machd_watch_queue)},
	[MACHD_WATCH_HOLDS] = {watch_holds, sizeof(struct machd_watch_hold)},
	[MACHD_WATCH_WAITS] = {watch_waits, sizeof(struct machd_watch_wait)},
	[MACHD_WATCH_LIMITS] = {watch_limits, sizeof(struct machd_watch_limit)},
	[MACHD_WATCH_TOTALS] = {watch_totals, sizeof(struct machd_watch_totals)},
	[MACHD_WATCH_POLICY] = {watch_policy, sizeof(struct machd_watch_policy)},
};

/* The requests there are: one of them has a name behind it, which ends within its field. */
static bool read_request(const struct trap_packet *packet,
			 struct machd_watch_policy_request *request)
{
	memset(request, 0, sizeof *request);
	if (packet->tp_size != sizeof request->head && packet->tp_size != sizeof *request)
		return false;
	memcpy(request, packet->tp_bytes, packet->tp_size);
	if (request->head.table != MACHD_WATCH_POLICY)
		return packet->tp_size == sizeof request->head;
	return packet->tp_size == sizeof *request &&
	       memchr(request->service, '\0', sizeof request->service);
}

const char *trap_watch(struct ipc_host *host, struct ipc_thread *thread,
		       const struct trap_packet *packet)
{
	struct machd_watch_policy_request whole;
	const struct machd_watch *request = &whole.head;
	struct page page = {.p_host = host,
			    .p_thread = thread,
			    .p_request = request,
			    .p_service = whole.service};
	uint8_t *payload = ipc_answer_payload(host, thread);

	if (!read_request(packet, &whole))
		return "its watch request has the wrong size";
	ipc_loan_settle_all(host);
	page.p_records = payload + sizeof page.p_answer;
	if (request->table < sizeof tables / sizeof *tables && tables[request->table].list) {
		page.p_answer.record_size = tables[request->table].record_size;
		tables[request->table].list(&page);
	} else {
		page.p_answer.code = KERN_INVALID_ARGUMENT;
	}
	memcpy(payload, &page.p_answer, sizeof page.p_answer);
	ipc_answer_send(host, thread, MACHD_OP_WATCH, sizeof page.p_answer + page.p_size, 0, NULL,
			0);
	return NULL;
}
