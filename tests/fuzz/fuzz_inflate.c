/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages put together from an input, for the code that reads and writes descriptors: whatever the
 * bytes are, the result is nearly a message, with descriptors of all types in the layout of its
 * sender, memory inline and in descriptors, and names that mean something. It is sent by one task
 * and received by another, whose pointers may have another size. Each input is run twice and must
 * give the same; what else must hold is checked in world.c, and by the sanitizers.
 *
 * An input: u8 layouts (bit 0: a 32-bit sender, bit 1: receiver); then messages: u8 dispositions of
 * destination and reply (3 bits each), u8 flags, u8 descriptors, those, u8 bytes behind them; then
 * how it is received: u8 options, u8 room. A descriptor: u8 type, u8 disposition, u8 name, u8
 * count, u8 copy and flags, u8 memory.
 */
#include <mach/message.h>
#include <mach/port.h>
#include <string.h>

#include "daemon/ipc/kmsg_layout.h"
#include "protocol/frame.h"
#include "protocol/ops.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/world.h"

enum { MESSAGES_MAX = 12, FDS = 3, DATA_MAX = 16384 };

enum flag {
	FLAG_COUNT_LIES = 1, /* the count says one more than there are */
	FLAG_CUT = 2,	     /* the message ends in the middle of its last descriptor */
	FLAG_NO_MEMORY = 4,  /* nothing is said of where memory is */
	FLAG_RECEIVE = 8,    /* send and receive in one call */
	FLAG_LONG_BODY = 16, /* the end of the body is in a memfd */
	FLAG_WAIT = 32,	     /* the send may block */
	FLAG_NO_RECEIVE = 64,
};

/* --- the two tasks --- */

static void call(struct world *world, struct world_link *link, uint32_t routine, uint32_t target,
		 const void *in, size_t size)
{
	uint8_t body[512];
	struct machd_call head = {.routine = routine, .target = target};

	memcpy(body, &head, sizeof head);
	memcpy(body + sizeof head, in, size);
	world_request(world, link, MACHD_OP_CALL, body, sizeof head + size, NULL, 0);
	FUZZ_CHECK(link->thread && link->code == 0);
}

#define CALL(world, link, routine, target, ...)                           \
	call(world, link, MACHD_ROUTINE_##routine, (link)->names[target], \
	     &(struct routine##_in){__VA_ARGS__}, sizeof(struct routine##_in))

enum { SELF, BOOT, PORT, OTHER };

static uint32_t allocate(struct world *world, struct world_link *link, uint32_t right)
{
	CALL(world, link, mach_port_allocate, SELF, .right = right);
	return link->names[link->name_count - 1];
}

static void allocate_service(struct world *world, struct world_link *link)
{
	uint32_t name = allocate(world, link, MACH_PORT_RIGHT_RECEIVE);

	CALL(world, link, mach_port_insert_right, SELF, .name = name, .right = name,
	     .right_type = MACH_MSG_TYPE_MAKE_SEND);
}

/* The receiver's port is in its slot PORT, the sender's right to it too; behind it what it sends.
 */
static void begin(struct world *world, unsigned layouts)
{
	struct world_link *sender = &world->links[0], *receiver = &world->links[1];

	world_connect(world, sender);
	world_hello(world, sender, NULL, layouts & 1 ? 32 : 64);
	world_connect(world, receiver);
	world_hello(world, receiver, NULL, layouts & 2 ? 32 : 64);
	allocate_service(world, receiver);
	CALL(world, receiver, bootstrap_register, BOOT, .service = "inflate",
	     .port = receiver->names[PORT]);
	CALL(world, sender, bootstrap_look_up, BOOT, .service = "inflate");
	allocate_service(world, sender);
	allocate_service(world, sender);
	allocate(world, sender, MACH_PORT_RIGHT_RECEIVE);
	allocate(world, sender, MACH_PORT_RIGHT_RECEIVE);
	allocate(world, sender, MACH_PORT_RIGHT_DEAD_NAME);
	allocate(world, sender, MACH_PORT_RIGHT_PORT_SET);
}

/* --- a message --- */

static struct {
	struct machd_message_args args;
	uint8_t bytes[8192], data[DATA_MAX];
	size_t size;
	struct machd_memory table[256];
	struct trap_fd fds[FDS];
	unsigned fd_count;
} letter;

static uint32_t pick_name(const struct world_link *link, unsigned slot)
{
	static const uint32_t special[] = {MACH_PORT_NULL, MACH_PORT_DEAD, 0x7fff03, 7};

	return slot < 128 ? link->names[slot % WORLD_NAMES] : special[slot % 4];
}

/* Where memory of that size is said to be, which may be wrong. */
static void add_memory(uint64_t size, unsigned how)
{
	struct machd_memory memory = {.source = how & 3, .fd = how >> 2 & 3};

	if (memory.source == MACHD_MEMORY_FD)
		memory.offset = (uint64_t)(how >> 4) << 8;
	if (memory.source == MACHD_MEMORY_INLINE && size <= DATA_MAX - letter.args.data_size)
		letter.args.data_size += (uint32_t)size;
	letter.table[letter.args.memory_count++ % 256] = memory;
}

static void add_descriptor(const struct world_link *link, struct fuzz_script *script, unsigned word)
{
	unsigned type = fuzz_take(script) % (MACH_MSG_DESCRIPTOR_MAX + 2),
		 disposition = fuzz_take(script);
	unsigned slot = fuzz_take(script), count = fuzz_take(script), flags = fuzz_take(script);
	unsigned memory = fuzz_take(script);
	struct ikm_descriptor desc = {.d_type = (uint8_t)type,
				      .d_disposition = disposition & 31,
				      .d_copy = flags & 3,
				      .d_deallocate = flags >> 2 & 1,
				      .d_count = count < 200 ? count : count << 8,
				      .d_flags = flags & 7,
				      .d_context = flags >> 3};

	if (sizeof letter.bytes - letter.size < 32)
		return;
	if (type > MACH_MSG_DESCRIPTOR_MAX) {
		memset(letter.bytes + letter.size, (int)disposition, 12);
		letter.size += 12;
		return;
	}
	letter.size += layout_write(word, &desc, pick_name(link, slot), letter.bytes + letter.size);
	if (layout_is_memory(desc.d_type))
		add_memory(type == MACH_MSG_OOL_PORTS_DESCRIPTOR ? desc.d_count * UINT64_C(4)
								 : desc.d_count,
			   memory);
}

/* The inline bytes are names as well, so that arrays have some in them. */
static void fill_data(const struct world_link *link)
{
	for (size_t i = 0; i + 4 <= letter.args.data_size; i += 4) {
		uint32_t name = pick_name(link, (unsigned)(i / 4 + OTHER) % 160);

		memcpy(letter.data + i, &name, sizeof name);
	}
}

static void add_fds(struct world *world, unsigned flags)
{
	unsigned count = letter.args.memory_count ? FDS : 0;

	if ((flags & FLAG_LONG_BODY) && count == 0)
		count = 1;
	for (letter.fd_count = 0; letter.fd_count < count; letter.fd_count++) {
		struct trap_fd *fd = &letter.fds[letter.fd_count];

		*fd = (struct trap_fd){.size = UINT64_C(131072), .sealed = TRAP_FD_SEALED};
		if (!world_handle(world, &fd->handle))
			break;
	}
}

static void compose(struct world *world, struct fuzz_script *script, unsigned word, unsigned flags,
		    unsigned dispositions)
{
	const struct world_link *link = &world->links[0];
	unsigned count = fuzz_take(script) % 90;
	mach_msg_base_t base = {
		.header = {.msgh_bits = MACH_MSGH_BITS_COMPLEX |
					MACH_MSGH_BITS(16 + (dispositions & 7),
						       dispositions >> 3 & 7
							       ? 16 + (dispositions >> 3 & 7)
							       : 0),
			   .msgh_remote_port = link->names[PORT],
			   .msgh_id = (mach_msg_id_t)flags},
		.body = {.msgh_descriptor_count = count + (flags & FLAG_COUNT_LIES ? 1 : 0)}};

	if (dispositions >> 3 & 7)
		base.header.msgh_local_port = link->names[OTHER + (dispositions >> 6)];
	memset(&letter, 0, sizeof letter);
	memcpy(letter.bytes, &base, sizeof base);
	letter.size = sizeof base;
	for (unsigned i = 0; i < count; i++)
		add_descriptor(link, script, word);
	letter.size += fuzz_take(script) & ~3u;
	if ((flags & FLAG_CUT) && count)
		letter.size -= 8;
	if (flags & FLAG_NO_MEMORY)
		letter.args.memory_count = letter.args.data_size = 0;
	fill_data(link);
	add_fds(world, flags);
}

static void send_letter(struct world *world, unsigned flags)
{
	struct world_link *link = &world->links[0];
	static uint8_t body[sizeof letter];
	size_t table = letter.args.memory_count * sizeof letter.table[0];
	uint8_t *at = body;

	letter.args.option = MACH_SEND_MSG | MACH64_SEND_ANY;
	if (!(flags & FLAG_WAIT))
		letter.args.option |= MACH_SEND_TIMEOUT;
	if (flags & FLAG_RECEIVE) {
		letter.args.option |= MACH_RCV_MSG | MACH_RCV_TIMEOUT;
		letter.args.rcv_name = link->names[OTHER];
		letter.args.rcv_size = 4096;
	}
	letter.args.send_size = (uint32_t)letter.size;
	if ((flags & FLAG_LONG_BODY) && letter.fd_count)
		letter.args.send_size += (uint32_t)letter.fds[0].size;
	memcpy(at, &letter.args, sizeof letter.args);
	at += sizeof letter.args;
	memcpy(at, letter.bytes, letter.size);
	at += letter.size;
	memcpy(at, letter.table, table);
	at += table;
	memcpy(at, letter.data, letter.args.data_size);
	at += letter.args.data_size;
	if (link->thread)
		world_request(world, link, MACHD_OP_MESSAGE, body, (size_t)(at - body), letter.fds,
			      letter.fd_count);
}

static void receive(struct world *world, unsigned options, unsigned room)
{
	struct world_link *link = &world->links[1];
	struct machd_message_args args = {.option = MACH_RCV_MSG | MACH_RCV_TIMEOUT,
					  .rcv_size = room < 128 ? 65536 : room,
					  .rcv_name = link->names[PORT],
					  .rcv_address = 0x5000};

	args.option |= options & 1 ? MACH_RCV_LARGE : 0;
	args.option |= options & 2 ? MACH_RCV_GUARDED_DESC : 0;
	args.option |= (uint64_t)(options >> 4) << 24;
	world_request(world, link, MACHD_OP_MESSAGE, &args, sizeof args, NULL, 0);
	FUZZ_CHECK(link->thread);
}

static void exchange(struct world *world, struct fuzz_script *script, unsigned layouts)
{
	uint32_t port = world->links[1].names[PORT];
	unsigned dispositions = fuzz_take(script), flags = fuzz_take(script);

	compose(world, script, layouts & 1 ? 32 : 64, flags, dispositions);
	send_letter(world, flags);
	if (!(flags & FLAG_NO_RECEIVE))
		receive(world, fuzz_take(script), fuzz_take(script));
	/* What was learned must not be forgotten by what came after it. */
	world->links[1].names[PORT] = port;
	if (world->links[0].deadline)
		world_timeout(world, &world->links[0]);
	world_work(world);
}

static void run(struct world *world, struct fuzz_script *script)
{
	unsigned layouts = fuzz_take(script);

	begin(world, layouts);
	for (unsigned i = 0; i < MESSAGES_MAX && script->at < script->end; i++) {
		if (!world->links[0].thread || trap_has_work(world->host))
			break;
		exchange(world, script, layouts);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	world_twice(run, bytes, size);
	return 0;
}
