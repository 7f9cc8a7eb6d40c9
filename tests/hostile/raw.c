/* SPDX-License-Identifier: Apache-2.0 */
/* Connections without a library: packets as a test wants them. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "protocol/limits.h"
#include "protocol/ops.h"
#include "tests/hostile/hostile.h"

#include <mach/message.h>
#include <mach/port.h>

#define FDS_MAX 253

void raw_connect(struct raw *raw)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct timeval deadline = {.tv_sec = 40};

	*raw = (struct raw){.fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)};
	ck_assert_int_ge(raw->fd, 0);
	memcpy(address.sun_path, victim.socket, sizeof victim.socket);
	ck_assert_int_eq(setsockopt(raw->fd, SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof deadline),
			 0);
	ck_assert_int_eq(setsockopt(raw->fd, SOL_SOCKET, SO_SNDTIMEO, &deadline, sizeof deadline),
			 0);
	ck_assert_int_eq(connect(raw->fd, (struct sockaddr *)&address, sizeof address), 0);
}

void raw_close(struct raw *raw)
{
	close(raw->fd);
	raw->fd = -1;
}

bool raw_packet(const struct raw *raw, const void *bytes, size_t size, const int *fds,
		unsigned count)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(FDS_MAX * sizeof(int))];
	} control;
	struct iovec iov = {(void *)(uintptr_t)bytes, size};
	struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};

	memset(&control, 0, sizeof control);
	if (count) {
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(count * sizeof *fds);
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(count * sizeof *fds);
		memcpy(CMSG_DATA(&control.header), fds, count * sizeof *fds);
	}
	if (sendmsg(raw->fd, &message, MSG_NOSIGNAL) >= 0)
		return true;
	ck_assert_msg(errno == EPIPE || errno == ECONNRESET, "sendmsg: %s", strerror(errno));
	return false;
}

static size_t make_frame(void *packet, enum machd_op op, uint32_t sequence, const void *body,
			 size_t size, unsigned fds)
{
	struct machd_frame frame = {
		.length = (uint32_t)(sizeof frame + size),
		.op = (uint16_t)op,
		.fds = (uint16_t)fds,
		.sequence = sequence,
	};

	memcpy(packet, &frame, sizeof frame);
	if (size)
		memcpy((char *)packet + sizeof frame, body, size);
	return sizeof frame + size;
}

size_t raw_frame(void *packet, enum machd_op op, uint32_t sequence, const void *body, size_t size)
{
	return make_frame(packet, op, sequence, body, size, 0);
}

bool raw_send(const struct raw *raw, enum machd_op op, uint32_t sequence, const void *body,
	      size_t size, const int *fds, unsigned count)
{
	static uint8_t packet[MACHD_FRAME_SIZE_MAX];

	ck_assert_uint_le(size, sizeof packet - sizeof(struct machd_frame));
	size = make_frame(packet, op, sequence, body, size, count);
	return raw_packet(raw, packet, size, fds, count);
}

size_t raw_receive(const struct raw *raw, void *packet, size_t size, int *fd)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = {packet, size};
	struct msghdr message = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof control,
	};
	ssize_t got;

	do /* who stops and goes on is interrupted where there is a time-out */
		got = recvmsg(raw->fd, &message, MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR);
	ck_assert_msg(got >= 0 || errno == ECONNRESET, "recvmsg: %s", strerror(errno));
	if (got > 0)
		ck_assert_int_eq(message.msg_flags & (MSG_TRUNC | MSG_CTRUNC), 0);
	if (fd)
		*fd = -1;
	if (got > 0 && CMSG_FIRSTHDR(&message)) {
		ck_assert_ptr_nonnull(fd);
		memcpy(fd, CMSG_DATA(&control.header), sizeof *fd);
	}
	return got > 0 ? (size_t)got : 0;
}

void raw_dropped(struct raw *raw)
{
	static uint8_t packet[MACHD_FRAME_SIZE_MAX];
	int fd;

	while (raw_receive(raw, packet, sizeof packet, &fd) > 0)
		if (fd >= 0)
			close(fd);
	raw_close(raw);
}

void raw_join(struct raw *raw)
{
	struct machd_hello hello = {.version_oldest = 1,
				    .version_newest = 1,
				    .word = 64,
				    .role = MACHD_ROLE_TASK,
				    .pid_namespace = 1};
	uint8_t bytes[MACHD_HELLO_SIZE_MAX];
	size_t size = machd_hello_pack(&hello, bytes, sizeof bytes);
	const char *problem;

	raw_connect(raw);
	ck_assert(raw_send(raw, MACHD_OP_HELLO, 0, bytes, size, NULL, 0));
	size = raw_receive(raw, bytes, sizeof bytes, NULL);
	ck_assert_uint_gt(size, sizeof(struct machd_frame));
	problem = machd_welcome_unpack(bytes + sizeof(struct machd_frame),
				       size - sizeof(struct machd_frame), &raw->welcome);
	ck_assert_msg(!problem, "the welcome %s", problem);
	ck_assert_uint_eq(raw->welcome.version, 1);
}

uint32_t raw_call(struct raw *raw, uint32_t routine, uint32_t target, const void *in,
		  size_t in_size, void *out, size_t out_size)
{
	uint8_t packet[512];
	struct machd_call call = {routine, target};
	struct machd_call_answer answer;
	size_t size, head = sizeof(struct machd_frame) + sizeof answer;

	ck_assert_uint_le(sizeof call + in_size, sizeof packet);
	memcpy(packet, &call, sizeof call);
	if (in_size)
		memcpy(packet + sizeof call, in, in_size);
	ck_assert(raw_send(raw, MACHD_OP_CALL, ++raw->sequence, packet, sizeof call + in_size, NULL,
			   0));
	size = raw_receive(raw, packet, sizeof packet, NULL);
	ck_assert_uint_ge(size, head);
	memcpy(&answer, packet + sizeof(struct machd_frame), sizeof answer);
	if (answer.code == 0) {
		ck_assert_uint_eq(size, head + out_size);
		if (out_size)
			memcpy(out, packet + head, out_size);
	}
	return answer.code;
}

uint32_t raw_port(struct raw *raw)
{
	struct mach_port_allocate_in in = {MACH_PORT_RIGHT_RECEIVE};
	struct mach_port_allocate_out out;

	ck_assert_uint_eq(raw_call(raw, MACHD_ROUTINE_mach_port_allocate, raw->welcome.self, &in,
				   sizeof in, &out, sizeof out),
			  0);
	return out.name;
}

struct raw_message raw_message(uint32_t port, uint32_t bits)
{
	return (struct raw_message){
		.args = {.option = MACH_SEND_MSG | MACH64_SEND_ANY,
			 .send_size = sizeof(mach_msg_header_t)},
		.bits = bits,
		.size = sizeof(mach_msg_header_t),
		.remote = port,
	};
}

uint32_t raw_random(void)
{
	static uint64_t state = 88172645463325252u;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 16);
}
