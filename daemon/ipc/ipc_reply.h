/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Replies that need not be answered [8, 9].
 *
 * A server replies and receives in one call. If the next message is lent to it (ipc_loan.h) it need
 * not wait for that half, and what is sent to a send-once right needs no room in a queue, so nor
 * for the other, as long as that name is such a right. When messages are lent the board says for
 * each of those before them whether that is promised of the right that it brought; and it is taken
 * back before anybody can hear that the right is gone, or that there is something else about it
 * that may keep a reply from being sent. A reply that is under way then was sent before that, as
 * with windows (ipc_window.h); if its name is gone it is destroyed, as if the port had died just
 * after the send.
 *
 * A promise is charged (IPC_CHARGE_PROMISES) until its reply comes or it cannot come any more: when
 * the thread is lent something the next time, or ends.
 */
#pragma once

#include "daemon/ipc/ipc_types.h"

/* Promise that this name, of an entry of the thread's space, is good for reply number `index`. */
void ipc_reply_promise(struct ipc_host *host, struct ipc_thread *thread, unsigned index,
		       mach_port_name_t name, struct ipc_entry *entry);

/* A reply comes without wanting an answer. False: so many were never promised. */
bool ipc_reply_take(struct ipc_host *host, struct ipc_thread *thread, mach_port_name_t name);

/* The right of this entry, still in use, is gone or not what it was. */
void ipc_reply_name_gone(struct ipc_host *host, struct ipc_space *space, struct ipc_entry *entry);

/* Nothing is promised to the thread any more, but what was is under way. */
void ipc_reply_withdraw(struct ipc_host *host, struct ipc_thread *thread);

/* Nor is that. */
void ipc_reply_forget(struct ipc_host *host, struct ipc_thread *thread);
