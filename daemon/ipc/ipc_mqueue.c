/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Queues. A message that finds a waiting receiver is handed over and never queued; otherwise it
 * takes a slot. A freed slot is counted at once for the blocked sender of the highest QoS, so that
 * a later sender cannot take it.
 */
#include "daemon/ipc/ipc_mqueue.h"

#include <mach/clock_types.h>

#include "daemon/ipc/ipc_answer.h"
#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_kmsg.h"
#include "daemon/ipc/ipc_loan.h"
#include "daemon/ipc/ipc_place.h"
#include "daemon/ipc/ipc_port.h"
#include "daemon/ipc/ipc_probe.h"
#include "daemon/ipc/ipc_pset.h"
#include "daemon/ipc/ipc_qos.h"
#include "daemon/ipc/ipc_right.h"
#include "daemon/ipc/ipc_task.h"
#include "daemon/ipc/ipc_thread.h"
#include "daemon/ipc/ipc_trace.h"
#include "daemon/ipc/ipc_user.h"
#include "daemon/ipc/ipc_window.h"

static struct ipc_kmsg *queue_head(struct ipc_port *port)
{
	return list_first(&port->ip_messages, struct ipc_kmsg, ikm_work.w_link);
}

/* A slot of the queue is taken (1) or free (-1). */
static void count_slot(struct ipc_port *port, int change)
{
	port->ip_msgcount += (uint32_t)change;
	if (port->ip_place == IP_IN_SPACE)
		port->ip_receiver->is_queued += (uint64_t)(int64_t)change;
}

static void enqueue(struct ipc_host *host, struct ipc_port *port, struct ipc_kmsg *kmsg)
{
	bool first, urgent;

	/* Its override raises the messages before it, which may have been lent without it. */
	if (kmsg->ikm_override != MACH_MSG_QOS_UNSPECIFIED)
		ipc_loan_settle(host, port);
	first = list_empty(&port->ip_messages);
	urgent = ipc_qos_enqueue(&port->ip_messages, kmsg);

	kmsg->ikm_since = host->h_now;
	port->ip_bytes += kmsg->ikm_charge;
	if (port->ip_place == IP_IN_SPACE)
		port->ip_receiver->is_queued_bytes += kmsg->ikm_charge;
	ipc_window_fuller(host, port);
	if (first)
		ipc_pset_port_ready(port);
	else if (urgent)
		ipc_pset_port_urgent(port);
}

static void dequeue(struct ipc_host *host, struct ipc_port *port, struct ipc_kmsg *kmsg)
{
	ipc_place_move_kmsg(host, kmsg);
	list_remove(&kmsg->ikm_work.w_link);
	port->ip_bytes -= kmsg->ikm_charge;
	if (port->ip_place == IP_IN_SPACE)
		port->ip_receiver->is_queued_bytes -= kmsg->ikm_charge;
	if (list_empty(&port->ip_messages))
		ipc_pset_port_empty(port);
}

void ipc_mqueue_release_slot(struct ipc_host *host, struct ipc_port *port)
{
	struct ipc_thread *sender;

	count_slot(port, -1);
	if (port->ip_msgcount >= port->ip_qlimit)
		return;
	sender = ipc_senders_first(&port->ip_senders);
	if (!sender) {
		ipc_window_emptier(host, port);
		return;
	}
	count_slot(port, 1);
	ipc_thread_wake(host, sender, true);
}

void ipc_mqueue_set_qlimit(struct ipc_host *host, struct ipc_port *port, uint32_t qlimit)
{
	uint32_t old = port->ip_qlimit;
	struct ipc_thread *sender;

	port->ip_qlimit = qlimit;
	ipc_window_fuller(host, port);
	for (; old < qlimit; old++) {
		sender = ipc_senders_first(&port->ip_senders);
		if (!sender)
			return;
		count_slot(port, 1);
		ipc_thread_wake(host, sender, true);
	}
}

/* Auxiliary data count only for a receiver that accepts them [9.3]. */
static bool too_large(const struct ipc_thread *thread, const struct ipc_kmsg *kmsg)
{
	const struct ipc_msg_args *args = &thread->th_args;
	uint32_t aux = kmsg->ikm_header.ikm_aux_size;
	uint64_t needed = (uint64_t)ipc_kmsg_size(kmsg, thread->th_task->t_word) +
			  ipc_kmsg_trailer_size(args->a_option, thread->th_task->t_word);

	if (args->a_option & MACHD_RCV_LINEAR)
		needed += aux;
	return needed > args->a_rcv_size || aux > args->a_aux_max;
}

/* Leave the message where it is, and answer with its size [9.3]. */
static void refuse_large(struct ipc_host *host, struct ipc_thread *thread, struct ipc_port *port,
			 const struct ipc_kmsg *kmsg)
{
	struct machd_message_answer answer = {.code = MACH_RCV_TOO_LARGE,
					      .place = MACHD_PLACE_TOO_LARGE,
					      .too_large_size =
						      ipc_kmsg_size(kmsg, thread->th_task->t_word),
					      .memory_taken = thread->th_memory_taken,
					      .aux_size = kmsg->ikm_header.ikm_aux_size};

	if (thread->th_args.a_option & MACH_RCV_LARGE_IDENTITY)
		answer.too_large_name = port->ip_name;
	*(struct machd_message_answer *)ipc_answer_payload(host, thread) = answer;
	ipc_answer_send(host, thread, MACHD_OP_MESSAGE, sizeof answer, 0, NULL, 0);
}

static void count_received(struct ipc_host *host, struct ipc_thread *thread)
{
	thread->th_task->t_received++;
	thread->th_user->u_received++;
	host->h_received++;
}

/* A message that has left the queue, for a thread whose buffer is large enough. */
static void deliver(struct ipc_host *host, struct ipc_thread *thread, struct ipc_kmsg *kmsg,
		    struct ipc_received *received)
{
	mach_msg_return_t code = ipc_kmsg_copyout(host, thread, kmsg, received);
	uint32_t msgh_id = kmsg->ikm_header.ikm_msgh_id;

	if ((code & ~MACH_MSG_MASK) == MACH_RCV_HEADER_ERROR || code == MACH_RCV_INVALID_REPLY) {
		ipc_kmsg_copyout_dest(host, thread, kmsg, received);
		ipc_kmsg_deflate_bare(host, thread, received, msgh_id, code);
	} else {
		count_received(host, thread);
		ipc_kmsg_deflate(host, thread, kmsg, received, code);
	}
}

/*
 * The thread takes this message, whether it was at the head of the queue or never on it. The caller
 * has checked its signature, and has refused it if it is too large and to be kept.
 */
static void take(struct ipc_host *host, struct ipc_thread *thread, struct ipc_port *port,
		 struct ipc_kmsg *kmsg)
{
	struct ipc_received received = {.r_seqno = port->ip_seqno++, .r_context = port->ip_context};
	uint32_t msgh_id = kmsg->ikm_header.ikm_msgh_id;

	IPC_PROBE_RECEIVE(port->ip_id, msgh_id, thread->th_pid, received.r_seqno);
	ipc_mqueue_release_slot(host, port);
	if (too_large(thread, kmsg)) {
		received.r_context = 0; /* the receiver learns of a port's context with a message */
		ipc_kmsg_copyout_dest(host, thread, kmsg, &received);
		ipc_kmsg_deflate_bare(host, thread, &received, msgh_id, MACH_RCV_TOO_LARGE);
	} else {
		deliver(host, thread, kmsg, &received);
	}
}

/* Account for a message with a wrong signature: its slot is free, its sequence number used. */
static void forget(struct ipc_host *host, struct ipc_port *port)
{
	port->ip_seqno++;
	ipc_mqueue_release_slot(host, port);
}

/* A thread that waits for a message of this port: first those on the port, then those on its sets.
 */
static struct ipc_thread *waiter(struct ipc_port *port)
{
	struct ipc_thread *thread = list_first(&port->ip_receivers, struct ipc_thread, th_link);

	LIST_FOR_EACH (node, &port->ip_members) {
		if (thread)
			break;
		thread = list_first(
			&list_entry(node, struct ipc_member, m_port_link)->m_set->ps_receivers,
			struct ipc_thread, th_link);
	}
	return thread;
}

/*
 * Unblock the first waiting thread that can take the message. Threads before it whose buffers are
 * too small, with MACH_RCV_LARGE, are answered with the size. NULL: none is left.
 */
static struct ipc_thread *taker(struct ipc_host *host, struct ipc_port *port,
				const struct ipc_kmsg *kmsg)
{
	struct ipc_thread *thread;

	while ((thread = waiter(port))) {
		bool refuses =
			too_large(thread, kmsg) && (thread->th_args.a_option & MACH_RCV_LARGE);

		ipc_thread_unwait(host, thread);
		ipc_thread_drop_target(host, thread);
		if (!refuses)
			return thread;
		refuse_large(host, thread, port, kmsg);
	}
	return NULL;
}

void ipc_mqueue_post(struct ipc_host *host, struct ipc_port *port, struct ipc_kmsg *kmsg)
{
	struct ipc_thread *thread = NULL;

	ipc_trace_send(host, kmsg);
	if (waiter(port)) {
		/* The signature first: before that not even the size can be trusted. */
		if (!ipc_kmsg_check_signature(host, kmsg)) {
			forget(host, port);
			return;
		}
		thread = taker(host, port, kmsg);
	}
	if (thread)
		take(host, thread, port, kmsg);
	else
		enqueue(host, port, kmsg);
	if (port->ip_place == IP_KEPT)
		host->h_ops->o_service_wanted(host, port);
}

mach_msg_return_t ipc_mqueue_send(struct ipc_host *host, struct ipc_kmsg *kmsg,
				  enum ipc_mqueue_how how)
{
	struct ipc_port *port = kmsg->ikm_header.ikm_dest;

	if (port->ip_msgcount >= port->ip_qlimit)
		ipc_loan_look(host, port);
	if (how != IPC_MQUEUE_PROMISED && port->ip_msgcount >= MACHD_QUEUE_HARD_MAX)
		return MACH_SEND_NO_BUFFER;
	if (how == IPC_MQUEUE_BOUND && port->ip_msgcount >= port->ip_qlimit)
		return MACH_SEND_TIMED_OUT;
	count_slot(port, 1);
	ipc_mqueue_post(host, port, kmsg);
	return MACH_MSG_SUCCESS;
}

/*
 * The message was checked and copied out when it was lent: the receiver has those bytes, and the
 * entry set aside for it has the reply right. All that is left is the send right to the port
 * itself. Only if memory was corrupted since can it have memfds, so a count of them is not trusted.
 */
void ipc_mqueue_taken(struct ipc_host *host, struct ipc_thread *thread, struct ipc_port *port)
{
	struct ipc_kmsg *kmsg = queue_head(port);

	dequeue(host, port, kmsg);
	if (kmsg->ikm_header.ikm_fd_count && !ipc_kmsg_check_signature(host, kmsg)) {
		forget(host, port);
		return;
	}
	IPC_PROBE_RECEIVE(port->ip_id, kmsg->ikm_header.ikm_msgh_id, thread->th_pid,
			  port->ip_seqno);
	port->ip_seqno++;
	ipc_mqueue_release_slot(host, port);
	ipc_port_release_send(host, port);
	count_received(host, thread);
	ipc_kmsg_free(host, kmsg);
}

void ipc_mqueue_serve(struct ipc_host *host, struct ipc_port *port)
{
	struct ipc_kmsg *kmsg;

	while ((kmsg = queue_head(port)) && waiter(port)) {
		bool good = ipc_kmsg_check_signature(host, kmsg);
		struct ipc_thread *thread = good ? taker(host, port, kmsg) : NULL;

		if (good && !thread)
			return;
		dequeue(host, port, kmsg);
		if (good)
			take(host, thread, port, kmsg);
		else
			forget(host, port);
	}
}

mach_msg_return_t ipc_mqueue_copyin(struct ipc_host *host, struct ipc_thread *thread)
{
	struct ipc_space *space = thread->th_task->t_space;
	struct ipc_entry *entry = ipc_right_lookup(host, space, thread->th_args.a_rcv_name);

	if (entry && (entry->ie_type & MACH_PORT_TYPE_RECEIVE)) {
		thread->th_port = ipc_port_ref(entry->ie_port);
		return MACH_MSG_SUCCESS;
	}
	if (entry && entry->ie_type == MACH_PORT_TYPE_PORT_SET) {
		thread->th_set = entry->ie_pset;
		thread->th_set->ps_refs++;
		return MACH_MSG_SUCCESS;
	}
	/* No guard exception if the name had the receive right before: another thread may have
	 * moved it. */
	if (!entry || !entry->ie_had_receive)
		ipc_guard_raise(host, thread, kGUARD_EXC_RCV_INVALID_NAME,
				thread->th_args.a_rcv_name, 0);
	return MACH_RCV_INVALID_NAME;
}

/* The thread receives the message at the head of the queue, or is told why not. */
static void receive_head(struct ipc_host *host, struct ipc_thread *thread, struct ipc_port *port,
			 struct ipc_kmsg *kmsg)
{
	bool good = ipc_kmsg_check_signature(host, kmsg);

	if (good && too_large(thread, kmsg) && (thread->th_args.a_option & MACH_RCV_LARGE)) {
		refuse_large(host, thread, port, kmsg);
		return;
	}
	dequeue(host, port, kmsg);
	if (good) {
		take(host, thread, port, kmsg);
	} else {
		forget(host, port);
		ipc_answer_code(host, thread, MACH_RCV_INVALID_DATA);
	}
}

void ipc_mqueue_receive(struct ipc_host *host, struct ipc_thread *thread)
{
	const struct ipc_msg_args *args = &thread->th_args;
	struct ipc_port *port = thread->th_set ? ipc_pset_next(thread->th_set) : thread->th_port;
	struct ipc_kmsg *kmsg = port ? queue_head(port) : NULL;
	bool timed = args->a_option & MACH_RCV_TIMEOUT;

	if (!kmsg && !(timed && args->a_timeout == 0)) {
		ipc_thread_wait(host, thread, TH_RECEIVING,
				thread->th_set ? &thread->th_set->ps_receivers
					       : &thread->th_port->ip_receivers,
				timed, args->a_timeout * NSEC_PER_MSEC);
		return;
	}
	if (!kmsg)
		ipc_answer_code(host, thread, MACH_RCV_TIMED_OUT);
	else
		receive_head(host, thread, port, kmsg);
	ipc_thread_drop_target(host, thread);
}

void ipc_mqueue_changed(struct ipc_host *host, struct list *receivers)
{
	struct ipc_thread *thread;

	while ((thread = list_first(receivers, struct ipc_thread, th_link)))
		ipc_thread_end_wait(host, thread, false, MACH_RCV_PORT_CHANGED);
}
