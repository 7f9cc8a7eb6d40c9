/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bells: pollable descriptors for event loops, in place of kqueue's EVFILT_MACHPORT [27]. A bell
 * stands for one descriptor of a client. Any number of receive rights and port sets can be attached
 * to it, each by a knote. The bell rings, that is, the client's descriptor is readable, exactly as
 * long as one of its knotes has an event: messages wait, or the port or set is gone. Events are
 * never queued for a client that does not read them.
 *
 * The two descriptors of a bell are the ends of a socket pair that the client made: the daemon
 * sends a byte through the first, and takes it back from the second, which the client polls.
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
	bool bl_gone;	       /* closed: no descriptors, only knotes that are yet to be removed */
	struct ipc_work bl_work;
	UT_hash_handle hh; /* host's, by id */
};

struct ipc_knote {
	struct ipc_bell *kn_bell;
	struct ipc_port *kn_port; /* the port or set it is attached to, without a reference; */
	struct ipc_pset *kn_set;  /* both NULL once that is gone, which is its last event */
	mach_port_name_t kn_name; /* the name of port or set when it was attached */
	struct list kn_bell_link;
	struct list kn_object_link; /* port's or set's knotes */
	struct list kn_ready_link;
};

/* An event of a knote. */
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

/* Destroy a bell. Its descriptors are released at once, its knotes as work (ipc_work.h). */
void ipc_bell_destroy(struct ipc_bell *bell);

/* A step of that work; with the last knote the bell is freed. */
void ipc_bell_destroy_step(struct ipc_host *host, struct ipc_bell *bell);

/* The task's bell with that id, or NULL. */
struct ipc_bell *ipc_bell_find(struct ipc_host *host, const struct ipc_task *task, uint64_t id);

/*
 * Attach an entry's receive right or set to a bell; it rings at once if messages wait.
 * KERN_ALREADY_IN_SET: it is attached. KERN_RESOURCE_SHORTAGE as above.
 */
kern_return_t ipc_bell_add(struct ipc_bell *bell, struct ipc_entry *entry, mach_port_name_t name);

/* Detach it. KERN_NOT_IN_SET: it is not attached. */
kern_return_t ipc_bell_remove(struct ipc_bell *bell, struct ipc_entry *entry);

/* Up to `max` events, one for each knote and round robin; returns how many. */
uint32_t ipc_bell_next(struct ipc_bell *bell, struct ipc_event *events, uint32_t max);

/*
 * The port or set of these knotes has messages; its first message has got a higher override, which
 * makes edge-triggered pollers look again; it has no more messages; it is gone.
 */
void ipc_knotes_ready(struct list *knotes);
void ipc_knotes_urgent(struct list *knotes);
void ipc_knotes_quiet(struct list *knotes);
void ipc_knotes_gone(struct list *knotes);
