/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Eventlinks: two threads that signal each other [28]. Each has two sides, known by a send right
 * each; a side counts the signals given to it by the other, and one thread may wait for more of
 * them. Both sides end when one is destroyed, or with the last right to one; the port of the other
 * side stays, so that holders of rights to it get KERN_TERMINATED.
 */
#pragma once

#include "daemon/base/list.h"
#include "daemon/ipc/ipc_types.h"

struct ipc_eventlink;

/* Who may wait on a side. */
enum ipc_eventlink_for {
	EVENTLINK_FOR_NOBODY,
	EVENTLINK_FOR_THREAD, /* es_thread, as long as that lives */
	EVENTLINK_FOR_ANY,    /* one at a time */
};

struct ipc_eventlink_side {
	struct ipc_eventlink *es_link;
	struct ipc_port *es_port;
	uint64_t es_count; /* signals */
	enum ipc_eventlink_for es_for;
	struct ipc_thread *es_thread; /* NULL also once it has ended */
	struct list es_thread_link;   /* its th_eventlinks */
	struct list es_waiters;	      /* ipc_thread: one at most */
	uint64_t es_wanted;	      /* the waiter waits for more than that */
};

/* How a wait ended. */
struct ipc_eventlink_result {
	uint64_t count;
	kern_return_t code;
};

/*
 * Make one; a send right to each of its sides. False: no memory, or the task's uid is at its limit
 * of ports.
 */
bool ipc_eventlink_create(struct ipc_host *host, struct ipc_task *task, struct ipc_port *rights[2]);

/*
 * The eventlink of a side ends, and the port of that side dies; waiters on both get
 * KERN_TERMINATED.
 */
void ipc_eventlink_end(struct ipc_host *host, struct ipc_eventlink_side *side);

/* Nobody has a right to this side's port any more. */
void ipc_eventlink_orphaned(struct ipc_host *host, struct ipc_port *port);

/* Let this thread, or any if it is NULL, wait on a side. KERN_NAME_EXISTS: one may already. */
kern_return_t ipc_eventlink_associate(struct ipc_eventlink_side *side, struct ipc_thread *thread);

/* No thread may wait any more; a waiter gets KERN_TERMINATED. KERN_INVALID_ARGUMENT: none could. */
kern_return_t ipc_eventlink_disassociate(struct ipc_host *host, struct ipc_eventlink_side *side);

/* The thread has ended; its place on its sides is not free for that. */
void ipc_eventlink_forget(struct ipc_thread *thread);

/* Give a signal to the side opposite of this one. */
void ipc_eventlink_signal(struct ipc_host *host, struct ipc_eventlink_side *side);

/* A wait. */
struct ipc_eventlink_wait {
	uint64_t count;	   /* until the side has more signals than that, */
	uint64_t deadline; /* or until then, ns; 0: no time is too long, */
	bool no_wait;	   /* or, if set, for no time at all */
	bool signals;	   /* signal the opposite side as the waiting begins */
};

/*
 * Wait on a side. True: it is over, *result says how. False: the thread waits (TH_EVENTLINK) and is
 * answered later.
 */
bool ipc_eventlink_wait(struct ipc_host *host, struct ipc_eventlink_side *side,
			struct ipc_thread *thread, const struct ipc_eventlink_wait *wait,
			struct ipc_eventlink_result *result);

/* A wait that has ended early: answer it with a code. */
void ipc_eventlink_give_up(struct ipc_host *host, struct ipc_thread *thread, kern_return_t code);
