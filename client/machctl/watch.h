/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon's tables as arrays: see watch.c. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "client/machctl/channel.h"
#include "protocol/watch.h"

/*
 * Each reads one whole table; with `pid` only what belongs to tasks of that process, 0: all. The
 * number of records goes to `count`; free() the array. They exit with a message on any failure.
 * Every service name ends with a zero. The daemon goes on working between pages, so a table is not
 * a picture of one moment.
 */
struct machd_watch_task *watch_tasks(struct channel *channel, int32_t pid, size_t *count);
struct machd_watch_port *watch_ports(struct channel *channel, int32_t pid, size_t *count);
struct machd_watch_name *watch_names(struct channel *channel, size_t *count);

/*
 * One page of the trace: messages from record number *next on (0: none, only where to begin), which
 * becomes the number to go on with. *lost: how many there were before the page and are overwritten.
 */
struct machd_watch_message *watch_messages(struct channel *channel, int32_t pid, uint64_t *next,
					   uint64_t *lost, size_t *count);
