/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pages of rights that are under no name: in messages that wait, behind requests, kept with tasks,
 * threads and the host; and the sets that ports are in. A walk over all objects in four stretches,
 * which may stop anywhere: within the rights of a message, too.
 */
#include "daemon/boot/registry.h"
#include "daemon/ipc/ipc_kmsg.h"
#include "daemon/ipc/ipc_port.h"
#include "daemon/ipc/ipc_pset.h"
#include "daemon/ipc/ipc_request.h"
#include "daemon/ipc/ipc_space.h"
#include "daemon/ipc/ipc_task.h"
#include "daemon/ipc/ipc_thread.h"
#include "daemon/ipc/ipc_timer.h"
#include "daemon/ipc/ipc_trace.h"
#include "daemon/ipc/ipc_user.h"
#include "daemon/ipc/kmsg_layout.h"
#include "daemon/watch/page.h"

/* Where a walk over a port has come to (pl_stage); pl_part counts within the stage. */
enum { PORT_ITSELF, PORT_REQUESTS, PORT_SETS, PORT_MESSAGES };

/* Whose a record is. */
static void belongs_to(struct machd_watch_hold *record, const struct ipc_task *task)
{
	record->uid = task ? task->t_user->u_uid : MACHD_WATCH_NO_UID;
	if (task) {
		record->task = task->t_id;
		record->pid = task->t_pid;
	}
}

/* Add a record of a right to `port`, if there is one, and it was asked for. */
static void add_hold(struct page *page, struct machd_watch_hold *record,
		     const struct ipc_port *port, bool also_seen)
{
	const struct machd_watch *request = page->p_request;

	if (!IP_VALID(port))
		return;
	record->object = port->ip_id;
	if (record->count == 0)
		record->count = 1;
	if (request->object && request->object != record->object && request->object != record->via)
		return;
	if (request->pid && request->pid != record->pid && request->pid != record->sender_pid)
		return;
	if (also_seen || page_sees(page, record->uid))
		page_add(page, record);
}

static void add_kept(struct page *page, const struct ipc_task *task, uint32_t kind,
		     const struct ipc_port *port)
{
	struct machd_watch_hold record = {.kind = kind, .type = MACH_MSG_TYPE_PORT_SEND};

	belongs_to(&record, task);
	add_hold(page, &record, port, false);
}

static void list_host(struct page *page)
{
	for (unsigned i = 0; i <= HOST_MAX_SPECIAL_PORT; i++)
		add_kept(page, NULL, MACHD_WATCH_HOST_SPECIAL, page->p_host->h_special[i]);
}

static bool list_tasks(struct page *page)
{
	struct ipc_place *place = page->p_place;
	struct list *tasks = &page->p_host->h_tasks;

	for (; place->pl_task != tasks; place->pl_task = place->pl_task->next) {
		const struct ipc_task *task = list_entry(place->pl_task, struct ipc_task, t_link);

		if (!page_goes_on(page))
			return false;
		for (unsigned i = 0; i < TASK_SPECIALS; i++)
			add_kept(page, task, MACHD_WATCH_TASK_SPECIAL, task->t_special[i]);
		for (unsigned i = 0; i < TASK_PORT_REGISTER_MAX; i++)
			add_kept(page, task, MACHD_WATCH_REGISTERED, task->t_registered[i]);
	}
	return true;
}

/* A message, and whose its rights will be. */
struct letter {
	const struct ipc_kmsg *l_kmsg;
	struct machd_watch_hold l_record; /* what its rights have in common */
	bool l_seen;			  /* the watcher may see the sender */
};

static struct letter letter_of(const struct page *page, const struct ipc_kmsg *kmsg, uint32_t kind,
			       const struct ipc_task *owner, uint64_t since)
{
	const struct ikm_header *header = &kmsg->ikm_header;
	struct letter letter = {.l_kmsg = kmsg};
	struct machd_watch_hold *record = &letter.l_record;

	belongs_to(record, owner);
	record->kind = kind;
	record->via = header->ikm_dest->ip_id;
	record->message = header->ikm_id;
	record->age = page->p_host->h_now - since;
	record->msgh_id = header->ikm_msgh_id;
	record->sender_pid = (int32_t)header->ikm_audit.val[IPC_AUDIT_PID];
	letter.l_seen = kmsg->ikm_sender_word != 0 &&
			page_sees(page, header->ikm_audit.val[IPC_AUDIT_EUID]);
	return letter;
}

static void add_right(struct page *page, const struct letter *letter, const struct ipc_port *port,
		      uint32_t type)
{
	struct machd_watch_hold record = letter->l_record;

	record.type = type;
	add_hold(page, &record, port, letter->l_seen);
}

/* The rights of a message, but for the one to the port that it is for; false: more of them. */
static bool list_rights(struct page *page, const struct letter *letter)
{
	const struct ipc_kmsg *kmsg = letter->l_kmsg;
	struct ipc_place *place = page->p_place;

	if (!page_goes_on(page))
		return false;
	if (place->pl_part == 0) {
		const struct ikm_header *header = &kmsg->ikm_header;

		add_right(page, letter, header->ikm_reply, header->ikm_reply_type);
		add_right(page, letter, header->ikm_voucher, MACH_MSG_TYPE_PORT_SEND);
		place->pl_part = 1;
	}
	for (; place->pl_part <= kmsg->ikm_header.ikm_descriptors; place->pl_part++) {
		const struct ikm_descriptor *desc = &kmsg->ikm_desc[place->pl_part - 1];
		bool rights = layout_is_port(desc->d_type) ||
			      desc->d_type == MACH_MSG_OOL_PORTS_DESCRIPTOR;

		for (; rights && place->pl_right < desc->d_count; place->pl_right++) {
			if (!page_goes_on(page))
				return false;
			add_right(page, letter,
				  kmsg->ikm_rights[desc->d_first + place->pl_right].r_port,
				  desc->d_disposition);
		}
		place->pl_right = 0;
		if (!page_goes_on(page)) {
			place->pl_part++;
			return false;
		}
	}
	place->pl_part = place->pl_right = 0;
	return true;
}

static bool list_threads(struct page *page)
{
	struct ipc_place *place = page->p_place;

	for (; place->pl_thread; place->pl_thread = place->pl_thread->hh.next) {
		const struct ipc_thread *thread = place->pl_thread;

		if (!page_goes_on(page))
			return false;
		if (thread->th_kmsg) {
			struct letter letter = letter_of(page, thread->th_kmsg, MACHD_WATCH_BLOCKED,
							 thread->th_task, thread->th_since);

			if (!list_rights(page, &letter))
				return false;
		}
		place->pl_part = place->pl_right = 0;
		if (thread->th_voucher)
			add_kept(page, thread->th_task, MACHD_WATCH_VOUCHER_OF, thread->th_voucher);
	}
	return true;
}

/* A request about a port: the notification goes to another one, whose receiver asked. */
static void add_request(struct page *page, const struct ipc_port *about, uint32_t kind,
			const struct ipc_port *notify, mach_port_name_t name)
{
	struct machd_watch_hold record = {.kind = kind,
					  .via = about->ip_id,
					  .type = MACH_MSG_TYPE_PORT_SEND_ONCE,
					  .name = name};

	if (!IP_VALID(notify))
		return;
	belongs_to(&record, watch_receiver(notify));
	add_hold(page, &record, notify, false);
}

/* Declared names are the daemon's. */
static uint32_t owner_uid(const struct page *page, const struct boot_service *service)
{
	return service->s_user ? service->s_user->u_uid : page->p_host->h_owner_uid;
}

static void list_port_itself(struct page *page, const struct ipc_port *port)
{
	struct machd_watch_hold record = {.kind = MACHD_WATCH_CALENDAR,
					  .type = MACH_MSG_TYPE_PORT_SEND_ONCE};

	add_request(page, port, MACHD_WATCH_NO_SENDERS, port->ip_nsrequest, MACH_PORT_NULL);
	add_request(page, port, MACHD_WATCH_PORT_DESTROYED, port->ip_pdrequest, MACH_PORT_NULL);
	belongs_to(&record, watch_receiver(port));
	if (!list_empty(&port->ip_host_link))
		add_hold(page, &record, port, false);
	record.type = MACH_MSG_TYPE_PORT_SEND;
	record.kind = MACHD_WATCH_TIMER_OF;
	if (port->ip_timer)
		add_hold(page, &record, port, false);
	if (!port->ip_service)
		return;
	record = (struct machd_watch_hold){.kind = MACHD_WATCH_BOOTSTRAP,
					   .uid = owner_uid(page, port->ip_service),
					   .type = MACH_MSG_TYPE_PORT_SEND};
	for (const struct boot_service *service = port->ip_service; service;
	     service = service->s_next)
		record.count++;
	add_hold(page, &record, port, false);
}

static bool list_requests(struct page *page, const struct ipc_port *port)
{
	const struct ipc_requests *requests = &port->ip_requests;
	struct ipc_place *place = page->p_place;

	for (; place->pl_part < requests->rs_size; place->pl_part++) {
		const struct ipc_request *request = &requests->rs_table[place->pl_part];

		if (!page_goes_on(page))
			return false;
		if (request->ir_used)
			add_request(page, port,
				    request->ir_send_possible ? MACHD_WATCH_SEND_POSSIBLE
							      : MACHD_WATCH_DEAD_NAME,
				    request->ir_notify, request->ir_name);
	}
	return true;
}

/* A port is in a limited number of sets: going there again on each page costs little. */
static bool list_sets(struct page *page, const struct ipc_port *port)
{
	struct ipc_place *place = page->p_place;
	uint32_t at = 0;

	LIST_FOR_EACH (node, &port->ip_members) {
		const struct ipc_pset *set =
			list_entry(node, struct ipc_member, m_port_link)->m_set;
		struct machd_watch_hold record = {
			.kind = MACHD_WATCH_MEMBER, .via = set->ps_id, .name = set->ps_name};

		if (at++ < place->pl_part)
			continue;
		if (!page_goes_on(page))
			return false;
		belongs_to(&record, watch_receiver(port));
		add_hold(page, &record, port, false);
		place->pl_part = at;
	}
	return true;
}

static bool list_queue(struct page *page, struct ipc_port *port)
{
	struct ipc_place *place = page->p_place;

	if (!place->pl_kmsg)
		place->pl_kmsg = port->ip_messages.next;
	while (place->pl_kmsg != &port->ip_messages) {
		const struct ipc_kmsg *kmsg =
			list_entry(place->pl_kmsg, struct ipc_kmsg, ikm_work.w_link);
		struct letter letter = letter_of(page, kmsg, MACHD_WATCH_QUEUED,
						 watch_receiver(port), kmsg->ikm_since);

		if (!list_rights(page, &letter))
			return false;
		place->pl_kmsg = place->pl_kmsg->next;
	}
	return true;
}

/* What is there of a port from where the last page ended; false: there is more. */
static bool list_port(struct page *page, struct ipc_port *port)
{
	struct ipc_place *place = page->p_place;
	bool done = true;

	while (done && place->pl_stage <= PORT_MESSAGES) {
		switch (place->pl_stage) {
		case PORT_ITSELF:
			list_port_itself(page, port);
			break;
		case PORT_REQUESTS:
			done = list_requests(page, port);
			break;
		case PORT_SETS:
			done = list_sets(page, port);
			break;
		case PORT_MESSAGES:
			done = list_queue(page, port);
			break;
		}
		if (!done)
			return false;
		place->pl_stage++;
		place->pl_part = 0;
	}
	return true;
}

static bool list_ports(struct page *page)
{
	struct ipc_place *place = page->p_place;
	struct list *ports = &page->p_host->h_ports;

	while (place->pl_port != ports) {
		struct ipc_port *port = list_entry(place->pl_port, struct ipc_port, ip_link);

		if (!page_goes_far(page) || !list_port(page, port))
			return false;
		place->pl_port = place->pl_port->next;
		place->pl_kmsg = NULL;
		place->pl_stage = place->pl_part = place->pl_right = 0;
	}
	return true;
}

void watch_holds(struct page *page)
{
	struct ipc_host *host = page->p_host;
	bool first;

	if (!page_begin(page, &first))
		return;
	if (first) {
		page->p_place->pl_task = host->h_tasks.next;
		page->p_place->pl_thread = host->h_threads;
		page->p_place->pl_port = host->h_ports.next;
		list_host(page);
	}
	if (list_tasks(page) && list_threads(page) && list_ports(page))
		page_done(page);
	else
		page_more(page);
}
