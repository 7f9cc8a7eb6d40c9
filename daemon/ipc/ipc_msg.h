/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mach_msg: a send, a receive, or a send and then a receive, of one thread. Each call below either
 * answers the thread's request or leaves it waiting.
 */
#pragma once

#include "daemon/ipc/ipc_kmsg.h"
#include "daemon/ipc/ipc_types.h"

/*
 * Run mach_msg with the arguments in th_args. `message` is what to send, if MACH_SEND_MSG is among
 * the options; h_fds_taken says whether its memfds were taken.
 */
void ipc_msg_trap(struct ipc_host *host, struct ipc_thread *thread,
		  const struct ipc_user_message *message);

/* Answer a message that is not sent, with its memfds if the sender wants them back. */
void ipc_msg_refuse(struct ipc_host *host, struct ipc_thread *thread,
		    const struct ipc_user_message *message, mach_msg_return_t code);

/*
 * The same for a message that has no answer: what cannot be sent any more is destroyed. The caller
 * has seen that it was promised and is what may be sent so (ipc_window.h). `port`: where it goes,
 * or NULL if its name has to be looked up.
 */
void ipc_msg_unanswered(struct ipc_host *host, struct ipc_thread *thread,
			const struct ipc_user_message *message, struct ipc_port *port);

/* The time-out of a waiting thread has passed; too late: nothing. */
void ipc_msg_timeout(struct ipc_host *host, struct ipc_thread *thread);

/* The client gives the request up, because of a signal; too late: nothing. */
void ipc_msg_cancel(struct ipc_host *host, struct ipc_thread *thread);

/* The second half of a call whose first half had to be waited for, see ipc_work_then(). */
void ipc_msg_go_on(struct ipc_host *host, struct ipc_thread *thread);

/* The thread goes away: as cancel, but nobody is answered. */
void ipc_msg_abandon(struct ipc_host *host, struct ipc_thread *thread);

/* Let every woken sender go on, and those that it wakes, as long as no work is left. */
void ipc_msg_run_ready(struct ipc_host *host);
