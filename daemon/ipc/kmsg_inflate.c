/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inflate: the first step of a message inside the daemon. The user's bytes are measured, copied
 * once, and its descriptors widened to kernel form. Names are only carried over; whatever is wrong
 * here costs the sender nothing [8, steps 3 to 6].
 */
#include <string.h>

#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_kmsg.h"
#include "daemon/ipc/ipc_task.h"
#include "daemon/ipc/ipc_user.h"

/* The header and, in a complex message, the count: what measuring starts from. */
struct shape {
	mach_msg_header_t s_header;
	bool s_complex;
	uint32_t s_descriptors;
	uint32_t s_offset; /* of the body */
};

/* Bytes of a descriptor of each type in a 64-bit client's message. */
static const uint8_t descriptor_sizes[] = {
	[MACH_MSG_PORT_DESCRIPTOR] = 12,	 [MACH_MSG_OOL_DESCRIPTOR] = 16,
	[MACH_MSG_OOL_PORTS_DESCRIPTOR] = 16,	 [MACH_MSG_OOL_VOLATILE_DESCRIPTOR] = 16,
	[MACH_MSG_GUARDED_PORT_DESCRIPTOR] = 16,
};

#define DESCRIPTOR_MIN	   12u
#define DESCRIPTOR_TYPE_AT 11 /* offset of the type byte in every descriptor */

static mach_msg_return_t read_header(const struct ipc_user_message *message, struct shape *shape)
{
	const uint32_t base = sizeof(mach_msg_base_t);

	if (message->um_size < sizeof shape->s_header || message->um_size % 4)
		return MACH_SEND_MSG_TOO_SMALL;
	if (message->um_size > MACHD_MESSAGE_SIZE_MAX)
		return MACH_SEND_TOO_LARGE;
	if (message->um_inline < sizeof shape->s_header)
		return MACH_SEND_INVALID_DATA;
	memcpy(&shape->s_header, message->um_bytes, sizeof shape->s_header);
	shape->s_complex = shape->s_header.msgh_bits & MACH_MSGH_BITS_COMPLEX;
	shape->s_offset = sizeof shape->s_header;
	if (!shape->s_complex)
		return MACH_MSG_SUCCESS;
	if (message->um_size < base)
		return MACH_SEND_MSG_TOO_SMALL;
	if (message->um_inline < base)
		return MACH_SEND_INVALID_DATA;
	memcpy(&shape->s_descriptors, message->um_bytes + shape->s_offset, 4);
	if (shape->s_descriptors > (message->um_size - base) / DESCRIPTOR_MIN)
		return MACH_SEND_MSG_TOO_SMALL;
	return MACH_MSG_SUCCESS;
}

/* Walk the descriptors left to right for type and space. */
static mach_msg_return_t measure(const struct ipc_user_message *message, struct shape *shape)
{
	if (!shape->s_complex)
		return MACH_MSG_SUCCESS;
	shape->s_offset = sizeof(mach_msg_base_t);
	for (uint32_t i = 0; i < shape->s_descriptors; i++) {
		uint32_t left = message->um_size - shape->s_offset;
		uint8_t type;

		if (left < DESCRIPTOR_MIN)
			return MACH_SEND_MSG_TOO_SMALL;
		if (message->um_inline - shape->s_offset < DESCRIPTOR_MIN)
			return MACH_SEND_INVALID_DATA;
		type = message->um_bytes[shape->s_offset + DESCRIPTOR_TYPE_AT];
		if (type >= sizeof descriptor_sizes)
			return MACH_SEND_INVALID_TYPE;
		if (left < descriptor_sizes[type])
			return MACH_SEND_MSG_TOO_SMALL;
		if (message->um_inline - shape->s_offset < descriptor_sizes[type])
			return MACH_SEND_INVALID_DATA;
		shape->s_offset += descriptor_sizes[type];
	}
	return MACH_MSG_SUCCESS;
}

/* Widen the descriptors. Memory and guarded ports are not carried yet. */
static mach_msg_return_t convert(const struct ipc_user_message *message, struct ipc_kmsg *kmsg)
{
	const uint8_t *from = message->um_bytes + sizeof(mach_msg_base_t);

	for (uint32_t i = 0; i < kmsg->ikm_header.ikm_descriptors; i++) {
		mach_msg_port_descriptor_t port;

		memcpy(&port, from, sizeof port);
		if (port.type != MACH_MSG_PORT_DESCRIPTOR)
			return MACH_SEND_INVALID_TYPE;
		kmsg->ikm_desc[i] = (struct ikm_descriptor){.d_type = port.type,
							    .d_disposition = port.disposition,
							    .d_name = port.name};
		from += sizeof port;
	}
	return MACH_MSG_SUCCESS;
}

/* Header fields and body; the end of the body stays in its memfd. */
static bool fill(struct ipc_host *host, struct ipc_kmsg *kmsg, struct ipc_task *task,
		 const struct ipc_user_message *message, const struct shape *shape)
{
	struct ikm_header *header = &kmsg->ikm_header;

	if (message->um_fd != IPC_FD_NONE) {
		if (!ipc_kmsg_charge_fd(host, kmsg, message->um_size - message->um_inline))
			return false;
		header->ikm_fd = message->um_fd;
	}
	kmsg->ikm_bits = shape->s_header.msgh_bits & MACH_MSGH_BITS_USER;
	kmsg->ikm_dest_name = shape->s_header.msgh_remote_port;
	kmsg->ikm_reply_name = shape->s_header.msgh_local_port;
	header->ikm_voucher = shape->s_header.msgh_voucher_port;
	header->ikm_msgh_id = (uint32_t)shape->s_header.msgh_id;
	header->ikm_size = message->um_size;
	header->ikm_complex = shape->s_complex;
	header->ikm_security = task->t_security;
	header->ikm_audit = task->t_audit;
	memcpy(kmsg->ikm_body, message->um_bytes + shape->s_offset, header->ikm_inline_size);
	return true;
}

/* Drop a kmsg that never became a message; the memfd stays the caller's. */
static mach_msg_return_t undo(struct ipc_host *host, struct ipc_kmsg *kmsg, mach_msg_return_t code)
{
	kmsg->ikm_header.ikm_fd = IPC_FD_NONE;
	ipc_kmsg_free(host, kmsg);
	return code;
}

mach_msg_return_t ipc_kmsg_inflate(struct ipc_host *host, struct ipc_task *task,
				   const struct ipc_user_message *message, struct ipc_kmsg **kmsgp)
{
	struct shape shape = {.s_offset = 0};
	struct ipc_kmsg *kmsg;
	mach_msg_return_t code;

	code = read_header(message, &shape);
	if (code == MACH_MSG_SUCCESS)
		code = measure(message, &shape);
	if (code != MACH_MSG_SUCCESS)
		return code;
	kmsg = ipc_kmsg_alloc(host, task->t_user, shape.s_descriptors,
			      message->um_inline - shape.s_offset, false);
	if (!kmsg)
		return MACH_SEND_NO_BUFFER;
	code = convert(message, kmsg);
	if (code != MACH_MSG_SUCCESS)
		return undo(host, kmsg, code);
	if (shape.s_descriptors > MACHD_MESSAGE_PORTS_MAX)
		return undo(host, kmsg, MACH_SEND_TOO_LARGE);
	if (!fill(host, kmsg, task, message, &shape))
		return undo(host, kmsg, MACH_SEND_NO_BUFFER);
	*kmsgp = kmsg;
	return MACH_MSG_SUCCESS;
}
