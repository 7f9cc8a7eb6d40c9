/* SPDX-License-Identifier: Apache-2.0 */
/* Seeds of the inflate fuzzer: messages with each kind of descriptor, in each pair of layouts. */
#include <mach/message.h>
#include <stdio.h>

#include "protocol/frame.h"
#include "tests/fuzz/seeds.h"

enum { COPY = MACH_MSG_TYPE_COPY_SEND - 16, MAKE_ONCE = MACH_MSG_TYPE_MAKE_SEND_ONCE - 16 };

static void message(unsigned descriptors)
{
	seed_put_u8(COPY | MAKE_ONCE << 3);
	seed_put_u8(0);
	seed_put_u8(descriptors);
}

static void descriptor(unsigned type, unsigned disposition, unsigned slot, unsigned count,
		       unsigned flags, unsigned memory)
{
	const uint8_t bytes[] = {(uint8_t)type,	 (uint8_t)disposition, (uint8_t)slot,
				 (uint8_t)count, (uint8_t)flags,       (uint8_t)memory};

	seed_put(bytes, sizeof bytes);
}

/* Bytes behind the descriptors, and how it is received: with guards, and all of the trailer. */
static void end(unsigned bytes)
{
	seed_put_u8(bytes);
	seed_put_u8(2 | 7 << 4);
	seed_put_u8(0);
}

static void all_kinds(unsigned layouts)
{
	const unsigned virtual = MACH_MSG_VIRTUAL_COPY, in_fd = MACHD_MEMORY_FD | 1 << 2;

	seed_put_u8(layouts);
	message(7);
	descriptor(MACH_MSG_PORT_DESCRIPTOR, MACH_MSG_TYPE_COPY_SEND, 3, 0, 0, 0);
	descriptor(MACH_MSG_OOL_DESCRIPTOR, 0, 0, 100, virtual, MACHD_MEMORY_INLINE);
	descriptor(MACH_MSG_OOL_VOLATILE_DESCRIPTOR, 0, 0, 210, virtual | 4, in_fd);
	descriptor(MACH_MSG_OOL_PORTS_DESCRIPTOR, MACH_MSG_TYPE_COPY_SEND, 0, 1, 0,
		   MACHD_MEMORY_INLINE);
	descriptor(MACH_MSG_GUARDED_PORT_DESCRIPTOR, MACH_MSG_TYPE_MOVE_RECEIVE, 5, 1, 3, 0);
	descriptor(MACH_MSG_OOL_DESCRIPTOR, 0, 0, 0, 0, MACHD_MEMORY_NONE);
	descriptor(MACH_MSG_PORT_DESCRIPTOR, MACH_MSG_TYPE_MOVE_RECEIVE, 6, 0, 0, 0);
	end(40);
	message(0);
	end(8);
}

static void many(void)
{
	seed_put_u8(0);
	message(80);
	for (unsigned i = 0; i < 80; i++)
		descriptor(i % 2 ? MACH_MSG_PORT_DESCRIPTOR : MACH_MSG_OOL_DESCRIPTOR,
			   MACH_MSG_TYPE_COPY_SEND, 3 + i % 3, i, 0, MACHD_MEMORY_INLINE);
	end(0);
}

static void lying(void)
{
	for (unsigned flag = 1; flag < 128; flag <<= 1) {
		char name[32];

		seed_put_u8(0);
		seed_put_u8(COPY);
		seed_put_u8(flag);
		seed_put_u8(2);
		descriptor(MACH_MSG_OOL_DESCRIPTOR, 0, 0, 50, 1, MACHD_MEMORY_INLINE);
		descriptor(MACH_MSG_PORT_DESCRIPTOR, MACH_MSG_TYPE_MAKE_SEND, 4, 0, 0, 0);
		end(16);
		snprintf(name, sizeof name, "flag-%u", flag);
		seed_save("inflate", name);
	}
}

void seed_inflates(void)
{
	for (unsigned layouts = 0; layouts < 4; layouts++) {
		char name[32];

		all_kinds(layouts);
		snprintf(name, sizeof name, "layouts-%u", layouts);
		seed_save("inflate", name);
	}
	many();
	seed_save("inflate", "many");
	lying();
}
