/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Importance that is inherited: who receives a message that is somebody's donation (ipc_source.h)
 * and wants vouchers gets one whose importance attribute stands for it [9.4(3), 23]. An inherit is
 * there as long as any voucher has it; it counts the messages received, each of which boosts the
 * receiver while the sender is important, until a command about the voucher drops it or the last
 * voucher is gone.
 *
 * What the sender had inherited itself, and sends along as the message's voucher, the new inherit
 * goes back to: it is one deeper, and says by way of whom. There is one for each pair of tasks,
 * sender and receiver, and depth. It follows the sender's importance, as the message does; where it
 * goes back to only says where that comes from, and stays for that when no voucher has it. A chain
 * that has become too long begins anew with the sender. What comes back to who has inherited it is
 * counted there once more.
 */
#pragma once

#include "daemon/base/hash.h"
#include "daemon/ipc/ipc_source.h"
#include "daemon/ipc/ipc_voucher.h"

/* The depth of the longest chain; behind it the numbers go on from the second. */
#define IPC_INHERIT_DEPTH_MAX  32u
#define IPC_INHERIT_DEPTH_MASK 0xffu
#define IPC_INHERIT_ANEW       0x80000000u

struct ipc_inherit {
	struct ipc_donation in_donation; /* of who sent it */
	struct ipc_source *in_to;	 /* who received it, with a reference */
	struct ipc_inherit *in_via;	 /* that the sender had; NULL: the sender itself */
	uint64_t in_from_id, in_to_id;	 /* ids of the two tasks, */
	uint64_t in_depth;		 /* and how far it goes back: the key of the table */
	uint32_t in_received;		 /* messages, since a voucher had it first, */
	uint32_t in_dropped;		 /* less these */
	uint32_t in_vouchers;		 /* that have it */
	uint32_t in_heirs;		 /* inherits that go back to it */
	UT_hash_handle hh;
};

/*
 * Has a message that `task` receives something to inherit? Nobody inherits from itself, except what
 * it has inherited already.
 */
bool ipc_inherit_due(struct ipc_host *host, const struct ipc_task *task,
		     const struct ipc_kmsg *kmsg);

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

/* What it counts for whom it boosts, while its source is important. */
uint32_t ipc_inherit_boosts(const struct ipc_inherit *inherit);

/* Drop so many of its boosts. KERN_FAILURE: it has not so many. */
kern_return_t ipc_inherit_drop(struct ipc_host *host, struct ipc_inherit *inherit, uint32_t boosts);

/* Say in words whom it boosts and by way of whom; the text ends where there is no more room. */
#define IPC_INHERIT_TEXT 2560
void ipc_inherit_describe(const struct ipc_inherit *inherit, char text[IPC_INHERIT_TEXT]);
