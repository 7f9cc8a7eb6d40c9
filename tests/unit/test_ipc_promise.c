/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was promised is kept: a message that was sent without an answer arrives, in its order, also
 * when the daemon finds no memory at all, or the queue is as long as one can be.
 */
#include <string.h>

#include "tests/lab/lab_audit.h"
#include "tests/lab/lab_expect.h"
#include "tests/lab/lab_window.h"

#include "daemon/base/mem.h"
#include "daemon/base/mem_reserve.h"
#include "daemon/ipc/ipc_host.h"

/* A message that no piece of the pool is large enough for. */
#define LARGE 1200

static mach_msg_return_t send(struct lab_thread *thread, mach_port_name_t dest, int32_t id)
{
	struct lab_buffer message = lab_to(dest, id);

	for (size_t at = message.header.msgh_size; at < LARGE; at++)
		message.bytes[at] = (uint8_t)((size_t)id + at);
	message.header.msgh_size = LARGE;
	return lab_send_plain(thread, &message);
}

/* Receive that message, whole. */
static void is_next(struct lab_thread *thread, mach_port_name_t port, int32_t id)
{
	struct lab_buffer message;
	bool good = true;

	lab_ok(lab_receive_ahead(thread, port, &message));
	ck_assert_int_eq(message.header.msgh_id, id);
	ck_assert_uint_eq(message.header.msgh_size, LARGE);
	for (size_t at = sizeof message.header; at < LARGE; at++)
		good = good && message.bytes[at] == (uint8_t)((size_t)id + at);
	ck_assert(good);
}

struct world {
	struct lab *lab;
	struct lab_thread *owner, *sender;
	mach_port_name_t port, dest; /* the port's name at each */
};

static struct world begin_with(const struct lab_options *options)
{
	struct world world = {.lab = lab_start(options)};

	world.owner = lab_task(world.lab, 1000)->thread;
	world.sender = lab_task(world.lab, 1000)->thread;
	world.port = lab_new_port(world.owner);
	world.dest = lab_pass(world.owner, world.port, MAKE_SEND, world.sender);
	lab_set_qlimit(world.owner, world.port, MACH_PORT_QLIMIT_LARGE);
	lab_ok(lab_board(world.sender, TRAP_FD_FIXED));
	return world;
}

/* One ordinary send, after which there is a window. */
static void open_window(struct world *world)
{
	lab_ok(send(world->sender, world->dest, 0));
	ck_assert_uint_gt(lab_window(world->sender, world->dest), 0);
}

/* It closes when no more is kept for it; and then the sender is told that there is no memory. */
START_TEST(no_memory_is_needed_for_what_was_promised)
{
	struct world world = begin_with(NULL);
	mach_msg_return_t code;
	int32_t id = 1;

	open_window(&world);
	mem_fail_from(1);
	while ((code = send(world.sender, world.dest, id)) == MACH_MSG_SUCCESS)
		id++;
	ck_assert_int_eq(code, MACH_SEND_NO_BUFFER);
	ck_assert_int_eq(id, 1 + MEM_RESERVE_CHUNK);
	for (int32_t next = 0; next < id; next++)
		is_next(world.owner, world.port, next);
	lab_audit(world.lab);
	mem_fail_from(0);
	lab_ok(send(world.sender, world.dest, id));
	is_next(world.owner, world.port, id);
	lab_stop(world.lab);
	ck_assert_uint_eq(mem_live(), 0);
}
END_TEST

/* It goes on so: what comes back is there for the next. */
START_TEST(memory_that_comes_back_is_promised_again)
{
	struct world world = begin_with(NULL);
	int32_t id = 1, next = 0;
	unsigned answers;

	open_window(&world);
	is_next(world.owner, world.port, next++);
	answers = world.lab->answers;
	mem_fail_from(1);
	for (unsigned i = 0; i < 1000; i++) {
		lab_ok(send(world.sender, world.dest, id++));
		is_next(world.owner, world.port, next++);
	}
	mem_fail_from(0);
	ck_assert_uint_eq(world.lab->answers, answers + 1000); /* those of the receiver */
	lab_stop(world.lab);
}
END_TEST

START_TEST(without_memory_nothing_is_promised)
{
	struct world world = begin_with(NULL);

	mem_fail_from(2); /* the message's own comes first */
	lab_ok(send(world.sender, world.dest, 0));
	mem_fail_from(0);
	ck_assert_uint_eq(lab_window(world.sender, world.dest), 0);
	lab_audit(world.lab);
	lab_ok(send(world.sender, world.dest, 1));
	ck_assert_uint_gt(lab_window(world.sender, world.dest), 0);
	is_next(world.owner, world.port, 0);
	is_next(world.owner, world.port, 1);
	lab_stop(world.lab);
}
END_TEST

/* The window has been given to another name while they were under way. */
START_TEST(a_name_that_lost_its_window_is_found_without_memory)
{
	struct world world = begin_with(NULL);
	mach_port_name_t twin;
	struct lab_buffer message;
	uint32_t promised;

	open_window(&world);
	promised = lab_window(world.sender, world.dest);
	do
		twin = lab_new_service(world.sender);
	while (machd_window_of(twin) != machd_window_of(world.dest));
	lab_ok(send(world.sender, twin, 0));
	ck_assert_uint_eq(lab_window(world.sender, world.dest), 0);
	mem_fail_from(1);
	for (unsigned i = 0; i < promised; i++) {
		message = lab_to(world.dest, 1000);
		ck_assert(lab_send_unanswered(world.sender, &message, 0));
	}
	mem_fail_from(0);
	is_next(world.owner, world.port, 0);
	for (unsigned i = 0; i < promised; i++)
		lab_message(world.owner, world.port, 1000);
	lab_silent(world.owner, world.port);
	lab_stop(world.lab);
}
END_TEST

START_TEST(what_was_promised_passes_the_hard_limit)
{
	struct lab_options options;
	struct world world;
	struct lab_buffer message;

	lab_options_init(&options);
	options.limits.messages_per_user = UINT32_MAX;
	options.limits.bytes_per_user = UINT32_MAX;
	world = begin_with(&options);
	lab_ok(send(world.sender, world.dest, 0));
	ck_assert_uint_gt(lab_window(world.sender, world.dest), 1);
	for (unsigned i = 1; i < MACHD_QUEUE_HARD_MAX; i++) {
		lab_compose(&message, world.port, MAKE_ONCE, NOBODY, 0, 1);
		lab_ok(lab_send_now(world.owner, &message));
	}
	message = lab_to(world.dest, 2);
	ck_assert(lab_send_unanswered(world.sender, &message, 0));
	ck_assert_uint_eq(lab_status(world.owner, world.port).mps_msgcount,
			  MACHD_QUEUE_HARD_MAX + 1);
	is_next(world.owner, world.port, 0);
	for (unsigned i = 1; i < MACHD_QUEUE_HARD_MAX; i++)
		lab_message(world.owner, world.port, 1);
	lab_message(world.owner, world.port, 2);
	lab_stop(world.lab);
}
END_TEST

/* Chunks that nobody needs any more are given back, but for one. */
START_TEST(memory_is_kept_for_those_who_are_there)
{
	struct world world = begin_with(NULL);
	struct lab_thread *thread;
	uint64_t before;

	open_window(&world);
	before = mem_live();
	thread = lab_task(world.lab, 1000)->thread;
	lab_ok(lab_board(thread, TRAP_FD_FIXED));
	for (unsigned i = 0; i < 60; i++)
		lab_ok(send(thread, lab_new_service(thread), 0));
	ck_assert_uint_ge(world.lab->host->h_reserve.mr_free, 3 * MEM_RESERVE_CHUNK);
	lab_close(thread);
	ck_assert_uint_le(world.lab->host->h_reserve.mr_free, 2 * MEM_RESERVE_CHUNK);
	ck_assert_uint_le(mem_live(), before + 1);
	lab_stop(world.lab);
	ck_assert_uint_eq(mem_live(), 0);
}
END_TEST

/* --- at random --- */

enum { SENDERS = 4, PORTS = 3, STEPS = 1500, ROUNDS = 40, MOST = 400 };

struct crowd {
	struct lab *lab;
	struct lab_thread *owner, *sender[SENDERS]; /* two of them are of one task */
	mach_port_name_t port[PORTS], dest[SENDERS][PORTS];
	int32_t sent[PORTS], received[PORTS];
	unsigned kept; /* while there was no memory at all */
};

static uint32_t random_state;

static uint32_t any(uint32_t bound)
{
	random_state = random_state * 1664525 + 1013904223;
	return (random_state >> 8) % bound;
}

static void gather(struct crowd *crowd)
{
	*crowd = (struct crowd){.lab = lab_start(NULL)};
	crowd->owner = lab_task(crowd->lab, 1000)->thread;
	lab_ok(lab_board(crowd->owner, TRAP_FD_FIXED)); /* to be lent messages */
	for (unsigned s = 0; s < SENDERS; s++) {
		crowd->sender[s] = s == 1 ? lab_thread(crowd->sender[0]->task)
					  : lab_task(crowd->lab, 1000)->thread;
		lab_ok(lab_board(crowd->sender[s], TRAP_FD_FIXED));
	}
	for (unsigned p = 0; p < PORTS; p++) {
		crowd->port[p] = lab_new_port(crowd->owner);
		lab_set_qlimit(crowd->owner, crowd->port[p], MACH_PORT_QLIMIT_LARGE);
		for (unsigned s = 0; s < SENDERS; s++)
			crowd->dest[s][p] =
				lab_pass(crowd->owner, crowd->port[p], MAKE_SEND, crowd->sender[s]);
	}
}

/* How memory is short from now on. */
static bool run_short(void)
{
	unsigned how = any(4);

	mem_fail_from(how == 0 ? 1 : how == 2 ? 1 + any(4) : 0);
	mem_fail_after(how == 1 ? 1 + any(4) : 0);
	return how == 0;
}

static void step(struct crowd *crowd)
{
	unsigned s = any(SENDERS), p = any(PORTS);
	bool none = run_short();
	mach_msg_return_t code;

	if (any(5) < 3 && crowd->sent[p] - crowd->received[p] < MOST) {
		code = send(crowd->sender[s], crowd->dest[s][p], crowd->sent[p]);
		if (code != MACH_MSG_SUCCESS)
			ck_assert_int_eq(code, MACH_SEND_NO_BUFFER);
		else
			crowd->sent[p]++;
		crowd->kept += none && code == MACH_MSG_SUCCESS;
	} else if (crowd->received[p] < crowd->sent[p]) {
		is_next(crowd->owner, crowd->port[p], crowd->received[p]++);
	}
}

START_TEST(whatever_is_refused_what_was_sent_arrives)
{
	unsigned kept = 0;

	for (random_state = 1; random_state <= ROUNDS; random_state++) {
		uint32_t seed = random_state;
		struct crowd crowd;

		gather(&crowd);
		for (unsigned i = 0; i < STEPS; i++)
			step(&crowd);
		mem_fail_from(0);
		mem_fail_after(0);
		lab_audit(crowd.lab);
		for (unsigned p = 0; p < PORTS; p++)
			while (crowd.received[p] < crowd.sent[p])
				is_next(crowd.owner, crowd.port[p], crowd.received[p]++);
		lab_stop(crowd.lab);
		ck_assert_uint_eq(mem_live(), 0);
		kept += crowd.kept;
		random_state = seed;
	}
	ck_assert_uint_gt(kept, ROUNDS * STEPS / 20);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_test(tests, no_memory_is_needed_for_what_was_promised);
	tcase_add_test(tests, memory_that_comes_back_is_promised_again);
	tcase_add_test(tests, without_memory_nothing_is_promised);
	tcase_add_test(tests, a_name_that_lost_its_window_is_found_without_memory);
	tcase_add_test(tests, what_was_promised_passes_the_hard_limit);
	tcase_add_test(tests, memory_is_kept_for_those_who_are_there);
	tcase_add_test(tests, whatever_is_refused_what_was_sent_arrives);
}

int main(void)
{
	return lab_run("ipc_promise", add_tests);
}
