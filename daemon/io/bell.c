/* SPDX-License-Identifier: Apache-2.0 */
/* Makes a bell's descriptor readable by a byte, and takes the byte back. */
#include "daemon/io/bell.h"

#include <errno.h>
#include <sys/socket.h>

static bool has_option(int fd, int name, int expected)
{
	socklen_t size = sizeof(int);
	int value;

	return getsockopt(fd, SOL_SOCKET, name, &value, &size) == 0 && value == expected;
}

/* Whoever is at the other end would take what comes for the daemon's own words. */
bool bell_good(int fd, pid_t pid)
{
	struct ucred peer;
	socklen_t size = sizeof peer;

	return has_option(fd, SO_DOMAIN, AF_UNIX) && has_option(fd, SO_TYPE, SOCK_SEQPACKET) &&
	       getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.pid == pid;
}

void bell_set(int ring, int quiet, bool on)
{
	char byte = 0;
	ssize_t done;

	do
		done = on ? send(ring, &byte, sizeof byte, MSG_DONTWAIT | MSG_NOSIGNAL)
			  : recv(quiet, &byte, sizeof byte, MSG_DONTWAIT);
	while (done < 0 && errno == EINTR);
	/* A client that hears too much misses nothing. */
	if (on && done < 0 && errno != EAGAIN)
		shutdown(ring, SHUT_RDWR);
}
