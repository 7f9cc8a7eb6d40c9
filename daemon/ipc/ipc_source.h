/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is important because of whom, while that may still change [5.2, 23]. A message that was sent
 * to a port that accepts importance, and what a receiver has inherited with a voucher
 * (ipc_inherit.h), are donations of the task that sent the message: they carry a boost while that
 * task is important itself, and none while it is not.
 *
 * A source outlives its task. Then it is important because of what the task has inherited, for as
 * long as anybody has a voucher that says so: who was asked on behalf of somebody goes on serving
 * that one, whatever became of the task between them.
 *
 * Each task that is a source has two lists: donations that are raised, and idle ones. When it
 * becomes important, or is not any more, those of one list go to the other, and what each of them
 * boosts may become a source that has changed. That is done at the end of an input, without
 * recursion: first all that is lost, then all that is won, so many steps at a time. What is left is
 * gone on with at the next input, and trap_has_work() says that there is some.
 */
#pragma once

#include "daemon/base/list.h"
#include "daemon/ipc/ipc_types.h"

struct ipc_source {
	struct ipc_task *so_task; /* NULL: it is gone */
	uint64_t so_id;		  /* the task's */
	int32_t so_pid;
	uint32_t so_refs;      /* the task's own, one of each donation, and of each inherit to it */
	uint64_t so_inherited; /* boosts, part of the task's */
	struct list so_raised, so_idle; /* ipc_donation: its own */
	struct list so_link;		/* host's h_sources_lost or h_sources_won */
	struct list so_gone_link;	/* host's h_sources_gone */
};

/* Embedded in a message, or in an ipc_inherit; all zero: nobody's, and no boost. */
struct ipc_donation {
	struct list dn_link;
	struct ipc_source *dn_source; /* whose it is; NULL: nobody's */
	bool dn_raised;		      /* it is counted where it goes to */
	bool dn_inherited; /* to a task, as an ipc_inherit; else to a port, as a message */
};

/* Make a task a source; NULL: no memory. */
struct ipc_source *ipc_source_create(struct ipc_task *task);

/* The task ends; all that makes its donations important now is what it has inherited. */
void ipc_source_gone(struct ipc_host *host, struct ipc_source *source);

/* Drop a reference. */
void ipc_source_put(struct ipc_source *source);

/* The donation follows this source from now on; it is counted at once if that is important. */
void ipc_source_follow(struct ipc_host *host, struct ipc_source *source,
		       struct ipc_donation *donation);

/* It follows nobody any more, and is as it was last. */
void ipc_source_unfollow(struct ipc_donation *donation);

/* Count a donation, or do not. */
void ipc_source_raise(struct ipc_host *host, struct ipc_donation *donation, bool raised);

/* Is who sent its donations important? */
bool ipc_source_important(const struct ipc_source *source);

/* Boosts that it has inherited, more or fewer. */
void ipc_source_inherits(struct ipc_host *host, struct ipc_source *source, int64_t delta);

/* The source may have become important, or not be any more. */
void ipc_source_changed(struct ipc_host *host, struct ipc_source *source);

/* Let donations follow, as many as one input may. */
void ipc_source_settle(struct ipc_host *host);

/* Is there more to follow? */
bool ipc_source_unsettled(const struct ipc_host *host);
