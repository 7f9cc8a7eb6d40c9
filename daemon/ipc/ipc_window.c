/* SPDX-License-Identifier: Apache-2.0 */
/* Windows: opened, used up, closed; see ipc_window.h for what they promise. */
#include "daemon/ipc/ipc_window.h"

#include "daemon/base/mem.h"
#include "daemon/ipc/ipc_account.h"
#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_kmsg.h"
#include "daemon/ipc/ipc_port.h"
#include "daemon/ipc/ipc_reply.h"
#include "daemon/ipc/ipc_right.h"
#include "daemon/ipc/ipc_space.h"
#include "daemon/ipc/ipc_task.h"
#include "daemon/ipc/ipc_thread.h"

/* Messages promised at a time, at first; doubled each time the client had to ask again. */
#define SIZE_FIRST 4

/* Messages still promised. Counts are modulo 2^32. */
static uint32_t left(const struct ipc_window *window)
{
	int32_t count = (int32_t)(window->w_end - window->w_taken);

	return count > 0 ? (uint32_t)count : 0;
}

/* Messages that may still come, also if the window was closed: the client may have seen it open. */
static uint32_t unseen(const struct ipc_window *window)
{
	int32_t count = (int32_t)(window->w_promised - window->w_taken);

	return count > 0 ? (uint32_t)count : 0;
}

static unsigned index_of(const struct ipc_window *window)
{
	return (unsigned)(window - window->w_thread->th_windows->ws_window);
}

static void tell(struct ipc_host *host, const struct ipc_window *window)
{
	host->h_outbox->window(host->h_outbox->context, window->w_thread, index_of(window),
			       machd_window(window->w_name, window->w_end));
}

/* Nothing more is promised, for no name. What the client saw promised may still come. */
static void close_window(struct ipc_host *host, struct ipc_window *window)
{
	if (left(window)) {
		window->w_port->ip_promised -= left(window);
		window->w_end = window->w_taken;
		tell(host, window);
	}
	list_remove(&window->w_open);
	list_remove(&window->w_wants);
	window->w_port = NULL;
}

/* Room in the queue that is not promised; none while senders are blocked: they come first. */
static uint32_t room(const struct ipc_port *port)
{
	uint64_t used = (uint64_t)port->ip_msgcount + port->ip_promised;

	if (!list_empty(&port->ip_senders) || used >= port->ip_qlimit)
		return 0;
	return (uint32_t)(port->ip_qlimit - used);
}

/*
 * Would the messages promised to all tasks of the user, and `count` more, fit within its limits
 * even if each is as large as it may be?
 */
static bool affords(const struct ipc_host *host, const struct ipc_account *account, uint32_t count)
{
	uint64_t promises = account->ac_user->u_held[IPC_CHARGE_PROMISES] + count;

	return ipc_account_fits(host, account, IPC_CHARGE_PROMISES, count) &&
	       ipc_account_fits(host, account, IPC_CHARGE_MESSAGES, promises) &&
	       ipc_account_fits(host, account, IPC_CHARGE_BYTES, promises * IKM_PROMISED_MAX);
}

/*
 * Charge for `more` messages and reserve their memory: when they come there is nobody to report a
 * lack of it to.
 */
static bool pay(struct ipc_host *host, struct ipc_account *account, uint32_t more)
{
	if (!mem_reserve_keep(&host->h_reserve, host->h_promised + more) ||
	    !ipc_account_charge(host, account, IPC_CHARGE_PROMISES, more))
		return false;
	host->h_promised += more;
	return true;
}

bool ipc_window_pay(struct ipc_host *host, const struct ipc_thread *thread, uint32_t count)
{
	struct ipc_account *account = thread->th_task->t_account;

	return affords(host, account, count) && pay(host, account, count);
}

void ipc_window_paid(struct ipc_host *host, const struct ipc_thread *thread, uint32_t count)
{
	host->h_promised -= count;
	ipc_account_discharge(thread->th_task->t_account, IPC_CHARGE_PROMISES, count);
}

/* Open the window by `count`. Charged is only what exceeds the furthest it was ever open. */
static bool promise(struct ipc_host *host, struct ipc_window *window, uint32_t count)
{
	struct ipc_account *account = window->w_thread->th_task->t_account;
	uint32_t from = left(window) ? window->w_end : window->w_taken;
	uint32_t before = unseen(window), more;

	more = (int32_t)(from + count - window->w_promised) > 0
		       ? from + count - window->w_taken - before
		       : 0;
	if (!affords(host, account, count) || !pay(host, account, more))
		return false;
	if (left(window) == 0)
		list_append(&window->w_port->ip_windows, &window->w_open);
	window->w_port->ip_promised += count;
	window->w_end = from + count;
	if (more)
		window->w_promised = window->w_end;
	tell(host, window);
	return true;
}

/*
 * Open the window up to its size, or as far as there is room. If that is less than half, it is
 * opened further when the queue gets shorter.
 */
static void open_window(struct ipc_host *host, struct ipc_window *window)
{
	uint32_t wanted = window->w_size - left(window), there = room(window->w_port);
	uint32_t count = wanted < there ? wanted : there;

	while (count && !promise(host, window, count))
		count /= 2;
	list_remove(&window->w_wants);
	if (left(window) <= window->w_size / 2)
		list_append(&window->w_port->ip_wanted, &window->w_wants);
}

kern_return_t ipc_window_board(struct ipc_host *host, struct ipc_thread *thread)
{
	struct ipc_windows *windows;

	ipc_window_end(host, thread);
	windows = mem_alloc(sizeof *windows);
	if (!windows)
		return KERN_RESOURCE_SHORTAGE;
	for (unsigned i = 0; i < MACHD_BOARD_WINDOWS; i++) {
		windows->ws_window[i].w_thread = thread;
		list_init(&windows->ws_window[i].w_open);
		list_init(&windows->ws_window[i].w_wants);
	}
	thread->th_windows = windows;
	return KERN_SUCCESS;
}

static struct ipc_window *window_of(const struct ipc_thread *thread, mach_port_name_t name)
{
	if (!thread->th_windows)
		return NULL;
	return &thread->th_windows->ws_window[machd_window_of(name)];
}

/* Is a plain send to this name one that can only succeed or block? */
static bool plain(const struct ipc_task *task, const struct ipc_entry *entry)
{
	const struct ipc_port *port = entry->ie_port;

	return (entry->ie_type & MACH_PORT_TYPE_SEND) && ipc_port_active(port) &&
	       port->ip_kind == IP_PLAIN && port->ip_place != IP_IN_DAEMON &&
	       !port->ip_only_reply && !(task->t_filtered && port->ip_filtered);
}

/* With no room left, the window that was opened longest ago gives way to this one. */
static void make_room(struct ipc_host *host, struct ipc_port *port, const struct ipc_window *window)
{
	struct ipc_window *oldest = list_first(&port->ip_windows, struct ipc_window, w_open);

	if (room(port) == 0 && list_empty(&port->ip_senders) && oldest && oldest != window)
		close_window(host, oldest);
}

void ipc_window_ask(struct ipc_host *host, struct ipc_thread *thread, mach_port_name_t name)
{
	struct ipc_window *window = window_of(thread, name);
	struct ipc_entry *entry = ipc_entry_lookup(thread->th_task->t_space, name);

	if (!window || !entry || !plain(thread->th_task, entry))
		return;
	if (window->w_port && window->w_name != name)
		close_window(host, window);
	if (window->w_name != name)
		window->w_size = SIZE_FIRST;
	else if (window->w_size < MACHD_WINDOW_MAX)
		window->w_size *= 2;
	window->w_port = entry->ie_port;
	window->w_name = name;
	entry->ie_windows = true;
	make_room(host, window->w_port, window);
	open_window(host, window);
}

bool ipc_window_take(struct ipc_host *host, struct ipc_thread *thread, mach_port_name_t name)
{
	struct ipc_window *window = window_of(thread, name);

	if (!window || unseen(window) == 0)
		return false;
	ipc_window_paid(host, thread, 1);
	if (left(window)) {
		window->w_port->ip_promised--;
		if (left(window) == 1)
			list_remove(&window->w_open);
	} else {
		window->w_end++;
	}
	window->w_taken++;
	return true;
}

struct ipc_port *ipc_window_port(const struct ipc_thread *thread, mach_port_name_t name)
{
	const struct ipc_window *window = window_of(thread, name);

	return window->w_name == name ? window->w_port : IP_NULL;
}

void ipc_window_taken(struct ipc_host *host, struct ipc_thread *thread, mach_port_name_t name)
{
	struct ipc_window *window = window_of(thread, name);

	if (window && window->w_port && left(window) <= window->w_size / 2)
		open_window(host, window);
}

void ipc_window_fuller(struct ipc_host *host, struct ipc_port *port)
{
	struct ipc_window *oldest;

	while ((uint64_t)port->ip_msgcount + port->ip_promised > port->ip_qlimit &&
	       (oldest = list_first(&port->ip_windows, struct ipc_window, w_open)))
		close_window(host, oldest);
}

void ipc_window_emptier(struct ipc_host *host, struct ipc_port *port)
{
	struct ipc_window *window = list_first(&port->ip_wanted, struct ipc_window, w_wants);

	if (window && room(port))
		open_window(host, window);
}

void ipc_window_port_died(struct ipc_host *host, struct ipc_port *port)
{
	struct ipc_window *window;

	while ((window = list_first(&port->ip_windows, struct ipc_window, w_open)))
		close_window(host, window);
	while ((window = list_first(&port->ip_wanted, struct ipc_window, w_wants)))
		close_window(host, window);
}

void ipc_window_name_gone(struct ipc_host *host, struct ipc_space *space, struct ipc_entry *entry)
{
	mach_port_name_t name = ipc_entry_name(space, entry);

	if (!entry->ie_windows)
		return;
	entry->ie_windows = false;
	if (!space->is_task)
		return;
	LIST_FOR_EACH (node, &space->is_task->t_threads) {
		struct ipc_window *window =
			window_of(list_entry(node, struct ipc_thread, th_task_link), name);

		if (window && window->w_port && window->w_name == name)
			close_window(host, window);
	}
}

void ipc_window_policy_changed(struct ipc_host *host)
{
	for (struct ipc_thread *thread = host->h_threads; thread; thread = thread->hh.next) {
		ipc_reply_withdraw(host, thread);
		if (!thread->th_windows || !thread->th_task->t_filtered)
			continue;
		for (unsigned i = 0; i < MACHD_BOARD_WINDOWS; i++) {
			struct ipc_window *window = &thread->th_windows->ws_window[i];

			if (window->w_port && window->w_port->ip_filtered)
				close_window(host, window);
		}
	}
}

void ipc_window_end(struct ipc_host *host, struct ipc_thread *thread)
{
	struct ipc_windows *windows = thread->th_windows;

	if (!windows)
		return;
	ipc_reply_forget(host, thread);
	for (unsigned i = 0; i < MACHD_BOARD_WINDOWS; i++) {
		struct ipc_window *window = &windows->ws_window[i];

		ipc_window_paid(host, thread, unseen(window));
		if (window->w_port)
			close_window(host, window);
	}
	thread->th_windows = NULL;
	mem_free(windows);
	mem_reserve_trim(&host->h_reserve, host->h_promised + MEM_RESERVE_CHUNK); /* for the next */
}
