/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The digest of a machine's state: every object in an order that does not depend on addresses, each
 * pointer replaced by the id of what it points at. Equal states have equal digests, whatever way
 * they were reached.
 */
#include <sodium.h>

#include "daemon/boot/policy.h"
#include "daemon/boot/registry.h"
#include "daemon/boot/subset.h"
#include "daemon/ipc/ipc_account.h"
#include "daemon/ipc/ipc_bell.h"
#include "daemon/ipc/ipc_eventlink.h"
#include "daemon/ipc/ipc_fileport.h"
#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_inherit.h"
#include "daemon/ipc/ipc_kmsg.h"
#include "daemon/ipc/ipc_label.h"
#include "daemon/ipc/ipc_place.h"
#include "daemon/ipc/ipc_port.h"
#include "daemon/ipc/ipc_pset.h"
#include "daemon/ipc/ipc_semaphore.h"
#include "daemon/ipc/ipc_space.h"
#include "daemon/ipc/ipc_task.h"
#include "daemon/ipc/ipc_thread.h"
#include "daemon/ipc/ipc_trace.h"
#include "daemon/ipc/ipc_user.h"
#include "daemon/ipc/ipc_voucher.h"
#include "daemon/ipc/ipc_walk.h"
#include "daemon/ipc/ipc_window.h"
#include "daemon/trap/trap.h"

struct digest {
	crypto_generichash_state d_state;
};

static void add_bytes(struct digest *digest, const void *bytes, size_t size)
{
	crypto_generichash_update(&digest->d_state, bytes, size);
}

static void add(struct digest *digest, uint64_t word)
{
	add_bytes(digest, &word, sizeof word);
}

/* 0: none, 1: dead; ids of real ports are larger, as the daemon's own take the first. */
static void add_port_ref(struct digest *digest, const struct ipc_port *port)
{
	if (IP_VALID(port))
		add(digest, 2 + port->ip_id);
	else
		add(digest, port == IP_DEAD);
}

static void add_descriptors(struct digest *digest, const struct ipc_kmsg *kmsg)
{
	for (uint32_t i = 0; i < kmsg->ikm_header.ikm_descriptors; i++)
		add_bytes(digest, &kmsg->ikm_desc[i], sizeof kmsg->ikm_desc[i]);
	for (uint32_t i = 0; i < kmsg->ikm_header.ikm_right_count; i++)
		add_port_ref(digest, kmsg->ikm_rights[i].r_port);
}

static void add_kmsg(struct digest *digest, const struct ipc_kmsg *kmsg)
{
	const struct ikm_header *header = &kmsg->ikm_header;

	add(digest, kmsg->ikm_since);
	add(digest, header->ikm_id);
	add_port_ref(digest, header->ikm_dest);
	add_port_ref(digest, header->ikm_reply);
	add(digest, header->ikm_dest_type | header->ikm_reply_type << 8 |
			    header->ikm_voucher_type << 16 | (uint32_t)header->ikm_complex << 24);
	add_port_ref(digest, header->ikm_voucher);
	add(digest, header->ikm_voucher_field);
	add(digest, header->ikm_msgh_id);
	add(digest, header->ikm_priority | (uint64_t)kmsg->ikm_override << 32 |
			    (uint64_t)kmsg->ikm_donation.dn_raised << 40);
	add(digest, kmsg->ikm_donation.dn_source ? kmsg->ikm_donation.dn_source->so_id : 0);
	add_bytes(digest, &header->ikm_security, sizeof header->ikm_security);
	add_bytes(digest, &header->ikm_audit, sizeof header->ikm_audit);
	add_descriptors(digest, kmsg);
	for (uint32_t i = 0; i < header->ikm_fd_count; i++)
		add_bytes(digest, &kmsg->ikm_fds[i], sizeof kmsg->ikm_fds[i]);
	add(digest, header->ikm_body_size);
	add_bytes(digest, kmsg->ikm_body, header->ikm_inline_size);
	add_bytes(digest, kmsg->ikm_data, header->ikm_data_size);
	add_bytes(digest, kmsg->ikm_aux, header->ikm_aux_size);
}

static void add_threads(struct digest *digest, const struct list *threads)
{
	LIST_FOR_EACH (node, threads)
		add(digest, list_entry(node, struct ipc_thread, th_link)->th_id);
	add(digest, 0);
}

/* Those that wait to send, the most urgent first. */
static void add_senders(struct digest *digest, const struct list *senders)
{
	LIST_FOR_EACH (node, senders) {
		const struct ipc_thread *leader = list_entry(node, struct ipc_thread, th_link);

		add(digest, leader->th_id);
		add(digest, leader->th_qos);
		add_threads(digest, &leader->th_followers);
	}
	add(digest, 0);
}

static void add_requests(struct digest *digest, const struct ipc_requests *requests)
{
	add(digest, requests->rs_free);
	for (uint32_t i = 0; i < requests->rs_size; i++) {
		const struct ipc_request *request = &requests->rs_table[i];

		add_port_ref(digest, request->ir_notify);
		add(digest, request->ir_name);
		add(digest, request->ir_used | request->ir_send_possible << 1 |
				    request->ir_armed << 2 | request->ir_told << 3);
	}
}

static void add_side(struct digest *digest, const struct ipc_eventlink_side *side)
{
	add(digest, side->es_count);
	add(digest, side->es_for);
	add(digest, side->es_thread ? side->es_thread->th_id : 0);
	add(digest, list_empty(&side->es_waiters) ? 0 : side->es_wanted);
	add_threads(digest, &side->es_waiters);
}

static void add_label(struct digest *digest, const struct ipc_label *label)
{
	add(digest, label->l_refs);
	add(digest, label->l_owner);
	add(digest, label->l_guard);
	add(digest, label->l_guarded | label->l_returning << 1);
	add_bytes(digest, &label->l_info, sizeof label->l_info);
}

static void add_service(struct digest *digest, const struct boot_service *service)
{
	add_bytes(digest, service->s_name, sizeof service->s_name);
	add_port_ref(digest, service->s_port);
	add(digest, service->s_checked_in | service->s_kept << 1 | service->s_failed << 2 |
			    boot_declared(service) << 3);
	add(digest, service->s_account ? (uint32_t)service->s_account->ac_pid : 0);
	add(digest, service->s_start);
	add(digest, service->s_window);
	add(digest, service->s_starts);
	add_bytes(digest, service->s_why, sizeof service->s_why);
}

static void add_subset(struct digest *digest, const struct boot_subset *subset)
{
	const struct boot_service *service;

	add_port_ref(digest, subset->ss_parent);
	add_port_ref(digest, subset->ss_requestor);
	add(digest, subset->ss_user->u_uid);
	for (service = subset->ss_services; service; service = service->hh.next)
		add_service(digest, service);
}

/* A window on a list, by the thread and the name that it is for. */
static void add_windows(struct digest *digest, const struct list *windows, size_t link)
{
	LIST_FOR_EACH (node, windows) {
		const struct ipc_window *window =
			(const struct ipc_window *)((const char *)node - link);

		add(digest, window->w_thread->th_id);
		add(digest, window->w_name);
	}
	add(digest, 0);
}

static void add_thread_window(struct digest *digest, const struct ipc_window *window)
{
	add(digest, window->w_name | (uint64_t)window->w_size << 32);
	add(digest, window->w_taken | (uint64_t)window->w_end << 32);
	add(digest, window->w_promised);
}

static void add_port(struct digest *digest, const struct ipc_port *port)
{
	add(digest, port->ip_id);
	add(digest, port->ip_refs);
	add(digest, port->ip_kind | port->ip_place << 8);
	add(digest, port->ip_name);
	add_port_ref(digest, port->ip_place == IP_IN_TRANSIT ? port->ip_destination : NULL);
	add(digest, port->ip_mscount);
	add(digest, port->ip_srights);
	add(digest, port->ip_sorights);
	add(digest, port->ip_context);
	add(digest, port->ip_reply_persona);
	add(digest, port->ip_guarded | port->ip_strict << 1 | port->ip_immovable << 2 |
			    port->ip_enforces_reply << 3 | port->ip_reply_port << 4 |
			    port->ip_only_reply << 5 | port->ip_special_reply << 6 |
			    port->ip_service_port << 7 | port->ip_connection << 8 |
			    port->ip_filtered << 9 | port->ip_no_grant << 10 |
			    port->ip_throttled << 11 | port->ip_defended << 12);
	if (port->ip_subset)
		add_subset(digest, port->ip_subset);
	if (port->ip_label)
		add_label(digest, port->ip_label);
	if (port->ip_eventlink)
		add_side(digest, port->ip_eventlink);
	if (port->ip_semaphore) {
		add(digest, (uint32_t)port->ip_semaphore->sm_value);
		add_threads(digest, &port->ip_semaphore->sm_waiters);
	}
	if (port->ip_timer) {
		add(digest, port->ip_timer->tm_deadline);
		add(digest, port->ip_timer->tm_sent);
	}
	add(digest, port->ip_file);
	if (port->ip_memory) {
		add(digest, port->ip_memory->im_offset);
		add(digest, port->ip_memory->im_size);
		add(digest, port->ip_memory->im_charge);
		add(digest, port->ip_memory->im_protection);
	}
	if (port->ip_voucher)
		add_bytes(digest, port->ip_voucher->iv_sizes, port->ip_voucher->iv_size);
	add(digest,
	    port->ip_accepts_importance | port->ip_tempowner << 1 | port->ip_armed_boost << 2);
	add(digest, port->ip_boosts);
	add(digest, port->ip_seqno);
	add(digest, port->ip_qlimit);
	add(digest, port->ip_msgcount | (uint64_t)port->ip_promised << 32);
	add(digest, port->ip_lent ? port->ip_lent | port->ip_lent_to->th_id << 32 : 0);
	add_windows(digest, &port->ip_windows, offsetof(struct ipc_window, w_open));
	add_windows(digest, &port->ip_wanted, offsetof(struct ipc_window, w_wants));
	add_port_ref(digest, port->ip_nsrequest);
	add_port_ref(digest, port->ip_pdrequest);
	add_requests(digest, &port->ip_requests);
	LIST_FOR_EACH (node, &port->ip_messages)
		add_kmsg(digest, list_entry(node, struct ipc_kmsg, ikm_work.w_link));
	add_senders(digest, &port->ip_senders);
	add_threads(digest, &port->ip_receivers);
	LIST_FOR_EACH (node, &port->ip_members)
		add(digest, list_entry(node, struct ipc_member, m_port_link)->m_set->ps_id);
}

static void add_set(struct digest *digest, const struct ipc_pset *set)
{
	add(digest, set->ps_id);
	add(digest, set->ps_refs);
	add(digest, set->ps_name);
	LIST_FOR_EACH (node, &set->ps_ready)
		add(digest, list_entry(node, struct ipc_member, m_ready_link)->m_port->ip_id);
	add_threads(digest, &set->ps_receivers);
}

static void add_entry(struct digest *digest, const struct ipc_entry *entry)
{
	add(digest, entry->ie_type);
	add(digest, entry->ie_gen | entry->ie_roll << 8 | entry->ie_had_receive << 10 |
			    entry->ie_boosts << 11 | entry->ie_windows << 12 |
			    entry->ie_reply << 13 | entry->ie_lent << 14 |
			    (uint32_t)entry->ie_urefs << 16);
	add(digest, entry->ie_request);
	if ((entry->ie_type & MACH_PORT_TYPE_PORT_RIGHTS) || entry->ie_lent)
		add_port_ref(digest, entry->ie_port);
	else if (entry->ie_type == MACH_PORT_TYPE_PORT_SET)
		add(digest, entry->ie_pset->ps_id);
	else if (entry->ie_type == 0)
		add(digest, entry->ie_next); /* the order of the free list */
}

/* Its knotes, and in which order they have something to tell. */
static void add_bell(struct digest *digest, const struct ipc_bell *bell)
{
	add(digest, bell->bl_id);
	add(digest, bell->bl_ring);
	add(digest, bell->bl_quiet);
	LIST_FOR_EACH (node, &bell->bl_knotes) {
		const struct ipc_knote *knote = list_entry(node, struct ipc_knote, kn_bell_link);

		add(digest, knote->kn_name);
		add_port_ref(digest, knote->kn_port);
		add(digest, knote->kn_set ? knote->kn_set->ps_id : 0);
	}
	LIST_FOR_EACH (node, &bell->bl_ready)
		add(digest, list_entry(node, struct ipc_knote, kn_ready_link)->kn_name);
}

/* Donations, in the order in which they follow. */
static void add_donations(struct digest *digest, const struct list *donations)
{
	LIST_FOR_EACH (node, donations) {
		const struct ipc_donation *donation =
			list_entry(node, struct ipc_donation, dn_link);

		if (donation->dn_inherited)
			add(digest,
			    list_entry(donation, struct ipc_inherit, in_donation)->in_to_id);
		else
			add(digest,
			    list_entry(donation, struct ipc_kmsg, ikm_donation)->ikm_header.ikm_id);
	}
	add(digest, 0);
}

static void add_source(struct digest *digest, const struct ipc_source *source)
{
	add(digest, source->so_inherited);
	add_donations(digest, &source->so_raised);
	add_donations(digest, &source->so_idle);
}

/* Sources that have changed. */
static void add_sources(struct digest *digest, const struct list *sources)
{
	LIST_FOR_EACH (node, sources)
		add(digest, list_entry(node, struct ipc_source, so_link)->so_id);
	add(digest, 0);
}

static void add_importance(struct digest *digest, const struct ipc_host *host)
{
	const struct ipc_inherit *inherit;

	add_sources(digest, &host->h_sources_lost);
	add_sources(digest, &host->h_sources_won);
	LIST_FOR_EACH (node, &host->h_sources_gone) {
		const struct ipc_source *source = list_entry(node, struct ipc_source, so_gone_link);

		add(digest, source->so_id);
		add_source(digest, source);
	}
	for (inherit = host->h_inherits; inherit; inherit = inherit->hh.next) {
		add(digest, inherit->in_from_id);
		add(digest, inherit->in_to_id);
		add(digest, inherit->in_depth | (uint64_t)inherit->in_donation.dn_raised << 32);
		add(digest, inherit->in_received | (uint64_t)inherit->in_dropped << 32);
		add(digest, inherit->in_vouchers | (uint64_t)inherit->in_heirs << 32);
		add(digest, inherit->in_via ? inherit->in_via->in_from_id : 0);
	}
}

static void add_task(struct digest *digest, const struct ipc_task *task)
{
	add(digest, task->t_id);
	add(digest, task->t_user->u_uid);
	add_bytes(digest, task->t_token, sizeof task->t_token);
	add_bytes(digest, &task->t_audit, sizeof task->t_audit);
	for (unsigned i = 0; i < TASK_VIEWS; i++)
		add_port_ref(digest, task->t_views[i]);
	for (unsigned i = 0; i < TASK_SPECIALS; i++)
		add_port_ref(digest, task->t_special[i]);
	add(digest, task->t_boosts);
	add(digest, task->t_held);
	add(digest, task->t_donor | task->t_boost_told << 1 | task->t_takes_boosts << 2);
	add_source(digest, task->t_source);
	add(digest, task->t_violations);
	add(digest, task->t_sent);
	add(digest, task->t_received);
	add(digest, task->t_thread_peak | (uint64_t)task->t_space->is_peak << 32);
	if (task->t_identity)
		add_bytes(digest, task->t_identity, sizeof *task->t_identity);
	add(digest, task->t_guard_behavior);
	add(digest, task->t_hardened | task->t_filtered << 1 | task->t_first << 2);
	for (unsigned i = 0; i < TASK_PORT_REGISTER_MAX; i++)
		add_port_ref(digest, task->t_registered[i]);
	LIST_FOR_EACH (node, &task->t_bells)
		add_bell(digest, list_entry(node, struct ipc_bell, bl_link));
	for (uint32_t i = 0; i < task->t_space->is_size; i++)
		add_entry(digest, &task->t_space->is_table[i]);
}

/* Where a watcher goes on; at the head of a list nothing is left of it. */
static void add_place(struct digest *digest, const struct ipc_host *host,
		      const struct ipc_place *place)
{
	const struct list *task = place->pl_task, *port = place->pl_port;
	const struct list *service = place->pl_service;

	add(digest, place->pl_table);
	add(digest, place->pl_object);
	add(digest, place->pl_task_id);
	add(digest, place->pl_pages);
	if (task && task != &host->h_tasks)
		add(digest, list_entry(task, struct ipc_task, t_link)->t_id);
	add(digest, place->pl_thread ? place->pl_thread->th_id : 0);
	if (port && port != &host->h_ports)
		add(digest, list_entry(port, struct ipc_port, ip_link)->ip_id);
	add(digest, place->pl_stage);
	add_bytes(digest, place->pl_name, sizeof place->pl_name);
	if (service && service != &host->h_service_list)
		add_bytes(digest, list_entry(service, struct boot_service, s_link)->s_name,
			  MACHD_SERVICE_NAME_MAX);
	add(digest, place->pl_part | (uint64_t)place->pl_right << 32);
}

static void add_replies(struct digest *digest, const struct ipc_thread *thread)
{
	const struct ipc_windows *windows = thread->th_windows;

	add(digest, thread->th_taken | (uint64_t)windows->ws_replies << 32);
	add_bytes(digest, windows->ws_lent, sizeof windows->ws_lent);
	add_bytes(digest, windows->ws_reply, sizeof windows->ws_reply);
}

/* The pages that watchers wait for, and what there is of the first. */
static void add_walks(struct digest *digest, const struct ipc_host *host)
{
	const struct ipc_page *page = host->h_page;

	LIST_FOR_EACH (node, &host->h_walks) {
		const struct ipc_walk *walk = list_entry(node, struct ipc_walk, wk_link);

		add(digest, walk->wk_thread->th_id);
		add_bytes(digest, &walk->wk_request, sizeof walk->wk_request);
	}
	if (!page->pg_walk)
		return;
	add(digest, page->pg_walk->wk_thread->th_id);
	add(digest, page->pg_steps);
	add_bytes(digest, &page->pg_answer, sizeof page->pg_answer);
	add_bytes(digest, page->pg_bytes, page->pg_rows.used);
}

static void add_thread(struct digest *digest, const struct ipc_host *host,
		       const struct ipc_thread *thread)
{
	add(digest, thread->th_id);
	add(digest, thread->th_task ? thread->th_task->t_id : 0);
	add(digest, thread->th_state | thread->th_held << 8 | thread->th_watches << 9 |
			    thread->th_inspects << 10 | thread->th_ring << 11 |
			    thread->th_cancelled << 12);
	add(digest, thread->th_sequence | (uint64_t)thread->th_wants << 32);
	for (unsigned i = 0; thread->th_windows && i < MACHD_BOARD_WINDOWS; i++)
		add_thread_window(digest, &thread->th_windows->ws_window[i]);
	add(digest, thread->th_lender ? thread->th_lender->ip_id : 0);
	add(digest, thread->th_lent | (uint64_t)thread->th_borrows << 32);
	if (thread->th_windows)
		add_replies(digest, thread);
	add(digest, thread->th_violates | (uint64_t)thread->th_violation.v_reason << 32);
	add(digest, thread->th_violation.v_name);
	add(digest, thread->th_violation.v_subcode);
	add_port_ref(digest, thread->th_port);
	add_port_ref(digest, thread->th_voucher);
	add_port_ref(digest, thread->th_self);
	add_port_ref(digest, thread->th_special);
	add(digest, thread->th_set ? thread->th_set->ps_id : 0);
	if (thread->th_state != TH_IDLE)
		add(digest, thread->th_since);
	if (thread->th_state == TH_OVER)
		add(digest, (uint32_t)thread->th_code | (uint64_t)thread->th_calls << 32);
	if (thread->th_place && thread->th_place->pl_table)
		add_place(digest, host, thread->th_place);
	if (thread->th_identity)
		add_bytes(digest, thread->th_identity, sizeof *thread->th_identity);
	if (thread->th_kmsg)
		add_kmsg(digest, thread->th_kmsg);
}

static void add_notify(struct digest *digest, const struct ipc_host *host)
{
	for (unsigned i = 0; i <= HOST_NOTIFY_TYPE_MAX; i++) {
		LIST_FOR_EACH (node, &host->h_notify[i])
			add_port_ref(digest, list_entry(node, struct ipc_port, ip_host_link));
		add(digest, 0);
	}
}

/* What is left of work that an earlier input put off, and how far it has come. */
static void add_work(void *context, const struct ipc_work *work)
{
	struct digest *digest = context;
	const struct ipc_kmsg *kmsg;
	const struct ipc_port *port;
	const struct ipc_space *space;

	add(digest, work->w_kind);
	switch (work->w_kind) {
	case IPC_WORK_TELL:
	case IPC_WORK_PORT:
		port = list_entry(work, struct ipc_port, ip_work);
		add(digest, port->ip_id);
		add(digest, port->ip_requests.rs_told);
		add_port_ref(digest, port->ip_last_words.lw_no_senders);
		add_port_ref(digest, port->ip_last_words.lw_deleted);
		break;
	case IPC_WORK_REPLY:
		kmsg = list_entry(work, struct ipc_kmsg, ikm_work);
		add_kmsg(digest, kmsg);
		add(digest, kmsg->ikm_caller);
		break;
	case IPC_WORK_KMSG:
	case IPC_WORK_CLEAN:
	case IPC_WORK_SERVED:
		kmsg = list_entry(work, struct ipc_kmsg, ikm_work);
		add(digest, kmsg->ikm_header.ikm_id);
		add(digest,
		    kmsg->ikm_clean.cl_descriptors | (uint64_t)kmsg->ikm_clean.cl_rights << 32);
		add(digest, kmsg->ikm_clean.cl_header | kmsg->ikm_clean.cl_refused << 8);
		break;
	case IPC_WORK_SET:
		add(digest, list_entry(work, struct ipc_pset, ps_work)->ps_id);
		break;
	case IPC_WORK_BELL:
		add_bell(digest, list_entry(work, struct ipc_bell, bl_work));
		break;
	case IPC_WORK_SPACE:
		space = list_entry(work, struct ipc_space, is_work);
		add(digest, space->is_cleaned | (uint64_t)space->is_used << 32);
		break;
	case IPC_WORK_KINDS:
		break;
	}
}

static void add_accounts(struct digest *digest, const struct ipc_user *user)
{
	const struct ipc_account *account;

	for (account = user->u_accounts; account; account = account->hh.next) {
		add(digest, account->ac_told);
		add(digest, account->ac_refused);
		add_bytes(digest, account->ac_held, sizeof account->ac_held);
		add_bytes(digest, account->ac_peak, sizeof account->ac_peak);
	}
}

static void add_host(struct digest *digest, const struct ipc_host *host)
{
	add(digest, host->h_last_id);
	add(digest, host->h_random);
	add(digest, host->h_calendar);
	add_bytes(digest, &host->h_machine, sizeof host->h_machine);
	for (unsigned i = 0; i <= HOST_MAX_SPECIAL_PORT; i++)
		add_port_ref(digest, host->h_special[i]);
	add_notify(digest, host);
	add(digest, host->h_port_count);
	add(digest, host->h_queued);
	add(digest, host->h_queued_bytes);
	add(digest, host->h_memfds);
	add(digest, host->h_sent);
	add(digest, host->h_received);
	add(digest, host->h_destroyed);
	add(digest, host->h_sent_bytes);
	add(digest, host->h_thread_peak);
	add(digest, host->h_ring_peak);
	add(digest, host->h_tracers);
	add(digest, host->h_trace ? host->h_trace->tr_next : 0);
	LIST_FOR_EACH (node, &host->h_users) {
		const struct ipc_user *user = list_entry(node, struct ipc_user, u_link);

		add(digest, user->u_uid);
		add_bytes(digest, user->u_held, sizeof user->u_held);
		add_bytes(digest, user->u_peak, sizeof user->u_peak);
		add(digest, user->u_sent);
		add(digest, user->u_received);
		add(digest, user->u_destroyed);
		add(digest, user->u_sent_bytes);
		add(digest, user->u_told);
		add_accounts(digest, user);
	}
}

/* What is allowed; names and who may use them; and those that are to be started. */
static void add_services(struct digest *digest, const struct ipc_host *host)
{
	const struct boot_service *service;

	add_bytes(digest, &host->h_policy, ipc_policy_size(&host->h_policy));
	add_bytes(digest, &host->h_names->bp_head, sizeof host->h_names->bp_head);
	add_bytes(digest, host->h_names->bp_rules, boot_policy_rules_size(host->h_names));
	for (service = host->h_services; service; service = service->hh.next)
		add_service(digest, service);
	LIST_FOR_EACH (node, &host->h_wanted)
		add_bytes(digest, list_entry(node, struct boot_service, s_wanted)->s_name,
			  MACHD_SERVICE_NAME_MAX);
}

void trap_digest(struct ipc_host *host, uint8_t bytes[TRAP_DIGEST_SIZE])
{
	struct digest digest;
	const struct ipc_thread *thread;

	crypto_generichash_init(&digest.d_state, NULL, 0, TRAP_DIGEST_SIZE);
	add_host(&digest, host);
	LIST_FOR_EACH (node, &host->h_tasks)
		add_task(&digest, list_entry(node, struct ipc_task, t_link));
	LIST_FOR_EACH (node, &host->h_ports)
		add_port(&digest, list_entry(node, struct ipc_port, ip_link));
	LIST_FOR_EACH (node, &host->h_psets)
		add_set(&digest, list_entry(node, struct ipc_pset, ps_link));
	for (thread = host->h_threads; thread; thread = thread->hh.next)
		add_thread(&digest, host, thread);
	add_threads(&digest, &host->h_over);
	add_walks(&digest, host);
	add_services(&digest, host);
	add_importance(&digest, host);
	ipc_work_each(host, add_work, &digest);
	crypto_generichash_final(&digest.d_state, bytes, TRAP_DIGEST_SIZE);
}
