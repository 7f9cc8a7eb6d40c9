/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loans: messages that a thread may receive without asking for each [9].
 *
 * A thread that receives plain messages from a port is given, with the first, copies of those
 * behind it. They stay on the queue and are its messages in every respect: nobody has received
 * them. The thread takes them one by one, in their order, by counting up a word of its board; to
 * its program each of them is received at that moment.
 *
 * Before anything happens that could tell whether a message is still on that queue the loan is
 * settled: the word is taken back, in one step, and what the thread had taken by then is off the
 * queue. Nobody can tell that from receives that came just before. So a loan is settled before
 *
 *   - the receive right's name is used for anything, a receive among them, or the right goes away,
 *   - its port is to take a strict reply, for which the send rights to it count,
 *   - a message finds the queue full, or a sender asks to hear of room in it,
 *   - a more urgent message raises what those before it are received with,
 *   - its sender's user reaches a limit, somebody watches, or the borrower's channel ends,
 *
 * and there is none where messages that leave a queue are news to somebody: a port in a set or on a
 * bell, with blocked senders or receivers, with a no-senders or an armed send-possible request.
 * Only messages without rights, memory and importance are lent.
 *
 * What a server borrows by a call that sends its reply and receives is told: the thread sends a
 * frame, the next reply, with each message that it takes (ipc_reply.h). So there may be blocked
 * senders, and who finds the queue full need only look how far the thread has come. What is lent
 * this way may bring a send-once right for the reply. An entry is kept for it, one that nobody
 * else needs, and nobody has that name until it is known that the message was taken. That is looked
 * for before a thread of the task asks for anything, or anybody asks something of the task: who
 * knows the name finds it there. If the right's port dies the loan is settled first: what is left
 * is received with a dead name.
 *
 * What a thread has taken is the one thing that the machine asks the world for, so it is recorded
 * as an input would be (ipc_outbox.h).
 */
#pragma once

#include "daemon/ipc/ipc_types.h"
#include "protocol/board.h"

struct ipc_received;

/* Messages of one loan, and their bytes. */
#define IPC_LOAN_MAX   MACHD_BOARD_REPLIES
#define IPC_LOAN_BYTES 65536

/*
 * The thread has received a message of th_port, and has said that it would take more. Writes what
 * is lent to `at`, which has room for IPC_LOAN_BYTES; returns how many bytes, *count messages.
 */
size_t ipc_loan_make(struct ipc_host *host, struct ipc_thread *thread,
		     const struct ipc_received *received, uint8_t *at, uint32_t *count);

/* Settle the loan of a port, that of a thread, or all; nothing if there is none. */
void ipc_loan_settle(struct ipc_host *host, struct ipc_port *port);
void ipc_loan_settle_thread(struct ipc_host *host, struct ipc_thread *thread);
void ipc_loan_settle_all(struct ipc_host *host);

/* Those of a task that bring rights. */
void ipc_loan_settle_task(struct ipc_host *host, struct ipc_task *task);

/* How many messages are on the queue? Looks at what has been taken, or settles. */
void ipc_loan_look(struct ipc_host *host, struct ipc_port *port);

/* What the task's threads have taken: the rights that came along are there from now on. */
void ipc_loan_look_task(struct ipc_host *host, struct ipc_task *task);
