/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host: one running state machine and the owner of all its objects. A process may run several
 * side by side (the replayer and the tests do); there is no global state.
 */
#pragma once

#include <mach/clock_types.h>
#include <mach/host_notify.h>
#include <mach/host_special_ports.h>

#include "daemon/base/list.h"
#include "daemon/base/mem.h"
#include "daemon/base/mem_reserve.h"
#include "daemon/ipc/ipc_machine.h"
#include "daemon/ipc/ipc_outbox.h"
#include "daemon/ipc/ipc_policy.h"
#include "daemon/ipc/ipc_sign.h"
#include "daemon/ipc/ipc_timer.h"
#include "daemon/ipc/ipc_types.h"
#include "daemon/ipc/ipc_user.h"
#include "daemon/ipc/ipc_work.h"
#include "protocol/limits.h"

struct boot_policy;
struct boot_service;
struct ipc_inherit;
struct ipc_page;
struct ipc_voucher;

struct ipc_host {
	const struct ipc_outbox *h_outbox;
	struct machd_limits h_limits;
	struct ipc_policy h_policy;
	uint32_t h_owner_uid;
	uint64_t h_now;	     /* ns, of the input being handled */
	uint64_t h_calendar; /* ns from there to the time of day */
	struct ipc_machine h_machine;
	uint64_t h_last_id; /* of ports, sets, tasks and messages: never given twice */
	uint64_t h_random;  /* state of the generator */

	struct list h_users;
	uint64_t h_held[IPC_CHARGE_KINDS]; /* by all users together, each up to its limit */
	struct list h_tasks;
	struct list h_ports;
	struct list h_psets;
	struct ipc_task *h_tokens;	/* hash by token */
	struct ipc_thread *h_threads;	/* hash by channel id */
	struct ipc_bell *h_bells;	/* hash by id */
	struct list h_ready;		/* threads that were woken and have not run yet */
	struct list h_over;		/* threads that will be told that their wait has ended */
	struct list h_loans;		/* threads that messages are lent to */
	struct list h_boost_changes;	/* tasks whose boost the outbox does not know yet */
	struct list h_sources_lost;	/* ipc_source: not important any more, */
	struct list h_sources_won;	/* or important now, and its donations do not know yet */
	struct list h_sources_gone;	/* those of tasks that have ended */
	struct ipc_inherit *h_inherits; /* hash by both tasks and depth */
	struct list h_places;		/* ipc_place: where watchers go on */
	struct list h_walks;		/* ipc_walk: watchers that wait for their pages */
	struct ipc_page *h_page;	/* that is being made, */
	unsigned h_page_steps;		/* and how many a page may cost */

	struct ipc_port *h_host_port, *h_host_priv_port;
	struct ipc_port *h_clocks[CALENDAR_CLOCK + 1];
	struct ipc_port *h_special[HOST_MAX_SPECIAL_PORT + 1]; /* naked send rights, or not valid */
	struct list h_notify[HOST_NOTIFY_TYPE_MAX + 1]; /* ipc_port: with a send-once right */
	struct ipc_port *h_bootstrap_port;
	struct boot_service *h_services; /* boot/registry's hash by name */
	struct ipc_voucher *h_vouchers;	 /* hash by content */
	struct boot_policy *h_names;	 /* who may do what with names */
	bool h_stopping;		 /* ports do not come back any more */
	struct list h_service_list;	 /* boot_service: of all tables, by age */
	struct list h_wanted;		 /* boot_service: somebody waits for it */
	struct list h_subsets;		 /* boot_subset: all there are */
	struct list h_ending;		 /* boot_subset: nobody wants them any more */
	bool h_subsets_end;		 /* those are being ended */
	/* What boot/ does with ports that have names: one died; its receive right is free, and may
	 * be taken back; it would be; a message waits on one that was. */
	void (*h_service_died)(struct ipc_host *, struct ipc_port *);
	bool (*h_service_back)(struct ipc_host *, struct ipc_port *);
	bool (*h_service_keeps)(const struct ipc_host *, const struct ipc_port *);
	void (*h_service_wanted)(struct ipc_host *, struct ipc_port *);
	/* Nobody has a right to a bootstrap port below the first any more. */
	void (*h_subset_orphaned)(struct ipc_host *, struct ipc_port *);
	/* A message to the daemon's own ports, and who pays for the reply: trap_mig() */
	struct ipc_kmsg *(*h_kobject_server)(struct ipc_host *, struct ipc_thread *,
					     struct ipc_kmsg *, struct ipc_account *);

	struct list h_work[IPC_WORK_KINDS]; /* to be destroyed in this input */
	bool h_works;			    /* false: there is none of it */
	struct list h_jobs;		    /* left over from earlier ones */
	struct ipc_thread *h_going;	    /* whose call goes on when that is done; or NULL */
	unsigned h_slice;		    /* steps that one input may take */
	unsigned h_budget;		    /* steps this input may still take */
	unsigned h_nested; /* kinds of work that may be run now; 0 within a step of the first kinds
			    */
	struct ipc_timers h_timers;
	struct ipc_trace *h_trace; /* NULL: nobody reads it, and nothing is traced */
	unsigned h_tracers;	   /* its readers */

	struct ipc_key h_key;
	struct mem_pool h_kmsgs;       /* memory of messages, */
	struct mem_reserve h_reserve;  /* and of those that are promised: */
	uint64_t h_promised;	       /* so many, */
	struct mem_reserve h_notices;  /* and of those that the daemon owes, */
	uint64_t h_owed;	       /* as ipc_owed.h counts them */
	uint8_t *h_packet;	       /* where answers are put together, IPC_ANSWER_BUFFER */
	uint8_t *h_own_packet;	       /* the same for h_current, whose answer goes out last */
	struct ipc_thread *h_answered; /* h_current once its answer waits in h_own_packet */
	struct ipc_answer h_answer;    /* that one */
	ipc_fd_t h_own_fds[MACHD_FRAME_FDS_MAX];
	struct ipc_thread *h_current; /* the thread whose request is being handled */
	bool h_fds_taken; /* a message or a bell has taken the descriptors of that request */

	uint64_t h_task_count, h_thread_count, h_port_count, h_ring_count;
	uint64_t h_thread_peak, h_ring_peak;
	uint64_t h_queued, h_queued_bytes, h_memfds;
	uint64_t h_sent, h_received, h_destroyed; /* messages, ever */
	uint64_t h_sent_bytes;			  /* content of those that were sent */
};

/* Ports of the daemon's own that every host has, by kind. */
#define IPC_HOST_PORTS 5

/* Make them. False: no memory; those that were made are in their places. */
bool ipc_host_make_ports(struct ipc_host *host);

/* The end of them, and of what the host kept for tasks. */
void ipc_host_end(struct ipc_host *host);

/*
 * Have a port told once when the time of day is set: takes the send-once right to it.
 * KERN_INVALID_CAPABILITY: it is to be told already, or dead; the right stays the caller's [24].
 */
kern_return_t ipc_host_notify(struct ipc_host *host, uint32_t type, struct ipc_port *notify);

/* The port died, and need not be told. */
void ipc_host_notify_cancel(struct ipc_host *host, struct ipc_port *port);

/* The time of day was set. */
void ipc_host_set_calendar(struct ipc_host *host, uint64_t calendar);

/* A fresh id: larger than any before. */
uint64_t ipc_host_id(struct ipc_host *host);

/* A pseudo-random number from the host's seeded generator. */
uint64_t ipc_host_random(struct ipc_host *host);
