/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Seeds of the frame fuzzer for messages with descriptors of all kinds, in both layouts, and for
 * timers and semaphores.
 */
#include <mach/message.h>
#include <mach/notify.h>
#include <mach/port.h>
#include <string.h>

#include "protocol/frame.h"
#include "protocol/ops.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/script.h"
#include "tests/fuzz/seeds.h"

#define COPY MACH_MSG_TYPE_COPY_SEND
#define MAKE MACH_MSG_TYPE_MAKE_SEND
#define MOVE MACH_MSG_TYPE_MOVE_RECEIVE

static void call(unsigned link, unsigned routine, uint32_t target, const void *in, size_t size)
{
	uint8_t body[512];
	struct machd_call head = {.routine = routine, .target = target};

	FUZZ_CHECK(sizeof head + size <= sizeof body);
	memcpy(body, &head, sizeof head);
	memcpy(body + sizeof head, in, size);
	seed_request(link, MACHD_OP_CALL, 0, body, sizeof head + size);
}

#define CALL_ON(link, routine, target, ...)                                              \
	call(link, MACHD_ROUTINE_##routine, target, &(struct routine##_in){__VA_ARGS__}, \
	     sizeof(struct routine##_in))
#define CALL(link, routine, ...) CALL_ON(link, routine, FUZZ_NAME_SELF, __VA_ARGS__)

/* The message that is being written, and what comes behind it. */
static struct {
	uint8_t bytes[1024], data[256];
	struct machd_memory table[16];
	size_t size, data_size;
	uint32_t count, descriptors;
} letter;

static void start(uint32_t dest, unsigned disposition)
{
	mach_msg_base_t base = {
		.header = {.msgh_bits = MACH_MSGH_BITS(disposition, 0) | MACH_MSGH_BITS_COMPLEX,
			   .msgh_remote_port = dest}};

	memset(&letter, 0, sizeof letter);
	memcpy(letter.bytes, &base, sizeof base);
	letter.size = sizeof base;
}

static void add(const void *descriptor, size_t size)
{
	memcpy(letter.bytes + letter.size, descriptor, size);
	letter.size += size;
	letter.descriptors++;
	memcpy(letter.bytes + sizeof(mach_msg_header_t), &letter.descriptors, sizeof(uint32_t));
}

static void entry(uint32_t source, uint32_t fd, uint64_t offset)
{
	letter.table[letter.count++] =
		(struct machd_memory){.source = source, .fd = fd, .offset = offset};
}

static void entry_inline(const void *bytes, size_t size)
{
	entry(MACHD_MEMORY_INLINE, 0, 0);
	memcpy(letter.data + letter.data_size, bytes, size);
	letter.data_size += size;
}

static void send(unsigned link, uint64_t option, unsigned fds)
{
	uint8_t body[2048], *at = body;
	struct machd_message_args args = {.option = MACH_SEND_MSG | MACH64_SEND_ANY | option,
					  .send_size = (uint32_t)letter.size,
					  .memory_count = letter.count,
					  .data_size = (uint32_t)letter.data_size};
	size_t table = letter.count * sizeof letter.table[0];

	memcpy(at, &args, sizeof args);
	at += sizeof args;
	memcpy(at, letter.bytes, letter.size);
	at += letter.size;
	memcpy(at, letter.table, table);
	at += table;
	memcpy(at, letter.data, letter.data_size);
	at += letter.data_size;
	seed_request(link, MACHD_OP_MESSAGE, fds, body, (size_t)(at - body));
}

static void receive(unsigned link, uint32_t name, uint64_t option, uint32_t size)
{
	struct machd_message_args args = {.option = MACH_RCV_MSG | option,
					  .rcv_size = size,
					  .rcv_address = 0x5000,
					  .rcv_name = name};

	seed_request(link, MACHD_OP_MESSAGE, 0, &args, sizeof args);
}

static uint32_t allocate(unsigned link, unsigned slot)
{
	CALL(link, mach_port_allocate, .right = MACH_PORT_RIGHT_RECEIVE);
	return FUZZ_NAME(slot);
}

static void add_memory(uint32_t size, unsigned copy)
{
	mach_msg_ool_descriptor64_t memory = {
		.size = size, .copy = copy, .deallocate = 1, .type = MACH_MSG_OOL_DESCRIPTOR};

	add(&memory, sizeof memory);
}

static void add_ports(uint32_t count, unsigned disposition)
{
	mach_msg_ool_ports_descriptor64_t ports = {
		.count = count, .disposition = disposition, .type = MACH_MSG_OOL_PORTS_DESCRIPTOR};

	add(&ports, sizeof ports);
}

static void add_guarded(uint32_t name, uint64_t context, unsigned flags)
{
	mach_msg_guarded_port_descriptor64_t guarded = {.context = context,
							.name = name,
							.flags = flags,
							.disposition = MOVE,
							.type = MACH_MSG_GUARDED_PORT_DESCRIPTOR};

	add(&guarded, sizeof guarded);
}

/* Memory inline and in memfds, received, too large, destroyed, unreadable and not described. */
static void seed_memory(void)
{
	seed_step(FUZZ_CONNECT, 0);
	allocate(0, 2);
	for (unsigned i = 0; i < 6; i++) {
		start(FUZZ_NAME(2), MAKE);
		add_memory(100, MACH_MSG_VIRTUAL_COPY);
		add_memory(0, MACH_MSG_PHYSICAL_COPY);
		add_memory(2000, MACH_MSG_PHYSICAL_COPY);
		entry_inline(letter.bytes, 100);
		entry(MACHD_MEMORY_NONE, 0, 0);
		entry(i == 4 ? MACHD_MEMORY_UNREADABLE : MACHD_MEMORY_FD, i == 5, 24);
		send(0, MACH_SEND_TIMEOUT, FUZZ_FDS(1, 0, 1, 1));
	}
	receive(0, FUZZ_NAME(2), 0, 1024);
	receive(0, FUZZ_NAME(2), MACH_RCV_LARGE, 24);
	receive(0, FUZZ_NAME(2), 0, 24);
	letter.count = 0;
	letter.data_size = 0;
	send(0, 0, 0);
	CALL(0, mach_port_destroy, .name = FUZZ_NAME(2));
	seed_save("frame", "memory");
}

/* A full queue gives it back. */
static void seed_memory_back(void)
{
	seed_step(FUZZ_CONNECT, 0);
	seed_step(FUZZ_CONNECT, 1);
	allocate(0, 2);
	for (unsigned i = 0; i < MACH_PORT_QLIMIT_DEFAULT + 2; i++) {
		start(FUZZ_NAME(2), MAKE);
		add_memory(2000, MACH_MSG_VIRTUAL_COPY);
		entry(MACHD_MEMORY_FD, 0, 0);
		send(0, i % 2 ? MACH_SEND_TIMEOUT : 0, FUZZ_FDS(1, 0, 1, 1));
	}
	seed_request(0, MACHD_OP_CANCEL, 0, "", 0);
	seed_save("frame", "memory-back");
}

static void seed_ool_ports(void)
{
	uint32_t names[] = {FUZZ_NAME(2), FUZZ_NAME(3), MACH_PORT_DEAD, FUZZ_NAME(3)};

	seed_step(FUZZ_CONNECT, 0);
	allocate(0, 2);
	allocate(0, 3);
	start(FUZZ_NAME(2), MAKE);
	add_ports(4, MACH_MSG_TYPE_MAKE_SEND_ONCE);
	add_ports(0, COPY);
	add_ports(1, MOVE);
	entry_inline(names, sizeof names);
	entry(MACHD_MEMORY_NONE, 0, 0);
	entry_inline(names + 1, sizeof names[1]);
	send(0, 0, 0);
	receive(0, FUZZ_NAME(2), 0, 1024);
	start(FUZZ_NAME(2), MAKE);
	add_ports(4, MOVE);
	entry_inline(names, sizeof names);
	send(0, 0, 0);
	seed_save("frame", "ool-ports");
}

static void seed_guards(void)
{
	seed_step(FUZZ_CONNECT, 0);
	allocate(0, 2);
	allocate(0, 3);
	allocate(0, 4);
	CALL(0, mach_port_guard_with_flags, .name = FUZZ_NAME(3), .guard = 7);
	CALL(0, mach_port_swap_guard, .name = FUZZ_NAME(3), .old_guard = 7, .new_guard = 8);
	start(FUZZ_NAME(2), MAKE);
	add_guarded(FUZZ_NAME(3), 8, MACH_MSG_GUARD_FLAGS_IMMOVABLE_RECEIVE);
	add_guarded(FUZZ_NAME(4), 0, MACH_MSG_GUARD_FLAGS_UNGUARDED_ON_SEND);
	send(0, 0, 0);
	send(0, 0, 0);
	receive(0, FUZZ_NAME(2), MACH_RCV_GUARDED_DESC, 1024);
	CALL(0, mach_port_unguard, .name = FUZZ_NAME(3), .guard = 0x5000);
	CALL(0, mach_port_construct, .context = 5, .flags = MPO_CONTEXT_AS_GUARD | MPO_STRICT);
	CALL(0, mach_port_destruct, .name = FUZZ_NAME(5), .guard = 5);
	CALL(0, mach_port_peek, .name = FUZZ_NAME(2));
	seed_save("frame", "guards");
}

/* Ports with a purpose: replies, services, connections to them; link 2 may make all of them. */
static void seed_special(void)
{
	for (unsigned link = 0; link < 3; link++) {
		seed_step(FUZZ_CONNECT, 0);
		CALL(link, mach_port_construct,
		     .flags = MPO_FILTER_MSG | MPO_INSERT_SEND_RIGHT | MPO_QLIMIT, .qlimit = 1);
		CALL(link, mach_port_construct, .flags = MPO_REPLY_PORT);
		CALL(link, thread_get_special_reply_port);
		CALL(link, machd_construct_service_port, .flags = MPO_INSERT_SEND_RIGHT,
		     .info = {'f'});
		CALL(link, mach_port_construct, .flags = MPO_CONNECTION_PORT,
		     .service = FUZZ_NAME(5));
		CALL(link, mach_port_is_connection_for_service, .connection = FUZZ_NAME(6),
		     .service = FUZZ_NAME(5));
		CALL(link, mach_port_get_service_port_info, .name = FUZZ_NAME(5));
		CALL(link, mach_port_insert_right, .name = FUZZ_NAME(3), .right = FUZZ_NAME(3),
		     .right_type = MACH_MSG_TYPE_MAKE_SEND_ONCE);
		CALL(link, machd_take_guard_exception);
		start(FUZZ_NAME(2), COPY);
		send(link, 0, 0);
		send(link, 0, 0);
		receive(link, FUZZ_NAME(2), 0, 1024);
	}
	seed_save("frame", "special");
}

/* A narrow task and a wide one, and what goes from each to the other. */
static void seed_narrow(void)
{
	mach_msg_ool_descriptor32_t memory = {
		.size = 8, .copy = MACH_MSG_VIRTUAL_COPY, .type = MACH_MSG_OOL_DESCRIPTOR};
	mach_msg_ool_ports_descriptor32_t ports = {
		.count = 1, .disposition = MAKE, .type = MACH_MSG_OOL_PORTS_DESCRIPTOR};
	uint32_t name = FUZZ_NAME(2);

	seed_step(FUZZ_NARROW, 0);
	allocate(0, 2);
	start(FUZZ_NAME(2), MAKE);
	add(&memory, sizeof memory);
	add(&ports, sizeof ports);
	entry_inline("12345678", 8);
	entry_inline(&name, sizeof name);
	send(0, 0, 0);
	receive(0, FUZZ_NAME(2), MACH_RCV_TRAILER_ELEMENTS(MACH_RCV_TRAILER_LABELS), 1024);
	/* More comes out of a short table than went in. */
	start(FUZZ_NAME(2), MAKE);
	memory.size = 0;
	for (unsigned i = 0; i < 60; i++)
		add(&memory, sizeof memory);
	entry(MACHD_MEMORY_NONE, 0, 0);
	send(0, 0, 0);
	receive(0, FUZZ_NAME(2), 0, 4096);
	seed_save("frame", "narrow");
}

static void seed_timers(void)
{
	seed_step(FUZZ_CONNECT, 0);
	call(0, MACHD_ROUTINE_mk_timer_create, FUZZ_NAME_SELF, "", 0);
	call(0, MACHD_ROUTINE_mk_timer_create, FUZZ_NAME_SELF, "", 0);
	CALL(0, mk_timer_arm, .name = FUZZ_NAME(2), .deadline = 1000000);
	CALL(0, mk_timer_arm, .name = FUZZ_NAME(3), .deadline = 1);
	seed_step(FUZZ_ALARM, 0);
	receive(0, FUZZ_NAME(2), 0, 128);
	receive(0, FUZZ_NAME(3), 0, 24);
	CALL(0, mk_timer_arm, .name = FUZZ_NAME(2), .deadline = UINT64_MAX);
	CALL(0, mk_timer_arm, .name = FUZZ_NAME(3), .deadline = 9000000);
	CALL(0, mk_timer_cancel, .name = FUZZ_NAME(2));
	receive(0, FUZZ_NAME(3), 0, 128);
	seed_step(FUZZ_ALARM, 0);
	CALL(0, mk_timer_arm, .name = FUZZ_NAME(3), .deadline = 99000000);
	CALL(0, mk_timer_destroy, .name = FUZZ_NAME(2));
	seed_save("frame", "timers");
}

/* Two threads of a task; the second learns the names of the first's semaphores. */
static void seed_semaphores(void)
{
	const uint32_t one = FUZZ_NAME(2), other = FUZZ_NAME(3);

	seed_step(FUZZ_CONNECT, 0);
	seed_step(FUZZ_JOIN, 1);
	seed_put_u8(0);
	CALL(0, semaphore_create, .value = 1);
	CALL(0, semaphore_create, .policy = 2);
	CALL_ON(0, bootstrap_register, FUZZ_NAME_BOOT, .service = "a", .port = one);
	CALL_ON(0, bootstrap_register, FUZZ_NAME_BOOT, .service = "b", .port = other);
	CALL_ON(1, bootstrap_look_up, FUZZ_NAME_BOOT, .service = "a");
	CALL_ON(1, bootstrap_look_up, FUZZ_NAME_BOOT, .service = "b");
	CALL(1, semaphore_wait, .wait = one);
	CALL(1, semaphore_wait, .wait = one);
	CALL(0, semaphore_signal, .semaphore = one);
	CALL(1, semaphore_timedwait, .wait = other, .nsec = 5);
	seed_step(FUZZ_TIMEOUT, 1);
	CALL(1, semaphore_wait_signal, .wait = other, .signal = one);
	seed_request(1, MACHD_OP_CANCEL, 0, "", 0);
	CALL(1, semaphore_timedwait_signal, .wait = other, .signal = one, .sec = 1);
	CALL(0, semaphore_signal_all, .semaphore = other);
	CALL(1, semaphore_wait, .wait = other);
	CALL(0, semaphore_destroy, .semaphore = other);
	CALL(0, semaphore_timedwait, .wait = one, .sec = 1);
	CALL(0, semaphore_wait, .wait = one);
	seed_step(FUZZ_DISCONNECT, 0);
	seed_save("frame", "semaphores");
}

/* A refused message gives it back, too, if that is asked for. */
static void seed_memory_refused(void)
{
	seed_step(FUZZ_CONNECT, 0);
	allocate(0, 2);
	for (unsigned i = 0; i < 4; i++) {
		start(i % 2 ? 0x7f03 : FUZZ_NAME(2), MAKE);
		add_memory(2000, MACH_MSG_VIRTUAL_COPY);
		add_memory(2000, MACH_MSG_VIRTUAL_COPY);
		entry(MACHD_MEMORY_FD, 0, 0);
		entry(MACHD_MEMORY_FD, i == 2 ? 9 : 1, 0);
		send(0, MACHD_SEND_RETURN, FUZZ_FDS(2, 0, 1, 1));
	}
	receive(0, FUZZ_NAME(2), 0, 1024);
	seed_save("frame", "memory-refused");
}

/* Made of a memfd, of what is none, and of more than there is; looked up as what they are not. */
static void seed_memory_entries(void)
{
	struct machd_fileport make = {.kind = MACHD_FILE_MEMORY, .extent = {512, 512, 3, 0}},
			      look = {.port = FUZZ_NAME_SELF, .kind = MACHD_FILE_MEMORY};

	seed_step(FUZZ_CONNECT, 0);
	for (unsigned i = 0; i < 4; i++) {
		seed_request(0, MACHD_OP_FILEPORT, FUZZ_FDS(1, 0, i != 1, 0), &make, sizeof make);
		make.extent.size = i == 1 ? 513 : 512;
	}
	for (unsigned i = 0; i < 4; i++) {
		seed_request(0, MACHD_OP_FILEPORT, 0, &look, sizeof look);
		look.port = i == 2 ? FUZZ_NAME_SELF : FUZZ_NAME(2) + i;
		look.kind = i == 1 ? MACHD_FILE_ANY : MACHD_FILE_MEMORY;
	}
	make.kind = MACHD_FILE_MEMORY + 1;
	seed_request(0, MACHD_OP_FILEPORT, FUZZ_FDS(1, 0, 1, 0), &make, sizeof make);
	seed_save("frame", "memory-entries");
}

void seed_memory_frames(void)
{
	seed_memory();
	seed_memory_back();
	seed_memory_refused();
	seed_memory_entries();
	seed_ool_ports();
	seed_guards();
	seed_special();
	seed_narrow();
	seed_timers();
	seed_semaphores();
}
