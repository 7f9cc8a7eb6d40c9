/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon's tables, record by record or as arrays: see watch.c. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/machctl/channel.h"
#include "protocol/watch.h"

/* What is wanted of a table. */
struct watch_query {
	enum machd_watch_table table;
	int32_t pid;	 /* only what belongs to tasks of this process; 0: all */
	uint64_t object; /* as in struct machd_watch */
};

/*
 * Hand every record to `visit`, in the daemon's order. Texts in it end with a zero. Exits with a
 * message on any failure. The daemon goes on working between pages, so a table is not a picture of
 * one moment. Who waits at a terminal for longer than a second is told how far it is.
 */
void watch_each(struct channel *channel, const struct watch_query *query,
		void (*visit)(void *context, const void *record), void *context);

/* The same as an array to free(); the number of records goes to `count`. */
void *watch_all(struct channel *channel, const struct watch_query *query, size_t *count);

/* A process without a task is an error, not an empty table: exits with a message. */
void watch_require_task(struct channel *channel, int32_t pid);

/*
 * What a process may do with a service name. Exits with a message if it has no task, or the name is
 * too long to be one.
 */
void watch_policy(struct channel *channel, int32_t pid, const char *service,
		  struct machd_watch_policy *policy);

/* Does the caller see what belongs to others? */
bool watch_sees_all(struct channel *channel);

/* The port with that id, false: there is none, or the caller may not see it. */
bool watch_port(struct channel *channel, uint64_t object, struct machd_watch_queue *port);

/*
 * One page of the trace: messages from record number *next on (0: none, only where to begin), which
 * becomes the number to go on with. *lost: how many there were before the page and are overwritten.
 */
struct machd_watch_message *watch_messages(struct channel *channel, int32_t pid, uint64_t *next,
					   uint64_t *lost, size_t *count);
