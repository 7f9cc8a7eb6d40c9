/* SPDX-License-Identifier: Apache-2.0 */
/* Eventlinks: creation and end, waits, and signals. */
#include "daemon/ipc/ipc_eventlink.h"

#include <string.h>

#include "daemon/base/mem.h"
#include "daemon/ipc/ipc_answer.h"
#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_port.h"
#include "daemon/ipc/ipc_task.h"
#include "daemon/ipc/ipc_thread.h"
#include "protocol/ops.h"

struct ipc_eventlink {
	struct ipc_eventlink_side el_sides[2];
};

static struct ipc_eventlink_side *opposite(struct ipc_eventlink_side *side)
{
	struct ipc_eventlink_side *sides = side->es_link->el_sides;

	return side == &sides[0] ? &sides[1] : &sides[0];
}

static void init_side(struct ipc_eventlink *link, unsigned index, struct ipc_port *port)
{
	struct ipc_eventlink_side *side = &link->el_sides[index];

	side->es_link = link;
	side->es_port = port;
	list_init(&side->es_thread_link);
	list_init(&side->es_waiters);
	port->ip_kind = IP_EVENTLINK;
	port->ip_place = IP_IN_DAEMON;
	port->ip_eventlink = side;
}

bool ipc_eventlink_create(struct ipc_host *host, struct ipc_task *task, struct ipc_port *rights[2])
{
	struct ipc_eventlink *link = mem_alloc(sizeof *link);
	struct ipc_port *first = link ? ipc_port_create(host, task->t_account) : NULL;
	struct ipc_port *second = first ? ipc_port_create(host, task->t_account) : NULL;

	if (!second) {
		if (first)
			ipc_port_destroy(host, first);
		mem_free(link);
		return false;
	}
	init_side(link, 0, first);
	init_side(link, 1, second);
	rights[0] = ipc_port_make_send(first);
	rights[1] = ipc_port_make_send(second);
	return true;
}

/* The answer to a wait, as struct mach_eventlink_wait_until_out of the wire says. */
static void answer(struct ipc_host *host, struct ipc_thread *thread, uint64_t count,
		   kern_return_t code)
{
	struct machd_call_answer head = {.code = KERN_SUCCESS};
	struct mach_eventlink_wait_until_out out = {.count = count, .code = code};
	uint8_t *payload = ipc_answer_payload(host, thread);

	memcpy(payload, &head, sizeof head);
	memcpy(payload + sizeof head, &out, sizeof out);
	ipc_answer_send(host, thread, MACHD_OP_CALL, sizeof head + sizeof out, 0, NULL, 0);
}

void ipc_eventlink_give_up(struct ipc_host *host, struct ipc_thread *thread, kern_return_t code)
{
	answer(host, thread, thread->th_count, code);
}

/* Whoever waits on this side goes on with a code. */
static void wake(struct ipc_host *host, struct ipc_eventlink_side *side, uint64_t count,
		 kern_return_t code)
{
	struct ipc_thread *thread = list_first(&side->es_waiters, struct ipc_thread, th_link);

	ipc_thread_unwait(host, thread);
	ipc_thread_drop_target(host, thread);
	answer(host, thread, count, code);
}

static void clear_side(struct ipc_host *host, struct ipc_eventlink_side *side)
{
	struct ipc_thread *waiter = list_first(&side->es_waiters, struct ipc_thread, th_link);

	if (waiter)
		wake(host, side, waiter->th_count, KERN_TERMINATED);
	list_remove(&side->es_thread_link);
	side->es_thread = NULL;
	side->es_for = EVENTLINK_FOR_NOBODY;
}

void ipc_eventlink_end(struct ipc_host *host, struct ipc_eventlink_side *side)
{
	struct ipc_eventlink *link = side->es_link;
	struct ipc_port *port = side->es_port;

	for (unsigned i = 0; i < 2; i++) {
		clear_side(host, &link->el_sides[i]);
		link->el_sides[i].es_port->ip_eventlink = NULL;
	}
	mem_free(link);
	ipc_port_destroy(host, port);
}

void ipc_eventlink_orphaned(struct ipc_host *host, struct ipc_port *port)
{
	if (port->ip_eventlink)
		ipc_eventlink_end(host, port->ip_eventlink);
	else if (ipc_port_active(port))
		ipc_port_destroy(host, port);
}

kern_return_t ipc_eventlink_associate(struct ipc_eventlink_side *side, struct ipc_thread *thread)
{
	if (side->es_for != EVENTLINK_FOR_NOBODY)
		return KERN_NAME_EXISTS;
	side->es_for = thread ? EVENTLINK_FOR_THREAD : EVENTLINK_FOR_ANY;
	side->es_thread = thread;
	if (thread)
		list_append(&thread->th_eventlinks, &side->es_thread_link);
	return KERN_SUCCESS;
}

kern_return_t ipc_eventlink_disassociate(struct ipc_host *host, struct ipc_eventlink_side *side)
{
	if (side->es_for == EVENTLINK_FOR_NOBODY)
		return KERN_INVALID_ARGUMENT;
	clear_side(host, side);
	return KERN_SUCCESS;
}

void ipc_eventlink_forget(struct ipc_thread *thread)
{
	struct ipc_eventlink_side *side;

	while ((side = list_first(&thread->th_eventlinks, struct ipc_eventlink_side,
				  es_thread_link))) {
		list_remove(&side->es_thread_link);
		side->es_thread = NULL;
	}
}

void ipc_eventlink_signal(struct ipc_host *host, struct ipc_eventlink_side *side)
{
	struct ipc_eventlink_side *other = opposite(side);

	other->es_count++;
	if (!list_empty(&other->es_waiters) && other->es_count > other->es_wanted)
		wake(host, other, other->es_count, KERN_SUCCESS);
}

static bool may_wait(const struct ipc_eventlink_side *side, const struct ipc_thread *thread)
{
	if (side->es_for == EVENTLINK_FOR_ANY)
		return list_empty(&side->es_waiters);
	return side->es_for == EVENTLINK_FOR_THREAD && side->es_thread == thread;
}

bool ipc_eventlink_wait(struct ipc_host *host, struct ipc_eventlink_side *side,
			struct ipc_thread *thread, const struct ipc_eventlink_wait *wait,
			struct ipc_eventlink_result *result)
{
	uint64_t now = host->h_now;
	bool enough = side->es_count > wait->count;
	bool over = enough || wait->no_wait || (wait->deadline && wait->deadline <= now);

	*result = (struct ipc_eventlink_result){wait->count, KERN_INVALID_ARGUMENT};
	if (!may_wait(side, thread))
		return true;
	result->count = side->es_count;
	result->code = enough ? KERN_SUCCESS : KERN_OPERATION_TIMED_OUT;
	if (!over) {
		side->es_wanted = wait->count;
		thread->th_count = side->es_count;
		thread->th_port = ipc_port_ref(side->es_port);
		ipc_thread_wait(host, thread, TH_EVENTLINK, &side->es_waiters, wait->deadline != 0,
				wait->deadline - now);
	}
	if (wait->signals)
		ipc_eventlink_signal(host, side);
	return over;
}
