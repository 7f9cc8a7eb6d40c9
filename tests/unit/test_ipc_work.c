/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Destruction of much at once: it takes no stack, it is done a slice at a time while others are
 * served, and who caused it gets the answer when it is done.
 */
#include "tests/lab/lab_expect.h"

/* Two tasks that want to be served, whatever a third one does. */
struct world {
	struct lab *lab;
	struct lab_thread *a;		    /* of the task that destroys much */
	struct lab_thread *client, *server; /* the others */
	mach_port_name_t service, dest, reply;
};

static struct world begin(void)
{
	struct world world = {.lab = lab_start(NULL)};

	world.a = lab_task(world.lab, 1000)->thread;
	world.client = lab_task(world.lab, 1000)->thread;
	world.server = lab_task(world.lab, 1000)->thread;
	world.service = lab_new_port(world.server);
	world.dest = lab_pass(world.server, world.service, MAKE_SEND, world.client);
	world.reply = lab_new_port(world.client);
	return world;
}

/* A whole RPC, every step of which must be answered at once. */
static void rpc(struct world *world, int32_t id)
{
	struct lab_buffer request, received;
	struct lab_msg call = {.option = MACH_SEND_MSG | MACH_RCV_MSG,
			       .send = &request,
			       .send_size = 24,
			       .receive_name = world->reply,
			       .receive_size = sizeof request};

	lab_compose(&request, world->dest, COPY_SEND, world->reply, MAKE_ONCE, id);
	lab_is(LAB_BLOCKED, lab_msg(world->client, &call));
	received = lab_message(world->server, world->service, id);
	lab_compose(&received, received.header.msgh_remote_port, MOVE_ONCE, NOBODY, 0, id + 1);
	lab_ok(lab_send_now(world->server, &received));
	lab_ok(lab_wait(world->client));
	LAB_TRUE(request.header.msgh_id == id + 1);
}

/* Serve the others between all slices; `thread` (if any) must not be answered before the last. */
static unsigned work_and_serve(struct world *world, const struct lab_thread *thread)
{
	unsigned slices = 0;

	while (trap_has_work(world->lab->host)) {
		LAB_CHECK(!thread || !thread->answered, "the answer came before the work was done");
		rpc(world, (int32_t)slices);
		LAB_TRUE(lab_work_turn(world->lab));
		slices++;
	}
	return slices;
}

/* A chain of ports of a's, each queued inside the next; its end. Every `keep`th keeps a sender. */
static mach_port_name_t make_chain(struct world *world, unsigned length, unsigned keep,
				   mach_port_name_t *kept)
{
	mach_port_name_t port = lab_new_port(world->a);

	for (unsigned i = 1; i < length; i++) {
		mach_port_name_t next = lab_new_port(world->a);
		struct lab_buffer message;

		if (keep && i % keep == 0) {
			lab_ok(lab_insert_right(world->a, port, port, MAKE_SEND));
			*kept++ = port;
		}
		lab_compose(&message, next, MAKE_SEND, NOBODY, 0, 1);
		lab_add_port(&message, port, MOVE_RECEIVE);
		lab_ok(lab_send_now(world->a, &message));
		port = next;
	}
	return port;
}

/* Ask to destroy a name without waiting for the answer. */
static void start_destroying(struct lab_thread *thread, mach_port_name_t name)
{
	lab_is(LAB_BLOCKED, lab_destroy(thread, name));
	LAB_TRUE(trap_has_work(thread->lab->host));
}

START_TEST(a_chain_of_ports_is_destroyed_in_slices_while_others_are_served)
{
	enum { LENGTH = 100000, KEEP = 10000 };
	struct world world = begin();
	mach_port_name_t kept[LENGTH / KEEP];
	mach_port_name_t last = make_chain(&world, LENGTH, KEEP, kept);
	struct trap_totals totals;

	world.lab->lazy_work = true;
	start_destroying(world.a, last);
	ck_assert_uint_gt(work_and_serve(&world, world.a), 50);
	lab_ok(lab_call_answer(world.a, NULL, 0, NULL));
	trap_totals(world.lab->host, &totals);
	ck_assert_uint_eq(totals.messages_queued, 0);
	for (unsigned i = 0; i < LENGTH / KEEP - 1; i++)
		lab_name_is(world.a, kept[i], DEAD_NAME, 1);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_small_destruction_is_answered_at_once)
{
	struct world world = begin();
	mach_port_name_t last = make_chain(&world, 100, 0, NULL);

	world.lab->lazy_work = true;
	lab_ok(lab_destroy(world.a, last));
	ck_assert(!trap_has_work(world.lab->host));
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_full_queue_is_destroyed_in_slices)
{
	enum { COUNT = 20000 };
	struct world world = begin();
	mach_port_name_t port = lab_new_port(world.a), notify = lab_new_port(world.client);
	mach_port_name_t once = lab_pass(world.client, notify, MAKE_ONCE, world.a);
	struct lab_buffer message;

	for (unsigned i = 0; i < COUNT; i++) {
		lab_compose(&message, port, MAKE_ONCE, i + 1 == COUNT ? once : 0,
			    i + 1 == COUNT ? MOVE_ONCE : 0, 1);
		lab_ok(lab_send_now(world.a, &message));
	}
	world.lab->lazy_work = true;
	start_destroying(world.a, port);
	lab_silent(world.client, notify);
	ck_assert_uint_gt(work_and_serve(&world, world.a), 10);
	lab_ok(lab_call_answer(world.a, NULL, 0, NULL));
	lab_notice(world.client, notify, MACH_NOTIFY_SEND_ONCE);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_task_with_many_names_dies_in_slices)
{
	enum { COUNT = 100000 };
	struct world world = begin();
	mach_port_name_t first = lab_new_port(world.a), last, theirs[2], previous;
	mach_port_name_t notify = lab_new_port(world.client);
	struct trap_totals totals;

	for (unsigned i = 0; i < COUNT; i++)
		lab_new_port(world.a);
	last = lab_new_port(world.a);
	theirs[0] = lab_pass(world.a, first, MAKE_SEND, world.client);
	theirs[1] = lab_pass(world.a, last, MAKE_SEND, world.client);
	for (unsigned i = 0; i < 2; i++)
		lab_ok(lab_request_notification(world.client, theirs[i], MACH_NOTIFY_DEAD_NAME, 0,
						notify, MAKE_ONCE, &previous));
	world.lab->lazy_work = true;
	lab_kill(world.a->task);
	trap_totals(world.lab->host, &totals);
	ck_assert_uint_eq(totals.tasks, 2);
	lab_name_is(world.client, theirs[1], SEND, 1); /* its turn has not come */
	ck_assert_uint_gt(work_and_serve(&world, NULL), 50);
	lab_notice_of(world.client, notify, MACH_NOTIFY_DEAD_NAME, theirs[0]);
	lab_notice_of(world.client, notify, MACH_NOTIFY_DEAD_NAME, theirs[1]);
	lab_stop(world.lab);
}
END_TEST

/* While a task dies its ports may still be there: whatever is done with them must be harmless. */
START_TEST(what_is_done_with_the_ports_of_a_dying_task_is_harmless)
{
	enum { COUNT = 5000, THEIRS = 50 };
	struct world world = begin();
	mach_port_name_t theirs[THEIRS], previous, notify = lab_new_port(world.client);
	struct lab_thread *second = lab_thread(world.client->task);
	struct lab_buffer message, blocked;
	struct lab_task *task = world.a->task;
	unsigned told = 0;

	for (unsigned i = 0; i < COUNT; i++) {
		mach_port_name_t port = lab_new_port(world.a);

		if (i % (COUNT / THEIRS) == 0)
			theirs[i / (COUNT / THEIRS)] =
				lab_pass(world.a, port, MAKE_SEND, world.client);
	}
	world.lab->lazy_work = true;
	blocked = lab_to(theirs[THEIRS - 1], 7);
	lab_fill(world.client, theirs[THEIRS - 1], 5, 0);
	lab_is(LAB_BLOCKED, lab_send(second, &blocked, 0, 0));
	lab_kill(task);
	do {
		for (unsigned i = 0; i < THEIRS; i++) {
			kern_return_t kr;

			message = lab_to(theirs[i], 1);
			lab_send_now(world.client, &message);
			kr = lab_request_notification(world.client, theirs[i],
						      MACH_NOTIFY_DEAD_NAME, 0, notify, MAKE_ONCE,
						      &previous);
			LAB_TRUE(kr == KERN_SUCCESS || kr == KERN_INVALID_ARGUMENT);
			if (previous)
				lab_ok(lab_deallocate(world.client, previous));
		}
	} while (lab_work_turn(world.lab));
	lab_ok(lab_wait(second));
	for (unsigned i = 0; i < THEIRS; i++) {
		uint32_t type;

		lab_ok(lab_type(world.client, theirs[i], &type));
		LAB_TRUE(type == DEAD_NAME);
	}
	while (lab_receive_now(world.client, notify, &message) == MACH_MSG_SUCCESS)
		told += message.header.msgh_id == MACH_NOTIFY_DEAD_NAME;
	ck_assert_uint_gt(told, 0);
	lab_stop(world.lab);
}
END_TEST

START_TEST(two_destructions_go_on_in_turn)
{
	enum { LENGTH = 20000 };
	struct world world = begin();
	struct lab_thread *b = lab_thread(world.a->task);
	mach_port_name_t one = make_chain(&world, LENGTH, 0, NULL);
	mach_port_name_t two = make_chain(&world, LENGTH / 2, 0, NULL);
	struct trap_totals before, after;
	unsigned turns = 0;

	world.lab->lazy_work = true;
	start_destroying(world.a, one);
	start_destroying(b, two);
	while (!b->answered) {
		trap_totals(world.lab->host, &before);
		LAB_TRUE(lab_work_turn(world.lab));
		trap_totals(world.lab->host, &after);
		LAB_TRUE(after.messages_queued < before.messages_queued);
		turns++;
	}
	/* the shorter one is done although the longer one began first and is not */
	ck_assert(!world.a->answered);
	ck_assert_uint_gt(turns, 10);
	lab_ok(lab_call_answer(b, NULL, 0, NULL));
	lab_work(world.lab);
	lab_ok(lab_call_answer(world.a, NULL, 0, NULL));
	lab_stop(world.lab);
}
END_TEST

START_TEST(who_waits_for_its_answer_may_cancel_in_vain_or_leave)
{
	struct world world = begin();
	struct lab_thread *b = lab_thread(world.a->task);
	mach_port_name_t one = make_chain(&world, 5000, 0, NULL);
	mach_port_name_t two = make_chain(&world, 5000, 0, NULL);

	world.lab->lazy_work = true;
	start_destroying(world.a, one);
	start_destroying(b, two);
	ck_assert(lab_cancel(world.a));
	ck_assert(!world.a->answered);
	lab_close(b);
	lab_work(world.lab);
	lab_ok(lab_call_answer(world.a, NULL, 0, NULL));
	lab_stop(world.lab);
}
END_TEST

START_TEST(who_waits_for_its_answer_may_not_ask_for_more)
{
	struct world world = begin();
	mach_port_name_t one = make_chain(&world, 5000, 0, NULL);
	struct {
		struct machd_frame frame;
		struct machd_message_args args;
	} packet = {.frame = {.length = sizeof packet, .op = MACHD_OP_MESSAGE}};

	world.lab->lazy_work = true;
	start_destroying(world.a, one);
	packet.frame.sequence = world.a->sequence + 1;
	ck_assert(!lab_packet(world.a, &packet, sizeof packet, NULL, 0));
	ck_assert_str_eq(world.lab->why, "it sends a request while another is under way");
	lab_work(world.lab);
	rpc(&world, 1);
	lab_stop(world.lab);
}
END_TEST

/* An answer with a descriptor that waits for the destruction of what found no room. */
static void receive_while_destroying(struct world *world, struct lab_buffer *message)
{
	mach_port_name_t last = make_chain(world, 5000, 0, NULL), name;
	struct machd_limits limits;
	struct lab_msg msg = {
		.option = MACH_SEND_MSG, .send = message, .send_size = 100, .inline_size = 40};

	*message = lab_to(world->dest, 3);
	lab_add_port(message, lab_pass(world->a, last, MOVE_RECEIVE, world->client), MOVE_RECEIVE);
	lab_ok(lab_msg(world->client, &msg));
	machd_limits_init(&limits);
	limits.names_per_task = 64;
	lab_limits(world->lab, &limits);
	while (lab_allocate(world->server, MACH_PORT_RIGHT_DEAD_NAME, &name) == KERN_SUCCESS)
		continue;
	world->lab->lazy_work = true;
	lab_is(LAB_BLOCKED, lab_receive_now(world->server, world->service, message));
	LAB_TRUE(world->lab->fds[1] == LAB_FD_INSIDE);
}

START_TEST(an_answer_with_a_descriptor_waits_too)
{
	struct world world = begin();
	struct lab_buffer message;

	receive_while_destroying(&world, &message);
	lab_work(world.lab);
	lab_is(MACH_RCV_BODY_ERROR | MACH_MSG_IPC_SPACE, lab_wait(world.server));
	ck_assert_uint_eq(world.lab->fds[1], LAB_FD_HANDED_OUT);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_descriptor_that_waits_for_somebody_who_left_is_released)
{
	struct world world = begin();
	struct lab_buffer message;

	receive_while_destroying(&world, &message);
	lab_close(world.server);
	ck_assert_uint_eq(world.lab->fds[1], LAB_FD_RELEASED);
	lab_work(world.lab);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_machine_stops_in_the_middle_of_its_work)
{
	struct world world = begin();
	mach_port_name_t last = make_chain(&world, 5000, 0, NULL);

	for (unsigned i = 0; i < 20000; i++)
		lab_new_dead_name(world.client);
	world.lab->lazy_work = true;
	start_destroying(world.a, last);
	lab_kill(world.client->task);
	lab_work_turn(world.lab);
	lab_stop_at_once(world.lab);
}
END_TEST

START_TEST(a_turn_without_work_does_nothing)
{
	struct world world = begin();
	struct trap_input input = {.kind = TRAP_WORK, .now = world.lab->now};
	uint8_t before[TRAP_DIGEST_SIZE], after[TRAP_DIGEST_SIZE];

	trap_digest(world.lab->host, before);
	ck_assert_ptr_null(trap_input(world.lab->host, &input));
	trap_digest(world.lab->host, after);
	ck_assert_mem_eq(before, after, sizeof before);
	lab_stop(world.lab);
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_test(tcase, a_chain_of_ports_is_destroyed_in_slices_while_others_are_served);
	tcase_add_test(tcase, a_small_destruction_is_answered_at_once);
	tcase_add_test(tcase, a_full_queue_is_destroyed_in_slices);
	tcase_add_test(tcase, a_task_with_many_names_dies_in_slices);
	tcase_add_test(tcase, what_is_done_with_the_ports_of_a_dying_task_is_harmless);
	tcase_add_test(tcase, two_destructions_go_on_in_turn);
	tcase_add_test(tcase, who_waits_for_its_answer_may_cancel_in_vain_or_leave);
	tcase_add_test(tcase, who_waits_for_its_answer_may_not_ask_for_more);
	tcase_add_test(tcase, an_answer_with_a_descriptor_waits_too);
	tcase_add_test(tcase, a_descriptor_that_waits_for_somebody_who_left_is_released);
	tcase_add_test(tcase, a_machine_stops_in_the_middle_of_its_work);
	tcase_add_test(tcase, a_turn_without_work_does_nothing);
}

int main(void)
{
	return lab_run("ipc_work", add_tests);
}
