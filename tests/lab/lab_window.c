/* SPDX-License-Identifier: Apache-2.0 */
/* The library's side of windows, in a lab. */
#include "tests/lab/lab_window.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/ipc/ipc_entry.h"
#include "daemon/ipc/ipc_port.h"
#include "daemon/ipc/ipc_task.h"
#include "daemon/ipc/ipc_thread.h"
#include "daemon/ipc/ipc_window.h"
#include "tests/lab/lab_feed.h"

kern_return_t lab_board(struct lab_thread *thread, enum trap_fd_state state)
{
	struct trap_fd fd = {
		.handle = lab_fd(thread->lab), .size = MACHD_BOARD_SIZE, .sealed = state};
	struct machd_call_answer answer;
	uint8_t *packet;
	size_t size;

	if (!lab_request(thread, MACHD_OP_BOARD, NULL, 0, NULL, 0, &fd))
		return LAB_DROPPED;
	packet = lab_take_answer(thread, &size);
	LAB_TRUE(size == sizeof(struct machd_frame) + sizeof answer);
	memcpy(&answer, packet + sizeof(struct machd_frame), sizeof answer);
	free(packet);
	return (kern_return_t)answer.code;
}

uint32_t lab_window(const struct lab_thread *thread, mach_port_name_t name)
{
	unsigned index = machd_window_of(name);
	machd_window_t window = thread->board[index];
	int32_t left = (int32_t)(machd_window_end(window) - thread->unanswered[index]);

	return machd_window_name(window) == name && left > 0 ? (uint32_t)left : 0;
}

bool lab_send_unanswered(struct lab_thread *thread, struct lab_buffer *buffer, uint32_t option)
{
	struct machd_message_args args = {.option = option | MACH_SEND_MSG | MACH64_SEND_ANY,
					  .send_size = buffer->header.msgh_size};

	thread->request_flags = MACHD_REQUEST_UNANSWERED;
	thread->unanswered[machd_window_of(buffer->header.msgh_remote_port)]++;
	return lab_request(thread, MACHD_OP_MESSAGE, &args, sizeof args, buffer,
			   buffer->header.msgh_size, NULL);
}

mach_msg_return_t lab_send_plain(struct lab_thread *thread, struct lab_buffer *buffer)
{
	if (lab_window(thread, buffer->header.msgh_remote_port) == 0) {
		thread->request_flags = thread->has_board ? MACHD_REQUEST_WINDOW : 0;
		return lab_send(thread, buffer, 0, 0);
	}
	return lab_send_unanswered(thread, buffer, 0) ? MACH_MSG_SUCCESS : LAB_DROPPED;
}

/* The next message of the loan, which the thread takes. */
static void take_loan(struct lab_thread *thread, struct lab_buffer *buffer)
{
	const uint8_t *at = thread->memory + thread->loan_at;
	struct machd_loan loan;

	LAB_TRUE(thread->loan_at + sizeof loan <= thread->memory_size);
	memcpy(&loan, at, sizeof loan);
	LAB_TRUE(thread->loan_at + sizeof loan + loan.size <= thread->memory_size);
	LAB_TRUE(loan.size <= sizeof *buffer && loan.reserved == 0);
	memcpy(buffer, at + sizeof loan, loan.size);
	thread->loan_at += (sizeof loan + loan.size + 7) & ~(size_t)7;
	thread->taken++;
}

mach_msg_return_t lab_receive_ahead(struct lab_thread *thread, mach_port_name_t port,
				    struct lab_buffer *buffer)
{
	mach_msg_return_t code;

	if (thread->lent > thread->taken && thread->memory_size &&
	    port == thread->msg.receive_name) {
		take_loan(thread, buffer);
		return MACH_MSG_SUCCESS;
	}
	thread->request_flags = thread->has_board ? MACHD_REQUEST_LOAN : 0;
	code = lab_receive_now(thread, port, buffer);
	thread->loan_at = sizeof(struct machd_frame);
	return code;
}

bool lab_reply_promised(const struct lab_thread *thread, mach_port_name_t name)
{
	return thread->lent > thread->taken && thread->memory_size &&
	       thread->board[MACHD_BOARD_REPLY + thread->taken] ==
		       machd_window(name, thread->taken);
}

bool lab_reply_unanswered(struct lab_thread *thread, struct lab_buffer *buffer)
{
	struct machd_message_args args = {.option = MACH_SEND_MSG | MACH64_SEND_ANY,
					  .send_size = buffer->header.msgh_size};

	thread->request_flags = MACHD_REQUEST_UNANSWERED | MACHD_REQUEST_REPLY;
	return lab_request(thread, MACHD_OP_MESSAGE, &args, sizeof args, buffer,
			   buffer->header.msgh_size, NULL);
}

mach_msg_return_t lab_reply_and_receive(struct lab_thread *thread, mach_port_name_t port,
					struct lab_buffer *buffer)
{
	struct lab_buffer next;
	struct lab_msg msg = {.option = MACH_SEND_MSG | MACH_RCV_MSG | MACH_RCV_TIMEOUT |
					MACH_RCV_TRAILER_ELEMENTS(MACH_RCV_TRAILER_LABELS),
			      .send = buffer,
			      .send_size = buffer->header.msgh_size,
			      .receive = buffer,
			      .receive_size = sizeof *buffer,
			      .receive_name = port};
	mach_msg_return_t code = MACH_MSG_SUCCESS;

	if (lab_reply_promised(thread, buffer->header.msgh_remote_port) &&
	    port == thread->msg.receive_name) {
		take_loan(thread, &next);
		code = lab_reply_unanswered(thread, buffer) ? MACH_MSG_SUCCESS : LAB_DROPPED;
		*buffer = next;
		return code;
	}
	thread->request_flags = thread->has_board ? MACHD_REQUEST_LOAN | MACHD_REQUEST_REPLY : 0;
	code = lab_msg(thread, &msg);
	thread->loan_at = sizeof(struct machd_frame);
	return code;
}

/* One that has something to promise is on its port's list; one that has none may want some. */
static void check_window(const struct ipc_thread *thread, const struct ipc_window *window,
			 uint32_t left, uint32_t unseen)
{
	const struct ipc_entry *entry;

	LAB_TRUE(list_empty(&window->w_open) == (left == 0));
	LAB_TRUE(left <= MACHD_WINDOW_MAX && left <= unseen);
	LAB_TRUE((window->w_port == NULL) ==
		 (list_empty(&window->w_open) && list_empty(&window->w_wants)));
	if (!window->w_port)
		return;
	entry = ipc_entry_lookup(thread->th_task->t_space, window->w_name);
	LAB_TRUE(entry && (entry->ie_type & MACH_PORT_TYPE_SEND));
	LAB_TRUE(entry->ie_port == window->w_port && entry->ie_windows);
	LAB_TRUE(ipc_port_active(window->w_port));
}

uint64_t lab_audit_windows(const struct ipc_thread *thread,
			   void (*count)(void *, const struct ipc_port *, uint32_t), void *context)
{
	uint64_t promises = thread->th_windows ? thread->th_windows->ws_replies : 0;

	for (unsigned i = 0; thread->th_windows && i < MACHD_BOARD_WINDOWS; i++) {
		const struct ipc_window *window = &thread->th_windows->ws_window[i];
		uint32_t left = window->w_end - window->w_taken;
		uint32_t unseen = window->w_promised - window->w_taken;

		promises += unseen <= INT32_MAX ? unseen : 0;
		check_window(thread, window, left, unseen);
		if (window->w_port)
			count(context, window->w_port, left);
	}
	return promises;
}
