/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Send rights that must stay in their space: a task's right to itself [4.1, 16.3]. What may be done
 * with it, in each place where a right can be named, and that another task's right to the same port
 * is an ordinary one.
 */
#include <mach/task_special_ports.h>

#include "tests/lab/lab_expect.h"

struct world {
	struct lab *lab;
	struct lab_thread *a, *b;
	mach_port_name_t self;	 /* a's right to itself */
	mach_port_name_t door;	 /* b's port, */
	mach_port_name_t way;	 /* and a's send right to it */
	mach_port_name_t b_task; /* a's right to b */
};

static struct world begin(void)
{
	struct world world = {.lab = lab_start(NULL)};

	world.a = lab_task(world.lab, 1000)->thread;
	world.b = lab_task(world.lab, 1000)->thread;
	world.self = world.a->task->self;
	world.door = lab_new_port(world.b);
	world.way = lab_pass(world.b, world.door, MAKE_SEND, world.a);
	world.b_task = lab_pass_task(world.b, world.a);
	return world;
}

/* Two references, so that nothing here is about the last one. */
static struct world begin_with_two(void)
{
	struct world world = begin();

	lab_ok(lab_mod_refs(world.a, world.self, MACH_PORT_RIGHT_SEND, 1));
	return world;
}

static const uint32_t sends[] = {COPY_SEND, MOVE_SEND};

START_TEST(it_is_a_destination)
{
	struct world world = begin_with_two();
	struct lab_buffer message;

	lab_compose(&message, world.self, sends[_i], NOBODY, 0, 1);
	lab_ok(lab_send_now(world.a, &message));
	lab_name_is(world.a, world.self, SEND, sends[_i] == COPY_SEND ? 2 : 1);
	lab_stop(world.lab);
}
END_TEST

START_TEST(it_is_no_reply)
{
	struct world world = begin_with_two();
	mach_port_name_t dests[] = {world.way, world.self, world.a->task->host};
	struct lab_buffer message;

	for (unsigned i = 0; i < 3; i++) {
		lab_compose(&message, dests[i], COPY_SEND, world.self, sends[_i], 1);
		lab_is(MACH_SEND_INVALID_REPLY, lab_send_now(world.a, &message));
	}
	lab_name_is(world.a, world.self, SEND, 2);
	lab_silent(world.b, world.door);
	lab_stop(world.lab);
}
END_TEST

START_TEST(it_goes_in_no_body)
{
	struct world world = begin_with_two();
	struct lab_buffer message = lab_to(world.way, 1);

	lab_add_port(&message, world.self, sends[_i]);
	lab_is(MACH_SEND_INVALID_RIGHT, lab_send_now(world.a, &message));
	lab_name_is(world.a, world.self, SEND, 2);
	lab_silent(world.b, world.door);
	lab_stop(world.lab);
}
END_TEST

START_TEST(it_goes_in_the_body_of_a_message_to_the_daemon)
{
	struct world world = begin_with_two();
	struct lab_buffer message = lab_to(world.a->task->host, 1);

	lab_add_port(&message, world.self, sends[_i]);
	lab_ok(lab_send_now(world.a, &message));
	lab_name_is(world.a, world.self, SEND, sends[_i] == COPY_SEND ? 2 : 1);
	lab_stop(world.lab);
}
END_TEST

START_TEST(it_goes_in_the_body_of_a_message_to_the_dead)
{
	struct world world = begin_with_two();
	mach_port_name_t once = lab_pass(world.b, world.door, MAKE_ONCE, world.a);
	struct lab_buffer message;

	lab_ok(lab_destroy(world.b, world.door));
	lab_compose(&message, once, MOVE_ONCE, NOBODY, 0, 1);
	lab_add_port(&message, world.self, sends[_i]);
	lab_ok(lab_send_now(world.a, &message));
	lab_name_is(world.a, world.self, SEND, sends[_i] == COPY_SEND ? 2 : 1);
	lab_stop(world.lab);
}
END_TEST

START_TEST(it_is_extracted_as_a_copy_by_oneself)
{
	struct world world = begin_with_two();
	mach_port_name_t right;
	uint32_t type;

	lab_ok(lab_extract_right(world.a, world.self, COPY_SEND, &right, &type));
	ck_assert_uint_eq(right, world.self);
	lab_name_is(world.a, world.self, SEND, 3);
	lab_is(KERN_INVALID_CAPABILITY,
	       lab_extract_right(world.a, world.self, MOVE_SEND, &right, &type));
	lab_name_is(world.a, world.self, SEND, 3);
	lab_stop(world.lab);
}
END_TEST

START_TEST(it_is_extracted_by_nobody_else)
{
	struct world world = begin();
	struct mach_port_extract_right_in in = {world.b->task->self, sends[_i]};
	struct mach_port_extract_right_out out;

	lab_ok(lab_mod_refs(world.b, world.b->task->self, MACH_PORT_RIGHT_SEND, 1));
	lab_is(KERN_INVALID_CAPABILITY,
	       lab_call(world.a, MACHD_ROUTINE_mach_port_extract_right, world.b_task, &in,
			sizeof in, &out, sizeof out, NULL));
	lab_name_is(world.b, world.b->task->self, SEND, 2);
	lab_stop(world.lab);
}
END_TEST

START_TEST(it_is_inserted_under_its_own_name_only)
{
	struct world world = begin();

	lab_ok(lab_insert_right(world.a, world.self, world.self, COPY_SEND));
	lab_name_is(world.a, world.self, SEND, 2);
	for (unsigned i = 0; i < 2; i++)
		lab_is(KERN_INVALID_CAPABILITY,
		       lab_insert_right(world.a, 0x7703, world.self, sends[i]));
	lab_name_is(world.a, world.self, SEND, 2);
	lab_name_is(world.a, 0x7703, NO_NAME, 0);
	lab_stop(world.lab);
}
END_TEST

/* As the body of a message to the daemon it may go to a task that one has a right to. */
START_TEST(it_is_inserted_into_another_task)
{
	struct world world = begin();
	struct mach_port_insert_right_in in = {0x7703, world.self, COPY_SEND};

	lab_ok(lab_call(world.a, MACHD_ROUTINE_mach_port_insert_right, world.b_task, &in, sizeof in,
			NULL, 0, NULL));
	lab_name_is(world.b, 0x7703, SEND, 1);
	lab_stop(world.lab);
}
END_TEST

START_TEST(it_is_no_special_port_and_not_registered)
{
	struct world world = begin();
	mach_port_name_t port, ports[] = {world.way, world.self};
	struct task_set_special_port_in set = {TASK_BOOTSTRAP_PORT, world.self};

	lab_is(KERN_INVALID_RIGHT, lab_set_special_port(world.a, TASK_BOOTSTRAP_PORT, world.self));
	lab_is(KERN_INVALID_RIGHT, lab_call(world.a, MACHD_ROUTINE_task_set_special_port,
					    world.b_task, &set, sizeof set, NULL, 0, NULL));
	lab_ok(lab_get_special_port(world.a, TASK_BOOTSTRAP_PORT, &port));
	ck_assert_uint_eq(port, world.a->task->bootstrap);
	lab_is(KERN_INVALID_RIGHT, lab_call(world.a, MACHD_ROUTINE_mach_ports_register, world.self,
					    ports, sizeof ports, NULL, 0, NULL));
	ck_assert_uint_eq(lab_srights(world.b, world.door), 1);
	lab_name_is(world.a, world.self, SEND, 1);
	lab_stop(world.lab);
}
END_TEST

/* Case 337: and the last reference stays. */
START_TEST(it_can_be_given_up_but_for_the_last_reference)
{
	struct world world = begin_with_two();

	lab_ok(lab_deallocate(world.a, world.self));
	lab_is(KERN_INVALID_CAPABILITY, lab_deallocate(world.a, world.self));
	lab_name_is(world.a, world.self, SEND, 1);
	lab_stop(world.lab);
}
END_TEST

/* What the registry gave out is a right like any other: it can go on, even back to its task. */
START_TEST(another_tasks_right_to_it_is_an_ordinary_one)
{
	struct world world = begin();
	struct lab_thread *c = lab_task(world.lab, 1000)->thread;
	mach_port_name_t ports[] = {world.b_task}, third, back;
	struct lab_buffer message;

	third = lab_pass(world.a, world.b_task, COPY_SEND, c);
	lab_compose(&message, world.way, COPY_SEND, world.b_task, COPY_SEND, 1);
	lab_ok(lab_send_now(world.a, &message));
	lab_ok(lab_call(world.a, MACHD_ROUTINE_mach_ports_register, world.self, ports, sizeof ports,
			NULL, 0, NULL));
	back = lab_pass(c, third, MOVE_SEND, world.b);
	ck_assert_uint_eq(back, world.b->task->self);
	lab_name_is(world.b, back, SEND, 2);
	lab_name_is(c, third, NO_NAME, 0);
	lab_stop(world.lab);
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_loop_test(tcase, it_is_a_destination, 0, 2);
	tcase_add_loop_test(tcase, it_is_no_reply, 0, 2);
	tcase_add_loop_test(tcase, it_goes_in_no_body, 0, 2);
	tcase_add_loop_test(tcase, it_goes_in_the_body_of_a_message_to_the_daemon, 0, 2);
	tcase_add_loop_test(tcase, it_goes_in_the_body_of_a_message_to_the_dead, 0, 2);
	tcase_add_test(tcase, it_is_extracted_as_a_copy_by_oneself);
	tcase_add_loop_test(tcase, it_is_extracted_by_nobody_else, 0, 2);
	tcase_add_test(tcase, it_is_inserted_under_its_own_name_only);
	tcase_add_test(tcase, it_is_inserted_into_another_task);
	tcase_add_test(tcase, it_is_no_special_port_and_not_registered);
	tcase_add_test(tcase, it_can_be_given_up_but_for_the_last_reference);
	tcase_add_test(tcase, another_tasks_right_to_it_is_an_ordinary_one);
}

int main(void)
{
	return lab_run("ipc_immovable", add_tests);
}
