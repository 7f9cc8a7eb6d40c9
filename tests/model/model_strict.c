/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Strict replies [17.4]: what a request with MACH_MSG_STRICT_REPLY may name for a reply, and under
 * which persona that must be sent if the request was received so.
 */
#include <mach/mach_voucher_types.h>

#include "tests/model/model_private.h"

static bool enforced(const struct model *model, const struct m_thread *thread, uint64_t half)
{
	uint64_t both = half | MACH_MSG_STRICT_REPLY;

	return model->strict && (thread->args.option & both) == both;
}

bool m_strict_reply_good(const struct model *model, const struct m_thread *thread,
			 const mach_msg_header_t *header)
{
	uint32_t reply = MACH_MSGH_BITS_LOCAL(header->msgh_bits);

	if (!enforced(model, thread, MACH_SEND_MSG))
		return true;
	return MACH_PORT_VALID(header->msgh_local_port) &&
	       (reply == MACH_MSG_TYPE_MAKE_SEND_ONCE || reply == MACH_MSG_TYPE_MOVE_SEND_ONCE);
}

/* The thread's own, which nobody else can send to; and it stays, for a send that says so. */
static bool port_good(const struct model *model, const struct m_thread *thread,
		      const struct m_port *port)
{
	const uint64_t option = thread->args.option;

	if (port->dead)
		return true;
	if (!port->holder || port->holder->task != thread->task)
		return false;
	if ((port->sorights != 1 || port->srights > 1) && model->mutation != MODEL_REPLY_SHARED)
		return false;
	return port->immovable || option & MACH_RCV_MSG || !(option & MACH_RCV_GUARDED_DESC);
}

bool m_strict_port_good(const struct model *model, const struct m_thread *thread,
			const struct m_msg *msg)
{
	return !enforced(model, thread, MACH_SEND_MSG) || !msg->reply.port ||
	       port_good(model, thread, msg->reply.port);
}

/* The persona that a task works under with a voucher; 0: none. */
static uint32_t persona(const struct m_task *task, const struct m_port *voucher)
{
	if (!voucher)
		return 0;
	return m_bank_seen(task, &voucher->values[MACH_VOUCHER_ATTR_KEY_BANK - 1]).persona;
}

uint32_t m_strict_context(const struct model *model, const struct m_thread *thread,
			  const struct m_msg *msg)
{
	struct m_port *port = msg->dest.port;
	uint32_t tied = port->persona;

	if (msg->dest.type != MACH_MSG_TYPE_PORT_SEND_ONCE || tied == 0)
		return MACH_MSG_SUCCESS;
	port->persona = 0;
	if (port->dead || persona(thread->task, thread->voucher) == tied ||
	    model->mutation == MODEL_CONTEXT_FREE)
		return MACH_MSG_SUCCESS;
	return MACH_SEND_INVALID_CONTEXT;
}

uint32_t m_strict_receive(const struct model *model, const struct m_thread *thread,
			  const struct m_msg *msg)
{
	struct m_port *port = msg->reply.port, *voucher = msg->voucher_right.port;
	uint32_t tie;

	if (!port || port->dead)
		return MACH_MSG_SUCCESS;
	if (!voucher || !enforced(model, thread, MACH_RCV_MSG)) {
		port->persona = 0;
		return MACH_MSG_SUCCESS;
	}
	if (thread->args.option & MACH_SEND_MSG && !port_good(model, thread, port))
		return MACH_RCV_INVALID_REPLY;
	tie = persona(thread->task, voucher);
	if (tie)
		port->persona = tie;
	return MACH_MSG_SUCCESS;
}
