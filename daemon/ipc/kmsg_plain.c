/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inflate and copyin in one step, for a message that was promised room (ipc_window.h): only bytes,
 * sent by copying a send right that was checked when the window was opened. There is nothing left
 * to check, and no reply, voucher, descriptors or QoS to copy in.
 */
#include <string.h>

#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_kmsg.h"
#include "daemon/ipc/ipc_port.h"
#include "daemon/ipc/ipc_task.h"

struct ipc_kmsg *ipc_kmsg_inflate_plain(struct ipc_host *host, struct ipc_task *task,
					const struct ipc_user_message *message,
					struct ipc_port *port)
{
	struct ipc_kmsg_plan plan = {.p_body = message->um_size - sizeof(mach_msg_header_t)};
	struct ipc_kmsg *kmsg = ipc_kmsg_alloc(host, task->t_account, &plan, IKM_PROMISED);
	struct ikm_header *header;
	mach_msg_header_t user;

	memcpy(&user, message->um_bytes, sizeof user);
	memcpy(kmsg->ikm_body, message->um_bytes + sizeof user, plan.p_body);
	kmsg->ikm_sender_word = (uint8_t)task->t_word;
	kmsg->ikm_may_donate = true;
	header = &kmsg->ikm_header;
	header->ikm_dest = ipc_port_copy_send(port);
	header->ikm_dest_type = MACH_MSG_TYPE_PORT_SEND;
	header->ikm_voucher_field = user.msgh_voucher_port;
	header->ikm_msgh_id = (uint32_t)user.msgh_id;
	header->ikm_security = task->t_security;
	header->ikm_audit = task->t_audit;
	ipc_kmsg_sign(host, kmsg);
	return kmsg;
}
