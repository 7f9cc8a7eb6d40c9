/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order of messages that are sent without an answer (daemon/ipc/ipc_window.h).
 *
 * The sender of such a message continues at once. It, or anybody whom it tells by any means, may
 * then make a request on another channel, and must find the message sent. So before a request is
 * handled, all unanswered messages that have arrived are handled; and before one of those, the ones
 * sent earlier. Each carries the time of its sending as a stamp. A wrong stamp only moves a message
 * among others of the same moment.
 *
 * Channels that have ever had a window are "in order". To find their messages all their rings are
 * looked at, asleep or not. If there are too many, only active rings are, after the kernel was
 * asked which bells have rung. For channels without a ring the kernel is asked which sockets are
 * readable. With a single channel in order, or none, nothing needs to be done.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/list.h"

struct channel;
struct gate;

struct order {
	int epoll;	      /* of sockets; -1: could not be made, so nobody gets windows */
	struct list channels; /* in order, by channel->in_order */
	unsigned count;	      /* of that list */
	unsigned sockets;     /* how many of them have no ring */
	uint64_t round;	      /* number of the last look at the sockets */
};

void order_init(struct order *order);
void order_stop(struct order *order);

/* The channel gets a window: put it in order. False: no memory in the kernel. */
bool order_join(struct gate *gate, struct channel *channel);

/* The channel has a ring now. */
void order_ringed(struct gate *gate, struct channel *channel);

/* The channel is closed; its ring is still there. */
void order_leave(struct gate *gate, struct channel *channel);

/*
 * A frame of `channel` was read and is handled next: first handle the messages that come before it.
 * `stamp`: the frame's if it is an unanswered message, else ORDER_LAST.
 */
#define ORDER_LAST UINT64_MAX
void order_before(struct gate *gate, const struct channel *channel, uint64_t stamp);
