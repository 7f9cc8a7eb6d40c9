/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Importance that is inherited: who receives a message that is somebody's donation (ipc_source.h)
 * and wants vouchers gets one whose importance attribute stands for it [9.4(3), 23]. For each pair
 * of tasks, sender and receiver, there is one inherit as long as any voucher has it; it counts the
 * messages received, each of which boosts the receiver while the sender is important, until a
 * command about the voucher drops it or the last voucher is gone.
 */
#pragma once

#include "daemon/base/hash.h"
#include "daemon/ipc/ipc_source.h"
#include "daemon/ipc/ipc_voucher.h"

struct ipc_inherit {
	struct ipc_donation in_donation; /* of who sent it */
	struct ipc_source *in_to;	 /* who received it, with a reference */
	uint64_t in_from_id, in_to_id;	 /* ids of the two tasks: the key of the table */
	uint32_t in_boosts;		 /* messages received, without those that were dropped */
	uint32_t in_vouchers;		 /* that have it */
	UT_hash_handle hh;
};

/* Has a message that `task` receives something to inherit? Nobody inherits from itself. */
bool ipc_inherit_due(const struct ipc_task *task, const struct ipc_kmsg *kmsg);

/*
 * `task` receives a message and wants its voucher, which has the importance that came with the
 * message from then on, and no other; if an inherit is due, the message has a voucher afterwards,
 * and no boost of its own. False: no memory, or a limit, and nothing has changed.
 */
bool ipc_inherit_take(struct ipc_host *host, struct ipc_task *task, struct ipc_kmsg *kmsg);

/* Its donation is counted now, or not any more. */
void ipc_inherit_raised(struct ipc_host *host, const struct ipc_inherit *inherit);

/* A voucher was made, or is gone. */
void ipc_inherit_voucher_made(struct ipc_host *host, const struct ipc_voucher *voucher);
void ipc_inherit_voucher_gone(struct ipc_host *host, const struct ipc_voucher *voucher);

/* The inherit that an importance value stands for; NULL: it is a task's own. */
struct ipc_inherit *ipc_inherit_find(struct ipc_host *host, struct ipc_voucher_value value);

/*
 * Drop so many of its boosts. KERN_INVALID_TASK: whom it boosted is gone. KERN_FAILURE: it has not
 * so many.
 */
kern_return_t ipc_inherit_drop(struct ipc_host *host, struct ipc_inherit *inherit, uint32_t boosts);
