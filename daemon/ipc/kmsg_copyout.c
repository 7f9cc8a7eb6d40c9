/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copyout: naked rights become names in a space, the receiver's or, for a message that is returned
 * (pseudo-receive), the sender's. Descriptors are changed in place; deflate writes them out.
 */
#include <mach/mach_voucher_types.h>

#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_importance.h"
#include "daemon/ipc/ipc_inherit.h"
#include "daemon/ipc/ipc_kmsg.h"
#include "daemon/ipc/ipc_port.h"
#include "daemon/ipc/ipc_right.h"
#include "daemon/ipc/ipc_strict.h"
#include "daemon/ipc/ipc_task.h"
#include "daemon/ipc/ipc_voucher.h"

/* The bit of a receive code that says why a name could not be made. */
static mach_msg_return_t room_bit(kern_return_t kr)
{
	if (kr == KERN_SUCCESS)
		return 0;
	return kr == KERN_RESOURCE_SHORTAGE ? MACH_MSG_IPC_KERNEL : MACH_MSG_IPC_SPACE;
}

/* Consume the destination right; returns the receiver's name for the port. */
static mach_port_name_t consume_dest(struct ipc_host *host, struct ipc_space *space,
				     struct ipc_kmsg *kmsg)
{
	struct ipc_port *port = kmsg->ikm_header.ikm_dest;
	mach_port_name_t name = MACH_PORT_NULL;

	if (!ipc_port_active(port))
		name = MACH_PORT_DEAD;
	else if (port->ip_receiver == space)
		name = port->ip_name;
	kmsg->ikm_header.ikm_dest = IP_NULL;
	if (kmsg->ikm_header.ikm_dest_type == MACH_MSG_TYPE_PORT_SEND)
		ipc_port_release_send(host, port);
	else
		ipc_port_release_sonce(host, port);
	return name;
}

static uint32_t received_bits(const struct ikm_header *header, uint8_t remote, uint8_t local,
			      uint8_t voucher)
{
	return MACH_MSGH_BITS_SET(remote, local, voucher,
				  header->ikm_complex ? MACH_MSGH_BITS_COMPLEX : 0);
}

/* One naked right becomes a name; returns 0 or the bit of a failure. */
static mach_msg_return_t copyout_right(struct ipc_host *host, struct ipc_space *space,
				       union ikm_right *right, uint8_t type)
{
	struct ipc_port *port = right->r_port;
	kern_return_t kr;

	right->r_port = IP_NULL;
	kr = ipc_right_copyout(host, space, port, type, &right->r_name);
	return room_bit(kr);
}

/* The space that gets the body's rights, and how guarded descriptors are treated. */
struct taker {
	struct ipc_space *t_space;
	bool t_guards;	    /* they are accepted (MACH_RCV_GUARDED_DESC) */
	bool t_immovable;   /* their receive rights become immovable */
	uint64_t t_context; /* the new guard: the address of the buffer */
};

/*
 * A guarded receive right. A receiver that does not accept those does not get it. Others get it, if
 * the sender asked for that under a new guard.
 */
static mach_msg_return_t copyout_guarded(struct ipc_host *host, const struct taker *taker,
					 struct ipc_kmsg *kmsg, struct ikm_descriptor *desc)
{
	union ikm_right *right = &kmsg->ikm_rights[desc->d_first];
	struct ipc_port *port = right->r_port;
	bool guard = desc->d_flags & MACH_MSG_GUARD_FLAGS_IMMOVABLE_RECEIVE;
	mach_msg_return_t bit;

	if (!taker->t_guards) {
		right->r_port = IP_NULL;
		ipc_right_destroy_naked(host, port, desc->d_disposition);
		right->r_name = MACH_PORT_NULL;
		return 0;
	}
	bit = copyout_right(host, taker->t_space, right, desc->d_disposition);
	if (!MACH_PORT_VALID(right->r_name) || !guard)
		return bit;
	port->ip_context = desc->d_context = taker->t_context;
	port->ip_guarded = true;
	port->ip_immovable = taker->t_immovable;
	desc->d_flags &= ~(uint32_t)MACH_MSG_GUARD_FLAGS_UNGUARDED_ON_SEND;
	return bit;
}

/* Body rights, in order; a failure leaves a hole and does not stop the others. */
static mach_msg_return_t copyout_body(struct ipc_host *host, const struct taker *taker,
				      struct ipc_kmsg *kmsg)
{
	mach_msg_return_t bits = 0;

	for (uint32_t i = 0; i < kmsg->ikm_header.ikm_descriptors; i++) {
		struct ikm_descriptor *desc = &kmsg->ikm_desc[i];

		if (desc->d_type == MACH_MSG_GUARDED_PORT_DESCRIPTOR)
			bits |= copyout_guarded(host, taker, kmsg, desc);
		else if (desc->d_type == MACH_MSG_PORT_DESCRIPTOR ||
			 desc->d_type == MACH_MSG_OOL_PORTS_DESCRIPTOR)
			for (uint32_t k = 0; k < desc->d_count; k++)
				bits |= copyout_right(host, taker->t_space,
						      &kmsg->ikm_rights[desc->d_first + k],
						      desc->d_disposition);
	}
	return bits;
}

/* A receiver that wants the voucher gets the redeemed one; returns 0 or the bit of a failure. */
static mach_msg_return_t redeem_voucher(struct ipc_host *host, const struct ipc_task *task,
					struct ikm_header *header)
{
	struct ipc_port *old = header->ikm_voucher, *port;

	port = ipc_voucher_process(host, task, old->ip_voucher, MACH_VOUCHER_ATTR_AUTO_REDEEM);
	if (!port)
		return MACH_MSG_IPC_KERNEL;
	header->ikm_voucher = port;
	ipc_port_release_send(host, old);
	return 0;
}

/*
 * Reserve entries for all rights of the header, even if the reply port is dead by now, and prepare
 * the voucher; returns 0 or the bit of a failure. A receiver that inherits importance gets a
 * voucher even if none was sent.
 */
static mach_msg_return_t reserve_header(struct ipc_host *host, struct ipc_task *task,
					struct ipc_kmsg *kmsg, bool wanted, bool inherits)
{
	struct ikm_header *header = &kmsg->ikm_header;
	bool voucher = wanted && (header->ikm_voucher || inherits);
	unsigned count = IP_VALID(header->ikm_reply) + voucher;

	if (ipc_entry_reserve_many(host, task->t_space, count) != KERN_SUCCESS)
		return MACH_MSG_IPC_SPACE; /* whatever the reason */
	if (!voucher)
		return 0;
	if (!ipc_inherit_take(host, task, kmsg))
		return MACH_MSG_IPC_KERNEL;
	return redeem_voucher(host, task, header);
}

/* The voucher's name and type for the header; none if the receiver does not want it [9.4]. */
static uint8_t copyout_voucher(struct ipc_host *host, struct ipc_space *space,
			       struct ikm_header *header, bool wanted, mach_port_name_t *name)
{
	struct ipc_port *port = header->ikm_voucher;

	header->ikm_voucher = IP_NULL;
	*name = header->ikm_voucher_type ? MACH_PORT_NULL : header->ikm_voucher_field;
	if (port && wanted)
		*name = ipc_right_copyout_reserved(host, space, port, MACH_MSG_TYPE_PORT_SEND);
	else if (port)
		ipc_port_release_send(host, port);
	return header->ikm_voucher_type && wanted ? MACH_MSG_TYPE_PORT_SEND : 0;
}

mach_msg_return_t ipc_kmsg_copyout(struct ipc_host *host, struct ipc_thread *thread,
				   struct ipc_kmsg *kmsg, struct ipc_received *received)
{
	struct ikm_header *header = &kmsg->ikm_header;
	struct ipc_space *space = thread->th_task->t_space;
	uint64_t option = thread->th_args.a_option;
	bool wanted = option & MACH_RCV_VOUCHER, inherits;
	struct taker taker = {.t_space = space,
			      .t_guards = option & MACH_RCV_GUARDED_DESC,
			      .t_immovable = true,
			      .t_context = thread->th_args.a_rcv_address};
	mach_msg_return_t bits;
	uint8_t voucher;

	ipc_request_send_possible(host, header->ikm_dest);
	inherits = wanted && ipc_inherit_due(host, thread->th_task, kmsg);
	bits = reserve_header(host, thread->th_task, kmsg, wanted, inherits);
	if (bits)
		return MACH_RCV_HEADER_ERROR | bits;
	bits = ipc_strict_receive(host, thread, kmsg);
	if (bits)
		return bits;
	received->r_remote =
		ipc_right_copyout_reserved(host, space, header->ikm_reply, header->ikm_reply_type);
	header->ikm_reply = IP_NULL;
	voucher = copyout_voucher(host, space, header, wanted, &received->r_voucher);
	received->r_bits =
		received_bits(header, header->ikm_reply_type, header->ikm_dest_type, voucher);
	if (ipc_importance_receive(host, space, kmsg, received->r_remote) || inherits)
		received->r_bits |= MACH_MSGH_BITS_RAISEIMP;
	received->r_local = consume_dest(host, space, kmsg);
	bits = copyout_body(host, &taker, kmsg);
	return bits ? MACH_RCV_BODY_ERROR | bits : MACH_MSG_SUCCESS;
}

/* A moved voucher is returned; of a copied one the sender still has the name. */
static mach_msg_return_t give_back_voucher(struct ipc_host *host, struct ipc_space *space,
					   struct ikm_header *header, mach_port_name_t *name)
{
	struct ipc_port *port = header->ikm_voucher;

	header->ikm_voucher = IP_NULL;
	*name = header->ikm_voucher_field;
	if (port && header->ikm_voucher_type == MACH_MSG_TYPE_MOVE_SEND)
		return room_bit(
			ipc_right_copyout(host, space, port, MACH_MSG_TYPE_PORT_SEND, name));
	if (port)
		ipc_port_release_send(host, port);
	return 0;
}

/*
 * The send-once right to a marked reply port cannot be given a name: it is released silently, and
 * the header is as the sender wrote it [10.2].
 */
static mach_port_name_t take_back_reply(struct ipc_host *host, struct ipc_space *space,
					struct ikm_header *header)
{
	struct ipc_port *port = header->ikm_reply;
	mach_port_name_t name = MACH_PORT_NULL;

	if (!ipc_port_active(port)) {
		name = MACH_PORT_DEAD;
	} else if (port->ip_receiver == space) {
		name = port->ip_name;
		header->ikm_reply_type = MACH_MSG_TYPE_MAKE_SEND_ONCE;
	}
	ipc_port_release_sonce(host, port);
	return name;
}

mach_msg_return_t ipc_kmsg_copyout_pseudo(struct ipc_host *host, struct ipc_thread *thread,
					  struct ipc_kmsg *kmsg, mach_msg_return_t code,
					  struct ipc_received *received)
{
	struct ikm_header *header = &kmsg->ikm_header;
	struct ipc_space *space = thread->th_task->t_space;
	struct taker taker = {
		.t_space = space, .t_guards = true, .t_context = thread->th_args.a_send_address};
	mach_msg_return_t bits, body;

	ipc_importance_clean(host, kmsg);
	bits = room_bit(ipc_right_copyout(host, space, header->ikm_dest, header->ikm_dest_type,
					  &received->r_remote));
	if (IP_VALID(header->ikm_reply) && header->ikm_reply->ip_only_reply)
		received->r_local = take_back_reply(host, space, header);
	else
		bits |= room_bit(ipc_right_copyout(host, space, header->ikm_reply,
						   header->ikm_reply_type, &received->r_local));
	header->ikm_dest = header->ikm_reply = IP_NULL;
	bits |= give_back_voucher(host, space, header, &received->r_voucher);
	received->r_bits = received_bits(header, header->ikm_dest_type, header->ikm_reply_type,
					 header->ikm_voucher_type);
	body = copyout_body(host, &taker, kmsg);
	if (body)
		bits |= MACH_RCV_BODY_ERROR | body;
	return code | bits;
}

void ipc_kmsg_copyout_dest(struct ipc_host *host, struct ipc_thread *thread, struct ipc_kmsg *kmsg,
			   struct ipc_received *received)
{
	struct ikm_header *header = &kmsg->ikm_header;

	ipc_importance_clean(host, kmsg);
	received->r_bits = received_bits(header, header->ikm_reply_type, header->ikm_dest_type,
					 header->ikm_voucher_type ? MACH_MSG_TYPE_PORT_SEND : 0);
	received->r_remote = header->ikm_reply == IP_DEAD ? MACH_PORT_DEAD : MACH_PORT_NULL;
	received->r_voucher = header->ikm_voucher ? MACH_PORT_NULL : header->ikm_voucher_field;
	received->r_aux = header->ikm_aux_size != 0;
	received->r_local = consume_dest(host, thread->th_task->t_space, kmsg);
	ipc_kmsg_clean_partial(host, kmsg, header->ikm_descriptors);
}
