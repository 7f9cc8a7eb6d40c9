/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signatures: one bit of a waiting message that changes is noticed when the message is received,
 * destroyed or given back; the message is then forgotten and no right in it is touched.
 */
#include <string.h>

#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_kmsg.h"
#include "daemon/ipc/ipc_port.h"
#include "daemon/ipc/ipc_sign.h"
#include "daemon/ipc/ipc_space.h"
#include "daemon/ipc/ipc_task.h"
#include "tests/lab/lab_expect.h"

/* --- the function --- */

START_TEST(the_signature_is_siphash)
{
	static const uint8_t expected[IPC_SIGNATURE_SIZE] = {0xa3, 0x81, 0x7f, 0x04, 0xba, 0x25,
							     0xa8, 0xe6, 0x6d, 0xf6, 0x72, 0x14,
							     0xc7, 0x55, 0x02, 0x93};
	uint8_t bytes[16], signature[IPC_SIGNATURE_SIZE];
	struct ipc_key key;

	for (unsigned i = 0; i < 16; i++)
		bytes[i] = (uint8_t)i;
	ck_assert(ipc_key_init(&key, bytes));
	ipc_sign(&key, bytes, 0, signature); /* of nothing: the first published vector */
	ck_assert_mem_eq(signature, expected, sizeof signature);
	ck_assert(ipc_sign_check(&key, bytes, 0, expected));
	ck_assert(!ipc_sign_check(&key, bytes, 1, expected));
	ipc_key_wipe(&key);
	ck_assert_ptr_null(key.k_bytes);
}
END_TEST

START_TEST(another_key_makes_another_signature)
{
	uint8_t bytes[40] = {1, 2, 3}, one[IPC_SIGNATURE_SIZE], two[IPC_SIGNATURE_SIZE];
	struct ipc_key key, other;

	ck_assert(ipc_key_init(&key, bytes));
	ck_assert(ipc_key_init(&other, bytes + 1));
	ipc_sign(&key, bytes, sizeof bytes, one);
	ipc_sign(&other, bytes, sizeof bytes, two);
	ck_assert_mem_ne(one, two, sizeof one);
	ck_assert(ipc_sign_check(&key, bytes, sizeof bytes, one));
	ck_assert(!ipc_sign_check(&other, bytes, sizeof bytes, one));
	for (unsigned bit = 0; bit < 8 * sizeof bytes; bit++) {
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		LAB_TRUE(!ipc_sign_check(&key, bytes, sizeof bytes, one));
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	for (unsigned bit = 0; bit < 8 * sizeof one; bit++) {
		one[bit / 8] ^= (uint8_t)(1 << bit % 8);
		LAB_TRUE(!ipc_sign_check(&key, bytes, sizeof bytes, one));
		one[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	ipc_key_wipe(&key);
	ipc_key_wipe(&other);
}
END_TEST

/* --- messages --- */

/* A message with all that a message can have waits on a port of a's, or for room in its queue. */
struct world {
	struct lab *lab;
	struct lab_thread *a, *b;
	mach_port_name_t port, dest, reply, moved;
	struct ipc_port *ipc_port; /* of `port` */
	struct ipc_kmsg *kmsg;
	uint32_t srights, sorights; /* of `port` while the message waits */
};

static struct ipc_port *port_behind(struct lab_thread *thread, mach_port_name_t name)
{
	struct ipc_space *space = thread->ipc->th_task->t_space;

	return ipc_entry_lookup(space, name)->ie_port;
}

/* The sender's buffer: its answer may come late. */
static struct lab_buffer sent;

static struct world begin(bool blocked)
{
	struct world world = {.lab = lab_start(NULL)};
	struct lab_msg msg = {.option = MACH_SEND_MSG | MACH_SEND_TIMEOUT,
			      .send_size = 100,
			      .inline_size = 64,
			      .timeout = 10};

	world.a = lab_task(world.lab, 1000)->thread;
	world.b = lab_task(world.lab, 1000)->thread;
	world.port = lab_new_port(world.a);
	world.dest = lab_pass(world.a, world.port, MAKE_SEND, world.b);
	world.reply = lab_new_port(world.b);
	world.moved = lab_new_port(world.b);
	world.ipc_port = port_behind(world.a, world.port);
	if (blocked)
		lab_set_qlimit(world.a, world.port, 0);
	lab_compose(&sent, world.dest, COPY_SEND, world.reply, MAKE_ONCE, 0x1234);
	lab_add_port(&sent, world.moved, MOVE_RECEIVE);
	lab_add_port(&sent, world.dest, COPY_SEND);
	lab_add_port(&sent, MACH_PORT_DEAD, COPY_SEND);
	msg.send = &sent;
	lab_is(blocked ? LAB_BLOCKED : MACH_MSG_SUCCESS, lab_msg(world.b, &msg));
	world.kmsg = blocked ? world.b->ipc->th_kmsg
			     : list_first(&world.ipc_port->ip_messages, struct ipc_kmsg,
					  ikm_work.w_link);
	LAB_TRUE(world.kmsg->ikm_header.ikm_descriptors == 3);
	world.srights = world.ipc_port->ip_srights;
	world.sorights = world.ipc_port->ip_sorights;
	return world;
}

/* What is signed, and the signature itself, as bytes. */
static uint8_t *signed_byte(struct world *world, size_t at, size_t *size)
{
	const size_t content = world->kmsg->ikm_signed;

	*size = content + IPC_SIGNATURE_SIZE;
	return at < content ? (uint8_t *)&world->kmsg->ikm_header + at
			    : &world->kmsg->ikm_signature[at - content];
}

/* The daemon was told, once, and no right of the message has been touched. */
static void noticed(struct world *world, size_t at)
{
	LAB_CHECK(world->lab->corrupt == 1, "byte %d: noticed %u times", (int)at,
		  world->lab->corrupt);
	LAB_TRUE(strstr(world->lab->last_words, "corrupt"));
	LAB_TRUE(world->ipc_port->ip_srights == world->srights);
	LAB_TRUE(world->ipc_port->ip_sorights == world->sorights);
	LAB_TRUE(world->lab->fds[1] == LAB_FD_INSIDE);
	lab_silent(world->b, world->reply); /* its right was not given up */
	lab_name_is(world->b, world->moved, NO_NAME, 0);
}

/* What was forgotten is put right and destroyed, so that the lab's books are in order. */
static void repair(struct world *world, uint8_t *byte, uint8_t was)
{
	struct trap_input input = {.kind = TRAP_WORK, .now = world->lab->now};

	*byte = was;
	ipc_kmsg_destroy(world->lab->host, world->kmsg);
	LAB_TRUE(!trap_input(world->lab->host, &input));
	LAB_TRUE(world->lab->corrupt == 1);
	lab_notice(world->b, world->reply, MACH_NOTIFY_SEND_ONCE);
	lab_stop(world->lab);
}

enum way { RECEIVED, DESTROYED, TOLD_TOO_LARGE, GIVEN_BACK, WAYS };

/* The message leaves its place in some way. */
static void leave(struct world *world, enum way way)
{
	struct lab_buffer buffer;
	struct lab_msg small = {.option = MACH_RCV_MSG,
				.receive = &buffer,
				.receive_size = 24,
				.receive_name = world->port};

	switch (way) {
	case RECEIVED:
		lab_is(MACH_RCV_INVALID_DATA, lab_receive_now(world->a, world->port, &buffer));
		return;
	case TOLD_TOO_LARGE:
		lab_is(MACH_RCV_INVALID_DATA, lab_msg(world->a, &small));
		return;
	case DESTROYED:
		lab_ok(lab_destroy(world->a, world->port));
		return;
	default:
		lab_advance(world->lab, 10);
		lab_is(MACH_SEND_TIMED_OUT, lab_wait(world->b));
		return;
	}
}

/* Every bit, one after the other. */
START_TEST(a_bit_that_changed_is_noticed)
{
	enum way way = (enum way)_i;
	size_t size = 1;

	for (size_t at = 0; at < size; at++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			struct world world = begin(way == GIVEN_BACK);
			uint8_t *byte = signed_byte(&world, at, &size), was = *byte;

			*byte ^= (uint8_t)(1 << bit);
			leave(&world, way);
			noticed(&world, at);
			repair(&world, byte, was);
		}
	}
	ck_assert_uint_gt(size, 100);
}
END_TEST

START_TEST(an_untouched_message_is_not_noticed)
{
	enum way way = (enum way)_i;
	struct world world = begin(way == GIVEN_BACK);
	struct lab_buffer buffer;
	struct lab_msg small = {.option = MACH_RCV_MSG,
				.receive = &buffer,
				.receive_size = 24,
				.receive_name = world.port};

	if (way == RECEIVED)
		lab_message(world.a, world.port, 0x1234);
	else if (way == TOLD_TOO_LARGE)
		lab_is(MACH_RCV_TOO_LARGE, lab_msg(world.a, &small));
	else
		leave(&world, way);
	ck_assert_uint_eq(world.lab->corrupt, 0);
	lab_stop(world.lab);
}
END_TEST

START_TEST(others_are_served_when_a_message_was_forgotten)
{
	struct world world = begin(false);
	uint8_t *byte = (uint8_t *)&world.kmsg->ikm_header.ikm_msgh_id, was = *byte;
	struct lab_buffer buffer;

	lab_fill(world.b, world.dest, 1, 77);
	*byte ^= 4;
	lab_is(MACH_RCV_INVALID_DATA, lab_receive_now(world.a, world.port, &buffer));
	lab_message(world.a, world.port, 77);
	lab_silent(world.a, world.port);
	repair(&world, byte, was);
}
END_TEST

START_TEST(a_blocked_sender_that_leaves_is_checked_as_well)
{
	struct world world = begin(true);
	struct lab_thread *blocked = lab_thread(world.b->task);
	struct lab_buffer message = lab_to(world.dest, 5);
	struct ipc_kmsg *kmsg;

	lab_is(LAB_BLOCKED, lab_send(blocked, &message, 0, 0));
	kmsg = blocked->ipc->th_kmsg;
	kmsg->ikm_header.ikm_msgh_id ^= 1;
	lab_close(blocked);
	ck_assert_uint_eq(world.lab->corrupt, 1);
	kmsg->ikm_header.ikm_msgh_id ^= 1;
	ipc_kmsg_destroy(world.lab->host, kmsg);
	lab_advance(world.lab, 10);
	lab_is(MACH_SEND_TIMED_OUT, lab_wait(world.b));
	ck_assert_uint_eq(world.lab->corrupt, 1);
	lab_stop(world.lab);
}
END_TEST

START_TEST(notifications_and_the_daemons_replies_are_signed_too)
{
	struct world world = begin(false);
	mach_port_name_t notify = lab_new_port(world.b);
	struct lab_buffer message;
	struct ipc_kmsg *kmsg;

	for (unsigned i = 0; i < 2; i++) {
		if (i == 0) {
			lab_ok(lab_deallocate(world.b, lab_new_once(world.b, notify)));
		} else {
			lab_compose(&message, world.b->task->host, COPY_SEND, notify, MAKE_ONCE, 1);
			lab_ok(lab_send_now(world.b, &message));
		}
		kmsg = list_first(&port_behind(world.b, notify)->ip_messages, struct ipc_kmsg,
				  ikm_work.w_link);
		kmsg->ikm_header.ikm_msgh_id ^= 0x100;
		lab_is(MACH_RCV_INVALID_DATA, lab_receive_now(world.b, notify, &message));
		ck_assert_uint_eq(world.lab->corrupt, i + 1);
		kmsg->ikm_header.ikm_msgh_id ^= 0x100;
		ipc_kmsg_destroy(world.lab->host, kmsg);
	}
	lab_stop(world.lab);
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_test(tcase, the_signature_is_siphash);
	tcase_add_test(tcase, another_key_makes_another_signature);
	tcase_add_loop_test(tcase, a_bit_that_changed_is_noticed, 0, WAYS);
	tcase_add_loop_test(tcase, an_untouched_message_is_not_noticed, 0, WAYS);
	tcase_add_test(tcase, others_are_served_when_a_message_was_forgotten);
	tcase_add_test(tcase, a_blocked_sender_that_leaves_is_checked_as_well);
	tcase_add_test(tcase, notifications_and_the_daemons_replies_are_signed_too);
}

int main(void)
{
	return lab_run("sign", add_tests);
}
