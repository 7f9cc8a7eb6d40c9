/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a bell rings (ipc_bell.h). The client polls one end of a socket pair, of which the daemon
 * holds a copy, and the other end: a byte sent into the one makes the client's descriptor readable,
 * and the same byte taken out through the copy makes it quiet again. Neither can block, whatever
 * the client does to its descriptor, and there is never more than one byte under way.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/* Is `fd` an end of such a pair, made by the process `pid` for itself? */
bool bell_good(int fd, pid_t pid);

/* Make the client's descriptor readable, or quiet. If that fails it is readable for ever. */
void bell_set(int ring, int quiet, bool on);
