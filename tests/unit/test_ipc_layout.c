/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The layouts of messages for 64-bit and 32-bit tasks, in every combination of sender and receiver:
 * descriptors, sizes and trailers.
 */
#include <stddef.h>
#include <string.h>

#include "tests/lab/lab_letter.h"

struct wide {
	mach_msg_base_t base;
	mach_msg_port_descriptor_t port;
	mach_msg_ool_descriptor64_t memory;
	mach_msg_ool_ports_descriptor64_t ports;
	mach_msg_guarded_port_descriptor64_t guarded;
	uint32_t body[2];
	mach_msg_max_trailer_t trailer;
} __attribute__((packed));

struct narrow {
	mach_msg_base_t base;
	mach_msg_port_descriptor_t port;
	mach_msg_ool_descriptor32_t memory;
	mach_msg_ool_ports_descriptor32_t ports;
	mach_msg_guarded_port_descriptor32_t guarded;
	uint32_t body[2];
	mach_msg_max_trailer_t trailer;
} __attribute__((packed));

/* The same message in both layouts. */
#define FILL(message, moved)                                                       \
	do {                                                                       \
		(message)->port.name = world.right;                                \
		(message)->port.disposition = COPY_SEND;                           \
		(message)->port.type = MACH_MSG_PORT_DESCRIPTOR;                   \
		(message)->memory.address = 0xffffffff;                            \
		(message)->memory.size = 5;                                        \
		(message)->memory.copy = VIRTUAL;                                  \
		(message)->memory.type = MACH_MSG_OOL_VOLATILE_DESCRIPTOR;         \
		(message)->ports.count = 2;                                        \
		(message)->ports.disposition = MAKE_ONCE;                          \
		(message)->ports.type = MACH_MSG_OOL_PORTS_DESCRIPTOR;             \
		(message)->guarded.context = 0xabcd;                               \
		(message)->guarded.name = (moved);                                 \
		(message)->guarded.flags = MACH_MSG_GUARD_FLAGS_IMMOVABLE_RECEIVE; \
		(message)->guarded.disposition = MOVE_RECEIVE;                     \
		(message)->guarded.type = MACH_MSG_GUARDED_PORT_DESCRIPTOR;        \
		(message)->body[0] = 0x11111111;                                   \
		(message)->body[1] = 0x22222222;                                   \
	} while (0)

#define EXPECT(message, bits)                                                                  \
	do {                                                                                   \
		LAB_TRUE((message)->base.body.msgh_descriptor_count == 4);                     \
		LAB_TRUE((message)->base.header.msgh_size ==                                   \
			 sizeof *(message) - sizeof(message)->trailer);                        \
		LAB_TRUE((message)->port.disposition == MOVE_SEND);                            \
		LAB_TRUE((message)->memory.type == MACH_MSG_OOL_VOLATILE_DESCRIPTOR);          \
		LAB_TRUE((message)->memory.size == 5 && (message)->memory.copy == VIRTUAL);    \
		LAB_TRUE((message)->memory.deallocate && (message)->memory.address == 0);      \
		LAB_TRUE((message)->ports.count == 2);                                         \
		LAB_TRUE((message)->ports.disposition == MOVE_ONCE);                           \
		LAB_TRUE((message)->ports.copy == VIRTUAL && (message)->ports.deallocate);     \
		LAB_TRUE((message)->guarded.context == (uint##bits##_t)(uintptr_t)letter_got); \
		LAB_TRUE((message)->guarded.flags == 1);                                       \
		lab_name_is(world.a, (message)->guarded.name, RECEIVE, 0);                     \
		LAB_TRUE((message)->body[0] == 0x11111111);                                    \
		LAB_TRUE((message)->body[1] == 0x22222222);                                    \
		LAB_TRUE((message)->trailer.msgh_trailer_size == (bits == 64 ? 68 : 64));      \
	} while (0)

START_TEST(both_layouts_in_every_combination)
{
	struct letter_world world = letter_begin(_i & 1 ? 32 : 64, _i & 2 ? 32 : 64);
	mach_port_name_t moved = lab_new_port(world.b), names[] = {world.right, world.right};
	struct wide wide = {0};
	struct narrow narrow = {0};

	lab_ok(lab_set_context(world.b, moved, 0));
	{
		struct mach_port_guard_in in = {.name = moved, .guard = 0xabcd};

		uint32_t none;

		lab_ok(lab_call(world.b, MACHD_ROUTINE_mach_port_guard, world.b->task->self, &in,
				sizeof in, &none, 0, NULL));
	}
	FILL(&wide, moved);
	FILL(&narrow, moved);
	letter_start(world.dest, COPY_SEND);
	if (_i & 1)
		letter_add(&narrow.port, offsetof(struct narrow, trailer) - sizeof narrow.base);
	else
		letter_add(&wide.port, offsetof(struct wide, trailer) - sizeof wide.base);
	((mach_msg_base_t *)(void *)letter.bytes)->body.msgh_descriptor_count = 4;
	letter_entry_inline("hello", 5);
	letter_entry_inline(names, sizeof names);
	lab_is(MACH_MSG_SUCCESS, letter_send(world.b));
	LAB_TRUE(world.b->result.memory_taken == 2);
	lab_is(MACH_MSG_SUCCESS,
	       letter_receive(&world, MACH_RCV_GUARDED_DESC |
					      MACH_RCV_TRAILER_ELEMENTS(MACH_RCV_TRAILER_LABELS)));
	ck_assert_mem_eq(letter_came_bytes(world.a), "hello", 5);
	memcpy(names, letter_came_bytes(world.a) + 5, sizeof names);
	if (_i & 2)
		EXPECT((struct narrow *)(void *)letter_got, 32);
	else
		EXPECT((struct wide *)(void *)letter_got, 64);
	lab_name_is(world.a, names[0], SEND_ONCE, 1);
	lab_name_is(world.a, names[1], SEND_ONCE, 1);
	lab_stop(world.lab);
}
END_TEST

/* Sizes and trailers of a 32-bit receiver. */
START_TEST(a_narrow_receiver_counts_in_its_own_layout)
{
	static const uint8_t trailers[] = {8, 12, 20, 52, 56, 64, 64, 64, 64};
	struct letter_world world = letter_begin(64, 32);

	for (uint32_t element = 0; element < 9; element++) {
		const uint32_t size = sizeof(mach_msg_base_t) + 24, trailer = trailers[element];
		struct lab_msg msg = {.option = MACH_RCV_MSG | MACH_RCV_LARGE |
						MACH_RCV_TRAILER_ELEMENTS(element),
				      .receive = letter_got,
				      .receive_size = size + trailer - 1,
				      .receive_name = world.port};

		letter_start(world.dest, COPY_SEND);
		letter_add_memory(0, VIRTUAL, MACH_MSG_OOL_DESCRIPTOR);
		letter_add_ports(0, COPY_SEND);
		letter_entry(MACHD_MEMORY_NONE, 0, 0);
		letter_entry(MACHD_MEMORY_NONE, 0, 0);
		lab_is(MACH_MSG_SUCCESS, letter_send(world.b));
		lab_is(MACH_RCV_TOO_LARGE, lab_msg(world.a, &msg));
		LAB_TRUE(letter_got_size() == size);
		msg.receive_size++;
		lab_is(MACH_MSG_SUCCESS, lab_msg(world.a, &msg));
		LAB_TRUE(letter_got_size() == size);
		ck_assert_uint_eq(*(uint32_t *)(void *)(letter_got + size + 4), trailer);
	}
	lab_stop(world.lab);
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_loop_test(tcase, both_layouts_in_every_combination, 0, 4);
	tcase_add_test(tcase, a_narrow_receiver_counts_in_its_own_layout);
}

int main(void)
{
	return lab_run("ipc_layout", add_tests);
}
