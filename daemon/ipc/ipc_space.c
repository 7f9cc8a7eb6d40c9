/* SPDX-License-Identifier: Apache-2.0 */
/* Creation and termination of name spaces. */
#include "daemon/ipc/ipc_space.h"

#include "daemon/base/mem.h"
#include "daemon/ipc/ipc_account.h"
#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_port.h"
#include "daemon/ipc/ipc_right.h"
#include "daemon/ipc/ipc_semaphore.h"
#include "daemon/ipc/ipc_task.h"

/* Free entries that one step of termination passes. */
#define STRETCH		    64
#define SEMAPHORES_PER_STEP 8

static void space_free(struct ipc_space *space)
{
	ipc_account_discharge(space->is_account, IPC_CHARGE_NAMES, space->is_size);
	ipc_account_put(space->is_account);
	mem_free(space->is_table);
	mem_free(space->is_hash);
	mem_free(space);
}

struct ipc_space *ipc_space_create(struct ipc_host *host, struct ipc_task *task)
{
	struct ipc_space *space = mem_alloc(sizeof *space);

	if (!space)
		return NULL;
	space->is_task = task;
	space->is_hash_factor = ipc_host_random(host) | 1;
	space->is_account = ipc_account_ref(task->t_account);
	list_init(&space->is_semaphores);
	ipc_work_init(&space->is_work, IPC_WORK_SPACE);
	if (ipc_entry_reserve(host, space) != KERN_SUCCESS) {
		space_free(space);
		return NULL;
	}
	return space;
}

void ipc_space_terminate(struct ipc_host *host, struct ipc_space *space)
{
	space->is_cleaned = 1;
	ipc_work_add(host, &space->is_work);
	ipc_work_run(host);
}

/* Some of the semaphores end; false if there is none. */
static bool end_semaphores(struct ipc_host *host, struct ipc_space *space)
{
	struct ipc_semaphore *semaphore;
	unsigned count = 0;

	while (count < SEMAPHORES_PER_STEP &&
	       (semaphore = list_first(&space->is_semaphores, struct ipc_semaphore, sm_link))) {
		ipc_semaphore_end(host, semaphore);
		count++;
	}
	return count > 0;
}

void ipc_space_terminate_step(struct ipc_host *host, struct ipc_space *space)
{
	struct ipc_entry *entry = NULL;

	if (end_semaphores(host, space)) {
		ipc_work_again(host, &space->is_work);
		return;
	}
	for (unsigned i = 0; !entry && i < STRETCH && space->is_cleaned < space->is_size; i++) {
		if (space->is_table[space->is_cleaned].ie_type != 0)
			entry = &space->is_table[space->is_cleaned];
		space->is_cleaned++;
	}
	if (entry)
		ipc_right_terminate(host, space, entry);
	if (space->is_cleaned < space->is_size)
		ipc_work_add(host, &space->is_work);
	else
		space_free(space);
}
