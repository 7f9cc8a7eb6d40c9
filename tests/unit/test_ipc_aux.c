/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Auxiliary data beside a message [5.4, 8.2, 9.3]: what the state machine takes, how it charges for
 * them, who receives them and when they make a message too large.
 */
#include <string.h>

#include "daemon/ipc/ipc_thread.h"
#include "daemon/ipc/ipc_user.h"
#include "tests/lab/lab_expect.h"

#define VECTOR MACH64_MSG_VECTOR

struct world {
	struct lab *lab;
	struct lab_thread *a;
	mach_port_name_t port;
};

static struct world begin_with(const struct lab_options *options)
{
	struct world world = {.lab = lab_start(options)};

	world.a = lab_task(world.lab, 1000)->thread;
	world.port = lab_new_service(world.a);
	return world;
}

static struct world begin(void)
{
	return begin_with(NULL);
}

/* Auxiliary data of any size: a header that is wrong, and bytes that tell their place. */
static uint8_t given[2048];

static void fill(void)
{
	memset(given, 0xaa, sizeof(mach_msg_aux_header_t));
	for (unsigned i = sizeof(mach_msg_aux_header_t); i < sizeof given; i++)
		given[i] = (uint8_t)(i * 7);
}

static mach_msg_return_t send_aux(struct world *world, uint32_t size, uint64_t option, int32_t id)
{
	struct lab_buffer message = lab_to(world->port, id);
	struct lab_msg msg = {.option = MACH_SEND_MSG | MACH_SEND_TIMEOUT | MACH64_SEND_MQ_CALL |
					VECTOR | option,
			      .send = &message,
			      .send_size = 24,
			      .aux = given,
			      .aux_size = size};

	fill();
	return lab_msg(world->a, &msg);
}

/* What was received. */
static struct {
	struct lab_buffer message;
	uint8_t aux[1024];
} got;

static mach_msg_return_t receive_aux(struct world *world, uint32_t room, uint64_t option)
{
	struct lab_msg msg = {.option = MACH_RCV_MSG | MACH_RCV_TIMEOUT | option,
			      .receive = &got.message,
			      .receive_size = sizeof got.message,
			      .receive_name = world->port,
			      .receive_aux = got.aux,
			      .receive_aux_size = room};

	memset(&got, 0xee, sizeof got);
	return lab_msg(world->a, &msg);
}

/* They came as they were sent, but for the header. */
static void expect_aux(const struct world *world, const uint8_t *aux, uint32_t size)
{
	mach_msg_aux_header_t header;

	ck_assert_uint_eq(world->a->result.aux_size, size);
	memcpy(&header, aux, sizeof header);
	ck_assert_uint_eq(header.msgdh_size, size);
	ck_assert_uint_eq(header.msgdh_reserved, 0);
	fill();
	ck_assert_mem_eq(aux + sizeof header, given + sizeof header, size - sizeof header);
}

START_TEST(they_arrive_with_a_header_of_their_own)
{
	static const uint32_t sizes[] = {8, 9, 16, 127, 1024};
	struct world world = begin();

	lab_ok(send_aux(&world, sizes[_i], 0, 5));
	lab_ok(receive_aux(&world, 1024, VECTOR));
	ck_assert_int_eq(got.message.header.msgh_id, 5);
	ck_assert_uint_eq(got.message.header.msgh_size, 24);
	expect_aux(&world, got.aux, sizes[_i]);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_message_without_any_has_none)
{
	struct world world = begin();

	lab_ok(send_aux(&world, 0, 0, 5));
	lab_ok(receive_aux(&world, 8, VECTOR));
	ck_assert_uint_eq(world.a->result.aux_size, 0);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a19_sizes_that_cannot_be)
{
	struct world world = begin();

	lab_is(MACH_SEND_AUX_TOO_SMALL, send_aux(&world, 1, 0, 5));
	lab_is(MACH_SEND_AUX_TOO_SMALL, send_aux(&world, 7, 0, 5));
	lab_is(MACH_SEND_AUX_TOO_LARGE, send_aux(&world, 1025, 0, 5));
	lab_is(MACH_RCV_TIMED_OUT, receive_aux(&world, 1024, VECTOR));
	lab_name_is(world.a, world.port, SEND_RECEIVE, 1);
	lab_stop(world.lab);
}
END_TEST

START_TEST(the_messages_size_comes_first)
{
	struct world world = begin();
	struct lab_buffer message = lab_to(world.port, 1);
	struct lab_msg msg = {.option = MACH_SEND_MSG | VECTOR,
			      .send = &message,
			      .send_size = 20,
			      .aux = given,
			      .aux_size = 4};

	lab_is(MACH_SEND_MSG_TOO_SMALL, lab_msg(world.a, &msg));
	/* And before what is in the message. */
	message.header.msgh_bits |= MACH_MSGH_BITS_COMPLEX;
	msg.send_size = 24;
	lab_is(MACH_SEND_AUX_TOO_SMALL, lab_msg(world.a, &msg));
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_frame_that_does_not_announce_them_is_a_breach)
{
	struct world world = begin();
	struct lab_buffer message = lab_to(world.port, 1);
	struct lab_msg msg = {.option = MACH_SEND_MSG,
			      .send = &message,
			      .send_size = 24,
			      .aux = given,
			      .aux_size = 16};

	lab_is(LAB_DROPPED, lab_msg(world.a, &msg));
	ck_assert_str_eq(world.lab->why, "it sends auxiliary data without saying so");
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_frame_without_them_is_a_breach)
{
	struct world world = begin();
	struct lab_buffer message = lab_to(world.port, 1);
	struct machd_message_args args = {.option = MACH_SEND_MSG | MACH64_SEND_ANY | VECTOR,
					  .send_size = 24,
					  .aux_size = 25};

	ck_assert(!lab_request(world.a, MACHD_OP_MESSAGE, &args, sizeof args, &message, 24, NULL));
	lab_stop(world.lab);
}
END_TEST

START_TEST(j155_a_plain_receiver_goes_without)
{
	struct world world = begin();

	lab_ok(send_aux(&world, 64, 0, 5));
	lab_ok(receive_aux(&world, 0, 0));
	ck_assert_int_eq(got.message.header.msgh_id, 5);
	ck_assert_uint_eq(world.a->result.aux_size, 0);
	lab_stop(world.lab);
}
END_TEST

/* As mach_msg() receives when it has a buffer of its own [19]: it takes none, but minds their size.
 */
START_TEST(a_plain_receiver_may_have_a_limit)
{
	struct world world = begin();

	lab_ok(send_aux(&world, 128, 0, 5));
	lab_ok(send_aux(&world, 129, 0, 6));
	lab_ok(receive_aux(&world, 128, 0));
	ck_assert_uint_eq(world.a->result.aux_size, 0);
	lab_is(MACH_RCV_TOO_LARGE, receive_aux(&world, 128, MACH_RCV_LARGE));
	lab_stop(world.lab);
}
END_TEST

START_TEST(j157_too_large_for_the_buffer_and_kept)
{
	struct world world = begin();

	lab_ok(send_aux(&world, 64, 0, 5));
	lab_is(MACH_RCV_TOO_LARGE, receive_aux(&world, 63, VECTOR | MACH_RCV_LARGE));
	ck_assert_uint_eq(world.a->result.aux_size, 64);
	ck_assert_uint_eq(got.message.header.msgh_size, 24);
	lab_ok(receive_aux(&world, 64, VECTOR));
	expect_aux(&world, got.aux, 64);
	lab_stop(world.lab);
}
END_TEST

START_TEST(j158_too_large_for_a_receiver_with_one_element)
{
	struct world world = begin();

	lab_ok(send_aux(&world, 8, 0, 5));
	lab_is(MACH_RCV_TOO_LARGE, receive_aux(&world, 0, VECTOR | MACH_RCV_LARGE));
	lab_is(MACH_RCV_TOO_LARGE, receive_aux(&world, 0, VECTOR));
	ck_assert_uint_eq(world.a->result.aux_size, 0);
	ck_assert_uint_eq(got.message.header.msgh_size, 24);
	lab_is(MACH_RCV_TIMED_OUT, receive_aux(&world, 0, VECTOR));
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_message_destroyed_leaves_a_header)
{
	struct world world = begin();
	mach_msg_aux_header_t header;

	lab_ok(send_aux(&world, 64, 0, 5));
	lab_is(MACH_RCV_TOO_LARGE, receive_aux(&world, 32, VECTOR));
	ck_assert_uint_eq(world.a->result.aux_size, sizeof header);
	memcpy(&header, got.aux, sizeof header);
	ck_assert_uint_eq(header.msgdh_size, sizeof header);
	ck_assert_uint_eq(header.msgdh_reserved, 0);
	ck_assert_int_eq(got.message.header.msgh_id, 5);
	lab_is(MACH_RCV_TIMED_OUT, receive_aux(&world, 64, VECTOR));
	lab_stop(world.lab);
}
END_TEST

START_TEST(they_are_handed_to_who_waits)
{
	struct world world = begin();
	struct lab_thread *b = lab_thread(world.a->task);
	struct lab_msg msg = {.option = MACH_RCV_MSG | VECTOR,
			      .receive = &got.message,
			      .receive_size = sizeof got.message,
			      .receive_name = world.port,
			      .receive_aux = got.aux,
			      .receive_aux_size = 64};

	lab_is(LAB_BLOCKED, lab_msg(b, &msg));
	lab_ok(send_aux(&world, 64, 0, 5));
	lab_ok(lab_wait(b));
	world.a = b;
	expect_aux(&world, got.aux, 64);
	lab_stop(world.lab);
}
END_TEST

START_TEST(who_waits_with_too_little_room_is_passed_over)
{
	struct world world = begin();
	struct lab_thread *b = lab_thread(world.a->task);
	struct lab_msg msg = {.option = MACH_RCV_MSG | VECTOR | MACH_RCV_LARGE,
			      .receive = &got.message,
			      .receive_size = sizeof got.message,
			      .receive_name = world.port,
			      .receive_aux = got.aux,
			      .receive_aux_size = 32};

	lab_is(LAB_BLOCKED, lab_msg(b, &msg));
	lab_ok(send_aux(&world, 64, 0, 5));
	lab_is(MACH_RCV_TOO_LARGE, lab_wait(b));
	ck_assert_uint_eq(b->result.aux_size, 64);
	lab_ok(receive_aux(&world, 64, VECTOR));
	lab_stop(world.lab);
}
END_TEST

START_TEST(what_was_not_sent_comes_back_with_them)
{
	struct world world = begin();

	lab_set_qlimit(world.a, world.port, 1);
	lab_ok(send_aux(&world, 8, 0, 5));
	lab_is(MACH_SEND_TIMED_OUT, send_aux(&world, 100, 0, 6));
	expect_aux(&world, given, 100);
	lab_stop(world.lab);
}
END_TEST

START_TEST(they_can_be_received_behind_the_trailer)
{
	struct world world = begin();
	struct lab_msg msg = {.option = MACH_RCV_MSG | MACH_RCV_TIMEOUT | VECTOR |
					MACHD_RCV_LINEAR | MACH_RCV_LARGE,
			      .receive = &got.message,
			      .receive_size = 24 + 8 + 63,
			      .receive_name = world.port,
			      .receive_aux = got.aux,
			      .receive_aux_size = sizeof got.aux};

	lab_ok(send_aux(&world, 64, 0, 5));
	lab_is(MACH_RCV_TOO_LARGE, lab_msg(world.a, &msg));
	msg.receive_size++;
	lab_ok(lab_msg(world.a, &msg));
	expect_aux(&world, got.aux, 64);
	lab_stop(world.lab);
}
END_TEST

START_TEST(they_are_paid_for)
{
	struct world world = begin();
	struct ipc_user *user = world.a->ipc->th_user;
	uint64_t before = user->u_held[IPC_CHARGE_BYTES], without;

	lab_ok(send_aux(&world, 0, 0, 5));
	without = user->u_held[IPC_CHARGE_BYTES] - before;
	lab_ok(send_aux(&world, 1000, 0, 6));
	ck_assert_uint_eq(user->u_held[IPC_CHARGE_BYTES] - before, 2 * without + 1000);
	lab_ok(receive_aux(&world, 1024, VECTOR));
	lab_ok(receive_aux(&world, 1024, VECTOR));
	ck_assert_uint_eq(user->u_held[IPC_CHARGE_BYTES], before);
	lab_stop(world.lab);
}
END_TEST

START_TEST(the_longest_table_of_descriptors_leaves_room_for_them)
{
	struct world world = begin();
	static uint8_t bytes[MACHD_INLINE_LIMIT + 1024];
	uint32_t count =
		(MACHD_INLINE_LIMIT - sizeof(mach_msg_base_t)) / sizeof(mach_msg_port_descriptor_t);
	uint32_t size =
		(uint32_t)(sizeof(mach_msg_base_t) + count * sizeof(mach_msg_port_descriptor_t));
	mach_msg_port_descriptor_t none = {.disposition = COPY_SEND};
	mach_msg_base_t base = {.body = {count}};
	struct lab_msg msg = {
		.option = MACH_SEND_MSG | VECTOR, .send = bytes, .aux = given, .aux_size = 1024};

	if (count > MACHD_MESSAGE_PORTS_MAX)
		count = base.body.msgh_descriptor_count = MACHD_MESSAGE_PORTS_MAX;
	base.header.msgh_bits = MACH_MSGH_BITS_COMPLEX | MACH_MSGH_BITS(COPY_SEND, 0);
	base.header.msgh_remote_port = world.port;
	memcpy(bytes, &base, sizeof base);
	for (uint32_t i = 0; i < count; i++)
		memcpy(bytes + sizeof base + i * sizeof none, &none, sizeof none);
	msg.send_size = size & ~3u;
	fill();
	lab_ok(lab_msg(world.a, &msg));
	msg = (struct lab_msg){.option = MACH_RCV_MSG | VECTOR |
					 MACH_RCV_TRAILER_ELEMENTS(MACH_RCV_TRAILER_LABELS),
			       .receive = bytes,
			       .receive_size = sizeof bytes,
			       .receive_name = world.port,
			       .receive_aux = got.aux,
			       .receive_aux_size = 1024};
	lab_ok(lab_msg(world.a, &msg));
	expect_aux(&world, got.aux, 1024);
	lab_stop(world.lab);
}
END_TEST

/* The digest sees them: two machines that differ in one byte of them are not the same. */
START_TEST(they_are_part_of_the_state)
{
	uint8_t digests[2][TRAP_DIGEST_SIZE];

	for (unsigned i = 0; i < 2; i++) {
		struct world world = begin();
		struct lab_buffer message = lab_to(world.port, 1);
		struct lab_msg msg = {.option = MACH_SEND_MSG | VECTOR,
				      .send = &message,
				      .send_size = 24,
				      .aux = given,
				      .aux_size = 16};

		fill();
		given[15] = (uint8_t)i;
		lab_ok(lab_msg(world.a, &msg));
		trap_digest(world.lab->host, digests[i]);
		lab_stop(world.lab);
	}
	ck_assert_mem_ne(digests[0], digests[1], TRAP_DIGEST_SIZE);
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_loop_test(tcase, they_arrive_with_a_header_of_their_own, 0, 5);
	tcase_add_test(tcase, a_message_without_any_has_none);
	tcase_add_test(tcase, a19_sizes_that_cannot_be);
	tcase_add_test(tcase, the_messages_size_comes_first);
	tcase_add_test(tcase, a_frame_that_does_not_announce_them_is_a_breach);
	tcase_add_test(tcase, a_frame_without_them_is_a_breach);
	tcase_add_test(tcase, j155_a_plain_receiver_goes_without);
	tcase_add_test(tcase, a_plain_receiver_may_have_a_limit);
	tcase_add_test(tcase, j157_too_large_for_the_buffer_and_kept);
	tcase_add_test(tcase, j158_too_large_for_a_receiver_with_one_element);
	tcase_add_test(tcase, a_message_destroyed_leaves_a_header);
	tcase_add_test(tcase, they_are_handed_to_who_waits);
	tcase_add_test(tcase, who_waits_with_too_little_room_is_passed_over);
	tcase_add_test(tcase, what_was_not_sent_comes_back_with_them);
	tcase_add_test(tcase, they_can_be_received_behind_the_trailer);
	tcase_add_test(tcase, they_are_paid_for);
	tcase_add_test(tcase, the_longest_table_of_descriptors_leaves_room_for_them);
	tcase_add_test(tcase, they_are_part_of_the_state);
}

int main(void)
{
	return lab_run("ipc_aux", add_tests);
}
