/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Walks: watchers that wait for a page. A page takes longer than others should have to wait, so it
 * is made in slices, one page after the other (daemon/watch/watch.c). The host has the buffer of
 * the one page that is being made; a waiting watcher costs no more than the struct below.
 */
#pragma once

#include "daemon/base/list.h"
#include "daemon/ipc/ipc_types.h"
#include "protocol/rows.h"
#include "protocol/watch.h"

/* A watcher that waits, and its request: where its next slice begins. */
struct ipc_walk {
	struct list wk_link; /* host's walks, the one whose page is being made first */
	struct ipc_thread *wk_thread;
	struct machd_watch wk_request;
};

/*
 * Bytes of packed records in a page: some hundred records. A reader that prints them uses the CPU
 * for a fraction of a millisecond, and others can have it between pages.
 */
#define IPC_PAGE_BYTES 16384

/* Steps of a page; then it is sent even if it is not full, because other watchers wait. */
#define IPC_PAGE_STEPS 65536

/* The page that is being made. */
struct ipc_page {
	const struct ipc_walk *pg_walk; /* whose page it is; NULL: none is being made */
	struct machd_watch_answer pg_answer;
	uint32_t pg_steps; /* that it has cost so far */
	bool pg_dry;	   /* its last slice found nothing to show */
	struct machd_rows pg_rows;
	uint8_t pg_bytes[IPC_PAGE_BYTES];
};

/* Let the watcher wait for a page; false without memory. */
bool ipc_walk_begin(struct ipc_host *host, struct ipc_thread *thread,
		    const struct machd_watch *request);

/* The watcher has its page, or is gone. Does nothing if it does not wait. */
void ipc_walk_end(struct ipc_host *host, struct ipc_thread *thread);
