/* SPDX-License-Identifier: Apache-2.0 */
/* Messages with descriptors of every kind. */
#include "tests/flow/word/kit.h"

#include <string.h>

#define SELF	  mach_task_self()
#define MAKE	  MACH_MSG_TYPE_MAKE_SEND
#define RECEIVE	  MACH_MSG_TYPE_MOVE_RECEIVE
#define IMMOVABLE MACH_MSG_GUARD_FLAGS_IMMOVABLE_RECEIVE

#define LARGE	  50000 /* goes by memfd */
#define SMALL	  700	/* goes in the frame */
#define IN_PAGE	  123	/* where the large piece begins */
#define TAIL	  48	/* bytes behind the descriptors */
#define PARCEL_ID 77	/* of the message that waits on a port that moves */
#define GUARD	  ((mach_port_context_t)0x123456789abcdef0)

/* A receive right on which a message with memory waits. */
static mach_port_t port_with_parcel(unsigned seed)
{
	mach_port_t port = flow_receive_right();
	struct flow_letter parcel;
	uint8_t memory[SMALL];

	letter_fill(memory, sizeof memory, seed);
	letter_start_as(&parcel, port, MAKE, MACH_PORT_NULL, 0);
	parcel.header.msgh_id = PARCEL_ID;
	letter_add_memory(&parcel, memory, sizeof memory, false, MACH_MSG_VIRTUAL_COPY);
	CHECK_OK(letter_send(&parcel));
	return port;
}

static mach_port_t guarded_port(void)
{
	mach_port_t port = flow_receive_right();

	CHECK_OK(mach_port_guard(SELF, port, GUARD, false));
	return port;
}

static void write_one(struct flow_letter *letter, unsigned seed)
{
	uint8_t *pages = letter_pages(16);
	mach_port_t *names = (mach_port_t *)(void *)(pages + 15 * vm_page_size);
	mach_msg_ool_descriptor_t hasty = {.address = names,
					   .size = 3 * sizeof *names,
					   .copy = MACH_MSG_PHYSICAL_COPY,
					   .type = MACH_MSG_OOL_VOLATILE_DESCRIPTOR};

	names[0] = flow_port();
	names[1] = MACH_PORT_NULL;
	names[2] = MACH_PORT_DEAD;
	letter_fill(pages + IN_PAGE, LARGE, seed);
	letter_fill(pages + IN_PAGE + LARGE, SMALL, seed + 1);
	letter_add_memory(letter, pages + IN_PAGE + LARGE, SMALL, false, MACH_MSG_PHYSICAL_COPY);
	letter_add_memory(letter, pages + IN_PAGE, LARGE, true, MACH_MSG_VIRTUAL_COPY);
	letter_add_memory(letter, (void *)1, 0, false, MACH_MSG_VIRTUAL_COPY);
	letter_add_port(letter, names[0], MAKE);
	letter_add_ports(letter, names, 3, MACH_MSG_TYPE_COPY_SEND, false);
	letter_add_guarded(letter, guarded_port(), GUARD, IMMOVABLE);
	letter_add_port(letter, port_with_parcel(seed + 2), RECEIVE);
	letter_add(letter, &hasty, sizeof hasty);
}

void kit_write(struct flow_letter *letter, mach_port_t dest, mach_port_t reply, unsigned count)
{
	letter_start_as(letter, dest, MACH_MSG_TYPE_COPY_SEND, reply,
			reply ? MACH_MSG_TYPE_MAKE_SEND_ONCE : 0);
	letter->header.msgh_id = (mach_msg_id_t)count;
	for (unsigned i = 0; i < count; i++)
		write_one(letter, 10 * i);
	letter_fill(letter->bytes + letter->header.msgh_size, TAIL, count);
	letter->header.msgh_size += TAIL;
}

static void expect_memory(const struct flow_letter *letter, unsigned at, unsigned seed)
{
	mach_msg_ool_descriptor_t small = letter_memory(letter, at);
	mach_msg_ool_descriptor_t large = letter_memory(letter, at + 1);
	mach_msg_ool_descriptor_t none = letter_memory(letter, at + 2);
	mach_msg_ool_descriptor_t hasty = letter_memory(letter, at + 7);

	CHECK(!small.deallocate && small.copy == MACH_MSG_PHYSICAL_COPY);
	CHECK(large.deallocate && large.copy == MACH_MSG_VIRTUAL_COPY);
	CHECK_EQ((uintptr_t)large.address & vm_page_mask, IN_PAGE);
	letter_expect_memory(&small, SMALL, seed + 1);
	letter_expect_memory(&large, LARGE, seed);
	CHECK(none.address == NULL && none.size == 0);
	CHECK_EQ(hasty.type, MACH_MSG_OOL_VOLATILE_DESCRIPTOR);
	CHECK_EQ(hasty.size, 3 * sizeof(mach_port_t));
	CHECK_EQ(((uint32_t *)hasty.address)[2], MACH_PORT_DEAD);
	CHECK_OK(vm_deallocate(SELF, (vm_address_t)hasty.address, hasty.size));
}

static void expect_rights(const struct flow_letter *letter, unsigned at)
{
	mach_msg_port_descriptor_t port = letter_port(letter, at + 3);
	mach_msg_ool_ports_descriptor_t ports = letter_ports(letter, at + 4);
	const mach_port_t *names = ports.address;

	CHECK_EQ(port.disposition, MACH_MSG_TYPE_PORT_SEND);
	CHECK_EQ(flow_refs(port.name, MACH_PORT_RIGHT_SEND), 2);
	CHECK_EQ(ports.count, 3);
	CHECK_EQ(ports.disposition, MACH_MSG_TYPE_PORT_SEND);
	CHECK_EQ(names[0], port.name);
	CHECK_EQ(names[1], MACH_PORT_NULL);
	CHECK_EQ(names[2], MACH_PORT_DEAD);
	CHECK_OK(vm_deallocate(SELF, (vm_address_t)names, 3 * sizeof *names));
	CHECK_OK(mach_port_mod_refs(SELF, port.name, MACH_PORT_RIGHT_SEND, -2));
}

/* The guard of a port received is the address of the buffer, as wide as a pointer here is. */
static void expect_guarded(const struct flow_letter *letter, unsigned at)
{
	mach_msg_guarded_port_descriptor_t guarded = letter_guarded(letter, at + 5);
	mach_port_context_t context = 0;

	CHECK_EQ(guarded.flags, IMMOVABLE);
	CHECK_EQ(guarded.disposition, MACH_MSG_TYPE_PORT_RECEIVE);
	CHECK(guarded.context == (uintptr_t)letter);
	CHECK_OK(mach_port_get_context(SELF, guarded.name, &context));
	CHECK(context == guarded.context);
	CHECK_OK(mach_port_destruct(SELF, guarded.name, 0, guarded.context));
}

/* A message that was queued for a program of the other word size. */
static void expect_parcel(const struct flow_letter *letter, unsigned at, unsigned seed)
{
	mach_msg_port_descriptor_t moved = letter_port(letter, at + 6);
	mach_msg_ool_descriptor_t memory;
	struct flow_letter parcel;

	CHECK_EQ(moved.disposition, MACH_MSG_TYPE_PORT_RECEIVE);
	CHECK_OK(letter_receive(moved.name, &parcel));
	CHECK_EQ(parcel.header.msgh_id, PARCEL_ID);
	CHECK_EQ(parcel.header.msgh_size, sizeof parcel.base + sizeof memory);
	memory = letter_memory(&parcel, 0);
	letter_expect_memory(&memory, SMALL, seed + 2);
	CHECK_OK(mach_port_mod_refs(SELF, moved.name, MACH_PORT_RIGHT_RECEIVE, -1));
}

mach_msg_size_t kit_size(unsigned count)
{
	return (mach_msg_size_t)(sizeof(mach_msg_base_t) + TAIL +
				 count * (2 * sizeof(mach_msg_port_descriptor_t) +
					  4 * sizeof(mach_msg_ool_descriptor_t) +
					  sizeof(mach_msg_ool_ports_descriptor_t) +
					  sizeof(mach_msg_guarded_port_descriptor_t)));
}

void kit_expect(const struct flow_letter *letter, unsigned count)
{
	CHECK_EQ(letter->header.msgh_id, count);
	CHECK_EQ(letter->header.msgh_size, kit_size(count));
	CHECK_EQ(letter->base.body.msgh_descriptor_count, count * KIT_DESCRIPTORS);
	for (unsigned i = 0; i < count; i++) {
		unsigned at = i * KIT_DESCRIPTORS, seed = 10 * i;

		expect_memory(letter, at, seed);
		expect_rights(letter, at);
		expect_guarded(letter, at);
		expect_parcel(letter, at, seed);
	}
	letter_expect(letter->bytes + letter->header.msgh_size - TAIL, TAIL, count);
}
