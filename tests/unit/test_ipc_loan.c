/* SPDX-License-Identifier: Apache-2.0 */
/* Loans: what is lent and to whom, and that nobody can tell. */
#include <string.h>

#include "daemon/ipc/ipc_entry.h"
#include "daemon/ipc/ipc_kmsg.h"
#include "daemon/ipc/ipc_port.h"
#include "daemon/ipc/ipc_task.h"
#include "tests/lab/lab_audit.h"
#include "tests/lab/lab_bell.h"
#include "tests/lab/lab_expect.h"
#include "tests/lab/lab_window.h"

struct world {
	struct lab *lab;
	struct lab_thread *a, *b, *sender; /* a and b are threads of one task */
	mach_port_name_t port, dest;
};

static struct world begin(void)
{
	struct world world = {.lab = lab_start(NULL)};

	world.a = lab_task(world.lab, 1000)->thread;
	world.b = lab_thread(world.a->task);
	world.sender = lab_task(world.lab, 1000)->thread;
	world.port = lab_new_port(world.a);
	world.dest = lab_pass(world.a, world.port, MAKE_SEND, world.sender);
	lab_set_qlimit(world.a, world.port, 20);
	lab_ok(lab_board(world.a, TRAP_FD_FIXED));
	return world;
}

/* The thread receives this message, asking or not. */
static void next(struct world *world, int32_t id)
{
	struct lab_buffer buffer;

	lab_ok(lab_receive_ahead(world->a, world->port, &buffer));
	ck_assert_int_eq(buffer.header.msgh_id, id);
}

/* `count` messages, of which the first is received and the others are lent. */
static void borrow(struct world *world, unsigned count)
{
	lab_fill(world->sender, world->dest, count, 0);
	next(world, 0);
	ck_assert_uint_eq(world->a->lent, count - 1);
}

START_TEST(a_loan_has_what_would_be_received)
{
	struct world world = begin();
	struct lab_buffer asked, lent;

	lab_fill(world.sender, world.dest, 6, 0);
	next(&world, 0);
	ck_assert_uint_eq(world.a->lent, 5);
	for (int32_t id = 1; id < 6; id++) {
		memset(&lent, 0, sizeof lent);
		memset(&asked, 0, sizeof asked);
		lab_ok(lab_receive_ahead(world.a, world.port, &lent));
		ck_assert_uint_eq(lab_trailer(&lent).msgh_seqno, (uint32_t)id);
		/* The same message again, received in the ordinary way, but for its number. */
		lab_fill(world.sender, world.dest, 1, id);
		if (id < 5)
			continue;
		for (int32_t again = 1; again < 6; again++)
			asked = lab_message(world.b, world.port, again);
		((mach_msg_max_trailer_t *)(void *)(asked.bytes + 24))->msgh_seqno = 5;
		ck_assert_int_eq(memcmp(&asked, &lent, 24 + sizeof(mach_msg_max_trailer_t)), 0);
	}
	lab_stop(world.lab);
}
END_TEST

START_TEST(what_was_taken_is_off_the_queue_when_somebody_looks)
{
	struct world world = begin();

	borrow(&world, 10);
	next(&world, 1);
	next(&world, 2);
	ck_assert_uint_eq(lab_status(world.b, world.port).mps_msgcount, 7);
	ck_assert_uint_eq(lab_status(world.b, world.port).mps_seqno, 3);
	lab_audit(world.lab);
	next(&world, 3);
	next(&world, 4);
	lab_stop(world.lab);
}
END_TEST

START_TEST(another_receiver_gets_the_next)
{
	struct world world = begin();

	borrow(&world, 10);
	next(&world, 1);
	lab_message(world.b, world.port, 2);
	ck_assert_uint_eq(world.a->lent, 0);
	next(&world, 3);
	next(&world, 4);
	lab_message(world.b, world.port, 5);
	next(&world, 6);
	lab_stop(world.lab);
}
END_TEST

START_TEST(who_finds_the_queue_full_finds_out)
{
	struct world world = begin();
	struct lab_buffer message = lab_to(world.dest, 21);

	borrow(&world, 20);
	lab_fill(world.sender, world.dest, 1, 20);
	lab_is(MACH_SEND_TIMED_OUT, lab_send_now(world.sender, &message));
	next(&world, 1);
	next(&world, 2);
	lab_ok(lab_send_now(world.sender, &message));
	for (int32_t id = 3; id < 22; id++)
		next(&world, id);
	lab_silent(world.b, world.port);
	lab_stop(world.lab);
}
END_TEST

START_TEST(who_waits_for_room_gets_it)
{
	struct world world = begin();
	struct lab_buffer message = lab_to(world.dest, 20);

	lab_fill(world.sender, world.dest, 20, 0);
	lab_is(LAB_BLOCKED, lab_send(world.sender, &message, 0, 0));
	next(&world, 0);
	lab_ok(lab_wait(world.sender));
	for (int32_t id = 1; id < 21; id++)
		next(&world, id);
	lab_stop(world.lab);
}
END_TEST

START_TEST(only_plain_messages_are_lent)
{
	struct world world = begin();
	struct lab_buffer message;
	mach_port_name_t reply = lab_new_service(world.sender);

	lab_fill(world.sender, world.dest, 3, 0);
	lab_compose(&message, world.dest, COPY_SEND, reply, MAKE_ONCE, 3);
	lab_ok(lab_send_now(world.sender, &message));
	lab_fill(world.sender, world.dest, 2, 4);
	next(&world, 0);
	ck_assert_uint_eq(world.a->lent, 2);
	next(&world, 1);
	next(&world, 2);
	next(&world, 3);
	ck_assert_uint_eq(world.a->lent, 2);
	lab_compose(&message, world.dest, COPY_SEND, NOBODY, 0, 6);
	lab_add_port(&message, reply, COPY_SEND);
	lab_ok(lab_send_now(world.sender, &message));
	next(&world, 4);
	next(&world, 5);
	next(&world, 6);
	lab_stop(world.lab);
}
END_TEST

/* Where it is news to somebody that a message has been received nothing is lent. */
START_TEST(nothing_is_lent_where_it_would_be_noticed)
{
	for (unsigned how = 0; how < 4; how++) {
		struct world world = begin();
		mach_port_name_t notify = lab_new_port(world.a), previous;
		struct lab_bell bell;

		if (how == 0) {
			lab_ok(lab_insert_member(world.a, world.port, lab_new_set(world.a)));
		} else if (how == 1) {
			lab_ok(lab_bell(world.a, &bell));
			lab_ok(lab_bell_add(world.a, &bell, world.port));
		} else if (how == 2) {
			lab_ok(lab_request_notification(world.a, world.port, MACH_NOTIFY_NO_SENDERS,
							0, notify, MAKE_ONCE, &previous));
		} else {
			world.a->request_flags = 0;
			lab_close(world.a);
			world.a = world.b; /* which has no board */
		}
		lab_fill(world.sender, world.dest, 5, 0);
		next(&world, 0);
		ck_assert_uint_eq(world.a->lent, 0);
		for (int32_t id = 1; id < 5; id++)
			next(&world, id);
		lab_stop(world.lab);
	}
}
END_TEST

START_TEST(what_is_not_taken_is_left_to_others)
{
	struct world world = begin();

	borrow(&world, 10);
	next(&world, 1);
	lab_close(world.a);
	lab_audit(world.lab);
	for (int32_t id = 2; id < 10; id++)
		lab_message(world.b, world.port, id);
	lab_silent(world.b, world.port);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_right_that_goes_takes_the_rest_along)
{
	for (unsigned how = 0; how < 2; how++) {
		struct world world = begin();
		mach_port_name_t moved;

		borrow(&world, 10);
		next(&world, 1);
		if (how == 0) {
			lab_ok(lab_destroy(world.b, world.port));
		} else {
			moved = lab_pass(world.b, world.port, MOVE_RECEIVE, world.sender);
			lab_message(world.sender, moved, 2);
		}
		ck_assert_uint_eq(world.a->lent, 0);
		lab_audit(world.lab);
		lab_stop(world.lab);
	}
}
END_TEST

START_TEST(nobody_takes_more_than_is_lent)
{
	struct world world = begin();

	borrow(&world, 10);
	lab_fill(world.sender, world.dest, 3, 10);
	world.a->taken = 1000000;
	lab_message(world.b, world.port, 10);
	lab_audit(world.lab);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_message_that_is_more_urgent_is_no_secret)
{
	struct world world = begin();
	struct lab_buffer message = lab_to(world.dest, 10);
	struct lab_msg msg = {.option = MACH_SEND_MSG | MACH_SEND_OVERRIDE,
			      .send = &message,
			      .send_size = message.header.msgh_size,
			      .priority = mach_msg_priority_encode(MACH_MSG_QOS_USER_INTERACTIVE,
								   MACH_MSG_QOS_UTILITY, 0)};

	borrow(&world, 10);
	next(&world, 1);
	lab_ok(lab_msg(world.sender, &msg));
	ck_assert_uint_eq(world.a->lent, 0);
	next(&world, 2);
	ck_assert_uint_eq(world.a->result.override, MACH_MSG_QOS_USER_INTERACTIVE);
	lab_stop(world.lab);
}
END_TEST

START_TEST(what_was_taken_makes_room_for_its_sender)
{
	struct lab_options options;
	struct world world;
	struct lab_buffer message;

	lab_options_init(&options);
	options.limits.messages_per_user = 16;
	world = begin();
	lab_limits(world.lab, &options.limits);
	message = lab_to(world.dest, 16);
	borrow(&world, 16);
	lab_fill(world.sender, world.dest, 1, 16);
	lab_is(MACH_SEND_NO_BUFFER, lab_send_now(world.sender, &message));
	next(&world, 1);
	lab_ok(lab_send_now(world.sender, &message));
	lab_stop(world.lab);
}
END_TEST

/* Number `index` of those that wait on the port. */
static struct ipc_kmsg *waiting(struct world *world, unsigned index)
{
	struct ipc_space *space = world->a->ipc->th_task->t_space;
	struct list *node = ipc_entry_lookup(space, world->port)->ie_port->ip_messages.next;

	while (index--)
		node = node->next;
	return list_entry(node, struct ipc_kmsg, ikm_work.w_link);
}

/* Any bit of its header: a message like any other is signed as a whole, and so is its neighbour. */
START_TEST(what_is_not_as_it_was_signed_is_not_lent)
{
	for (size_t at = 0; at < sizeof(struct ikm_header); at++) {
		struct world world = begin();
		struct lab_buffer buffer;
		struct ipc_kmsg *kmsg;
		uint8_t *byte;

		lab_fill(world.sender, world.dest, 6, 0);
		kmsg = waiting(&world, 3);
		byte = (uint8_t *)&kmsg->ikm_header + at;
		*byte ^= (uint8_t)(1 << at % 8);
		next(&world, 0);
		/* Some of it says that it is none to be lent. */
		ck_assert_uint_eq(world.a->lent, 2);
		ck_assert_uint_le(world.lab->corrupt, 1);
		next(&world, 1);
		next(&world, 2);
		world.lab->corrupt = 0;
		lab_is(MACH_RCV_INVALID_DATA, lab_receive_now(world.b, world.port, &buffer));
		ck_assert_uint_eq(world.lab->corrupt, 1);
		*byte ^= (uint8_t)(1 << at % 8);
		ipc_kmsg_destroy(world.lab->host, kmsg);
		lab_message(world.b, world.port, 4);
		lab_stop(world.lab);
	}
}
END_TEST

/* What was lent was copied out: it counts for nothing any more but the memfds it says it has. */
START_TEST(what_was_lent_is_not_believed_again)
{
	struct world world = begin();
	struct ipc_kmsg *kmsg;
	uint32_t before;

	borrow(&world, 5);
	kmsg = waiting(&world, 0);
	before = kmsg->ikm_header.ikm_dest->ip_srights;
	waiting(&world, 0)->ikm_header.ikm_dest = NULL;
	waiting(&world, 1)->ikm_header.ikm_reply = (struct ipc_port *)(uintptr_t)0x10;
	kmsg = waiting(&world, 2);
	kmsg->ikm_header.ikm_fd_count = 1;
	for (int32_t id = 1; id < 5; id++)
		next(&world, id);
	ck_assert_uint_eq(lab_status(world.b, world.port).mps_msgcount, 0);
	ck_assert_uint_eq(world.lab->corrupt, 1);
	ck_assert_uint_eq(kmsg->ikm_header.ikm_dest->ip_srights, before - 3);
	kmsg->ikm_header.ikm_fd_count = 0;
	ipc_kmsg_destroy(world.lab->host, kmsg);
	lab_audit(world.lab);
	lab_stop(world.lab);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_test(tests, a_loan_has_what_would_be_received);
	tcase_add_test(tests, what_was_taken_is_off_the_queue_when_somebody_looks);
	tcase_add_test(tests, another_receiver_gets_the_next);
	tcase_add_test(tests, who_finds_the_queue_full_finds_out);
	tcase_add_test(tests, who_waits_for_room_gets_it);
	tcase_add_test(tests, only_plain_messages_are_lent);
	tcase_add_test(tests, nothing_is_lent_where_it_would_be_noticed);
	tcase_add_test(tests, what_is_not_taken_is_left_to_others);
	tcase_add_test(tests, a_right_that_goes_takes_the_rest_along);
	tcase_add_test(tests, nobody_takes_more_than_is_lent);
	tcase_add_test(tests, a_message_that_is_more_urgent_is_no_secret);
	tcase_add_test(tests, what_was_taken_makes_room_for_its_sender);
	tcase_add_test(tests, what_is_not_as_it_was_signed_is_not_lent);
	tcase_add_test(tests, what_was_lent_is_not_believed_again);
}

int main(void)
{
	return lab_run("ipc_loan", add_tests);
}
