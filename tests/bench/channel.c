/* SPDX-License-Identifier: Apache-2.0 */
/* Bare channels to a daemon: see bench_channel() in machd.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "protocol/frame.h"
#include "protocol/hello.h"
#include "tests/bench/machd.h"

static uint8_t hello[sizeof(struct machd_frame) + MACHD_HELLO_SIZE_MAX];
static size_t hello_size;

/* The same hello for all, and as many descriptors as this process may have. */
static void prepare(void)
{
	struct machd_hello map = {
		.version_oldest = MACHD_PROTOCOL_VERSION,
		.version_newest = MACHD_PROTOCOL_VERSION,
		.word = sizeof(void *) * 8,
		.role = MACHD_ROLE_TASK,
	};
	struct machd_frame frame = {.op = MACHD_OP_HELLO};
	struct rlimit files;
	struct stat namespace;

	if (stat("/proc/self/ns/pid", &namespace) == 0)
		map.pid_namespace = namespace.st_ino;
	hello_size = sizeof frame +
		     machd_hello_pack(&map, hello + sizeof frame, sizeof hello - sizeof frame);
	frame.length = (uint32_t)hello_size;
	memcpy(hello, &frame, sizeof frame);
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
}

int bench_channel(const struct bench_machd *machd)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	uint8_t answer[sizeof hello];
	struct machd_welcome welcome;
	const char *problem;
	ssize_t got;

	if (hello_size == 0)
		prepare();
	strcpy(address.sun_path, machd->socket);
	if (sock < 0 || connect(sock, (struct sockaddr *)&address, sizeof address) ||
	    send(sock, hello, hello_size, MSG_NOSIGNAL) < 0)
		bench_die("connect");
	got = recv(sock, answer, sizeof answer, 0);
	if (got < (ssize_t)sizeof(struct machd_frame))
		bench_die("welcome");
	problem = machd_welcome_unpack(answer + sizeof(struct machd_frame),
				       (size_t)got - sizeof(struct machd_frame), &welcome);
	if (problem || welcome.version == 0) {
		fprintf(stderr, "welcome: %s\n", problem ? problem : welcome.error);
		exit(1);
	}
	return sock;
}
