/* SPDX-License-Identifier: Apache-2.0 */
/* The common part of false daemons. */
#include "tests/flow/flow_fake.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "protocol/frame.h"
#include "protocol/hello.h"
#include "protocol/limits.h"
#include "tests/flow/flow.h"

void flow_fake_begin(struct flow_fake *fake)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	strcpy(fake->directory, "/tmp/machd-fake-XXXXXX");
	CHECK(mkdtemp(fake->directory) != NULL);
	snprintf(fake->socket, sizeof fake->socket, "%s/machd.sock", fake->directory);
	strcpy(address.sun_path, fake->socket);
	fake->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	CHECK(bind(fake->listener, (struct sockaddr *)&address, sizeof address) == 0);
	CHECK(listen(fake->listener, 5) == 0);
	CHECK(setenv("MACHD_SOCKET", fake->socket, 1) == 0);
}

void flow_fake_end(struct flow_fake *fake)
{
	close(fake->listener);
	CHECK(unlink(fake->socket) == 0 && rmdir(fake->directory) == 0);
}

void flow_fake_send(int fd, const void *packet, size_t size, const int *fds, unsigned count)
{
	struct iovec part = {(void *)(uintptr_t)packet, size};
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(MACHD_FRAME_FDS_MAX * sizeof(int))];
	} control = {.head = {.cmsg_len = CMSG_LEN(count * sizeof *fds),
			      .cmsg_level = SOL_SOCKET,
			      .cmsg_type = SCM_RIGHTS}};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};

	if (count > 0) {
		memcpy(CMSG_DATA(&control.head), fds, count * sizeof *fds);
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(count * sizeof *fds);
	}
	/* Who has heard enough hangs up. */
	CHECK(sendmsg(fd, &message, MSG_NOSIGNAL) == (ssize_t)size || errno == EPIPE ||
	      errno == ECONNRESET);
}

void flow_fake_welcome(int fd, const char *refusal)
{
	struct machd_welcome answer = {.version = MACHD_PROTOCOL_VERSION,
				       .inline_max = 65536,
				       .task = 1,
				       .self = 0x103,
				       .host = 0x203,
				       .bootstrap = 0x303};
	struct machd_frame frame = {.op = MACHD_OP_HELLO | MACHD_OP_ANSWER};
	uint8_t packet[sizeof frame + MACHD_HELLO_SIZE_MAX];
	size_t size = 4;

	if (refusal) {
		answer = (struct machd_welcome){.version = 0};
		strcpy(answer.error, refusal);
	}
	memset(packet, 0xc1, sizeof packet);
	if (!refusal || *refusal)
		size = machd_welcome_pack(&answer, packet + sizeof frame, MACHD_HELLO_SIZE_MAX);
	frame.length = (uint32_t)(sizeof frame + size);
	memcpy(packet, &frame, sizeof frame);
	flow_fake_send(fd, packet, frame.length, NULL, 0);
}
