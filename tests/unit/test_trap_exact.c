/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where two rules meet: which of two errors a call gives, and what it has done when the caller's
 * table turns out to be full. Programs seldom see these; who wrote down what Mach does has them.
 */
#include <string.h>

#include "tests/lab/lab_expect.h"
#include "tests/lab/lab_letter.h"

#define BODY_FULL (MACH_RCV_BODY_ERROR | MACH_MSG_IPC_SPACE)

struct world {
	struct lab *lab;
	struct lab_thread *a, *b;
	mach_port_name_t port;	 /* of a, with a send right */
	mach_port_name_t notify; /* of a */
};

static struct world begin_with(uint32_t names)
{
	struct world world;
	struct lab_options options;

	lab_options_init(&options);
	options.limits.names_per_task = names;
	world.lab = lab_start(&options);
	world.a = lab_task(world.lab, 1000)->thread;
	world.b = lab_task(world.lab, 1000)->thread;
	world.port = lab_new_service(world.a);
	world.notify = lab_new_port(world.a);
	return world;
}

static struct world begin(void)
{
	return begin_with(131072);
}

/* No name is free any more in a's table. */
static void fill_names(const struct world *world)
{
	mach_port_name_t name;

	while (lab_allocate(world->a, MACH_PORT_RIGHT_DEAD_NAME, &name) == KERN_SUCCESS)
		;
}

/* A routine on the caller's own task, whose result is not of interest or does not exist. */
#define CALL(thread, name, in) CALL_OUT(thread, name, in, NULL, 0)
#define CALL_OUT(thread, name, in, out, size)                                                     \
	lab_call(thread, MACHD_ROUTINE_##name, (thread)->task->self, in, sizeof *(in), out, size, \
		 NULL)

static kern_return_t destruct(struct lab_thread *thread, mach_port_name_t name, int32_t srdelta,
			      uint64_t guard)
{
	struct mach_port_destruct_in in = {.name = name, .srdelta = srdelta, .guard = guard};

	return CALL(thread, mach_port_destruct, &in);
}

START_TEST(destruct_looks_at_the_guard_before_it_counts)
{
	struct world world = begin();
	struct mach_port_guard_in guard = {.guard = 7, .name = world.port};

	lab_ok(CALL(world.a, mach_port_guard, &guard));
	lab_is(KERN_INVALID_VALUE, destruct(world.a, world.port, 1, 8));
	lab_is(KERN_INVALID_ARGUMENT, destruct(world.a, world.port, -9, 8));
	lab_is(KERN_INVALID_VALUE, destruct(world.a, world.port, -9, 7));
	lab_ok(destruct(world.a, world.port, -1, 7));
	lab_stop(world.lab);
}
END_TEST

/* A send-possible request of the owner itself that has fired: the slot is there, but empty. */
static mach_port_name_t fired_request(struct world *world, struct lab_thread *thread,
				      mach_port_name_t name)
{
	mach_port_name_t previous;
	struct lab_buffer message;

	lab_set_qlimit(world->a, world->port, 1);
	lab_fill(world->a, world->port, 1, 1);
	lab_ok(lab_request_notification(thread, name, MACH_NOTIFY_SEND_POSSIBLE, 1,
					thread == world->a ? world->notify : lab_new_port(thread),
					MAKE_ONCE, &previous));
	lab_ok(lab_receive_now(world->a, world->port, &message));
	return name;
}

START_TEST(a_slot_that_was_used_up_counts_for_who_destroys_the_right_himself)
{
	struct world world = begin();

	fired_request(&world, world.a, world.port);
	lab_notice_of(world.a, world.notify, MACH_NOTIFY_SEND_POSSIBLE, world.port);
	lab_ok(lab_mod_refs(world.a, world.port, MACH_PORT_RIGHT_RECEIVE, -1));
	lab_name_is(world.a, world.port, DEAD_NAME, 2);
	lab_stop(world.lab);
}
END_TEST

START_TEST(and_not_for_others)
{
	struct world world = begin();
	mach_port_name_t theirs = lab_pass(world.a, world.port, COPY_SEND, world.b);

	fired_request(&world, world.b, theirs);
	lab_ok(lab_mod_refs(world.a, world.port, MACH_PORT_RIGHT_RECEIVE, -1));
	lab_name_is(world.b, theirs, DEAD_NAME, 1);
	lab_stop(world.lab);
}
END_TEST

START_TEST(null_and_dead_in_calls_that_look)
{
	static const mach_port_name_t names[] = {MACH_PORT_NULL, MACH_PORT_DEAD};
	struct world world = begin();

	for (unsigned i = 0; i < 2; i++) {
		struct {
			struct mach_port_assert_attributes_in head;
			uint32_t info[MACH_PORT_GUARD_INFO_COUNT];
		} assert_guard = {.head = {.name = names[i], .flavor = MACH_PORT_GUARD_INFO}};
		struct mach_port_peek_in peek = {.name = names[i], .trailer_type = 0x7000000};
		uint32_t info[2] = {5, 5}, count = 1;

		lab_is(KERN_INVALID_RIGHT,
		       CALL(world.a, mach_port_assert_attributes, &assert_guard));
		lab_is(KERN_INVALID_RIGHT, CALL(world.a, mach_port_peek, &peek));
		lab_ok(lab_get_attributes(world.a, names[i], MACH_PORT_DNREQUESTS_SIZE, info,
					  &count));
		ck_assert_uint_eq(count, 1);
		ck_assert_uint_eq(info[0], 0);
		ck_assert_uint_eq(info[1], 5);
	}
	lab_stop(world.lab);
}
END_TEST

static kern_return_t peek(const struct world *world, uint32_t seqno)
{
	struct mach_port_peek_in in = {.name = world->port, .seqno = seqno, .room = 8};
	struct {
		struct mach_port_peek_out head;
		mach_msg_trailer_t trailer;
	} out;

	return CALL_OUT(world->a, mach_port_peek, &in, &out, sizeof out);
}

START_TEST(a_peek_does_not_pass_the_last_number)
{
	struct world world = begin();

	lab_fill(world.a, world.port, 3, 1);
	lab_ok(lab_set_seqno(world.a, world.port, 100));
	lab_is(KERN_FAILURE, peek(&world, 99));
	lab_ok(peek(&world, 100));
	lab_ok(peek(&world, 102));
	lab_is(KERN_FAILURE, peek(&world, 103));
	lab_ok(lab_set_seqno(world.a, world.port, 0xfffffffe));
	lab_is(KERN_FAILURE, peek(&world, 0xffffffff));
	lab_ok(peek(&world, 0));
	lab_stop(world.lab);
}
END_TEST

START_TEST(both_names_of_a_membership_must_be_there)
{
	struct world world = begin();
	mach_port_name_t set = lab_new_set(world.a), missing = 0x7fff03;

	lab_is(KERN_INVALID_NAME, lab_insert_member(world.a, set, missing));
	lab_is(KERN_INVALID_NAME, lab_extract_member(world.a, missing, world.port));
	lab_is(KERN_INVALID_NAME, lab_move_member(world.a, set, missing));
	lab_is(KERN_INVALID_RIGHT, lab_insert_member(world.a, set, world.port));
	lab_is(KERN_INVALID_RIGHT, lab_insert_member(world.a, world.port, world.port));
	lab_stop(world.lab);
}
END_TEST

/* --- requests --- */

START_TEST(a_request_that_died_with_its_port_cannot_be_cancelled)
{
	static const uint32_t ids[] = {MACH_NOTIFY_DEAD_NAME, MACH_NOTIFY_SEND_POSSIBLE};

	for (unsigned i = 0; i < 4; i++) {
		struct world world = begin();
		mach_port_name_t theirs = lab_pass(world.a, world.port, COPY_SEND, world.b);
		mach_port_name_t notify = lab_new_port(world.b), previous;
		bool seen = i / 2;

		lab_ok(lab_request_notification(world.b, theirs, MACH_NOTIFY_DEAD_NAME, 0, notify,
						MAKE_ONCE, &previous));
		lab_ok(lab_destroy(world.a, world.port));
		if (seen)
			lab_name_is(world.b, theirs, DEAD_NAME, 2);
		lab_is(seen ? KERN_SUCCESS : KERN_INVALID_ARGUMENT,
		       lab_request_notification(world.b, theirs, ids[i % 2], 0, MACH_PORT_NULL,
						MAKE_ONCE, &previous));
		lab_name_is(world.b, theirs, DEAD_NAME, 2);
		lab_notice_of(world.b, notify, MACH_NOTIFY_DEAD_NAME, theirs);
		lab_silent(world.b, notify);
		lab_stop(world.lab);
	}
}
END_TEST

START_TEST(a_full_table_of_requests_still_takes_one_for_another)
{
	enum { SLOTS = 131072 };
	struct world world = begin_with(SLOTS * 2);
	mach_port_name_t once = 0, previous;
	uint32_t type;

	for (unsigned i = 0; i < SLOTS; i++) {
		lab_ok(lab_extract_right(world.a, world.port, MAKE_ONCE, &once, &type));
		lab_ok(lab_request_notification(world.a, once, MACH_NOTIFY_DEAD_NAME, 0,
						world.notify, MAKE_ONCE, &previous));
	}
	lab_is(KERN_RESOURCE_SHORTAGE,
	       lab_request_notification(world.a, world.port, MACH_NOTIFY_DEAD_NAME, 0, world.notify,
					MAKE_ONCE, &previous));
	lab_notice(world.a, world.notify, MACH_NOTIFY_SEND_ONCE);
	lab_ok(lab_request_notification(world.a, once, MACH_NOTIFY_DEAD_NAME, 0, world.notify,
					MAKE_ONCE, &previous));
	lab_name_is(world.a, previous, SEND_ONCE, 1);
	lab_stop(world.lab);
}
END_TEST

static kern_return_t request(struct world *world, mach_port_name_t notify,
			     mach_port_name_t *previous)
{
	return lab_request_notification(world->a, world->port, MACH_NOTIFY_NO_SENDERS, 0, notify,
					MAKE_ONCE, previous);
}

/* Mach has a trap for making a request and a message for cancelling one. */
START_TEST(no_name_for_the_previous_request)
{
	struct world world = begin_with(64);
	mach_port_name_t previous;

	lab_ok(request(&world, world.notify, &previous));
	fill_names(&world);
	lab_is(KERN_NO_SPACE, request(&world, world.notify, &previous));
	lab_notice(world.a, world.notify, MACH_NOTIFY_SEND_ONCE);
	ck_assert_uint_eq(lab_status(world.a, world.port).mps_nsrequest, 1);
	lab_is(BODY_FULL, request(&world, MACH_PORT_NULL, &previous));
	lab_notice(world.a, world.notify, MACH_NOTIFY_SEND_ONCE);
	ck_assert_uint_eq(lab_status(world.a, world.port).mps_nsrequest, 0);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_previous_request_whose_port_is_dead)
{
	struct world world = begin();
	mach_port_name_t doomed[2] = {lab_new_port(world.a), lab_new_port(world.a)}, previous;

	lab_ok(request(&world, doomed[0], &previous));
	lab_ok(lab_destroy(world.a, doomed[0]));
	lab_is(KERN_INVALID_CAPABILITY, request(&world, doomed[1], &previous));
	ck_assert_uint_eq(lab_status(world.a, doomed[1]).mps_sorights, 1);
	lab_ok(lab_destroy(world.a, doomed[1]));
	lab_ok(request(&world, MACH_PORT_NULL, &previous));
	ck_assert_uint_eq(previous, MACH_PORT_DEAD);
	lab_stop(world.lab);
}
END_TEST

/* --- rights that a routine gives --- */

START_TEST(no_name_for_an_extracted_right)
{
	struct world world = begin_with(64);
	mach_port_name_t right = 5;
	uint32_t type;

	fill_names(&world);
	lab_is(BODY_FULL, lab_extract_right(world.a, world.notify, MAKE_ONCE, &right, &type));
	lab_notice(world.a, world.notify, MACH_NOTIFY_SEND_ONCE);
	lab_is(BODY_FULL, lab_extract_right(world.a, world.port, COPY_SEND, &right, &type));
	lab_name_is(world.a, world.port, SEND_RECEIVE, 1);
	lab_stop(world.lab);
}
END_TEST

START_TEST(no_name_for_a_tasks_ports_and_semaphores)
{
	struct world world = begin_with(64);
	struct semaphore_create_in create = {.value = 1};
	struct semaphore_create_out created;
	struct {
		struct mach_ports_register_in head;
		uint32_t ports[1];
	} ports = {.ports = {world.port}};
	uint32_t found[3];
	mach_port_name_t port;
	struct trap_totals before, after;

	lab_ok(CALL(world.a, mach_ports_register, &ports));
	fill_names(&world);
	trap_totals(world.lab->host, &before);
	lab_is(BODY_FULL, CALL_OUT(world.a, semaphore_create, &create, &created, sizeof created));
	lab_is(BODY_FULL, lab_get_special_port(world.a, TASK_BOOTSTRAP_PORT, &port));
	lab_is(BODY_FULL, lab_call(world.a, MACHD_ROUTINE_mach_ports_lookup, world.a->task->self,
				   NULL, 0, found, sizeof found, NULL));
	trap_totals(world.lab->host, &after);
	ck_assert_uint_eq(before.ports, after.ports);
	ck_assert_uint_eq(lab_srights(world.a, world.port), 2);
	lab_stop(world.lab);
}
END_TEST

/* --- receiving into a full table --- */

/* Even a right whose port has died wants a free name first. */
START_TEST(no_name_for_a_dead_reply)
{
	struct world world = begin_with(64);
	mach_port_name_t theirs = lab_pass(world.a, world.port, COPY_SEND, world.b);
	mach_port_name_t reply = lab_new_port(world.b);
	struct lab_buffer message;

	lab_compose(&message, theirs, COPY_SEND, reply, MAKE_SEND, 7);
	message.header.msgh_voucher_port = 0x12345;
	lab_ok(lab_send_now(world.b, &message));
	lab_ok(lab_destroy(world.b, reply));
	fill_names(&world);
	lab_is(MACH_RCV_HEADER_ERROR | MACH_MSG_IPC_SPACE,
	       lab_receive_now(world.a, world.port, &message));
	ck_assert_uint_eq(message.header.msgh_remote_port, MACH_PORT_NULL);
	ck_assert_uint_eq(message.header.msgh_bits, MACH_MSGH_BITS(MOVE_SEND, MOVE_SEND));
	ck_assert_uint_eq(message.header.msgh_voucher_port, 0x12345);
	lab_stop(world.lab);
}
END_TEST

START_TEST(no_name_for_a_dead_right_in_a_body)
{
	struct world world = begin_with(64);
	mach_port_name_t theirs = lab_pass(world.a, world.port, COPY_SEND, world.b);
	mach_port_name_t other = lab_new_port(world.b);
	struct lab_buffer message;

	for (unsigned i = 0; i < 2; i++) {
		lab_compose(&message, theirs, COPY_SEND, NOBODY, 0, 7);
		lab_add_port(&message, other, MAKE_SEND);
		lab_ok(lab_send_now(world.b, &message));
	}
	lab_ok(lab_destroy(world.b, other));
	lab_ok(lab_receive_now(world.a, world.port, &message));
	ck_assert_uint_eq(lab_port(&message, 0).name, MACH_PORT_DEAD);
	fill_names(&world);
	lab_is(BODY_FULL, lab_receive_now(world.a, world.port, &message));
	ck_assert_uint_eq(lab_port(&message, 0).name, MACH_PORT_NULL);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_null_voucher_in_the_header_that_is_left)
{
	struct world world = begin();
	struct lab_buffer message = lab_to(world.port, 7);

	message.header.msgh_bits |= COPY_SEND << 16;
	lab_ok(lab_send_now(world.a, &message));
	lab_is(MACH_RCV_TOO_LARGE, lab_msg(world.a, &(struct lab_msg){.option = MACH_RCV_MSG,
								      .send = &message,
								      .receive_size = 24,
								      .receive_name = world.port}));
	ck_assert_uint_eq(MACH_MSGH_BITS_VOUCHER(message.header.msgh_bits), MOVE_SEND);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_guarded_descriptor_that_names_nothing_keeps_its_flags)
{
	struct letter_world world = letter_begin(64, 64);
	mach_msg_guarded_port_descriptor64_t guarded = {
		.type = MACH_MSG_GUARDED_PORT_DESCRIPTOR,
		.flags = MACH_MSG_GUARD_FLAGS_IMMOVABLE_RECEIVE,
		.context = 9,
		.disposition = MOVE_RECEIVE,
		.name = MACH_PORT_DEAD};

	letter_start(world.dest, COPY_SEND);
	letter_add(&guarded, sizeof guarded);
	lab_ok(letter_send(world.b));
	lab_ok(letter_receive(&world, MACH_RCV_GUARDED_DESC));
	memcpy(&guarded, letter_got + sizeof(mach_msg_base_t), sizeof guarded);
	ck_assert_uint_eq(guarded.flags, MACH_MSG_GUARD_FLAGS_IMMOVABLE_RECEIVE);
	ck_assert_uint_eq(guarded.context, 0);
	ck_assert_uint_eq(guarded.name, MACH_PORT_DEAD);
	lab_stop(world.lab);
}
END_TEST

/* --- semaphores --- */

static mach_port_name_t new_semaphore(struct world *world, int32_t value)
{
	struct semaphore_create_in in = {.value = value};
	struct semaphore_create_out out;

	lab_ok(CALL_OUT(world->a, semaphore_create, &in, &out, sizeof out));
	return out.semaphore;
}

static kern_return_t take_now(struct world *world, mach_port_name_t semaphore)
{
	struct semaphore_timedwait_in in = {.wait = semaphore};

	return CALL(world->a, semaphore_timedwait, &in);
}

/* The thread asks for the semaphore before it gives it. */
START_TEST(a_semaphore_that_is_waited_for_and_signalled_at_once)
{
	struct world world = begin();
	mach_port_name_t semaphore = new_semaphore(&world, 0);
	struct semaphore_timedwait_signal_in timed = {.wait = semaphore, .signal = semaphore};
	struct semaphore_wait_signal_in wait = {.wait = semaphore, .signal = semaphore};

	lab_is(KERN_OPERATION_TIMED_OUT, CALL(world.a, semaphore_timedwait_signal, &timed));
	lab_ok(take_now(&world, semaphore));
	lab_is(KERN_OPERATION_TIMED_OUT, take_now(&world, semaphore));
	lab_ok(CALL(world.a, semaphore_wait_signal, &wait));
	lab_is(KERN_OPERATION_TIMED_OUT, take_now(&world, semaphore));
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_semaphore_is_destroyed_once_and_again)
{
	struct world world = begin();
	mach_port_name_t semaphore = new_semaphore(&world, 3), other = new_semaphore(&world, 0);
	struct semaphore_destroy_in destroy = {.semaphore = semaphore};
	struct semaphore_wait_signal_in wait = {.wait = semaphore, .signal = other};

	lab_ok(CALL(world.a, semaphore_destroy, &destroy));
	lab_ok(CALL(world.a, semaphore_destroy, &destroy));
	lab_is(KERN_TERMINATED, take_now(&world, semaphore));
	lab_is(KERN_TERMINATED, CALL(world.a, semaphore_wait_signal, &wait));
	lab_ok(take_now(&world, other)); /* it was signalled all the same */
	lab_stop(world.lab);
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_test(tcase, destruct_looks_at_the_guard_before_it_counts);
	tcase_add_test(tcase, a_slot_that_was_used_up_counts_for_who_destroys_the_right_himself);
	tcase_add_test(tcase, and_not_for_others);
	tcase_add_test(tcase, null_and_dead_in_calls_that_look);
	tcase_add_test(tcase, a_peek_does_not_pass_the_last_number);
	tcase_add_test(tcase, both_names_of_a_membership_must_be_there);
	tcase_add_test(tcase, a_request_that_died_with_its_port_cannot_be_cancelled);
	tcase_add_test(tcase, a_full_table_of_requests_still_takes_one_for_another);
	tcase_add_test(tcase, no_name_for_the_previous_request);
	tcase_add_test(tcase, a_previous_request_whose_port_is_dead);
	tcase_add_test(tcase, no_name_for_an_extracted_right);
	tcase_add_test(tcase, no_name_for_a_tasks_ports_and_semaphores);
	tcase_add_test(tcase, no_name_for_a_dead_reply);
	tcase_add_test(tcase, no_name_for_a_dead_right_in_a_body);
	tcase_add_test(tcase, a_null_voucher_in_the_header_that_is_left);
	tcase_add_test(tcase, a_guarded_descriptor_that_names_nothing_keeps_its_flags);
	tcase_add_test(tcase, a_semaphore_that_is_waited_for_and_signalled_at_once);
	tcase_add_test(tcase, a_semaphore_is_destroyed_once_and_again);
}

int main(void)
{
	return lab_run("trap_exact", add_tests);
}
