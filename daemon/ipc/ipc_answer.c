/* SPDX-License-Identifier: Apache-2.0 */
/* Answers: the frame around them, and when they go out. */
#include "daemon/ipc/ipc_answer.h"

#include <string.h>

#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_thread.h"

size_t ipc_answer_room(void)
{
	return MACHD_FRAME_SIZE_MAX - sizeof(struct machd_frame);
}

static uint8_t *packet_for(struct ipc_host *host, const struct ipc_thread *thread)
{
	return thread == host->h_current ? host->h_own_packet : host->h_packet;
}

uint8_t *ipc_answer_payload(struct ipc_host *host, struct ipc_thread *thread)
{
	return packet_for(host, thread) + sizeof(struct machd_frame);
}

void ipc_answer_send(struct ipc_host *host, struct ipc_thread *thread, enum machd_op op,
		     size_t size, ipc_fd_t fd)
{
	struct machd_frame frame = {.length = (uint32_t)(sizeof frame + size),
				    .op = op | MACHD_OP_ANSWER,
				    .fds = fd != IPC_FD_NONE,
				    .sequence = thread->th_sequence};
	uint8_t *packet = packet_for(host, thread);

	memcpy(packet, &frame, sizeof frame);
	if (thread != host->h_current) {
		host->h_outbox->answer(host->h_outbox->context, thread, packet, frame.length, fd);
		return;
	}
	host->h_answered = thread;
	host->h_answer_size = frame.length;
	host->h_answer_fd = fd;
}

void ipc_answer_code(struct ipc_host *host, struct ipc_thread *thread, mach_msg_return_t code)
{
	struct machd_message_answer answer = {.code = (uint32_t)code};

	memcpy(ipc_answer_payload(host, thread), &answer, sizeof answer);
	ipc_answer_send(host, thread, MACHD_OP_MESSAGE, sizeof answer, IPC_FD_NONE);
}
