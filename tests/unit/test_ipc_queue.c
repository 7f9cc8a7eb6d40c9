/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Queues: limits, who is blocked and who goes on, whom a free slot belongs to, time-outs and
 * cancelling, sequence numbers [12].
 */
#include "tests/lab/lab_expect.h"

enum { SENDERS = 4 };

struct world {
	struct lab *lab;
	struct lab_thread *owner, *sender[SENDERS]; /* threads of two tasks */
	mach_port_name_t port, dest;		    /* the owner's and the senders' name for it */
	struct lab_buffer message[SENDERS];
};

static struct world begin(void)
{
	struct world world = {.lab = lab_start(NULL)};

	world.owner = lab_task(world.lab, 1000)->thread;
	world.sender[0] = lab_task(world.lab, 1000)->thread;
	for (unsigned i = 1; i < SENDERS; i++)
		world.sender[i] = lab_thread(world.sender[0]->task);
	world.port = lab_new_port(world.owner);
	world.dest = lab_pass(world.owner, world.port, MAKE_SEND, world.sender[0]);
	return world;
}

static struct world begin_full(void)
{
	struct world world = begin();

	lab_fill(world.sender[0], world.dest, MACH_PORT_QLIMIT_DEFAULT, 0);
	return world;
}

/* Thread number `i` sends message number `i` of its own and waits. */
static void block(struct world *world, unsigned i)
{
	world->message[i] = lab_to(world->dest, 100 + (int32_t)i);
	lab_is(LAB_BLOCKED, lab_send(world->sender[i], &world->message[i], 0, 0));
}

static unsigned still_blocked(struct world *world, unsigned from, unsigned to)
{
	unsigned blocked = 0;

	for (unsigned i = from; i < to; i++)
		blocked += !world->sender[i]->answered;
	return blocked;
}

static uint32_t waiting(struct world *world)
{
	return lab_status(world->owner, world->port).mps_msgcount;
}

START_TEST(a_fresh_port_takes_five_messages)
{
	struct world world = begin_full();
	struct lab_buffer message = lab_to(world.dest, 5);

	ck_assert_uint_eq(lab_status(world.owner, world.port).mps_qlimit, 5);
	ck_assert_uint_eq(waiting(&world), 5);
	lab_is(MACH_SEND_TIMED_OUT, lab_send_now(world.sender[0], &message));
	for (int32_t id = 0; id < 5; id++)
		lab_message(world.owner, world.port, id);
	lab_silent(world.owner, world.port);
	lab_stop(world.lab);
}
END_TEST

START_TEST(send_once_rights_and_notifications_pass_the_limit)
{
	struct world world = begin_full();

	for (int i = 0; i < 3; i++) {
		mach_port_name_t once =
			lab_pass(world.owner, world.port, MAKE_ONCE, world.sender[0]);
		struct lab_buffer message;

		lab_compose(&message, once, MOVE_ONCE, NOBODY, 0, 50 + i);
		lab_ok(lab_send_now(world.sender[0], &message));
		once = lab_pass(world.owner, world.port, MAKE_ONCE, world.sender[0]);
		lab_ok(lab_deallocate(world.sender[0], once));
	}
	ck_assert_uint_eq(waiting(&world), 11);
	lab_stop(world.lab);
}
END_TEST

START_TEST(with_limit_zero_every_send_blocks_even_if_somebody_waits)
{
	struct world world = begin();
	struct lab_buffer message = lab_to(world.dest, 5), received;

	lab_set_qlimit(world.owner, world.port, 0);
	lab_is(LAB_BLOCKED, lab_receive(world.owner, world.port, &received, 0, 0));
	lab_is(MACH_SEND_TIMED_OUT, lab_send_now(world.sender[0], &message));
	ck_assert(!world.owner->answered);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_message_for_somebody_who_waits_is_not_counted)
{
	struct world world = begin_full();
	struct lab_buffer message = lab_to(world.dest, 77), received;

	for (int32_t id = 0; id < 5; id++)
		lab_message(world.owner, world.port, id);
	lab_is(LAB_BLOCKED, lab_receive(world.owner, world.port, &received, 0, 0));
	lab_ok(lab_send_now(world.sender[0], &message));
	lab_ok(lab_wait(world.owner));
	ck_assert_int_eq(received.header.msgh_id, 77);
	ck_assert_uint_eq(waiting(&world), 0);
	lab_stop(world.lab);
}
END_TEST

START_TEST(blocked_senders_go_on_first_in_first_out)
{
	struct world world = begin_full();

	for (unsigned i = 0; i < SENDERS; i++)
		block(&world, i);
	for (unsigned i = 0; i < SENDERS; i++) {
		lab_message(world.owner, world.port, (int32_t)i);
		lab_ok(lab_wait(world.sender[i]));
		ck_assert_uint_eq(still_blocked(&world, i + 1, SENDERS), SENDERS - 1 - i);
		ck_assert_uint_eq(waiting(&world), 5);
	}
	lab_message(world.owner, world.port, 4);
	for (int32_t i = 0; i < SENDERS; i++)
		lab_message(world.owner, world.port, 100 + i);
	lab_silent(world.owner, world.port);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_free_slot_belongs_to_who_waited_for_it)
{
	struct world world = begin_full();
	struct lab_buffer late = lab_to(world.dest, 9);

	block(&world, 0);
	lab_message(world.owner, world.port, 0);
	lab_is(MACH_SEND_TIMED_OUT, lab_send_now(world.sender[1], &late));
	lab_ok(lab_wait(world.sender[0]));
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_higher_limit_lets_as_many_go_on)
{
	struct world world = begin_full();

	for (unsigned i = 0; i < 3; i++)
		block(&world, i);
	lab_set_qlimit(world.owner, world.port, 7);
	lab_ok(lab_wait(world.sender[0]));
	lab_ok(lab_wait(world.sender[1]));
	lab_is(LAB_BLOCKED, lab_wait(world.sender[2]));
	ck_assert_uint_eq(waiting(&world), 7);
	lab_set_qlimit(world.owner, world.port, 9);
	lab_ok(lab_wait(world.sender[2]));
	ck_assert_uint_eq(waiting(&world), 8);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_lower_limit_drops_nothing_and_blocks_longer)
{
	struct world world = begin_full();

	lab_set_qlimit(world.owner, world.port, 2);
	ck_assert_uint_eq(waiting(&world), 5);
	block(&world, 0);
	for (int32_t id = 0; id < 3; id++) {
		lab_message(world.owner, world.port, id);
		lab_is(LAB_BLOCKED, lab_wait(world.sender[0]));
	}
	lab_message(world.owner, world.port, 3);
	lab_ok(lab_wait(world.sender[0]));
	lab_message(world.owner, world.port, 4);
	lab_message(world.owner, world.port, 100);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_blocked_send_times_out_and_comes_back)
{
	struct world world = begin_full();
	struct lab_buffer message = lab_to(world.dest, 9);

	lab_is(LAB_BLOCKED, lab_send(world.sender[0], &message, MACH_SEND_TIMEOUT, 50));
	lab_advance(world.lab, 49);
	lab_is(LAB_BLOCKED, lab_wait(world.sender[0]));
	lab_advance(world.lab, 1);
	lab_is(MACH_SEND_TIMED_OUT, lab_wait(world.sender[0]));
	ck_assert_uint_eq(message.header.msgh_bits, MACH_MSGH_BITS(MOVE_SEND, 0));
	lab_name_is(world.sender[0], world.dest, SEND, 2);
	ck_assert_uint_eq(waiting(&world), 5);
	lab_message(world.owner, world.port, 0);
	ck_assert_uint_eq(waiting(&world), 4);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_send_that_goes_on_in_time_does_not_time_out)
{
	struct world world = begin_full();
	struct lab_buffer message = lab_to(world.dest, 9);

	lab_is(LAB_BLOCKED, lab_send(world.sender[0], &message, MACH_SEND_TIMEOUT, 50));
	lab_message(world.owner, world.port, 0);
	ck_assert_uint_eq(world.sender[0]->deadline, 0);
	lab_advance(world.lab, 100);
	lab_ok(lab_wait(world.sender[0]));
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_timed_out_sender_makes_way_for_the_next)
{
	struct world world = begin_full();
	struct lab_buffer message = lab_to(world.dest, 9);

	lab_is(LAB_BLOCKED, lab_send(world.sender[0], &message, MACH_SEND_TIMEOUT, 50));
	block(&world, 1);
	lab_advance(world.lab, 50);
	lab_is(MACH_SEND_TIMED_OUT, lab_wait(world.sender[0]));
	lab_message(world.owner, world.port, 0);
	lab_ok(lab_wait(world.sender[1]));
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_cancelled_send_comes_back_interrupted)
{
	struct world world = begin_full();

	block(&world, 0);
	ck_assert(lab_cancel(world.sender[0]));
	lab_is(MACH_SEND_INTERRUPTED, lab_wait(world.sender[0]));
	lab_name_is(world.sender[0], world.dest, SEND, 2);
	lab_ok(lab_destroy(world.owner, world.port));
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_cancel_that_comes_too_late_changes_nothing)
{
	struct world world = begin_full();

	block(&world, 0);
	lab_message(world.owner, world.port, 0);
	ck_assert(lab_cancel(world.sender[0]));
	lab_ok(lab_wait(world.sender[0]));
	ck_assert(lab_cancel(world.sender[0]));
	lab_name_is(world.sender[0], world.dest, SEND, 1);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_blocked_send_to_a_port_that_dies_has_succeeded)
{
	struct world world = begin_full();
	mach_port_name_t reply = lab_new_port(world.sender[0]);
	struct lab_buffer message;

	lab_compose(&message, world.dest, COPY_SEND, reply, MAKE_ONCE, 9);
	lab_is(LAB_BLOCKED, lab_send(world.sender[0], &message, 0, 0));
	block(&world, 1);
	lab_ok(lab_destroy(world.owner, world.port));
	lab_ok(lab_wait(world.sender[0]));
	lab_ok(lab_wait(world.sender[1]));
	lab_notice(world.sender[0], reply, MACH_NOTIFY_SEND_ONCE);
	lab_name_is(world.sender[0], world.dest, DEAD_NAME, 1);
	lab_stop(world.lab);
}
END_TEST

/* The same when the port goes with its whole task. */
START_TEST(a_blocked_send_to_a_task_that_is_killed_has_succeeded)
{
	struct world world = begin_full();

	block(&world, 0);
	lab_kill(world.owner->task);
	lab_ok(lab_wait(world.sender[0]));
	lab_name_is(world.sender[0], world.dest, DEAD_NAME, 1);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_moved_receive_right_keeps_queue_limit_and_blocked_senders)
{
	struct world world = begin();
	struct lab_thread *heir = lab_task(world.lab, 1000)->thread;
	mach_port_name_t name;

	lab_set_qlimit(world.owner, world.port, 3);
	lab_fill(world.sender[0], world.dest, 3, 0);
	block(&world, 0);
	name = lab_pass(world.owner, world.port, MOVE_RECEIVE, heir);
	lab_is(LAB_BLOCKED, lab_wait(world.sender[0]));
	ck_assert_uint_eq(lab_status(heir, name).mps_qlimit, 3);
	ck_assert_uint_eq(lab_status(heir, name).mps_msgcount, 3);
	for (int32_t id = 0; id < 3; id++)
		lab_message(heir, name, id);
	lab_ok(lab_wait(world.sender[0]));
	lab_message(heir, name, 100);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_port_in_transit_still_takes_messages)
{
	struct world world = begin();
	struct lab_thread *heir = lab_task(world.lab, 1000)->thread;
	mach_port_name_t door = lab_new_port(heir);
	struct lab_buffer message = lab_to(lab_pass(heir, door, MAKE_SEND, world.owner), 1);

	lab_add_port(&message, world.port, MOVE_RECEIVE);
	lab_ok(lab_send_now(world.owner, &message));
	lab_fill(world.sender[0], world.dest, 5, 0);
	block(&world, 1);
	message = lab_message(heir, door, 1);
	for (int32_t id = 0; id < 5; id++)
		lab_message(heir, lab_port(&message, 0).name, id);
	lab_ok(lab_wait(world.sender[1]));
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_sender_that_disconnects_while_blocked_leaves_no_message)
{
	struct world world = begin_full();
	mach_port_name_t once = lab_new_once(world.sender[0], lab_new_port(world.sender[0]));
	struct lab_buffer message;

	lab_compose(&message, world.dest, COPY_SEND, once, MOVE_ONCE, 9);
	lab_is(LAB_BLOCKED, lab_send(world.sender[1], &message, 0, 0));
	lab_name_is(world.sender[0], once, NO_NAME, 0);
	lab_close(world.sender[1]);
	lab_name_is(world.sender[0], world.dest, SEND, 2);
	ck_assert_uint_eq(waiting(&world), 5);
	for (int32_t id = 0; id < 5; id++)
		lab_message(world.owner, world.port, id);
	lab_silent(world.owner, world.port);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_blocked_task_that_is_killed_gives_its_rights_back)
{
	struct world world = begin_full();
	mach_port_name_t reply = lab_new_port(world.owner);
	mach_port_name_t theirs = lab_pass(world.owner, reply, MAKE_ONCE, world.sender[0]);
	struct lab_buffer message;

	lab_compose(&message, world.dest, COPY_SEND, theirs, MOVE_ONCE, 9);
	lab_is(LAB_BLOCKED, lab_send(world.sender[1], &message, 0, 0));
	lab_kill(world.sender[0]->task);
	lab_notice(world.owner, reply, MACH_NOTIFY_SEND_ONCE);
	ck_assert_uint_eq(waiting(&world), 5);
	lab_stop(world.lab);
}
END_TEST

START_TEST(send_and_receive_in_one_call_may_block_twice)
{
	struct world world = begin_full();
	mach_port_name_t reply = lab_new_port(world.sender[0]);
	struct lab_buffer message;
	struct lab_msg msg = {.option = MACH_SEND_MSG | MACH_RCV_MSG | MACH_SEND_TIMEOUT |
					MACH_RCV_TIMEOUT,
			      .send = &message,
			      .send_size = 24,
			      .receive_name = reply,
			      .receive_size = sizeof message,
			      .timeout = 50};

	lab_compose(&message, world.dest, COPY_SEND, reply, MAKE_ONCE, 9);
	lab_is(LAB_BLOCKED, lab_msg(world.sender[0], &msg));
	lab_advance(world.lab, 40);
	lab_message(world.owner, world.port, 0);
	lab_is(LAB_BLOCKED, lab_wait(world.sender[0]));
	lab_advance(world.lab, 40); /* each half has the whole time */
	lab_is(LAB_BLOCKED, lab_wait(world.sender[0]));
	lab_advance(world.lab, 10);
	lab_is(MACH_RCV_TIMED_OUT, lab_wait(world.sender[0]));
	lab_stop(world.lab);
}
END_TEST

/* The time is one, the options are two [7]. */
START_TEST(a_half_without_the_option_waits_as_long_as_it_takes)
{
	struct world world = begin_full();
	mach_port_name_t reply = lab_new_port(world.sender[0]);
	struct lab_buffer message;
	struct lab_msg msg = {.option = MACH_SEND_MSG | MACH_RCV_MSG | MACH_RCV_TIMEOUT,
			      .send = &message,
			      .send_size = 24,
			      .receive_name = reply,
			      .receive_size = sizeof message};

	lab_compose(&message, world.dest, COPY_SEND, NOBODY, 0, 9);
	lab_is(LAB_BLOCKED, lab_msg(world.sender[0], &msg));
	lab_advance(world.lab, 1000);
	lab_is(LAB_BLOCKED, lab_wait(world.sender[0]));
	lab_message(world.owner, world.port, 0);
	lab_is(MACH_RCV_TIMED_OUT, lab_wait(world.sender[0]));
	msg.option = MACH_SEND_MSG | MACH_RCV_MSG | MACH_SEND_TIMEOUT;
	lab_compose(&message, world.dest, COPY_SEND, NOBODY, 0, 10);
	lab_is(MACH_SEND_TIMED_OUT, lab_msg(world.sender[0], &msg));
	lab_message(world.owner, world.port, 1);
	lab_compose(&message, world.dest, COPY_SEND, NOBODY, 0, 11);
	lab_is(LAB_BLOCKED, lab_msg(world.sender[0], &msg));
	lab_advance(world.lab, 1000);
	lab_is(LAB_BLOCKED, lab_wait(world.sender[0]));
	lab_ok(lab_destroy(world.owner, world.port));
	lab_stop(world.lab);
}
END_TEST

START_TEST(send_and_receive_goes_on_to_receive_when_the_destination_dies)
{
	struct world world = begin_full();
	mach_port_name_t reply = lab_new_port(world.sender[0]);
	struct lab_buffer message;
	struct lab_msg msg = {.option = MACH_SEND_MSG | MACH_RCV_MSG,
			      .send = &message,
			      .send_size = 24,
			      .receive_name = reply,
			      .receive_size = sizeof message};

	lab_compose(&message, world.dest, COPY_SEND, reply, MAKE_ONCE, 9);
	lab_is(LAB_BLOCKED, lab_msg(world.sender[0], &msg));
	lab_ok(lab_destroy(world.owner, world.port));
	lab_ok(lab_wait(world.sender[0])); /* what it receives is that its reply right is gone */
	ck_assert_int_eq(message.header.msgh_id, MACH_NOTIFY_SEND_ONCE);
	lab_stop(world.lab);
}
END_TEST

START_TEST(send_and_receive_of_a_woken_sender_finds_what_is_there)
{
	struct world world = begin_full();
	mach_port_name_t reply = lab_new_service(world.sender[0]);
	struct lab_buffer message = lab_to(world.dest, 9);
	struct lab_msg msg = {.option = MACH_SEND_MSG | MACH_RCV_MSG,
			      .send = &message,
			      .send_size = 24,
			      .receive_name = reply,
			      .receive_size = sizeof message};

	lab_fill(world.sender[0], reply, 1, 33);
	lab_is(LAB_BLOCKED, lab_msg(world.sender[0], &msg));
	lab_message(world.owner, world.port, 0);
	lab_ok(lab_wait(world.sender[0]));
	ck_assert_int_eq(message.header.msgh_id, 33);
	lab_stop(world.lab);
}
END_TEST

START_TEST(sequence_numbers_count_what_leaves_the_queue)
{
	struct world world = begin();
	struct lab_buffer message = lab_to(world.dest, 2), received;

	lab_fill(world.sender[0], world.dest, 2, 0);
	ck_assert_uint_eq(lab_status(world.owner, world.port).mps_seqno, 0);
	received = lab_message(world.owner, world.port, 0);
	ck_assert_uint_eq(lab_trailer(&received).msgh_seqno, 0);
	received = lab_message(world.owner, world.port, 1);
	ck_assert_uint_eq(lab_trailer(&received).msgh_seqno, 1);
	lab_is(LAB_BLOCKED, lab_receive(world.owner, world.port, &received,
					MACH_RCV_TRAILER_ELEMENTS(MACH_RCV_TRAILER_SEQNO), 0));
	lab_ok(lab_send_now(world.sender[0], &message));
	lab_ok(lab_wait(world.owner));
	ck_assert_uint_eq(lab_trailer(&received).msgh_seqno, 2);
	ck_assert_uint_eq(lab_status(world.owner, world.port).mps_seqno, 3);
	lab_ok(lab_set_seqno(world.owner, world.port, 0xffffffff));
	lab_fill(world.sender[0], world.dest, 2, 4);
	received = lab_message(world.owner, world.port, 4);
	ck_assert_uint_eq(lab_trailer(&received).msgh_seqno, 0xffffffff);
	received = lab_message(world.owner, world.port, 5);
	ck_assert_uint_eq(lab_trailer(&received).msgh_seqno, 0);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_moved_receive_right_starts_counting_again)
{
	struct world world = begin();
	struct lab_thread *heir = lab_task(world.lab, 1000)->thread;
	mach_port_name_t name;
	struct lab_buffer received;
	uint64_t context;

	lab_fill(world.sender[0], world.dest, 2, 0);
	lab_message(world.owner, world.port, 0);
	lab_ok(lab_set_context(world.owner, world.port, 99));
	ck_assert_uint_eq(lab_status(world.owner, world.port).mps_mscount, 1);
	name = lab_pass(world.owner, world.port, MOVE_RECEIVE, heir);
	ck_assert_uint_eq(lab_status(heir, name).mps_seqno, 0);
	ck_assert_uint_eq(lab_status(heir, name).mps_mscount, 0);
	lab_ok(lab_get_context(heir, name, &context));
	ck_assert_uint_eq(context, 0);
	received = lab_message(heir, name, 1);
	ck_assert_uint_eq(lab_trailer(&received).msgh_seqno, 0);
	ck_assert_uint_eq(received.header.msgh_local_port, name);
	lab_stop(world.lab);
}
END_TEST

/* The limit that nobody passes: messages to send-once rights and notifications up to there. */
START_TEST(nothing_passes_the_hard_limit)
{
	struct lab *lab;
	struct lab_options options;
	struct lab_thread *a;
	mach_port_name_t port, once;
	struct lab_buffer message;

	lab_options_init(&options);
	options.limits.messages_per_user = UINT32_MAX;
	lab = lab_start(&options);
	a = lab_task(lab, 1000)->thread;
	port = lab_new_port(a);
	for (unsigned i = 0; i < MACHD_QUEUE_HARD_MAX; i++) {
		lab_compose(&message, port, MAKE_ONCE, NOBODY, 0, 1);
		lab_ok(lab_send_now(a, &message));
	}
	ck_assert_uint_eq(lab_status(a, port).mps_msgcount, MACHD_QUEUE_HARD_MAX);
	lab_compose(&message, port, MAKE_ONCE, NOBODY, 0, 2);
	lab_is(MACH_SEND_TIMED_OUT, lab_send_now(a, &message));
	ck_assert_uint_eq(message.header.msgh_bits, MACH_MSGH_BITS(MOVE_ONCE, 0));
	lab_is(MACH_SEND_NO_BUFFER, lab_send(a, &message, 0, 0));
	once = message.header.msgh_remote_port;
	lab_ok(lab_deallocate(a, once)); /* its notification is dropped */
	ck_assert_uint_eq(lab_status(a, port).mps_msgcount, MACHD_QUEUE_HARD_MAX);
	ck_assert_uint_eq(lab_status(a, port).mps_sorights, MACHD_QUEUE_HARD_MAX);
	lab_stop(lab);
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_test(tcase, a_fresh_port_takes_five_messages);
	tcase_add_test(tcase, send_once_rights_and_notifications_pass_the_limit);
	tcase_add_test(tcase, with_limit_zero_every_send_blocks_even_if_somebody_waits);
	tcase_add_test(tcase, a_message_for_somebody_who_waits_is_not_counted);
	tcase_add_test(tcase, blocked_senders_go_on_first_in_first_out);
	tcase_add_test(tcase, a_free_slot_belongs_to_who_waited_for_it);
	tcase_add_test(tcase, a_higher_limit_lets_as_many_go_on);
	tcase_add_test(tcase, a_lower_limit_drops_nothing_and_blocks_longer);
	tcase_add_test(tcase, a_blocked_send_times_out_and_comes_back);
	tcase_add_test(tcase, a_send_that_goes_on_in_time_does_not_time_out);
	tcase_add_test(tcase, a_timed_out_sender_makes_way_for_the_next);
	tcase_add_test(tcase, a_cancelled_send_comes_back_interrupted);
	tcase_add_test(tcase, a_cancel_that_comes_too_late_changes_nothing);
	tcase_add_test(tcase, a_blocked_send_to_a_port_that_dies_has_succeeded);
	tcase_add_test(tcase, a_blocked_send_to_a_task_that_is_killed_has_succeeded);
	tcase_add_test(tcase, a_moved_receive_right_keeps_queue_limit_and_blocked_senders);
	tcase_add_test(tcase, a_port_in_transit_still_takes_messages);
	tcase_add_test(tcase, a_sender_that_disconnects_while_blocked_leaves_no_message);
	tcase_add_test(tcase, a_blocked_task_that_is_killed_gives_its_rights_back);
	tcase_add_test(tcase, send_and_receive_in_one_call_may_block_twice);
	tcase_add_test(tcase, a_half_without_the_option_waits_as_long_as_it_takes);
	tcase_add_test(tcase, send_and_receive_goes_on_to_receive_when_the_destination_dies);
	tcase_add_test(tcase, send_and_receive_of_a_woken_sender_finds_what_is_there);
	tcase_add_test(tcase, sequence_numbers_count_what_leaves_the_queue);
	tcase_add_test(tcase, a_moved_receive_right_starts_counting_again);
	tcase_add_test(tcase, nothing_passes_the_hard_limit);
}

int main(void)
{
	return lab_run("ipc_queue", add_tests);
}
