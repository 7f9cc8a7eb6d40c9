/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One connection: the first and the last step on a message's path. Packets come in with recvmsg,
 * answers go out with sendmsg; libuv only tells when.
 */
#include "daemon/io/channel.h"

#include <errno.h>
#include <linux/sockios.h>
#include <sodium.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/base/mem.h"
#include "daemon/io/creds.h"
#include "daemon/io/fdcheck.h"
#include "daemon/io/gate.h"

/* The kernel lets a packet carry so many descriptors: with room for all of them none can leak. */
#define PACKET_FDS_MAX 253

/* What recvmsg() brought. */
struct packet {
	ssize_t size;
	int flags;
	unsigned fd_count;
	struct trap_fd fds[PACKET_FDS_MAX];
};

static void on_event(uv_poll_t *poll, int status, int events);

static void watch(struct channel *channel, int events)
{
	uv_poll_start(&channel->poll, events, on_event);
}

static void watch_requests(struct channel *channel)
{
	watch(channel, UV_READABLE | UV_DISCONNECT);
}

/* The kernel is short of something; it is not the peer's fault, and no event tells when it ends. */
static bool is_shortage(int error)
{
	return error == ENOBUFS || error == ENOMEM || error == ETOOMANYREFS;
}

/* Receiving. */

static void take_fds(struct msghdr *message, struct packet *packet)
{
	int fds[PACKET_FDS_MAX];
	size_t count;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		count = (c->cmsg_len - CMSG_LEN(0)) / sizeof *fds;
		memcpy(fds, CMSG_DATA(c), count * sizeof *fds);
		for (size_t i = 0; i < count; i++)
			packet->fds[packet->fd_count++] = fdcheck_take(fds[i]);
	}
}

static void receive(struct channel *channel, struct packet *packet)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(PACKET_FDS_MAX * sizeof(int))];
	} control;
	struct iovec bytes = {channel->gate->buffer, GATE_BUFFER_SIZE};
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
		take_fds(&message, packet);
}

/* Which rule a packet breaks that never gets as far as a frame; NULL: none. */
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
		.packet = channel->gate->buffer,
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

/* Nothing was read, but more may be: after ECONNRESET what the peer sent before it. */
static bool is_passing(int error)
{
	return error == EAGAIN || error == EINTR || error == ECONNRESET || is_shortage(error);
}

/* `hung_up`: the peer had closed its end before we began to read. */
static void read_packet(struct channel *channel, bool hung_up)
{
	struct packet packet;

	receive(channel, &packet);
	if (packet.size > 0 || (packet.size == 0 && (packet.fd_count || !hung_up)))
		handle_packet(channel, &packet);
	else if (packet.size == 0)
		gate_doom(channel->gate, channel, NULL);
	else if (!is_passing(errno))
		gate_doom(channel->gate, channel, strerror(errno));
}

/*
 * The peer closed its end with answers unread. Reading the error takes it away, and what the peer
 * sent before can still be read.
 */
static void handle_error(struct channel *channel)
{
	int error = 0;
	socklen_t size = sizeof error;

	if (channel->unsent || getsockopt(channel->fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0 ||
	    error == 0)
		gate_doom(channel->gate, channel, NULL);
	else
		watch_requests(channel);
}

static void on_event(uv_poll_t *poll, int status, int events)
{
	struct channel *channel = poll->data;

	if (status < 0)
		handle_error(channel);
	else if (!channel->unsent)
		read_packet(channel, events & UV_DISCONNECT);
	else if (events & UV_WRITABLE)
		channel_retry(channel);
	else if (events & UV_DISCONNECT)
		gate_doom(channel->gate, channel, NULL);
	gate_settle(channel->gate);
}

/* Sending. */

/* Are there answers that the peer has not read yet? */
static bool has_unread(const struct channel *channel)
{
	int bytes;

	return ioctl(channel->fd, SIOCOUTQ, &bytes) == 0 && bytes > 0;
}

/* 0, or an errno. */
static int send_packet(const struct channel *channel, const void *packet, size_t size, int fd)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = {.space = {0}};
	struct iovec bytes = {(void *)(uintptr_t)packet, size};
	struct msghdr message = {.msg_iov = &bytes, .msg_iovlen = 1};

	if (fd >= 0) {
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof fd);
		memcpy(CMSG_DATA(&control.header), &fd, sizeof fd);
		message.msg_control = &control;
		message.msg_controllen = sizeof control;
	}
	while (sendmsg(channel->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		if (errno != EINTR)
			return errno;
	return 0;
}

static void wait_for_room(struct channel *channel, int error)
{
	if (is_shortage(error)) {
		watch(channel, UV_DISCONNECT);
		gate_starve(channel->gate, channel);
	} else {
		watch(channel, UV_WRITABLE);
	}
}

static void keep_unsent(struct channel *channel, const void *packet, size_t size, int fd, int error)
{
	channel->unsent = mem_alloc(size);
	if (!channel->unsent) {
		if (fd >= 0)
			close(fd);
		gate_doom(channel->gate, channel, "there is no memory to keep its answer");
		return;
	}
	memcpy(channel->unsent, packet, size);
	channel->unsent_size = (uint32_t)size;
	channel->unsent_fd = fd;
	wait_for_room(channel, error);
}

/* Send an answer; 0, or an errno and perhaps the rule that the peer broke. */
static int send_answer(const struct channel *channel, const void *packet, size_t size, int fd,
		       const char **breach)
{
	if (channel->doomed)
		return EPIPE;
	if (channel->unsent || (fd >= 0 && has_unread(channel))) {
		/* The kernel counts descriptors under way: each peer may have one of them there. */
		*breach = "it asks again before it has read its answer";
		return EPIPE;
	}
	return send_packet(channel, packet, size, fd);
}

void channel_send(struct channel *channel, const void *packet, size_t size, int fd)
{
	const char *breach = NULL;
	int error = send_answer(channel, packet, size, fd, &breach);

	if (error == EAGAIN || is_shortage(error)) {
		keep_unsent(channel, packet, size, fd, error);
		return;
	}
	if (fd >= 0)
		close(fd);
	if (error)
		gate_doom(channel->gate, channel, breach);
}

static void drop_unsent(struct channel *channel)
{
	if (channel->unsent && channel->unsent_fd >= 0)
		close(channel->unsent_fd);
	mem_free(channel->unsent);
	channel->unsent = NULL;
}

void channel_retry(struct channel *channel)
{
	int error = send_packet(channel, channel->unsent, channel->unsent_size, channel->unsent_fd);

	if (error == EAGAIN || is_shortage(error)) {
		wait_for_room(channel, error);
		return;
	}
	drop_unsent(channel);
	if (error)
		gate_doom(channel->gate, channel, NULL);
	else
		watch_requests(channel);
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
	uint64_t now = uv_now(channel->gate->loop);
	uint64_t ms = deadline / 1000000 + (deadline % 1000000 != 0);

	if (channel->doomed)
		return;
	/* The loop counts whole milliseconds of the same clock: rounded up, it is never early. */
	if (deadline == 0)
		uv_timer_stop(&channel->timer);
	else
		uv_timer_start(&channel->timer, on_timer, ms > now ? ms - now : 0, 0);
}

/* Beginning and end. */

static void on_handle_closed(uv_handle_t *handle)
{
	struct channel *channel = handle->data;

	if (--channel->handles == 0)
		mem_free(channel);
}

static void close_handle(struct channel *channel, uv_handle_t *handle)
{
	channel->handles++;
	handle->data = channel;
	uv_close(handle, on_handle_closed);
}

void channel_close(struct channel *channel)
{
	struct gate *gate = channel->gate;

	channel->doomed = true;
	list_remove(&channel->link);
	list_remove(&channel->pending);
	drop_unsent(channel);
	close_handle(channel, (uv_handle_t *)&channel->poll);
	close_handle(channel, (uv_handle_t *)&channel->timer);
	close(channel->fd);
	gate->channel_count--;
	if (!gate->stopping && gate->has_room)
		gate->has_room(gate->room_context);
}

/* Let the state machine know of the connection. */
static bool connect_thread(struct channel *channel)
{
	struct gate *gate = channel->gate;
	struct trap_input input = {
		.kind = TRAP_CONNECT,
		.channel = channel->id,
		.cookie = channel,
		.peer = channel->peer,
	};
	const char *refusal = gate_feed(gate, &input);

	sodium_memzero(channel->peer.token, sizeof channel->peer.token);
	channel->thread = input.thread;
	if (refusal)
		gate_report(gate, &channel->peer, "refused", refusal);
	return !refusal;
}

static struct channel *channel_new(struct gate *gate, int fd)
{
	struct channel *channel = mem_alloc(sizeof *channel);

	if (!channel || creds_read(fd, &channel->peer) != 0 ||
	    uv_poll_init(gate->loop, &channel->poll, fd) != 0) {
		mem_free(channel);
		return NULL;
	}
	uv_timer_init(gate->loop, &channel->timer);
	channel->poll.data = channel->timer.data = channel;
	channel->gate = gate;
	channel->id = ++gate->last_channel;
	channel->fd = fd;
	channel->unsent_fd = -1;
	list_init(&channel->pending);
	list_init(&channel->link);
	list_append(&gate->channels, &channel->link);
	gate->channel_count++;
	return channel;
}

bool channel_open(struct gate *gate, int fd)
{
	struct channel *channel = channel_new(gate, fd);

	if (!channel) {
		close(fd);
		log_warning("no memory for another connection");
		return false;
	}
	if (!connect_thread(channel)) {
		channel_close(channel);
		return false;
	}
	watch_requests(channel);
	return true;
}
