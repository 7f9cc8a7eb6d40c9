/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Identity of a peer. The kernel notes it at connect(), so it stays true when the process later
 * changes its uid or hands the socket on.
 */
#include "daemon/io/creds.h"

#include <errno.h>
#include <sodium.h>
#include <sys/socket.h>

int creds_read(int fd, struct trap_peer *peer)
{
	static uint32_t connections;
	struct ucred ucred;
	socklen_t size = sizeof ucred;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &ucred, &size) < 0)
		return errno;
	*peer = (struct trap_peer){
		.uid = ucred.uid,
		.gid = ucred.gid,
		.pid = ucred.pid,
		.pidversion = ++connections,
	};
	randombytes_buf(peer->token, sizeof peer->token);
	return 0;
}
