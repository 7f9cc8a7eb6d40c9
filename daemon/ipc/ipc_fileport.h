/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fileports: a descriptor of a program, kept here and known as send rights, so that it can travel
 * in messages, be copied, and outlive its maker. The daemon never looks at the file. It is closed
 * when the last send right is gone.
 */
#pragma once

#include "daemon/ipc/ipc_outbox.h"
#include "daemon/ipc/ipc_types.h"

/*
 * The send right to a new fileport, which holds `file` from now on. NULL: no memory, or the user is
 * at a limit of ports or descriptors; the descriptor is still the caller's then.
 */
struct ipc_port *ipc_fileport_create(struct ipc_host *host, struct ipc_user *user, ipc_fd_t file);

/* Its last send right is gone. */
void ipc_fileport_orphaned(struct ipc_host *host, struct ipc_port *port);
