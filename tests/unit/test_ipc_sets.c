/* SPDX-License-Identifier: Apache-2.0 */
/* Port sets: membership, who is served from which member, and the end of a set or a member [13]. */
#include <stdlib.h>

#include "tests/lab/lab_expect.h"

enum { MEMBERS = 3 };

struct world {
	struct lab *lab;
	struct lab_thread *a, *waits; /* of one task */
	mach_port_name_t set, ports[MEMBERS];
};

static struct world begin(void)
{
	struct world world = {.lab = lab_start(NULL)};

	world.a = lab_task(world.lab, 1000)->thread;
	world.waits = lab_thread(world.a->task);
	world.set = lab_new_set(world.a);
	for (unsigned i = 0; i < MEMBERS; i++) {
		world.ports[i] = lab_new_service(world.a);
		lab_ok(lab_insert_member(world.a, world.ports[i], world.set));
	}
	return world;
}

/* Receive from the set: the message with that id, through that member. */
static void from_set(struct world *world, int32_t id, mach_port_name_t member)
{
	struct lab_buffer message = lab_message(world->a, world->set, id);

	LAB_CHECK(message.header.msgh_local_port == member, "message %d came from 0x%x", id,
		  message.header.msgh_local_port);
}

static unsigned count_members(struct world *world, mach_port_name_t set)
{
	mach_port_name_t members[64];
	unsigned count;
	uint32_t next;

	lab_ok(lab_get_set_status(world->a, set, 0, members, &count, &next));
	LAB_TRUE(next == 0);
	return count;
}

START_TEST(a_port_is_put_in_and_taken_out_once)
{
	struct world world = begin();
	mach_port_name_t other = lab_new_set(world.a);

	lab_is(KERN_ALREADY_IN_SET, lab_insert_member(world.a, world.ports[0], world.set));
	lab_ok(lab_insert_member(world.a, world.ports[0], other));
	lab_ok(lab_insert_member(world.a, world.ports[0], lab_new_set(world.a)));
	ck_assert_uint_eq(lab_status(world.a, world.ports[0]).mps_pset, 1);
	lab_ok(lab_extract_member(world.a, world.ports[0], world.set));
	lab_is(KERN_NOT_IN_SET, lab_extract_member(world.a, world.ports[0], world.set));
	ck_assert_uint_eq(count_members(&world, world.set), MEMBERS - 1);
	ck_assert_uint_eq(count_members(&world, other), 1);
	ck_assert_uint_eq(lab_status(world.a, world.ports[0]).mps_pset, 1);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_member_is_moved_to_exactly_one_set)
{
	struct world world = begin();
	mach_port_name_t other = lab_new_set(world.a), third = lab_new_set(world.a);

	lab_ok(lab_insert_member(world.a, world.ports[0], other));
	lab_ok(lab_move_member(world.a, world.ports[0], third));
	ck_assert_uint_eq(count_members(&world, world.set), MEMBERS - 1);
	ck_assert_uint_eq(count_members(&world, other), 0);
	ck_assert_uint_eq(count_members(&world, third), 1);
	lab_ok(lab_move_member(world.a, world.ports[0], third));
	ck_assert_uint_eq(count_members(&world, third), 1);
	lab_ok(lab_insert_member(world.a, world.ports[0], other));
	lab_ok(lab_move_member(world.a, world.ports[0], MACH_PORT_NULL));
	ck_assert_uint_eq(lab_status(world.a, world.ports[0]).mps_pset, 0);
	lab_is(KERN_NOT_IN_SET, lab_move_member(world.a, world.ports[0], MACH_PORT_NULL));
	lab_stop(world.lab);
}
END_TEST

START_TEST(members_are_served_in_turn)
{
	struct world world = begin();

	for (int i = 0; i < MEMBERS; i++)
		lab_fill(world.a, world.ports[i], 2, 10 * i);
	for (int round = 0; round < 2; round++)
		for (int i = 0; i < MEMBERS; i++)
			from_set(&world, 10 * i + round, world.ports[i]);
	lab_silent(world.a, world.set);
	lab_stop(world.lab);
}
END_TEST

START_TEST(the_turn_begins_with_the_first_message)
{
	struct world world = begin();

	lab_fill(world.a, world.ports[2], 1, 20);
	lab_fill(world.a, world.ports[0], 2, 0);
	lab_fill(world.a, world.ports[1], 1, 10);
	lab_fill(world.a, world.ports[2], 1, 21);
	from_set(&world, 20, world.ports[2]);
	from_set(&world, 0, world.ports[0]);
	from_set(&world, 10, world.ports[1]);
	from_set(&world, 21, world.ports[2]);
	from_set(&world, 1, world.ports[0]);
	lab_stop(world.lab);
}
END_TEST

START_TEST(sequence_numbers_are_the_members)
{
	struct world world = begin();
	struct lab_buffer message;

	lab_ok(lab_set_seqno(world.a, world.ports[1], 70));
	lab_fill(world.a, world.ports[0], 1, 0);
	lab_fill(world.a, world.ports[1], 1, 1);
	message = lab_message(world.a, world.set, 0);
	ck_assert_uint_eq(lab_trailer(&message).msgh_seqno, 0);
	message = lab_message(world.a, world.set, 1);
	ck_assert_uint_eq(lab_trailer(&message).msgh_seqno, 70);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_member_can_still_be_received_from_directly)
{
	struct world world = begin();

	lab_fill(world.a, world.ports[0], 1, 5);
	lab_message(world.a, world.ports[0], 5);
	lab_silent(world.a, world.set);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_message_received_through_one_set_is_gone_from_the_other)
{
	struct world world = begin();
	mach_port_name_t other = lab_new_set(world.a);

	lab_ok(lab_insert_member(world.a, world.ports[0], other));
	lab_fill(world.a, world.ports[0], 2, 5);
	from_set(&world, 5, world.ports[0]);
	lab_message(world.a, other, 6);
	lab_silent(world.a, world.set);
	lab_silent(world.a, other);
	lab_stop(world.lab);
}
END_TEST

START_TEST(who_waits_on_the_port_comes_before_who_waits_on_a_set)
{
	struct world world = begin();
	struct lab_thread *sender = lab_thread(world.a->task);
	struct lab_buffer on_set, on_port;

	lab_is(LAB_BLOCKED, lab_receive(world.waits, world.set, &on_set, 0, 0));
	lab_is(LAB_BLOCKED, lab_receive(world.a, world.ports[0], &on_port, 0, 0));
	lab_fill(sender, world.ports[0], 2, 5);
	lab_ok(lab_wait(world.a));
	lab_ok(lab_wait(world.waits));
	ck_assert_int_eq(on_port.header.msgh_id, 5);
	ck_assert_int_eq(on_set.header.msgh_id, 6);
	ck_assert_uint_eq(on_set.header.msgh_local_port, world.ports[0]);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_port_with_messages_serves_those_who_wait_on_the_set_it_joins)
{
	struct world world = begin();
	mach_port_name_t port = lab_new_service(world.a);
	struct lab_thread *second = lab_thread(world.a->task);
	struct lab_buffer one, two;

	lab_fill(world.a, port, 3, 5);
	lab_is(LAB_BLOCKED, lab_receive(world.waits, world.set, &one, 0, 0));
	lab_is(LAB_BLOCKED, lab_receive(second, world.set, &two, 0, 0));
	lab_ok(lab_insert_member(world.a, port, world.set));
	lab_ok(lab_wait(world.waits));
	lab_ok(lab_wait(second));
	ck_assert_int_eq(one.header.msgh_id, 5);
	ck_assert_int_eq(two.header.msgh_id, 6);
	ck_assert_uint_eq(lab_status(world.a, port).mps_msgcount, 1);
	from_set(&world, 7, port);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_port_that_joins_serves_as_many_as_it_can)
{
	struct world world = begin();
	mach_port_name_t port = lab_new_service(world.a);
	struct lab_thread *second = lab_thread(world.a->task);
	struct lab_buffer one, two;

	lab_fill(world.a, port, 1, 5);
	lab_is(LAB_BLOCKED, lab_receive(world.waits, world.set, &one, 0, 0));
	lab_is(LAB_BLOCKED, lab_receive(second, world.set, &two, 0, 0));
	lab_ok(lab_insert_member(world.a, port, world.set));
	lab_ok(lab_wait(world.waits));
	lab_is(LAB_BLOCKED, lab_wait(second));
	lab_fill(world.a, port, 1, 6);
	lab_ok(lab_wait(second));
	lab_stop(world.lab);
}
END_TEST

START_TEST(joining_wakes_one_whose_buffer_is_too_small_with_an_error)
{
	struct world world = begin();
	mach_port_name_t port = lab_new_service(world.a);
	struct lab_buffer small;
	struct lab_msg msg = {.option = MACH_RCV_MSG | MACH_RCV_LARGE | MACH_RCV_LARGE_IDENTITY,
			      .receive = &small,
			      .receive_size = 24,
			      .receive_name = world.set};

	lab_fill(world.a, port, 1, 5);
	lab_is(LAB_BLOCKED, lab_msg(world.waits, &msg));
	lab_ok(lab_insert_member(world.a, port, world.set));
	lab_is(MACH_RCV_TOO_LARGE, lab_wait(world.waits));
	ck_assert_uint_eq(small.header.msgh_local_port, port);
	ck_assert_uint_eq(lab_status(world.a, port).mps_msgcount, 1);
	from_set(&world, 5, port);
	lab_stop(world.lab);
}
END_TEST

START_TEST(joining_a_set_does_not_disturb_who_waits_on_the_port)
{
	struct world world = begin();
	mach_port_name_t port = lab_new_service(world.a);
	struct lab_buffer message;

	lab_is(LAB_BLOCKED, lab_receive(world.waits, port, &message, 0, 0));
	lab_ok(lab_insert_member(world.a, port, world.set));
	lab_is(LAB_BLOCKED, lab_wait(world.waits));
	lab_fill(world.a, port, 1, 5);
	lab_ok(lab_wait(world.waits));
	lab_stop(world.lab);
}
END_TEST

/* The ways in which a set may go. */
static void set_goes(struct world *world, unsigned way)
{
	if (way == 0)
		lab_ok(lab_destroy(world->a, world->set));
	else if (way == 1)
		lab_ok(lab_deallocate(world->a, world->set));
	else
		lab_ok(lab_mod_refs(world->a, world->set, MACH_PORT_RIGHT_PORT_SET, -1));
}

START_TEST(a_set_that_goes_leaves_its_members)
{
	struct world world = begin();
	struct lab_buffer message;

	lab_is(LAB_BLOCKED, lab_receive(world.waits, world.set, &message, MACH_RCV_TIMEOUT, 1000));
	set_goes(&world, (unsigned)_i);
	lab_is(MACH_RCV_PORT_CHANGED, lab_wait(world.waits));
	lab_name_is(world.a, world.set, NO_NAME, 0);
	for (unsigned i = 0; i < MEMBERS; i++) {
		ck_assert_uint_eq(lab_status(world.a, world.ports[i]).mps_pset, 0);
		lab_fill(world.a, world.ports[i], 1, 5);
		lab_message(world.a, world.ports[i], 5);
	}
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_set_that_goes_with_messages_waiting_leaves_them)
{
	struct world world = begin();

	lab_fill(world.a, world.ports[1], 2, 5);
	lab_ok(lab_destroy(world.a, world.set));
	lab_message(world.a, world.ports[1], 5);
	lab_message(world.a, world.ports[1], 6);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_member_that_dies_or_moves_leaves_its_sets)
{
	struct world world = begin();
	struct lab_thread *b = lab_task(world.lab, 1000)->thread;
	mach_port_name_t other = lab_new_set(world.a), moved;

	lab_ok(lab_insert_member(world.a, world.ports[0], other));
	lab_fill(world.a, world.ports[0], 1, 5);
	lab_fill(world.a, world.ports[1], 1, 6);
	moved = lab_pass(world.a, world.ports[0], MOVE_RECEIVE, b);
	lab_ok(lab_destroy(world.a, world.ports[1]));
	lab_silent(world.a, world.set);
	lab_silent(world.a, other);
	ck_assert_uint_eq(count_members(&world, world.set), 1);
	ck_assert_uint_eq(count_members(&world, other), 0);
	ck_assert_uint_eq(lab_status(b, moved).mps_pset, 0);
	lab_message(b, moved, 5);
	lab_stop(world.lab);
}
END_TEST

START_TEST(who_waits_on_a_set_is_not_disturbed_by_a_member_that_goes)
{
	struct world world = begin();
	struct lab_buffer message;

	lab_is(LAB_BLOCKED, lab_receive(world.waits, world.set, &message, 0, 0));
	lab_ok(lab_destroy(world.a, world.ports[0]));
	lab_is(LAB_BLOCKED, lab_wait(world.waits));
	lab_fill(world.a, world.ports[1], 1, 5);
	lab_ok(lab_wait(world.waits));
	lab_stop(world.lab);
}
END_TEST

START_TEST(members_are_listed_in_the_order_of_their_names)
{
	struct world world = begin();
	mach_port_name_t *members = calloc(20000, sizeof *members), last = 0;
	mach_port_name_t set = lab_new_set(world.a);
	unsigned count, total = 0, pages = 0;
	uint32_t next = 0;

	ck_assert_ptr_nonnull(members);
	ck_assert_uint_eq(count_members(&world, set), 0);
	for (unsigned i = 0; i < 20000; i++)
		lab_ok(lab_insert_member(world.a, lab_new_port(world.a), set));
	do {
		lab_ok(lab_get_set_status(world.a, set, next, members, &count, &next));
		for (unsigned i = 0; i < count; i++) {
			LAB_TRUE(members[i] > last);
			last = members[i];
		}
		total += count;
		pages++;
	} while (next);
	ck_assert_uint_eq(total, 20000);
	ck_assert_uint_gt(pages, 1);
	free(members);
	lab_stop(world.lab);
}
END_TEST

/* As in Mach: what could not be received has had its turn, and stays on its port. */
START_TEST(a_message_too_large_gives_its_turn_away)
{
	struct world world = begin();
	struct lab_buffer message = lab_to(world.ports[0], 1);
	struct lab_msg small = {.option = MACH_RCV_MSG | MACH_RCV_LARGE,
				.receive = &message,
				.receive_size = 24 + 8,
				.receive_name = world.set};

	lab_add_bytes(&message, "four", 4);
	lab_ok(lab_send_now(world.a, &message));
	lab_fill(world.a, world.ports[1], 1, 2);
	lab_is(MACH_RCV_TOO_LARGE, lab_msg(world.a, &small));
	lab_ok(lab_msg(world.a, &small));
	ck_assert_int_eq(message.header.msgh_id, 2);
	lab_is(MACH_RCV_TOO_LARGE, lab_msg(world.a, &small));
	from_set(&world, 1, world.ports[0]);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_set_is_no_port)
{
	struct world world = begin();
	struct lab_buffer message = lab_to(world.ports[0], 5);
	uint32_t next;
	unsigned count;
	mach_port_name_t members[8];

	lab_add_port(&message, world.set, COPY_SEND);
	lab_is(MACH_SEND_INVALID_RIGHT, lab_send_now(world.a, &message));
	lab_is(KERN_INVALID_RIGHT,
	       lab_get_set_status(world.a, world.ports[0], 0, members, &count, &next));
	lab_is(KERN_INVALID_RIGHT, lab_insert_member(world.a, world.set, world.set));
	lab_stop(world.lab);
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_test(tcase, a_port_is_put_in_and_taken_out_once);
	tcase_add_test(tcase, a_member_is_moved_to_exactly_one_set);
	tcase_add_test(tcase, members_are_served_in_turn);
	tcase_add_test(tcase, the_turn_begins_with_the_first_message);
	tcase_add_test(tcase, sequence_numbers_are_the_members);
	tcase_add_test(tcase, a_member_can_still_be_received_from_directly);
	tcase_add_test(tcase, a_message_received_through_one_set_is_gone_from_the_other);
	tcase_add_test(tcase, who_waits_on_the_port_comes_before_who_waits_on_a_set);
	tcase_add_test(tcase, a_port_with_messages_serves_those_who_wait_on_the_set_it_joins);
	tcase_add_test(tcase, a_port_that_joins_serves_as_many_as_it_can);
	tcase_add_test(tcase, joining_wakes_one_whose_buffer_is_too_small_with_an_error);
	tcase_add_test(tcase, joining_a_set_does_not_disturb_who_waits_on_the_port);
	tcase_add_loop_test(tcase, a_set_that_goes_leaves_its_members, 0, 3);
	tcase_add_test(tcase, a_set_that_goes_with_messages_waiting_leaves_them);
	tcase_add_test(tcase, a_member_that_dies_or_moves_leaves_its_sets);
	tcase_add_test(tcase, who_waits_on_a_set_is_not_disturbed_by_a_member_that_goes);
	tcase_add_test(tcase, members_are_listed_in_the_order_of_their_names);
	tcase_add_test(tcase, a_message_too_large_gives_its_turn_away);
	tcase_add_test(tcase, a_set_is_no_port);
}

int main(void)
{
	return lab_run("ipc_sets", add_tests);
}
