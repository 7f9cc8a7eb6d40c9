/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What comes behind a long destruction in the same call: its second half, the next right of a
 * message that is refused, the sends of threads that were blocked on what died. All of them find
 * the destruction over, however it was cut up.
 */
#include "tests/lab/lab_expect.h"

enum { LENGTH = 3000 }; /* several slices */

struct world {
	struct lab *lab;
	struct lab_thread *a, *client;
	mach_port_name_t notify; /* of the client */
	mach_port_name_t chain;	 /* of a: a port in whose queue another one is, and so on; */
	mach_port_name_t around; /* a message with it to this port of a's is destroyed at once */
	struct lab_buffer message;
};

/* The innermost queue holds a send-once right to the client's port. */
static struct world begin(void)
{
	struct world world = {.lab = lab_start(NULL)};
	mach_port_name_t once;

	world.a = lab_task(world.lab, 1000)->thread;
	world.client = lab_task(world.lab, 1000)->thread;
	world.notify = lab_new_port(world.client);
	world.around = lab_new_port(world.a);
	world.chain = lab_new_port(world.a);
	once = lab_pass(world.client, world.notify, MAKE_ONCE, world.a);
	lab_compose(&world.message, world.chain, MAKE_SEND, once, MOVE_ONCE, 1);
	lab_ok(lab_send_now(world.a, &world.message));
	for (unsigned i = 1; i < LENGTH; i++) {
		mach_port_name_t next = lab_new_port(world.a);

		lab_compose(&world.message, next, MAKE_SEND, NOBODY, 0, 1);
		lab_add_port(&world.message, world.chain, MOVE_RECEIVE);
		lab_ok(lab_send_now(world.a, &world.message));
		world.chain = next;
	}
	lab_compose(&world.message, world.around, MAKE_SEND, NOBODY, 0, 1);
	lab_add_port(&world.message, world.around, MOVE_RECEIVE);
	lab_add_port(&world.message, world.chain, MOVE_RECEIVE);
	world.lab->lazy_work = true;
	return world;
}

/* Send the message that destroys the chain, and receive from a port. */
static mach_msg_return_t send_and_receive(struct world *world, mach_port_name_t from,
					  uint32_t option)
{
	struct lab_msg call = {.option = MACH_SEND_MSG | MACH_RCV_MSG | option,
			       .send = &world->message,
			       .send_size = world->message.header.msgh_size,
			       .receive_name = from,
			       .receive_size = sizeof world->message};

	return lab_msg(world->a, &call);
}

START_TEST(a_receive_finds_what_its_send_has_caused)
{
	struct world world = begin();
	mach_port_name_t mine = lab_new_port(world.a), previous;

	lab_ok(lab_insert_right(world.a, world.chain, world.chain, MAKE_SEND));
	lab_ok(lab_request_notification(world.a, world.chain, MACH_NOTIFY_DEAD_NAME, 0, mine,
					MAKE_ONCE, &previous));
	lab_is(LAB_BLOCKED, send_and_receive(&world, mine, MACH_RCV_TIMEOUT));
	lab_silent(world.client, world.notify);
	lab_work(world.lab);
	lab_ok(lab_wait(world.a));
	ck_assert_int_eq(world.message.header.msgh_id, MACH_NOTIFY_DEAD_NAME);
	lab_notice(world.client, world.notify, MACH_NOTIFY_SEND_ONCE);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_receive_that_finds_nothing_says_so_in_the_end)
{
	struct world world = begin();
	mach_port_name_t mine = lab_new_port(world.a);

	lab_is(LAB_BLOCKED, send_and_receive(&world, mine, MACH_RCV_TIMEOUT));
	ck_assert_uint_eq(world.a->deadline, 0);
	lab_work(world.lab);
	lab_is(MACH_RCV_TIMED_OUT, lab_wait(world.a));
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_call_that_is_cancelled_before_its_second_half)
{
	struct world world = begin();
	mach_port_name_t mine = lab_new_port(world.a);

	lab_is(LAB_BLOCKED, send_and_receive(&world, mine, 0));
	ck_assert(lab_cancel(world.a));
	lab_is(LAB_BLOCKED, lab_wait(world.a));
	lab_work(world.lab);
	lab_is(MACH_RCV_INTERRUPTED, lab_wait(world.a));
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_thread_that_leaves_before_its_second_half)
{
	struct world world = begin();
	struct lab_thread *second = lab_thread(world.a->task);
	mach_port_name_t mine = lab_new_port(world.a);

	lab_is(LAB_BLOCKED, send_and_receive(&world, mine, 0));
	lab_close(world.a);
	lab_work(world.lab);
	lab_notice(world.client, world.notify, MACH_NOTIFY_SEND_ONCE);
	lab_ok(lab_destroy(second, mine));
	lab_stop(world.lab);
}
END_TEST

/* The second right is rescued and says so; that must not overtake the first one's end. */
START_TEST(the_rights_of_a_refused_message_go_one_after_the_other)
{
	struct world world = begin();
	mach_port_name_t saved = lab_new_port(world.a), previous, once;
	struct lab_buffer received;

	once = lab_pass(world.client, world.notify, MAKE_ONCE, world.a);
	lab_ok(lab_request_notification(world.a, saved, MACH_NOTIFY_PORT_DESTROYED, 0, once,
					MOVE_ONCE, &previous));
	lab_compose(&world.message, world.around, MAKE_SEND, NOBODY, 0, 1);
	lab_add_port(&world.message, world.chain, MOVE_RECEIVE);
	lab_add_port(&world.message, saved, MOVE_RECEIVE);
	lab_add_port(&world.message, 0x7fff03, MOVE_RECEIVE);
	lab_is(LAB_BLOCKED, lab_send(world.a, &world.message, 0, 0));
	lab_silent(world.client, world.notify);
	lab_work(world.lab);
	lab_is(MACH_SEND_INVALID_RIGHT, lab_wait(world.a));
	lab_notice(world.client, world.notify, MACH_NOTIFY_SEND_ONCE);
	lab_ok(lab_receive_now(world.client, world.notify, &received));
	ck_assert_int_eq(received.header.msgh_id, MACH_NOTIFY_PORT_DESTROYED);
	lab_stop(world.lab);
}
END_TEST

/* A thread of `task` that is blocked in sending a right to the client's port; the queue is full. */
static struct lab_thread *blocked(struct world *world, struct lab_task *task, uint32_t option)
{
	struct lab_thread *thread = lab_thread(task);
	mach_port_name_t once = lab_pass(world->client, world->notify, MAKE_ONCE, thread);
	struct lab_buffer message;

	lab_compose(&message, world->chain, COPY_SEND, once, MOVE_ONCE, 2);
	lab_is(LAB_BLOCKED, lab_send(thread, &message, option, 1000));
	return thread;
}

/* Two of them; what they send is destroyed behind the queue that they wait for. */
static void let_two_wait(struct world *world, struct lab_thread *threads[2])
{
	lab_set_qlimit(world->a, world->chain, 1);
	lab_ok(lab_insert_right(world->a, world->chain, world->chain, MAKE_SEND));
	threads[0] = blocked(world, world->a->task, 0);
	threads[1] = blocked(world, world->a->task, MACH_SEND_TIMEOUT);
}

START_TEST(senders_that_wait_for_what_dies_come_behind_it)
{
	struct world world = begin();
	struct lab_thread *threads[2];

	let_two_wait(&world, threads);
	lab_is(LAB_BLOCKED, lab_mod_refs(world.a, world.chain, MACH_PORT_RIGHT_RECEIVE, -1));
	lab_is(LAB_BLOCKED, lab_wait(threads[0]));
	lab_work(world.lab);
	lab_ok(lab_call_answer(world.a, NULL, 0, NULL));
	for (unsigned i = 0; i < 2; i++)
		lab_ok(lab_wait(threads[i]));
	for (unsigned i = 0; i < 3; i++)
		lab_notice(world.client, world.notify, MACH_NOTIFY_SEND_ONCE);
	lab_stop(world.lab);
}
END_TEST

/* They got nothing across: the rights are their task's again. */
START_TEST(senders_that_leave_in_the_meantime)
{
	struct world world = begin();
	struct lab_thread *threads[2];

	let_two_wait(&world, threads);
	lab_is(LAB_BLOCKED, lab_mod_refs(world.a, world.chain, MACH_PORT_RIGHT_RECEIVE, -1));
	lab_close(threads[0]);
	lab_work(world.lab);
	lab_ok(lab_call_answer(world.a, NULL, 0, NULL));
	lab_ok(lab_wait(threads[1]));
	for (unsigned i = 0; i < 2; i++)
		lab_notice(world.client, world.notify, MACH_NOTIFY_SEND_ONCE);
	lab_silent(world.client, world.notify);
	lab_kill(world.a->task);
	lab_work(world.lab);
	lab_notice(world.client, world.notify, MACH_NOTIFY_SEND_ONCE);
	lab_stop(world.lab);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_test(tests, a_receive_finds_what_its_send_has_caused);
	tcase_add_test(tests, a_receive_that_finds_nothing_says_so_in_the_end);
	tcase_add_test(tests, a_call_that_is_cancelled_before_its_second_half);
	tcase_add_test(tests, a_thread_that_leaves_before_its_second_half);
	tcase_add_test(tests, the_rights_of_a_refused_message_go_one_after_the_other);
	tcase_add_test(tests, senders_that_wait_for_what_dies_come_behind_it);
	tcase_add_test(tests, senders_that_leave_in_the_meantime);
}

int main(void)
{
	return lab_run("ipc_halves", add_tests);
}
