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

/*
 * Calls up into daemon/boot and daemon/trap, which daemon/ipc may not include. The first four are
 * about ports with service names.
 */
struct ipc_host_ops {
	/* The port died. */
	void (*o_service_died)(struct ipc_host *host, struct ipc_port *port);
	/* Its receive right has no holder any more. True: daemon/boot keeps it. */
	bool (*o_service_back)(struct ipc_host *host, struct ipc_port *port);
	/* Would it be kept then? */
	bool (*o_service_keeps)(const struct ipc_host *host, const struct ipc_port *port);
	/* A message was queued on a port that daemon/boot keeps. */
	void (*o_service_wanted)(struct ipc_host *host, struct ipc_port *port);
	/* The last right to a subset's bootstrap port is gone. */
	void (*o_subset_orphaned)(struct ipc_host *host, struct ipc_port *port);
	/* Handle a message to one of the daemon's own ports; `payer` pays for the reply. */
	struct ipc_kmsg *(*o_kobject_server)(struct ipc_host *host, struct ipc_thread *thread,
					     struct ipc_kmsg *kmsg, struct ipc_account *payer);
};

struct ipc_host {
	const struct ipc_outbox *h_outbox;
	const struct ipc_host_ops *h_ops;
	struct machd_limits h_limits;
	struct ipc_policy h_policy;
	uint32_t h_owner_uid;
	uint64_t h_now;	     /* ns, when the input being handled came */
	uint64_t h_calendar; /* ns to add to h_now for the time of day */
	struct ipc_machine h_machine;
	uint64_t h_last_id; /* of ports, sets, tasks and messages: never given twice */
	uint64_t h_random;  /* state of the generator */

	struct list h_users;
	uint64_t h_held[IPC_CHARGE_KINDS]; /* charged to all users together, each up to its limit */
	struct list h_tasks;
	struct list h_ports;
	struct list h_psets;
	struct ipc_task *h_tokens;	/* hash by token */
	struct ipc_thread *h_threads;	/* hash by channel id */
	struct ipc_bell *h_bells;	/* hash by id */
	struct list h_ready;		/* threads woken (TH_READY) that have not run yet */
	struct list h_over;		/* threads in TH_OVER, to be answered */
	struct list h_loans;		/* threads with a loan (ipc_loan.h) */
	struct list h_boost_changes;	/* tasks whose boost the outbox has not been told yet */
	struct list h_sources_lost;	/* ipc_source: no longer important, to be propagated */
	struct list h_sources_won;	/* ipc_source: important now, to be propagated */
	struct list h_sources_gone;	/* ipc_source: its task has ended */
	struct ipc_inherit *h_inherits; /* hash by both tasks and depth */
	struct list h_places;		/* ipc_place: positions of watchers */
	struct list h_walks;		/* ipc_walk: watchers that wait for a page */
	struct ipc_page *h_page;	/* the page being made */
	unsigned h_page_steps;		/* the most steps that a page may cost */

	struct ipc_port *h_host_port, *h_host_priv_port;
	struct ipc_port *h_clocks[CALENDAR_CLOCK + 1];
	struct ipc_port *h_special[HOST_MAX_SPECIAL_PORT + 1]; /* naked send rights, or not valid */
	struct list h_notify[HOST_NOTIFY_TYPE_MAX + 1]; /* ipc_port: with a send-once right */
	struct ipc_port *h_bootstrap_port;
	struct boot_service *h_services; /* boot/registry's hash by name */
	struct ipc_voucher *h_vouchers;	 /* hash by content */
	struct boot_policy *h_names;	 /* who may do what with service names */
	bool h_stopping;		 /* trap_stop() was called: no port is kept for a service */
	struct list h_service_list;	 /* boot_service: of all subsets, by age */
	struct list h_wanted;  /* boot_service: a message or look-up waits for its owner */
	struct list h_subsets; /* boot_subset: all there are */
	struct list h_ending;  /* boot_subset: orphaned, to be ended */
	bool h_subsets_end;    /* h_ending is being worked on */

	struct list h_work[IPC_WORK_KINDS]; /* what this input has to destroy (ipc_work.h) */
	bool h_works;			    /* h_work is not empty */
	struct list h_jobs;		    /* work left over from earlier inputs */
	struct ipc_thread *h_going;	    /* whose call goes on after h_work; or NULL */
	unsigned h_slice;		    /* steps that one input may take */
	unsigned h_budget;		    /* steps this input may still take */
	unsigned h_nested; /* kinds that ipc_work_run() may run now: from the first up to this */
	struct ipc_timers h_timers;
	struct ipc_trace *h_trace; /* NULL: nobody reads it, and nothing is traced */
	unsigned h_tracers;	   /* its readers */

	struct ipc_key h_key;
	struct mem_pool h_kmsgs;       /* memory of messages */
	struct mem_reserve h_reserve;  /* memory reserved for promised messages (ipc_window.h) */
	uint64_t h_promised;	       /* how many of those there are */
	struct mem_reserve h_notices;  /* memory reserved for notifications (ipc_owed.h) */
	uint64_t h_owed;	       /* how many of those there may be */
	uint8_t *h_packet;	       /* IPC_ANSWER_BUFFER bytes to build answers in */
	uint8_t *h_own_packet;	       /* the same for h_current, whose answer goes out last */
	struct ipc_thread *h_answered; /* h_current once its answer waits in h_own_packet */
	struct ipc_answer h_answer;    /* that answer */
	ipc_fd_t h_own_fds[MACHD_FRAME_FDS_MAX];
	struct ipc_thread *h_current; /* the thread whose request is being handled */
	bool h_fds_taken;	      /* something has taken the descriptors of that request */

	uint64_t h_task_count, h_thread_count, h_port_count, h_ring_count;
	uint64_t h_thread_peak, h_ring_peak;
	uint64_t h_queued, h_queued_bytes, h_memfds;
	uint64_t h_sent, h_received, h_destroyed; /* messages, ever */
	uint64_t h_sent_bytes;			  /* content of those that were sent */
};

/* The number of ports that ipc_host_make_ports() makes. */
#define IPC_HOST_PORTS 5

/* Make the host's own ports. False: no memory; ipc_host_end() clears what was made. */
bool ipc_host_make_ports(struct ipc_host *host);

/* Destroy them, and the rights that the host kept for tasks. */
void ipc_host_end(struct ipc_host *host);

/*
 * Notify a port once when the time of day is set; takes the send-once right. The port is dead or
 * has such a request already: KERN_INVALID_CAPABILITY, and the right stays the caller's [24].
 */
kern_return_t ipc_host_notify(struct ipc_host *host, uint32_t type, struct ipc_port *notify);

/* The port died: drop its request. */
void ipc_host_notify_cancel(struct ipc_host *host, struct ipc_port *port);

/* The time of day was set. */
void ipc_host_set_calendar(struct ipc_host *host, uint64_t calendar);

/* A fresh id: larger than any before. */
uint64_t ipc_host_id(struct ipc_host *host);

/* A pseudo-random number from the host's seeded generator. */
uint64_t ipc_host_random(struct ipc_host *host);
