/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Strict reply [17.4], with EnforceStrictReply=yes in machd.conf. A request sent with
 * MACH_MSG_STRICT_REPLY must name a reply port that only this request can be answered through. A
 * receive with that option ties the reply right to the persona of the message's voucher: the reply
 * must be sent by a thread whose voucher has that persona.
 */
#pragma once

#include "daemon/ipc/ipc_types.h"

/* Before anything is taken: may a send have this reply? */
bool ipc_strict_disposition_good(struct ipc_host *host, uint64_t option, mach_port_name_t reply,
				 uint32_t disposition);

/*
 * With the header taken: the reply port, which the sender knew by that name, is one that this
 * message alone can be answered through.
 */
bool ipc_strict_port_good(struct ipc_host *host, const struct ipc_space *space,
			  struct ipc_port *reply, mach_port_name_t name, uint64_t option);

/*
 * A message is to be queued: MACH_SEND_INVALID_CONTEXT if it is a reply that must be sent under
 * another persona. The port is tied to none afterwards.
 */
mach_msg_return_t ipc_strict_context(struct ipc_host *host, struct ipc_thread *thread,
				     const struct ipc_kmsg *kmsg);

/*
 * The reply right of a message is given to its receiver: tie it, or untie it if nothing is to be
 * enforced. MACH_RCV_INVALID_REPLY: a receiver that also sends must be where the reply port is.
 */
mach_msg_return_t ipc_strict_receive(struct ipc_host *host, struct ipc_thread *thread,
				     const struct ipc_kmsg *kmsg);
