/* SPDX-License-Identifier: Apache-2.0 */
/* The death of ports and of tasks: who is told, in which order, and what is left [15]. */
#include "tests/lab/lab_expect.h"

struct world {
	struct lab *lab;
	struct lab_thread *a, *b;
	mach_port_name_t watch; /* of b: all notices come here, so that their order can be seen */
};

static struct world begin(void)
{
	struct world world = {.lab = lab_start(NULL)};

	world.a = lab_task(world.lab, 1000)->thread;
	world.b = lab_task(world.lab, 1000)->thread;
	world.watch = lab_new_port(world.b);
	return world;
}

/* b's port of notices as a send-once right of a's. */
static mach_port_name_t watch_right(struct world *world)
{
	return lab_pass(world->b, world->watch, MAKE_ONCE, world->a);
}

/* A request of a's whose notice goes to b. */
static void ask(struct world *world, mach_port_name_t name, uint32_t id, uint32_t sync)
{
	mach_port_name_t previous;

	lab_ok(lab_request_notification(world->a, name, id, sync, watch_right(world), MOVE_ONCE,
					&previous));
}

static void ask_in_b(struct world *world, mach_port_name_t name)
{
	mach_port_name_t previous;

	lab_ok(lab_request_notification(world->b, name, MACH_NOTIFY_DEAD_NAME, 0, world->watch,
					MAKE_ONCE, &previous));
}

START_TEST(a_dying_port_speaks_in_order)
{
	struct world world = begin();
	mach_port_name_t port = lab_new_port(world.a), names[3];
	struct lab_buffer message;

	for (unsigned i = 0; i < 3; i++) {
		names[i] = lab_pass(world.a, port, MAKE_ONCE, world.b);
		ask_in_b(&world, names[i]);
	}
	ask(&world, port, MACH_NOTIFY_NO_SENDERS, 9);
	ask(&world, port, MACH_NOTIFY_DEAD_NAME, 0);
	for (int i = 0; i < 2; i++) {
		lab_compose(&message, port, MAKE_SEND, watch_right(&world), MOVE_ONCE, i);
		lab_ok(lab_send_now(world.a, &message));
	}
	lab_ok(lab_destroy(world.a, port));
	/* the messages of its queue, its no-senders request, its requests, the name itself */
	lab_notice(world.b, world.watch, MACH_NOTIFY_SEND_ONCE);
	lab_notice(world.b, world.watch, MACH_NOTIFY_SEND_ONCE);
	lab_notice(world.b, world.watch, MACH_NOTIFY_SEND_ONCE);
	for (unsigned i = 0; i < 3; i++)
		lab_notice_of(world.b, world.watch, MACH_NOTIFY_DEAD_NAME, names[i]);
	lab_notice_of(world.b, world.watch, MACH_NOTIFY_PORT_DELETED, port);
	lab_silent(world.b, world.watch);
	lab_stop(world.lab);
}
END_TEST

START_TEST(receivers_and_senders_are_woken_before_anybody_is_told)
{
	struct world world = begin();
	mach_port_name_t port = lab_new_service(world.a);
	mach_port_name_t set = lab_new_set(world.a),
			 name = lab_pass(world.a, port, COPY_SEND, world.b);
	struct lab_thread *receiver = lab_thread(world.a->task),
			  *on_set = lab_thread(world.a->task);
	struct lab_buffer message, other;
	struct lab_buffer blocked = lab_to(name, 1);

	lab_ok(lab_insert_member(world.a, port, set));
	lab_is(LAB_BLOCKED, lab_receive(receiver, port, &message, 0, 0));
	lab_is(LAB_BLOCKED, lab_receive(on_set, set, &other, MACH_RCV_TIMEOUT, 10));
	lab_set_qlimit(world.a, port, 0);
	lab_is(LAB_BLOCKED, lab_send(world.b, &blocked, 0, 0));
	lab_ok(lab_destroy(world.a, port));
	lab_is(MACH_RCV_PORT_CHANGED, lab_wait(receiver));
	lab_ok(lab_wait(world.b));
	lab_is(LAB_BLOCKED, lab_wait(on_set)); /* the set is still there */
	lab_advance(world.lab, 10);
	lab_is(MACH_RCV_TIMED_OUT, lab_wait(on_set));
	lab_stop(world.lab);
}
END_TEST

START_TEST(losing_the_receive_right_leaves_a_dead_name_with_the_same_references)
{
	struct world world = begin();
	mach_port_name_t port = lab_new_service(world.a);
	mach_port_name_t theirs = lab_pass(world.a, port, COPY_SEND, world.b);

	lab_ok(lab_mod_refs(world.a, port, MACH_PORT_RIGHT_SEND, 2));
	lab_ok(lab_mod_refs(world.a, port, MACH_PORT_RIGHT_RECEIVE, -1));
	lab_name_is(world.a, port, DEAD_NAME, 3);
	lab_name_is(world.b, theirs, DEAD_NAME, 1);
	lab_is(KERN_INVALID_NAME, lab_set_seqno(world.a, port, 1));
	lab_stop(world.lab);
}
END_TEST

START_TEST(with_port_destroyed_asked_for_the_send_right_lives_on)
{
	struct world world = begin();
	mach_port_name_t port = lab_new_service(world.a), saved;

	lab_ok(lab_mod_refs(world.a, port, MACH_PORT_RIGHT_SEND, 2));
	ask(&world, port, MACH_NOTIFY_PORT_DESTROYED, 0);
	lab_ok(lab_mod_refs(world.a, port, MACH_PORT_RIGHT_RECEIVE, -1));
	lab_name_is(world.a, port, SEND, 3);
	saved = lab_notice(world.b, world.watch, MACH_NOTIFY_PORT_DESTROYED);
	lab_fill(world.a, port, 1, 8);
	lab_message(world.b, saved, 8);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_chain_is_destroyed_down_to_the_port_that_somebody_asked_for)
{
	enum { LENGTH = 9, SAVED = 4 };
	struct world world = begin();
	mach_port_name_t ports[LENGTH], saved;

	for (unsigned i = 0; i < LENGTH; i++)
		ports[i] = lab_new_service(world.a);
	ask(&world, ports[SAVED], MACH_NOTIFY_PORT_DESTROYED, 0);
	for (unsigned i = 0; i + 1 < LENGTH; i++) {
		struct lab_buffer message = lab_to(ports[i + 1], (int32_t)i);

		lab_add_port(&message, ports[i], MOVE_RECEIVE);
		lab_ok(lab_send_now(world.a, &message));
	}
	lab_ok(lab_mod_refs(world.a, ports[LENGTH - 1], MACH_PORT_RIGHT_RECEIVE, -1));
	for (unsigned i = 0; i < LENGTH; i++)
		lab_name_is(world.a, ports[i], i > SAVED ? DEAD_NAME : SEND, 1);
	saved = lab_notice(world.b, world.watch, MACH_NOTIFY_PORT_DESTROYED);
	for (unsigned i = SAVED; i > 0; i--) {
		struct lab_buffer message = lab_message(world.b, saved, (int32_t)i - 1);

		saved = lab_port(&message, 0).name;
	}
	lab_fill(world.a, ports[0], 1, 77);
	lab_message(world.b, saved, 77);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_destination_that_travels_in_its_own_message_dies_for_all)
{
	struct world world = begin();
	mach_port_name_t port = lab_new_service(world.a);
	mach_port_name_t theirs = lab_pass(world.a, port, COPY_SEND, world.b);
	struct lab_buffer message = lab_to(port, 1);

	lab_add_port(&message, port, MOVE_RECEIVE);
	lab_ok(lab_send_now(world.a, &message));
	lab_name_is(world.a, port, DEAD_NAME, 1);
	lab_name_is(world.b, theirs, DEAD_NAME, 1);
	lab_stop(world.lab);
}
END_TEST

/* --- tasks --- */

START_TEST(a_killed_task_gives_everything_up)
{
	struct world world = begin();
	struct lab_thread *c = lab_task(world.lab, 1000)->thread;
	mach_port_name_t port = lab_new_port(world.a), plain = lab_new_port(c);
	mach_port_name_t send = lab_pass(world.a, port, MAKE_SEND, c), previous;
	mach_port_name_t ours = lab_pass(c, plain, MAKE_SEND, world.b);

	lab_new_dead_name(c);
	lab_ok(lab_insert_member(c, plain, lab_new_set(c)));
	ask(&world, port, MACH_NOTIFY_NO_SENDERS, 1);
	ask_in_b(&world, ours);
	for (unsigned i = 0; i < 3; i++)
		lab_pass(world.b, world.watch, MAKE_ONCE, c);
	lab_ok(lab_request_notification(c, send, MACH_NOTIFY_DEAD_NAME, 0,
					lab_pass(world.b, world.watch, MAKE_ONCE, c), MOVE_ONCE,
					&previous));
	lab_kill(c->task);
	for (unsigned i = 0; i < 6; i++) {
		struct lab_buffer message = {0};

		lab_ok(lab_receive_now(world.b, world.watch, &message));
		switch (message.header.msgh_id) {
		case MACH_NOTIFY_SEND_ONCE:
			previous += 1;
			break;
		case MACH_NOTIFY_NO_SENDERS:
			previous += 10;
			break;
		case MACH_NOTIFY_DEAD_NAME:
			ck_assert_uint_eq(lab_notice_word(&message), ours);
			previous += 100;
			break;
		case MACH_NOTIFY_PORT_DELETED:
			ck_assert_uint_eq(lab_notice_word(&message), send);
			previous += 1000;
			break;
		default:
			ck_abort_msg("message %d", message.header.msgh_id);
		}
	}
	ck_assert_uint_eq(previous, 1113);
	lab_silent(world.b, world.watch);
	lab_name_is(world.b, ours, DEAD_NAME, 2);
	ck_assert_uint_eq(lab_srights(world.a, port), 0);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_request_on_a_port_that_died_unnoticed_does_not_outlive_its_task)
{
	struct world world = begin();
	mach_port_name_t port = lab_new_port(world.a);
	struct lab_thread *c = lab_task(world.lab, 1000)->thread;
	mach_port_name_t send = lab_pass(world.a, port, MAKE_SEND, c), previous;
	mach_port_name_t once = lab_pass(world.a, port, MAKE_ONCE, c);

	lab_ok(lab_request_notification(c, send, MACH_NOTIFY_DEAD_NAME, 0, lab_new_port(c),
					MAKE_ONCE, &previous));
	lab_ok(lab_request_notification(c, once, MACH_NOTIFY_DEAD_NAME, 0, lab_new_port(c),
					MAKE_ONCE, &previous));
	lab_ok(lab_destroy(world.a, port));
	lab_kill(c->task);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_task_lives_as_long_as_one_of_its_threads)
{
	struct world world = begin();
	mach_port_name_t port = lab_new_port(world.a);
	mach_port_name_t theirs = lab_pass(world.a, port, MAKE_SEND, world.b);
	struct lab_thread *second = lab_thread(world.a->task), *third;

	lab_close(world.a);
	lab_name_is(world.b, theirs, SEND, 1);
	lab_fill(world.b, theirs, 1, 3);
	lab_message(second, port, 3);
	third = lab_thread(second->task);
	lab_close(second);
	lab_name_is(third, port, RECEIVE, 0);
	lab_close(third);
	lab_name_is(world.b, theirs, DEAD_NAME, 1);
	lab_stop(world.lab);
}
END_TEST

START_TEST(messages_on_their_way_to_a_killed_task_are_destroyed)
{
	struct world world = begin();
	mach_port_name_t port = lab_new_port(world.a), moved = lab_new_port(world.b);
	mach_port_name_t way = lab_pass(world.a, port, MAKE_SEND, world.b);
	mach_port_name_t kept = lab_pass(world.b, moved, MAKE_SEND, world.b);
	struct lab_buffer message;
	struct lab_msg msg = {
		.option = MACH_SEND_MSG, .send = &message, .send_size = 80, .inline_size = 40};

	ck_assert_uint_eq(kept, moved);
	lab_compose(&message, way, COPY_SEND, world.watch, MAKE_ONCE, 1);
	lab_add_port(&message, moved, MOVE_RECEIVE);
	lab_ok(lab_msg(world.b, &msg));
	lab_kill(world.a->task);
	lab_notice(world.b, world.watch, MACH_NOTIFY_SEND_ONCE);
	lab_name_is(world.b, moved, DEAD_NAME, 1);
	ck_assert_uint_eq(world.lab->fds[1], LAB_FD_RELEASED);
	lab_stop(world.lab);
}
END_TEST

START_TEST(two_tasks_that_hold_each_others_rights_die_in_any_order)
{
	for (unsigned order = 0; order < 2; order++) {
		struct world world = begin();
		mach_port_name_t p = lab_new_port(world.a), q = lab_new_port(world.b), previous;
		mach_port_name_t to_q = lab_pass(world.b, q, MAKE_SEND, world.a);
		mach_port_name_t to_p = lab_pass(world.a, p, MAKE_SEND, world.b);
		struct lab_task *first = order ? world.a->task : world.b->task;
		struct lab_task *second = order ? world.b->task : world.a->task;

		lab_ok(lab_request_notification(world.a, to_q, MACH_NOTIFY_DEAD_NAME, 0, p,
						MAKE_ONCE, &previous));
		lab_ok(lab_request_notification(world.b, to_p, MACH_NOTIFY_DEAD_NAME, 0, q,
						MAKE_ONCE, &previous));
		lab_fill(world.a, to_q, 3, 0);
		lab_fill(world.b, to_p, 3, 0);
		lab_kill(first);
		lab_kill(second);
		lab_stop(world.lab);
	}
}
END_TEST

START_TEST(a_task_port_dies_with_its_task)
{
	struct world world = begin();
	mach_port_name_t name = lab_pass_task(world.a, world.b), port;
	struct mach_port_allocate_in in = {MACH_PORT_RIGHT_RECEIVE};
	struct mach_port_allocate_out out;

	lab_ok(lab_call(world.b, MACHD_ROUTINE_mach_port_allocate, name, &in, sizeof in, &out,
			sizeof out, NULL));
	lab_name_is(world.a, out.name, RECEIVE, 0);
	port = lab_new_port(world.b);
	ask_in_b(&world, name);
	lab_kill(world.a->task);
	lab_notice_of(world.b, world.watch, MACH_NOTIFY_DEAD_NAME, name);
	lab_is(MACH_SEND_INVALID_DEST, lab_call(world.b, MACHD_ROUTINE_mach_port_allocate, name,
						&in, sizeof in, &out, sizeof out, NULL));
	lab_name_is(world.b, port, RECEIVE, 0);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_machine_stops_with_everything_still_in_it)
{
	struct world world = begin();
	mach_port_name_t port = lab_new_service(world.a), reply = lab_new_port(world.b);
	mach_port_name_t name = lab_pass(world.a, port, COPY_SEND, world.b);
	struct lab_thread *waits = lab_thread(world.a->task), *blocked = lab_thread(world.b->task);
	struct lab_buffer message, other;
	mach_port_name_t service;

	lab_ok(lab_check_in(world.a, "stays", &service));
	ask(&world, port, MACH_NOTIFY_NO_SENDERS, 1);
	ask_in_b(&world, name);
	lab_fill(world.b, name, 5, 0);
	lab_is(LAB_BLOCKED, lab_receive(waits, service, &other, MACH_RCV_TIMEOUT, 9));
	lab_compose(&message, name, COPY_SEND, reply, MAKE_ONCE, 3);
	lab_is(LAB_BLOCKED, lab_send(blocked, &message, MACH_SEND_TIMEOUT, 9));
	lab_ok(lab_insert_member(world.a, port, lab_new_set(world.a)));
	ck_assert_ptr_nonnull(lab_connect(world.lab, 5, 5));
	ck_assert_ptr_nonnull(lab_watcher(world.lab, 5));
	lab_stop_at_once(world.lab);
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_test(tcase, a_dying_port_speaks_in_order);
	tcase_add_test(tcase, receivers_and_senders_are_woken_before_anybody_is_told);
	tcase_add_test(tcase, losing_the_receive_right_leaves_a_dead_name_with_the_same_references);
	tcase_add_test(tcase, with_port_destroyed_asked_for_the_send_right_lives_on);
	tcase_add_test(tcase, a_chain_is_destroyed_down_to_the_port_that_somebody_asked_for);
	tcase_add_test(tcase, a_destination_that_travels_in_its_own_message_dies_for_all);
	tcase_add_test(tcase, a_killed_task_gives_everything_up);
	tcase_add_test(tcase, a_request_on_a_port_that_died_unnoticed_does_not_outlive_its_task);
	tcase_add_test(tcase, a_task_lives_as_long_as_one_of_its_threads);
	tcase_add_test(tcase, messages_on_their_way_to_a_killed_task_are_destroyed);
	tcase_add_test(tcase, two_tasks_that_hold_each_others_rights_die_in_any_order);
	tcase_add_test(tcase, a_task_port_dies_with_its_task);
	tcase_add_test(tcase, a_machine_stops_with_everything_still_in_it);
}

int main(void)
{
	return lab_run("ipc_death", add_tests);
}
