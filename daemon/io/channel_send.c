/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last step on a message's path: answers go out with sendmsg, or through the ring. An answer
 * that the peer has no room for is kept here, with its descriptors, until there is some.
 */
#include <errno.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/base/mem.h"
#include "daemon/io/channel.h"
#include "daemon/io/fdcheck.h"
#include "daemon/io/gate.h"
#include "daemon/io/ring.h"
#include "protocol/frame.h"

bool channel_is_shortage(int error)
{
	return error == ENOBUFS || error == ENOMEM || error == ETOOMANYREFS;
}

void channel_watch(struct channel *channel, uint32_t events)
{
	event_want(&channel->gate->turns.events, &channel->event, events);
}

/* Are there answers that the peer has not read yet? */
static bool has_unread(const struct channel *channel)
{
	int bytes;

	return ioctl(channel->fd, SIOCOUTQ, &bytes) == 0 && bytes > 0;
}

/* A packet to be sent, and the descriptors that go with it. */
struct outgoing {
	const void *bytes;
	size_t size;
	const ipc_fd_t *fds;
	unsigned fd_count;
	bool lent; /* the descriptors stay ours: they are not closed */
};

/* A packet that is kept until the socket has room. */
struct unsent {
	struct list link;
	size_t size;
	unsigned fd_count;
	ipc_fd_t fds[MACHD_FRAME_FDS_MAX];
	uint8_t bytes[];
};

static void close_fds(struct channel *channel, const ipc_fd_t *fds, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		closer_close(&channel->gate->closer, fdcheck_fd(fds[i]));
}

/* The packet was sent and holds references to them, so closing ours takes no time. */
static void close_sent(const struct outgoing *out)
{
	for (unsigned i = 0; i < out->fd_count && !out->lent; i++)
		close(fdcheck_fd(out->fds[i]));
}

/* The packet will not be sent: these may be the last references. */
static void close_own(struct channel *channel, const struct outgoing *out)
{
	if (!out->lent)
		close_fds(channel, out->fds, out->fd_count);
}

/* Keep a packet's descriptors, or copies of lent ones; false: there are no more to be had. */
static bool keep_fds(struct channel *channel, const struct outgoing *out, ipc_fd_t *fds)
{
	for (unsigned i = 0; i < out->fd_count; i++) {
		fds[i] = out->lent ? fdcheck_copy(out->fds[i]) : out->fds[i];
		if (fds[i] == IPC_FD_NONE) {
			close_fds(channel, fds, i);
			return false;
		}
	}
	return true;
}

/* Put descriptors into a message's control part. */
static void attach_fds(struct msghdr *message, struct cmsghdr *control, const struct outgoing *out)
{
	int fds[MACHD_FRAME_FDS_MAX];

	for (unsigned i = 0; i < out->fd_count; i++)
		fds[i] = fdcheck_fd(out->fds[i]);
	control->cmsg_level = SOL_SOCKET;
	control->cmsg_type = SCM_RIGHTS;
	control->cmsg_len = CMSG_LEN(out->fd_count * sizeof *fds);
	memcpy(CMSG_DATA(control), fds, out->fd_count * sizeof *fds);
	message->msg_control = control;
	message->msg_controllen = CMSG_SPACE(out->fd_count * sizeof *fds);
}

/* Most packets have no descriptors. */
static int send_bytes(const struct channel *channel, const struct outgoing *out)
{
	while (send(channel->fd, out->bytes, out->size, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		if (errno != EINTR)
			return errno;
	return 0;
}

/* 0, or an errno. The descriptors stay open. */
static int send_packet(const struct channel *channel, const struct outgoing *out)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(MACHD_FRAME_FDS_MAX * sizeof(int))];
	} control;
	struct iovec bytes = {(void *)(uintptr_t)out->bytes, out->size};
	struct msghdr message = {.msg_iov = &bytes, .msg_iovlen = 1};

	if (out->fd_count == 0)
		return send_bytes(channel, out);
	memset(&control, 0, CMSG_SPACE(out->fd_count * sizeof(int)));
	attach_fds(&message, &control.header, out);
	while (sendmsg(channel->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		if (errno != EINTR)
			return errno;
	return 0;
}

static void wait_for_room(struct channel *channel, int error)
{
	if (channel_is_shortage(error)) {
		channel_watch(channel, EPOLLRDHUP);
		gate_starve(channel->gate, channel);
	} else {
		channel_watch(channel, EPOLLOUT);
	}
}

/* Keep a packet; false without memory: the channel is doomed and its descriptors are closed. */
static bool keep_unsent(struct channel *channel, const struct outgoing *out)
{
	struct unsent *unsent = mem_alloc_raw(sizeof *unsent + out->size, sizeof *unsent);

	if (!unsent || !keep_fds(channel, out, unsent->fds)) {
		mem_free(unsent);
		close_own(channel, out);
		gate_doom(channel->gate, channel, "there is no memory to keep its answer");
		return false;
	}
	list_init(&unsent->link);
	memcpy(unsent->bytes, out->bytes, out->size);
	unsent->size = out->size;
	unsent->fd_count = out->fd_count;
	list_append(&channel->unsent, &unsent->link);
	return true;
}

/* Send a packet of an answer, behind those that wait. */
static void send_or_keep(struct channel *channel, const struct outgoing *out)
{
	int error = EPIPE;

	if (!channel->doomed)
		error = list_empty(&channel->unsent) ? send_packet(channel, out) : EAGAIN;
	if (error == EAGAIN || channel_is_shortage(error)) {
		if (keep_unsent(channel, out))
			wait_for_room(channel, error);
		return;
	}
	if (error == 0) {
		close_sent(out);
		return;
	}
	close_own(channel, out);
	gate_doom(channel->gate, channel, NULL);
}

/* The kernel counts descriptors under way: each peer may have those of one answer there. */
static bool asks_too_early(const struct channel *channel, const struct ipc_answer *answer)
{
	return !list_empty(&channel->unsent) || (answer->fd_count && has_unread(channel));
}

void channel_send_packets(struct channel *channel, const struct ipc_answer *answer)
{
	struct outgoing first = {
		.bytes = answer->packet, .size = answer->size, .lent = answer->lent};
	struct outgoing second = {answer->memory, answer->memory_size, answer->fds,
				  answer->fd_count, answer->lent};

	if (answer->memory_size == 0) {
		first.fds = answer->fds;
		first.fd_count = answer->fd_count;
	}
	send_or_keep(channel, &first);
	if (answer->memory_size)
		send_or_keep(channel, &second);
}

/* An answer with the descriptors of a ring, if one can be made; else without them. */
static void send_ring(struct channel *channel, const struct ipc_answer *answer)
{
	struct ipc_answer with = *answer;
	ipc_fd_t fds[MACHD_RING_FDS];

	if (!channel->doomed && ring_make(channel, fds)) {
		with.fds = fds;
		with.fd_count = MACHD_RING_FDS;
	}
	channel_send_packets(channel, &with);
}

static void send_by_ring(struct channel *channel, const struct ipc_answer *answer)
{
	enum ring_way way = ring_send(channel->ring, answer);

	if (way == RING_BROKEN)
		gate_doom(channel->gate, channel, "its ring is broken");
	if (way != RING_SENT)
		channel_send_packets(channel, answer);
}

static void send_by_socket(struct channel *channel, const struct ipc_answer *answer)
{
	channel->gate->turns.hot = &channel->event;
	channel_send_packets(channel, answer);
}

void channel_send(struct channel *channel, const struct ipc_answer *answer)
{
	if (!channel->doomed && asks_too_early(channel, answer))
		gate_doom(channel->gate, channel, "it asks again before it has read its answer");
	if (answer->ring)
		send_ring(channel, answer);
	else if (channel->ring && !channel->doomed)
		send_by_ring(channel, answer);
	else
		send_by_socket(channel, answer);
}

static void unsent_free(struct channel *channel, struct unsent *unsent)
{
	list_remove(&unsent->link);
	close_fds(channel, unsent->fds, unsent->fd_count);
	mem_free(unsent);
}

void channel_drop_unsent(struct channel *channel)
{
	LIST_FOR_EACH_SAFE (node, &channel->unsent)
		unsent_free(channel, list_entry(node, struct unsent, link));
}

void channel_retry(struct channel *channel)
{
	struct unsent *unsent;
	int error = 0;

	while (error == 0 && (unsent = list_first(&channel->unsent, struct unsent, link))) {
		struct outgoing out = {unsent->bytes, unsent->size, unsent->fds, unsent->fd_count,
				       .lent = false};

		error = send_packet(channel, &out);
		if (error == EAGAIN || channel_is_shortage(error)) {
			wait_for_room(channel, error);
			return;
		}
		if (error == 0) {
			close_sent(&out);
			unsent->fd_count = 0;
		}
		unsent_free(channel, unsent);
	}
	if (error) {
		gate_doom(channel->gate, channel, NULL);
		return;
	}
	channel_watch(channel, CHANNEL_REQUESTS);
	if (channel->ring)
		turn_activate(&channel->gate->turns, channel->ring);
}
