/* SPDX-License-Identifier: Apache-2.0 */
/* Answers: the frames around them, and when they go out. */
#include "daemon/ipc/ipc_answer.h"

#include <string.h>

#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_thread.h"

size_t ipc_answer_room(void)
{
	return MACHD_FRAME_SIZE_MAX - sizeof(struct machd_frame);
}

static uint8_t *buffer_for(struct ipc_host *host, const struct ipc_thread *thread)
{
	return thread == host->h_current ? host->h_own_packet : host->h_packet;
}

uint8_t *ipc_answer_payload(struct ipc_host *host, struct ipc_thread *thread)
{
	return buffer_for(host, thread) + sizeof(struct machd_frame);
}

/* The second packet begins where the first ends, aligned for its header. */
static size_t second_at(size_t size)
{
	return (sizeof(struct machd_frame) + size + 7) & ~(size_t)7;
}

uint8_t *ipc_answer_memory(struct ipc_host *host, struct ipc_thread *thread, size_t size)
{
	return buffer_for(host, thread) + second_at(size) + sizeof(struct machd_frame);
}

/* The frame header of a packet with `size` bytes of payload; the packet's size. */
static size_t put_frame(uint8_t *packet, const struct ipc_thread *thread, enum machd_op op,
			size_t size, unsigned fd_count)
{
	struct machd_frame frame = {.length = (uint32_t)(sizeof frame + size),
				    .op = (uint16_t)(op | MACHD_OP_ANSWER),
				    .fds = (uint16_t)fd_count,
				    .sequence = thread->th_sequence,
				    .flags = ipc_guard_answer_flags(thread)};

	memcpy(packet, &frame, sizeof frame);
	return frame.length;
}

void ipc_answer_send(struct ipc_host *host, struct ipc_thread *thread, enum machd_op op,
		     size_t size, size_t memory_size, const ipc_fd_t *fds, unsigned fd_count)
{
	uint8_t *buffer = buffer_for(host, thread);
	struct ipc_answer answer = {.packet = buffer, .fds = fds, .fd_count = fd_count};

	answer.size = put_frame(buffer, thread, op, size, memory_size ? 0 : fd_count);
	if (memory_size) {
		answer.memory = buffer + second_at(size);
		answer.memory_size = put_frame(buffer + second_at(size), thread, MACHD_OP_MEMORY,
					       memory_size, fd_count);
	}
	if (thread != host->h_current) {
		host->h_outbox->answer(host->h_outbox->context, thread, &answer);
		return;
	}
	if (fd_count)
		memcpy(host->h_own_fds, fds, fd_count * sizeof *fds);
	answer.fds = host->h_own_fds;
	host->h_answered = thread;
	host->h_answer = answer;
}

void ipc_answer_lend(struct ipc_host *host, struct ipc_thread *thread, enum machd_op op,
		     size_t size, ipc_fd_t fd)
{
	uint8_t *buffer = buffer_for(host, thread);
	struct ipc_answer answer = {.packet = buffer, .fds = &fd, .fd_count = 1, .lent = true};

	answer.size = put_frame(buffer, thread, op, size, 1);
	host->h_outbox->answer(host->h_outbox->context, thread, &answer);
}

void ipc_answer_ring(struct ipc_host *host, struct ipc_thread *thread, size_t size)
{
	uint8_t *buffer = buffer_for(host, thread);
	struct ipc_answer answer = {.packet = buffer, .ring = true};

	answer.size = put_frame(buffer, thread, MACHD_OP_RING, size, MACHD_RING_FDS);
	host->h_outbox->answer(host->h_outbox->context, thread, &answer);
}

void ipc_answer_code(struct ipc_host *host, struct ipc_thread *thread, mach_msg_return_t code)
{
	ipc_answer_refused(host, thread, code, NULL, 0);
}

void ipc_answer_refused(struct ipc_host *host, struct ipc_thread *thread, mach_msg_return_t code,
			const ipc_fd_t *fds, unsigned fd_count)
{
	struct machd_message_answer answer = {.code = (uint32_t)code,
					      .memory_taken = thread->th_memory_taken};

	memcpy(ipc_answer_payload(host, thread), &answer, sizeof answer);
	ipc_answer_send(host, thread, MACHD_OP_MESSAGE, sizeof answer, 0, fds, fd_count);
}

void ipc_answer_kern(struct ipc_host *host, struct ipc_thread *thread, enum machd_op op,
		     kern_return_t code)
{
	struct machd_call_answer answer = {.code = (uint32_t)code};

	memcpy(ipc_answer_payload(host, thread), &answer, sizeof answer);
	ipc_answer_send(host, thread, op, sizeof answer, 0, NULL, 0);
}

void ipc_answer_call(struct ipc_host *host, struct ipc_thread *thread, kern_return_t code)
{
	ipc_answer_kern(host, thread, MACHD_OP_CALL, code);
}
