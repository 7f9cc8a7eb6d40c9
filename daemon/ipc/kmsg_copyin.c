/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copyin: the names in a message become naked rights.
 *
 * The header is checked as a whole and then taken as a whole: if it is refused the sender loses
 * nothing. The rights of the body follow one by one (kmsg_copyin_body.c). If one is refused, those
 * taken so far are destroyed; Mach does the same, and senders can observe it [10.1].
 */
#include <mach/mach_voucher_types.h>

#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_importance.h"
#include "daemon/ipc/ipc_kmsg.h"
#include "daemon/ipc/ipc_loan.h"
#include "daemon/ipc/ipc_owed.h"
#include "daemon/ipc/ipc_port.h"
#include "daemon/ipc/ipc_pset.h"
#include "daemon/ipc/ipc_qos.h"
#include "daemon/ipc/ipc_right.h"
#include "daemon/ipc/ipc_strict.h"
#include "daemon/ipc/ipc_task.h"
#include "daemon/ipc/ipc_voucher.h"

/* The header's names and dispositions, and the entries behind them. */
struct header_rights {
	mach_port_name_t hr_dest_name, hr_reply_name, hr_voucher_name;
	uint32_t hr_dest, hr_reply, hr_voucher; /* dispositions */
	struct ipc_entry *hr_dest_entry, *hr_reply_entry, *hr_voucher_entry;
	struct ipc_port *hr_processed; /* a send right to the voucher that the message will carry */
};

/* Legal in a header: a send or send-once right, and never a receive right. */
static bool header_disposition(uint32_t disposition)
{
	return disposition >= MACH_MSG_TYPE_MOVE_SEND &&
	       disposition <= MACH_MSG_TYPE_MAKE_SEND_ONCE;
}

static mach_msg_return_t check_bits(const struct header_rights *rights)
{
	if (!header_disposition(rights->hr_dest))
		return MACH_SEND_INVALID_HEADER;
	if (rights->hr_reply == 0 ? rights->hr_reply_name != MACH_PORT_NULL
				  : !header_disposition(rights->hr_reply))
		return MACH_SEND_INVALID_HEADER;
	return MACH_PORT_VALID(rights->hr_dest_name) ? MACH_MSG_SUCCESS : MACH_SEND_INVALID_DEST;
}

/* No voucher, the null voucher, or the name of one. This error precedes those of other rights. */
static mach_msg_return_t check_voucher(struct ipc_space *space, struct header_rights *rights)
{
	if (rights->hr_voucher == 0)
		return MACH_MSG_SUCCESS;
	if ((rights->hr_voucher != MACH_MSG_TYPE_MOVE_SEND &&
	     rights->hr_voucher != MACH_MSG_TYPE_COPY_SEND) ||
	    rights->hr_voucher_name == MACH_PORT_DEAD)
		return MACH_SEND_INVALID_VOUCHER;
	if (rights->hr_voucher_name == MACH_PORT_NULL) {
		rights->hr_voucher = MACH_MSG_TYPE_MOVE_SEND; /* of nothing */
		return MACH_MSG_SUCCESS;
	}
	if (!ipc_voucher_lookup(space, rights->hr_voucher_name))
		return MACH_SEND_INVALID_VOUCHER;
	rights->hr_voucher_entry = ipc_entry_lookup(space, rights->hr_voucher_name);
	return MACH_MSG_SUCCESS;
}

/* The message is for a voucher and carries the same one. */
static bool dest_is_voucher(const struct header_rights *rights)
{
	return rights->hr_voucher_entry && rights->hr_dest_name == rights->hr_voucher_name;
}

/*
 * The destination's entry. A send-once right to a dead port is still a right here, unless the name
 * has been looked up since or has a dead-name request: the message is then silently dropped.
 */
static struct ipc_entry *lookup_dest(struct ipc_host *host, struct ipc_space *space,
				     const struct header_rights *rights)
{
	struct ipc_entry *entry = ipc_entry_lookup(space, rights->hr_dest_name);

	if (entry && entry->ie_type == MACH_PORT_TYPE_SEND_ONCE && entry->ie_request == 0 &&
	    rights->hr_dest == MACH_MSG_TYPE_MOVE_SEND_ONCE &&
	    rights->hr_dest_name != rights->hr_reply_name)
		return entry;
	return ipc_right_lookup(host, space, rights->hr_dest_name);
}

static bool dest_usable(const struct ipc_space *space, const struct ipc_entry *entry,
			uint32_t disposition)
{
	return entry->ie_type != MACH_PORT_TYPE_DEAD_NAME &&
	       ipc_right_copyin_check(space, entry, disposition, RIGHT_FOR_DEST);
}

/*
 * Some destinations require that the reply port was made as a reply port [17.1]; otherwise the
 * error is that of the reply.
 */
static bool reply_fits(struct ipc_host *host, const struct header_rights *rights)
{
	const struct ipc_entry *dest = rights->hr_dest_entry, *reply = rights->hr_reply_entry;

	if (!(dest->ie_type & MACH_PORT_TYPE_PORT_RIGHTS) || !ipc_port_active(dest->ie_port) ||
	    !dest->ie_port->ip_enforces_reply)
		return true;
	if ((reply->ie_type & MACH_PORT_TYPE_PORT_RIGHTS) && reply->ie_port->ip_reply_port)
		return true;
	ipc_guard_raise(host, host->h_current, kGUARD_EXC_REQUIRE_REPLY_PORT_SEMANTICS,
			rights->hr_reply_name, 0);
	return false;
}

/* The reply's name may be the same as the destination's, but not as the voucher's [4.3]. */
static bool lookup_reply(struct ipc_host *host, struct ipc_space *space,
			 struct header_rights *rights)
{
	if (!MACH_PORT_VALID(rights->hr_reply_name))
		return true;
	if (rights->hr_voucher_entry && rights->hr_reply_name == rights->hr_voucher_name)
		return false;
	rights->hr_reply_entry = ipc_right_lookup(host, space, rights->hr_reply_name);
	if (ipc_right_copyin_check(space, rights->hr_reply_entry, rights->hr_reply,
				   RIGHT_FOR_REPLY))
		return reply_fits(host, rights);
	ipc_right_guard(host, space, rights->hr_reply_name, rights->hr_reply, RIGHT_FOR_REPLY);
	return false;
}

/* The order of errors: destination missing, reply bad, destination right wrong. */
static mach_msg_return_t check_rights(struct ipc_host *host, struct ipc_space *space,
				      struct header_rights *rights)
{
	uint32_t twin = 0; /* disposition of the other right under the destination's name */
	bool good;

	if (dest_is_voucher(rights))
		twin = rights->hr_voucher;
	else if (rights->hr_dest_name == rights->hr_reply_name)
		twin = rights->hr_reply;
	rights->hr_dest_entry = lookup_dest(host, space, rights);
	if (!rights->hr_dest_entry)
		return MACH_SEND_INVALID_DEST;
	if (!lookup_reply(host, space, rights))
		return MACH_SEND_INVALID_REPLY;
	if (twin &&
	    ipc_right_must_stay(space, rights->hr_dest_entry, rights->hr_dest, RIGHT_FOR_DEST))
		return MACH_SEND_INVALID_REPLY;
	good = dest_usable(space, rights->hr_dest_entry, rights->hr_dest);
	if (!good)
		ipc_right_guard(host, space, rights->hr_dest_name, rights->hr_dest, RIGHT_FOR_DEST);
	if (good && twin)
		good = ipc_right_copyin_pair_check(rights->hr_dest_entry, rights->hr_dest, twin);
	return good ? MACH_MSG_SUCCESS : MACH_SEND_INVALID_DEST;
}

/* Make the voucher that the message will carry: the last step that can fail. */
static mach_msg_return_t process_voucher(struct ipc_host *host, const struct ipc_task *task,
					 struct header_rights *rights)
{
	if (!rights->hr_voucher_entry)
		return MACH_MSG_SUCCESS;
	rights->hr_processed =
		ipc_voucher_process(host, task, rights->hr_voucher_entry->ie_port->ip_voucher,
				    MACH_VOUCHER_ATTR_SEND_PREPROCESS);
	return rights->hr_processed ? MACH_MSG_SUCCESS : MACH_SEND_NO_BUFFER;
}

/* MACH_SEND_NOTIFY applies to this send. *full: the queue is full now, before copyin. */
static bool wants_notice(struct ipc_host *host, const struct ipc_thread *thread,
			 const struct header_rights *rights, bool *full)
{
	struct ipc_port *port = rights->hr_dest_entry->ie_port;

	if (!(thread->th_args.a_option & MACH_SEND_NOTIFY) ||
	    ipc_right_move(rights->hr_dest)->given != MACH_MSG_TYPE_PORT_SEND)
		return false;
	ipc_loan_settle(host, port);
	*full = port->ip_msgcount >= port->ip_qlimit;
	return true;
}

/*
 * Arm the name's send-possible request. The message may never be queued, but its override already
 * raises the head of the queue, and its importance the port.
 */
static void arm_send_possible(struct ipc_host *host, const struct ipc_thread *thread,
			      const struct ipc_kmsg *kmsg, uint32_t request)
{
	const struct ipc_msg_args *args = &thread->th_args;
	struct ipc_port *port = kmsg->ikm_header.ikm_dest;

	if (!ipc_request_arm(port, request))
		return;
	if ((args->a_option & MACH_SEND_OVERRIDE) &&
	    ipc_qos_raise_head(&port->ip_messages, ipc_qos_override(args->a_priority)))
		ipc_pset_port_urgent(port);
	if (kmsg->ikm_donates)
		ipc_importance_arm(host, port);
}

/*
 * MACH_SEND_NOTIFY, if the name still has its request after copyin [14.3]: arm it if the queue was
 * full. If not, this message is queued even if its own copyin has filled the queue meanwhile.
 */
static void notice(struct ipc_host *host, const struct ipc_thread *thread, struct ipc_kmsg *kmsg,
		   mach_port_name_t name, bool full)
{
	const struct ipc_entry *entry = ipc_entry_lookup(thread->th_task->t_space, name);

	if (!entry || !entry->ie_request)
		return;
	if (full)
		arm_send_possible(host, thread, kmsg, entry->ie_request);
	else
		kmsg->ikm_always = true;
}

/* Release the right that was copied in: the message carries the processed voucher instead. */
static void commit_voucher(struct ipc_host *host, struct ikm_header *header,
			   const struct header_rights *rights, struct ipc_port *right)
{
	header->ikm_voucher = rights->hr_processed;
	ipc_port_release_send(host, right);
}

static void commit_header(struct ipc_host *host, struct ipc_space *space, struct ipc_kmsg *kmsg,
			  const struct header_rights *rights)
{
	struct ikm_header *header = &kmsg->ikm_header;
	struct ipc_port *voucher = IP_NULL;

	header->ikm_voucher_type = (uint8_t)rights->hr_voucher;
	header->ikm_dest_type = ipc_right_move(rights->hr_dest)->given;
	if (rights->hr_reply)
		header->ikm_reply_type = ipc_right_move(rights->hr_reply)->given;
	if (dest_is_voucher(rights))
		ipc_right_copyin_pair(host, space, rights->hr_dest_name, rights->hr_dest,
				      rights->hr_voucher, &header->ikm_dest, &voucher);
	else if (rights->hr_dest_name == rights->hr_reply_name)
		ipc_right_copyin_pair(host, space, rights->hr_dest_name, rights->hr_dest,
				      rights->hr_reply, &header->ikm_dest, &header->ikm_reply);
	else
		header->ikm_dest =
			ipc_right_copyin(host, space, rights->hr_dest_entry, rights->hr_dest);
	if (rights->hr_reply_entry && rights->hr_dest_name != rights->hr_reply_name)
		header->ikm_reply =
			ipc_right_copyin(host, space, rights->hr_reply_entry, rights->hr_reply);
	else if (rights->hr_reply_name == MACH_PORT_DEAD && !dest_is_voucher(rights))
		header->ikm_reply = IP_DEAD;
	if (rights->hr_voucher_entry && !dest_is_voucher(rights))
		voucher =
			ipc_right_copyin(host, space, rights->hr_voucher_entry, rights->hr_voucher);
	if (voucher)
		commit_voucher(host, header, rights, voucher);
}

/* Some errors of the header raise a guard exception as well [16.2]. */
static void guard_header(struct ipc_host *host, const struct ipc_kmsg *kmsg, mach_msg_return_t code)
{
	if (code == MACH_SEND_INVALID_VOUCHER)
		ipc_guard_raise(host, host->h_current, kGUARD_EXC_SEND_INVALID_VOUCHER,
				kmsg->ikm_header.ikm_voucher_field, 0);
	else if (code == MACH_SEND_INVALID_REPLY)
		ipc_guard_raise(host, host->h_current, kGUARD_EXC_SEND_INVALID_REPLY,
				kmsg->ikm_reply_name, 0);
}

static mach_msg_return_t copyin_header(struct ipc_host *host, const struct ipc_thread *thread,
				       struct ipc_kmsg *kmsg)
{
	struct ipc_space *space = thread->th_task->t_space;
	struct header_rights rights = {
		.hr_dest_name = kmsg->ikm_dest_name,
		.hr_reply_name = kmsg->ikm_reply_name,
		.hr_voucher_name = kmsg->ikm_header.ikm_voucher_field,
		.hr_dest = MACH_MSGH_BITS_REMOTE(kmsg->ikm_bits),
		.hr_reply = MACH_MSGH_BITS_LOCAL(kmsg->ikm_bits),
		.hr_voucher = MACH_MSGH_BITS_VOUCHER(kmsg->ikm_bits),
	};
	mach_msg_return_t code = check_bits(&rights);
	bool wants, full;

	if (code == MACH_MSG_SUCCESS)
		code = check_voucher(space, &rights);
	if (code == MACH_MSG_SUCCESS &&
	    !ipc_strict_disposition_good(host, thread->th_args.a_option, rights.hr_reply_name,
					 rights.hr_reply))
		code = MACH_SEND_INVALID_REPLY;
	if (code == MACH_MSG_SUCCESS)
		code = check_rights(host, space, &rights);
	if (code == MACH_MSG_SUCCESS)
		code = process_voucher(host, thread->th_task, &rights);
	if (code != MACH_MSG_SUCCESS) {
		guard_header(host, kmsg, code);
		return code;
	}
	kmsg->ikm_lends = rights.hr_reply == MACH_MSG_TYPE_MOVE_SEND_ONCE &&
			  rights.hr_reply_entry && rights.hr_reply_entry->ie_boosts;
	wants = wants_notice(host, thread, &rights, &full);
	commit_header(host, space, kmsg, &rights);
	if (wants)
		notice(host, thread, kmsg, rights.hr_dest_name, full);
	ipc_kmsg_set_qos(kmsg, &thread->th_args);
	return MACH_MSG_SUCCESS;
}

/* The most send-once rights that copyin may make: each needs a piece of memory (ipc_owed.h). */
static uint64_t makes_sonce(const struct ipc_kmsg *kmsg)
{
	uint64_t count = (MACH_MSGH_BITS_REMOTE(kmsg->ikm_bits) == MACH_MSG_TYPE_MAKE_SEND_ONCE) +
			 (MACH_MSGH_BITS_LOCAL(kmsg->ikm_bits) == MACH_MSG_TYPE_MAKE_SEND_ONCE);

	for (uint32_t i = 0; i < kmsg->ikm_header.ikm_descriptors; i++) {
		const struct ikm_descriptor *desc = &kmsg->ikm_desc[i];

		if (desc->d_type != MACH_MSG_OOL_DESCRIPTOR &&
		    desc->d_type != MACH_MSG_OOL_VOLATILE_DESCRIPTOR &&
		    desc->d_disposition == MACH_MSG_TYPE_MAKE_SEND_ONCE)
			count += desc->d_count;
	}
	return count;
}

mach_msg_return_t ipc_kmsg_copyin(struct ipc_host *host, struct ipc_thread *thread,
				  struct ipc_kmsg *kmsg)
{
	struct ipc_space *space = thread->th_task->t_space;
	uint64_t option = thread->th_args.a_option;
	mach_msg_return_t code;

	if (!ipc_owed_keep(host, makes_sonce(kmsg))) {
		ipc_kmsg_free(host, kmsg);
		return MACH_SEND_NO_BUFFER;
	}
	/* Before any right is taken: the send-once right that makes the task important may be one.
	 */
	kmsg->ikm_may_donate = !(option & MACH_SEND_NOIMPORTANCE);
	kmsg->ikm_donates = kmsg->ikm_may_donate && ipc_importance_donates(thread->th_task);
	code = copyin_header(host, thread, kmsg);
	if (code != MACH_MSG_SUCCESS) {
		ipc_kmsg_free(host, kmsg);
		return code;
	}
	if (!ipc_strict_port_good(host, space, kmsg->ikm_header.ikm_reply, kmsg->ikm_reply_name,
				  option)) {
		ipc_kmsg_clean_partial(host, kmsg, 0);
		return MACH_SEND_INVALID_REPLY;
	}
	code = ipc_kmsg_check_policy(host, thread, kmsg);
	if (code != MACH_MSG_SUCCESS) {
		ipc_kmsg_clean_partial(host, kmsg, 0);
		return code;
	}
	code = ipc_kmsg_copyin_body(host, space, kmsg, &thread->th_memory_taken);
	if (code == MACH_MSG_SUCCESS)
		ipc_kmsg_sign(host, kmsg);
	return code;
}
