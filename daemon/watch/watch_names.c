/* SPDX-License-Identifier: Apache-2.0 */
/* Pages of bootstrap names, and what their rules say of a process. */
#include <string.h>

#include "daemon/boot/policy.h"
#include "daemon/boot/registry.h"
#include "daemon/boot/subset.h"
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
	const struct boot_subset *subset = boot_subset_of(page->p_host, service);

	if (subset) {
		record.subset = subset->ss_port->ip_id;
		record.parent = subset->ss_parent->ip_id;
	}

	memcpy(record.service, service->s_name, sizeof record.service);
	if (service->s_failed)
		memcpy(record.why, service->s_why, sizeof record.why);
	page_add(page, &record);
}

/* Declared names are in files that all can read; those in a subset are for who made it, too. */
static bool sees(const struct page *page, const struct boot_service *service)
{
	const struct boot_subset *subset = boot_subset_of(page->p_host, service);

	return boot_declared(service) || page_sees(page, service->s_user->u_uid) ||
	       (subset && page_sees(page, subset->ss_user->u_uid));
}

static void add_if_seen(struct page *page, const struct boot_service *service)
{
	if (sees(page, service))
		add_name(page, service);
}

/* A declared name; one that nobody has used yet has no entry. */
static void add_rule(struct page *page, const struct boot_rule *rule)
{
	const struct boot_service *service = boot_find(page->p_host, rule->br_service);
	struct machd_watch_name record = {
		.uid = page->p_host->h_owner_uid,
		.checked_in = 1,
		.state = MACHD_NAME_DECLARED,
		.declared = 1,
	};

	memcpy(record.service, rule->br_service, sizeof record.service);
	if (service)
		add_if_seen(page, service);
	else
		page_add(page, &record);
}

static bool declares(const struct page *page, const char *name)
{
	return boot_policy_declares(page->p_host->h_names, name);
}

/* From the name after the one that was shown last on; false: the page ends before the last. */
static bool list_declared(struct page *page)
{
	const struct boot_policy *names = page->p_host->h_names;
	struct ipc_place *place = page->p_place;

	for (uint32_t i = 0; i < names->bp_head.bh_count; i++) {
		const struct boot_rule *rule = &names->bp_rules[i];

		if (strcmp(rule->br_service, place->pl_name) <= 0)
			continue;
		if (!page_goes_on(page))
			return false;
		if (declares(page, rule->br_service))
			add_rule(page, rule);
		memcpy(place->pl_name, rule->br_service, sizeof place->pl_name);
	}
	return true;
}

/* The others, wherever they are. */
static bool list_brought(struct page *page)
{
	struct ipc_place *place = page->p_place;
	struct list *services = &page->p_host->h_service_list;

	for (; place->pl_service != services; place->pl_service = place->pl_service->next) {
		const struct boot_service *service =
			list_entry(place->pl_service, struct boot_service, s_link);

		if (!page_goes_on(page))
			return false;
		if (boot_subset_of(page->p_host, service) || !declares(page, service->s_name))
			add_if_seen(page, service);
	}
	return true;
}

void watch_names(struct page *page)
{
	bool first;

	if (!page_begin(page, &first))
		return;
	if (first)
		page->p_place->pl_service = page->p_host->h_service_list.next;
	if (list_declared(page) && list_brought(page))
		page_done(page);
	else
		page_more(page);
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
