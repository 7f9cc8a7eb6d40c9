/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a peer may not do: each breach of the protocol gets exactly that peer dropped, with a
 * reason, its descriptors released and everybody else undisturbed. And what is no breach.
 */
#include <stdlib.h>
#include <string.h>

#include "daemon/ipc/ipc_thread.h"
#include "tests/lab/lab_expect.h"
#include "tests/lab/lab_feed.h"

struct world {
	struct lab *lab;
	struct lab_thread *a, *b;
	mach_port_name_t port, dest; /* of a; b's send right to it */
};

static struct world begin(void)
{
	struct world world = {.lab = lab_start(NULL)};

	world.a = lab_task(world.lab, 1000)->thread;
	world.b = lab_task(world.lab, 1000)->thread;
	world.port = lab_new_port(world.a);
	world.dest = lab_pass(world.a, world.port, MAKE_SEND, world.b);
	return world;
}

/* b was dropped for that reason; its task is gone and a is not disturbed. */
static void dropped(struct world *world, const char *why)
{
	struct trap_totals totals;
	mach_port_name_t name;

	ck_assert_ptr_null(world->b->ipc);
	ck_assert_msg(strstr(world->lab->why, why), "dropped because %s", world->lab->why);
	trap_totals(world->lab->host, &totals);
	ck_assert_uint_eq(totals.tasks, 1);
	lab_name_is(world->a, world->port, RECEIVE, 0);
	ck_assert_uint_eq(lab_srights(world->a, world->port), 0);
	lab_ok(lab_allocate(world->a, MACH_PORT_RIGHT_RECEIVE, &name));
	for (ipc_fd_t fd = 1; fd <= world->lab->last_fd; fd++)
		ck_assert_uint_eq(world->lab->fds[fd], LAB_FD_RELEASED);
	lab_stop(world->lab);
}

/* --- the frame's header --- */

static const struct {
	int length; /* more than the packet has */
	uint16_t op, fds;
	int sequence; /* more than the next one */
	uint32_t reserved;
	uint32_t size; /* of the packet, 0: the whole frame */
	const char *why;
} headers[] = {
	{0, MACHD_OP_MESSAGE, 0, 0, 0, 15, "shorter"},
	{0, MACHD_OP_MESSAGE, 0, 0, 0, 1, "shorter"},
	{1, MACHD_OP_MESSAGE, 0, 0, 0, 0, "length"},
	{-1, MACHD_OP_MESSAGE, 0, 0, 0, 0, "length"},
	{0, MACHD_OP_MESSAGE, 0, 0, 3, 0, "flags"},
	{0, MACHD_OP_CALL, 0, 0, 1, 0, "flags"},
	{0, MACHD_OP_MESSAGE, 0, 0, 1, 0, "what may fail"},
	{0, MACHD_OP_MESSAGE, 1, 0, 0, 0, "descriptor"},
	{0, MACHD_OP_MESSAGE, 0xffff, 0, 0, 0, "descriptor"},
	{0, 0, 0, 0, 0, 0, "operation"},
	{0, 6, 0, 0, 0, 0, "operation"},
	{0, 0xffff, 0, 0, 0, 0, "operation"},
	{0, MACHD_OP_MESSAGE | MACHD_OP_ANSWER, 0, 0, 0, 0, "operation"},
	{0, MACHD_OP_MESSAGE, 0, 1, 0, 0, "sequence"},
	{0, MACHD_OP_MESSAGE, 0, -1, 0, 0, "sequence"},
	{0, MACHD_OP_CALL, 0, 1000, 0, 0, "sequence"},
	{0, MACHD_OP_HELLO, 0, 0, 0, 0, "hello again"},
	{0, MACHD_OP_CANCEL, 0, -1, 0, 0, "body"},
	{0, MACHD_OP_CANCEL, 0, 0, 0, 16, "has not made"},
};

START_TEST(a_frame_with_a_bad_header_gets_its_sender_dropped)
{
	struct world world = begin();
	struct machd_message_args args = {.option = MACH_RCV_MSG | MACH_RCV_TIMEOUT};
	uint8_t packet[sizeof(struct machd_frame) + sizeof args];
	uint32_t size = headers[_i].size ? headers[_i].size : (uint32_t)sizeof packet;
	struct machd_frame frame = {.length = size + (uint32_t)headers[_i].length,
				    .op = headers[_i].op,
				    .fds = headers[_i].fds,
				    .sequence =
					    world.b->sequence + 1 + (uint32_t)headers[_i].sequence,
				    .flags = headers[_i].reserved};

	memcpy(packet, &frame, sizeof frame);
	memcpy(packet + sizeof frame, &args, sizeof args);
	ck_assert(!lab_packet(world.b, packet, size, NULL, 0));
	dropped(&world, headers[_i].why);
}
END_TEST

START_TEST(an_empty_packet_gets_its_sender_dropped)
{
	struct world world = begin();

	ck_assert(!lab_packet(world.b, "", 0, NULL, 0));
	dropped(&world, "shorter");
}
END_TEST

START_TEST(more_descriptors_than_announced_are_all_released)
{
	for (unsigned count = 1; count <= 4; count++) {
		for (uint16_t said = 0; said <= 5; said++) {
			struct world world = begin();
			struct machd_message_args args = {.option =
								  MACH_RCV_MSG | MACH_RCV_TIMEOUT};
			struct machd_frame frame = {.length = sizeof frame + sizeof args,
						    .op = MACHD_OP_MESSAGE,
						    .fds = said,
						    .sequence = world.b->sequence + 1};
			uint8_t packet[sizeof frame + sizeof args];
			struct trap_fd fds[4];

			for (unsigned i = 0; i < count; i++)
				fds[i] = (struct trap_fd){lab_fd(world.lab), 100, 1};
			memcpy(packet, &frame, sizeof frame);
			memcpy(packet + sizeof frame, &args, sizeof args);
			ck_assert(!lab_packet(world.b, packet, sizeof packet, fds, count));
			dropped(&world, "");
		}
	}
}
END_TEST

/* --- requests --- */

static const struct {
	enum machd_op op;
	uint32_t size; /* of the body */
	uint32_t first;
	bool fd;
	const char *why;
} requests[] = {
	{MACHD_OP_MESSAGE, 0, 0, false, "cut short"},
	{MACHD_OP_MESSAGE, 47, 0, false, "cut short"},
	{MACHD_OP_CALL, 0, 0, false, "cut short"},
	{MACHD_OP_CALL, 7, 0, false, "cut short"},
	{MACHD_OP_CALL, 8, 0, false, "does not exist"},
	{MACHD_OP_CALL, 8, 3202, false, "does not exist"},
	{MACHD_OP_CALL, 8, UINT32_MAX, false, "does not exist"},
	{MACHD_OP_CALL, 8, MACHD_ROUTINE_mach_port_allocate, false, "wrong size"},
	{MACHD_OP_CALL, 11, MACHD_ROUTINE_mach_port_allocate, false, "wrong size"},
	{MACHD_OP_CALL, 16, MACHD_ROUTINE_mach_port_allocate, false, "wrong size"},
	{MACHD_OP_CALL, 8 + 8 + 2, MACHD_ROUTINE_mach_port_set_attributes, false, "wrong size"},
	{MACHD_OP_CALL, 8 + 4, MACHD_ROUTINE_mach_port_set_attributes, false, "wrong size"},
	{MACHD_OP_CALL, 12, MACHD_ROUTINE_mach_port_allocate, true, "takes none"},
	{MACHD_OP_WATCH, 0, 0, false, "wrong size"},
	{MACHD_OP_WATCH, 23, 0, false, "wrong size"},
	{MACHD_OP_WATCH, 25, 0, false, "wrong size"},
	{MACHD_OP_WATCH, 24, 0, true, "takes none"},
};

START_TEST(a_request_of_the_wrong_shape_gets_its_sender_dropped)
{
	struct world world = begin();
	uint8_t body[64] = {0};
	struct trap_fd fd = {requests[_i].fd ? lab_fd(world.lab) : 0, 100, 1};

	memcpy(body, &requests[_i].first, sizeof requests[_i].first);
	ck_assert(!lab_request(world.b, requests[_i].op, body, requests[_i].size, NULL, 0,
			       requests[_i].fd ? &fd : NULL));
	dropped(&world, requests[_i].why);
}
END_TEST

/* MESSAGE: the bytes in the frame and the memfd must be what the arguments say. */
static const struct {
	uint64_t option;
	uint32_t send_size, inline_size;
	bool fd;
	uint64_t fd_size, sealed;
	const char *why;
} messages[] = {
	{MACH_SEND_MSG, 24, 28, false, 0, 0, "longer"},
	{MACH_SEND_MSG, 28, 24, false, 0, 0, "shorter"},
	{MACH_SEND_MSG, 24, 24, true, 0, 1, "nothing needs"},
	{MACH_RCV_MSG, 0, 4, false, 0, 0, "without saying"},
	{MACH_RCV_MSG, 24, 24, false, 0, 0, "without saying"},
	{MACH_RCV_MSG, 0, 0, true, 100, 1, "without saying"},
	{MACH_SEND_MSG, 203780, 203780, false, 0, 0, "more of a message"},
};

START_TEST(a_message_that_is_not_what_it_says_gets_its_sender_dropped)
{
	struct world world = begin();
	uint8_t *bytes = calloc(1, messages[_i].inline_size + 1);
	struct machd_message_args args = {.option = messages[_i].option | MACH64_SEND_ANY,
					  .send_size = messages[_i].send_size};
	struct trap_fd fd = {messages[_i].fd ? lab_fd(world.lab) : 0, messages[_i].fd_size,
			     messages[_i].sealed};

	ck_assert_ptr_nonnull(bytes);
	ck_assert(!lab_request(world.b, MACHD_OP_MESSAGE, &args, sizeof args, bytes,
			       messages[_i].inline_size, messages[_i].fd ? &fd : NULL));
	free(bytes);
	dropped(&world, messages[_i].why);
}
END_TEST

/* A memfd that cannot be the body, or cannot be kept, costs its sender nothing but a code. */
static const struct {
	uint32_t send_size;
	uint64_t fd_size, sealed;
	mach_msg_return_t code;
} bodies[] = {
	{100, 0, TRAP_FD_NO_ROOM, MACH_SEND_NO_BUFFER},
	{100, 76, TRAP_FD_UNSEALED, MACH_SEND_INVALID_MEMORY},
	{100, 76, TRAP_FD_FIXED, MACH_SEND_INVALID_MEMORY},
	{100, 76, TRAP_FD_SOCKET, MACH_SEND_INVALID_MEMORY},
	{100, 75, TRAP_FD_SEALED, MACH_SEND_INVALID_MEMORY},
	{100, 77, TRAP_FD_SEALED, MACH_SEND_INVALID_MEMORY},
	{100, 0x10000004c, TRAP_FD_SEALED, MACH_SEND_INVALID_MEMORY},
	{UINT32_MAX, 0, TRAP_FD_SEALED, MACH_SEND_INVALID_MEMORY},
};

START_TEST(a_memfd_that_is_no_body_is_no_breach)
{
	struct world world = begin();
	struct lab_buffer header = lab_to(world.dest, 5), buffer;
	struct machd_message_args args = {.option = MACH_SEND_MSG | MACH64_SEND_ANY,
					  .send_size = bodies[_i].send_size};
	struct trap_fd fd = {lab_fd(world.lab), bodies[_i].fd_size, bodies[_i].sealed};
	struct machd_message_answer answer;
	uint8_t *packet;
	size_t size;

	world.b->ipc->th_memory_taken = 3; /* as a request before this one may have left it */
	ck_assert(lab_request(world.b, MACHD_OP_MESSAGE, &args, sizeof args, &header, 24, &fd));
	packet = lab_take_answer(world.b, &size);
	memcpy(&answer, packet + sizeof(struct machd_frame), sizeof answer);
	free(packet);
	ck_assert_uint_eq(answer.code, bodies[_i].code);
	ck_assert_uint_eq(answer.memory_taken, 0);
	lab_is(MACH_RCV_TIMED_OUT, lab_receive_now(world.a, world.port, &buffer));
	lab_stop(world.lab);
}
END_TEST

/* The most that a frame may carry comes out whole, with the largest trailer. */
START_TEST(the_most_that_a_frame_may_carry_is_delivered)
{
	struct world world = begin();
	uint32_t size = MACHD_INLINE_LIMIT;
	uint8_t *bytes = calloc(1, size), *room = calloc(1, size + MAX_TRAILER_SIZE);
	struct lab_msg send = {.option = MACH_SEND_MSG, .send = bytes, .send_size = size};
	struct lab_msg receive = {.option = MACH_RCV_MSG |
					    MACH_RCV_TRAILER_ELEMENTS(MACH_RCV_TRAILER_LABELS),
				  .receive = room,
				  .receive_size = size + MAX_TRAILER_SIZE,
				  .receive_name = world.port};
	struct lab_buffer header = lab_to(world.dest, 5);

	ck_assert(bytes && room);
	memcpy(bytes, &header, 24);
	bytes[size - 1] = 0x77;
	lab_ok(lab_msg(world.b, &send));
	lab_ok(lab_msg(world.a, &receive));
	ck_assert_uint_eq(room[size - 1], 0x77);
	ck_assert_uint_eq(room[size + 4], MAX_TRAILER_SIZE);
	free(bytes);
	free(room);
	lab_stop(world.lab);
}
END_TEST

START_TEST(the_most_ports_that_a_message_may_name_are_delivered)
{
	enum { MOST = MACHD_MESSAGE_PORTS_MAX };
	struct world world = begin();
	uint32_t size = sizeof(mach_msg_base_t) + (MOST + 1) * 12;
	uint8_t *bytes = calloc(1, size + MAX_TRAILER_SIZE);
	mach_msg_base_t *base = (mach_msg_base_t *)bytes;
	mach_msg_port_descriptor_t *port = (mach_msg_port_descriptor_t *)(base + 1);
	struct lab_msg msg = {.option = MACH_SEND_MSG, .send = bytes, .send_size = size};

	ck_assert_ptr_nonnull(bytes);
	base->header.msgh_bits = COPY_SEND | MACH_MSGH_BITS_COMPLEX;
	base->header.msgh_remote_port = world.dest;
	base->body.msgh_descriptor_count = MOST + 1;
	for (unsigned i = 0; i <= MOST; i++)
		port[i] =
			(mach_msg_port_descriptor_t){.name = world.dest, .disposition = COPY_SEND};
	lab_is(MACH_SEND_TOO_LARGE, lab_msg(world.b, &msg));
	base->body.msgh_descriptor_count = MOST;
	msg.send_size -= 12;
	lab_ok(lab_msg(world.b, &msg));
	memset(bytes, 0, size);
	msg = (struct lab_msg){.option = MACH_RCV_MSG,
			       .receive = bytes,
			       .receive_size = size,
			       .receive_name = world.port};
	lab_ok(lab_msg(world.a, &msg));
	ck_assert_uint_eq(base->body.msgh_descriptor_count, MOST);
	for (unsigned i = 0; i < MOST; i++)
		LAB_TRUE(port[i].name == world.port);
	lab_name_is(world.a, world.port, SEND_RECEIVE, MOST);
	free(bytes);
	lab_stop(world.lab);
}
END_TEST

START_TEST(one_request_at_a_time)
{
	struct world world = begin();
	struct lab_buffer message;
	struct machd_message_args args = {.option = MACH_RCV_MSG | MACH_RCV_TIMEOUT};
	struct machd_frame frame = {.length = sizeof frame + sizeof args, .op = MACHD_OP_MESSAGE};
	uint8_t packet[sizeof frame + sizeof args];
	mach_port_name_t port = lab_new_port(world.b);

	lab_is(LAB_BLOCKED, lab_receive(world.b, port, &message, 0, 0));
	frame.sequence = world.b->sequence + 1;
	memcpy(packet, &frame, sizeof frame);
	memcpy(packet + sizeof frame, &args, sizeof args);
	ck_assert(!lab_packet(world.b, packet, sizeof packet, NULL, 0));
	dropped(&world, "under way");
}
END_TEST

START_TEST(a_peer_dropped_while_its_send_is_blocked_leaves_nothing)
{
	struct world world = begin();
	struct lab_buffer message = lab_to(world.dest, 9);
	struct lab_msg msg = {
		.option = MACH_SEND_MSG, .send = &message, .send_size = 100, .inline_size = 24};

	lab_set_qlimit(world.a, world.port, 0);
	lab_is(LAB_BLOCKED, lab_msg(world.b, &msg));
	ck_assert(!lab_packet(world.b, "x", 1, NULL, 0));
	dropped(&world, "shorter");
}
END_TEST

START_TEST(an_old_cancel_is_no_breach)
{
	struct world world = begin();
	struct machd_frame frame = {.length = sizeof frame, .op = MACHD_OP_CANCEL};

	for (uint32_t sequence = 0; sequence <= world.b->sequence; sequence++) {
		frame.sequence = sequence;
		ck_assert(lab_packet(world.b, &frame, sizeof frame, NULL, 0));
	}
	lab_name_is(world.b, world.dest, SEND, 1);
	lab_stop(world.lab);
}
END_TEST

/* --- hello --- */

START_TEST(the_first_frame_must_be_a_hello)
{
	static const enum machd_op ops[] = {MACHD_OP_MESSAGE, MACHD_OP_CALL, MACHD_OP_WATCH,
					    MACHD_OP_CANCEL};

	for (unsigned i = 0; i < 4; i++) {
		struct lab *lab = lab_start(NULL);
		struct lab_thread *thread = lab_connect(lab, 1000, 5);

		ck_assert_ptr_nonnull(thread);
		ck_assert(!lab_request(thread, ops[i], NULL, 0, NULL, 0, NULL));
		ck_assert(strstr(lab->why, "hello"));
		lab_stop(lab);
	}
}
END_TEST

enum {
	GOOD,
	BAD_SEQUENCE,
	NO_MAP,
	TOO_NEW,
	VERSION_0,
	NARROW,
	WATCHER_JOINS,
	WRONG_TOKEN,
	OTHER_PID,
	OTHER_UID,
	HELLOS
};

/* A hello with something wrong about it; `task` is one to join. */
static bool say_hello(struct lab_thread *thread, unsigned wrong, const struct lab_task *task)
{
	struct machd_hello hello = {.version_oldest = wrong == TOO_NEW ? 2 : 1,
				    .version_newest = wrong == VERSION_0 ? 0 : 9,
				    .word = wrong == NARROW ? 16 : 64,
				    .role = wrong == WATCHER_JOINS ? MACHD_ROLE_WATCH
								   : MACHD_ROLE_TASK,
				    .joins = wrong >= WATCHER_JOINS};
	uint8_t bytes[sizeof(struct machd_frame) + MACHD_HELLO_SIZE_MAX];
	struct machd_frame frame = {.op = MACHD_OP_HELLO, .sequence = wrong == BAD_SEQUENCE};

	if (wrong == VERSION_0)
		hello.version_oldest = 0;
	memcpy(hello.token, task->token, sizeof hello.token);
	if (wrong == WRONG_TOKEN)
		hello.token[3] ^= 1;
	frame.length = (uint32_t)(sizeof frame + machd_hello_pack(&hello, bytes + sizeof frame,
								  MACHD_HELLO_SIZE_MAX));
	memcpy(bytes, &frame, sizeof frame);
	if (wrong == NO_MAP)
		bytes[sizeof frame] = 0xc1;
	thread->asked = true;
	thread->op = MACHD_OP_HELLO;
	thread->sequence = frame.sequence;
	return lab_packet(thread, bytes, frame.length, NULL, 0);
}

START_TEST(a_hello_that_is_refused_is_told_why_if_it_can_read_it)
{
	struct world world = begin();
	struct lab_thread *thread = lab_connect(world.lab, _i == OTHER_UID ? 1001 : 1000,
						_i == OTHER_PID ? 77 : world.a->pid);
	struct machd_welcome welcome;
	bool good, told = _i != BAD_SEQUENCE && _i != NO_MAP && _i != VERSION_0 && _i != NARROW;

	good = say_hello(thread, (unsigned)_i, world.a->task);
	ck_assert_int_eq(good, _i == GOOD);
	ck_assert_int_eq(thread->answered, told);
	if (told) {
		ck_assert_ptr_null(machd_welcome_unpack(thread->packet + sizeof(struct machd_frame),
							thread->size - sizeof(struct machd_frame),
							&welcome));
		ck_assert_uint_eq(welcome.version, good ? MACHD_PROTOCOL_VERSION : 0);
		ck_assert_int_eq(welcome.error[0] != '\0', !good);
		if (!good)
			ck_assert_str_eq(welcome.error, world.lab->why);
	}
	lab_name_is(world.a, world.port, RECEIVE, 0);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_watcher_has_no_ports)
{
	struct lab *lab = lab_start(NULL);
	struct lab_thread *thread = lab_watcher(lab, 1000);
	struct machd_message_args args = {.option = MACH_RCV_MSG};
	struct machd_call call = {.routine = MACHD_ROUTINE_mach_port_names};

	ck_assert(!lab_request(thread, MACHD_OP_MESSAGE, &args, sizeof args, NULL, 0, NULL));
	ck_assert(strstr(lab->why, "no ports"));
	thread = lab_watcher(lab, 1000);
	ck_assert(!lab_request(thread, MACHD_OP_CALL, &call, sizeof call, NULL, 0, NULL));
	ck_assert(strstr(lab->why, "no ports"));
	lab_stop(lab);
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_loop_test(tcase, a_frame_with_a_bad_header_gets_its_sender_dropped, 0,
			    sizeof headers / sizeof *headers);
	tcase_add_test(tcase, an_empty_packet_gets_its_sender_dropped);
	tcase_add_test(tcase, more_descriptors_than_announced_are_all_released);
	tcase_add_loop_test(tcase, a_request_of_the_wrong_shape_gets_its_sender_dropped, 0,
			    sizeof requests / sizeof *requests);
	tcase_add_loop_test(tcase, a_message_that_is_not_what_it_says_gets_its_sender_dropped, 0,
			    sizeof messages / sizeof *messages);
	tcase_add_loop_test(tcase, a_memfd_that_is_no_body_is_no_breach, 0,
			    sizeof bodies / sizeof *bodies);
	tcase_add_test(tcase, the_most_that_a_frame_may_carry_is_delivered);
	tcase_add_test(tcase, the_most_ports_that_a_message_may_name_are_delivered);
	tcase_add_test(tcase, one_request_at_a_time);
	tcase_add_test(tcase, a_peer_dropped_while_its_send_is_blocked_leaves_nothing);
	tcase_add_test(tcase, an_old_cancel_is_no_breach);
	tcase_add_test(tcase, the_first_frame_must_be_a_hello);
	tcase_add_loop_test(tcase, a_hello_that_is_refused_is_told_why_if_it_can_read_it, 0,
			    HELLOS);
	tcase_add_test(tcase, a_watcher_has_no_ports);
}

int main(void)
{
	return lab_run("trap_frames", add_tests);
}
