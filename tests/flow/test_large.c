/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Large bodies, up to the largest message there is. From 64 KiB on the end of a body travels in a
 * memfd; none of that may show, and no descriptor may be left behind on either side.
 */
#include <servers/bootstrap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "protocol/limits.h"
#include "tests/flow/flow.h"
#include "tests/flow/flow_letter.h"

#define COPY	  MACH_MSG_TYPE_COPY_SEND
#define MOVE	  MACH_MSG_TYPE_MOVE_SEND
#define MAKE_ONCE MACH_MSG_TYPE_MAKE_SEND_ONCE
#define MOVE_ONCE MACH_MSG_TYPE_MOVE_SEND_ONCE

#define MIB	1048576u
#define LARGEST ((mach_msg_size_t)MACHD_MESSAGE_SIZE_MAX)
#define AUDIT	MACH_RCV_TRAILER_ELEMENTS(MACH_RCV_TRAILER_AUDIT)
#define ROOM	52u /* of that trailer */

static uint32_t word_at(mach_msg_size_t offset, mach_msg_id_t id)
{
	return offset * 2654435761u + (uint32_t)id;
}

static uint32_t *buffer(mach_msg_size_t size)
{
	uint32_t *words = calloc(1, size);

	CHECK(words != NULL);
	return words;
}

static void fill(uint32_t *words, mach_msg_size_t from, mach_msg_size_t size, mach_msg_id_t id)
{
	for (mach_msg_size_t at = from; at < size; at += 4)
		words[at / 4] = word_at(at, id);
}

static void expect(const uint32_t *words, mach_msg_size_t from, mach_msg_size_t size,
		   mach_msg_id_t id)
{
	for (mach_msg_size_t at = from; at < size; at += 4)
		if (words[at / 4] != word_at(at, id))
			flow_fail(__FILE__, __LINE__, "byte %u is wrong", at);
}

static mach_msg_header_t *header_of(uint32_t *words)
{
	return (mach_msg_header_t *)(void *)words;
}

static mach_msg_return_t send_large(mach_port_t port, mach_msg_size_t size, mach_msg_id_t id)
{
	uint32_t *words = buffer(size);
	mach_msg_return_t code;

	*header_of(words) = (mach_msg_header_t){
		.msgh_bits = MACH_MSGH_BITS(COPY, 0), .msgh_remote_port = port, .msgh_id = id};
	fill(words, 24, size, id);
	code = mach_msg(header_of(words), MACH_SEND_MSG | MACH_SEND_TIMEOUT, size, 0, 0, 0, 0);
	free(words);
	return code;
}

/* Receive exactly that message, in a buffer with no byte to spare. */
static void receive_large(mach_port_t port, mach_msg_size_t size, mach_msg_id_t id)
{
	uint32_t *words = buffer(size + ROOM);
	const mach_msg_audit_trailer_t *trailer = (const void *)((char *)words + size);

	CHECK_OK(mach_msg(header_of(words), MACH_RCV_MSG | AUDIT, 0, size + ROOM, port, 0, 0));
	CHECK_EQ(header_of(words)->msgh_size, size);
	CHECK_EQ(header_of(words)->msgh_id, id);
	expect(words, 24, size, id);
	CHECK_EQ(trailer->msgh_trailer_size, ROOM);
	CHECK(trailer->msgh_audit.val[5] != 0);
	free(words);
}

START_TEST(sizes_around_what_fits_a_frame)
{
	static const mach_msg_size_t sizes[] = {
		MACHD_INLINE_MAX - 4,
		MACHD_INLINE_MAX,
		MACHD_INLINE_MAX + 4,
		131072,
		MACHD_INLINE_LIMIT - 4,
		MACHD_INLINE_LIMIT,
		204800,
		212960,
		300000,
	};
	mach_port_t port = flow_port();
	unsigned mine = letter_open_fds(getpid()), theirs = letter_daemon_fds();

	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		CHECK_OK(send_large(port, sizes[i], (mach_msg_id_t)i));
		receive_large(port, sizes[i], (mach_msg_id_t)i);
	}
	CHECK_EQ(letter_open_fds(getpid()), mine);
	CHECK_EQ(letter_daemon_fds(), theirs);
}
END_TEST

static void send_all_sizes(void *unused)
{
	mach_port_t port;

	(void)unused;
	CHECK_OK(bootstrap_look_up(bootstrap_port, "flow.large", &port));
	CHECK_OK(send_large(port, MIB, 1));
	CHECK_OK(send_large(port, LARGEST, 2));
	CHECK_OK(send_large(port, 24, 3));
	CHECK_CODE(send_large(port, LARGEST + 4, 4), MACH_SEND_TOO_LARGE);
}

START_TEST(the_largest_message_goes_from_process_to_process)
{
	mach_port_t port = flow_port();
	struct flow_child child;

	CHECK_OK(bootstrap_register(bootstrap_port, "flow.large", port));
	flow_fork(&child, send_all_sizes, NULL);
	receive_large(port, MIB, 1);
	receive_large(port, LARGEST, 2);
	receive_large(port, 24, 3);
	flow_join(&child);
}
END_TEST

struct carrier {
	mach_msg_base_t base;
	mach_msg_port_descriptor_t port[3];
};

START_TEST(rights_and_a_large_body_in_one_message)
{
	mach_port_t port = flow_port(), right = flow_port(), reply = flow_receive_right();
	uint32_t *words = buffer(MIB + ROOM);
	struct carrier *carrier = (struct carrier *)(void *)words;

	carrier->base.header = (mach_msg_header_t){.msgh_bits = MACH_MSGH_BITS_COMPLEX |
								MACH_MSGH_BITS(COPY, MAKE_ONCE),
						   .msgh_remote_port = port,
						   .msgh_local_port = reply};
	carrier->base.body.msgh_descriptor_count = 3;
	for (unsigned i = 0; i < 3; i++)
		carrier->port[i] = (mach_msg_port_descriptor_t){.name = right, .disposition = COPY};
	fill(words, sizeof *carrier, MIB, 7);
	CHECK_OK(mach_msg(header_of(words), MACH_SEND_MSG, MIB, 0, 0, 0, 0));
	memset(words, 0, MIB);
	CHECK_OK(mach_msg(header_of(words), MACH_RCV_MSG, 0, MIB + ROOM, port, 0, 0));
	CHECK_EQ(carrier->base.header.msgh_size, MIB);
	for (unsigned i = 0; i < 3; i++)
		CHECK_EQ(carrier->port[i].name, right);
	CHECK_EQ(flow_refs(right, MACH_PORT_RIGHT_SEND), 4);
	expect(words, sizeof *carrier, MIB, 7);
	free(words);
}
END_TEST

START_TEST(large_calls_and_replies_in_one_buffer)
{
	mach_port_t port = flow_port();
	uint32_t *words = buffer(MIB + ROOM);

	CHECK_OK(send_large(port, 2 * MIB, 1));
	*header_of(words) = (mach_msg_header_t){
		.msgh_bits = MACH_MSGH_BITS(COPY, 0), .msgh_remote_port = port, .msgh_id = 2};
	fill(words, 24, MIB, 2);
	/* The answer is the message sent before, which is larger than the buffer. */
	CHECK_CODE(mach_msg(header_of(words), MACH_SEND_MSG | MACH_RCV_MSG | MACH_RCV_LARGE, MIB,
			    MIB + ROOM, port, 0, 0),
		   MACH_RCV_TOO_LARGE);
	CHECK_EQ(header_of(words)->msgh_size, 2 * MIB);
	CHECK_EQ(header_of(words)->msgh_remote_port, port);
	header_of(words)->msgh_size = 0;
	expect(words, 24, MIB, 2);
	receive_large(port, 2 * MIB, 1);
	receive_large(port, MIB, 2);
	/* Now it is the message itself. */
	CHECK_OK(mach_msg(header_of(words), MACH_SEND_MSG | MACH_RCV_MSG, MIB, MIB + ROOM, port, 0,
			  0));
	CHECK_EQ(header_of(words)->msgh_local_port, port);
	expect(words, 24, MIB, 2);
	free(words);
}
END_TEST

START_TEST(a_large_message_that_was_not_sent_comes_back)
{
	mach_port_t port = flow_port(), reply = flow_receive_right();
	uint32_t *words = buffer(MIB + 64);
	unsigned mine = letter_open_fds(getpid()), theirs = letter_daemon_fds();

	flow_fill(port, 5);
	*header_of(words) = (mach_msg_header_t){.msgh_bits = MACH_MSGH_BITS(COPY, MAKE_ONCE),
						.msgh_remote_port = port,
						.msgh_local_port = reply,
						.msgh_id = 9};
	fill(words, 24, MIB + 64, 9);
	CHECK_CODE(mach_msg(header_of(words), MACH_SEND_MSG | MACH_SEND_TIMEOUT, MIB, 0, 0, 0, 0),
		   MACH_SEND_TIMED_OUT);
	CHECK_EQ(header_of(words)->msgh_bits, MACH_MSGH_BITS(MOVE, MOVE_ONCE));
	CHECK_EQ(header_of(words)->msgh_size, MIB);
	expect(words, 24, MIB + 64, 9);
	flow_set_qlimit(port, 6);
	CHECK_OK(mach_msg(header_of(words), MACH_SEND_MSG | MACH_SEND_TIMEOUT, MIB, 0, 0, 0, 0));
	for (unsigned i = 0; i < 5; i++)
		CHECK_OK(flow_receive(port, &(struct flow_message){0}));
	receive_large(port, MIB, 9);
	CHECK_EQ(letter_open_fds(getpid()), mine);
	CHECK_EQ(letter_daemon_fds(), theirs);
	free(words);
}
END_TEST

START_TEST(large_messages_that_nobody_receives_leave_nothing_open)
{
	mach_port_t port = flow_port(), dropped = flow_port();
	unsigned theirs = letter_daemon_fds();
	struct flow_message message;

	for (mach_msg_id_t i = 0; i < 4; i++)
		CHECK_OK(send_large(port, MIB, i));
	CHECK_EQ(letter_daemon_fds(), theirs + 4);
	CHECK_OK(mach_port_destroy(mach_task_self(), port));
	CHECK_OK(send_large(dropped, MIB, 1));
	CHECK_CODE(flow_receive(dropped, &message), MACH_RCV_TOO_LARGE);
	CHECK_CODE(send_large(MACH_PORT_NULL, MIB, 1), MACH_SEND_INVALID_DEST);
	CHECK_CODE(send_large(flow_dead_name(1), MIB, 1), MACH_SEND_INVALID_DEST);
	CHECK_CODE(flow_receive(dropped, &message), MACH_RCV_TIMED_OUT);
	CHECK_EQ(letter_daemon_fds(), theirs);
}
END_TEST

START_TEST(a_buffer_that_ends_too_early_costs_the_message_only)
{
	mach_port_t port = flow_port();
	unsigned mine = letter_open_fds(getpid());
	char *pages =
		mmap(NULL, 3 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(pages != MAP_FAILED && munmap(pages + MIB, 2 * MIB) == 0);
	CHECK_OK(send_large(port, 2 * MIB, 1));
	CHECK_CODE(mach_msg(header_of((uint32_t *)(void *)pages), MACH_RCV_MSG, 0, 3 * MIB, port, 0,
			    0),
		   MACH_RCV_INVALID_DATA);
	/* Only the trailer has no room. */
	CHECK_OK(send_large(port, MIB - 4, 2));
	CHECK_CODE(mach_msg(header_of((uint32_t *)(void *)pages), MACH_RCV_MSG, 0, 3 * MIB, port, 0,
			    0),
		   MACH_RCV_INVALID_DATA);
	CHECK_OK(send_large(port, MIB - 8, 3));
	CHECK_OK(mach_msg(header_of((uint32_t *)(void *)pages), MACH_RCV_MSG, 0, 3 * MIB, port, 0,
			  0));
	expect((uint32_t *)(void *)pages, 24, MIB - 8, 3);
	munmap(pages, MIB);
	CHECK_EQ(letter_open_fds(getpid()), mine);
	CHECK_EQ(flow_status(port).mps_msgcount, 0);
}
END_TEST

START_TEST(no_descriptor_to_be_had)
{
	mach_port_t port = flow_port();
	struct rlimit old, none;
	uint32_t *words = buffer(MIB + ROOM);

	CHECK_OK(send_large(port, MIB, 1));
	CHECK(getrlimit(RLIMIT_NOFILE, &old) == 0);
	none = (struct rlimit){.rlim_cur = 0, .rlim_max = old.rlim_max};
	CHECK(setrlimit(RLIMIT_NOFILE, &none) == 0);
	CHECK_CODE(mach_msg(header_of(words), MACH_RCV_MSG, 0, MIB + ROOM, port, 0, 0),
		   MACH_RCV_INVALID_DATA);
	CHECK_CODE(send_large(port, MIB, 2), MACH_SEND_NO_BUFFER);
	CHECK_OK(send_large(port, 1000, 3));
	CHECK(setrlimit(RLIMIT_NOFILE, &old) == 0);
	receive_large(port, 1000, 3);
	CHECK_OK(send_large(port, MIB, 4));
	receive_large(port, MIB, 4);
	free(words);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("large");
	TCase *tests = flow_case(suite, "large bodies");

	tcase_add_test(tests, sizes_around_what_fits_a_frame);
	tcase_add_test(tests, the_largest_message_goes_from_process_to_process);
	tcase_add_test(tests, rights_and_a_large_body_in_one_message);
	tcase_add_test(tests, large_calls_and_replies_in_one_buffer);
	tcase_add_test(tests, a_large_message_that_was_not_sent_comes_back);
	tcase_add_test(tests, large_messages_that_nobody_receives_leave_nothing_open);
	tcase_add_test(tests, a_buffer_that_ends_too_early_costs_the_message_only);
	tcase_add_test(tests, no_descriptor_to_be_had);
	return flow_run(suite);
}
