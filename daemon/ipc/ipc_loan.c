/* SPDX-License-Identifier: Apache-2.0 */
/* Loans: made and settled. */
#include "daemon/ipc/ipc_loan.h"

#include "daemon/ipc/ipc_entry.h"
#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_kmsg.h"
#include "daemon/ipc/ipc_mqueue.h"
#include "daemon/ipc/ipc_port.h"
#include "daemon/ipc/ipc_reply.h"
#include "daemon/ipc/ipc_task.h"
#include "daemon/ipc/ipc_thread.h"
#include "daemon/ipc/ipc_window.h"
#include "protocol/frame.h"

/* A server's loan: the thread sends a frame, its next reply, with each message that it takes. */
static bool tells(const struct ipc_thread *thread)
{
	return thread->th_args.a_option & MACH_SEND_MSG;
}

/* Does nobody watch this queue shrink? Blocked senders are no obstacle to a server's loan. */
static bool port_good(const struct ipc_port *port, bool told)
{
	return port->ip_place == IP_IN_SPACE && !port->ip_borrower && !port->ip_nsrequest &&
	       port->ip_requests.rs_armed == 0 && list_empty(&port->ip_members) &&
	       list_empty(&port->ip_knotes) && (told || list_empty(&port->ip_senders)) &&
	       list_empty(&port->ip_receivers);
}

/* Only bytes, sent to a send right; for a server also with a send-once right to reply to. */
static bool message_good(const struct ipc_kmsg *kmsg, bool told)
{
	const struct ikm_header *header = &kmsg->ikm_header;

	return !header->ikm_complex && header->ikm_dest_type == MACH_MSG_TYPE_PORT_SEND &&
	       (header->ikm_reply_type == 0 ||
		(told && header->ikm_reply_type == MACH_MSG_TYPE_PORT_SEND_ONCE)) &&
	       header->ikm_voucher_type == 0 && header->ikm_aux_size == 0 &&
	       header->ikm_fd_count == 0 && header->ikm_inline_size == header->ikm_body_size &&
	       !kmsg->ikm_timer && !kmsg->ikm_donation.dn_source && !kmsg->ikm_donation.dn_raised;
}

/* Prefetch the next message while the signature of this one is computed. */
static void fetch(const struct list *next)
{
	const char *kmsg = (const char *)list_entry(next, struct ipc_kmsg, ikm_work.w_link);

	for (size_t at = 0; at < sizeof(struct ipc_kmsg); at += 64)
		__builtin_prefetch(kmsg + at);
}

/* Set an entry aside for the reply right; NULL: the message cannot be lent. */
static struct ipc_entry *lend_right(struct ipc_host *host, struct ipc_thread *thread,
				    struct ipc_port *reply, mach_port_name_t *name)
{
	struct ipc_space *space = thread->th_task->t_space;
	struct ipc_entry *entry;

	if (!IP_VALID(reply) || !ipc_port_active(reply) ||
	    (reply->ip_lent && reply->ip_lent_to != thread) || !ipc_entry_spare(host, space))
		return NULL;
	entry = ipc_entry_claim(space, name);
	entry->ie_port = reply;
	entry->ie_lent = true;
	reply->ip_lent_to = thread;
	reply->ip_lent++;
	return entry;
}

/* The message was `taken`: the entry gets the right. Or it was not: the entry is free again. */
static void end_entry(struct ipc_host *host, struct ipc_space *space, struct ipc_entry *entry,
		      bool taken)
{
	entry->ie_port->ip_lent--;
	entry->ie_lent = false;
	if (!taken) {
		ipc_entry_free(host, space, entry);
		return;
	}
	ipc_entry_set_type(space, entry, MACH_PORT_TYPE_SEND_ONCE);
	entry->ie_urefs = 1;
	/* As with any message that was received without a voucher, see ipc_strict.h. */
	entry->ie_port->ip_reply_persona = 0;
}

/* The same for the entry of message number `index`, if it has one. */
static void end_right(struct ipc_host *host, struct ipc_thread *thread, uint32_t index, bool taken)
{
	struct ipc_space *space = thread->th_task->t_space;
	mach_port_name_t *name = &thread->th_windows->ws_lent[index];

	if (*name)
		end_entry(host, space, ipc_entry_lent(space, *name), taken);
	*name = MACH_PORT_NULL;
}

/* Copy one more message; returns its bytes, or 0 if it cannot be lent. */
static size_t lend(struct ipc_host *host, struct ipc_thread *thread, struct ipc_kmsg *kmsg,
		   struct ipc_received *received, uint8_t *at, size_t room)
{
	struct ipc_entry *entry = NULL;
	size_t size;

	received->r_remote = MACH_PORT_NULL;
	if (kmsg->ikm_header.ikm_reply_type) {
		entry = lend_right(host, thread, kmsg->ikm_header.ikm_reply, &received->r_remote);
		if (!entry)
			return 0;
	}
	size = ipc_kmsg_deflate_loan(thread, kmsg, received, at, room);
	if (size == 0 && entry)
		end_entry(host, thread->th_task->t_space, entry, false);
	return size;
}

/*
 * Promise replies. Word i of the board is for the reply sent when message i is taken: to the
 * message before it, or for word 0 to `first`, the one received with the loan.
 */
static void promise_replies(struct ipc_host *host, struct ipc_thread *thread,
			    const struct ipc_received *first, uint32_t count)
{
	const struct ipc_windows *windows = thread->th_windows;
	struct ipc_space *space = thread->th_task->t_space;
	mach_port_name_t name = first->r_remote;
	bool once = MACH_MSGH_BITS_REMOTE(first->r_bits) == MACH_MSG_TYPE_PORT_SEND_ONCE &&
		    MACH_PORT_VALID(name);

	ipc_reply_forget(host, thread);
	for (uint32_t i = 0; i < count; i++) {
		if (once)
			ipc_reply_promise(host, thread, i, name, ipc_entry_lent(space, name));
		name = windows->ws_lent[i];
		once = name != MACH_PORT_NULL;
	}
}

static void begin(struct ipc_host *host, struct ipc_thread *thread,
		  const struct ipc_received *received, uint32_t count)
{
	struct ipc_port *port = thread->th_port;

	port->ip_borrower = thread;
	thread->th_lender = port;
	thread->th_lent = count;
	thread->th_taken = 0;
	list_append(&host->h_loans, &thread->th_loan_link);
	if (tells(thread)) {
		list_append(&thread->th_task->t_loans, &thread->th_told_link);
		promise_replies(host, thread, received, count);
	}
	host->h_outbox->lend(host->h_outbox->context, thread, count);
}

size_t ipc_loan_make(struct ipc_host *host, struct ipc_thread *thread,
		     const struct ipc_received *received, uint8_t *at, uint32_t *count)
{
	struct ipc_port *port = thread->th_port;
	struct ipc_received next = {0};
	bool told = tells(thread);
	size_t used = 0;

	*count = 0;
	if (!port || !thread->th_windows || !port_good(port, told))
		return 0;
	next.r_seqno = port->ip_seqno;
	next.r_context = port->ip_context;
	next.r_local = port->ip_name;
	LIST_FOR_EACH (node, &port->ip_messages) {
		struct ipc_kmsg *kmsg = list_entry(node, struct ipc_kmsg, ikm_work.w_link);
		size_t size;

		fetch(node->next);
		/* The signature first: before that not even the size can be trusted. */
		if (*count == IPC_LOAN_MAX || !message_good(kmsg, told) ||
		    !ipc_kmsg_check_signature(host, kmsg))
			break;
		size = lend(host, thread, kmsg, &next, at + used, MACHD_LOAN_BYTES - used);
		if (size == 0)
			break;
		thread->th_windows->ws_lent[*count] = next.r_remote;
		used += size;
		next.r_seqno++;
		++*count;
	}
	if (*count)
		begin(host, thread, received, *count);
	return used;
}

/* The thread has taken `taken` messages: receive those that it took since the last look. */
static void advance(struct ipc_host *host, struct ipc_thread *thread, uint32_t taken)
{
	if (taken > thread->th_lent)
		taken = thread->th_lent;
	while (thread->th_taken < taken) {
		end_right(host, thread, thread->th_taken++, true);
		ipc_mqueue_taken(host, thread, thread->th_lender);
	}
}

void ipc_loan_settle(struct ipc_host *host, struct ipc_port *port)
{
	struct ipc_thread *thread = port->ip_borrower;

	if (!thread)
		return;
	port->ip_borrower = NULL;
	list_remove(&thread->th_loan_link);
	list_remove(&thread->th_told_link);
	advance(host, thread, host->h_outbox->settle(host->h_outbox->context, thread, true));
	for (uint32_t i = thread->th_taken; i < thread->th_lent; i++)
		end_right(host, thread, i, false);
	thread->th_lender = NULL;
	thread->th_lent = thread->th_taken = 0;
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

void ipc_loan_settle_task(struct ipc_host *host, struct ipc_task *task)
{
	struct ipc_thread *thread;

	while ((thread = list_first(&task->t_loans, struct ipc_thread, th_told_link)))
		ipc_loan_settle(host, thread->th_lender);
}

/* Read the count; a loan whose messages are all taken is over. */
static void look(struct ipc_host *host, struct ipc_thread *thread)
{
	advance(host, thread, host->h_outbox->settle(host->h_outbox->context, thread, false));
	if (thread->th_taken == thread->th_lent)
		ipc_loan_settle(host, thread->th_lender);
}

void ipc_loan_look(struct ipc_host *host, struct ipc_port *port)
{
	struct ipc_thread *thread = port->ip_borrower;

	if (thread && !list_empty(&thread->th_told_link))
		look(host, thread);
	else
		ipc_loan_settle(host, port);
}

void ipc_loan_look_task(struct ipc_host *host, struct ipc_task *task)
{
	LIST_FOR_EACH_SAFE (node, &task->t_loans)
		look(host, list_entry(node, struct ipc_thread, th_told_link));
}
