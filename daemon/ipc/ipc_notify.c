/* SPDX-License-Identifier: Apache-2.0 */
/* Building and posting notifications; the layouts are those of mach/notify.h. */
#include "daemon/ipc/ipc_notify.h"

#include <mach/ndr.h>
#include <mach/notify.h>
#include <string.h>

#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_kmsg.h"
#include "daemon/ipc/ipc_mqueue.h"
#include "daemon/ipc/ipc_port.h"
#include "daemon/ipc/ipc_right.h"

/* The body of all notifications but port-destroyed. */
struct notify_body {
	uint8_t ndr[8];
	uint32_t word;
};

/* How the daemon encodes numbers: as this machine does. */
static const uint8_t ndr_here[8] = {0, 0, 0, 0, __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, 0, 0, 0};

/*
 * A message of the daemon to a send-once right, with memory that was reserved for it (ipc_owed.h).
 * It is charged to the owner of the port.
 */
static struct ipc_kmsg *notice(struct ipc_host *host, struct ipc_port *notify, uint32_t id,
			       uint32_t ports, uint32_t body_size)
{
	struct ipc_kmsg_plan plan = {
		.p_descriptors = ports, .p_rights = ports, .p_body = body_size};
	struct ipc_kmsg *kmsg = ipc_kmsg_alloc(host, notify->ip_account, &plan, IKM_NOTICE);

	kmsg->ikm_header.ikm_dest = notify;
	kmsg->ikm_header.ikm_dest_type = MACH_MSG_TYPE_PORT_SEND_ONCE;
	kmsg->ikm_header.ikm_msgh_id = id;
	kmsg->ikm_header.ikm_security = (security_token_t)KERNEL_SECURITY_TOKEN_VALUE;
	kmsg->ikm_header.ikm_audit = (audit_token_t)KERNEL_AUDIT_TOKEN_VALUE;
	return kmsg;
}

/* Post it; dropped if the port is dead or its queue at the hard limit. */
static void post(struct ipc_host *host, struct ipc_kmsg *kmsg)
{
	ipc_kmsg_sign(host, kmsg);
	if (ipc_mqueue_send(host, kmsg, IPC_MQUEUE_ALWAYS) != MACH_MSG_SUCCESS) {
		struct ipc_port *dest = kmsg->ikm_header.ikm_dest;

		kmsg->ikm_header.ikm_dest = IP_NULL;
		ipc_kmsg_sign(host, kmsg);
		ipc_port_release_sonce(host, dest);
		ipc_kmsg_destroy(host, kmsg);
	}
}

static void notify_word(struct ipc_host *host, struct ipc_port *notify, uint32_t id, uint32_t word)
{
	struct notify_body body = {.word = word};
	struct ipc_kmsg *kmsg;

	if (!ipc_port_active(notify)) {
		ipc_port_release_sonce(host, notify);
		return;
	}
	kmsg = notice(host, notify, id, 0, sizeof body);
	memcpy(body.ndr, ndr_here, sizeof ndr_here);
	memcpy(kmsg->ikm_body, &body, sizeof body);
	post(host, kmsg);
}

void ipc_notify_port_deleted(struct ipc_host *host, struct ipc_port *notify, mach_port_name_t name)
{
	notify_word(host, notify, MACH_NOTIFY_PORT_DELETED, name);
}

void ipc_notify_send_possible(struct ipc_host *host, struct ipc_port *notify, mach_port_name_t name)
{
	notify_word(host, notify, MACH_NOTIFY_SEND_POSSIBLE, name);
}

void ipc_notify_dead_name(struct ipc_host *host, struct ipc_port *notify, mach_port_name_t name)
{
	notify_word(host, notify, MACH_NOTIFY_DEAD_NAME, name);
}

void ipc_notify_no_senders(struct ipc_host *host, struct ipc_port *notify,
			   mach_port_mscount_t mscount)
{
	notify_word(host, notify, MACH_NOTIFY_NO_SENDERS, mscount);
}

void ipc_notify_send_once(struct ipc_host *host, struct ipc_port *right)
{
	ipc_notify_event(host, right, MACH_NOTIFY_SEND_ONCE);
}

void ipc_notify_event(struct ipc_host *host, struct ipc_port *right, uint32_t id)
{
	if (!ipc_port_active(right) || right->ip_place == IP_IN_DAEMON) {
		ipc_port_release_sonce(host, right);
		return;
	}
	post(host, notice(host, right, id, 0, 0));
}

bool ipc_notify_port_destroyed(struct ipc_host *host, struct ipc_port *notify,
			       struct ipc_port *port)
{
	struct ipc_kmsg *kmsg;

	if (!ipc_port_active(notify)) {
		ipc_port_release_sonce(host, notify);
		return false;
	}
	kmsg = notice(host, notify, MACH_NOTIFY_PORT_DESTROYED, 1, 0);
	kmsg->ikm_header.ikm_complex = true;
	kmsg->ikm_desc[0] = (struct ikm_descriptor){.d_type = MACH_MSG_PORT_DESCRIPTOR,
						    .d_disposition = MACH_MSG_TYPE_PORT_RECEIVE,
						    .d_count = 1};
	kmsg->ikm_rights[0].r_port = port;
	if (ipc_port_set_destination(host, port, notify)) {
		post(host, kmsg);
	} else {
		ipc_kmsg_sign(host, kmsg);
		ipc_kmsg_destroy(host, kmsg);
	}
	return true;
}
