/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mailbox's second owner: gets the receive right in a message, then reads every item that was
 * sent, before, while and after the right moved, and checks each one's place and content.
 */
#include <stdio.h>
#include <string.h>

#include "tests/demo/demo.h"

/* How long to wait for an item before it counts as lost, ms. */
#define PATIENCE 10000

static mach_port_t take_over(mach_port_t service, uint32_t *queued)
{
	union {
		struct demo_port message;
		uint8_t room[sizeof(struct demo_port) + MAX_TRAILER_SIZE];
	} buffer;

	demo_check(mach_msg(&buffer.message.header, MACH_RCV_MSG, 0, sizeof buffer, service,
			    MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL),
		   "wait for the keeper");
	if (buffer.message.header.msgh_id != DEMO_HAND_OVER ||
	    buffer.message.port.disposition != MACH_MSG_TYPE_PORT_RECEIVE)
		demo_fail("no receive right came");
	*queued = buffer.message.queued;
	return buffer.message.port.name;
}

static void read_item(mach_port_t mailbox, uint32_t index)
{
	union {
		struct demo_item item;
		uint8_t room[sizeof(struct demo_item) + MAX_TRAILER_SIZE];
	} buffer;
	struct demo_item expected = {0};

	demo_check(mach_msg(&buffer.item.header, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof buffer,
			    mailbox, PATIENCE, MACH_PORT_NULL),
		   "read an item");
	demo_item_fill(&expected, index);
	if (buffer.item.header.msgh_id != DEMO_ITEM || buffer.item.index != index)
		demo_fail("item %u came where %u should be", buffer.item.index, index);
	if (memcmp(buffer.item.data, expected.data, sizeof expected.data) != 0)
		demo_fail("item %u has changed on its way", index);
}

static void require_empty(mach_port_t mailbox)
{
	union {
		mach_msg_header_t header;
		struct demo_item item;
		uint8_t room[sizeof(struct demo_item) + MAX_TRAILER_SIZE];
	} buffer;
	mach_msg_return_t code = mach_msg(&buffer.header, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0,
					  sizeof buffer, mailbox, 0, MACH_PORT_NULL);

	if (code != MACH_RCV_TIMED_OUT)
		demo_fail("there is more in the mailbox than was sent (%#x)", (unsigned)code);
}

int main(void)
{
	mach_port_t service = demo_check_in(DEMO_SUCCESSOR), mailbox;
	uint32_t queued;

	demo_reached();
	mailbox = take_over(service, &queued);
	if (queued < DEMO_ITEMS_BEFORE)
		demo_fail("the keeper counted only %u messages", queued);
	demo_reached();
	demo_await();
	for (uint32_t i = 0; i < DEMO_ITEMS; i++)
		read_item(mailbox, i);
	require_empty(mailbox);
	printf("successor: read %d messages, in order, every byte right, none lost\n", DEMO_ITEMS);
	return 0;
}
