/* SPDX-License-Identifier: Apache-2.0 */
/* Subsets: made, and ended with their names. */
#include "daemon/boot/subset.h"

#include "daemon/base/mem.h"
#include "daemon/boot/registry.h"
#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_port.h"
#include "daemon/ipc/ipc_task.h"
#include "daemon/ipc/ipc_user.h"

struct boot_subset *boot_subset_create(struct ipc_host *host, struct ipc_port *parent,
				       struct ipc_port *requestor, const struct ipc_task *task)
{
	uint32_t depth = parent->ip_subset ? parent->ip_subset->ss_depth + 1 : 1;
	struct boot_subset *subset;

	if (depth > MACHD_SUBSETS_MAX)
		return NULL;
	subset = mem_alloc(sizeof *subset);
	if (!subset)
		return NULL;
	subset->ss_port = ipc_port_create(host, task->t_account);
	if (!subset->ss_port) {
		mem_free(subset);
		return NULL;
	}
	subset->ss_port->ip_kind = IP_BOOTSTRAP;
	subset->ss_port->ip_place = IP_IN_DAEMON;
	subset->ss_port->ip_subset = subset;
	subset->ss_parent = ipc_port_make_send(parent);
	subset->ss_requestor = requestor;
	subset->ss_user = ipc_user_ref(task->t_user);
	subset->ss_depth = depth;
	list_init(&subset->ss_ending);
	list_append(&host->h_subsets, &subset->ss_all);
	subset->ss_next = requestor->ip_lifeline;
	if (subset->ss_next)
		subset->ss_next->ss_link = &subset->ss_next;
	subset->ss_link = &requestor->ip_lifeline;
	requestor->ip_lifeline = subset;
	return subset;
}

static void end(struct ipc_host *host, struct boot_subset *subset)
{
	while (subset->ss_services) /* a name may take others of its port along */
		boot_remove(host, subset->ss_services);
	subset->ss_port->ip_subset = NULL;
	ipc_port_destroy(host, subset->ss_port);
	ipc_port_release_send(host, subset->ss_parent);
	ipc_port_release_send(host, subset->ss_requestor);
	ipc_user_put(subset->ss_user);
	list_remove(&subset->ss_all);
	mem_free(subset);
}

/* It ends next, and whatever its requestor does is no matter to it any more. */
static void doom(struct ipc_host *host, struct boot_subset *subset)
{
	*subset->ss_link = subset->ss_next;
	if (subset->ss_next)
		subset->ss_next->ss_link = subset->ss_link;
	subset->ss_doomed = true;
	list_append(&host->h_ending, &subset->ss_ending);
}

static void end_doomed(struct ipc_host *host)
{
	struct boot_subset *subset;

	if (host->h_subsets_end)
		return; /* one took another along, and there may be many like that */
	host->h_subsets_end = true;
	while ((subset = list_first(&host->h_ending, struct boot_subset, ss_ending))) {
		list_remove(&subset->ss_ending);
		end(host, subset);
	}
	host->h_subsets_end = false;
}

void boot_subsets_end(struct ipc_host *host, struct ipc_port *requestor)
{
	while (requestor->ip_lifeline)
		doom(host, requestor->ip_lifeline);
	end_doomed(host);
}

void boot_subset_orphaned(struct ipc_host *host, struct ipc_port *port)
{
	if (port->ip_subset->ss_doomed)
		return;
	doom(host, port->ip_subset);
	end_doomed(host);
}

void boot_subsets_forget(struct ipc_host *host)
{
	struct boot_subset *subset;

	while ((subset = list_first(&host->h_subsets, struct boot_subset, ss_all))) {
		doom(host, subset);
		end_doomed(host);
	}
}
