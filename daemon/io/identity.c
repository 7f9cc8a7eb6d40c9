/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Groups come from the kernel with the socket. The unit is in the process's cgroup, that is under
 * its pid: a descriptor of the process says whether that pid was still the peer's when it was read.
 * Linux before 6.5 gives none with the socket; then the pid's owner must be the peer's uid.
 */
#include "daemon/io/identity.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-login.h>
#include <unistd.h>

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

/* More groups than this are more than any process has. */
#define GROUPS_MAX 65536

static void add_group(struct ipc_identity *identity, uint32_t gid)
{
	if (identity->id_group_count < IPC_IDENTITY_GROUPS)
		identity->id_groups[identity->id_group_count++] = gid;
}

static void read_groups(int fd, struct ipc_identity *identity)
{
	gid_t groups[IPC_IDENTITY_GROUPS], *many = NULL, *list = groups;
	socklen_t size = sizeof groups;
	int result = getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size);

	/* It says how much room it wants. */
	if (result < 0 && size > sizeof groups && size <= GROUPS_MAX * sizeof *many) {
		list = many = malloc(size);
		result = many ? getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, many, &size) : -1;
	}
	for (size_t i = 0; result == 0 && i < size / sizeof *list; i++)
		add_group(identity, list[i]);
	free(many);
}

/* The process is the one that has connected, and lives: its pid means nobody else. */
static bool alive(int pidfd)
{
	return syscall(SYS_pidfd_send_signal, pidfd, 0, NULL, 0) == 0 || errno == EPERM;
}

static bool owned_by(int32_t pid, uint32_t uid)
{
	struct stat status;
	char path[32];

	snprintf(path, sizeof path, "/proc/%" PRId32, pid);
	return stat(path, &status) == 0 && status.st_uid == uid;
}

/* A descriptor of the peer's process; -1: none that can be relied on. */
static int open_process(int fd, const struct trap_peer *peer)
{
	int pidfd = -1;
	socklen_t size = sizeof pidfd;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &size) == 0)
		return pidfd;
	if (errno != ENOPROTOOPT || !owned_by(peer->pid, peer->uid))
		return -1;
	return (int)syscall(SYS_pidfd_open, peer->pid, 0);
}

static void read_unit(int fd, const struct trap_peer *peer, bool user, char *unit)
{
	char *found = NULL;
	int pidfd, result;

	if (sd_booted() <= 0) /* there are no units */
		return;
	pidfd = open_process(fd, peer);
	if (pidfd < 0)
		return;
	result =
		user ? sd_pid_get_user_unit(peer->pid, &found) : sd_pid_get_unit(peer->pid, &found);
	if (result >= 0 && strlen(found) < IPC_IDENTITY_UNIT && alive(pidfd))
		strcpy(unit, found);
	free(found);
	close(pidfd);
}

void identity_read(int fd, const struct trap_peer *peer, bool user, struct ipc_identity *identity)
{
	*identity = (struct ipc_identity){.id_group_count = 0};
	add_group(identity, peer->gid);
	read_groups(fd, identity);
	read_unit(fd, peer, user, identity->id_unit);
}
