/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Putting an answer together. The bytes go straight into the host's packet buffer and from there to
 * the outbox. The answer of the thread whose request is being handled goes out last, when the
 * destruction it caused is done (ipc_work.h); others at once.
 */
#pragma once

#include "daemon/ipc/ipc_outbox.h"
#include "daemon/ipc/ipc_types.h"
#include "protocol/frame.h"
#include "protocol/limits.h"

/* A buffer has room for an answer's two packets. */
#define IPC_ANSWER_BUFFER (2 * MACHD_FRAME_SIZE_MAX)

/* Bytes behind the frame header that a packet may have. */
size_t ipc_answer_room(void);

/* Where those of the first packet go; where those of the second go if the first has `size`. */
uint8_t *ipc_answer_payload(struct ipc_host *host, struct ipc_thread *thread);
uint8_t *ipc_answer_memory(struct ipc_host *host, struct ipc_thread *thread, size_t size);

/*
 * Send the answer: `size` bytes of payload, `memory_size` bytes of it in the second packet (0:
 * there is none), and descriptors, which are taken.
 */
void ipc_answer_send(struct ipc_host *host, struct ipc_thread *thread, enum machd_op op,
		     size_t size, size_t memory_size, const ipc_fd_t *fds, unsigned fd_count);

/*
 * Send an answer with a copy of one descriptor. It goes out at once, before anything can happen to
 * the descriptor, so the request must not have destroyed anything.
 */
void ipc_answer_lend(struct ipc_host *host, struct ipc_thread *thread, enum machd_op op,
		     size_t size, ipc_fd_t fd);

/* Send an answer for which the io layer makes a ring. It goes out at once as well. */
void ipc_answer_ring(struct ipc_host *host, struct ipc_thread *thread, size_t size);

/* An answer that has nothing but a code; that to a routine. */
void ipc_answer_kern(struct ipc_host *host, struct ipc_thread *thread, enum machd_op op,
		     kern_return_t code);
void ipc_answer_call(struct ipc_host *host, struct ipc_thread *thread, kern_return_t code);

/* The answer to mach_msg when it has no bytes; and with the descriptors of a message refused. */
void ipc_answer_code(struct ipc_host *host, struct ipc_thread *thread, mach_msg_return_t code);
void ipc_answer_refused(struct ipc_host *host, struct ipc_thread *thread, mach_msg_return_t code,
			const ipc_fd_t *fds, unsigned fd_count);
