/* SPDX-License-Identifier: Apache-2.0 */
/* Packets that are no frames, frames out of order, and frames with nonsense in them. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "protocol/limits.h"
#include "protocol/ops.h"
#include "protocol/watch.h"
#include "tests/hostile/hostile.h"

#include <mach/message.h>

static uint8_t packet[MACHD_FRAME_SIZE_MAX + 4096];
static const uint8_t zeros[1024];

/* Send one packet over a connection that had said hello; the victim drops it because of that. */
static void breaks_a_rule(const void *bytes, size_t size, const char *reason)
{
	struct raw raw;

	raw_join(&raw);
	raw_packet(&raw, bytes, size, NULL, 0);
	raw_dropped(&raw);
	victim_unharmed(1, reason);
}

START_TEST(test_shorter_than_a_header)
{
	raw_frame(packet, MACHD_OP_CALL, 1, NULL, 0);
	for (size_t size = 1; size < sizeof(struct machd_frame); size++)
		breaks_a_rule(packet, size, "is shorter than a header");
}
END_TEST

START_TEST(test_empty_packet)
{
	breaks_a_rule(packet, 0, "its packet is empty");
}
END_TEST

START_TEST(test_longer_than_a_frame)
{
	static const size_t sizes[] = {MACHD_FRAME_SIZE_MAX + 1, MACHD_FRAME_SIZE_MAX + 2,
				       MACHD_FRAME_SIZE_MAX + 4096};

	for (size_t i = 0; i < 3; i++) {
		raw_frame(packet, MACHD_OP_CALL, 1, zeros, 64);
		((struct machd_frame *)packet)->length = (uint32_t)sizes[i];
		breaks_a_rule(packet, sizes[i], "its packet is longer than a frame may be");
	}
}
END_TEST

START_TEST(test_wrong_length)
{
	static const uint32_t lengths[] = {0, 1, 15, 16, 39, 41, 0x80000000, 0xffffffff};

	for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
		raw_frame(packet, MACHD_OP_CALL, 1, zeros, 24);
		((struct machd_frame *)packet)->length = lengths[i];
		breaks_a_rule(packet, 40, "states another length than it has");
	}
}
END_TEST

START_TEST(test_reserved_field)
{
	raw_frame(packet, MACHD_OP_CALL, 1, zeros, 24);
	((struct machd_frame *)packet)->flags = 1;
	breaks_a_rule(packet, 40, "has flags that are not for it");
}
END_TEST

START_TEST(test_unknown_operation)
{
	static const uint16_t ops[] = {0,     6,     MACHD_OP_LOOK, MACHD_OP_BOARD + 1,
				       0x7f,  0x80,  0x81,	    0x82,
				       0x100, 0x102, 0xffff};

	for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
		raw_frame(packet, MACHD_OP_CALL, 1, zeros, 24);
		((struct machd_frame *)packet)->op = ops[i];
		breaks_a_rule(packet, 40, "asks for an operation that does not exist");
	}
}
END_TEST

START_TEST(test_descriptors_that_did_not_come)
{
	raw_frame(packet, MACHD_OP_MESSAGE, 1, zeros, 80);
	((struct machd_frame *)packet)->fds = 1;
	breaks_a_rule(packet, 96, "states another number of descriptors than came with it");
}
END_TEST

/* All operations, with every length up to a little more than they need. */
START_TEST(test_cut_short)
{
	static const struct {
		enum machd_op op;
		size_t need;
	} ops[] = {
		{MACHD_OP_MESSAGE, sizeof(struct machd_message_args)},
		{MACHD_OP_CALL, sizeof(struct machd_call)},
		{MACHD_OP_WATCH, sizeof(struct machd_watch)},
	};
	struct raw raw;

	for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
		for (size_t size = 0; size < ops[i].need; size++) {
			raw_join(&raw);
			raw_send(&raw, ops[i].op, 1, zeros, size, NULL, 0);
			raw_dropped(&raw);
			victim_unharmed(1, NULL);
		}
	}
}
END_TEST

START_TEST(test_sequence_out_of_order)
{
	static const uint32_t next[] = {0, 1, 3, 4, 0x80000000, 0xffffffff};
	struct raw raw;

	for (size_t i = 0; i < sizeof next / sizeof *next; i++) {
		raw_join(&raw);
		raw_port(&raw); /* was number 1 */
		raw_frame(packet, MACHD_OP_CALL, next[i], zeros, 24);
		raw_packet(&raw, packet, 40, NULL, 0);
		raw_dropped(&raw);
		victim_unharmed(1, "sequence");
	}
}
END_TEST

START_TEST(test_first_sequence_is_not_1)
{
	raw_frame(packet, MACHD_OP_CALL, 0, zeros, 24);
	breaks_a_rule(packet, 40, "sequence");
	raw_frame(packet, MACHD_OP_CALL, 2, zeros, 24);
	breaks_a_rule(packet, 40, "sequence");
}
END_TEST

/* A receive that waits, and the same frame again. */
START_TEST(test_replayed)
{
	struct machd_message_args receive = {.option = MACH_RCV_MSG, .rcv_size = 256};
	struct raw raw;
	size_t size;

	raw_join(&raw);
	receive.rcv_name = raw_port(&raw);
	size = raw_frame(packet, MACHD_OP_MESSAGE, 2, &receive, sizeof receive);
	raw_packet(&raw, packet, size, NULL, 0);
	raw_packet(&raw, packet, size, NULL, 0);
	raw_dropped(&raw);
	victim_unharmed(1, NULL);
}
END_TEST

/* A second request while the first one waits, of each kind. */
START_TEST(test_two_requests_at_once)
{
	static const enum machd_op ops[] = {MACHD_OP_MESSAGE, MACHD_OP_CALL, MACHD_OP_WATCH};
	struct machd_message_args receive = {.option = MACH_RCV_MSG, .rcv_size = 256};
	struct raw raw;

	for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
		raw_join(&raw);
		receive.rcv_name = raw_port(&raw);
		raw_send(&raw, MACHD_OP_MESSAGE, 2, &receive, sizeof receive, NULL, 0);
		raw_send(&raw, ops[i], 3, zeros, 64, NULL, 0);
		raw_dropped(&raw);
		victim_unharmed(1, NULL);
	}
}
END_TEST

START_TEST(test_calls_of_the_wrong_shape)
{
	struct machd_call call = {.routine = 1};

	breaks_a_rule(packet, raw_frame(packet, MACHD_OP_CALL, 1, &call, sizeof call),
		      "a routine that does not exist");
	for (unsigned i = 0; i < machd_routine_count; i++) {
		call.routine = machd_routines[i].number;
		memset(packet + 4096, 0, 1024);
		memcpy(packet + 4096, &call, sizeof call);
		breaks_a_rule(packet,
			      raw_frame(packet, MACHD_OP_CALL, 1, packet + 4096,
					sizeof call + machd_routines[i].in_size + 1),
			      "have the wrong size");
	}
}
END_TEST

/* A request that a code answers: the peer is not dropped. */
static uint32_t code_of(struct raw *raw, enum machd_op op, const void *body, size_t size)
{
	struct machd_frame frame;
	uint32_t code;

	ck_assert(raw_send(raw, op, ++raw->sequence, body, size, NULL, 0));
	size = raw_receive(raw, packet, sizeof packet, NULL);
	ck_assert_uint_ge(size, sizeof frame + sizeof code);
	memcpy(&frame, packet, sizeof frame);
	memcpy(&code, packet + sizeof frame, sizeof code);
	ck_assert_uint_eq(frame.sequence, raw->sequence);
	ck_assert_uint_eq(frame.op, op | MACHD_OP_ANSWER);
	return code;
}

/* Wrong arguments are not a breach: they get their Mach code. */
START_TEST(test_nonsense_in_good_frames)
{
	struct {
		struct machd_call call;
		struct mach_port_allocate_in in;
	} call = {{MACHD_ROUTINE_mach_port_allocate, 0}, {99}};
	struct raw_message message = raw_message(0x7777, MACH_MSG_TYPE_COPY_SEND);
	struct raw raw;

	raw_join(&raw);
	ck_assert_uint_eq(code_of(&raw, MACHD_OP_CALL, &call, sizeof call), MACH_SEND_INVALID_DEST);
	call.call.target = raw.welcome.self;
	ck_assert_uint_eq(code_of(&raw, MACHD_OP_CALL, &call, sizeof call), KERN_INVALID_VALUE);
	ck_assert_uint_eq(code_of(&raw, MACHD_OP_MESSAGE, &message, sizeof message),
			  MACH_SEND_INVALID_DEST);
	message.bits = 31;
	ck_assert_uint_eq(code_of(&raw, MACHD_OP_MESSAGE, &message, sizeof message),
			  MACH_SEND_INVALID_HEADER);
	message.args.option = MACH_SEND_MSG;
	ck_assert_uint_eq(code_of(&raw, MACHD_OP_MESSAGE, &message, sizeof message),
			  MACH_SEND_INVALID_OPTIONS);
	message.args.option = MACH_RCV_MSG;
	ck_assert_uint_eq(code_of(&raw, MACHD_OP_MESSAGE, &message.args, sizeof message.args),
			  MACH_RCV_INVALID_NAME);
	raw_close(&raw);
	victim_unharmed(0, NULL);
}
END_TEST

static size_t random_body(uint8_t *body)
{
	size_t size = raw_random() % 4 ? raw_random() % 200 : raw_random() % 20000;

	for (size_t i = 0; i < size; i++)
		body[i] = (uint8_t)(raw_random() >> 8);
	return size;
}

/* Let a random message be a call of a routine, with arguments that make no sense. */
static void make_mig_call(uint8_t *body, uint32_t number)
{
	struct raw_message message;

	memcpy(&message, body, sizeof message);
	message.args.memory_count = message.args.data_size = message.args.aux_size = 0;
	message.bits = MACH_MSG_TYPE_COPY_SEND;
	if (raw_random() % 2)
		message.bits |= MACH_MSGH_BITS_COMPLEX;
	message.local = message.voucher = MACH_PORT_NULL;
	message.id = number;
	memcpy(body, &message, sizeof message);
}

/* Put in some values that take a random request further; returns its size. */
static size_t make_likely(const struct raw *raw, enum machd_op op, uint8_t *body, size_t size)
{
	const struct machd_routine_row *row = &machd_routines[raw_random() % machd_routine_count];
	uint32_t names[] = {0, raw->welcome.self, raw->welcome.host, raw->welcome.bootstrap,
			    0xffffffff};
	struct machd_call call = {row->number, names[1 + raw_random() % 3]};
	struct machd_message_args args;
	uint32_t message_size;

	if (op == MACHD_OP_CALL) {
		memcpy(body, &call, sizeof call);
		return sizeof call + row->in_size + (machd_fields_rest(row->in) ? size / 4 * 4 : 0);
	}
	if (size < sizeof(struct raw_message))
		return size;
	memcpy(&args, body, sizeof args);
	message_size = (uint32_t)(size - sizeof args);
	args.option = raw_random() % 4 | MACH64_SEND_ANY | MACH_RCV_TIMEOUT | MACH_SEND_TIMEOUT;
	args.send_size = message_size;
	args.timeout = 0;
	memcpy(body, &args, sizeof args);
	memcpy(body + offsetof(struct raw_message, size), &message_size, 4);
	memcpy(body + offsetof(struct raw_message, remote), &names[raw_random() % 5], 4);
	if (raw_random() % 2)
		make_mig_call(body, row->number);
	return args.option & MACH_SEND_MSG ? size : sizeof args;
}

START_TEST(test_random_packets)
{
	struct raw raw = {.fd = -1};
	uint32_t frames = 0;

	for (unsigned round = 0; round < 400; round++) {
		raw_connect(&raw);
		for (unsigned i = 0; i < 20; i++)
			if (!raw_packet(&raw, packet, random_body(packet) + 1, NULL, 0))
				break;
		raw_dropped(&raw);
	}
	for (unsigned round = 0; round < 4000; round++) {
		enum machd_op op = raw_random() % 2 ? MACHD_OP_MESSAGE : MACHD_OP_CALL;
		size_t size = random_body(packet + 1024);
		bool there;

		if (raw.fd < 0)
			raw_join(&raw);
		size = make_likely(&raw, op, packet + 1024, size);
		there = raw_send(&raw, op, ++raw.sequence, packet + 1024, size, NULL, 0);
		there = there && raw_receive(&raw, packet, sizeof packet, NULL) > 0;
		frames += there;
		if (!there)
			raw_close(&raw);
	}
	if (raw.fd >= 0)
		raw_close(&raw);
	ck_assert_uint_gt(frames, 1000);
	victim_unharmed(VICTIM_DROPS_ANY, NULL);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		test_shorter_than_a_header,
		test_empty_packet,
		test_longer_than_a_frame,
		test_wrong_length,
		test_reserved_field,
		test_unknown_operation,
		test_descriptors_that_did_not_come,
		test_cut_short,
		test_sequence_out_of_order,
		test_first_sequence_is_not_1,
		test_replayed,
		test_two_requests_at_once,
		test_calls_of_the_wrong_shape,
		test_nonsense_in_good_frames,
		test_random_packets,
	};

	return hostile_run("bad frames", tests, sizeof tests / sizeof *tests, victim_setup,
			   victim_stop);
}
