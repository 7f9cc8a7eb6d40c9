/* SPDX-License-Identifier: Apache-2.0 */
/* Sends without an answer in a lab: boards, and what the client library does with them. */
#pragma once

#include "tests/lab/lab.h"

struct ipc_port;
struct ipc_thread;

/* Give the thread a board; `state` is what the io layer says of the descriptor. */
kern_return_t lab_board(struct lab_thread *thread, enum trap_fd_state state);

/* How many messages may be sent to a name without an answer. */
uint32_t lab_window(const struct lab_thread *thread, mach_port_name_t name);

/* Send so, whether that is allowed or not; false if the thread was dropped. */
bool lab_send_unanswered(struct lab_thread *thread, struct lab_buffer *buffer, uint32_t option);

/*
 * Receive without waiting as the library does: from a loan if there is one, else by asking for one.
 * The same as lab_receive_now() for who gets the message.
 */
mach_msg_return_t lab_receive_ahead(struct lab_thread *thread, mach_port_name_t port,
				    struct lab_buffer *buffer);

/*
 * What a server does: send the reply in *buffer and receive the next message there without waiting,
 * from a loan if the reply need not be answered, else by asking for one. MACH_RCV_TIMED_OUT: there
 * is none; the reply was sent.
 */
mach_msg_return_t lab_reply_and_receive(struct lab_thread *thread, mach_port_name_t port,
					struct lab_buffer *buffer);

/* Does the board say that the message received last can be replied to without an answer? */
bool lab_reply_promised(const struct lab_thread *thread, mach_port_name_t name);

/* Send such a reply, whether that is allowed or not; false if the thread was dropped. */
bool lab_reply_unanswered(struct lab_thread *thread, struct lab_buffer *buffer);

/*
 * A plain send as the library makes it: without an answer if there is a window, else with one, and
 * it asks for a window. Returns what lab_send() does.
 */
mach_msg_return_t lab_send_plain(struct lab_thread *thread, struct lab_buffer *buffer);

/*
 * For the audit: see that the thread's windows are what they have to be; `count` is told how much
 * each has been promised of its port's queue. Returns how many messages may come in all.
 */
uint64_t lab_audit_windows(const struct ipc_thread *thread,
			   void (*count)(void *, const struct ipc_port *, uint32_t), void *context);
