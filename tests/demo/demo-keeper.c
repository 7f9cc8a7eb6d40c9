/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mailbox's first owner: makes it, gives the writer a send right to it, reads nothing from it,
 * and when demo.sh says so moves the receive right to the successor with everything on the queue.
 */
#include <stdio.h>

#include "tests/demo/demo.h"

static mach_port_t make_mailbox(void)
{
	mach_port_limits_t limits = {.mpl_qlimit = MACH_PORT_QLIMIT_LARGE};
	mach_port_t mailbox;

	demo_check(mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &mailbox),
		   "allocate");
	demo_check(mach_port_set_attributes(mach_task_self(), mailbox, MACH_PORT_LIMITS_INFO,
					    (mach_port_info_t)&limits, MACH_PORT_LIMITS_INFO_COUNT),
		   "set the queue's limit");
	return mailbox;
}

static uint32_t queued_on(mach_port_t mailbox)
{
	mach_msg_type_number_t words = MACH_PORT_RECEIVE_STATUS_COUNT;
	mach_port_status_t status;

	demo_check(mach_port_get_attributes(mach_task_self(), mailbox, MACH_PORT_RECEIVE_STATUS,
					    (mach_port_info_t)&status, &words),
		   "look at the queue");
	return status.mps_msgcount;
}

static void put_port(struct demo_port *message, mach_port_t port, mach_msg_type_name_t disposition)
{
	message->header.msgh_bits |= MACH_MSGH_BITS_COMPLEX;
	message->body.msgh_descriptor_count = 1;
	message->port = (mach_msg_port_descriptor_t){
		.name = port, .disposition = disposition, .type = MACH_MSG_PORT_DESCRIPTOR};
}

/* Answer one DEMO_OPEN with a send right to the mailbox. */
static void answer_open(mach_port_t service, mach_port_t mailbox)
{
	union {
		struct demo_port message;
		uint8_t room[sizeof(struct demo_port) + MAX_TRAILER_SIZE];
	} buffer;

	demo_check(mach_msg(&buffer.message.header, MACH_RCV_MSG, 0, sizeof buffer, service,
			    MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL),
		   "wait for the writer");
	if (buffer.message.header.msgh_id != DEMO_OPEN)
		demo_fail("message %d is not a request to open", buffer.message.header.msgh_id);
	demo_turn_round(&buffer.message.header, sizeof buffer.message);
	put_port(&buffer.message, mailbox, MACH_MSG_TYPE_MAKE_SEND);
	demo_check(mach_msg(&buffer.message.header, MACH_SEND_MSG, sizeof buffer.message, 0,
			    MACH_PORT_NULL, MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL),
		   "answer the writer");
}

static void hand_over(mach_port_t mailbox)
{
	struct demo_port message = {.queued = queued_on(mailbox)};
	mach_port_type_t type;

	put_port(&message, mailbox, MACH_MSG_TYPE_MOVE_RECEIVE);
	demo_send(demo_look_up(DEMO_SUCCESSOR), &message.header, sizeof message, DEMO_HAND_OVER);
	if (mach_port_type(mach_task_self(), mailbox, &type) != KERN_INVALID_NAME)
		demo_fail("the right is still here after it was moved");
	printf("keeper:    moved the receive right while %u messages were queued on it\n",
	       message.queued);
}

int main(void)
{
	mach_port_t service = demo_check_in(DEMO_KEEPER), mailbox = make_mailbox();

	demo_reached();
	answer_open(service, mailbox);
	demo_await();
	hand_over(mailbox);
	return 0;
}
