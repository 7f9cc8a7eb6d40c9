/* SPDX-License-Identifier: Apache-2.0 */
/* Pages of bootstrap names. */
#include <string.h>

#include "daemon/boot/registry.h"
#include "daemon/ipc/ipc_port.h"
#include "daemon/ipc/ipc_task.h"
#include "daemon/ipc/ipc_user.h"
#include "daemon/watch/page.h"

static void add_name(struct page *page, const struct boot_service *service)
{
	const struct ipc_task *owner = watch_receiver(service->s_port);
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
void watch_names(struct page *page)
{
	const struct boot_service *service = page->p_host->h_services;
	uint64_t index = 0;

	for (; service; service = service->hh.next, index++) {
		if (index < page->p_request->index)
			continue;
		if (!page_goes_on(page)) {
			page->p_answer.next_index = index;
			return;
		}
		if (page_sees(page, service->s_user->u_uid))
			add_name(page, service);
	}
}
