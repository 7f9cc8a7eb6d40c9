/* SPDX-License-Identifier: Apache-2.0 */
/* Merges the unanswered messages of several channels by their stamps. */
#include "daemon/io/order.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/io/channel.h"
#include "daemon/io/gate.h"
#include "daemon/io/ring.h"
#include "daemon/io/turn.h"
#include "protocol/board.h"
#include "protocol/frame.h"

/* Channels merged at a time: those with the oldest messages. */
#define HEADS 64

/* A channel whose next packet is an unanswered message. */
struct head {
	struct channel *channel;
	uint64_t stamp;
	unsigned budget; /* messages of it that may still be handled in this merge */
};

void order_init(struct order *order)
{
	*order = (struct order){.epoll = epoll_create1(EPOLL_CLOEXEC)};
	list_init(&order->channels);
}

void order_stop(struct order *order)
{
	if (order->epoll >= 0)
		close(order->epoll);
}

static bool is_ordered(const struct channel *channel)
{
	return !list_empty(&channel->in_order);
}

bool order_join(struct gate *gate, struct channel *channel)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = channel};

	if (is_ordered(channel))
		return true;
	if (!channel->ring) {
		if (epoll_ctl(gate->order.epoll, EPOLL_CTL_ADD, channel->fd, &event) != 0)
			return false;
		gate->order.sockets++;
	}
	list_append(&gate->order.channels, &channel->in_order);
	gate->order.count++;
	return true;
}

static void forget_socket(struct gate *gate, const struct channel *channel)
{
	epoll_ctl(gate->order.epoll, EPOLL_CTL_DEL, channel->fd, NULL);
	gate->order.sockets--;
}

void order_ringed(struct gate *gate, struct channel *channel)
{
	if (is_ordered(channel))
		forget_socket(gate, channel);
}

void order_leave(struct gate *gate, struct channel *channel)
{
	if (!is_ordered(channel))
		return;
	if (!channel->ring)
		forget_socket(gate, channel);
	list_remove(&channel->in_order);
	gate->order.count--;
}

/* The beginning of the next frame. A channel with a ring sends unanswered messages only there. */
static size_t peek(const struct channel *channel, uint8_t bytes[MACHD_FRAME_HEAD_SIZE])
{
	ssize_t size;

	if (channel->ring)
		return ring_peek(channel->ring, bytes, MACHD_FRAME_HEAD_SIZE);
	size = recv(channel->fd, bytes, MACHD_FRAME_HEAD_SIZE, MSG_PEEK | MSG_DONTWAIT);
	return size > 0 ? (size_t)size : 0;
}

/* Is the channel's next frame an unanswered message from before that time? */
static bool look(struct head *head, uint64_t before)
{
	uint8_t bytes[MACHD_FRAME_HEAD_SIZE];
	size_t size;

	if (head->channel->doomed || !list_empty(&head->channel->unsent) || head->budget == 0)
		return false;
	size = peek(head->channel, bytes);
	return machd_frame_unanswered(bytes, size, &head->stamp) && head->stamp < before;
}

/* The channels that have one. */
struct heads {
	const struct channel *own; /* whose frame is handled after them */
	uint64_t before;
	uint64_t upto; /* the oldest stamp that found no room here: stop there and look again */
	unsigned seen; /* rings in order that were looked at */
	unsigned count;
	struct head head[HEADS];
};

static struct head *latest(struct heads *heads)
{
	struct head *last = &heads->head[0];

	for (unsigned i = 1; i < heads->count; i++)
		if (heads->head[i].stamp > last->stamp)
			last = &heads->head[i];
	return last;
}

static void add(struct heads *heads, struct channel *channel)
{
	struct head head = {.channel = channel, .budget = MACHD_WINDOW_MAX}, *last;
	uint64_t stamp;

	if (channel == heads->own || !look(&head, heads->before))
		return;
	if (heads->count < HEADS) {
		heads->head[heads->count++] = head;
		return;
	}
	last = latest(heads);
	stamp = head.stamp > last->stamp ? head.stamp : last->stamp;
	if (head.stamp < last->stamp)
		*last = head;
	if (stamp < heads->upto)
		heads->upto = stamp;
}

/* Look at all rings in order. */
static void add_rings(struct heads *heads, const struct order *order)
{
	LIST_FOR_EACH (node, &order->channels) {
		struct channel *channel = list_entry(node, struct channel, in_order);

		if (channel->ring)
			add(heads, channel);
	}
}

/* Look at those that are active. */
static void add_active(struct heads *heads, const struct turns *turns)
{
	heads->seen = heads->count = 0;
	heads->upto = UINT64_MAX;
	LIST_FOR_EACH (node, &turns->active) {
		struct channel *channel = list_entry(node, struct ring, active)->channel;

		if (!is_ordered(channel))
			continue;
		heads->seen++;
		add(heads, channel);
	}
}

/* Look at readable sockets. Each call of epoll_wait() reports other ones first. */
static void add_sockets(struct heads *heads, struct order *order)
{
	struct epoll_event events[HEADS];
	unsigned calls = order->sockets / HEADS + 1;
	int ready;

	order->round++;
	do {
		ready = epoll_wait(order->epoll, events, HEADS, 0);
		for (int i = 0; i < ready; i++) {
			struct channel *channel = events[i].data.ptr;

			if (channel->order_round != order->round)
				add(heads, channel);
			channel->order_round = order->round;
		}
	} while (ready == HEADS && --calls);
}

/* Handle up to `left` messages; returns what remains of that number. */
static unsigned handle_in_order(struct heads *heads, unsigned left)
{
	while (heads->count > 0 && left > 0) {
		struct head *first = &heads->head[0];

		for (unsigned i = 1; i < heads->count; i++)
			if (heads->head[i].stamp < first->stamp)
				first = &heads->head[i];
		if (first->stamp > heads->upto)
			break;
		first->budget--;
		left--;
		channel_read_one(first->channel);
		if (!look(first, heads->before))
			*first = heads->head[--heads->count];
	}
	return left;
}

static void find_heads(struct gate *gate, const struct channel *channel, struct heads *heads)
{
	struct order *order = &gate->order;

	heads->own = channel;
	heads->upto = UINT64_MAX;
	heads->count = 0;
	if (order->count - order->sockets <= HEADS) {
		add_rings(heads, order);
	} else {
		add_active(heads, &gate->turns);
		if (heads->seen < order->count - order->sockets) {
			turn_hear(&gate->turns);
			add_active(heads, &gate->turns);
		}
	}
	if (order->sockets > (is_ordered(channel) && !channel->ring))
		add_sockets(heads, order);
}

void order_before(struct gate *gate, const struct channel *channel, uint64_t stamp)
{
	struct heads heads;
	unsigned left = gate->order.count * MACHD_WINDOW_MAX;

	if (gate->order.count <= is_ordered(channel))
		return;
	/* What arrives while we look need not be handled, and may not have all that precedes it. */
	heads.before = stamp == ORDER_LAST ? uv_hrtime() : stamp;
	do {
		find_heads(gate, channel, &heads);
		left = handle_in_order(&heads, left);
	} while (heads.upto != UINT64_MAX && left > 0);
}
