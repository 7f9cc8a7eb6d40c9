/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Identity of a peer. The kernel notes it at connect(), so it stays true when the process later
 * changes its uid or hands the socket on.
 */
#include "daemon/io/creds.h"

#include <errno.h>
#include <grp.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "daemon/base/mem.h"

/* No process is in more groups than this. */
#define GROUPS_MAX 65536
/* And most are in fewer than this. */
#define GROUPS_FEW 64

uint32_t creds_find_group(const char *name)
{
	const struct group *group = getgrnam(name);
	char *end;
	unsigned long gid;

	if (group)
		return group->gr_gid;
	errno = 0;
	gid = strtoul(name, &end, 10);
	return errno || end == name || *end || gid > UINT32_MAX ? CREDS_NO_GROUP : (uint32_t)gid;
}

static bool among(const gid_t *groups, socklen_t size, gid_t wanted)
{
	for (size_t i = 0; i < size / sizeof *groups; i++)
		if (groups[i] == wanted)
			return true;
	return false;
}

/* Is the peer in that group by one of its supplementary ones? Without memory to look: no. */
static bool in_group(int fd, gid_t wanted)
{
	gid_t few[GROUPS_FEW], *many;
	socklen_t size = sizeof few;
	bool found;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, few, &size) == 0)
		return among(few, size, wanted);
	if (errno != ERANGE || size > GROUPS_MAX * sizeof *many)
		return false;
	many = mem_alloc(size);
	found = many && getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, many, &size) == 0 &&
		among(many, size, wanted);
	mem_free(many);
	return found;
}

int creds_read(int fd, uint32_t inspect, struct trap_peer *peer)
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
		.inspects = inspect != CREDS_NO_GROUP &&
			    (ucred.gid == inspect || in_group(fd, inspect)),
	};
	randombytes_buf(peer->token, sizeof peer->token);
	return 0;
}
