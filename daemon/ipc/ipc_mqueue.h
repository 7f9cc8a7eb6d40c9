/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The queue of a port: sending into it, receiving from it, and the threads blocked on either side
 * [12].
 */
#pragma once

#include "daemon/base/list.h"
#include "daemon/ipc/ipc_types.h"

/* How a message is put on a queue. */
enum ipc_mqueue_how {
	IPC_MQUEUE_BOUND,  /* the limit holds: MACH_SEND_TIMED_OUT means "full" */
	IPC_MQUEUE_ALWAYS, /* to a send-once right, or from the daemon: only the hard limit holds */
	IPC_MQUEUE_PROMISED, /* a window promised room for it: no limit holds */
};

/*
 * Queue a message on its destination, or hand it to a thread that waits for one. On success the
 * message belongs to the queue. MACH_SEND_TIMED_OUT: the queue is full. MACH_SEND_NO_BUFFER: it is
 * at the hard limit.
 */
mach_msg_return_t ipc_mqueue_send(struct ipc_host *host, struct ipc_kmsg *kmsg,
				  enum ipc_mqueue_how how);

/* Queue a message for which a slot is already counted. */
void ipc_mqueue_post(struct ipc_host *host, struct ipc_port *port, struct ipc_kmsg *kmsg);

/*
 * Find the port or set behind a name and keep it in the thread. MACH_RCV_INVALID_NAME.
 */
mach_msg_return_t ipc_mqueue_copyin(struct ipc_host *host, struct ipc_thread *thread);

/*
 * Receive for a thread from what ipc_mqueue_copyin() found: answers it with a message or an error,
 * or lets it wait.
 */
void ipc_mqueue_receive(struct ipc_host *host, struct ipc_thread *thread);

/* The port has queued messages and joined a set: hand them to threads that wait on the set. */
void ipc_mqueue_serve(struct ipc_host *host, struct ipc_port *port);

/* Wake every receiver on a list with a code. */
void ipc_mqueue_changed(struct ipc_host *host, struct list *receivers);

/* The message at the head of the queue was taken by a thread that it was lent to (ipc_loan.h). */
void ipc_mqueue_taken(struct ipc_host *host, struct ipc_thread *thread, struct ipc_port *port);

/* A counted slot is free again: the first blocked sender gets it, if the limit allows. */
void ipc_mqueue_release_slot(struct ipc_host *host, struct ipc_port *port);

void ipc_mqueue_set_qlimit(struct ipc_host *host, struct ipc_port *port, uint32_t qlimit);
