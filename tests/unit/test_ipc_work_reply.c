/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests to the daemon's own ports that destroy very much: the reply comes behind all of that, as
 * if it had been done at once [29].
 */
#include <mach/mig_errors.h>
#include <stdlib.h>

#include "tests/lab/lab_mig.h"

enum { PORTS = 12000 };

struct world {
	struct lab *lab;
	struct lab_thread *a, *second; /* of one task */
	mach_port_name_t self, port;   /* where its notices and replies come */
};

static struct world begin(void)
{
	struct world world = {.lab = lab_start(NULL)};

	world.a = lab_task(world.lab, 1000)->thread;
	world.second = lab_thread(world.a->task);
	world.self = world.a->task->self;
	world.port = lab_new_port(world.a);
	world.lab->lazy_work = true;
	return world;
}

/* The port is told when `name` is a dead name. */
static void ask(const struct world *world, mach_port_name_t name)
{
	mach_port_name_t previous;

	lab_ok(lab_request_notification(world->a, name, MACH_NOTIFY_DEAD_NAME, 0, world->port,
					MAKE_ONCE, &previous));
}

/* A request to the task port that brings ports, for each of which the port is told of its end. */
static void with_rights(const struct world *world, int32_t id)
{
	mach_port_name_t *names = calloc(PORTS, sizeof *names), once;
	uint32_t type;

	LAB_TRUE(names);
	for (unsigned i = 0; i < PORTS; i++) {
		names[i] = lab_new_port(world->a);
		lab_ok(lab_extract_right(world->a, names[i], MAKE_ONCE, &once, &type));
		ask(world, once);
	}
	mig_start(id, world->self, world->port);
	letter_add_ports(PORTS, MOVE_RECEIVE);
	letter_entry_inline(names, PORTS * sizeof *names);
	free(names);
}

/* The others are served while it is done, and there is no answer before. */
static void work(const struct world *world, const struct lab_thread *waits)
{
	unsigned turns = 0;

	for (; trap_has_work(world->lab->host); turns++) {
		LAB_TRUE(!waits || !waits->answered);
		lab_ok(lab_deallocate(world->second, lab_new_dead_name(world->second)));
		lab_work_turn(world->lab);
	}
	ck_assert_uint_gt(turns, 1);
}

/* What came to the port, in this order. */
static void told_then_replied(const struct world *world, struct lab_thread *thread, int32_t id,
			      kern_return_t kr)
{
	for (unsigned i = 0; i < PORTS; i++)
		lab_notice(thread, world->port, MACH_NOTIFY_DEAD_NAME);
	lab_is(kr, mig_receive(thread, world->port, id));
	lab_silent(thread, world->port);
}

START_TEST(the_reply_comes_when_what_the_request_brought_is_gone)
{
	struct world world = begin();

	with_rights(&world, 77);
	lab_is(LAB_BLOCKED, mig_send(world.a));
	work(&world, world.a);
	lab_ok(lab_wait(world.a));
	told_then_replied(&world, world.a, 77, MIG_BAD_ID);
	lab_stop(world.lab);
}
END_TEST

START_TEST(the_reply_comes_when_what_the_routine_destroyed_is_gone)
{
	struct world world = begin();
	mach_port_name_t port = lab_new_port(world.a), once;
	uint32_t type;

	for (unsigned i = 0; i < PORTS; i++) {
		lab_ok(lab_extract_right(world.a, port, MAKE_ONCE, &once, &type));
		ask(&world, once);
	}
	mig_start(3205, world.self, world.port); /* mach_port_destroy */
	mig_words(WORDS(port));
	lab_is(LAB_BLOCKED, mig_send(world.a));
	work(&world, world.a);
	lab_ok(lab_wait(world.a));
	told_then_replied(&world, world.a, 3205, KERN_SUCCESS);
	lab_stop(world.lab);
}
END_TEST

START_TEST(who_asked_is_gone_and_the_reply_comes_all_the_same)
{
	struct world world = begin();

	with_rights(&world, 77);
	lab_is(LAB_BLOCKED, mig_send(world.a));
	lab_close(world.a);
	work(&world, NULL);
	told_then_replied(&world, world.second, 77, MIG_BAD_ID);
	lab_stop(world.lab);
}
END_TEST

START_TEST(the_port_for_the_reply_dies_before_it_comes)
{
	struct world world = begin();
	struct trap_totals totals;

	with_rights(&world, 77);
	lab_is(LAB_BLOCKED, mig_send(world.a));
	lab_is(LAB_BLOCKED, lab_destroy(world.second, world.port));
	while (trap_has_work(world.lab->host))
		lab_work_turn(world.lab);
	lab_ok(lab_wait(world.a));
	lab_ok(lab_call_answer(world.second, NULL, 0, NULL));
	trap_totals(world.lab->host, &totals);
	ck_assert_uint_eq(totals.messages_queued, 0);
	lab_stop(world.lab);
}
END_TEST

START_TEST(the_machine_ends_before_the_reply_comes)
{
	struct world world = begin();

	with_rights(&world, 77);
	lab_is(LAB_BLOCKED, mig_send(world.a));
	lab_stop(world.lab);
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_test(tcase, the_reply_comes_when_what_the_request_brought_is_gone);
	tcase_add_test(tcase, the_reply_comes_when_what_the_routine_destroyed_is_gone);
	tcase_add_test(tcase, who_asked_is_gone_and_the_reply_comes_all_the_same);
	tcase_add_test(tcase, the_port_for_the_reply_dies_before_it_comes);
	tcase_add_test(tcase, the_machine_ends_before_the_reply_comes);
}

int main(void)
{
	return lab_run("ipc_work_reply", add_tests);
}
