/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mach_msg: one frame with the arguments and the message, one answer with the code and the received
 * message. Checks that need no knowledge of rights are made here, in Mach's order, all others by
 * the daemon.
 */
#include <errno.h>
#include <mach/mach.h>
#include <mach/message.h>
#include <machd.h>
#include <string.h>
#include <unistd.h>

#include "client/exchange.h"
#include "protocol/limits.h"

struct request {
	struct machd_frame frame;
	struct machd_message_args args;
};

static mach_msg_return_t no_room(const struct exchange *x)
{
	return sends(x) ? MACH_SEND_NO_BUFFER : KERN_RESOURCE_SHORTAGE;
}

/* What goes with a message beside the bytes in the frame. */
struct cargo {
	struct mi_tail tail;
	struct mi_memory memory;
};

static void cargo_free(struct cargo *cargo)
{
	if (cargo->tail.fd >= 0)
		close(cargo->tail.fd);
	mi_memory_free(&cargo->memory);
}

/*
 * Divide the message, and gather its memory if it is likely to have some: looking costs a system
 * call, and what is not seen here the daemon asks for.
 */
static int load(const struct exchange *x, bool look, struct cargo *cargo)
{
	unsigned fd_index;
	int error = mi_tail_make(x->send, x->header, x->send_size, &cargo->tail);

	mi_memory_none(&cargo->memory);
	if (error || !sends(x) || !look)
		return error;
	fd_index = cargo->tail.fd >= 0;
	return mi_memory_gather(x, MACHD_INLINE_LIMIT - cargo->tail.inline_size, fd_index,
				&cargo->memory);
}

static mach_msg_return_t send_failed(struct mi_channel *channel, const struct exchange *x,
				     int error)
{
	switch (error) {
	case 0:
		return MACH_MSG_SUCCESS;
	case EFAULT:
		return MACH_SEND_INVALID_DATA;
	case EPIPE:
	case ECONNRESET:
	case ENOTCONN:
	case EBADF:
		return mi_lost(channel, strerrordesc_np(error));
	default:
		return no_room(x);
	}
}

/* Auxiliary data: their header is the daemon's to write, and need not even be there [5.4]. */
static int add_aux(const struct exchange *x, struct iovec *parts)
{
	static const mach_msg_aux_header_t header;

	if (x->send_aux_size == 0)
		return 0;
	parts[0] = (struct iovec){(void *)(uintptr_t)&header, sizeof header};
	parts[1] = (struct iovec){(char *)x->send_aux + sizeof header,
				  x->send_aux_size - sizeof header};
	return 2;
}

static mach_msg_return_t send_request(struct mi_channel *channel, const struct exchange *x,
				      const struct cargo *cargo)
{
	struct request request = {
		.args =
			{
				.option = x->option,
				.send_address = (uintptr_t)x->send,
				.rcv_address = (uintptr_t)x->receive,
				.send_size = x->send_size,
				.rcv_size = x->rcv_size,
				.rcv_name = x->rcv_name,
				.timeout = x->timeout,
				.priority = x->notify,
				.thread_priority = mi_thread_priority(x->option),
				.memory_count = cargo->memory.count,
				.data_size = cargo->memory.data_size,
				.aux_size = x->send_aux_size,
				.rcv_aux_size = x->rcv_aux_size,
			},
	};
	size_t apart = x->header ? sizeof *x->header : 0;
	struct iovec parts[6] = {
		{&request, sizeof request},
		{(void *)(uintptr_t)x->header, apart},
		{(char *)x->send + apart, cargo->tail.inline_size - apart},
		{cargo->memory.table, cargo->memory.size},
	};
	int count = sends(x) ? 4 + add_aux(x, &parts[4]) : 1;
	struct mi_fds fds;

	fds.count = 0; /* and no more: this is done for every message */
	if (cargo->tail.fd >= 0)
		fds.fd[fds.count++] = cargo->tail.fd;
	for (unsigned i = 0; i < cargo->memory.fds.count; i++)
		fds.fd[fds.count++] = cargo->memory.fds.fd[i];
	return send_failed(channel, x, mi_request(channel, MACHD_OP_MESSAGE, parts, count, &fds));
}

struct iovec mi_buffer_of(const struct exchange *x, uint32_t place)
{
	if (place == MACHD_PLACE_SEND)
		return (struct iovec){x->send, x->send_size};
	return (struct iovec){x->receive, x->rcv_size};
}

/* Where to receive: if the buffers are one, all of it; else a look at the answer decides. */
static int choose_buffer(struct mi_channel *channel, const struct exchange *x, struct iovec *buffer)
{
	struct reply reply = {0};
	struct iovec part = {&reply, sizeof reply};
	struct mi_answer look = {.parts = &part, .count = 1, .peek = true, .cancel = true};
	int error = 0;

	if (!sends(x) || !receives(x)) {
		*buffer = mi_buffer_of(x, sends(x) ? MACHD_PLACE_SEND : MACHD_PLACE_RECEIVE);
	} else if (x->send == x->receive) {
		*buffer = mi_buffer_of(x, x->send_size > x->rcv_size ? MACHD_PLACE_SEND
								     : MACHD_PLACE_RECEIVE);
	} else {
		error = mi_answer(channel, &look);
		*buffer = mi_buffer_of(x, reply.answer.place);
	}
	if (buffer->iov_len > MACHD_FRAME_SIZE_MAX)
		buffer->iov_len = MACHD_FRAME_SIZE_MAX;
	return error;
}

/* Say how large the message is that stayed on its queue, as far as there is room. */
static mach_msg_return_t place_too_large(const struct exchange *x,
					 const struct machd_message_answer *answer)
{
	bool good = true;

	if (x->option & MACHD_RCV_LINEAR)
		return (mach_msg_return_t)answer->code;
	if (x->rcv_size >= offsetof(mach_msg_header_t, msgh_size) + sizeof(uint32_t))
		good = mi_store(&x->receive->msgh_size, &answer->too_large_size, sizeof(uint32_t));
	if (x->rcv_size >= offsetof(mach_msg_header_t, msgh_local_port) + sizeof(uint32_t) &&
	    answer->too_large_name != MACH_PORT_NULL)
		good = good && mi_store(&x->receive->msgh_local_port, &answer->too_large_name,
					sizeof(uint32_t));
	good = good && mi_aux_finish(x, answer);
	return good ? (mach_msg_return_t)answer->code : MACH_RCV_INVALID_DATA;
}

/* Bytes of the message that came in the answer; the descriptor has the others. */
static size_t message_bytes(const struct reply *reply)
{
	return reply->frame.length - sizeof *reply - mi_aux_bytes(&reply->answer);
}

/* Descriptors of the answer itself; those of memory come later. */
static bool body_good(const struct reply *reply, size_t bytes)
{
	const struct machd_message_answer *answer = &reply->answer;
	bool here = answer->body_size != 0 && answer->memory_count == 0;

	return reply->frame.fds == here && answer->body_offset <= bytes;
}

/* A message that was not sent comes with its descriptors, if they are wanted. */
static bool was_refused(const struct exchange *x, const struct reply *reply)
{
	return (x->option & MACHD_SEND_RETURN) && reply->answer.place == MACHD_PLACE_NONE &&
	       reply->answer.code != MACH_MSG_SUCCESS;
}

/* Whether the bytes that came, and those in the descriptor, fit in the place they are for. */
static bool fits(const struct exchange *x, const struct reply *reply, const struct mi_answer *came)
{
	const struct machd_message_answer *answer = &reply->answer;
	size_t bytes = message_bytes(reply);

	switch (answer->place) {
	case MACHD_PLACE_NONE:
		return bytes == 0 && answer->memory_count == 0 &&
		       (reply->frame.fds == 0 || was_refused(x, reply));
	case MACHD_PLACE_TOO_LARGE:
		return bytes == 0 && reply->frame.fds == 0 && answer->memory_count == 0 &&
		       receives(x);
	case MACHD_PLACE_RECEIVE:
	case MACHD_PLACE_SEND:
		return body_good(reply, bytes) &&
		       (uint64_t)bytes + answer->body_size <=
			       mi_buffer_of(x, answer->place).iov_len &&
		       mi_aux_bytes(answer) <= mi_aux_room(x, answer, bytes) &&
		       (came->fault || came->size == reply->frame.length);
	default:
		return false;
	}
}

/* The answer came. Put what is not there yet where it belongs. `good`: nothing was lost so far. */
static mach_msg_return_t place_answer(const struct exchange *x, const struct reply *reply,
				      int body_fd, bool good)
{
	const struct machd_message_answer *answer = &reply->answer;
	bool back = answer->place == MACHD_PLACE_SEND;

	if (answer->place == MACHD_PLACE_TOO_LARGE)
		return place_too_large(x, answer);
	if (good && answer->body_size)
		good = body_fd >= 0 &&
		       mi_tail_place(body_fd, back ? x->send : x->receive, answer->body_offset,
				     answer->body_size, message_bytes(reply) - answer->body_offset);
	if (good)
		good = mi_aux_finish(x, answer);
	/* What was given back and cannot be written changes nothing of why it was. */
	if (!good && !back)
		return MACH_RCV_INVALID_DATA;
	return (mach_msg_return_t)answer->code;
}

/* Bits for memory that found no room: a message that came in part, or back, says so. */
static mach_msg_return_t add_bits(mach_msg_return_t code, kern_return_t bits)
{
	if (bits == 0 || code == MACH_RCV_INVALID_DATA)
		return code;
	return code | MACH_RCV_BODY_ERROR | bits;
}

/* The message has memory: it comes in a frame of its own. */
static mach_msg_return_t receive_memory(struct mi_channel *channel, const struct exchange *x,
					const struct reply *reply, bool good)
{
	const struct machd_message_answer *answer = &reply->answer;
	bool back = answer->place == MACHD_PLACE_SEND;
	struct mi_received_memory memory = {
		.count = answer->memory_count,
		.skip = answer->body_size != 0,
		.message = !good  ? NULL
			   : back ? (void *)x->send
				  : (void *)x->receive,
	};
	int error = mi_memory_receive(channel, &memory);
	mach_msg_return_t code;

	if (error)
		code = mi_lost(channel, strerrordesc_np(error));
	else if (memory.problem)
		code = mi_lost(channel, memory.problem);
	else
		code = add_bits(
			place_answer(x, reply, memory.fds.count ? memory.fds.fd[0] : -1, good),
			memory.bits);
	mi_fds_close(&memory.fds);
	return code;
}

/* What became of memory that was sent. */
struct outcome {
	uint32_t taken;		/* descriptors whose memory the daemon took */
	struct mi_fds returned; /* what came back if the message was refused */
};

static mach_msg_return_t receive_answer(struct mi_channel *channel, const struct exchange *x,
					struct outcome *outcome)
{
	struct reply reply = {0};
	bool vector = x->option & MACH64_MSG_VECTOR;
	struct iovec parts[] = {{&reply, sizeof reply}, {0}, {0}};
	struct mi_answer came;
	mach_msg_return_t code;
	const char *wrong;
	int error = vector ? mi_vector_buffers(channel, x, &parts[1])
			   : choose_buffer(channel, x, &parts[1]);

	mi_answer_init(&came, parts, vector ? 3 : 2);
	came.cancel = true;
	if (error == 0)
		error = mi_answer(channel, &came);
	if (error)
		return mi_lost(channel, strerrordesc_np(error));
	wrong = mi_check_answer(channel, &reply.frame, MACHD_OP_MESSAGE, &came);
	if (!wrong && (reply.frame.length < sizeof reply + mi_aux_bytes(&reply.answer) ||
		       !fits(x, &reply, &came)))
		wrong = "machd sent an answer that makes no sense";
	if (!wrong && reply.answer.loans) {
		error = mi_loan_borrow(channel, x, &reply, &wrong);
		if (error)
			wrong = strerrordesc_np(error);
	}
	outcome->taken = wrong ? 0 : reply.answer.memory_taken;
	if (x->reply && !wrong)
		*x->reply = reply;
	if (!wrong && reply.answer.place == MACHD_PLACE_RECEIVE)
		mi_received_qos(reply.answer.priority, reply.answer.override);
	if (wrong)
		code = mi_lost(channel, wrong);
	else if (reply.answer.memory_count)
		code = receive_memory(channel, x, &reply, !came.fault && !came.lost_fd);
	else
		code = place_answer(x, &reply, came.fds.count ? came.fds.fd[0] : -1,
				    !came.fault && !came.lost_fd);
	if (!wrong && was_refused(x, &reply))
		outcome->returned = came.fds;
	else
		mi_fds_close(&came.fds);
	return code;
}

/*
 * One request and its answer; `look` at the message for memory. Memory that is given away is gone
 * when the message is sent, and not only when the call is done.
 */
static mach_msg_return_t attempt(struct mi_channel *channel, struct exchange x, bool look)
{
	struct cargo cargo;
	struct outcome outcome;
	mach_msg_return_t code = send_failed(channel, &x, load(&x, look, &cargo));
	bool sent;

	outcome.taken = 0;
	outcome.returned.count = 0;
	if (cargo.memory.withdrawn)
		x.option |= MACHD_SEND_RETURN;
	if (code == MACH_MSG_SUCCESS)
		code = send_request(channel, &x, &cargo);
	sent = code == MACH_MSG_SUCCESS;
	if (sent) {
		mi_memory_sent(&cargo.memory, receives(&x));
		code = receive_answer(channel, &x, &outcome);
	}
	mi_memory_taken(&cargo.memory, outcome.taken, sent ? &outcome.returned : NULL);
	mi_fds_close(&outcome.returned);
	channel->sends_memory = look && cargo.memory.count > 0;
	cargo_free(&cargo);
	return code;
}

/* The message goes out, and that is all: see window.c. */
static mach_msg_return_t send_unanswered(struct mi_channel *channel, struct exchange x,
					 const struct mi_plain *plain)
{
	mach_msg_return_t code;

	x.send = (void *)(uintptr_t)plain->message;
	code = send_failed(channel, &x, mi_window_send(channel, &x, &plain->header));
	if (code != MACH_MSG_SUCCESS)
		channel->request_flags = MACHD_REQUEST_WINDOW;
	return code;
}

/* What is quick shall not have to pass by so large a frame. */
static __attribute__((noinline)) mach_msg_return_t enter_and_do(const struct exchange *x)
{
	struct mi_entry entry;
	sigset_t signals;
	struct mi_plain plain;
	mach_msg_return_t code = mi_enter(&entry);

	if (code != KERN_SUCCESS)
		return code;
	if (entry.channel->loan && mi_loan_take(entry.channel, x, false, &code)) {
		mi_leave(&entry);
		return code;
	}
	if (x->wants_signals)
		mi_hold_signals(entry.channel, &signals);
	entry.channel->request_flags = mi_window_flags(entry.channel, x, &plain);
	code = entry.channel->fd < 0 ? MACHD_NO_DAEMON : MACH_SEND_NO_BUFFER; /* lost just now? */
	if (entry.channel->request_flags == MACHD_REQUEST_UNANSWERED)
		code = send_unanswered(entry.channel, *x, &plain);
	/* Also if there was no room on the way: an ordinary send waits for it. */
	if (code == MACH_SEND_NO_BUFFER)
		code = attempt(entry.channel, *x, sends(x) && entry.channel->sends_memory);
	if (code == (mach_msg_return_t)MACHD_MEMORY_WANTED)
		code = attempt(entry.channel, *x, true);
	entry.channel->request_flags = 0;
	if (x->wants_signals)
		mi_let_signals(entry.channel, &signals);
	mi_leave(&entry);
	return code;
}

static mach_msg_return_t once(const struct exchange *x)
{
	mach_msg_return_t code;

	return mi_quick(x, &code) ? code : enter_and_do(x);
}

mach_msg_return_t mi_check_size(const struct exchange *x)
{
	if (!sends(x))
		return MACH_MSG_SUCCESS;
	if (x->send_size < sizeof(mach_msg_header_t) || x->send_size % 4 != 0)
		return MACH_SEND_MSG_TOO_SMALL;
	if (x->send_size > MACHD_MESSAGE_SIZE_MAX)
		return MACH_SEND_TOO_LARGE;
	return MACH_MSG_SUCCESS;
}

mach_msg_return_t mi_exchange(struct exchange *x, mach_msg_option64_t option)
{
	mach_msg_return_t code;

	x->wants_signals = option & (MACH_SEND_INTERRUPT | MACH_RCV_INTERRUPT);
	code = once(x);

	/* What was not sent has come back in a form that can be sent again. */
	while (code == MACH_SEND_INTERRUPTED && !(option & MACH_SEND_INTERRUPT)) {
		x->header = NULL;
		code = once(x);
	}
	/* What was sent is not sent again. */
	while (code == MACH_RCV_INTERRUPTED && !(option & MACH_RCV_INTERRUPT)) {
		x->option &= ~(mach_msg_option64_t)(MACH_SEND_MSG | MACH_RCV_SYNC_WAIT);
		x->header = NULL;
		x->send_size = x->send_aux_size = 0;
		code = once(x);
	}
	return code;
}

/* Without the bits that no program may set, and those that only concern the library. */
static mach_msg_option64_t exchange_option(mach_msg_option64_t option)
{
	return option & ~(MACHD_RCV_LINEAR | MACHD_SEND_RETURN |
			  (mach_msg_option64_t)(MACH_SEND_INTERRUPT | MACH_RCV_INTERRUPT));
}

static struct exchange make_exchange(void *data, mach_msg_option64_t option,
				     mach_msg_size_t send_size, mach_msg_size_t rcv_size,
				     mach_port_name_t rcv_name, mach_msg_timeout_t timeout,
				     mach_port_name_t notify)
{
	return (struct exchange){
		.send = data,
		.receive = data,
		.option = exchange_option(option),
		.send_size = option & MACH_SEND_MSG ? send_size : 0,
		.rcv_size = option & MACH_RCV_MSG ? rcv_size : 0,
		.rcv_name = rcv_name,
		.timeout = timeout,
		.notify = notify,
	};
}

mach_msg_return_t mach_msg_overwrite(mach_msg_header_t *msg, mach_msg_option_t option,
				     mach_msg_size_t send_size, mach_msg_size_t rcv_size,
				     mach_port_name_t rcv_name, mach_msg_timeout_t timeout,
				     mach_port_name_t notify, mach_msg_header_t *rcv_msg,
				     mach_msg_size_t rcv_limit)
{
	mach_msg_option64_t wide = (uint32_t)option;
	struct exchange x = make_exchange(msg, wide | MACH64_SEND_ANY, send_size, rcv_size,
					  rcv_name, timeout, notify);
	mach_msg_return_t code = mi_check_size(&x);

	(void)rcv_limit;
	if (rcv_msg)
		x.receive = rcv_msg;
	if (receives(&x) && (rcv_msg || (option & MACH_RCV_VOUCHER)))
		x.rcv_aux_size = LIBSYSCALL_MSGV_AUX_MAX_SIZE;
	if (code != MACH_MSG_SUCCESS || (!sends(&x) && !receives(&x)))
		return code;
	return mi_exchange(&x, wide);
}

/* Descriptors in a message that is not complex are too many. */
mach_msg_return_t mi_check_descriptors(const struct exchange *x)
{
	mach_msg_base_t base;

	if (!sends(x) || x->send_size < sizeof base)
		return MACH_MSG_SUCCESS;
	if (!mi_fetch(&base, x->send, sizeof base))
		return MACH_SEND_INVALID_DATA;
	if (MACH_MSGH_BITS_IS_COMPLEX(base.header.msgh_bits) &&
	    base.body.msgh_descriptor_count != 0 &&
	    !MACH_MSGH_BITS_IS_COMPLEX(x->header->msgh_bits))
		return MACH_SEND_TOO_LARGE;
	return MACH_MSG_SUCCESS;
}

mach_msg_return_t mach_msg2(void *data, mach_msg_option64_t option64, mach_msg_header_t header,
			    mach_msg_size_t send_size, mach_msg_size_t rcv_size,
			    mach_port_t rcv_name, uint64_t timeout, uint32_t priority)
{
	mach_msg_timeout_t ms = timeout < UINT32_MAX ? (mach_msg_timeout_t)timeout : UINT32_MAX;
	struct exchange x =
		make_exchange(data, option64, send_size, rcv_size, rcv_name, ms, priority);
	mach_msg_return_t code;

	if (!machd_options_good(option64)) {
		mi_guard_raise(kGUARD_EXC_INVALID_OPTIONS, header.msgh_remote_port);
		return MACH_SEND_INVALID_OPTIONS;
	}
	if ((option64 & MACH_RCV_SYNC_WAIT) && !sends(&x))
		x.notify = header.msgh_remote_port;
	if (option64 & MACH64_MSG_VECTOR)
		return mi_msg2_vector(data, option64, &header, send_size, rcv_size, &x);
	if (!sends(&x) && !receives(&x))
		return MACH_MSG_SUCCESS;
	x.header = sends(&x) ? &header : NULL;
	code = mi_check_size(&x);
	if (code == MACH_MSG_SUCCESS)
		code = mi_check_descriptors(&x);
	return code == MACH_MSG_SUCCESS ? mi_exchange(&x, option64) : code;
}

mach_msg_return_t mach_msg(mach_msg_header_t *msg, mach_msg_option_t option,
			   mach_msg_size_t send_size, mach_msg_size_t rcv_size,
			   mach_port_name_t rcv_name, mach_msg_timeout_t timeout,
			   mach_port_name_t notify)
{
	return mach_msg_overwrite(msg, option, send_size, rcv_size, rcv_name, timeout, notify, NULL,
				  0);
}

mach_msg_return_t mach_msg_send(mach_msg_header_t *msg)
{
	return mach_msg(msg, MACH_SEND_MSG, msg->msgh_size, 0, MACH_PORT_NULL,
			MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL);
}

mach_msg_return_t mach_msg_receive(mach_msg_header_t *msg)
{
	return mach_msg(msg, MACH_RCV_MSG, 0, msg->msgh_size, msg->msgh_local_port,
			MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL);
}
