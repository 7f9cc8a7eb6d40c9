/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who a task is, how it is found by its process, and its lesser ports: those to look at it and to
 * tell it from others [24]. case 346
 */
#include <mach/task_info.h>
#include <mach/task_special_ports.h>
#include <string.h>

#include "tests/lab/lab_expect.h"

struct world {
	struct lab *lab;
	struct lab_thread *a, *same, *other, *root;
};

static struct world begin(void)
{
	struct world world = {.lab = lab_start(NULL)};

	world.a = lab_task(world.lab, 1000)->thread;
	world.same = lab_task(world.lab, 1000)->thread;
	world.other = lab_task(world.lab, 1001)->thread;
	world.root = lab_task(world.lab, 0)->thread;
	return world;
}

static kern_return_t info(struct lab_thread *thread, mach_port_name_t task, uint32_t flavor,
			  uint32_t *words, uint32_t *count)
{
	struct task_info_in in = {flavor, *count};
	size_t got;
	kern_return_t kr = lab_call(thread, MACHD_ROUTINE_task_info, task, &in, sizeof in, words,
				    16 * sizeof *words, &got);

	*count = (uint32_t)(got / 4);
	return kr;
}

static mach_port_name_t special(struct lab_thread *thread, int32_t which)
{
	mach_port_name_t port;

	lab_ok(lab_get_special_port(thread, which, &port));
	return port;
}

START_TEST(tokens_are_those_of_the_task)
{
	struct world world = begin();
	uint32_t words[16], count = 16, pid = (uint32_t)world.other->pid;

	lab_ok(info(world.other, world.other->task->self, TASK_SECURITY_TOKEN, words, &count));
	ck_assert_uint_eq(count, 2);
	ck_assert_uint_eq(words[0], 1001);
	count = 8;
	lab_ok(info(world.other, world.other->task->self, TASK_AUDIT_TOKEN, words, &count));
	ck_assert_uint_eq(count, 8);
	ck_assert_uint_eq(words[1], 1001);
	ck_assert_uint_eq(words[5], pid);
	count = 7;
	lab_is(KERN_INVALID_ARGUMENT,
	       info(world.other, world.other->task->self, TASK_AUDIT_TOKEN, words, &count));
	count = 16;
	lab_is(KERN_INVALID_ARGUMENT,
	       info(world.other, world.other->task->self, 99, words, &count));
	lab_is(MACH_SEND_INVALID_DEST,
	       info(world.other, world.other->task->host, TASK_AUDIT_TOKEN, words, &count));
	lab_stop(world.lab);
}
END_TEST

/* --- by process --- */

static kern_return_t for_pid(struct lab_thread *thread, uint32_t routine, int32_t pid,
			     mach_port_name_t *task)
{
	struct task_for_pid_in in = {thread->task->self, pid};
	struct task_for_pid_out out;
	kern_return_t kr = lab_call(thread, routine, thread->task->self, &in, sizeof in, &out,
				    sizeof out, NULL);

	*task = out.task;
	return kr;
}

#define CONTROL MACHD_ROUTINE_task_for_pid
#define NAME	MACHD_ROUTINE_task_name_for_pid

static kern_return_t pid_of(struct lab_thread *thread, mach_port_name_t task, int32_t *pid)
{
	struct pid_for_task_in in = {task};
	struct pid_for_task_out out;
	kern_return_t kr = lab_call(thread, MACHD_ROUTINE_pid_for_task, thread->task->self, &in,
				    sizeof in, &out, sizeof out, NULL);

	*pid = out.pid;
	return kr;
}

START_TEST(a_task_of_the_same_user_is_found)
{
	struct world world = begin();
	mach_port_name_t task, named;
	int32_t pid;

	lab_ok(for_pid(world.a, CONTROL, world.same->pid, &task));
	lab_name_is(world.a, task, SEND, 1);
	lab_ok(pid_of(world.a, task, &pid));
	ck_assert_int_eq(pid, world.same->pid);
	lab_ok(for_pid(world.a, NAME, world.same->pid, &named));
	ck_assert_uint_ne(named, task);
	lab_ok(pid_of(world.a, named, &pid));
	ck_assert_int_eq(pid, world.same->pid);
	lab_ok(for_pid(world.a, CONTROL, world.a->pid, &task));
	ck_assert_uint_eq(task, world.a->task->self);
	lab_kill(world.same->task);
	lab_name_is(world.a, named, DEAD_NAME, 1);
	lab_is(KERN_FAILURE, pid_of(world.a, named, &pid));
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_task_of_another_user_is_for_root)
{
	struct world world = begin();
	mach_port_name_t task;
	int32_t pid;

	lab_is(KERN_FAILURE, for_pid(world.a, CONTROL, world.other->pid, &task));
	lab_is(KERN_FAILURE, for_pid(world.a, NAME, world.other->pid, &task));
	lab_is(KERN_FAILURE, for_pid(world.a, CONTROL, world.root->pid, &task));
	lab_ok(for_pid(world.root, CONTROL, world.other->pid, &task));
	lab_ok(pid_of(world.root, task, &pid));
	ck_assert_int_eq(pid, world.other->pid);
	lab_is(KERN_FAILURE, for_pid(world.root, CONTROL, 0, &task));
	lab_is(KERN_FAILURE, for_pid(world.root, CONTROL, 99999, &task));
	lab_stop(world.lab);
}
END_TEST

START_TEST(the_first_argument_must_be_a_task)
{
	struct world world = begin();
	mach_port_name_t wrong[] = {MACH_PORT_NULL, MACH_PORT_DEAD, 0x7703, world.a->task->host,
				    special(world.a, TASK_NAME_PORT)};
	int32_t pid;

	for (unsigned i = 0; i < 5; i++) {
		struct task_for_pid_in in = {wrong[i], world.same->pid};
		struct task_for_pid_out out;

		lab_is(KERN_FAILURE, lab_call(world.a, CONTROL, world.a->task->self, &in, sizeof in,
					      &out, sizeof out, NULL));
		if (i < 4)
			lab_is(KERN_FAILURE, pid_of(world.a, wrong[i], &pid));
	}
	lab_stop(world.lab);
}
END_TEST

/* --- lesser ports --- */

START_TEST(each_lesser_port_is_one_port)
{
	struct world world = begin();
	mach_port_name_t name = special(world.a, TASK_NAME_PORT);
	mach_port_name_t inspect = special(world.a, TASK_INSPECT_PORT);
	mach_port_name_t read = special(world.a, TASK_READ_PORT);

	ck_assert(name != inspect && inspect != read && read != name);
	ck_assert_uint_eq(special(world.a, TASK_NAME_PORT), name);
	lab_name_is(world.a, name, SEND, 2);
	ck_assert_uint_ne(lab_pass(world.a, read, COPY_SEND, world.same), MACH_PORT_NULL);
	lab_stop(world.lab);
}
END_TEST

static kern_return_t special_of(struct lab_thread *thread, mach_port_name_t task, int32_t which)
{
	struct task_get_special_port_in in = {which};
	struct task_get_special_port_out out;

	return lab_call(thread, MACHD_ROUTINE_task_get_special_port, task, &in, sizeof in, &out,
			sizeof out, NULL);
}

START_TEST(a_lesser_port_gives_no_more_than_it_is)
{
	struct world world = begin();
	mach_port_name_t read =
		lab_pass(world.a, special(world.a, TASK_READ_PORT), MOVE_SEND, world.same);
	mach_port_name_t inspect =
		lab_pass(world.a, special(world.a, TASK_INSPECT_PORT), MOVE_SEND, world.same);
	mach_port_name_t name =
		lab_pass(world.a, special(world.a, TASK_NAME_PORT), MOVE_SEND, world.same);
	struct lab_thread *b = world.same;

	lab_ok(special_of(b, read, TASK_READ_PORT));
	lab_ok(special_of(b, read, TASK_INSPECT_PORT));
	lab_ok(special_of(b, read, TASK_NAME_PORT));
	lab_is(KERN_INVALID_CAPABILITY, special_of(b, read, TASK_KERNEL_PORT));
	lab_is(KERN_INVALID_CAPABILITY, special_of(b, read, TASK_BOOTSTRAP_PORT));
	lab_ok(special_of(b, inspect, TASK_INSPECT_PORT));
	lab_ok(special_of(b, inspect, TASK_NAME_PORT));
	lab_is(KERN_INVALID_CAPABILITY, special_of(b, inspect, TASK_READ_PORT));
	lab_is(KERN_INVALID_CAPABILITY, special_of(b, inspect, TASK_KERNEL_PORT));
	lab_is(MACH_SEND_INVALID_DEST, special_of(b, name, TASK_NAME_PORT));
	lab_stop(world.lab);
}
END_TEST

START_TEST(who_may_look_at_a_space_cannot_change_it)
{
	struct world world = begin();
	mach_port_name_t read = special(world.a, TASK_READ_PORT);
	mach_port_name_t inspect = special(world.a, TASK_INSPECT_PORT);
	struct mach_port_kobject_in kobject = {world.a->task->self};
	struct mach_port_kobject_out kind;
	struct mach_port_space_basic_info_out space;
	struct mach_port_allocate_in allocate = {MACH_PORT_RIGHT_RECEIVE};
	struct mach_port_allocate_out allocated;
	uint32_t words[16], count = 16;

	lab_ok(lab_call(world.a, MACHD_ROUTINE_mach_port_kobject, read, &kobject, sizeof kobject,
			&kind, sizeof kind, NULL));
	lab_is(MACH_SEND_INVALID_DEST,
	       lab_call(world.a, MACHD_ROUTINE_mach_port_kobject, inspect, &kobject, sizeof kobject,
			&kind, sizeof kind, NULL));
	lab_ok(lab_call(world.a, MACHD_ROUTINE_mach_port_space_basic_info, inspect, NULL, 0, &space,
			sizeof space, NULL));
	lab_is(MACH_SEND_INVALID_DEST,
	       lab_call(world.a, MACHD_ROUTINE_mach_port_allocate, read, &allocate, sizeof allocate,
			&allocated, sizeof allocated, NULL));
	lab_ok(info(world.a, special(world.a, TASK_NAME_PORT), TASK_AUDIT_TOKEN, words, &count));
	lab_stop(world.lab);
}
END_TEST

/* --- ports kept with a task --- */

START_TEST(ports_that_are_kept)
{
	static const int32_t kept[] = {TASK_DEBUG_CONTROL_PORT, TASK_RESOURCE_NOTIFY_PORT,
				       TASK_BOOTSTRAP_PORT, TASK_ACCESS_PORT};
	struct world world = begin();
	mach_port_name_t mine = lab_new_service(world.a);

	for (unsigned i = 0; i < 4; i++) {
		if (kept[i] != TASK_BOOTSTRAP_PORT)
			ck_assert_uint_eq(special(world.a, kept[i]), MACH_PORT_NULL);
		lab_ok(lab_set_special_port(world.a, kept[i], mine));
		ck_assert_uint_eq(special(world.a, kept[i]), mine);
		lab_name_is(world.a, mine, SEND_RECEIVE, i + 2);
	}
	ck_assert_uint_eq(lab_srights(world.a, mine), 5);
	lab_is(KERN_NO_ACCESS, lab_set_special_port(world.a, TASK_ACCESS_PORT, mine));
	lab_ok(lab_set_special_port(world.a, TASK_DEBUG_CONTROL_PORT, MACH_PORT_NULL));
	ck_assert_uint_eq(special(world.a, TASK_DEBUG_CONTROL_PORT), MACH_PORT_NULL);
	lab_stop(world.lab);
}
END_TEST

START_TEST(ports_that_cannot_be_set)
{
	static const int32_t fixed[] = {
		TASK_NAME_PORT, TASK_INSPECT_PORT, TASK_READ_PORT, 7, 8, 0, 12, -1, 99};
	struct world world = begin();
	mach_port_name_t mine = lab_new_service(world.a);

	for (unsigned i = 0; i < sizeof fixed / sizeof *fixed; i++)
		lab_is(KERN_INVALID_ARGUMENT, lab_set_special_port(world.a, fixed[i], mine));
	lab_is(KERN_INVALID_RIGHT,
	       lab_set_special_port(world.a, TASK_KERNEL_PORT, world.a->task->self));
	lab_is(MACH_SEND_INVALID_RIGHT, lab_set_special_port(world.a, 99, 0x7703));
	ck_assert_uint_eq(lab_srights(world.a, mine), 1);
	lab_stop(world.lab);
}
END_TEST

START_TEST(the_threads_of_a_task)
{
	struct world world = begin();
	struct lab_thread *second = lab_thread(world.a->task);
	struct mach_thread_self_out self;
	mach_port_name_t threads[8];
	size_t got;

	lab_ok(lab_call(second, MACHD_ROUTINE_mach_thread_self, second->task->self, NULL, 0, &self,
			sizeof self, NULL));
	/* Their ports control the threads: it takes control of the task. */
	lab_is(MACH_SEND_INVALID_DEST,
	       lab_call(world.a, MACHD_ROUTINE_task_threads, special(world.a, TASK_READ_PORT), NULL,
			0, threads, sizeof threads, &got));
	lab_ok(lab_call(world.a, MACHD_ROUTINE_task_threads, world.a->task->self, NULL, 0, threads,
			sizeof threads, &got));
	ck_assert_uint_eq(got, 2 * sizeof *threads);
	ck_assert(threads[0] != threads[1]);
	ck_assert_uint_eq(threads[1], self.thread);
	lab_name_is(world.a, threads[1], SEND, 2);
	lab_close(second);
	lab_name_is(world.a, threads[1], DEAD_NAME, 2);
	lab_stop(world.lab);
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_test(tcase, tokens_are_those_of_the_task);
	tcase_add_test(tcase, a_task_of_the_same_user_is_found);
	tcase_add_test(tcase, a_task_of_another_user_is_for_root);
	tcase_add_test(tcase, the_first_argument_must_be_a_task);
	tcase_add_test(tcase, each_lesser_port_is_one_port);
	tcase_add_test(tcase, a_lesser_port_gives_no_more_than_it_is);
	tcase_add_test(tcase, who_may_look_at_a_space_cannot_change_it);
	tcase_add_test(tcase, ports_that_are_kept);
	tcase_add_test(tcase, ports_that_cannot_be_set);
	tcase_add_test(tcase, the_threads_of_a_task);
}

int main(void)
{
	return lab_run("trap_task_info", add_tests);
}
