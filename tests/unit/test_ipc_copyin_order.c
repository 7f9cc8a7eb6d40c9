/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In which order a send takes and loses what it names, where the sender can see it: rights that
 * were taken of an array with a bad name go before all others [10.1], and the room that
 * MACH_SEND_NOTIFY found in a queue is the message's, whatever its own copyin sends there [14.3].
 */
#include <string.h>

#include "tests/lab/lab_letter.h"

enum { MANY = 200 }; /* rights, more than one step destroys */

struct world {
	struct letter_world letters;
	struct lab_thread *b;	 /* the sender */
	mach_port_name_t notify; /* of b: what it is told */
};

static struct world begin(void)
{
	struct world world = {.letters = letter_begin(64, 64)};

	world.b = world.letters.b;
	world.notify = lab_new_port(world.b);
	return world;
}

/* The only send right to a port of the receiver's; b is told how often one was made if it goes. */
static mach_port_name_t last_sender(struct world *world, uint32_t count)
{
	struct lab_thread *a = world->letters.a;
	mach_port_name_t port = lab_new_port(a), previous, once, right;

	lab_ok(lab_set_mscount(a, port, count - 1));
	right = lab_pass(a, port, MAKE_SEND, world->b);
	once = lab_pass(world->b, world->notify, MAKE_ONCE, a);
	lab_ok(lab_request_notification(a, port, MACH_NOTIFY_NO_SENDERS, 0, once, MOVE_ONCE,
					&previous));
	return right;
}

/* To b's service: a send right, and an array of `count` names of which the last is bad. */
static void send_bad_array(struct world *world, const mach_port_name_t *names, unsigned count)
{
	mach_msg_header_t header;

	letter_start(world->letters.dest, COPY_SEND);
	memcpy(&header, letter.bytes, sizeof header);
	header.msgh_bits |= MACH_MSGH_BITS(0, MAKE_ONCE);
	header.msgh_local_port = world->notify;
	memcpy(letter.bytes, &header, sizeof header);
	letter_add_port(last_sender(world, 1), MOVE_SEND);
	letter_add_ports(count, MOVE_SEND);
	letter_entry_inline(names, count * sizeof *names);
	lab_is(MACH_SEND_INVALID_RIGHT, letter_send(world->b));
}

START_TEST(what_was_taken_of_an_array_goes_before_the_header)
{
	struct world world = begin();
	mach_port_name_t names[] = {last_sender(&world, 2), last_sender(&world, 3), 0x7703};

	send_bad_array(&world, names, 3);
	lab_notice_of(world.b, world.notify, MACH_NOTIFY_NO_SENDERS, 2);
	lab_notice_of(world.b, world.notify, MACH_NOTIFY_NO_SENDERS, 3);
	lab_notice(world.b, world.notify, MACH_NOTIFY_SEND_ONCE);
	lab_notice_of(world.b, world.notify, MACH_NOTIFY_NO_SENDERS, 1);
	lab_silent(world.b, world.notify);
	lab_stop(world.letters.lab);
}
END_TEST

START_TEST(so_does_a_long_array)
{
	struct world world = begin();
	mach_port_name_t names[MANY + 1] = {0};

	for (unsigned i = 0; i < MANY; i++)
		names[i] = last_sender(&world, i + 2);
	names[MANY] = 0x7703;
	world.letters.lab->lazy_work = true;
	send_bad_array(&world, names, MANY + 1);
	for (unsigned i = 0; i < MANY; i++)
		lab_notice_of(world.b, world.notify, MACH_NOTIFY_NO_SENDERS, i + 2);
	lab_notice(world.b, world.notify, MACH_NOTIFY_SEND_ONCE);
	lab_notice_of(world.b, world.notify, MACH_NOTIFY_NO_SENDERS, 1);
	lab_stop(world.letters.lab);
}
END_TEST

/* The first name of an array is bad: nothing was taken of it. */
START_TEST(of_an_array_whose_first_name_is_bad_nothing_goes)
{
	struct world world = begin();
	mach_port_name_t names[] = {0x7703, last_sender(&world, 2)};

	send_bad_array(&world, names, 2);
	lab_notice(world.b, world.notify, MACH_NOTIFY_SEND_ONCE);
	lab_notice_of(world.b, world.notify, MACH_NOTIFY_NO_SENDERS, 1);
	lab_silent(world.b, world.notify);
	lab_name_is(world.b, names[1], SEND, 1);
	lab_stop(world.letters.lab);
}
END_TEST

/* A port of b with room for one message, and a request on its name of that kind. */
static mach_port_name_t narrow_port(struct world *world, mach_msg_id_t id)
{
	mach_port_name_t port = lab_new_service(world->b), previous;

	lab_set_qlimit(world->b, port, 1);
	lab_ok(lab_request_notification(world->b, port, id, 0, world->notify, MAKE_ONCE,
					&previous));
	return port;
}

/* A message to the port whose body's right tells the port of its name's end on the way. */
static mach_msg_return_t send_what_tells(struct world *world, mach_port_name_t port,
					 uint32_t option)
{
	mach_port_name_t told =
		lab_pass(world->letters.a, lab_new_port(world->letters.a), MAKE_SEND, world->b);
	struct lab_buffer message = lab_to(port, 7);
	mach_port_name_t previous;

	lab_ok(lab_request_notification(world->b, told, MACH_NOTIFY_DEAD_NAME, 0, port, MAKE_ONCE,
					&previous));
	lab_add_port(&message, told, MOVE_SEND);
	return lab_send(world->b, &message, MACH_SEND_TIMEOUT | option, 0);
}

START_TEST(a_notice_of_ones_own_does_not_take_the_room_that_was_found)
{
	static const mach_msg_id_t ids[] = {MACH_NOTIFY_SEND_POSSIBLE, MACH_NOTIFY_DEAD_NAME};
	struct world world = begin();
	mach_port_name_t port = narrow_port(&world, ids[_i]);

	lab_ok(send_what_tells(&world, port, MACH_SEND_NOTIFY));
	ck_assert_uint_eq(lab_status(world.b, port).mps_msgcount, 2);
	lab_notice(world.b, port, MACH_NOTIFY_PORT_DELETED);
	lab_message(world.b, port, 7);
	lab_silent(world.b, world.notify);
	lab_stop(world.letters.lab);
}
END_TEST

START_TEST(without_a_request_or_the_option_it_does)
{
	struct world world = begin();
	mach_port_name_t port = narrow_port(&world, MACH_NOTIFY_SEND_POSSIBLE);
	mach_port_name_t other = lab_new_service(world.b);

	lab_set_qlimit(world.b, other, 1);
	lab_is(MACH_SEND_TIMED_OUT, send_what_tells(&world, port, 0));
	lab_is(MACH_SEND_TIMED_OUT, send_what_tells(&world, other, MACH_SEND_NOTIFY));
	lab_stop(world.letters.lab);
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_test(tcase, what_was_taken_of_an_array_goes_before_the_header);
	tcase_add_test(tcase, so_does_a_long_array);
	tcase_add_test(tcase, of_an_array_whose_first_name_is_bad_nothing_goes);
	tcase_add_loop_test(tcase, a_notice_of_ones_own_does_not_take_the_room_that_was_found, 0,
			    2);
	tcase_add_test(tcase, without_a_request_or_the_option_it_does);
}

int main(void)
{
	return lab_run("ipc_copyin_order", add_tests);
}
