/* SPDX-License-Identifier: Apache-2.0 */
/* Who is at the other end of a connection, as the kernel says: read once, when it is accepted. */
#pragma once

#include "daemon/trap/trap.h"

/*
 * Fill `peer` for the connected socket `fd`: the uid, gid and pid its process had at connect(), a
 * pidversion that no other connection has, and a fresh token. 0, or an errno; `peer` is untouched
 * then.
 */
int creds_read(int fd, struct trap_peer *peer);
