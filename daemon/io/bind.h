/* SPDX-License-Identifier: Apache-2.0 */
/* Where the daemon listens: making the socket, and taking it away again. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/un.h>

#define BIND_ERROR_SIZE 256

struct bound_socket {
	int fd;
	dev_t device; /* of the file at `path`, to see later that it is still ours */
	ino_t inode;
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)]; /* "": systemd's, not ours */
};

/*
 * Listen at `path`. The file of a daemon that died is replaced; one that answers is left alone.
 * false: `error` says why.
 */
bool bind_path(struct bound_socket *bound, const char *path, char error[BIND_ERROR_SIZE]);

/* Take the listening socket that systemd handed to us. false: it is not of the right kind. */
bool bind_adopt(struct bound_socket *bound, int fd, char error[BIND_ERROR_SIZE]);

/* Stop listening; the file is removed if it is still ours. */
void bind_release(struct bound_socket *bound);
