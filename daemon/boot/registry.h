/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bootstrap registry: service names and the ports behind them. It holds a send right to each.
 *
 * A name that somebody just brought is free again when its port dies. A name that a rule of
 * services.d declares is kept: while nobody has checked in, its receive right is with the daemon,
 * and messages queue; when its holder ends, the right comes back with its queue [24]. start.h says
 * what makes somebody check in. A name that somebody created is kept in the same way, until it is
 * given up; nobody is started for it.
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
	struct ipc_port *s_port;       /* a naked send right; NULL: a kept name that has none yet */
	struct ipc_user *s_user;       /* whose it is, and who is charged; NULL: it is declared */
	struct ipc_account *s_account; /* created: pays for its port while the daemon has that */
	bool s_checked_in;	       /* else registered */
	bool s_kept;		       /* declared or created: its port comes back */
	bool s_failed;		       /* the last start did, s_why says why */
	struct boot_service *s_next;   /* another name of the same port */
	uint64_t s_start;	       /* id of the start under way, 0: none */
	uint64_t s_window;	       /* since when starts are counted, ns, */
	uint32_t s_starts;	       /* and how many there were */
	char s_why[MACHD_WATCH_WHY];
	struct list s_wanted;	       /* host's list of services to be started */
	struct boot_service **s_table; /* the host's, or a subset's */
	struct list s_link;	       /* host's list of all, in all tables, by age */
	UT_hash_handle hh;
};

/* Names at a bootstrap port. */
struct boot_service **boot_table(struct ipc_host *host, const struct ipc_port *port);

/* The subset that a name is at; NULL: it is at the first bootstrap port. */
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

/* A rule of services.d is what it is kept for. */
bool boot_declared(const struct boot_service *service);

/* The entry of a declared name; it is made if there is none yet. NULL without memory. */
struct boot_service *boot_keep(struct ipc_host *host, const char *name);

/* A kept name has a port, or gets one now, which is with the daemon. False without memory. */
bool boot_has_port(struct ipc_host *host, struct boot_service *service);

/* Somebody holds the receive right: it is not with the daemon. */
bool boot_running(const struct boot_service *service);

/*
 * The receive right of a name that is not running, for the task, which is charged for it from now
 * on: in limbo. NULL: it has as many ports as a limit allows.
 */
struct ipc_port *boot_hand_out(struct ipc_host *host, struct boot_service *service,
			       const struct ipc_task *task);

/* Give a name up. */
void boot_remove(struct ipc_host *host, struct boot_service *service);

/* A kept name's port ends, unless somebody holds its receive right; the name stays. */
void boot_drop_port(struct ipc_host *host, struct boot_service *service);

/* A port that has names or subsets died: they go (ipc_host's h_service_died). */
void boot_service_died(struct ipc_host *host, struct ipc_port *port);

/*
 * A receive right in limbo has no holder any more (h_service_back). If a name is kept, the daemon
 * takes the right, which comes with a reference; false: it does not.
 */
bool boot_service_back(struct ipc_host *host, struct ipc_port *port);

/* Would it (h_service_keeps)? */
bool boot_service_keeps(const struct ipc_host *host, const struct ipc_port *port);

/* The host gets a policy, a copy of this one (NULL: of none). False without memory. */
bool boot_names_start(struct ipc_host *host, const struct boot_policy *policy);
void boot_names_end(struct ipc_host *host);

/* Another policy is in force from now on, if there is memory for it. */
void boot_names_set(struct ipc_host *host, const struct boot_policy *policy);

/* Give all names up: the machine stops. */
void boot_forget_all(struct ipc_host *host);
