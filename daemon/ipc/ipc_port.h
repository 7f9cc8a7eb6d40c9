/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ports. References keep the object: one for every entry that names it, every naked right, every
 * request and every waiting thread. The port is active as long as its receive right exists.
 */
#pragma once

#include "daemon/base/list.h"
#include "daemon/ipc/ipc_outbox.h"
#include "daemon/ipc/ipc_request.h"
#include "daemon/ipc/ipc_transit.h"
#include "daemon/ipc/ipc_types.h"
#include "daemon/ipc/ipc_work.h"

struct boot_service;
struct boot_subset;
struct ipc_label;

/* What a port stands for. */
enum ipc_port_kind {
	IP_PLAIN, /* a message queue */
	IP_TIMER, /* a queue too, on which the daemon sends */
	/* The rest are the daemon's own: it handles their messages itself. */
	IP_TASK,
	IP_TASK_READ, /* lesser task ports: to read the task's state, */
	IP_TASK_INSPECT,
	IP_TASK_NAME, /* or only to identify it */
	IP_HOST,
	IP_HOST_PRIV,
	IP_CLOCK,
	IP_BOOTSTRAP,
	IP_SEMAPHORE,
	IP_THREAD,
	IP_VOUCHER,
	IP_EVENTLINK,
	IP_FILE,
	IP_MEMORY,
};

/* Where the receive right is. */
enum ipc_port_place {
	IP_IN_SPACE,   /* ip_receiver and ip_name say where */
	IP_IN_TRANSIT, /* in a message for ip_destination */
	IP_IN_LIMBO,   /* naked, between two steps of one input */
	IP_IN_DAEMON,  /* a port of the daemon's own: always */
	IP_KEPT,       /* with the daemon, until a service checks in */
	IP_NOWHERE,    /* the port is dead */
};

/*
 * Notifications that are sent last when a name is freed: if it had the receive right, after those
 * of the port's death.
 */
struct ipc_last_words {
	struct ipc_port *lw_no_senders; /* the request that the last send right fired, or NULL */
	mach_port_mscount_t lw_mscount;
	struct ipc_port *lw_deleted; /* the request that was on the name, or NULL */
	mach_port_name_t lw_name;
};

struct ipc_port {
	uint64_t ip_id;
	uint32_t ip_refs;
	enum ipc_port_kind ip_kind;
	enum ipc_port_place ip_place;
	mach_port_name_t ip_name;
	struct ipc_space *ip_receiver;
	struct ipc_port *ip_destination; /* with a reference */
	struct ipc_transit ip_transit;	 /* its place in the tree of ports in transit */
	struct ipc_task *ip_task;	 /* IP_TASK...: NULL once the task is gone */
	struct ipc_thread *ip_thread;	 /* IP_THREAD: the same */

	mach_port_mscount_t ip_mscount;
	uint32_t ip_srights;
	uint32_t ip_sorights;
	uint64_t ip_context;	   /* the owner's word; the guard's value while guarded */
	uint32_t ip_reply_persona; /* that a reply must be sent under; 0: any (ipc_strict.h) */
	bool ip_guarded;
	bool ip_strict;		/* the guard hides and protects the context */
	bool ip_immovable;	/* the receive right cannot be sent */
	bool ip_enforces_reply; /* requests to it must name a reply port (ip_reply_port) */
	bool ip_reply_port;	/* was made as a reply port */
	bool ip_defended;	/* a service port whose receive right cannot be moved */
	bool ip_service_port;	/* ip_label is its own */
	bool ip_connection;	/* ip_label is its service's; neither right can be moved [16.5] */
	bool ip_filtered;	/* messages of filtered tasks to it are filtered [16.4] */
	bool ip_no_grant;	/* messages for it may carry no ports */
	bool ip_throttled;	/* a service port's flag, kept for its owner */
	bool ip_special_reply;	/* some thread's special reply port */
	bool ip_only_reply;	/* "marked" in Mach's words: usable for replies only [17.1] */

	bool ip_accepts_importance;
	bool ip_tempowner;   /* its boosts go to whoever gets the receive right next */
	bool ip_armed_boost; /* one of them is for a sender with a send-possible request */
	uint32_t ip_boosts;  /* its own, see ipc_importance.h */

	uint32_t ip_seqno;
	uint32_t ip_qlimit;
	uint32_t ip_msgcount;		/* queued messages, and slots kept for woken senders */
	struct ipc_thread *ip_borrower; /* the thread with a loan of its queue (ipc_loan.h) */
	struct ipc_thread *ip_lent_to;	/* the thread that has been lent, in messages, */
	uint32_t ip_lent;		/* this many send-once rights to the port */
	uint32_t ip_promised;		/* slots of the queue promised to windows (ipc_window.h) */
	struct list ip_windows;		/* ipc_window: open ones, the oldest first */
	struct list ip_wanted;		/* ipc_window: to be opened further when there is room */
	uint64_t ip_bytes;		/* charged for the queued messages */
	struct list ip_messages;	/* ipc_kmsg */
	struct list ip_senders;		/* ipc_thread: blocked, see ipc_senders_add() */
	struct list ip_receivers;	/* ipc_thread */
	uint32_t ip_sending,
		ip_waiting;	  /* threads blocked in a send to it; in another wait on it */
	struct list ip_members;	  /* ipc_member: its memberships in sets */
	uint32_t ip_member_count; /* of that list */
	struct list ip_knotes;	  /* ipc_knote: the bells it is attached to */

	struct ipc_port *ip_nsrequest; /* send-once rights of requests, or NULL */
	struct ipc_port *ip_pdrequest;
	struct ipc_requests ip_requests;
	struct ipc_last_words ip_last_words; /* while its death is being told */

	struct ipc_eventlink_side *ip_eventlink; /* IP_EVENTLINK, while it lives */
	struct ipc_semaphore *ip_semaphore;	 /* IP_SEMAPHORE, while it lives */
	struct ipc_timer *ip_timer;		 /* IP_TIMER, while it lives */
	struct ipc_voucher *ip_voucher;		 /* IP_VOUCHER, while it lives */
	ipc_fd_t ip_file;			 /* IP_FILE, IP_MEMORY, while it lives */
	struct ipc_memory *ip_memory;		 /* IP_MEMORY, while it lives */
	struct ipc_label *ip_label;		 /* of service and connection ports, a reference */
	struct boot_service *ip_service;	 /* its bootstrap names, chained; usually none */
	struct boot_subset *ip_subset;		 /* IP_BOOTSTRAP: its names; NULL: the first */
	struct boot_subset *ip_lifeline;	 /* subsets that end with this port, chained */
	/*
	 * Charged for the port; NULL for the daemon's own. While the port is kept (IP_KEPT), the
	 * last holder's: no longer charged for the port, but for what the daemon sends there.
	 */
	struct ipc_account *ip_account;
	struct list ip_host_link; /* h_notify: notified when the time of day is set */
	struct list ip_link;	  /* host's ports */
	struct ipc_work ip_work;
};

static inline bool ipc_port_active(const struct ipc_port *port)
{
	return port->ip_place != IP_NOWHERE;
}

/* Its receive right stays where it is, but for the ways of ipc_right_must_stay(). */
static inline bool ipc_port_immovable(const struct ipc_port *port)
{
	return port->ip_immovable || port->ip_defended || port->ip_connection;
}

/*
 * A new port, its receive right in limbo, with one reference. NULL: no memory, or `payer` (may be
 * NULL: the daemon itself) is at its limit.
 */
struct ipc_port *ipc_port_create(struct ipc_host *host, struct ipc_account *payer);

/* A port of the daemon's own. */
struct ipc_port *ipc_port_create_special(struct ipc_host *host, enum ipc_port_kind kind);

struct ipc_port *ipc_port_ref(struct ipc_port *port);
void ipc_port_release(struct ipc_host *host, struct ipc_port *port);

/* Make naked rights: each comes with a reference to the port. */
struct ipc_port *ipc_port_make_send(struct ipc_port *port); /* needs the receive right */
struct ipc_port *ipc_port_make_sonce(struct ipc_host *host, struct ipc_port *port); /* ipc_owed.h */
struct ipc_port *ipc_port_copy_send(struct ipc_port *port); /* IP_DEAD if the port is dead */

/* Drop a naked send right; the last one of a living port fires the no-senders request. */
void ipc_port_release_send(struct ipc_host *host, struct ipc_port *port);

/* The port of an object that lives as long as there are send rights to it? */
static inline bool ipc_port_dies_unsent(const struct ipc_port *port)
{
	return port->ip_semaphore || port->ip_voucher || port->ip_file || port->ip_subset ||
	       port->ip_kind == IP_EVENTLINK;
}

/* The last send right to such a port is gone: destroy the object and the port. */
void ipc_port_orphaned(struct ipc_host *host, struct ipc_port *port);

/* Drop a naked send-once right without a notification. */
void ipc_port_release_sonce(struct ipc_host *host, struct ipc_port *port);

/*
 * The receive right leaves its space: the port leaves its sets, waiting receivers are told, and
 * make-send count, sequence number and context start again [4.1]. It is in limbo then.
 */
void ipc_port_clear_receiver(struct ipc_host *host, struct ipc_port *port);

/* The receive right arrives in a space under a name. */
void ipc_port_set_receiver(struct ipc_host *host, struct ipc_port *port, struct ipc_space *space,
			   mach_port_name_t name);

/*
 * A receive right in limbo is put into a message for `dest`. False, and nothing done, if the port's
 * own queue would contain the message then: a circle [8.9].
 */
bool ipc_port_set_destination(struct ipc_host *host, struct ipc_port *port, struct ipc_port *dest);

/*
 * Destroy a receive right that is in limbo or in transit; takes the reference that came with it.
 * The port dies, or goes alive to its port-destroyed request [14.2, 15.1].
 */
void ipc_port_destroy(struct ipc_host *host, struct ipc_port *port);

/* The same, and then the rest is said; or that alone. Takes the rights in `words`. */
void ipc_port_destroy_saying(struct ipc_host *host, struct ipc_port *port,
			     const struct ipc_last_words *words);
void ipc_port_say(struct ipc_host *host, const struct ipc_last_words *words);

/*
 * The last part of a death, as work: send-once to the no-senders port, then the dead-name notices;
 * and more of those.
 */
void ipc_port_destroy_step(struct ipc_host *host, struct ipc_port *port);
void ipc_port_tell_step(struct ipc_host *host, struct ipc_port *port);

/*
 * Ask for a no-senders notification; takes the send-once right `notify` (NULL cancels). *previous
 * is the send-once right of the request that this one replaces, or NULL.
 */
void ipc_port_nsrequest(struct ipc_host *host, struct ipc_port *port, mach_port_mscount_t sync,
			struct ipc_port *notify, struct ipc_port **previous);
