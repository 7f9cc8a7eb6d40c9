/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the daemon owes is not lost: every notification arrives, and every timer's message, also
 * when the daemon finds no memory at all; and where that cannot be promised, nothing is.
 */
#include <string.h>

#include "tests/lab/lab_audit.h"
#include "tests/lab/lab_expect.h"

#include "daemon/base/mem.h"
#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_owed.h"

/* More than two chunks. */
#define MANY 5000

struct world {
	struct lab *lab;
	struct lab_thread *a, *b;
	mach_port_name_t port; /* of a, */
	mach_port_name_t dest; /* and b's send right to it */
	mach_port_name_t told; /* of b: where it is told */
};

static struct world begin(void)
{
	struct world world = {.lab = lab_start(NULL)};

	world.a = lab_task(world.lab, 1000)->thread;
	world.b = lab_task(world.lab, 1000)->thread;
	world.port = lab_new_port(world.a);
	world.dest = lab_pass(world.a, world.port, MAKE_SEND, world.b);
	world.told = lab_new_port(world.b);
	lab_set_qlimit(world.b, world.told, MACH_PORT_QLIMIT_LARGE);
	return world;
}

/* From here on there is no memory; up to end(). */
static void no_memory(struct lab *lab)
{
	mem_pool_empty(&lab->host->h_kmsgs); /* of those that came and went */
	mem_fail_from(1);
}

static void end(struct world *world)
{
	mem_fail_from(0);
	ck_assert_uint_eq(world->lab->warnings, 0);
	lab_audit(world->lab);
	lab_stop(world->lab);
	ck_assert_uint_eq(mem_live(), 0);
}

/* Ask for it in b, to be told at `told`. */
static kern_return_t request(const struct world *world, mach_port_name_t name, uint32_t id,
			     uint32_t sync)
{
	mach_port_name_t previous;

	return lab_request_notification(world->b, name, id, sync, world->told, MAKE_ONCE,
					&previous);
}

START_TEST(a_right_that_is_not_used_says_so)
{
	struct world world = begin();
	mach_port_name_t once = lab_new_once(world.b, world.told);

	no_memory(world.lab);
	lab_ok(lab_deallocate(world.b, once));
	lab_notice(world.b, world.told, MACH_NOTIFY_SEND_ONCE);
	end(&world);
}
END_TEST

START_TEST(deaths_are_told)
{
	struct world world = begin();

	lab_ok(request(&world, world.dest, MACH_NOTIFY_DEAD_NAME, 0));
	no_memory(world.lab);
	lab_ok(lab_destroy(world.a, world.port));
	lab_notice_of(world.b, world.told, MACH_NOTIFY_DEAD_NAME, world.dest);
	end(&world);
}
END_TEST

START_TEST(names_that_go_are_told)
{
	struct world world = begin();

	lab_ok(request(&world, world.dest, MACH_NOTIFY_DEAD_NAME, 0));
	no_memory(world.lab);
	lab_ok(lab_deallocate(world.b, world.dest));
	lab_notice_of(world.b, world.told, MACH_NOTIFY_PORT_DELETED, world.dest);
	end(&world);
}
END_TEST

START_TEST(the_last_sender_is_told)
{
	struct world world = begin();
	mach_port_name_t port = lab_new_port(world.b);
	mach_port_name_t held = lab_pass(world.b, port, MAKE_SEND, world.a);

	lab_ok(request(&world, port, MACH_NOTIFY_NO_SENDERS, 1));
	no_memory(world.lab);
	lab_ok(lab_deallocate(world.a, held));
	lab_notice_of(world.b, world.told, MACH_NOTIFY_NO_SENDERS, 1);
	end(&world);
}
END_TEST

START_TEST(room_is_told)
{
	struct world world = begin();
	struct lab_buffer message = lab_to(world.dest, 2);
	struct lab_msg notify = {.option = MACH_SEND_MSG | MACH_SEND_TIMEOUT | MACH_SEND_NOTIFY,
				 .send = &message,
				 .send_size = sizeof message.header};

	lab_set_qlimit(world.a, world.port, 1);
	lab_fill(world.b, world.dest, 1, 1);
	lab_ok(request(&world, world.dest, MACH_NOTIFY_SEND_POSSIBLE, 0));
	lab_is(MACH_SEND_TIMED_OUT, lab_msg(world.b, &notify));
	no_memory(world.lab);
	lab_message(world.a, world.port, 1);
	lab_notice_of(world.b, world.told, MACH_NOTIFY_SEND_POSSIBLE, world.dest);
	end(&world);
}
END_TEST

/* The right itself arrives, with what is in its queue. */
START_TEST(a_port_is_rescued)
{
	struct world world = begin();
	mach_port_name_t port = lab_new_service(world.a), previous, back;
	mach_port_name_t saver = lab_pass(world.b, world.told, MAKE_ONCE, world.a);
	struct lab_buffer message;

	lab_fill(world.a, port, 1, 7);
	lab_ok(lab_request_notification(world.a, port, MACH_NOTIFY_PORT_DESTROYED, 0, saver,
					MOVE_ONCE, &previous));
	no_memory(world.lab);
	lab_kill(world.a->task);
	lab_work(world.lab);
	mem_fail_from(0); /* its receiver's name needs some */
	message = lab_message(world.b, world.told, MACH_NOTIFY_PORT_DESTROYED);
	back = lab_port(&message, 0).name;
	lab_name_is(world.b, back, RECEIVE, 0);
	lab_message(world.b, back, 7);
	end(&world);
}
END_TEST

/* Callers of a server that is killed before it has answered any: they waited in its queue. */
START_TEST(everybody_who_waits_is_told_of_a_death)
{
	struct world world = begin();
	struct lab_buffer message;

	lab_set_qlimit(world.a, world.port, MACH_PORT_QLIMIT_LARGE);
	for (unsigned i = 0; i < 1000; i++) {
		lab_compose(&message, world.dest, COPY_SEND, world.told, MAKE_ONCE, 1);
		lab_ok(lab_send_now(world.b, &message));
	}
	no_memory(world.lab);
	lab_kill(world.a->task);
	lab_work(world.lab);
	for (unsigned i = 0; i < 1000; i++)
		lab_notice(world.b, world.told, MACH_NOTIFY_SEND_ONCE);
	lab_silent(world.b, world.told);
	end(&world);
}
END_TEST

static void make_timer(struct lab_thread *thread, uint64_t deadline, mach_port_name_t *port)
{
	struct mk_timer_create_out made;
	struct mk_timer_arm_in arm = {.deadline = deadline};

	lab_ok(lab_call(thread, MACHD_ROUTINE_mk_timer_create, thread->task->self, NULL, 0, &made,
			sizeof made, NULL));
	*port = arm.name = made.name;
	lab_ok(lab_call(thread, MACHD_ROUTINE_mk_timer_arm, thread->task->self, &arm, sizeof arm,
			NULL, 0, NULL));
}

START_TEST(timers_fire)
{
	struct world world = begin();
	mach_port_name_t timer;
	struct lab_buffer message;

	make_timer(world.a, world.lab->now + 1, &timer);
	no_memory(world.lab);
	lab_advance(world.lab, 1);
	lab_ok(lab_receive_now(world.a, timer, &message));
	end(&world);
}
END_TEST

/* One after the other, and all of them. */
START_TEST(there_is_memory_for_as_many_as_there_are)
{
	static mach_port_name_t once[MANY];
	struct world world = begin();
	uint32_t type;

	for (unsigned i = 0; i < MANY; i++)
		lab_ok(lab_extract_right(world.b, world.told, MAKE_ONCE, &once[i], &type));
	ck_assert_uint_ge(world.lab->host->h_notices.mr_free, MANY);
	no_memory(world.lab);
	for (unsigned i = 0; i < MANY; i++)
		lab_ok(lab_deallocate(world.b, once[i]));
	for (unsigned i = 0; i < MANY; i++)
		lab_notice(world.b, world.told, MACH_NOTIFY_SEND_ONCE);
	lab_silent(world.b, world.told);
	end(&world);
}
END_TEST

/* What is not needed any more is given back. */
START_TEST(memory_is_kept_for_no_more)
{
	static mach_port_name_t once[40 * MEM_RESERVE_CHUNK * IPC_OWED_WORDS / 8];
	const unsigned count = sizeof once / sizeof *once;
	struct world world = begin();
	uint32_t type;

	for (unsigned i = 0; i < count; i++)
		lab_ok(lab_extract_right(world.b, world.told, MAKE_ONCE, &once[i], &type));
	ck_assert_uint_ge(world.lab->host->h_notices.mr_free, count);
	for (unsigned i = 0; i < count; i++)
		lab_ok(lab_deallocate(world.b, once[i]));
	lab_ok(lab_destroy(world.b, world.told));
	lab_work(world.lab);
	ck_assert_uint_le(world.lab->host->h_notices.mr_free, count);
	end(&world);
}
END_TEST

/* As many rights as there is memory for; then nobody gets one, or gives anything for it. */
START_TEST(what_cannot_be_promised_is_refused)
{
	struct world world = begin();
	mach_port_name_t name, fresh = lab_new_port(world.b);
	struct lab_buffer message;
	uint32_t type;

	while (world.lab->host->h_owed < world.lab->host->h_notices.mr_free)
		lab_ok(lab_extract_right(world.b, world.told, MAKE_ONCE, &name, &type));
	no_memory(world.lab);
	lab_is(KERN_RESOURCE_SHORTAGE,
	       lab_extract_right(world.b, world.told, MAKE_ONCE, &name, &type));
	lab_is(KERN_RESOURCE_SHORTAGE, request(&world, fresh, MACH_NOTIFY_NO_SENDERS, 1));
	mem_fail_from(2); /* the message's own comes first */
	lab_compose(&message, world.dest, COPY_SEND, world.told, MAKE_ONCE, 1);
	lab_is(MACH_SEND_NO_BUFFER, lab_send_now(world.b, &message));
	mem_fail_from(2);
	lab_compose(&message, world.dest, COPY_SEND, NOBODY, 0, 1);
	lab_add_port(&message, world.told, MAKE_ONCE);
	lab_is(MACH_SEND_NO_BUFFER, lab_send_now(world.b, &message));
	lab_silent(world.a, world.port);
	mem_fail_from(0);
	lab_ok(request(&world, fresh, MACH_NOTIFY_NO_SENDERS, 1));
	end(&world);
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_test(tcase, a_right_that_is_not_used_says_so);
	tcase_add_test(tcase, deaths_are_told);
	tcase_add_test(tcase, names_that_go_are_told);
	tcase_add_test(tcase, the_last_sender_is_told);
	tcase_add_test(tcase, room_is_told);
	tcase_add_test(tcase, a_port_is_rescued);
	tcase_add_test(tcase, everybody_who_waits_is_told_of_a_death);
	tcase_add_test(tcase, timers_fire);
	tcase_add_test(tcase, there_is_memory_for_as_many_as_there_are);
	tcase_add_test(tcase, memory_is_kept_for_no_more);
	tcase_add_test(tcase, what_cannot_be_promised_is_refused);
}

int main(void)
{
	return lab_run("ipc_owed", add_tests);
}
