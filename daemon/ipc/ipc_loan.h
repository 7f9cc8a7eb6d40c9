/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loans: receives without a request [9].
 *
 * A thread that receives plain messages from a port gets, with the first, copies of those queued
 * behind it. The originals stay queued: nobody has received them yet. The thread takes them one by
 * one, in order, by incrementing a count on its board; for its program, each is received at that
 * moment.
 *
 * Before anything happens that depends on whether a message is still queued, the loan is settled:
 * the daemon atomically reads and clears the count, and removes what the thread had taken by then
 * from the queue. To an observer these are receives that came just before. A loan is settled before
 *
 *   - the receive right's name is used for anything, a receive among them, or the right goes away,
 *   - its port becomes the reply port of a strict reply, for which its send rights count,
 *   - a message finds the queue full, or a sender asks to hear of room in it,
 *   - a message with an override is queued: it raises those before it,
 *   - its sender's user reaches a limit, somebody watches, or the borrower's channel ends,
 *
 * and none is made where somebody watches the queue shrink: a port in a set or on a bell, with
 * blocked senders or receivers, with a no-senders or an armed send-possible request. Only messages
 * without rights, memory and importance are lent.
 *
 * Servers. A thread that replies and receives in one call sends a frame, the next reply, with each
 * message it takes (ipc_reply.h), so the daemon hears of every take. Then blocked senders are
 * allowed, and a sender that finds the queue full only makes the daemon read the count. Such a
 * message may also carry a send-once right as its reply right. An entry of the server's space is
 * set aside for it (ie_lent); the name is in use once the message is known to be taken. The daemon
 * reads the count before any request of the task, or about it, so that the name is there for
 * whoever knows it. If the right's port dies the loan is settled first, and what is left is
 * received with a dead name.
 *
 * The count is read from the client in the middle of an input; so it is recorded as an input is
 * (ipc_outbox.h: settle).
 */
#pragma once

#include "daemon/ipc/ipc_types.h"
#include "protocol/board.h"

struct ipc_received;

/* The most messages of one loan. */
#define IPC_LOAN_MAX MACHD_BOARD_REPLIES

/*
 * The thread has received a message of th_port and accepts a loan. Copies the messages to lend to
 * `at`, which has room for MACHD_LOAN_BYTES. Returns the number of bytes; *count becomes that of
 * messages.
 */
size_t ipc_loan_make(struct ipc_host *host, struct ipc_thread *thread,
		     const struct ipc_received *received, uint8_t *at, uint32_t *count);

/* Settle the loan of a port, that of a thread, or all; nothing if there is none. */
void ipc_loan_settle(struct ipc_host *host, struct ipc_port *port);
void ipc_loan_settle_thread(struct ipc_host *host, struct ipc_thread *thread);
void ipc_loan_settle_all(struct ipc_host *host);

/* Settle those loans of a task's threads that carry rights. */
void ipc_loan_settle_task(struct ipc_host *host, struct ipc_task *task);

/* Bring the port's queue up to date: read the count of a server's loan, settle any other. */
void ipc_loan_look(struct ipc_host *host, struct ipc_port *port);

/* Read the counts of the task's servers: names that came with what they took are in use now. */
void ipc_loan_look_task(struct ipc_host *host, struct ipc_task *task);
