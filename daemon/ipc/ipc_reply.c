/* SPDX-License-Identifier: Apache-2.0 */
/* Promises of replies: made, used up, taken back. */
#include "daemon/ipc/ipc_reply.h"

#include "daemon/ipc/ipc_entry.h"
#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_port.h"
#include "daemon/ipc/ipc_space.h"
#include "daemon/ipc/ipc_task.h"
#include "daemon/ipc/ipc_thread.h"
#include "daemon/ipc/ipc_window.h"

static void tell(struct ipc_host *host, struct ipc_thread *thread, unsigned index,
		 mach_port_name_t name)
{
	thread->th_windows->ws_reply[index] = name;
	host->h_outbox->window(host->h_outbox->context, thread, MACHD_BOARD_REPLY + index,
			       name ? machd_window(name, index) : 0);
}

/* Is a reply of nothing but bytes to this right one that can only succeed? */
static bool plain(const struct ipc_host *host, const struct ipc_task *task,
		  const struct ipc_entry *entry)
{
	const struct ipc_port *port = entry->ie_port;

	return port->ip_kind == IP_PLAIN && port->ip_place != IP_IN_DAEMON &&
	       entry->ie_request == 0 && !host->h_policy.p_strict_reply &&
	       port->ip_reply_persona == 0 && !(task->t_filtered && port->ip_filtered);
}

void ipc_reply_promise(struct ipc_host *host, struct ipc_thread *thread, unsigned index,
		       mach_port_name_t name, struct ipc_entry *entry)
{
	/* A reply to the queue that it receives from: the order of the two could be observed. */
	if (entry->ie_port == thread->th_lender)
		return;
	if (!plain(host, thread->th_task, entry) || !ipc_window_pay(host, thread, 1))
		return;
	thread->th_windows->ws_replies++;
	entry->ie_reply = true;
	tell(host, thread, index, name);
}

bool ipc_reply_take(struct ipc_host *host, struct ipc_thread *thread, mach_port_name_t name)
{
	struct ipc_windows *windows = thread->th_windows;
	struct ipc_entry *entry = ipc_entry_lookup(thread->th_task->t_space, name);

	if (!windows || windows->ws_replies == 0)
		return false;
	windows->ws_replies--;
	ipc_window_paid(host, thread, 1);
	/* Its word on the board needs no change: the thread is past it. */
	if (entry)
		entry->ie_reply = false;
	return true;
}

static void take_back(struct ipc_host *host, struct ipc_thread *thread, mach_port_name_t name)
{
	for (unsigned i = 0; thread->th_windows && i < MACHD_BOARD_REPLIES; i++)
		if (thread->th_windows->ws_reply[i] == name)
			tell(host, thread, i, MACH_PORT_NULL);
}

void ipc_reply_name_gone(struct ipc_host *host, struct ipc_space *space, struct ipc_entry *entry)
{
	mach_port_name_t name = ipc_entry_name(space, entry);

	if (!entry->ie_reply)
		return;
	entry->ie_reply = false;
	if (!space->is_task)
		return;
	LIST_FOR_EACH (node, &space->is_task->t_threads)
		take_back(host, list_entry(node, struct ipc_thread, th_task_link), name);
}

void ipc_reply_withdraw(struct ipc_host *host, struct ipc_thread *thread)
{
	for (unsigned i = 0; thread->th_windows && i < MACHD_BOARD_REPLIES; i++)
		if (thread->th_windows->ws_reply[i])
			tell(host, thread, i, MACH_PORT_NULL);
}

void ipc_reply_forget(struct ipc_host *host, struct ipc_thread *thread)
{
	struct ipc_windows *windows = thread->th_windows;

	ipc_reply_withdraw(host, thread);
	ipc_window_paid(host, thread, windows->ws_replies);
	windows->ws_replies = 0;
}
