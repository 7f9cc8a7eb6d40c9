/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Subsets: bootstrap ports below the first. Each has names of its own, and refers to its parent for
 * all others [24]. Every holder of the port may register and look up names there, so its maker
 * decides who gets it; rules of services.d apply to the first bootstrap port only. A subset ends
 * when its requestor port dies, or with the last send right to it.
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
	struct ipc_user *ss_user;      /* its maker's */
	uint32_t ss_depth;	       /* 1: below the first */
	struct boot_subset *ss_next;   /* chain of those with the same requestor, */
	struct boot_subset **ss_link;  /* and the pointer to this one in it */
	bool ss_doomed;		       /* it ends, and is off that chain */
	struct list ss_all;	       /* host's h_subsets */
	struct list ss_ending;	       /* host's h_ending */
};

/*
 * A new subset below the bootstrap port `parent`; takes the send right `requestor` on success.
 * NULL: no memory, a limit of the task, or MACHD_SUBSETS_MAX are nested already.
 */
struct boot_subset *boot_subset_create(struct ipc_host *host, struct ipc_port *parent,
				       struct ipc_port *requestor, const struct ipc_task *task);

/* The last send right to its port is gone. */
void boot_subset_orphaned(struct ipc_host *host, struct ipc_port *port);

/* End all subsets for shutdown, including those that hold rights to each other. */
void boot_subsets_forget(struct ipc_host *host);

/* A requestor died: its subsets end. */
void boot_subsets_end(struct ipc_host *host, struct ipc_port *requestor);
