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

/* Bytes behind the frame header that an answer may have. */
size_t ipc_answer_room(void);

/* Where they go. */
uint8_t *ipc_answer_payload(struct ipc_host *host, struct ipc_thread *thread);

/* Send the answer: `size` bytes of payload, and a descriptor (or IPC_FD_NONE), which is taken. */
void ipc_answer_send(struct ipc_host *host, struct ipc_thread *thread, enum machd_op op,
		     size_t size, ipc_fd_t fd);

/* The answer to mach_msg when it has no bytes. */
void ipc_answer_code(struct ipc_host *host, struct ipc_thread *thread, mach_msg_return_t code);
