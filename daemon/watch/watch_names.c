/* SPDX-License-Identifier: Apache-2.0 */
/* Pages of bootstrap names, and what their rules say of a process. */
#include <string.h>

#include "daemon/boot/policy.h"
#include "daemon/boot/registry.h"
#include "daemon/ipc/ipc_port.h"
#include "daemon/ipc/ipc_task.h"
#include "daemon/ipc/ipc_user.h"
#include "daemon/watch/page.h"

static uint32_t state_of(const struct boot_service *service)
{
	if (!service->s_kept || boot_running(service))
		return MACHD_NAME_RUNNING;
	if (!boot_declared(service))
		return MACHD_NAME_CREATED;
	if (service->s_start || !list_empty(&service->s_wanted))
		return MACHD_NAME_STARTING;
	return service->s_failed ? MACHD_NAME_FAILED : MACHD_NAME_DECLARED;
}

static void add_name(struct page *page, const struct boot_service *service)
{
	const struct ipc_port *port = service->s_port;
	const struct ipc_task *owner = port ? watch_receiver(port) : NULL;
	struct machd_watch_name record = {
		.object = port ? port->ip_id : 0,
		.owner_task = owner ? owner->t_id : 0,
		.owner_pid = owner ? owner->t_pid : 0,
		.uid = service->s_user ? service->s_user->u_uid : page->p_host->h_owner_uid,
		.checked_in = service->s_checked_in,
		.state = state_of(service),
		.declared = boot_declared(service),
		.starts = service->s_starts,
		.queued = port ? port->ip_msgcount : 0,
	};

	memcpy(record.service, service->s_name, sizeof record.service);
	if (service->s_failed)
		memcpy(record.why, service->s_why, sizeof record.why);
	page_add(page, &record);
}

/* Declared names are in files that all can read. */
static bool sees(const struct page *page, const struct boot_service *service)
{
	return boot_declared(service) || page_sees(page, service->s_user->u_uid);
}

/* A declared name that nobody has used yet has no entry. */
static void add_rule(struct page *page, const struct boot_rule *rule)
{
	struct machd_watch_name record = {
		.uid = page->p_host->h_owner_uid,
		.checked_in = 1,
		.state = MACHD_NAME_DECLARED,
		.declared = 1,
	};

	if (!boot_policy_declares(page->p_host->h_names, rule->br_service) ||
	    boot_find(page->p_host, rule->br_service))
		return;
	memcpy(record.service, rule->br_service, sizeof record.service);
	page_add(page, &record);
}

/* Names from the one numbered `index` on, in the order they were entered; then the other rules. */
void watch_names(struct page *page)
{
	const struct boot_service *service = page->p_host->h_services;
	const struct boot_policy *names = page->p_host->h_names;
	uint64_t index = 0;

	for (; service; service = service->hh.next, index++) {
		if (index < page->p_request->index)
			continue;
		if (!page_goes_on(page)) {
			page->p_answer.next_index = index;
			return;
		}
		if (sees(page, service))
			add_name(page, service);
	}
	for (uint32_t i = 0; i < names->bp_head.bh_count; i++, index++) {
		if (index < page->p_request->index)
			continue;
		if (!page_goes_on(page)) {
			page->p_answer.next_index = index;
			return;
		}
		add_rule(page, &names->bp_rules[i]);
	}
}

static void decide(struct machd_watch_decision *decision, const struct boot_verdict *verdict)
{
	*decision = (struct machd_watch_decision){
		.allowed = verdict->bv_allowed, .why = verdict->bv_why, .line = verdict->bv_line};
	if (verdict->bv_file)
		memcpy(decision->file, verdict->bv_file, sizeof decision->file);
}

static const struct ipc_task *find_task(const struct page *page)
{
	LIST_FOR_EACH (node, &page->p_host->h_tasks) {
		const struct ipc_task *task = list_entry(node, struct ipc_task, t_link);

		if (task->t_pid == page->p_request->pid && page_wants(page, task))
			return task;
	}
	return NULL;
}

void watch_policy(struct page *page)
{
	const char *name = page->p_service;
	const struct boot_service *service = boot_find(page->p_host, name);
	const uint32_t *owner = service && service->s_user ? &service->s_user->u_uid : NULL;
	const struct ipc_task *task = find_task(page);
	struct machd_watch_policy record;
	struct boot_verdict verdict;

	if (!task) {
		page->p_answer.code = KERN_NOT_FOUND;
		return;
	}
	record = (struct machd_watch_policy){.pid = task->t_pid, .uid = task->t_user->u_uid};
	memcpy(record.service, name, sizeof record.service);
	if (task->t_identity)
		memcpy(record.unit, task->t_identity->id_unit, sizeof record.unit);
	verdict = boot_policy_own(page->p_host, task, name);
	decide(&record.own, &verdict);
	verdict = boot_policy_look_up(page->p_host, task, name, owner);
	decide(&record.look_up, &verdict);
	page_add(page, &record);
}
