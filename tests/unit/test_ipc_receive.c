/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Receiving: from which names, what a trailer holds, messages that are too large for the buffer or
 * for the name table, and how a wait ends [6, 9].
 */
#include <string.h>

#include "tests/lab/lab_expect.h"

#define NS_PER_MS 1000000u

struct world {
	struct lab *lab;
	struct lab_thread *a, *b;
	mach_port_name_t port, dest; /* of a; b's send right to it */
};

static struct world begin(void)
{
	struct world world = {.lab = lab_start(NULL)};

	world.a = lab_task(world.lab, 1000)->thread;
	world.b = lab_task(world.lab, 1000)->thread;
	world.port = lab_new_port(world.a);
	world.dest = lab_pass(world.a, world.port, MAKE_SEND, world.b);
	return world;
}

START_TEST(only_receive_rights_and_sets_can_be_received_from)
{
	struct world world = begin();
	mach_port_name_t missing = lab_new_port(world.a), names[6];
	struct lab_buffer message;

	lab_ok(lab_destroy(world.a, missing));
	names[0] = MACH_PORT_NULL;
	names[1] = MACH_PORT_DEAD;
	names[2] = missing;
	names[3] = world.a->task->host; /* a send right */
	names[4] = lab_new_once(world.a, world.port);
	names[5] = lab_new_dead_name(world.a);
	for (unsigned i = 0; i < 6; i++) {
		lab_is(MACH_RCV_INVALID_NAME, lab_receive_now(world.a, names[i], &message));
		lab_is(MACH_RCV_INVALID_NAME,
		       lab_receive(world.a, names[i], &message, 0, 0)); /* no waiting either */
	}
	lab_silent(world.a, world.port);
	lab_silent(world.a, lab_new_set(world.a));
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_bad_name_to_receive_from_does_not_undo_the_send)
{
	struct world world = begin();
	struct lab_buffer message = lab_to(world.dest, 4);
	struct lab_msg msg = {.option = MACH_SEND_MSG | MACH_RCV_MSG,
			      .send = &message,
			      .send_size = 24,
			      .receive_size = sizeof message};

	lab_is(MACH_RCV_INVALID_NAME, lab_msg(world.b, &msg));
	lab_message(world.a, world.port, 4);
	lab_stop(world.lab);
}
END_TEST

/* --- trailers --- */

static const uint32_t trailer_sizes[16] = {8,  12, 20, 52, 60, 68, 68, 68,
					   68, 68, 68, 68, 68, 68, 68, 68};

START_TEST(each_trailer_format_has_its_size_and_content)
{
	struct world world = begin();
	uint32_t size = trailer_sizes[_i];
	struct lab_buffer message;
	mach_msg_max_trailer_t trailer,
		wanted = {
			.msgh_trailer_size = size,
			.msgh_seqno = 7,
			.msgh_sender = {{1000, 1001}},
			.msgh_audit = {{1000, 1000, 1001, 1000, 1001, 0, 0, 0}},
			.msgh_context = 0x1122334455667788,
		};

	wanted.msgh_audit.val[5] = (uint32_t)world.b->pid;
	wanted.msgh_audit.val[7] = (uint32_t)world.b->channel;
	lab_ok(lab_set_seqno(world.a, world.port, 7));
	lab_fill(world.b, world.dest, 1, 3);
	lab_ok(lab_set_context(world.a, world.port, wanted.msgh_context));
	memset(&message, 0xee, sizeof message);
	lab_ok(lab_receive(world.a, world.port, &message, (uint32_t)MACH_RCV_TRAILER_ELEMENTS(_i),
			   0));
	ck_assert_uint_eq(message.header.msgh_size, 24);
	trailer = lab_trailer(&message);
	ck_assert_mem_eq(&trailer, &wanted, size);
	for (unsigned i = 24 + size; i < 24 + size + 16; i++)
		ck_assert_uint_eq(message.bytes[i], 0xee);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_message_carries_its_senders_tokens_even_when_the_sender_is_gone)
{
	struct world world = begin();
	uint32_t pid = (uint32_t)world.b->pid;
	struct lab_buffer message;

	lab_fill(world.b, world.dest, 1, 3);
	lab_kill(world.b->task);
	message = lab_message(world.a, world.port, 3);
	ck_assert_uint_eq(lab_trailer(&message).msgh_audit.val[5], pid);
	ck_assert_uint_eq(lab_trailer(&message).msgh_sender.val[0], 1000);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_reply_right_of_a_dead_task_arrives_dead)
{
	struct world world = begin();
	struct lab_buffer message;

	lab_compose(&message, world.dest, COPY_SEND, lab_new_port(world.b), MAKE_ONCE, 3);
	lab_ok(lab_send_now(world.b, &message));
	lab_kill(world.b->task);
	message = lab_message(world.a, world.port, 3);
	ck_assert_uint_eq(message.header.msgh_remote_port, MACH_PORT_DEAD);
	ck_assert_uint_eq(MACH_MSGH_BITS_REMOTE(message.header.msgh_bits), MOVE_ONCE);
	lab_stop(world.lab);
}
END_TEST

/* --- too large --- */

/* A message of 100 bytes with a reply right and a body right. */
static void send_large(struct world *world, mach_port_name_t reply, mach_port_name_t body)
{
	uint8_t bytes[60] = {1, 2, 3};
	struct lab_buffer message;

	lab_compose(&message, world->dest, COPY_SEND, reply, MAKE_ONCE, 44);
	lab_add_port(&message, body, MAKE_ONCE);
	lab_add_bytes(&message, bytes, sizeof bytes);
	ck_assert_uint_eq(message.header.msgh_size, 100);
	lab_ok(lab_send_now(world->b, &message));
}

static mach_msg_return_t receive_small(struct lab_thread *thread, mach_port_name_t name,
				       struct lab_buffer *buffer, uint32_t size, uint32_t option)
{
	struct lab_msg msg = {.option = MACH_RCV_MSG | MACH_RCV_TIMEOUT | option,
			      .receive = buffer,
			      .receive_size = size,
			      .receive_name = name};

	memset(buffer, 0xee, sizeof *buffer);
	return lab_msg(thread, &msg);
}

START_TEST(a_large_message_stays_queued_if_the_receiver_wants_that)
{
	struct world world = begin();
	mach_port_name_t reply = lab_new_port(world.b);
	struct lab_buffer message;

	send_large(&world, reply, reply);
	for (uint32_t size = 0; size < 100 + 68; size++) {
		lab_is(MACH_RCV_TOO_LARGE,
		       receive_small(world.a, world.port, &message, size,
				     MACH_RCV_LARGE |
					     MACH_RCV_TRAILER_ELEMENTS(MACH_RCV_TRAILER_AV)));
		if (size >= 8)
			ck_assert_uint_eq(message.header.msgh_size, 100);
		else
			ck_assert_uint_eq(message.header.msgh_size, 0xeeeeeeee);
		ck_assert_uint_eq(message.header.msgh_bits, 0xeeeeeeee);
		ck_assert_uint_eq(message.header.msgh_local_port, 0xeeeeeeee);
	}
	ck_assert_uint_eq(lab_status(world.a, world.port).mps_seqno, 0);
	lab_ok(receive_small(world.a, world.port, &message, 108, MACH_RCV_LARGE));
	ck_assert_int_eq(message.header.msgh_id, 44);
	lab_silent(world.b, reply);
	lab_stop(world.lab);
}
END_TEST

START_TEST(with_identity_the_name_of_the_port_is_told)
{
	struct world world = begin();
	mach_port_name_t reply = lab_new_port(world.b), set = lab_new_set(world.a);
	struct lab_buffer message;

	lab_ok(lab_insert_member(world.a, world.port, set));
	send_large(&world, reply, reply);
	lab_is(MACH_RCV_TOO_LARGE,
	       receive_small(world.a, set, &message, 40, MACH_RCV_LARGE | MACH_RCV_LARGE_IDENTITY));
	ck_assert_uint_eq(message.header.msgh_size, 100);
	ck_assert_uint_eq(message.header.msgh_local_port, world.port);
	lab_is(MACH_RCV_TOO_LARGE,
	       receive_small(world.a, set, &message, 15, MACH_RCV_LARGE | MACH_RCV_LARGE_IDENTITY));
	ck_assert_uint_eq(message.header.msgh_local_port, 0xeeeeeeee);
	lab_message(world.a, world.port, 44);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_large_message_is_else_destroyed_and_its_header_told)
{
	struct world world = begin();
	mach_port_name_t reply = lab_new_port(world.b), body = lab_new_port(world.b);
	struct lab_buffer message;
	mach_msg_max_trailer_t trailer;

	lab_ok(lab_set_seqno(world.a, world.port, 5));
	send_large(&world, reply, body);
	lab_is(MACH_RCV_TOO_LARGE,
	       receive_small(world.a, world.port, &message, 100,
			     MACH_RCV_TRAILER_ELEMENTS(MACH_RCV_TRAILER_AUDIT)));
	ck_assert_uint_eq(message.header.msgh_size, 24);
	ck_assert_uint_eq(message.header.msgh_bits,
			  MACH_MSGH_BITS(MOVE_ONCE, MOVE_SEND) | MACH_MSGH_BITS_COMPLEX);
	ck_assert_uint_eq(message.header.msgh_remote_port, MACH_PORT_NULL);
	ck_assert_uint_eq(message.header.msgh_local_port, world.port);
	ck_assert_int_eq(message.header.msgh_id, 44);
	trailer = lab_trailer(&message);
	ck_assert_uint_eq(trailer.msgh_trailer_size, 52);
	ck_assert_uint_eq(trailer.msgh_seqno, 5);
	ck_assert_uint_eq(trailer.msgh_sender.val[1], 1);
	ck_assert_uint_eq(trailer.msgh_audit.val[5], 0);
	lab_notice(world.b, reply, MACH_NOTIFY_SEND_ONCE);
	lab_notice(world.b, body, MACH_NOTIFY_SEND_ONCE);
	ck_assert_uint_eq(lab_srights(world.a, world.port), 1);
	lab_fill(world.b, world.dest, 1, 45);
	message = lab_message(world.a, world.port, 45);
	ck_assert_uint_eq(lab_trailer(&message).msgh_seqno, 6);
	lab_stop(world.lab);
}
END_TEST

START_TEST(what_is_told_of_a_destroyed_message_is_cut_at_the_buffers_end)
{
	for (uint32_t size = 0; size < 60; size += 4) {
		struct world world = begin();
		mach_port_name_t reply = lab_new_port(world.b);
		struct lab_buffer message;
		uint32_t written = size < 24 ? 0 : size < 44 ? size : 44;

		send_large(&world, reply, reply);
		lab_is(written ? MACH_RCV_TOO_LARGE : MACH_RCV_INVALID_DATA,
		       receive_small(world.a, world.port, &message, size,
				     MACH_RCV_TRAILER_ELEMENTS(MACH_RCV_TRAILER_SENDER)));
		if (written)
			ck_assert_uint_eq(message.header.msgh_size, 24);
		for (uint32_t i = written; i < 60; i++)
			ck_assert_uint_eq(message.bytes[i], 0xee);
		lab_notice(world.b, reply, MACH_NOTIFY_SEND_ONCE);
		lab_silent(world.a, world.port);
		lab_stop(world.lab);
	}
}
END_TEST

START_TEST(a_destroyed_message_shows_a_reply_that_was_null_or_dead)
{
	static const mach_port_name_t replies[] = {MACH_PORT_NULL, MACH_PORT_DEAD};

	for (unsigned i = 0; i < 2; i++) {
		struct world world = begin();
		struct lab_buffer message;

		lab_compose(&message, world.dest, COPY_SEND, replies[i], COPY_SEND, 44);
		lab_ok(lab_send_now(world.b, &message));
		lab_is(MACH_RCV_TOO_LARGE, receive_small(world.a, world.port, &message, 24, 0));
		ck_assert_uint_eq(message.header.msgh_remote_port, replies[i]);
		lab_stop(world.lab);
	}
}
END_TEST

START_TEST(a_destroyed_message_releases_its_memfd)
{
	struct world world = begin();
	struct lab_buffer message = lab_to(world.dest, 44);
	struct lab_msg msg = {
		.option = MACH_SEND_MSG, .send = &message, .send_size = 200, .inline_size = 24};

	lab_ok(lab_msg(world.b, &msg));
	lab_is(MACH_RCV_TOO_LARGE, receive_small(world.a, world.port, &message, 207, 0));
	ck_assert_uint_eq(world.lab->fds[1], LAB_FD_RELEASED);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_body_in_a_memfd_arrives_with_its_place)
{
	struct world world = begin();
	struct lab_buffer message = lab_to(world.dest, 44);
	struct lab_msg msg = {
		.option = MACH_SEND_MSG, .send = &message, .send_size = 200, .inline_size = 48};

	lab_add_port(&message, world.dest, COPY_SEND);
	message.bytes[47] = 0x55;
	lab_ok(lab_msg(world.b, &msg));
	lab_ok(receive_small(world.a, world.port, &message, 208, 0));
	ck_assert_uint_eq(world.a->result.body_offset, 48);
	ck_assert_uint_eq(world.a->result.body_size, 152);
	ck_assert_uint_eq(message.header.msgh_size, 200);
	ck_assert_uint_eq(lab_port(&message, 0).name, world.port);
	ck_assert_uint_eq(message.bytes[47], 0x55);
	ck_assert_uint_eq(message.bytes[204], 8); /* the trailer's size, behind the body */
	lab_stop(world.lab);
}
END_TEST

START_TEST(of_two_that_wait_the_one_with_room_gets_the_message)
{
	struct world world = begin();
	struct lab_thread *second = lab_thread(world.a->task);
	mach_port_name_t reply = lab_new_port(world.b);
	struct lab_buffer small, big;
	struct lab_msg msg = {.option = MACH_RCV_MSG | MACH_RCV_LARGE,
			      .receive = &small,
			      .receive_size = 50,
			      .receive_name = world.port};

	lab_is(LAB_BLOCKED, lab_msg(world.a, &msg));
	lab_is(LAB_BLOCKED, lab_receive(second, world.port, &big, 0, 0));
	send_large(&world, reply, reply);
	lab_is(MACH_RCV_TOO_LARGE, lab_wait(world.a));
	ck_assert_uint_eq(small.header.msgh_size, 100);
	lab_ok(lab_wait(second));
	ck_assert_int_eq(big.header.msgh_id, 44);
	ck_assert_uint_eq(lab_status(world.a, world.port).mps_msgcount, 0);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_message_that_nobody_who_waits_can_take_is_queued)
{
	struct world world = begin();
	mach_port_name_t reply = lab_new_port(world.b);
	struct lab_buffer small;
	struct lab_msg msg = {.option = MACH_RCV_MSG | MACH_RCV_LARGE,
			      .receive = &small,
			      .receive_size = 50,
			      .receive_name = world.port};

	lab_is(LAB_BLOCKED, lab_msg(world.a, &msg));
	send_large(&world, reply, reply);
	lab_is(MACH_RCV_TOO_LARGE, lab_wait(world.a));
	ck_assert_uint_eq(lab_status(world.a, world.port).mps_msgcount, 1);
	lab_message(world.a, world.port, 44);
	lab_stop(world.lab);
}
END_TEST

/* --- no room for names --- */

static void fill_table(struct world *world, struct lab_thread *thread, unsigned leave)
{
	struct machd_limits limits;
	mach_port_name_t name, spare[4];

	machd_limits_init(&limits);
	limits.names_per_task = 64;
	lab_limits(world->lab, &limits);
	for (unsigned i = 0; i < leave; i++)
		spare[i] = lab_new_dead_name(thread);
	while (lab_allocate(thread, MACH_PORT_RIGHT_DEAD_NAME, &name) == KERN_SUCCESS)
		continue;
	for (unsigned i = 0; i < leave; i++)
		lab_ok(lab_deallocate(thread, spare[i]));
}

START_TEST(without_a_slot_for_the_reply_the_message_is_destroyed)
{
	struct world world = begin();
	mach_port_name_t reply = lab_new_port(world.b), body = lab_new_port(world.b);
	struct lab_buffer message;

	fill_table(&world, world.a, 0);
	send_large(&world, reply, body);
	lab_is(MACH_RCV_HEADER_ERROR | MACH_MSG_IPC_SPACE,
	       lab_receive_now(world.a, world.port, &message));
	ck_assert_uint_eq(message.header.msgh_size, 24);
	ck_assert_uint_eq(message.header.msgh_remote_port, MACH_PORT_NULL);
	ck_assert_uint_eq(message.header.msgh_local_port, world.port);
	ck_assert_int_eq(message.header.msgh_id, 44);
	ck_assert_uint_eq(lab_trailer(&message).msgh_sender.val[1], 1);
	lab_notice(world.b, reply, MACH_NOTIFY_SEND_ONCE);
	lab_notice(world.b, body, MACH_NOTIFY_SEND_ONCE);
	lab_silent(world.a, world.port);
	lab_stop(world.lab);
}
END_TEST

START_TEST(without_slots_for_the_body_it_arrives_with_holes)
{
	struct world world = begin();
	mach_port_name_t known = lab_new_service(world.b), fresh = lab_new_port(world.b);
	mach_port_name_t mine = lab_pass(world.b, known, COPY_SEND, world.a);
	struct lab_buffer message = lab_to(world.dest, 44);

	fill_table(&world, world.a, 1);
	lab_add_port(&message, MACH_PORT_DEAD, COPY_SEND);
	lab_add_port(&message, fresh, MAKE_ONCE); /* takes the free slot */
	lab_add_port(&message, known, COPY_SEND); /* would need none, but must hold one */
	lab_add_port(&message, fresh, MAKE_ONCE);
	lab_add_port(&message, MACH_PORT_NULL, COPY_SEND); /* needs none, and hides nothing */
	lab_ok(lab_send_now(world.b, &message));
	lab_is(MACH_RCV_BODY_ERROR | MACH_MSG_IPC_SPACE,
	       lab_receive_now(world.a, world.port, &message));
	ck_assert_uint_eq(message.header.msgh_size, 28 + 5 * 12);
	ck_assert_uint_eq(lab_port(&message, 0).name, MACH_PORT_DEAD);
	lab_name_is(world.a, lab_port(&message, 1).name, SEND_ONCE, 1);
	ck_assert_uint_eq(lab_port(&message, 2).name, MACH_PORT_NULL);
	ck_assert_uint_eq(lab_port(&message, 2).disposition, MOVE_SEND);
	ck_assert_uint_eq(lab_port(&message, 3).name, MACH_PORT_NULL);
	lab_name_is(world.a, mine, SEND, 1);
	ck_assert_uint_eq(lab_srights(world.b, known), 2);
	lab_notice(world.b, fresh, MACH_NOTIFY_SEND_ONCE);
	lab_silent(world.b, fresh);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_reply_without_a_right_needs_no_slot)
{
	struct world world = begin();
	struct lab_buffer message;

	fill_table(&world, world.a, 0);
	lab_compose(&message, world.dest, COPY_SEND, MACH_PORT_DEAD, COPY_SEND, 3);
	lab_ok(lab_send_now(world.b, &message));
	message = lab_message(world.a, world.port, 3);
	ck_assert_uint_eq(message.header.msgh_remote_port, MACH_PORT_DEAD);
	lab_fill(world.b, world.dest, 1, 4);
	lab_message(world.a, world.port, 4);
	lab_stop(world.lab);
}
END_TEST

/* --- waiting --- */

START_TEST(a_receive_waits_as_long_as_it_was_told)
{
	struct world world = begin();
	struct lab_buffer message;
	uint64_t start = world.lab->now;

	lab_is(LAB_BLOCKED, lab_receive(world.a, world.port, &message, MACH_RCV_TIMEOUT, 70));
	ck_assert_uint_eq(world.a->deadline, start + 70ull * NS_PER_MS);
	lab_advance(world.lab, 69);
	lab_is(LAB_BLOCKED, lab_wait(world.a));
	lab_advance(world.lab, 1);
	lab_is(MACH_RCV_TIMED_OUT, lab_wait(world.a));
	lab_is(LAB_BLOCKED,
	       lab_receive(world.a, world.port, &message, MACH_RCV_TIMEOUT, UINT32_MAX));
	ck_assert_uint_eq(world.a->deadline, world.lab->now + (uint64_t)UINT32_MAX * NS_PER_MS);
	lab_fill(world.b, world.dest, 1, 3);
	lab_ok(lab_wait(world.a));
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_cancelled_receive_is_interrupted_unless_the_message_was_first)
{
	struct world world = begin();
	struct lab_buffer message;

	lab_is(LAB_BLOCKED, lab_receive(world.a, world.port, &message, MACH_RCV_TIMEOUT, 70));
	ck_assert(lab_cancel(world.a));
	lab_is(MACH_RCV_INTERRUPTED, lab_wait(world.a));
	lab_is(LAB_BLOCKED, lab_receive(world.a, world.port, &message, 0, 0));
	lab_fill(world.b, world.dest, 1, 3);
	ck_assert(lab_cancel(world.a));
	lab_ok(lab_wait(world.a));
	ck_assert_int_eq(message.header.msgh_id, 3);
	lab_stop(world.lab);
}
END_TEST

START_TEST(those_who_wait_are_served_in_their_order)
{
	struct world world = begin();
	struct lab_thread *second = lab_thread(world.a->task);
	struct lab_buffer one, two;

	lab_is(LAB_BLOCKED, lab_receive(second, world.port, &two, 0, 0));
	lab_is(LAB_BLOCKED, lab_receive(world.a, world.port, &one, 0, 0));
	lab_fill(world.b, world.dest, 2, 3);
	lab_ok(lab_wait(world.a));
	lab_ok(lab_wait(second));
	ck_assert_int_eq(two.header.msgh_id, 3);
	ck_assert_int_eq(one.header.msgh_id, 4);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_wait_ends_when_the_right_goes_away)
{
	struct world world = begin();
	struct lab_thread *second = lab_thread(world.a->task);
	struct lab_buffer message;

	lab_is(LAB_BLOCKED, lab_receive(world.a, world.port, &message, 0, 0));
	ck_assert_uint_ne(lab_pass(second, world.port, MOVE_RECEIVE, world.b), 0);
	lab_is(MACH_RCV_PORT_CHANGED, lab_wait(world.a));
	world.port = lab_new_port(world.a);
	lab_is(LAB_BLOCKED, lab_receive(world.a, world.port, &message, MACH_RCV_TIMEOUT, 9));
	lab_ok(lab_destroy(second, world.port));
	lab_is(MACH_RCV_PORT_CHANGED, lab_wait(world.a));
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_receiver_that_disconnects_while_it_waits_gets_nothing)
{
	struct world world = begin();
	struct lab_thread *second = lab_thread(world.a->task);
	struct lab_buffer message;

	lab_is(LAB_BLOCKED, lab_receive(second, world.port, &message, 0, 0));
	lab_close(second);
	lab_fill(world.b, world.dest, 1, 3);
	lab_message(world.a, world.port, 3);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_task_sends_to_itself_and_receives_in_one_call)
{
	struct world world = begin();
	mach_port_name_t port = lab_new_service(world.a);
	struct lab_buffer message;
	struct lab_msg msg = {.option = MACH_SEND_MSG | MACH_RCV_MSG,
			      .send = &message,
			      .send_size = 24,
			      .receive_name = port,
			      .receive_size = sizeof message};

	lab_compose(&message, port, COPY_SEND, port, MAKE_ONCE, 21);
	lab_ok(lab_msg(world.a, &msg));
	ck_assert_int_eq(message.header.msgh_id, 21);
	lab_name_is(world.a, message.header.msgh_remote_port, SEND_ONCE, 1);
	lab_stop(world.lab);
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_test(tcase, only_receive_rights_and_sets_can_be_received_from);
	tcase_add_test(tcase, a_bad_name_to_receive_from_does_not_undo_the_send);
	tcase_add_loop_test(tcase, each_trailer_format_has_its_size_and_content, 0, 16);
	tcase_add_test(tcase, a_message_carries_its_senders_tokens_even_when_the_sender_is_gone);
	tcase_add_test(tcase, a_reply_right_of_a_dead_task_arrives_dead);
	tcase_add_test(tcase, a_large_message_stays_queued_if_the_receiver_wants_that);
	tcase_add_test(tcase, with_identity_the_name_of_the_port_is_told);
	tcase_add_test(tcase, a_large_message_is_else_destroyed_and_its_header_told);
	tcase_add_test(tcase, what_is_told_of_a_destroyed_message_is_cut_at_the_buffers_end);
	tcase_add_test(tcase, a_destroyed_message_shows_a_reply_that_was_null_or_dead);
	tcase_add_test(tcase, a_destroyed_message_releases_its_memfd);
	tcase_add_test(tcase, a_body_in_a_memfd_arrives_with_its_place);
	tcase_add_test(tcase, of_two_that_wait_the_one_with_room_gets_the_message);
	tcase_add_test(tcase, a_message_that_nobody_who_waits_can_take_is_queued);
	tcase_add_test(tcase, without_a_slot_for_the_reply_the_message_is_destroyed);
	tcase_add_test(tcase, without_slots_for_the_body_it_arrives_with_holes);
	tcase_add_test(tcase, a_reply_without_a_right_needs_no_slot);
	tcase_add_test(tcase, a_receive_waits_as_long_as_it_was_told);
	tcase_add_test(tcase, a_cancelled_receive_is_interrupted_unless_the_message_was_first);
	tcase_add_test(tcase, those_who_wait_are_served_in_their_order);
	tcase_add_test(tcase, a_wait_ends_when_the_right_goes_away);
	tcase_add_test(tcase, a_receiver_that_disconnects_while_it_waits_gets_nothing);
	tcase_add_test(tcase, a_task_sends_to_itself_and_receives_in_one_call);
}

int main(void)
{
	return lab_run("ipc_receive", add_tests);
}
