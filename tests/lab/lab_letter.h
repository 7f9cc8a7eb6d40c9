/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages with descriptors of all kinds, for tests in a lab that write the frame themselves: the
 * table of memory, its inline bytes and its memfds are set by the test. There is one letter.
 */
#pragma once

#include "tests/lab/lab_expect.h"

#define PHYSICAL MACH_MSG_PHYSICAL_COPY
#define VIRTUAL	 MACH_MSG_VIRTUAL_COPY

struct letter_world {
	struct lab *lab;
	struct lab_thread *a, *b; /* `b` sends, `a` receives */
	mach_port_name_t port;	  /* of a */
	mach_port_name_t dest;	  /* b's send right to it */
	mach_port_name_t right;	  /* b's receive and send right */
};

/* Two tasks with pointers of that many bits. */
struct letter_world letter_begin(uint32_t sender, uint32_t receiver);

enum { TABLE_MAX = 16384, FDS_MAX = 8 };

struct letter {
	uint8_t bytes[160000];
	uint32_t size; /* of the message; what is above `held` is in the first descriptor */
	uint32_t held;
	struct machd_memory table[TABLE_MAX];
	uint32_t count;
	uint8_t data[100000];
	uint32_t data_size;
	struct trap_fd fds[FDS_MAX];
	unsigned fd_count;
	uint64_t option; /* beside those of a send that does not wait */
};

extern struct letter letter;

/* Begin a message, and add descriptors in the layout of 64 bits, or bytes as they are. */
void letter_start(mach_port_name_t dest, uint32_t disposition);
void letter_add(const void *descriptor, size_t size);
void letter_add_memory(uint32_t size, unsigned copy, unsigned type);
void letter_add_ports(uint32_t count, uint32_t disposition);
void letter_add_port(mach_port_name_t name, uint32_t disposition);

/* An entry of the table; inline bytes go behind those that are there. */
void letter_entry(uint32_t source, uint32_t fd, uint64_t offset);
void letter_entry_inline(const void *bytes, size_t size);
void letter_add_fd(struct lab *lab, uint64_t size, bool sealed);

/* Send it without waiting. */
mach_msg_return_t letter_send(struct lab_thread *thread);

/* Receive a message without waiting into letter_got. */
extern uint8_t letter_got[200000];
mach_msg_return_t letter_receive(struct letter_world *world, uint64_t option);
uint32_t letter_got_size(void);

/* What came as its memory: an entry of the table, and the inline bytes. */
struct machd_memory letter_came(const struct lab_thread *thread, unsigned index);
const uint8_t *letter_came_bytes(const struct lab_thread *thread);
