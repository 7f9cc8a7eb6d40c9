/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sends a frame and receives its answer. Bytes of messages go straight from and to the program's
 * memory.
 *
 * A signal interrupts the wait for an answer. The request is then given up with MACHD_OP_CANCEL,
 * and the wait goes on: there is exactly one answer in any case, with the message if one was
 * delivered in the meantime. For calls that asked to be interrupted, signals are blocked from
 * before the request until the wait, so that none is missed; other calls need not notice one just
 * before.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "client/ring.h"

/* Bytes of a small request. */
#define FLAT_MAX 1024

/* Room for descriptors beside a packet. */
union control {
	struct cmsghdr head;
	char room[CMSG_SPACE(MACHD_FRAME_FDS_MAX * sizeof(int))];
};

void mi_fds_close(struct mi_fds *fds)
{
	while (fds->count > 0)
		close(fds->fd[--fds->count]);
}

static void attach_fds(struct msghdr *message, union control *control, const struct mi_fds *fds)
{
	size_t size = fds->count * sizeof *fds->fd;

	memset(control, 0, CMSG_SPACE(size));
	control->head.cmsg_len = CMSG_LEN(size);
	control->head.cmsg_level = SOL_SOCKET;
	control->head.cmsg_type = SCM_RIGHTS;
	memcpy(CMSG_DATA(&control->head), fds->fd, size);
	message->msg_control = control;
	message->msg_controllen = CMSG_SPACE(size);
}

static void detach_fds(struct msghdr *message, struct mi_fds *fds)
{
	struct cmsghdr *head = CMSG_FIRSTHDR(message);

	if (!head || head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS)
		return;
	fds->count = (unsigned)((head->cmsg_len - CMSG_LEN(0)) / sizeof *fds->fd);
	memcpy(fds->fd, CMSG_DATA(head), fds->count * sizeof *fds->fd);
}

static int send_packet(const struct mi_channel *channel, struct iovec *parts, int count,
		       const struct mi_fds *fds)
{
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = (size_t)count};
	union control control;
	ssize_t sent;

	if (fds && fds->count)
		attach_fds(&message, &control, fds);
	do
		sent = sendmsg(channel->fd, &message, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? errno : 0;
}

/* Copy a small request into one piece, which is faster to send; false: memory may not be mapped. */
static bool gather(const struct mi_channel *channel, const struct iovec *parts, int count,
		   uint8_t flat[FLAT_MAX])
{
	for (int i = 0; i < count; flat += parts[i++].iov_len) {
		if (!mi_possible(parts[i].iov_base))
			return false;
		if (parts[i].iov_len == 0)
			continue;
		if (i > 0 && !channel->request_present &&
		    !mi_known(parts[i].iov_base, parts[i].iov_len))
			return false;
		memcpy(flat, parts[i].iov_base, parts[i].iov_len);
	}
	return true;
}

static int send_small(const struct mi_channel *channel, struct iovec *parts, int count,
		      uint32_t length)
{
	uint8_t flat[FLAT_MAX];
	ssize_t sent;

	if (!gather(channel, parts, count, flat))
		return send_packet(channel, parts, count, NULL);
	do
		sent = send(channel->fd, flat, length, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? errno : 0;
}

/* Write the frame header of the next request, at the start of its first part; returns its length.
 */
static uint32_t put_header(const struct mi_channel *channel, enum machd_op op,
			   const struct iovec *parts, int count, unsigned fd_count)
{
	struct machd_frame frame = {
		.op = op, .fds = (uint16_t)fd_count, .sequence = channel->sequence + 1};

	if (op == MACHD_OP_MESSAGE) /* the flags are not for a CALL made meanwhile */
		frame.flags = channel->request_flags;
	for (int i = 0; i < count; i++)
		frame.length += (uint32_t)parts[i].iov_len;
	memcpy(parts[0].iov_base, &frame, sizeof frame);
	return frame.length;
}

/* The request is on its way. */
static void requested(struct mi_channel *channel)
{
	channel->sequence++;
	channel->way = MI_WAY_UNKNOWN;
}

int mi_request(struct mi_channel *channel, enum machd_op op, struct iovec *parts, int count,
	       const struct mi_fds *fds)
{
	unsigned fd_count = fds ? fds->count : 0;
	uint32_t length = put_header(channel, op, parts, count, fd_count);
	bool unanswered =
		op == MACHD_OP_MESSAGE && (channel->request_flags & MACHD_REQUEST_UNANSWERED);
	int error = EAGAIN;

	if (channel->ring && fd_count == 0)
		error = mi_ring_put(channel->ring, parts, count, length, channel->request_present);
	if (error == 0)
		mi_ring_let_go(channel->ring, !unanswered);
	/* An unanswered message uses the ring only: in a packet the next one could overtake it. */
	if (error == EAGAIN && (!channel->ring || !unanswered))
		error = fd_count == 0 && length <= FLAT_MAX
				? send_small(channel, parts, count, length)
				: send_packet(channel, parts, count, fds);
	if (error)
		return error;
	requested(channel);
	return 0;
}

bool mi_request_ready(struct mi_channel *channel, struct iovec *parts, int count)
{
	uint32_t length = put_header(channel, MACHD_OP_MESSAGE, parts, count, 0);

	return mi_ring_put(channel->ring, parts, count, length, channel->request_present) == 0;
}

void mi_request_end(struct mi_channel *channel, bool go)
{
	if (!go) {
		mi_ring_take_back(channel->ring);
		return;
	}
	mi_ring_let_go(channel->ring, false);
	requested(channel);
}

/*
 * By the socket, even if the request went into the ring: the daemon reads the ring first. If this
 * fails the connection is broken, and the wait for the answer notices.
 */
static void cancel(const struct mi_channel *channel)
{
	struct machd_frame frame = {
		.length = sizeof frame,
		.op = MACHD_OP_CANCEL,
		.sequence = channel->sequence,
	};
	ssize_t sent;

	do
		sent = send(channel->fd, &frame, sizeof frame, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
}

/* All but synchronous faults, which would kill the process if they were blocked. */
void mi_hold_signals(struct mi_channel *channel, sigset_t *old)
{
	static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT};
	sigset_t all;

	sigfillset(&all);
	for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
		sigdelset(&all, faults[i]);
	pthread_sigmask(SIG_BLOCK, &all, old);
	channel->held = old;
}

void mi_let_signals(struct mi_channel *channel, const sigset_t *old)
{
	pthread_sigmask(SIG_SETMASK, old, NULL);
	channel->held = NULL;
}

/* Wait for a packet or a signal with the thread's own mask: was it a signal? */
static bool await_signal(const struct mi_channel *channel)
{
	struct pollfd state = {.fd = channel->fd, .events = POLLIN};

	return ppoll(&state, 1, NULL, channel->held) < 0 && errno == EINTR;
}

/* Errors after which the packet can still be received. */
static bool comes_again(int error)
{
	return error == EINTR || error == EAGAIN || error == ENOMEM || error == ENOBUFS;
}

/* Wait for a packet; a signal may give up the request, once. Returns what recvmsg() does. */
static ssize_t wait_packet(struct mi_channel *channel, const struct mi_answer *answer,
			   struct msghdr *message, union control *control, bool *cancelled)
{
	int flags = MSG_CMSG_CLOEXEC | (answer->peek ? MSG_PEEK : 0);

	for (;;) {
		bool notices = answer->cancel && !*cancelled;
		ssize_t size;

		if (notices && channel->held && await_signal(channel)) {
			*cancelled = true;
			cancel(channel);
		}
		*message = (struct msghdr){
			.msg_iov = answer->parts,
			.msg_iovlen = (size_t)answer->count,
			.msg_control = answer->peek ? NULL : control,
			.msg_controllen = answer->peek ? 0 : sizeof *control,
		};
		size = recvmsg(channel->fd, message, flags);
		if (size >= 0 || !comes_again(errno))
			return size;
		if (errno == EINTR && notices && !*cancelled) {
			*cancelled = true;
			cancel(channel);
		}
	}
}

/*
 * The kernel refuses an address outside of user space before it takes a packet, and one where
 * nothing is mapped after it has taken it. In the first case the packet is fetched again, without
 * the program's memory.
 */
static int answer_on_socket(struct mi_channel *channel, struct mi_answer *answer, bool *cancelled)
{
	struct machd_frame *frame = answer->parts[0].iov_base;
	bool narrow = false;
	union control control;
	struct msghdr message;
	ssize_t size;

	*frame = (struct machd_frame){0};
	size = wait_packet(channel, answer, &message, &control, cancelled);
	if (size < 0 && errno == EFAULT && frame->length == 0) {
		narrow = true;
		answer->count = 1;
		size = wait_packet(channel, answer, &message, &control, cancelled);
	}
	answer->size = size < 0 ? 0 : (size_t)size;
	answer->fds.count = 0;
	answer->fault = size < 0 && errno == EFAULT;
	answer->lost_fd = false;
	if (answer->fault)
		return 0;
	if (size <= 0)
		return size < 0 ? errno : ECONNRESET;
	if (answer->peek)
		return 0;
	detach_fds(&message, &answer->fds);
	answer->lost_fd = message.msg_flags & MSG_CTRUNC;
	if (message.msg_flags & MSG_TRUNC) {
		answer->fault = narrow;
		answer->size = SIZE_MAX;
	}
	return 0;
}

/* Wait until it is known how the answer comes; a signal may give up the request. */
static int await_way(struct mi_channel *channel, const struct mi_answer *answer, bool *cancelled)
{
	for (;;) {
		bool notices = answer->cancel && !*cancelled;

		switch (mi_ring_wait(channel, notices && channel->held)) {
		case MI_RING_KNOWN:
			return 0;
		case MI_RING_ERROR:
			return ECONNRESET;
		case MI_RING_SIGNAL:
			if (notices) {
				*cancelled = true;
				cancel(channel);
			}
		}
	}
}

/*
 * Was this packet a MACHD_OP_LOOK? Then drop it and look into the ring again. The answer may not be
 * there yet: the packet may be about the previous answer, if the daemon was delayed between putting
 * that into the ring and sending the packet.
 */
static bool was_look(struct mi_channel *channel, struct mi_answer *answer, int count)
{
	const struct machd_frame *frame = answer->parts[0].iov_base;

	if (!channel->ring || answer->fault || frame->op != (MACHD_OP_LOOK | MACHD_OP_ANSWER))
		return false;
	if (answer->peek)
		recv(channel->fd, &(struct machd_frame){0}, sizeof(struct machd_frame), 0);
	answer->count = count;
	if (channel->way == MI_WAY_SLEEP)
		channel->way = MI_WAY_UNKNOWN;
	return true;
}

int mi_answer(struct mi_channel *channel, struct mi_answer *answer)
{
	const struct machd_frame *frame = answer->parts[0].iov_base;
	bool cancelled = false, again;
	int error = 0, count = answer->count;

	do {
		if (channel->ring && channel->way == MI_WAY_UNKNOWN)
			error = await_way(channel, answer, &cancelled);
		again = error == 0 && channel->way != MI_WAY_RING;
		if (again)
			error = answer_on_socket(channel, answer, &cancelled);
		again = again && error == 0 && was_look(channel, answer, count);
	} while (again);
	if (error == 0 && channel->way == MI_WAY_SLEEP)
		error = mi_ring_woken(channel);
	if (error == 0 && channel->way == MI_WAY_RING)
		error = mi_ring_take(channel->ring, answer);
	if (error == 0 && !answer->peek && !answer->fault)
		channel->answer_flags |= frame->flags;
	return error;
}

const char *mi_check_answer(const struct mi_channel *channel, const struct machd_frame *frame,
			    enum machd_op op, const struct mi_answer *answer)
{
	if (frame->op != (op | MACHD_OP_ANSWER) || frame->sequence != channel->sequence)
		return "machd answered something else";
	if (!answer->fault && frame->length != answer->size)
		return "machd sent an answer of a wrong length";
	if (frame->fds != answer->fds.count && !answer->lost_fd && !answer->fault)
		return "machd sent another number of descriptors than it said";
	return NULL;
}
