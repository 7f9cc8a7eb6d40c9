/* SPDX-License-Identifier: Apache-2.0 */
/* Loans: made and settled. */
#include "daemon/ipc/ipc_loan.h"

#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_kmsg.h"
#include "daemon/ipc/ipc_mqueue.h"
#include "daemon/ipc/ipc_port.h"
#include "daemon/ipc/ipc_task.h"
#include "daemon/ipc/ipc_thread.h"
#include "protocol/frame.h"

/* Is it news to nobody when a message leaves this queue? */
static bool port_good(const struct ipc_port *port)
{
	return port->ip_place == IP_IN_SPACE && !port->ip_borrower && !port->ip_nsrequest &&
	       port->ip_requests.rs_armed == 0 && list_empty(&port->ip_members) &&
	       list_empty(&port->ip_knotes) && list_empty(&port->ip_senders) &&
	       list_empty(&port->ip_receivers);
}

/* Nothing but bytes, that were sent to a send right. */
static bool message_good(const struct ipc_kmsg *kmsg)
{
	const struct ikm_header *header = &kmsg->ikm_header;

	return !header->ikm_complex && header->ikm_dest_type == MACH_MSG_TYPE_PORT_SEND &&
	       header->ikm_reply_type == 0 && header->ikm_voucher_type == 0 &&
	       header->ikm_aux_size == 0 && header->ikm_fd_count == 0 &&
	       header->ikm_inline_size == header->ikm_body_size && !kmsg->ikm_timer &&
	       !kmsg->ikm_donation.dn_source && !kmsg->ikm_donation.dn_raised;
}

/* While the signature of one is computed there is time to have the next one in the cache. */
static void fetch(const struct list *next)
{
	const char *kmsg = (const char *)list_entry(next, struct ipc_kmsg, ikm_work.w_link);

	for (size_t at = 0; at < sizeof(struct ipc_kmsg); at += 64)
		__builtin_prefetch(kmsg + at);
}

size_t ipc_loan_make(struct ipc_host *host, struct ipc_thread *thread, uint8_t *at, uint32_t *count)
{
	struct ipc_port *port = thread->th_port;
	struct ipc_received received = {0};
	size_t used = 0;

	*count = 0;
	if (!port || !thread->th_windows || !port_good(port))
		return 0;
	received.r_seqno = port->ip_seqno;
	received.r_context = port->ip_context;
	received.r_local = port->ip_name;
	LIST_FOR_EACH (node, &port->ip_messages) {
		struct ipc_kmsg *kmsg = list_entry(node, struct ipc_kmsg, ikm_work.w_link);
		size_t size;

		fetch(node->next);
		/* Nothing of it is believed, not even its size, before its signature. */
		if (*count == IPC_LOAN_MAX || !message_good(kmsg) ||
		    !ipc_kmsg_check_signature(host, kmsg))
			break;
		size = ipc_kmsg_deflate_loan(thread, kmsg, &received, at + used,
					     IPC_LOAN_BYTES - used);
		if (size == 0)
			break;
		used += size;
		received.r_seqno++;
		++*count;
	}
	if (*count == 0)
		return 0;
	port->ip_borrower = thread;
	thread->th_lender = port;
	thread->th_lent = *count;
	list_append(&host->h_loans, &thread->th_loan_link);
	host->h_outbox->lend(host->h_outbox->context, thread, *count);
	return used;
}

void ipc_loan_settle(struct ipc_host *host, struct ipc_port *port)
{
	struct ipc_thread *thread = port->ip_borrower;
	uint32_t taken;

	if (!thread)
		return;
	taken = host->h_outbox->settle(host->h_outbox->context, thread);
	if (taken > thread->th_lent)
		taken = thread->th_lent;
	port->ip_borrower = NULL;
	thread->th_lender = NULL;
	thread->th_lent = 0;
	list_remove(&thread->th_loan_link);
	while (taken--)
		ipc_mqueue_taken(host, thread, port);
}

void ipc_loan_settle_thread(struct ipc_host *host, struct ipc_thread *thread)
{
	if (thread->th_lender)
		ipc_loan_settle(host, thread->th_lender);
}

void ipc_loan_settle_all(struct ipc_host *host)
{
	struct ipc_thread *thread;

	while ((thread = list_first(&host->h_loans, struct ipc_thread, th_loan_link)))
		ipc_loan_settle(host, thread->th_lender);
}
