/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The MESSAGE frame: from a frame to mach_msg's arguments. The frame must be whole; what the
 * arguments say is Mach's business and is answered with Mach's codes.
 */
#include <string.h>

#include "daemon/ipc/ipc_answer.h"
#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_msg.h"
#include "daemon/ipc/ipc_thread.h"
#include "daemon/trap/trap_internal.h"

#define FLOW_BITS \
	(MACH64_SEND_KOBJECT_CALL | MACH64_SEND_MQ_CALL | MACH64_SEND_ANY | MACH64_SEND_DK_CALL)

/* Does the frame hold the message that its arguments announce? */
static const char *check(const struct trap_packet *packet, const struct machd_message_args *args,
			 uint32_t inline_size)
{
	const struct trap_fd *fd = packet->tp_fd;

	if (args->reserved != 0)
		return "a reserved field of its request is not 0";
	if (!(args->option & MACH_SEND_MSG))
		return inline_size || fd ? "it sends a message without saying so" : NULL;
	if (inline_size > args->send_size)
		return "its message is longer than it says";
	if (inline_size > MACHD_INLINE_LIMIT)
		return "its frame carries more of a message than a frame may";
	if (inline_size == args->send_size)
		return fd ? "it sends a descriptor that no body needs" : NULL;
	if (!fd)
		return "its message is shorter than it says";
	if (!fd->sealed)
		return "its message's body is not a sealed memfd";
	if (fd->size != args->send_size - inline_size)
		return "its message's body is not as long as it says";
	return NULL;
}

/* mach_msg2's rule: a send names exactly one kind of destination. Vectors are not carried yet. */
static bool options_good(uint64_t option)
{
	uint64_t flow = option & FLOW_BITS;

	if (option & MACH64_MSG_VECTOR)
		return false;
	return !(option & MACH_SEND_MSG) || (flow != 0 && (flow & (flow - 1)) == 0);
}

const char *trap_message(struct ipc_host *host, struct ipc_thread *thread,
			 const struct trap_packet *packet)
{
	struct machd_message_args args;
	struct ipc_user_message message;
	const char *why;

	if (!thread->th_task)
		return "it watches and has no ports";
	if (packet->tp_size < sizeof args)
		return "its request is cut short";
	memcpy(&args, packet->tp_bytes, sizeof args);
	message = (struct ipc_user_message){
		.um_bytes = packet->tp_bytes + sizeof args,
		.um_inline = (uint32_t)(packet->tp_size - sizeof args),
		.um_size = args.send_size,
		.um_fd = packet->tp_fd ? packet->tp_fd->handle : IPC_FD_NONE,
	};
	why = check(packet, &args, message.um_inline);
	if (why)
		return why;
	thread->th_args = (struct ipc_msg_args){
		.a_option = args.option,
		.a_send_address = args.send_address,
		.a_rcv_address = args.rcv_address,
		.a_send_size = args.send_size,
		.a_rcv_size = args.rcv_size,
		.a_rcv_name = args.rcv_name,
		.a_timeout = args.timeout,
		.a_priority = args.priority,
	};
	if (options_good(args.option))
		ipc_msg_trap(host, thread, &message);
	else
		ipc_answer_code(host, thread, MACH_SEND_INVALID_OPTIONS);
	return NULL;
}
