/* SPDX-License-Identifier: Apache-2.0 */
/* A name space: the table of a task's rights, from its birth to its termination. */
#pragma once

#include "daemon/ipc/ipc_entry.h"
#include "daemon/ipc/ipc_work.h"

struct ipc_space {
	struct ipc_task *is_task;	/* NULL once the task is gone and termination goes on */
	struct ipc_account *is_account; /* who pays for what is allocated here */
	struct ipc_entry *is_table;
	uint32_t *is_hash;
	uint64_t is_hash_factor;
	uint32_t is_hash_mask;
	uint32_t is_size;				   /* of the table */
	uint32_t is_used;				   /* entries in use */
	uint32_t is_peak;				   /* the most there were at once */
	uint32_t is_cleaned;				   /* termination has come this far */
	uint32_t is_rights[MACH_PORT_RIGHT_DEAD_NAME + 1]; /* entries with each kind of right */
	uint32_t is_sends;				   /* entries with a send right alone */
	uint64_t is_queued, is_queued_bytes;		   /* on the ports that it receives from */
	struct list is_semaphores; /* of the task that is gone; they end first */
	struct ipc_work is_work;
};

/* An empty, active space; NULL without memory. */
struct ipc_space *ipc_space_create(struct ipc_host *host, struct ipc_task *task);

/*
 * The space dies: every right in it is destroyed, in table order [15.4]. From now on nothing can be
 * sent from it or received into it; the rights go as work, and the space frees itself at the end.
 */
void ipc_space_terminate(struct ipc_host *host, struct ipc_space *space);

/* A stretch of that work. */
void ipc_space_terminate_step(struct ipc_host *host, struct ipc_space *space);
