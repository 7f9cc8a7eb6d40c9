/* SPDX-License-Identifier: Apache-2.0 */
/* Memfds of a message that is refused: they come back if the sender has let go of them. */
#include "daemon/base/mem.h"
#include "daemon/ipc/ipc_host.h"
#include "tests/lab/lab_letter.h"

#define PAGE 4096u

/* Two pieces of memory, a right between them, and a memfd for each piece. */
static void two_pieces(struct letter_world *world, mach_port_name_t right, uint64_t option)
{
	letter_start(world->dest, COPY_SEND);
	letter.option = option;
	letter_add_memory(PAGE, VIRTUAL, MACH_MSG_OOL_DESCRIPTOR);
	letter_entry(MACHD_MEMORY_FD, 0, 0);
	letter_add_port(right, COPY_SEND);
	letter_add_memory(PAGE, VIRTUAL, MACH_MSG_OOL_DESCRIPTOR);
	letter_entry(MACHD_MEMORY_FD, 1, 0);
	letter_add_fd(world->lab, PAGE, true);
	letter_add_fd(world->lab, PAGE, true);
}

/* Both are somewhere; and if they came back, in their order. */
static void are(const struct letter_world *world, enum lab_fd_place place)
{
	for (unsigned i = 0; i < 2; i++)
		ck_assert_uint_eq(world->lab->fds[letter.fds[i].handle], place);
	ck_assert_uint_eq(world->b->fd_count, place == LAB_FD_HANDED_OUT ? 2 : 0);
	for (unsigned i = 0; i < world->b->fd_count; i++)
		ck_assert_uint_eq(world->b->fds[i], letter.fds[i].handle);
}

START_TEST(a_refusal_at_the_header)
{
	struct letter_world world = letter_begin(64, 64);

	world.dest = 0x7f03;
	two_pieces(&world, MACH_PORT_NULL, MACHD_SEND_RETURN);
	lab_is(MACH_SEND_INVALID_DEST, letter_send(world.b));
	are(&world, LAB_FD_HANDED_OUT);
	ck_assert_uint_eq(world.b->result.memory_taken, 0);
	/* Who does not ask for them has them still. */
	two_pieces(&world, MACH_PORT_NULL, 0);
	lab_is(MACH_SEND_INVALID_DEST, letter_send(world.b));
	are(&world, LAB_FD_RELEASED);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_refusal_in_the_middle)
{
	struct letter_world world = letter_begin(64, 64);

	two_pieces(&world, 0x7f03, MACHD_SEND_RETURN);
	lab_is(MACH_SEND_INVALID_RIGHT, letter_send(world.b));
	are(&world, LAB_FD_HANDED_OUT);
	ck_assert_uint_eq(world.b->result.memory_taken, 1);
	two_pieces(&world, 0x7f03, 0);
	lab_is(MACH_SEND_INVALID_RIGHT, letter_send(world.b));
	are(&world, LAB_FD_RELEASED);
	/* Nothing is charged for them any more. */
	ck_assert_uint_eq(world.lab->host->h_memfds, 0);
	lab_stop(world.lab);
}
END_TEST

START_TEST(a_refusal_before_the_message_is_built)
{
	struct letter_world world = letter_begin(64, 64);

	two_pieces(&world, MACH_PORT_NULL, MACHD_SEND_RETURN);
	mem_fail_after(1);
	lab_is(MACH_SEND_NO_BUFFER, letter_send(world.b));
	mem_fail_after(0);
	are(&world, LAB_FD_HANDED_OUT);
	two_pieces(&world, MACH_PORT_NULL, MACHD_SEND_RETURN);
	letter.fds[1].sealed = TRAP_FD_NO_ROOM;
	lab_is(MACH_SEND_NO_BUFFER, letter_send(world.b));
	are(&world, LAB_FD_HANDED_OUT);
	two_pieces(&world, MACH_PORT_NULL, MACHD_SEND_RETURN | MACH64_SEND_MQ_CALL);
	lab_is(MACH_SEND_INVALID_OPTIONS, letter_send(world.b));
	are(&world, LAB_FD_HANDED_OUT);
	two_pieces(&world, MACH_PORT_NULL, MACHD_SEND_RETURN);
	letter.fds[0].sealed = TRAP_FD_FIXED;
	lab_is(MACH_SEND_INVALID_MEMORY, letter_send(world.b));
	are(&world, LAB_FD_HANDED_OUT);
	lab_stop(world.lab);
}
END_TEST

START_TEST(no_refusal)
{
	struct letter_world world = letter_begin(64, 64);

	two_pieces(&world, MACH_PORT_NULL, MACHD_SEND_RETURN);
	lab_ok(letter_send(world.b));
	are(&world, LAB_FD_INSIDE);
	lab_ok(letter_receive(&world, 0));
	lab_stop(world.lab);
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_test(tcase, a_refusal_at_the_header);
	tcase_add_test(tcase, a_refusal_in_the_middle);
	tcase_add_test(tcase, a_refusal_before_the_message_is_built);
	tcase_add_test(tcase, no_refusal);
}

int main(void)
{
	return lab_run("ipc_memory_return", add_tests);
}
