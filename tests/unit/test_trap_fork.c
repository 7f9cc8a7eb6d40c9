/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the task of a forked process has from its parent's: nothing of its names, but the bootstrap,
 * access and registered ports [24, 33]. case 338
 */
#include <mach/task_special_ports.h>
#include <string.h>

#include "tests/lab/lab_expect.h"

static struct lab_thread *begin(void)
{
	return lab_task(lab_start(NULL), 1000)->thread;
}

static struct lab_thread *child_of(struct lab_thread *parent)
{
	struct lab_task *task = lab_fork(parent->lab, 1000, parent->task->token);

	LAB_TRUE(task);
	return task->thread;
}

static void register_ports(struct lab_thread *thread, const mach_port_name_t *names, unsigned count)
{
	lab_ok(lab_call(thread, MACHD_ROUTINE_mach_ports_register, thread->task->self, names,
			count * sizeof *names, NULL, 0, NULL));
}

static void look_up(struct lab_thread *thread, mach_port_name_t names[3])
{
	size_t got;

	lab_ok(lab_call(thread, MACHD_ROUTINE_mach_ports_lookup, thread->task->self, NULL, 0, names,
			3 * sizeof *names, &got));
	LAB_TRUE(got == 3 * sizeof *names);
}

static mach_port_name_t special(struct lab_thread *thread, int32_t which)
{
	mach_port_name_t port;

	lab_ok(lab_get_special_port(thread, which, &port));
	return port;
}

START_TEST(v338_a_child_has_no_names_of_its_parents)
{
	struct lab_thread *a = begin(), *b;
	mach_port_name_t names[16], port = lab_new_service(a);
	uint32_t types[16], next;
	unsigned count;

	lab_ok(lab_set_special_port(a, TASK_BOOTSTRAP_PORT, port));
	b = child_of(a);
	lab_ok(lab_names(b, 0, names, types, &count, &next));
	ck_assert_uint_eq(count, 3);
	lab_name_is(b, b->task->self, SEND, 1);
	lab_name_is(b, b->task->host, SEND, 1);
	lab_name_is(b, b->task->bootstrap, SEND, 1);
	lab_stop(a->lab);
}
END_TEST

START_TEST(v338_the_bootstrap_port_is_the_parents)
{
	struct lab_thread *a = begin(), *b;
	mach_port_name_t port = lab_new_service(a);
	struct lab_buffer message;

	lab_ok(lab_set_special_port(a, TASK_BOOTSTRAP_PORT, port));
	b = child_of(a);
	ck_assert_uint_eq(lab_srights(a, port), 4); /* both tasks', and both of the child's */
	ck_assert_uint_eq(special(b, TASK_BOOTSTRAP_PORT), b->task->bootstrap);
	message = lab_to(b->task->bootstrap, 7);
	lab_ok(lab_send_now(b, &message));
	lab_message(a, port, 7);
	/* What becomes of one of them later is nothing to the other. */
	lab_ok(lab_set_special_port(a, TASK_BOOTSTRAP_PORT, MACH_PORT_NULL));
	ck_assert_uint_eq(special(b, TASK_BOOTSTRAP_PORT), b->task->bootstrap);
	lab_kill(b->task);
	ck_assert_uint_eq(lab_srights(a, port), 1);
	lab_stop(a->lab);
}
END_TEST

START_TEST(v338_registered_ports_are_the_parents)
{
	struct lab_thread *a = begin(), *b, *c;
	mach_port_name_t port = lab_new_service(a), names[3] = {port, MACH_PORT_NULL, port};

	register_ports(a, names, 3);
	b = child_of(a);
	c = child_of(b); /* and so on */
	look_up(c, names);
	ck_assert(names[0] == names[2] && names[1] == MACH_PORT_NULL);
	lab_name_is(c, names[0], SEND, 2);
	lab_kill(a->task);
	lab_name_is(c, names[0], DEAD_NAME, 2);
	look_up(b, names);
	ck_assert_uint_eq(names[0], MACH_PORT_DEAD);
	lab_stop(c->lab);
}
END_TEST

START_TEST(other_ports_of_a_task_are_not_all_inherited)
{
	struct lab_thread *a = begin(), *b;
	mach_port_name_t port = lab_new_service(a);

	lab_ok(lab_set_special_port(a, TASK_ACCESS_PORT, port));
	lab_ok(lab_set_special_port(a, TASK_DEBUG_CONTROL_PORT, port));
	lab_ok(lab_set_special_port(a, TASK_RESOURCE_NOTIFY_PORT, port));
	b = child_of(a);
	ck_assert(MACH_PORT_VALID(special(b, TASK_ACCESS_PORT)));
	ck_assert_uint_eq(special(b, TASK_DEBUG_CONTROL_PORT), MACH_PORT_NULL);
	ck_assert_uint_eq(special(b, TASK_RESOURCE_NOTIFY_PORT), MACH_PORT_NULL);
	ck_assert_uint_ne(special(b, TASK_NAME_PORT), MACH_PORT_NULL);
	lab_stop(a->lab);
}
END_TEST

START_TEST(no_bootstrap_port_and_a_dead_one_are_inherited_too)
{
	struct lab_thread *a = begin();
	mach_port_name_t port = lab_new_service(a);

	lab_ok(lab_set_special_port(a, TASK_BOOTSTRAP_PORT, port));
	lab_ok(lab_destroy(a, port));
	ck_assert_uint_eq(child_of(a)->task->bootstrap, MACH_PORT_DEAD);
	lab_ok(lab_set_special_port(a, TASK_BOOTSTRAP_PORT, MACH_PORT_NULL));
	ck_assert_uint_eq(child_of(a)->task->bootstrap, MACH_PORT_NULL);
	lab_stop(a->lab);
}
END_TEST

/* Who inherits nothing has the bootstrap port of the daemon. */
static bool inherits(struct lab *lab, uint32_t uid, const uint8_t *parent)
{
	struct lab_task *task = lab_fork(lab, uid, parent);

	LAB_TRUE(task);
	return task->bootstrap == MACH_PORT_NULL;
}

START_TEST(who_knows_no_task_inherits_nothing)
{
	struct lab_thread *a = begin(), *root = lab_task(a->lab, 0)->thread;
	uint8_t token[MACHD_TOKEN_SIZE];

	lab_ok(lab_set_special_port(a, TASK_BOOTSTRAP_PORT, MACH_PORT_NULL));
	lab_ok(lab_set_special_port(root, TASK_BOOTSTRAP_PORT, MACH_PORT_NULL));
	ck_assert(inherits(a->lab, 1000, a->task->token));
	memcpy(token, a->task->token, sizeof token);
	token[5] ^= 1;
	ck_assert(!inherits(a->lab, 1000, token));
	ck_assert(!inherits(a->lab, 1001, a->task->token)); /* another user's now */
	ck_assert(!inherits(a->lab, 0, a->task->token));
	ck_assert(inherits(a->lab, 1001, root->task->token)); /* root made a user's process */
	token[5] ^= 1;
	lab_kill(a->task);
	ck_assert(!inherits(root->lab, 1000, token)); /* the parent is gone */
	lab_stop(root->lab);
}
END_TEST

START_TEST(a_parent_is_named_by_new_tasks_only)
{
	struct lab_thread *a = begin(), *thread = lab_connect(a->lab, 1000, a->pid);

	thread->parent = a->task->token;
	ck_assert(!lab_hello(thread, MACHD_ROLE_TASK, a->task));
	ck_assert_str_eq(a->lab->why, "who joins a task inherits from none");
	thread = lab_connect(a->lab, 1000, a->pid);
	thread->parent = a->task->token;
	ck_assert(!lab_hello(thread, MACHD_ROLE_WATCH, NULL));
	lab_stop(a->lab);
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_test(tcase, v338_a_child_has_no_names_of_its_parents);
	tcase_add_test(tcase, v338_the_bootstrap_port_is_the_parents);
	tcase_add_test(tcase, v338_registered_ports_are_the_parents);
	tcase_add_test(tcase, other_ports_of_a_task_are_not_all_inherited);
	tcase_add_test(tcase, no_bootstrap_port_and_a_dead_one_are_inherited_too);
	tcase_add_test(tcase, who_knows_no_task_inherits_nothing);
	tcase_add_test(tcase, a_parent_is_named_by_new_tasks_only);
}

int main(void)
{
	return lab_run("trap_fork", add_tests);
}
