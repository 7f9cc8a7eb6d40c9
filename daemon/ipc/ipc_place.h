/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Places: where a watcher's next page begins. A list of a million objects is shown page by page
 * while objects come and go. So the position is kept here, and code that takes an object off its
 * list first moves on the places that point at it; with no watcher that is a look at an empty list.
 */
#pragma once

#include "daemon/base/list.h"
#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_types.h"
#include "protocol/limits.h"

struct ipc_place {
	struct list pl_link;	      /* host's places */
	uint32_t pl_table;	      /* enum machd_watch_table; 0: it stands nowhere */
	uint64_t pl_object;	      /* that the pages are about, 0: all */
	uint64_t pl_task_id;	      /* what the last page called pl_task, */
	uint64_t pl_pages;	      /* or how many there were */
	struct list *pl_task;	      /* the next task; the list's head: none is left */
	struct ipc_thread *pl_thread; /* the next thread; NULL: none is left */
	struct list *pl_port;	      /* the next port; the list's head: none is left */
	struct list *pl_service;      /* the next name that was brought; or the list's head */
	struct list *pl_kmsg;	      /* the next message of its queue; NULL: not there yet */
	uint32_t pl_stage;	      /* how far its walk has come, */
	uint32_t pl_part;	      /* within the object, */
	uint32_t pl_right;	      /* and within that */
	char pl_name[MACHD_SERVICE_NAME_MAX + 1]; /* the last declared name that was shown */
};

/* The place of a thread, which is nowhere at first; NULL without memory. */
struct ipc_place *ipc_place_of(struct ipc_thread *thread);

/* It stands at something from now on, or nowhere. */
void ipc_place_keep(struct ipc_host *host, struct ipc_place *place);
void ipc_place_drop(struct ipc_place *place);

/* Before an object leaves its list; places that stand at it go to the next one. */
void ipc_place_move_task(struct ipc_host *host, const struct ipc_task *task);
void ipc_place_move_thread(struct ipc_host *host, const struct ipc_thread *thread);
void ipc_place_move_port(struct ipc_host *host, const struct ipc_port *port);
void ipc_place_move_service(struct ipc_host *host, const struct list *link);
void ipc_place_move_kmsg(struct ipc_host *host, const struct ipc_kmsg *kmsg);

/* Before all messages of a port leave its queue; its walk is at the end of it then. */
void ipc_place_end_queue(struct ipc_host *host, struct ipc_port *port);
