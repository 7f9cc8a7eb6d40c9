/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One connection, from accept() to close(), and the first step on a message's path: packets come in
 * with recvmsg. Answers go out in channel_send.c.
 */
#include "daemon/io/channel.h"

#include <errno.h>
#include <poll.h>
#include <sodium.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/base/mem.h"
#include "daemon/io/bell.h"
#include "daemon/io/creds.h"
#include "daemon/io/fdcheck.h"
#include "daemon/io/gate.h"
#include "daemon/io/identity.h"
#include "daemon/io/ring.h"
#include "protocol/frame.h"

/* The kernel's limit of descriptors in a packet: with room for all of them none can leak. */
#define PACKET_FDS_MAX 253

/* Packets that are read before it is the next channel's turn. */
#define PACKETS_PER_TURN 32

/* What recvmsg() brought. */
struct packet {
	uint8_t *bytes; /* room for GATE_BUFFER_SIZE of them */
	ssize_t size;
	int flags;
	unsigned fd_count;
	struct trap_fd fds[PACKET_FDS_MAX];
};

/* Receiving. */

/* Take a received descriptor and find out what it is, as far as the machine needs to know. */
static struct trap_fd take_fd(const struct channel *channel, int fd)
{
	struct trap_fd facts = fdcheck_take(fd);

	if (facts.sealed == TRAP_FD_UNSEALED && bell_good(fd, channel->peer.pid))
		facts.sealed = TRAP_FD_SOCKET;
	else if (facts.sealed == TRAP_FD_UNSEALED && fdcheck_connected(fd, channel->fd))
		facts.sealed = TRAP_FD_CONNECTION;
	return facts;
}

static void take_fds(const struct channel *channel, struct msghdr *message, struct packet *packet)
{
	int fds[PACKET_FDS_MAX];
	size_t count;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		count = (c->cmsg_len - CMSG_LEN(0)) / sizeof *fds;
		memcpy(fds, CMSG_DATA(c), count * sizeof *fds);
		for (size_t i = 0; i < count; i++)
			packet->fds[packet->fd_count++] = take_fd(channel, fds[i]);
	}
}

static void receive(struct channel *channel, struct packet *packet)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(PACKET_FDS_MAX * sizeof(int))];
	} control;
	struct iovec bytes = {packet->bytes, GATE_BUFFER_SIZE};
	struct msghdr message = {
		.msg_iov = &bytes,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof control,
	};

	packet->fd_count = 0;
	packet->size = recvmsg(channel->fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	packet->flags = message.msg_flags;
	if (packet->size >= 0)
		take_fds(channel, &message, packet);
}

/* Which rule a packet breaks before its frame is looked at; NULL: none. */
static const char *packet_breach(const struct packet *packet)
{
	if (packet->flags & MSG_TRUNC || packet->size > MACHD_FRAME_SIZE_MAX)
		return "its packet is longer than a frame may be";
	if (packet->flags & MSG_CTRUNC)
		return "its packet carries more descriptors than can be taken";
	if (packet->size == 0)
		return "its packet is empty";
	return NULL;
}

static void handle_packet(struct channel *channel, const struct packet *packet)
{
	const char *breach = packet_breach(packet);
	struct trap_input input = {
		.kind = TRAP_FRAME,
		.thread = channel->thread,
		.packet = packet->bytes,
		.size = (size_t)packet->size,
		.fds = packet->fds,
		.fd_count = packet->fd_count,
	};

	if (!breach) {
		breach = gate_feed(channel->gate, &input);
	} else {
		for (unsigned i = 0; i < packet->fd_count; i++)
			close(fdcheck_fd(packet->fds[i].handle));
	}
	if (breach)
		gate_doom(channel->gate, channel, breach);
}

/* Errors after which more can be read: after ECONNRESET, what the peer sent before. */
static bool is_passing(int error)
{
	return error == EAGAIN || error == EINTR || error == ECONNRESET ||
	       channel_is_shortage(error);
}

/* Handle a packet, after what was sent earlier on other channels. True: read on, it has no answer.
 */
static bool handle_in_turn(struct channel *channel, const struct packet *packet)
{
	uint64_t stamp = ORDER_LAST;
	bool unanswered = machd_frame_unanswered(packet->bytes, (size_t)packet->size, &stamp);

	order_before(channel->gate, channel, stamp);
	handle_packet(channel, packet);
	return unanswered && !channel->doomed;
}

/* An empty read is also the end of file, if the peer has closed its end since the event. */
static bool has_hung_up(const struct channel *channel)
{
	struct pollfd state = {.fd = channel->fd, .events = POLLRDHUP};

	return poll(&state, 1, 0) == 1 && (state.revents & (POLLRDHUP | POLLHUP));
}

/*
 * Read the next packet, and several in a row if they have no answer. `hung_up`: the peer had closed
 * its end before we began to read.
 */
static void read_packets(struct channel *channel, bool hung_up)
{
	struct packet packet; /* its list of descriptors is not cleared */
	unsigned left = PACKETS_PER_TURN;
	bool more = true;

	packet.bytes = channel->gate->buffer;
	while (more && left--) {
		more = false;
		if (channel->ring && !ring_drained(channel->ring))
			return;
		receive(channel, &packet);
		if (packet.size == 0 && packet.fd_count == 0 && !hung_up)
			hung_up = has_hung_up(channel);
		if (packet.size > 0 || (packet.size == 0 && (packet.fd_count || !hung_up)))
			more = handle_in_turn(channel, &packet);
		else if (packet.size == 0)
			gate_doom(channel->gate, channel, NULL);
		else if (!is_passing(errno))
			gate_doom(channel->gate, channel, strerror(errno));
	}
}

static void read_packet(struct channel *channel, uint8_t *buffer)
{
	struct packet packet;

	packet.bytes = buffer;
	receive(channel, &packet);
	if (packet.size > 0)
		handle_packet(channel, &packet);
}

void channel_read_one(struct channel *channel)
{
	uint8_t *buffer = channel->gate->buffer + GATE_BUFFER_SIZE;

	if (!channel->ring || !ring_serve_one(channel->ring, buffer))
		read_packet(channel, buffer);
}

/*
 * The peer closed its end with answers unread. Fetching the error clears it, and what the peer sent
 * before can still be read.
 */
static void handle_error(struct channel *channel)
{
	int error = 0;
	socklen_t size = sizeof error;

	if (!list_empty(&channel->unsent) ||
	    getsockopt(channel->fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0 || error == 0)
		gate_doom(channel->gate, channel, NULL);
	else
		channel_watch(channel, CHANNEL_REQUESTS);
}

static void on_event(struct event *event, uint32_t events)
{
	struct channel *channel =
		(struct channel *)((char *)event - offsetof(struct channel, event));
	struct gate *gate = channel->gate;

	if (events & EPOLLERR)
		handle_error(channel);
	else if (list_empty(&channel->unsent))
		read_packets(channel, events & (EPOLLRDHUP | EPOLLHUP));
	else if (events & EPOLLOUT)
		channel_retry(channel);
	else if (events & (EPOLLRDHUP | EPOLLHUP))
		gate_doom(gate, channel, NULL);
	gate_settle(gate);
}

/* Time. */

static void on_timer(uv_timer_t *timer)
{
	struct channel *channel = timer->data;
	struct trap_input input = {.kind = TRAP_TIMEOUT, .thread = channel->thread};
	const char *breach = gate_feed(channel->gate, &input);

	if (breach)
		gate_doom(channel->gate, channel, breach);
	gate_settle(channel->gate);
}

void channel_set_timer(struct channel *channel, uint64_t deadline)
{
	if (channel->doomed)
		return;
	if (deadline == 0)
		uv_timer_stop(&channel->timer);
	else
		uv_timer_start(&channel->timer, on_timer, gate_delay(channel->gate, deadline), 0);
}

/* Beginning and end. */

static void on_timer_closed(uv_handle_t *handle)
{
	struct channel *channel = handle->data;

	channel_drop_board(channel);
	mem_free(channel);
}

void channel_close(struct channel *channel)
{
	struct gate *gate = channel->gate;

	channel->doomed = true;
	list_remove(&channel->link);
	list_remove(&channel->pending);
	channel_drop_unsent(channel);
	order_leave(gate, channel);
	ring_free(channel->ring);
	channel->ring = NULL;
	event_remove(&gate->turns.events, &channel->event);
	if (gate->turns.hot == &channel->event)
		gate->turns.hot = NULL;
	pace_leave(&gate->turns.pace, channel->event.job.payer, uv_hrtime());
	uv_close((uv_handle_t *)&channel->timer, on_timer_closed);
	closer_hang_up(&gate->closer, channel->fd);
	gate->channel_count--;
	if (!gate->stopping && gate->has_room)
		gate->has_room(gate->room_context);
}

/* Let the state machine know of the connection. */
static bool connect_thread(struct channel *channel)
{
	struct gate *gate = channel->gate;
	struct ipc_identity identity;
	struct trap_input input = {
		.kind = TRAP_CONNECT,
		.channel = channel->id,
		.cookie = channel,
		.peer = channel->peer,
		.identity = &identity,
	};
	const char *refusal;

	identity_read(channel->fd, &channel->peer, gate->activator.manager.user, &identity);
	refusal = gate_feed(gate, &input);

	sodium_memzero(channel->peer.token, sizeof channel->peer.token);
	channel->thread = input.thread;
	if (refusal)
		gate_report(gate, &channel->peer, "refused", refusal);
	return !refusal;
}

/* Wait for requests; the connection is charged to its process (pace.h). 0, or an errno. */
static int add_event(struct gate *gate, struct channel *channel, int fd)
{
	struct pace *pace = &gate->turns.pace;
	struct pace_payer *payer =
		pace_join(pace, channel->peer.uid, channel->peer.pid, uv_hrtime());
	int error = event_add(&gate->turns.events, &channel->event, fd, CHANNEL_REQUESTS, payer,
			      on_event);

	if (error)
		pace_leave(pace, payer, uv_hrtime());
	return error;
}

/* 0, or an errno. */
static int channel_new(struct gate *gate, int fd, struct channel **made)
{
	struct channel *channel = mem_alloc(sizeof *channel);
	int error = channel ? creds_read(fd, gate->inspect_group, &channel->peer) : ENOMEM;

	if (error == 0)
		error = add_event(gate, channel, fd);
	if (error) {
		mem_free(channel);
		return error;
	}
	*made = channel;
	uv_timer_init(gate->loop, &channel->timer);
	channel->timer.data = channel;
	channel->gate = gate;
	channel->id = ++gate->last_channel;
	channel->fd = fd;
	list_init(&channel->unsent);
	list_init(&channel->pending);
	list_init(&channel->in_order);
	list_init(&channel->link);
	list_append(&gate->channels, &channel->link);
	gate->channel_count++;
	return 0;
}

int channel_open(struct gate *gate, int fd)
{
	struct channel *channel;
	uint64_t start = uv_hrtime(), end;
	int error = channel_new(gate, fd, &channel);

	if (error) {
		close(fd);
		return error;
	}
	error = connect_thread(channel) ? 0 : ECONNREFUSED;
	end = uv_hrtime();
	pace_accepted(&gate->turns.pace, channel->event.job.payer, end - start, end);
	if (error)
		channel_close(channel);
	return error;
}
