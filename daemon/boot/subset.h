/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bootstrap ports below the first: each has names of its own, and leads on to its parent for all
 * others [24]. Who has the port may bring and look up names there, so it is for who made it to
 * decide who gets it; rules of services.d are for names at the first one. A subset ends when its
 * requestor, a port that was named when it was made, dies, or when nobody has a right to it.
 */
#pragma once

#include "daemon/base/list.h"
#include "daemon/ipc/ipc_types.h"

struct boot_service;

struct boot_subset {
	struct boot_service *ss_services; /* hash by name */
	struct ipc_port *ss_port;
	struct ipc_port *ss_parent;    /* a naked send right; that bootstrap port may have ended */
	struct ipc_port *ss_requestor; /* a naked send right */
	struct ipc_user *ss_user;      /* who made it */
	uint32_t ss_depth;	       /* 1: below the first */
	struct boot_subset *ss_next;   /* another one of the same requestor, */
	struct boot_subset **ss_link;  /* and what points at this */
	bool ss_doomed;		       /* it ends, and is in that chain no more */
	struct list ss_all;	       /* host's list of all, */
	struct list ss_ending;	       /* and of those that end */
};

/*
 * A new one below the bootstrap port `parent`; takes the send right `requestor` on success. NULL:
 * no memory, a limit of the task, or there are MACHD_SUBSETS_MAX on top of each other.
 */
struct boot_subset *boot_subset_create(struct ipc_host *host, struct ipc_port *parent,
				       struct ipc_port *requestor, const struct ipc_task *task);

/* Its port lost the last send right: nobody can ask for a name there any more. */
void boot_subset_orphaned(struct ipc_host *host, struct ipc_port *port);

/* The machine stops: all of them end, also those that keep each other. */
void boot_subsets_forget(struct ipc_host *host);

/* A requestor died: its subsets end. */
void boot_subsets_end(struct ipc_host *host, struct ipc_port *requestor);
