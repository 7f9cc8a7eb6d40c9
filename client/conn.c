/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding the daemon: the path of its socket, the connection, and the exchange of hello and
 * welcome. What comes out of here is a socket on which requests can be sent.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "client/mi.h"

#define SYSTEM_SOCKET "/run/machd/machd.sock"

/* A time-out that never comes; having one makes a signal end recvmsg() even with SA_RESTART. */
#define FOREVER_SECONDS (30 * 24 * 60 * 60)

/* The socket to use. ENAMETOOLONG: no socket can have that path. */
static int find_path(char *path, size_t size)
{
	const char *given = secure_getenv("MACHD_SOCKET");
	const char *runtime = secure_getenv("XDG_RUNTIME_DIR");
	int length = -1;

	if (given && *given) {
		length = snprintf(path, size, "%s", given);
	} else {
		if (runtime && *runtime)
			length = snprintf(path, size, "%s/machd.sock", runtime);
		if (length < 0 || (size_t)length >= size || access(path, F_OK))
			length = snprintf(path, size, SYSTEM_SOCKET);
	}
	return length < 0 || (size_t)length >= size ? ENAMETOOLONG : 0;
}

/* A signal handler may interrupt connect(), which can then simply be repeated. */
static int connect_socket(const struct sockaddr_un *address)
{
	struct timeval forever = {.tv_sec = FOREVER_SECONDS};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	while (connect(fd, (const struct sockaddr *)address, sizeof *address)) {
		if (errno != EINTR) {
			int error = errno;

			close(fd);
			errno = error;
			return -1;
		}
	}
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &forever, sizeof forever);
	return fd;
}

static uint64_t pid_namespace(void)
{
	struct stat status;

	return stat("/proc/self/ns/pid", &status) ? 0 : (uint64_t)status.st_ino;
}

static int send_hello(int fd, const uint8_t *token, const uint8_t *parent)
{
	struct machd_hello hello = {
		.version_oldest = MACHD_PROTOCOL_VERSION,
		.version_newest = MACHD_PROTOCOL_VERSION,
		.word = sizeof(void *) * 8,
		.role = MACHD_ROLE_TASK,
		.pid_namespace = pid_namespace(),
		.joins = token != NULL,
		.inherits = parent != NULL,
	};
	uint8_t packet[sizeof(struct machd_frame) + MACHD_HELLO_SIZE_MAX];
	struct machd_frame frame = {.op = MACHD_OP_HELLO};
	ssize_t sent;

	if (token)
		memcpy(hello.token, token, sizeof hello.token);
	if (parent)
		memcpy(hello.parent, parent, sizeof hello.parent);
	frame.length = (uint32_t)(sizeof frame + machd_hello_pack(&hello, packet + sizeof frame,
								  MACHD_HELLO_SIZE_MAX));
	memcpy(packet, &frame, sizeof frame);
	do
		sent = send(fd, packet, frame.length, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? -1 : 0;
}

/* NULL, or why there is no good welcome. */
static const char *receive_welcome(int fd, struct machd_welcome *welcome)
{
	uint8_t packet[sizeof(struct machd_frame) + MACHD_HELLO_SIZE_MAX];
	struct machd_frame frame;
	ssize_t size;

	do
		size = recv(fd, packet, sizeof packet, 0);
	while (size < 0 && (errno == EINTR || errno == EAGAIN));
	if (size < 0)
		return strerrordesc_np(errno);
	if (size == 0)
		return "machd closed the connection";
	if ((size_t)size < sizeof frame)
		return "the welcome is no frame";
	memcpy(&frame, packet, sizeof frame);
	if (frame.op != (MACHD_OP_HELLO | MACHD_OP_ANSWER) || frame.length != (size_t)size)
		return "the welcome is no frame";
	return machd_welcome_unpack(packet + sizeof frame, (size_t)size - sizeof frame, welcome);
}

int mi_connect(const uint8_t *token, const uint8_t *parent, struct machd_welcome *welcome,
	       bool *refused)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const char *why = NULL;
	int fd = -1;

	*refused = false;
	errno = find_path(address.sun_path, sizeof address.sun_path);
	if (errno == 0)
		fd = connect_socket(&address);
	if (fd < 0 || send_hello(fd, token, parent))
		why = strerrordesc_np(errno);
	else
		why = receive_welcome(fd, welcome);
	if (!why && welcome->version != MACHD_PROTOCOL_VERSION) {
		*refused = true;
		why = welcome->version ? "machd chose a version it was not offered"
				       : welcome->error;
	}
	if (!why)
		return fd;
	mi_set_error("no connection to machd at %s: %s", address.sun_path, why);
	if (fd >= 0)
		close(fd);
	return -1;
}
