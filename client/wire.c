/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A frame out and its answer in. Bytes of messages go straight from and to the program's memory.
 *
 * A signal ends the wait for an answer. The request is then given up with MACHD_OP_CANCEL, and the
 * wait goes on: there is one answer in any case, and if a message was delivered in the meantime
 * that is what it brings. A signal that comes just before the thread waits is not noticed, no more
 * than one that comes before the call.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "client/mi.h"

/* Room for one descriptor beside a packet. */
union control {
	struct cmsghdr head;
	char room[CMSG_SPACE(sizeof(int))];
};

static void attach_fd(struct msghdr *message, union control *control, int fd)
{
	*control = (union control){.head = {.cmsg_len = CMSG_LEN(sizeof fd),
					    .cmsg_level = SOL_SOCKET,
					    .cmsg_type = SCM_RIGHTS}};
	memcpy(CMSG_DATA(&control->head), &fd, sizeof fd);
	message->msg_control = control;
	message->msg_controllen = sizeof *control;
}

static int detach_fd(struct msghdr *message)
{
	struct cmsghdr *head = CMSG_FIRSTHDR(message);
	int fd;

	if (!head || head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS)
		return -1;
	memcpy(&fd, CMSG_DATA(head), sizeof fd);
	return fd;
}

int mi_request(struct mi_channel *channel, enum machd_op op, struct iovec *parts, int count, int fd)
{
	struct machd_frame frame = {.op = op, .fds = fd >= 0, .sequence = channel->sequence + 1};
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = (size_t)count};
	union control control;
	ssize_t sent;

	for (int i = 0; i < count; i++)
		frame.length += (uint32_t)parts[i].iov_len;
	memcpy(parts[0].iov_base, &frame, sizeof frame);
	if (fd >= 0)
		attach_fd(&message, &control, fd);
	do
		sent = sendmsg(channel->fd, &message, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	if (sent < 0)
		return errno;
	channel->sequence = frame.sequence;
	return 0;
}

/* If this fails the connection is broken, and the wait for the answer notices. */
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

/* Wait for a packet; a signal may give up the request, once. Returns what recvmsg() does. */
static ssize_t wait_packet(struct mi_channel *channel, const struct mi_answer *answer,
			   struct msghdr *message, union control *control, bool *cancelled)
{
	int flags = MSG_CMSG_CLOEXEC | (answer->peek ? MSG_PEEK : 0);

	for (;;) {
		ssize_t size;

		*message = (struct msghdr){
			.msg_iov = answer->parts,
			.msg_iovlen = (size_t)answer->count,
			.msg_control = answer->peek ? NULL : control,
			.msg_controllen = answer->peek ? 0 : sizeof *control,
		};
		size = recvmsg(channel->fd, message, flags);
		if (size >= 0 || (errno != EINTR && errno != EAGAIN))
			return size;
		if (errno == EINTR && answer->cancel && !*cancelled) {
			*cancelled = true;
			cancel(channel);
		}
	}
}

/*
 * The kernel refuses an address that nobody could have before it looks for a packet, and one that
 * nothing is mapped at when it has taken the packet. In the first case the packet is fetched
 * without the program's memory.
 */
int mi_answer(struct mi_channel *channel, struct mi_answer *answer)
{
	struct machd_frame *frame = answer->parts[0].iov_base;
	bool cancelled = false, narrow = false;
	union control control;
	struct msghdr message;
	ssize_t size;

	*frame = (struct machd_frame){0};
	size = wait_packet(channel, answer, &message, &control, &cancelled);
	if (size < 0 && errno == EFAULT && frame->length == 0) {
		narrow = true;
		answer->count = 1;
		size = wait_packet(channel, answer, &message, &control, &cancelled);
	}
	answer->size = size < 0 ? 0 : (size_t)size;
	answer->fd = -1;
	answer->fault = size < 0 && errno == EFAULT;
	answer->lost_fd = false;
	if (answer->fault)
		return 0;
	if (size <= 0)
		return size < 0 ? errno : ECONNRESET;
	if (answer->peek)
		return 0;
	answer->fd = detach_fd(&message);
	answer->lost_fd = answer->fd < 0 && (message.msg_flags & MSG_CTRUNC);
	if (message.msg_flags & MSG_TRUNC) {
		answer->fault = narrow;
		answer->size = SIZE_MAX;
	}
	return 0;
}

const char *mi_check_answer(const struct mi_channel *channel, const struct machd_frame *frame,
			    enum machd_op op, const struct mi_answer *answer)
{
	if (frame->op != (op | MACHD_OP_ANSWER) || frame->sequence != channel->sequence)
		return "machd answered something else";
	if (!answer->fault && frame->length != answer->size)
		return "machd sent an answer of a wrong length";
	if (frame->fds != (answer->fd >= 0) && !answer->lost_fd && !answer->fault)
		return "machd sent another number of descriptors than it said";
	return NULL;
}
