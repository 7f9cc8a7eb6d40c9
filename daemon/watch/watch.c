/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The WATCH frame: pages of the tables that machctl shows (protocol/watch.h). Looking changes
 * nothing but where the next page begins. This file has the frame, the slices that pages are made
 * in, and what all tables need; the tables are in the other files of this folder.
 */
#include <string.h>

#include "daemon/ipc/ipc_answer.h"
#include "daemon/ipc/ipc_loan.h"
#include "daemon/ipc/ipc_task.h"
#include "daemon/ipc/ipc_thread.h"
#include "daemon/ipc/ipc_user.h"
#include "daemon/ipc/ipc_walk.h"
#include "daemon/trap/trap_internal.h"
#include "daemon/watch/page.h"

/* The steps that one to an object outside of the cache counts for. */
#define FAR_STEPS 4

static bool has_room(const struct page *page)
{
	size_t reserve = machd_rows_need(page->p_rows->size) * PAGE_RESERVE;

	return page->p_rows->used + reserve <= page->p_room;
}

bool page_goes_on(struct page *page)
{
	return page->p_steps++ < page->p_most && has_room(page);
}

bool page_goes_far(struct page *page)
{
	page->p_steps += FAR_STEPS - 1;
	return page_goes_on(page);
}

void page_add(struct page *page, const void *record)
{
	machd_rows_add(page->p_rows, record);
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
	unsigned steps = 0;

	if (!place)
		return tasks;
	if (id != 0 && place->pl_task && place->pl_task_id == id)
		return place->pl_task;
	for (struct list *node = tasks->next; node != tasks; node = node->next) {
		if (list_entry(node, struct ipc_task, t_link)->t_id >= id)
			return node;
		if (++steps > PAGE_SEARCH) {
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

/* The tables, by enum machd_watch_table; `at_once`: there is little to find, in one slice. */
static const struct table {
	void (*list)(struct page *page);
	uint32_t record_size;
	bool at_once;
} tables[] = {
	[MACHD_WATCH_TASKS] = {watch_tasks, sizeof(struct machd_watch_task), false},
	[MACHD_WATCH_PORTS] = {watch_ports, sizeof(struct machd_watch_port), false},
	[MACHD_WATCH_NAMES] = {watch_names, sizeof(struct machd_watch_name), false},
	[MACHD_WATCH_MESSAGES] = {watch_messages, sizeof(struct machd_watch_message), true},
	[MACHD_WATCH_QUEUES] = {watch_queues, sizeof(struct machd_watch_queue), false},
	[MACHD_WATCH_HOLDS] = {watch_holds, sizeof(struct machd_watch_hold), false},
	[MACHD_WATCH_WAITS] = {watch_waits, sizeof(struct machd_watch_wait), false},
	[MACHD_WATCH_LIMITS] = {watch_limits, sizeof(struct machd_watch_limit), false},
	[MACHD_WATCH_TOTALS] = {watch_totals, sizeof(struct machd_watch_totals), false},
	[MACHD_WATCH_POLICY] = {watch_policy, sizeof(struct machd_watch_policy), true},
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

/* Add records to `rows`; `answer` says where to go on. */
static uint32_t make_slice(struct page *page, struct machd_rows *rows,
			   struct machd_watch_answer *answer)
{
	const struct table *table = &tables[page->p_request->table];

	page->p_rows = rows;
	page->p_answer = (struct machd_watch_answer){.record_size = table->record_size};
	page->p_most = table->at_once ? PAGE_AT_ONCE_STEPS : PAGE_SLICE;
	page->p_room = table->at_once ? PAGE_AT_ONCE_BYTES : IPC_PAGE_BYTES;
	table->list(page);
	*answer = page->p_answer;
	return page->p_steps;
}

static void send_page(struct ipc_host *host, struct ipc_thread *thread,
		      const struct machd_watch_answer *answer, const struct machd_rows *rows)
{
	uint8_t *payload = ipc_answer_payload(host, thread);

	memcpy(payload, answer, sizeof *answer);
	if (rows->used && rows->bytes != payload + sizeof *answer)
		memcpy(payload + sizeof *answer, rows->bytes, rows->used);
	ipc_answer_send(host, thread, MACHD_OP_WATCH, sizeof *answer + rows->used, 0, NULL, 0);
}

/* One slice more of the host's page; false: more are to come. */
static bool go_on(struct ipc_host *host, struct ipc_thread *thread,
		  const struct machd_watch *request)
{
	struct ipc_page *whole = host->h_page;
	const struct machd_watch_answer *answer = &whole->pg_answer;
	struct page page = {.p_host = host, .p_thread = thread, .p_request = request};
	size_t used = whole->pg_rows.used;

	whole->pg_steps += make_slice(&page, &whole->pg_rows, &whole->pg_answer);
	whole->pg_dry = whole->pg_rows.used == used;
	return answer->code != KERN_SUCCESS ||
	       (answer->next_task == 0 && answer->next_index == 0) ||
	       whole->pg_steps >= host->h_page_steps || !has_room(&page);
}

static void begin_page(struct ipc_page *page, uint32_t table)
{
	page->pg_steps = 0;
	machd_rows_begin(&page->pg_rows, page->pg_bytes, tables[table].record_size);
}

/* The next slice of a page begins where this one ended. */
static void wait_for_more(struct ipc_page *page, struct ipc_walk *walk)
{
	page->pg_walk = walk;
	walk->wk_request.task = page->pg_answer.next_task;
	walk->wk_request.index = page->pg_answer.next_index;
}

void trap_watch_on(struct ipc_host *host)
{
	struct ipc_walk *walk = list_first(&host->h_walks, struct ipc_walk, wk_link);
	struct ipc_page *page = host->h_page;
	struct ipc_thread *thread;

	if (!walk)
		return;
	if (page->pg_walk != walk)
		begin_page(page, walk->wk_request.table);
	thread = walk->wk_thread;
	if (!go_on(host, thread, &walk->wk_request)) {
		wait_for_more(page, walk);
		return;
	}
	ipc_walk_end(host, thread);
	send_page(host, thread, &page->pg_answer, &page->pg_rows);
}

/* An answer with a code and no records. */
static void refuse(struct ipc_host *host, struct ipc_thread *thread, kern_return_t code)
{
	const struct machd_watch_answer answer = {.code = (uint32_t)code};
	const struct machd_rows none = {.used = 0};

	send_page(host, thread, &answer, &none);
}

static void answer_at_once(struct ipc_host *host, struct ipc_thread *thread,
			   const struct machd_watch_policy_request *request)
{
	struct page page = {.p_host = host,
			    .p_thread = thread,
			    .p_request = &request->head,
			    .p_service = request->service};
	struct machd_watch_answer answer;
	struct machd_rows rows;

	machd_rows_begin(&rows, ipc_answer_payload(host, thread) + sizeof answer,
			 tables[request->head.table].record_size);
	make_slice(&page, &rows, &answer);
	send_page(host, thread, &answer, &rows);
}

/* If one slice is enough the page is sent at once; it is not begun before it is its turn. */
static void answer_in_turn(struct ipc_host *host, struct ipc_thread *thread,
			   const struct machd_watch *request)
{
	struct ipc_page *page = host->h_page;
	bool busy = !list_empty(&host->h_walks);

	if (!busy) {
		begin_page(page, request->table);
		if (go_on(host, thread, request) || !ipc_walk_begin(host, thread, request))
			send_page(host, thread, &page->pg_answer, &page->pg_rows);
		else
			wait_for_more(page, thread->th_walk);
	} else if (!ipc_walk_begin(host, thread, request)) {
		refuse(host, thread, KERN_RESOURCE_SHORTAGE);
	}
}

const char *trap_watch(struct ipc_host *host, struct ipc_thread *thread,
		       const struct trap_packet *packet)
{
	struct machd_watch_policy_request request;
	uint32_t table;

	if (!read_request(packet, &request))
		return "its watch request has the wrong size";
	ipc_loan_settle_all(host);
	table = request.head.table;
	if (table >= sizeof tables / sizeof *tables || !tables[table].list)
		refuse(host, thread, KERN_INVALID_ARGUMENT);
	else if (tables[table].at_once)
		answer_at_once(host, thread, &request);
	else
		answer_in_turn(host, thread, &request.head);
	return NULL;
}
