/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mach_msg: a send, a receive, or a send and then a receive, by one thread. Each call below either
 * answers the thread's request or leaves the thread blocked.
 */
#pragma once

#include "daemon/ipc/ipc_kmsg.h"
#include "daemon/ipc/ipc_types.h"

/*
 * Run mach_msg with the arguments in th_args. `message` is the message to send, with MACH_SEND_MSG;
 * h_fds_taken says afterwards whether its memfds were taken.
 */
void ipc_msg_trap(struct ipc_host *host, struct ipc_thread *thread,
		  const struct ipc_user_message *message);

/* Answer with an error before anything was sent; memfds go back if MACHD_SEND_RETURN asks for it.
 */
void ipc_msg_refuse(struct ipc_host *host, struct ipc_thread *thread,
		    const struct ipc_user_message *message, mach_msg_return_t code);

/*
 * Send a message that gets no answer. The caller has checked that it was promised and may be sent
 * so (ipc_window.h). If it cannot be sent any more it is destroyed. `port`: its destination, or
 * NULL if the name has to be looked up.
 */
void ipc_msg_unanswered(struct ipc_host *host, struct ipc_thread *thread,
			const struct ipc_user_message *message, struct ipc_port *port);

/* The time-out of a blocked thread has passed. Does nothing if the thread is not blocked. */
void ipc_msg_timeout(struct ipc_host *host, struct ipc_thread *thread);

/* The client gives the request up, because of a signal. Likewise. */
void ipc_msg_cancel(struct ipc_host *host, struct ipc_thread *thread);

/* Begin the second half of a call that waited for what its first half destroyed: ipc_work_then() */
void ipc_msg_go_on(struct ipc_host *host, struct ipc_thread *thread);

/* The thread is destroyed: like a cancel, but without an answer. */
void ipc_msg_abandon(struct ipc_host *host, struct ipc_thread *thread);

/* Resume every woken sender, and those that they wake, until there is work to run first. */
void ipc_msg_run_ready(struct ipc_host *host);
