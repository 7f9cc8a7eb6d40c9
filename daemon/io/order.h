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
 * Channels that have ever had a window are in order. Rings that are in use are looked at; for the
 * others the kernel is asked, who of them has something to read. As long as only one channel is in
 * order, or none, nobody has to be asked.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct channel;
struct gate;

struct order {
	int epoll;	/* -1: it could not be made, and nobody can have a board */
	unsigned count; /* of channels in order */
};

void order_init(struct order *order);
void order_stop(struct order *order);

/* The channel has windows from now on; false: there is no room for it. */
bool order_join(struct gate *gate, struct channel *channel);

/* The channel is closed. */
void order_leave(struct gate *gate, struct channel *channel);

/*
 * A packet of `channel` was read and is handled next: handle what comes before it. `stamp`: of an
 * unanswered message, else ORDER_LAST.
 */
#define ORDER_LAST UINT64_MAX
void order_before(struct gate *gate, const struct channel *channel, uint64_t stamp);
