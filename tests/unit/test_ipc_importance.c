/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Importance: who donates, whom it boosts, and that every boost ends exactly once, whatever becomes
 * of its message and of the right to reply [5.2, 20]. The lab's audit counts all boosts again from
 * what is there.
 */
#include "tests/lab/lab_importance.h"

START_TEST(a_boost_lasts_from_the_send_to_the_reply)
{
	struct importance_world world = importance_begin(NULL);
	mach_port_name_t reply;

	importance_is(&world, 0, 0);
	importance_ask(&world);
	importance_is(&world, 1, 1);
	reply = importance_get(world.server, world.port, true).header.msgh_remote_port;
	importance_is(&world, 0, 1);
	lab_ok(importance_send(world.server, reply, MOVE_ONCE, NOBODY, 0, 0));
	importance_is(&world, 0, 0);
	ck_assert_uint_eq(world.lab->boosts, 2); /* on, and off */
	importance_get(world.donor, world.reply, false);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_server_that_waits_is_boosted_as_well)
{
	struct importance_world world = importance_begin(NULL);
	struct lab_buffer message;

	lab_is(LAB_BLOCKED, lab_receive(world.server, world.port, &message, 0, 0));
	importance_ask(&world);
	lab_ok(lab_wait(world.server));
	ck_assert(MACH_MSGH_BITS_RAISED_IMPORTANCE(message.header.msgh_bits));
	importance_is(&world, 0, 1);
	lab_ok(lab_deallocate(world.server, message.header.msgh_remote_port));
	importance_is(&world, 0, 0);
	lab_stop(world.lab);
}
END_TEST

START_TEST(boosts_add_up_and_are_told_once)
{
	struct importance_world world = importance_begin(NULL);
	mach_port_name_t replies[4];

	for (uint32_t i = 0; i < 4; i++) {
		importance_ask(&world);
		importance_is(&world, i + 1, i + 1);
	}
	for (uint32_t i = 0; i < 4; i++) {
		replies[i] = importance_get(world.server, world.port, true).header.msgh_remote_port;
		importance_is(&world, 3 - i, 4);
	}
	for (uint32_t i = 0; i < 4; i++) {
		lab_ok(importance_send(world.server, replies[i], MOVE_ONCE, NOBODY, 0, 0));
		importance_is(&world, 0, 3 - i);
	}
	ck_assert_uint_eq(world.lab->boosts, 2);
	lab_stop(world.lab);
}
END_TEST

/* --- who donates to whom --- */

START_TEST(nothing_is_donated_without_a_donor_or_to_a_port_that_takes_none)
{
	struct importance_world world = importance_begin(NULL);
	mach_port_name_t plain = lab_new_port(world.server);
	mach_port_name_t dest = lab_pass(world.server, plain, MAKE_SEND, world.donor);
	mach_port_name_t others = lab_pass(world.server, world.port, MAKE_SEND, world.other);
	mach_port_name_t reply = lab_new_port(world.other);

	lab_ok(importance_send(world.donor, dest, COPY_SEND, world.reply, MAKE_ONCE, 0));
	lab_ok(importance_send(world.other, others, COPY_SEND, reply, MAKE_ONCE, 0));
	lab_ok(importance_send(world.donor, world.dest, COPY_SEND, world.reply, MAKE_ONCE,
			       MACH_SEND_NOIMPORTANCE));
	importance_is(&world, 0, 0);
	importance_get(world.server, plain, false);
	importance_get(world.server, world.port, false);
	importance_get(world.server, world.port, false);
	importance_is(&world, 0, 0);
	ck_assert_uint_eq(world.lab->boosts, 0);
	lab_stop(world.lab);
}
END_TEST

START_TEST(senders_cannot_set_the_bit)
{
	struct importance_world world = importance_begin(NULL);
	mach_port_name_t others = lab_pass(world.server, world.port, MAKE_SEND, world.other);
	struct lab_buffer message = lab_to(others, 1);

	message.header.msgh_bits |= MACH_MSGH_BITS_RAISEIMP;
	lab_ok(lab_send(world.other, &message, MACH_SEND_IMPORTANCE | MACH_SEND_KERNEL, 0));
	importance_is(&world, 0, 0);
	importance_get(world.server, world.port, false);
	lab_stop(world.lab);
}
END_TEST

/* Until it receives it: there is no right to reply, or nothing to inherit from itself. */
START_TEST(who_is_important_asks_itself_with_importance)
{
	struct importance_world world = importance_begin(NULL);
	struct lab_buffer message;

	importance_accept(world.donor, world.reply);
	for (unsigned i = 0; i < 2; i++) {
		lab_ok(importance_send(world.donor, world.reply, MAKE_SEND, NOBODY, 0, 0));
		lab_audit(world.lab);
		ck_assert_uint_eq(importance_of_port(world.donor, world.reply), 1);
		ck_assert_uint_eq(importance_of_task(world.donor), 1);
		lab_ok(lab_receive(world.donor, world.reply, &message,
				   MACH_RCV_TIMEOUT | (i ? MACH_RCV_VOUCHER : 0), 0));
		ck_assert(!MACH_MSGH_BITS_RAISED_IMPORTANCE(message.header.msgh_bits));
		ck_assert_uint_eq(importance_of_task(world.donor), 0);
	}
	lab_stop(world.lab);
}
END_TEST

/* What a boosted task sends boosts the next, also if it passes the right to reply on. */
START_TEST(a_boosted_server_donates)
{
	struct importance_world world = importance_begin(NULL);
	mach_port_name_t third = lab_new_port(world.other), dest, reply, own;

	importance_accept(world.other, third);
	dest = lab_pass(world.other, third, MAKE_SEND, world.server);
	own = lab_new_port(world.server);
	lab_ok(importance_send(world.server, dest, COPY_SEND, own, MAKE_ONCE, 0));
	ck_assert_uint_eq(importance_of_task(world.other), 0);
	importance_get(world.other, third, false);

	reply = importance_asked(&world);
	lab_ok(importance_send(world.server, dest, COPY_SEND, own, MAKE_ONCE, 0));
	ck_assert_uint_eq(importance_of_task(world.other), 1);
	lab_ok(importance_send(world.server, dest, COPY_SEND, reply, MOVE_ONCE, 0));
	lab_audit(world.lab);
	ck_assert_uint_eq(importance_of_task(world.server), 0);
	/* Its own question is not important any more; the one that it handed on is. */
	ck_assert_uint_eq(importance_of_task(world.other), 1);
	lab_ok(lab_deallocate(world.other,
			      importance_get(world.other, third, false).header.msgh_remote_port));
	reply = importance_get(world.other, third, true).header.msgh_remote_port;
	ck_assert_uint_eq(importance_of_task(world.other), 1);
	lab_ok(importance_send(world.other, reply, MOVE_ONCE, NOBODY, 0, 0));
	ck_assert_uint_eq(importance_of_task(world.other), 0);
	lab_stop(world.lab);
}
END_TEST

START_TEST(what_asks_for_no_single_reply_boosts_until_it_is_received)
{
	static const uint32_t replies[] = {0, MAKE_SEND, MAKE_ONCE};
	struct importance_world world = importance_begin(NULL);

	/* none; a send right; a send-once right whose port has died */
	for (unsigned i = 0; i < 3; i++) {
		lab_ok(importance_send(world.donor, world.dest, COPY_SEND,
				       i == 0 ? NOBODY : world.reply, replies[i], 0));
		if (i == 2)
			lab_ok(lab_destroy(world.donor, world.reply));
		importance_is(&world, 1, 1);
		importance_get(world.server, world.port, false);
		importance_is(&world, 0, 0);
	}
	lab_stop(world.lab);
}
END_TEST

/* --- how a boost ends that was received --- */

static void reply_by_sending(struct importance_world *world, mach_port_name_t reply)
{
	lab_ok(importance_send(world->server, reply, MOVE_ONCE, NOBODY, 0, 0));
}

static void reply_deallocated(struct importance_world *world, mach_port_name_t reply)
{
	lab_ok(lab_deallocate(world->server, reply));
}

static void reply_modified(struct importance_world *world, mach_port_name_t reply)
{
	lab_ok(lab_mod_refs(world->server, reply, MACH_PORT_RIGHT_SEND_ONCE, -1));
}

static void reply_destroyed(struct importance_world *world, mach_port_name_t reply)
{
	lab_ok(lab_destroy(world->server, reply));
}

static void reply_in_a_body(struct importance_world *world, mach_port_name_t reply)
{
	mach_port_name_t dest = lab_new_service(world->server);
	struct lab_buffer message = lab_to(dest, 3);

	lab_add_port(&message, reply, MOVE_ONCE);
	lab_ok(lab_send_now(world->server, &message));
}

static void reply_refused(struct importance_world *world, mach_port_name_t reply)
{
	struct lab_buffer message;

	/* The header is taken, the body is refused: the right is gone [10.1]. */
	lab_compose(&message, reply, MOVE_ONCE, NOBODY, 0, 3);
	lab_add_port(&message, 0x12345603, COPY_SEND);
	lab_is(MACH_SEND_INVALID_RIGHT, lab_send_now(world->server, &message));
}

static void reply_extracted(struct importance_world *world, mach_port_name_t reply)
{
	uint32_t type;
	mach_port_name_t again;

	lab_ok(lab_extract_right(world->server, reply, MOVE_ONCE, &again, &type));
	ck_assert_uint_eq(type, MACH_MSG_TYPE_PORT_SEND_ONCE);
	lab_ok(lab_deallocate(world->server, again));
}

static void reply_to_a_dead_client(struct importance_world *world, mach_port_name_t reply)
{
	uint32_t type;

	lab_ok(lab_destroy(world->donor, world->reply));
	lab_ok(lab_type(world->server, reply, &type));
	ck_assert_uint_eq(type, MACH_PORT_TYPE_DEAD_NAME);
}

static void reply_sent_to_a_dead_client(struct importance_world *world, mach_port_name_t reply)
{
	lab_ok(lab_destroy(world->donor, world->reply));
	lab_ok(importance_send(world->server, reply, MOVE_ONCE, NOBODY, 0, 0));
}

static void (*const ends[])(struct importance_world *world, mach_port_name_t reply) = {
	reply_by_sending, reply_deallocated,	  reply_modified,
	reply_destroyed,  reply_in_a_body,	  reply_refused,
	reply_extracted,  reply_to_a_dead_client, reply_sent_to_a_dead_client,
};

START_TEST(a_boost_ends_with_the_right_to_reply)
{
	struct importance_world world = importance_begin(NULL);
	mach_port_name_t first = importance_asked(&world), second = importance_asked(&world);

	importance_is(&world, 0, 2);
	ends[_i](&world, first);
	importance_is(&world, 0, 1);
	lab_ok(lab_deallocate(world.server, second));
	importance_is(&world, 0, 0);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_server_that_dies_is_boosted_no_more)
{
	struct importance_world world = importance_begin(NULL);
	int32_t pid = world.server->task->pid;

	importance_asked(&world);
	importance_ask(&world);
	importance_is(&world, 1, 2);
	lab_kill(world.server->task);
	ck_assert_int_eq(world.lab->boosted_pid, pid);
	ck_assert(!world.lab->boosted_on);
	ck_assert_uint_eq(world.lab->boosts, 2);
	lab_audit(world.lab);
	lab_stop(world.lab);
}
END_TEST

START_TEST(machines_that_stop_take_boosts_back)
{
	struct importance_world world = importance_begin(NULL);

	importance_asked(&world);
	importance_ask(&world);
	lab_stop_at_once(world.lab);
}
END_TEST

/* --- messages that are not received --- */

START_TEST(a_send_that_fails_boosts_nobody)
{
	struct importance_world world = importance_begin(NULL);

	lab_set_qlimit(world.server, world.port, 0);
	lab_is(MACH_SEND_TIMED_OUT, importance_send(world.donor, world.dest, COPY_SEND, world.reply,
						    MAKE_ONCE, MACH_SEND_TIMEOUT));
	importance_is(&world, 0, 0);
	ck_assert_uint_eq(world.lab->boosts, 0); /* nobody hears of what is over already */
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_blocked_sender_boosts_until_it_gives_up)
{
	struct importance_world world = importance_begin(NULL);
	struct lab_buffer message = lab_to(world.dest, 5);

	lab_set_qlimit(world.server, world.port, 0);
	lab_is(LAB_BLOCKED, lab_send(world.donor, &message, 0, 0));
	importance_is(&world, 1, 1);
	ck_assert(lab_cancel(world.donor));
	lab_is(MACH_SEND_INTERRUPTED, lab_wait(world.donor));
	importance_is(&world, 0, 0);
	message = lab_to(world.dest, 5);
	lab_is(LAB_BLOCKED, lab_send(world.donor, &message, MACH_SEND_TIMEOUT, 10));
	importance_is(&world, 1, 1);
	lab_set_qlimit(world.server, world.port, 1);
	lab_ok(lab_wait(world.donor));
	importance_is(&world, 1, 1);
	message = lab_to(world.dest, 5);
	lab_is(LAB_BLOCKED, lab_send(world.donor, &message, 0, 0));
	importance_is(&world, 2, 2);
	lab_kill(world.donor->task);
	importance_is(&world, 0, 0);
	importance_get(world.server, world.port, false);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_message_too_large_boosts_until_it_is_gone)
{
	struct importance_world world = importance_begin(NULL);
	struct lab_buffer room = {0};
	struct lab_msg small = {.option = MACH_RCV_MSG | MACH_RCV_LARGE | MACH_RCV_TIMEOUT,
				.receive = &room,
				.receive_size = 28,
				.receive_name = world.port};

	importance_ask(&world);
	lab_is(MACH_RCV_TOO_LARGE, lab_msg(world.server, &small));
	importance_is(&world, 1, 1);
	small.option &= ~(uint64_t)MACH_RCV_LARGE;
	lab_is(MACH_RCV_TOO_LARGE, lab_msg(world.server, &small));
	importance_is(&world, 0, 0);
	lab_notice(world.donor, world.reply, MACH_NOTIFY_SEND_ONCE);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_message_without_room_for_its_reply_boosts_no_more)
{
	struct lab_options options;
	struct importance_world world;
	mach_port_name_t name, full[64];
	unsigned count = 0;

	lab_options_init(&options);
	options.limits.names_per_task = 64;
	world = importance_begin(&options);
	importance_ask(&world);
	while (lab_allocate(world.server, MACH_PORT_RIGHT_DEAD_NAME, &name) == KERN_SUCCESS)
		full[count++] = name;
	lab_is(MACH_RCV_HEADER_ERROR | MACH_MSG_IPC_SPACE,
	       lab_receive_now(world.server, world.port, &(struct lab_buffer){0}));
	lab_ok(lab_deallocate(world.server, full[0]));
	importance_is(&world, 0, 0);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_queue_that_is_destroyed_boosts_nobody)
{
	struct importance_world world = importance_begin(NULL);

	importance_asked(&world);
	for (unsigned i = 0; i < 3; i++)
		importance_ask(&world);
	importance_is(&world, 3, 4);
	lab_ok(lab_destroy(world.server, world.port));
	lab_audit(world.lab);
	ck_assert_uint_eq(importance_of_task(world.server), 1);
	lab_stop(world.lab);
}
END_TEST

#define ROWS(table) ((int)(sizeof(table) / sizeof *(table)))

static void add_tests(TCase *tests)
{
	tcase_add_test(tests, a_boost_lasts_from_the_send_to_the_reply);
	tcase_add_test(tests, a_server_that_waits_is_boosted_as_well);
	tcase_add_test(tests, boosts_add_up_and_are_told_once);
	tcase_add_test(tests, nothing_is_donated_without_a_donor_or_to_a_port_that_takes_none);
	tcase_add_test(tests, senders_cannot_set_the_bit);
	tcase_add_test(tests, who_is_important_asks_itself_with_importance);
	tcase_add_test(tests, a_boosted_server_donates);
	tcase_add_test(tests, what_asks_for_no_single_reply_boosts_until_it_is_received);
	tcase_add_loop_test(tests, a_boost_ends_with_the_right_to_reply, 0, ROWS(ends));
	tcase_add_test(tests, a_server_that_dies_is_boosted_no_more);
	tcase_add_test(tests, machines_that_stop_take_boosts_back);
	tcase_add_test(tests, a_send_that_fails_boosts_nobody);
	tcase_add_test(tests, a_blocked_sender_boosts_until_it_gives_up);
	tcase_add_test(tests, a_message_too_large_boosts_until_it_is_gone);
	tcase_add_test(tests, a_message_without_room_for_its_reply_boosts_no_more);
	tcase_add_test(tests, a_queue_that_is_destroyed_boosts_nobody);
}

int main(void)
{
	return lab_run("ipc_importance", add_tests);
}
