/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bootstrap calls: launchd's codes, who may use a name, and names that become free when what is
 * behind them dies [24].
 */
#include <servers/bootstrap.h>
#include <stdio.h>
#include <string.h>

#include "tests/lab/lab_expect.h"

struct world {
	struct lab *lab;
	struct lab_thread *a, *b;
};

static struct world begin(void)
{
	struct world world = {.lab = lab_start(NULL)};

	world.a = lab_task(world.lab, 1000)->thread;
	world.b = lab_task(world.lab, 1000)->thread;
	return world;
}

START_TEST(a_service_is_checked_in_and_looked_up)
{
	struct world world = begin();
	mach_port_name_t port, name, again;

	lab_ok(lab_check_in(world.a, "org.example.service", &port));
	lab_name_is(world.a, port, RECEIVE, 0);
	ck_assert_uint_eq(lab_status(world.a, port).mps_mscount, 0);
	lab_ok(lab_look_up(world.b, "org.example.service", &name));
	lab_name_is(world.b, name, SEND, 1);
	lab_ok(lab_look_up(world.b, "org.example.service", &again));
	ck_assert_uint_eq(again, name);
	lab_name_is(world.b, name, SEND, 2);
	lab_fill(world.b, name, 1, 4);
	lab_message(world.a, port, 4);
	lab_ok(lab_look_up(world.a, "org.example.service", &name));
	ck_assert_uint_eq(name, port);
	lab_name_is(world.a, port, SEND_RECEIVE, 1);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_name_has_one_holder)
{
	struct world world = begin();
	mach_port_name_t port, mine = lab_new_service(world.b);

	lab_ok(lab_check_in(world.a, "x", &port));
	lab_is(BOOTSTRAP_SERVICE_ACTIVE, lab_check_in(world.a, "x", &port));
	lab_is(BOOTSTRAP_SERVICE_ACTIVE, lab_check_in(world.b, "x", &port));
	lab_is(BOOTSTRAP_NAME_IN_USE, lab_register(world.b, "x", mine));
	lab_ok(lab_register(world.b, "y", mine));
	lab_is(BOOTSTRAP_NAME_IN_USE, lab_register(world.b, "y", mine));
	lab_is(BOOTSTRAP_SERVICE_ACTIVE, lab_check_in(world.a, "y", &port));
	lab_is(BOOTSTRAP_UNKNOWN_SERVICE, lab_look_up(world.a, "z", &port));
	ck_assert_uint_eq(lab_srights(world.b, mine), 2);
	lab_stop(world.lab);
}
END_TEST

START_TEST(names_have_one_to_127_bytes)
{
	struct world world = begin();
	mach_port_name_t port, mine = lab_new_service(world.a);
	char name[130] = "";

	lab_is(BOOTSTRAP_BAD_COUNT, lab_check_in(world.a, "", &port));
	lab_is(BOOTSTRAP_BAD_COUNT, lab_register(world.a, "", mine));
	lab_is(BOOTSTRAP_UNKNOWN_SERVICE, lab_look_up(world.a, "", &port));
	memset(name, 'n', 128);
	lab_is(BOOTSTRAP_BAD_COUNT, lab_check_in(world.a, name, &port));
	lab_is(BOOTSTRAP_BAD_COUNT, lab_register(world.a, name, mine));
	lab_is(BOOTSTRAP_UNKNOWN_SERVICE, lab_look_up(world.a, name, &port));
	name[127] = '\0';
	lab_ok(lab_check_in(world.a, name, &port));
	lab_ok(lab_look_up(world.a, name, &mine));
	ck_assert_uint_eq(mine, port);
	name[126] = '\0';
	lab_is(BOOTSTRAP_UNKNOWN_SERVICE, lab_look_up(world.a, name, &port));
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_registered_port_is_copied_and_unregistered)
{
	struct world world = begin();
	mach_port_name_t mine = lab_new_service(world.a), name;

	lab_ok(lab_register(world.a, "x", mine));
	lab_name_is(world.a, mine, SEND_RECEIVE, 1);
	lab_ok(lab_look_up(world.b, "x", &name));
	lab_ok(lab_register(world.b, "other", name)); /* who has a send right may register it */
	lab_ok(lab_register(world.a, "x", MACH_PORT_NULL));
	lab_is(BOOTSTRAP_UNKNOWN_SERVICE, lab_look_up(world.b, "x", &name));
	lab_is(BOOTSTRAP_UNKNOWN_SERVICE, lab_register(world.a, "x", MACH_PORT_NULL));
	lab_ok(lab_look_up(world.b, "other", &name));
	lab_stop(world.lab);
}
END_TEST

START_TEST(what_is_registered_must_be_a_send_right)
{
	struct world world = begin();
	mach_port_name_t port = lab_new_port(world.a);

	lab_is(MACH_SEND_INVALID_RIGHT, lab_register(world.a, "x", port));
	lab_is(MACH_SEND_INVALID_RIGHT, lab_register(world.a, "x", lab_new_set(world.a)));
	lab_is(MACH_SEND_INVALID_RIGHT, lab_register(world.a, "x", 0x7703));
	lab_is(MACH_SEND_INVALID_RIGHT, lab_register(world.a, "x", lab_new_once(world.a, port)));
	lab_is(KERN_INVALID_CAPABILITY, lab_register(world.a, "x", lab_new_dead_name(world.a)));
	lab_is(BOOTSTRAP_UNKNOWN_SERVICE, lab_look_up(world.a, "x", &port));
	lab_stop(world.lab);
}
END_TEST

/* --- whose a name is --- */

static const struct {
	uint32_t owner, other;
	kern_return_t code;
} users[] = {
	{1000, 1000, BOOTSTRAP_SUCCESS},
	{1000, 1001, BOOTSTRAP_NOT_PRIVILEGED},
	{1000, 0, BOOTSTRAP_SUCCESS},
	{0, 1000, BOOTSTRAP_NOT_PRIVILEGED},
};

START_TEST(a_name_is_its_users_and_roots)
{
	struct lab *lab = lab_start(NULL);
	struct lab_thread *owner = lab_task(lab, users[_i].owner)->thread;
	struct lab_thread *other = lab_task(lab, users[_i].other)->thread;
	mach_port_name_t port, name;

	lab_ok(lab_check_in(owner, "x", &port));
	lab_is(users[_i].code, lab_look_up(other, "x", &name));
	lab_is(users[_i].code, lab_register(other, "x", MACH_PORT_NULL));
	lab_is(users[_i].code ? BOOTSTRAP_SUCCESS : BOOTSTRAP_UNKNOWN_SERVICE,
	       lab_look_up(owner, "x", &name));
	lab_is(users[_i].code ? BOOTSTRAP_SERVICE_ACTIVE : BOOTSTRAP_SUCCESS,
	       lab_check_in(other, "x", &name));
	lab_stop(lab);
}
END_TEST

/* --- names that become free --- */

START_TEST(a_name_is_free_when_its_port_dies)
{
	struct world world = begin();
	mach_port_name_t port, mine = lab_new_service(world.a), name;

	lab_ok(lab_check_in(world.a, "x", &port));
	lab_ok(lab_register(world.a, "y", mine));
	lab_ok(lab_register(world.a, "z", mine));
	lab_ok(lab_destroy(world.a, port));
	lab_is(BOOTSTRAP_UNKNOWN_SERVICE, lab_look_up(world.b, "x", &name));
	lab_ok(lab_check_in(world.b, "x", &name));
	lab_ok(lab_destroy(world.a, mine));
	lab_is(BOOTSTRAP_UNKNOWN_SERVICE, lab_look_up(world.b, "y", &name));
	lab_is(BOOTSTRAP_UNKNOWN_SERVICE, lab_look_up(world.b, "z", &name));
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_name_is_free_when_its_task_dies)
{
	struct world world = begin();
	struct lab_thread *c = lab_task(world.lab, 1000)->thread;
	mach_port_name_t port, name;

	lab_ok(lab_check_in(c, "x", &port));
	lab_ok(lab_look_up(world.b, "x", &name));
	lab_kill(c->task);
	lab_name_is(world.b, name, DEAD_NAME, 1);
	lab_ok(lab_check_in(world.b, "x", &name));
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_name_stays_when_the_receive_right_moves)
{
	struct world world = begin();
	mach_port_name_t port, name;

	lab_ok(lab_check_in(world.a, "x", &port));
	port = lab_pass(world.a, port, MOVE_RECEIVE, world.b);
	lab_kill(world.a->task);
	lab_ok(lab_look_up(world.b, "x", &name));
	ck_assert_uint_eq(name, port);
	lab_stop(world.lab);
}
END_TEST

START_TEST(unregistering_drops_the_last_send_right)
{
	struct world world = begin();
	mach_port_name_t mine = lab_new_service(world.a), notify = lab_new_port(world.a), previous;

	lab_ok(lab_register(world.a, "x", mine));
	lab_ok(lab_request_notification(world.a, mine, MACH_NOTIFY_NO_SENDERS, 1, notify, MAKE_ONCE,
					&previous));
	lab_ok(lab_deallocate(world.a, mine));
	lab_silent(world.a, notify);
	lab_ok(lab_register(world.a, "x", MACH_PORT_NULL));
	lab_notice_of(world.a, notify, MACH_NOTIFY_NO_SENDERS, 1);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_machine_stops_with_names_in_its_registry)
{
	struct world world = begin();
	mach_port_name_t port;
	char name[2] = "a";

	for (; name[0] <= 'z'; name[0]++)
		lab_ok(lab_check_in(world.a, name, &port));
	lab_stop_at_once(world.lab);
}
END_TEST

START_TEST(many_names_are_all_found)
{
	struct world world = begin();
	mach_port_name_t ports[500], port;
	char name[20];

	for (unsigned i = 0; i < 500; i++) {
		snprintf(name, sizeof name, "service.%u", i);
		lab_ok(lab_check_in(world.a, name, &ports[i]));
	}
	for (unsigned i = 0; i < 500; i += 2)
		lab_ok(lab_destroy(world.a, ports[i]));
	for (unsigned i = 0; i < 500; i++) {
		snprintf(name, sizeof name, "service.%u", i);
		lab_is(i % 2 ? BOOTSTRAP_SUCCESS : BOOTSTRAP_UNKNOWN_SERVICE,
		       lab_look_up(world.a, name, &port));
		LAB_TRUE(i % 2 == 0 || port == ports[i]);
	}
	lab_stop(world.lab);
}
END_TEST

START_TEST(without_room_for_a_name_nothing_is_entered)
{
	struct world world = begin();
	struct machd_limits limits;
	mach_port_name_t name;

	lab_ok(lab_check_in(world.b, "there", &name));
	machd_limits_init(&limits);
	limits.names_per_task = 64;
	lab_limits(world.lab, &limits);
	while (lab_allocate(world.a, MACH_PORT_RIGHT_DEAD_NAME, &name) == KERN_SUCCESS)
		continue;
	lab_is(BOOTSTRAP_NO_MEMORY, lab_check_in(world.a, "x", &name));
	lab_is(BOOTSTRAP_UNKNOWN_SERVICE, lab_look_up(world.a, "x", &name));
	lab_is(BOOTSTRAP_NO_MEMORY, lab_look_up(world.a, "there", &name));
	limits.ports_per_user = 1;
	lab_limits(world.lab, &limits);
	lab_is(BOOTSTRAP_NO_MEMORY, lab_check_in(world.b, "x", &name));
	lab_stop(world.lab);
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_test(tcase, a_service_is_checked_in_and_looked_up);
	tcase_add_test(tcase, a_name_has_one_holder);
	tcase_add_test(tcase, names_have_one_to_127_bytes);
	tcase_add_test(tcase, a_registered_port_is_copied_and_unregistered);
	tcase_add_test(tcase, what_is_registered_must_be_a_send_right);
	tcase_add_loop_test(tcase, a_name_is_its_users_and_roots, 0, sizeof users / sizeof *users);
	tcase_add_test(tcase, a_name_is_free_when_its_port_dies);
	tcase_add_test(tcase, a_name_is_free_when_its_task_dies);
	tcase_add_test(tcase, a_name_stays_when_the_receive_right_moves);
	tcase_add_test(tcase, unregistering_drops_the_last_send_right);
	tcase_add_test(tcase, a_machine_stops_with_names_in_its_registry);
	tcase_add_test(tcase, many_names_are_all_found);
	tcase_add_test(tcase, without_room_for_a_name_nothing_is_entered);
}

int main(void)
{
	return lab_run("boot", add_tests);
}
