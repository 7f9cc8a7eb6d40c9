/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Out-of-line memory within one task: what arrives, what the sender loses, and what is refused.
 * Other things in the same message are in test_memory_more.c, other processes in
 * test_memory_tasks.c.
 */
#include <string.h>
#include <sys/mman.h>

#include "protocol/limits.h"
#include "tests/flow/flow_letter.h"

#define COPY	  MACH_MSG_TYPE_COPY_SEND
#define MOVE	  MACH_MSG_TYPE_MOVE_SEND
#define MAKE_ONCE MACH_MSG_TYPE_MAKE_SEND_ONCE

#define PHYSICAL MACH_MSG_PHYSICAL_COPY
#define VIRTUAL	 MACH_MSG_VIRTUAL_COPY

#define MIB 1048576u

/* Up to here memory is small, and arrives at the beginning of a page. */
#define SMALL ((size_t)MACHD_MEMORY_INLINE_MAX)

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
		memory = letter_receive_memory(port);
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
		CHECK_OK(letter_send_memory(port, memory + place, size, false, VIRTUAL));
		came = letter_receive_memory(port);
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

		CHECK_OK(letter_send_memory(port, memory, size, false, i % 2));
		came = letter_receive_memory(port);
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
		CHECK_OK(letter_send_memory(port, memory, size, false, i % 2));
		letter_fill(memory, size, 2);
		CHECK_OK(letter_send_memory(port, memory, size, false, i % 2));
		letter_fill(memory, size, 3);
		first = letter_receive_memory(port);
		second = letter_receive_memory(port);
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
		CHECK_OK(letter_send_memory(port, came.address, came.size, true, VIRTUAL));
		CHECK(!letter_mapped(came.address));
		came = letter_receive_memory(port);
	}
	CHECK_OK(letter_send_memory(port, (uint8_t *)came.address + 5000, 100000, false, VIRTUAL));
	letter_expect(came.address, 200000, 9);
	memory = came.address;
	came = letter_receive_memory(port);
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
		CHECK_OK(letter_send_memory(port, memory + ranges[i / 2].offset, ranges[i / 2].size,
					    true, i % 2));
		for (size_t page = 0; page < 24; page++)
			CHECK(letter_mapped(memory + page * 4096) ==
			      (page < first || page >= first + pages));
		came = letter_receive_memory(port);
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
			CHECK_CODE(letter_send_memory(port, bad[i / 4].address, bad[i / 4].size,
						      i & 2, i % 2),
				   MACH_SEND_INVALID_MEMORY);
	CHECK(letter_mapped(few) && letter_mapped(many) && letter_mapped(closed + 4096));
	CHECK_OK(letter_send_memory(port, few, 4096, false, VIRTUAL));
	CHECK_OK(letter_send_memory(port, many, 39 * 4096, false, VIRTUAL));
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
	return flow_run(suite);
}
