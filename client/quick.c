/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fast path of mach_msg, for calls that cannot block or fail: a plain send into an open window,
 * a plain receive of a lent message. Nothing here makes a system call that is a cancellation point
 * or sets errno, so what mi_enter() does about those and about connections is left out; it would be
 * a good part of the cost of such a call. If any condition does not hold, nothing has been done,
 * and the call takes the ordinary path.
 */
#include "client/exchange.h"

static bool receive_quickly(struct mi_channel *channel, const struct exchange *x,
			    mach_msg_return_t *code)
{
	return channel->loan && receives(x) && mi_present(x->receive, x->rcv_size) &&
	       (!sends(x) || mi_present(x->send, x->send_size)) &&
	       mi_loan_take(channel, x, true, code);
}

static bool send_quickly(struct mi_channel *channel, const struct exchange *x,
			 mach_msg_return_t *code)
{
	mach_msg_header_t header;
	bool sent;

	if (!channel->board || !sends(x) || !mi_present(x->send, x->send_size) ||
	    !mi_window_open(channel, x, &header))
		return false;
	channel->request_flags = MACHD_REQUEST_UNANSWERED;
	channel->request_present = true;
	sent = mi_window_send(channel, x, &header) == 0;
	channel->request_present = false;
	channel->request_flags = 0;
	*code = MACH_MSG_SUCCESS;
	return sent;
}

bool mi_quick(const struct exchange *x, mach_msg_return_t *code)
{
	struct mi_channel *channel = mi_enter_quickly();
	bool done;

	if (!channel)
		return false;
	done = receive_quickly(channel, x, code) || send_quickly(channel, x, code);
	mi_leave_quickly();
	return done;
}
