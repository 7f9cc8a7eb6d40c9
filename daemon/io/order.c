/* SPDX-License-Identifier: Apache-2.0 */
/* Merging channels by stamps. */
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

/* Channels looked at together; more of them are looked at after these. */
#define HEADS 64

/* A channel whose next packet is an unanswered message. */
struct head {
	struct channel *channel;
	uint64_t stamp;
	unsigned budget; /* so many may still be handled before it is somebody else's turn */
};

void order_init(struct order *order)
{
	*order = (struct order){.epoll = epoll_create1(EPOLL_CLOEXEC)};
}

void order_stop(struct order *order)
{
	if (order->epoll >= 0)
		close(order->epoll);
}

bool order_join(struct gate *gate, struct channel *channel)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = channel};

	if (channel->ordered)
		return true;
	if (epoll_ctl(gate->order.epoll, EPOLL_CTL_ADD, channel->fd, &event) != 0)
		return false;
	channel->ordered = true;
	gate->order.count++;
	return true;
}

void order_leave(struct gate *gate, struct channel *channel)
{
	if (!channel->ordered)
		return;
	epoll_ctl(gate->order.epoll, EPOLL_CTL_DEL, channel->fd, NULL);
	channel->ordered = false;
	gate->order.count--;
}

/* The beginning of the next frame; what has a ring sends no such message past it. */
static size_t peek(const struct channel *channel, uint8_t bytes[MACHD_FRAME_HEAD_SIZE])
{
	ssize_t size;

	if (channel->ring)
		return ring_peek(channel->ring, bytes, MACHD_FRAME_HEAD_SIZE);
	size = recv(channel->fd, bytes, MACHD_FRAME_HEAD_SIZE, MSG_PEEK | MSG_DONTWAIT);
	return size > 0 ? (size_t)size : 0;
}

/* Look at the channel's next frame: an unanswered message from before that time? */
static bool look(struct head *head, uint64_t before)
{
	uint8_t bytes[MACHD_FRAME_HEAD_SIZE];
	size_t size;

	if (head->channel->doomed || !list_empty(&head->channel->unsent) || head->budget == 0)
		return false;
	size = peek(head->channel, bytes);
	return machd_frame_unanswered(bytes, size, &head->stamp) && head->stamp < before;
}

/* Those that have one. */
struct heads {
	const struct channel *own;
	uint64_t before;
	unsigned seen; /* channels in order that were looked at, or need not be */
	unsigned count;
	struct head head[HEADS];
};

static void add(struct heads *heads, struct channel *channel)
{
	struct head *head = &heads->head[heads->count];

	if (!channel->ordered || channel == heads->own || heads->count == HEADS)
		return;
	heads->seen++;
	*head = (struct head){.channel = channel, .budget = MACHD_WINDOW_MAX};
	heads->count += look(head, heads->before);
}

static void add_rings(struct heads *heads, struct turns *turns)
{
	LIST_FOR_EACH (node, &turns->active)
		add(heads, list_entry(node, struct ring, active)->channel);
}

static void add_sockets(struct heads *heads, const struct order *order)
{
	struct epoll_event events[HEADS];
	int ready = epoll_wait(order->epoll, events, HEADS, 0);

	for (int i = 0; i < ready; i++) {
		struct channel *channel = events[i].data.ptr;

		if (!channel->ring)
			add(heads, channel);
	}
}

static void handle_in_order(struct heads *heads)
{
	while (heads->count > 0) {
		struct head *first = &heads->head[0];

		for (unsigned i = 1; i < heads->count; i++)
			if (heads->head[i].stamp < first->stamp)
				first = &heads->head[i];
		first->budget--;
		channel_read_one(first->channel);
		if (!look(first, heads->before))
			*first = heads->head[--heads->count];
	}
}

/* More than there is room for are handled in several rounds. */
static bool handle_some(struct gate *gate, const struct channel *channel, uint64_t before)
{
	struct heads heads = {.own = channel, .before = before, .seen = channel->ordered};
	bool full;

	add_rings(&heads, &gate->turns);
	if (heads.seen < gate->order.count) {
		/* Some sleep, or have no ring. */
		heads.seen = channel->ordered;
		heads.count = 0;
		turn_hear(&gate->turns);
		add_rings(&heads, &gate->turns);
		add_sockets(&heads, &gate->order);
	}
	full = heads.count == HEADS;
	handle_in_order(&heads);
	return full;
}

void order_before(struct gate *gate, const struct channel *channel, uint64_t stamp)
{
	unsigned rounds = gate->order.count / HEADS + 1;

	if (gate->order.count <= channel->ordered)
		return;
	/* What comes while we look was sent later, and there may be something before that. */
	if (stamp == ORDER_LAST)
		stamp = uv_hrtime();
	while (handle_some(gate, channel, stamp) && --rounds)
		continue;
}
