/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bells [13, 27]: a bell rings exactly as long as messages wait where it hangs, or something is to
 * be told that has gone; it tells of each port once and in turn; it is paid for, and ends with its
 * task. (The lab checks after each call that nothing rings twice.)
 */
#include <string.h>

#include "daemon/base/mem.h"
#include "daemon/ipc/ipc_host.h"
#include "tests/lab/lab_audit.h"
#include "tests/lab/lab_bell.h"
#include "tests/lab/lab_expect.h"

struct world {
	struct lab *lab;
	struct lab_thread *a, *b; /* of two tasks */
	mach_port_name_t port;
	struct lab_bell bell;
};

static struct world begin_with(const struct lab_options *options)
{
	struct world world = {.lab = lab_start(options)};

	world.a = lab_task(world.lab, 1000)->thread;
	world.b = lab_task(world.lab, 1000)->thread;
	world.port = lab_new_service(world.a);
	lab_ok(lab_bell(world.a, &world.bell));
	return world;
}

static struct world begin(void)
{
	return begin_with(NULL);
}

static void end(struct world *world)
{
	lab_audit(world->lab);
	lab_stop(world->lab);
}

static bool rings(const struct world *world)
{
	lab_audit(world->lab);
	return lab_rings(world->a, &world->bell);
}

static void receive(struct world *world, mach_port_name_t name)
{
	struct lab_buffer message;

	lab_ok(lab_receive_now(world->a, name, &message));
}

/* The only thing that the bell has to tell. */
static struct lab_event told(struct world *world)
{
	struct lab_event events[4];
	unsigned count;

	lab_ok(lab_bell_next(world->a, &world->bell, events, 4, &count));
	ck_assert_uint_eq(count, 1);
	return events[0];
}

static void tells_nothing(struct world *world)
{
	struct lab_event event;
	unsigned count;

	lab_ok(lab_bell_next(world->a, &world->bell, &event, 1, &count));
	ck_assert_uint_eq(count, 0);
	ck_assert(!rings(world));
}

START_TEST(it_rings_while_messages_wait)
{
	struct world world = begin();

	lab_ok(lab_bell_add(world.a, &world.bell, world.port));
	ck_assert(!rings(&world));
	lab_fill(world.a, world.port, 2, 1);
	ck_assert(rings(&world));
	receive(&world, world.port);
	ck_assert(rings(&world));
	receive(&world, world.port);
	ck_assert(!rings(&world));
	lab_fill(world.a, world.port, 1, 1);
	ck_assert(rings(&world));
	end(&world);
}
END_TEST

START_TEST(messages_that_were_there_count)
{
	struct world world = begin();

	lab_fill(world.a, world.port, 1, 1);
	ck_assert(!rings(&world));
	lab_ok(lab_bell_add(world.a, &world.bell, world.port));
	ck_assert(rings(&world));
	end(&world);
}
END_TEST

START_TEST(what_a_waiting_thread_takes_does_not_ring)
{
	struct world world = begin();
	struct lab_thread *other = lab_thread(world.a->task);
	struct lab_buffer message;

	lab_ok(lab_bell_add(world.a, &world.bell, world.port));
	lab_is(LAB_BLOCKED, lab_receive(other, world.port, &message, 0, 0));
	lab_fill(world.a, world.port, 1, 1);
	lab_ok(lab_wait(other));
	ck_assert(!rings(&world));
	end(&world);
}
END_TEST

START_TEST(another_thread_makes_it_quiet)
{
	struct world world = begin();
	struct lab_thread *other = lab_thread(world.a->task);
	struct lab_buffer message;

	lab_ok(lab_bell_add(world.a, &world.bell, world.port));
	lab_fill(world.a, world.port, 1, 1);
	lab_ok(lab_receive_now(other, world.port, &message));
	ck_assert(!rings(&world));
	end(&world);
}
END_TEST

START_TEST(a_message_left_for_its_size_goes_on_ringing)
{
	struct world world = begin();
	struct lab_buffer message;
	struct lab_msg msg = {.option = MACH_RCV_MSG | MACH_RCV_LARGE,
			      .receive = &message,
			      .receive_size = 24,
			      .receive_name = world.port};

	lab_ok(lab_bell_add(world.a, &world.bell, world.port));
	lab_fill(world.a, world.port, 1, 1);
	lab_is(MACH_RCV_TOO_LARGE, lab_msg(world.a, &msg));
	ck_assert(rings(&world));
	msg.option = MACH_RCV_MSG;
	lab_is(MACH_RCV_TOO_LARGE, lab_msg(world.a, &msg));
	ck_assert(!rings(&world));
	end(&world);
}
END_TEST

START_TEST(a_blocked_sender_takes_the_place_of_what_was_received)
{
	struct world world = begin();
	struct lab_thread *other = lab_thread(world.a->task);
	struct lab_buffer message = lab_to(world.port, 9);

	lab_ok(lab_bell_add(world.a, &world.bell, world.port));
	lab_set_qlimit(world.a, world.port, 1);
	lab_fill(world.a, world.port, 1, 1);
	lab_is(LAB_BLOCKED, lab_send(other, &message, 0, 0));
	receive(&world, world.port);
	lab_ok(lab_wait(other));
	ck_assert(rings(&world));
	receive(&world, world.port);
	ck_assert(!rings(&world));
	end(&world);
}
END_TEST

START_TEST(a_set_rings_for_its_members)
{
	struct world world = begin();
	mach_port_name_t set = lab_new_set(world.a), second = lab_new_service(world.a);

	lab_ok(lab_bell_add(world.a, &world.bell, set));
	lab_fill(world.a, world.port, 1, 1);
	ck_assert(!rings(&world));
	lab_ok(lab_insert_member(world.a, world.port, set));
	ck_assert(rings(&world));
	ck_assert_uint_eq(told(&world).member, world.port);
	lab_ok(lab_insert_member(world.a, second, set));
	lab_fill(world.a, second, 1, 1);
	receive(&world, set);
	ck_assert(rings(&world));
	ck_assert_uint_eq(told(&world).name, set);
	ck_assert_uint_eq(told(&world).member, second);
	/* To leave the set is as good as to have no messages. */
	lab_ok(lab_extract_member(world.a, second, set));
	ck_assert(!rings(&world));
	lab_ok(lab_insert_member(world.a, second, set));
	ck_assert(rings(&world));
	lab_ok(lab_move_member(world.a, second, lab_new_set(world.a)));
	ck_assert(!rings(&world));
	end(&world);
}
END_TEST

START_TEST(a_receive_on_a_member_makes_the_set_quiet)
{
	struct world world = begin();
	mach_port_name_t set = lab_new_set(world.a);

	lab_ok(lab_bell_add(world.a, &world.bell, set));
	lab_ok(lab_insert_member(world.a, world.port, set));
	lab_fill(world.a, world.port, 1, 1);
	ck_assert(rings(&world));
	receive(&world, world.port);
	ck_assert(!rings(&world));
	end(&world);
}
END_TEST

START_TEST(two_bells_ring_for_one_port)
{
	struct world world = begin();
	struct lab_bell other;

	lab_ok(lab_bell(world.a, &other));
	lab_ok(lab_bell_add(world.a, &world.bell, world.port));
	lab_ok(lab_bell_add(world.a, &other, world.port));
	lab_fill(world.a, world.port, 1, 1);
	ck_assert(rings(&world) && lab_rings(world.a, &other));
	lab_ok(lab_bell_remove(world.a, &other, world.port));
	ck_assert(rings(&world) && !lab_rings(world.a, &other));
	end(&world);
}
END_TEST

START_TEST(it_tells_of_each_port_in_turn)
{
	struct world world = begin();
	mach_port_name_t ports[5];
	struct lab_event events[5];
	unsigned count;

	for (unsigned i = 0; i < 5; i++) {
		ports[i] = lab_new_service(world.a);
		lab_ok(lab_bell_add(world.a, &world.bell, ports[i]));
		lab_fill(world.a, ports[i], 1, 1);
	}
	for (unsigned from = 0; from < 6; from += 2) {
		lab_ok(lab_bell_next(world.a, &world.bell, events, 2, &count));
		ck_assert_uint_eq(count, 2);
		for (unsigned i = 0; i < 2; i++) {
			ck_assert_uint_eq(events[i].name, ports[(from + i) % 5]);
			ck_assert_uint_eq(events[i].member, ports[(from + i) % 5]);
			ck_assert_uint_eq(events[i].gone, 0);
		}
	}
	lab_ok(lab_bell_next(world.a, &world.bell, events, 5, &count));
	ck_assert_uint_eq(count, 5);
	lab_ok(lab_bell_next(world.a, &world.bell, events, 0, &count));
	ck_assert_uint_eq(count, 0);
	ck_assert(rings(&world));
	end(&world);
}
END_TEST

/* How a receive right or a set can go. */
enum way { DESTROYED, MOD_REFS, MOVED, SET_DESTROYED, PORT_RESCUED, WAYS };

static mach_port_name_t goes(struct world *world, enum way way)
{
	mach_port_name_t name = world->port, previous;
	struct lab_buffer message;

	switch (way) {
	case DESTROYED:
		lab_ok(lab_destroy(world->a, name));
		break;
	case MOD_REFS:
		lab_ok(lab_mod_refs(world->a, name, MACH_PORT_RIGHT_RECEIVE, -1));
		break;
	case MOVED:
		lab_compose(&message, lab_new_service(world->a), COPY_SEND, 0, 0, 1);
		lab_add_port(&message, name, MOVE_RECEIVE);
		lab_ok(lab_send_now(world->a, &message));
		break;
	case SET_DESTROYED:
		name = lab_new_set(world->a);
		lab_ok(lab_bell_remove(world->a, &world->bell, world->port));
		lab_ok(lab_insert_member(world->a, world->port, name));
		lab_ok(lab_bell_add(world->a, &world->bell, name));
		lab_ok(lab_mod_refs(world->a, name, MACH_PORT_RIGHT_PORT_SET, -1));
		break;
	default:
		lab_ok(lab_request_notification(world->a, name, MACH_NOTIFY_PORT_DESTROYED, 0,
						lab_new_port(world->a), MAKE_ONCE, &previous));
		lab_ok(lab_destroy(world->a, name));
		break;
	}
	return name;
}

START_TEST(w341_what_has_gone_is_told_once)
{
	struct world world = begin();
	struct lab_event event;
	mach_port_name_t name;

	lab_ok(lab_bell_add(world.a, &world.bell, world.port));
	if (_i >= WAYS)
		lab_fill(world.a, world.port, 2, 1);
	name = goes(&world, (enum way)(_i % WAYS));
	ck_assert(rings(&world));
	event = told(&world);
	ck_assert_uint_eq(event.name, name);
	ck_assert_uint_eq(event.member, MACH_PORT_NULL);
	ck_assert_uint_eq(event.gone, 1);
	tells_nothing(&world);
	end(&world);
}
END_TEST

START_TEST(a_name_used_again_is_another_port)
{
	struct world world = begin();
	const mach_port_name_t name = 70 << 8 | 3;

	lab_ok(lab_allocate_name(world.a, MACH_PORT_RIGHT_RECEIVE, name));
	lab_ok(lab_bell_add(world.a, &world.bell, name));
	lab_ok(lab_destroy(world.a, name));
	lab_ok(lab_allocate_name(world.a, MACH_PORT_RIGHT_RECEIVE, name));
	lab_is(KERN_NOT_IN_SET, lab_bell_remove(world.a, &world.bell, name));
	lab_ok(lab_bell_add(world.a, &world.bell, name));
	ck_assert_uint_eq(told(&world).gone, 1);
	tells_nothing(&world);
	lab_ok(lab_bell_remove(world.a, &world.bell, name));
	end(&world);
}
END_TEST

START_TEST(what_it_cannot_hang_on)
{
	struct world world = begin();
	mach_port_name_t send = lab_pass(world.b, lab_new_port(world.b), MAKE_SEND, world.a);
	mach_port_name_t once = lab_new_once(world.a, world.port);
	const struct {
		mach_port_name_t name;
		kern_return_t code;
	} rows[] = {
		{MACH_PORT_NULL, KERN_INVALID_NAME},
		{MACH_PORT_DEAD, KERN_INVALID_NAME},
		{9999 << 8 | 3, KERN_INVALID_NAME},
		{lab_new_dead_name(world.a), KERN_INVALID_NAME},
		{send, KERN_INVALID_RIGHT},
		{once, KERN_INVALID_RIGHT},
		{world.a->task->self, KERN_INVALID_RIGHT},
	};

	for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
		lab_is(rows[i].code, lab_bell_add(world.a, &world.bell, rows[i].name));
		lab_is(rows[i].code, lab_bell_remove(world.a, &world.bell, rows[i].name));
	}
	lab_is(KERN_NOT_IN_SET, lab_bell_remove(world.a, &world.bell, world.port));
	lab_ok(lab_bell_add(world.a, &world.bell, world.port));
	lab_is(KERN_ALREADY_IN_SET, lab_bell_add(world.a, &world.bell, world.port));
	end(&world);
}
END_TEST

START_TEST(it_belongs_to_its_task)
{
	struct world world = begin();
	mach_port_name_t port = lab_new_port(world.b);
	struct lab_event event;
	unsigned count;

	lab_is(KERN_INVALID_ARGUMENT, lab_bell_add(world.b, &world.bell, port));
	lab_is(KERN_INVALID_ARGUMENT, lab_bell_remove(world.b, &world.bell, port));
	lab_is(KERN_INVALID_ARGUMENT, lab_bell_close(world.b, &world.bell));
	lab_is(KERN_INVALID_ARGUMENT, lab_bell_next(world.b, &world.bell, &event, 1, &count));
	lab_ok(lab_bell_close(world.a, &world.bell));
	lab_is(KERN_INVALID_ARGUMENT, lab_bell_close(world.a, &world.bell));
	ck_assert_uint_eq(world.lab->fds[world.bell.ring], LAB_FD_RELEASED);
	ck_assert_uint_eq(world.lab->fds[world.bell.quiet], LAB_FD_RELEASED);
	end(&world);
}
END_TEST

START_TEST(it_ends_with_its_task)
{
	struct world world = begin();

	lab_ok(lab_bell_add(world.a, &world.bell, world.port));
	lab_ok(lab_bell_add(world.a, &world.bell, lab_new_set(world.a)));
	lab_fill(world.a, world.port, 1, 1);
	lab_kill(world.a->task);
	ck_assert_uint_eq(world.lab->fds[world.bell.ring], LAB_FD_RELEASED);
	ck_assert_uint_eq(world.lab->fds[world.bell.quiet], LAB_FD_RELEASED);
	end(&world);
}
END_TEST

START_TEST(no_message_rings_for_a_bell_that_was_closed)
{
	struct world world = begin();

	lab_ok(lab_bell_add(world.a, &world.bell, world.port));
	lab_fill(world.a, world.port, 1, 1);
	lab_ok(lab_bell_close(world.a, &world.bell));
	receive(&world, world.port);
	lab_fill(world.a, world.port, 1, 1);
	end(&world);
}
END_TEST

START_TEST(descriptors_that_make_no_bell)
{
	static const uint64_t states[][2] = {{TRAP_FD_UNSEALED, TRAP_FD_SOCKET},
					     {TRAP_FD_SOCKET, TRAP_FD_UNSEALED},
					     {TRAP_FD_SOCKET, TRAP_FD_SEALED}};
	struct world world = begin();
	struct lab_bell bell;

	lab_is(LAB_DROPPED, lab_bell_with(world.b, states[_i][0], states[_i][1], &bell));
	ck_assert_str_eq(world.lab->why,
			 "what it sends to be told of events is no pair of its own sockets");
	end(&world);
}
END_TEST

START_TEST(a_frame_for_a_bell_needs_two_descriptors)
{
	struct world world = begin();
	struct trap_fd fds[3] = {
		{.sealed = TRAP_FD_SOCKET}, {.sealed = TRAP_FD_SOCKET}, {.sealed = TRAP_FD_SOCKET}};
	struct machd_frame frame = {.length = sizeof frame,
				    .op = MACHD_OP_BELL,
				    .fds = (uint16_t)_i,
				    .sequence = world.b->sequence + 1};

	for (int i = 0; i < _i; i++)
		fds[i].handle = lab_fd(world.lab);
	ck_assert(!lab_packet(world.b, &frame, sizeof frame, fds, (unsigned)_i));
	end(&world);
}
END_TEST

START_TEST(without_a_descriptor_to_spare_there_is_no_bell)
{
	struct world world = begin();
	struct lab_bell bell;

	lab_is(KERN_RESOURCE_SHORTAGE,
	       lab_bell_with(world.a, TRAP_FD_SOCKET, TRAP_FD_NO_ROOM, &bell));
	lab_is(KERN_RESOURCE_SHORTAGE,
	       lab_bell_with(world.a, TRAP_FD_NO_ROOM, TRAP_FD_UNSEALED, &bell));
	end(&world);
}
END_TEST

START_TEST(they_are_limited)
{
	struct lab_options options;
	struct world world;
	struct lab_bell bell;
	mach_port_name_t set;

	lab_options_init(&options);
	options.limits.bells_per_user = 2;
	options.limits.links_per_user = 64;
	world = begin_with(&options);
	lab_ok(lab_bell(world.b, &bell));
	lab_is(KERN_RESOURCE_SHORTAGE, lab_bell(world.a, &bell));
	lab_ok(lab_bell_close(world.a, &world.bell));
	lab_ok(lab_bell(world.a, &world.bell));
	set = lab_new_set(world.a);
	for (unsigned i = 0; i < 32; i++) {
		mach_port_name_t port = lab_new_port(world.a);

		lab_ok(lab_insert_member(world.a, port, set));
		lab_ok(lab_bell_add(world.a, &world.bell, port));
	}
	lab_is(KERN_RESOURCE_SHORTAGE, lab_bell_add(world.a, &world.bell, world.port));
	lab_is(KERN_RESOURCE_SHORTAGE, lab_insert_member(world.a, world.port, set));
	lab_ok(lab_bell_close(world.a, &world.bell));
	lab_ok(lab_insert_member(world.a, world.port, set));
	end(&world);
}
END_TEST

/* Every allocation fails once; nothing is half done. */
START_TEST(memory_may_run_out)
{
	bool done = false;

	for (uint64_t failing = 1; !done; failing++) {
		struct world world = begin();
		struct lab_bell bell;
		kern_return_t made, hung;

		mem_fail_after(failing);
		made = lab_bell(world.a, &bell);
		hung = lab_bell_add(world.a, &world.bell, world.port);
		mem_fail_after(0);
		LAB_TRUE(made == KERN_SUCCESS || made == KERN_RESOURCE_SHORTAGE);
		LAB_TRUE(hung == KERN_SUCCESS || hung == KERN_RESOURCE_SHORTAGE);
		done = made == KERN_SUCCESS && hung == KERN_SUCCESS;
		end(&world);
		LAB_TRUE(failing < 20);
	}
}
END_TEST

/* Two machines that differ in one knote are not the same. */
START_TEST(they_are_part_of_the_state)
{
	uint8_t digests[3][TRAP_DIGEST_SIZE];

	for (unsigned i = 0; i < 3; i++) {
		struct world world = begin();
		mach_port_name_t other = lab_new_service(world.a);

		lab_fill(world.a, world.port, 1, 1);
		lab_ok(lab_bell_add(world.a, &world.bell, i == 0 ? other : world.port));
		if (i == 2)
			lab_ok(lab_bell_remove(world.a, &world.bell, world.port));
		trap_digest(world.lab->host, digests[i]);
		end(&world);
	}
	ck_assert_mem_ne(digests[0], digests[1], TRAP_DIGEST_SIZE);
	ck_assert_mem_ne(digests[1], digests[2], TRAP_DIGEST_SIZE);
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_test(tcase, it_rings_while_messages_wait);
	tcase_add_test(tcase, messages_that_were_there_count);
	tcase_add_test(tcase, what_a_waiting_thread_takes_does_not_ring);
	tcase_add_test(tcase, another_thread_makes_it_quiet);
	tcase_add_test(tcase, a_message_left_for_its_size_goes_on_ringing);
	tcase_add_test(tcase, a_blocked_sender_takes_the_place_of_what_was_received);
	tcase_add_test(tcase, a_set_rings_for_its_members);
	tcase_add_test(tcase, a_receive_on_a_member_makes_the_set_quiet);
	tcase_add_test(tcase, two_bells_ring_for_one_port);
	tcase_add_test(tcase, it_tells_of_each_port_in_turn);
	tcase_add_loop_test(tcase, w341_what_has_gone_is_told_once, 0, 2 * WAYS);
	tcase_add_test(tcase, a_name_used_again_is_another_port);
	tcase_add_test(tcase, what_it_cannot_hang_on);
	tcase_add_test(tcase, it_belongs_to_its_task);
	tcase_add_test(tcase, it_ends_with_its_task);
	tcase_add_test(tcase, no_message_rings_for_a_bell_that_was_closed);
	tcase_add_loop_test(tcase, descriptors_that_make_no_bell, 0, 3);
	tcase_add_loop_test(tcase, a_frame_for_a_bell_needs_two_descriptors, 0, 2);
	tcase_add_test(tcase, without_a_descriptor_to_spare_there_is_no_bell);
	tcase_add_test(tcase, they_are_limited);
	tcase_add_test(tcase, memory_may_run_out);
	tcase_add_test(tcase, they_are_part_of_the_state);
}

int main(void)
{
	return lab_run("ipc_bell", add_tests);
}
