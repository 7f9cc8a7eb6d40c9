/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Destroying messages: what happens instead of copyout when nobody will receive one. Each right in
 * it is destroyed, which may send notifications or kill ports, and so more messages; depth is taken
 * by the work list, not by the stack [10.3].
 */
#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_kmsg.h"
#include "daemon/ipc/ipc_port.h"
#include "daemon/ipc/ipc_probe.h"
#include "daemon/ipc/ipc_right.h"
#include "daemon/ipc/kmsg_layout.h"

static void clean_rights(struct ipc_host *host, struct ipc_kmsg *kmsg,
			 const struct ikm_descriptor *desc)
{
	if (!layout_is_port(desc->d_type) && desc->d_type != MACH_MSG_OOL_PORTS_DESCRIPTOR)
		return;
	for (uint32_t i = 0; i < desc->d_count; i++)
		ipc_right_destroy_naked(host, kmsg->ikm_rights[desc->d_first + i].r_port,
					desc->d_disposition);
}

static void clean(struct ipc_host *host, struct ipc_kmsg *kmsg, uint32_t descriptors)
{
	struct ikm_header *header = &kmsg->ikm_header;

	IPC_PROBE_DESTROY(IP_VALID(header->ikm_dest) ? header->ikm_dest->ip_id : 0,
			  header->ikm_msgh_id);
	ipc_right_destroy_naked(host, header->ikm_dest, header->ikm_dest_type);
	ipc_right_destroy_naked(host, header->ikm_reply, header->ikm_reply_type);
	ipc_right_destroy_naked(host, header->ikm_voucher, MACH_MSG_TYPE_PORT_SEND);
	for (uint32_t i = 0; i < descriptors; i++)
		clean_rights(host, kmsg, &kmsg->ikm_desc[i]);
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
