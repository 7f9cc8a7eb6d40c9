/* SPDX-License-Identifier: Apache-2.0 */
/* The BOARD frame: a channel registers the memory of its board (protocol/board.h). */
#include "daemon/ipc/ipc_answer.h"
#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_loan.h"
#include "daemon/ipc/ipc_thread.h"
#include "daemon/ipc/ipc_window.h"
#include "daemon/trap/trap_internal.h"

const char *trap_board(struct ipc_host *host, struct ipc_thread *thread,
		       const struct trap_packet *packet)
{
	kern_return_t code = KERN_RESOURCE_SHORTAGE;
	const struct trap_fd *fd = packet->tp_fds;

	if (!thread->th_task)
		return "it watches and sends nothing";
	if (packet->tp_size || packet->tp_fd_count != 1)
		return "it wants a board without the memory for one";
	if (fd->sealed != TRAP_FD_NO_ROOM &&
	    (fd->sealed != TRAP_FD_FIXED || fd->size != MACHD_BOARD_SIZE))
		return "what it sends for a board is no memory that stays as it is";
	ipc_loan_settle_thread(host, thread);
	if (fd->sealed == TRAP_FD_FIXED)
		code = ipc_window_board(host, thread);
	if (code == KERN_SUCCESS) {
		host->h_fds_taken = true;
		host->h_outbox->board(host->h_outbox->context, thread, fd->handle);
	}
	ipc_answer_kern(host, thread, MACHD_OP_BOARD, code);
	return NULL;
}
