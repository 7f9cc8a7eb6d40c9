/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Receives that need not ask. With the answer to a plain receive the daemon may lend copies of the
 * messages that are next on the queue. They are still there, and whoever else receives gets them:
 * then the loan is over. As long as it is not, the thread takes the next one by counting up the
 * word on its board, and that is the moment at which the message leaves the queue. A call that is
 * not the same as the one that borrowed them asks the daemon, which settles the loan first.
 *
 * A server's call sends the reply to one message and receives the next. It borrows, too. It can
 * take what is lent if the board says that its reply need not be answered either: that is put into
 * the ring, the message is taken, and then the daemon may see the reply. So each step is left out
 * as long as nothing has happened, and the daemon hears of what was taken at once.
 *
 * MACHD_PREFETCH=0 has every receive ask.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "client/exchange.h"
#include "protocol/board.h"

/* Room for what is lent at a time; the daemon lends no more. */
#define LOAN_ROOM 69632

/* A thread whose message was no reply is believed to send none for so many calls. */
#define LOOKS_LEFT_OUT 15

struct mi_loan {
	mach_port_name_t name; /* the call that borrowed: */
	mach_msg_option64_t option;
	uint32_t count, taken; /* messages */
	size_t at, end;	       /* of those in `bytes` */
	struct {
		struct machd_frame frame;
		uint8_t data[LOAN_ROOM];
	} bytes;
};

/* Options that say nothing but which trailer is wanted, and how long to wait. */
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

/* To look costs a system call: not every thread that calls shall pay for those that reply. */
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
 * Nothing but bytes for a send-once right, which says that the caller is a server. `present`: it is
 * known to be there.
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

/* The thread's next request is the reply that goes with it, or there is none. */
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

/* It is received now; and the reply, if this is a server's call, sent. */
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

/* Is each of them whole? */
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
	if (error || !loan) /* without memory for it the loan is settled when the next one asks */
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
