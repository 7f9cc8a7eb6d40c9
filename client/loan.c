/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Receives without a request. With the answer to a plain receive the daemon may lend copies of the
 * messages that are next in the queue (daemon/ipc/ipc_loan.h). The originals stay queued; if
 * another thread receives them, the loan is over. Until then the thread takes the next message by
 * incrementing the count in the loan word of its board, which is the moment of the receive. Only
 * calls with the same arguments as the one that got the loan do so. Any other is a request, and the
 * daemon settles the loan first.
 *
 * Servers, which reply to one message and receive the next in one call, get loans, too. Such a call
 * takes a lent message if the board promises that its reply needs no answer: the reply is put into
 * the ring, the message is taken, and then the reply is published. So if the message is gone, the
 * reply is taken back and nothing has happened; and the daemon hears at once of every message
 * taken.
 *
 * MACHD_PREFETCH=0 makes every receive a request.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "client/exchange.h"
#include "protocol/board.h"

/* After a message that was no reply, this many calls are not examined. */
#define LOOKS_LEFT_OUT 15

struct mi_loan {
	mach_port_name_t name; /* arguments of the call that got it */
	mach_msg_option64_t option;
	uint32_t count, taken; /* messages */
	size_t at, end;	       /* offsets in bytes.data of the next message, and of the end */
	struct {
		struct machd_frame frame;
		uint8_t data[MACHD_LOAN_BYTES];
	} bytes;
};

/* Options of calls that may use a loan: time-outs, the trailer's size, what to do when too large.
 */
#define OPTIONS                                                                               \
	((mach_msg_option64_t)(MACH_RCV_MSG | MACH_RCV_TIMEOUT | MACH_RCV_LARGE |             \
			       MACH_RCV_LARGE_IDENTITY | MACH_SEND_MSG | MACH_SEND_TIMEOUT) | \
	 (mach_msg_option64_t)0x0f000000 | MACH64_SEND_ANY | MACH64_SEND_MQ_CALL)

static bool switched_off(void)
{
	static _Atomic int known; /* 1: no, 2: yes */
	int value = atomic_load_explicit(&known, memory_order_relaxed);
	const char *given;

	if (value == 0) {
		given = secure_getenv("MACHD_PREFETCH");
		value = given && strcmp(given, "0") == 0 ? 2 : 1;
		atomic_store_explicit(&known, value, memory_order_relaxed);
	}
	return value == 2;
}

/* Reading the header costs a system call, which ordinary callers should not pay for servers. */
static bool fetch_header(struct mi_channel *channel, const struct exchange *x,
			 mach_msg_header_t *header)
{
	if (channel->looks_left_out > 0) {
		channel->looks_left_out--;
		return false;
	}
	return mi_fetch(header, x->send, sizeof *header);
}

/*
 * Is this a server's reply: nothing but bytes, to a moved send-once right? `present`: the message
 * is known to be mapped.
 */
static bool is_reply(struct mi_channel *channel, const struct exchange *x, bool present,
		     mach_msg_header_t *header)
{
	bool reply;

	if (x->header || x->send_size > MACHD_UNANSWERED_MAX || x->send_aux_size)
		return false;
	if (present || mi_known(x->send, sizeof *header))
		memcpy(header, x->send, sizeof *header);
	else if (!fetch_header(channel, x, header))
		return false;
	reply = header->msgh_bits == MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND_ONCE, 0) &&
		header->msgh_local_port == MACH_PORT_NULL;
	channel->looks_left_out = reply ? 0 : LOOKS_LEFT_OUT;
	return reply;
}

bool mi_loan_wanted(struct mi_channel *channel, const struct exchange *x)
{
	mach_msg_header_t header;

	return receives(x) && (x->option & ~OPTIONS) == 0 && x->rcv_aux_size == 0 && !x->reply &&
	       !switched_off() &&
	       (!sends(x) || (channel->ring && is_reply(channel, x, false, &header)));
}

void mi_loan_forget(struct mi_channel *channel)
{
	free(channel->loan);
	channel->loan = NULL;
}

/* Take one more, if the daemon has not settled the loan. */
static bool count_up(_Atomic uint64_t *word)
{
	uint64_t old = atomic_load_explicit(word, memory_order_acquire);

	return machd_loan_taken(old) < machd_loan_count(old) &&
	       atomic_compare_exchange_strong_explicit(word, &old, old + 1, memory_order_acq_rel,
						       memory_order_relaxed);
}

/* Put the reply into the ring, if it is one and needs no answer with message `index`. */
static bool reply_ready(struct mi_channel *channel, const struct exchange *x, bool present,
			uint32_t index)
{
	mach_msg_header_t header;
	bool ready;

	if (!is_reply(channel, x, present, &header))
		return false;
	channel->request_present = present;
	ready = mi_reply_ready(channel, x, &header, index);
	channel->request_present = false;
	return ready;
}

/* Take message `index`, and send the reply if this is a server's call. */
static bool take_next(struct mi_channel *channel, const struct exchange *x, bool present,
		      uint32_t index)
{
	_Atomic uint64_t *word = mi_board_loan(channel);
	bool taken;

	if (!word)
		return false;
	if (!sends(x))
		return count_up(word);
	if (!reply_ready(channel, x, present, index))
		return false;
	taken = count_up(word);
	mi_request_end(channel, taken);
	return taken;
}

bool mi_loan_take(struct mi_channel *channel, const struct exchange *x, bool present,
		  mach_msg_return_t *code)
{
	struct mi_loan *loan = channel->loan;
	const struct machd_loan *next = (const void *)(loan->bytes.data + loan->at);
	bool good = true;

	if (loan->taken == loan->count || x->rcv_name != loan->name || x->option != loan->option ||
	    x->rcv_aux_size || x->reply || x->rcv_size < next->size ||
	    !take_next(channel, x, present, loan->taken))
		return false;
	if (present || mi_known(x->receive, next->size))
		memcpy(x->receive, next + 1, next->size);
	else
		good = mi_store(x->receive, next + 1, next->size);
	mi_received_qos(next->priority, next->override);
	loan->at += (sizeof *next + next->size + 7) & ~(size_t)7;
	loan->taken++;
	*code = good ? MACH_MSG_SUCCESS : MACH_RCV_INVALID_DATA;
	return true;
}

/* Do the lent messages fill `bytes` exactly? */
static bool well_formed(const struct mi_loan *loan)
{
	size_t at = 0;

	for (uint32_t i = 0; i < loan->count; i++) {
		const struct machd_loan *next = (const void *)(loan->bytes.data + at);

		if (loan->end - at < sizeof *next || loan->end - at - sizeof *next < next->size)
			return false;
		at += (sizeof *next + next->size + 7) & ~(size_t)7;
		if (at > loan->end)
			return false;
	}
	return at == loan->end;
}

int mi_loan_borrow(struct mi_channel *channel, const struct exchange *x, const struct reply *reply,
		   const char **problem)
{
	struct mi_loan *loan = channel->loan;
	struct machd_frame head;
	struct iovec part = {&head, sizeof head};
	struct mi_answer came = {.parts = &part, .count = 1};
	int error;

	if (!loan) {
		loan = calloc(1, sizeof *loan);
		channel->loan = loan;
	}
	if (loan)
		part = (struct iovec){&loan->bytes, sizeof loan->bytes};
	error = mi_answer(channel, &came);
	mi_fds_close(&came.fds);
	if (error || !loan) /* without memory the messages are asked for, which settles the loan */
		return error;
	loan->count = reply->answer.loans;
	loan->taken = 0;
	loan->at = 0;
	loan->end = came.size - sizeof(struct machd_frame);
	loan->name = x->rcv_name;
	loan->option = x->option;
	*problem = mi_check_answer(channel, &loan->bytes.frame, MACHD_OP_MEMORY, &came);
	if (!*problem && (came.size > sizeof loan->bytes || !well_formed(loan)))
		*problem = "machd lent messages that make no sense";
	if (*problem)
		loan->count = 0;
	return 0;
}
