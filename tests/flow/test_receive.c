/* SPDX-License-Identifier: Apache-2.0 */
/* Receiving: names, buffers, trailers, and messages that are too large for the buffer. */
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/flow/flow.h"

#define COPY	  MACH_MSG_TYPE_COPY_SEND
#define MAKE_ONCE MACH_MSG_TYPE_MAKE_SEND_ONCE

#define RECEIVE (MACH_RCV_MSG | MACH_RCV_TIMEOUT)

/* Send a message of `size` bytes with that content. */
static void send_bytes(mach_port_t port, mach_msg_size_t size, unsigned char byte, mach_msg_id_t id)
{
	struct flow_message message;

	memset(&message, byte, sizeof message);
	flow_header(&message, port, COPY, 0, 0, id);
	message.header.msgh_size = size;
	CHECK_OK(flow_send(&message));
}

static mach_msg_return_t receive(mach_port_t port, struct flow_message *message,
				 mach_msg_option_t option, mach_msg_size_t size)
{
	memset(message, 0x77, sizeof *message);
	return mach_msg(&message->header, RECEIVE | option, 0, size, port, 0, 0);
}

static void expect_untouched(const struct flow_message *message, unsigned from, unsigned to)
{
	for (unsigned i = from; i < to; i++)
		if (message->bytes[i] != 0x77)
			flow_fail(__FILE__, __LINE__, "byte %u was written", i);
}

/* --- names and buffers --- */

START_TEST(j143_names_that_cannot_be_received_from)
{
	mach_port_t port = flow_port(), once = flow_send_once(port), foreign = mach_task_self();
	const mach_port_t names[] = {MACH_PORT_NULL, MACH_PORT_DEAD, flow_missing_name(),
				     foreign,	     once,	     flow_dead_name(1)};
	struct flow_message message;

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		CHECK_CODE(flow_receive(names[i], &message), MACH_RCV_INVALID_NAME);
}
END_TEST

START_TEST(j145_a_member_of_a_set_can_be_received_from)
{
	mach_port_t port = flow_port(), set;
	struct flow_message message;

	CHECK_OK(mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_PORT_SET, &set));
	CHECK_OK(mach_port_insert_member(mach_task_self(), port, set));
	flow_fill(port, 1);
	CHECK_OK(flow_receive(port, &message));
	CHECK_CODE(flow_receive(set, &message), MACH_RCV_TIMED_OUT);
}
END_TEST

START_TEST(time_outs_of_a_receive)
{
	mach_port_t port = flow_port();
	struct flow_message message;

	CHECK_CODE(receive(port, &message, 0, sizeof message), MACH_RCV_TIMED_OUT);
	CHECK_CODE(mach_msg(&message.header, RECEIVE, 0, sizeof message, port, 10, 0),
		   MACH_RCV_TIMED_OUT);
	expect_untouched(&message, 0, sizeof message);
}
END_TEST

START_TEST(j151_a_buffer_that_cannot_be_written_loses_the_message_not_its_rights)
{
	static const uintptr_t bad[] = {0, 64, (uintptr_t)0x7ffffffff000, UINTPTR_MAX - 63};
	mach_port_t port = flow_port(), reply = flow_receive_right();
	char *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		CHECK_OK(flow_send_to(port, COPY, reply, MAKE_ONCE, 1));
		CHECK_CODE(mach_msg((mach_msg_header_t *)bad[i], RECEIVE, 0, 64, port, 0, 0),
			   MACH_RCV_INVALID_DATA);
	}
	CHECK_OK(flow_send_to(port, COPY, reply, MAKE_ONCE, 1));
	CHECK_CODE(mach_msg((mach_msg_header_t *)page, RECEIVE, 0, 64, port, 0, 0),
		   MACH_RCV_INVALID_DATA);
	munmap(page, 4096);
	CHECK_EQ(flow_status(port).mps_msgcount, 0);
	CHECK_EQ(flow_status(reply).mps_sorights, 5);
	flow_notified(reply, -1);
	/* A code that comes without a message does not need the buffer. */
	CHECK_CODE(mach_msg(NULL, RECEIVE, 0, 64, port, 0, 0), MACH_RCV_TIMED_OUT);
	CHECK_CODE(mach_msg((mach_msg_header_t *)(UINTPTR_MAX - 63), RECEIVE, 0, 64, port, 0, 0),
		   MACH_RCV_TIMED_OUT);
}
END_TEST

START_TEST(a_size_larger_than_the_buffer_is_no_harm_for_what_fits)
{
	mach_port_t port = flow_port();
	struct flow_message message;

	send_bytes(port, 64, 0x33, 3);
	CHECK_OK(receive(port, &message, 0, MACH_MSG_SIZE_MAX));
	CHECK_EQ(message.header.msgh_size, 64);
	expect_untouched(&message, 64 + 8, sizeof message);
}
END_TEST

START_TEST(j152_a_buffer_of_its_own_leaves_the_sent_message_alone)
{
	mach_port_t port = flow_port();
	struct flow_message message, buffer;

	flow_header(&message, port, COPY, 0, 0, 5);
	CHECK_OK(mach_msg_overwrite(&message.header, MACH_SEND_MSG | RECEIVE, 24, sizeof buffer,
				    port, 0, 0, &buffer.header, 0));
	CHECK_EQ(message.header.msgh_bits, MACH_MSGH_BITS(COPY, 0));
	CHECK_EQ(message.header.msgh_remote_port, port);
	CHECK_EQ(buffer.header.msgh_local_port, port);
	CHECK_EQ(buffer.header.msgh_id, 5);
	CHECK_CODE(
		mach_msg_overwrite(NULL, RECEIVE, 0, sizeof buffer, port, 0, 0, &buffer.header, 0),
		MACH_RCV_TIMED_OUT);
}
END_TEST

START_TEST(mach_msg_send_and_receive_take_the_size_from_the_header)
{
	mach_port_t port = flow_port();
	struct flow_message message;

	memset(&message, 0x44, sizeof message);
	flow_header(&message, port, COPY, 0, 0, 5);
	message.header.msgh_size = 60;
	CHECK_OK(mach_msg_send(&message.header));
	message.header = (mach_msg_header_t){.msgh_size = sizeof message, .msgh_local_port = port};
	CHECK_OK(mach_msg_receive(&message.header));
	CHECK_EQ(message.header.msgh_size, 60);
	CHECK_EQ(message.header.msgh_id, 5);
	CHECK_EQ(message.bytes[59], 0x44);
}
END_TEST

/* --- trailers --- */

START_TEST(j146_trailer_sizes)
{
	static const unsigned sizes[] = {
		8,
		12,
		20,
		52,
		WORD(60, 56),
		MAX_TRAILER_SIZE,
		MAX_TRAILER_SIZE,
		MAX_TRAILER_SIZE,
		MAX_TRAILER_SIZE,
	};
	mach_port_t port = flow_port();
	struct flow_message message;

	for (unsigned element = 0; element < 9; element++) {
		const mach_msg_max_trailer_t *trailer;

		send_bytes(port, 28, 0x22, 1);
		CHECK_OK(receive(port, &message, MACH_RCV_TRAILER_ELEMENTS(element), 400));
		trailer = flow_trailer(&message);
		CHECK_EQ(trailer->msgh_trailer_type, MACH_MSG_TRAILER_FORMAT_0);
		CHECK_EQ(trailer->msgh_trailer_size, sizes[element]);
		expect_untouched(&message, 28 + sizes[element], sizeof message);
		CHECK_EQ(flow_status(port).mps_seqno, element + 1);
	}
}
END_TEST

START_TEST(trailers_say_who_sent_the_message)
{
	mach_port_t port = flow_port();
	const mach_msg_max_trailer_t *trailer;
	struct flow_message message;

	flow_fill(port, 2);
	for (unsigned i = 0; i < 2; i++) {
		CHECK_OK(flow_receive(port, &message));
		trailer = flow_trailer(&message);
		CHECK_EQ(trailer->msgh_seqno, i);
		CHECK_EQ(trailer->msgh_sender.val[0], geteuid());
		CHECK_EQ(trailer->msgh_sender.val[1], getegid());
		CHECK_EQ(trailer->msgh_audit.val[1], geteuid());
		CHECK_EQ(trailer->msgh_audit.val[2], getegid());
		CHECK_EQ(trailer->msgh_audit.val[5], getpid());
		CHECK_EQ(trailer->msgh_ad, 0);
		CHECK_EQ(trailer->msgh_labels.sender, 0);
	}
}
END_TEST

START_TEST(j148_notifications_have_the_tokens_of_the_daemon)
{
	mach_port_t port = flow_receive_right(), once = flow_send_once(port);
	const mach_msg_max_trailer_t *trailer;
	struct flow_message message;

	CHECK_OK(mach_port_deallocate(mach_task_self(), once));
	CHECK_OK(flow_receive(port, &message));
	trailer = flow_trailer(&message);
	ck_assert_mem_eq(&trailer->msgh_sender, &KERNEL_SECURITY_TOKEN,
			 sizeof trailer->msgh_sender);
	ck_assert_mem_eq(&trailer->msgh_audit, &KERNEL_AUDIT_TOKEN, sizeof trailer->msgh_audit);
}
END_TEST

START_TEST(j149_the_context_is_that_of_the_moment_of_receipt)
{
	mach_port_t port = flow_port();
	const mach_port_context_t given = (mach_port_context_t)0x123456789abc;
	mach_port_context_t context = 0;
	struct flow_message message;

	flow_fill(port, 1);
	CHECK_OK(mach_port_set_context(mach_task_self(), port, given));
	CHECK_OK(mach_port_get_context(mach_task_self(), port, &context));
	CHECK(context == given);
	CHECK_OK(flow_receive(port, &message));
	CHECK(flow_trailer(&message)->msgh_context == given);
}
END_TEST

START_TEST(sequence_numbers_can_be_set)
{
	mach_port_t port = flow_port();
	struct flow_message message;

	CHECK_OK(mach_port_set_seqno(mach_task_self(), port, 0xfffffffe));
	flow_fill(port, 3);
	for (unsigned i = 0; i < 3; i++) {
		CHECK_OK(flow_receive(port, &message));
		CHECK_EQ(flow_trailer(&message)->msgh_seqno, 0xfffffffe + i);
	}
}
END_TEST

/* --- too large --- */

START_TEST(k160_with_rcv_large_the_message_stays)
{
	mach_port_t port = flow_port();
	struct flow_message message;

	send_bytes(port, 100, 0x33, 5);
	send_bytes(port, 24, 0x33, 6);
	CHECK_CODE(receive(port, &message, MACH_RCV_LARGE, 107), MACH_RCV_TOO_LARGE);
	expect_untouched(&message, 0, 4);
	CHECK_EQ(message.header.msgh_size, 100);
	expect_untouched(&message, 8, sizeof message);
	CHECK_EQ(flow_status(port).mps_seqno, 0);
	CHECK_OK(receive(port, &message, MACH_RCV_LARGE, 108));
	CHECK_EQ(message.header.msgh_id, 5);
	CHECK_EQ(flow_status(port).mps_seqno, 1);
}
END_TEST

START_TEST(k160_what_the_buffer_has_no_room_for_is_not_written)
{
	mach_port_t port = flow_port();
	struct flow_message message;

	send_bytes(port, 100, 0x33, 5);
	for (unsigned size = 0; size < 24; size += 4) {
		CHECK_CODE(receive(port, &message, MACH_RCV_LARGE | MACH_RCV_LARGE_IDENTITY, size),
			   MACH_RCV_TOO_LARGE);
		if (size >= 8)
			CHECK_EQ(message.header.msgh_size, 100);
		if (size >= 16)
			CHECK_EQ(message.header.msgh_local_port, port);
		expect_untouched(&message, 0, 4);
		expect_untouched(&message, size >= 8 ? 8 : 4, 12);
		expect_untouched(&message, size >= 16 ? 16 : 12, sizeof message);
	}
}
END_TEST

START_TEST(k161_the_member_that_has_the_message)
{
	mach_port_t port = flow_port(), set;
	struct flow_message message;

	CHECK_OK(mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_PORT_SET, &set));
	CHECK_OK(mach_port_insert_member(mach_task_self(), port, set));
	send_bytes(port, 100, 0x33, 5);
	CHECK_CODE(receive(set, &message, MACH_RCV_LARGE | MACH_RCV_LARGE_IDENTITY, 60),
		   MACH_RCV_TOO_LARGE);
	CHECK_EQ(message.header.msgh_local_port, port);
	CHECK_OK(receive(set, &message, MACH_RCV_LARGE, sizeof message));
	CHECK_EQ(message.header.msgh_local_port, port);
}
END_TEST

START_TEST(k163_without_it_the_message_is_destroyed_and_a_header_left)
{
	mach_port_t port = flow_port(), reply = flow_receive_right();
	const mach_msg_max_trailer_t *trailer;
	struct flow_message message;

	flow_complex(&message, port, COPY, 5);
	message.header.msgh_local_port = reply;
	message.header.msgh_bits |= MACH_MSGH_BITS(0, MAKE_ONCE);
	flow_add_port(&message, flow_receive_right(), MACH_MSG_TYPE_MOVE_RECEIVE);
	message.header.msgh_size = 400;
	CHECK_OK(flow_send(&message));
	send_bytes(port, 24, 0x33, 6);
	CHECK_CODE(receive(port, &message, MACH_RCV_TRAILER_ELEMENTS(MACH_RCV_TRAILER_AUDIT), 100),
		   MACH_RCV_TOO_LARGE);
	CHECK_EQ(message.header.msgh_bits,
		 MACH_MSGH_BITS_COMPLEX |
			 MACH_MSGH_BITS(MACH_MSG_TYPE_PORT_SEND_ONCE, MACH_MSG_TYPE_PORT_SEND));
	CHECK_EQ(message.header.msgh_size, 24);
	CHECK_EQ(message.header.msgh_remote_port, MACH_PORT_NULL);
	CHECK_EQ(message.header.msgh_local_port, port);
	CHECK_EQ(message.header.msgh_id, 5);
	trailer = flow_trailer(&message);
	CHECK_EQ(trailer->msgh_trailer_size, 52);
	CHECK_EQ(trailer->msgh_seqno, 0);
	CHECK_EQ(trailer->msgh_sender.val[1], 1);
	CHECK_EQ(trailer->msgh_audit.val[5], 0);
	expect_untouched(&message, 24 + 52, sizeof message);
	flow_notified(reply, MACH_NOTIFY_SEND_ONCE); /* k164 */
	CHECK_OK(flow_receive(port, &message));	     /* k167 */
	CHECK_EQ(message.header.msgh_id, 6);
	CHECK_EQ(flow_trailer(&message)->msgh_seqno, 1);
}
END_TEST

/* The trailer ends where the buffer does; of a header that has no room nothing is written. */
START_TEST(k163_cut_at_the_end_of_the_buffer)
{
	static const unsigned sizes[] = {0, 8, 20, 23, 24, 30, 32};
	mach_port_t port = flow_port();
	struct flow_message message;

	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		bool room = sizes[i] >= sizeof message.header;

		send_bytes(port, 100, 0x33, 5);
		CHECK_CODE(receive(port, &message, 0, sizes[i]),
			   room ? MACH_RCV_TOO_LARGE : MACH_RCV_INVALID_DATA);
		expect_untouched(&message, room ? sizes[i] : 0, sizeof message);
		if (room)
			CHECK_EQ(message.header.msgh_id, 5);
		CHECK_EQ(flow_status(port).mps_msgcount, 0);
		CHECK_EQ(flow_status(port).mps_seqno, i + 1);
	}
}
END_TEST

/* The context in a trailer comes with a message, and not with what is left of one. */
START_TEST(k163_a_destroyed_message_shows_no_context)
{
	mach_port_t port = flow_port();
	struct flow_message message;

	CHECK_OK(mach_port_set_context(mach_task_self(), port, 0x1234));
	send_bytes(port, 100, 0x33, 5);
	CHECK_CODE(receive(port, &message, MACH_RCV_TRAILER_ELEMENTS(MACH_RCV_TRAILER_CTX), 100),
		   MACH_RCV_TOO_LARGE);
	CHECK_EQ(flow_trailer(&message)->msgh_trailer_size, WORD(60, 56));
	CHECK(flow_trailer(&message)->msgh_context == 0);
}
END_TEST

START_TEST(k166_replies_that_were_null_or_dead_stay_so)
{
	mach_port_t port = flow_port();
	struct flow_message message;

	CHECK_OK(flow_send_to(port, COPY, MACH_PORT_DEAD, COPY, 1));
	CHECK_CODE(receive(port, &message, 0, 30), MACH_RCV_TOO_LARGE);
	CHECK_EQ(message.header.msgh_remote_port, MACH_PORT_DEAD);
	CHECK_OK(flow_send_to(port, COPY, MACH_PORT_NULL, COPY, 1));
	CHECK_CODE(receive(port, &message, 0, 30), MACH_RCV_TOO_LARGE);
	CHECK_EQ(message.header.msgh_remote_port, MACH_PORT_NULL);
}
END_TEST

struct waiter {
	mach_port_t port;
	mach_msg_size_t size;
	struct flow_message message;
	mach_msg_return_t code;
};

static void *wait_large(void *argument)
{
	struct waiter *waiter = argument;

	waiter->code = mach_msg(&waiter->message.header, MACH_RCV_MSG | MACH_RCV_LARGE, 0,
				waiter->size, waiter->port, 0, 0);
	return NULL;
}

START_TEST(k169_a_waiter_that_cannot_take_it_makes_room_for_the_next)
{
	struct waiter waiters[2] = {{.size = 40}, {.size = sizeof(struct flow_message)}};
	mach_port_t port = flow_port();
	pthread_t threads[2];

	for (unsigned i = 0; i < 2; i++) {
		waiters[i].port = port;
		CHECK(pthread_create(&threads[i], NULL, wait_large, &waiters[i]) == 0);
		flow_await_waiting(getpid(), i + 1);
	}
	send_bytes(port, 100, 0x33, 5);
	for (unsigned i = 0; i < 2; i++)
		CHECK(pthread_join(threads[i], NULL) == 0);
	CHECK_CODE(waiters[0].code, MACH_RCV_TOO_LARGE);
	CHECK_EQ(waiters[0].message.header.msgh_size, 100);
	CHECK_OK(waiters[1].code);
	CHECK_EQ(waiters[1].message.header.msgh_id, 5);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("receive");
	TCase *tests = flow_case(suite, "names and buffers");

	tcase_add_test(tests, j143_names_that_cannot_be_received_from);
	tcase_add_test(tests, j145_a_member_of_a_set_can_be_received_from);
	tcase_add_test(tests, time_outs_of_a_receive);
	tcase_add_test(tests,
		       j151_a_buffer_that_cannot_be_written_loses_the_message_not_its_rights);
	tcase_add_test(tests, a_size_larger_than_the_buffer_is_no_harm_for_what_fits);
	tcase_add_test(tests, j152_a_buffer_of_its_own_leaves_the_sent_message_alone);
	tcase_add_test(tests, mach_msg_send_and_receive_take_the_size_from_the_header);
	tests = flow_case(suite, "trailers");
	tcase_add_test(tests, j146_trailer_sizes);
	tcase_add_test(tests, trailers_say_who_sent_the_message);
	tcase_add_test(tests, j148_notifications_have_the_tokens_of_the_daemon);
	tcase_add_test(tests, j149_the_context_is_that_of_the_moment_of_receipt);
	tcase_add_test(tests, sequence_numbers_can_be_set);
	tests = flow_case(suite, "too large");
	tcase_add_test(tests, k160_with_rcv_large_the_message_stays);
	tcase_add_test(tests, k160_what_the_buffer_has_no_room_for_is_not_written);
	tcase_add_test(tests, k161_the_member_that_has_the_message);
	tcase_add_test(tests, k163_without_it_the_message_is_destroyed_and_a_header_left);
	tcase_add_test(tests, k163_cut_at_the_end_of_the_buffer);
	tcase_add_test(tests, k163_a_destroyed_message_shows_no_context);
	tcase_add_test(tests, k166_replies_that_were_null_or_dead_stay_so);
	tcase_add_test(tests, k169_a_waiter_that_cannot_take_it_makes_room_for_the_next);
	return flow_run(suite);
}
