/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The MESSAGE frame: from a frame to mach_msg's arguments. The frame must be whole; what the
 * arguments say is Mach's business and is answered with Mach's codes.
 */
#include <string.h>

#include "daemon/ipc/ipc_answer.h"
#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_loan.h"
#include "daemon/ipc/ipc_msg.h"
#include "daemon/ipc/ipc_reply.h"
#include "daemon/ipc/ipc_thread.h"
#include "daemon/ipc/ipc_window.h"
#include "daemon/trap/trap_internal.h"

/* Does the frame hold the message that its arguments announce? */
static const char *check_message(const struct trap_packet *packet,
				 const struct machd_message_args *args, size_t inline_size)
{
	if (inline_size > args->send_size)
		return "its message is longer than it says";
	if (inline_size > MACHD_INLINE_LIMIT)
		return "its frame carries more of a message than a frame may";
	if (inline_size == args->send_size)
		return packet->tp_fd_count && args->memory_count == 0
			       ? "it sends a descriptor that nothing needs"
			       : NULL;
	if (packet->tp_fd_count == 0)
		return "its message is shorter than it says";
	if (packet->tp_fd_count > 1 && args->memory_count == 0)
		return "it sends a descriptor that nothing needs";
	return NULL;
}

/* The part of the body that is not in the frame: the first descriptor holds it, and is sealed. */
static bool body_good(const struct trap_packet *packet, uint32_t size, uint32_t inline_size)
{
	return inline_size == size || (packet->tp_fds[0].sealed == TRAP_FD_SEALED &&
				       packet->tp_fds[0].size == size - inline_size);
}

/* `size`: bytes behind the arguments; *inline_size: those of the message. */
static const char *check(const struct trap_packet *packet, const struct machd_message_args *args,
			 size_t size, uint32_t *inline_size)
{
	uint64_t beside = (uint64_t)args->memory_count * sizeof(struct machd_memory) +
			  args->data_size + args->aux_size;

	*inline_size = 0;
	if (!(args->option & MACH_SEND_MSG))
		return size || packet->tp_fd_count ? "it sends a message without saying so" : NULL;
	if (args->aux_size && !(args->option & MACH64_MSG_VECTOR))
		return "it sends auxiliary data without saying so";
	if (beside > size || (args->memory_count == 0 && args->data_size))
		return "the memory of its message is cut short";
	*inline_size = (uint32_t)(size - beside);
	return check_message(packet, args, *inline_size);
}

/* The frame's descriptors in the form that inflate takes. */
static void copy_fds(const struct trap_packet *packet, struct ipc_user_fd *fds)
{
	for (unsigned i = 0; i < packet->tp_fd_count; i++)
		fds[i] = (struct ipc_user_fd){
			.uf_fd = {packet->tp_fds[i].handle, packet->tp_fds[i].size},
			.uf_sealed = packet->tp_fds[i].sealed == TRAP_FD_SEALED};
}

/* The daemon has no descriptors left for this message. */
static bool no_room(const struct trap_packet *packet)
{
	for (unsigned i = 0; i < packet->tp_fd_count; i++)
		if (packet->tp_fds[i].sealed == TRAP_FD_NO_ROOM)
			return true;
	return false;
}

/* How much auxiliary data a message may have for this receiver. */
static uint32_t aux_max(const struct machd_message_args *args)
{
	bool linear = args->option & MACHD_RCV_LINEAR;
	bool minds = (args->option & MACH64_MSG_VECTOR) || args->rcv_aux_size;

	return minds && !linear ? args->rcv_aux_size : UINT32_MAX;
}

static void set_args(struct ipc_thread *thread, const struct machd_message_args *args)
{
	thread->th_memory_taken = 0;
	thread->th_args = (struct ipc_msg_args){
		.a_option = args->option,
		.a_send_address = args->send_address,
		.a_rcv_address = args->rcv_address,
		.a_send_size = args->send_size,
		.a_rcv_size = args->rcv_size,
		.a_rcv_name = args->rcv_name,
		.a_timeout = args->timeout,
		.a_priority = args->priority,
		.a_thread_priority = args->thread_priority,
		.a_rcv_aux_size = args->rcv_aux_size,
		.a_aux_max = aux_max(args),
	};
}

/* The destination's name; whether a window is possible for it is checked when it is opened. */
static mach_port_name_t destination(const struct ipc_user_message *message)
{
	mach_msg_header_t header;

	if (message->um_inline < sizeof header)
		return MACH_PORT_NULL;
	memcpy(&header, message->um_bytes, sizeof header);
	return header.msgh_remote_port;
}

static bool is_reply(const mach_msg_header_t *header)
{
	return header->msgh_bits == MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND_ONCE, 0);
}

/*
 * A message without reply port, descriptors or options, sent by a copied send right or a moved
 * send-once right: the only kind that can be sent without an answer.
 */
static bool is_plain(const struct trap_packet *packet, const struct machd_message_args *args,
		     mach_msg_header_t *header)
{
	size_t size = packet->tp_size - sizeof *args;

	if (args->option != (MACH_SEND_MSG | MACH64_SEND_ANY) || args->send_size != size ||
	    size < sizeof *header || size > MACHD_UNANSWERED_MAX || size % 4 ||
	    args->memory_count || args->data_size || args->aux_size || packet->tp_fd_count)
		return false;
	memcpy(header, packet->tp_bytes + sizeof *args, sizeof *header);
	return (header->msgh_bits == MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0) ||
		is_reply(header)) &&
	       header->msgh_local_port == MACH_PORT_NULL;
}

static const char *unanswered(struct ipc_host *host, struct ipc_thread *thread,
			      const struct trap_packet *packet,
			      const struct machd_message_args *args)
{
	struct ipc_user_message message = {
		.um_option = args->option,
		.um_bytes = packet->tp_bytes + sizeof *args,
		.um_inline = args->send_size,
		.um_size = args->send_size,
		.um_promised = true,
	};
	mach_msg_header_t header;
	bool reply;

	if (!is_plain(packet, args, &header))
		return "it sends without an answer what may fail";
	reply = is_reply(&header);
	if (reply != ((packet->tp_frame.flags & MACHD_REQUEST_REPLY) != 0))
		return "it sends a reply that is none";
	if (reply ? !ipc_reply_take(host, thread, header.msgh_remote_port)
		  : !ipc_window_take(host, thread, header.msgh_remote_port))
		return "it sends more without an answer than it was promised room for";
	set_args(thread, args);
	if (reply) {
		message.um_receives = true;
		ipc_msg_unanswered(host, thread, &message, IP_NULL);
		return NULL;
	}
	ipc_msg_unanswered(host, thread, &message,
			   ipc_window_port(thread, header.msgh_remote_port));
	ipc_window_taken(host, thread, header.msgh_remote_port);
	return NULL;
}

/* The message of a whole frame, in the form that inflate takes. */
static struct ipc_user_message user_message(const struct trap_packet *packet,
					    const struct machd_message_args *args,
					    uint32_t inline_size, const struct ipc_user_fd *fds)
{
	const uint8_t *bytes = packet->tp_bytes + sizeof *args;
	const uint8_t *aux = packet->tp_bytes + packet->tp_size - args->aux_size;

	return (struct ipc_user_message){
		.um_option = args->option,
		.um_bytes = bytes,
		.um_inline = inline_size,
		.um_size = args->send_size,
		.um_memory = bytes + inline_size,
		.um_memory_count = args->memory_count,
		.um_data = aux - args->data_size,
		.um_data_size = args->data_size,
		.um_aux = aux,
		.um_aux_size = args->aux_size,
		.um_fds = fds,
		.um_fd_count = packet->tp_fd_count,
	};
}

/* The code of a request that cannot be carried out, whatever the message; or MACH_MSG_SUCCESS. */
static mach_msg_return_t refusal(struct ipc_host *host, struct ipc_thread *thread,
				 const struct trap_packet *packet,
				 const struct machd_message_args *args, uint32_t inline_size)
{
	if (!machd_options_good(args->option)) {
		ipc_guard_raise(host, thread, kGUARD_EXC_INVALID_OPTIONS, 0, 0);
		return MACH_SEND_INVALID_OPTIONS;
	}
	if (no_room(packet))
		return MACH_SEND_NO_BUFFER;
	if ((args->option & MACH_SEND_MSG) && !body_good(packet, args->send_size, inline_size))
		return MACH_SEND_INVALID_MEMORY;
	return MACH_MSG_SUCCESS;
}

const char *trap_message(struct ipc_host *host, struct ipc_thread *thread,
			 const struct trap_packet *packet)
{
	struct machd_message_args args;
	struct ipc_user_message message;
	struct ipc_user_fd fds[MACHD_FRAME_FDS_MAX];
	mach_msg_return_t code;
	uint32_t inline_size;
	const char *why;

	if (!thread->th_task)
		return "it watches and has no ports";
	if (packet->tp_size < sizeof args)
		return "its request is cut short";
	memcpy(&args, packet->tp_bytes, sizeof args);
	if (packet->tp_frame.flags & MACHD_REQUEST_UNANSWERED)
		return unanswered(host, thread, packet, &args);
	if ((packet->tp_frame.flags & MACHD_REQUEST_REPLY) && !(args.option & MACH_SEND_MSG))
		return "it sends a reply that is none";
	why = check(packet, &args, packet->tp_size - sizeof args, &inline_size);
	if (why)
		return why;
	copy_fds(packet, fds);
	message = user_message(packet, &args, inline_size, fds);
	set_args(thread, &args);
	if (thread->th_borrows)
		ipc_loan_settle_thread(host, thread); /* one at a time */
	if (packet->tp_frame.flags == MACHD_REQUEST_WINDOW)
		thread->th_wants = destination(&message);
	code = refusal(host, thread, packet, &args, inline_size);
	if (code == MACH_MSG_SUCCESS)
		ipc_msg_trap(host, thread, &message);
	else
		ipc_msg_refuse(host, thread, &message, code);
	return NULL;
}
