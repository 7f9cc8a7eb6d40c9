/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One mach_msg between its parts: message.c makes the request and reads the answer, vector.c knows
 * what goes beside a message in mach_msg2's vector form. Nothing here outlives the call.
 */
#pragma once

#include "client/mi.h"

struct reply {
	struct machd_frame frame;
	struct machd_message_answer answer;
};

/* The arguments of a call. */
struct exchange {
	mach_msg_header_t *send, *receive; /* may be the same */
	const mach_msg_header_t *header;   /* mach_msg2: instead of that in the buffer; or NULL */
	mach_msg_option64_t option;
	bool wants_signals;		     /* the program asked to be interrupted */
	mach_msg_size_t send_size, rcv_size; /* 0 for a half that is not asked for */
	mach_port_name_t rcv_name;
	mach_msg_timeout_t timeout;
	mach_port_name_t notify;
	/* MACH64_MSG_VECTOR: auxiliary data. Without it rcv_aux_size is a limit and nothing else.
	 */
	void *send_aux, *rcv_aux;
	mach_msg_size_t send_aux_size, rcv_aux_size;
	struct reply *reply; /* out: the head of the answer; zero: there is none. Or NULL */
};

static inline bool sends(const struct exchange *x)
{
	return x->option & MACH_SEND_MSG;
}

static inline bool receives(const struct exchange *x)
{
	return x->option & MACH_RCV_MSG;
}

/* What can be said of the sizes alone, and of the descriptors of mach_msg2 [8, step 3]. */
mach_msg_return_t mi_check_size(const struct exchange *x);
mach_msg_return_t mi_check_descriptors(const struct exchange *x);

/*
 * The call, and what the library does when a signal ends it. `option` is what the program gave:
 * the exchange's own has no bits that are the library's business.
 */
mach_msg_return_t mi_exchange(struct exchange *x, mach_msg_option64_t option);

/* The buffer that an answer's message belongs in. */
struct iovec mi_buffer_of(const struct exchange *x, uint32_t place);

/* mach_msg2 with MACH64_MSG_VECTOR; the sizes are numbers of elements. */
mach_msg_return_t mi_msg2_vector(const void *data, mach_msg_option64_t option,
				 const mach_msg_header_t *header, uint32_t send_count,
				 uint32_t rcv_count, const struct exchange *rest);

/*
 * Where the answer to an exchange in vector form shall go, message and auxiliary data; waits for
 * it and looks. 0, or an errno of the connection.
 */
int mi_vector_buffers(struct mi_channel *channel, const struct exchange *x, struct iovec parts[2]);

/* Bytes of auxiliary data in an answer, and room for them. */
size_t mi_aux_bytes(const struct machd_message_answer *answer);
size_t mi_aux_room(const struct exchange *x, const struct machd_message_answer *answer,
		   size_t message_bytes);

/* Finish the receiver's buffer for auxiliary data when none came. false: it cannot be written. */
bool mi_aux_finish(const struct exchange *x, const struct machd_message_answer *answer);
