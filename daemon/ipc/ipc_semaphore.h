/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Semaphores: objects of the daemon that programs know as send rights [22]. A semaphore ends when
 * it is destroyed, with its owner task, or with its last send right; waiters get KERN_TERMINATED.
 */
#pragma once

#include "daemon/base/list.h"
#include "daemon/ipc/ipc_types.h"

struct ipc_semaphore {
	struct ipc_port *sm_port; /* which holds it */
	uint64_t sm_owner;	  /* id of its task, 0 once it has ended */
	struct list sm_link;	  /* owner's semaphores, or its space's once that is terminated */
	struct list sm_waiters;	  /* ipc_thread */
	int32_t sm_value;
	bool sm_reversed; /* waiters are served last in, first out */
};

/*
 * A new semaphore of a task; the send right to it, or NULL: no memory, or the task's uid is at its
 * limit of ports.
 */
struct ipc_port *ipc_semaphore_create(struct ipc_host *host, struct ipc_task *task, int32_t value,
				      bool reversed);

/* End it: waiters get KERN_TERMINATED, as will everyone who uses it from now on. */
void ipc_semaphore_end(struct ipc_host *host, struct ipc_semaphore *semaphore);

/* Its last send right is gone: nobody can use it any more. */
void ipc_semaphore_orphaned(struct ipc_host *host, struct ipc_port *port);

/* KERN_SUCCESS, or KERN_TERMINATED. */
kern_return_t ipc_semaphore_signal(struct ipc_host *host, struct ipc_semaphore *semaphore);
kern_return_t ipc_semaphore_signal_all(struct ipc_host *host, struct ipc_semaphore *semaphore);

/*
 * Wake one waiter: `thread` if that waits for this semaphore, or the first one if it is NULL. A
 * wait to come is not let pass. KERN_NOT_WAITING, KERN_TERMINATED.
 */
kern_return_t ipc_semaphore_signal_thread(struct ipc_host *host, struct ipc_semaphore *semaphore,
					  struct ipc_thread *thread);

/*
 * Wait: KERN_SUCCESS at once if the value allows, KERN_TERMINATED, KERN_OPERATION_TIMED_OUT if
 * `timeout` (ns) is over at once. Else the thread waits (TH_SEMAPHORE) and is answered later.
 */
kern_return_t ipc_semaphore_wait(struct ipc_host *host, struct ipc_semaphore *semaphore,
				 struct ipc_thread *thread, bool timed, uint64_t timeout);
