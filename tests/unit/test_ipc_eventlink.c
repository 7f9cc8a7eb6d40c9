/* SPDX-License-Identifier: Apache-2.0 */
/* Eventlinks: signals, waits, who may wait, and the end [28]. case 322 */
#include <mach/mach_eventlink.h>

#include "daemon/base/mem.h"
#include "tests/lab/lab_expect.h"

/* Three threads of a task, each with its port, and an eventlink. */
struct world {
	struct lab *lab;
	struct lab_thread *a, *b, *c;
	mach_port_name_t a_port, b_port;
	mach_port_name_t side[2];
};

static mach_port_name_t thread_port(struct lab_thread *thread)
{
	struct mach_thread_self_out out;

	lab_ok(lab_call(thread, MACHD_ROUTINE_mach_thread_self, thread->task->self, NULL, 0, &out,
			sizeof out, NULL));
	return out.thread;
}

static kern_return_t create(struct lab_thread *thread, uint32_t option, mach_port_name_t *sides)
{
	struct mach_eventlink_create_in in = {option};
	struct mach_eventlink_create_out out;
	kern_return_t kr = lab_call(thread, MACHD_ROUTINE_mach_eventlink_create, thread->task->self,
				    &in, sizeof in, &out, sizeof out, NULL);

	sides[0] = out.first;
	sides[1] = out.second;
	return kr;
}

static struct world begin(void)
{
	struct world world = {.lab = lab_start(NULL)};

	world.a = lab_task(world.lab, 1000)->thread;
	world.b = lab_thread(world.a->task);
	world.c = lab_thread(world.a->task);
	world.a_port = thread_port(world.a);
	world.b_port = thread_port(world.b);
	lab_ok(create(world.a, MELC_OPTION_NO_COPYIN, world.side));
	return world;
}

static kern_return_t associate(struct lab_thread *thread, mach_port_name_t side,
			       mach_port_name_t with, uint32_t option)
{
	struct mach_eventlink_associate_in in = {.thread = with, .option = option};

	return lab_call(thread, MACHD_ROUTINE_mach_eventlink_associate, side, &in, sizeof in, NULL,
			0, NULL);
}

/* The same with a and b on their sides. */
static struct world begin_associated(void)
{
	struct world world = begin();

	lab_ok(associate(world.a, world.side[0], world.a_port, MELA_OPTION_NONE));
	lab_ok(associate(world.a, world.side[1], world.b_port, MELA_OPTION_NONE));
	return world;
}

static kern_return_t disassociate(struct lab_thread *thread, mach_port_name_t side, uint32_t option)
{
	struct mach_eventlink_disassociate_in in = {option};

	return lab_call(thread, MACHD_ROUTINE_mach_eventlink_disassociate, side, &in, sizeof in,
			NULL, 0, NULL);
}

static kern_return_t destroy(struct lab_thread *thread, mach_port_name_t side)
{
	return lab_call(thread, MACHD_ROUTINE_mach_eventlink_destroy, side, NULL, 0, NULL, 0, NULL);
}

static kern_return_t give(struct lab_thread *thread, mach_port_name_t side)
{
	struct mach_eventlink_signal_in in = {.port = side};

	return lab_call(thread, MACHD_ROUTINE_mach_eventlink_signal, thread->task->self, &in,
			sizeof in, NULL, 0, NULL);
}

/* What a wait says; the frame's own code is always success. */
static kern_return_t said(kern_return_t kr, const struct mach_eventlink_wait_until_out *out,
			  uint64_t *count)
{
	if (kr != KERN_SUCCESS)
		return kr;
	*count = out->count;
	return out->code;
}

static kern_return_t await(struct lab_thread *thread, mach_port_name_t side, uint64_t *count,
			   uint32_t option, uint64_t deadline)
{
	struct mach_eventlink_wait_until_in in = {side, *count, deadline,
						  KERN_CLOCK_MACH_ABSOLUTE_TIME, option};
	struct mach_eventlink_wait_until_out out;
	kern_return_t kr = lab_call(thread, MACHD_ROUTINE_mach_eventlink_wait_until,
				    thread->task->self, &in, sizeof in, &out, sizeof out, NULL);

	return said(kr, &out, count);
}

static kern_return_t signal_wait(struct lab_thread *thread, mach_port_name_t side, uint64_t *count,
				 uint32_t option)
{
	struct mach_eventlink_signal_wait_until_in in = {
		.port = side,
		.count = *count,
		.clock = KERN_CLOCK_MACH_ABSOLUTE_TIME,
		.option = option,
	};
	struct mach_eventlink_wait_until_out out;
	kern_return_t kr = lab_call(thread, MACHD_ROUTINE_mach_eventlink_signal_wait_until,
				    thread->task->self, &in, sizeof in, &out, sizeof out, NULL);

	return said(kr, &out, count);
}

/* A wait that has ended meanwhile. */
static kern_return_t waited(struct lab_thread *thread, uint64_t *count)
{
	struct mach_eventlink_wait_until_out out;

	return said(lab_call_answer(thread, &out, sizeof out, NULL), &out, count);
}

START_TEST(signals_are_counted_on_the_other_side)
{
	struct world world = begin_associated();
	uint64_t count = 0;

	lab_name_is(world.a, world.side[0], SEND, 1);
	lab_name_is(world.a, world.side[1], SEND, 1);
	lab_ok(give(world.a, world.side[0]));
	lab_ok(give(world.c, world.side[0])); /* anybody may */
	lab_ok(await(world.b, world.side[1], &count, 0, 0));
	ck_assert_uint_eq(count, 2);
	lab_is(KERN_OPERATION_TIMED_OUT,
	       await(world.b, world.side[1], &count, MELSW_OPTION_NO_WAIT, 0));
	ck_assert_uint_eq(count, 2);
	count = 7;
	lab_is(KERN_OPERATION_TIMED_OUT,
	       await(world.a, world.side[0], &count, MELSW_OPTION_NO_WAIT, 0));
	ck_assert_uint_eq(count, 0);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_signal_wakes_who_waits)
{
	struct world world = begin_associated();
	uint64_t count = 1;

	lab_is(LAB_BLOCKED, await(world.b, world.side[1], &count, 0, 0));
	lab_ok(give(world.a, world.side[0]));
	ck_assert(!world.b->answered); /* one is not more than one */
	lab_ok(give(world.a, world.side[0]));
	lab_ok(waited(world.b, &count));
	ck_assert_uint_eq(count, 2);
	lab_stop(world.lab);
}
END_TEST

START_TEST(signal_and_wait_in_one_call)
{
	struct world world = begin_associated();
	uint64_t a = 0, b = 0;

	lab_is(LAB_BLOCKED, await(world.b, world.side[1], &b, 0, 0));
	for (unsigned i = 1; i <= 3; i++) { /* to and fro */
		lab_is(LAB_BLOCKED, signal_wait(world.a, world.side[0], &a, 0));
		lab_ok(waited(world.b, &b));
		ck_assert_uint_eq(b, i);
		lab_is(LAB_BLOCKED, signal_wait(world.b, world.side[1], &b, 0));
		lab_ok(waited(world.a, &a));
		ck_assert_uint_eq(a, i);
	}
	lab_is(KERN_OPERATION_TIMED_OUT,
	       signal_wait(world.a, world.side[0], &a, MELSW_OPTION_NO_WAIT));
	ck_assert_uint_eq(a, 3);
	lab_ok(waited(world.b, &b)); /* the signal was given all the same */
	ck_assert_uint_eq(b, 4);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_wait_ends_with_its_time_or_a_signal_handler)
{
	struct world world = begin_associated();
	uint64_t count = 5, now = world.lab->now;

	lab_is(KERN_OPERATION_TIMED_OUT, await(world.b, world.side[1], &count, 0, now));
	lab_is(KERN_OPERATION_TIMED_OUT, await(world.b, world.side[1], &count, 0, 1));
	ck_assert_uint_eq(count, 0);
	count = 5;
	lab_is(LAB_BLOCKED, await(world.b, world.side[1], &count, 0, now + 3000000));
	lab_advance(world.lab, 2);
	ck_assert(!world.b->answered);
	lab_advance(world.lab, 2);
	lab_is(KERN_OPERATION_TIMED_OUT, waited(world.b, &count));
	ck_assert_uint_eq(count, 0);
	lab_ok(give(world.a, world.side[0]));
	count = 1;
	lab_is(LAB_BLOCKED, await(world.b, world.side[1], &count, 0, 0));
	ck_assert(lab_cancel(world.b));
	lab_is(KERN_ABORTED, waited(world.b, &count));
	ck_assert_uint_eq(count, 1);
	lab_stop(world.lab);
}
END_TEST

START_TEST(t322_only_the_thread_that_was_said_may_wait)
{
	struct world world = begin_associated();
	uint64_t count = 3;

	lab_is(KERN_NAME_EXISTS, associate(world.a, world.side[0], world.b_port, 0));
	lab_is(KERN_NAME_EXISTS,
	       associate(world.a, world.side[0], MACH_PORT_NULL, MELA_OPTION_ASSOCIATE_ON_WAIT));
	lab_is(KERN_INVALID_ARGUMENT, await(world.b, world.side[0], &count, 0, 0));
	lab_is(KERN_INVALID_ARGUMENT, signal_wait(world.c, world.side[1], &count, 0));
	ck_assert_uint_eq(count, 3);
	lab_ok(disassociate(world.b, world.side[0], 0));
	lab_is(KERN_INVALID_ARGUMENT, await(world.a, world.side[0], &count, 0, 0));
	lab_is(KERN_INVALID_ARGUMENT, disassociate(world.b, world.side[0], 0));
	lab_is(KERN_INVALID_ARGUMENT, disassociate(world.b, world.side[1], 1));
	count = 0;
	lab_is(KERN_OPERATION_TIMED_OUT, /* what may not wait gives no signal either */
	       await(world.b, world.side[1], &count, MELSW_OPTION_NO_WAIT, 0));
	ck_assert_uint_eq(count, 0);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_side_for_any_thread_has_one_at_a_time)
{
	struct world world = begin();
	uint64_t count = 0;

	lab_ok(associate(world.a, world.side[1], MACH_PORT_NULL, MELA_OPTION_ASSOCIATE_ON_WAIT));
	lab_is(LAB_BLOCKED, await(world.c, world.side[1], &count, 0, 0));
	lab_is(KERN_INVALID_ARGUMENT, await(world.b, world.side[1], &count, 0, 0));
	lab_ok(give(world.a, world.side[0]));
	lab_ok(waited(world.c, &count));
	lab_is(LAB_BLOCKED, await(world.b, world.side[1], &count, 0, 0));
	lab_ok(give(world.a, world.side[0]));
	lab_ok(waited(world.b, &count));
	ck_assert_uint_eq(count, 2);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_thread_that_ends_leaves_its_side_to_nobody)
{
	struct world world = begin_associated();
	uint64_t count = 0;

	lab_is(LAB_BLOCKED, await(world.b, world.side[1], &count, 0, 0));
	lab_close(world.b);
	lab_ok(give(world.a, world.side[0]));
	lab_is(KERN_INVALID_ARGUMENT, await(world.c, world.side[1], &count, 0, 0));
	lab_is(KERN_NAME_EXISTS, associate(world.a, world.side[1], world.a_port, 0));
	lab_ok(disassociate(world.a, world.side[1], 0));
	lab_ok(associate(world.a, world.side[1], world.a_port, 0));
	lab_ok(await(world.a, world.side[1], &count, 0, 0));
	ck_assert_uint_eq(count, 1);
	lab_stop(world.lab);
}
END_TEST

START_TEST(disassociation_ends_a_wait)
{
	struct world world = begin_associated();
	uint64_t count = 9;

	lab_is(LAB_BLOCKED, await(world.b, world.side[1], &count, 0, 0));
	lab_ok(give(world.a, world.side[0]));
	lab_ok(disassociate(world.a, world.side[1], 0));
	lab_is(KERN_TERMINATED, waited(world.b, &count));
	ck_assert_uint_eq(count, 0); /* as it was when the wait began */
	lab_ok(associate(world.a, world.side[1], world.b_port, 0));
	lab_stop(world.lab);
}
END_TEST

START_TEST(t322_both_sides_end_with_one)
{
	struct world world = begin_associated();
	uint64_t a = 0, b = 0;

	lab_is(LAB_BLOCKED, await(world.a, world.side[0], &a, 0, 0));
	lab_is(LAB_BLOCKED, await(world.b, world.side[1], &b, 0, 0));
	lab_ok(destroy(world.c, world.side[0]));
	lab_is(KERN_TERMINATED, waited(world.a, &a));
	lab_is(KERN_TERMINATED, waited(world.b, &b));
	lab_name_is(world.a, world.side[0], DEAD_NAME, 1);
	lab_is(KERN_INVALID_NAME, give(world.a, world.side[0]));
	lab_is(MACH_SEND_INVALID_DEST, destroy(world.a, world.side[0]));
	lab_name_is(world.a, world.side[1], SEND, 1); /* it can still be asked */
	lab_is(KERN_TERMINATED, give(world.a, world.side[1]));
	lab_is(KERN_TERMINATED, await(world.b, world.side[1], &b, 0, 0));
	lab_is(KERN_TERMINATED, associate(world.a, world.side[1], world.b_port, 0));
	lab_is(KERN_TERMINATED, disassociate(world.a, world.side[1], 0));
	lab_ok(destroy(world.a, world.side[1]));
	lab_ok(lab_deallocate(world.a, world.side[1]));
	lab_stop(world.lab);
}
END_TEST

START_TEST(the_last_right_to_a_side_is_the_end_as_well)
{
	struct world world = begin_associated();
	uint64_t count = 0;

	lab_is(LAB_BLOCKED, await(world.b, world.side[1], &count, 0, 0));
	lab_ok(lab_deallocate(world.a, world.side[0]));
	lab_is(KERN_TERMINATED, waited(world.b, &count));
	lab_is(KERN_TERMINATED, give(world.a, world.side[1]));
	lab_ok(lab_destroy(world.a, world.side[1]));
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_side_can_be_given_to_another_task)
{
	struct world world = begin_associated();
	struct lab_thread *other = lab_task(world.lab, 1000)->thread;
	mach_port_name_t theirs = lab_pass(world.a, world.side[1], MOVE_SEND, other);
	uint64_t count = 0;

	lab_is(KERN_INVALID_ARGUMENT, await(other, theirs, &count, 0, 0)); /* it is b's */
	lab_ok(disassociate(other, theirs, 0));
	lab_ok(associate(other, theirs, MACH_PORT_NULL, MELA_OPTION_ASSOCIATE_ON_WAIT));
	lab_is(LAB_BLOCKED, await(other, theirs, &count, 0, 0));
	lab_ok(give(world.a, world.side[0]));
	lab_ok(waited(other, &count));
	lab_kill(other->task);
	lab_is(KERN_TERMINATED, give(world.a, world.side[0]));
	lab_stop(world.lab);
}
END_TEST

START_TEST(what_is_no_eventlink)
{
	struct world world = begin();
	struct {
		mach_port_name_t name;
		kern_return_t code;
	} rows[] = {
		{MACH_PORT_NULL, KERN_INVALID_NAME},
		{MACH_PORT_DEAD, KERN_INVALID_NAME},
		{0x7703, KERN_INVALID_NAME},
		{lab_new_dead_name(world.a), KERN_INVALID_NAME},
		{lab_new_port(world.a), KERN_INVALID_RIGHT},
		{lab_new_set(world.a), KERN_INVALID_RIGHT},
		{lab_new_service(world.a), KERN_INVALID_CAPABILITY},
		{world.a->task->self, KERN_INVALID_CAPABILITY},
	};
	uint64_t count = 0;

	for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
		lab_is(rows[i].code, give(world.a, rows[i].name));
		lab_is(rows[i].code, await(world.a, rows[i].name, &count, 0, 0));
		lab_is(MACH_SEND_INVALID_DEST, destroy(world.a, rows[i].name));
		lab_is(MACH_SEND_INVALID_DEST, associate(world.a, rows[i].name, world.a_port, 0));
	}
	lab_stop(world.lab);
}
END_TEST

START_TEST(arguments_that_cannot_be)
{
	struct world world = begin();
	struct lab_thread *other = lab_task(world.lab, 1000)->thread;
	mach_port_name_t sides[2], theirs = lab_pass_task(other, world.a);
	struct mach_eventlink_create_in option = {MELC_OPTION_NO_COPYIN};
	struct mach_eventlink_create_out created;
	struct mach_eventlink_associate_in addresses[] = {
		{.wait_address = 1}, {.wait_mask = 1}, {.signal_address = 1}, {.signal_mask = 1}};
	struct mach_eventlink_wait_until_in clock = {world.side[0], 4, 0, 2, 0};
	struct mach_eventlink_wait_until_out out;

	lab_is(KERN_INVALID_ARGUMENT, create(world.a, MELC_OPTION_NONE, sides));
	lab_is(KERN_INVALID_ARGUMENT, create(world.a, MELC_OPTION_WITH_COPYIN, sides));
	lab_is(KERN_INVALID_ARGUMENT,
	       lab_call(world.a, MACHD_ROUTINE_mach_eventlink_create, theirs, &option,
			sizeof option, &created, sizeof created, NULL));
	lab_is(KERN_INVALID_ARGUMENT, associate(world.a, world.side[0], MACH_PORT_NULL, 0));
	lab_is(KERN_INVALID_ARGUMENT, associate(world.a, world.side[0], world.side[1], 0));
	lab_is(KERN_INVALID_ARGUMENT, associate(world.a, world.side[0], world.a_port, 1));
	for (unsigned i = 0; i < 4; i++) {
		addresses[i].thread = world.a_port;
		lab_is(KERN_INVALID_ARGUMENT,
		       lab_call(world.a, MACHD_ROUTINE_mach_eventlink_associate, world.side[0],
				&addresses[i], sizeof addresses[i], NULL, 0, NULL));
	}
	lab_ok(lab_call(world.a, MACHD_ROUTINE_mach_eventlink_wait_until, world.a->task->self,
			&clock, sizeof clock, &out, sizeof out, NULL));
	ck_assert_int_eq(out.code, KERN_INVALID_ARGUMENT);
	ck_assert_uint_eq(out.count, 4);
	lab_stop(world.lab);
}
END_TEST

START_TEST(no_room_for_both_rights_is_no_room)
{
	struct lab_options options;
	struct lab_thread *a;
	mach_port_name_t sides[2], last = 0, name;

	lab_options_init(&options);
	options.limits.names_per_task = 64;
	a = lab_task(lab_start(&options), 1000)->thread;
	while (lab_allocate(a, MACH_PORT_RIGHT_DEAD_NAME, &name) == KERN_SUCCESS)
		last = name;
	lab_is(MACH_RCV_BODY_ERROR | MACH_MSG_IPC_SPACE, create(a, MELC_OPTION_NO_COPYIN, sides));
	lab_ok(lab_deallocate(a, last)); /* for one of them */
	lab_is(MACH_RCV_BODY_ERROR | MACH_MSG_IPC_SPACE, create(a, MELC_OPTION_NO_COPYIN, sides));
	lab_ok(lab_allocate(a, MACH_PORT_RIGHT_DEAD_NAME, &name)); /* which was given back */
	lab_is(KERN_NO_SPACE, lab_allocate(a, MACH_PORT_RIGHT_DEAD_NAME, &name));
	lab_stop(a->lab);
}
END_TEST

START_TEST(without_memory_there_is_none)
{
	struct world world = begin();
	mach_port_name_t sides[2];

	for (unsigned i = 1; i <= 3; i++) { /* the link and its two ports */
		mem_fail_after(i);
		lab_is(KERN_RESOURCE_SHORTAGE, create(world.a, MELC_OPTION_NO_COPYIN, sides));
		mem_fail_after(0);
	}
	lab_stop(world.lab);
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_test(tcase, signals_are_counted_on_the_other_side);
	tcase_add_test(tcase, a_signal_wakes_who_waits);
	tcase_add_test(tcase, signal_and_wait_in_one_call);
	tcase_add_test(tcase, a_wait_ends_with_its_time_or_a_signal_handler);
	tcase_add_test(tcase, t322_only_the_thread_that_was_said_may_wait);
	tcase_add_test(tcase, a_side_for_any_thread_has_one_at_a_time);
	tcase_add_test(tcase, a_thread_that_ends_leaves_its_side_to_nobody);
	tcase_add_test(tcase, disassociation_ends_a_wait);
	tcase_add_test(tcase, t322_both_sides_end_with_one);
	tcase_add_test(tcase, the_last_right_to_a_side_is_the_end_as_well);
	tcase_add_test(tcase, a_side_can_be_given_to_another_task);
	tcase_add_test(tcase, what_is_no_eventlink);
	tcase_add_test(tcase, arguments_that_cannot_be);
	tcase_add_test(tcase, no_room_for_both_rights_is_no_room);
	tcase_add_test(tcase, without_memory_there_is_none);
}

int main(void)
{
	return lab_run("ipc_eventlink", add_tests);
}
