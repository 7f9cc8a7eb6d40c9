/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Descriptors between sockets and the state machine. Outside they are small integers that the
 * kernel uses again and again; inside they are handles that never repeat. Only this file knows
 * that a handle is a serial number with the integer in its lower half.
 */
#pragma once

#include "daemon/trap/trap.h"

/*
 * Take over `fd`, which came with a packet, and find out what it is: its handle, and for a memfd
 * sealed against shrinking and growing its size, and whether it is sealed against writing, too.
 * Anything else has size and sealed 0, but for what landed in the reserve: the daemon cannot keep
 * that (TRAP_FD_NO_ROOM).
 */
struct trap_fd fdcheck_take(int fd);

/*
 * Is `fd` the other end of a connection to this daemon, as `channel` is one? Who holds it keeps the
 * connection open.
 */
bool fdcheck_connected(int fd, int channel);

/* A handle for a copy of the descriptor; IPC_FD_NONE if there is no room for one more. */
ipc_fd_t fdcheck_copy(ipc_fd_t handle);

/* A handle for a descriptor of our own; IPC_FD_NONE if it is of the reserve: closed then. */
ipc_fd_t fdcheck_own(int fd);

/* The descriptor of a handle; -1 for IPC_FD_NONE. */
int fdcheck_fd(ipc_fd_t handle);

/*
 * Is `fd` one of the last ones the process may have? The kernel gives out the lowest free number,
 * so all the others are in use then. The last ones are kept for what must still work: taking a
 * descriptor out of a packet to refuse it, accepting a connection to close it, reading a file.
 */
bool fdcheck_reserved(int fd);

/*
 * Raise the limit of open descriptors as far as the system lets us, and see how many there are. To
 * be called before anything else here.
 */
void fdcheck_raise_limit(void);

/*
 * Make `limits` fit the descriptors there are: the memfds of one user's messages may take half of
 * them at most, its bells half of the rest and its rings a quarter, so that there is room for
 * connections. Returns whether it had to change anything.
 */
bool fdcheck_fit_limits(struct machd_limits *limits);
