/* SPDX-License-Identifier: Apache-2.0 */
/* The list of watchers that wait for a page. */
#include "daemon/ipc/ipc_walk.h"

#include "daemon/base/mem.h"
#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_thread.h"

bool ipc_walk_begin(struct ipc_host *host, struct ipc_thread *thread,
		    const struct machd_watch *request)
{
	struct ipc_walk *walk = mem_alloc(sizeof *walk);

	if (!walk)
		return false;
	walk->wk_thread = thread;
	walk->wk_request = *request;
	list_append(&host->h_walks, &walk->wk_link);
	thread->th_walk = walk;
	ipc_thread_hold(thread);
	return true;
}

void ipc_walk_end(struct ipc_host *host, struct ipc_thread *thread)
{
	struct ipc_walk *walk = thread->th_walk;

	if (!walk)
		return;
	if (host->h_page->pg_walk == walk)
		host->h_page->pg_walk = NULL;
	list_remove(&walk->wk_link);
	mem_free(walk);
	thread->th_walk = NULL;
	ipc_thread_release(thread);
}
