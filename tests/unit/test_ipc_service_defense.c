/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose the receive right of a service port is, with and without DefendServicePorts= [16.5, 4.1].
 * What the first process is to Mach, root and the daemon's owner are here.
 */
#include <string.h>

#include "tests/lab/lab_expect.h"
#include "tests/lab/lab_names.h"

enum { ROOT = 0, OWNER = 500, STRANGER = 1000, GUARD = 0x1234 };

struct world {
	struct lab *lab;
	struct lab_thread *first, *user;
	mach_port_name_t service; /* of the first, with a send right */
};

static mach_port_name_t make_service(struct lab_thread *thread, uint32_t flags)
{
	struct machd_construct_service_port_in in = {.flags = flags, .context = GUARD};
	struct mach_service_port_info info = {.mspi_string_name = "org.example"};
	struct machd_construct_service_port_out out;

	memcpy(in.info, &info, sizeof in.info);
	lab_ok(lab_call(thread, MACHD_ROUTINE_machd_construct_service_port, thread->task->self, &in,
			sizeof in, &out, sizeof out, NULL));
	return out.name;
}

static struct world begin(bool defended)
{
	struct lab_options options;
	struct lab_names names;
	struct world world;

	lab_names_init(&names);
	lab_names_add(&names, "desk");
	lab_options_init(&options);
	options.names = lab_names_policy(&names);
	options.owner_uid = OWNER;
	options.policy.p_service_defense = defended;
	world.lab = lab_start(&options);
	world.first = lab_task(world.lab, ROOT)->thread;
	world.user = lab_task(world.lab, STRANGER)->thread;
	world.service = make_service(world.first, MPO_INSERT_SEND_RIGHT);
	return world;
}

/* Give the user the receive right, in the reply to a request to a name that everybody knows. */
static mach_port_name_t give(struct world *world, mach_port_name_t right)
{
	mach_port_name_t desk, dest, reply = lab_new_port(world->user);
	struct lab_buffer message;

	lab_ok(lab_check_in(world->first, "desk", &desk));
	lab_ok(lab_look_up(world->user, "desk", &dest));
	lab_compose(&message, dest, COPY_SEND, reply, MAKE_ONCE, 1);
	lab_ok(lab_send_now(world->user, &message));
	message = lab_message(world->first, desk, 1);
	lab_compose(&message, message.header.msgh_remote_port, MOVE_ONCE, MACH_PORT_NULL, 0, 2);
	lab_add_port(&message, right, MOVE_RECEIVE);
	lab_ok(lab_send_now(world->first, &message));
	message = lab_message(world->user, reply, 2);
	return lab_port(&message, 0).name;
}

static mach_msg_return_t send_right(struct lab_thread *thread, mach_port_name_t right)
{
	struct lab_buffer message = lab_to(lab_new_service(thread), 1);

	lab_add_port(&message, right, MOVE_RECEIVE);
	return lab_send_now(thread, &message);
}

static kern_return_t ask(struct lab_thread *thread, mach_port_name_t port, mach_port_name_t notify)
{
	mach_port_name_t previous;

	return lab_request_notification(thread, port, MACH_NOTIFY_PORT_DESTROYED, 0, notify,
					MAKE_ONCE, &previous);
}

static mach_port_name_t fixed_port(struct lab_thread *thread)
{
	struct mach_port_guard_with_flags_in in = {
		.name = lab_new_port(thread), .guard = GUARD, .flags = MPG_IMMOVABLE_RECEIVE};

	lab_ok(lab_call(thread, MACHD_ROUTINE_mach_port_guard_with_flags, thread->task->self, &in,
			sizeof in, NULL, 0, NULL));
	return in.name;
}

START_TEST(only_the_first_sends_it)
{
	struct world world = begin(true);
	mach_port_name_t there, right;
	uint32_t type;

	there = give(&world, world.service);
	lab_is(MACH_SEND_INVALID_RIGHT, send_right(world.user, there));
	lab_is(KERN_INVALID_CAPABILITY,
	       lab_extract_right(world.user, there, MOVE_RECEIVE, &right, &type));
	lab_name_is(world.user, there, RECEIVE, 0);
	lab_fill(world.first, world.service, 1, 4); /* it is a port like any other */
	lab_message(world.user, there, 4);
	lab_stop(world.lab);
}
END_TEST

START_TEST(the_owner_of_the_daemon_does_as_well)
{
	struct world world = begin(true);
	struct lab_thread *owner = lab_task(world.lab, OWNER)->thread;

	lab_ok(send_right(owner, make_service(owner, 0)));
	lab_stop(world.lab);
}
END_TEST

START_TEST(undefended_anybody_does)
{
	struct world world = begin(false);
	mach_port_name_t there = give(&world, world.service);

	lab_ok(send_right(world.user, there));
	lab_stop(world.lab);
}
END_TEST

/* Marked as one that stays, it goes where the first process sends it all the same. */
START_TEST(the_first_sends_one_that_should_stay)
{
	for (unsigned defended = 0; defended < 2; defended++) {
		struct world world = begin(defended);
		mach_port_name_t port =
			make_service(world.first, MPO_CONTEXT_AS_GUARD | MPO_IMMOVABLE_RECEIVE);

		lab_ok(send_right(world.first, port));
		lab_is(MACH_SEND_INVALID_RIGHT, send_right(world.first, fixed_port(world.first)));
		lab_stop(world.lab);
	}
}
END_TEST

START_TEST(it_is_shown_as_one_that_stays_while_it_has_a_guard)
{
	struct world world = begin(true);
	mach_port_name_t port = make_service(world.first, MPO_CONTEXT_AS_GUARD);

	ck_assert_uint_eq(lab_status(world.first, world.service).mps_flags, 0);
	ck_assert_uint_eq(lab_status(world.first, port).mps_flags,
			  MACH_PORT_STATUS_FLAG_GUARDED |
				  MACH_PORT_STATUS_FLAG_GUARD_IMMOVABLE_RECEIVE);
	lab_stop(world.lab);
}
END_TEST

START_TEST(only_the_first_hears_of_its_end_on_a_port_that_stays)
{
	struct world world = begin(true);
	mach_port_name_t movable = lab_new_port(world.first), fixed = fixed_port(world.first);
	mach_port_name_t there, plain = lab_new_port(world.user);

	lab_is(KERN_FAILURE, ask(world.first, world.service, movable));
	lab_notice(world.first, movable, MACH_NOTIFY_SEND_ONCE);
	lab_ok(ask(world.first, world.service, fixed));
	there = give(&world, make_service(world.first, 0));
	lab_is(KERN_FAILURE, ask(world.user, there, fixed_port(world.user)));
	lab_is(KERN_FAILURE, ask(world.user, there, MACH_PORT_NULL));
	lab_ok(ask(world.user, plain, fixed_port(world.user)));
	lab_stop(world.lab);
}
END_TEST

START_TEST(undefended_anybody_hears_of_it)
{
	struct world world = begin(false);
	mach_port_name_t there = give(&world, world.service);

	lab_ok(ask(world.user, there, lab_new_port(world.user)));
	lab_stop(world.lab);
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_test(tcase, only_the_first_sends_it);
	tcase_add_test(tcase, the_owner_of_the_daemon_does_as_well);
	tcase_add_test(tcase, undefended_anybody_does);
	tcase_add_test(tcase, the_first_sends_one_that_should_stay);
	tcase_add_test(tcase, it_is_shown_as_one_that_stays_while_it_has_a_guard);
	tcase_add_test(tcase, only_the_first_hears_of_its_end_on_a_port_that_stays);
	tcase_add_test(tcase, undefended_anybody_hears_of_it);
}

int main(void)
{
	return lab_run("ipc_service_defense", add_tests);
}
