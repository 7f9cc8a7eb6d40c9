/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The header of a message that is sent: which mistake is reported when there are several, what a
 * refused header costs, and destination and reply under one name [4.3, 5, 8].
 */
#include "tests/lab/lab_expect.h"

struct world {
	struct lab *lab;
	struct lab_thread *a, *b;
	mach_port_name_t port; /* of a, with a send right */
};

static struct world begin(void)
{
	struct world world = {.lab = lab_start(NULL)};

	world.a = lab_task(world.lab, 1000)->thread;
	world.b = lab_task(world.lab, 1000)->thread;
	world.port = lab_new_service(world.a);
	return world;
}

/* --- one name for destination and reply --- */

enum { PAIRS = 5 };

static const uint32_t pair_dispositions[PAIRS] = {MOVE_SEND, COPY_SEND, MAKE_SEND, MAKE_ONCE,
						  MOVE_ONCE};

/* What the pair needs and takes; rows are destinations, columns replies, in that order. */
struct pair {
	bool receive, send; /* rights that the entry must have */
	unsigned least;	    /* references it must have */
	unsigned takes;
};

#define ERROR                               \
	{                                   \
		false, false, UINT32_MAX, 0 \
	}
#define NEED_SEND(n, t)           \
	{                         \
		false, true, n, t \
	}
#define NEED_BOTH(n, t)          \
	{                        \
		true, true, n, t \
	}
#define NEED_RECEIVE              \
	{                         \
		true, false, 0, 0 \
	}

static const struct pair pairs[PAIRS][PAIRS] = {
	/* MOVE_SEND */
	{NEED_SEND(2, 2), NEED_SEND(1, 1), NEED_BOTH(1, 1), NEED_BOTH(1, 1), ERROR},
	/* COPY_SEND */
	{NEED_SEND(1, 1), NEED_SEND(1, 0), NEED_BOTH(1, 0), NEED_BOTH(1, 0), ERROR},
	/* MAKE_SEND */
	{NEED_BOTH(1, 1), NEED_BOTH(1, 0), NEED_RECEIVE, NEED_RECEIVE, ERROR},
	/* MAKE_SEND_ONCE */
	{NEED_BOTH(1, 1), NEED_BOTH(1, 0), NEED_RECEIVE, NEED_RECEIVE, ERROR},
	/* MOVE_SEND_ONCE */
	{ERROR, ERROR, ERROR, ERROR, ERROR},
};

/* The name: with a receive right or not, and with so many references to a send right. */
static const struct {
	uint32_t type, urefs;
} names[] = {
	{RECEIVE, 0},	{SEND_RECEIVE, 1}, {SEND_RECEIVE, 2}, {SEND_RECEIVE, 3},     {SEND, 1},
	{SEND, 2},	{SEND, 3},	   {SEND, 65535},     {SEND_RECEIVE, 65535}, {SEND_ONCE, 1},
	{DEAD_NAME, 2}, {PORT_SET, 0},
};

enum { NAMES = sizeof names / sizeof *names };

static mach_port_name_t make_name(struct world *world, uint32_t type, uint32_t urefs)
{
	mach_port_name_t name;

	if (type == DEAD_NAME) {
		name = lab_new_dead_name(world->a);
		lab_ok(lab_mod_refs(world->a, name, MACH_PORT_RIGHT_DEAD_NAME, (int)urefs - 1));
	} else if (type == PORT_SET) {
		name = lab_new_set(world->a);
	} else if (type == SEND_ONCE) {
		name = lab_pass(world->b, lab_new_port(world->b), MAKE_ONCE, world->a);
	} else if (type == SEND) {
		name = lab_pass(world->b, lab_new_port(world->b), MAKE_SEND, world->a);
		lab_ok(lab_mod_refs(world->a, name, MACH_PORT_RIGHT_SEND, (int)urefs - 1));
	} else {
		name = lab_new_port(world->a);
		if (type == SEND_RECEIVE)
			lab_ok(lab_insert_right(world->a, name, name, MAKE_SEND));
		if (urefs > 1)
			lab_ok(lab_mod_refs(world->a, name, MACH_PORT_RIGHT_SEND, (int)urefs - 1));
	}
	return name;
}

/* Could this entry satisfy the reply's disposition if it were alone? */
static bool reply_alone(uint32_t type, uint32_t disposition)
{
	switch (disposition) {
	case MOVE_SEND:
		return type & (SEND | DEAD_NAME);
	case COPY_SEND:
		return type & (SEND | DEAD_NAME);
	case MOVE_ONCE:
		return type & (SEND_ONCE | DEAD_NAME);
	default:
		return type & RECEIVE;
	}
}

static bool pair_good(const struct pair *pair, uint32_t type, uint32_t urefs)
{
	if (type & (DEAD_NAME | PORT_SET | SEND_ONCE))
		return false;
	return (!pair->receive || (type & RECEIVE)) && (!pair->send || (type & SEND)) &&
	       urefs >= pair->least;
}

/* Type and references that are left; a count at its maximum stays there. */
static void check_left(struct world *world, mach_port_name_t name, uint32_t type, uint32_t urefs,
		       unsigned takes)
{
	if (urefs == 65535)
		takes = 0;
	if (takes < urefs || takes == 0)
		lab_name_is(world->a, name, type, urefs - takes);
	else
		lab_name_is(world->a, name, type & RECEIVE, 0);
}

START_TEST(destination_and_reply_under_one_name)
{
	uint32_t type = names[_i].type, urefs = names[_i].urefs;

	for (unsigned d = 0; d < PAIRS; d++) {
		for (unsigned r = 0; r < PAIRS; r++) {
			struct world world = begin();
			const struct pair *pair = &pairs[d][r];
			mach_port_name_t name = make_name(&world, type, urefs);
			mach_msg_return_t code = MACH_SEND_INVALID_DEST;
			uint32_t reply = pair_dispositions[r];
			struct lab_buffer message;

			if (!reply_alone(type, reply))
				code = MACH_SEND_INVALID_REPLY;
			else if (pair_good(pair, type, urefs))
				code = MACH_MSG_SUCCESS;
			lab_compose(&message, name, pair_dispositions[d], name, reply, 1);
			lab_is(code, lab_send_now(world.a, &message));
			check_left(&world, name, type, urefs, code ? 0 : pair->takes);
			if (type & RECEIVE)
				ck_assert_uint_eq(lab_status(world.a, name).mps_msgcount,
						  code == MACH_MSG_SUCCESS);
			lab_stop(world.lab);
		}
	}
}
END_TEST

START_TEST(one_name_for_both_gives_the_receiver_two_rights)
{
	struct world world = begin();
	struct lab_buffer message;

	lab_compose(&message, world.port, COPY_SEND, world.port, COPY_SEND, 1);
	lab_ok(lab_send_now(world.a, &message));
	lab_name_is(world.a, world.port, SEND_RECEIVE, 1);
	ck_assert_uint_eq(lab_srights(world.a, world.port), 3);
	message = lab_message(world.a, world.port, 1);
	ck_assert_uint_eq(message.header.msgh_remote_port, world.port);
	lab_name_is(world.a, world.port, SEND_RECEIVE, 2);
	ck_assert_uint_eq(lab_srights(world.a, world.port), 1);
	lab_compose(&message, world.port, MAKE_ONCE, world.port, MAKE_ONCE, 2);
	lab_ok(lab_send_now(world.a, &message));
	ck_assert_uint_eq(lab_status(world.a, world.port).mps_sorights, 2);
	message = lab_message(world.a, world.port, 2);
	ck_assert_uint_eq(message.header.msgh_bits, MACH_MSGH_BITS(MOVE_ONCE, MOVE_ONCE));
	lab_name_is(world.a, message.header.msgh_remote_port, SEND_ONCE, 1);
	ck_assert_uint_eq(lab_status(world.a, world.port).mps_sorights, 1);
	lab_stop(world.lab);
}
END_TEST

/* --- which mistake is reported --- */

/* Names that are wrong in some way, for either place. */
enum wrong { RIGHT_ONE, IS_NULL, IS_DEAD, IS_MISSING, IS_WRONG, BAD_DISPOSITION };

static void put(struct world *world, enum wrong wrong, mach_port_name_t *name,
		uint32_t *disposition)
{
	*disposition = COPY_SEND;
	switch (wrong) {
	case RIGHT_ONE:
		*name = lab_new_service(world->a);
		break;
	case IS_NULL:
		*name = MACH_PORT_NULL;
		break;
	case IS_DEAD:
		*name = MACH_PORT_DEAD;
		break;
	case IS_MISSING:
		*name = lab_new_port(world->a);
		lab_ok(lab_destroy(world->a, *name));
		break;
	case IS_WRONG:
		*name = lab_new_port(world->a); /* no send right */
		break;
	case BAD_DISPOSITION:
		*name = lab_new_service(world->a);
		*disposition = MACH_MSG_TYPE_COPY_RECEIVE;
		break;
	}
}

static const struct {
	enum wrong dest, reply;
	mach_msg_return_t code;
} mistakes[] = {
	{RIGHT_ONE, RIGHT_ONE, MACH_MSG_SUCCESS},
	{RIGHT_ONE, IS_NULL, MACH_MSG_SUCCESS},
	{RIGHT_ONE, IS_DEAD, MACH_MSG_SUCCESS},
	{RIGHT_ONE, IS_MISSING, MACH_SEND_INVALID_REPLY},
	{RIGHT_ONE, IS_WRONG, MACH_SEND_INVALID_REPLY},
	{RIGHT_ONE, BAD_DISPOSITION, MACH_SEND_INVALID_HEADER},
	{IS_NULL, RIGHT_ONE, MACH_SEND_INVALID_DEST},
	{IS_NULL, IS_MISSING, MACH_SEND_INVALID_DEST},
	{IS_NULL, BAD_DISPOSITION, MACH_SEND_INVALID_HEADER},
	{IS_DEAD, RIGHT_ONE, MACH_SEND_INVALID_DEST},
	{IS_DEAD, BAD_DISPOSITION, MACH_SEND_INVALID_HEADER},
	{IS_MISSING, RIGHT_ONE, MACH_SEND_INVALID_DEST},
	{IS_MISSING, IS_MISSING, MACH_SEND_INVALID_DEST},
	{IS_MISSING, IS_WRONG, MACH_SEND_INVALID_DEST},
	{IS_MISSING, BAD_DISPOSITION, MACH_SEND_INVALID_HEADER},
	{IS_WRONG, RIGHT_ONE, MACH_SEND_INVALID_DEST},
	{IS_WRONG, IS_NULL, MACH_SEND_INVALID_DEST},
	{IS_WRONG, IS_MISSING, MACH_SEND_INVALID_REPLY},
	{IS_WRONG, IS_WRONG, MACH_SEND_INVALID_REPLY},
	{BAD_DISPOSITION, RIGHT_ONE, MACH_SEND_INVALID_HEADER},
	{BAD_DISPOSITION, IS_MISSING, MACH_SEND_INVALID_HEADER},
};

START_TEST(of_two_mistakes_in_a_header_the_earlier_check_is_reported)
{
	struct world world = begin();
	mach_port_name_t dest, reply;
	uint32_t dest_disposition, reply_disposition;
	struct lab_buffer message;

	put(&world, mistakes[_i].dest, &dest, &dest_disposition);
	put(&world, mistakes[_i].reply, &reply, &reply_disposition);
	lab_compose(&message, dest, dest_disposition, reply, reply_disposition, 1);
	lab_is(mistakes[_i].code, lab_send_now(world.a, &message));
	if (mistakes[_i].dest == RIGHT_ONE) {
		ck_assert_uint_eq(lab_status(world.a, dest).mps_msgcount, !mistakes[_i].code);
		lab_name_is(world.a, dest, SEND_RECEIVE, 1);
	}
	if (mistakes[_i].reply == RIGHT_ONE)
		lab_name_is(world.a, reply, SEND_RECEIVE, 1);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_reply_name_without_a_disposition_is_a_bad_header)
{
	struct world world = begin();
	struct lab_buffer message;

	lab_compose(&message, world.port, COPY_SEND, world.port, 0, 1);
	lab_is(MACH_SEND_INVALID_HEADER, lab_send_now(world.a, &message));
	lab_compose(&message, world.port, COPY_SEND, MACH_PORT_DEAD, 0, 1);
	lab_is(MACH_SEND_INVALID_HEADER, lab_send_now(world.a, &message));
	lab_stop(world.lab);
}
END_TEST

START_TEST(two_names_of_one_port_are_two_rights)
{
	struct world world = begin();
	mach_port_name_t once = lab_new_once(world.a, world.port);
	struct lab_buffer message;

	lab_compose(&message, once, MOVE_ONCE, world.port, COPY_SEND, 1);
	lab_ok(lab_send_now(world.a, &message));
	message = lab_message(world.a, world.port, 1);
	ck_assert_uint_eq(message.header.msgh_bits, MACH_MSGH_BITS(MOVE_SEND, MOVE_ONCE));
	ck_assert_uint_eq(message.header.msgh_remote_port, world.port);
	lab_name_is(world.a, world.port, SEND_RECEIVE, 2);
	lab_stop(world.lab);
}
END_TEST

/* --- vouchers: there are none yet, only the null voucher --- */

static const struct {
	uint32_t disposition;
	bool null;
	mach_msg_return_t code;
} vouchers[] = {
	{0, false, MACH_MSG_SUCCESS},
	{MOVE_SEND, true, MACH_MSG_SUCCESS},
	{COPY_SEND, true, MACH_MSG_SUCCESS},
	{MOVE_SEND, false, MACH_SEND_INVALID_VOUCHER},
	{COPY_SEND, false, MACH_SEND_INVALID_VOUCHER},
	{MAKE_SEND, true, MACH_SEND_INVALID_VOUCHER},
	{MOVE_ONCE, true, MACH_SEND_INVALID_VOUCHER},
	{1, true, MACH_SEND_INVALID_VOUCHER},
};

START_TEST(the_voucher_field_is_none_or_the_null_voucher)
{
	struct world world = begin();
	struct lab_buffer message = lab_to(world.port, 1);
	struct lab_msg receive = {.option = MACH_RCV_MSG | MACH_RCV_VOUCHER | MACH_RCV_TIMEOUT,
				  .receive = &message,
				  .receive_size = sizeof message,
				  .receive_name = world.port};
	uint32_t disposition = vouchers[_i].disposition;

	message.header.msgh_bits |= disposition << 16;
	message.header.msgh_voucher_port = vouchers[_i].null ? MACH_PORT_NULL : world.port;
	lab_is(vouchers[_i].code, lab_send_now(world.a, &message));
	lab_name_is(world.a, world.port, SEND_RECEIVE, 1);
	if (vouchers[_i].code == MACH_MSG_SUCCESS) {
		lab_ok(lab_msg(world.a, &receive));
		ck_assert_uint_eq(message.header.msgh_voucher_port,
				  disposition ? MACH_PORT_NULL : world.port);
		ck_assert_uint_eq(MACH_MSGH_BITS_VOUCHER(message.header.msgh_bits),
				  disposition ? MOVE_SEND : 0);
	}
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_dead_voucher_is_no_voucher)
{
	struct world world = begin();
	struct lab_buffer message = lab_to(world.port, 1);

	message.header.msgh_bits |= MOVE_SEND << 16;
	message.header.msgh_voucher_port = MACH_PORT_DEAD;
	lab_is(MACH_SEND_INVALID_VOUCHER, lab_send_now(world.a, &message));
	lab_stop(world.lab);
}
END_TEST

START_TEST(without_rcv_voucher_the_null_voucher_leaves_no_bits)
{
	struct world world = begin();
	struct lab_buffer message = lab_to(world.port, 1);

	message.header.msgh_bits |= COPY_SEND << 16;
	lab_ok(lab_send_now(world.a, &message));
	message = lab_message(world.a, world.port, 1);
	ck_assert_uint_eq(message.header.msgh_bits, MACH_MSGH_BITS(0, MOVE_SEND));
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_bad_voucher_is_reported_before_a_bad_reply_and_a_missing_destination)
{
	struct world world = begin();
	mach_port_name_t missing = lab_new_port(world.a);
	struct lab_buffer message;

	lab_ok(lab_destroy(world.a, missing));
	lab_compose(&message, missing, COPY_SEND, missing, COPY_SEND, 1);
	message.header.msgh_bits |= MOVE_SEND << 16;
	message.header.msgh_voucher_port = world.port;
	lab_is(MACH_SEND_INVALID_VOUCHER, lab_send_now(world.a, &message));
	message.header.msgh_remote_port = MACH_PORT_NULL;
	lab_is(MACH_SEND_INVALID_DEST, lab_send_now(world.a, &message));
	lab_stop(world.lab);
}
END_TEST

/* --- bits, ids and sizes --- */

START_TEST(bits_that_are_not_a_senders_are_masked_off)
{
	struct world world = begin();
	struct lab_buffer message = lab_to(world.port, 1);

	message.header.msgh_bits |= 0x7fe0e0e0;
	lab_ok(lab_send_now(world.a, &message));
	message = lab_message(world.a, world.port, 1);
	ck_assert_uint_eq(message.header.msgh_bits, MACH_MSGH_BITS(0, MOVE_SEND));
	lab_stop(world.lab);
}
END_TEST

START_TEST(any_id_and_any_stated_size_will_do)
{
	static const uint32_t ids[] = {0, 1, 0x7fffffff, 0x80000000, 0xffffffff};
	struct world world = begin();

	for (unsigned i = 0; i < sizeof ids / sizeof *ids; i++) {
		struct lab_buffer message = lab_to(world.port, (int32_t)ids[i]);
		struct lab_msg msg = {.option = MACH_SEND_MSG, .send = &message, .send_size = 24};

		message.header.msgh_size = 0xdeadbeef;
		lab_ok(lab_msg(world.a, &msg));
		message = lab_message(world.a, world.port, (int32_t)ids[i]);
		ck_assert_uint_eq(message.header.msgh_size, 24);
	}
	lab_stop(world.lab);
}
END_TEST

/* A message of so many bytes, its header and first descriptors as told. */
static const struct {
	uint32_t size;
	bool complex;
	uint32_t count;
	uint8_t type; /* of every descriptor */
	mach_msg_return_t code;
} shapes[] = {
	{0, false, 0, 0, MACH_SEND_MSG_TOO_SMALL},
	{4, false, 0, 0, MACH_SEND_MSG_TOO_SMALL},
	{20, false, 0, 0, MACH_SEND_MSG_TOO_SMALL},
	{23, false, 0, 0, MACH_SEND_MSG_TOO_SMALL},
	{24, false, 0, 0, MACH_MSG_SUCCESS},
	{25, false, 0, 0, MACH_SEND_MSG_TOO_SMALL},
	{26, false, 0, 0, MACH_SEND_MSG_TOO_SMALL},
	{27, false, 0, 0, MACH_SEND_MSG_TOO_SMALL},
	{28, false, 0, 0, MACH_MSG_SUCCESS},
	{24, true, 0, 0, MACH_SEND_MSG_TOO_SMALL},
	{28, true, 0, 0, MACH_MSG_SUCCESS},
	{28, true, 1, 0, MACH_SEND_MSG_TOO_SMALL},
	{28, true, 0xffffffff, 0, MACH_SEND_MSG_TOO_SMALL},
	{36, true, 1, 0, MACH_SEND_MSG_TOO_SMALL},
	{40, true, 1, 0, MACH_MSG_SUCCESS},
	{40, true, 1, MACH_MSG_OOL_DESCRIPTOR, MACH_SEND_MSG_TOO_SMALL},
	{40, true, 1, MACH_MSG_GUARDED_PORT_DESCRIPTOR, MACH_SEND_MSG_TOO_SMALL},
	{40, true, 1, 5, MACH_SEND_INVALID_TYPE},
	{40, true, 1, 255, MACH_SEND_INVALID_TYPE},
	{40, true, 2, 0, MACH_SEND_MSG_TOO_SMALL},
	{48, true, 2, 0, MACH_SEND_MSG_TOO_SMALL},
	{52, true, 2, 0, MACH_MSG_SUCCESS},
	{52, true, 2, MACH_MSG_OOL_DESCRIPTOR, MACH_SEND_MSG_TOO_SMALL},
	{56, true, 1, 0, MACH_MSG_SUCCESS},
	{44, true, 1, 5, MACH_SEND_INVALID_TYPE},
};

START_TEST(a_message_must_hold_what_it_announces)
{
	struct world world = begin();
	uint32_t size = shapes[_i].size;
	struct lab_buffer message = lab_to(world.port, 1);
	struct lab_msg msg = {
		.option = MACH_SEND_MSG, .send = &message, .send_size = size, .inline_size = size};

	if (shapes[_i].complex)
		message.header.msgh_bits |= MACH_MSGH_BITS_COMPLEX;
	message.base.body.msgh_descriptor_count = shapes[_i].count;
	for (size_t at = sizeof message.base + 11; at < 100; at += 12)
		message.bytes[at] = shapes[_i].type;
	lab_is(shapes[_i].code, lab_msg(world.a, &msg));
	lab_name_is(world.a, world.port, SEND_RECEIVE, 1);
	if (shapes[_i].code == MACH_MSG_SUCCESS) {
		message = lab_message(world.a, world.port, 1);
		ck_assert_uint_eq(message.header.msgh_size, size);
		ck_assert_uint_eq(message.header.msgh_bits >> 31, shapes[_i].complex);
		if (shapes[_i].complex)
			ck_assert_uint_eq(message.base.body.msgh_descriptor_count,
					  shapes[_i].count);
	}
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_bad_descriptor_type_costs_nothing)
{
	struct world world = begin();
	mach_port_name_t once = lab_new_once(world.a, world.port);
	struct lab_buffer message;

	lab_compose(&message, once, MOVE_ONCE, world.port, MAKE_ONCE, 1);
	lab_add_port(&message, world.port, MOVE_SEND);
	lab_add_port(&message, world.port, MOVE_SEND);
	message.bytes[sizeof message.base + 12 + 11] = 9;
	lab_is(MACH_SEND_INVALID_TYPE, lab_send_now(world.a, &message));
	lab_name_is(world.a, once, SEND_ONCE, 1);
	lab_name_is(world.a, world.port, SEND_RECEIVE, 1);
	lab_silent(world.a, world.port);
	lab_stop(world.lab);
}
END_TEST

/* The largest message is 48 MiB - 68; its end is in a memfd. */
START_TEST(the_largest_message_passes_and_a_larger_one_does_not)
{
	struct world world = begin();
	struct lab_buffer message = lab_to(world.port, 1);
	struct lab_msg msg = {.option = MACH_SEND_MSG,
			      .send = &message,
			      .send_size = MACHD_MESSAGE_SIZE_MAX,
			      .inline_size = 24};

	lab_ok(lab_msg(world.a, &msg));
	ck_assert_uint_eq(world.lab->fds[1], LAB_FD_INSIDE);
	msg.send_size += 4;
	lab_is(MACH_SEND_TOO_LARGE, lab_msg(world.a, &msg));
	ck_assert_uint_eq(world.lab->fds[2], LAB_FD_RELEASED);
	lab_ok(lab_destroy(world.a, world.port));
	ck_assert_uint_eq(world.lab->fds[1], LAB_FD_RELEASED);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_header_or_descriptor_must_be_in_the_frame_itself)
{
	static const uint32_t inline_sizes[] = {4, 20, 24, 28, 39};
	struct world world = begin();

	for (unsigned i = 0; i < sizeof inline_sizes / sizeof *inline_sizes; i++) {
		struct lab_buffer message = lab_to(world.port, 1);
		struct lab_msg msg = {
			.option = MACH_SEND_MSG, .send = &message, .inline_size = inline_sizes[i]};

		lab_add_port(&message, world.port, COPY_SEND);
		msg.send_size = message.header.msgh_size;
		lab_is(MACH_SEND_INVALID_DATA, lab_msg(world.a, &msg));
	}
	for (uint32_t size = 40; size < 44; size++) { /* a longer descriptor, cut short */
		struct lab_buffer message = lab_to(world.port, 1);
		struct lab_msg msg = {.option = MACH_SEND_MSG,
				      .send = &message,
				      .send_size = 48,
				      .inline_size = size};

		lab_add_port(&message, world.port, COPY_SEND);
		message.bytes[sizeof message.base + 11] = MACH_MSG_OOL_DESCRIPTOR;
		lab_is(MACH_SEND_INVALID_DATA, lab_msg(world.a, &msg));
	}
	lab_name_is(world.a, world.port, SEND_RECEIVE, 1);
	lab_stop(world.lab);
}
END_TEST

/* --- options --- */

static const struct {
	uint64_t kind;
	bool receives, to_daemon;
	mach_msg_return_t code;
} flows[] = {
	{MACH64_SEND_ANY, false, false, MACH_MSG_SUCCESS},
	{MACH64_SEND_MQ_CALL, false, false, MACH_MSG_SUCCESS},
	{MACH64_SEND_KOBJECT_CALL, false, false, MACH_SEND_INVALID_OPTIONS},
	{MACH64_SEND_DK_CALL, false, false, MACH_SEND_INVALID_OPTIONS},
	{MACH64_SEND_ANY, false, true, MACH_MSG_SUCCESS},
	{MACH64_SEND_KOBJECT_CALL, true, true, MACH_RCV_TIMED_OUT},
	{MACH64_SEND_KOBJECT_CALL, false, true, MACH_SEND_INVALID_OPTIONS},
	{MACH64_SEND_MQ_CALL, true, true, MACH_SEND_INVALID_OPTIONS},
	{MACH64_SEND_MQ_CALL | MACH64_SEND_ANY, false, false, MACH_SEND_INVALID_OPTIONS},
	{MACH64_SEND_KOBJECT_CALL | MACH64_SEND_MQ_CALL, false, false, MACH_SEND_INVALID_OPTIONS},
	{MACH64_SEND_ANY | MACH64_MSG_VECTOR, false, false, MACH_MSG_SUCCESS},
	{MACH64_SEND_MQ_CALL | MACH64_MSG_VECTOR, false, false, MACH_MSG_SUCCESS},
	{MACH64_SEND_KOBJECT_CALL | MACH64_MSG_VECTOR, true, true, MACH_SEND_INVALID_OPTIONS},
};

START_TEST(a_send_names_the_kind_of_its_destination)
{
	struct world world = begin();
	struct lab_buffer message =
		lab_to(flows[_i].to_daemon ? world.a->task->self : world.port, 1);
	struct lab_msg msg = {.option = MACH_SEND_MSG | flows[_i].kind,
			      .send = &message,
			      .send_size = 24,
			      .receive_name = world.port,
			      .receive_size = sizeof message};

	if (flows[_i].receives)
		msg.option |= MACH_RCV_MSG | MACH_RCV_TIMEOUT;
	lab_is(flows[_i].code, lab_msg(world.a, &msg));
	lab_stop(world.lab);
}
END_TEST

/* A destination of the wrong kind is found out when the header's rights are taken: they are lost.
 */
START_TEST(the_wrong_kind_of_send_costs_the_header_rights)
{
	struct world world = begin();
	mach_port_name_t reply = lab_new_port(world.a);
	struct lab_buffer message;
	struct lab_msg msg = {.option = MACH_SEND_MSG | MACH64_SEND_KOBJECT_CALL,
			      .send = &message,
			      .send_size = 24};

	lab_compose(&message, world.port, MOVE_SEND, reply, MAKE_ONCE, 1);
	lab_is(MACH_SEND_INVALID_OPTIONS, lab_msg(world.a, &msg));
	lab_name_is(world.a, world.port, RECEIVE, 0);
	lab_notice(world.a, reply, MACH_NOTIFY_SEND_ONCE);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_send_without_a_kind_is_refused_and_costs_nothing)
{
	struct world world = begin();
	struct lab_buffer message = lab_to(world.port, 1);
	struct machd_message_args args = {.option = MACH_SEND_MSG, .send_size = 24};

	world.a->msg = (struct lab_msg){.send = &message};
	ck_assert(lab_request(world.a, MACHD_OP_MESSAGE, &args, sizeof args, &message, 24, NULL));
	lab_is(MACH_SEND_INVALID_OPTIONS, lab_wait(world.a));
	lab_name_is(world.a, world.port, SEND_RECEIVE, 1);
	lab_stop(world.lab);
}
END_TEST

START_TEST(neither_send_nor_receive_is_success)
{
	struct world world = begin();
	struct lab_msg msg = {.option = MACH_SEND_TIMEOUT};

	lab_ok(lab_msg(world.a, &msg));
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_failed_send_does_not_receive)
{
	struct world world = begin();
	struct lab_buffer message;
	struct lab_msg msg = {.option = MACH_SEND_MSG | MACH_RCV_MSG,
			      .send = &message,
			      .send_size = 24,
			      .receive_name = world.port,
			      .receive_size = sizeof message};

	lab_fill(world.a, world.port, 1, 7);
	lab_compose(&message, MACH_PORT_NULL, COPY_SEND, NOBODY, 0, 1);
	lab_is(MACH_SEND_INVALID_DEST, lab_msg(world.a, &msg));
	lab_message(world.a, world.port, 7);
	lab_stop(world.lab);
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_loop_test(tcase, destination_and_reply_under_one_name, 0, NAMES);
	tcase_add_test(tcase, one_name_for_both_gives_the_receiver_two_rights);
	tcase_add_loop_test(tcase, of_two_mistakes_in_a_header_the_earlier_check_is_reported, 0,
			    sizeof mistakes / sizeof *mistakes);
	tcase_add_test(tcase, a_reply_name_without_a_disposition_is_a_bad_header);
	tcase_add_test(tcase, two_names_of_one_port_are_two_rights);
	tcase_add_loop_test(tcase, the_voucher_field_is_none_or_the_null_voucher, 0,
			    sizeof vouchers / sizeof *vouchers);
	tcase_add_test(tcase, a_dead_voucher_is_no_voucher);
	tcase_add_test(tcase, without_rcv_voucher_the_null_voucher_leaves_no_bits);
	tcase_add_test(tcase,
		       a_bad_voucher_is_reported_before_a_bad_reply_and_a_missing_destination);
	tcase_add_test(tcase, bits_that_are_not_a_senders_are_masked_off);
	tcase_add_test(tcase, any_id_and_any_stated_size_will_do);
	tcase_add_loop_test(tcase, a_message_must_hold_what_it_announces, 0,
			    sizeof shapes / sizeof *shapes);
	tcase_add_test(tcase, a_bad_descriptor_type_costs_nothing);
	tcase_add_test(tcase, the_largest_message_passes_and_a_larger_one_does_not);
	tcase_add_test(tcase, a_header_or_descriptor_must_be_in_the_frame_itself);
	tcase_add_loop_test(tcase, a_send_names_the_kind_of_its_destination, 0,
			    sizeof flows / sizeof *flows);
	tcase_add_test(tcase, the_wrong_kind_of_send_costs_the_header_rights);
	tcase_add_test(tcase, a_send_without_a_kind_is_refused_and_costs_nothing);
	tcase_add_test(tcase, neither_send_nor_receive_is_success);
	tcase_add_test(tcase, a_failed_send_does_not_receive);
}

int main(void)
{
	return lab_run("ipc_header", add_tests);
}
