/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages to the daemon's own ports. Programs call its routines by frame (daemon/trap); as a
 * message an id is unknown, and the reply says so in MIG's form.
 */
#include "daemon/ipc/ipc_kobject.h"

#include <mach/ndr.h>
#include <string.h>

#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_kmsg.h"
#include "daemon/ipc/ipc_mqueue.h"
#include "daemon/ipc/ipc_notify.h"
#include "daemon/ipc/ipc_port.h"
#include "daemon/ipc/ipc_right.h"

#define MIG_BAD_ID     (-303)
#define MIG_REPLY_STEP 100 /* from the id of a request to that of its reply */

struct error_body {
	uint8_t ndr[8];
	int32_t code;
};

/* Send MIG's error reply to a right, which is taken. */
static void reply_error(struct ipc_host *host, struct ipc_port *reply, uint8_t type, uint32_t id,
			int32_t code)
{
	struct error_body body = {.ndr = {[4] = NDR_INT_LITTLE_ENDIAN}, .code = code};
	struct ipc_kmsg_plan plan = {.p_body = sizeof body};
	bool once = type == MACH_MSG_TYPE_PORT_SEND_ONCE;
	struct ipc_kmsg *kmsg = NULL;

	if (ipc_port_active(reply) && reply->ip_place != IP_IN_DAEMON)
		kmsg = ipc_kmsg_alloc(host, reply->ip_user, &plan, true);
	if (!kmsg) {
		ipc_right_destroy_naked(host, reply, type);
		return;
	}
	kmsg->ikm_header.ikm_dest = reply;
	kmsg->ikm_header.ikm_dest_type = type;
	kmsg->ikm_header.ikm_msgh_id = id + MIG_REPLY_STEP;
	kmsg->ikm_header.ikm_security = (security_token_t)KERNEL_SECURITY_TOKEN_VALUE;
	kmsg->ikm_header.ikm_audit = (audit_token_t)KERNEL_AUDIT_TOKEN_VALUE;
	memcpy(kmsg->ikm_body, &body, sizeof body);
	ipc_kmsg_sign(host, kmsg);
	if (ipc_mqueue_send(host, kmsg, once ? IPC_MQUEUE_ALWAYS : IPC_MQUEUE_BOUND) !=
	    MACH_MSG_SUCCESS)
		ipc_kmsg_destroy(host, kmsg);
}

void ipc_kobject_server(struct ipc_host *host, struct ipc_kmsg *kmsg)
{
	struct ikm_header *header = &kmsg->ikm_header;
	struct ipc_port *reply = header->ikm_reply;
	uint8_t type = header->ikm_reply_type;
	uint32_t id = header->ikm_msgh_id;

	header->ikm_dest->ip_seqno++;
	header->ikm_reply = IP_NULL;
	ipc_kmsg_sign(host, kmsg);
	ipc_kmsg_destroy(host, kmsg);
	if (IP_VALID(reply))
		reply_error(host, reply, type, id, MIG_BAD_ID);
}
