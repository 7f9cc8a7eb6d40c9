/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The MIG server's inside: requests and replies of routines as messages. The fields of ops.def say
 * what a message looks like; MIG's rules for the rest are [29]:
 *
 *   a request   header, count and descriptors if there are any, and if there is anything else, NDR
 *               and the other arguments in order, 4-byte aligned
 *   a reply     the same, with the routine's code behind the NDR if there are no descriptors
 *   a failure   header, NDR, code
 *
 * Who uses it: trap_mig.c; mig_request.c and mig_reply.c are the two halves.
 */
#pragma once

#include <mach/ndr.h>

#include "daemon/trap/trap_internal.h"

/* What a message with certain fields has at least. */
struct mig_shape {
	uint32_t descriptors;
	uint32_t ports;	      /* of them, those with one right */
	uint32_t inline_size; /* bytes of arguments, without NDR */
	uint32_t extra_max;   /* bytes that what has no fixed length may add to that */
};

struct mig_shape mig_shape(const struct machd_field *fields);

/*
 * Read a request: its arguments go to `args`, the words of an array behind them; *words says how
 * many. Rights become handles. MIG_BAD_ARGUMENTS: its size or shape is not that of the routine.
 * MIG_TYPE_ERROR: a descriptor is of another type, or its count is not the one that is said.
 * KERN_INVALID_ADDRESS: out-of-line memory in a descriptor that the daemon does not read.
 */
kern_return_t mig_read(const struct machd_routine_row *row, const struct trap_rights *rights,
		       uint8_t *args, uint32_t *words);

/*
 * A message with room for the routine's reply, or for a failure (`row` is NULL then), but for what
 * is out of line. NULL: no memory, or `payer` (may be NULL) is at a limit.
 */
struct ipc_kmsg *mig_reply_alloc(struct ipc_host *host, struct ipc_account *payer,
				 const struct machd_routine_row *row);

/* Make it a failure. */
void mig_reply_fail(struct ipc_kmsg *reply, kern_return_t kr);

/* One of the arrays that the elements of a list are distributed to. */
struct mig_column {
	uint32_t mc_at, mc_size; /* its element in a turn, */
	uint32_t mc_turn;	 /* of so many bytes */
};

/* Array number `k` of an OOL field and the BESIDE after it; false: there are fewer. */
bool mig_column(const struct machd_field *field, uint32_t k, struct mig_column *column);

/* A list of several answers of its routine, one behind the other; no bytes: it is none such. */
struct mig_list {
	uint8_t *l_bytes; /* to be freed */
	size_t l_size, l_room;
};

/*
 * If the result of a call that was run goes on, run it again until it does not, and gather all its
 * parts. KERN_RESOURCE_SHORTAGE: no memory for them; else the routine's code.
 */
kern_return_t mig_list_gather(struct trap_call *call, const struct machd_routine_row *row,
			      uint8_t *args, struct mig_list *list);

/* Give a reply the list, a memfd for each array of `field`; false: no memory, or a limit. */
bool mig_list_attach(struct ipc_host *host, const struct mig_list *list,
		     const struct machd_field *field, struct ipc_kmsg *reply);

/*
 * Make it the routine's reply: results and rights of the call, which are taken. With memory or an
 * array of rights it becomes another message; with a list that was gathered, one with that.
 * KERN_RESOURCE_SHORTAGE: no memory for that, or the result is too long for one message; nothing
 * was taken.
 */
kern_return_t mig_reply_fill(struct ipc_host *host, const struct trap_call *call,
			     const struct machd_routine_row *row, const struct mig_list *list,
			     struct ipc_kmsg **reply);
