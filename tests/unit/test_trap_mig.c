/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemon's routines as MIG calls [29]: each shape of request and reply, byte for byte, and what
 * becomes of the rights in them.
 */
#include <mach/mach_voucher_types.h>
#include <mach/mig_errors.h>
#include <mach/task_special_ports.h>
#include <servers/bootstrap.h>
#include <string.h>

#include "tests/lab/lab_mig.h"

struct world {
	struct lab *lab;
	struct lab_thread *a, *b;
	mach_port_name_t self, reply; /* of a */
	mach_port_name_t b_task;      /* a's send right to b's task port */
};

static struct world begin(void)
{
	struct world world = {.lab = lab_start(NULL)};

	world.a = lab_task(world.lab, 1000)->thread;
	world.b = lab_task(world.lab, 1000)->thread;
	world.self = world.a->task->self;
	world.reply = lab_new_port(world.a);
	world.b_task = lab_pass_task(world.b, world.a);
	return world;
}

/* A call of a with inline arguments only, on its own task. */
#define SIMPLE(world, id, ...) \
	mig_simple((world).a, id, (world).self, (world).reply, WORDS(__VA_ARGS__))

/* --- inline arguments --- */

START_TEST(a_number_in_and_a_number_out)
{
	struct world world = begin();

	lab_ok(SIMPLE(world, 3204, MACH_PORT_RIGHT_RECEIVE));
	ck_assert_uint_eq(mig_reply_size(), 40);
	ck_assert_uint_eq(mig_word(0), MACH_MSGH_BITS(0, MACH_MSG_TYPE_PORT_SEND_ONCE));
	lab_name_is(world.a, mig_word(9), RECEIVE, 0);
	lab_is(KERN_INVALID_VALUE, SIMPLE(world, 3204, 17));
	lab_stop(world.lab);
}
END_TEST

START_TEST(no_result_but_the_code)
{
	struct world world = begin();
	mach_port_name_t dead = lab_new_dead_name(world.a);

	lab_ok(SIMPLE(world, 3206, dead));
	ck_assert_uint_eq(mig_reply_size(), 36);
	lab_name_is(world.a, dead, NO_NAME, 0);
	lab_is(KERN_INVALID_NAME, SIMPLE(world, 3206, dead));
	lab_stop(world.lab);
}
END_TEST

START_TEST(wide_numbers_are_packed_to_four_bytes)
{
	struct world world = begin();
	mach_port_name_t port = lab_new_port(world.a);

	lab_ok(SIMPLE(world, 3229, port, 0x89abcdef, 0x01234567));
	lab_ok(SIMPLE(world, 3228, port));
	ck_assert_uint_eq(mig_reply_size(), 44);
	ck_assert_uint_eq(mig_word(9), 0x89abcdef);
	ck_assert_uint_eq(mig_word(10), 0x01234567);
	lab_stop(world.lab);
}
END_TEST

START_TEST(nothing_in_is_a_header_alone)
{
	struct world world = begin();

	mig_start(3235, world.self, world.reply);
	lab_ok(mig_call(world.a));
	ck_assert_uint_eq(letter.size, 24);
	ck_assert_uint_eq(mig_reply_size(), 36 + 24);
	ck_assert_uint_eq(mig_word(9), 0xff);
	ck_assert_uint_eq(mig_word(12), 3 + 2); /* names in use: the task's own, the reply port
						   and b's task */
	lab_stop(world.lab);
}
END_TEST

START_TEST(an_array_is_as_long_as_it_says)
{
	struct world world = begin();
	mach_port_name_t port = lab_new_port(world.a);

	lab_ok(SIMPLE(world, 3218, port, MACH_PORT_LIMITS_INFO, 1, 77));
	lab_ok(SIMPLE(world, 3217, port, MACH_PORT_LIMITS_INFO, 17));
	ck_assert_uint_eq(mig_reply_size(), 36 + 8);
	ck_assert_uint_eq(mig_word(9), 1);
	ck_assert_uint_eq(mig_word(10), 77);
	lab_ok(SIMPLE(world, 3217, port, MACH_PORT_RECEIVE_STATUS, 400));
	ck_assert_uint_eq(mig_reply_size(), 36 + 4 + 40);
	lab_is(KERN_FAILURE, SIMPLE(world, 3217, port, MACH_PORT_RECEIVE_STATUS, 9));
	lab_is(MIG_BAD_ARGUMENTS, SIMPLE(world, 3218, port, MACH_PORT_LIMITS_INFO, 2, 7));
	lab_is(MIG_BAD_ARGUMENTS, SIMPLE(world, 3218, port, MACH_PORT_LIMITS_INFO, 0, 7));
	lab_is(MIG_BAD_ARGUMENTS, SIMPLE(world, 3218, port, MACH_PORT_LIMITS_INFO));
	lab_is(MIG_BAD_ARGUMENTS, SIMPLE(world, 3218, port, MACH_PORT_LIMITS_INFO, 18, 1, 2, 3, 4,
					 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18));
	lab_is(MIG_BAD_ARGUMENTS, SIMPLE(world, 3218, port, MACH_PORT_LIMITS_INFO, 0x40000001, 7));
	lab_is(KERN_INVALID_ARGUMENT, SIMPLE(world, 3218, port, 99, 17, 1, 2, 3, 4, 5, 6, 7, 8, 9,
					     10, 11, 12, 13, 14, 15, 16, 17));
	lab_stop(world.lab);
}
END_TEST

START_TEST(bytes_and_texts_come_with_their_length)
{
	struct world world = begin();
	mach_port_name_t port = lab_new_service(world.a);
	uint32_t type = MACH_RCV_TRAILER_ELEMENTS(MACH_RCV_TRAILER_SENDER);

	lab_fill(world.a, port, 1, 123);
	lab_ok(SIMPLE(world, 3209, port, type, 0, 68));
	ck_assert_uint_eq(mig_reply_size(), 36 + 16 + 20);
	ck_assert_uint_eq(mig_word(11), 123);
	ck_assert_uint_eq(mig_word(12), 20);
	ck_assert_uint_eq(mig_word(14), MAX_TRAILER_SIZE); /* of the trailer as it is queued */
	ck_assert_uint_eq(mig_word(16), 1000);
	lab_is(KERN_INVALID_VALUE, SIMPLE(world, 3209, port, type, 0, 19));
	/* An empty text: where it begins, its length, and the zero at its end. */
	lab_ok(SIMPLE(world, 3239, world.self));
	ck_assert_uint_eq(mig_reply_size(), 36 + 12 + 8 + 4);
	ck_assert_uint_eq(mig_word(12), 0);
	ck_assert_uint_eq(mig_word(13), 1);
	ck_assert_uint_eq(mig_word(14), 0);
	lab_stop(world.lab);
}
END_TEST

/* A voucher with five bytes of user data, by a recipe of 21 bytes. */
static kern_return_t make_voucher(const struct world *world, uint32_t said)
{
	uint32_t words[] = {said,
			    MACH_VOUCHER_ATTR_KEY_USER_DATA,
			    MACH_VOUCHER_ATTR_USER_DATA_STORE,
			    MACH_PORT_NULL,
			    5,
			    0x64636261,
			    0x65};

	return mig_simple(world->a, 222, world->a->task->host, world->reply, words, 7);
}

START_TEST(bytes_are_padded_to_words)
{
	struct world world = begin();
	mach_port_name_t voucher;

	lab_ok(make_voucher(&world, 21));
	voucher = mig_port(0).name;
	lab_name_is(world.a, voucher, SEND, 1);
	lab_is(MIG_BAD_ARGUMENTS, make_voucher(&world, 20));
	lab_is(MIG_BAD_ARGUMENTS, make_voucher(&world, 25));
	lab_is(MIG_BAD_ARGUMENTS, make_voucher(&world, 0xfffffff0));
	lab_ok(mig_simple(world.a, 5400, voucher, world.reply,
			  WORDS(MACH_VOUCHER_ATTR_KEY_USER_DATA, 100)));
	ck_assert_uint_eq(mig_reply_size(), 36 + 4 + 8);
	ck_assert_uint_eq(mig_word(9), 5);
	ck_assert_uint_eq(mig_word(10), 0x64636261);
	ck_assert_uint_eq(mig_word(11), 0x65);
	/* The room for the result is said behind the argument. */
	lab_is(KERN_NO_SPACE, mig_simple(world.a, 5401, voucher, world.reply,
					 WORDS(MACH_VOUCHER_ATTR_KEY_USER_DATA, 20)));
	lab_is(KERN_INVALID_ARGUMENT, mig_simple(world.a, 5403, voucher, world.reply,
						 WORDS(77, 1, 5, 0x64636261, 0x65, 100)));
	lab_is(MIG_BAD_ARGUMENTS,
	       mig_simple(world.a, 5403, voucher, world.reply, WORDS(77, 1, 5, 0x64636261, 0x65)));
	lab_stop(world.lab);
}
END_TEST

/* --- rights --- */

START_TEST(a_right_in_the_reply_is_all_there_is)
{
	struct world world = begin();

	lab_ok(SIMPLE(world, 3409, TASK_HOST_PORT));
	ck_assert_uint_eq(mig_reply_size(), 28 + 12);
	ck_assert_uint_eq(mig_word(6), 1);
	ck_assert_uint_eq(mig_port(0).name, world.a->task->host);
	ck_assert_uint_eq(mig_port(0).disposition, MACH_MSG_TYPE_PORT_SEND);
	lab_name_is(world.a, world.a->task->host, SEND, 2);
	lab_is(KERN_INVALID_ARGUMENT, SIMPLE(world, 3409, 99));
	ck_assert_uint_eq(mig_reply_size(), 36);
	lab_stop(world.lab);
}
END_TEST

static kern_return_t insert_right(struct world *world, mach_port_name_t task, mach_port_name_t name,
				  mach_port_name_t right, uint32_t disposition)
{
	mig_start(3214, task, world->reply);
	letter_add_port(right, disposition);
	mig_words(&name, 1);
	return mig_call(world->a);
}

START_TEST(a_right_goes_into_another_task)
{
	struct world world = begin();
	mach_port_name_t port = lab_new_service(world.a), name = 900 << 8 | 3;

	lab_ok(insert_right(&world, world.b_task, name, port, MOVE_SEND));
	lab_name_is(world.b, name, SEND, 1);
	lab_name_is(world.a, port, RECEIVE, 0);
	lab_ok(insert_right(&world, world.b_task, name, port, MAKE_SEND));
	lab_name_is(world.b, name, SEND, 2);
	lab_ok(insert_right(&world, world.b_task, name, port, MOVE_RECEIVE));
	lab_name_is(world.b, name, SEND_RECEIVE, 2);
	lab_name_is(world.a, port, NO_NAME, 0);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_right_that_was_sent_in_vain_is_destroyed)
{
	struct world world = begin();
	mach_port_name_t port = lab_new_port(world.a), name = 900 << 8 | 3;

	lab_is(KERN_INVALID_VALUE, insert_right(&world, world.b_task, 0, port, MAKE_ONCE));
	lab_notice(world.a, port, MACH_NOTIFY_SEND_ONCE);
	lab_is(KERN_INVALID_VALUE, insert_right(&world, world.b_task, 900 << 8, port, MAKE_ONCE));
	lab_notice(world.a, port, MACH_NOTIFY_SEND_ONCE);
	lab_is(KERN_NAME_EXISTS,
	       insert_right(&world, world.b_task, world.b->task->host, port, MAKE_ONCE));
	lab_notice(world.a, port, MACH_NOTIFY_SEND_ONCE);
	lab_is(KERN_INVALID_CAPABILITY,
	       insert_right(&world, world.b_task, name, MACH_PORT_NULL, COPY_SEND));
	lab_is(KERN_INVALID_CAPABILITY,
	       insert_right(&world, world.b_task, name, MACH_PORT_DEAD, COPY_SEND));
	lab_is(KERN_INVALID_VALUE, insert_right(&world, world.b_task, name, MACH_PORT_NULL, 3));
	lab_silent(world.a, port);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_disposition_that_does_not_fit_is_refused_at_the_send)
{
	struct world world = begin();
	mach_port_name_t port = lab_new_port(world.a);

	mig_start(3214, world.b_task, world.reply);
	letter_add_port(port, COPY_SEND);
	mig_words(WORDS(900 << 8 | 3));
	lab_is(MACH_SEND_INVALID_RIGHT, mig_send(world.a));
	lab_notice(world.a, world.reply, MACH_NOTIFY_SEND_ONCE);
	lab_silent(world.a, world.reply);
	lab_stop(world.lab);
}
END_TEST

START_TEST(an_extracted_right_comes_in_the_reply)
{
	struct world world = begin();
	mach_port_name_t port = lab_new_service(world.b);

	lab_ok(mig_simple(world.a, 3215, world.b_task, world.reply, WORDS(port, MAKE_ONCE)));
	ck_assert_uint_eq(mig_reply_size(), 40);
	ck_assert_uint_eq(mig_port(0).disposition, MACH_MSG_TYPE_PORT_SEND_ONCE);
	lab_name_is(world.a, mig_port(0).name, SEND_ONCE, 1);
	lab_ok(mig_simple(world.a, 3215, world.b_task, world.reply, WORDS(port, MOVE_RECEIVE)));
	ck_assert_uint_eq(mig_port(0).disposition, MACH_MSG_TYPE_PORT_RECEIVE);
	lab_name_is(world.a, mig_port(0).name, RECEIVE, 0);
	lab_name_is(world.b, port, SEND, 1);
	lab_is(KERN_INVALID_RIGHT,
	       mig_simple(world.a, 3215, world.b_task, world.reply, WORDS(port, MAKE_SEND)));
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_reply_port_in_its_own_reply_is_destroyed)
{
	struct world world = begin();
	mach_port_name_t port = lab_new_port(world.a), watch;

	watch = lab_pass(world.a, port, MAKE_SEND, world.b);
	mig_start(3215, world.self, port);
	mig_words(WORDS(port, MOVE_RECEIVE));
	lab_ok(mig_send(world.a));
	lab_name_is(world.a, port, NO_NAME, 0);
	lab_name_is(world.b, watch, DEAD_NAME, 1);
	lab_stop(world.lab);
}
END_TEST

static kern_return_t request_notification(struct world *world, mach_port_name_t name, uint32_t id,
					  uint32_t sync, mach_port_name_t notify,
					  uint32_t disposition)
{
	mig_start(3213, world->self, world->reply);
	letter_add_port(notify, disposition);
	mig_words(WORDS(name, id, sync));
	return mig_call(world->a);
}

START_TEST(a_request_for_a_notification_takes_and_gives_send_once_rights)
{
	struct world world = begin();
	mach_port_name_t port = lab_new_service(world.a), notify = lab_new_port(world.a);
	mach_port_name_t first;

	lab_ok(request_notification(&world, port, MACH_NOTIFY_DEAD_NAME, 0, notify, MAKE_ONCE));
	ck_assert_uint_eq(mig_port(0).name, MACH_PORT_NULL);
	lab_ok(request_notification(&world, port, MACH_NOTIFY_DEAD_NAME, 0, notify, MAKE_ONCE));
	first = mig_port(0).name;
	lab_name_is(world.a, first, SEND_ONCE, 1);
	ck_assert_uint_eq(mig_port(0).disposition, MACH_MSG_TYPE_PORT_SEND_ONCE);
	lab_ok(request_notification(&world, port, MACH_NOTIFY_DEAD_NAME, 0, first, MOVE_ONCE));
	lab_name_is(world.a, mig_port(0).name, SEND_ONCE, 1);
	lab_silent(world.a, notify);
	lab_is(KERN_INVALID_VALUE, request_notification(&world, port, 5, 0, notify, MAKE_ONCE));
	lab_notice(world.a, notify, MACH_NOTIFY_SEND_ONCE);
	lab_is(KERN_INVALID_CAPABILITY, request_notification(&world, port, MACH_NOTIFY_DEAD_NAME, 0,
							     MACH_PORT_DEAD, MAKE_ONCE));
	lab_is(MIG_TYPE_ERROR,
	       request_notification(&world, port, MACH_NOTIFY_DEAD_NAME, 0, notify, MAKE_SEND));
	ck_assert_uint_eq(lab_srights(world.a, notify), 0);
	/* NULL ends the request. */
	lab_ok(request_notification(&world, port, MACH_NOTIFY_DEAD_NAME, 0, MACH_PORT_NULL,
				    MAKE_ONCE));
	lab_name_is(world.a, mig_port(0).name, SEND_ONCE, 1);
	lab_stop(world.lab);
}
END_TEST

START_TEST(semaphores_and_special_ports_are_set_by_message)
{
	struct world world = begin();
	mach_port_name_t semaphore, service = lab_new_service(world.a);

	lab_ok(SIMPLE(world, 3418, 0, 3));
	semaphore = mig_port(0).name;
	lab_name_is(world.a, semaphore, SEND, 1);
	mig_start(3419, world.self, world.reply);
	letter_add_port(semaphore, COPY_SEND);
	ck_assert_uint_eq(letter.size, 40); /* nothing but the right: no NDR */
	lab_ok(mig_call(world.a));
	mig_start(3419, world.self, world.reply);
	letter_add_port(service, COPY_SEND);
	lab_is(KERN_INVALID_ARGUMENT, mig_call(world.a));
	mig_start(3410, world.self, world.reply);
	letter_add_port(service, COPY_SEND);
	mig_words(WORDS(TASK_BOOTSTRAP_PORT));
	lab_ok(mig_call(world.a));
	lab_ok(SIMPLE(world, 3409, TASK_BOOTSTRAP_PORT));
	ck_assert_uint_eq(mig_port(0).name, service);
	lab_stop(world.lab);
}
END_TEST

/* --- memory --- */

START_TEST(names_come_out_of_line)
{
	struct world world = begin();
	struct machd_memory names, types;
	uint32_t words[10];

	lab_ok(mig_simple(world.a, 3200, world.self, world.reply, NULL, 0));
	ck_assert_uint_eq(mig_reply_size(), 28 + 32 + 8 + 8);
	ck_assert_uint_eq(mig_memory(0).size, 20);
	ck_assert_uint_eq(mig_memory(1).size, 20);
	ck_assert_uint_eq(mig_word(7 + 8 + 2), 5);
	ck_assert_uint_eq(mig_word(7 + 8 + 3), 5);
	names = letter_came(world.a, 0);
	types = letter_came(world.a, 1);
	ck_assert_uint_eq(names.source, MACHD_MEMORY_INLINE);
	ck_assert_uint_eq(types.source, MACHD_MEMORY_INLINE);
	memcpy(words, letter_came_bytes(world.a), sizeof words);
	for (unsigned i = 0; i < 5; i++)
		lab_name_is(world.a, words[i], words[5 + i], words[5 + i] == SEND ? 1 : 0);
	lab_stop(world.lab);
}
END_TEST

START_TEST(an_empty_list_is_memory_without_a_size)
{
	struct world world = begin();
	mach_port_name_t set = lab_new_set(world.a);

	lab_ok(SIMPLE(world, 3211, set));
	ck_assert_uint_eq(mig_reply_size(), 28 + 16 + 8 + 4);
	ck_assert_uint_eq(mig_memory(0).size, 0);
	ck_assert_uint_eq(mig_word(7 + 4 + 2), 0);
	lab_ok(lab_move_member(world.a, lab_new_port(world.a), set));
	lab_ok(SIMPLE(world, 3211, set));
	ck_assert_uint_eq(mig_memory(0).size, 4);
	/* The table, and a tree that nobody has any more. */
	lab_ok(mig_simple(world.a, 3223, world.self, world.reply, NULL, 0));
	ck_assert_uint_eq(mig_reply_size(), 28 + 32 + 8 + 24 + 8);
	ck_assert_uint_eq(mig_memory(0).size, 28 * mig_word(7 + 8 + 2 + 6));
	ck_assert_uint_eq(mig_memory(1).size, 0);
	lab_stop(world.lab);
}
END_TEST

static kern_return_t register_ports(struct world *world, const mach_port_name_t *ports,
				    uint32_t count, uint32_t said, uint32_t disposition)
{
	mig_start(3403, world->self, world->reply);
	letter_add_ports(count, disposition);
	letter_entry_inline(ports, count * sizeof *ports);
	mig_words(&said, 1);
	return mig_call(world->a);
}

START_TEST(registered_ports_go_and_come_out_of_line)
{
	struct world world = begin();
	mach_port_name_t port = lab_new_service(world.a);
	mach_port_name_t ports[] = {port, MACH_PORT_NULL, port, port}, words[3];
	mach_msg_ool_ports_descriptor64_t came;

	lab_ok(register_ports(&world, ports, 3, 3, COPY_SEND));
	lab_is(KERN_INVALID_ARGUMENT, register_ports(&world, ports, 4, 4, COPY_SEND));
	lab_is(MIG_TYPE_ERROR, register_ports(&world, ports, 2, 3, COPY_SEND));
	lab_is(MIG_TYPE_ERROR, register_ports(&world, ports, 1, 1, MAKE_ONCE));
	lab_notice(world.a, port, MACH_NOTIFY_SEND_ONCE);
	ck_assert_uint_eq(lab_srights(world.a, port), 3); /* the space's, two registered */
	lab_ok(mig_simple(world.a, 3404, world.self, world.reply, NULL, 0));
	ck_assert_uint_eq(mig_reply_size(), 28 + 16 + 8 + 4);
	memcpy(&came, letter_got + 28, sizeof came);
	ck_assert_uint_eq(came.type, MACH_MSG_OOL_PORTS_DESCRIPTOR);
	ck_assert_uint_eq(came.disposition, MACH_MSG_TYPE_PORT_SEND);
	ck_assert_uint_eq(came.count, 3);
	ck_assert_uint_eq(mig_word(7 + 4 + 2), 3);
	memcpy(words, letter_came_bytes(world.a), sizeof words);
	ck_assert_mem_eq(words, ports, sizeof words);
	lab_name_is(world.a, port, SEND_RECEIVE, 3);
	lab_stop(world.lab);
}
END_TEST

static kern_return_t construct(struct world *world, const uint32_t *options, uint32_t size)
{
	mig_start(3231, world->self, world->reply);
	letter_add_memory(size, PHYSICAL, MACH_MSG_OOL_DESCRIPTOR);
	letter_entry_inline(options, size);
	mig_words(WORDS(0x1111, 0x2222));
	return mig_call(world->a);
}

START_TEST(a_struct_behind_a_pointer_comes_out_of_line)
{
	struct world world = begin();
	uint32_t options[8] = {MPO_QLIMIT | MPO_INSERT_SEND_RIGHT, 9};
	mach_port_name_t port;
	uint64_t context;

	lab_ok(construct(&world, options, 24));
	ck_assert_uint_eq(mig_reply_size(), 40);
	port = mig_word(9);
	lab_name_is(world.a, port, SEND_RECEIVE, 1);
	ck_assert_uint_eq(lab_status(world.a, port).mps_qlimit, 9);
	lab_ok(lab_get_context(world.a, port, &context));
	ck_assert(context == UINT64_C(0x222200001111));
	lab_is(MIG_TYPE_ERROR, construct(&world, options, 20));
	lab_is(MIG_TYPE_ERROR, construct(&world, options, 28));
	mig_start(3231, world.self, world.reply);
	letter_add_memory(24, VIRTUAL, MACH_MSG_OOL_DESCRIPTOR);
	letter_add_fd(world.lab, 4096, true);
	letter_entry(MACHD_MEMORY_FD, 0, 0);
	mig_words(WORDS(0, 0));
	lab_is(KERN_INVALID_ADDRESS, mig_call(world.a)); /* the daemon reads no memfd */
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_request_whose_end_is_in_a_memfd_is_refused)
{
	struct world world = begin();

	mig_start(3204, world.self, world.reply);
	mig_words(WORDS(MACH_PORT_RIGHT_RECEIVE));
	letter.held = letter.size - 4;
	letter_add_fd(world.lab, 4, true);
	lab_is(MIG_BAD_ARGUMENTS, mig_call(world.a));
	ck_assert_uint_eq(world.lab->fds[1], LAB_FD_RELEASED);
	lab_stop(world.lab);
}
END_TEST

/* --- the object --- */

START_TEST(a_routine_wants_its_object)
{
	struct world world = begin();
	mach_port_name_t host = world.a->task->host, boot = world.a->task->bootstrap;

	lab_is(KERN_INVALID_TASK, mig_simple(world.a, 3204, host, world.reply, WORDS(1)));
	lab_is(KERN_INVALID_ARGUMENT, mig_simple(world.a, 3409, host, world.reply, WORDS(1)));
	lab_is(KERN_TERMINATED, mig_simple(world.a, 716201, host, world.reply, NULL, 0));
	lab_is(MIG_BAD_ID, mig_simple(world.a, 3204, boot, world.reply, WORDS(1)));
	lab_is(MIG_BAD_ID, mig_simple(world.a, 402, world.self, world.reply, NULL, 0));
	/* case 215: mach_port_rename is gone. */
	lab_is(MIG_BAD_ID, mig_simple(world.a, 3202, world.self, world.reply, WORDS(1, 2)));
	lab_is(KERN_NOT_SUPPORTED, mig_simple(world.a, 3236, world.self, world.reply, WORDS(1)));
	lab_is(MIG_BAD_ARGUMENTS, mig_simple(world.a, 3236, world.self, world.reply, NULL, 0));
	/* Traps have numbers of their own: no message reaches them. */
	for (unsigned i = 0; i < machd_routine_count; i++)
		if (machd_routines[i].object == MACHD_OBJECT_TRAP)
			lab_is(MIG_BAD_ID, mig_simple(world.a, (int32_t)machd_routines[i].number,
						      world.self, world.reply, NULL, 0));
	lab_stop(world.lab);
}
END_TEST

START_TEST(who_holds_a_task_right_acts_on_that_space)
{
	struct world world = begin();
	mach_port_name_t name;

	lab_ok(mig_simple(world.a, 3204, world.b_task, world.reply, WORDS(1)));
	name = mig_word(9);
	lab_name_is(world.b, name, RECEIVE, 0);
	lab_ok(mig_simple(world.a, 3205, world.b_task, world.reply, &name, 1));
	lab_name_is(world.b, name, NO_NAME, 0);
	lab_kill(world.b->task);
	mig_start(3204, world.b_task, world.reply);
	mig_words(WORDS(1));
	lab_is(MACH_SEND_INVALID_DEST, mig_send(world.a));
	lab_stop(world.lab);
}
END_TEST

static void put_service(const char *name)
{
	char service[128] = "";

	strcpy(service, name);
	mig_words((const uint32_t *)(const void *)service, sizeof service / sizeof(uint32_t));
}

static kern_return_t bootstrap(struct lab_thread *thread, int32_t id, mach_port_name_t reply,
			       const char *name)
{
	mig_start(id, thread->task->bootstrap, reply);
	put_service(name);
	return mig_call(thread);
}

START_TEST(services_are_found_by_message)
{
	struct world world = begin();
	mach_port_name_t service, other = lab_new_port(world.b);

	lab_ok(bootstrap(world.a, 402, world.reply, "by.message"));
	ck_assert_uint_eq(mig_port(0).disposition, MACH_MSG_TYPE_PORT_RECEIVE);
	service = mig_port(0).name;
	lab_name_is(world.a, service, RECEIVE, 0);
	lab_is(BOOTSTRAP_SERVICE_ACTIVE, bootstrap(world.b, 402, other, "by.message"));
	lab_ok(bootstrap(world.b, 404, other, "by.message"));
	lab_name_is(world.b, mig_port(0).name, SEND, 1);
	lab_is(BOOTSTRAP_UNKNOWN_SERVICE, bootstrap(world.b, 404, other, "another"));
	mig_start(403, world.b->task->bootstrap, other);
	letter_add_port(other, MAKE_SEND);
	put_service("second");
	lab_ok(mig_call(world.b));
	lab_ok(bootstrap(world.a, 404, world.reply, "second"));
	lab_name_is(world.a, mig_port(0).name, SEND, 1);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_32_bit_task_calls_in_its_own_layout)
{
	struct letter_world world = letter_begin(64, 32);
	mach_port_name_t reply = lab_new_port(world.a);
	mach_msg_ool_descriptor32_t names;

	lab_ok(mig_simple(world.a, 3204, world.a->task->self, reply, WORDS(1)));
	lab_ok(mig_simple(world.a, 3200, world.a->task->self, reply, NULL, 0));
	ck_assert_uint_eq(mig_reply_size(), 28 + 24 + 8 + 8);
	memcpy(&names, letter_got + 28, sizeof names);
	ck_assert_uint_eq(names.size, 4 * mig_word(7 + 6 + 2));
	lab_stop(world.lab);
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_test(tcase, a_number_in_and_a_number_out);
	tcase_add_test(tcase, no_result_but_the_code);
	tcase_add_test(tcase, wide_numbers_are_packed_to_four_bytes);
	tcase_add_test(tcase, nothing_in_is_a_header_alone);
	tcase_add_test(tcase, an_array_is_as_long_as_it_says);
	tcase_add_test(tcase, bytes_and_texts_come_with_their_length);
	tcase_add_test(tcase, bytes_are_padded_to_words);
	tcase_add_test(tcase, a_right_in_the_reply_is_all_there_is);
	tcase_add_test(tcase, a_right_goes_into_another_task);
	tcase_add_test(tcase, a_right_that_was_sent_in_vain_is_destroyed);
	tcase_add_test(tcase, a_disposition_that_does_not_fit_is_refused_at_the_send);
	tcase_add_test(tcase, an_extracted_right_comes_in_the_reply);
	tcase_add_test(tcase, a_reply_port_in_its_own_reply_is_destroyed);
	tcase_add_test(tcase, a_request_for_a_notification_takes_and_gives_send_once_rights);
	tcase_add_test(tcase, semaphores_and_special_ports_are_set_by_message);
	tcase_add_test(tcase, names_come_out_of_line);
	tcase_add_test(tcase, an_empty_list_is_memory_without_a_size);
	tcase_add_test(tcase, registered_ports_go_and_come_out_of_line);
	tcase_add_test(tcase, a_struct_behind_a_pointer_comes_out_of_line);
	tcase_add_test(tcase, a_request_whose_end_is_in_a_memfd_is_refused);
	tcase_add_test(tcase, a_routine_wants_its_object);
	tcase_add_test(tcase, who_holds_a_task_right_acts_on_that_space);
	tcase_add_test(tcase, services_are_found_by_message);
	tcase_add_test(tcase, a_32_bit_task_calls_in_its_own_layout);
}

int main(void)
{
	return lab_run("trap_mig", add_tests);
}
