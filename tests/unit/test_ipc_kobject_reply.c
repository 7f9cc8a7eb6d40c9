/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Replies of the daemon that find no room: to a send right they wait, as a message of the caller
 * would, and with its time [12, 29]; but the call was sent, whatever becomes of the reply.
 */
#include "tests/lab/lab_expect.h"

enum { BAD_ID = 1, REPLY_ID = 101, QUEUED = 50 };
enum { LENGTH = 3000 }; /* several slices */

struct world {
	struct lab *lab;
	struct lab_thread *a, *other; /* of one task */
	mach_port_name_t reply;	      /* of it, full */
	struct lab_buffer message;
};

static struct world begin(void)
{
	struct world world = {.lab = lab_start(NULL)};

	world.a = lab_task(world.lab, 1000)->thread;
	world.other = lab_thread(world.a->task);
	world.reply = lab_new_service(world.a);
	lab_set_qlimit(world.a, world.reply, 1);
	lab_fill(world.a, world.reply, 1, QUEUED);
	return world;
}

/* A call to the daemon that it does not know, with a send right for the reply. */
static mach_msg_return_t call(struct world *world, uint32_t option, uint32_t timeout)
{
	struct lab_msg msg = {.option = MACH_SEND_MSG | option,
			      .send = &world->message,
			      .send_size = sizeof world->message.header,
			      .receive_name = world->reply,
			      .receive_size = sizeof world->message,
			      .timeout = timeout};

	lab_compose(&world->message, world->a->task->host, COPY_SEND, world->reply, MAKE_SEND,
		    BAD_ID);
	return lab_msg(world->a, &msg);
}

/* Nothing of the reply is left: the only send rights are the name's and that of what is queued. */
static void expect_lost(struct world *world)
{
	ck_assert_uint_eq(lab_srights(world->other, world->reply), 2);
	ck_assert_uint_eq(lab_status(world->other, world->reply).mps_msgcount, 1);
	lab_message(world->other, world->reply, QUEUED);
	lab_silent(world->other, world->reply);
	lab_stop(world->lab);
}

START_TEST(it_waits_for_room)
{
	struct world world = begin();

	lab_is(LAB_BLOCKED, call(&world, 0, 0));
	lab_message(world.other, world.reply, QUEUED);
	lab_ok(lab_wait(world.a));
	lab_message(world.other, world.reply, REPLY_ID);
	lab_silent(world.other, world.reply);
	ck_assert_uint_eq(lab_srights(world.other, world.reply), 1);
	lab_stop(world.lab);
}
END_TEST

START_TEST(then_its_caller_goes_on_to_receive)
{
	struct world world = begin();

	lab_is(LAB_BLOCKED, call(&world, MACH_RCV_MSG, 0));
	lab_message(world.other, world.reply, QUEUED);
	lab_ok(lab_wait(world.a));
	ck_assert_int_eq(world.message.header.msgh_id, REPLY_ID);
	lab_stop(world.lab);
}
END_TEST

START_TEST(without_time_it_is_lost)
{
	struct world world = begin();

	lab_ok(call(&world, MACH_SEND_TIMEOUT, 0));
	expect_lost(&world);
}
END_TEST

START_TEST(after_its_time_it_is_lost)
{
	struct world world = begin();

	lab_is(LAB_BLOCKED, call(&world, MACH_SEND_TIMEOUT, 20));
	lab_advance(world.lab, 19);
	lab_is(LAB_BLOCKED, lab_wait(world.a));
	lab_advance(world.lab, 1);
	lab_ok(lab_wait(world.a));
	expect_lost(&world);
}
END_TEST

START_TEST(a_call_that_timed_out_receives_what_is_there)
{
	struct world world = begin();

	lab_is(LAB_BLOCKED, call(&world, MACH_SEND_TIMEOUT | MACH_RCV_MSG, 20));
	lab_advance(world.lab, 20);
	lab_ok(lab_wait(world.a));
	ck_assert_int_eq(world.message.header.msgh_id, QUEUED);
	lab_silent(world.other, world.reply);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_signal_loses_it)
{
	struct world world = begin();

	lab_is(LAB_BLOCKED, call(&world, 0, 0));
	ck_assert(lab_cancel(world.a));
	lab_ok(lab_wait(world.a));
	expect_lost(&world);
}
END_TEST

/* The call receives from another port, where nothing comes. */
START_TEST(a_signal_ends_the_receive_behind_it_too)
{
	struct world world = begin();
	mach_port_name_t full = world.reply;
	struct lab_msg msg = {.option = MACH_SEND_MSG | MACH_RCV_MSG,
			      .send = &world.message,
			      .send_size = sizeof world.message.header,
			      .receive_name = lab_new_port(world.a),
			      .receive_size = sizeof world.message};

	lab_compose(&world.message, world.a->task->host, COPY_SEND, full, MAKE_SEND, BAD_ID);
	lab_is(LAB_BLOCKED, lab_msg(world.a, &msg));
	ck_assert(lab_cancel(world.a));
	lab_is(MACH_RCV_INTERRUPTED, lab_wait(world.a));
	expect_lost(&world);
}
END_TEST

START_TEST(the_end_of_its_port_is_success)
{
	struct world world = begin();

	lab_is(LAB_BLOCKED, call(&world, 0, 0));
	lab_ok(lab_destroy(world.other, world.reply));
	lab_ok(lab_wait(world.a));
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_thread_that_ends_loses_it)
{
	struct world world = begin();

	lab_is(LAB_BLOCKED, call(&world, 0, 0));
	lab_close(world.a);
	expect_lost(&world);
}
END_TEST

/* The request brings a chain of ports, each in the queue of the next, which dies in slices. */
static mach_msg_return_t call_with_chain(struct world *world, uint32_t option)
{
	mach_port_name_t chain = lab_new_port(world->a);
	struct lab_buffer message;

	for (unsigned i = 0; i < LENGTH; i++) {
		mach_port_name_t next = lab_new_port(world->a);

		lab_compose(&message, next, MAKE_SEND, NOBODY, 0, 1);
		lab_add_port(&message, chain, MOVE_RECEIVE);
		lab_ok(lab_send_now(world->a, &message));
		chain = next;
	}
	world->lab->lazy_work = true;
	lab_compose(&world->message, world->a->task->host, COPY_SEND, world->reply, MAKE_SEND,
		    BAD_ID);
	lab_add_port(&world->message, chain, MOVE_RECEIVE);
	return lab_send(world->a, &world->message, option, 0);
}

START_TEST(it_waits_when_what_its_request_brought_is_gone)
{
	struct world world = begin();

	lab_is(LAB_BLOCKED, call_with_chain(&world, 0));
	ck_assert(trap_has_work(world.lab->host));
	lab_work(world.lab);
	lab_is(LAB_BLOCKED, lab_wait(world.a));
	lab_message(world.other, world.reply, QUEUED);
	lab_ok(lab_wait(world.a));
	lab_message(world.other, world.reply, REPLY_ID);
	lab_stop(world.lab);
}
END_TEST

START_TEST(room_that_there_is_by_then_is_used)
{
	struct world world = begin();

	lab_is(LAB_BLOCKED, call_with_chain(&world, 0));
	lab_message(world.other, world.reply, QUEUED);
	lab_work(world.lab);
	lab_ok(lab_wait(world.a));
	lab_message(world.other, world.reply, REPLY_ID);
	lab_stop(world.lab);
}
END_TEST

/* What happens to its caller in the meantime happens to it. */
START_TEST(a_caller_that_is_held_loses_it)
{
	for (unsigned how = 0; how < 3; how++) {
		struct world world = begin();

		lab_is(LAB_BLOCKED, call_with_chain(&world, how == 2 ? MACH_SEND_TIMEOUT : 0));
		if (how == 0)
			lab_close(world.a);
		else if (how == 1)
			ck_assert(lab_cancel(world.a));
		lab_work(world.lab);
		if (how)
			lab_ok(lab_wait(world.a));
		expect_lost(&world);
	}
}
END_TEST

/* Its turn is that of its caller among others that wait. */
START_TEST(it_waits_in_line)
{
	struct world world = begin();
	struct lab_buffer message = lab_to(world.reply, 60);
	struct lab_thread *third = lab_thread(world.a->task);

	lab_is(LAB_BLOCKED, lab_send(world.other, &message, 0, 0));
	lab_is(LAB_BLOCKED, call(&world, 0, 0));
	lab_message(third, world.reply, QUEUED);
	lab_ok(lab_wait(world.other));
	lab_is(LAB_BLOCKED, lab_wait(world.a));
	lab_message(third, world.reply, 60);
	lab_ok(lab_wait(world.a));
	lab_message(third, world.reply, REPLY_ID);
	lab_stop(world.lab);
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_test(tcase, it_waits_for_room);
	tcase_add_test(tcase, then_its_caller_goes_on_to_receive);
	tcase_add_test(tcase, without_time_it_is_lost);
	tcase_add_test(tcase, after_its_time_it_is_lost);
	tcase_add_test(tcase, a_call_that_timed_out_receives_what_is_there);
	tcase_add_test(tcase, a_signal_loses_it);
	tcase_add_test(tcase, a_signal_ends_the_receive_behind_it_too);
	tcase_add_test(tcase, the_end_of_its_port_is_success);
	tcase_add_test(tcase, a_thread_that_ends_loses_it);
	tcase_add_test(tcase, it_waits_when_what_its_request_brought_is_gone);
	tcase_add_test(tcase, room_that_there_is_by_then_is_used);
	tcase_add_test(tcase, a_caller_that_is_held_loses_it);
	tcase_add_test(tcase, it_waits_in_line);
}

int main(void)
{
	return lab_run("ipc_kobject_reply", add_tests);
}
