/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rings bells (ipc_bell.h). The client polls one end of a socket pair; the daemon holds the other
 * end and a copy of the client's. A byte sent through the other end makes the client's readable,
 * and reading it back through the copy ends that. Neither blocks, whatever the client does to its
 * descriptor, and there is at most one byte under way.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/* Is `fd` an end of such a pair, made by the process `pid` for itself? */
bool bell_good(int fd, pid_t pid);

/* Make the client's descriptor readable, or not. If that fails it stays readable for ever. */
void bell_set(int ring, int quiet, bool on);
