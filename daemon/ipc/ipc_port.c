/* SPDX-License-Identifier: Apache-2.0 */
/* Ports: creation, naked rights, where the receive right is, and death. */
#include "daemon/ipc/ipc_port.h"

#include "daemon/base/mem.h"
#include "daemon/ipc/ipc_account.h"
#include "daemon/ipc/ipc_bell.h"
#include "daemon/ipc/ipc_eventlink.h"
#include "daemon/ipc/ipc_fileport.h"
#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_importance.h"
#include "daemon/ipc/ipc_label.h"
#include "daemon/ipc/ipc_loan.h"
#include "daemon/ipc/ipc_mqueue.h"
#include "daemon/ipc/ipc_notify.h"
#include "daemon/ipc/ipc_owed.h"
#include "daemon/ipc/ipc_place.h"
#include "daemon/ipc/ipc_pset.h"
#include "daemon/ipc/ipc_qos.h"
#include "daemon/ipc/ipc_semaphore.h"
#include "daemon/ipc/ipc_space.h"
#include "daemon/ipc/ipc_thread.h"
#include "daemon/ipc/ipc_timer.h"
#include "daemon/ipc/ipc_voucher.h"
#include "daemon/ipc/ipc_window.h"

struct ipc_port *ipc_port_create(struct ipc_host *host, struct ipc_account *payer)
{
	struct ipc_port *port = mem_alloc(sizeof *port);

	if (!port)
		return NULL;
	if (payer && !ipc_account_charge(host, payer, IPC_CHARGE_PORTS, 1)) {
		mem_free(port);
		return NULL;
	}
	port->ip_account = payer ? ipc_account_ref(payer) : NULL;
	port->ip_id = ipc_host_id(host);
	port->ip_refs = 1;
	port->ip_kind = IP_PLAIN;
	port->ip_place = IP_IN_LIMBO;
	port->ip_qlimit = MACH_PORT_QLIMIT_DEFAULT;
	list_init(&port->ip_messages);
	list_init(&port->ip_windows);
	list_init(&port->ip_wanted);
	list_init(&port->ip_senders);
	list_init(&port->ip_receivers);
	list_init(&port->ip_members);
	list_init(&port->ip_knotes);
	list_init(&port->ip_host_link);
	ipc_work_init(&port->ip_work, IPC_WORK_PORT);
	list_append(&host->h_ports, &port->ip_link);
	host->h_port_count++;
	return port;
}

struct ipc_port *ipc_port_create_special(struct ipc_host *host, enum ipc_port_kind kind)
{
	struct ipc_port *port = ipc_port_create(host, NULL);

	if (port) {
		port->ip_kind = kind;
		port->ip_place = IP_IN_DAEMON;
	}
	return port;
}

struct ipc_port *ipc_port_ref(struct ipc_port *port)
{
	port->ip_refs++;
	return port;
}

void ipc_port_release(struct ipc_host *host, struct ipc_port *port)
{
	if (--port->ip_refs)
		return;
	ipc_place_move_port(host, port);
	list_remove(&port->ip_link);
	host->h_port_count--;
	if (port->ip_account) {
		ipc_account_discharge(port->ip_account, IPC_CHARGE_PORTS, 1);
		ipc_account_put(port->ip_account);
	}
	ipc_label_release(port->ip_label);
	mem_free(port->ip_requests.rs_table);
	mem_free(port);
}

struct ipc_port *ipc_port_make_send(struct ipc_port *port)
{
	port->ip_mscount++;
	port->ip_srights++;
	return ipc_port_ref(port);
}

struct ipc_port *ipc_port_make_sonce(struct ipc_host *host, struct ipc_port *port)
{
	ipc_owed_begin(host);
	port->ip_sorights++;
	return ipc_port_ref(port);
}

struct ipc_port *ipc_port_copy_send(struct ipc_port *port)
{
	if (!ipc_port_active(port))
		return IP_DEAD;
	port->ip_srights++;
	return ipc_port_ref(port);
}

void ipc_port_orphaned(struct ipc_host *host, struct ipc_port *port)
{
	if (port->ip_semaphore)
		ipc_semaphore_orphaned(host, port);
	else if (port->ip_kind == IP_EVENTLINK)
		ipc_eventlink_orphaned(host, port);
	else if (port->ip_file)
		ipc_fileport_orphaned(host, port);
	else if (port->ip_subset)
		host->h_ops->o_subset_orphaned(host, port);
	else
		ipc_voucher_orphaned(host, port);
}

void ipc_port_release_send(struct ipc_host *host, struct ipc_port *port)
{
	struct ipc_port *notify = NULL;

	port->ip_srights--;
	if (port->ip_srights == 0 && port->ip_nsrequest && ipc_port_active(port)) {
		notify = port->ip_nsrequest;
		port->ip_nsrequest = NULL;
	}
	if (notify)
		ipc_notify_no_senders(host, notify, port->ip_mscount);
	if (port->ip_srights == 0 && ipc_port_dies_unsent(port))
		ipc_port_orphaned(host, port);
	ipc_port_release(host, port);
}

void ipc_port_release_sonce(struct ipc_host *host, struct ipc_port *port)
{
	ipc_owed_end(host);
	port->ip_sorights--;
	ipc_port_release(host, port);
}

void ipc_port_clear_receiver(struct ipc_host *host, struct ipc_port *port)
{
	ipc_loan_settle(host, port);
	ipc_pset_remove_from_all(port, NULL);
	ipc_mqueue_changed(host, &port->ip_receivers);
	if (port->ip_service_port)
		ipc_label_leaves(port);
	ipc_knotes_gone(&port->ip_knotes);
	ipc_importance_leaves(host, port);
	port->ip_receiver->is_queued -= port->ip_msgcount;
	port->ip_receiver->is_queued_bytes -= port->ip_bytes;
	port->ip_mscount = 0;
	port->ip_seqno = 0;
	port->ip_context = 0;
	port->ip_guarded = port->ip_strict = port->ip_immovable = false;
	port->ip_receiver = NULL;
	port->ip_name = MACH_PORT_NULL;
	port->ip_place = IP_IN_LIMBO;
}

/* A receive right that was in transit is in limbo. */
static void clear_destination(struct ipc_host *host, struct ipc_port *port)
{
	struct ipc_port *dest = port->ip_destination;

	if (port->ip_place != IP_IN_TRANSIT)
		return;
	ipc_importance_leaves(host, port);
	ipc_transit_take(&port->ip_transit);
	port->ip_place = IP_IN_LIMBO;
	port->ip_destination = NULL;
	ipc_port_release(host, dest);
}

void ipc_port_set_receiver(struct ipc_host *host, struct ipc_port *port, struct ipc_space *space,
			   mach_port_name_t name)
{
	clear_destination(host, port);
	port->ip_place = IP_IN_SPACE;
	port->ip_receiver = space;
	space->is_queued += port->ip_msgcount;
	space->is_queued_bytes += port->ip_bytes;
	port->ip_name = name;
	ipc_importance_arrived(host, port);
	if (port->ip_service_port)
		ipc_label_arrives(port);
}

bool ipc_port_set_destination(struct ipc_host *host, struct ipc_port *port, struct ipc_port *dest)
{
	if (ipc_transit_together(&port->ip_transit, &dest->ip_transit))
		return false;
	ipc_transit_put(host, &port->ip_transit, &dest->ip_transit);
	port->ip_place = IP_IN_TRANSIT;
	port->ip_destination = ipc_port_ref(dest);
	ipc_importance_arrived(host, port);
	return true;
}

/* Send the receive right to its port-destroyed request, if there is one, instead of destroying it.
 */
static bool port_rescued(struct ipc_host *host, struct ipc_port *port)
{
	struct ipc_port *notify = port->ip_pdrequest;

	if (!notify)
		return false;
	port->ip_pdrequest = NULL;
	if (port->ip_service_port)
		port->ip_label->l_returning = true;
	return ipc_notify_port_destroyed(host, notify, port);
}

void ipc_port_say(struct ipc_host *host, const struct ipc_last_words *words)
{
	if (words->lw_no_senders)
		ipc_notify_no_senders(host, words->lw_no_senders, words->lw_mscount);
	if (words->lw_deleted)
		ipc_notify_port_deleted(host, words->lw_deleted, words->lw_name);
}

void ipc_port_destroy(struct ipc_host *host, struct ipc_port *port)
{
	ipc_port_destroy_saying(host, port, &(struct ipc_last_words){0});
}

void ipc_port_destroy_saying(struct ipc_host *host, struct ipc_port *port,
			     const struct ipc_last_words *words)
{
	struct ipc_thread *sender;

	clear_destination(host, port);
	if (port_rescued(host, port) ||
	    (port->ip_service && host->h_ops->o_service_back(host, port))) {
		ipc_port_say(host, words);
		return;
	}
	port->ip_last_words = *words;
	ipc_loan_settle(host, port);
	if (port->ip_lent)
		ipc_loan_settle_thread(host, port->ip_lent_to);
	port->ip_place = IP_NOWHERE;
	ipc_window_port_died(host, port);
	if (port->ip_timer)
		ipc_timer_detach(host, port);
	if (port->ip_service || port->ip_lifeline)
		host->h_ops->o_service_died(host, port);
	ipc_host_notify_cancel(host, port);
	while ((sender = ipc_senders_first(&port->ip_senders)))
		ipc_thread_wake(host, sender, false);
	ipc_place_end_queue(host, port);
	ipc_work_add_all(host, IPC_WORK_KMSG, &port->ip_messages);
	port->ip_msgcount = 0;
	port->ip_bytes = 0;
	/* Its queue is destroyed before its own notifications; for a port within a message, after.
	 */
	if (ipc_work_running(host)) {
		ipc_port_destroy_step(host, port);
	} else {
		ipc_work_add(host, &port->ip_work);
		ipc_work_run(host);
	}
}

void ipc_port_destroy_step(struct ipc_host *host, struct ipc_port *port)
{
	struct ipc_port *notify = port->ip_nsrequest;

	port->ip_nsrequest = NULL;
	if (notify)
		ipc_notify_send_once(host, notify);
	ipc_port_tell_step(host, port);
}

void ipc_port_tell_step(struct ipc_host *host, struct ipc_port *port)
{
	if (ipc_request_dead(host, port)) {
		struct ipc_last_words words = port->ip_last_words;

		ipc_port_release(host, port);
		ipc_port_say(host, &words);
	} else {
		port->ip_work.w_kind = IPC_WORK_TELL;
		ipc_work_again(host, &port->ip_work);
	}
}

void ipc_port_nsrequest(struct ipc_host *host, struct ipc_port *port, mach_port_mscount_t sync,
			struct ipc_port *notify, struct ipc_port **previous)
{
	*previous = port->ip_nsrequest;
	if (notify && port->ip_srights == 0 && sync <= port->ip_mscount) {
		port->ip_nsrequest = NULL;
		ipc_notify_no_senders(host, notify, port->ip_mscount);
	} else {
		port->ip_nsrequest = notify;
	}
}
