/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The seeds of the frame fuzzer: short scripts (script.h) for each thing that clients do with each
 * other, and for what they must not do.
 */
#include <mach/message.h>
#include <mach/notify.h>
#include <mach/port.h>
#include <string.h>

#include "protocol/frame.h"
#include "protocol/limits.h"
#include "protocol/ops.h"
#include "protocol/watch.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/script.h"
#include "tests/fuzz/seeds.h"

/* A send says what kind of destination it may have: any. */
#define SEND (MACH_SEND_MSG | MACH64_SEND_ANY)

void seed_step(unsigned kind, unsigned link)
{
	seed_put_u8(kind);
	seed_put_u8(link);
}

static void step_with(enum fuzz_step kind, unsigned link, unsigned argument)
{
	seed_step(kind, link);
	seed_put_u8(argument);
}

void seed_request(unsigned link, unsigned op, unsigned fds, const void *body, size_t size)
{
	step_with(FUZZ_REQUEST, link, op);
	seed_put_u8(fds);
	seed_put_u8(size & 0xff);
	seed_put_u8((unsigned)size >> 8);
	seed_put(body, size);
}

static void raw(unsigned link, unsigned fds, const void *bytes, size_t size)
{
	step_with(FUZZ_RAW, link, fds);
	seed_put_u8(size & 0xff);
	seed_put_u8((unsigned)size >> 8);
	seed_put(bytes, size);
}

/* What the arguments of any routine fit into. */
enum { WORDS_MAX = 256 };

/* A routine of ops.def with its arguments as a struct. */
static void call(unsigned link, unsigned routine, uint32_t target, const void *in, size_t size)
{
	struct machd_call head = {.routine = routine, .target = target};
	uint8_t body[sizeof head + WORDS_MAX * sizeof(uint32_t)];

	FUZZ_CHECK(sizeof head + size <= sizeof body);
	memcpy(body, &head, sizeof head);
	memcpy(body + sizeof head, in, size);
	seed_request(link, MACHD_OP_CALL, 0, body, sizeof head + size);
}

#define CALL(link, routine, target, ...)                                                 \
	call(link, MACHD_ROUTINE_##routine, target, &(struct routine##_in){__VA_ARGS__}, \
	     sizeof(struct routine##_in))
#define CALL_SELF(link, routine, ...) CALL(link, routine, FUZZ_NAME_SELF, __VA_ARGS__)

/* A new receive right; `slot` is where its name lands in the link's names. */
static uint32_t allocate(unsigned link, unsigned slot)
{
	CALL_SELF(link, mach_port_allocate, .right = MACH_PORT_RIGHT_RECEIVE);
	return FUZZ_NAME(slot);
}

static void do_message(unsigned link, struct machd_message_args args, const void *message,
		       size_t size, unsigned fds)
{
	uint8_t body[4096];

	FUZZ_CHECK(sizeof args + size <= sizeof body);
	memcpy(body, &args, sizeof args);
	if (size)
		memcpy(body + sizeof args, message, size);
	seed_request(link, MACHD_OP_MESSAGE, fds, body, sizeof args + size);
}

static mach_msg_header_t header(unsigned remote, uint32_t to, unsigned local, uint32_t reply)
{
	return (mach_msg_header_t){.msgh_bits = MACH_MSGH_BITS(remote, local),
				   .msgh_size = sizeof(mach_msg_header_t),
				   .msgh_remote_port = to,
				   .msgh_local_port = reply,
				   .msgh_id = 0x1234};
}

static void send_simple(unsigned link, mach_msg_header_t head, uint64_t option, uint32_t timeout)
{
	do_message(link,
		   (struct machd_message_args){
			   .option = SEND | option, .send_size = sizeof head, .timeout = timeout},
		   &head, sizeof head, 0);
}

static void receive(unsigned link, uint32_t name, uint64_t option, uint32_t size)
{
	do_message(link,
		   (struct machd_message_args){.option = MACH_RCV_MSG | option,
					       .rcv_size = size,
					       .rcv_name = name,
					       .timeout = 10},
		   NULL, 0, 0);
}

struct with_ports {
	mach_msg_header_t header;
	mach_msg_body_t body;
	mach_msg_port_descriptor_t ports[2];
};

static struct with_ports port_message(uint32_t to, uint32_t first, unsigned how, uint32_t second,
				      unsigned second_how)
{
	struct with_ports message = {.header = header(MACH_MSG_TYPE_COPY_SEND, to, 0, 0),
				     .body = {2}};

	message.header.msgh_bits |= MACH_MSGH_BITS_COMPLEX;
	message.ports[0] = (mach_msg_port_descriptor_t){.name = first, .disposition = how};
	message.ports[1] = (mach_msg_port_descriptor_t){.name = second, .disposition = second_how};
	return message;
}

static void send_ports(unsigned link, struct with_ports message)
{
	do_message(link, (struct machd_message_args){.option = SEND, .send_size = sizeof message},
		   &message, sizeof message, 0);
}

static void seed_names(void)
{
	uint32_t port;

	seed_step(FUZZ_CONNECT, 0);
	port = allocate(0, 2);
	CALL_SELF(0, mach_port_insert_right, .name = port, .right = port,
		  .right_type = MACH_MSG_TYPE_MAKE_SEND);
	CALL_SELF(0, mach_port_names, 0);
	CALL_SELF(0, mach_port_mod_refs, .name = port, .right = MACH_PORT_RIGHT_SEND, .delta = 5);
	CALL_SELF(0, mach_port_get_attributes, .name = port, .flavor = MACH_PORT_RECEIVE_STATUS,
		  .count = MACH_PORT_RECEIVE_STATUS_COUNT);
	CALL_SELF(0, mach_port_deallocate, .name = port);
	CALL_SELF(0, mach_port_mod_refs, .name = port, .right = MACH_PORT_RIGHT_RECEIVE,
		  .delta = -1);
	CALL_SELF(0, mach_port_mod_refs, .name = port, .right = MACH_PORT_RIGHT_DEAD_NAME,
		  .delta = -4);
	CALL_SELF(0, mach_port_destroy, .name = port);
	CALL_SELF(0, mach_port_allocate_name, .right = MACH_PORT_RIGHT_RECEIVE, .name = 0x1003);
	CALL_SELF(0, mach_port_type, .name = 0x1003);
	CALL_SELF(0, mach_port_insert_right, .name = 0x1003, .right = 0x1003,
		  .right_type = MACH_MSG_TYPE_MAKE_SEND);
	CALL_SELF(0, mach_port_mod_refs, .name = 0x1003, .right = MACH_PORT_RIGHT_SEND,
		  .delta = 40000);
	seed_save("frame", "names");
}

static void seed_send_to_self(void)
{
	uint32_t port;

	seed_step(FUZZ_CONNECT, 0);
	port = allocate(0, 2);
	send_simple(0, header(MACH_MSG_TYPE_MAKE_SEND, port, MACH_MSG_TYPE_MAKE_SEND_ONCE, port), 0,
		    0);
	send_simple(0, header(MACH_MSG_TYPE_MAKE_SEND_ONCE, port, 0, 0), 0, 0);
	receive(0, port, MACH_RCV_TRAILER_ELEMENTS(MACH_RCV_TRAILER_AUDIT), 256);
	receive(0, port, MACH_RCV_LARGE | MACH_RCV_LARGE_IDENTITY, 24);
	receive(0, port, MACH_RCV_TRAILER_ELEMENTS(MACH_RCV_TRAILER_AV), 256);
	receive(0, port, MACH_RCV_TIMEOUT, 256);
	seed_step(FUZZ_TIMEOUT, 0);
	seed_save("frame", "send-to-self");
}

static void seed_rpc(void)
{
	mach_msg_header_t request_header = header(MACH_MSG_TYPE_COPY_SEND, FUZZ_NAME(2),
						  MACH_MSG_TYPE_MAKE_SEND_ONCE, FUZZ_NAME(3));
	mach_msg_header_t reply =
		header(MACH_MSG_TYPE_MOVE_SEND_ONCE, FUZZ_NAME(3), 0, MACH_PORT_NULL);

	seed_step(FUZZ_CONNECT, 0);
	seed_step(FUZZ_CONNECT, 1);
	CALL(0, bootstrap_check_in, FUZZ_NAME_BOOT, .service = "org.example");
	CALL(1, bootstrap_look_up, FUZZ_NAME_BOOT, .service = "org.example");
	CALL(1, bootstrap_look_up, FUZZ_NAME_BOOT, .service = "org.none");
	allocate(1, 3);
	receive(0, FUZZ_NAME(2), 0, 128);
	do_message(1,
		   (struct machd_message_args){.option = SEND | MACH_RCV_MSG,
					       .send_size = sizeof request_header,
					       .rcv_size = 128,
					       .rcv_name = FUZZ_NAME(3)},
		   &request_header, sizeof request_header, 0);
	send_simple(0, reply, 0, 0);
	seed_step(FUZZ_DISCONNECT, 0);
	seed_step(FUZZ_WORK, 0);
	seed_save("frame", "rpc");
}

/* A name that is kept: wanted, served, and wanted again when its server dies. */
static void seed_kept_name(void)
{
	mach_msg_header_t message = header(MACH_MSG_TYPE_COPY_SEND, FUZZ_NAME(2), 0, 0);

	seed_step(FUZZ_CONNECT, 0);
	seed_step(FUZZ_CONNECT, 1);
	CALL(1, bootstrap_look_up, FUZZ_NAME_BOOT, .service = "kept");
	send_simple(1, message, 0, 0);
	send_simple(1, message, 0, 0);
	CALL(0, bootstrap_check_in, FUZZ_NAME_BOOT, .service = "kept");
	CALL(1, bootstrap_status, FUZZ_NAME_BOOT, .service = "kept");
	receive(0, FUZZ_NAME(2), 0, 128);
	seed_step(FUZZ_DISCONNECT, 0);
	seed_step(FUZZ_CONNECT, 0);
	CALL(0, bootstrap_check_in, FUZZ_NAME_BOOT, .service = "kept");
	receive(0, FUZZ_NAME(2), 0, 128);
	seed_save("frame", "kept-name");
}

/* A bootstrap port below the first, and the end of its requestor. */
static void seed_subset(void)
{
	seed_step(FUZZ_CONNECT, 0);
	CALL(0, bootstrap_check_in, FUZZ_NAME_BOOT, .service = "a");
	CALL(0, bootstrap_look_up, FUZZ_NAME_BOOT, .service = "a");
	CALL(0, bootstrap_subset, FUZZ_NAME_BOOT, .requestor = FUZZ_NAME(2));
	CALL(0, bootstrap_check_in, FUZZ_NAME(3), .service = "b");
	CALL(0, bootstrap_look_up, FUZZ_NAME(3), .service = "a");
	CALL(0, bootstrap_parent, FUZZ_NAME(3));
	CALL(0, bootstrap_create_service, FUZZ_NAME(3), .service = "c");
	CALL(0, bootstrap_check_in, FUZZ_NAME(3), .service = "c");
	CALL(0, mach_port_destroy, FUZZ_NAME_SELF, .name = FUZZ_NAME(2));
	CALL(0, bootstrap_look_up, FUZZ_NAME(3), .service = "b");
	seed_save("frame", "subset");
}

/* A receive right goes to another task with a message queued on it, and its owner dies. */
static void seed_move_receive(void)
{
	seed_step(FUZZ_CONNECT, 0);
	seed_step(FUZZ_CONNECT, 1);
	CALL(0, bootstrap_check_in, FUZZ_NAME_BOOT, .service = "a");
	CALL(1, bootstrap_look_up, FUZZ_NAME_BOOT, .service = "a");
	allocate(1, 3);
	send_simple(1, header(MACH_MSG_TYPE_MAKE_SEND, FUZZ_NAME(3), 0, 0), 0, 0);
	send_ports(1, port_message(FUZZ_NAME(2), FUZZ_NAME(3), MACH_MSG_TYPE_MOVE_RECEIVE,
				   FUZZ_NAME(2), MACH_MSG_TYPE_COPY_SEND));
	receive(0, FUZZ_NAME(2), 0, 256);
	receive(0, FUZZ_NAME(4), 0, 256);
	seed_step(FUZZ_DISCONNECT, 1);
	seed_step(FUZZ_WORK, 0);
	seed_save("frame", "move-receive");
}

/* A port in a message on itself, and two ports in messages on each other. */
static void seed_circular(void)
{
	seed_step(FUZZ_CONNECT, 0);
	for (unsigned slot = 2; slot < 4; slot++) {
		allocate(0, slot);
		CALL_SELF(0, mach_port_insert_right, .name = FUZZ_NAME(slot),
			  .right = FUZZ_NAME(slot), .right_type = MACH_MSG_TYPE_MAKE_SEND);
	}
	send_ports(0, port_message(FUZZ_NAME(2), FUZZ_NAME(3), MACH_MSG_TYPE_MOVE_RECEIVE, 0, 0));
	send_ports(0, port_message(FUZZ_NAME(3), FUZZ_NAME(2), MACH_MSG_TYPE_MOVE_RECEIVE, 0, 0));
	seed_step(FUZZ_WORK, 0);
	seed_save("frame", "circular");
}

static void seed_large_body(void)
{
	struct {
		mach_msg_header_t header;
		uint8_t body[1000];
	} message = {.header = header(MACH_MSG_TYPE_MAKE_SEND, FUZZ_NAME(2), 0, 0)};
	struct machd_message_args args = {.option = SEND, .send_size = sizeof message + 32 * 1024};

	seed_step(FUZZ_CONNECT, 0);
	allocate(0, 2);
	do_message(0, args, &message, sizeof message, FUZZ_FDS(1, 0, 1, 5));
	do_message(0, args, &message, sizeof message, FUZZ_FDS(1, 0, 0, 5));
	do_message(0, args, &message, sizeof message, FUZZ_FDS(1, 0, 1, 2));
	receive(0, FUZZ_NAME(2), 0, 64 * 1024);
	do_message(0, args, &message, sizeof message, FUZZ_FDS(1, 0, 1, 6));
	seed_step(FUZZ_DISCONNECT, 0);
	seed_save("frame", "large-body");
}

/* As much as a frame holds, and nearly as much, to a port and back. */
static void seed_large_frame(void)
{
	struct {
		struct machd_message_args args;
		mach_msg_header_t header;
	} body = {.header = header(MACH_MSG_TYPE_MAKE_SEND, FUZZ_NAME(2), 0, 0)};

	seed_step(FUZZ_CONNECT, 0);
	allocate(0, 2);
	for (unsigned kib = 190; kib <= 200; kib++) {
		size_t most = MACHD_FRAME_SIZE_MAX - sizeof(struct machd_frame) - sizeof body.args;
		size_t size = sizeof body.header + 1024 * kib;

		body.args = (struct machd_message_args){
			.option = SEND | MACH_RCV_MSG |
				  MACH_RCV_TRAILER_ELEMENTS(MACH_RCV_TRAILER_AV),
			.send_size = (uint32_t)(size < most ? size : most),
			.rcv_size = UINT32_MAX,
			.rcv_name = FUZZ_NAME(2)};
		step_with(FUZZ_LARGE, 0, kib);
		seed_put_u8(MACHD_OP_MESSAGE);
		seed_put_u8(0);
		seed_put_u8(sizeof body);
		seed_put_u8(0);
		seed_put(&body, sizeof body);
	}
	seed_save("frame", "large-frame");
}

/* Senders wait on a full port; one gives up, one times out, one is let in. */
static void seed_full_queue(void)
{
	mach_msg_header_t head = header(MACH_MSG_TYPE_COPY_SEND, FUZZ_NAME(2), 0, 0);

	for (unsigned link = 0; link < 4; link++)
		seed_step(FUZZ_CONNECT, link);
	CALL(0, bootstrap_check_in, FUZZ_NAME_BOOT, .service = "a");
	for (unsigned link = 1; link < 4; link++)
		CALL(link, bootstrap_look_up, FUZZ_NAME_BOOT, .service = "a");
	for (unsigned i = 0; i < MACH_PORT_QLIMIT_DEFAULT; i++)
		send_simple(1, head, 0, 0);
	send_simple(1, head, 0, 0);
	send_simple(2, head, MACH_SEND_TIMEOUT, 5);
	send_simple(3, head, MACH_SEND_TIMEOUT | MACH_SEND_NOTIFY, 0);
	seed_request(1, MACHD_OP_CANCEL, 0, "", 0);
	seed_step(FUZZ_TIMEOUT, 2);
	send_simple(3, head, 0, 0);
	receive(0, FUZZ_NAME(2), 0, 128);
	seed_save("frame", "full-queue");
}

/* Ask on link 0 for a notification about the name in slot 2, to the port in slot 3. */
static void ask(uint32_t msgid, uint32_t sync)
{
	CALL_SELF(0, mach_port_request_notification, .name = FUZZ_NAME(2), .msgid = msgid,
		  .sync = sync, .notify = FUZZ_NAME(3),
		  .notify_type = MACH_MSG_TYPE_MAKE_SEND_ONCE);
}

static void seed_notifications(void)
{
	seed_step(FUZZ_CONNECT, 0);
	allocate(0, 2);
	allocate(0, 3);
	CALL_SELF(0, mach_port_insert_right, .name = FUZZ_NAME(2), .right = FUZZ_NAME(2),
		  .right_type = MACH_MSG_TYPE_MAKE_SEND);
	ask(MACH_NOTIFY_NO_SENDERS, 1);
	ask(MACH_NOTIFY_PORT_DESTROYED, 0);
	ask(MACH_NOTIFY_DEAD_NAME, 1);
	ask(MACH_NOTIFY_SEND_POSSIBLE, 0);
	CALL_SELF(0, mach_port_deallocate, .name = FUZZ_NAME(2));
	receive(0, FUZZ_NAME(3), 0, 256);
	CALL_SELF(0, mach_port_destroy, .name = FUZZ_NAME(2));
	receive(0, FUZZ_NAME(3), 0, 256);
	seed_save("frame", "notifications");
	seed_step(FUZZ_CONNECT, 0);
	seed_step(FUZZ_CONNECT, 1);
	CALL(1, bootstrap_check_in, FUZZ_NAME_BOOT, .service = "a");
	CALL(0, bootstrap_look_up, FUZZ_NAME_BOOT, .service = "a");
	allocate(0, 3);
	ask(MACH_NOTIFY_DEAD_NAME, 0);
	seed_step(FUZZ_DISCONNECT, 1);
	seed_step(FUZZ_WORK, 0);
	receive(0, FUZZ_NAME(3), 0, 256);
	seed_save("frame", "dead-name");
}

/* Messages to ports that the daemon answers for. */
static void seed_kernel(void)
{
	seed_step(FUZZ_CONNECT, 0);
	allocate(0, 2);
	send_simple(0,
		    header(MACH_MSG_TYPE_COPY_SEND, FUZZ_NAME_SELF, MACH_MSG_TYPE_MAKE_SEND_ONCE,
			   FUZZ_NAME(2)),
		    0, 0);
	send_simple(0, header(MACH_MSG_TYPE_COPY_SEND, FUZZ_NAME_BOOT, 0, 0), 0, 0);
	receive(0, FUZZ_NAME(2), 0, 256);
	seed_save("frame", "kernel");
}

/* Each port is in a message on the one before it; then the first is destroyed. */
static void seed_chain(void)
{
	seed_step(FUZZ_CONNECT, 0);
	for (unsigned slot = 2; slot < 12; slot++) {
		allocate(0, slot);
		CALL_SELF(0, mach_port_insert_right, .name = FUZZ_NAME(slot),
			  .right = FUZZ_NAME(slot), .right_type = MACH_MSG_TYPE_MAKE_SEND);
	}
	for (unsigned slot = 11; slot > 2; slot--)
		send_ports(0, port_message(FUZZ_NAME(slot - 1), FUZZ_NAME(slot),
					   MACH_MSG_TYPE_MOVE_RECEIVE, FUZZ_NAME(slot),
					   MACH_MSG_TYPE_MOVE_SEND));
	CALL_SELF(0, mach_port_destroy, .name = FUZZ_NAME(2));
	seed_save("frame", "chain");
}

static void seed_sets(void)
{
	seed_step(FUZZ_CONNECT, 0);
	allocate(0, 2);
	CALL_SELF(0, mach_port_allocate, .right = MACH_PORT_RIGHT_PORT_SET);
	CALL_SELF(0, mach_port_insert_member, .name = FUZZ_NAME(2), .pset = FUZZ_NAME(3));
	receive(0, FUZZ_NAME(3), 0, 128);
	step_with(FUZZ_JOIN, 1, 0);
	send_simple(1, header(MACH_MSG_TYPE_MAKE_SEND, FUZZ_NAME(2), 0, 0), 0, 0);
	CALL_SELF(0, mach_port_get_set_status, .name = FUZZ_NAME(3));
	CALL_SELF(0, mach_port_extract_member, .name = FUZZ_NAME(2), .pset = FUZZ_NAME(3));
	CALL_SELF(0, mach_port_move_member, .member = FUZZ_NAME(2), .after = FUZZ_NAME(3));
	CALL_SELF(0, mach_port_destroy, .name = FUZZ_NAME(3));
	seed_save("frame", "sets");
}

/* Two threads of one task; the first leaves, the task lives. */
static void seed_threads(void)
{
	seed_step(FUZZ_CONNECT, 0);
	step_with(FUZZ_JOIN, 1, 0);
	step_with(FUZZ_JOIN, 2, 5);
	allocate(0, 2);
	receive(1, FUZZ_NAME(2), 0, 128);
	seed_step(FUZZ_DISCONNECT, 0);
	CALL_SELF(1, mach_port_names, 0);
	seed_step(FUZZ_DISCONNECT, 1);
	seed_save("frame", "threads");
}

static void seed_broken(void)
{
	struct machd_frame frame = {.length = sizeof frame, .op = MACHD_OP_CALL, .sequence = 1};

	seed_step(FUZZ_SILENT, 0);
	raw(0, 0, &frame, sizeof frame);
	seed_step(FUZZ_CONNECT, 1);
	raw(1, 0, &frame, 7);
	seed_step(FUZZ_CONNECT, 2);
	seed_request(2, MACHD_OP_CALL, FUZZ_FDS(2, 3, 0, 0), "", 0);
	seed_step(FUZZ_CONNECT, 3);
	seed_request(3, MACHD_OP_HELLO, 0, "\x80", 1);
	seed_step(FUZZ_CONNECT, 4);
	seed_request(4, MACHD_OP_MESSAGE, FUZZ_FDS(1, 0, 1, 0), "short", 5);
	seed_step(FUZZ_CONNECT, 5);
	raw(5, 0, &frame, sizeof frame);
	raw(5, 0, &frame, sizeof frame);
	seed_save("frame", "broken");
}

/* Each routine once, on the object it is for, with the same name in all its words. */
static void seed_routines(void)
{
	seed_step(FUZZ_CONNECT, 0);
	allocate(0, 2);
	for (unsigned i = 0; i < machd_routine_count; i++) {
		const struct machd_routine_row *row = &machd_routines[i];
		uint32_t words[WORDS_MAX];

		FUZZ_CHECK(row->in_size <= sizeof words);
		for (unsigned j = 0; j < WORDS_MAX; j++)
			words[j] = FUZZ_NAME(2);
		call(0, row->number,
		     row->object == MACHD_OBJECT_BOOTSTRAP ? FUZZ_NAME_BOOT : FUZZ_NAME_SELF, words,
		     row->in_size);
		call(0, row->number, FUZZ_NAME(2), words, row->in_size);
	}
	seed_save("frame", "routines");
}

static void seed_watch(void)
{
	struct machd_watch watch = {0};

	seed_step(FUZZ_CONNECT, 0);
	seed_step(FUZZ_CONNECT, 1);
	allocate(0, 2);
	CALL(0, bootstrap_check_in, FUZZ_NAME_BOOT, .service = "a");
	for (watch.table = 0; watch.table <= MACHD_WATCH_TOTALS + 1; watch.table++)
		seed_request(1, MACHD_OP_WATCH, 0, &watch, sizeof watch);
	seed_save("frame", "watch");
}

/* The same steps with each of the first allocations failing. */
static void seed_no_memory(void)
{
	for (unsigned n = 1; n < 24; n++) {
		seed_step(FUZZ_CONNECT, 0);
		seed_step(FUZZ_CONNECT, 1);
		CALL(0, bootstrap_check_in, FUZZ_NAME_BOOT, .service = "a");
		CALL(1, bootstrap_look_up, FUZZ_NAME_BOOT, .service = "a");
		allocate(1, 3);
		step_with(FUZZ_NO_MEMORY, 0, n);
		send_ports(1, port_message(FUZZ_NAME(2), FUZZ_NAME(3), MACH_MSG_TYPE_MOVE_RECEIVE,
					   FUZZ_NAME(3), MACH_MSG_TYPE_MAKE_SEND));
		receive(0, FUZZ_NAME(2), 0, 256);
		allocate(0, 3);
		step_with(FUZZ_JOIN, 2, 0);
		seed_step(FUZZ_DISCONNECT, 0);
		seed_step(FUZZ_DISCONNECT, 1);
		seed_step(FUZZ_DISCONNECT, 2);
	}
	seed_save("frame", "no-memory");
}

static void seed_limits(void)
{
	for (unsigned row = 0; row < machd_limit_row_count; row++) {
		seed_step(FUZZ_LIMITS, row % 6);
		seed_put_u8(row);
		seed_put_u8(2);
		seed_step(FUZZ_CONNECT, 0);
		allocate(0, 2);
		send_simple(0, header(MACH_MSG_TYPE_MAKE_SEND, FUZZ_NAME(2), 0, 0), 0, 0);
		send_simple(0, header(MACH_MSG_TYPE_MAKE_SEND, FUZZ_NAME(2), 0, 0), 0, 0);
		step_with(FUZZ_JOIN, 1, 0);
		step_with(FUZZ_JOIN, 2, 0);
		seed_step(FUZZ_DISCONNECT, 0);
	}
	seed_save("frame", "limits");
}

void seed_frames(void)
{
	seed_names();
	seed_send_to_self();
	seed_rpc();
	seed_kept_name();
	seed_subset();
	seed_move_receive();
	seed_circular();
	seed_large_body();
	seed_large_frame();
	seed_full_queue();
	seed_notifications();
	seed_kernel();
	seed_chain();
	seed_sets();
	seed_threads();
	seed_broken();
	seed_routines();
	seed_watch();
	seed_no_memory();
	seed_limits();
	seed_memory_frames();
	seed_mig_frames();
}
