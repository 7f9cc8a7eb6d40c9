/* SPDX-License-Identifier: Apache-2.0 */
/* Strict reply: the checks of send and receive. */
#include "daemon/ipc/ipc_strict.h"

#include "daemon/ipc/ipc_entry.h"
#include "daemon/ipc/ipc_guard.h"
#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_kmsg.h"
#include "daemon/ipc/ipc_loan.h"
#include "daemon/ipc/ipc_port.h"
#include "daemon/ipc/ipc_task.h"
#include "daemon/ipc/ipc_voucher.h"

#define PERSONA_SHIFT 32

static bool has(uint64_t option, uint64_t bits)
{
	return (option & bits) == bits;
}

static bool enforced(const struct ipc_host *host, uint64_t option, uint64_t half)
{
	return host->h_policy.p_strict_reply && has(option, MACH_MSG_STRICT_REPLY | half);
}

static void violation(struct ipc_host *host, mach_port_name_t name, uint64_t subcode)
{
	ipc_guard_raise(host, host->h_current, kGUARD_EXC_STRICT_REPLY, name, subcode);
}

bool ipc_strict_disposition_good(struct ipc_host *host, uint64_t option, mach_port_name_t reply,
				 uint32_t disposition)
{
	if (!enforced(host, option, MACH_SEND_MSG))
		return true;
	if (MACH_PORT_VALID(reply) && (disposition == MACH_MSG_TYPE_MAKE_SEND_ONCE ||
				       disposition == MACH_MSG_TYPE_MOVE_SEND_ONCE))
		return true;
	violation(host, reply, MPG_FLAGS_STRICT_REPLY_INVALID_REPLY_DISP | disposition);
	return false;
}

/*
 * Here, with this one send-once right, and one send right at most, which keeps the name. Who sends
 * only and says MACH_RCV_GUARDED_DESC also wants the port to stay.
 */
static bool port_good(struct ipc_host *host, const struct ipc_space *space, struct ipc_port *reply,
		      uint64_t option)
{
	bool stays = has(option, MACH_RCV_GUARDED_DESC) && !has(option, MACH_RCV_MSG);

	ipc_loan_settle(host, reply); /* each message of it that was taken had a send right */
	return reply->ip_place == IP_IN_SPACE && reply->ip_receiver == space &&
	       reply->ip_sorights == 1 && reply->ip_srights <= 1 && (!stays || reply->ip_immovable);
}

bool ipc_strict_port_good(struct ipc_host *host, const struct ipc_space *space,
			  struct ipc_port *reply, mach_port_name_t name, uint64_t option)
{
	if (!enforced(host, option, MACH_SEND_MSG) || !IP_VALID(reply) || !ipc_port_active(reply) ||
	    port_good(host, space, reply, option))
		return true;
	violation(host, name, MPG_FLAGS_STRICT_REPLY_INVALID_REPLY_PORT | KERN_INVALID_CAPABILITY);
	return false;
}

/* What the thread's task calls the voucher that the thread works under. */
static mach_port_name_t voucher_name(const struct ipc_thread *thread)
{
	struct ipc_space *space = thread->th_task->t_space;
	const struct ipc_entry *entry = ipc_hash_lookup(space, thread->th_voucher);

	return entry ? ipc_entry_name(space, entry) : MACH_PORT_NULL;
}

mach_msg_return_t ipc_strict_context(struct ipc_host *host, struct ipc_thread *thread,
				     const struct ipc_kmsg *kmsg)
{
	struct ipc_port *dest = kmsg->ikm_header.ikm_dest;
	uint32_t tied = dest->ip_reply_persona, persona = 0;

	if (tied == 0 || kmsg->ikm_header.ikm_dest_type != MACH_MSG_TYPE_PORT_SEND_ONCE)
		return MACH_MSG_SUCCESS;
	dest->ip_reply_persona = 0;
	if (!ipc_port_active(dest))
		return MACH_MSG_SUCCESS;
	if (!thread->th_voucher) {
		violation(host, MACH_PORT_NULL, MPG_FLAGS_STRICT_REPLY_INVALID_VOUCHER | tied);
		return MACH_SEND_INVALID_CONTEXT;
	}
	persona = ipc_voucher_persona(thread->th_voucher->ip_voucher, thread->th_task);
	if (persona == tied)
		return MACH_MSG_SUCCESS;
	violation(host, voucher_name(thread),
		  MPG_FLAGS_STRICT_REPLY_MISMATCHED_PERSONA | tied |
			  ((uint64_t)persona << PERSONA_SHIFT & ~MPG_FLAGS_STRICT_REPLY_MASK));
	return MACH_SEND_INVALID_CONTEXT;
}

mach_msg_return_t ipc_strict_receive(struct ipc_host *host, struct ipc_thread *thread,
				     const struct ipc_kmsg *kmsg)
{
	struct ipc_port *reply = kmsg->ikm_header.ikm_reply;
	const struct ipc_port *voucher = kmsg->ikm_header.ikm_voucher;
	uint64_t option = thread->th_args.a_option;
	uint32_t persona;

	if (!IP_VALID(reply))
		return MACH_MSG_SUCCESS;
	if (!ipc_port_active(reply) || !voucher || !enforced(host, option, MACH_RCV_MSG)) {
		reply->ip_reply_persona = 0;
		return MACH_MSG_SUCCESS;
	}
	/* Of the receive's options those of its send half count as well, as in Mach. */
	if (has(option, MACH_SEND_MSG) && !port_good(host, thread->th_task->t_space, reply, option))
		return MACH_RCV_INVALID_REPLY;
	persona = ipc_voucher_persona(voucher->ip_voucher, thread->th_task);
	if (persona)
		reply->ip_reply_persona = persona;
	return MACH_MSG_SUCCESS;
}
