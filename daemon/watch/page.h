/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of daemon/watch share: a page that is being filled. Each table adds records as
 * long as page_goes_on(), and notes where it stopped; the next slice, or the next page, goes on
 * from there. So a slice and a page have bounded cost, however much there is.
 */
#pragma once

#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_place.h"
#include "daemon/ipc/ipc_types.h"
#include "protocol/rows.h"
#include "protocol/watch.h"

/*
 * Steps of one slice, some microseconds: those whose requests the daemon answers between two slices
 * hardly notice.
 */
#define PAGE_SLICE 64

/* Of a page that is made in one slice. */
#define PAGE_AT_ONCE_STEPS 4096
#define PAGE_AT_ONCE_BYTES 65536

/* Steps to find the place where a page begins, if it is not known. */
#define PAGE_SEARCH 4096

/* Records that there is room for when a page goes on: what belongs to one object. */
#define PAGE_RESERVE 8

struct page {
	struct ipc_host *p_host;
	struct ipc_thread *p_thread;
	const struct machd_watch *p_request;
	const char *p_service; /* MACHD_WATCH_POLICY: a name */
	struct machd_watch_answer p_answer;
	struct ipc_place *p_place; /* of tables that need one */
	struct machd_rows *p_rows;
	uint32_t p_steps; /* of this slice, */
	uint32_t p_most;  /* and how many it may have */
	size_t p_room;	  /* bytes that all records of the page may take */
};

/*
 * Count one step; false: the page is full, or the slice is over. page_goes_far() is for a step to
 * an object that is probably not in the cache, which counts as several.
 */
bool page_goes_on(struct page *page);
bool page_goes_far(struct page *page);

void page_add(struct page *page, const void *record);

/* May the watcher see all; or what belongs to this uid (MACHD_WATCH_NO_UID: to none)? */
bool page_sees_all(const struct page *page);
bool page_sees(const struct page *page, uint32_t uid);

/* May it see this task, and did it ask for it? */
bool page_wants(const struct page *page, const struct ipc_task *task);

/*
 * Where a walk over all tasks is to begin: the node of the one with the id that was asked for, or
 * what follows it. The list's head if there is none, or, with a code in the answer, if the page
 * would have to look for it too long.
 */
struct list *page_first_task(struct page *page);

/* The next slice or page starts with this task, at `index` of what it has. */
void page_stop_at(struct page *page, struct ipc_task *task, uint64_t index);

/*
 * For tables whose cursor only counts pages: false, with a code in the answer, if the request is
 * neither for the first page nor for the next one. *first: it is for the first.
 */
bool page_begin(struct page *page, bool *first);

/* There is more on the next page; or this was the last. */
void page_more(struct page *page);
void page_done(struct page *page);

/* What a port is, and the task that receives from it, or NULL. */
uint32_t watch_kind(const struct ipc_port *port);
const struct ipc_task *watch_receiver(const struct ipc_port *port);

/* enum machd_watch_flags that are the port's own, whoever looks at it. */
uint32_t watch_flags(const struct ipc_port *port);

/* The tables. */
void watch_tasks(struct page *page);
void watch_ports(struct page *page);
void watch_names(struct page *page);
void watch_messages(struct page *page);
void watch_queues(struct page *page);
void watch_holds(struct page *page);
void watch_waits(struct page *page);
void watch_limits(struct page *page);
void watch_totals(struct page *page);
void watch_policy(struct page *page);
