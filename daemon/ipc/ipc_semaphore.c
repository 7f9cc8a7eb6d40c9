/* SPDX-License-Identifier: Apache-2.0 */
/* Semaphores and their waiters. */
#include "daemon/ipc/ipc_semaphore.h"

#include "daemon/base/mem.h"
#include "daemon/ipc/ipc_answer.h"
#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_port.h"
#include "daemon/ipc/ipc_task.h"
#include "daemon/ipc/ipc_thread.h"

struct ipc_port *ipc_semaphore_create(struct ipc_host *host, struct ipc_task *task, int32_t value,
				      bool reversed)
{
	struct ipc_semaphore *semaphore = mem_alloc(sizeof *semaphore);
	struct ipc_port *port = semaphore ? ipc_port_create(host, task->t_account) : NULL;

	if (!port) {
		mem_free(semaphore);
		return NULL;
	}
	port->ip_kind = IP_SEMAPHORE;
	port->ip_place = IP_IN_DAEMON;
	port->ip_semaphore = semaphore;
	semaphore->sm_port = port;
	semaphore->sm_owner = task->t_id;
	semaphore->sm_value = value;
	semaphore->sm_reversed = reversed;
	list_init(&semaphore->sm_waiters);
	list_init(&semaphore->sm_link);
	list_append(&task->t_semaphores, &semaphore->sm_link);
	return ipc_port_make_send(port);
}

/* The first in line goes on. */
static void release_first(struct ipc_host *host, struct ipc_semaphore *semaphore,
			  kern_return_t code)
{
	ipc_thread_end_wait(host, list_first(&semaphore->sm_waiters, struct ipc_thread, th_link),
			    true, code);
}

void ipc_semaphore_end(struct ipc_host *host, struct ipc_semaphore *semaphore)
{
	semaphore->sm_owner = 0;
	list_remove(&semaphore->sm_link);
	while (!list_empty(&semaphore->sm_waiters))
		release_first(host, semaphore, KERN_TERMINATED);
}

void ipc_semaphore_orphaned(struct ipc_host *host, struct ipc_port *port)
{
	struct ipc_semaphore *semaphore = port->ip_semaphore;

	ipc_semaphore_end(host, semaphore);
	port->ip_semaphore = NULL;
	mem_free(semaphore);
	ipc_port_destroy(host, port);
}

kern_return_t ipc_semaphore_signal(struct ipc_host *host, struct ipc_semaphore *semaphore)
{
	if (!semaphore->sm_owner)
		return KERN_TERMINATED;
	if (list_empty(&semaphore->sm_waiters))
		semaphore->sm_value += semaphore->sm_value < INT32_MAX;
	else
		release_first(host, semaphore, KERN_SUCCESS);
	return KERN_SUCCESS;
}

kern_return_t ipc_semaphore_signal_all(struct ipc_host *host, struct ipc_semaphore *semaphore)
{
	if (!semaphore->sm_owner)
		return KERN_TERMINATED;
	while (!list_empty(&semaphore->sm_waiters))
		release_first(host, semaphore, KERN_SUCCESS);
	return KERN_SUCCESS;
}

kern_return_t ipc_semaphore_signal_thread(struct ipc_host *host, struct ipc_semaphore *semaphore,
					  struct ipc_thread *thread)
{
	if (!semaphore->sm_owner)
		return KERN_TERMINATED;
	if (thread ? thread->th_state != TH_SEMAPHORE || thread->th_port != semaphore->sm_port
		   : list_empty(&semaphore->sm_waiters))
		return KERN_NOT_WAITING;
	if (thread)
		ipc_thread_end_wait(host, thread, true, KERN_SUCCESS);
	else
		release_first(host, semaphore, KERN_SUCCESS);
	return KERN_SUCCESS;
}

kern_return_t ipc_semaphore_wait(struct ipc_host *host, struct ipc_semaphore *semaphore,
				 struct ipc_thread *thread, bool timed, uint64_t timeout)
{
	struct list *waiters = &semaphore->sm_waiters;

	if (!semaphore->sm_owner)
		return KERN_TERMINATED;
	if (semaphore->sm_value > 0) {
		semaphore->sm_value--;
		return KERN_SUCCESS;
	}
	if (timed && timeout == 0)
		return KERN_OPERATION_TIMED_OUT;
	thread->th_port = ipc_port_ref(semaphore->sm_port);
	ipc_thread_wait(host, thread, TH_SEMAPHORE,
			semaphore->sm_reversed ? waiters->next : waiters, timed, timeout);
	return KERN_SUCCESS;
}
