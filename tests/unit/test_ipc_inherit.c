/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Importance that comes with vouchers: who receives with MACH_RCV_VOUCHER inherits it, for as long
 * as the sender is important and the voucher is there [9.4(3), 23].
 */
#include <mach/mach_voucher_types.h>
#include <string.h>

#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_inherit.h"
#include "tests/lab/lab_importance.h"
#include "tests/lab/lab_names.h"
#include "tests/lab/lab_voucher.h"

#define IMPORTANCE MACH_VOUCHER_ATTR_KEY_IMPORTANCE
#define DATA	   MACH_VOUCHER_ATTR_KEY_USER_DATA

/* Receive what carries importance, with its voucher; the name of that. */
static mach_port_name_t inherit(struct importance_world *world, struct lab_buffer *message)
{
	lab_ok(lab_receive(world->server, world->port, message, MACH_RCV_TIMEOUT | MACH_RCV_VOUCHER,
			   0));
	ck_assert(MACH_MSGH_BITS_RAISED_IMPORTANCE(message->header.msgh_bits));
	ck_assert_uint_eq(MACH_MSGH_BITS_VOUCHER(message->header.msgh_bits),
			  MACH_MSG_TYPE_MOVE_SEND);
	return message->header.msgh_voucher_port;
}

/* How many vouchers, and inherits, there are. */
static void there_are(const struct importance_world *world, unsigned vouchers, unsigned inherits)
{
	lab_audit(world->lab);
	ck_assert_uint_eq(HASH_COUNT(world->lab->host->h_vouchers), vouchers);
	ck_assert_uint_eq(HASH_COUNT(world->lab->host->h_inherits), inherits);
}

START_TEST(a_voucher_comes_along_and_keeps_the_boost)
{
	struct importance_world world = importance_begin(NULL);
	struct lab_buffer message;
	mach_port_name_t voucher;
	char text[64];
	uint32_t size = sizeof text - 3;

	importance_ask(&world);
	voucher = inherit(&world, &message);
	importance_is(&world, 0, 1);
	there_are(&world, 1, 1);
	lab_name_is(world.server, voucher, SEND, 1);
	lab_ok(lab_extract_content(world.server, voucher, IMPORTANCE, text, &size));
	ck_assert(strstr(text, " from pid ") != NULL);
	/* The boost is the voucher's, and none of the right to reply. */
	lab_is(KERN_INVALID_RIGHT,
	       importance_policy(world.server, MACHD_POLICY_HOLD, message.header.msgh_remote_port));
	lab_ok(importance_send(world.server, message.header.msgh_remote_port, MOVE_ONCE, NOBODY, 0,
			       0));
	importance_is(&world, 0, 1);
	lab_ok(lab_deallocate(world.server, voucher));
	importance_is(&world, 0, 0);
	there_are(&world, 0, 0);
	lab_stop(world.lab);
}
END_TEST

START_TEST(the_same_sender_is_inherited_from_once_and_counted_each_time)
{
	struct importance_world world = importance_begin(NULL);
	struct lab_buffer message;
	mach_port_name_t voucher = 0;

	for (unsigned i = 1; i <= 3; i++) {
		importance_ask(&world);
		voucher = inherit(&world, &message);
		lab_name_is(world.server, voucher, SEND, i);
		importance_is(&world, 0, i);
		there_are(&world, 1, 1);
	}
	lab_ok(lab_deallocate(world.server, voucher));
	importance_is(&world, 0, 3);
	lab_ok(lab_destroy(world.server, voucher));
	importance_is(&world, 0, 0);
	lab_stop(world.lab);
}
END_TEST

START_TEST(boosts_that_came_with_messages_are_dropped_by_a_command)
{
	struct importance_world world = importance_begin(NULL);
	struct lab_buffer message;
	mach_port_name_t voucher;
	uint32_t boosts = 0, left[2] = {0}, size = sizeof *left;

	importance_ask(&world);
	importance_ask(&world);
	inherit(&world, &message);
	voucher = inherit(&world, &message);
#define DROP(answer) DROP_BY(world.server, answer)
#define DROP_BY(thread, answer)                                                                 \
	lab_voucher_command(thread, voucher, IMPORTANCE,                                        \
			    MACH_VOUCHER_IMPORTANCE_ATTR_DROP_EXTERNAL, &boosts, sizeof boosts, \
			    left, (answer))
	lab_ok(DROP(&size));
	ck_assert(size == sizeof *left && *left == 2);
	boosts = 3;
	lab_is(KERN_FAILURE, DROP(&size));
	importance_is(&world, 0, 2);
	boosts = 1;
	lab_ok(DROP(&size));
	ck_assert_uint_eq(*left, 1);
	importance_is(&world, 0, 1);
	size = 0;
	lab_ok(DROP(&size));
	importance_is(&world, 0, 0);
	size = sizeof *left;
	lab_is(KERN_FAILURE, DROP(&size));
	/* The next message counts again. */
	importance_ask(&world);
	ck_assert_uint_eq(inherit(&world, &message), voucher);
	importance_is(&world, 0, 1);
	voucher = lab_pass(world.server, voucher, MOVE_SEND, world.donor);
	lab_kill(world.server->task);
	lab_audit(world.lab);
	lab_ok(DROP_BY(world.donor, &size));
	ck_assert_uint_eq(*left, 0);
	lab_audit(world.lab);
	lab_stop(world.lab);
}
END_TEST

/* What the message's own voucher says is kept, but for its importance. */
START_TEST(a_voucher_that_was_sent_says_the_rest)
{
	struct importance_world world = importance_begin(NULL);
	mach_port_name_t sent, received;
	struct lab_recipes recipes = {.size = 0};
	struct lab_buffer message;
	uint8_t data[8];
	uint32_t size = sizeof data - 3;

	lab_recipe(&recipes, DATA, MACH_VOUCHER_ATTR_USER_DATA_STORE, 0, "five", 5);
	lab_recipe(&recipes, IMPORTANCE, MACH_VOUCHER_ATTR_IMPORTANCE_SELF, 0, NULL, 0);
	lab_ok(lab_create_voucher(world.donor, &recipes, &sent));
	lab_compose(&message, world.dest, COPY_SEND, world.reply, MAKE_ONCE, 1);
	lab_carry(&message, sent, MOVE_SEND);
	lab_ok(lab_send_now(world.donor, &message));
	received = inherit(&world, &message);
	lab_ok(lab_extract_content(world.server, received, DATA, data, &size));
	ck_assert(size == 5 && memcmp(data, "five", 5) == 0);
	importance_is(&world, 0, 1);
	there_are(&world, 1, 1);
	lab_stop(world.lab);
}
END_TEST

/* To a port that takes none, or from oneself, no importance comes with a voucher. */
START_TEST(importance_that_is_not_donated_is_not_received)
{
	struct importance_world world = importance_begin(NULL);
	mach_port_name_t plain = lab_new_port(world.server), own, voucher;
	struct lab_buffer message;
	uint32_t size;
	uint8_t bytes[64];

	for (unsigned i = 0; i < 2; i++) {
		own = i ? world.port : plain;
		lab_ok(lab_one_recipe(world.server, IMPORTANCE, MACH_VOUCHER_ATTR_IMPORTANCE_SELF,
				      0, NULL, 0, &voucher));
		lab_compose(&message, own, MAKE_SEND, NOBODY, 0, 1);
		lab_carry(&message, voucher, MOVE_SEND);
		lab_ok(lab_send_now(world.server, &message));
		lab_ok(lab_receive(world.server, own, &message, MACH_RCV_TIMEOUT | MACH_RCV_VOUCHER,
				   0));
		ck_assert(!MACH_MSGH_BITS_RAISED_IMPORTANCE(message.header.msgh_bits));
		voucher = message.header.msgh_voucher_port;
		size = sizeof bytes - 3;
		lab_ok(lab_extract_content(world.server, voucher, IMPORTANCE, bytes, &size));
		ck_assert_uint_eq(size, 0);
		lab_ok(lab_deallocate(world.server, voucher));
	}
	there_are(&world, 0, 0);
	lab_stop(world.lab);
}
END_TEST

/* Received is what it was to become, and it follows its sender as a message would. */
START_TEST(what_is_inherited_follows_who_sent_it)
{
	struct importance_world world = importance_begin(NULL);
	mach_port_name_t third = lab_new_port(world.other), dest, own, reply, voucher;
	struct lab_buffer message;

	importance_accept(world.other, third);
	dest = lab_pass(world.other, third, MAKE_SEND, world.server);
	own = lab_new_port(world.server);
	lab_ok(importance_send(world.server, dest, COPY_SEND, own, MAKE_ONCE, 0));
	lab_ok(lab_receive(world.other, third, &message, MACH_RCV_TIMEOUT | MACH_RCV_VOUCHER, 0));
	ck_assert(MACH_MSGH_BITS_RAISED_IMPORTANCE(message.header.msgh_bits));
	voucher = message.header.msgh_voucher_port;
	ck_assert_uint_eq(importance_of_task(world.other), 0);
	reply = importance_asked(&world);
	lab_audit(world.lab);
	ck_assert_uint_eq(importance_of_task(world.other), 1);
	lab_ok(lab_deallocate(world.server, reply));
	lab_audit(world.lab);
	ck_assert_uint_eq(importance_of_task(world.other), 0);
	importance_asked(&world);
	ck_assert_uint_eq(importance_of_task(world.other), 1);
	lab_kill(world.server->task);
	lab_audit(world.lab);
	ck_assert_uint_eq(importance_of_task(world.other), 0);
	lab_ok(lab_deallocate(world.other, voucher));
	there_are(&world, 0, 0);
	lab_stop(world.lab);
}
END_TEST

/* A message that is not received after all gives nothing; its voucher goes with it. */
START_TEST(a_voucher_without_room_is_given_up_with_its_boost)
{
	struct lab_options options;
	struct importance_world world;
	struct lab_buffer message;

	lab_options_init(&options);
	options.limits.ports_per_user = 12;
	world = importance_begin(&options);
	importance_ask(&world);
	while (lab_allocate(world.server, MACH_PORT_RIGHT_RECEIVE, &(mach_port_name_t){0}) ==
	       KERN_SUCCESS)
		continue;
	lab_is(MACH_RCV_HEADER_ERROR | MACH_MSG_IPC_KERNEL,
	       lab_receive(world.server, world.port, &message, MACH_RCV_TIMEOUT | MACH_RCV_VOUCHER,
			   0));
	importance_is(&world, 0, 0);
	there_are(&world, 0, 0);
	lab_stop(world.lab);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_test(tests, a_voucher_comes_along_and_keeps_the_boost);
	tcase_add_test(tests, the_same_sender_is_inherited_from_once_and_counted_each_time);
	tcase_add_test(tests, boosts_that_came_with_messages_are_dropped_by_a_command);
	tcase_add_test(tests, a_voucher_that_was_sent_says_the_rest);
	tcase_add_test(tests, importance_that_is_not_donated_is_not_received);
	tcase_add_test(tests, what_is_inherited_follows_who_sent_it);
	tcase_add_test(tests, a_voucher_without_room_is_given_up_with_its_boost);
}

int main(void)
{
	return lab_run("ipc_inherit", add_tests);
}
