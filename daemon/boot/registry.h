/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bootstrap registry: service names and the ports behind them. It holds a send right to each.
 *
 * A name that a task has registered or checked in without further ado is free again when its port
 * dies. A name declared in services.d is kept: while nobody has checked in, the daemon holds the
 * receive right, and messages queue; when the holder ends, the right comes back with its queue
 * [24]. How its provider is started is in start.h. A name made with bootstrap_create_service() is
 * kept in the same way until it is removed; nothing is started for it.
 */
#pragma once

#include "daemon/base/hash.h"
#include "daemon/base/list.h"
#include "daemon/ipc/ipc_types.h"
#include "protocol/limits.h"
#include "protocol/watch.h"

struct boot_policy;
struct boot_subset;

struct boot_service {
	char s_name[MACHD_SERVICE_NAME_MAX + 1];
	struct ipc_port *s_port;       /* a naked send right; NULL: a kept name without a port */
	struct ipc_user *s_user;       /* its owner, charged for it; NULL: declared */
	struct ipc_account *s_account; /* created: charged for its port while the daemon keeps it */
	bool s_checked_in;	       /* else registered */
	bool s_kept;		       /* declared or created: its receive right comes back */
	bool s_failed;		       /* the last start failed, for the reason in s_why */
	struct boot_service *s_next;   /* another name of the same port */
	uint64_t s_start;	       /* id of the start under way, 0: none */
	uint64_t s_window;	       /* start of the interval in which starts are counted, ns */
	uint32_t s_starts;	       /* starts in it */
	char s_why[MACHD_WATCH_WHY];
	struct list s_wanted;	       /* host's list of services to be started */
	struct boot_service **s_table; /* the host's, or a subset's */
	struct list s_link;	       /* host's list of all, in all tables, by age */
	UT_hash_handle hh;
};

/* The hash of names at a bootstrap port. */
struct boot_service **boot_table(struct ipc_host *host, const struct ipc_port *port);

/* The subset that has the name; NULL: the first bootstrap port has it. */
const struct boot_subset *boot_subset_of(const struct ipc_host *host,
					 const struct boot_service *service);

/* The service of this name, or NULL: at the first bootstrap port, or in any table. */
struct boot_service *boot_find(struct ipc_host *host, const char *name);
struct boot_service *boot_find_in(struct boot_service *const *table, const char *name);

/*
 * Enter a name in a table; takes the send right `port` on success. False without memory, or if the
 * task's user has as many names as a limit allows.
 */
bool boot_enter(struct ipc_host *host, struct boot_service **table, const char *name,
		struct ipc_port *port, const struct ipc_task *task, bool checked_in);

/*
 * The same for a name that is kept from now on; its port is a new one, which is with the daemon.
 * NULL without memory, or at that limit.
 */
struct boot_service *boot_create(struct ipc_host *host, struct boot_service **table,
				 const char *name, const struct ipc_task *task);

/* Is it declared in services.d? */
bool boot_declared(const struct boot_service *service);

/* Find or make the entry of a declared name. NULL without memory. */
struct boot_service *boot_keep(struct ipc_host *host, const char *name);

/* Give a kept name a port, held by the daemon, if it has none. False without memory. */
bool boot_has_port(struct ipc_host *host, struct boot_service *service);

/* A task holds the receive right. */
bool boot_running(const struct boot_service *service);

/*
 * Hand the receive right of a name that is not running to the task: in limbo, and charged to the
 * task from now on. NULL: the task is at a limit of ports.
 */
struct ipc_port *boot_hand_out(struct ipc_host *host, struct boot_service *service,
			       const struct ipc_task *task);

/* Remove a name. */
void boot_remove(struct ipc_host *host, struct boot_service *service);

/* Destroy a kept name's port, unless a task holds its receive right; the name stays. */
void boot_drop_port(struct ipc_host *host, struct boot_service *service);

/* A port that has names or subsets died: they go (ipc_host_ops: o_service_died). */
void boot_service_died(struct ipc_host *host, struct ipc_port *port);

/*
 * A receive right in limbo has no holder any more (o_service_back). If a name is kept, the daemon
 * takes the right, which comes with a reference; false: it does not.
 */
bool boot_service_back(struct ipc_host *host, struct ipc_port *port);

/* Would it be taken (o_service_keeps)? */
bool boot_service_keeps(const struct ipc_host *host, const struct ipc_port *port);

/* Give the host a copy of this policy (NULL: the default). False without memory. */
bool boot_names_start(struct ipc_host *host, const struct boot_policy *policy);
void boot_names_end(struct ipc_host *host);

/* Another policy is in force from now on, if there is memory for it. */
void boot_names_set(struct ipc_host *host, const struct boot_policy *policy);

/* Remove all names, for shutdown. */
void boot_forget_all(struct ipc_host *host);
