/* SPDX-License-Identifier: Apache-2.0 */
/* Pages of limits and who uses how much of them, and of totals. */
#include <stdio.h>
#include <string.h>

#include "daemon/ipc/ipc_account.h"
#include "daemon/ipc/ipc_port.h"
#include "daemon/ipc/ipc_space.h"
#include "daemon/ipc/ipc_task.h"
#include "daemon/ipc/ipc_thread.h"
#include "daemon/ipc/ipc_walk.h"
#include "daemon/watch/page.h"

/* The key of the limit at `offset` of struct machd_limits, and its value. */
static void name_limit(const struct page *page, struct machd_watch_limit *record, size_t offset)
{
	snprintf(record->key, sizeof record->key, "%s", machd_limit_at((uint32_t)offset)->key);
	memcpy(&record->value, (const char *)&page->p_host->h_limits + offset,
	       sizeof record->value);
}

/* What the limits are; they are few enough for a page. */
static void add_values(struct page *page)
{
	_Static_assert(sizeof(struct machd_limits) / sizeof(uint64_t) *
				       sizeof(struct machd_watch_limit) <
			       IPC_PAGE_BYTES / 2,
		       "all values fit on a page");

	for (unsigned i = 0; i < machd_limit_row_count; i++) {
		struct machd_watch_limit record = {.uid = MACHD_WATCH_NO_UID,
						   .scope = MACHD_WATCH_OF_NOBODY};

		name_limit(page, &record, machd_limit_rows[i].offset);
		page_add(page, &record);
	}
}

static void add_of_host(struct page *page, size_t offset, uint64_t used, uint64_t peak)
{
	struct machd_watch_limit record = {.used = used,
					   .peak = peak,
					   .uid = MACHD_WATCH_NO_UID,
					   .scope = MACHD_WATCH_OF_HOST};

	name_limit(page, &record, offset);
	page_add(page, &record);
}

static void add_of_user(struct page *page, const struct ipc_user *user, enum ipc_charge kind)
{
	struct machd_watch_limit record = {.used = user->u_held[kind],
					   .peak = user->u_peak[kind],
					   .uid = user->u_uid,
					   .scope = MACHD_WATCH_OF_USER};

	name_limit(page, &record, ipc_user_limit(kind));
	page_add(page, &record);
}

static void add_of_task(struct page *page, const struct ipc_task *task, size_t offset,
			uint64_t used, uint64_t peak)
{
	struct machd_watch_limit record = {.used = used,
					   .peak = peak,
					   .task = task->t_id,
					   .pid = task->t_pid,
					   .uid = task->t_user->u_uid,
					   .scope = MACHD_WATCH_OF_TASK};

	name_limit(page, &record, offset);
	page_add(page, &record);
}

/*
 * What the task itself is charged for of what its user may have, and the most that was. With the
 * two limits of its own these are no more than PAGE_RESERVE.
 */
static void add_account(struct page *page, const struct ipc_task *task)
{
	static const enum ipc_charge kinds[] = {IPC_CHARGE_PORTS, IPC_CHARGE_MESSAGES,
						IPC_CHARGE_BYTES, IPC_CHARGE_MEMFDS,
						IPC_CHARGE_LINKS, IPC_CHARGE_BELLS};
	const struct ipc_account *account = task->t_account;

	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (account->ac_peak[kinds[i]])
			add_of_task(page, task, ipc_user_limit(kinds[i]),
				    account->ac_held[kinds[i]], account->ac_peak[kinds[i]]);
}

/* The users, from the one at place `from` on; false: the page ends before the last. */
static bool list_users(struct page *page, uint64_t from)
{
	uint64_t at = 0;

	LIST_FOR_EACH (node, &page->p_host->h_users) {
		const struct ipc_user *user = list_entry(node, struct ipc_user, u_link);

		for (unsigned kind = 0; kind < IPC_CHARGE_KINDS; kind++, at++) {
			if (at < from || !page_sees(page, user->u_uid))
				continue;
			if (!page_goes_on(page)) {
				page->p_answer.next_index = at;
				return false;
			}
			add_of_user(page, user, kind);
		}
	}
	return true;
}

static void list_tasks(struct page *page)
{
	struct list *tasks = &page->p_host->h_tasks;

	for (struct list *node = page_first_task(page); node != tasks; node = node->next) {
		struct ipc_task *task = list_entry(node, struct ipc_task, t_link);

		if (!page_goes_on(page)) {
			page_stop_at(page, task, 0);
			return;
		}
		if (!page_wants(page, task))
			continue;
		add_of_task(page, task, offsetof(struct machd_limits, names_per_task),
			    task->t_space->is_used, task->t_space->is_peak);
		add_of_task(page, task, offsetof(struct machd_limits, channels_per_task),
			    task->t_thread_count, task->t_thread_peak);
		add_account(page, task);
	}
	page_done(page);
}

/* First the host and the users, counted by `index`, then the tasks, by their ids. */
void watch_limits(struct page *page)
{
	const struct machd_watch *request = page->p_request;
	const struct ipc_host *host = page->p_host;

	if (request->task == 0 && request->index == 0) {
		add_values(page);
		add_of_host(page, offsetof(struct machd_limits, channels), host->h_thread_count,
			    host->h_thread_peak);
		add_of_host(page, offsetof(struct machd_limits, rings), host->h_ring_count,
			    host->h_ring_peak);
	}
	if (request->task == 0 && !list_users(page, request->index))
		return;
	list_tasks(page);
}

static void add_totals(struct page *page, const struct ipc_user *user)
{
	const uint64_t *held = user->u_held;
	struct machd_watch_totals record = {
		.tasks = held[IPC_CHARGE_TASKS],
		.channels = held[IPC_CHARGE_CHANNELS],
		.names = held[IPC_CHARGE_NAMES],
		.ports = held[IPC_CHARGE_PORTS],
		.messages = held[IPC_CHARGE_MESSAGES],
		.bytes = held[IPC_CHARGE_BYTES],
		.memfds = held[IPC_CHARGE_MEMFDS],
		.sent = user->u_sent,
		.received = user->u_received,
		.destroyed = user->u_destroyed,
		.sent_bytes = user->u_sent_bytes,
		.uid = user->u_uid,
	};

	page_add(page, &record);
}

static void add_sum(struct page *page)
{
	const struct ipc_host *host = page->p_host;
	struct machd_watch_totals record = {
		.tasks = host->h_task_count,
		.channels = host->h_thread_count,
		.ports = host->h_port_count,
		.messages = host->h_queued,
		.bytes = host->h_queued_bytes,
		.memfds = host->h_memfds,
		.sent = host->h_sent,
		.received = host->h_received,
		.destroyed = host->h_destroyed,
		.sent_bytes = host->h_sent_bytes,
		.uid = MACHD_WATCH_NO_UID,
	};

	LIST_FOR_EACH (node, &host->h_users)
		record.names += list_entry(node, struct ipc_user, u_link)->u_held[IPC_CHARGE_NAMES];
	page_add(page, &record);
}

/* The sum, then the users from the one at place `index` on. */
void watch_totals(struct page *page)
{
	uint64_t at = 0;

	if (page->p_request->index == 0 && page_sees_all(page))
		add_sum(page);
	LIST_FOR_EACH (node, &page->p_host->h_users) {
		const struct ipc_user *user = list_entry(node, struct ipc_user, u_link);

		if (at++ < page->p_request->index || !page_sees(page, user->u_uid))
			continue;
		if (!page_goes_on(page)) {
			page->p_answer.next_index = at - 1;
			return;
		}
		add_totals(page, user);
	}
}
