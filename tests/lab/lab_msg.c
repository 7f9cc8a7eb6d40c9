/* SPDX-License-Identifier: Apache-2.0 */
/* mach_msg in a lab: frames out of buffers, and answers into them as the client library does it. */
#include <stdlib.h>
#include <string.h>

#include "tests/lab/lab_feed.h"

#define KINDS \
	(MACH64_SEND_KOBJECT_CALL | MACH64_SEND_MQ_CALL | MACH64_SEND_ANY | MACH64_SEND_DK_CALL)

/* A request with the auxiliary data behind the message. */
static bool request(struct lab_thread *thread, const struct lab_msg *msg,
		    const struct machd_message_args *args, uint32_t size, const struct trap_fd *fd)
{
	uint8_t *bytes = malloc(size + msg->aux_size + 1);
	bool good;

	LAB_TRUE(bytes);
	if (size)
		memcpy(bytes, msg->send, size);
	if (msg->aux_size)
		memcpy(bytes + size, msg->aux, msg->aux_size);
	good = lab_request(thread, MACHD_OP_MESSAGE, args, sizeof *args, bytes,
			   size + msg->aux_size, fd);
	free(bytes);
	return good;
}

mach_msg_return_t lab_msg(struct lab_thread *thread, const struct lab_msg *msg)
{
	bool sends = msg->option & MACH_SEND_MSG;
	uint32_t inline_size = msg->inline_size ? msg->inline_size : msg->send_size;
	void *receive = msg->receive ? msg->receive : msg->send;
	struct machd_message_args args = {.option = msg->option,
					  .send_address = (uintptr_t)msg->send,
					  .rcv_address = (uintptr_t)receive,
					  .send_size = sends ? msg->send_size : 0,
					  .rcv_size = msg->receive_size,
					  .rcv_name = msg->receive_name,
					  .timeout = msg->timeout,
					  .priority = msg->priority,
					  .thread_priority = msg->thread_priority,
					  .aux_size = msg->aux_size,
					  .rcv_aux_size = msg->receive_aux_size};
	struct trap_fd fd = {.size = msg->send_size - inline_size, .sealed = 1};
	bool tail = sends && inline_size < msg->send_size;

	thread->msg = *msg;
	thread->msg.receive = receive;
	if (sends && !(msg->option & KINDS))
		args.option |= MACH64_SEND_ANY;
	if (tail)
		fd.handle = lab_fd(thread->lab);
	if (!request(thread, msg, &args, sends ? inline_size : 0, tail ? &fd : NULL))
		return LAB_DROPPED;
	return lab_wait(thread);
}

static void write_word(void *buffer, uint32_t size, size_t offset, uint32_t word)
{
	if (size >= offset + sizeof word)
		memcpy((uint8_t *)buffer + offset, &word, sizeof word);
}

/* Bytes of an answer go to both sides of the part that is in the memfd. */
static void place_bytes(const struct lab_thread *thread, void *buffer, uint32_t room,
			const uint8_t *bytes, size_t size)
{
	const struct machd_message_answer *result = &thread->result;
	size_t before = thread->body_fd != IPC_FD_NONE ? result->body_offset : size;

	LAB_TRUE((thread->body_fd != IPC_FD_NONE) == (result->body_size != 0));
	LAB_TRUE(before <= size);
	LAB_CHECK(size + result->body_size <= room, "more came than there is room for");
	memcpy(buffer, bytes, before);
	memcpy((uint8_t *)buffer + before + result->body_size, bytes + before, size - before);
}

/* The end of the answer, if it is auxiliary data: returns how many bytes. */
static size_t place_aux(const struct lab_thread *thread, void *buffer, uint32_t room,
			const uint8_t *end)
{
	uint32_t size = thread->result.aux_size;

	LAB_CHECK(size <= room, "more auxiliary data came than there is room for");
	if (size)
		memcpy(buffer, end - size, size);
	return size;
}

mach_msg_return_t lab_wait(struct lab_thread *thread)
{
	struct lab_msg *msg = &thread->msg;
	const size_t head = sizeof(struct machd_frame) + sizeof thread->result;
	uint8_t *packet;
	size_t size;

	LAB_TRUE(thread->op == MACHD_OP_MESSAGE);
	if (!thread->answered)
		return LAB_BLOCKED;
	packet = lab_take_answer(thread, &size);
	LAB_TRUE(size >= head);
	memcpy(&thread->result, packet + sizeof(struct machd_frame), sizeof thread->result);
	thread->body_fd = thread->result.body_size ? thread->fds[0] : IPC_FD_NONE;
	switch (thread->result.place) {
	case MACHD_PLACE_RECEIVE:
		size -= place_aux(thread, msg->receive_aux, msg->receive_aux_size, packet + size);
		place_bytes(thread, msg->receive, msg->receive_size, packet + head, size - head);
		break;
	case MACHD_PLACE_SEND:
		size -= place_aux(thread, msg->aux, msg->aux_size, packet + size);
		place_bytes(thread, msg->send, msg->send_size, packet + head, size - head);
		break;
	case MACHD_PLACE_TOO_LARGE:
		LAB_TRUE(size == head);
		write_word(msg->receive, msg->receive_size, offsetof(mach_msg_header_t, msgh_size),
			   thread->result.too_large_size);
		if (thread->result.too_large_name)
			write_word(msg->receive, msg->receive_size,
				   offsetof(mach_msg_header_t, msgh_local_port),
				   thread->result.too_large_name);
		break;
	default:
		LAB_TRUE(thread->result.place == MACHD_PLACE_NONE);
		LAB_TRUE(size == head);
		break;
	}
	free(packet);
	return (mach_msg_return_t)thread->result.code;
}

void lab_compose(struct lab_buffer *buffer, mach_port_name_t dest, uint32_t dest_disposition,
		 mach_port_name_t reply, uint32_t reply_disposition, int32_t id)
{
	memset(buffer, 0, sizeof *buffer);
	buffer->header = (mach_msg_header_t){
		.msgh_bits = MACH_MSGH_BITS(dest_disposition, reply_disposition),
		.msgh_size = sizeof buffer->header,
		.msgh_remote_port = dest,
		.msgh_local_port = reply,
		.msgh_id = id,
	};
}

void lab_add_bytes(struct lab_buffer *buffer, const void *bytes, uint32_t size)
{
	LAB_TRUE(size % 4 == 0);
	LAB_TRUE(buffer->header.msgh_size + size <= sizeof buffer->bytes);
	if (size)
		memcpy(buffer->bytes + buffer->header.msgh_size, bytes, size);
	buffer->header.msgh_size += size;
}

void lab_add_port(struct lab_buffer *buffer, mach_port_name_t name, uint32_t disposition)
{
	mach_msg_port_descriptor_t port = {
		.name = name, .disposition = disposition, .type = MACH_MSG_PORT_DESCRIPTOR};

	if (!(buffer->header.msgh_bits & MACH_MSGH_BITS_COMPLEX)) {
		buffer->header.msgh_bits |= MACH_MSGH_BITS_COMPLEX;
		buffer->header.msgh_size = sizeof buffer->base;
	}
	buffer->base.body.msgh_descriptor_count++;
	lab_add_bytes(buffer, &port, sizeof port);
}

mach_msg_return_t lab_send(struct lab_thread *thread, struct lab_buffer *buffer, uint32_t option,
			   uint32_t timeout)
{
	struct lab_msg msg = {.option = option | MACH_SEND_MSG,
			      .send = buffer,
			      .send_size = buffer->header.msgh_size,
			      .timeout = timeout};

	return lab_msg(thread, &msg);
}

mach_msg_return_t lab_send_now(struct lab_thread *thread, struct lab_buffer *buffer)
{
	return lab_send(thread, buffer, MACH_SEND_TIMEOUT, 0);
}

mach_msg_return_t lab_receive(struct lab_thread *thread, mach_port_name_t name,
			      struct lab_buffer *buffer, uint32_t option, uint32_t timeout)
{
	struct lab_msg msg = {.option = option | MACH_RCV_MSG,
			      .receive = buffer,
			      .receive_size = sizeof *buffer,
			      .receive_name = name,
			      .timeout = timeout};

	return lab_msg(thread, &msg);
}

mach_msg_return_t lab_receive_now(struct lab_thread *thread, mach_port_name_t name,
				  struct lab_buffer *buffer)
{
	return lab_receive(thread, name, buffer,
			   MACH_RCV_TIMEOUT | MACH_RCV_TRAILER_ELEMENTS(MACH_RCV_TRAILER_LABELS),
			   0);
}

mach_msg_port_descriptor_t lab_port(const struct lab_buffer *buffer, unsigned index)
{
	mach_msg_port_descriptor_t port;

	LAB_TRUE(buffer->header.msgh_bits & MACH_MSGH_BITS_COMPLEX);
	LAB_TRUE(index < buffer->base.body.msgh_descriptor_count);
	memcpy(&port, buffer->bytes + sizeof buffer->base + index * sizeof port, sizeof port);
	LAB_TRUE(port.type == MACH_MSG_PORT_DESCRIPTOR);
	return port;
}

mach_msg_max_trailer_t lab_trailer(const struct lab_buffer *buffer)
{
	mach_msg_max_trailer_t trailer;

	LAB_TRUE(buffer->header.msgh_size + sizeof trailer <= sizeof buffer->bytes);
	memcpy(&trailer, buffer->bytes + buffer->header.msgh_size, sizeof trailer);
	return trailer;
}

uint32_t lab_notice_word(const struct lab_buffer *buffer)
{
	uint32_t word;

	LAB_TRUE(buffer->header.msgh_size == 36);
	memcpy(&word, buffer->bytes + 32, sizeof word);
	return word;
}
