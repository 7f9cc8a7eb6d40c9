/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In which order messages are handled that were sent without an answer (daemon/ipc/ipc_window.h).
 *
 * Who sent one goes on at once. He, or anybody he tells by whatever means, may then ask the daemon
 * for something on another channel, and must find the message sent. So before a request is handled
 * all such messages that are there already are handled first; and before one of them, those that
 * were sent before it: each has the time of its sending as a stamp. A wrong stamp makes a message
 * late or early among others of that moment, and nothing else.
 *
 * Channels that have ever had a window are in order. Rings are looked at, asleep or not; if they
 * are too many for that, those in use are, and for the others the kernel is asked whose bells have
 * rung. It is asked for sockets, too, of channels that have no ring. As long as only one channel is
 * in order, or none, nobody has to be asked.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/list.h"

struct channel;
struct gate;

struct order {
	int epoll;	      /* of sockets; -1: there is none, and nobody can have a board */
	struct list channels; /* in order, by channel->in_order */
	unsigned count;	      /* of them, */
	unsigned sockets;     /* and of those that have no ring */
	uint64_t round;	      /* of asking the kernel for those */
};

void order_init(struct order *order);
void order_stop(struct order *order);

/* The channel has windows from now on; false: there is no room for it. */
bool order_join(struct gate *gate, struct channel *channel);

/* The channel has a ring now. */
void order_ringed(struct gate *gate, struct channel *channel);

/* The channel is closed; its ring is still there. */
void order_leave(struct gate *gate, struct channel *channel);

/*
 * A packet of `channel` was read and is handled next: handle what comes before it. `stamp`: of an
 * unanswered message, else ORDER_LAST.
 */
#define ORDER_LAST UINT64_MAX
void order_before(struct gate *gate, const struct channel *channel, uint64_t stamp);
