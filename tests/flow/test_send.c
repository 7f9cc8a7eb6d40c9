/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sending: which arguments and headers are refused, with which code, and what that costs; what each
 * disposition does to the sender's names. One task sends to itself.
 */
#include <string.h>
#include <sys/mman.h>

#include "protocol/limits.h"
#include "tests/flow/flow.h"

#define COPY	  MACH_MSG_TYPE_COPY_SEND
#define MOVE	  MACH_MSG_TYPE_MOVE_SEND
#define MAKE	  MACH_MSG_TYPE_MAKE_SEND
#define MAKE_ONCE MACH_MSG_TYPE_MAKE_SEND_ONCE
#define MOVE_ONCE MACH_MSG_TYPE_MOVE_SEND_ONCE

static mach_msg_return_t send_size(struct flow_message *message, mach_msg_size_t size)
{
	return mach_msg(&message->header, MACH_SEND_MSG | MACH_SEND_TIMEOUT, size, 0,
			MACH_PORT_NULL, 0, MACH_PORT_NULL);
}

/* Receive what is there and check whose port it is and what the bits say. */
static void expect_received(mach_port_t port, mach_msg_bits_t bits, mach_port_t remote)
{
	struct flow_message message;

	CHECK_OK(flow_receive(port, &message));
	CHECK_EQ(message.header.msgh_bits, bits);
	CHECK_EQ(message.header.msgh_remote_port, remote);
	CHECK_EQ(message.header.msgh_local_port, port);
}

static void expect_nothing(mach_port_t port)
{
	struct flow_message message;

	CHECK_CODE(flow_receive(port, &message), MACH_RCV_TIMED_OUT);
}

/* --- sizes and options --- */

START_TEST(a1_a2_sizes_too_small_or_odd)
{
	static const mach_msg_size_t sizes[] = {0, 20, 23, 25, 26, 27};
	mach_port_t port = flow_port();
	struct flow_message message;

	flow_header(&message, port, MOVE, 0, 0, 1);
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
		CHECK_CODE(send_size(&message, sizes[i]), MACH_SEND_MSG_TOO_SMALL);
	CHECK_CODE(send_size(&message, MACHD_MESSAGE_SIZE_MAX + 4), MACH_SEND_TOO_LARGE);
	CHECK_EQ(flow_refs(port, MACH_PORT_RIGHT_SEND), 1);
	expect_nothing(port);
}
END_TEST

START_TEST(a4_complex_needs_a_count)
{
	mach_port_t port = flow_port();
	struct flow_message message;

	flow_complex(&message, port, MOVE, 1);
	CHECK_CODE(send_size(&message, 24), MACH_SEND_MSG_TOO_SMALL);
	message.base.body.msgh_descriptor_count = 1;
	CHECK_CODE(send_size(&message, 28), MACH_SEND_MSG_TOO_SMALL);
	CHECK_CODE(send_size(&message, 36), MACH_SEND_MSG_TOO_SMALL);
	message.base.body.msgh_descriptor_count = 0xffffffff;
	CHECK_CODE(send_size(&message, 200), MACH_SEND_MSG_TOO_SMALL);
	CHECK_EQ(flow_refs(port, MACH_PORT_RIGHT_SEND), 1);
}
END_TEST

START_TEST(a5_complex_with_no_descriptor_is_delivered_so)
{
	mach_port_t port = flow_port();
	struct flow_message message;

	flow_complex(&message, port, COPY, 1);
	CHECK_OK(flow_send(&message));
	CHECK_OK(flow_receive(port, &message));
	CHECK_EQ(message.header.msgh_bits, MACH_MSGH_BITS_COMPLEX | MACH_MSGH_BITS(0, MOVE));
	CHECK_EQ(message.header.msgh_size, 28);
	CHECK_EQ(message.base.body.msgh_descriptor_count, 0);
}
END_TEST

START_TEST(a7_a_descriptor_of_memory_needs_all_its_bytes)
{
	mach_port_t port = flow_port();
	struct flow_message message;

	flow_complex(&message, port, COPY, 1);
	flow_add_port(&message, MACH_PORT_NULL, COPY);
	message.port[0].type = MACH_MSG_OOL_DESCRIPTOR;
	CHECK_CODE(send_size(&message, 40), WORD(MACH_SEND_MSG_TOO_SMALL, MACH_MSG_SUCCESS));
	CHECK_CODE(send_size(&message, 36), MACH_SEND_MSG_TOO_SMALL);
}
END_TEST

START_TEST(a10_other_header_bits_are_masked_off)
{
	mach_port_t port = flow_port();
	struct flow_message message;

	flow_header(&message, port, COPY, 0, 0, 1);
	message.header.msgh_bits |= 0x7fe0e0e0;
	CHECK_OK(flow_send(&message));
	expect_received(port, MACH_MSGH_BITS(0, MOVE), MACH_PORT_NULL);
}
END_TEST

START_TEST(a11_an_address_that_cannot_be_read)
{
	mach_port_t port = flow_port();
	struct flow_message message;
	char *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	static const uintptr_t bad[] = {0, 8, (uintptr_t)0x7ffffffff000, UINTPTR_MAX - 63};

	CHECK(pages != MAP_FAILED && mprotect(pages + 4096, 4096, PROT_NONE) == 0);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		CHECK_CODE(mach_msg((mach_msg_header_t *)bad[i], MACH_SEND_MSG, 24, 0, 0, 0, 0),
			   MACH_SEND_INVALID_DATA);
	/* Half of it can be read. */
	flow_header(&message, port, MOVE, 0, 0, 1);
	memcpy(pages + 4096 - 24, &message, 24);
	CHECK_CODE(
		mach_msg((mach_msg_header_t *)(pages + 4096 - 24), MACH_SEND_MSG, 48, 0, 0, 0, 0),
		MACH_SEND_INVALID_DATA);
	/* The same where the body travels by another way. */
	memcpy(pages, &message, 24);
	CHECK_CODE(mach_msg((mach_msg_header_t *)pages, MACH_SEND_MSG, 200000, 0, 0, 0, 0),
		   MACH_SEND_INVALID_DATA);
	CHECK_CODE(mach_msg((mach_msg_header_t *)(pages + 4096), MACH_SEND_MSG, 200000, 0, 0, 0, 0),
		   MACH_SEND_INVALID_DATA);
	munmap(pages, 8192);
	CHECK_EQ(flow_refs(port, MACH_PORT_RIGHT_SEND), 1);
	expect_nothing(port);
	CHECK_OK(flow_send_to(port, COPY, 0, 0, 1));
}
END_TEST

START_TEST(a13_no_receive_after_a_failed_send)
{
	mach_port_t port = flow_port();
	struct flow_message message;

	flow_fill(port, 1);
	flow_header(&message, MACH_PORT_NULL, COPY, 0, 0, 7);
	CHECK_CODE(mach_msg(&message.header, MACH_SEND_MSG | MACH_RCV_MSG | MACH_RCV_TIMEOUT, 24,
			    sizeof message, port, 0, 0),
		   MACH_SEND_INVALID_DEST);
	CHECK_EQ(message.header.msgh_id, 7);
	CHECK_EQ(flow_status(port).mps_msgcount, 1);
}
END_TEST

START_TEST(the_size_in_the_buffer_is_ignored)
{
	mach_port_t port = flow_port();
	struct flow_message message;

	flow_header(&message, port, COPY, 0, 0, 1);
	message.header.msgh_size = 0xdeadbeef;
	memset(message.bytes + 24, 0x5a, 40);
	CHECK_OK(send_size(&message, 64));
	CHECK_OK(flow_receive(port, &message));
	CHECK_EQ(message.header.msgh_size, 64);
	for (unsigned i = 24; i < 64; i++)
		CHECK_EQ(message.bytes[i], 0x5a);
}
END_TEST

START_TEST(neither_send_nor_receive_is_success)
{
	CHECK_OK(mach_msg(NULL, 0, 0, 0, 0, 0, 0));
	CHECK_OK(mach_msg(NULL, MACH_SEND_TIMEOUT | MACH_RCV_TIMEOUT, 3, 0, 0, 0, 0));
}
END_TEST

START_TEST(unknown_options_are_ignored)
{
	mach_port_t port = flow_port();
	struct flow_message message;

	flow_header(&message, port, COPY, 0, 0, 1);
	CHECK_OK(mach_msg(&message.header, MACH_SEND_MSG | MACH_SEND_TIMEOUT | 0x00de0000, 24, 0, 0,
			  0, 0));
	expect_received(port, MACH_MSGH_BITS(0, MOVE), MACH_PORT_NULL);
}
END_TEST

/* --- one disposition --- */

START_TEST(b22_dispositions_that_no_destination_has)
{
	static const mach_msg_type_name_t types[] = {0, 15, 16, 22, 24, 25, 26, 31};
	mach_port_t port = flow_port();

	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		CHECK_CODE(flow_send_to(port, types[i], 0, 0, 1), MACH_SEND_INVALID_HEADER);
	CHECK_EQ(flow_type(port), MACH_PORT_TYPE_SEND_RECEIVE);
}
END_TEST

START_TEST(b23_b25_reply_dispositions_that_do_not_exist)
{
	static const mach_msg_type_name_t types[] = {15, 16, 22, 24, 25, 26, 31};
	mach_port_t port = flow_port();

	CHECK_CODE(flow_send_to(port, COPY, port, 0, 1), MACH_SEND_INVALID_HEADER);
	for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
		CHECK_CODE(flow_send_to(port, COPY, port, types[i], 1), MACH_SEND_INVALID_HEADER);
		CHECK_CODE(flow_send_to(MACH_PORT_NULL, COPY, port, types[i], 1),
			   MACH_SEND_INVALID_HEADER);
	}
	expect_nothing(port);
}
END_TEST

START_TEST(b26_null_and_dead_are_no_destination)
{
	CHECK_CODE(flow_send_to(MACH_PORT_NULL, COPY, 0, 0, 1), MACH_SEND_INVALID_DEST);
	CHECK_CODE(flow_send_to(MACH_PORT_DEAD, COPY, 0, 0, 1), MACH_SEND_INVALID_DEST);
	CHECK_CODE(flow_send_to(flow_missing_name(), COPY, 0, 0, 1), MACH_SEND_INVALID_DEST);
}
END_TEST

START_TEST(b28_copy_send_keeps_the_right)
{
	mach_port_t port = flow_port();

	CHECK_OK(flow_send_to(port, COPY, 0, 0, 1));
	CHECK_EQ(flow_refs(port, MACH_PORT_RIGHT_SEND), 1);
	expect_received(port, 0x1100, MACH_PORT_NULL);
}
END_TEST

START_TEST(b29_make_send_needs_no_send_right)
{
	mach_port_t port = flow_receive_right();

	CHECK_OK(flow_send_to(port, MAKE, 0, 0, 1));
	CHECK_EQ(flow_type(port), MACH_PORT_TYPE_RECEIVE);
	CHECK_EQ(flow_status(port).mps_mscount, 1);
	expect_received(port, 0x1100, MACH_PORT_NULL);
}
END_TEST

START_TEST(make_send_once_needs_the_receive_right)
{
	mach_port_t port = flow_receive_right();

	CHECK_OK(flow_send_to(port, MAKE_ONCE, 0, 0, 1));
	CHECK_EQ(flow_status(port).mps_sorights, 1);
	expect_received(port, 0x1200, MACH_PORT_NULL);
	CHECK_EQ(flow_status(port).mps_sorights, 0);
}
END_TEST

START_TEST(b31_b32_move_send_takes_one_reference)
{
	mach_port_t port = flow_port();

	flow_make_send(port, 1);
	CHECK_OK(flow_send_to(port, MOVE, 0, 0, 1));
	CHECK_EQ(flow_refs(port, MACH_PORT_RIGHT_SEND), 1);
	CHECK_OK(flow_send_to(port, MOVE, 0, 0, 1));
	CHECK_EQ(flow_type(port), MACH_PORT_TYPE_RECEIVE);
	CHECK_EQ(flow_status(port).mps_srights, 1);
	expect_received(port, 0x1100, MACH_PORT_NULL);
	expect_received(port, 0x1100, MACH_PORT_NULL);
	CHECK_EQ(flow_status(port).mps_srights, 0);
}
END_TEST

START_TEST(b35_a_send_once_right_is_used_up)
{
	mach_port_t port = flow_receive_right(), once = flow_send_once(port);

	CHECK_OK(flow_send_to(once, MOVE_ONCE, 0, 0, 1));
	CHECK_EQ(flow_type(once), 0);
	expect_received(port, 0x1200, MACH_PORT_NULL);
	expect_nothing(port);
}
END_TEST

START_TEST(b37_b38_a_right_of_another_kind_is_no_destination)
{
	mach_port_t receive = flow_receive_right(), once = flow_send_once(receive);
	mach_port_t both = flow_port(), set;

	CHECK_OK(mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_PORT_SET, &set));
	CHECK_CODE(flow_send_to(both, MOVE_ONCE, 0, 0, 1), MACH_SEND_INVALID_DEST);
	CHECK_CODE(flow_send_to(receive, COPY, 0, 0, 1), MACH_SEND_INVALID_DEST);
	CHECK_CODE(flow_send_to(receive, MOVE, 0, 0, 1), MACH_SEND_INVALID_DEST);
	CHECK_CODE(flow_send_to(once, COPY, 0, 0, 1), MACH_SEND_INVALID_DEST);
	CHECK_CODE(flow_send_to(once, MOVE, 0, 0, 1), MACH_SEND_INVALID_DEST);
	CHECK_CODE(flow_send_to(once, MAKE, 0, 0, 1), MACH_SEND_INVALID_DEST);
	CHECK_CODE(flow_send_to(set, MAKE, 0, 0, 1), MACH_SEND_INVALID_DEST);
	CHECK_EQ(flow_type(once), MACH_PORT_TYPE_SEND_ONCE);
	expect_nothing(receive);
}
END_TEST

START_TEST(b40_a_dead_name_is_no_destination)
{
	mach_port_t dead = flow_dead_name(1);

	CHECK_CODE(flow_send_to(dead, COPY, 0, 0, 1), MACH_SEND_INVALID_DEST);
	CHECK_CODE(flow_send_to(dead, MOVE, 0, 0, 1), MACH_SEND_INVALID_DEST);
	CHECK_CODE(flow_send_to(dead, MOVE_ONCE, 0, 0, 1), MACH_SEND_INVALID_DEST);
	CHECK_EQ(flow_refs(dead, MACH_PORT_RIGHT_DEAD_NAME), 1);
}
END_TEST

START_TEST(b44_ids_are_delivered_unchanged)
{
	static const mach_msg_id_t ids[] = {0, 1, -1, 0x7fffffff, (mach_msg_id_t)0x80000000};
	mach_port_t port = flow_port();
	struct flow_message message;

	for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
		CHECK_OK(flow_send_to(port, COPY, 0, 0, ids[i]));
	for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
		CHECK_OK(flow_receive(port, &message));
		CHECK_EQ(message.header.msgh_id, ids[i]);
	}
}
END_TEST

START_TEST(the_voucher_field_passes_through_without_a_disposition)
{
	mach_port_t port = flow_port();
	struct flow_message message;

	flow_header(&message, port, COPY, 0, 0, 1);
	message.header.msgh_voucher_port = 0xabcdef01;
	CHECK_OK(flow_send(&message));
	CHECK_OK(flow_receive(port, &message));
	CHECK_EQ(message.header.msgh_voucher_port, 0xabcdef01);
}
END_TEST

START_TEST(a_voucher_that_is_a_port_is_refused)
{
	mach_port_t port = flow_port();
	struct flow_message message;

	flow_header(&message, port, COPY, flow_receive_right(), COPY, 1);
	message.header.msgh_bits |= MACH_MSGH_BITS_SET_PORTS(0, 0, COPY);
	message.header.msgh_voucher_port = flow_port();
	CHECK_CODE(flow_send(&message), MACH_SEND_INVALID_VOUCHER);
	message.header.msgh_voucher_port = MACH_PORT_DEAD;
	CHECK_CODE(flow_send(&message), MACH_SEND_INVALID_VOUCHER);
	expect_nothing(port);
}
END_TEST

/* --- destination and reply --- */

START_TEST(c46_c47_null_and_dead_replies_pass)
{
	mach_port_t port = flow_port();

	CHECK_OK(flow_send_to(port, COPY, MACH_PORT_NULL, MAKE_ONCE, 1));
	CHECK_OK(flow_send_to(port, COPY, MACH_PORT_DEAD, COPY, 1));
	expect_received(port, MACH_MSGH_BITS(18, 17), MACH_PORT_NULL);
	expect_received(port, MACH_MSGH_BITS(17, 17), MACH_PORT_DEAD);
}
END_TEST

START_TEST(c50_a_send_right_made_for_the_reply_merges_with_the_receive_right)
{
	mach_port_t port = flow_port(), reply = flow_receive_right();

	CHECK_OK(flow_send_to(port, COPY, reply, MAKE, 1));
	CHECK_EQ(flow_type(reply), MACH_PORT_TYPE_RECEIVE);
	expect_received(port, MACH_MSGH_BITS(17, 17), reply);
	CHECK_EQ(flow_type(reply), MACH_PORT_TYPE_SEND_RECEIVE);
	CHECK_EQ(flow_refs(reply, MACH_PORT_RIGHT_SEND), 1);
}
END_TEST

START_TEST(a_send_once_reply_gets_a_name_of_its_own)
{
	mach_port_t port = flow_port(), reply = flow_port();
	struct flow_message message;

	CHECK_OK(flow_send_to(port, COPY, reply, MAKE_ONCE, 1));
	CHECK_OK(flow_receive(port, &message));
	CHECK_EQ(message.header.msgh_bits, MACH_MSGH_BITS(18, 17));
	CHECK(message.header.msgh_remote_port != reply);
	CHECK_EQ(flow_type(message.header.msgh_remote_port), MACH_PORT_TYPE_SEND_ONCE);
	CHECK_OK(flow_send_to(message.header.msgh_remote_port, MOVE_ONCE, 0, 0, 2));
	expect_received(reply, MACH_MSGH_BITS(0, 18), MACH_PORT_NULL);
}
END_TEST

START_TEST(c52_c53_a_right_that_cannot_make_the_reply)
{
	mach_port_t port = flow_port(), receive = flow_receive_right(), dead = flow_dead_name(1);
	mach_port_t once = flow_send_once(receive), set;

	CHECK_OK(mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_PORT_SET, &set));
	CHECK_CODE(flow_send_to(port, COPY, once, MAKE_ONCE, 1), MACH_SEND_INVALID_REPLY);
	CHECK_CODE(flow_send_to(port, COPY, once, COPY, 1), MACH_SEND_INVALID_REPLY);
	CHECK_CODE(flow_send_to(port, COPY, receive, COPY, 1), MACH_SEND_INVALID_REPLY);
	CHECK_CODE(flow_send_to(port, COPY, receive, MOVE_ONCE, 1), MACH_SEND_INVALID_REPLY);
	CHECK_CODE(flow_send_to(port, COPY, dead, MAKE, 1), MACH_SEND_INVALID_REPLY);
	CHECK_CODE(flow_send_to(port, COPY, set, MAKE, 1), MACH_SEND_INVALID_REPLY);
	CHECK_CODE(flow_send_to(port, COPY, flow_missing_name(), COPY, 1), MACH_SEND_INVALID_REPLY);
	CHECK_EQ(flow_type(once), MACH_PORT_TYPE_SEND_ONCE);
	CHECK_EQ(flow_refs(port, MACH_PORT_RIGHT_SEND), 1);
	expect_nothing(port);
}
END_TEST

START_TEST(c55_a_bad_reply_beats_a_bad_right_and_a_missing_destination_beats_both)
{
	mach_port_t receive = flow_receive_right(), missing = flow_missing_name();

	CHECK_CODE(flow_send_to(receive, COPY, missing, COPY, 1), MACH_SEND_INVALID_REPLY);
	CHECK_CODE(flow_send_to(flow_dead_name(1), COPY, missing, COPY, 1),
		   MACH_SEND_INVALID_REPLY);
	CHECK_CODE(flow_send_to(missing, COPY, receive, COPY, 1), MACH_SEND_INVALID_DEST);
}
END_TEST

START_TEST(c56_a_dead_name_as_reply_arrives_dead)
{
	mach_port_t port = flow_port(), dead = flow_dead_name(2);

	CHECK_OK(flow_send_to(port, COPY, dead, COPY, 1));
	expect_received(port, MACH_MSGH_BITS(17, 17), MACH_PORT_DEAD);
	CHECK_EQ(flow_refs(dead, MACH_PORT_RIGHT_DEAD_NAME), 2);
	CHECK_OK(flow_send_to(port, COPY, dead, MOVE, 1));
	expect_received(port, MACH_MSGH_BITS(17, 17), MACH_PORT_DEAD);
	CHECK_EQ(flow_refs(dead, MACH_PORT_RIGHT_DEAD_NAME), 1);
	CHECK_OK(flow_send_to(port, COPY, dead, MOVE_ONCE, 1));
	expect_received(port, MACH_MSGH_BITS(18, 17), MACH_PORT_DEAD);
	CHECK_EQ(flow_type(dead), 0);
}
END_TEST

START_TEST(c58_a_reply_port_that_dies_while_the_message_waits)
{
	mach_port_t port = flow_port(), reply = flow_port();

	CHECK_OK(flow_send_to(port, COPY, reply, MOVE, 1));
	CHECK_OK(mach_port_destroy(mach_task_self(), reply));
	expect_received(port, MACH_MSGH_BITS(17, 17), MACH_PORT_DEAD);
}
END_TEST

START_TEST(c59_c61_c62_both_rights_from_one_name)
{
	mach_port_t port = flow_port();

	flow_make_send(port, 1);
	CHECK_OK(flow_send_to(port, MOVE, port, MOVE, 1));
	CHECK_EQ(flow_type(port), MACH_PORT_TYPE_RECEIVE);
	expect_received(port, MACH_MSGH_BITS(17, 17), port);
	CHECK_EQ(flow_refs(port, MACH_PORT_RIGHT_SEND), 1);

	CHECK_OK(flow_send_to(port, COPY, port, MOVE, 1));
	CHECK_EQ(flow_type(port), MACH_PORT_TYPE_RECEIVE);
	expect_received(port, MACH_MSGH_BITS(17, 17), port);
	CHECK_OK(flow_send_to(port, MOVE, port, COPY, 1));
	CHECK_EQ(flow_type(port), MACH_PORT_TYPE_RECEIVE);
	expect_received(port, MACH_MSGH_BITS(17, 17), port);

	CHECK_OK(flow_send_to(port, COPY, port, COPY, 1));
	CHECK_EQ(flow_refs(port, MACH_PORT_RIGHT_SEND), 1);
	expect_received(port, MACH_MSGH_BITS(17, 17), port);
	CHECK_EQ(flow_refs(port, MACH_PORT_RIGHT_SEND), 2);
}
END_TEST

START_TEST(c64_to_c67_pairs_that_one_name_cannot_give)
{
	mach_port_t receive = flow_receive_right(), port = flow_port();
	mach_port_t once = flow_send_once(receive);

	CHECK_CODE(flow_send_to(receive, MAKE_ONCE, receive, MOVE, 1), MACH_SEND_INVALID_REPLY);
	CHECK_CODE(flow_send_to(receive, MOVE, receive, MAKE, 1), MACH_SEND_INVALID_DEST);
	CHECK_EQ(flow_status(receive).mps_mscount, 0);
	CHECK_CODE(flow_send_to(port, COPY, port, MOVE_ONCE, 1), MACH_SEND_INVALID_REPLY);
	CHECK_CODE(flow_send_to(port, MOVE, port, MOVE, 1), MACH_SEND_INVALID_DEST);
	CHECK_CODE(flow_send_to(once, MOVE_ONCE, once, MOVE_ONCE, 1), MACH_SEND_INVALID_DEST);
	CHECK_EQ(flow_type(once), MACH_PORT_TYPE_SEND_ONCE);
	CHECK_EQ(flow_refs(port, MACH_PORT_RIGHT_SEND), 1);
	expect_nothing(receive);
	expect_nothing(port);
}
END_TEST

START_TEST(c68_two_names_of_one_port)
{
	mach_port_t port = flow_port(), once = flow_send_once(port);

	CHECK_OK(flow_send_to(once, MOVE_ONCE, port, COPY, 1));
	expect_received(port, MACH_MSGH_BITS(17, 18), port);
}
END_TEST

START_TEST(kernel_ports_can_be_sent_to_with_mach_msg)
{
	mach_port_t reply = flow_receive_right();
	struct flow_message message;

	flow_header(&message, mach_task_self(), COPY, reply, MAKE_ONCE, 99999);
	CHECK_OK(mach_msg(&message.header, MACH_SEND_MSG | MACH_RCV_MSG, 24, sizeof message, reply,
			  0, 0));
	CHECK_EQ(message.header.msgh_id, 99999 + 100);
	CHECK_EQ(message.header.msgh_size, sizeof(mig_reply_error_t));
	CHECK_EQ(((mig_reply_error_t *)&message)->RetCode, MIG_BAD_ID);
}
END_TEST

static void add_headers(Suite *suite)
{
	TCase *tests = flow_case(suite, "one disposition");

	tcase_add_test(tests, b22_dispositions_that_no_destination_has);
	tcase_add_test(tests, b23_b25_reply_dispositions_that_do_not_exist);
	tcase_add_test(tests, b26_null_and_dead_are_no_destination);
	tcase_add_test(tests, b28_copy_send_keeps_the_right);
	tcase_add_test(tests, b29_make_send_needs_no_send_right);
	tcase_add_test(tests, make_send_once_needs_the_receive_right);
	tcase_add_test(tests, b31_b32_move_send_takes_one_reference);
	tcase_add_test(tests, b35_a_send_once_right_is_used_up);
	tcase_add_test(tests, b37_b38_a_right_of_another_kind_is_no_destination);
	tcase_add_test(tests, b40_a_dead_name_is_no_destination);
	tcase_add_test(tests, b44_ids_are_delivered_unchanged);
	tcase_add_test(tests, the_voucher_field_passes_through_without_a_disposition);
	tcase_add_test(tests, a_voucher_that_is_a_port_is_refused);
	tests = flow_case(suite, "destination and reply");
	tcase_add_test(tests, c46_c47_null_and_dead_replies_pass);
	tcase_add_test(tests, c50_a_send_right_made_for_the_reply_merges_with_the_receive_right);
	tcase_add_test(tests, a_send_once_reply_gets_a_name_of_its_own);
	tcase_add_test(tests, c52_c53_a_right_that_cannot_make_the_reply);
	tcase_add_test(tests,
		       c55_a_bad_reply_beats_a_bad_right_and_a_missing_destination_beats_both);
	tcase_add_test(tests, c56_a_dead_name_as_reply_arrives_dead);
	tcase_add_test(tests, c58_a_reply_port_that_dies_while_the_message_waits);
	tcase_add_test(tests, c59_c61_c62_both_rights_from_one_name);
	tcase_add_test(tests, c64_to_c67_pairs_that_one_name_cannot_give);
	tcase_add_test(tests, c68_two_names_of_one_port);
	tcase_add_test(tests, kernel_ports_can_be_sent_to_with_mach_msg);
}

int main(void)
{
	Suite *suite = suite_create("send");
	TCase *tests = flow_case(suite, "sizes and options");

	tcase_add_test(tests, a1_a2_sizes_too_small_or_odd);
	tcase_add_test(tests, a4_complex_needs_a_count);
	tcase_add_test(tests, a5_complex_with_no_descriptor_is_delivered_so);
	tcase_add_test(tests, a7_a_descriptor_of_memory_needs_all_its_bytes);
	tcase_add_test(tests, a10_other_header_bits_are_masked_off);
	tcase_add_test(tests, a11_an_address_that_cannot_be_read);
	tcase_add_test(tests, a13_no_receive_after_a_failed_send);
	tcase_add_test(tests, the_size_in_the_buffer_is_ignored);
	tcase_add_test(tests, neither_send_nor_receive_is_success);
	tcase_add_test(tests, unknown_options_are_ignored);
	add_headers(suite);
	return flow_run(suite);
}
