/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Port sets [13]. A port may be in many sets; each membership is an object on the port's list and
 * on the set's, and on the set's ready list while the port has messages.
 */
#pragma once

#include "daemon/base/list.h"
#include "daemon/ipc/ipc_types.h"
#include "daemon/ipc/ipc_work.h"

struct ipc_pset {
	uint64_t ps_id;
	uint32_t ps_refs; /* one for its name, one for each waiting thread */
	bool ps_active;
	mach_port_name_t ps_name;
	struct ipc_space *ps_space;
	struct list ps_members;	  /* ipc_member */
	struct list ps_ready;	  /* ipc_member with messages; the front is served next */
	struct list ps_receivers; /* ipc_thread */
	uint32_t ps_waiting;	  /* how many those are */
	struct list ps_knotes;	  /* ipc_knote: the bells that ring for it */
	struct list ps_link;	  /* host's sets */
	struct ipc_account *ps_account;
	struct ipc_work ps_work;
};

struct ipc_member {
	struct ipc_port *m_port;
	struct ipc_pset *m_set;
	struct list m_port_link;
	struct list m_set_link;
	struct list m_ready_link;
};

/* An empty set; NULL: no memory, or the user is at its limit. */
struct ipc_pset *ipc_pset_create(struct ipc_host *host, struct ipc_space *space);

void ipc_pset_release(struct ipc_pset *set);

/* The set's name goes: waiting threads get MACH_RCV_PORT_CHANGED, members leave, as work. */
void ipc_pset_destroy(struct ipc_host *host, struct ipc_pset *set);

/* The work itself. */
void ipc_pset_destroy_step(struct ipc_host *host, struct ipc_pset *set);

/*
 * Add a port; its queued messages serve the set's waiting threads at once. KERN_ALREADY_IN_SET,
 * KERN_RESOURCE_SHORTAGE: no memory, or the port is in as many sets as a limit allows.
 */
kern_return_t ipc_pset_add(struct ipc_host *host, struct ipc_pset *set, struct ipc_port *port);

/* Take a port out. KERN_NOT_IN_SET. */
kern_return_t ipc_pset_remove(struct ipc_pset *set, struct ipc_port *port);

/* Take a port out of all sets but `keep` (may be NULL); how many that were. */
unsigned ipc_pset_remove_from_all(struct ipc_port *port, const struct ipc_pset *keep);

/* The first message is more urgent than it was: bells of the port and of its sets ring anew. */
void ipc_pset_port_urgent(struct ipc_port *port);

/* The port's queue got its first message, or lost its last. */
void ipc_pset_port_ready(struct ipc_port *port);
void ipc_pset_port_empty(struct ipc_port *port);

/* The member that is next in turn, which it stays; NULL: none has messages. */
struct ipc_port *ipc_pset_first(const struct ipc_pset *set);

/* The next member in turn that has a message, or NULL; it goes to the end of the line. */
struct ipc_port *ipc_pset_next(struct ipc_pset *set);
