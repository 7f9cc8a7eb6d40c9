/* SPDX-License-Identifier: Apache-2.0 */
/* Servers: requests that are lent with their rights, replies without an answer. */
#include <string.h>

#include "daemon/ipc/ipc_entry.h"
#include "daemon/ipc/ipc_port.h"
#include "daemon/ipc/ipc_task.h"
#include "tests/lab/lab_audit.h"
#include "tests/lab/lab_expect.h"
#include "tests/lab/lab_window.h"

struct world {
	struct lab *lab;
	struct lab_thread *a, *b, *client; /* a and b are threads of one task */
	mach_port_name_t port, dest, answers;
	struct lab_buffer buffer; /* what the server received last */
};

static struct world begin_with(const struct lab_options *options)
{
	struct world world = {.lab = lab_start(options)};

	world.a = lab_task(world.lab, 1000)->thread;
	world.b = lab_thread(world.a->task);
	world.client = lab_task(world.lab, 1000)->thread;
	world.port = lab_new_port(world.a);
	world.dest = lab_pass(world.a, world.port, MAKE_SEND, world.client);
	world.answers = lab_new_port(world.client);
	lab_set_qlimit(world.a, world.port, 20);
	lab_set_qlimit(world.client, world.answers, 40);
	lab_ok(lab_board(world.a, TRAP_FD_FIXED));
	return world;
}

static struct world begin(void)
{
	return begin_with(NULL);
}

static struct lab_buffer request(const struct world *world, int32_t id)
{
	struct lab_buffer message;

	lab_compose(&message, world->dest, COPY_SEND, world->answers, MAKE_ONCE, id);
	return message;
}

static void ask(struct world *world, int32_t from, int32_t to)
{
	for (int32_t id = from; id < to; id++) {
		struct lab_buffer message = request(world, id);

		lab_ok(lab_send_now(world->client, &message));
	}
}

/* Make a reply of the message received last: the same id. */
static void make_reply(struct world *world)
{
	int32_t id = world->buffer.header.msgh_id;

	lab_compose(&world->buffer, world->buffer.header.msgh_remote_port, MOVE_ONCE, NOBODY, 0,
		    id);
}

/* Reply to it and receive the next, which has this id. */
static void serve(struct world *world, int32_t id)
{
	make_reply(world);
	lab_ok(lab_reply_and_receive(world->a, world->port, &world->buffer));
	ck_assert_int_eq(world->buffer.header.msgh_id, id);
}

/* Requests 0 to `count`: 0 is answered, 1 was received, and the others are lent. */
static void borrow(struct world *world, int32_t count)
{
	ask(world, 0, count);
	lab_ok(lab_receive_now(world->a, world->port, &world->buffer));
	serve(world, 1);
	ck_assert_uint_eq(world->a->lent, (uint32_t)count - 2);
}

static void answered(struct world *world, int32_t from, int32_t to)
{
	for (int32_t id = from; id < to; id++)
		lab_message(world->client, world->answers, id);
}

/* It has the name now, of a right of this type (0: it is nobody's). */
static void is_type(struct lab_thread *thread, mach_port_name_t name, uint32_t type)
{
	uint32_t got;
	kern_return_t kr = lab_type(thread, name, &got);

	ck_assert_int_eq(kr, type ? KERN_SUCCESS : KERN_INVALID_NAME);
	ck_assert_uint_eq(got, type);
}

/* Names that the task has. */
static unsigned count_names(struct lab_thread *thread)
{
	mach_port_name_t names[64];
	uint32_t types[64], next;
	unsigned count = 64;

	lab_ok(lab_names(thread, 0, names, types, &count, &next));
	return count;
}

START_TEST(requests_are_lent_and_replies_not_answered)
{
	struct world world = begin();
	uint32_t before;

	borrow(&world, 10);
	before = world.a->sequence;
	for (int32_t id = 2; id < 10; id++) {
		ck_assert(lab_reply_promised(world.a, world.buffer.header.msgh_remote_port));
		serve(&world, id);
		ck_assert(!world.a->asked);
		ck_assert_uint_eq(lab_trailer(&world.buffer).msgh_seqno, (uint32_t)id);
		ck_assert_uint_eq(world.buffer.header.msgh_bits,
				  MACH_MSGH_BITS(MOVE_ONCE, MACH_MSG_TYPE_PORT_SEND));
		answered(&world, id - 1 - (id == 2), id);
		lab_audit(world.lab);
	}
	ck_assert_uint_eq(world.a->sequence, before + 8);
	is_type(world.b, world.buffer.header.msgh_remote_port, MACH_PORT_TYPE_SEND_ONCE);
	ck_assert_uint_eq(lab_status(world.b, world.port).mps_seqno, 10);
	ck_assert_uint_eq(lab_status(world.b, world.port).mps_msgcount, 0);
	make_reply(&world);
	lab_is(MACH_RCV_TIMED_OUT, lab_reply_and_receive(world.a, world.port, &world.buffer));
	answered(&world, 9, 10);
	lab_silent(world.client, world.answers);
	lab_stop(world.lab);
}
END_TEST

START_TEST(names_that_are_lent_are_nobodys)
{
	struct world world = begin();
	mach_port_name_t name;
	unsigned before;

	borrow(&world, 6);
	before = count_names(world.b);
	serve(&world, 2);
	name = world.buffer.header.msgh_remote_port;
	is_type(world.b, name, MACH_PORT_TYPE_SEND_ONCE);
	ck_assert_uint_eq(count_names(world.b), before);
	serve(&world, 3);
	is_type(world.b, name, 0);
	lab_ok(lab_deallocate(world.b, world.buffer.header.msgh_remote_port));
	ck_assert_uint_eq(count_names(world.b), before - 1);
	lab_close(world.a);
	lab_audit(world.lab);
	lab_message(world.b, world.port, 4);
	lab_message(world.b, world.port, 5);
	lab_stop(world.lab);
}
END_TEST

/* The name that the next message brings, if it is taken from the loan. */
static mach_port_name_t name_ahead(const struct world *world)
{
	mach_msg_header_t header;

	memcpy(&header, world->a->memory + world->a->loan_at + sizeof(struct machd_loan),
	       sizeof header);
	return header.msgh_remote_port;
}

START_TEST(a_name_that_is_lent_can_be_chosen)
{
	struct world world = begin();
	mach_port_name_t name;

	borrow(&world, 6);
	name = name_ahead(&world);
	lab_ok(lab_allocate_name(world.b, MACH_PORT_RIGHT_RECEIVE, name));
	ck_assert_uint_eq(world.a->lent, 0);
	is_type(world.b, name, MACH_PORT_TYPE_RECEIVE);
	lab_audit(world.lab);
	serve(&world, 2);
	ck_assert_uint_ne(world.buffer.header.msgh_remote_port, name);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_reply_port_that_dies_is_dead_in_what_comes_later)
{
	struct world world = begin();

	borrow(&world, 6);
	serve(&world, 2);
	lab_ok(lab_destroy(world.client, world.answers));
	ck_assert_uint_eq(world.a->lent, 0);
	lab_audit(world.lab);
	/* The reply to what was received before goes nowhere, as it would have gone. */
	serve(&world, 3);
	ck_assert_uint_eq(world.buffer.header.msgh_remote_port, MACH_PORT_DEAD);
	lab_message(world.b, world.port, 4);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_client_that_dies_takes_nothing_along)
{
	struct world world = begin();

	borrow(&world, 8);
	serve(&world, 2);
	lab_kill(world.client->task);
	lab_audit(world.lab);
	for (int32_t id = 3; id < 8; id++) {
		struct lab_buffer message = lab_message(world.b, world.port, id);

		ck_assert_uint_eq(message.header.msgh_remote_port, MACH_PORT_DEAD);
	}
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_blocked_sender_goes_on_when_one_is_taken)
{
	struct world world = begin();
	struct lab_thread *another = lab_thread(world.client->task);
	struct lab_buffer message;

	lab_set_qlimit(world.a, world.port, 5);
	ask(&world, 0, 5);
	lab_ok(lab_receive_now(world.a, world.port, &world.buffer));
	ask(&world, 5, 6);
	message = request(&world, 6);
	lab_is(LAB_BLOCKED, lab_send(world.client, &message, 0, 0));
	message = request(&world, 7);
	lab_is(LAB_BLOCKED, lab_send(another, &message, 0, 0));
	serve(&world, 1);
	ck_assert_uint_eq(world.a->lent, 4);
	lab_ok(lab_wait(world.client));
	lab_is(LAB_BLOCKED, lab_wait(another));
	serve(&world, 2);
	ck_assert_uint_eq(world.a->taken, 1);
	lab_ok(lab_wait(another));
	message = request(&world, 8);
	lab_is(MACH_SEND_TIMED_OUT, lab_send_now(another, &message));
	serve(&world, 3);
	message = request(&world, 8);
	lab_ok(lab_send_now(another, &message));
	for (int32_t id = 4; id < 9; id++)
		serve(&world, id);
	answered(&world, 0, 8);
	lab_stop(world.lab);
}
END_TEST

/* It takes a place there before the next request leaves one: nobody goes on for it. */
START_TEST(a_reply_to_the_queue_of_the_requests_is_asked_for)
{
	struct world world = begin();
	struct lab_thread *another = lab_thread(world.client->task);
	struct lab_buffer message;

	lab_set_qlimit(world.a, world.port, 4);
	ask(&world, 0, 1);
	lab_compose(&message, world.port, MAKE_SEND, world.port, MAKE_ONCE, 1);
	lab_ok(lab_send_now(world.b, &message));
	ask(&world, 2, 4);
	lab_ok(lab_receive_now(world.a, world.port, &world.buffer));
	ask(&world, 4, 5);
	message = request(&world, 5);
	lab_is(LAB_BLOCKED, lab_send(world.client, &message, 0, 0));
	message = request(&world, 6);
	lab_is(LAB_BLOCKED, lab_send(another, &message, 0, 0));
	serve(&world, 1);
	lab_ok(lab_wait(world.client));
	ck_assert_uint_eq(world.a->lent, 3);
	ck_assert(!lab_reply_promised(world.a, world.buffer.header.msgh_remote_port));
	serve(&world, 2);
	lab_is(LAB_BLOCKED, lab_wait(another));
	ck_assert_uint_eq(lab_status(world.b, world.port).mps_msgcount, 4);
	lab_stop(world.lab);
}
END_TEST

START_TEST(who_finds_the_queue_full_looks_how_far_it_is)
{
	struct world world = begin();
	struct lab_buffer message = request(&world, 21);

	borrow(&world, 20);
	ask(&world, 20, 21);
	ask(&world, 30, 31);
	lab_is(MACH_SEND_TIMED_OUT, lab_send_now(world.client, &message));
	ck_assert_uint_eq(world.a->lent, 18);
	world.a->taken++; /* and its reply is not there yet */
	message = request(&world, 21);
	lab_ok(lab_send_now(world.client, &message));
	ck_assert_uint_eq(world.a->lent, 18);
	lab_audit(world.lab);
	lab_stop(world.lab);
}
END_TEST

START_TEST(another_receiver_gets_the_next)
{
	struct world world = begin();

	borrow(&world, 10);
	serve(&world, 2);
	lab_message(world.b, world.port, 3);
	ck_assert_uint_eq(world.a->lent, 0);
	serve(&world, 4);
	serve(&world, 5);
	lab_ok(lab_receive_ahead(world.a, world.port, &world.buffer)); /* another kind of call */
	ck_assert_int_eq(world.buffer.header.msgh_id, 6);
	lab_audit(world.lab);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_right_that_goes_takes_the_rest_along)
{
	for (unsigned how = 0; how < 3; how++) {
		struct world world = begin();
		mach_port_name_t moved;

		borrow(&world, 10);
		serve(&world, 2);
		if (how == 0) {
			lab_ok(lab_destroy(world.b, world.port));
			answered(&world, 0, 2);
			for (int32_t id = 3; id < 10; id++)
				lab_notice(world.client, world.answers, MACH_NOTIFY_SEND_ONCE);
		} else if (how == 1) {
			moved = lab_pass(world.b, world.port, MOVE_RECEIVE, world.client);
			lab_message(world.client, moved, 3);
		} else {
			lab_kill(world.a->task);
		}
		lab_audit(world.lab);
		lab_stop(world.lab);
	}
}
END_TEST

/* What may keep a reply from being sent takes the promise back. */
START_TEST(a_promise_lasts_as_long_as_the_right)
{
	for (unsigned how = 0; how < 5; how++) {
		struct world world = begin();
		struct ipc_policy strict = {.p_strict_reply = 1};
		mach_port_name_t name, previous;
		bool kept = how == 4;

		borrow(&world, 6);
		name = world.buffer.header.msgh_remote_port;
		ck_assert(lab_reply_promised(world.a, name));
		if (how == 0)
			lab_ok(lab_deallocate(world.b, name));
		else if (how == 1)
			lab_pass(world.b, name, MOVE_ONCE, world.client);
		else if (how == 2)
			lab_ok(lab_request_notification(world.b, name, MACH_NOTIFY_DEAD_NAME, 0,
							lab_new_port(world.b), MAKE_ONCE,
							&previous));
		else if (how == 3)
			lab_set_policy(world.lab, &strict);
		else
			is_type(world.b, name, MACH_PORT_TYPE_SEND_ONCE);
		ck_assert_int_eq(lab_reply_promised(world.a, name), kept);
		make_reply(&world);
		if (how < 2)
			lab_is(MACH_SEND_INVALID_DEST,
			       lab_reply_and_receive(world.a, world.port, &world.buffer));
		else
			serve(&world, 2);
		lab_audit(world.lab);
		lab_stop(world.lab);
	}
}
END_TEST

/* It was sent just before its name was gone, as far as anybody can tell. */
START_TEST(a_reply_under_way_to_a_name_that_goes_is_dropped)
{
	struct world world = begin();
	struct lab_buffer late;

	borrow(&world, 6);
	make_reply(&world);
	late = world.buffer;
	lab_ok(lab_deallocate(world.b, late.header.msgh_remote_port));
	answered(&world, 0, 1);
	lab_notice(world.client, world.answers, MACH_NOTIFY_SEND_ONCE);
	ck_assert(lab_reply_unanswered(world.a, &late));
	lab_silent(world.client, world.answers);
	lab_audit(world.lab);
	lab_stop(world.lab);
}
END_TEST

START_TEST(nobody_replies_more_than_was_promised)
{
	struct world world = begin();
	struct lab_buffer message;

	borrow(&world, 4);
	make_reply(&world);
	message = world.buffer;
	ck_assert(lab_reply_unanswered(world.a, &message));
	message.header.msgh_remote_port = 0x12345603;
	ck_assert(lab_reply_unanswered(world.a, &message));
	lab_audit(world.lab);
	ck_assert(!lab_reply_unanswered(world.a, &message));
	lab_audit(world.lab);
	lab_message(world.b, world.port, 2);
	lab_stop(world.lab);
}
END_TEST

/* Six requests wait then, the one received is not gone yet, and a reply: there is room for two. */
START_TEST(a_promise_is_within_what_its_user_may)
{
	struct lab_options options;
	struct world world;

	lab_options_init(&options);
	options.limits.messages_per_user = 10;
	world = begin_with(&options);
	ask(&world, 0, 8);
	lab_ok(lab_receive_now(world.a, world.port, &world.buffer));
	serve(&world, 1);
	ck_assert_uint_eq(world.a->lent, 6);
	for (int32_t id = 2; id < 4; id++) {
		ck_assert(lab_reply_promised(world.a, world.buffer.header.msgh_remote_port));
		serve(&world, id);
		answered(&world, id - 1 - (id == 2), id);
	}
	ck_assert(!lab_reply_promised(world.a, world.buffer.header.msgh_remote_port));
	serve(&world, 4);
	lab_audit(world.lab);
	lab_stop(world.lab);
}
END_TEST

/* A table without room for the name lends nothing that brings one. */
START_TEST(without_room_for_a_name_it_has_to_be_asked_for)
{
	struct lab_options options;
	struct world world;

	lab_options_init(&options);
	options.limits.names_per_task = 16;
	world = begin_with(&options);
	ask(&world, 0, 8);
	lab_ok(lab_receive_now(world.a, world.port, &world.buffer));
	while (count_names(world.b) < 13)
		lab_new_set(world.b);
	serve(&world, 1);
	ck_assert_uint_eq(world.a->lent, 2);
	serve(&world, 2);
	serve(&world, 3);
	serve(&world, 4);
	lab_audit(world.lab);
	lab_stop(world.lab);
}
END_TEST

/* What the client writes to its board is its own loss. */
START_TEST(a_count_that_makes_no_sense_is_bounded)
{
	for (unsigned how = 0; how < 2; how++) {
		struct world world = begin();

		borrow(&world, 8);
		serve(&world, 2);
		serve(&world, 3);
		world.a->taken = how ? 0 : UINT32_MAX;
		lab_audit(world.lab);
		is_type(world.b, world.buffer.header.msgh_remote_port, MACH_PORT_TYPE_SEND_ONCE);
		lab_audit(world.lab);
		lab_close(world.a);
		lab_audit(world.lab);
		if (how)
			lab_message(world.b, world.port, 4);
		else
			lab_silent(world.b, world.port);
		lab_stop(world.lab);
	}
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_test(tests, requests_are_lent_and_replies_not_answered);
	tcase_add_test(tests, names_that_are_lent_are_nobodys);
	tcase_add_test(tests, a_name_that_is_lent_can_be_chosen);
	tcase_add_test(tests, a_reply_port_that_dies_is_dead_in_what_comes_later);
	tcase_add_test(tests, a_client_that_dies_takes_nothing_along);
	tcase_add_test(tests, a_blocked_sender_goes_on_when_one_is_taken);
	tcase_add_test(tests, a_reply_to_the_queue_of_the_requests_is_asked_for);
	tcase_add_test(tests, who_finds_the_queue_full_looks_how_far_it_is);
	tcase_add_test(tests, another_receiver_gets_the_next);
	tcase_add_test(tests, a_right_that_goes_takes_the_rest_along);
	tcase_add_test(tests, a_promise_lasts_as_long_as_the_right);
	tcase_add_test(tests, a_reply_under_way_to_a_name_that_goes_is_dropped);
	tcase_add_test(tests, nobody_replies_more_than_was_promised);
	tcase_add_test(tests, a_promise_is_within_what_its_user_may);
	tcase_add_test(tests, without_room_for_a_name_it_has_to_be_asked_for);
	tcase_add_test(tests, a_count_that_makes_no_sense_is_bounded);
}

int main(void)
{
	return lab_run("ipc_reply", add_tests);
}
