/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fileports: the descriptor goes to the daemon, and holders of the right get copies of it.
 * Memory entries (client/memory_entry.c) go the same way.
 */
#include <errno.h>
#include <fcntl.h>
#include <mach/mach.h>
#include <machd.h>
#include <string.h>
#include <sys/fileport.h>
#include <unistd.h>

#include "client/mi.h"

struct request {
	struct machd_frame frame;
	struct machd_fileport body;
};

struct reply {
	struct machd_frame frame;
	struct machd_fileport_answer body;
};

/* Is the memory of an entry in what came, for ever? As mi_keeps(). */
static int check_entry(const struct machd_fileport *body, const struct reply *reply,
		       const struct mi_answer *answer)
{
	const struct machd_extent *extent = &reply->body.extent;
	uint64_t end;

	if (body->kind != MACHD_FILE_MEMORY || answer->fds.count == 0)
		return 0;
	return __builtin_add_overflow(extent->offset, extent->size, &end)
		       ? EPROTO
		       : mi_keeps(answer->fds.fd[0], end);
}

/* Ask, and check what came: a descriptor only where one was asked for. */
static kern_return_t ask(struct mi_channel *channel, const struct machd_fileport *body,
			 const struct mi_fds *give, struct reply *reply, int *fd)
{
	struct request request = {.body = *body};
	struct iovec out = {&request, sizeof request}, in = {reply, sizeof *reply};
	struct mi_answer answer = {.parts = &in, .count = 1};
	int error = mi_request(channel, MACHD_OP_FILEPORT, &out, 1, give);
	const char *wrong;

	if (error == EBADF && give && fcntl(give->fd[0], F_GETFD) < 0)
		return KERN_INVALID_ARGUMENT;
	if (error == ENOBUFS || error == ENOMEM || error == ETOOMANYREFS)
		return KERN_RESOURCE_SHORTAGE;
	if (error == 0)
		error = mi_answer(channel, &answer);
	if (error)
		return mi_lost(channel, strerrordesc_np(error));
	wrong = mi_check_answer(channel, &reply->frame, MACHD_OP_FILEPORT, &answer);
	if (!wrong && (answer.size != sizeof *reply ||
		       reply->frame.fds != (!give && reply->body.code == KERN_SUCCESS)))
		wrong = "machd sent an answer that makes no sense";
	if (!wrong)
		error = check_entry(body, reply, &answer);
	if (error == EPROTO)
		wrong = "machd sent memory that may be gone";
	if (wrong || error)
		mi_fds_close(&answer.fds);
	if (wrong)
		return mi_lost(channel, wrong);
	if (error)
		return KERN_RESOURCE_SHORTAGE;
	if (answer.fds.count)
		*fd = answer.fds.fd[0];
	return answer.lost_fd ? KERN_RESOURCE_SHORTAGE : (kern_return_t)reply->body.code;
}

kern_return_t mi_fileport_make(int fd, const struct machd_fileport *what, mach_port_t *port)
{
	struct mi_fds give = {.count = 1, .fd = {fd}};
	struct mi_entry entry;
	struct reply reply = {0};
	int none; /* no descriptor comes back */
	kern_return_t code = mi_enter(&entry);

	if (code != KERN_SUCCESS)
		return code;
	code = fd < 0 ? KERN_INVALID_ARGUMENT : ask(entry.channel, what, &give, &reply, &none);
	mi_leave(&entry);
	if (code == KERN_SUCCESS)
		*port = reply.body.port;
	return code;
}

kern_return_t mi_fileport_get(mach_port_t port, enum machd_file_kind kind, int *fd,
			      struct machd_extent *extent)
{
	struct machd_fileport what = {.port = port, .kind = kind};
	struct mi_entry entry;
	struct reply reply = {0};
	kern_return_t code = mi_enter(&entry);

	if (code != KERN_SUCCESS)
		return code;
	code = ask(entry.channel, &what, NULL, &reply, fd);
	mi_leave(&entry);
	if (code == KERN_SUCCESS)
		*extent = reply.body.extent;
	return code;
}

kern_return_t machd_fileport_make(int fd, mach_port_t *port)
{
	struct machd_fileport file = {.kind = MACHD_FILE_ANY};

	return mi_fileport_make(fd, &file, port);
}

kern_return_t machd_fileport_fd(mach_port_t port, int *fd)
{
	struct machd_extent none;

	return mi_fileport_get(port, MACHD_FILE_ANY, fd, &none);
}

static int fail(kern_return_t code, int shortage)
{
	switch (code) {
	case KERN_SUCCESS:
		return 0;
	case KERN_RESOURCE_SHORTAGE:
	case KERN_NO_SPACE:
		errno = shortage;
		return -1;
	case MACHD_NO_DAEMON:
	case MACHD_BUSY:
		errno = ENOTCONN;
		return -1;
	default:
		errno = EINVAL;
		return -1;
	}
}

int fileport_makeport(int fd, fileport_t *port)
{
	if (fcntl(fd, F_GETFD) < 0)
		return -1;
	return fail(machd_fileport_make(fd, port), EAGAIN);
}

int fileport_makefd(fileport_t port)
{
	int fd = -1;

	return fail(machd_fileport_fd(port, &fd), EMFILE) ? -1 : fd;
}
