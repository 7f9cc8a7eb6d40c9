/* SPDX-License-Identifier: Apache-2.0 */
/* Recount all references and charges of a machine and compare them with its own counters. */
#include "tests/lab/lab_audit.h"

#include <stdlib.h>

#include "daemon/boot/registry.h"
#include "daemon/boot/start.h"
#include "daemon/boot/subset.h"
#include "daemon/ipc/ipc_account.h"
#include "daemon/ipc/ipc_bell.h"
#include "daemon/ipc/ipc_fileport.h"
#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_importance.h"
#include "daemon/ipc/ipc_kmsg.h"
#include "daemon/ipc/ipc_label.h"
#include "daemon/ipc/ipc_port.h"
#include "daemon/ipc/ipc_pset.h"
#include "daemon/ipc/ipc_space.h"
#include "daemon/ipc/ipc_task.h"
#include "daemon/ipc/ipc_thread.h"
#include "daemon/ipc/ipc_voucher.h"
#include "daemon/ipc/kmsg_layout.h"
#include "tests/lab/lab_inherit.h"
#include "tests/lab/lab_window.h"

/* What points at a port, as found. */
struct port_count {
	const struct ipc_port *port;
	uint32_t refs, srights, sorights, lent;
	uint32_t sending, waiting; /* threads */
	uint32_t boosts, inside;   /* its own, and with those of ports in its queue */
	uint32_t promised;	   /* to windows */
	uint32_t receive;	   /* places where its receive right is: at most one */
};

struct audit {
	const struct ipc_host *host;
	struct port_count *ports;
	size_t port_count;
	uint64_t messages, bytes, memfds, memory, entries, psets, names, links, bells, services,
		donors, promises;
};

static int by_port(const void *a, const void *b)
{
	const struct ipc_port *x = ((const struct port_count *)a)->port;
	const struct ipc_port *y = ((const struct port_count *)b)->port;

	return (x > y) - (x < y);
}

static struct port_count *count_of(struct audit *audit, const struct ipc_port *port)
{
	const struct port_count key = {.port = port};
	struct port_count *count =
		bsearch(&key, audit->ports, audit->port_count, sizeof key, by_port);

	LAB_CHECK(count, "something points at a port that does not exist");
	return count;
}

static void list_ports(struct audit *audit)
{
	LIST_FOR_EACH (node, &audit->host->h_ports)
		audit->port_count++;
	LAB_TRUE(audit->port_count == audit->host->h_port_count);
	audit->ports = calloc(audit->port_count, sizeof *audit->ports);
	LAB_TRUE(audit->ports);
	audit->port_count = 0;
	LIST_FOR_EACH (node, &audit->host->h_ports)
		audit->ports[audit->port_count++].port = list_entry(node, struct ipc_port, ip_link);
	qsort(audit->ports, audit->port_count, sizeof *audit->ports, by_port);
}

/* A right that is in no space; none if the port is NULL or IP_DEAD. */
static void count_naked(struct audit *audit, const struct ipc_port *port, uint8_t type)
{
	struct port_count *count;

	if (!IP_VALID(port))
		return;
	count = count_of(audit, port);
	count->refs++;
	count->srights += type == MACH_MSG_TYPE_PORT_SEND;
	count->sorights += type == MACH_MSG_TYPE_PORT_SEND_ONCE;
	count->receive += type == MACH_MSG_TYPE_PORT_RECEIVE;
	LAB_TRUE(type == MACH_MSG_TYPE_PORT_SEND || type == MACH_MSG_TYPE_PORT_SEND_ONCE ||
		 type == MACH_MSG_TYPE_PORT_RECEIVE);
}

/* The rights of one descriptor of a message that waits for `dest`. */
static void count_body_rights(struct audit *audit, const struct ipc_kmsg *kmsg,
			      const struct ikm_descriptor *desc, const struct ipc_port *dest)
{
	if (!layout_is_port(desc->d_type) && desc->d_type != MACH_MSG_OOL_PORTS_DESCRIPTOR)
		return;
	for (uint32_t i = 0; i < desc->d_count; i++) {
		const struct ipc_port *port = kmsg->ikm_rights[desc->d_first + i].r_port;

		count_naked(audit, port, desc->d_disposition);
		if (!IP_VALID(port) || desc->d_disposition != MACH_MSG_TYPE_PORT_RECEIVE)
			continue;
		LAB_TRUE(port->ip_place == IP_IN_TRANSIT);
		LAB_TRUE(port->ip_destination == dest);
	}
}

/* A message that waits for `dest`, in its queue or with a blocked sender. */
static void count_message(struct audit *audit, const struct ipc_kmsg *kmsg,
			  const struct ipc_port *dest)
{
	const struct ikm_header *header = &kmsg->ikm_header;

	LAB_TRUE(header->ikm_dest == dest);
	count_naked(audit, header->ikm_dest, header->ikm_dest_type);
	count_naked(audit, header->ikm_reply, header->ikm_reply_type);
	count_naked(audit, header->ikm_voucher, MACH_MSG_TYPE_PORT_SEND);
	LAB_TRUE(!header->ikm_voucher || header->ikm_voucher->ip_voucher);
	for (uint32_t i = 0; i < header->ikm_descriptors; i++)
		count_body_rights(audit, kmsg, &kmsg->ikm_desc[i], dest);
	count_of(audit, dest)->boosts += kmsg->ikm_donation.dn_raised;
	lab_audit_donation(&kmsg->ikm_donation);
	if (kmsg->ikm_timer)
		count_of(audit, kmsg->ikm_timer)->refs++;
	audit->messages++;
	audit->bytes += kmsg->ikm_charge;
	audit->memfds += header->ikm_fd_count;
	for (uint32_t i = 0; i < header->ikm_fd_count; i++)
		audit->memory += kmsg->ikm_fds[i].f_size;
}

static void count_requests(struct audit *audit, const struct ipc_port *port)
{
	const struct ipc_requests *requests = &port->ip_requests;
	uint32_t armed = 0;

	count_of(audit, port)->boosts += port->ip_armed_boost;
	count_naked(audit, port->ip_nsrequest, MACH_MSG_TYPE_PORT_SEND_ONCE);
	count_naked(audit, port->ip_pdrequest, MACH_MSG_TYPE_PORT_SEND_ONCE);
	for (uint32_t i = 0; i < requests->rs_size; i++) {
		count_naked(audit, requests->rs_table[i].ir_notify, MACH_MSG_TYPE_PORT_SEND_ONCE);
		armed += requests->rs_table[i].ir_armed;
	}
	LAB_TRUE(armed == requests->rs_armed);
}

static void count_queue(struct audit *audit, const struct ipc_port *port)
{
	uint32_t messages = 0;
	uint64_t bytes = 0;
	mach_msg_qos_t override = MACH_MSG_QOS_LAST;

	LIST_FOR_EACH (node, &port->ip_messages) {
		const struct ipc_kmsg *kmsg = list_entry(node, struct ipc_kmsg, ikm_work.w_link);

		LAB_CHECK(kmsg->ikm_override <= override,
			  "a message holds up one with a higher override");
		override = kmsg->ikm_override;
		count_message(audit, kmsg, port);
		bytes += kmsg->ikm_charge;
		messages++;
	}
	LAB_CHECK(messages == port->ip_msgcount, "a queue of %u messages counts %u", messages,
		  port->ip_msgcount);
	LAB_TRUE(bytes == port->ip_bytes);
	LAB_TRUE(ipc_port_active(port) || messages == 0);
	LAB_CHECK(list_empty(&port->ip_senders) || messages >= port->ip_qlimit,
		  "a sender is blocked though there is room");
	LAB_CHECK(list_empty(&port->ip_receivers) || messages == 0,
		  "a receiver waits though there are messages");
}

static bool on_list(const struct list *head, const struct list *wanted)
{
	LIST_FOR_EACH (node, head)
		if (node == wanted)
			return true;
	return false;
}

/* Is the thread on the list of a port's senders, at its QoS, and are those in order? */
static bool among_senders(const struct list *senders, const struct ipc_thread *wanted)
{
	unsigned last = MACH_MSG_QOS_LAST + 1;
	bool found = false;

	LIST_FOR_EACH (node, senders) {
		const struct ipc_thread *leader = list_entry(node, struct ipc_thread, th_link);

		LAB_CHECK(leader->th_qos < last, "senders wait in the wrong order");
		last = leader->th_qos;
		found |= leader == wanted || (leader->th_qos == wanted->th_qos &&
					      on_list(&leader->th_followers, &wanted->th_link));
	}
	return found;
}

static void check_memberships(const struct ipc_port *port)
{
	bool ready = !list_empty(&port->ip_messages);
	uint32_t count = 0;

	LIST_FOR_EACH (node, &port->ip_members) {
		const struct ipc_member *member = list_entry(node, struct ipc_member, m_port_link);

		LAB_TRUE(member->m_port == port && member->m_set->ps_active);
		LAB_TRUE(port->ip_place == IP_IN_SPACE &&
			 member->m_set->ps_space == port->ip_receiver);
		LAB_CHECK(list_empty(&member->m_ready_link) == !ready,
			  "a set does not know which of its members have messages");
		LAB_CHECK(!ready || list_empty(&member->m_set->ps_receivers),
			  "a receiver waits on a set though there are messages");
		count++;
	}
	LAB_TRUE(count == port->ip_member_count);
}

/* The port at the top of those that are inside one another, found by walking. */
static const struct ipc_port *outermost(const struct ipc_port *port)
{
	while (port->ip_place == IP_IN_TRANSIT)
		port = port->ip_destination;
	return port;
}

/* The trees of what is in transit say the same. */
static void check_transit(const struct ipc_port *port)
{
	const struct ipc_port *top = outermost(port);
	const struct ipc_transit_node *node = &port->ip_transit.t_open;

	while (node->tn_up) {
		LAB_CHECK(node->tn_up->tn_weight >= node->tn_weight, "a treap is no heap");
		LAB_TRUE(node->tn_up->tn_left == node || node->tn_up->tn_right == node);
		node = node->tn_up;
	}
	while (node->tn_left)
		node = node->tn_left;
	LAB_CHECK(node == &top->ip_transit.t_open, "a port in transit is in the wrong tree");
}

static void check_set(struct audit *audit, const struct ipc_pset *set)
{
	uint32_t refs = set->ps_active;

	LIST_FOR_EACH (node, &set->ps_receivers)
		refs++;
	LAB_TRUE(refs == set->ps_refs && refs == set->ps_active + set->ps_waiting);
	LIST_FOR_EACH (node, &set->ps_members) {
		LAB_TRUE(list_entry(node, struct ipc_member, m_set_link)->m_set == set);
		audit->links++;
	}
	LIST_FOR_EACH (node, &set->ps_ready)
		LAB_TRUE(on_list(&set->ps_members,
				 &list_entry(node, struct ipc_member, m_ready_link)->m_set_link));
}

/* A knote has something to tell if messages wait, or if what it hung on has gone. */
static void check_knote(const struct ipc_knote *knote)
{
	const struct ipc_bell *bell = knote->kn_bell;
	const struct list *messages = NULL, *knotes = NULL;

	if (knote->kn_port) {
		messages = &knote->kn_port->ip_messages;
		knotes = &knote->kn_port->ip_knotes;
		LAB_TRUE(knote->kn_port->ip_receiver == bell->bl_task->t_space);
		LAB_TRUE(knote->kn_port->ip_name == knote->kn_name);
	} else if (knote->kn_set) {
		messages = &knote->kn_set->ps_ready;
		knotes = &knote->kn_set->ps_knotes;
		LAB_TRUE(knote->kn_set->ps_active && knote->kn_set->ps_name == knote->kn_name);
	}
	LAB_TRUE(!knotes || on_list(knotes, &knote->kn_object_link));
	LAB_CHECK(on_list(&bell->bl_ready, &knote->kn_ready_link) ==
			  (!messages || !list_empty(messages)),
		  "a bell does not know what it has to tell");
}

static void count_bells(struct audit *audit, const struct ipc_task *task)
{
	LIST_FOR_EACH (node, &task->t_bells) {
		const struct ipc_bell *bell = list_entry(node, struct ipc_bell, bl_link);

		LAB_TRUE(bell->bl_task == task);
		audit->bells++;
		LIST_FOR_EACH (knote, &bell->bl_knotes) {
			check_knote(list_entry(knote, struct ipc_knote, kn_bell_link));
			audit->links++;
		}
	}
}

static void count_ports(struct audit *audit)
{
	LIST_FOR_EACH (node, &audit->host->h_ports) {
		const struct ipc_port *port = list_entry(node, struct ipc_port, ip_link);

		count_requests(audit, port);
		if (port->ip_timer)
			count_naked(audit, port, MACH_MSG_TYPE_PORT_SEND);
		audit->memfds += port->ip_file != IPC_FD_NONE;
		audit->entries += port->ip_memory ? port->ip_memory->im_charge : 0;
		if (port->ip_semaphore || port->ip_voucher || port->ip_file ||
		    (port->ip_kind == IP_EVENTLINK && ipc_port_active(port)))
			count_naked(audit, port, MACH_MSG_TYPE_PORT_RECEIVE);
		count_queue(audit, port);
		if (!list_empty(&port->ip_host_link))
			count_naked(audit, port, MACH_MSG_TYPE_PORT_SEND_ONCE);
		check_memberships(port);
		check_transit(port);
		if (port->ip_place == IP_IN_TRANSIT)
			count_of(audit, port->ip_destination)->refs++;
		LAB_CHECK(port->ip_place != IP_IN_LIMBO, "a receive right is nowhere");
	}
	LIST_FOR_EACH (node, &audit->host->h_psets) {
		check_set(audit, list_entry(node, struct ipc_pset, ps_link));
		audit->psets++;
	}
}

static void count_entry(struct audit *audit, struct ipc_space *space, struct ipc_entry *entry)
{
	struct ipc_port *port = entry->ie_port;
	struct port_count *count;

	LAB_TRUE(!(entry->ie_type & (MACH_PORT_TYPE_SEND | MACH_PORT_TYPE_SEND_ONCE |
				     MACH_PORT_TYPE_DEAD_NAME)) == (entry->ie_urefs == 0));
	if (!(entry->ie_type & MACH_PORT_TYPE_PORT_RIGHTS)) {
		LAB_TRUE(entry->ie_type == MACH_PORT_TYPE_PORT_SET ||
			 entry->ie_type == MACH_PORT_TYPE_DEAD_NAME || entry->ie_lent);
		if (entry->ie_lent)
			count_of(audit, port)->lent++;
		return;
	}
	count = count_of(audit, port);
	count->refs++;
	count->srights += (entry->ie_type & MACH_PORT_TYPE_SEND) != 0;
	count->sorights += (entry->ie_type & MACH_PORT_TYPE_SEND_ONCE) != 0;
	if (entry->ie_type & MACH_PORT_TYPE_RECEIVE) {
		count->receive++;
		LAB_TRUE(port->ip_place == IP_IN_SPACE && port->ip_receiver == space);
		LAB_TRUE(port->ip_name == ipc_entry_name(space, entry));
	}
	if (entry->ie_type & MACH_PORT_TYPE_SEND_RECEIVE)
		LAB_CHECK(ipc_hash_lookup(space, port) == entry, "the reverse table is wrong");
	if (entry->ie_request)
		LAB_TRUE(entry->ie_request <= port->ip_requests.rs_size &&
			 ipc_request_get(port, entry->ie_request)->ir_used);
}

/* Every chain of the reverse table ends, and has names of ports in it and nothing else. */
static uint32_t count_chains(const struct ipc_space *space)
{
	uint32_t count = 0;

	for (uint32_t bucket = 0; bucket <= space->is_hash_mask; bucket++) {
		for (uint32_t i = space->is_hash[bucket]; i; i = space->is_table[i].ie_next) {
			LAB_CHECK(i < space->is_size && (space->is_table[i].ie_type &
							 MACH_PORT_TYPE_SEND_RECEIVE),
				  "the reverse table holds a name that is no port's");
			LAB_CHECK(++count < space->is_size, "the reverse table has a circle");
		}
	}
	return count;
}

static void count_space(struct audit *audit, struct ipc_space *space)
{
	uint32_t used = 0, free_entries = 0, ports = 0, rights[MACH_PORT_RIGHT_DEAD_NAME + 1] = {0};
	uint64_t queued = 0, bytes = 0;

	audit->names += space->is_size;
	LAB_TRUE(space->is_table[0].ie_type == 0);
	for (uint32_t i = 1; i < space->is_size; i++) {
		if (space->is_table[i].ie_type == 0 && !space->is_table[i].ie_lent)
			continue;
		count_entry(audit, space, &space->is_table[i]);
		ports += (space->is_table[i].ie_type & MACH_PORT_TYPE_SEND_RECEIVE) != 0;
		for (unsigned right = 0; right <= MACH_PORT_RIGHT_DEAD_NAME; right++)
			rights[right] += (space->is_table[i].ie_type & MACH_PORT_TYPE(right)) != 0;
		if (space->is_table[i].ie_type & MACH_PORT_TYPE_RECEIVE) {
			queued += space->is_table[i].ie_port->ip_msgcount;
			bytes += space->is_table[i].ie_port->ip_bytes;
		}
		used++;
	}
	LAB_TRUE(count_chains(space) == ports);
	for (unsigned right = 0; right <= MACH_PORT_RIGHT_DEAD_NAME; right++)
		LAB_CHECK(rights[right] == space->is_rights[right],
			  "%u rights of kind %u, it says %u", rights[right], right,
			  space->is_rights[right]);
	LAB_TRUE(queued == space->is_queued && bytes == space->is_queued_bytes);
	LAB_TRUE(space->is_peak >= space->is_used);
	for (uint32_t i = space->is_table[0].ie_next; i; i = space->is_table[i].ie_next) {
		LAB_TRUE(i < space->is_size && space->is_table[i].ie_type == 0);
		LAB_CHECK(++free_entries < space->is_size, "the free list is a circle");
	}
	LAB_CHECK(used == space->is_used && used + free_entries + 1 == space->is_size,
		  "%u names and %u free entries in a table of %u that counts %u", used,
		  free_entries, space->is_size, space->is_used);
}

static void check_threads(const struct ipc_task *task)
{
	uint32_t count = 0, waiting = 0;

	LIST_FOR_EACH (node, &task->t_threads) {
		const struct ipc_thread *thread = list_entry(node, struct ipc_thread, th_task_link);

		LAB_TRUE(thread->th_task == task);
		waiting += thread->th_state != TH_IDLE;
		count++;
	}
	LAB_TRUE(count == task->t_thread_count && count <= task->t_thread_peak);
	LAB_TRUE(waiting == task->t_waiting);
}

static void count_promised(void *context, const struct ipc_port *port, uint32_t count)
{
	count_of(context, port)->promised += count;
}

static void count_thread(struct audit *audit, const struct ipc_thread *thread)
{
	LAB_TRUE(thread->th_state != TH_READY);
	LAB_TRUE((thread->th_state == TH_SENDING) == (thread->th_kmsg != NULL));
	LAB_TRUE((thread->th_state == TH_IDLE) == (!thread->th_port && !thread->th_set));
	LAB_TRUE(thread->th_state != TH_IDLE || !thread->th_timed);
	LAB_TRUE(!thread->th_held);
	audit->promises += lab_audit_windows(thread, count_promised, audit);
	if (thread->th_port) {
		struct port_count *count = count_of(audit, thread->th_port);

		count->refs++;
		count->sending += thread->th_state == TH_SENDING;
		count->waiting += thread->th_state != TH_SENDING;
	}
	if (thread->th_special)
		count_of(audit, thread->th_special)->refs++;
	count_naked(audit, thread->th_voucher, MACH_MSG_TYPE_PORT_SEND);
	count_naked(audit, thread->th_self, MACH_MSG_TYPE_PORT_RECEIVE);
	if (thread->th_kmsg) {
		LAB_TRUE(among_senders(&thread->th_port->ip_senders, thread));
		count_message(audit, thread->th_kmsg, thread->th_port);
	}
}

/* A declared name is nobody's, and may have no port yet; a kept one's may be with the daemon. */
static void count_service(struct audit *audit, const struct boot_service *service)
{
	LAB_TRUE(service->s_kept || service->s_user);
	LAB_TRUE(boot_declared(service) || service->s_port);
	audit->services += service->s_user != NULL;
	if (!service->s_port)
		return;
	LAB_TRUE(ipc_port_active(service->s_port));
	count_naked(audit, service->s_port, MACH_MSG_TYPE_PORT_SEND);
	if (service->s_port->ip_place != IP_KEPT)
		return;
	LAB_TRUE(boot_kept(service->s_port));
	if (service->s_kept) /* and not as another name of the same port */
		count_naked(audit, service->s_port, MACH_MSG_TYPE_PORT_RECEIVE);
}

static void count_subset(struct audit *audit, const struct boot_subset *subset)
{
	const struct boot_service *service;

	LAB_TRUE(ipc_port_active(subset->ss_requestor));
	count_naked(audit, subset->ss_port, MACH_MSG_TYPE_PORT_RECEIVE);
	count_naked(audit, subset->ss_parent, MACH_MSG_TYPE_PORT_SEND);
	count_naked(audit, subset->ss_requestor, MACH_MSG_TYPE_PORT_SEND);
	for (service = subset->ss_services; service; service = service->hh.next) {
		LAB_TRUE(!boot_declared(service));
		count_service(audit, service);
	}
}

static void count_holders(struct audit *audit)
{
	const struct ipc_host *host = audit->host;
	const struct ipc_thread *thread;
	const struct boot_service *service;
	uint64_t tasks = 0;

	count_naked(audit, host->h_host_port, MACH_MSG_TYPE_PORT_RECEIVE);
	count_naked(audit, host->h_host_priv_port, MACH_MSG_TYPE_PORT_RECEIVE);
	count_naked(audit, host->h_bootstrap_port, MACH_MSG_TYPE_PORT_RECEIVE);
	for (unsigned i = 0; i <= CALENDAR_CLOCK; i++)
		count_naked(audit, host->h_clocks[i], MACH_MSG_TYPE_PORT_RECEIVE);
	for (unsigned i = 0; i <= HOST_MAX_SPECIAL_PORT; i++)
		count_naked(audit, host->h_special[i], MACH_MSG_TYPE_PORT_SEND);
	LIST_FOR_EACH (node, &host->h_tasks) {
		const struct ipc_task *task = list_entry(node, struct ipc_task, t_link);

		count_naked(audit, task->t_self, MACH_MSG_TYPE_PORT_RECEIVE);
		for (unsigned i = 0; i < TASK_VIEWS; i++)
			count_naked(audit, task->t_views[i], MACH_MSG_TYPE_PORT_RECEIVE);
		for (unsigned i = 0; i < TASK_SPECIALS; i++)
			count_naked(audit, task->t_special[i], MACH_MSG_TYPE_PORT_SEND);
		for (unsigned i = 0; i < TASK_PORT_REGISTER_MAX; i++)
			count_naked(audit, task->t_registered[i], MACH_MSG_TYPE_PORT_SEND);
		count_space(audit, task->t_space);
		check_threads(task);
		count_bells(audit, task);
		tasks++;
	}
	LAB_TRUE(tasks == host->h_task_count);
	for (thread = host->h_threads; thread; thread = thread->hh.next)
		count_thread(audit, thread);
	for (service = host->h_services; service; service = service->hh.next)
		count_service(audit, service);
	LIST_FOR_EACH (node, &host->h_ports) {
		const struct ipc_port *port = list_entry(node, struct ipc_port, ip_link);

		if (port->ip_subset)
			count_subset(audit, port->ip_subset);
	}
}

/* Each voucher has a port that lives, and users. */
static void check_vouchers(const struct ipc_host *host)
{
	const struct ipc_voucher *voucher;

	for (voucher = host->h_vouchers; voucher; voucher = voucher->hh.next) {
		LAB_TRUE(voucher->iv_port->ip_voucher == voucher);
		LAB_TRUE(ipc_port_active(voucher->iv_port) && voucher->iv_port->ip_srights > 0);
	}
}

static void compare_ports(const struct audit *audit)
{
	uint64_t owed = audit->host->h_timers.ts_timers;

	for (size_t i = 0; i < audit->port_count; i++) {
		const struct port_count *count = &audit->ports[i];
		const struct ipc_port *port = count->port;
		unsigned long long id = (unsigned long long)port->ip_id;

		LAB_CHECK(count->refs == port->ip_refs, "port %llu: %u references, it says %u", id,
			  count->refs, port->ip_refs);
		LAB_CHECK(count->srights == port->ip_srights, "port %llu: %u senders, it says %u",
			  id, count->srights, port->ip_srights);
		LAB_TRUE(count->sorights == port->ip_sorights);
		owed += port->ip_sorights;
		LAB_TRUE(count->sending == port->ip_sending && count->waiting == port->ip_waiting);
		LAB_TRUE(count->promised == port->ip_promised && count->lent == port->ip_lent);
		LAB_TRUE(count->promised == 0 ||
			 port->ip_msgcount + port->ip_promised <= port->ip_qlimit);
		LAB_TRUE(count->receive == (uint32_t)ipc_port_active(port));
	}
	LAB_TRUE(owed == audit->host->h_owed);
}

/* A port's boosts count for every port that it is inside of. */
static void add_up_boosts(struct audit *audit)
{
	for (size_t i = 0; i < audit->port_count; i++) {
		const struct port_count *count = &audit->ports[i];
		const struct ipc_port *up = count->port;

		LAB_CHECK(count->boosts == up->ip_boosts, "a port has %u boosts and counts %u",
			  count->boosts, up->ip_boosts);
		if (count->boosts == 0)
			continue;
		count_of(audit, up)->inside += count->boosts;
		while (up->ip_place == IP_IN_TRANSIT) {
			up = up->ip_destination;
			count_of(audit, up)->inside += count->boosts;
		}
	}
}

/* What makes a task important: its ports' boosts, the replies it owes, what it holds. */
static void check_importance(struct audit *audit, const struct ipc_task *task)
{
	const struct ipc_space *space = task->t_space;
	uint64_t boosts = task->t_held + lab_audit_inherited(audit->host, task->t_source);
	for (uint32_t i = 1; i < space->is_size; i++) {
		const struct ipc_entry *entry = &space->is_table[i];

		LAB_TRUE(!entry->ie_boosts || entry->ie_type == MACH_PORT_TYPE_SEND_ONCE);
		boosts += entry->ie_boosts;
		if ((entry->ie_type & MACH_PORT_TYPE_RECEIVE) && !entry->ie_port->ip_tempowner)
			boosts += count_of(audit, entry->ie_port)->inside;
	}
	LAB_CHECK(boosts == task->t_boosts, "a task has %llu boosts and counts %llu",
		  (unsigned long long)boosts, (unsigned long long)task->t_boosts);
	LAB_CHECK(task->t_boost_told == (boosts != 0), "nobody was told of a boost");
	audit->donors += task->t_donor;
}

static void compare_boosts(struct audit *audit)
{
	add_up_boosts(audit);
	for (size_t i = 0; i < audit->port_count; i++)
		LAB_CHECK(audit->ports[i].inside == ipc_importance_of(audit->ports[i].port),
			  "port %llu: the boosts in its queue do not add up",
			  (unsigned long long)audit->ports[i].port->ip_id);
	LIST_FOR_EACH (node, &audit->host->h_tasks)
		check_importance(audit, list_entry(node, struct ipc_task, t_link));
}

/* Labels there are: each has as many references as ports have it. */
static uint64_t count_labels(const struct audit *audit)
{
	uint64_t labels = 0;

	for (size_t i = 0; i < audit->port_count; i++) {
		const struct ipc_label *label = audit->ports[i].port->ip_label;
		uint32_t before = 0, refs = 0;

		for (size_t k = 0; label && k < audit->port_count; k++) {
			bool same = audit->ports[k].port->ip_label == label;

			refs += same;
			before += same && k < i;
		}
		LAB_TRUE(!label || label->l_refs == refs);
		labels += label && before == 0;
	}
	return labels;
}

/* What is charged to processes is charged to their user, and nothing else of these kinds is. */
static void compare_accounts(const struct ipc_user *user)
{
	const struct ipc_account *account;
	uint64_t held[IPC_CHARGE_KINDS] = {0};

	for (account = user->u_accounts; account; account = account->hh.next)
		for (unsigned i = 0; i < IPC_CHARGE_KINDS; i++)
			held[i] += account->ac_held[i];
	for (unsigned i = IPC_CHARGE_CHANNELS; i <= IPC_CHARGE_BELLS; i++)
		LAB_TRUE(held[i] == user->u_held[i]);
}

static void compare_users(const struct audit *audit)
{
	const struct ipc_host *host = audit->host;
	uint64_t held[IPC_CHARGE_KINDS] = {0}, counted[IPC_CHARGE_KINDS] = {0}, owned = 0;

	LIST_FOR_EACH (node, &host->h_users) {
		const struct ipc_user *user = list_entry(node, struct ipc_user, u_link);

		for (unsigned i = 0; i < IPC_CHARGE_KINDS; i++)
			held[i] += user->u_held[i];
		for (unsigned i = 0; i < IPC_CHARGE_KINDS; i++)
			counted[i] += user->u_held[i] < ipc_user_limit_value(host, i)
					      ? user->u_held[i]
					      : ipc_user_limit_value(host, i);
		compare_accounts(user);
	}
	for (unsigned i = 0; i < IPC_CHARGE_KINDS; i++)
		LAB_TRUE(counted[i] == host->h_held[i]);
	for (size_t i = 0; i < audit->port_count; i++)
		owned += audit->ports[i].port->ip_account &&
			 (audit->ports[i].port->ip_place != IP_KEPT ||
			  boot_kept(audit->ports[i].port)->s_account);
	LAB_TRUE(held[IPC_CHARGE_TASKS] == host->h_task_count);
	LAB_TRUE(held[IPC_CHARGE_LINKS] == audit->links);
	LAB_TRUE(held[IPC_CHARGE_BELLS] == audit->bells);
	LAB_TRUE(held[IPC_CHARGE_CHANNELS] == host->h_thread_count);
	LAB_TRUE(held[IPC_CHARGE_NAMES] == audit->names);
	LAB_TRUE(held[IPC_CHARGE_PORTS] == owned + audit->psets + count_labels(audit));
	LAB_TRUE(held[IPC_CHARGE_MESSAGES] == audit->messages);
	LAB_TRUE(held[IPC_CHARGE_BYTES] == audit->bytes - audit->memory);
	LAB_TRUE(held[IPC_CHARGE_MEMORY] == audit->memory + audit->entries);
	LAB_TRUE(held[IPC_CHARGE_MEMFDS] == audit->memfds);
	LAB_TRUE(held[IPC_CHARGE_VOUCHERS] == HASH_COUNT(host->h_vouchers));
	LAB_TRUE(held[IPC_CHARGE_SERVICES] == audit->services);
	LAB_TRUE(held[IPC_CHARGE_DONORS] == audit->donors);
	LAB_TRUE(held[IPC_CHARGE_PROMISES] == audit->promises);
	LAB_TRUE(held[IPC_CHARGE_RINGS] == host->h_ring_count);
	LAB_TRUE(host->h_queued == audit->messages);
	LAB_TRUE(host->h_queued_bytes == audit->bytes);
	LAB_TRUE(host->h_memfds == audit->memfds);
}

void lab_audit(struct lab *lab)
{
	struct audit audit = {.host = lab->host};

	LAB_CHECK(!trap_has_work(lab->host), "there is work left to do");
	LAB_TRUE(list_empty(&lab->host->h_ready));
	LAB_TRUE(list_empty(&lab->host->h_boost_changes));
	LAB_TRUE(!ipc_source_unsettled(lab->host));
	list_ports(&audit);
	count_ports(&audit);
	count_holders(&audit);
	compare_ports(&audit);
	compare_boosts(&audit);
	compare_users(&audit);
	check_vouchers(lab->host);
	lab_audit_inherits(lab->host);
	free(audit.ports);
}
