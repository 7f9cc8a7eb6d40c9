/* SPDX-License-Identifier: Apache-2.0 */
/* machctl's connection to the daemon: see channel.c. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct channel;

/*
 * Connect and say hello as a watcher. `path` is the daemon's socket; NULL: MACHD_SOCKET, else the
 * user instance's socket, else the system's. Exits with a message if that fails. The caller owns
 * the channel.
 */
struct channel *channel_open(const char *path);

void channel_close(struct channel *channel);

/*
 * Send one request of operation `op` and wait for its answer. Returns the bytes behind the answer's
 * header, valid until the next call, and their number in `answer_size`. Exits with a message if
 * the daemon breaks the protocol or does not answer.
 */
void *channel_call(struct channel *channel, uint16_t op, const void *request, size_t size,
		   size_t *answer_size);

/* The path the channel is connected to, for messages. */
const char *channel_path(const struct channel *channel);
