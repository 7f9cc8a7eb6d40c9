/* SPDX-License-Identifier: Apache-2.0 */
/* Thread ports, and what can be done with them: semaphore_signal_thread [22, 24]. */
#include "protocol/limits.h"
#include "tests/lab/lab_expect.h"

static kern_return_t thread_self(struct lab_thread *thread, mach_port_name_t *port)
{
	struct mach_thread_self_out out;
	kern_return_t kr = lab_call(thread, MACHD_ROUTINE_mach_thread_self, thread->task->self,
				    NULL, 0, &out, sizeof out, NULL);

	*port = out.thread;
	return kr;
}

static mach_port_name_t self_of(struct lab_thread *thread)
{
	mach_port_name_t port;

	lab_ok(thread_self(thread, &port));
	return port;
}

static struct lab_thread *begin(void)
{
	return lab_task(lab_start(NULL), 1000)->thread;
}

START_TEST(each_call_adds_a_reference_to_one_name)
{
	struct lab_thread *a = begin(), *other = lab_thread(a->task);
	mach_port_name_t port = self_of(a);

	lab_name_is(a, port, SEND, 1);
	ck_assert_uint_eq(self_of(a), port);
	lab_name_is(a, port, SEND, 2);
	ck_assert_uint_ne(self_of(other), port);
	lab_ok(lab_deallocate(a, port));
	lab_ok(lab_deallocate(a, port)); /* the last one may go, */
	lab_name_is(a, port, NO_NAME, 0);
	lab_name_is(a, self_of(a), SEND, 1); /* and come back */
	lab_stop(a->lab);
}
END_TEST

static kern_return_t port_of(struct lab_thread *thread, uint64_t number, mach_port_name_t *port)
{
	struct machd_thread_port_in in = {number};
	struct machd_thread_port_out out;
	kern_return_t kr = lab_call(thread, MACHD_ROUTINE_machd_thread_port, thread->task->self,
				    &in, sizeof in, &out, sizeof out, NULL);

	*port = out.port;
	return kr;
}

START_TEST(threads_of_ones_own_task_are_found_by_number)
{
	struct lab_thread *a = begin(), *second = lab_thread(a->task);
	struct lab_thread *other = lab_task(a->lab, 1000)->thread;
	mach_port_name_t port;

	lab_ok(port_of(a, second->channel, &port));
	ck_assert_uint_eq(self_of(second), port);
	lab_name_is(a, port, SEND, 2);
	lab_is(KERN_INVALID_ARGUMENT, port_of(a, other->channel, &port));
	lab_is(KERN_INVALID_ARGUMENT, port_of(a, 99999, &port));
	lab_stop(a->lab);
}
END_TEST

START_TEST(a_thread_port_dies_with_the_channel)
{
	struct lab_thread *a = begin(), *other = lab_thread(a->task);
	mach_port_name_t port = self_of(other), notify = lab_new_port(a), previous;

	lab_ok(lab_request_notification(a, port, MACH_NOTIFY_DEAD_NAME, 0, notify, MAKE_ONCE,
					&previous));
	lab_close(other);
	lab_notice_of(a, notify, MACH_NOTIFY_DEAD_NAME, port);
	lab_name_is(a, port, DEAD_NAME, 2);
	lab_stop(a->lab);
}
END_TEST

START_TEST(a_thread_port_dies_with_the_thread)
{
	struct lab_thread *a = begin();
	mach_port_name_t port = self_of(a);

	lab_ok(lab_call(a, MACHD_ROUTINE_machd_thread_end, a->task->self, NULL, 0, NULL, 0, NULL));
	lab_name_is(a, port, DEAD_NAME, 1);
	ck_assert_uint_ne(self_of(a), port); /* the next thread on the channel is another */
	lab_ok(lab_call(a, MACHD_ROUTINE_machd_thread_end, a->task->self, NULL, 0, NULL, 0, NULL));
	lab_ok(lab_call(a, MACHD_ROUTINE_machd_thread_end, a->task->self, NULL, 0, NULL, 0, NULL));
	lab_stop(a->lab);
}
END_TEST

START_TEST(a_thread_port_is_paid_for)
{
	struct lab_options options;
	struct lab_thread *a;
	mach_port_name_t port;
	unsigned made = 0;

	lab_options_init(&options);
	options.limits.ports_per_user = 64;
	a = lab_task(lab_start(&options), 1000)->thread;
	while (lab_allocate(a, MACH_PORT_RIGHT_RECEIVE, &port) == KERN_SUCCESS)
		made++;
	ck_assert_uint_gt(made, 0);
	lab_is(KERN_RESOURCE_SHORTAGE, thread_self(a, &port));
	lab_stop(a->lab);
}
END_TEST

START_TEST(a_thread_port_does_not_leave_its_task)
{
	struct lab_thread *a = begin(), *b = lab_task(a->lab, 1000)->thread;
	mach_port_name_t self = self_of(a), way = lab_pass(b, lab_new_port(b), MAKE_SEND, a);
	struct lab_buffer message = lab_to(way, 1);

	lab_add_port(&message, self, COPY_SEND);
	lab_is(MACH_SEND_INVALID_RIGHT, lab_send_now(a, &message));
	lab_name_is(a, self, SEND, 1);
	lab_stop(a->lab);
}
END_TEST

/* --- semaphore_signal_thread --- */

struct world {
	struct lab_thread *a, *first, *second;
	mach_port_name_t semaphore, other;
};

static mach_port_name_t new_semaphore(struct lab_thread *thread)
{
	struct semaphore_create_in in = {0};
	struct semaphore_create_out out;

	lab_ok(lab_call(thread, MACHD_ROUTINE_semaphore_create, thread->task->self, &in, sizeof in,
			&out, sizeof out, NULL));
	return out.semaphore;
}

static struct world begin_semaphores(void)
{
	struct world world = {.a = begin()};

	world.first = lab_thread(world.a->task);
	world.second = lab_thread(world.a->task);
	world.semaphore = new_semaphore(world.a);
	world.other = new_semaphore(world.a);
	return world;
}

static void wait_for(struct lab_thread *thread, mach_port_name_t semaphore)
{
	struct semaphore_wait_in in = {semaphore};

	lab_is(LAB_BLOCKED, lab_call(thread, MACHD_ROUTINE_semaphore_wait, thread->task->self, &in,
				     sizeof in, NULL, 0, NULL));
}

static kern_return_t signal_thread(struct world *world, mach_port_name_t semaphore,
				   mach_port_name_t thread)
{
	struct semaphore_signal_thread_in in = {semaphore, thread};

	return lab_call(world->a, MACHD_ROUTINE_semaphore_signal_thread, world->a->task->self, &in,
			sizeof in, NULL, 0, NULL);
}

START_TEST(the_thread_that_is_named_is_woken)
{
	struct world world = begin_semaphores();
	mach_port_name_t second = self_of(world.second), first = self_of(world.first);

	wait_for(world.first, world.semaphore);
	wait_for(world.second, world.semaphore);
	lab_ok(signal_thread(&world, world.semaphore, second));
	lab_ok(lab_call_answer(world.second, NULL, 0, NULL));
	ck_assert(!world.first->answered);
	lab_is(KERN_NOT_WAITING, signal_thread(&world, world.semaphore, second));
	lab_is(KERN_NOT_WAITING, signal_thread(&world, world.other, first));
	lab_ok(signal_thread(&world, world.semaphore, MACH_PORT_NULL)); /* whoever waits */
	lab_ok(lab_call_answer(world.first, NULL, 0, NULL));
	lab_stop(world.a->lab);
}
END_TEST

START_TEST(a_signal_for_nobody_is_forgotten)
{
	struct world world = begin_semaphores();
	mach_port_name_t first = self_of(world.first);

	lab_is(KERN_NOT_WAITING, signal_thread(&world, world.semaphore, first));
	lab_is(KERN_NOT_WAITING, signal_thread(&world, world.semaphore, MACH_PORT_NULL));
	wait_for(world.first, world.semaphore); /* it blocks */
	lab_ok(signal_thread(&world, world.semaphore, first));
	lab_ok(lab_call_answer(world.first, NULL, 0, NULL));
	lab_stop(world.a->lab);
}
END_TEST

START_TEST(what_is_no_thread_and_what_no_semaphore)
{
	struct world world = begin_semaphores();
	mach_port_name_t thread = self_of(world.first);
	mach_port_name_t plain = lab_new_service(world.a);
	struct semaphore_destroy_in destroy = {world.semaphore};

	lab_is(KERN_INVALID_ARGUMENT, signal_thread(&world, world.semaphore, plain));
	lab_is(KERN_INVALID_ARGUMENT, signal_thread(&world, world.semaphore, 0x7703));
	lab_is(KERN_INVALID_ARGUMENT, signal_thread(&world, world.semaphore, MACH_PORT_DEAD));
	lab_is(KERN_INVALID_ARGUMENT, signal_thread(&world, 0x7703, plain)); /* thread first */
	lab_is(KERN_INVALID_NAME, signal_thread(&world, 0x7703, thread));
	lab_is(KERN_INVALID_CAPABILITY, signal_thread(&world, plain, thread));
	lab_is(KERN_INVALID_RIGHT, signal_thread(&world, lab_new_port(world.a), thread));
	lab_ok(lab_call(world.a, MACHD_ROUTINE_semaphore_destroy, world.a->task->self, &destroy,
			sizeof destroy, NULL, 0, NULL));
	lab_is(KERN_TERMINATED, signal_thread(&world, world.semaphore, thread));
	lab_close(world.first);
	lab_is(KERN_INVALID_ARGUMENT, signal_thread(&world, world.other, thread));
	lab_stop(world.a->lab);
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_test(tcase, each_call_adds_a_reference_to_one_name);
	tcase_add_test(tcase, threads_of_ones_own_task_are_found_by_number);
	tcase_add_test(tcase, a_thread_port_dies_with_the_channel);
	tcase_add_test(tcase, a_thread_port_dies_with_the_thread);
	tcase_add_test(tcase, a_thread_port_is_paid_for);
	tcase_add_test(tcase, a_thread_port_does_not_leave_its_task);
	tcase_add_test(tcase, the_thread_that_is_named_is_woken);
	tcase_add_test(tcase, a_signal_for_nobody_is_forgotten);
	tcase_add_test(tcase, what_is_no_thread_and_what_no_semaphore);
}

int main(void)
{
	return lab_run("trap_thread", add_tests);
}
