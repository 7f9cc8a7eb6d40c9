/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory reserved for the daemon's own messages, which must not be lost for lack of it. Every
 * notification uses up a send-once right [14], that of a request or one that is destroyed unused;
 * and a timer has at most one message under way. So there is one reserved piece (h_notices) for
 * each send-once right and timer in existence. It is reserved before the right is made, while
 * failure can still be reported to somebody, and used only if there is no other memory when the
 * message is made.
 *
 * A right that is the destination of a queued message still counts, because that message may be
 * using its piece. The pieces are not charged: rights cost names, requests or room in messages,
 * which are; and an unused piece is address space, not memory.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "daemon/ipc/ipc_types.h"

/* Size of a chunk of the reserve, in 64-bit words of its bit map: about 1 MiB, one page touched. */
#define IPC_OWED_WORDS 32

/* Make sure that `count` more pieces can be reserved. False: no memory. */
bool ipc_owed_keep(struct ipc_host *host, uint64_t count);

/* A send-once right or timer is made: one more piece, which ipc_owed_keep() provided for. */
void ipc_owed_begin(struct ipc_host *host);

/* It is gone, and will send nothing. */
void ipc_owed_end(struct ipc_host *host);
