/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mach_msg2's vector form: a message and auxiliary data. The array is checked here, in Mach's order
 * [8, step 2]: errors in the receiving half do not prevent the send.
 */
#include <mach/message.h>

#include "client/exchange.h"
#include "protocol/limits.h"

/* The two elements; one that was not given is zero. */
struct vectors {
	mach_msg_vector_t message, aux;
};

/* NULL: not in this program's memory. */
static void *pointer(mach_vm_address_t address)
{
	return address <= UINTPTR_MAX ? (void *)(uintptr_t)address : NULL;
}

static void *receive_address(const mach_msg_vector_t *vector)
{
	return pointer(vector->msgv_rcv_addr ? vector->msgv_rcv_addr : vector->msgv_data);
}

static mach_msg_return_t fetch(const void *data, bool sending, uint32_t count,
			       struct vectors *vectors)
{
	*vectors = (struct vectors){0};
	if (count == 0)
		return sending ? MACH_SEND_MSG_TOO_SMALL : MACH_RCV_INVALID_ARGUMENTS;
	if (count > MACH_MSGV_MAX_COUNT ||
	    !mi_fetch(vectors, data, count * sizeof vectors->message))
		return sending ? MACH_SEND_INVALID_DATA : MACH_RCV_INVALID_ARGUMENTS;
	return MACH_MSG_SUCCESS;
}

/* The sending half. */
static mach_msg_return_t take_send(const struct vectors *vectors, uint32_t count,
				   struct exchange *x)
{
	mach_msg_return_t code;

	if (count == 0)
		return MACH_SEND_MSG_TOO_SMALL;
	x->send = pointer(vectors->message.msgv_data);
	x->send_size = vectors->message.msgv_send_size;
	if (!x->send)
		return MACH_SEND_INVALID_DATA;
	code = mi_check_size(x);
	if (code != MACH_MSG_SUCCESS)
		return code;
	if (count == MACH_MSGV_MAX_COUNT && vectors->aux.msgv_send_size != 0) {
		x->send_aux = pointer(vectors->aux.msgv_data);
		x->send_aux_size = vectors->aux.msgv_send_size;
		if (!x->send_aux)
			return MACH_SEND_INVALID_DATA;
		if (x->send_aux_size < MACHD_AUX_SIZE_MIN)
			return MACH_SEND_AUX_TOO_SMALL;
		if (x->send_aux_size > MACHD_AUX_SIZE_MAX)
			return MACH_SEND_AUX_TOO_LARGE;
	}
	return mi_check_descriptors(x);
}

/* The receiving half; the message's buffer may be any, as with mach_msg. */
static mach_msg_return_t take_receive(const struct vectors *vectors, uint32_t count,
				      struct exchange *x)
{
	if (count == 0)
		return MACH_RCV_INVALID_ARGUMENTS;
	x->receive = receive_address(&vectors->message);
	x->rcv_size = vectors->message.msgv_rcv_size;
	if (count < MACH_MSGV_MAX_COUNT)
		return MACH_MSG_SUCCESS;
	x->rcv_aux = receive_address(&vectors->aux);
	x->rcv_aux_size = vectors->aux.msgv_rcv_size;
	if (!x->rcv_aux || x->rcv_aux_size < MACHD_AUX_SIZE_MIN)
		return MACH_RCV_INVALID_ARGUMENTS;
	return MACH_MSG_SUCCESS;
}

mach_msg_return_t mi_msg2_vector(const void *data, mach_msg_option64_t option,
				 const mach_msg_header_t *header, uint32_t send_count,
				 uint32_t rcv_count, const struct exchange *rest)
{
	struct exchange x = *rest;
	struct vectors vectors;
	mach_msg_return_t after = MACH_MSG_SUCCESS, code;

	x.header = sends(&x) ? header : NULL;
	x.send_size = x.rcv_size = 0;
	code = fetch(data, sends(&x), send_count > rcv_count ? send_count : rcv_count, &vectors);
	if (code == MACH_MSG_SUCCESS && sends(&x))
		code = take_send(&vectors, send_count, &x);
	if (code == MACH_MSG_SUCCESS && receives(&x))
		after = take_receive(&vectors, rcv_count, &x);
	if (after != MACH_MSG_SUCCESS)
		x.option &= ~(mach_msg_option64_t)MACH_RCV_MSG;
	if (code == MACH_MSG_SUCCESS && (sends(&x) || receives(&x)))
		code = mi_exchange(&x, option);
	return code == MACH_MSG_SUCCESS ? after : code;
}

size_t mi_aux_bytes(const struct machd_message_answer *answer)
{
	bool message = answer->place == MACHD_PLACE_RECEIVE || answer->place == MACHD_PLACE_SEND;

	return message ? answer->aux_size : 0;
}

/* Behind the trailer, if it goes there: `bytes` and the end of the body are before it. */
static struct iovec aux_buffer(const struct exchange *x, const struct machd_message_answer *answer,
			       size_t bytes)
{
	uint64_t before = (uint64_t)bytes + answer->body_size;

	if (!(x->option & MACH64_MSG_VECTOR))
		return (struct iovec){0};
	if (answer->place == MACHD_PLACE_SEND)
		return (struct iovec){x->send_aux, x->send_aux_size};
	if (!(x->option & MACHD_RCV_LINEAR))
		return (struct iovec){x->rcv_aux, x->rcv_aux_size};
	if (before > x->rcv_size)
		before = x->rcv_size;
	return (struct iovec){(char *)x->receive + before, x->rcv_size - (size_t)before};
}

size_t mi_aux_room(const struct exchange *x, const struct machd_message_answer *answer,
		   size_t message_bytes)
{
	return aux_buffer(x, answer, message_bytes).iov_len;
}

int mi_vector_buffers(struct mi_channel *channel, const struct exchange *x, struct iovec parts[2])
{
	struct reply reply = {0};
	struct iovec part = {&reply, sizeof reply};
	struct mi_answer look = {.parts = &part, .count = 1, .peek = true, .cancel = true};
	int error = mi_answer(channel, &look);
	size_t aux = mi_aux_bytes(&reply.answer), bytes = 0;

	/* An answer that makes no sense finds no room, and is noticed by who reads it. */
	if (error == 0 && reply.frame.length >= sizeof reply + aux)
		bytes = reply.frame.length - sizeof reply - aux;
	parts[0] = mi_buffer_of(x, reply.answer.place);
	if (parts[0].iov_len > bytes)
		parts[0].iov_len = bytes;
	parts[1] = aux_buffer(x, &reply.answer, bytes);
	if (parts[1].iov_len > aux)
		parts[1].iov_len = aux;
	return error;
}

bool mi_aux_finish(const struct exchange *x, const struct machd_message_answer *answer)
{
	mach_msg_aux_header_t *buffer = x->rcv_aux;
	const mach_msg_aux_header_t none = {0};

	if (!buffer)
		return true;
	if (answer->place == MACHD_PLACE_TOO_LARGE)
		return mi_store(&buffer->msgdh_size, &answer->aux_size, sizeof answer->aux_size);
	if (answer->place == MACHD_PLACE_RECEIVE && answer->aux_size == 0)
		return mi_store(buffer, &none, sizeof none);
	return true;
}
