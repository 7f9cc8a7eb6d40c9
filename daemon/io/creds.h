/* SPDX-License-Identifier: Apache-2.0 */
/* The credentials of a connection's peer, as the kernel reports them: read once, at accept. */
#pragma once

#include "daemon/trap/trap.h"

/* No group. */
#define CREDS_NO_GROUP UINT32_MAX

/* The gid of the group with this name, or number; CREDS_NO_GROUP: there is none. */
uint32_t creds_find_group(const char *name);

/*
 * Fill `peer` for the connected socket `fd`: the uid, gid and pid its process had at connect(), a
 * pidversion that no other connection has, and a fresh token; it inspects if its process was in the
 * group with the gid `inspect`. 0, or an errno; `peer` is untouched then.
 */
int creds_read(int fd, uint32_t inspect, struct trap_peer *peer);
