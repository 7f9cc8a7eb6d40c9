/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The calls on tasks: special ports, what a task may do to its own task port, and calls on the name
 * space of another task [16.3, 20, 24].
 */
#include <mach/task_special_ports.h>

#include "tests/lab/lab_expect.h"

struct world {
	struct lab *lab;
	struct lab_thread *a, *b;
	mach_port_name_t b_task; /* a's send right to b's task port */
};

static struct world begin(void)
{
	struct world world = {.lab = lab_start(NULL)};

	world.a = lab_task(world.lab, 1000)->thread;
	world.b = lab_task(world.lab, 1000)->thread;
	world.b_task = lab_pass_task(world.b, world.a);
	return world;
}

/* --- special ports --- */

START_TEST(special_ports_are_the_names_of_the_welcome_with_one_more_reference)
{
	struct world world = begin();
	mach_port_name_t port;

	lab_name_is(world.a, world.a->task->self, SEND, 1);
	lab_ok(lab_get_special_port(world.a, TASK_KERNEL_PORT, &port));
	ck_assert_uint_eq(port, world.a->task->self);
	lab_name_is(world.a, port, SEND, 2);
	lab_ok(lab_get_special_port(world.a, TASK_HOST_PORT, &port));
	ck_assert_uint_eq(port, world.a->task->host);
	lab_name_is(world.a, port, SEND, 2);
	lab_ok(lab_get_special_port(world.a, TASK_BOOTSTRAP_PORT, &port));
	ck_assert_uint_eq(port, world.a->task->bootstrap);
	lab_name_is(world.a, port, SEND, 2);
	lab_is(KERN_INVALID_ARGUMENT, lab_get_special_port(world.a, 99, &port));
	lab_is(KERN_INVALID_ARGUMENT, lab_get_special_port(world.a, 0, &port));
	lab_is(KERN_INVALID_ARGUMENT, lab_get_special_port(world.a, -1, &port));
	lab_stop(world.lab);
}
END_TEST

START_TEST(the_bootstrap_port_can_be_set)
{
	struct world world = begin();
	mach_port_name_t mine = lab_new_service(world.a), port;

	lab_is(KERN_NO_ACCESS, lab_set_special_port(world.a, TASK_KERNEL_PORT, mine));
	lab_is(KERN_NO_ACCESS, lab_set_special_port(world.a, TASK_HOST_PORT, mine));
	lab_is(KERN_INVALID_ARGUMENT, lab_set_special_port(world.a, 99, mine));
	lab_is(MACH_SEND_INVALID_RIGHT, lab_set_special_port(world.a, TASK_BOOTSTRAP_PORT, 0x7703));
	lab_is(MACH_SEND_INVALID_RIGHT,
	       lab_set_special_port(world.a, TASK_BOOTSTRAP_PORT, lab_new_port(world.a)));
	lab_ok(lab_set_special_port(world.a, TASK_BOOTSTRAP_PORT, mine));
	lab_name_is(world.a, mine, SEND_RECEIVE, 1);
	ck_assert_uint_eq(lab_srights(world.a, mine), 2);
	lab_ok(lab_get_special_port(world.a, TASK_BOOTSTRAP_PORT, &port));
	ck_assert_uint_eq(port, mine);
	lab_name_is(world.a, mine, SEND_RECEIVE, 2);
	lab_ok(lab_set_special_port(world.a, TASK_BOOTSTRAP_PORT, MACH_PORT_NULL));
	ck_assert_uint_eq(lab_srights(world.a, mine), 1);
	lab_ok(lab_get_special_port(world.a, TASK_BOOTSTRAP_PORT, &port));
	ck_assert_uint_eq(port, MACH_PORT_NULL);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_bootstrap_port_that_died_is_dead)
{
	struct world world = begin();
	mach_port_name_t mine = lab_new_service(world.a), port;

	lab_ok(lab_set_special_port(world.a, TASK_BOOTSTRAP_PORT, mine));
	lab_ok(lab_destroy(world.a, mine));
	lab_ok(lab_get_special_port(world.a, TASK_BOOTSTRAP_PORT, &port));
	ck_assert_uint_eq(port, MACH_PORT_DEAD);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_bootstrap_port_that_was_set_goes_with_its_task)
{
	struct world world = begin();
	mach_port_name_t mine = lab_new_service(world.b), notify = lab_new_port(world.b), previous;
	mach_port_name_t theirs = lab_pass(world.b, mine, MOVE_SEND, world.a);

	lab_ok(lab_request_notification(world.b, mine, MACH_NOTIFY_NO_SENDERS, 1, notify, MAKE_ONCE,
					&previous));
	lab_ok(lab_set_special_port(world.a, TASK_BOOTSTRAP_PORT, theirs));
	lab_ok(lab_deallocate(world.a, theirs));
	lab_silent(world.b, notify);
	lab_kill(world.a->task);
	lab_notice_of(world.b, notify, MACH_NOTIFY_NO_SENDERS, 1);
	lab_stop(world.lab);
}
END_TEST

/* --- the task's own task port --- */

START_TEST(a_task_keeps_the_last_reference_to_itself)
{
	struct world world = begin();
	mach_port_name_t self = world.a->task->self, port;

	lab_ok(lab_get_special_port(world.a, TASK_KERNEL_PORT, &port));
	lab_ok(lab_deallocate(world.a, self));
	lab_is(KERN_INVALID_CAPABILITY, lab_deallocate(world.a, self));
	lab_is(KERN_INVALID_CAPABILITY, lab_mod_refs(world.a, self, MACH_PORT_RIGHT_SEND, -1));
	lab_is(KERN_INVALID_CAPABILITY, lab_destroy(world.a, self));
	lab_name_is(world.a, self, SEND, 1);
	lab_ok(lab_deallocate(world.a, world.b_task)); /* another's is an ordinary right */
	lab_ok(lab_destroy(world.a, world.a->task->host));
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_task_cannot_move_the_last_reference_to_itself_away)
{
	struct world world = begin();
	mach_port_name_t self = world.a->task->self, door = lab_new_port(world.b), right;
	mach_port_name_t way = lab_pass(world.b, door, MAKE_SEND, world.a);
	struct lab_buffer message = lab_to(way, 1);
	uint32_t type;

	lab_add_port(&message, self, MOVE_SEND);
	lab_is(MACH_SEND_INVALID_RIGHT, lab_send_now(world.a, &message));
	lab_compose(&message, way, COPY_SEND, self, MOVE_SEND, 1);
	lab_is(MACH_SEND_INVALID_REPLY, lab_send_now(world.a, &message));
	lab_compose(&message, self, MOVE_SEND, NOBODY, 0, 1);
	lab_is(MACH_SEND_INVALID_DEST, lab_send_now(world.a, &message));
	lab_compose(&message, self, MOVE_SEND, self, COPY_SEND, 1);
	lab_is(MACH_SEND_INVALID_REPLY, lab_send_now(world.a, &message));
	lab_is(KERN_INVALID_CAPABILITY, lab_extract_right(world.a, self, MOVE_SEND, &right, &type));
	lab_name_is(world.a, self, SEND, 1);
	lab_ok(lab_mod_refs(world.a, self, MACH_PORT_RIGHT_SEND, 1));
	lab_compose(&message, self, MOVE_SEND, self, MOVE_SEND, 1);
	lab_is(MACH_SEND_INVALID_REPLY, lab_send_now(world.a, &message));
	lab_name_is(world.a, self, SEND, 2);
	lab_compose(&message, self, MOVE_SEND, NOBODY, 0, 1);
	lab_ok(lab_send_now(world.a, &message));
	lab_name_is(world.a, self, SEND, 1);
	lab_stop(world.lab);
}
END_TEST

/* --- calls on another task --- */

#define ON_B(routine, in, out)                                                          \
	lab_call(world.a, MACHD_ROUTINE_##routine, world.b_task, in, sizeof *(in), out, \
		 sizeof *(out), NULL)
#define DO_ON_B(routine, in) \
	lab_call(world.a, MACHD_ROUTINE_##routine, world.b_task, in, sizeof *(in), NULL, 0, NULL)

START_TEST(names_of_another_task_are_that_tasks_names)
{
	struct world world = begin();
	struct mach_port_allocate_in allocate = {MACH_PORT_RIGHT_RECEIVE};
	struct mach_port_allocate_out allocated;
	struct mach_port_type_in type = {0};
	struct mach_port_type_out typed;
	struct mach_port_destroy_in destroy;

	lab_ok(ON_B(mach_port_allocate, &allocate, &allocated));
	lab_name_is(world.b, allocated.name, RECEIVE, 0);
	type.name = allocated.name;
	lab_ok(ON_B(mach_port_type, &type, &typed));
	ck_assert_uint_eq(typed.type, RECEIVE);
	destroy.name = allocated.name;
	lab_ok(DO_ON_B(mach_port_destroy, &destroy));
	lab_name_is(world.b, allocated.name, NO_NAME, 0);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_right_is_inserted_from_the_caller_and_extracted_to_it)
{
	struct world world = begin();
	mach_port_name_t port = lab_new_port(world.a);
	struct mach_port_insert_right_in insert = {0x7703, port, MAKE_SEND};
	struct mach_port_extract_right_in extract = {0x7703, MOVE_SEND};
	struct mach_port_extract_right_out extracted;

	lab_ok(DO_ON_B(mach_port_insert_right, &insert));
	lab_name_is(world.b, 0x7703, SEND, 1);
	lab_is(KERN_RIGHT_EXISTS,
	       DO_ON_B(mach_port_insert_right,
		       &((struct mach_port_insert_right_in){0x8803, port, MAKE_SEND})));
	lab_ok(DO_ON_B(mach_port_insert_right, &insert)); /* the same name: one more reference */
	lab_name_is(world.b, 0x7703, SEND, 2);
	lab_ok(ON_B(mach_port_extract_right, &extract, &extracted));
	ck_assert_uint_eq(extracted.right, port);
	ck_assert_uint_eq(extracted.right_type, MOVE_SEND);
	lab_name_is(world.b, 0x7703, SEND, 1);
	lab_name_is(world.a, port, SEND_RECEIVE, 1);
	lab_stop(world.lab);
}
END_TEST

/* With equal names a call on oneself has a short way; on another task it must not be taken. */
START_TEST(equal_names_in_two_tasks_are_two_names)
{
	struct world world = begin();
	struct mach_port_insert_right_in insert = {0x7703, 0x7703, MAKE_SEND};

	lab_ok(lab_allocate_name(world.a, MACH_PORT_RIGHT_RECEIVE, 0x7703));
	lab_ok(DO_ON_B(mach_port_insert_right, &insert));
	lab_name_is(world.a, 0x7703, RECEIVE, 0);
	lab_name_is(world.b, 0x7703, SEND, 1);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_notification_is_asked_for_with_a_right_of_the_caller)
{
	struct world world = begin();
	mach_port_name_t notify = lab_new_port(world.a), port = lab_new_port(world.b);
	struct mach_port_request_notification_in request = {port, MACH_NOTIFY_DEAD_NAME, 0, notify,
							    MAKE_ONCE};
	struct mach_port_request_notification_out requested;

	lab_ok(ON_B(mach_port_request_notification, &request, &requested));
	lab_ok(lab_destroy(world.b, port));
	lab_notice_of(world.a, notify, MACH_NOTIFY_PORT_DELETED, port);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_task_killed_by_a_call_takes_its_name_space_along)
{
	struct world world = begin();
	struct mach_port_allocate_in allocate = {MACH_PORT_RIGHT_RECEIVE};
	struct mach_port_allocate_out allocated;

	lab_kill(world.b->task);
	lab_is(MACH_SEND_INVALID_DEST, ON_B(mach_port_allocate, &allocate, &allocated));
	lab_name_is(world.a, world.b_task, DEAD_NAME, 1);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_call_goes_to_an_object_of_its_kind)
{
	struct world world = begin();
	struct mach_port_type_in type = {world.a->task->self};
	struct mach_port_type_out typed;
	struct bootstrap_look_up_in look_up = {.service = "x"};
	struct bootstrap_look_up_out looked_up;
	mach_port_name_t targets[] = {
		MACH_PORT_NULL,	       MACH_PORT_DEAD,		 0x7703,
		lab_new_port(world.a), lab_new_service(world.a), lab_new_dead_name(world.a),
		lab_new_set(world.a),  world.a->task->host};

	for (unsigned i = 0; i < sizeof targets / sizeof *targets; i++) {
		lab_is(MACH_SEND_INVALID_DEST,
		       lab_call(world.a, MACHD_ROUTINE_mach_port_type, targets[i], &type,
				sizeof type, &typed, sizeof typed, NULL));
		lab_is(MACH_SEND_INVALID_DEST,
		       lab_call(world.a, MACHD_ROUTINE_bootstrap_look_up, targets[i], &look_up,
				sizeof look_up, &looked_up, sizeof looked_up, NULL));
	}
	lab_is(MACH_SEND_INVALID_DEST,
	       lab_call(world.a, MACHD_ROUTINE_mach_port_type, world.a->task->bootstrap, &type,
			sizeof type, &typed, sizeof typed, NULL));
	lab_is(MACH_SEND_INVALID_DEST,
	       lab_call(world.a, MACHD_ROUTINE_bootstrap_look_up, world.a->task->self, &look_up,
			sizeof look_up, &looked_up, sizeof looked_up, NULL));
	lab_stop(world.lab);
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_test(tcase, special_ports_are_the_names_of_the_welcome_with_one_more_reference);
	tcase_add_test(tcase, the_bootstrap_port_can_be_set);
	tcase_add_test(tcase, a_bootstrap_port_that_died_is_dead);
	tcase_add_test(tcase, a_bootstrap_port_that_was_set_goes_with_its_task);
	tcase_add_test(tcase, a_task_keeps_the_last_reference_to_itself);
	tcase_add_test(tcase, a_task_cannot_move_the_last_reference_to_itself_away);
	tcase_add_test(tcase, names_of_another_task_are_that_tasks_names);
	tcase_add_test(tcase, a_right_is_inserted_from_the_caller_and_extracted_to_it);
	tcase_add_test(tcase, equal_names_in_two_tasks_are_two_names);
	tcase_add_test(tcase, a_notification_is_asked_for_with_a_right_of_the_caller);
	tcase_add_test(tcase, a_task_killed_by_a_call_takes_its_name_space_along);
	tcase_add_test(tcase, a_call_goes_to_an_object_of_its_kind);
}

int main(void)
{
	return lab_run("trap_task", add_tests);
}
