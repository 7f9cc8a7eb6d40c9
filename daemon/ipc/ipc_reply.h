/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Replies without an answer [8, 9].
 *
 * A server sends its reply and receives the next request in one call. If that request is lent to it
 * (ipc_loan.h) the receive needs no answer. A send to a send-once right needs no room in a queue,
 * so as long as the name is such a right the send needs none either. The board says so for the
 * reply right of each lent message but the last, and of the one received before them. The promise
 * is withdrawn before anybody can learn that the right is gone, or that anything else would keep
 * the reply from being sent. A reply under way at that moment counts as sent before, as with
 * windows (ipc_window.h); if its name is gone it is destroyed, as if the port had died just after
 * the send.
 *
 * A promise is charged (IPC_CHARGE_PROMISES) until its reply comes or can no longer come: when the
 * thread gets its next loan, or ends.
 */
#pragma once

#include "daemon/ipc/ipc_types.h"

/* Promise that the thread's reply number `index` to this name, of `entry`, needs no answer. */
void ipc_reply_promise(struct ipc_host *host, struct ipc_thread *thread, unsigned index,
		       mach_port_name_t name, struct ipc_entry *entry);

/* An unanswered reply to this name has come: count it. False: it was never promised. */
bool ipc_reply_take(struct ipc_host *host, struct ipc_thread *thread, mach_port_name_t name);

/* The right of this entry, which is still in use, goes or changes. */
void ipc_reply_name_gone(struct ipc_host *host, struct ipc_space *space, struct ipc_entry *entry);

/* Withdraw all promises of the thread; replies already under way are still accepted. */
void ipc_reply_withdraw(struct ipc_host *host, struct ipc_thread *thread);

/* Nor are those accepted any more: give their charges back. */
void ipc_reply_forget(struct ipc_host *host, struct ipc_thread *thread);
