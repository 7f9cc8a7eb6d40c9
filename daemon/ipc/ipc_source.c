/* SPDX-License-Identifier: Apache-2.0 */
/* Sources of importance, and donations that follow them. */
#include "daemon/ipc/ipc_source.h"

#include "daemon/base/mem.h"
#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_importance.h"
#include "daemon/ipc/ipc_inherit.h"
#include "daemon/ipc/ipc_kmsg.h"
#include "daemon/ipc/ipc_task.h"

struct ipc_source *ipc_source_create(struct ipc_task *task)
{
	struct ipc_source *source = mem_alloc(sizeof *source);

	if (!source)
		return NULL;
	source->so_task = task;
	source->so_id = task->t_id;
	source->so_pid = task->t_pid;
	source->so_refs = 1;
	list_init(&source->so_raised);
	list_init(&source->so_idle);
	list_init(&source->so_link);
	list_init(&source->so_gone_link);
	return source;
}

void ipc_source_put(struct ipc_source *source)
{
	if (--source->so_refs)
		return;
	list_remove(&source->so_link);
	list_remove(&source->so_gone_link);
	mem_free(source);
}

bool ipc_source_important(const struct ipc_source *source)
{
	return source->so_task ? ipc_importance_donates(source->so_task)
			       : source->so_inherited != 0;
}

/* A donation whose state differs from its source's importance, or NULL. */
static struct ipc_donation *astray(const struct ipc_source *source)
{
	const struct list *list =
		ipc_source_important(source) ? &source->so_idle : &source->so_raised;

	return list_first(list, struct ipc_donation, dn_link);
}

void ipc_source_changed(struct ipc_host *host, struct ipc_source *source)
{
	list_remove(&source->so_link);
	if (astray(source))
		list_append(ipc_source_important(source) ? &host->h_sources_won
							 : &host->h_sources_lost,
			    &source->so_link);
}

void ipc_source_inherits(struct ipc_host *host, struct ipc_source *source, int64_t delta)
{
	source->so_inherited += (uint64_t)delta;
	if (source->so_task)
		ipc_importance_count_task(host, source->so_task, delta);
	else
		ipc_source_changed(host, source);
}

void ipc_source_gone(struct ipc_host *host, struct ipc_source *source)
{
	source->so_task = NULL;
	list_append(&host->h_sources_gone, &source->so_gone_link);
	ipc_source_changed(host, source);
	ipc_source_put(source);
}

void ipc_source_raise(struct ipc_host *host, struct ipc_donation *donation, bool raised)
{
	if (donation->dn_raised == raised)
		return;
	donation->dn_raised = raised;
	if (donation->dn_inherited)
		ipc_inherit_raised(host, list_entry(donation, struct ipc_inherit, in_donation));
	else
		ipc_importance_count_port(
			host,
			list_entry(donation, struct ipc_kmsg, ikm_donation)->ikm_header.ikm_dest,
			raised ? 1 : -1);
}

void ipc_source_follow(struct ipc_host *host, struct ipc_source *source,
		       struct ipc_donation *donation)
{
	bool raised = ipc_source_important(source);

	source->so_refs++;
	donation->dn_source = source;
	list_init(&donation->dn_link);
	list_append(raised ? &source->so_raised : &source->so_idle, &donation->dn_link);
	ipc_source_raise(host, donation, raised);
}

void ipc_source_unfollow(struct ipc_donation *donation)
{
	struct ipc_source *source = donation->dn_source;

	if (!source)
		return;
	donation->dn_source = NULL;
	list_remove(&donation->dn_link);
	ipc_source_put(source);
}

/* Bring one donation in line with its source. */
static void step(struct ipc_host *host, struct ipc_source *source)
{
	struct ipc_donation *donation = astray(source);
	bool raised = ipc_source_important(source);

	if (!donation) {
		list_remove(&source->so_link);
	} else {
		list_remove(&donation->dn_link);
		list_append(raised ? &source->so_raised : &source->so_idle, &donation->dn_link);
		ipc_source_raise(host, donation, raised);
	}
}

/* The next source that has changed, or NULL; those that lost importance come first. */
static struct ipc_source *next(const struct ipc_host *host)
{
	struct ipc_source *lost = list_first(&host->h_sources_lost, struct ipc_source, so_link);

	return lost ? lost : list_first(&host->h_sources_won, struct ipc_source, so_link);
}

void ipc_source_settle(struct ipc_host *host)
{
	struct ipc_source *source;

	for (unsigned i = 0; i < host->h_slice && (source = next(host)); i++)
		step(host, source);
}

bool ipc_source_unsettled(const struct ipc_host *host)
{
	return !list_empty(&host->h_sources_lost) || !list_empty(&host->h_sources_won);
}
