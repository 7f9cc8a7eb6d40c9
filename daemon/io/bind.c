/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The listening socket. Anybody may connect to it: who they are is asked of the kernel when they
 * do (creds.c), so the file's mode is open to all.
 */
#include "daemon/io/bind.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#define SOCKET_FLAGS (SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK)

__attribute__((format(printf, 2, 3))) static bool fail(char *error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(error, BIND_ERROR_SIZE, format, arguments);
	va_end(arguments);
	return false;
}

static bool set_address(struct sockaddr_un *address, const char *path, char *error)
{
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (*path == '\0')
		return fail(error, "the path of the socket is empty");
	if (strlen(path) >= sizeof address->sun_path)
		return fail(error, "%.40s...: a socket's path has at most %zu bytes", path,
			    sizeof address->sun_path - 1);
	strcpy(address->sun_path, path);
	return true;
}

/* Two daemons that start at once take turns: a lock on the directory, given up by close(). */
static int lock_directory(const char *path)
{
	char copy[sizeof(((struct sockaddr_un *)0)->sun_path)];
	int fd;

	strcpy(copy, path);
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0)
		flock(fd, LOCK_EX);
	return fd;
}

/* 0666 whatever the umask; needs no second look at the path. */
static int bind_open_to_all(int fd, const struct sockaddr_un *address)
{
	mode_t mask = umask(0111);
	int result = bind(fd, (const struct sockaddr *)address, sizeof *address);

	umask(mask);
	return result;
}

/* Something is at the path already: take it away if it is the socket of a dead process. */
static bool remove_stale(const struct sockaddr_un *address, char *error)
{
	const char *path = address->sun_path;
	struct stat st;
	int fd, problem = 0;

	if (lstat(path, &st) < 0 || !S_ISSOCK(st.st_mode))
		return fail(error, "%s exists and is not a socket", path);
	fd = socket(AF_UNIX, SOCKET_FLAGS, 0);
	if (fd < 0)
		return fail(error, "cannot make a socket: %s", strerror(errno));
	if (connect(fd, (const struct sockaddr *)address, sizeof *address) < 0)
		problem = errno;
	close(fd);
	if (problem == 0 || problem == EAGAIN)
		return fail(error, "%s: a machd is already running there", path);
	if (problem != ECONNREFUSED)
		return fail(error, "%s is in use: %s", path, strerror(problem));
	if (unlink(path) < 0)
		return fail(error, "cannot remove the stale %s: %s", path, strerror(errno));
	return true;
}

static bool listen_at(struct bound_socket *bound, const struct sockaddr_un *address, char *error)
{
	struct stat st;
	int result = bind_open_to_all(bound->fd, address);

	if (result < 0 && errno == EADDRINUSE) {
		if (!remove_stale(address, error))
			return false;
		result = bind_open_to_all(bound->fd, address);
	}
	if (result < 0 || lstat(address->sun_path, &st) < 0 || listen(bound->fd, SOMAXCONN) < 0)
		return fail(error, "cannot listen at %s: %s", address->sun_path, strerror(errno));
	strcpy(bound->path, address->sun_path);
	bound->device = st.st_dev;
	bound->inode = st.st_ino;
	return true;
}

bool bind_path(struct bound_socket *bound, const char *path, char error[BIND_ERROR_SIZE])
{
	struct sockaddr_un address;
	int lock;
	bool done;

	*bound = (struct bound_socket){.fd = -1};
	if (!set_address(&address, path, error))
		return false;
	lock = lock_directory(path);
	if (lock < 0)
		return fail(error, "cannot listen at %s: %s", path, strerror(errno));
	bound->fd = socket(AF_UNIX, SOCKET_FLAGS, 0);
	done = bound->fd >= 0 ? listen_at(bound, &address, error)
			      : fail(error, "cannot make a socket: %s", strerror(errno));
	close(lock);
	if (!done && bound->fd >= 0)
		close(bound->fd);
	return done;
}

bool bind_adopt(struct bound_socket *bound, int fd, char error[BIND_ERROR_SIZE])
{
	*bound = (struct bound_socket){.fd = fd};
	if (sd_is_socket_unix(fd, SOCK_SEQPACKET, 1, NULL, 0) <= 0)
		return fail(error, "the socket from systemd is not a listening SEQPACKET socket: "
				   "its unit needs ListenSequentialPacket=");
	if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) < 0)
		return fail(error, "the socket from systemd: %s", strerror(errno));
	return true;
}

void bind_release(struct bound_socket *bound)
{
	struct stat st;

	close(bound->fd);
	if (bound->path[0] && lstat(bound->path, &st) == 0 && st.st_dev == bound->device &&
	    st.st_ino == bound->inode)
		unlink(bound->path);
}
