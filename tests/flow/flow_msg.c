/* SPDX-License-Identifier: Apache-2.0 */
/* Ports and messages in few words, for the tests. */
#include <string.h>

#include "tests/flow/flow.h"

mach_port_t flow_receive_right(void)
{
	mach_port_t port = MACH_PORT_NULL;

	CHECK_OK(mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &port));
	return port;
}

mach_port_t flow_port(void)
{
	mach_port_t port = flow_receive_right();

	flow_make_send(port, 1);
	return port;
}

void flow_make_send(mach_port_t port, unsigned count)
{
	while (count-- > 0)
		CHECK_OK(mach_port_insert_right(mach_task_self(), port, port,
						MACH_MSG_TYPE_MAKE_SEND));
}

mach_port_t flow_send_once(mach_port_t port)
{
	mach_port_t name = MACH_PORT_NULL;
	mach_msg_type_name_t type = 0;

	CHECK_OK(mach_port_extract_right(mach_task_self(), port, MACH_MSG_TYPE_MAKE_SEND_ONCE,
					 &name, &type));
	CHECK_EQ(type, MACH_MSG_TYPE_PORT_SEND_ONCE);
	return name;
}

mach_port_t flow_dead_name(unsigned urefs)
{
	mach_port_t name = MACH_PORT_NULL;

	CHECK_OK(mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_DEAD_NAME, &name));
	CHECK_OK(mach_port_mod_refs(mach_task_self(), name, MACH_PORT_RIGHT_DEAD_NAME,
				    (mach_port_delta_t)urefs - 1));
	return name;
}

mach_port_t flow_missing_name(void)
{
	mach_port_t name = flow_dead_name(1);

	CHECK_OK(mach_port_deallocate(mach_task_self(), name));
	return name;
}

mach_port_type_t flow_type(mach_port_t name)
{
	mach_port_type_t type = 0;
	kern_return_t code = mach_port_type(mach_task_self(), name, &type);

	if (code != KERN_INVALID_NAME)
		CHECK_OK(code);
	return type & ~(mach_port_type_t)MACH_PORT_TYPE_DNREQUEST;
}

mach_port_urefs_t flow_refs(mach_port_t name, mach_port_right_t right)
{
	mach_port_urefs_t refs = 0;
	kern_return_t code = mach_port_get_refs(mach_task_self(), name, right, &refs);

	if (code != KERN_INVALID_NAME)
		CHECK_OK(code);
	return refs;
}

mach_port_status_t flow_status(mach_port_t port)
{
	mach_msg_type_number_t count = MACH_PORT_RECEIVE_STATUS_COUNT;
	mach_port_status_t status;

	CHECK_OK(mach_port_get_attributes(mach_task_self(), port, MACH_PORT_RECEIVE_STATUS,
					  (mach_port_info_t)&status, &count));
	CHECK_EQ(count, MACH_PORT_RECEIVE_STATUS_COUNT);
	return status;
}

void flow_set_qlimit(mach_port_t port, mach_port_msgcount_t limit)
{
	mach_port_limits_t limits = {.mpl_qlimit = limit};

	CHECK_OK(mach_port_set_attributes(mach_task_self(), port, MACH_PORT_LIMITS_INFO,
					  (mach_port_info_t)&limits, MACH_PORT_LIMITS_INFO_COUNT));
}

mach_port_t flow_request(mach_port_t name, mach_msg_id_t id, mach_port_mscount_t sync,
			 mach_port_t notify)
{
	mach_port_t previous = MACH_PORT_DEAD;

	CHECK_OK(mach_port_request_notification(mach_task_self(), name, id, sync, notify,
						MACH_MSG_TYPE_MAKE_SEND_ONCE, &previous));
	return previous;
}

void flow_header(struct flow_message *message, mach_port_t dest, mach_msg_type_name_t dest_type,
		 mach_port_t reply, mach_msg_type_name_t reply_type, mach_msg_id_t id)
{
	message->header = (mach_msg_header_t){
		.msgh_bits = MACH_MSGH_BITS_SET(dest_type, reply_type, 0, 0),
		.msgh_size = sizeof message->header,
		.msgh_remote_port = dest,
		.msgh_local_port = reply,
		.msgh_id = id,
	};
}

void flow_complex(struct flow_message *message, mach_port_t dest, mach_msg_type_name_t dest_type,
		  mach_msg_id_t id)
{
	flow_header(message, dest, dest_type, MACH_PORT_NULL, 0, id);
	message->header.msgh_bits |= MACH_MSGH_BITS_COMPLEX;
	message->header.msgh_size = sizeof message->base;
	message->base.body.msgh_descriptor_count = 0;
}

void flow_add_port(struct flow_message *message, mach_port_t name, mach_msg_type_name_t type)
{
	message->port[message->base.body.msgh_descriptor_count++] = (mach_msg_port_descriptor_t){
		.name = name,
		.disposition = type,
		.type = MACH_MSG_PORT_DESCRIPTOR,
	};
	message->header.msgh_size += sizeof message->port[0];
}

mach_msg_return_t flow_send(struct flow_message *message)
{
	return mach_msg(&message->header, MACH_SEND_MSG | MACH_SEND_TIMEOUT,
			message->header.msgh_size, 0, MACH_PORT_NULL, 0, MACH_PORT_NULL);
}

mach_msg_return_t flow_send_to(mach_port_t dest, mach_msg_type_name_t dest_type, mach_port_t reply,
			       mach_msg_type_name_t reply_type, mach_msg_id_t id)
{
	struct flow_message message;

	flow_header(&message, dest, dest_type, reply, reply_type, id);
	return flow_send(&message);
}

void flow_fill(mach_port_t port, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		CHECK_OK(flow_send_to(port, MACH_MSG_TYPE_COPY_SEND, MACH_PORT_NULL, 0,
				      (mach_msg_id_t)i));
}

#define ALL_TRAILER                                         \
	(MACH_RCV_TRAILER_TYPE(MACH_MSG_TRAILER_FORMAT_0) | \
	 MACH_RCV_TRAILER_ELEMENTS(MACH_RCV_TRAILER_LABELS))

mach_msg_return_t flow_receive(mach_port_t port, struct flow_message *message)
{
	memset(message, 0xee, sizeof *message);
	return mach_msg(&message->header, MACH_RCV_MSG | MACH_RCV_TIMEOUT | ALL_TRAILER, 0,
			sizeof *message, port, 0, MACH_PORT_NULL);
}

void flow_await(mach_port_t port, struct flow_message *message)
{
	memset(message, 0xee, sizeof *message);
	CHECK_OK(mach_msg(&message->header, MACH_RCV_MSG | ALL_TRAILER, 0, sizeof *message, port, 0,
			  MACH_PORT_NULL));
}

const mach_msg_max_trailer_t *flow_trailer(const struct flow_message *message)
{
	const void *trailer = message->bytes + round_msg(message->header.msgh_size);

	return trailer;
}

uint32_t flow_notified(mach_port_t port, mach_msg_id_t id)
{
	struct flow_message message;

	if (id < 0) {
		CHECK_CODE(flow_receive(port, &message), MACH_RCV_TIMED_OUT);
		return 0;
	}
	CHECK_OK(flow_receive(port, &message));
	CHECK_EQ(message.header.msgh_id, id);
	CHECK_EQ(message.header.msgh_bits & ~MACH_MSGH_BITS_COMPLEX,
		 MACH_MSGH_BITS(0, MACH_MSG_TYPE_PORT_SEND_ONCE));
	CHECK_EQ(message.header.msgh_local_port, port);
	CHECK_EQ(message.header.msgh_remote_port, MACH_PORT_NULL);
	if (id == MACH_NOTIFY_PORT_DESTROYED)
		return message.port[0].name;
	return message.word;
}
