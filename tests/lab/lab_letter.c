/* SPDX-License-Identifier: Apache-2.0 */
/* Frames with messages and their memory. */
#include "tests/lab/lab_letter.h"

#include <string.h>

struct letter_world letter_begin(uint32_t sender, uint32_t receiver)
{
	struct letter_world world = {.lab = lab_start(NULL)};

	world.lab->word = receiver;
	world.a = lab_task(world.lab, 1000)->thread;
	world.lab->word = sender;
	world.b = lab_task(world.lab, 1000)->thread;
	world.port = lab_new_port(world.a);
	world.dest = lab_pass(world.a, world.port, MAKE_SEND, world.b);
	world.right = lab_new_service(world.b);
	return world;
}

struct letter letter;

void letter_add(const void *descriptor, size_t size)
{
	mach_msg_base_t base;

	memcpy(&base, letter.bytes, sizeof base);
	base.header.msgh_bits |= MACH_MSGH_BITS_COMPLEX;
	base.body.msgh_descriptor_count++;
	memcpy(letter.bytes, &base, sizeof base);
	memcpy(letter.bytes + letter.size, descriptor, size);
	letter.size += (uint32_t)size;
}

void letter_start(mach_port_name_t dest, uint32_t disposition)
{
	mach_msg_base_t base = {.header = {.msgh_bits = MACH_MSGH_BITS(disposition, 0),
					   .msgh_remote_port = dest,
					   .msgh_id = 7}};

	memset(&letter, 0, sizeof letter);
	memcpy(letter.bytes, &base, sizeof base);
	letter.size = sizeof base;
}

void letter_add_memory(uint32_t size, unsigned copy, unsigned type)
{
	mach_msg_ool_descriptor64_t memory = {
		.address = 0x1234, .copy = copy, .type = type, .size = size};

	letter_add(&memory, sizeof memory);
}

void letter_add_ports(uint32_t count, uint32_t disposition)
{
	mach_msg_ool_ports_descriptor64_t ports = {
		.type = MACH_MSG_OOL_PORTS_DESCRIPTOR, .disposition = disposition, .count = count};

	letter_add(&ports, sizeof ports);
}

void letter_add_port(mach_port_name_t name, uint32_t disposition)
{
	mach_msg_port_descriptor_t port = {
		.name = name, .disposition = disposition, .type = MACH_MSG_PORT_DESCRIPTOR};

	letter_add(&port, sizeof port);
}

void letter_entry(uint32_t source, uint32_t fd, uint64_t offset)
{
	letter.table[letter.count++] =
		(struct machd_memory){.source = source, .fd = fd, .offset = offset};
}

void letter_entry_inline(const void *bytes, size_t size)
{
	letter_entry(MACHD_MEMORY_INLINE, 0, 0);
	memcpy(letter.data + letter.data_size, bytes, size);
	letter.data_size += (uint32_t)size;
}

void letter_add_fd(struct lab *lab, uint64_t size, bool sealed)
{
	letter.fds[letter.fd_count++] =
		(struct trap_fd){.handle = lab_fd(lab), .size = size, .sealed = sealed};
}

mach_msg_return_t letter_send(struct lab_thread *thread)
{
	uint32_t held = letter.held ? letter.held : letter.size;
	struct machd_message_args args = {.option = MACH_SEND_MSG | MACH64_SEND_ANY |
						    MACH_SEND_TIMEOUT | letter.option,
					  .send_size = letter.size,
					  .memory_count = letter.count,
					  .data_size = letter.data_size};
	struct lab_frame frame = {
		.op = MACHD_OP_MESSAGE,
		.parts = {{&args, sizeof args},
			  {letter.bytes, held},
			  {letter.table, letter.count * sizeof letter.table[0]},
			  {letter.data, letter.data_size}},
		.fds = letter.fds,
		.fd_count = letter.fd_count,
	};

	thread->msg = (struct lab_msg){.send = letter.bytes, .send_size = sizeof letter.bytes};
	return lab_request_frame(thread, &frame) ? lab_wait(thread) : LAB_DROPPED;
}

/* What came: the message, and the packet with its memory. */
uint8_t letter_got[200000];

mach_msg_return_t letter_receive(struct letter_world *world, uint64_t option)
{
	struct lab_msg msg = {.option = MACH_RCV_MSG | MACH_RCV_TIMEOUT | option,
			      .receive = letter_got,
			      .receive_size = sizeof letter_got,
			      .receive_name = world->port};

	memset(letter_got, 0xee, sizeof letter_got);
	return lab_msg(world->a, &msg);
}

uint32_t letter_got_size(void)
{
	return ((mach_msg_header_t *)(void *)letter_got)->msgh_size;
}

/* Entry of the table that came. */
struct machd_memory letter_came(const struct lab_thread *thread, unsigned index)
{
	struct machd_memory memory;

	LAB_TRUE(index < thread->result.memory_count);
	LAB_TRUE(sizeof(struct machd_frame) + (index + 1) * sizeof memory <= thread->memory_size);
	memcpy(&memory, thread->memory + sizeof(struct machd_frame) + index * sizeof memory,
	       sizeof memory);
	return memory;
}

const uint8_t *letter_came_bytes(const struct lab_thread *thread)
{
	return thread->memory + sizeof(struct machd_frame) +
	       thread->result.memory_count * sizeof(struct machd_memory);
}
