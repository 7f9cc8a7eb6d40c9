/* SPDX-License-Identifier: Apache-2.0 */
/* A peer's groups and systemd unit: see identity.c. */
#pragma once

#include "daemon/ipc/ipc_identity.h"
#include "daemon/trap/trap.h"

/*
 * Fill `identity` for the process at the other end of a connected socket: the groups that it had at
 * connect(), and the systemd unit that it is in now: of the system, or of the user's own manager if
 * `user`. What cannot be found out for certain is left out, so that nobody is let in for it.
 */
void identity_read(int fd, const struct trap_peer *peer, bool user, struct ipc_identity *identity);
