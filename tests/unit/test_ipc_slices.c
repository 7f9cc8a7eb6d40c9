/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Single things whose size a client chooses: a message with thousands of rights, a port that
 * thousands of names asked about, a set with thousands of members, timers that are due together.
 * Each is gone through in slices, in its order, and others are served between any two. What cannot
 * be cut has a limit.
 */
#include <stdlib.h>

#include "tests/lab/lab_expect.h"
#include "tests/lab/lab_letter.h"

struct world {
	struct lab *lab;
	struct lab_thread *a, *client;
	mach_port_name_t port; /* of a, with a send right */
};

static struct world begin(void)
{
	struct world world = {.lab = lab_start(NULL)};

	world.a = lab_task(world.lab, 1000)->thread;
	world.client = lab_task(world.lab, 1000)->thread;
	world.port = lab_new_service(world.a);
	world.lab->lazy_work = true;
	return world;
}

/*
 * Work until none is left; between any two turns another client is served. `waits` (if any) is
 * answered at the end and not before.
 */
static unsigned turns(struct world *world, const struct lab_thread *waits)
{
	unsigned count = 0;

	while (trap_has_work(world->lab->host)) {
		LAB_TRUE(!waits || !waits->answered);
		lab_ok(lab_deallocate(world->client, lab_new_dead_name(world->client)));
		lab_work_turn(world->lab);
		count++;
	}
	return count;
}

static kern_return_t call_answer(struct lab_thread *thread)
{
	return lab_call_answer(thread, NULL, 0, NULL);
}

/* --- messages --- */

enum { RIGHTS = 16383 };

/* One message to a's port with that many rights of a's in an array; 0: of the last one no right. */
static mach_msg_return_t send_rights(struct world *world, uint32_t disposition,
				     mach_port_name_t (*make)(struct lab_thread *), bool good)
{
	mach_port_name_t *names = calloc(RIGHTS, sizeof *names);
	mach_msg_return_t code;

	for (unsigned i = 0; i < RIGHTS; i++)
		names[i] = make(world->a);
	if (!good)
		names[RIGHTS - 1] = 0x7fff03;
	letter_start(world->port, COPY_SEND);
	letter_add_ports(RIGHTS, disposition);
	letter_entry_inline(names, RIGHTS * sizeof *names);
	code = letter_send(world->a);
	free(names);
	return code;
}

START_TEST(a_message_with_many_receive_rights_in_a_dying_queue)
{
	struct world world = begin();

	lab_ok(send_rights(&world, MOVE_RECEIVE, lab_new_port, true));
	lab_is(LAB_BLOCKED, lab_destroy(world.a, world.port));
	ck_assert_uint_gt(turns(&world, world.a), 2);
	lab_ok(call_answer(world.a));
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_message_whose_last_right_is_none)
{
	struct world world = begin();

	lab_is(LAB_BLOCKED, send_rights(&world, MOVE_RECEIVE, lab_new_port, false));
	ck_assert_uint_gt(turns(&world, world.a), 2);
	lab_is(MACH_SEND_INVALID_RIGHT, lab_wait(world.a));
	ck_assert_uint_eq(lab_srights(world.a, world.port), 1);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_message_with_many_rights_that_is_too_large)
{
	struct world world = begin();
	struct lab_buffer message;
	struct lab_msg small = {.option = MACH_RCV_MSG,
				.receive = &message,
				.receive_size = 24,
				.receive_name = world.port};

	lab_ok(send_rights(&world, MOVE_SEND, lab_new_service, true));
	lab_is(LAB_BLOCKED, lab_msg(world.a, &small));
	ck_assert_uint_gt(turns(&world, world.a), 2);
	lab_is(MACH_RCV_TOO_LARGE, lab_wait(world.a));
	lab_stop(world.lab);
}
END_TEST

/* The rights of a message are destroyed in order, each with its queue, however it is cut up. */
START_TEST(slices_keep_the_order)
{
	enum { PORTS = 600, QUEUED = 3 };
	struct world world = begin();
	mach_port_name_t notify = lab_new_port(world.client), theirs, *names, previous;
	struct lab_buffer message;

	names = calloc(PORTS, sizeof *names);
	theirs = lab_pass(world.client, notify, MAKE_SEND, world.a);
	for (unsigned i = 0; i < PORTS; i++) {
		names[i] = lab_new_port(world.a);
		for (unsigned k = 0; k < QUEUED; k++) { /* each with a word for the client in it */
			mach_port_name_t once = lab_pass(world.client, notify, MAKE_ONCE, world.a);

			lab_compose(&message, names[i], MAKE_SEND, once, MOVE_ONCE, (int)k);
			lab_ok(lab_send_now(world.a, &message));
		}
		lab_ok(lab_request_notification(
			world.client, lab_pass(world.a, names[i], MAKE_SEND, world.client),
			MACH_NOTIFY_DEAD_NAME, 0, notify, MAKE_ONCE, &previous));
	}
	letter_start(world.port, COPY_SEND);
	letter_add_ports(PORTS, MOVE_RECEIVE);
	names[PORTS - 1] = 0x7fff03;
	letter_entry_inline(names, PORTS * sizeof *names);
	lab_is(LAB_BLOCKED, letter_send(world.a));
	ck_assert_uint_gt(turns(&world, world.a), 1);
	lab_is(MACH_SEND_INVALID_RIGHT, lab_wait(world.a));
	for (unsigned i = 0; i < PORTS - 1; i++) {
		for (unsigned k = 0; k < QUEUED; k++)
			lab_notice(world.client, notify, MACH_NOTIFY_SEND_ONCE);
		lab_notice(world.client, notify, MACH_NOTIFY_DEAD_NAME);
	}
	lab_silent(world.client, notify);
	lab_ok(lab_deallocate(world.a, theirs));
	free(names);
	lab_stop(world.lab);
}
END_TEST

/* --- requests --- */

START_TEST(a_port_that_many_names_asked_about)
{
	enum { NAMES = 20000 };
	struct world world = begin();
	mach_port_name_t notify = lab_new_port(world.a), *once = calloc(NAMES, sizeof *once);
	mach_port_name_t previous;
	uint32_t type;

	for (unsigned i = 0; i < NAMES; i++) {
		lab_ok(lab_extract_right(world.a, world.port, MAKE_ONCE, &once[i], &type));
		lab_ok(lab_request_notification(world.a, once[i], MACH_NOTIFY_DEAD_NAME, 0, notify,
						MAKE_ONCE, &previous));
	}
	lab_is(LAB_BLOCKED, lab_destroy(world.a, world.port));
	ck_assert_uint_gt(turns(&world, world.a), 5);
	lab_ok(call_answer(world.a));
	for (unsigned i = 0; i < NAMES; i++)
		lab_notice_of(world.a, notify, MACH_NOTIFY_DEAD_NAME, once[i]);
	lab_name_is(world.a, once[NAMES - 1], DEAD_NAME, 2);
	free(once);
	lab_stop(world.lab);
}
END_TEST

/* Whoever looks at such a name before it was told of sees what it will be. */
START_TEST(a_name_that_is_looked_at_before_it_is_told_of)
{
	enum { NAMES = 10000 };
	struct world world = begin();
	struct lab_thread *second = lab_thread(world.a->task);
	mach_port_name_t notify = lab_new_port(world.a), once = 0, previous;
	uint32_t type;
	unsigned told = 0;
	struct lab_buffer message;

	for (unsigned i = 0; i < NAMES; i++) {
		lab_ok(lab_extract_right(world.a, world.port, MAKE_ONCE, &once, &type));
		lab_ok(lab_request_notification(world.a, once, MACH_NOTIFY_DEAD_NAME, 0, notify,
						MAKE_ONCE, &previous));
	}
	lab_is(LAB_BLOCKED, lab_destroy(world.a, world.port));
	lab_name_is(second, once, DEAD_NAME, 2);
	lab_ok(lab_destroy(second, once));
	turns(&world, world.a);
	lab_ok(call_answer(world.a));
	while (lab_receive_now(world.a, notify, &message) == MACH_MSG_SUCCESS) {
		LAB_TRUE(message.header.msgh_id == MACH_NOTIFY_DEAD_NAME);
		told++;
	}
	ck_assert_uint_eq(told, NAMES);
	ck_assert_uint_eq(lab_notice_word(&message), once);
	lab_stop(world.lab);
}
END_TEST

/* Armed requests are found without a look at the others, and fire in the order of the table. */
START_TEST(armed_requests_among_many_that_are_not)
{
	enum { TASKS = 60, BETWEEN = 150 };
	struct world world = begin();
	mach_port_name_t notify = lab_new_port(world.client), previous, once, theirs[TASKS];
	struct lab_thread *threads[TASKS];
	struct lab_buffer message;
	uint32_t type;

	lab_set_qlimit(world.a, world.port, 1);
	for (unsigned i = 0; i < TASKS; i++) {
		threads[i] = lab_task(world.lab, 1000)->thread;
		theirs[i] = lab_pass(world.a, world.port, COPY_SEND, threads[i]);
	}
	lab_fill(world.a, world.port, 1, 1);
	for (unsigned i = 0; i < TASKS; i++) {
		for (unsigned k = 0; k < BETWEEN; k++) {
			lab_ok(lab_extract_right(world.a, world.port, MAKE_ONCE, &once, &type));
			lab_ok(lab_request_notification(world.a, once, MACH_NOTIFY_DEAD_NAME, 0,
							lab_new_port(world.a), MAKE_ONCE,
							&previous));
		}
		once = lab_pass(world.client, notify, MAKE_ONCE, threads[i]);
		lab_ok(lab_request_notification(threads[i], theirs[i], MACH_NOTIFY_SEND_POSSIBLE, 1,
						once, MOVE_ONCE, &previous));
	}
	for (unsigned i = 0; i < TASKS; i += 3) /* some change their minds */
		lab_ok(lab_deallocate(threads[i], theirs[i]));
	for (unsigned i = 0; i < TASKS; i += 3)
		lab_notice_of(world.client, notify, MACH_NOTIFY_PORT_DELETED, theirs[i]);
	lab_ok(lab_receive_now(world.a, world.port, &message));
	for (unsigned i = 0; i < TASKS; i++)
		if (i % 3)
			lab_notice_of(world.client, notify, MACH_NOTIFY_SEND_POSSIBLE, theirs[i]);
	lab_silent(world.client, notify);
	lab_stop(world.lab);
}
END_TEST

/* --- sets --- */

START_TEST(a_set_with_many_members)
{
	enum { MEMBERS = 20000 };
	struct world world = begin();
	mach_port_name_t set = lab_new_set(world.a), last = 0;

	for (unsigned i = 0; i < MEMBERS; i++) {
		last = lab_new_port(world.a);
		lab_ok(lab_insert_member(world.a, last, set));
	}
	lab_is(LAB_BLOCKED, lab_destroy(world.a, set));
	ck_assert_uint_gt(turns(&world, world.a), 2);
	lab_ok(call_answer(world.a));
	ck_assert_uint_eq(lab_status(world.a, last).mps_pset, 0);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_port_is_in_so_many_sets_and_no_more)
{
	struct lab_options options;
	struct world world;
	mach_port_name_t sets[4];

	lab_options_init(&options);
	options.limits.sets_per_port = 3;
	world = (struct world){.lab = lab_start(&options)};
	world.a = lab_task(world.lab, 1000)->thread;
	world.port = lab_new_port(world.a);
	for (unsigned i = 0; i < 4; i++) {
		sets[i] = lab_new_set(world.a);
		lab_is(i < 3 ? KERN_SUCCESS : KERN_RESOURCE_SHORTAGE,
		       lab_insert_member(world.a, world.port, sets[i]));
	}
	lab_is(KERN_ALREADY_IN_SET, lab_insert_member(world.a, world.port, sets[2]));
	lab_ok(lab_destroy(world.a, sets[0]));
	lab_ok(lab_insert_member(world.a, world.port, sets[3]));
	lab_ok(lab_move_member(world.a, world.port, MACH_PORT_NULL));
	lab_ok(lab_insert_member(world.a, world.port, sets[1]));
	lab_stop(world.lab);
}
END_TEST

/* --- timers, semaphores, services --- */

START_TEST(timers_that_are_due_together)
{
	enum { TIMERS = 3000 };
	struct world world = begin();
	mach_port_name_t *names = calloc(TIMERS, sizeof *names);
	struct trap_totals totals;
	struct lab_buffer message;

	for (unsigned i = 0; i < TIMERS; i++) {
		struct mk_timer_create_out made;
		struct mk_timer_arm_in arm = {.deadline = world.lab->now + 1000};

		lab_ok(lab_call(world.a, MACHD_ROUTINE_mk_timer_create, world.a->task->self, NULL,
				0, &made, sizeof made, NULL));
		arm.name = names[i] = made.name;
		lab_ok(lab_call(world.a, MACHD_ROUTINE_mk_timer_arm, world.a->task->self, &arm,
				sizeof arm, NULL, 0, NULL));
	}
	lab_advance(world.lab, 1);
	trap_totals(world.lab->host, &totals);
	ck_assert_uint_gt(totals.messages_queued, 0);
	ck_assert_uint_le(totals.messages_queued, 1024);
	ck_assert_uint_gt(turns(&world, NULL), 0);
	trap_totals(world.lab->host, &totals);
	ck_assert_uint_eq(totals.messages_queued, TIMERS);
	for (unsigned i = 0; i < TIMERS; i++)
		lab_ok(lab_receive_now(world.a, names[i], &message));
	ck_assert_uint_eq(world.lab->alarm, 0);
	free(names);
	lab_stop(world.lab);
}
END_TEST

START_TEST(the_semaphores_of_a_task_that_dies)
{
	enum { SEMAPHORES = 20000 };
	struct world world = begin();
	struct semaphore_create_in create = {.value = 0};
	struct semaphore_create_out made = {0};
	struct semaphore_wait_in wait;

	for (unsigned i = 0; i < SEMAPHORES; i++)
		lab_ok(lab_call(world.a, MACHD_ROUTINE_semaphore_create, world.a->task->self,
				&create, sizeof create, &made, sizeof made, NULL));
	wait.wait = lab_pass(world.a, made.semaphore, COPY_SEND, world.client);
	lab_kill(world.a->task);
	ck_assert_uint_gt(turns(&world, NULL), 10);
	lab_is(KERN_TERMINATED,
	       lab_call(world.client, MACHD_ROUTINE_semaphore_wait, world.client->task->self, &wait,
			sizeof wait, NULL, 0, NULL));
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_user_has_so_many_services_and_no_more)
{
	struct lab_options options;
	struct lab *lab;
	struct lab_thread *a, *other;
	mach_port_name_t port, name;

	lab_options_init(&options);
	options.limits.services_per_user = 2;
	lab = lab_start(&options);
	a = lab_task(lab, 1000)->thread;
	other = lab_task(lab, 1001)->thread;
	port = lab_new_service(a);
	lab_ok(lab_register(a, "one", port));
	lab_ok(lab_check_in(a, "two", &name));
	lab_is(1105, lab_register(a, "three", port)); /* BOOTSTRAP_NO_MEMORY */
	lab_is(1105, lab_check_in(a, "three", &port));
	lab_ok(lab_check_in(other, "three", &port));
	lab_ok(lab_destroy(a, name));
	lab_ok(lab_check_in(a, "two", &name));
	lab_stop(lab);
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_test(tcase, a_message_with_many_receive_rights_in_a_dying_queue);
	tcase_add_test(tcase, a_message_whose_last_right_is_none);
	tcase_add_test(tcase, a_message_with_many_rights_that_is_too_large);
	tcase_add_test(tcase, slices_keep_the_order);
	tcase_add_test(tcase, a_port_that_many_names_asked_about);
	tcase_add_test(tcase, a_name_that_is_looked_at_before_it_is_told_of);
	tcase_add_test(tcase, armed_requests_among_many_that_are_not);
	tcase_add_test(tcase, a_set_with_many_members);
	tcase_add_test(tcase, a_port_is_in_so_many_sets_and_no_more);
	tcase_add_test(tcase, timers_that_are_due_together);
	tcase_add_test(tcase, the_semaphores_of_a_task_that_dies);
	tcase_add_test(tcase, a_user_has_so_many_services_and_no_more);
}

int main(void)
{
	return lab_run("ipc_slices", add_tests);
}
