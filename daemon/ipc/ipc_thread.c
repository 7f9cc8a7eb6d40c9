/* SPDX-License-Identifier: Apache-2.0 */
/* Threads and their waiting. */
#include "daemon/ipc/ipc_thread.h"

#include "daemon/base/mem.h"
#include "daemon/ipc/ipc_account.h"
#include "daemon/ipc/ipc_answer.h"
#include "daemon/ipc/ipc_eventlink.h"
#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_loan.h"
#include "daemon/ipc/ipc_msg.h"
#include "daemon/ipc/ipc_place.h"
#include "daemon/ipc/ipc_port.h"
#include "daemon/ipc/ipc_pset.h"
#include "daemon/ipc/ipc_qos.h"
#include "daemon/ipc/ipc_task.h"
#include "daemon/ipc/ipc_trace.h"
#include "daemon/ipc/ipc_walk.h"
#include "daemon/ipc/ipc_window.h"

struct ipc_thread *ipc_thread_create(struct ipc_host *host, uint64_t id,
				     struct ipc_account *account)
{
	struct ipc_thread *thread = mem_alloc(sizeof *thread);

	if (!thread)
		return NULL;
	thread->th_id = id;
	thread->th_account = ipc_account_ref(account);
	thread->th_user = account->ac_user;
	list_init(&thread->th_link);
	list_init(&thread->th_followers);
	list_init(&thread->th_task_link);
	list_init(&thread->th_eventlinks);
	list_init(&thread->th_loan_link);
	list_init(&thread->th_told_link);
	HASH_ADD(hh, host->h_threads, th_id, sizeof thread->th_id, thread);
	if (!thread->hh.tbl) {
		ipc_account_put(account);
		mem_free(thread);
		return NULL;
	}
	if (++host->h_thread_count > host->h_thread_peak)
		host->h_thread_peak = host->h_thread_count;
	return thread;
}

bool ipc_thread_charge_ring(struct ipc_host *host, struct ipc_thread *thread)
{
	if (host->h_ring_count >= host->h_limits.rings ||
	    !ipc_account_charge(host, thread->th_account, IPC_CHARGE_RINGS, 1))
		return false;
	if (++host->h_ring_count > host->h_ring_peak)
		host->h_ring_peak = host->h_ring_count;
	thread->th_ring = true;
	return true;
}

static void discharge_ring(struct ipc_host *host, struct ipc_thread *thread)
{
	if (!thread->th_ring)
		return;
	host->h_ring_count--;
	ipc_account_discharge(thread->th_account, IPC_CHARGE_RINGS, 1);
}

void ipc_thread_destroy(struct ipc_host *host, struct ipc_thread *thread)
{
	ipc_place_move_thread(host, thread);
	HASH_DELETE(hh, host->h_threads, thread);
	host->h_thread_count--;
	ipc_msg_abandon(host, thread);
	ipc_loan_settle_thread(host, thread);
	ipc_window_end(host, thread);
	ipc_thread_end(host, thread);
	ipc_work_forget(host, thread);
	ipc_trace_end(host, thread);
	ipc_walk_end(host, thread);
	if (thread->th_place)
		ipc_place_drop(thread->th_place);
	mem_free(thread->th_place);
	if (thread->th_task)
		ipc_task_leave(host, thread);
	discharge_ring(host, thread);
	ipc_account_discharge(thread->th_account, IPC_CHARGE_CHANNELS, 1);
	ipc_account_put(thread->th_account);
	mem_free(thread->th_identity);
	mem_free(thread);
}

struct ipc_thread *ipc_thread_find(struct ipc_host *host, uint64_t id)
{
	struct ipc_thread *thread;

	HASH_FIND(hh, host->h_threads, &id, sizeof id, thread);
	return thread;
}

bool ipc_thread_has_port(struct ipc_host *host, struct ipc_thread *thread)
{
	if (thread->th_self)
		return true;
	thread->th_self = ipc_port_create(host, thread->th_task->t_account);
	if (!thread->th_self)
		return false;
	thread->th_self->ip_kind = IP_THREAD;
	thread->th_self->ip_place = IP_IN_DAEMON;
	thread->th_self->ip_thread = thread;
	return true;
}

struct ipc_port *ipc_thread_make_send(struct ipc_host *host, struct ipc_thread *thread)
{
	return ipc_thread_has_port(host, thread) ? ipc_port_make_send(thread->th_self) : NULL;
}

void ipc_thread_bind_special(struct ipc_host *host, struct ipc_thread *thread,
			     struct ipc_port *port)
{
	struct ipc_port *old = thread->th_special;

	thread->th_special = port ? ipc_port_ref(port) : NULL;
	if (port)
		port->ip_special_reply = true;
	if (!old)
		return;
	old->ip_special_reply = false;
	ipc_port_release(host, old);
}

void ipc_thread_set_voucher(struct ipc_host *host, struct ipc_thread *thread,
			    struct ipc_port *voucher)
{
	struct ipc_port *old = thread->th_voucher;

	thread->th_voucher = voucher;
	if (old)
		ipc_port_release_send(host, old);
}

void ipc_thread_end(struct ipc_host *host, struct ipc_thread *thread)
{
	struct ipc_port *port = thread->th_self;

	ipc_thread_bind_special(host, thread, NULL);
	ipc_thread_set_voucher(host, thread, NULL);
	ipc_eventlink_forget(thread);
	if (!port)
		return;
	thread->th_self = NULL;
	port->ip_thread = NULL;
	ipc_port_destroy(host, port);
}

/* The counter of threads that wait as this one does: of its port, or of its set. */
static uint32_t *waiters_like(struct ipc_thread *thread)
{
	if (thread->th_state == TH_SENDING)
		return &thread->th_port->ip_sending;
	return thread->th_set ? &thread->th_set->ps_waiting : &thread->th_port->ip_waiting;
}

/* One thread more (1) or less (-1) waits, as its state says. */
static void count_waiter(struct ipc_thread *thread, int change)
{
	*waiters_like(thread) += (uint32_t)change;
	thread->th_task->t_waiting += (uint32_t)change;
}

static void start_waiting(struct ipc_host *host, struct ipc_thread *thread,
			  enum ipc_thread_state state, bool timed, uint64_t timeout)
{
	thread->th_state = state;
	thread->th_since = host->h_now;
	count_waiter(thread, 1);
	thread->th_timed = timed;
	if (timed)
		host->h_outbox->timer(host->h_outbox->context, thread, host->h_now + timeout);
}

void ipc_thread_wait(struct ipc_host *host, struct ipc_thread *thread, enum ipc_thread_state state,
		     struct list *list, bool timed, uint64_t timeout)
{
	list_append(list, &thread->th_link);
	start_waiting(host, thread, state, timed, timeout);
}

void ipc_thread_wait_to_send(struct ipc_host *host, struct ipc_thread *thread, mach_msg_qos_t qos,
			     bool timed, uint64_t timeout)
{
	ipc_senders_add(&thread->th_port->ip_senders, thread, qos);
	start_waiting(host, thread, TH_SENDING, timed, timeout);
}

void ipc_thread_unwait(struct ipc_host *host, struct ipc_thread *thread)
{
	ipc_senders_remove(thread);
	if (thread->th_state != TH_READY && thread->th_state != TH_OVER)
		count_waiter(thread, -1);
	thread->th_state = TH_IDLE;
	if (thread->th_timed)
		host->h_outbox->timer(host->h_outbox->context, thread, 0);
	thread->th_timed = false;
}

void ipc_thread_wake(struct ipc_host *host, struct ipc_thread *thread, bool slot)
{
	ipc_thread_unwait(host, thread);
	thread->th_state = TH_READY;
	thread->th_slot = slot;
	list_append(&host->h_ready, &thread->th_link);
}

static void answer(struct ipc_host *host, struct ipc_thread *thread, bool calls, kern_return_t code)
{
	host->h_budget--;
	if (calls)
		ipc_answer_call(host, thread, code);
	else
		ipc_answer_code(host, thread, code);
}

void ipc_thread_end_wait(struct ipc_host *host, struct ipc_thread *thread, bool calls,
			 kern_return_t code)
{
	ipc_thread_unwait(host, thread);
	ipc_thread_drop_target(host, thread);
	if (host->h_budget && list_empty(&host->h_over)) {
		answer(host, thread, calls, code);
		return;
	}
	thread->th_state = TH_OVER;
	thread->th_calls = calls;
	thread->th_code = code;
	list_append(&host->h_over, &thread->th_link);
}

void ipc_thread_tell(struct ipc_host *host)
{
	struct ipc_thread *thread;

	while (host->h_budget && (thread = list_first(&host->h_over, struct ipc_thread, th_link))) {
		list_remove(&thread->th_link);
		thread->th_state = TH_IDLE;
		answer(host, thread, thread->th_calls, thread->th_code);
	}
	host->h_budget = host->h_slice;
}

void ipc_thread_drop_target(struct ipc_host *host, struct ipc_thread *thread)
{
	struct ipc_port *port = thread->th_port;
	struct ipc_pset *set = thread->th_set;

	thread->th_port = NULL;
	thread->th_set = NULL;
	if (port)
		ipc_port_release(host, port);
	if (set)
		ipc_pset_release(set);
}

void ipc_thread_hold(struct ipc_thread *thread)
{
	thread->th_held = true;
	thread->th_cancelled = false;
}

void ipc_thread_release(struct ipc_thread *thread)
{
	thread->th_held = false;
}
