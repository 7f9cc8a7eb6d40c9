/* SPDX-License-Identifier: Apache-2.0 */
/* A task: a client process, as long as one of its channels is open. */
#pragma once

#include <mach/task_special_ports.h>

#include "daemon/base/hash.h"
#include "daemon/base/list.h"
#include "daemon/ipc/ipc_types.h"
#include "protocol/hello.h"

/* Ports by which others know a task without control over it; each is made when asked for. */
enum ipc_task_view {
	TASK_VIEW_READ,
	TASK_VIEW_INSPECT,
	TASK_VIEW_NAME,
	TASK_VIEWS,
};

/* Ports that are kept with a task for those who ask for them. */
enum ipc_task_special {
	TASK_SPECIAL_BOOTSTRAP,
	TASK_SPECIAL_ACCESS,
	TASK_SPECIAL_DEBUG_CONTROL,
	TASK_SPECIAL_RESOURCE_NOTIFY,
	TASK_SPECIALS,
};

struct ipc_task {
	uint64_t t_id;
	uint8_t t_token[MACHD_TOKEN_SIZE]; /* a channel that presents it may join */
	int32_t t_pid;
	unsigned t_word; /* bits of its pointers: 64 or 32 */
	uint32_t t_gid;
	bool t_filtered; /* its messages are filtered [16.4] */
	bool t_hardened; /* its reply ports are marked [17.1] */
	bool t_first; /* it is to machd what the first process is to Mach: root's, or the owner's */
	struct ipc_user *t_user;
	struct ipc_account *t_account;	 /* pays for what the task makes */
	struct ipc_identity *t_identity; /* as it was when the process connected; or NULL */
	struct ipc_space *t_space;
	security_token_t t_security;
	audit_token_t t_audit;
	struct ipc_port *t_self;		   /* its task port; the daemon keeps a reference */
	struct ipc_port *t_views[TASK_VIEWS];	   /* the same, or NULL */
	struct ipc_port *t_special[TASK_SPECIALS]; /* naked send rights, or not valid */
	struct ipc_port *t_registered[TASK_PORT_REGISTER_MAX]; /* naked send rights, or not valid */
	mach_port_name_t t_self_name, t_host_name, t_bootstrap_name;
	struct list t_semaphores;
	struct list t_bells;
	struct list t_threads;
	struct list t_loans; /* ipc_thread: what is lent to it may bring names (ipc_loan.h) */
	uint32_t t_thread_count, t_thread_peak; /* now, and the most at once */
	uint32_t t_waiting;			/* threads that are blocked */
	uint64_t t_sent, t_received;
	uint64_t t_violations;	   /* guard exceptions that its requests raised */
	uint32_t t_guard_behavior; /* TASK_EXC_GUARD_: kept for the client library */
	uint64_t t_boosts;   /* messages, replies it owes, and t_held: what makes it important */
	uint64_t t_held;     /* boosts it asked to keep */
	bool t_donor;	     /* what it sends carries boosts */
	bool t_takes_boosts; /* it has had a port that accepts importance */
	struct ipc_source *t_source; /* what its importance makes important */
	bool t_boost_told;	     /* what the outbox was told last */
	struct list t_boost_link;    /* host's list of changes */
	struct list t_link;
	UT_hash_handle hh; /* by token */
};

/*
 * The task of a process whose first channel this is. Its name space is empty but for the first
 * names; from `parent` (may be NULL) it inherits the bootstrap and access ports, the registered
 * ones, and what shall follow of guard exceptions [24]. KERN_RESOURCE_SHORTAGE: no memory, or its
 * uid is at a limit.
 */
kern_return_t ipc_task_create(struct ipc_host *host, struct ipc_thread *thread,
			      const struct ipc_task *parent);

/* Another policy is in force, for tasks that live as well. */
void ipc_task_policy_changed(struct ipc_host *host);

/* The task with this token, or NULL. */
struct ipc_task *ipc_task_find(struct ipc_host *host, const uint8_t token[MACHD_TOKEN_SIZE]);

/* May a task act for the host, or control a task of another uid? Root's, and the owner's. */
bool ipc_task_privileged(const struct ipc_host *host, const struct ipc_task *task);

/* The host's port as this task knows it: the privileged one for who may. */
struct ipc_port *ipc_task_host_port(const struct ipc_host *host, const struct ipc_task *task);

/*
 * A send right to one of the task's lesser ports. NULL: no memory, or the task's uid is at its
 * limit of ports.
 */
struct ipc_port *ipc_task_make_view(struct ipc_host *host, struct ipc_task *task,
				    enum ipc_task_view view);

/* A copy of a send right that is kept for those who ask for it; NULL and DEAD pass. */
struct ipc_port *ipc_task_copy_kept(struct ipc_port *port);

void ipc_task_join(struct ipc_task *task, struct ipc_thread *thread);

/* A channel left; with the last one the task ends. */
void ipc_task_leave(struct ipc_host *host, struct ipc_thread *thread);
