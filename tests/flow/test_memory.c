/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Out-of-line memory within one task: what arrives, what the sender loses, and what is refused.
 * Other processes are in test_memory_tasks.c.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/flow/flow_letter.h"

#define COPY	  MACH_MSG_TYPE_COPY_SEND
#define MOVE	  MACH_MSG_TYPE_MOVE_SEND
#define MAKE_ONCE MACH_MSG_TYPE_MAKE_SEND_ONCE
#define RECEIVE	  MACH_MSG_TYPE_MOVE_RECEIVE

#define PHYSICAL MACH_MSG_PHYSICAL_COPY
#define VIRTUAL	 MACH_MSG_VIRTUAL_COPY

#define MIB 1048576u

/* Up to here memory is small, and arrives at the beginning of a page. */
#define SMALL 16384u

/* Receive a message with memory only, and return that. */
static mach_msg_ool_descriptor_t receive_memory(mach_port_t port)
{
	struct flow_letter letter;

	CHECK_OK(letter_receive(port, &letter));
	CHECK_EQ(letter.base.body.msgh_descriptor_count, 1);
	return letter_memory(&letter, 0);
}

static mach_msg_return_t send_memory(mach_port_t port, const void *address, size_t size,
				     bool deallocate, unsigned copy)
{
	struct flow_letter letter;

	letter_start(&letter, port);
	letter_add_memory(&letter, address, size, deallocate, copy);
	return letter_send(&letter);
}

/* --- what arrives --- */

START_TEST(f104_no_memory_has_no_address)
{
	mach_port_t port = flow_port();
	struct flow_letter letter;

	letter_start(&letter, port);
	letter_add_memory(&letter, (void *)1, 0, true, VIRTUAL);
	letter_add_memory(&letter, (void *)-1, 0, false, PHYSICAL);
	CHECK_OK(letter_send(&letter));
	CHECK_OK(letter_receive(port, &letter));
	for (unsigned i = 0; i < 2; i++) {
		CHECK(letter_memory(&letter, i).address == NULL);
		CHECK_EQ(letter_memory(&letter, i).size, 0);
	}
}
END_TEST

START_TEST(f106_no_other_way_to_copy)
{
	static const unsigned copies[] = {MACH_MSG_ALLOCATE, 3, 4, 255};
	static const unsigned types[] = {MACH_MSG_OOL_DESCRIPTOR, MACH_MSG_OOL_VOLATILE_DESCRIPTOR};
	mach_port_t port = flow_port();
	uint8_t *page = letter_pages(1);
	struct flow_letter letter;

	for (size_t i = 0; i < 8; i++) {
		mach_msg_ool_descriptor_t memory = {.address = page,
						    .size = 10,
						    .deallocate = true,
						    .copy = copies[i / 2],
						    .type = types[i % 2]};

		letter_start_as(&letter, port, MOVE, port, MAKE_ONCE);
		letter_add(&letter, &memory, sizeof memory);
		CHECK_CODE(letter_send(&letter), MACH_SEND_INVALID_TYPE);
	}
	CHECK_EQ(flow_refs(port, MACH_PORT_RIGHT_SEND), 1);
	CHECK(letter_mapped(page));
	flow_notified(port, -1);
}
END_TEST

START_TEST(f107_what_the_receiver_is_told)
{
	static const unsigned types[] = {MACH_MSG_OOL_DESCRIPTOR, MACH_MSG_OOL_VOLATILE_DESCRIPTOR};
	mach_port_t port = flow_port();
	struct flow_letter letter;

	for (unsigned i = 0; i < 8; i++) {
		uint8_t *page = letter_pages(1);
		mach_msg_ool_descriptor_t memory = {.address = page,
						    .size = 100,
						    .deallocate = i & 1,
						    .copy = i >> 1 & 1,
						    .pad1 = 0xff,
						    .type = types[i >> 2]};

		letter_fill(page, 100, i);
		letter_start(&letter, port);
		letter_add(&letter, &memory, sizeof memory);
		CHECK_OK(letter_send(&letter));
		CHECK(letter_mapped(page) == !(i & 1));
		memory = receive_memory(port);
		CHECK_EQ(memory.type, types[i >> 2]);
		CHECK_EQ(memory.copy, i >> 1 & 1);
		CHECK_EQ(memory.deallocate, memory.copy == VIRTUAL);
		letter_expect_memory(&memory, 100, i);
	}
}
END_TEST

START_TEST(f112_every_size_at_every_place_of_a_page)
{
	static const size_t sizes[] = {
		1,	3,	4095,	     4096,  4097,    SMALL - 1,	  SMALL,  SMALL + 1,
		32767,	32768,	32769,	     65535, 65536,   65537,	  199999, 203776,
		204800, 262144, MIB - 0x123, MIB,   MIB + 1, 3 * MIB + 77};
	static const size_t places[] = {0, 1, 0x123, 4095};
	mach_port_t port = flow_port();
	uint8_t *memory = letter_pages(4 * MIB / vm_page_size);

	for (size_t i = 0; i < sizeof sizes / sizeof *sizes * 4; i++) {
		size_t size = sizes[i / 4], place = places[i % 4];
		mach_msg_ool_descriptor_t came;

		letter_fill(memory + place, size, (unsigned)i);
		CHECK_OK(send_memory(port, memory + place, size, false, VIRTUAL));
		came = receive_memory(port);
		CHECK_EQ((uintptr_t)came.address & vm_page_mask, size <= SMALL ? 0 : place);
		letter_expect_memory(&came, size, (unsigned)i);
		letter_expect(memory + place, size, (unsigned)i);
	}
}
END_TEST

START_TEST(what_is_behind_the_data_is_nobody_elses)
{
	static const size_t sizes[] = {100, SMALL + 100};
	mach_port_t port = flow_port();
	uint8_t *memory = letter_pages(8);

	memset(memory, 0x55, 8 * vm_page_size);
	for (unsigned i = 0; i < 4; i++) {
		size_t size = sizes[i / 2], end;
		mach_msg_ool_descriptor_t came;
		const uint8_t *bytes;

		CHECK_OK(send_memory(port, memory, size, false, i % 2));
		came = receive_memory(port);
		bytes = came.address;
		end = round_page(size);
		for (size_t at = size; at < end; at++)
			CHECK(bytes[at] == 0 || bytes[at] == 0x55);
		CHECK_OK(vm_deallocate(mach_task_self(), (vm_address_t)bytes, size));
		CHECK(!letter_mapped(bytes + size));
	}
}
END_TEST

START_TEST(memory_is_what_it_was_when_it_was_sent)
{
	static const size_t sizes[] = {1000, SMALL + 5000, MIB};
	mach_port_t port = flow_port();
	uint8_t *memory = letter_pages(MIB / vm_page_size);

	for (unsigned i = 0; i < 6; i++) {
		mach_msg_ool_descriptor_t first, second;
		size_t size = sizes[i / 2];

		letter_fill(memory, size, 1);
		CHECK_OK(send_memory(port, memory, size, false, i % 2));
		letter_fill(memory, size, 2);
		CHECK_OK(send_memory(port, memory, size, false, i % 2));
		letter_fill(memory, size, 3);
		first = receive_memory(port);
		second = receive_memory(port);
		CHECK(first.address != second.address && first.address != memory);
		letter_expect(first.address, size, 1);
		memset(first.address, 0, size);
		letter_expect(memory, size, 3);
		letter_expect_memory(&second, size, 2);
		CHECK_OK(vm_deallocate(mach_task_self(), (vm_address_t)first.address, size));
	}
}
END_TEST

/* What was received is as good as any memory: it can be sent on, also from its middle. */
START_TEST(memory_received_can_be_sent_on)
{
	mach_port_t port = flow_port();
	uint8_t *memory = letter_pages(64);
	mach_msg_ool_descriptor_t came = {.address = memory, .size = 200000};

	letter_fill(memory, 200000, 9);
	for (unsigned i = 0; i < 20; i++) {
		CHECK_OK(send_memory(port, came.address, came.size, true, VIRTUAL));
		CHECK(!letter_mapped(came.address));
		came = receive_memory(port);
	}
	CHECK_OK(send_memory(port, (uint8_t *)came.address + 5000, 100000, false, VIRTUAL));
	letter_expect(came.address, 200000, 9);
	memory = came.address;
	came = receive_memory(port);
	CHECK(memcmp(came.address, memory + 5000, 100000) == 0);
}
END_TEST

/* --- what the sender loses --- */

START_TEST(f109_f110_whole_pages_are_given_up)
{
	static const struct {
		size_t offset, size, first, pages; /* which pages go */
	} ranges[] = {
		{4096, 4096, 1, 1},	 {4096 + 100, 50, 1, 1},   {4096, 1, 1, 1},
		{8191, 2, 1, 2},	 {100, 8192, 0, 3},	   {4096, 10 * 4096, 1, 10},
		{5000, 9 * 4096, 1, 10}, {4096, 20 * 4096, 1, 20}, {8192 - 1, 1, 1, 1},
	};
	mach_port_t port = flow_port();

	for (size_t i = 0; i < 2 * sizeof ranges / sizeof *ranges; i++) {
		uint8_t *memory = letter_pages(24);
		mach_msg_ool_descriptor_t came;
		size_t first = ranges[i / 2].first, pages = ranges[i / 2].pages;

		letter_fill(memory + ranges[i / 2].offset, ranges[i / 2].size, (unsigned)i);
		CHECK_OK(send_memory(port, memory + ranges[i / 2].offset, ranges[i / 2].size, true,
				     i % 2));
		for (size_t page = 0; page < 24; page++)
			CHECK(letter_mapped(memory + page * 4096) ==
			      (page < first || page >= first + pages));
		came = receive_memory(port);
		letter_expect_memory(&came, ranges[i / 2].size, (unsigned)i);
	}
}
END_TEST

START_TEST(a_bad_header_costs_no_memory)
{
	mach_port_t port = flow_port();
	uint8_t *page = letter_pages(1);
	struct flow_letter letter;

	letter_start(&letter, flow_missing_name());
	letter_add_memory(&letter, page, 100, true, VIRTUAL);
	CHECK_CODE(letter_send(&letter), MACH_SEND_INVALID_DEST);
	letter_start_as(&letter, port, COPY, flow_missing_name(), MAKE_ONCE);
	letter_add_memory(&letter, page, 100, true, VIRTUAL);
	CHECK_CODE(letter_send(&letter), MACH_SEND_INVALID_REPLY);
	letter_start(&letter, port);
	letter_add_memory(&letter, page, 100, true, VIRTUAL);
	letter.header.msgh_size -= 4;
	CHECK_CODE(letter_send(&letter), MACH_SEND_MSG_TOO_SMALL);
	CHECK(letter_mapped(page));
}
END_TEST

START_TEST(h_a_bad_right_costs_the_memory_before_it)
{
	mach_port_t port = flow_port(), reply = flow_receive_right();
	uint8_t *before = letter_pages(20), *behind = letter_pages(20), *kept = letter_pages(1);
	struct flow_letter letter;

	letter_start_as(&letter, port, COPY, reply, MAKE_ONCE);
	letter_add_memory(&letter, before, 100, true, VIRTUAL);
	letter_add_memory(&letter, before + 4096, 19 * 4096, true, PHYSICAL);
	letter_add_memory(&letter, kept, 4096, false, PHYSICAL);
	letter_add_port(&letter, flow_missing_name(), COPY);
	letter_add_memory(&letter, behind, 100, true, VIRTUAL);
	letter_add_memory(&letter, behind + 4096, 19 * 4096, true, VIRTUAL);
	CHECK_CODE(letter_send(&letter), MACH_SEND_INVALID_RIGHT);
	for (size_t page = 0; page < 20; page++) {
		CHECK(!letter_mapped(before + page * 4096));
		CHECK(letter_mapped(behind + page * 4096));
	}
	CHECK(letter_mapped(kept));
	flow_notified(reply, MACH_NOTIFY_SEND_ONCE);
	flow_notified(port, -1);
}
END_TEST

/* --- what cannot be read --- */

/* Pages of which the last cannot be read. */
static uint8_t *broken_pages(size_t count, bool protect)
{
	uint8_t *memory = letter_pages(count), *last = memory + (count - 1) * vm_page_size;

	if (protect)
		CHECK(mprotect(last, vm_page_size, PROT_NONE) == 0);
	else
		CHECK_OK(vm_deallocate(mach_task_self(), (vm_address_t)last, vm_page_size));
	return memory;
}

START_TEST(memory_that_cannot_be_read)
{
	mach_port_t port = flow_port();
	uint8_t *few = broken_pages(2, false), *many = broken_pages(40, false);
	uint8_t *closed = broken_pages(2, true), *large = broken_pages(40, true);
	const struct {
		void *address;
		size_t size;
	} bad[] = {
		{NULL, 1},
		{NULL, 4096},
		{NULL, MIB},
		{(void *)8, 100},
		{(void *)-4096L, 10},
		{(void *)-4096L, 1u << 20},
		{(void *)-1L, 2},
		{few, 4097},
		{few + 4096, 1},
		{few + 4095, 2},
		{many, 40 * 4096},
		{many + 39 * 4096 - 1, 2},
		{many + 39 * 4096, 9},
		{closed, 8192},
		{closed + 4096, 1},
		{large, 40 * 4096},
		{large + 4095, 160000},
		{few, UINT32_MAX},
	};

	for (size_t i = 0; i < 4 * sizeof bad / sizeof *bad; i++)
		if (i % 2 == VIRTUAL || i & 2 || bad[i / 4].size < 7 * MIB)
			CHECK_CODE(send_memory(port, bad[i / 4].address, bad[i / 4].size, i & 2,
					       i % 2),
				   MACH_SEND_INVALID_MEMORY);
	CHECK(letter_mapped(few) && letter_mapped(many) && letter_mapped(closed + 4096));
	CHECK_OK(send_memory(port, few, 4096, false, VIRTUAL));
	CHECK_OK(send_memory(port, many, 39 * 4096, false, VIRTUAL));
	CHECK_EQ(flow_status(port).mps_msgcount, 2);
}
END_TEST

START_TEST(unreadable_memory_costs_what_is_before_it)
{
	mach_port_t port = flow_port(), reply = flow_receive_right(), right = flow_port();
	uint8_t *before = letter_pages(1), *behind = letter_pages(1);
	struct flow_letter letter;

	letter_start_as(&letter, port, MOVE, reply, MAKE_ONCE);
	letter_add_port(&letter, right, MOVE);
	letter_add_memory(&letter, before, 100, true, VIRTUAL);
	letter_add_memory(&letter, NULL, 100, true, VIRTUAL);
	letter_add_memory(&letter, behind, 100, true, VIRTUAL);
	letter_add_port(&letter, flow_missing_name(), MOVE);
	CHECK_CODE(letter_send(&letter), MACH_SEND_INVALID_MEMORY);
	CHECK(!letter_mapped(before) && letter_mapped(behind));
	CHECK_EQ(flow_type(port), MACH_PORT_TYPE_RECEIVE);
	CHECK_EQ(flow_type(right), MACH_PORT_TYPE_RECEIVE);
	flow_notified(reply, MACH_NOTIFY_SEND_ONCE);
	flow_notified(port, -1);
}
END_TEST

/* --- limits --- */

START_TEST(f113_physical_copies_have_a_limit)
{
	mach_port_t port = flow_port();
	uint8_t *memory = letter_pages(8 * MIB / vm_page_size);
	struct flow_letter letter;

	letter_start_as(&letter, port, MOVE, MACH_PORT_NULL, 0);
	letter_add_memory(&letter, memory, 4 * MIB, false, PHYSICAL);
	letter_add_memory(&letter, memory + 4 * MIB, 3 * MIB + 1, false, PHYSICAL);
	CHECK_CODE(letter_send(&letter), MACH_MSG_VM_KERNEL);
	CHECK_EQ(flow_refs(port, MACH_PORT_RIGHT_SEND), 1);
	/* Each port counts as 8 bytes. */
	letter_start_as(&letter, port, MOVE, MACH_PORT_NULL, 0);
	letter_add_memory(&letter, memory, 7 * MIB, false, PHYSICAL);
	letter_add_port(&letter, MACH_PORT_NULL, COPY);
	CHECK_CODE(letter_send(&letter), MACH_MSG_VM_KERNEL);
	CHECK_EQ(flow_refs(port, MACH_PORT_RIGHT_SEND), 1);
	/* So much may be; virtual copies, and those that are given away, are free. */
	letter_start(&letter, port);
	letter_add_memory(&letter, memory, 7 * MIB, false, PHYSICAL);
	letter_add_memory(&letter, memory, 8 * MIB, false, VIRTUAL);
	letter_add_memory(&letter, memory, 32768, false, PHYSICAL);
	letter_add_memory(&letter, memory, 8 * MIB, true, PHYSICAL);
	CHECK_OK(letter_send(&letter));
	CHECK(!letter_mapped(memory));
	CHECK_OK(letter_receive(port, &letter));
	CHECK_EQ(letter_memory(&letter, 3).size, 8 * MIB);
	mach_msg_destroy(&letter.header);
}
END_TEST

START_TEST(small_physical_copies_have_no_limit)
{
	mach_port_t port = flow_port();
	uint8_t *memory = letter_pages(9);
	struct flow_letter letter;

	letter_fill(memory, 32768, 3);
	letter_start(&letter, port);
	for (unsigned i = 0; i < 300; i++)
		letter_add_memory(&letter, memory, 32768, false, PHYSICAL);
	CHECK_OK(letter_send(&letter));
	CHECK_OK(letter_receive(port, &letter));
	for (unsigned i = 0; i < 300; i++) {
		mach_msg_ool_descriptor_t came = letter_memory(&letter, i);

		letter_expect_memory(&came, 32768, 3);
	}
}
END_TEST

/* --- many descriptors --- */

/* Sizes of all ranges, none twice in a row. */
static size_t size_of(unsigned i)
{
	static const size_t sizes[] = {10, 0, 5000, 16384, 17000, 40000, 1, 100000};

	return sizes[i % 8];
}

static void send_mixed(mach_port_t port, mach_port_t right, unsigned count, uint8_t *memory,
		       const mach_port_t *names)
{
	struct flow_letter letter;

	letter_start(&letter, port);
	for (unsigned i = 0; i < count; i++) {
		if (i % 3 == 0)
			letter_add_port(&letter, right, COPY);
		else if (i % 7 == 1)
			letter_add_ports(&letter, names, i % 4, COPY, false);
		else
			letter_add_memory(&letter, memory, size_of(i), false, VIRTUAL);
	}
	CHECK_OK(letter_send(&letter));
}

static void receive_mixed(mach_port_t port, mach_port_t right, unsigned count, unsigned seed)
{
	struct flow_letter letter;

	CHECK_OK(letter_receive(port, &letter));
	CHECK_EQ(letter.base.body.msgh_descriptor_count, count);
	for (unsigned i = 0; i < count; i++) {
		mach_msg_ool_descriptor_t came;

		if (i % 3 == 0) {
			CHECK_EQ(letter_port(&letter, i).name, right);
		} else if (i % 7 == 1) {
			mach_msg_ool_ports_descriptor_t ports = letter_ports(&letter, i);

			CHECK_EQ(ports.count, i % 4);
			for (unsigned k = 0; k < ports.count; k++)
				CHECK_EQ(((mach_port_t *)ports.address)[k], right);
		} else {
			came = letter_memory(&letter, i);
			letter_expect_memory(&came, size_of(i), seed);
		}
	}
}

START_TEST(e101_many_descriptors_keep_their_order)
{
	static const unsigned counts[] = {1, 2, 63, 64, 65, 70, 300};
	mach_port_t port = flow_port(), right = flow_port();
	uint8_t *memory = letter_pages(25);
	const mach_port_t names[] = {right, right, right, right};

	for (unsigned i = 0; i < 7; i++) {
		letter_fill(memory, 100000, i);
		send_mixed(port, right, counts[i], memory, names);
		receive_mixed(port, right, counts[i], i);
	}
}
END_TEST

/* Small pieces travel with the frame as far as there is room, and an array of names always. */
START_TEST(names_find_room_behind_many_pieces)
{
	enum { PIECES = 20, NAMES = 16000 };
	mach_port_t port = flow_port();
	uint8_t *memory = letter_pages(4);
	mach_port_t *names = calloc(NAMES, sizeof *names);
	mach_msg_ool_ports_descriptor_t ports;
	struct flow_letter letter;

	CHECK(names != NULL);
	for (unsigned i = 0; i < NAMES; i++)
		names[i] = i % 2 ? MACH_PORT_DEAD : MACH_PORT_NULL;
	letter_fill(memory, 16384, 4);
	letter_start(&letter, port);
	for (unsigned i = 0; i < PIECES; i++)
		letter_add_memory(&letter, memory, 16384, false, VIRTUAL);
	letter_add_ports(&letter, names, NAMES, COPY, false);
	letter_add_memory(&letter, memory, 16384, false, VIRTUAL);
	CHECK_OK(letter_send(&letter));
	CHECK_OK(letter_receive(port, &letter));
	ports = letter_ports(&letter, PIECES);
	CHECK_EQ(ports.count, NAMES);
	CHECK(memcmp(ports.address, names, NAMES * sizeof *names) == 0);
	for (unsigned i = 0; i <= PIECES + 1; i++) {
		mach_msg_ool_descriptor_t came;

		if (i == PIECES)
			continue;
		came = letter_memory(&letter, i);
		letter_expect_memory(&came, 16384, 4);
	}
	free(names);
}
END_TEST

/* The library looks for memory only when it is likely to be there; that must not show. */
START_TEST(messages_with_and_without_memory_take_turns)
{
	mach_port_t port = flow_port();
	uint8_t *memory = letter_pages(10);

	letter_fill(memory, 40000, 8);
	for (unsigned i = 0; i < 60; i++) {
		struct flow_letter letter;
		bool has = i * 7 % 5 < 2;

		letter_start_as(&letter, port, i % 3 ? COPY : MAKE_ONCE, port, MAKE_ONCE);
		letter_add_port(&letter, port, MAKE_ONCE);
		if (has)
			letter_add_memory(&letter, memory, i % 2 ? 100 : 40000, false, VIRTUAL);
		CHECK_OK(letter_send(&letter));
		CHECK_OK(letter_receive(port, &letter));
		CHECK_EQ(letter.base.body.msgh_descriptor_count, 1 + has);
		if (has) {
			mach_msg_ool_descriptor_t came = letter_memory(&letter, 1);

			letter_expect_memory(&came, i % 2 ? 100 : 40000, 8);
		}
		mach_port_deallocate(mach_task_self(), letter_port(&letter, 0).name);
		mach_port_deallocate(mach_task_self(), letter.header.msgh_remote_port);
		flow_notified(port, MACH_NOTIFY_SEND_ONCE);
		flow_notified(port, MACH_NOTIFY_SEND_ONCE);
	}
}
END_TEST

/* --- large bodies --- */

/* A message with memory and a right, and `body` bytes behind them. */
static mach_msg_header_t *large_message(mach_port_t port, const void *memory, size_t size,
					size_t body)
{
	struct flow_letter letter;
	uint8_t *bytes;

	letter_start(&letter, port);
	letter_add_memory(&letter, memory, size, true, VIRTUAL);
	letter_add_port(&letter, port, MAKE_ONCE);
	bytes = calloc(1, letter.header.msgh_size + body + MAX_TRAILER_SIZE);
	CHECK(bytes != NULL);
	memcpy(bytes, letter.bytes, letter.header.msgh_size);
	letter_fill(bytes + letter.header.msgh_size, body, 5);
	((mach_msg_header_t *)(void *)bytes)->msgh_size += (mach_msg_size_t)body;
	return (mach_msg_header_t *)(void *)bytes;
}

START_TEST(a_large_body_and_memory_together)
{
	static const size_t bodies[] = {65000, 65536, 100000, 204800, MIB};
	static const size_t sizes[] = {0, 500, 16384, 300000};
	const size_t head = sizeof(mach_msg_base_t) + 16 + 12;
	mach_port_t port = flow_port();

	for (unsigned i = 0; i < 20; i++) {
		size_t body = bodies[i / 4], size = sizes[i % 4];
		uint8_t *memory = letter_pages(80);
		mach_msg_header_t *message;
		mach_msg_ool_descriptor_t came;
		struct flow_letter letter;

		letter_fill(memory, size, i);
		message = large_message(port, memory, size, body);
		CHECK_OK(mach_msg(message, MACH_SEND_MSG, message->msgh_size, 0, MACH_PORT_NULL, 0,
				  MACH_PORT_NULL));
		CHECK(letter_mapped(memory) == (size == 0));
		memset(message, 0, head + body);
		CHECK_OK(mach_msg(message, MACH_RCV_MSG, 0,
				  (mach_msg_size_t)(head + body + MAX_TRAILER_SIZE), port, 0,
				  MACH_PORT_NULL));
		CHECK_EQ(message->msgh_size, head + body);
		memcpy(letter.bytes, message, head);
		came = letter_memory(&letter, 0);
		letter_expect_memory(&came, size, i);
		CHECK_EQ(flow_type(letter_port(&letter, 1).name), MACH_PORT_TYPE_SEND_ONCE);
		letter_expect((uint8_t *)message + head, body, 5);
		free(message);
	}
}
END_TEST

/* --- messages that come back, and those that nobody gets --- */

/* Take so many messages without descriptors. */
static void take(mach_port_t port, unsigned count)
{
	struct flow_letter letter;

	while (count-- > 0) {
		CHECK_OK(letter_receive(port, &letter));
		CHECK(!MACH_MSGH_BITS_IS_COMPLEX(letter.header.msgh_bits));
	}
}

START_TEST(i136_memory_comes_back_at_a_new_address)
{
	static const size_t sizes[] = {100, 100000};
	mach_port_t port = flow_port();

	for (unsigned i = 0; i < 8; i++) {
		uint8_t *memory = letter_pages(26);
		bool deallocate = i & 1;
		unsigned copy = i >> 1 & 1;
		size_t size = sizes[i >> 2];
		mach_msg_ool_descriptor_t came;
		struct flow_letter letter;

		flow_fill(port, MACH_PORT_QLIMIT_DEFAULT);
		letter_fill(memory + 50, size, i);
		letter_start(&letter, port);
		letter_add_memory(&letter, memory + 50, size, deallocate, copy);
		CHECK_CODE(letter_send(&letter), MACH_SEND_TIMED_OUT);
		CHECK(letter_mapped(memory) == !deallocate);
		CHECK_EQ(flow_refs(port, MACH_PORT_RIGHT_SEND), 2);
		came = letter_memory(&letter, 0);
		CHECK(came.address != memory + 50);
		CHECK_EQ(came.copy, copy);
		CHECK_EQ(came.deallocate, copy == VIRTUAL);
		letter_expect(came.address, size, i);
		if (!deallocate)
			letter_expect(memory + 50, size, i);
		/* As it is, it can be sent again. */
		take(port, 1);
		CHECK_OK(letter_send(&letter));
		CHECK_EQ(flow_refs(port, MACH_PORT_RIGHT_SEND), 1);
		CHECK(letter_mapped(came.address) == (copy == PHYSICAL));
		take(port, MACH_PORT_QLIMIT_DEFAULT - 1);
		came = receive_memory(port);
		letter_expect_memory(&came, size, i);
	}
}
END_TEST

START_TEST(a_send_that_waited_in_vain_gives_everything_back)
{
	mach_port_t port = flow_port(), right = flow_receive_right();
	uint8_t *memory = letter_pages(30);
	const mach_port_t names[] = {MACH_PORT_NULL, right, MACH_PORT_DEAD};
	mach_msg_ool_ports_descriptor_t ports;
	mach_msg_ool_descriptor_t came;
	struct flow_letter letter;

	flow_fill(port, MACH_PORT_QLIMIT_DEFAULT);
	letter_fill(memory, 120000, 2);
	letter_start(&letter, port);
	letter_add_memory(&letter, memory, 120000, true, VIRTUAL);
	letter_add_ports(&letter, names, 3, RECEIVE, false);
	letter_add_memory(&letter, NULL, 0, true, PHYSICAL);
	CHECK_CODE(mach_msg(&letter.header, MACH_SEND_MSG | MACH_SEND_TIMEOUT,
			    letter.header.msgh_size, 0, MACH_PORT_NULL, 20, MACH_PORT_NULL),
		   MACH_SEND_TIMED_OUT);
	CHECK(!letter_mapped(memory));
	came = letter_memory(&letter, 0);
	letter_expect_memory(&came, 120000, 2);
	ports = letter_ports(&letter, 1);
	CHECK_EQ(ports.disposition, MACH_MSG_TYPE_PORT_RECEIVE);
	CHECK_EQ(ports.copy, VIRTUAL);
	CHECK_EQ(ports.deallocate, true);
	CHECK(ports.address != names);
	CHECK_EQ(flow_type(((mach_port_t *)ports.address)[1]), MACH_PORT_TYPE_RECEIVE);
	CHECK_EQ(((mach_port_t *)ports.address)[2], MACH_PORT_DEAD);
	CHECK(letter_memory(&letter, 2).address == NULL);
}
END_TEST

START_TEST(a_message_too_large_is_destroyed_with_its_memory)
{
	mach_port_t port = flow_port(), reply = flow_receive_right();
	uint8_t *memory = letter_pages(30);
	unsigned fds = letter_daemon_fds();
	mach_msg_header_t small;

	for (unsigned i = 0; i < 20; i++) {
		struct flow_letter letter;

		letter_start_as(&letter, port, COPY, reply, MAKE_ONCE);
		letter_add_memory(&letter, memory, 120000, false, VIRTUAL);
		letter_add_memory(&letter, memory, 100, false, VIRTUAL);
		CHECK_OK(letter_send(&letter));
		CHECK_EQ(letter_daemon_fds(), fds + 1);
		CHECK_CODE(mach_msg(&small, MACH_RCV_MSG | MACH_RCV_LARGE, 0, sizeof small, port, 0,
				    MACH_PORT_NULL),
			   MACH_RCV_TOO_LARGE);
		CHECK_EQ(small.msgh_size, sizeof letter.base + 32);
		CHECK_EQ(letter_daemon_fds(), fds + 1);
		CHECK_CODE(mach_msg(&small, MACH_RCV_MSG, 0, sizeof small, port, 0, MACH_PORT_NULL),
			   MACH_RCV_TOO_LARGE);
		CHECK_EQ(small.msgh_size, sizeof small);
		CHECK(MACH_MSGH_BITS_IS_COMPLEX(small.msgh_bits));
		CHECK_EQ(letter_daemon_fds(), fds);
		flow_notified(reply, MACH_NOTIFY_SEND_ONCE);
	}
}
END_TEST

START_TEST(a_message_kept_as_too_large_still_has_its_memory)
{
	mach_port_t port = flow_port();
	uint8_t *memory = letter_pages(30);
	mach_msg_ool_descriptor_t came;
	mach_msg_header_t small;

	letter_fill(memory, 120000, 6);
	CHECK_OK(send_memory(port, memory, 120000, true, VIRTUAL));
	CHECK_CODE(mach_msg(&small, MACH_RCV_MSG | MACH_RCV_LARGE, 0, sizeof small, port, 0,
			    MACH_PORT_NULL),
		   MACH_RCV_TOO_LARGE);
	came = receive_memory(port);
	letter_expect_memory(&came, 120000, 6);
}
END_TEST

/* One call that sends memory away and gets memory: the two are not mixed up. */
START_TEST(memory_goes_and_comes_in_one_call)
{
	static const size_t sizes[] = {100, 100000};
	mach_port_t port = flow_port(), answers = flow_port();

	for (unsigned i = 0; i < 16; i++) {
		uint8_t *out = letter_pages(30), *in = letter_pages(30);
		size_t out_size = sizes[i & 1], in_size = sizes[i >> 1 & 1];
		struct flow_letter letter, other;
		mach_msg_ool_descriptor_t came;

		letter_fill(in, in_size, 2);
		CHECK_OK(send_memory(answers, in, in_size, true, VIRTUAL));
		letter_fill(out, out_size, 1);
		letter_start(&letter, port);
		letter_add_memory(&letter, out, out_size, i & 4, VIRTUAL);
		CHECK_OK(mach_msg_overwrite(&letter.header, MACH_SEND_MSG | MACH_RCV_MSG,
					    letter.header.msgh_size, sizeof letter, answers, 0,
					    MACH_PORT_NULL, i & 8 ? &other.header : NULL, 0));
		CHECK(letter_mapped(out) == !(i & 4));
		came = letter_memory(i & 8 ? &other : &letter, 0);
		letter_expect_memory(&came, in_size, 2);
		came = receive_memory(port);
		letter_expect_memory(&came, out_size, 1);
	}
}
END_TEST

/* The receiver's buffer is too small, but the memory was sent. */
START_TEST(what_was_sent_is_gone_whatever_is_received)
{
	static const mach_msg_option_t large[] = {0, MACH_RCV_LARGE};
	mach_port_t port = flow_port(), answers = flow_port();

	for (unsigned i = 0; i < 6; i++) {
		uint8_t *memory = letter_pages(1);
		mach_msg_option_t option = MACH_SEND_MSG | MACH_RCV_MSG | MACH_RCV_TIMEOUT;
		struct flow_letter letter;

		if (i < 4)
			flow_fill(answers, 1);
		letter_start(&letter, port);
		letter_add_memory(&letter, memory, 100, true, VIRTUAL);
		CHECK_CODE(mach_msg(&letter.header, option | large[i & 1], letter.header.msgh_size,
				    i < 4 ? 8 : 2048, i == 5 ? MACH_PORT_NULL : answers, 0,
				    MACH_PORT_NULL),
			   i < 4    ? MACH_RCV_TOO_LARGE
			   : i == 4 ? MACH_RCV_TIMED_OUT
				    : MACH_RCV_INVALID_NAME);
		CHECK(!letter_mapped(memory));
		receive_memory(port);
		letter_receive(answers, &letter);
	}
}
END_TEST

/* --- giving up a message --- */

START_TEST(mach_msg_destroy_frees_what_it_should)
{
	mach_port_t port = flow_port(), right = flow_port(), guarded = flow_receive_right();
	const mach_port_t names[] = {right, MACH_PORT_NULL, right};
	uint8_t *memory = letter_pages(2);
	mach_msg_ool_ports_descriptor_t ports;
	mach_msg_ool_descriptor_t virtual, physical;
	struct flow_letter letter;

	CHECK_OK(mach_port_guard(mach_task_self(), guarded, 77, false));
	letter_start_as(&letter, port, COPY, port, MAKE_ONCE);
	letter_add_memory(&letter, memory, 100, false, VIRTUAL);
	letter_add_memory(&letter, memory, 100, false, PHYSICAL);
	letter_add_ports(&letter, names, 3, COPY, false);
	letter_add_guarded(&letter, guarded, 77, MACH_MSG_GUARD_FLAGS_IMMOVABLE_RECEIVE);
	CHECK_OK(letter_send(&letter));
	CHECK_OK(letter_receive_with(port, &letter, MACH_RCV_GUARDED_DESC));
	virtual = letter_memory(&letter, 0);
	physical = letter_memory(&letter, 1);
	ports = letter_ports(&letter, 2);
	guarded = letter_guarded(&letter, 3).name;
	CHECK_EQ(flow_refs(right, MACH_PORT_RIGHT_SEND), 3);
	CHECK_EQ(flow_type(guarded), MACH_PORT_TYPE_RECEIVE);
	mach_msg_destroy(&letter.header);
	CHECK(!letter_mapped(virtual.address) && !letter_mapped(ports.address));
	CHECK(letter_mapped(physical.address));
	CHECK_EQ(flow_refs(right, MACH_PORT_RIGHT_SEND), 1);
	CHECK_EQ(flow_type(guarded), 0);
	flow_notified(port, MACH_NOTIFY_SEND_ONCE);
}
END_TEST

START_TEST(nothing_is_left_behind)
{
	mach_port_t port = flow_port();
	uint8_t *memory = letter_pages(16);
	unsigned fds, mappings, daemon_fds;

	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < 2000; i++) {
			struct flow_letter letter;

			letter_start(&letter, i % 8 == 7 ? flow_missing_name() : port);
			letter_add_memory(&letter, memory, i % 2 ? 60000 : 100, false, VIRTUAL);
			letter_add_memory(&letter, i % 8 == 5 ? NULL : memory, 20000, false,
					  VIRTUAL);
			if (letter_send(&letter) != KERN_SUCCESS)
				continue;
			CHECK_OK(letter_receive(port, &letter));
			mach_msg_destroy(&letter.header);
		}
		if (round == 0) {
			fds = letter_open_fds(getpid());
			mappings = letter_mappings();
			daemon_fds = letter_daemon_fds();
		}
	}
	CHECK_EQ(letter_open_fds(getpid()), fds);
	CHECK_EQ(letter_daemon_fds(), daemon_fds);
	CHECK(letter_mappings() <= mappings + 8);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("memory");
	TCase *tcase = flow_case(suite, "memory");

	tcase_add_test(tcase, f104_no_memory_has_no_address);
	tcase_add_test(tcase, f106_no_other_way_to_copy);
	tcase_add_test(tcase, f107_what_the_receiver_is_told);
	tcase_add_test(tcase, f112_every_size_at_every_place_of_a_page);
	tcase_add_test(tcase, what_is_behind_the_data_is_nobody_elses);
	tcase_add_test(tcase, memory_is_what_it_was_when_it_was_sent);
	tcase_add_test(tcase, memory_received_can_be_sent_on);
	tcase_add_test(tcase, f109_f110_whole_pages_are_given_up);
	tcase_add_test(tcase, a_bad_header_costs_no_memory);
	tcase_add_test(tcase, h_a_bad_right_costs_the_memory_before_it);
	tcase_add_test(tcase, memory_that_cannot_be_read);
	tcase_add_test(tcase, unreadable_memory_costs_what_is_before_it);
	tcase_add_test(tcase, f113_physical_copies_have_a_limit);
	tcase_add_test(tcase, small_physical_copies_have_no_limit);
	tcase_add_test(tcase, e101_many_descriptors_keep_their_order);
	tcase_add_test(tcase, names_find_room_behind_many_pieces);
	tcase_add_test(tcase, messages_with_and_without_memory_take_turns);
	tcase_add_test(tcase, a_large_body_and_memory_together);
	tcase_add_test(tcase, i136_memory_comes_back_at_a_new_address);
	tcase_add_test(tcase, a_send_that_waited_in_vain_gives_everything_back);
	tcase_add_test(tcase, a_message_too_large_is_destroyed_with_its_memory);
	tcase_add_test(tcase, a_message_kept_as_too_large_still_has_its_memory);
	tcase_add_test(tcase, memory_goes_and_comes_in_one_call);
	tcase_add_test(tcase, what_was_sent_is_gone_whatever_is_received);
	tcase_add_test(tcase, mach_msg_destroy_frees_what_it_should);
	tcase_add_test(tcase, nothing_is_left_behind);
	return flow_run(suite);
}
