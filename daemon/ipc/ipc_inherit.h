/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inherited importance. A receiver that wants vouchers and receives a message with a donation
 * (ipc_source.h) gets a voucher whose importance attribute refers to an inherit [9.4(3), 23]. The
 * inherit lives as long as any voucher refers to it. It counts the messages received, each of which
 * boosts the receiver while the sender is important, until a command on the voucher drops the boost
 * or the last voucher is gone.
 *
 * If the message carries a voucher with importance that the sender itself has inherited, the new
 * inherit is one deeper and refers to the sender's (in_via). There is one inherit for each sender,
 * receiver and depth. It follows the importance of the sender, as the message did; in_via only
 * records where that comes from, and keeps that inherit even without vouchers. A chain that gets
 * too long starts over at the sender. Importance that comes back to a task that has inherited it is
 * counted once more there.
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
	struct ipc_donation in_donation; /* of the sender */
	struct ipc_source *in_to;	 /* the receiver's, with a reference */
	struct ipc_inherit *in_via;    /* the sender's own; NULL: the chain starts at the sender */
	uint64_t in_from_id, in_to_id; /* key of the hash: ids of the two tasks, */
	uint64_t in_depth;	       /* and the length of the chain */
	uint32_t in_received;	       /* messages, since the first voucher */
	uint32_t in_dropped;	       /* boosts dropped by commands */
	uint32_t in_vouchers;	       /* vouchers that refer to it */
	uint32_t in_heirs;	       /* inherits whose in_via it is */
	UT_hash_handle hh;
};

/*
 * Does the message that `task` receives have importance to inherit? A task does not inherit its
 * own, except what it has inherited already.
 */
bool ipc_inherit_due(struct ipc_host *host, const struct ipc_task *task,
		     const struct ipc_kmsg *kmsg);

/*
 * `task` receives a message and wants its voucher. Set the voucher's importance attribute to what
 * came with the message; if that is an inherit, the message has a voucher afterwards and no boost
 * of its own. False: no memory, or a limit, and nothing has changed.
 */
bool ipc_inherit_take(struct ipc_host *host, struct ipc_task *task, struct ipc_kmsg *kmsg);

/* Its donation was raised, or is no longer. */
void ipc_inherit_raised(struct ipc_host *host, const struct ipc_inherit *inherit);

/* A voucher was made, or is gone. */
void ipc_inherit_voucher_made(struct ipc_host *host, const struct ipc_voucher *voucher);
void ipc_inherit_voucher_gone(struct ipc_host *host, const struct ipc_voucher *voucher);

/* The inherit that an importance value stands for; NULL: it is a task's own. */
struct ipc_inherit *ipc_inherit_find(struct ipc_host *host, struct ipc_voucher_value value);

/* Its number of boosts for the receiver, while its source is important. */
uint32_t ipc_inherit_boosts(const struct ipc_inherit *inherit);

/* Drop some of its boosts. KERN_FAILURE: it has fewer. */
kern_return_t ipc_inherit_drop(struct ipc_host *host, struct ipc_inherit *inherit, uint32_t boosts);

/* Describe in words whom it boosts and through whom; the text is cut off at the end of the room. */
#define IPC_INHERIT_TEXT 2560
void ipc_inherit_describe(const struct ipc_inherit *inherit, char text[IPC_INHERIT_TEXT]);
