/* SPDX-License-Identifier: Apache-2.0 */
/*
 * machctl's connection to the daemon: finds the socket, says hello as a watcher, then sends one
 * request at a time and waits for its answer. Owns the socket and the buffer an answer is read
 * into. Nothing the daemon sends is believed before it was checked: machctl may be pointed at any
 * socket.
 */
#include "client/machctl/channel.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "client/machctl/machctl.h"
#include "protocol/frame.h"
#include "protocol/hello.h"
#include "protocol/limits.h"

/* Seconds to wait for a daemon that accepts a connection but does not speak. */
#define PATIENCE 10

struct channel {
	int fd;
	uint32_t sequence; /* of the next frame; the hello is 0 */
	struct sockaddr_un address;
	uint8_t packet[MACHD_FRAME_SIZE_MAX];
};

/* 0, or the errno that says why nobody can be reached at `path`. */
static int connect_to(struct channel *channel, const char *path)
{
	struct timeval patience = {.tv_sec = PATIENCE};

	if (strlen(path) >= sizeof channel->address.sun_path)
		return ENAMETOOLONG;
	channel->address = (struct sockaddr_un){.sun_family = AF_UNIX};
	strcpy(channel->address.sun_path, path);
	channel->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (channel->fd < 0)
		return errno;
	setsockopt(channel->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
	setsockopt(channel->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	if (connect(channel->fd, (struct sockaddr *)&channel->address, sizeof channel->address)) {
		int error = errno;

		close(channel->fd);
		return error;
	}
	return 0;
}

/* Who may not, or where it is no place for a socket, needs no other daemon. */
static void fail_place(const char *path, int error)
{
	if (error == EACCES || error == EPERM || error == ENAMETOOLONG)
		fail(EXIT_NO_DAEMON, "cannot connect to %s: %s", path, strerror(error));
}

/* The socket that was asked for. Only this one is tried: another daemon's tables would mislead. */
static void connect_given(struct channel *channel, const char *path, const char *origin)
{
	int error = connect_to(channel, path);

	fail_place(path, error);
	if (error)
		fail(EXIT_NO_DAEMON,
		     "no machd at %s (%s): %s\n"
		     "Start one with: machd --foreground --socket %s",
		     path, origin, strerror(error), path);
}

/* Where libmachclient looks as well: the user instance's socket if it exists, else the system's. */
static void connect_usual(struct channel *channel)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR"), *path = "/run/machd/machd.sock";
	char user[sizeof channel->address.sun_path + 1];
	int error;

	snprintf(user, sizeof user, "%s/machd.sock", runtime ? runtime : "");
	if (runtime && *runtime && access(user, F_OK) == 0)
		path = user;
	error = connect_to(channel, path);
	fail_place(path, error);
	if (error)
		fail(EXIT_NO_DAEMON,
		     "no machd at %s: %s\n"
		     "Start machd, or name its socket with --socket PATH or MACHD_SOCKET.",
		     path, strerror(error));
}

__attribute__((noreturn)) static void fail_protocol(const struct channel *channel, const char *what)
{
	fail(EXIT_ERROR,
	     "the answer from %s %s.\n"
	     "Is that machd's socket, and are machd and machctl of the same version?",
	     channel_path(channel), what);
}

static void send_frame(struct channel *channel, uint16_t op, const void *payload, size_t size)
{
	struct machd_frame header = {
		.length = (uint32_t)(sizeof header + size),
		.op = op,
		.sequence = channel->sequence,
	};
	struct iovec parts[] = {{&header, sizeof header}, {(void *)(uintptr_t)payload, size}};
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
	ssize_t sent;

	do
		sent = sendmsg(channel->fd, &message, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	if (sent < 0 && errno != EPIPE) /* a daemon that hung up may have left its reason to read */
		fail(EXIT_ERROR, "cannot write to %s: %s", channel_path(channel), strerror(errno));
}

/* One packet into channel->packet; its size. */
static size_t receive_packet(struct channel *channel)
{
	struct iovec part = {channel->packet, sizeof channel->packet};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
	ssize_t got;

	do
		got = recvmsg(channel->fd, &message, 0);
	while (got < 0 && errno == EINTR);
	if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		fail(EXIT_ERROR, "machd at %s does not answer; it may hang: see its log",
		     channel_path(channel));
	if (got < 0 && errno != ECONNRESET)
		fail(EXIT_ERROR, "cannot read from %s: %s", channel_path(channel), strerror(errno));
	if (got <= 0)
		fail(EXIT_ERROR, "machd at %s closed the connection; its log says why",
		     channel_path(channel));
	if (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC))
		fail_protocol(channel, "is larger than a frame may be, or carries a descriptor");
	return (size_t)got;
}

/* The size of the answer's payload, after its header was found right. */
static size_t receive_frame(struct channel *channel, uint16_t op)
{
	size_t size = receive_packet(channel);
	struct machd_frame header;

	if (size < sizeof header)
		fail_protocol(channel, "is shorter than a header");
	memcpy(&header, channel->packet, sizeof header);
	if (header.length != size)
		fail_protocol(channel, "states another length than it has");
	if (header.fds != 0 || header.flags != 0)
		fail_protocol(channel, "has a header that makes no sense");
	if (header.op != (op | MACHD_OP_ANSWER) || header.sequence != channel->sequence)
		fail_protocol(channel, "belongs to another request");
	return size - sizeof header;
}

void *channel_call(struct channel *channel, uint16_t op, const void *request, size_t size,
		   size_t *answer_size)
{
	send_frame(channel, op, request, size);
	*answer_size = receive_frame(channel, op);
	channel->sequence++;
	return channel->packet + sizeof(struct machd_frame);
}

static void say_hello(struct channel *channel)
{
	struct machd_hello hello = {
		.version_oldest = MACHD_PROTOCOL_VERSION,
		.version_newest = MACHD_PROTOCOL_VERSION,
		.word = sizeof(void *) * 8,
		.role = MACHD_ROLE_WATCH,
	};
	struct machd_welcome welcome;
	uint8_t map[MACHD_HELLO_SIZE_MAX];
	struct stat namespace;
	const char *problem;
	const void *answer;
	size_t size;

	if (stat("/proc/self/ns/pid", &namespace) == 0)
		hello.pid_namespace = namespace.st_ino;
	size = machd_hello_pack(&hello, map, sizeof map);
	answer = channel_call(channel, MACHD_OP_HELLO, map, size, &size);
	problem = machd_welcome_unpack(answer, size, &welcome);
	if (problem)
		fail(EXIT_ERROR, "the welcome from %s is broken: %s", channel_path(channel),
		     problem);
	if (welcome.version == 0)
		fail(EXIT_ERROR, "machd at %s refused: %.*s", channel_path(channel),
		     (int)sizeof welcome.error, welcome.error);
	if (welcome.version != MACHD_PROTOCOL_VERSION)
		fail(EXIT_ERROR, "machd at %s speaks version %u of the protocol, machctl %u",
		     channel_path(channel), welcome.version, MACHD_PROTOCOL_VERSION);
}

struct channel *channel_open(const char *path)
{
	struct channel *channel = calloc(1, sizeof *channel);
	const char *variable = getenv("MACHD_SOCKET");

	if (!channel)
		fail(EXIT_ERROR, "out of memory");
	if (path)
		connect_given(channel, path, "--socket");
	else if (variable && *variable)
		connect_given(channel, variable, "MACHD_SOCKET");
	else
		connect_usual(channel);
	say_hello(channel);
	return channel;
}

void channel_close(struct channel *channel)
{
	if (!channel)
		return;
	close(channel->fd);
	free(channel);
}

const char *channel_path(const struct channel *channel)
{
	return channel->address.sun_path;
}
