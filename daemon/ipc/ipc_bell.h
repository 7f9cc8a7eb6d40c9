/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bells: how an event loop learns that messages wait, which is what kqueue's EVFILT_MACHPORT is
 * for on macOS [27]. A bell stands for one descriptor of a client; any number of receive rights and
 * port sets can be hung on it, each by a knote. The bell rings, that is, the client's descriptor is
 * readable, exactly as long as one of the knotes has something to tell: messages wait, or its port
 * or set has gone. So nothing is ever queued for a client that does not listen.
 *
 * The two descriptors of a bell are the ends of a socket pair that its client has made: a byte is
 * sent on the one, and taken back from the other, of which the client polls its own copy.
 */
#pragma once

#include "daemon/base/hash.h"
#include "daemon/base/list.h"
#include "daemon/ipc/ipc_outbox.h"
#include "daemon/ipc/ipc_types.h"
#include "daemon/ipc/ipc_work.h"

struct ipc_bell {
	uint64_t bl_id;
	struct ipc_host *bl_host;
	struct ipc_task *bl_task;
	struct ipc_account *bl_account;
	ipc_fd_t bl_ring;      /* where a byte is sent, */
	ipc_fd_t bl_quiet;     /* and where it is taken back */
	struct list bl_knotes; /* ipc_knote */
	struct list bl_ready;  /* those with something to tell; the front is told next */
	struct list bl_link;   /* task's bells */
	bool bl_gone;	       /* nobody listens any more: no descriptors, only knotes are left */
	struct ipc_work bl_work;
	UT_hash_handle hh; /* host's, by id */
};

struct ipc_knote {
	struct ipc_bell *kn_bell;
	struct ipc_port *kn_port; /* what it hangs on: one of the two, without a reference; */
	struct ipc_pset *kn_set;  /* when that goes both are NULL, and the knote tells it, once */
	mach_port_name_t kn_name; /* of that, when it was hung there */
	struct list kn_bell_link;
	struct list kn_object_link; /* port's or set's knotes */
	struct list kn_ready_link;
};

/* What a knote tells. */
struct ipc_event {
	mach_port_name_t ev_name;   /* of the port or set */
	mach_port_name_t ev_member; /* the port whose message is next, or NULL */
	uint32_t ev_gone;	    /* 1: port or set is gone, and so is the knote now */
};

/*
 * A new bell of a task; takes the descriptors if it succeeds. KERN_RESOURCE_SHORTAGE: no memory,
 * or its user is at a limit.
 */
kern_return_t ipc_bell_create(struct ipc_host *host, struct ipc_task *task, ipc_fd_t ring,
			      ipc_fd_t quiet, struct ipc_bell **bell);

/* A bell with all its knotes; its descriptors are released at once, the knotes with the input. */
void ipc_bell_destroy(struct ipc_bell *bell);

/* Some more of the knotes; with the last the bell is gone. */
void ipc_bell_destroy_step(struct ipc_host *host, struct ipc_bell *bell);

/* The task's bell with that id, or NULL. */
struct ipc_bell *ipc_bell_find(struct ipc_host *host, const struct ipc_task *task, uint64_t id);

/*
 * Hang a bell on what an entry holds, a receive right or a set; it rings at once if messages wait.
 * KERN_ALREADY_IN_SET: it hangs there. KERN_RESOURCE_SHORTAGE as above.
 */
kern_return_t ipc_bell_add(struct ipc_bell *bell, struct ipc_entry *entry, mach_port_name_t name);

/* Take it off. KERN_NOT_IN_SET: it does not hang there. */
kern_return_t ipc_bell_remove(struct ipc_bell *bell, struct ipc_entry *entry);

/* What there is to tell, up to `max` of it, each knote once and in turn; returns how many. */
uint32_t ipc_bell_next(struct ipc_bell *bell, struct ipc_event *events, uint32_t max);

/*
 * Messages wait on the port or set of these knotes; they are more urgent than it was said, which is
 * news for who listens for changes only; no more wait; and it has gone.
 */
void ipc_knotes_ready(struct list *knotes);
void ipc_knotes_urgent(struct list *knotes);
void ipc_knotes_quiet(struct list *knotes);
void ipc_knotes_gone(struct list *knotes);
