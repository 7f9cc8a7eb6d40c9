/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sends that fail after rights were taken: what is lost when a body right is refused [10.1], and
 * what comes back when the message was built but cannot be queued [10.2]. And messages that would
 * be queued inside themselves.
 */
#include <string.h>

#include "tests/lab/lab_expect.h"

struct world {
	struct lab *lab;
	struct lab_thread *a, *b;
	mach_port_name_t port;	/* of b */
	mach_port_name_t dest;	/* a's send right to it */
	mach_port_name_t reply; /* a's receive right */
};

static struct world begin(void)
{
	struct world world = {.lab = lab_start(NULL)};

	world.a = lab_task(world.lab, 1000)->thread;
	world.b = lab_task(world.lab, 1000)->thread;
	world.port = lab_new_port(world.b);
	world.dest = lab_pass(world.b, world.port, MAKE_SEND, world.a);
	world.reply = lab_new_port(world.a);
	return world;
}

static mach_port_name_t missing(struct lab_thread *thread)
{
	mach_port_name_t name = lab_new_port(thread);

	lab_ok(lab_destroy(thread, name));
	return name;
}

/* Send to `dest` with a body right that does not exist behind those that the message has. */
static void send_bad_body(struct world *world, struct lab_buffer *message)
{
	lab_add_port(message, missing(world->a), COPY_SEND);
	lab_is(MACH_SEND_INVALID_RIGHT, lab_send_now(world->a, message));
	lab_silent(world->b, world->port);
}

START_TEST(a_copied_or_made_destination_costs_nothing)
{
	struct world world = begin();
	struct lab_buffer message = lab_to(world.dest, 1);

	send_bad_body(&world, &message);
	lab_name_is(world.a, world.dest, SEND, 1);
	ck_assert_uint_eq(lab_srights(world.b, world.port), 1);
	lab_compose(&message, world.reply, MAKE_SEND, NOBODY, 0, 1);
	send_bad_body(&world, &message);
	ck_assert_uint_eq(lab_status(world.a, world.reply).mps_mscount, 1);
	ck_assert_uint_eq(lab_srights(world.a, world.reply), 0);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_destination_made_and_lost_may_have_been_the_last_sender)
{
	struct world world = begin();
	mach_port_name_t notify = lab_new_port(world.a), previous;
	struct lab_buffer message;

	lab_ok(lab_request_notification(world.a, world.reply, MACH_NOTIFY_NO_SENDERS, 1, notify,
					MAKE_ONCE, &previous));
	lab_silent(world.a, notify);
	lab_compose(&message, world.reply, MAKE_SEND, NOBODY, 0, 1);
	send_bad_body(&world, &message);
	lab_notice_of(world.a, notify, MACH_NOTIFY_NO_SENDERS, 1);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_moved_destination_is_lost)
{
	struct world world = begin();
	struct lab_buffer message;

	lab_compose(&message, world.dest, MOVE_SEND, NOBODY, 0, 1);
	send_bad_body(&world, &message);
	lab_name_is(world.a, world.dest, NO_NAME, 0);
	ck_assert_uint_eq(lab_srights(world.b, world.port), 0);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_send_once_destination_is_lost_and_its_port_is_told)
{
	struct world world = begin();
	mach_port_name_t once = lab_pass(world.b, world.port, MAKE_ONCE, world.a);
	struct lab_buffer message;

	lab_compose(&message, once, MOVE_ONCE, NOBODY, 0, 1);
	lab_add_port(&message, missing(world.a), COPY_SEND);
	lab_is(MACH_SEND_INVALID_RIGHT, lab_send_now(world.a, &message));
	lab_name_is(world.a, once, NO_NAME, 0);
	lab_notice(world.b, world.port, MACH_NOTIFY_SEND_ONCE);
	lab_compose(&message, world.reply, MAKE_ONCE, NOBODY, 0, 1);
	lab_add_port(&message, missing(world.a), COPY_SEND);
	lab_is(MACH_SEND_INVALID_RIGHT, lab_send_now(world.a, &message));
	lab_notice(world.a, world.reply, MACH_NOTIFY_SEND_ONCE);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_send_once_reply_is_lost_and_its_port_is_told)
{
	struct world world = begin();
	struct lab_buffer message;

	lab_compose(&message, world.dest, COPY_SEND, world.reply, MAKE_ONCE, 1);
	send_bad_body(&world, &message);
	lab_notice(world.a, world.reply, MACH_NOTIFY_SEND_ONCE);
	lab_compose(&message, world.dest, COPY_SEND, lab_new_once(world.a, world.reply), MOVE_ONCE,
		    1);
	send_bad_body(&world, &message);
	lab_notice(world.a, world.reply, MACH_NOTIFY_SEND_ONCE);
	lab_silent(world.a, world.reply);
	ck_assert_uint_eq(lab_status(world.a, world.reply).mps_sorights, 0);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_moved_reply_is_lost)
{
	struct world world = begin();
	mach_port_name_t other = lab_new_port(world.b);
	mach_port_name_t reply = lab_pass(world.b, other, MAKE_SEND, world.a);
	struct lab_buffer message;

	lab_compose(&message, world.dest, COPY_SEND, reply, MOVE_SEND, 1);
	send_bad_body(&world, &message);
	lab_name_is(world.a, reply, NO_NAME, 0);
	ck_assert_uint_eq(lab_srights(world.b, other), 0);
	lab_stop(world.lab);
}
END_TEST

START_TEST(body_rights_before_the_bad_one_are_lost_and_those_behind_it_are_kept)
{
	struct world world = begin();
	mach_port_name_t moved = lab_new_port(world.a), kept = lab_new_port(world.a);
	mach_port_name_t theirs = lab_pass(world.a, moved, MAKE_SEND, world.b);
	mach_port_name_t once = lab_new_once(world.a, world.reply);
	struct lab_buffer message = lab_to(world.dest, 1);

	lab_add_port(&message, moved, MOVE_RECEIVE);
	lab_add_port(&message, once, MOVE_ONCE);
	lab_add_port(&message, missing(world.a), COPY_SEND);
	lab_add_port(&message, kept, MOVE_RECEIVE);
	lab_is(MACH_SEND_INVALID_RIGHT, lab_send_now(world.a, &message));
	lab_name_is(world.a, moved, NO_NAME, 0);
	lab_name_is(world.b, theirs, DEAD_NAME, 1);
	lab_name_is(world.a, once, NO_NAME, 0);
	lab_notice(world.a, world.reply, MACH_NOTIFY_SEND_ONCE);
	lab_name_is(world.a, kept, RECEIVE, 0);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_receive_right_that_is_lost_goes_to_who_asked_for_it)
{
	struct world world = begin();
	mach_port_name_t moved = lab_new_service(world.a), previous, back;
	struct lab_buffer message = lab_to(world.dest, 1);

	lab_fill(world.a, moved, 2, 50);
	lab_ok(lab_request_notification(world.a, moved, MACH_NOTIFY_PORT_DESTROYED, 0, world.reply,
					MAKE_ONCE, &previous));
	lab_add_port(&message, moved, MOVE_RECEIVE);
	lab_add_port(&message, missing(world.a), COPY_SEND);
	lab_is(MACH_SEND_INVALID_RIGHT, lab_send_now(world.a, &message));
	lab_name_is(world.a, moved, SEND, 1);
	back = lab_notice(world.a, world.reply, MACH_NOTIFY_PORT_DESTROYED);
	ck_assert_uint_eq(back, moved);
	lab_name_is(world.a, moved, SEND_RECEIVE, 1);
	lab_message(world.a, moved, 50);
	lab_message(world.a, moved, 51);
	lab_stop(world.lab);
}
END_TEST

START_TEST(seventy_descriptors_arrive_in_order)
{
	struct world world = begin();
	mach_port_name_t ports[70];
	struct lab_buffer message = lab_to(world.dest, 1);

	for (unsigned i = 0; i < 70; i++) {
		ports[i] = lab_new_port(world.a);
		lab_ok(lab_set_context(world.a, ports[i], i));
		lab_add_port(&message, i % 7 ? ports[i] : MACH_PORT_NULL, MAKE_ONCE);
	}
	lab_ok(lab_send_now(world.a, &message));
	message = lab_message(world.b, world.port, 1);
	for (unsigned i = 0; i < 70; i++) {
		struct lab_buffer back;

		if (i % 7 == 0) {
			ck_assert_uint_eq(lab_port(&message, i).name, MACH_PORT_NULL);
			continue;
		}
		lab_compose(&back, lab_port(&message, i).name, MOVE_ONCE, NOBODY, 0, (int)i);
		lab_ok(lab_send_now(world.b, &back));
		lab_message(world.a, ports[i], (int)i);
	}
	lab_stop(world.lab);
}
END_TEST

/* --- a message that comes back --- */

static void fill_up(struct world *world)
{
	lab_fill(world->a, world->dest, 5, 100);
}

/* What header rights look like after the message came back, by what they were sent with. */
static const struct {
	uint32_t dest, reply;		/* dispositions */
	uint32_t dest_back, reply_back; /* types */
} returns[] = {
	{COPY_SEND, 0, MOVE_SEND, 0},
	{MOVE_SEND, 0, MOVE_SEND, 0},
	{COPY_SEND, MAKE_ONCE, MOVE_SEND, MOVE_ONCE},
	{COPY_SEND, MAKE_SEND, MOVE_SEND, MOVE_SEND},
	{COPY_SEND, MOVE_ONCE, MOVE_SEND, MOVE_ONCE},
	{MOVE_SEND, MOVE_SEND, MOVE_SEND, MOVE_SEND},
};

/* A name of a's that can be given with that disposition. */
static mach_port_name_t reply_name(struct world *world, uint32_t disposition)
{
	switch (disposition) {
	case 0:
		return MACH_PORT_NULL;
	case MOVE_ONCE:
		return lab_new_once(world->a, world->reply);
	case MOVE_SEND:
		return lab_pass(world->b, lab_new_port(world->b), MAKE_SEND, world->a);
	default:
		return world->reply;
	}
}

START_TEST(a_message_that_timed_out_comes_back_ready_to_be_sent_again)
{
	struct world world = begin();
	uint32_t dest = returns[_i].dest, reply = returns[_i].reply;
	mach_port_name_t name = reply_name(&world, reply);
	struct lab_buffer message;

	fill_up(&world);
	lab_compose(&message, world.dest, dest, name, reply, 7);
	lab_is(MACH_SEND_TIMED_OUT, lab_send_now(world.a, &message));
	ck_assert_uint_eq(world.a->result.place, MACHD_PLACE_SEND);
	ck_assert_uint_eq(message.header.msgh_bits,
			  MACH_MSGH_BITS(returns[_i].dest_back, returns[_i].reply_back));
	ck_assert_uint_eq(message.header.msgh_size, 24);
	ck_assert_int_eq(message.header.msgh_id, 7);
	lab_name_is(world.a, message.header.msgh_remote_port, SEND, dest == COPY_SEND ? 2 : 1);
	if (dest == COPY_SEND)
		ck_assert_uint_eq(message.header.msgh_remote_port, world.dest);
	if (returns[_i].reply_back == MOVE_ONCE) {
		lab_name_is(world.a, message.header.msgh_local_port, SEND_ONCE, 1);
		ck_assert_uint_eq(lab_status(world.a, world.reply).mps_sorights, 1);
		ck_assert_uint_ne(message.header.msgh_local_port, world.reply);
	}
	if (reply == MAKE_SEND)
		lab_name_is(world.a, world.reply, SEND_RECEIVE, 1);
	lab_message(world.b, world.port, 100);
	lab_ok(lab_send_now(world.a, &message));
	lab_name_is(world.a, world.dest, dest == COPY_SEND ? SEND : NO_NAME, 1);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_made_destination_comes_back_as_a_send_right)
{
	struct world world = begin();
	mach_port_name_t port = lab_new_port(world.a);
	struct lab_buffer message;

	lab_set_qlimit(world.a, port, 0);
	lab_compose(&message, port, MAKE_SEND, NOBODY, 0, 7);
	lab_is(MACH_SEND_TIMED_OUT, lab_send_now(world.a, &message));
	ck_assert_uint_eq(message.header.msgh_bits, MACH_MSGH_BITS(MOVE_SEND, 0));
	ck_assert_uint_eq(message.header.msgh_remote_port, port);
	lab_name_is(world.a, port, SEND_RECEIVE, 1);
	ck_assert_uint_eq(lab_status(world.a, port).mps_mscount, 1);
	lab_stop(world.lab);
}
END_TEST

START_TEST(body_rights_come_back_under_names)
{
	struct world world = begin();
	mach_port_name_t moved = lab_new_port(world.a), made = lab_new_port(world.a);
	uint32_t word = 0x12345678, back;
	struct lab_buffer message = lab_to(world.dest, 7);
	mach_port_name_t name;

	fill_up(&world);
	lab_add_port(&message, moved, MOVE_RECEIVE);
	lab_add_port(&message, made, MAKE_SEND);
	lab_add_port(&message, made, MAKE_ONCE);
	lab_add_port(&message, MACH_PORT_DEAD, COPY_SEND);
	lab_add_bytes(&message, &word, 4);
	memset(message.bytes + message.header.msgh_size, 0xee, 100);
	lab_is(MACH_SEND_TIMED_OUT, lab_send_now(world.a, &message));
	ck_assert_uint_eq(message.header.msgh_size, 28 + 4 * 12 + 4);
	name = lab_port(&message, 0).name;
	lab_name_is(world.a, name, RECEIVE, 0);
	ck_assert_uint_eq(lab_port(&message, 0).disposition, MOVE_RECEIVE);
	ck_assert_uint_eq(lab_port(&message, 1).name, made);
	ck_assert_uint_eq(lab_port(&message, 1).disposition, MOVE_SEND);
	lab_name_is(world.a, made, SEND_RECEIVE, 1);
	lab_name_is(world.a, lab_port(&message, 2).name, SEND_ONCE, 1);
	ck_assert_uint_eq(lab_port(&message, 2).disposition, MOVE_ONCE);
	ck_assert_uint_eq(lab_port(&message, 3).name, MACH_PORT_DEAD);
	memcpy(&back, message.bytes + message.header.msgh_size - 4, 4);
	ck_assert_uint_eq(back, word);
	for (unsigned i = 0; i < 100; i++)
		ck_assert_uint_eq(message.bytes[message.header.msgh_size + i], 0xee);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_memfd_comes_back_with_the_message)
{
	struct world world = begin();
	struct lab_buffer message = lab_to(world.dest, 7);
	struct lab_msg msg = {.option = MACH_SEND_MSG | MACH_SEND_TIMEOUT,
			      .send = &message,
			      .send_size = 124,
			      .inline_size = 44};

	fill_up(&world);
	message.bytes[43] = 0x77;
	lab_is(MACH_SEND_TIMED_OUT, lab_msg(world.a, &msg));
	ck_assert_uint_eq(world.a->result.body_offset, 44);
	ck_assert_uint_eq(world.a->result.body_size, 80);
	ck_assert_uint_eq(world.lab->fds[world.a->body_fd], LAB_FD_HANDED_OUT);
	ck_assert_uint_eq(message.header.msgh_size, 124);
	ck_assert_uint_eq(message.bytes[43], 0x77);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_field_that_is_no_voucher_comes_back_as_it_was)
{
	struct world world = begin();
	struct lab_buffer message = lab_to(world.dest, 7);

	fill_up(&world);
	message.header.msgh_voucher_port = 0x12345678;
	lab_is(MACH_SEND_TIMED_OUT, lab_send_now(world.a, &message));
	ck_assert_uint_eq(message.header.msgh_voucher_port, 0x12345678);
	ck_assert_uint_eq(MACH_MSGH_BITS_VOUCHER(message.header.msgh_bits), 0);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_null_voucher_comes_back_as_a_right_that_was_moved)
{
	static const uint32_t types[] = {MOVE_SEND, COPY_SEND};

	for (unsigned i = 0; i < 2; i++) {
		struct world world = begin();
		struct lab_buffer message = lab_to(world.dest, 7);

		fill_up(&world);
		message.header.msgh_bits |= types[i] << 16;
		lab_is(MACH_SEND_TIMED_OUT, lab_send_now(world.a, &message));
		ck_assert_uint_eq(MACH_MSGH_BITS_VOUCHER(message.header.msgh_bits), MOVE_SEND);
		ck_assert_uint_eq(message.header.msgh_voucher_port, MACH_PORT_NULL);
		lab_stop(world.lab);
	}
}
END_TEST

/* A task with a table of the least size that a limit may say, and nothing free in it. */
static struct world begin_full(void)
{
	struct world world = begin();
	struct machd_limits limits;
	mach_port_name_t name;

	machd_limits_init(&limits);
	limits.names_per_task = 64;
	lab_limits(world.lab, &limits);
	while (lab_allocate(world.a, MACH_PORT_RIGHT_DEAD_NAME, &name) == KERN_SUCCESS)
		continue;
	lab_is(KERN_NO_SPACE, lab_allocate(world.a, MACH_PORT_RIGHT_DEAD_NAME, &name));
	return world;
}

START_TEST(without_room_for_names_the_code_says_so_and_the_rights_are_lost)
{
	struct world world = begin_full();
	struct lab_buffer message;

	fill_up(&world);
	lab_compose(&message, world.dest, COPY_SEND, world.reply, MAKE_ONCE, 7);
	lab_is(MACH_SEND_TIMED_OUT | MACH_MSG_IPC_SPACE, lab_send_now(world.a, &message));
	ck_assert_uint_eq(message.header.msgh_remote_port, MACH_PORT_NULL);
	ck_assert_uint_eq(message.header.msgh_local_port, MACH_PORT_NULL);
	lab_name_is(world.a, world.dest, SEND, 1);
	ck_assert_uint_eq(lab_srights(world.b, world.port), 6);
	lab_notice(world.a, world.reply, MACH_NOTIFY_SEND_ONCE);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_table_full_for_the_sender_loses_body_rights_too)
{
	struct world world = begin_full();
	struct lab_buffer message = lab_to(world.dest, 7);

	fill_up(&world);
	lab_add_port(&message, world.reply, MAKE_ONCE);
	lab_is(MACH_SEND_TIMED_OUT | MACH_RCV_BODY_ERROR | MACH_MSG_IPC_SPACE,
	       lab_send_now(world.a, &message));
	ck_assert_uint_eq(lab_port(&message, 0).name, MACH_PORT_NULL);
	lab_notice(world.a, world.reply, MACH_NOTIFY_SEND_ONCE);
	lab_stop(world.lab);
}
END_TEST

/* --- messages that would hold their own queue --- */

/* A chain: each port's receive right moves in a message to the next; the last closes the circle. */
static void close_circle(unsigned length)
{
	struct lab *lab = lab_start(NULL);
	struct lab_thread *a = lab_task(lab, 1000)->thread;
	mach_port_name_t ports[8], reply = lab_new_port(a);

	for (unsigned i = 0; i < length; i++)
		ports[i] = lab_new_service(a);
	for (unsigned i = 0; i < length; i++) {
		struct lab_buffer message;

		lab_compose(&message, ports[(i + 1) % length], COPY_SEND, reply, MAKE_ONCE, 1);
		lab_add_port(&message, ports[i], MOVE_RECEIVE);
		lab_ok(lab_send_now(a, &message));
		if (i + 1 < length)
			lab_name_is(a, ports[i], SEND, 1);
	}
	for (unsigned i = 0; i < length; i++) {
		lab_name_is(a, ports[i], DEAD_NAME, 1);
		lab_notice(a, reply, MACH_NOTIFY_SEND_ONCE);
	}
	lab_silent(a, reply);
	lab_stop(lab);
}

START_TEST(a_message_that_would_be_queued_inside_itself_is_destroyed)
{
	static const unsigned lengths[] = {1, 2, 3, 8};

	close_circle(lengths[_i]);
}
END_TEST

START_TEST(a_circle_that_is_broken_in_time_is_none)
{
	struct world world = begin();
	mach_port_name_t p = lab_new_service(world.a), q = lab_new_service(world.a);
	struct lab_buffer message = lab_to(q, 1);

	lab_add_port(&message, p, MOVE_RECEIVE);
	lab_ok(lab_send_now(world.a, &message));
	message = lab_message(world.a, q, 1);
	ck_assert_uint_eq(lab_port(&message, 0).name, p);
	message = lab_to(p, 2);
	lab_add_port(&message, q, MOVE_RECEIVE);
	lab_ok(lab_send_now(world.a, &message));
	lab_name_is(world.a, q, SEND, 1);
	message = lab_message(world.a, p, 2);
	lab_name_is(world.a, q, SEND_RECEIVE, 1);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_circular_message_with_a_memfd_releases_it)
{
	struct world world = begin();
	mach_port_name_t port = lab_new_service(world.a);
	struct lab_buffer message = lab_to(port, 1);
	struct lab_msg msg = {
		.option = MACH_SEND_MSG, .send = &message, .send_size = 100, .inline_size = 40};

	lab_add_port(&message, port, MOVE_RECEIVE);
	lab_ok(lab_msg(world.a, &msg));
	lab_name_is(world.a, port, DEAD_NAME, 1);
	ck_assert_uint_eq(world.lab->fds[1], LAB_FD_RELEASED);
	lab_stop(world.lab);
}
END_TEST

/* --- messages to the daemon's own ports --- */

static mach_port_name_t daemon_port(const struct world *world, int which)
{
	const struct lab_task *task = world->a->task;

	return which == 0 ? task->self : which == 1 ? task->host : task->bootstrap;
}

START_TEST(an_unknown_request_to_the_daemon_gets_migs_error_reply)
{
	struct world world = begin();
	struct lab_buffer message;
	mach_msg_max_trailer_t trailer;
	struct lab_msg msg = {.option = MACH_SEND_MSG | MACH_RCV_MSG | MACH64_SEND_KOBJECT_CALL |
					MACH_RCV_TRAILER_ELEMENTS(MACH_RCV_TRAILER_LABELS),
			      .send = &message,
			      .send_size = 24,
			      .receive_name = world.reply,
			      .receive_size = sizeof message};
	int32_t code;

	lab_compose(&message, daemon_port(&world, _i), COPY_SEND, world.reply, MAKE_ONCE, 3999);
	lab_ok(lab_msg(world.a, &msg));
	ck_assert_int_eq(message.header.msgh_id, 4099);
	ck_assert_uint_eq(message.header.msgh_size, 36);
	memcpy(&code, message.bytes + 32, 4);
	ck_assert_int_eq(code, -303);
	trailer = lab_trailer(&message);
	ck_assert_uint_eq(trailer.msgh_sender.val[0], 0);
	ck_assert_uint_eq(trailer.msgh_sender.val[1], 1);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_request_to_the_daemon_consumes_the_rights_in_it)
{
	struct world world = begin();
	mach_port_name_t port = lab_new_port(world.a);
	struct lab_buffer message = lab_to(world.a->task->host, 1);

	lab_add_port(&message, port, MOVE_RECEIVE);
	lab_add_port(&message, world.reply, MAKE_ONCE);
	lab_ok(lab_send_now(world.a, &message));
	lab_name_is(world.a, port, NO_NAME, 0);
	lab_notice(world.a, world.reply, MACH_NOTIFY_SEND_ONCE);
	lab_silent(world.a, world.reply);
	lab_stop(world.lab);
}
END_TEST

START_TEST(the_daemons_reply_to_a_full_queue_is_lost_unless_the_right_is_send_once)
{
	struct world world = begin();
	struct lab_buffer message;

	lab_set_qlimit(world.a, world.reply, 0);
	lab_compose(&message, world.a->task->host, COPY_SEND, world.reply, MAKE_SEND, 1);
	lab_ok(lab_send_now(world.a, &message));
	lab_silent(world.a, world.reply);
	ck_assert_uint_eq(lab_srights(world.a, world.reply), 0);
	lab_compose(&message, world.a->task->host, COPY_SEND, world.reply, MAKE_ONCE, 2);
	lab_ok(lab_send_now(world.a, &message));
	lab_message(world.a, world.reply, 102);
	lab_stop(world.lab);
}
END_TEST

START_TEST(the_daemon_does_not_answer_itself)
{
	struct world world = begin();
	struct lab_buffer message;

	lab_compose(&message, world.a->task->host, COPY_SEND, world.a->task->bootstrap, COPY_SEND,
		    1);
	lab_ok(lab_send_now(world.a, &message));
	lab_name_is(world.a, world.a->task->bootstrap, SEND, 1);
	lab_stop(world.lab);
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_test(tcase, a_copied_or_made_destination_costs_nothing);
	tcase_add_test(tcase, a_destination_made_and_lost_may_have_been_the_last_sender);
	tcase_add_test(tcase, a_moved_destination_is_lost);
	tcase_add_test(tcase, a_send_once_destination_is_lost_and_its_port_is_told);
	tcase_add_test(tcase, a_send_once_reply_is_lost_and_its_port_is_told);
	tcase_add_test(tcase, a_moved_reply_is_lost);
	tcase_add_test(tcase, body_rights_before_the_bad_one_are_lost_and_those_behind_it_are_kept);
	tcase_add_test(tcase, a_receive_right_that_is_lost_goes_to_who_asked_for_it);
	tcase_add_test(tcase, seventy_descriptors_arrive_in_order);
	tcase_add_loop_test(tcase, a_message_that_timed_out_comes_back_ready_to_be_sent_again, 0,
			    sizeof returns / sizeof *returns);
	tcase_add_test(tcase, a_made_destination_comes_back_as_a_send_right);
	tcase_add_test(tcase, body_rights_come_back_under_names);
	tcase_add_test(tcase, a_memfd_comes_back_with_the_message);
	tcase_add_test(tcase, a_field_that_is_no_voucher_comes_back_as_it_was);
	tcase_add_test(tcase, a_null_voucher_comes_back_as_a_right_that_was_moved);
	tcase_add_test(tcase, without_room_for_names_the_code_says_so_and_the_rights_are_lost);
	tcase_add_test(tcase, a_table_full_for_the_sender_loses_body_rights_too);
	tcase_add_loop_test(tcase, a_message_that_would_be_queued_inside_itself_is_destroyed, 0, 4);
	tcase_add_test(tcase, a_circle_that_is_broken_in_time_is_none);
	tcase_add_test(tcase, a_circular_message_with_a_memfd_releases_it);
	tcase_add_loop_test(tcase, an_unknown_request_to_the_daemon_gets_migs_error_reply, 0, 3);
	tcase_add_test(tcase, a_request_to_the_daemon_consumes_the_rights_in_it);
	tcase_add_test(tcase,
		       the_daemons_reply_to_a_full_queue_is_lost_unless_the_right_is_send_once);
	tcase_add_test(tcase, the_daemon_does_not_answer_itself);
}

int main(void)
{
	return lab_run("ipc_copyin", add_tests);
}
