/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two halves of mach_msg and the waiting between them. A send that fails is the answer; the
 * receive is not tried then. A message that was built but cannot be queued goes back into the
 * sender's space and buffer [10.2].
 */
#include "daemon/ipc/ipc_msg.h"

#include <mach/clock_types.h>

#include "daemon/ipc/ipc_answer.h"
#include "daemon/ipc/ipc_eventlink.h"
#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_importance.h"
#include "daemon/ipc/ipc_kobject.h"
#include "daemon/ipc/ipc_mqueue.h"
#include "daemon/ipc/ipc_port.h"
#include "daemon/ipc/ipc_qos.h"
#include "daemon/ipc/ipc_strict.h"
#include "daemon/ipc/ipc_task.h"
#include "daemon/ipc/ipc_trace.h"
#include "daemon/ipc/ipc_user.h"
#include "daemon/ipc/ipc_window.h"
#include "daemon/ipc/ipc_work.h"
#include "protocol/frame.h"

/*
 * MACH_RCV_SYNC_WAIT: whoever waits for an answer at its special reply port names the port whose
 * receiver it waits for [9.1]. That is where a call has sent to, or else an argument of its own.
 */
static bool sync_wait_good(const struct ipc_thread *thread)
{
	const struct ipc_msg_args *args = &thread->th_args;
	bool named = (args->a_option & MACH_SEND_MSG) || MACH_PORT_VALID(args->a_priority);

	if (!(args->a_option & MACH_RCV_SYNC_WAIT))
		return true;
	return thread->th_port && thread->th_port == thread->th_special && named;
}

/* Receive if that was asked for, else the call is done. */
static void receive(struct ipc_host *host, struct ipc_thread *thread)
{
	mach_msg_return_t code;

	if (!(thread->th_args.a_option & MACH_RCV_MSG)) {
		ipc_answer_code(host, thread, MACH_MSG_SUCCESS);
		return;
	}
	code = ipc_mqueue_copyin(host, thread);
	if (code != MACH_MSG_SUCCESS) {
		ipc_answer_code(host, thread, code);
	} else if (!sync_wait_good(thread)) {
		ipc_thread_drop_target(host, thread);
		ipc_answer_code(host, thread, MACH_RCV_INVALID_NOTIFY);
	} else {
		ipc_mqueue_receive(host, thread);
	}
}

static void give_back(struct ipc_host *host, struct ipc_thread *thread, struct ipc_kmsg *kmsg,
		      mach_msg_return_t code)
{
	struct ipc_received received = {0};

	if (!ipc_kmsg_check_signature(host, kmsg)) {
		ipc_answer_code(host, thread, code);
		return;
	}
	code = ipc_kmsg_copyout_pseudo(host, thread, kmsg, code, &received);
	ipc_kmsg_deflate_pseudo(host, thread, kmsg, &received, code);
}

/* A blocked sender has the QoS of its message or of its thread, whichever is higher. */
static mach_msg_qos_t sender_qos(const struct ipc_thread *thread)
{
	mach_msg_qos_t own = ipc_qos_of(thread->th_args.a_thread_priority);

	return own > thread->th_kmsg->ikm_override ? own : thread->th_kmsg->ikm_override;
}

/* Block the thread until the destination's queue has a slot for its message, or for a reply. */
static void wait_for_slot(struct ipc_host *host, struct ipc_thread *thread, struct ipc_kmsg *kmsg)
{
	const struct ipc_msg_args *args = &thread->th_args;

	thread->th_kmsg = kmsg;
	thread->th_port = ipc_port_ref(kmsg->ikm_header.ikm_dest);
	ipc_thread_wait_to_send(host, thread, sender_qos(thread),
				args->a_option & MACH_SEND_TIMEOUT,
				args->a_timeout * NSEC_PER_MSEC);
}

/* A send that must not block. */
static bool is_immediate(const struct ipc_thread *thread)
{
	return (thread->th_args.a_option & MACH_SEND_TIMEOUT) && thread->th_args.a_timeout == 0;
}

/* The queue is full: what becomes of the send depends on how long it may block [12.1]. */
static void wait_or_give_back(struct ipc_host *host, struct ipc_thread *thread,
			      struct ipc_kmsg *kmsg, mach_msg_return_t code)
{
	if (is_immediate(thread))
		give_back(host, thread, kmsg, MACH_SEND_TIMED_OUT);
	else if (code == MACH_SEND_NO_BUFFER)
		give_back(host, thread, kmsg, code);
	else
		wait_for_slot(host, thread, kmsg);
}

/* Send a reply of the daemon, or destroy it if its port is dead. True: the queue is still full. */
static bool finds_no_room(struct ipc_host *host, struct ipc_kmsg *reply)
{
	if (ipc_port_active(reply->ikm_header.ikm_dest))
		return ipc_mqueue_send(host, reply, IPC_MQUEUE_BOUND) != MACH_MSG_SUCCESS;
	ipc_kmsg_destroy(host, reply);
	return false;
}

/*
 * The second half of a call. If the daemon's reply found its queue full, the thread first blocks
 * with it, as it would with a message of its own [29].
 */
static void second_half(struct ipc_host *host, struct ipc_thread *thread)
{
	struct ipc_kmsg *reply = thread->th_kmsg;

	thread->th_kmsg = NULL;
	if (reply && finds_no_room(host, reply))
		wait_for_slot(host, thread, reply);
	else
		receive(host, thread);
}

/* The second half begins when all that the first half destroyed is gone [10.3]. */
static void go_on(struct ipc_host *host, struct ipc_thread *thread)
{
	if (ipc_work_left(host))
		ipc_work_then(host, thread);
	else
		second_half(host, thread);
}

/* Count a message with `bytes` of content as sent; open a window if its sender asked for one. */
static void count_sent(struct ipc_host *host, struct ipc_thread *thread, uint64_t bytes)
{
	struct ipc_user *user = thread->th_task->t_user;

	host->h_sent++;
	host->h_sent_bytes += bytes;
	user->u_sent++;
	user->u_sent_bytes += bytes;
	thread->th_task->t_sent++;
	if (thread->th_wants)
		ipc_window_ask(host, thread, thread->th_wants);
	thread->th_wants = MACH_PORT_NULL;
}

/* A request to one of the daemon's own ports: it counts as sent, whatever becomes of the reply
 * [29]. */
static void call(struct ipc_host *host, struct ipc_thread *thread, struct ipc_kmsg *kmsg)
{
	uint64_t bytes = ipc_kmsg_content(kmsg);

	ipc_trace_send(host, kmsg);
	ipc_kobject_server(host, thread, kmsg, !is_immediate(thread));
	count_sent(host, thread, bytes);
	go_on(host, thread);
}

/* A message that was copied in goes to its destination [8, step 10]. */
static void send(struct ipc_host *host, struct ipc_thread *thread, struct ipc_kmsg *kmsg)
{
	struct ipc_port *port = kmsg->ikm_header.ikm_dest;
	bool always =
		kmsg->ikm_header.ikm_dest_type == MACH_MSG_TYPE_PORT_SEND_ONCE || kmsg->ikm_always;
	mach_msg_return_t code = MACH_MSG_SUCCESS;
	uint64_t bytes = ipc_kmsg_content(kmsg);

	if (!kmsg->ikm_circular)
		code = ipc_strict_context(host, thread, kmsg);
	if (code != MACH_MSG_SUCCESS) {
		give_back(host, thread, kmsg, code);
		return;
	}
	if (kmsg->ikm_circular || !ipc_port_active(port)) {
		ipc_trace_send(host, kmsg);
		ipc_kmsg_destroy(host, kmsg);
	} else if (port->ip_place == IP_IN_DAEMON) {
		call(host, thread, kmsg);
		return;
	} else {
		ipc_importance_send(host, thread->th_task, kmsg);
		code = ipc_mqueue_send(host, kmsg, always ? IPC_MQUEUE_ALWAYS : IPC_MQUEUE_BOUND);
	}
	if (code == MACH_MSG_SUCCESS) {
		count_sent(host, thread, bytes);
		go_on(host, thread);
	} else {
		wait_or_give_back(host, thread, kmsg, code);
	}
}

void ipc_msg_refuse(struct ipc_host *host, struct ipc_thread *thread,
		    const struct ipc_user_message *message, mach_msg_return_t code)
{
	ipc_fd_t fds[MACHD_FRAME_FDS_MAX];

	if (!(message->um_option & MACHD_SEND_RETURN) || message->um_fd_count == 0) {
		ipc_answer_code(host, thread, code);
		return;
	}
	for (unsigned i = 0; i < message->um_fd_count; i++)
		fds[i] = message->um_fds[i].uf_fd.f_handle;
	host->h_fds_taken = true;
	ipc_answer_refused(host, thread, code, fds, message->um_fd_count);
}

/* Nobody can be told of a failure. If the port is dead, it died after the send, to all observers.
 */
static void send_unanswered(struct ipc_host *host, struct ipc_thread *thread, struct ipc_kmsg *kmsg)
{
	struct ipc_port *port = kmsg->ikm_header.ikm_dest;

	if (!ipc_port_active(port) || port->ip_place == IP_IN_DAEMON) {
		ipc_kmsg_destroy(host, kmsg);
		return;
	}
	ipc_importance_send(host, thread->th_task, kmsg);
	ipc_mqueue_send(host, kmsg, IPC_MQUEUE_PROMISED);
}

/* Inflate and copy in a promised message; NULL: its name is no longer a right to send it to. */
static struct ipc_kmsg *take_promised(struct ipc_host *host, struct ipc_thread *thread,
				      const struct ipc_user_message *message, struct ipc_port *port)
{
	struct ipc_kmsg *kmsg;

	if (port)
		return ipc_kmsg_inflate_plain(host, thread->th_task, message, port);
	if (ipc_kmsg_inflate(host, thread->th_task, message, &kmsg) != MACH_MSG_SUCCESS)
		return NULL;
	kmsg->ikm_send_receives = message->um_receives;
	return ipc_kmsg_copyin(host, thread, kmsg) == MACH_MSG_SUCCESS ? kmsg : NULL;
}

void ipc_msg_unanswered(struct ipc_host *host, struct ipc_thread *thread,
			const struct ipc_user_message *message, struct ipc_port *port)
{
	struct ipc_kmsg *kmsg = take_promised(host, thread, message, port);
	uint64_t bytes = kmsg ? ipc_kmsg_content(kmsg) : 0;

	if (kmsg)
		send_unanswered(host, thread, kmsg);
	count_sent(host, thread, bytes);
}

void ipc_msg_trap(struct ipc_host *host, struct ipc_thread *thread,
		  const struct ipc_user_message *message)
{
	struct ipc_task *task = thread->th_task;
	struct ipc_kmsg *kmsg;
	mach_msg_return_t code;

	if (!(thread->th_args.a_option & MACH_SEND_MSG)) {
		receive(host, thread);
		return;
	}
	code = ipc_kmsg_inflate(host, task, message, &kmsg);
	if (code == MACH_MSG_SUCCESS) {
		kmsg->ikm_send_receives = thread->th_args.a_option & MACH_RCV_MSG;
		kmsg->ikm_fds_lent = true;
		code = ipc_kmsg_copyin(host, thread, kmsg);
	}
	if (code != MACH_MSG_SUCCESS) {
		ipc_msg_refuse(host, thread, message, code);
		return;
	}
	kmsg->ikm_fds_lent = false;
	host->h_fds_taken = true;
	send(host, thread, kmsg);
}

/* Is the thread blocked with a reply of the daemon, rather than a message of its own? */
static bool is_replying(const struct ipc_thread *thread)
{
	return thread->th_kmsg && thread->th_kmsg->ikm_sender_word == 0;
}

/* A woken sender: its slot is ready, or the port has died and the send counts as done. */
static void resume(struct ipc_host *host, struct ipc_thread *thread)
{
	struct ipc_kmsg *kmsg = thread->th_kmsg;
	uint64_t bytes = ipc_kmsg_content(kmsg);
	bool counted = is_replying(thread);

	thread->th_state = TH_IDLE;
	thread->th_kmsg = NULL;
	if (thread->th_slot && ipc_port_active(thread->th_port)) {
		ipc_mqueue_post(host, thread->th_port, kmsg);
	} else {
		ipc_trace_send(host, kmsg);
		ipc_kmsg_destroy(host, kmsg);
	}
	ipc_thread_drop_target(host, thread);
	if (!counted)
		count_sent(host, thread, bytes);
	go_on(host, thread);
}

void ipc_msg_run_ready(struct ipc_host *host)
{
	struct ipc_thread *thread;

	while (!ipc_work_left(host) &&
	       (thread = list_first(&host->h_ready, struct ipc_thread, th_link))) {
		list_remove(&thread->th_link);
		resume(host, thread);
	}
}

/* The codes with which the kinds of waits end early. */
struct reason {
	mach_msg_return_t r_send, r_rcv;
	kern_return_t r_call;
};

static void give_up(struct ipc_host *host, struct ipc_thread *thread, const struct reason *reason)
{
	enum ipc_thread_state state = thread->th_state;
	struct ipc_kmsg *kmsg = thread->th_kmsg;
	bool replying = is_replying(thread);

	if (state == TH_IDLE || state == TH_READY || state == TH_OVER)
		return;
	ipc_thread_unwait(host, thread);
	ipc_thread_drop_target(host, thread);
	thread->th_kmsg = NULL;
	if (replying) {
		ipc_kmsg_destroy(host, kmsg);
		go_on(host, thread);
	} else if (state == TH_SENDING)
		give_back(host, thread, kmsg, reason->r_send);
	else if (state == TH_RECEIVING)
		ipc_answer_code(host, thread, reason->r_rcv);
	else if (state == TH_EVENTLINK)
		ipc_eventlink_give_up(host, thread, reason->r_call);
	else
		ipc_answer_call(host, thread, reason->r_call);
}

void ipc_msg_timeout(struct ipc_host *host, struct ipc_thread *thread)
{
	static const struct reason reason = {MACH_SEND_TIMED_OUT, MACH_RCV_TIMED_OUT,
					     KERN_OPERATION_TIMED_OUT};

	give_up(host, thread, &reason);
}

void ipc_msg_cancel(struct ipc_host *host, struct ipc_thread *thread)
{
	static const struct reason reason = {MACH_SEND_INTERRUPTED, MACH_RCV_INTERRUPTED,
					     KERN_ABORTED};

	bool replying = is_replying(thread);

	thread->th_cancelled = thread->th_held;
	give_up(host, thread, &reason);
	if (replying) /* the signal interrupts the call's second half as well */
		ipc_msg_cancel(host, thread);
}

void ipc_msg_go_on(struct ipc_host *host, struct ipc_thread *thread)
{
	second_half(host, thread);
	if (thread->th_cancelled)
		ipc_msg_cancel(host, thread);
}

void ipc_msg_abandon(struct ipc_host *host, struct ipc_thread *thread)
{
	struct ipc_kmsg *kmsg = thread->th_kmsg;
	bool replying = is_replying(thread);
	struct ipc_received unused = {0};

	thread->th_kmsg = NULL;
	if (thread->th_state == TH_READY && thread->th_slot && ipc_port_active(thread->th_port))
		ipc_mqueue_release_slot(host, thread->th_port);
	if (thread->th_state != TH_IDLE) {
		ipc_thread_unwait(host, thread);
		ipc_thread_drop_target(host, thread);
	}
	if (replying)
		ipc_kmsg_destroy(host, kmsg);
	if (!kmsg || replying || !ipc_kmsg_check_signature(host, kmsg))
		return;
	/* The other threads of the task get the rights back, as after an interrupted send. */
	ipc_kmsg_copyout_pseudo(host, thread, kmsg, MACH_SEND_INTERRUPTED, &unused);
	ipc_kmsg_free(host, kmsg);
}
