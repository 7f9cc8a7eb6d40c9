/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A thread: one channel of a task, with at most one request under way. A request that cannot be
 * answered at once waits here, on the list of the port or set it waits for.
 */
#pragma once

#include "daemon/base/hash.h"
#include "daemon/base/list.h"
#include "daemon/ipc/ipc_guard.h"
#include "daemon/ipc/ipc_outbox.h"
#include "daemon/ipc/ipc_types.h"

enum ipc_thread_state {
	TH_IDLE,      /* no request under way */
	TH_SENDING,   /* blocked: th_kmsg waits for a slot of th_port */
	TH_RECEIVING, /* blocked: waits for a message on th_port or th_set */
	TH_SEMAPHORE, /* blocked: waits for the semaphore behind th_port */
	TH_EVENTLINK, /* blocked: waits for signals of the eventlink behind th_port */
	TH_READY,     /* woken, runs before this input is over */
	TH_OVER,      /* its wait has ended with th_code; the answer goes out in a later slice */
};

/* The arguments of mach_msg. */
struct ipc_msg_args {
	uint64_t a_option;
	uint64_t a_send_address;
	uint64_t a_rcv_address;
	uint32_t a_send_size;
	uint32_t a_rcv_size;
	mach_port_name_t a_rcv_name;
	uint32_t a_timeout; /* ms */
	uint32_t a_priority;
	uint32_t a_thread_priority; /* the thread's own, as pthread_priority_t; 0: none */
	uint32_t a_rcv_aux_size;    /* of the buffer for auxiliary data, with MACH64_MSG_VECTOR */
	uint32_t a_aux_max;	    /* a message with more auxiliary data is too large */
};

struct ipc_windows;

struct ipc_thread {
	uint64_t th_id;		  /* of the channel */
	void *th_cookie;	  /* the io layer's */
	struct ipc_task *th_task; /* NULL before hello, and for a watcher */
	struct ipc_user *th_user;
	struct ipc_account *th_account; /* of its process; pays for the connection */
	enum ipc_thread_state th_state;
	bool th_watches;      /* a watcher: no task */
	bool th_traces;	      /* a watcher that reads the trace */
	bool th_inspects;     /* it may see what belongs to other users */
	bool th_held;	      /* its answer, or the rest of its call, waits for a job to end */
	bool th_cancelled;    /* the client gave the request up while it was held */
	bool th_violates;     /* the current or last request raised a guard exception */
	bool th_ring;	      /* it is charged for a ring */
	uint32_t th_sequence; /* of the request under way or answered last */
	uint32_t th_gid;
	uint32_t th_pidversion;
	int32_t th_pid;
	unsigned th_word;		  /* bits of its pointers: 64 or 32 */
	struct ipc_identity *th_identity; /* its process's, until its task takes it; or NULL */
	uint8_t th_token[16];		  /* becomes the task's, if it makes one */

	struct ipc_msg_args th_args;
	struct ipc_violation th_violation; /* of the last guard exception */
	struct ipc_kmsg *th_kmsg;
	mach_msg_qos_t th_qos;		/* TH_SENDING: orders it among the blocked senders */
	uint32_t th_memory_taken;	/* descriptors of its message whose memory was taken */
	struct ipc_port *th_port;	/* with a reference */
	struct ipc_pset *th_set;	/* with a reference */
	struct ipc_port *th_self;	/* its thread port, if anybody has asked for it */
	struct ipc_port *th_special;	/* its special reply port, with a reference, or NULL */
	struct ipc_port *th_voucher;	/* a naked send right to its voucher, or NULL */
	struct ipc_windows *th_windows; /* windows and replies of its board; NULL: no board */
	bool th_borrows;		/* the request accepts a loan (MACHD_REQUEST_LOAN) */
	uint32_t th_lent;		/* messages of its loan, */
	uint32_t th_taken;		/* how many of them it is known to have taken, */
	struct ipc_port *th_lender;	/* and their port, whose ip_borrower it is; NULL: no loan */
	struct list th_loan_link;	/* host's h_loans */
	struct list th_told_link;	/* task's t_loans: it sends a frame with each it takes */
	mach_port_name_t th_wants;	/* the request asks for a window for this name; or NULL */
	uint64_t th_count;		/* TH_EVENTLINK: signals when the wait began */
	struct list th_eventlinks;	/* ipc_eventlink_side: where it alone may wait */
	bool th_slot;			/* TH_READY: a slot of th_port is kept for it */
	kern_return_t th_code;		/* TH_OVER: the answer */
	bool th_calls;			/* TH_OVER: it is that of a call, and not of mach_msg */
	bool th_timed;			/* a timer is set */
	uint64_t th_since;		/* when it began to wait */
	struct ipc_place *th_place;	/* of a watcher: where its next page begins; or NULL */
	struct ipc_walk *th_walk;	/* it waits for a page; or NULL */

	struct list th_link;	  /* of what it waits on, or the host's ready list */
	struct list th_followers; /* TH_SENDING: see ipc_senders_add() */
	struct list th_task_link; /* task's threads */
	UT_hash_handle hh;
};

/* A channel was accepted. NULL without memory. */
struct ipc_thread *ipc_thread_create(struct ipc_host *host, uint64_t id,
				     struct ipc_account *account);

/*
 * Charge the thread's user for a ring, until the thread is destroyed. False: that goes over a
 * limit, Rings= or RingsPerUser=.
 */
bool ipc_thread_charge_ring(struct ipc_host *host, struct ipc_thread *thread);

/* The channel is gone: whatever the thread waited for is given up, rights go back to its space. */
void ipc_thread_destroy(struct ipc_host *host, struct ipc_thread *thread);

struct ipc_thread *ipc_thread_find(struct ipc_host *host, uint64_t id);

/* The thread has a port, or gets one now. False: no memory, or its uid is at its limit of ports. */
bool ipc_thread_has_port(struct ipc_host *host, struct ipc_thread *thread);

/* A send right to the thread's port; NULL as above. */
struct ipc_port *ipc_thread_make_send(struct ipc_host *host, struct ipc_thread *thread);

/* Set the thread's voucher; takes the send right (NULL: none). */
void ipc_thread_set_voucher(struct ipc_host *host, struct ipc_thread *thread,
			    struct ipc_port *voucher);

/* The thread ends, though its channel may not: its port dies, its voucher is given up. */
void ipc_thread_end(struct ipc_host *host, struct ipc_thread *thread);

/*
 * Make `port` the thread's special reply port (NULL: it has none); the previous one becomes an
 * ordinary port [17.3].
 */
void ipc_thread_bind_special(struct ipc_host *host, struct ipc_thread *thread,
			     struct ipc_port *port);

/* Wait on a list, with a time-out of `timeout` ns if `timed`. */
void ipc_thread_wait(struct ipc_host *host, struct ipc_thread *thread, enum ipc_thread_state state,
		     struct list *list, bool timed, uint64_t timeout);

/* The same for a sender that waits for a slot of th_port, among others of its QoS [12.2]. */
void ipc_thread_wait_to_send(struct ipc_host *host, struct ipc_thread *thread, mach_msg_qos_t qos,
			     bool timed, uint64_t timeout);

/* End the wait: the thread is idle, what it waited on is still in th_port or th_set. */
void ipc_thread_unwait(struct ipc_host *host, struct ipc_thread *thread);

/* End a sender's wait: it goes on before this input is over, with a slot kept for it or without. */
void ipc_thread_wake(struct ipc_host *host, struct ipc_thread *thread, bool slot);

/*
 * End a wait with a code. If very many waits end together, the answers that are too many for one
 * input go out in later ones, in the same order; those threads are TH_OVER until then. `calls`: the
 * request is a CALL.
 */
void ipc_thread_end_wait(struct ipc_host *host, struct ipc_thread *thread, bool calls,
			 kern_return_t code);

/* Answer threads in TH_OVER, as many as one input may. */
void ipc_thread_tell(struct ipc_host *host);

/* Forget the port or set in th_port and th_set. */
void ipc_thread_drop_target(struct ipc_host *host, struct ipc_thread *thread);

/* The answer, or the rest of the call, waits for a job (ipc_work.h) to end; it has ended. */
void ipc_thread_hold(struct ipc_thread *thread);
void ipc_thread_release(struct ipc_thread *thread);
