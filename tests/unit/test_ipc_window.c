/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sends without an answer: what is promised and when that ends, what becomes of messages that were
 * under way then, and who promises himself too much. And at random: nobody can tell a world with
 * windows and loans from one without.
 */
#include <string.h>

#include "tests/lab/lab_audit.h"
#include "tests/lab/lab_expect.h"
#include "tests/lab/lab_window.h"

#include "daemon/base/mem.h"

struct world {
	struct lab *lab;
	struct lab_thread *owner, *a, *b, *other; /* a and b are threads of one task */
	mach_port_name_t port, dest, their;	  /* the port's name at each task */
};

static struct world begin_with(const struct lab_options *options)
{
	struct world world = {.lab = lab_start(options)};

	world.owner = lab_task(world.lab, 1000)->thread;
	world.a = lab_task(world.lab, 1000)->thread;
	world.b = lab_thread(world.a->task);
	world.other = lab_task(world.lab, 1000)->thread;
	world.port = lab_new_port(world.owner);
	world.dest = lab_pass(world.owner, world.port, MAKE_SEND, world.a);
	world.their = lab_pass(world.owner, world.port, MAKE_SEND, world.other);
	lab_ok(lab_board(world.a, TRAP_FD_FIXED));
	return world;
}

static struct world begin(void)
{
	return begin_with(NULL);
}

static mach_msg_return_t plain(struct lab_thread *thread, mach_port_name_t dest, int32_t id)
{
	struct lab_buffer message = lab_to(dest, id);

	return lab_send_plain(thread, &message);
}

/* One ordinary send, after which there is a window. */
static void open_window(struct world *world)
{
	lab_ok(plain(world->a, world->dest, 0));
	ck_assert_uint_gt(lab_window(world->a, world->dest), 0);
}

static void expect(struct world *world, int32_t from, int32_t to)
{
	for (int32_t id = from; id < to; id++)
		lab_message(world->owner, world->port, id);
	lab_silent(world->owner, world->port);
}

START_TEST(a_window_is_as_wide_as_the_queue_has_room)
{
	struct world world = begin();

	open_window(&world);
	ck_assert_uint_eq(lab_window(world.a, world.dest), 4);
	for (int32_t id = 1; id < 5; id++)
		lab_ok(plain(world.a, world.dest, id));
	ck_assert_uint_eq(lab_window(world.a, world.dest), 0);
	lab_is(LAB_BLOCKED, plain(world.a, world.dest, 5));
	lab_message(world.owner, world.port, 0);
	lab_ok(lab_wait(world.a));
	expect(&world, 1, 6);
	lab_stop(world.lab);
}
END_TEST

START_TEST(it_grows_with_what_is_sent_and_opens_again_by_itself)
{
	struct world world = begin();
	int32_t id = 0, next = 0;
	unsigned answers;

	lab_set_qlimit(world.owner, world.port, MACH_PORT_QLIMIT_LARGE);
	while (id < 200)
		lab_ok(plain(world.a, world.dest, id++));
	ck_assert_uint_gt(lab_window(world.a, world.dest), 0);
	answers = world.lab->answers;
	for (; id < 1000; id++)
		lab_ok(plain(world.a, world.dest, id));
	ck_assert_uint_eq(world.lab->answers, answers);
	while (next < id)
		lab_message(world.owner, world.port, next++);
	lab_stop(world.lab);
}
END_TEST

START_TEST(room_that_falls_free_opens_it_again)
{
	struct world world = begin();

	open_window(&world);
	for (int32_t id = 1; id < 5; id++)
		lab_ok(plain(world.a, world.dest, id));
	lab_message(world.owner, world.port, 0);
	ck_assert_uint_eq(lab_window(world.a, world.dest), 1);
	lab_message(world.owner, world.port, 1);
	ck_assert_uint_eq(lab_window(world.a, world.dest), 2);
	expect(&world, 2, 5);
	lab_stop(world.lab);
}
END_TEST

START_TEST(who_sends_the_ordinary_way_is_not_held_up)
{
	struct world world = begin();

	open_window(&world);
	lab_fill(world.other, world.their, 3, 1);
	ck_assert_uint_le(lab_window(world.a, world.dest), 1);
	lab_fill(world.other, world.their, 1, 4);
	ck_assert_uint_eq(lab_window(world.a, world.dest), 0);
	lab_is(LAB_BLOCKED, plain(world.a, world.dest, 5));
	lab_message(world.owner, world.port, 0);
	lab_ok(lab_wait(world.a));
	expect(&world, 1, 6);
	lab_stop(world.lab);
}
END_TEST

/* They had left the sender before it could see that. */
START_TEST(messages_under_way_are_queued_beyond_the_limit)
{
	struct world world = begin();

	open_window(&world);
	lab_fill(world.other, world.their, 4, 1);
	for (int32_t id = 5; id < 9; id++) {
		struct lab_buffer message = lab_to(world.dest, id);

		ck_assert(lab_send_unanswered(world.a, &message, 0));
	}
	ck_assert_uint_eq(lab_status(world.owner, world.port).mps_msgcount, 9);
	lab_audit(world.lab);
	expect(&world, 0, 9);
	lab_stop(world.lab);
}
END_TEST

START_TEST(more_than_was_promised_ends_the_connection)
{
	struct world world = begin();
	struct lab_buffer message = lab_to(world.dest, 1);

	ck_assert(!lab_send_unanswered(world.b, &message, 0)); /* it has no board */
	open_window(&world);
	for (unsigned i = 0; i < 4; i++)
		ck_assert(lab_send_unanswered(world.a, &message, 0));
	ck_assert(!lab_send_unanswered(world.a, &message, 0));
	ck_assert_ptr_nonnull(strstr(world.lab->why, "than it was promised"));
	lab_stop(world.lab);
}
END_TEST

START_TEST(what_could_fail_ends_the_connection)
{
	static const uint32_t options[] = {MACH_SEND_TIMEOUT, MACH_SEND_NOTIFY, MACH_RCV_MSG,
					   MACH_SEND_OVERRIDE, MACH_SEND_NOIMPORTANCE};
	enum { OPTIONS = sizeof options / sizeof *options, ALL = OPTIONS + 5 };

	for (unsigned i = 0; i < ALL; i++) {
		struct world world = begin();
		struct lab_buffer message = lab_to(world.dest, 1);
		uint32_t option = 0;

		open_window(&world);
		if (i < OPTIONS)
			option = options[i];
		else if (i == OPTIONS)
			message.header.msgh_bits = MACH_MSGH_BITS(MOVE_SEND, 0);
		else if (i == OPTIONS + 1)
			lab_add_port(&message, world.dest, COPY_SEND);
		else if (i == OPTIONS + 2)
			message.header.msgh_local_port = world.dest;
		else if (i == OPTIONS + 3)
			message.header.msgh_size = 20;
		else
			message.header.msgh_bits |= MACH_MSG_TYPE_COPY_SEND << 16;
		ck_assert(!lab_send_unanswered(world.a, &message, option));
		ck_assert_ptr_nonnull(strstr(world.lab->why, "what may fail"));
		lab_stop(world.lab);
	}
}
END_TEST

START_TEST(a_port_that_dies_closes_it_before_anybody_hears)
{
	struct world world = begin();
	struct lab_buffer message = lab_to(world.dest, 1);
	mach_port_name_t notify = lab_new_port(world.a), previous;

	open_window(&world);
	lab_ok(lab_request_notification(world.a, world.dest, MACH_NOTIFY_DEAD_NAME, 0, notify,
					MAKE_ONCE, &previous));
	lab_ok(lab_destroy(world.owner, world.port));
	ck_assert_uint_eq(lab_window(world.a, world.dest), 0);
	ck_assert(lab_send_unanswered(world.a, &message, 0)); /* was under way */
	lab_notice_of(world.a, notify, MACH_NOTIFY_DEAD_NAME, world.dest);
	lab_is(MACH_SEND_INVALID_DEST, plain(world.a, world.dest, 2));
	lab_stop(world.lab);
}
END_TEST

/* However the send right goes, the window goes with it; what is under way goes nowhere. */
START_TEST(a_name_that_is_given_up_closes_it)
{
	for (unsigned how = 0; how < 3; how++) {
		struct world world = begin();
		struct lab_buffer message = lab_to(world.dest, 1), mover = lab_to(world.dest, 3);

		open_window(&world);
		mover.header.msgh_bits = MACH_MSGH_BITS(MOVE_SEND, 0);
		if (how == 0)
			lab_ok(lab_deallocate(world.b, world.dest));
		else if (how == 1)
			lab_ok(lab_mod_refs(world.b, world.dest, MACH_PORT_RIGHT_SEND, -1));
		else
			lab_ok(lab_send_now(world.b, &mover));
		ck_assert_uint_eq(lab_window(world.a, world.dest), 0);
		lab_audit(world.lab);
		ck_assert(lab_send_unanswered(world.a, &message, 0));
		lab_is(MACH_SEND_INVALID_DEST, plain(world.a, world.dest, 2));
		lab_message(world.owner, world.port, 0);
		if (how == 2)
			lab_message(world.owner, world.port, 3);
		lab_silent(world.owner, world.port);
		lab_stop(world.lab);
	}
}
END_TEST

START_TEST(of_ones_own_port_the_send_right_counts)
{
	struct world world = begin();
	mach_port_name_t own = lab_new_service(world.a);

	lab_ok(plain(world.a, own, 0));
	ck_assert_uint_eq(lab_window(world.a, own), 4);
	lab_ok(lab_deallocate(world.a, own));
	ck_assert_uint_eq(lab_window(world.a, own), 0);
	lab_is(MACH_SEND_INVALID_DEST, plain(world.a, own, 1));
	own = lab_new_service(world.a);
	lab_ok(plain(world.a, own, 0));
	lab_ok(lab_mod_refs(world.a, own, MACH_PORT_RIGHT_RECEIVE, -1));
	ck_assert_uint_eq(lab_window(world.a, own), 0);
	lab_is(MACH_SEND_INVALID_DEST, plain(world.a, own, 1));
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_receive_right_under_way_takes_messages)
{
	struct world world = begin();
	mach_port_name_t moved;

	open_window(&world);
	moved = lab_pass(world.owner, world.port, MOVE_RECEIVE, world.other);
	for (int32_t id = 1; id < 5; id++)
		lab_ok(plain(world.a, world.dest, id));
	for (int32_t id = 0; id < 5; id++)
		lab_message(world.other, moved, id);
	lab_stop(world.lab);
}
END_TEST

START_TEST(objects_of_the_daemon_have_none)
{
	struct world world = begin();

	lab_ok(plain(world.a, world.a->task->host, 0));
	ck_assert_uint_eq(lab_window(world.a, world.a->task->host), 0);
	lab_stop(world.lab);
}
END_TEST

START_TEST(names_of_one_index_take_it_from_each_other)
{
	struct world world = begin();
	mach_port_name_t twin = MACH_PORT_NULL, right;

	lab_set_qlimit(world.owner, world.port, 100);
	open_window(&world);
	for (right = world.dest; twin == MACH_PORT_NULL;) {
		right = lab_new_service(world.a);
		if (machd_window_of(right) == machd_window_of(world.dest))
			twin = right;
	}
	lab_ok(plain(world.a, world.dest, 1));
	lab_ok(plain(world.a, twin, 100));
	ck_assert_uint_eq(lab_window(world.a, world.dest), 0);
	ck_assert_uint_gt(lab_window(world.a, twin), 0);
	lab_audit(world.lab);
	lab_ok(plain(world.a, world.dest, 2));
	lab_ok(plain(world.a, world.dest, 3));
	lab_ok(plain(world.a, twin, 101));
	lab_audit(world.lab);
	expect(&world, 0, 4);
	lab_message(world.a, twin, 100);
	lab_message(world.a, twin, 101);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_users_limits_are_kept)
{
	struct lab_options options;
	struct world world;
	int32_t sent = 0;

	lab_options_init(&options);
	options.limits.messages_per_user = 64;
	world = begin_with(&options);
	lab_set_qlimit(world.owner, world.port, MACH_PORT_QLIMIT_LARGE);
	while (plain(world.a, world.dest, sent) == MACH_MSG_SUCCESS)
		sent++;
	ck_assert_int_eq(sent, 64);
	lab_audit(world.lab);
	lab_is(MACH_SEND_NO_BUFFER, plain(world.a, world.dest, sent));
	expect(&world, 0, 64);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_user_is_promised_no_more_than_its_limit)
{
	struct lab_options options;
	struct world world;

	lab_options_init(&options);
	options.limits.promises_per_user = 3;
	world = begin_with(&options);
	open_window(&world);
	ck_assert_uint_eq(lab_window(world.a, world.dest), 2);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_board_can_be_had_again_and_begins_anew)
{
	struct world world = begin();

	open_window(&world);
	lab_ok(plain(world.a, world.dest, 1));
	lab_ok(lab_board(world.a, TRAP_FD_FIXED));
	ck_assert_uint_eq(lab_window(world.a, world.dest), 0);
	lab_audit(world.lab);
	lab_ok(plain(world.a, world.dest, 2));
	ck_assert_uint_gt(lab_window(world.a, world.dest), 0);
	lab_ok(plain(world.a, world.dest, 3));
	expect(&world, 0, 4);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_board_needs_memory_that_stays)
{
	struct world world = begin();
	struct lab_thread *watcher = lab_watcher(world.lab, 0);

	lab_is(KERN_RESOURCE_SHORTAGE, lab_board(world.a, TRAP_FD_NO_ROOM));
	lab_is(LAB_DROPPED, lab_board(world.a, TRAP_FD_SEALED));
	lab_is(LAB_DROPPED, lab_board(watcher, TRAP_FD_FIXED));
	mem_fail_after(1);
	lab_is(KERN_RESOURCE_SHORTAGE, lab_board(world.b, TRAP_FD_FIXED));
	mem_fail_after(0);
	lab_ok(lab_board(world.b, TRAP_FD_FIXED));
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_thread_that_ends_takes_its_windows_along)
{
	struct world world = begin();

	open_window(&world);
	lab_close(world.a);
	lab_audit(world.lab);
	expect(&world, 0, 1);
	lab_stop(world.lab);
}
END_TEST

/* --- at random, with and without --- */

enum { TASKS = 3, THREADS = 2, PORTS = 4, STEPS = 400 };

struct twin {
	struct lab *lab;
	struct lab_thread *thread[TASKS][THREADS];
	mach_port_name_t receive[PORTS];     /* at task 0 */
	mach_port_name_t send[TASKS][PORTS]; /* 0 once it was given up */
	struct lab_buffer pending[TASKS][THREADS];
};

static void twin_begin(struct twin *twin, bool windows)
{
	*twin = (struct twin){.lab = lab_start(NULL)};
	for (unsigned t = 0; t < TASKS; t++) {
		struct lab_task *task = lab_task(twin->lab, 1000);

		twin->thread[t][0] = task->thread;
		for (unsigned i = 1; i < THREADS; i++)
			twin->thread[t][i] = lab_thread(task);
	}
	for (unsigned p = 0; p < PORTS; p++) {
		twin->receive[p] = lab_new_service(twin->thread[0][0]);
		twin->send[0][p] = twin->receive[p];
		for (unsigned t = 1; t < TASKS; t++)
			twin->send[t][p] = lab_pass(twin->thread[0][0], twin->receive[p], MAKE_SEND,
						    twin->thread[t][0]);
	}
	for (unsigned t = 0; t < TASKS && windows; t++)
		for (unsigned i = 0; i < THREADS; i++)
			lab_ok(lab_board(twin->thread[t][i], TRAP_FD_FIXED));
}

static uint32_t random_state;

static uint32_t any(uint32_t bound)
{
	random_state = random_state * 1664525 + 1013904223;
	return (random_state >> 8) % bound;
}

/* What one step is; the same for both. */
struct step {
	unsigned kind, task, thread, port, number;
};

/* One step; what can be seen of it. */
static uint32_t take_step(struct twin *twin, const struct step *step)
{
	struct lab_thread *thread = twin->thread[step->task][step->thread];
	struct lab_thread *owner = twin->thread[0][0];
	struct lab_buffer *buffer = &twin->pending[step->task][step->thread];
	mach_port_name_t name = twin->send[step->task][step->port];
	kern_return_t code;
	uint32_t type;

	if (thread->asked && !thread->answered)
		return 0;
	if (thread->asked)
		return (uint32_t)lab_wait(thread) + 1;
	switch (step->kind) {
	case 0:
	case 1:
	case 2:
	case 3:
		*buffer = lab_to(name, (int32_t)step->number);
		return (uint32_t)lab_send_plain(thread, buffer);
	case 4:
		*buffer = lab_to(name, (int32_t)step->number);
		return (uint32_t)lab_send_now(thread, buffer);
	case 5:
	case 6:
		if (owner->asked)
			return 0;
		code = lab_receive_ahead(owner, twin->receive[step->port], buffer);
		return code == KERN_SUCCESS ? 10 + (uint32_t)buffer->header.msgh_id +
						      lab_trailer(buffer).msgh_seqno * 1000003
					    : (uint32_t)code;
	case 7:
		if (step->number % 24)
			return 0;
		return (uint32_t)lab_deallocate(thread, name);
	case 8:
		if (owner->asked || step->number % 96)
			return 0;
		return (uint32_t)lab_mod_refs(owner, twin->receive[step->port],
					      MACH_PORT_RIGHT_RECEIVE, -1);
	default:
		if (owner->asked || lab_type(owner, twin->receive[step->port], &type) ||
		    !(type & MACH_PORT_TYPE_RECEIVE))
			return 0;
		if (step->kind == 9)
			lab_set_qlimit(owner, twin->receive[step->port], step->number % 12);
		return lab_status(owner, twin->receive[step->port]).mps_msgcount;
	}
}

/* What could be seen of each step; returns how many answers there were. */
static unsigned run_twin(uint32_t seed, bool windows, uint32_t seen[STEPS])
{
	struct twin twin;
	unsigned answers;

	random_state = seed;
	twin_begin(&twin, windows);
	answers = twin.lab->answers;
	for (unsigned number = 0; number < STEPS; number++) {
		struct step step = {any(11), any(TASKS), any(THREADS), any(PORTS), number};

		if (step.task == 0)
			step.thread = 1; /* the first one receives */
		seen[number] = take_step(&twin, &step);
		if (number % 50 == 0)
			lab_audit(twin.lab);
	}
	answers = twin.lab->answers - answers;
	lab_stop(twin.lab);
	return answers;
}

START_TEST(nobody_can_tell_them_apart)
{
	uint32_t with[STEPS], without[STEPS];
	unsigned saved = 0;

	for (uint32_t seed = 1; seed <= 60; seed++) {
		saved += run_twin(seed, false, without);
		saved -= run_twin(seed, true, with);
		for (unsigned i = 0; i < STEPS; i++)
			ck_assert_msg(with[i] == without[i], "seed %u: step %u differs", seed, i);
	}
	ck_assert_uint_gt(saved, 200);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_test(tests, a_window_is_as_wide_as_the_queue_has_room);
	tcase_add_test(tests, it_grows_with_what_is_sent_and_opens_again_by_itself);
	tcase_add_test(tests, room_that_falls_free_opens_it_again);
	tcase_add_test(tests, who_sends_the_ordinary_way_is_not_held_up);
	tcase_add_test(tests, messages_under_way_are_queued_beyond_the_limit);
	tcase_add_test(tests, more_than_was_promised_ends_the_connection);
	tcase_add_test(tests, what_could_fail_ends_the_connection);
	tcase_add_test(tests, a_port_that_dies_closes_it_before_anybody_hears);
	tcase_add_test(tests, a_name_that_is_given_up_closes_it);
	tcase_add_test(tests, of_ones_own_port_the_send_right_counts);
	tcase_add_test(tests, a_receive_right_under_way_takes_messages);
	tcase_add_test(tests, objects_of_the_daemon_have_none);
	tcase_add_test(tests, names_of_one_index_take_it_from_each_other);
	tcase_add_test(tests, a_users_limits_are_kept);
	tcase_add_test(tests, a_user_is_promised_no_more_than_its_limit);
	tcase_add_test(tests, a_board_can_be_had_again_and_begins_anew);
	tcase_add_test(tests, a_board_needs_memory_that_stays);
	tcase_add_test(tests, a_thread_that_ends_takes_its_windows_along);
	tcase_add_test(tests, nobody_can_tell_them_apart);
}

int main(void)
{
	return lab_run("ipc_window", add_tests);
}
