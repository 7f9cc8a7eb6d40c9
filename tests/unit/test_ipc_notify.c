/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Notifications: when each kind is sent, to whom, what it says, and what becomes of a request whose
 * name or port goes away first [14].
 */
#include "tests/lab/lab_expect.h"

struct world {
	struct lab *lab;
	struct lab_thread *a, *b;
	mach_port_name_t port;	  /* of a */
	mach_port_name_t name;	  /* b's send right to it */
	mach_port_name_t notify;  /* of b */
	mach_port_name_t anotify; /* of a */
};

static struct world begin(void)
{
	struct world world = {.lab = lab_start(NULL)};

	world.a = lab_task(world.lab, 1000)->thread;
	world.b = lab_task(world.lab, 1000)->thread;
	world.port = lab_new_port(world.a);
	world.name = lab_pass(world.a, world.port, MAKE_SEND, world.b);
	world.notify = lab_new_port(world.b);
	world.anotify = lab_new_port(world.a);
	return world;
}

/* Ask for a notification; returns the name of the right that was replaced. */
static mach_port_name_t ask(struct lab_thread *thread, mach_port_name_t name, uint32_t id,
			    uint32_t sync, mach_port_name_t notify)
{
	mach_port_name_t previous;

	lab_ok(lab_request_notification(thread, name, id, sync, notify, MAKE_ONCE, &previous));
	return previous;
}

static void ask_nothing_before(struct lab_thread *thread, mach_port_name_t name, uint32_t id,
			       uint32_t sync, mach_port_name_t notify)
{
	ck_assert_uint_eq(ask(thread, name, id, sync, notify), MACH_PORT_NULL);
}

static bool requested(struct lab_thread *thread, mach_port_name_t name)
{
	uint32_t type;

	lab_ok(lab_type(thread, name, &type));
	return type & MACH_PORT_TYPE_DNREQUEST;
}

/* --- no senders --- */

START_TEST(no_senders_fires_at_once_if_there_are_none)
{
	struct world world = begin();

	lab_ok(lab_deallocate(world.b, world.name));
	ask_nothing_before(world.a, world.port, MACH_NOTIFY_NO_SENDERS, 0, world.anotify);
	lab_notice_of(world.a, world.anotify, MACH_NOTIFY_NO_SENDERS, 1);
	ck_assert(!lab_status(world.a, world.port).mps_nsrequest);
	ask_nothing_before(world.a, world.port, MACH_NOTIFY_NO_SENDERS, 1, world.anotify);
	lab_notice_of(world.a, world.anotify, MACH_NOTIFY_NO_SENDERS, 1);
	lab_stop(world.lab);
}
END_TEST

START_TEST(no_senders_waits_for_a_make_send_count)
{
	struct world world = begin();
	mach_port_name_t port = lab_new_port(world.a);

	ask_nothing_before(world.a, port, MACH_NOTIFY_NO_SENDERS, 1, world.anotify);
	lab_silent(world.a, world.anotify);
	ck_assert(lab_status(world.a, port).mps_nsrequest);
	lab_ok(lab_insert_right(world.a, port, port, MAKE_SEND));
	lab_silent(world.a, world.anotify);
	lab_ok(lab_deallocate(world.a, port));
	lab_notice_of(world.a, world.anotify, MACH_NOTIFY_NO_SENDERS, 1);
	lab_stop(world.lab);
}
END_TEST

/* The ways in which the last send right may go. */
static void last_sender_goes(struct world *world, unsigned way)
{
	struct lab_buffer message;

	switch (way) {
	case 0:
		lab_ok(lab_deallocate(world->b, world->name));
		return;
	case 1:
		lab_ok(lab_mod_refs(world->b, world->name, MACH_PORT_RIGHT_SEND, -1));
		return;
	case 2:
		lab_ok(lab_destroy(world->b, world->name));
		return;
	case 3:
		lab_kill(world->b->task);
		return;
	case 4: /* in a message that is destroyed */
		message = lab_to(world->b->task->host, 1);
		lab_add_port(&message, world->name, MOVE_SEND);
		lab_ok(lab_send_now(world->b, &message));
		return;
	case 5: /* moved as a destination, and the message received */
		lab_compose(&message, world->name, MOVE_SEND, NOBODY, 0, 1);
		lab_ok(lab_send_now(world->b, &message));
		lab_silent(world->a, world->anotify);
		lab_message(world->a, world->port, 1);
		return;
	default: /* home to the receiver, who then drops it */
		ck_assert_uint_eq(lab_pass(world->b, world->name, MOVE_SEND, world->a),
				  world->port);
		lab_silent(world->a, world->anotify);
		lab_ok(lab_deallocate(world->a, world->port));
		return;
	}
}

START_TEST(no_senders_fires_when_the_last_send_right_goes)
{
	struct world world = begin();

	ask_nothing_before(world.a, world.port, MACH_NOTIFY_NO_SENDERS, 1, world.anotify);
	last_sender_goes(&world, (unsigned)_i);
	lab_notice_of(world.a, world.anotify, MACH_NOTIFY_NO_SENDERS, 1);
	ck_assert(!lab_status(world.a, world.port).mps_nsrequest);
	lab_silent(world.a, world.anotify);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_queued_message_counts_as_a_sender)
{
	struct world world = begin();

	ask_nothing_before(world.a, world.port, MACH_NOTIFY_NO_SENDERS, 1, world.anotify);
	lab_fill(world.b, world.name, 2, 7);
	lab_ok(lab_deallocate(world.b, world.name));
	lab_message(world.a, world.port, 7);
	lab_silent(world.a, world.anotify);
	lab_message(world.a, world.port, 8);
	lab_notice_of(world.a, world.anotify, MACH_NOTIFY_NO_SENDERS, 1);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_right_in_an_unreceived_body_counts_as_a_sender)
{
	struct world world = begin();
	mach_port_name_t other = lab_new_service(world.b);
	struct lab_buffer message = lab_to(other, 1);

	ask_nothing_before(world.a, world.port, MACH_NOTIFY_NO_SENDERS, 1, world.anotify);
	lab_add_port(&message, world.name, MOVE_SEND);
	lab_ok(lab_send_now(world.b, &message));
	lab_name_is(world.b, world.name, NO_NAME, 0);
	lab_silent(world.a, world.anotify);
	lab_ok(lab_destroy(world.b, other));
	lab_notice_of(world.a, world.anotify, MACH_NOTIFY_NO_SENDERS, 1);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_no_senders_request_is_replaced_and_cancelled)
{
	struct world world = begin();
	mach_port_name_t first, second;

	ask_nothing_before(world.a, world.port, MACH_NOTIFY_NO_SENDERS, 1, world.anotify);
	first = ask(world.a, world.port, MACH_NOTIFY_NO_SENDERS, 1, world.anotify);
	lab_name_is(world.a, first, SEND_ONCE, 1);
	second = ask(world.a, world.port, MACH_NOTIFY_NO_SENDERS, 1, MACH_PORT_NULL);
	lab_name_is(world.a, second, SEND_ONCE, 1);
	ck_assert_uint_ne(first, second);
	lab_ok(lab_deallocate(world.b, world.name));
	lab_silent(world.a, world.anotify);
	lab_ok(lab_deallocate(world.a, first));
	lab_notice(world.a, world.anotify, MACH_NOTIFY_SEND_ONCE);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_no_senders_request_moves_with_the_receive_right)
{
	struct world world = begin();
	struct lab_thread *c = lab_task(world.lab, 1000)->thread;
	mach_port_name_t moved;

	ask_nothing_before(world.a, world.port, MACH_NOTIFY_NO_SENDERS, 1, world.anotify);
	moved = lab_pass(world.a, world.port, MOVE_RECEIVE, c);
	ck_assert(lab_status(c, moved).mps_nsrequest);
	lab_ok(lab_deallocate(world.b, world.name));
	lab_notice_of(world.a, world.anotify, MACH_NOTIFY_NO_SENDERS, 0); /* counted anew */
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_port_that_dies_with_the_request_sends_send_once)
{
	struct world world = begin();

	ask_nothing_before(world.a, world.port, MACH_NOTIFY_NO_SENDERS, 1, world.anotify);
	lab_ok(lab_mod_refs(world.a, world.port, MACH_PORT_RIGHT_RECEIVE, -1));
	lab_notice(world.a, world.anotify, MACH_NOTIFY_SEND_ONCE);
	lab_stop(world.lab);
}
END_TEST

START_TEST(destroying_the_name_drops_the_last_sender_first)
{
	struct world world = begin();
	mach_port_name_t port = lab_new_service(world.a);

	ask_nothing_before(world.a, port, MACH_NOTIFY_NO_SENDERS, 1, world.anotify);
	lab_ok(lab_destroy(world.a, port));
	lab_notice_of(world.a, world.anotify, MACH_NOTIFY_NO_SENDERS, 1);
	lab_silent(world.a, world.anotify);
	port = lab_new_service(world.a);
	ask_nothing_before(world.a, port, MACH_NOTIFY_NO_SENDERS, 1, world.anotify);
	lab_ok(lab_mod_refs(world.a, port, MACH_PORT_RIGHT_RECEIVE, -1));
	lab_notice(world.a, world.anotify, MACH_NOTIFY_SEND_ONCE);
	lab_name_is(world.a, port, DEAD_NAME, 1);
	lab_stop(world.lab);
}
END_TEST

/* --- port destroyed --- */

START_TEST(port_destroyed_is_asked_for_once_and_never_cancelled)
{
	struct world world = begin();
	mach_port_name_t previous;

	lab_is(KERN_INVALID_VALUE,
	       lab_request_notification(world.a, world.port, MACH_NOTIFY_PORT_DESTROYED, 1,
					world.anotify, MAKE_ONCE, &previous));
	lab_notice(world.a, world.anotify, MACH_NOTIFY_SEND_ONCE);
	ask_nothing_before(world.a, world.port, MACH_NOTIFY_PORT_DESTROYED, 0, world.anotify);
	ck_assert(lab_status(world.a, world.port).mps_pdrequest);
	lab_is(KERN_FAILURE,
	       lab_request_notification(world.a, world.port, MACH_NOTIFY_PORT_DESTROYED, 0,
					world.anotify, MAKE_ONCE, &previous));
	lab_notice(world.a, world.anotify, MACH_NOTIFY_SEND_ONCE);
	lab_is(KERN_FAILURE,
	       lab_request_notification(world.a, world.port, MACH_NOTIFY_PORT_DESTROYED, 0,
					MACH_PORT_NULL, MAKE_ONCE, &previous));
	lab_stop(world.lab);
}
END_TEST

/* The ways in which a receive right may be destroyed. */
static void receive_right_goes(struct world *world, unsigned way)
{
	struct lab_buffer message;

	switch (way) {
	case 0:
		lab_ok(lab_destroy(world->a, world->port));
		return;
	case 1:
		lab_ok(lab_mod_refs(world->a, world->port, MACH_PORT_RIGHT_RECEIVE, -1));
		return;
	case 2:
		lab_kill(world->a->task);
		return;
	default:
		message = lab_to(world->a->task->host, 1);
		lab_add_port(&message, world->port, MOVE_RECEIVE);
		lab_ok(lab_send_now(world->a, &message));
		return;
	}
}

START_TEST(a_port_that_somebody_asked_for_does_not_die)
{
	struct world world = begin();
	mach_port_name_t once, saved;
	struct lab_buffer message;

	/* b's request on a's port: by a right that b gave to a */
	once = lab_pass(world.b, world.notify, MAKE_ONCE, world.a);
	lab_ok(lab_request_notification(world.a, world.port, MACH_NOTIFY_PORT_DESTROYED, 0, once,
					MOVE_ONCE, &saved));
	lab_ok(lab_set_context(world.a, world.port, 5));
	lab_fill(world.b, world.name, 3, 60);
	lab_message(world.a, world.port, 60);
	receive_right_goes(&world, (unsigned)_i);
	lab_fill(world.b, world.name, 1, 63);
	saved = lab_notice(world.b, world.notify, MACH_NOTIFY_PORT_DESTROYED);
	ck_assert_uint_eq(saved, world.name);
	lab_name_is(world.b, saved, SEND_RECEIVE, 1);
	ck_assert_uint_eq(lab_status(world.b, saved).mps_mscount, 0);
	ck_assert(!lab_status(world.b, saved).mps_pdrequest);
	message = lab_message(world.b, saved, 61);
	ck_assert_uint_eq(lab_trailer(&message).msgh_seqno, 0);
	ck_assert_uint_eq(lab_trailer(&message).msgh_context, 0);
	lab_message(world.b, saved, 62);
	lab_message(world.b, saved, 63);
	lab_ok(lab_mod_refs(world.b, saved, MACH_PORT_RIGHT_RECEIVE, -1));
	lab_name_is(world.b, saved, DEAD_NAME, 1);
	lab_silent(world.b, world.notify);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_port_that_asked_for_itself_dies)
{
	struct world world = begin();

	ask_nothing_before(world.a, world.port, MACH_NOTIFY_PORT_DESTROYED, 0, world.port);
	lab_ok(lab_destroy(world.a, world.port));
	lab_name_is(world.b, world.name, DEAD_NAME, 1);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_port_whose_rescuer_waits_in_its_own_queue_dies_with_it)
{
	struct world world = begin();
	mach_port_name_t saver = lab_new_service(world.a);
	struct lab_buffer message;

	ask_nothing_before(world.a, world.port, MACH_NOTIFY_PORT_DESTROYED, 0, saver);
	lab_compose(&message, world.port, MAKE_SEND, world.anotify, MAKE_ONCE, 1);
	lab_add_port(&message, saver, MOVE_RECEIVE);
	lab_ok(lab_send_now(world.a, &message));
	lab_ok(lab_destroy(world.a, world.port));
	lab_name_is(world.b, world.name, DEAD_NAME, 1);
	lab_name_is(world.a, saver, DEAD_NAME, 1);
	lab_notice(world.a, world.anotify, MACH_NOTIFY_SEND_ONCE);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_port_whose_rescuer_has_no_room_for_the_message_dies)
{
	struct world world = begin();
	struct lab_thread *waits = lab_thread(world.a->task);
	struct lab_buffer message;
	struct lab_msg small = {.option = MACH_RCV_MSG,
				.receive = &message,
				.receive_size = 40,
				.receive_name = world.anotify};

	ask_nothing_before(world.a, world.port, MACH_NOTIFY_PORT_DESTROYED, 0, world.anotify);
	lab_is(LAB_BLOCKED, lab_msg(waits, &small));
	lab_ok(lab_destroy(world.a, world.port));
	lab_is(MACH_RCV_TOO_LARGE, lab_wait(waits));
	lab_name_is(world.b, world.name, DEAD_NAME, 1);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_port_whose_rescuer_is_dead_dies)
{
	struct world world = begin();

	lab_ok(lab_insert_right(world.a, world.port, world.port, MAKE_SEND));
	ask_nothing_before(world.a, world.port, MACH_NOTIFY_PORT_DESTROYED, 0, world.anotify);
	lab_ok(lab_destroy(world.a, world.anotify));
	lab_ok(lab_mod_refs(world.a, world.port, MACH_PORT_RIGHT_RECEIVE, -1));
	lab_name_is(world.a, world.port, DEAD_NAME, 1);
	lab_name_is(world.b, world.name, DEAD_NAME, 1);
	lab_stop(world.lab);
}
END_TEST

/* --- dead name --- */

START_TEST(a_dead_name_notification_adds_a_reference)
{
	struct world world = begin();

	lab_ok(lab_mod_refs(world.b, world.name, MACH_PORT_RIGHT_SEND, 2));
	ask_nothing_before(world.b, world.name, MACH_NOTIFY_DEAD_NAME, 0, world.notify);
	ck_assert(requested(world.b, world.name));
	lab_ok(lab_destroy(world.a, world.port));
	lab_notice_of(world.b, world.notify, MACH_NOTIFY_DEAD_NAME, world.name);
	lab_name_is(world.b, world.name, DEAD_NAME, 4);
	ck_assert(!requested(world.b, world.name));
	lab_silent(world.b, world.notify);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_dead_send_once_right_with_a_request_has_two_references)
{
	struct world world = begin();
	mach_port_name_t once = lab_pass(world.a, world.port, MAKE_ONCE, world.b);
	struct lab_buffer message;

	ask_nothing_before(world.b, once, MACH_NOTIFY_DEAD_NAME, 0, world.notify);
	lab_ok(lab_destroy(world.a, world.port));
	lab_compose(&message, once, MOVE_ONCE, NOBODY, 0, 1);
	lab_is(MACH_SEND_INVALID_DEST, lab_send_now(world.b, &message));
	lab_name_is(world.b, once, DEAD_NAME, 2);
	lab_notice_of(world.b, world.notify, MACH_NOTIFY_DEAD_NAME, once);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_dead_send_once_right_without_a_request_takes_one_last_message)
{
	struct world world = begin();
	mach_port_name_t once = lab_pass(world.a, world.port, MAKE_ONCE, world.b);
	struct lab_buffer message;

	lab_ok(lab_destroy(world.a, world.port));
	lab_compose(&message, once, MOVE_ONCE, world.notify, MAKE_ONCE, 1);
	lab_ok(lab_send_now(world.b, &message));
	lab_name_is(world.b, once, NO_NAME, 0);
	lab_notice(world.b, world.notify, MACH_NOTIFY_SEND_ONCE);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_dead_send_once_right_that_was_looked_at_takes_none)
{
	struct world world = begin();
	mach_port_name_t once = lab_pass(world.a, world.port, MAKE_ONCE, world.b);
	struct lab_buffer message;

	lab_ok(lab_destroy(world.a, world.port));
	lab_name_is(world.b, once, DEAD_NAME, 1);
	lab_compose(&message, once, MOVE_ONCE, NOBODY, 0, 1);
	lab_is(MACH_SEND_INVALID_DEST, lab_send_now(world.b, &message));
	lab_name_is(world.b, once, DEAD_NAME, 1);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_request_on_a_receive_right_fires_too)
{
	struct world world = begin();

	ask_nothing_before(world.a, world.port, MACH_NOTIFY_DEAD_NAME, 0, world.anotify);
	lab_ok(lab_insert_right(world.a, world.port, world.port, MAKE_SEND));
	lab_ok(lab_mod_refs(world.a, world.port, MACH_PORT_RIGHT_SEND, 2));
	lab_ok(lab_mod_refs(world.a, world.port, MACH_PORT_RIGHT_RECEIVE, -1));
	lab_name_is(world.a, world.port, DEAD_NAME, 4);
	lab_notice_of(world.a, world.anotify, MACH_NOTIFY_DEAD_NAME, world.port);
	lab_silent(world.a, world.anotify);
	lab_stop(world.lab);
}
END_TEST

/* The ways in which a name with a request may go before its port does. */
static void name_goes(struct world *world, unsigned way)
{
	struct lab_buffer message;

	switch (way) {
	case 0:
		lab_ok(lab_deallocate(world->b, world->name));
		return;
	case 1:
		lab_ok(lab_destroy(world->b, world->name));
		return;
	case 2:
		lab_ok(lab_mod_refs(world->b, world->name, MACH_PORT_RIGHT_SEND, -1));
		return;
	case 3:
		lab_compose(&message, world->name, MOVE_SEND, NOBODY, 0, 1);
		lab_ok(lab_send_now(world->b, &message));
		return;
	default:
		lab_pass(world->b, world->name, MOVE_SEND, world->a);
		return;
	}
}

START_TEST(a_name_that_goes_before_its_port_is_reported_as_deleted)
{
	struct world world = begin();

	ask_nothing_before(world.b, world.name, MACH_NOTIFY_DEAD_NAME, 0, world.notify);
	name_goes(&world, (unsigned)_i);
	lab_notice_of(world.b, world.notify, MACH_NOTIFY_PORT_DELETED, world.name);
	lab_ok(lab_destroy(world.a, world.port));
	lab_silent(world.b, world.notify);
	lab_stop(world.lab);
}
END_TEST

START_TEST(other_names_with_requests_are_reported_as_deleted_too)
{
	struct world world = begin();
	mach_port_name_t once = lab_pass(world.a, world.port, MAKE_ONCE, world.b);
	mach_port_name_t port = lab_new_port(world.b);
	struct lab_buffer message;

	ask_nothing_before(world.b, once, MACH_NOTIFY_DEAD_NAME, 0, world.notify);
	lab_compose(&message, once, MOVE_ONCE, NOBODY, 0, 1);
	lab_ok(lab_send_now(world.b, &message));
	lab_notice_of(world.b, world.notify, MACH_NOTIFY_PORT_DELETED, once);
	ask_nothing_before(world.b, port, MACH_NOTIFY_DEAD_NAME, 0, world.notify);
	lab_pass(world.b, port, MOVE_RECEIVE, world.a);
	lab_notice_of(world.b, world.notify, MACH_NOTIFY_PORT_DELETED, port);
	port = lab_new_port(world.b);
	ask_nothing_before(world.b, port, MACH_NOTIFY_DEAD_NAME, 0, world.notify);
	lab_ok(lab_mod_refs(world.b, port, MACH_PORT_RIGHT_RECEIVE, -1));
	lab_notice_of(world.b, world.notify, MACH_NOTIFY_PORT_DELETED, port);
	lab_silent(world.b, world.notify);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_request_stays_with_a_name_that_keeps_a_right)
{
	struct world world = begin();
	mach_port_name_t port = lab_new_service(world.b);
	mach_port_name_t theirs = lab_pass(world.b, port, COPY_SEND, world.a);

	ask_nothing_before(world.b, port, MACH_NOTIFY_DEAD_NAME, 0, world.notify);
	lab_ok(lab_deallocate(world.b, port)); /* the send right; receive right and request stay */
	ck_assert(requested(world.b, port));
	lab_pass(world.a, theirs, MOVE_SEND, world.b);
	lab_pass(world.b, port, MOVE_SEND, world.a);
	ck_assert(requested(world.b, port));
	lab_ok(lab_insert_right(world.b, port, port, MAKE_SEND));
	lab_pass(world.b, port, MOVE_RECEIVE, world.a);
	lab_name_is(world.b, port, SEND, 1);
	ck_assert(requested(world.b, port));
	lab_silent(world.b, world.notify);
	lab_kill(world.a->task);
	lab_notice_of(world.b, world.notify, MACH_NOTIFY_DEAD_NAME, port);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_dead_name_request_is_replaced_and_cancelled)
{
	struct world world = begin();
	mach_port_name_t previous;

	ask_nothing_before(world.b, world.name, MACH_NOTIFY_DEAD_NAME, 0, MACH_PORT_NULL);
	ask_nothing_before(world.b, world.name, MACH_NOTIFY_DEAD_NAME, 0, world.notify);
	previous = ask(world.b, world.name, MACH_NOTIFY_DEAD_NAME, 0, world.notify);
	lab_name_is(world.b, previous, SEND_ONCE, 1);
	previous = ask(world.b, world.name, MACH_NOTIFY_SEND_POSSIBLE, 0, world.notify);
	lab_name_is(world.b, previous, SEND_ONCE, 1);
	previous = ask(world.b, world.name, MACH_NOTIFY_DEAD_NAME, 0, MACH_PORT_NULL);
	lab_name_is(world.b, previous, SEND_ONCE, 1);
	ck_assert(!requested(world.b, world.name));
	lab_ok(lab_destroy(world.a, world.port));
	lab_silent(world.b, world.notify);
	lab_name_is(world.b, world.name, DEAD_NAME, 1);
	lab_stop(world.lab);
}
END_TEST

START_TEST(one_port_tells_all_who_asked)
{
	enum { COUNT = 40 };
	struct world world = begin();
	mach_port_name_t names[COUNT];

	for (unsigned i = 0; i < COUNT; i++) {
		names[i] = lab_pass(world.a, world.port, MAKE_ONCE, world.b);
		ask_nothing_before(world.b, names[i], MACH_NOTIFY_DEAD_NAME, 0, world.notify);
	}
	for (unsigned i = 0; i < COUNT; i += 2) {
		ck_assert_uint_ne(ask(world.b, names[i], MACH_NOTIFY_DEAD_NAME, 0, NOBODY), 0);
		ask_nothing_before(world.b, names[i], MACH_NOTIFY_DEAD_NAME, 0, world.notify);
	}
	lab_ok(lab_destroy(world.a, world.port));
	for (unsigned i = 0; i < COUNT; i++) {
		mach_port_name_t name = lab_notice(world.b, world.notify, MACH_NOTIFY_DEAD_NAME);
		unsigned at = 0;

		while (at < COUNT && names[at] != name)
			at++;
		ck_assert_uint_lt(at, COUNT);
		lab_name_is(world.b, name, DEAD_NAME, 2);
		names[at] = 0;
	}
	lab_silent(world.b, world.notify);
	lab_stop(world.lab);
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_test(tcase, no_senders_fires_at_once_if_there_are_none);
	tcase_add_test(tcase, no_senders_waits_for_a_make_send_count);
	tcase_add_loop_test(tcase, no_senders_fires_when_the_last_send_right_goes, 0, 7);
	tcase_add_test(tcase, a_queued_message_counts_as_a_sender);
	tcase_add_test(tcase, a_right_in_an_unreceived_body_counts_as_a_sender);
	tcase_add_test(tcase, a_no_senders_request_is_replaced_and_cancelled);
	tcase_add_test(tcase, a_no_senders_request_moves_with_the_receive_right);
	tcase_add_test(tcase, a_port_that_dies_with_the_request_sends_send_once);
	tcase_add_test(tcase, destroying_the_name_drops_the_last_sender_first);
	tcase_add_test(tcase, port_destroyed_is_asked_for_once_and_never_cancelled);
	tcase_add_loop_test(tcase, a_port_that_somebody_asked_for_does_not_die, 0, 4);
	tcase_add_test(tcase, a_port_that_asked_for_itself_dies);
	tcase_add_test(tcase, a_port_whose_rescuer_waits_in_its_own_queue_dies_with_it);
	tcase_add_test(tcase, a_port_whose_rescuer_has_no_room_for_the_message_dies);
	tcase_add_test(tcase, a_port_whose_rescuer_is_dead_dies);
	tcase_add_test(tcase, a_dead_name_notification_adds_a_reference);
	tcase_add_test(tcase, a_dead_send_once_right_with_a_request_has_two_references);
	tcase_add_test(tcase, a_dead_send_once_right_without_a_request_takes_one_last_message);
	tcase_add_test(tcase, a_dead_send_once_right_that_was_looked_at_takes_none);
	tcase_add_test(tcase, a_request_on_a_receive_right_fires_too);
	tcase_add_loop_test(tcase, a_name_that_goes_before_its_port_is_reported_as_deleted, 0, 5);
	tcase_add_test(tcase, other_names_with_requests_are_reported_as_deleted_too);
	tcase_add_test(tcase, a_request_stays_with_a_name_that_keeps_a_right);
	tcase_add_test(tcase, a_dead_name_request_is_replaced_and_cancelled);
	tcase_add_test(tcase, one_port_tells_all_who_asked);
}

int main(void)
{
	return lab_run("ipc_notify", add_tests);
}
