/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Out-of-line memory among other things: many descriptors, large bodies, messages that come back or
 * that nobody gets, and that nothing is left of them.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "protocol/limits.h"
#include "tests/flow/flow_letter.h"

#define COPY	  MACH_MSG_TYPE_COPY_SEND
#define MAKE_ONCE MACH_MSG_TYPE_MAKE_SEND_ONCE
#define RECEIVE	  MACH_MSG_TYPE_MOVE_RECEIVE

#define PHYSICAL MACH_MSG_PHYSICAL_COPY
#define VIRTUAL	 MACH_MSG_VIRTUAL_COPY

#define MIB   1048576u
#define SMALL ((size_t)MACHD_MEMORY_INLINE_MAX) /* the largest that goes in a frame */

/* --- many descriptors --- */

/* Sizes of all ranges, none twice in a row. */
static size_t size_of(unsigned i)
{
	static const size_t sizes[] = {10, 0, 5000, SMALL, SMALL + 1, 40000, 1, 100000};

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
	uint8_t *memory = letter_pages(SMALL / vm_page_size);
	mach_port_t *names = calloc(NAMES, sizeof *names);
	mach_msg_ool_ports_descriptor_t ports;
	struct flow_letter letter;

	CHECK(names != NULL);
	for (unsigned i = 0; i < NAMES; i++)
		names[i] = i % 2 ? MACH_PORT_DEAD : MACH_PORT_NULL;
	letter_fill(memory, SMALL, 4);
	letter_start(&letter, port);
	for (unsigned i = 0; i < PIECES; i++)
		letter_add_memory(&letter, memory, SMALL, false, VIRTUAL);
	letter_add_ports(&letter, names, NAMES, COPY, false);
	letter_add_memory(&letter, memory, SMALL, false, VIRTUAL);
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
		letter_expect_memory(&came, SMALL, 4);
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
	static const size_t sizes[] = {0, 500, SMALL, 300000};
	const size_t head = sizeof(mach_msg_base_t) + sizeof(mach_msg_ool_descriptor_t) +
			    sizeof(mach_msg_port_descriptor_t);
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
		came = letter_receive_memory(port);
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
		CHECK_EQ(small.msgh_size,
			 sizeof letter.base + 2 * sizeof(mach_msg_ool_descriptor_t));
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
	CHECK_OK(letter_send_memory(port, memory, 120000, true, VIRTUAL));
	CHECK_CODE(mach_msg(&small, MACH_RCV_MSG | MACH_RCV_LARGE, 0, sizeof small, port, 0,
			    MACH_PORT_NULL),
		   MACH_RCV_TOO_LARGE);
	came = letter_receive_memory(port);
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
		CHECK_OK(letter_send_memory(answers, in, in_size, true, VIRTUAL));
		letter_fill(out, out_size, 1);
		letter_start(&letter, port);
		letter_add_memory(&letter, out, out_size, i & 4, VIRTUAL);
		CHECK_OK(mach_msg_overwrite(&letter.header, MACH_SEND_MSG | MACH_RCV_MSG,
					    letter.header.msgh_size, sizeof letter, answers, 0,
					    MACH_PORT_NULL, i & 8 ? &other.header : NULL, 0));
		CHECK(letter_mapped(out) == !(i & 4));
		came = letter_memory(i & 8 ? &other : &letter, 0);
		letter_expect_memory(&came, in_size, 2);
		came = letter_receive_memory(port);
		letter_expect_memory(&came, out_size, 1);
	}
}
END_TEST

/* The receiver's buffer is too small, but the memory was sent. */
START_TEST(what_was_sent_is_gone_whatever_is_received)
{
	static const struct {
		unsigned answers; /* that wait at the port received from */
		bool there;	  /* is it? */
		mach_msg_size_t size;
		mach_msg_option_t large;
		mach_msg_return_t code;
	} rows[] = {
		{1, true, 24, 0, MACH_RCV_TOO_LARGE},
		{1, true, 8, 0, MACH_RCV_INVALID_DATA},
		{1, true, 0, 0, MACH_RCV_INVALID_DATA},
		{1, true, 24, MACH_RCV_LARGE, MACH_RCV_TOO_LARGE},
		{1, true, 8, MACH_RCV_LARGE, MACH_RCV_TOO_LARGE},
		{0, true, 2048, 0, MACH_RCV_TIMED_OUT},
		{0, false, 2048, 0, MACH_RCV_INVALID_NAME},
	};
	mach_port_t port = flow_port(), answers = flow_port();

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		uint8_t *memory = letter_pages(1);
		mach_msg_option_t option = MACH_SEND_MSG | MACH_RCV_MSG | MACH_RCV_TIMEOUT;
		struct flow_letter letter;

		flow_fill(answers, rows[i].answers);
		letter_start(&letter, port);
		letter_add_memory(&letter, memory, 100, true, VIRTUAL);
		CHECK_CODE(mach_msg(&letter.header, option | rows[i].large, letter.header.msgh_size,
				    rows[i].size, rows[i].there ? answers : MACH_PORT_NULL, 0,
				    MACH_PORT_NULL),
			   rows[i].code);
		CHECK(!letter_mapped(memory));
		letter_receive_memory(port);
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
	unsigned fds = 0, mappings = 0, daemon_fds = 0; /* after the first round */

	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < 2000; i++) {
			struct flow_letter letter;

			letter_start(&letter, i % 8 == 7 ? flow_missing_name() : port);
			letter_add_memory(&letter, memory, i % 2 ? 60000 : 100, false, VIRTUAL);
			letter_add_memory(&letter, i % 8 == 5 ? NULL : memory, 40000, false,
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
	Suite *suite = suite_create("memory_more");
	TCase *tcase = flow_case(suite, "memory_more");

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
