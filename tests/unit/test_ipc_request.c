/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests for notifications: send-possible with its arming, which requests are refused and what
 * the refusal costs, and notifications that find their own port full, dead or moved [14.2, 14.3].
 */
#include "tests/lab/lab_audit.h"
#include "tests/lab/lab_expect.h"

struct world {
	struct lab *lab;
	struct lab_thread *a, *b;
	mach_port_name_t port;	 /* of a */
	mach_port_name_t name;	 /* b's send right to it */
	mach_port_name_t notify; /* of b */
};

static struct world begin(void)
{
	struct world world = {.lab = lab_start(NULL)};

	world.a = lab_task(world.lab, 1000)->thread;
	world.b = lab_task(world.lab, 1000)->thread;
	world.port = lab_new_port(world.a);
	world.name = lab_pass(world.a, world.port, MAKE_SEND, world.b);
	world.notify = lab_new_port(world.b);
	return world;
}

static void ask(struct world *world, mach_port_name_t name, uint32_t id, uint32_t sync)
{
	mach_port_name_t previous;

	lab_ok(lab_request_notification(world->b, name, id, sync, world->notify, MAKE_ONCE,
					&previous));
	LAB_TRUE(previous == MACH_PORT_NULL);
}

static void send_notify(struct world *world, mach_msg_return_t code)
{
	struct lab_buffer message = lab_to(world->name, 99);

	lab_is(code, lab_send(world->b, &message, MACH_SEND_NOTIFY | MACH_SEND_TIMEOUT, 0));
}

/* --- send possible --- */

START_TEST(armed_send_possible_fires_at_once_where_there_is_room)
{
	struct world world = begin();
	mach_port_name_t once = lab_pass(world.a, world.port, MAKE_ONCE, world.b);
	mach_port_name_t names[4] = {world.name, once, world.b->task->host, lab_new_port(world.b)};

	for (unsigned i = 0; i < 4; i++) {
		uint32_t type;

		ask(&world, names[i], MACH_NOTIFY_SEND_POSSIBLE, 1);
		lab_notice_of(world.b, world.notify, MACH_NOTIFY_SEND_POSSIBLE, names[i]);
		lab_ok(lab_type(world.b, names[i], &type));
		ck_assert(!(type & MACH_PORT_TYPE_DNREQUEST));
	}
	lab_fill(world.b, world.name, 5, 0);
	ask(&world, once, MACH_NOTIFY_SEND_POSSIBLE, 1);
	lab_notice_of(world.b, world.notify, MACH_NOTIFY_SEND_POSSIBLE, once);
	lab_stop(world.lab);
}
END_TEST

START_TEST(armed_send_possible_waits_for_the_next_receive_if_the_queue_is_full)
{
	struct world world = begin();

	lab_fill(world.b, world.name, 5, 0);
	ask(&world, world.name, MACH_NOTIFY_SEND_POSSIBLE, 1);
	lab_silent(world.b, world.notify);
	lab_message(world.a, world.port, 0);
	lab_notice_of(world.b, world.notify, MACH_NOTIFY_SEND_POSSIBLE, world.name);
	lab_message(world.a, world.port, 1);
	lab_silent(world.b, world.notify);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_receive_fires_it_even_if_the_queue_stays_full)
{
	struct world world = begin();

	lab_fill(world.b, world.name, 5, 0);
	lab_set_qlimit(world.a, world.port, 2);
	ask(&world, world.name, MACH_NOTIFY_SEND_POSSIBLE, 1);
	lab_message(world.a, world.port, 0);
	lab_notice_of(world.b, world.notify, MACH_NOTIFY_SEND_POSSIBLE, world.name);
	lab_stop(world.lab);
}
END_TEST

START_TEST(delayed_send_possible_must_be_armed_by_a_send_that_finds_no_room)
{
	struct world world = begin();

	ask(&world, world.name, MACH_NOTIFY_SEND_POSSIBLE, 0);
	lab_silent(world.b, world.notify);
	send_notify(&world, MACH_MSG_SUCCESS); /* there is room: not armed */
	lab_message(world.a, world.port, 99);
	lab_silent(world.b, world.notify);
	lab_fill(world.b, world.name, 5, 0);
	lab_message(world.a, world.port, 0); /* full, but nobody armed it */
	lab_silent(world.b, world.notify);
	lab_fill(world.b, world.name, 1, 5);
	send_notify(&world, MACH_SEND_TIMED_OUT);
	lab_silent(world.b, world.notify);
	lab_message(world.a, world.port, 1);
	lab_notice_of(world.b, world.notify, MACH_NOTIFY_SEND_POSSIBLE, world.name);
	lab_message(world.a, world.port, 2);
	lab_silent(world.b, world.notify);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_message_destroyed_as_too_large_does_not_fire_it)
{
	struct world world = begin();
	struct lab_buffer message;
	struct lab_msg small = {.option = MACH_RCV_MSG,
				.receive = &message,
				.receive_size = 24,
				.receive_name = world.port};

	ask(&world, world.name, MACH_NOTIFY_SEND_POSSIBLE, 0);
	lab_fill(world.b, world.name, 5, 0);
	send_notify(&world, MACH_SEND_TIMED_OUT);
	lab_is(MACH_RCV_TOO_LARGE, lab_msg(world.a, &small));
	lab_silent(world.b, world.notify);
	lab_message(world.a, world.port, 1);
	lab_notice_of(world.b, world.notify, MACH_NOTIFY_SEND_POSSIBLE, world.name);
	lab_stop(world.lab);
}
END_TEST

START_TEST(armed_requests_of_all_spaces_fire_together)
{
	enum { COUNT = 6 };
	struct world world = begin();
	struct lab_thread *threads[COUNT];
	mach_port_name_t names[COUNT], notify[COUNT], previous;

	for (unsigned i = 0; i < COUNT; i++) {
		threads[i] = lab_task(world.lab, 1000)->thread;
		names[i] = lab_pass(world.a, world.port, MAKE_SEND, threads[i]);
		notify[i] = lab_new_port(threads[i]);
	}
	lab_fill(world.b, world.name, 5, 0);
	for (unsigned i = 0; i < COUNT; i++) {
		lab_ok(lab_request_notification(threads[i], names[i], MACH_NOTIFY_SEND_POSSIBLE,
						i % 2, notify[i], MAKE_ONCE, &previous));
	}
	lab_message(world.a, world.port, 0);
	for (unsigned i = 0; i < COUNT; i++) {
		if (i % 2)
			lab_notice_of(threads[i], notify[i], MACH_NOTIFY_SEND_POSSIBLE, names[i]);
		lab_silent(threads[i], notify[i]);
	}
	lab_ok(lab_destroy(world.a, world.port));
	for (unsigned i = 0; i < COUNT; i++) {
		if (i % 2 == 0)
			lab_notice_of(threads[i], notify[i], MACH_NOTIFY_DEAD_NAME, names[i]);
		lab_silent(threads[i], notify[i]);
		lab_name_is(threads[i], names[i], DEAD_NAME, i % 2 ? 1 : 2);
	}
	lab_stop(world.lab);
}
END_TEST

START_TEST(send_possible_tells_of_death_too_and_of_a_name_that_goes)
{
	struct world world = begin();
	mach_port_name_t once = lab_pass(world.a, world.port, MAKE_ONCE, world.b);

	ask(&world, once, MACH_NOTIFY_SEND_POSSIBLE, 0);
	lab_ok(lab_deallocate(world.b, once));
	lab_notice_of(world.b, world.notify, MACH_NOTIFY_PORT_DELETED, once);
	lab_notice(world.a, world.port, MACH_NOTIFY_SEND_ONCE);
	ask(&world, world.name, MACH_NOTIFY_SEND_POSSIBLE, 0);
	lab_ok(lab_destroy(world.a, world.port));
	lab_notice_of(world.b, world.notify, MACH_NOTIFY_DEAD_NAME, world.name);
	lab_name_is(world.b, world.name, DEAD_NAME, 2);
	lab_stop(world.lab);
}
END_TEST

START_TEST(send_possible_of_a_dead_name_tells_at_once_and_adds_a_reference)
{
	struct world world = begin();
	mach_port_name_t dead = lab_new_dead_name(world.b);

	for (uint32_t sync = 0; sync < 2; sync++) {
		ask(&world, dead, MACH_NOTIFY_SEND_POSSIBLE, sync);
		lab_notice_of(world.b, world.notify, MACH_NOTIFY_DEAD_NAME, dead);
		lab_name_is(world.b, dead, DEAD_NAME, 2 + sync);
	}
	lab_ok(lab_mod_refs(world.b, dead, MACH_PORT_RIGHT_DEAD_NAME, 65530));
	for (unsigned i = 0; i < 5; i++)
		ask(&world, dead, MACH_NOTIFY_SEND_POSSIBLE, 0);
	lab_name_is(world.b, dead, DEAD_NAME, 65535);
	lab_stop(world.lab);
}
END_TEST

START_TEST(an_armed_request_that_is_given_up_fires_no_more)
{
	struct world world = begin();
	mach_port_name_t previous, other = lab_pass(world.a, world.port, MAKE_ONCE, world.b);

	lab_fill(world.b, world.name, 5, 0);
	ask(&world, world.name, MACH_NOTIFY_SEND_POSSIBLE, 1);
	lab_ok(lab_request_notification(world.b, world.name, MACH_NOTIFY_DEAD_NAME, 0, world.notify,
					MAKE_ONCE, &previous));
	lab_name_is(world.b, previous, SEND_ONCE, 1);
	lab_message(world.a, world.port, 0);
	lab_silent(world.b, world.notify);
	lab_fill(world.b, world.name, 1, 5);
	lab_ok(lab_request_notification(world.b, world.name, MACH_NOTIFY_SEND_POSSIBLE, 1,
					world.notify, MAKE_ONCE, &previous));
	lab_ok(lab_deallocate(world.b, world.name));
	lab_notice_of(world.b, world.notify, MACH_NOTIFY_PORT_DELETED, world.name);
	lab_message(world.a, world.port, 1);
	lab_silent(world.b, world.notify);
	lab_name_is(world.b, other, SEND_ONCE, 1);
	lab_stop(world.lab);
}
END_TEST

START_TEST(send_notify_arms_only_what_was_asked_for)
{
	struct world world = begin();
	mach_port_name_t previous;

	ask(&world, world.name, MACH_NOTIFY_DEAD_NAME, 0);
	lab_fill(world.b, world.name, 5, 0);
	send_notify(&world, MACH_SEND_TIMED_OUT);
	lab_message(world.a, world.port, 0);
	lab_silent(world.b, world.notify);
	lab_ok(lab_request_notification(world.b, world.name, MACH_NOTIFY_SEND_POSSIBLE, 0,
					world.notify, MAKE_ONCE, &previous));
	lab_fill(world.b, world.name, 1, 5);
	for (unsigned i = 0; i < 3; i++)
		send_notify(&world, MACH_SEND_TIMED_OUT);
	lab_audit(world.lab);
	lab_message(world.a, world.port, 1);
	lab_notice_of(world.b, world.notify, MACH_NOTIFY_SEND_POSSIBLE, world.name);
	lab_fill(world.b, world.name, 1, 6);
	send_notify(&world, MACH_SEND_TIMED_OUT); /* the slot is empty now */
	lab_message(world.a, world.port, 2);
	lab_silent(world.b, world.notify);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_name_whose_slot_was_used_up_can_ask_again)
{
	struct world world = begin();

	for (int i = 0; i < 3; i++) {
		lab_fill(world.b, world.name, (unsigned)(i ? 1 : 5), 10 * i);
		ask(&world, world.name, MACH_NOTIFY_SEND_POSSIBLE, 1);
		lab_silent(world.b, world.notify);
		ck_assert_int_eq(lab_receive_now(world.a, world.port, &(struct lab_buffer){0}), 0);
		lab_notice_of(world.b, world.notify, MACH_NOTIFY_SEND_POSSIBLE, world.name);
	}
	lab_ok(lab_deallocate(world.b, world.name)); /* the empty slot tells nobody */
	lab_silent(world.b, world.notify);
	lab_stop(world.lab);
}
END_TEST

START_TEST(an_empty_slot_tells_nobody_and_adds_no_reference_when_the_port_dies)
{
	struct world world = begin();

	lab_fill(world.b, world.name, 5, 0);
	ask(&world, world.name, MACH_NOTIFY_SEND_POSSIBLE, 1);
	lab_message(world.a, world.port, 0);
	lab_notice_of(world.b, world.notify, MACH_NOTIFY_SEND_POSSIBLE, world.name);
	lab_ok(lab_destroy(world.a, world.port));
	lab_silent(world.b, world.notify);
	lab_name_is(world.b, world.name, DEAD_NAME, 1);
	lab_stop(world.lab);
}
END_TEST

/* --- requests that are refused --- */

enum target { T_SEND, T_RECEIVE, T_ONCE, T_DEAD, T_SET, T_MISSING, T_NULL, T_INVALID };

static mach_port_name_t target(struct world *world, enum target target)
{
	mach_port_name_t name;

	switch (target) {
	case T_SEND:
		return world->name;
	case T_RECEIVE:
		return lab_new_port(world->b);
	case T_ONCE:
		return lab_pass(world->a, world->port, MAKE_ONCE, world->b);
	case T_DEAD:
		return lab_new_dead_name(world->b);
	case T_SET:
		return lab_new_set(world->b);
	case T_MISSING:
		name = lab_new_port(world->b);
		lab_ok(lab_destroy(world->b, name));
		return name;
	case T_NULL:
		return MACH_PORT_NULL;
	case T_INVALID:
		break;
	}
	return MACH_PORT_DEAD;
}

static const struct {
	uint32_t id;
	enum target target;
	uint32_t sync;
	kern_return_t code;
} requests[] = {
	{MACH_NOTIFY_NO_SENDERS, T_RECEIVE, 0, KERN_SUCCESS},
	{MACH_NOTIFY_NO_SENDERS, T_SEND, 0, KERN_INVALID_RIGHT},
	{MACH_NOTIFY_NO_SENDERS, T_ONCE, 0, KERN_INVALID_RIGHT},
	{MACH_NOTIFY_NO_SENDERS, T_SET, 0, KERN_INVALID_RIGHT},
	{MACH_NOTIFY_NO_SENDERS, T_DEAD, 0, KERN_INVALID_NAME},
	{MACH_NOTIFY_NO_SENDERS, T_MISSING, 0, KERN_INVALID_NAME},
	{MACH_NOTIFY_NO_SENDERS, T_NULL, 0, KERN_INVALID_RIGHT},
	{MACH_NOTIFY_NO_SENDERS, T_INVALID, 0, KERN_INVALID_RIGHT},
	{MACH_NOTIFY_PORT_DESTROYED, T_RECEIVE, 0, KERN_SUCCESS},
	{MACH_NOTIFY_PORT_DESTROYED, T_RECEIVE, 1, KERN_INVALID_VALUE},
	{MACH_NOTIFY_PORT_DESTROYED, T_SEND, 0, KERN_INVALID_RIGHT},
	{MACH_NOTIFY_PORT_DESTROYED, T_DEAD, 0, KERN_INVALID_NAME},
	{MACH_NOTIFY_PORT_DESTROYED, T_MISSING, 0, KERN_INVALID_NAME},
	{MACH_NOTIFY_PORT_DESTROYED, T_NULL, 0, KERN_INVALID_RIGHT},
	{MACH_NOTIFY_DEAD_NAME, T_SEND, 0, KERN_SUCCESS},
	{MACH_NOTIFY_DEAD_NAME, T_RECEIVE, 1, KERN_SUCCESS},
	{MACH_NOTIFY_DEAD_NAME, T_ONCE, 1, KERN_SUCCESS},
	{MACH_NOTIFY_DEAD_NAME, T_DEAD, 0, KERN_INVALID_ARGUMENT},
	{MACH_NOTIFY_DEAD_NAME, T_DEAD, 1, KERN_INVALID_ARGUMENT},
	{MACH_NOTIFY_DEAD_NAME, T_SET, 0, KERN_INVALID_RIGHT},
	{MACH_NOTIFY_DEAD_NAME, T_MISSING, 0, KERN_INVALID_NAME},
	{MACH_NOTIFY_DEAD_NAME, T_NULL, 0, KERN_INVALID_ARGUMENT},
	{MACH_NOTIFY_DEAD_NAME, T_INVALID, 0, KERN_INVALID_ARGUMENT},
	{MACH_NOTIFY_SEND_POSSIBLE, T_SEND, 0, KERN_SUCCESS},
	{MACH_NOTIFY_SEND_POSSIBLE, T_SET, 0, KERN_INVALID_RIGHT},
	{MACH_NOTIFY_SEND_POSSIBLE, T_MISSING, 0, KERN_INVALID_NAME},
	{MACH_NOTIFY_SEND_POSSIBLE, T_NULL, 0, KERN_INVALID_ARGUMENT},
	{MACH_NOTIFY_SEND_ONCE, T_RECEIVE, 0, KERN_INVALID_VALUE},
	{MACH_NOTIFY_PORT_DELETED, T_RECEIVE, 0, KERN_INVALID_VALUE},
	{99, T_RECEIVE, 0, KERN_INVALID_VALUE},
	{0, T_NULL, 0, KERN_INVALID_VALUE},
};

START_TEST(a_refused_request_costs_the_send_once_right)
{
	struct world world = begin();
	mach_port_name_t name = target(&world, requests[_i].target), notify = lab_new_port(world.b);
	mach_port_name_t previous;

	lab_is(requests[_i].code,
	       lab_request_notification(world.b, name, requests[_i].id, requests[_i].sync, notify,
					MAKE_ONCE, &previous));
	ck_assert_uint_eq(previous, MACH_PORT_NULL);
	if (requests[_i].code == KERN_SUCCESS)
		ck_assert_uint_eq(lab_status(world.b, notify).mps_sorights, 1);
	else
		lab_notice(world.b, notify, MACH_NOTIFY_SEND_ONCE);
	lab_stop(world.lab);
}
END_TEST

START_TEST(the_right_to_notify_is_made_or_moved_and_nothing_else)
{
	static const uint32_t bad[] = {0, 15, MOVE_RECEIVE, MOVE_SEND, COPY_SEND, MAKE_SEND, 99};
	struct world world = begin();
	mach_port_name_t once = lab_new_once(world.b, world.notify), previous;

	for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++)
		lab_is(-300, lab_request_notification(world.b, world.name, MACH_NOTIFY_DEAD_NAME, 0,
						      world.notify, bad[i], &previous));
	lab_is(KERN_INVALID_CAPABILITY,
	       lab_request_notification(world.b, world.name, MACH_NOTIFY_DEAD_NAME, 0,
					MACH_PORT_DEAD, MAKE_ONCE, &previous));
	lab_ok(lab_request_notification(world.b, world.name, MACH_NOTIFY_DEAD_NAME, 0, once,
					MOVE_ONCE, &previous));
	lab_name_is(world.b, once, NO_NAME, 0);
	lab_is(KERN_INVALID_NAME,
	       lab_request_notification(world.b, world.name, MACH_NOTIFY_DEAD_NAME, 0, once,
					MOVE_ONCE, &previous));
	lab_is(KERN_INVALID_RIGHT,
	       lab_request_notification(world.b, world.name, MACH_NOTIFY_DEAD_NAME, 0, world.name,
					MOVE_ONCE, &previous));
	lab_is(KERN_INVALID_RIGHT,
	       lab_request_notification(world.b, world.name, MACH_NOTIFY_DEAD_NAME, 0, world.name,
					MAKE_ONCE, &previous));
	lab_ok(lab_destroy(world.a, world.port));
	lab_notice_of(world.b, world.notify, MACH_NOTIFY_DEAD_NAME, world.name);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_dead_right_to_notify_is_refused_and_used_up)
{
	struct world world = begin();
	mach_port_name_t once = lab_pass(world.a, lab_new_port(world.a), MAKE_ONCE, world.b);
	struct lab_thread *c = lab_task(world.lab, 1000)->thread;
	mach_port_name_t theirs = lab_new_port(c), previous;

	lab_ok(lab_deallocate(world.b, once));
	once = lab_pass(c, theirs, MAKE_ONCE, world.b);
	lab_kill(c->task);
	lab_is(KERN_INVALID_CAPABILITY,
	       lab_request_notification(world.b, world.name, MACH_NOTIFY_DEAD_NAME, 0, once,
					MOVE_ONCE, &previous));
	lab_name_is(world.b, once, NO_NAME, 0);
	lab_stop(world.lab);
}
END_TEST

/* --- where notifications go --- */

START_TEST(notifications_pass_a_full_queue)
{
	struct world world = begin();
	mach_port_name_t full = lab_new_service(world.b), previous;

	lab_fill(world.b, full, 5, 0);
	for (unsigned i = 0; i < 3; i++) {
		mach_port_name_t once = lab_pass(world.a, world.port, MAKE_ONCE, world.b);

		lab_ok(lab_request_notification(world.b, once, MACH_NOTIFY_DEAD_NAME, 0, full,
						MAKE_ONCE, &previous));
	}
	lab_ok(lab_destroy(world.a, world.port));
	ck_assert_uint_eq(lab_status(world.b, full).mps_msgcount, 8);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_dead_notify_port_swallows_them)
{
	struct world world = begin();

	ask(&world, world.name, MACH_NOTIFY_DEAD_NAME, 0);
	lab_ok(lab_destroy(world.b, world.notify));
	lab_ok(lab_destroy(world.a, world.port));
	lab_name_is(world.b, world.name, DEAD_NAME, 2);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_notification_names_the_space_that_asked_whoever_receives_it)
{
	struct world world = begin();
	struct lab_thread *c = lab_task(world.lab, 1000)->thread;
	mach_port_name_t moved;

	ask(&world, world.name, MACH_NOTIFY_DEAD_NAME, 0);
	moved = lab_pass(world.b, world.notify, MOVE_RECEIVE, c);
	lab_ok(lab_destroy(world.a, world.port));
	lab_notice_of(c, moved, MACH_NOTIFY_DEAD_NAME, world.name);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_notification_wakes_who_waits_for_it)
{
	struct world world = begin();
	struct lab_buffer message;

	ask(&world, world.name, MACH_NOTIFY_DEAD_NAME, 0);
	lab_is(LAB_BLOCKED, lab_receive(world.b, world.notify, &message, 0, 0));
	lab_kill(world.a->task);
	lab_ok(lab_wait(world.b));
	ck_assert_int_eq(message.header.msgh_id, MACH_NOTIFY_DEAD_NAME);
	ck_assert_uint_eq(lab_notice_word(&message), world.name);
	lab_stop(world.lab);
}
END_TEST

START_TEST(the_size_of_the_request_table_is_told)
{
	struct world world = begin();
	uint32_t size, count = 1, set = 100;

	lab_ok(lab_get_attributes(world.a, world.port, MACH_PORT_DNREQUESTS_SIZE, &size, &count));
	ck_assert_uint_eq(size, 0);
	for (unsigned i = 0; i < 5; i++)
		ask(&world, lab_pass(world.a, world.port, MAKE_ONCE, world.b),
		    MACH_NOTIFY_DEAD_NAME, 0);
	lab_ok(lab_get_attributes(world.a, world.port, MACH_PORT_DNREQUESTS_SIZE, &size, &count));
	ck_assert_uint_ge(size, 5);
	lab_ok(lab_set_attributes(world.a, world.port, MACH_PORT_DNREQUESTS_SIZE, &set, 1));
	lab_stop(world.lab);
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_test(tcase, armed_send_possible_fires_at_once_where_there_is_room);
	tcase_add_test(tcase, armed_send_possible_waits_for_the_next_receive_if_the_queue_is_full);
	tcase_add_test(tcase, a_receive_fires_it_even_if_the_queue_stays_full);
	tcase_add_test(tcase, delayed_send_possible_must_be_armed_by_a_send_that_finds_no_room);
	tcase_add_test(tcase, a_message_destroyed_as_too_large_does_not_fire_it);
	tcase_add_test(tcase, armed_requests_of_all_spaces_fire_together);
	tcase_add_test(tcase, send_possible_tells_of_death_too_and_of_a_name_that_goes);
	tcase_add_test(tcase, send_possible_of_a_dead_name_tells_at_once_and_adds_a_reference);
	tcase_add_test(tcase, an_armed_request_that_is_given_up_fires_no_more);
	tcase_add_test(tcase, send_notify_arms_only_what_was_asked_for);
	tcase_add_test(tcase, a_name_whose_slot_was_used_up_can_ask_again);
	tcase_add_test(tcase, an_empty_slot_tells_nobody_and_adds_no_reference_when_the_port_dies);
	tcase_add_loop_test(tcase, a_refused_request_costs_the_send_once_right, 0,
			    sizeof requests / sizeof *requests);
	tcase_add_test(tcase, the_right_to_notify_is_made_or_moved_and_nothing_else);
	tcase_add_test(tcase, a_dead_right_to_notify_is_refused_and_used_up);
	tcase_add_test(tcase, notifications_pass_a_full_queue);
	tcase_add_test(tcase, a_dead_notify_port_swallows_them);
	tcase_add_test(tcase, a_notification_names_the_space_that_asked_whoever_receives_it);
	tcase_add_test(tcase, a_notification_wakes_who_waits_for_it);
	tcase_add_test(tcase, the_size_of_the_request_table_is_told);
}

int main(void)
{
	return lab_run("ipc_request", add_tests);
}
