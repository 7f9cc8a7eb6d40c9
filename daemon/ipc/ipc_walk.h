/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pages that watchers wait for. A page costs more time than others should wait, so it is made a
 * slice at a time, one page after the other (daemon/watch/watch.c): what is there of the one that
 * is being made is the host's, and whoever waits costs no more than this.
 */
#pragma once

#include "daemon/base/list.h"
#include "daemon/ipc/ipc_types.h"
#include "protocol/rows.h"
#include "protocol/watch.h"

/* Who waits for a page, and where its next slice begins. */
struct ipc_walk {
	struct list wk_link; /* host's walks, the one whose page is being made first */
	struct ipc_thread *wk_thread;
	struct machd_watch wk_request;
};

/*
 * Bytes of packed records in one page: some hundred. Their reader is busy for a part of a
 * millisecond with so many, and then others have its CPU.
 */
#define IPC_PAGE_BYTES 16384

/* Steps of it; then it is sent, full or not: others wait for theirs. */
#define IPC_PAGE_STEPS 65536

/* The page that is being made. */
struct ipc_page {
	const struct ipc_walk *pg_walk; /* whose it is; NULL: nobody's */
	struct machd_watch_answer pg_answer;
	uint32_t pg_steps; /* that it has cost so far */
	bool pg_dry;	   /* its last slice found nothing to show */
	struct machd_rows pg_rows;
	uint8_t pg_bytes[IPC_PAGE_BYTES];
};

/* The watcher waits for its page; false without memory. */
bool ipc_walk_begin(struct ipc_host *host, struct ipc_thread *thread,
		    const struct machd_watch *request);

/* It has its page, or is gone. Nothing happens if it does not wait. */
void ipc_walk_end(struct ipc_host *host, struct ipc_thread *thread);
