/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of a bell that hangs on very many ports: others are served meanwhile, it rings no more,
 * its ports may die, and in the end nothing of it is left.
 */
#include <string.h>

#include "daemon/ipc/ipc_host.h"
#include "tests/lab/lab_bell.h"
#include "tests/lab/lab_expect.h"

enum { PORTS = 10000 };

struct world {
	struct lab *lab;
	struct lab_thread *a, *other;
	struct lab_bell bell;
	mach_port_name_t ports[PORTS];
};

static void begin(struct world *world)
{
	*world = (struct world){.lab = lab_start(NULL)};
	world->a = lab_task(world->lab, 1000)->thread;
	world->other = lab_task(world->lab, 1000)->thread;
	lab_ok(lab_bell(world->a, &world->bell));
	for (unsigned i = 0; i < PORTS; i++) {
		world->ports[i] = lab_new_service(world->a);
		lab_ok(lab_bell_add(world->a, &world->bell, world->ports[i]));
	}
	ck_assert_uint_eq(world->lab->host->h_held[IPC_CHARGE_LINKS], PORTS);
	world->lab->lazy_work = true;
}

/* Others make calls while there is work; how many turns it took. */
static unsigned serve_others(struct world *world)
{
	unsigned turns = 0;

	while (lab_work_turn(world->lab)) {
		lab_ok(lab_destroy(world->other, lab_new_port(world->other)));
		turns++;
	}
	return turns;
}

START_TEST(others_are_served_while_a_bell_ends)
{
	static struct world world;

	begin(&world);
	lab_close(world.a);
	ck_assert(trap_has_work(world.lab->host));
	ck_assert_uint_gt(serve_others(&world), 1);
	ck_assert_uint_eq(world.lab->host->h_held[IPC_CHARGE_LINKS], 0);
	ck_assert_uint_eq(world.lab->host->h_held[IPC_CHARGE_BELLS], 0);
	lab_stop(world.lab);
}
END_TEST

/* Messages come for its ports, and they are destroyed, while it is on its way out. */
START_TEST(a_bell_that_ends_rings_no_more)
{
	static struct world world;
	struct lab_thread *second;
	uint8_t before[TRAP_DIGEST_SIZE], after[TRAP_DIGEST_SIZE];

	begin(&world);
	second = lab_thread(world.a->task);
	ck_assert_int_eq(lab_bell_close(world.a, &world.bell), LAB_BLOCKED);
	ck_assert(trap_has_work(world.lab->host));
	trap_digest(world.lab->host, before);
	lab_fill(second, world.ports[PORTS - 1], 1, 0);
	lab_fill(second, world.ports[PORTS - 2], 1, 0);
	lab_ok(lab_destroy(second, world.ports[PORTS - 1]));
	lab_ok(lab_destroy(second, world.ports[0]));
	lab_work_turn(world.lab);
	trap_digest(world.lab->host, after);
	ck_assert_mem_ne(before, after, sizeof before);
	serve_others(&world);
	lab_ok(lab_call_answer(world.a, NULL, 0, NULL));
	ck_assert_uint_eq(world.lab->host->h_held[IPC_CHARGE_LINKS], 0);
	lab_stop(world.lab);
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_test(tcase, others_are_served_while_a_bell_ends);
	tcase_add_test(tcase, a_bell_that_ends_rings_no_more);
}

int main(void)
{
	return lab_run("bell end", add_tests);
}
