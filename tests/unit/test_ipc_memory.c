/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Descriptors of all kinds as the machine sees them: which error wins, tables of memory that lie,
 * signatures, and that every memfd comes out exactly once, which the lab checks by itself.
 */
#include <string.h>

#include "daemon/base/mem.h"
#include "daemon/ipc/ipc_host.h"
#include "daemon/ipc/ipc_kmsg.h"
#include "daemon/ipc/ipc_port.h"
#include "daemon/ipc/ipc_space.h"
#include "daemon/ipc/ipc_task.h"
#include "tests/lab/lab_letter.h"

#define PAGE 4096u
#define MIB  1048576u

/* --- which error wins --- */

static mach_msg_return_t worst(struct letter_world *world, unsigned count, bool unknown)
{
	letter_start(world->dest, MOVE_SEND);
	for (unsigned i = 0; i < count; i++) {
		if (i == 0)
			letter_add_memory(1, 2, MACH_MSG_OOL_DESCRIPTOR); /* INVALID_TYPE */
		else if (i >= count - 2)
			letter_add_ports(UINT32_MAX, COPY_SEND); /* two of them: TOO_LARGE */
		else
			letter_add_memory(0, 0, unknown && i == 1 ? 5 : MACH_MSG_OOL_DESCRIPTOR);
	}
	return letter_send(world->b);
}

START_TEST(the_direction_turns_at_65_descriptors)
{
	struct letter_world world = letter_begin(64, 64);

	lab_is(MACH_SEND_TOO_LARGE, worst(&world, 3, false));
	lab_is(MACH_SEND_TOO_LARGE, worst(&world, 64, false));
	lab_is(MACH_SEND_INVALID_TYPE, worst(&world, 65, false));
	lab_is(MACH_SEND_INVALID_TYPE, worst(&world, 300, false));
	/* A type that is none is found before anything else, whatever the number. */
	lab_is(MACH_SEND_INVALID_TYPE, worst(&world, 64, true));
	lab_name_is(world.b, world.dest, SEND, 1);
	lab_stop(world.lab);
}
END_TEST

/*
 * Ports are counted while the descriptors are gone through, in 32 bits: the one at which the count
 * overflows is the wrong one. That there are more than a message may have is found out afterwards.
 */
START_TEST(ports_overflow_at_one_descriptor)
{
	/* Ports of two arrays, and between them a bad descriptor, which is met before the first. */
	static const uint32_t pairs[][2] = {{UINT32_MAX, 1}, {1, UINT32_MAX}, {0, UINT32_MAX}};
	struct letter_world world = letter_begin(64, 64);

	for (unsigned i = 0; i < sizeof pairs / sizeof *pairs; i++) {
		letter_start(world.dest, MOVE_SEND);
		letter_add_ports(pairs[i][0], COPY_SEND);
		letter_add_memory(1, 2, MACH_MSG_OOL_DESCRIPTOR);
		letter_add_ports(pairs[i][1], COPY_SEND);
		lab_is(MACH_SEND_INVALID_TYPE, letter_send(world.b));
	}
	letter_start(world.dest, MOVE_SEND);
	letter_add_memory(1, 2, MACH_MSG_OOL_DESCRIPTOR);
	letter_add_port(MACH_PORT_NULL, COPY_SEND); /* here */
	letter_add_ports(UINT32_MAX, COPY_SEND);
	lab_is(MACH_SEND_TOO_LARGE, letter_send(world.b));
	letter_start(world.dest, MOVE_SEND);
	letter_add_ports(UINT32_MAX, COPY_SEND);
	lab_is(MACH_SEND_TOO_LARGE, letter_send(world.b));
	lab_name_is(world.b, world.dest, SEND, 1);
	lab_stop(world.lab);
}
END_TEST

START_TEST(totals)
{
	struct letter_world world = letter_begin(64, 64);

	letter_start(world.dest, MOVE_SEND);
	letter_add_memory(7 * MIB, PHYSICAL, MACH_MSG_OOL_DESCRIPTOR);
	letter_add_port(MACH_PORT_NULL, COPY_SEND);
	lab_is(MACH_MSG_VM_KERNEL, letter_send(world.b));
	letter_start(world.dest, MOVE_SEND);
	letter_add_memory(7 * MIB - PAGE + 1, PHYSICAL, MACH_MSG_OOL_VOLATILE_DESCRIPTOR);
	letter_add_memory(32769, PHYSICAL, MACH_MSG_OOL_DESCRIPTOR);
	lab_is(MACH_MSG_VM_KERNEL, letter_send(world.b));
	/* Too many ports beat too much memory, and nobody has asked for the memory so far. */
	letter_start(world.dest, MOVE_SEND);
	letter_add_memory(8 * MIB, PHYSICAL, MACH_MSG_OOL_DESCRIPTOR);
	letter_add_ports(16384, COPY_SEND);
	lab_is(MACH_SEND_TOO_LARGE, letter_send(world.b));
	letter_start(world.dest, MOVE_SEND);
	letter_add_memory(7 * MIB, PHYSICAL, MACH_MSG_OOL_DESCRIPTOR);
	letter_add_memory(32768, PHYSICAL, MACH_MSG_OOL_DESCRIPTOR);
	lab_is(MACHD_MEMORY_WANTED, letter_send(world.b));
	lab_name_is(world.b, world.dest, SEND, 1);
	lab_stop(world.lab);
}
END_TEST

START_TEST(memory_is_asked_for_and_nothing_is_taken)
{
	struct letter_world world = letter_begin(64, 64);

	letter_start(world.dest, MOVE_SEND);
	letter_add_port(world.right, MOVE_SEND);
	letter_add_memory(0, VIRTUAL, MACH_MSG_OOL_DESCRIPTOR);
	lab_is(MACHD_MEMORY_WANTED, letter_send(world.b));
	LAB_TRUE(world.b->result.memory_taken == 0);
	letter.held = letter.size;
	letter.size += 1000;
	letter_add_fd(world.lab, 1000, true);
	lab_is(MACHD_MEMORY_WANTED, letter_send(world.b));
	LAB_TRUE(world.lab->fds[letter.fds[0].handle] == LAB_FD_RELEASED);
	lab_name_is(world.b, world.dest, SEND, 1);
	lab_name_is(world.b, world.right, SEND_RECEIVE, 1);
	lab_stop(world.lab);
}
END_TEST

/* --- tables that lie --- */

START_TEST(memory_that_is_not_there_is_unreadable)
{
	static const struct {
		uint32_t size, source, fd;
		uint64_t offset, fd_size;
		bool sealed;
	} lies[] = {
		{100, MACHD_MEMORY_NONE, 0, 0, 0, true},
		{100, MACHD_MEMORY_INLINE, 0, 0, 0, true},
		{100, MACHD_MEMORY_UNREADABLE, 0, 0, 0, true},
		{100, 77, 0, 0, 200, true},
		{100, MACHD_MEMORY_FD, 0, 0, 0, true},
		{100, MACHD_MEMORY_FD, 0, 0, 99, true},
		{100, MACHD_MEMORY_FD, 0, 1, 100, true},
		{100, MACHD_MEMORY_FD, 0, UINT64_MAX, 100, true},
		{100, MACHD_MEMORY_FD, 0, UINT64_MAX - 50, 100, true},
		{100000001, MACHD_MEMORY_FD, 0, 0, 100000000, true},
		{100, MACHD_MEMORY_FD, 0, 0, 200, false},
		{100, MACHD_MEMORY_FD, 1, 0, 200, true},
		{100, MACHD_MEMORY_FD, UINT32_MAX, 0, 200, true},
	};
	struct letter_world world = letter_begin(64, 64);

	for (unsigned i = 0; i < sizeof lies / sizeof *lies; i++) {
		letter_start(world.dest, COPY_SEND);
		letter_add_memory(lies[i].size, VIRTUAL, MACH_MSG_OOL_DESCRIPTOR);
		letter_entry(lies[i].source, lies[i].fd, lies[i].offset);
		if (lies[i].fd_size)
			letter_add_fd(world.lab, lies[i].fd_size, lies[i].sealed);
		lab_is(MACH_SEND_INVALID_MEMORY, letter_send(world.b));
		LAB_TRUE(world.b->result.memory_taken == 0);
	}
	lab_silent(world.a, world.port);
	lab_stop(world.lab);
}
END_TEST

/* Arrays have to be inline: the daemon reads no memfd. */
START_TEST(names_that_are_not_there)
{
	struct letter_world world = letter_begin(64, 64);
	mach_port_name_t names[] = {world.right, world.right};

	letter_start(world.dest, COPY_SEND);
	letter_add_ports(2, COPY_SEND);
	letter_entry(MACHD_MEMORY_FD, 0, 0);
	letter_add_fd(world.lab, 100, true);
	lab_is(MACH_SEND_INVALID_MEMORY, letter_send(world.b));
	letter_start(world.dest, COPY_SEND);
	letter_add_ports(3, COPY_SEND);
	letter_entry_inline(names, sizeof names);
	lab_is(MACH_SEND_INVALID_MEMORY, letter_send(world.b));
	/* The table is shorter than the message: what is not in it cannot be read. */
	letter_start(world.dest, COPY_SEND);
	letter_add_ports(2, MOVE_SEND);
	letter_add_ports(2, COPY_SEND);
	letter_entry_inline(&world.dest, 0);
	lab_is(MACH_SEND_INVALID_MEMORY, letter_send(world.b));
	lab_name_is(world.b, world.right, SEND_RECEIVE, 1);
	lab_stop(world.lab);
}
END_TEST

START_TEST(frames_that_are_cut_short_end_the_connection)
{
	struct letter_world world = letter_begin(64, 64);
	struct machd_message_args args = {.option = MACH_SEND_MSG | MACH64_SEND_ANY,
					  .send_size = 24,
					  .memory_count = UINT32_MAX,
					  .data_size = UINT32_MAX};

	LAB_TRUE(!lab_request(world.b, MACHD_OP_MESSAGE, &args, sizeof args, letter.bytes, 24,
			      NULL));
	LAB_TRUE(strstr(world.lab->why, "cut short"));
	lab_stop(world.lab);
}
END_TEST

/* Memory in the memfd of the body: a receiver could not tell the two apart. */
START_TEST(the_memfd_of_the_body_is_no_memory)
{
	struct letter_world world = letter_begin(64, 64);

	letter_start(world.dest, COPY_SEND);
	letter_add_memory(100, VIRTUAL, MACH_MSG_OOL_DESCRIPTOR);
	letter.held = letter.size;
	letter.size += 1000;
	letter_add_fd(world.lab, 1000, true);
	letter_add_fd(world.lab, 1000, true);
	letter_entry(MACHD_MEMORY_FD, 0, 0);
	lab_is(MACH_SEND_INVALID_MEMORY, letter_send(world.b));
	letter.table[0].fd = 1;
	letter.fd_count = 0;
	letter_add_fd(world.lab, 1000, true);
	letter_add_fd(world.lab, 1000, true);
	lab_is(MACH_MSG_SUCCESS, letter_send(world.b));
	lab_is(MACH_MSG_SUCCESS, letter_receive(&world, 0));
	LAB_TRUE(world.a->fd_count == 2 && letter_came(world.a, 0).fd == 1);
	LAB_TRUE(world.a->result.body_size == 1000);
	lab_stop(world.lab);
}
END_TEST

/* Memfds and a table that nothing in the message needs do not reach the receiver. */
START_TEST(memfds_that_nothing_names_stay_here)
{
	struct letter_world world = letter_begin(64, 64);

	for (unsigned body = 0; body < 2; body++) {
		letter_start(world.dest, COPY_SEND);
		letter_add_port(MACH_PORT_NULL, COPY_SEND);
		letter.held = letter.size;
		letter.size += body * 1000;
		for (unsigned i = 0; i < 3; i++)
			letter_add_fd(world.lab, 1000, true);
		letter_entry(MACHD_MEMORY_FD, 1, 0);
		lab_is(MACH_MSG_SUCCESS, letter_send(world.b));
		lab_is(MACH_MSG_SUCCESS, letter_receive(&world, 0));
		LAB_TRUE(world.a->fd_count == body);
		LAB_TRUE(world.a->memory_size == 0 && world.a->result.memory_count == 0);
		LAB_TRUE(world.lab->fds[letter.fds[2].handle] == LAB_FD_RELEASED);
	}
	lab_stop(world.lab);
}
END_TEST

/* One memfd for several, overlapping: each is what its descriptor says. */
START_TEST(ranges_of_one_memfd_may_overlap)
{
	struct letter_world world = letter_begin(64, 64);

	letter_start(world.dest, COPY_SEND);
	for (unsigned i = 0; i < 4; i++) {
		letter_add_memory(1000, i % 2, MACH_MSG_OOL_DESCRIPTOR);
		letter_entry(MACHD_MEMORY_FD, 0, 100 * i);
	}
	letter_add_fd(world.lab, 1300, true);
	lab_is(MACH_MSG_SUCCESS, letter_send(world.b));
	LAB_TRUE(world.b->result.memory_taken == 4);
	lab_is(MACH_MSG_SUCCESS, letter_receive(&world, 0));
	LAB_TRUE(world.a->fd_count == 1);
	for (unsigned i = 0; i < 4; i++)
		LAB_TRUE(letter_came(world.a, i).offset == 100 * i);
	lab_stop(world.lab);
}
END_TEST

/* A narrow message with a short table: it would leave with more than a packet holds. */
START_TEST(what_does_not_fit_an_answer_is_refused)
{
	static const struct {
		uint32_t descriptors;
		mach_msg_return_t code;
	} sizes[] = {{1000, MACH_MSG_SUCCESS},
		     {6000, MACH_MSG_SUCCESS},
		     {8000, MACH_SEND_NO_BUFFER},
		     {12000, MACH_SEND_NO_BUFFER}};
	struct letter_world world = letter_begin(32, 64);

	for (unsigned i = 0; i < 4; i++) {
		mach_msg_ool_descriptor32_t memory = {.type = MACH_MSG_OOL_DESCRIPTOR,
						      .copy = VIRTUAL};
		uint32_t room;

		letter_start(world.dest, COPY_SEND);
		for (uint32_t k = 0; k < sizes[i].descriptors; k++) {
			room = MACHD_FRAME_SIZE_MAX - 200 - 12 * sizes[i].descriptors;
			memory.size = k ? 0 : room < 90000 ? room : 90000;
			letter_add(&memory, sizeof memory);
		}
		room = MACHD_FRAME_SIZE_MAX - 200 - 12 * sizes[i].descriptors;
		letter_entry_inline(letter.bytes, room < 90000 ? room : 90000);
		lab_is(sizes[i].code, letter_send(world.b));
		if (sizes[i].code == MACH_MSG_SUCCESS)
			lab_is(MACH_MSG_SUCCESS, letter_receive(&world, 0));
	}
	lab_stop(world.lab);
}
END_TEST

/* --- what is signed, and what fails --- */

/* A message with all there is; its memfd is in letter.fds[0]. */
static void compose_all(struct letter_world *world)
{
	mach_port_name_t names[] = {world->right, MACH_PORT_DEAD, world->right};

	letter_start(world->dest, COPY_SEND);
	letter_add_port(world->right, COPY_SEND);
	letter_add_memory(1000, VIRTUAL, MACH_MSG_OOL_DESCRIPTOR);
	letter_add_ports(3, COPY_SEND);
	letter_add_memory(50, VIRTUAL, MACH_MSG_OOL_DESCRIPTOR);
	letter_entry(MACHD_MEMORY_FD, 0, 10);
	letter_entry_inline(names, sizeof names);
	letter_entry_inline(letter.bytes, 50);
	letter_add_fd(world->lab, 2000, true);
}

static struct ipc_kmsg *queued(struct letter_world *world)
{
	struct ipc_space *space = world->a->ipc->th_task->t_space;
	struct ipc_port *port = ipc_entry_lookup(space, world->port)->ie_port;

	return list_first(&port->ip_messages, struct ipc_kmsg, ikm_work.w_link);
}

START_TEST(descriptors_rights_and_memfds_are_signed)
{
	struct letter_world world = letter_begin(64, 64);
	struct ipc_kmsg *kmsg;
	unsigned told = 0;

	compose_all(&world);
	lab_is(MACH_MSG_SUCCESS, letter_send(world.b));
	kmsg = queued(&world);
	LAB_TRUE((uint8_t *)(kmsg->ikm_fds + 1) == (uint8_t *)&kmsg->ikm_header + kmsg->ikm_signed);
	for (size_t at = 0; at < kmsg->ikm_signed; at++) {
		uint8_t *byte = (uint8_t *)&kmsg->ikm_header + at;

		for (unsigned bit = 0; bit < 8; bit++) {
			*byte ^= (uint8_t)(1 << bit);
			LAB_TRUE(!ipc_kmsg_check_signature(world.lab->host, kmsg));
			LAB_TRUE(world.lab->corrupt == ++told);
			*byte ^= (uint8_t)(1 << bit);
		}
	}
	LAB_TRUE(ipc_kmsg_check_signature(world.lab->host, kmsg));
	lab_is(MACH_MSG_SUCCESS, letter_receive(&world, 0));
	lab_stop(world.lab);
}
END_TEST

enum { RECEIVED, DESTROYED, TOO_LARGE, GIVEN_BACK, REFUSED, SENDER_GONE, NOBODY_LEFT, ENDS };

/* However a message ends, its memfd comes out once; the lab checks that. */
START_TEST(a_memfd_comes_out_once)
{
	struct letter_world world = letter_begin(64, 64);
	struct lab_buffer small;
	struct lab_msg msg = {.option = MACH_RCV_MSG,
			      .receive = &small,
			      .receive_size = 24,
			      .receive_name = world.port};
	enum lab_fd_place place = LAB_FD_RELEASED;

	compose_all(&world);
	if (_i == GIVEN_BACK)
		lab_set_qlimit(world.a, world.port, 0);
	if (_i == REFUSED)
		letter_add_port(0x4203, COPY_SEND);
	lab_is(_i == GIVEN_BACK ? MACH_SEND_TIMED_OUT
	       : _i == REFUSED	? MACH_SEND_INVALID_RIGHT
				: MACH_MSG_SUCCESS,
	       letter_send(world.b));
	LAB_TRUE(world.b->result.memory_taken == 3);
	if (_i == RECEIVED)
		lab_is(MACH_MSG_SUCCESS, letter_receive(&world, 0));
	else if (_i == DESTROYED)
		lab_ok(lab_destroy(world.a, world.port));
	else if (_i == TOO_LARGE)
		lab_is(MACH_RCV_TOO_LARGE, lab_msg(world.a, &msg));
	else if (_i == SENDER_GONE)
		lab_kill(world.b->task);
	else if (_i == NOBODY_LEFT)
		lab_kill(world.a->task);
	if (_i == SENDER_GONE)
		lab_is(MACH_MSG_SUCCESS, letter_receive(&world, 0));
	if (_i == RECEIVED || _i == GIVEN_BACK || _i == SENDER_GONE)
		place = LAB_FD_HANDED_OUT;
	LAB_TRUE(world.lab->fds[letter.fds[0].handle] == place);
	lab_stop(world.lab);
}
END_TEST

START_TEST(memory_that_is_short)
{
	for (uint64_t n = 1; n < 30; n++) {
		struct letter_world world = letter_begin(64, 64);
		mach_msg_return_t code;

		compose_all(&world);
		mem_fail_after(n);
		code = letter_send(world.b);
		mem_fail_after(0);
		LAB_TRUE(code == MACH_MSG_SUCCESS || code == MACH_SEND_NO_BUFFER);
		LAB_TRUE(n > 1 || code == MACH_SEND_NO_BUFFER);
		lab_name_is(world.b, world.right, SEND_RECEIVE, 1);
		mem_fail_after(n);
		code = letter_receive(&world, 0);
		mem_fail_after(0);
		LAB_TRUE(code == MACH_MSG_SUCCESS || code == MACH_RCV_TIMED_OUT ||
			 (code & ~MACH_MSG_MASK) == MACH_RCV_BODY_ERROR);
		lab_stop(world.lab);
	}
}
END_TEST

START_TEST(limits_of_a_user)
{
	struct letter_world world = letter_begin(64, 64);
	struct machd_limits limits;

	machd_limits_init(&limits);
	limits.task_share = 100;
	limits.memfds_per_user = 2;
	lab_limits(world.lab, &limits);
	for (unsigned i = 0; i < 3; i++) {
		compose_all(&world);
		lab_is(i < 2 ? MACH_MSG_SUCCESS : MACH_SEND_NO_BUFFER, letter_send(world.b));
	}
	LAB_TRUE(world.lab->fds[letter.fds[0].handle] == LAB_FD_RELEASED);
	lab_is(MACH_MSG_SUCCESS, letter_receive(&world, 0));
	compose_all(&world);
	letter_add_fd(world.lab, 2000, true);
	lab_is(MACH_SEND_NO_BUFFER, letter_send(world.b));
	compose_all(&world);
	lab_is(MACH_MSG_SUCCESS, letter_send(world.b));
	lab_stop(world.lab);
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_test(tcase, the_direction_turns_at_65_descriptors);
	tcase_add_test(tcase, ports_overflow_at_one_descriptor);
	tcase_add_test(tcase, totals);
	tcase_add_test(tcase, memory_is_asked_for_and_nothing_is_taken);
	tcase_add_test(tcase, memory_that_is_not_there_is_unreadable);
	tcase_add_test(tcase, names_that_are_not_there);
	tcase_add_test(tcase, frames_that_are_cut_short_end_the_connection);
	tcase_add_test(tcase, the_memfd_of_the_body_is_no_memory);
	tcase_add_test(tcase, memfds_that_nothing_names_stay_here);
	tcase_add_test(tcase, ranges_of_one_memfd_may_overlap);
	tcase_add_test(tcase, what_does_not_fit_an_answer_is_refused);
	tcase_add_test(tcase, descriptors_rights_and_memfds_are_signed);
	tcase_add_loop_test(tcase, a_memfd_comes_out_once, 0, ENDS);
	tcase_add_test(tcase, memory_that_is_short);
	tcase_add_test(tcase, limits_of_a_user);
}

int main(void)
{
	return lab_run("ipc_memory", add_tests);
}
