/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fills the mailbox: some items before it changes hands, and the others while it does. It keeps the
 * one send right it got and never learns that the receiver became another process.
 */
#include <stdio.h>

#include "tests/demo/demo.h"

static mach_port_t open_mailbox(void)
{
	union {
		struct demo_port message;
		uint8_t room[sizeof(struct demo_port) + MAX_TRAILER_SIZE];
	} buffer = {0};

	demo_call(demo_look_up(DEMO_KEEPER), &buffer.message.header, sizeof buffer.message.header,
		  sizeof buffer, DEMO_OPEN);
	if (buffer.message.body.msgh_descriptor_count != 1 ||
	    buffer.message.port.disposition != MACH_MSG_TYPE_PORT_SEND)
		demo_fail("the keeper's answer holds no send right");
	return buffer.message.port.name;
}

static void put_items(mach_port_t mailbox, uint32_t from, uint32_t to)
{
	struct demo_item item = {0};

	for (uint32_t i = from; i < to; i++) {
		demo_item_fill(&item, i);
		demo_send(mailbox, &item.header, sizeof item, DEMO_ITEM);
	}
}

int main(void)
{
	mach_port_t mailbox = open_mailbox();

	put_items(mailbox, 0, DEMO_ITEMS_BEFORE);
	printf("writer:    %d messages sent; nobody has read one\n", DEMO_ITEMS_BEFORE);
	demo_reached();
	demo_await();
	put_items(mailbox, DEMO_ITEMS_BEFORE, DEMO_ITEMS);
	printf("writer:    %d more sent through the same send right\n",
	       DEMO_ITEMS - DEMO_ITEMS_BEFORE);
	demo_reached();
	demo_await();
	return 0;
}
