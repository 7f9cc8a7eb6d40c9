/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Destroying messages: what happens instead of copyout when nobody will receive one. Each right in
 * it is destroyed, which may send notifications or kill ports, and so more messages; depth is taken
 * by the work list, not by the stack [10.3].
 */
#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_kmsg.h"
#include "daemon/ipc/ipc_right.h"

static void clean(struct ipc_host *host, struct ipc_kmsg *kmsg, uint32_t descriptors)
{
	struct ikm_header *header = &kmsg->ikm_header;

	ipc_right_destroy_naked(host, header->ikm_dest, header->ikm_dest_type);
	ipc_right_destroy_naked(host, header->ikm_reply, header->ikm_reply_type);
	for (uint32_t i = 0; i < descriptors; i++)
		ipc_right_destroy_naked(host, kmsg->ikm_desc[i].d_port,
					kmsg->ikm_desc[i].d_disposition);
	ipc_kmsg_free(host, kmsg);
}

void ipc_kmsg_clean_partial(struct ipc_host *host, struct ipc_kmsg *kmsg, uint32_t descriptors)
{
	clean(host, kmsg, descriptors);
}

void ipc_kmsg_destroy(struct ipc_host *host, struct ipc_kmsg *kmsg)
{
	ipc_work_add(host, &kmsg->ikm_work);
	ipc_work_run(host);
}

void ipc_kmsg_destroy_step(struct ipc_host *host, struct ipc_kmsg *kmsg)
{
	if (ipc_kmsg_check_signature(host, kmsg))
		clean(host, kmsg, kmsg->ikm_header.ikm_descriptors);
}
