/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Propagates changes of importance from senders to receivers [5.2, 23]. A message that was sent to
 * a port that accepts importance is a donation of its sender, and so is what a receiver has
 * inherited with a voucher (ipc_inherit.h): it is a boost exactly while that task, its source, is
 * important.
 *
 * A source outlives its task. From then on it is important while it has inherited boosts, as long
 * as there are vouchers for those: a receiver that works on behalf of a third task keeps its boost,
 * whatever becomes of the task between them.
 *
 * A source has two lists of donations: raised ones, which are counted, and idle ones. When the
 * source becomes important, or ceases to be, the donations move from one list to the other;
 * whatever each of them boosts may in turn be a source that changes. This is done at the end of an
 * input, iteratively: first all losses, then all gains, a bounded number of steps at a time. The
 * rest is done in later inputs, see trap_has_work().
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

/* Embedded in a message, or in an ipc_inherit. All zero: none. */
struct ipc_donation {
	struct list dn_link;
	struct ipc_source *dn_source; /* NULL: none */
	bool dn_raised;		      /* it is counted at its destination */
	bool dn_inherited;	      /* it is an ipc_inherit's and boosts a task; else a port */
};

/* Make a task a source; NULL: no memory. */
struct ipc_source *ipc_source_create(struct ipc_task *task);

/* The task ends: from now on only inherited boosts make the source important. */
void ipc_source_gone(struct ipc_host *host, struct ipc_source *source);

/* Drop a reference. */
void ipc_source_put(struct ipc_source *source);

/* Attach a donation to a source; it is raised at once if the source is important. */
void ipc_source_follow(struct ipc_host *host, struct ipc_source *source,
		       struct ipc_donation *donation);

/* Detach a donation; it stays raised or idle. */
void ipc_source_unfollow(struct ipc_donation *donation);

/* Raise a donation, or make it idle. */
void ipc_source_raise(struct ipc_host *host, struct ipc_donation *donation, bool raised);

/* Is the source important? */
bool ipc_source_important(const struct ipc_source *source);

/* Change the number of its inherited boosts. */
void ipc_source_inherits(struct ipc_host *host, struct ipc_source *source, int64_t delta);

/* The source's importance may have changed: queue it for ipc_source_settle(). */
void ipc_source_changed(struct ipc_host *host, struct ipc_source *source);

/* Move donations of changed sources, as many as one input may. */
void ipc_source_settle(struct ipc_host *host);

/* Are there more to move? */
bool ipc_source_unsettled(const struct ipc_host *host);
