/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Very many threads whose waits end at once: they wait for nothing any more from then on, and are
 * told so a slice at a time, in their order, while others are served.
 */
#include <mach/semaphore.h>

#include "tests/lab/lab_audit.h"
#include "tests/lab/lab_expect.h"

enum { THREADS = 100, SLICE = 8 };

struct world {
	struct lab *lab;
	struct lab_thread *a, *client; /* `a` has what the threads of its task wait for */
	struct lab_thread *thread[THREADS];
	struct lab_buffer buffer[THREADS];
	mach_port_name_t port;
};

static void begin(struct world *world)
{
	struct lab_options options;

	lab_options_init(&options);
	options.slice = SLICE;
	world->lab = lab_start(&options);
	world->a = lab_task(world->lab, 1000)->thread;
	world->client = lab_task(world->lab, 1000)->thread;
	world->port = lab_new_port(world->a);
	for (unsigned i = 0; i < THREADS; i++)
		world->thread[i] = lab_thread(world->a->task);
}

static void all_receive(struct world *world, mach_port_name_t name)
{
	for (unsigned i = 0; i < THREADS; i++)
		lab_is(LAB_BLOCKED, lab_receive(world->thread[i], name, &world->buffer[i], 0, 0));
	world->lab->lazy_work = true;
}

/* The first so many have been told, and no others. */
static unsigned count_told(const struct world *world)
{
	unsigned count = 0;

	while (count < THREADS && world->thread[count]->answered)
		count++;
	for (unsigned i = count; i < THREADS; i++)
		ck_assert(!world->thread[i]->answered);
	return count;
}

/* Turn by turn, with somebody else's calls between them. */
static void tell_all(struct world *world)
{
	unsigned told = count_told(world), turns = 0;

	ck_assert_uint_le(told, 2 * SLICE);
	for (; trap_has_work(world->lab->host); turns++) {
		unsigned before = told;

		lab_ok(lab_deallocate(world->client, lab_new_dead_name(world->client)));
		lab_work_turn(world->lab);
		told = count_told(world);
		ck_assert_uint_le(told - before, 6 * SLICE);
	}
	ck_assert_uint_gt(turns, 2);
	ck_assert_uint_eq(told, THREADS);
	lab_audit(world->lab);
}

START_TEST(receivers_of_a_port_that_dies)
{
	static struct world world;

	begin(&world);
	all_receive(&world, world.port);
	lab_is(LAB_BLOCKED, lab_destroy(world.a, world.port));
	tell_all(&world);
	lab_ok(lab_call_answer(world.a, NULL, 0, NULL));
	for (unsigned i = 0; i < THREADS; i++)
		lab_is(MACH_RCV_PORT_CHANGED, lab_wait(world.thread[i]));
	lab_stop(world.lab);
}
END_TEST

START_TEST(receivers_of_a_set_that_goes)
{
	static struct world world;
	mach_port_name_t set;

	begin(&world);
	set = lab_new_set(world.a);
	lab_ok(lab_insert_member(world.a, world.port, set));
	all_receive(&world, set);
	lab_is(LAB_BLOCKED, lab_destroy(world.a, set));
	tell_all(&world);
	lab_ok(lab_call_answer(world.a, NULL, 0, NULL));
	for (unsigned i = 0; i < THREADS; i++)
		lab_is(MACH_RCV_PORT_CHANGED, lab_wait(world.thread[i]));
	lab_stop(world.lab);
}
END_TEST

/* Who is told later can neither receive any more nor be interrupted, but it can go away. */
START_TEST(nothing_else_happens_to_them_in_the_meantime)
{
	static struct world world;
	struct lab_buffer message;

	begin(&world);
	all_receive(&world, world.port);
	world.port = lab_pass(world.a, world.port, MOVE_RECEIVE, world.client);
	ck_assert(!world.thread[THREADS - 1]->answered);
	lab_compose(&message, world.port, MAKE_SEND, NOBODY, 0, 7);
	lab_ok(lab_send_now(world.client, &message));
	LAB_TRUE(lab_cancel(world.thread[THREADS - 2]));
	ck_assert(!world.thread[THREADS - 2]->answered);
	lab_close(world.thread[THREADS - 1]);
	while (trap_has_work(world.lab->host))
		lab_work_turn(world.lab);
	for (unsigned i = 0; i < THREADS - 1; i++)
		lab_is(MACH_RCV_PORT_CHANGED, lab_wait(world.thread[i]));
	lab_message(world.client, world.port, 7);
	lab_audit(world.lab);
	lab_stop(world.lab);
}
END_TEST

/* --- semaphores --- */

static kern_return_t call(struct lab_thread *thread, uint32_t routine, mach_port_name_t target,
			  const void *in, size_t size)
{
	return lab_call(thread, routine, target, in, size, NULL, 0, NULL);
}

static mach_port_name_t all_wait(struct world *world)
{
	struct semaphore_create_in create = {.value = 0};
	struct semaphore_create_out made = {0};
	struct semaphore_wait_in wait;

	lab_ok(lab_call(world->a, MACHD_ROUTINE_semaphore_create, world->a->task->self, &create,
			sizeof create, &made, sizeof made, NULL));
	wait.wait = made.semaphore;
	for (unsigned i = 0; i < THREADS; i++)
		lab_is(LAB_BLOCKED, call(world->thread[i], MACHD_ROUTINE_semaphore_wait,
					 world->a->task->self, &wait, sizeof wait));
	world->lab->lazy_work = true;
	return made.semaphore;
}

START_TEST(a_semaphore_that_is_signaled_for_all)
{
	static struct world world;
	mach_port_name_t semaphore;
	struct semaphore_signal_all_in signal;

	begin(&world);
	semaphore = all_wait(&world);
	signal.semaphore = semaphore;
	lab_ok(call(world.a, MACHD_ROUTINE_semaphore_signal_all, world.a->task->self, &signal,
		    sizeof signal));
	tell_all(&world);
	for (unsigned i = 0; i < THREADS; i++)
		lab_ok(lab_call_answer(world.thread[i], NULL, 0, NULL));
	lab_stop(world.lab);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_test(tests, receivers_of_a_port_that_dies);
	tcase_add_test(tests, receivers_of_a_set_that_goes);
	tcase_add_test(tests, nothing_else_happens_to_them_in_the_meantime);
	tcase_add_test(tests, a_semaphore_that_is_signaled_for_all);
}

int main(void)
{
	return lab_run("ipc_wake", add_tests);
}
