/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes the seed of fuzz_record: the record of a task that makes a port, sends itself a message
 * and leaves.
 *
 *   fuzz_seed_record FILE
 */
#include <errno.h>
#include <mach/message.h>
#include <mach/port.h>
#include <string.h>

#include "daemon/keep/record.h"
#include "protocol/frame.h"
#include "protocol/ops.h"
#include "tests/fuzz/fuzz.h"

static struct record *record;
static struct ipc_host *host;
static struct ipc_thread *thread;
static uint32_t self, port;

/* What came back is of no interest but for two names. */
static void on_answer(void *context, struct ipc_thread *to, const struct ipc_answer *answer)
{
	const struct machd_frame *frame = answer->packet;
	size_t size = answer->size;
	struct machd_welcome welcome;

	(void)context;
	(void)to;
	if (frame->op == (MACHD_OP_HELLO | MACHD_OP_ANSWER)) {
		FUZZ_CHECK(!machd_welcome_unpack(frame + 1, size - sizeof *frame, &welcome));
		self = welcome.self;
	} else if (frame->op == (MACHD_OP_CALL | MACHD_OP_ANSWER)) {
		FUZZ_CHECK(size == sizeof *frame + sizeof(struct machd_call_answer) + sizeof port);
		memcpy(&port, (const uint8_t *)answer->packet + size - sizeof port, sizeof port);
	}
}

static void on_timer(void *context, struct ipc_thread *of, uint64_t deadline)
{
	(void)context;
	(void)of;
	(void)deadline;
}

static void on_alarm(void *context, uint64_t deadline)
{
	(void)context;
	(void)deadline;
}

static void on_release(void *context, ipc_fd_t fd)
{
	(void)context;
	(void)fd;
}

static void on_boost(void *context, int32_t pid, uint32_t uid, bool on)
{
	(void)context;
	(void)pid;
	(void)uid;
	(void)on;
}

static void on_text(void *context, const char *text)
{
	(void)context;
	fprintf(stderr, "%s\n", text);
}

static void frame(unsigned op, uint32_t sequence, const void *head, size_t head_size,
		  const void *body, size_t body_size)
{
	uint8_t packet[1024];
	struct machd_frame header = {
		.length = (uint32_t)(sizeof header + head_size + body_size),
		.op = (uint16_t)op,
		.sequence = sequence,
	};
	struct trap_input input = {.kind = TRAP_FRAME,
				   .now = 1000 + sequence,
				   .thread = thread,
				   .packet = packet,
				   .size = header.length};

	FUZZ_CHECK(header.length <= sizeof packet);
	memcpy(packet, &header, sizeof header);
	memcpy(packet + sizeof header, head, head_size);
	memcpy(packet + sizeof header + head_size, body, body_size);
	FUZZ_CHECK(!record_input(record, host, &input));
}

static void connect_and_greet(void)
{
	struct trap_input input = {.kind = TRAP_CONNECT,
				   .now = 1,
				   .channel = 1,
				   .peer = {.uid = 1000, .gid = 100, .pid = 7, .pidversion = 1}};
	struct machd_hello hello = {.version_oldest = MACHD_PROTOCOL_VERSION,
				    .version_newest = MACHD_PROTOCOL_VERSION,
				    .word = 64,
				    .role = MACHD_ROLE_TASK};
	uint8_t buffer[MACHD_HELLO_SIZE_MAX];

	FUZZ_CHECK(!record_input(record, host, &input));
	thread = input.thread;
	frame(MACHD_OP_HELLO, 0, buffer, machd_hello_pack(&hello, buffer, sizeof buffer), "", 0);
}

static void talk(void)
{
	struct machd_call call = {MACHD_ROUTINE_mach_port_allocate, self};
	struct mach_port_allocate_in in = {MACH_PORT_RIGHT_RECEIVE};
	struct machd_message_args args = {.option = MACH_SEND_MSG | MACH64_SEND_ANY | MACH_RCV_MSG,
					  .send_size = sizeof(mach_msg_header_t),
					  .rcv_size = 256};
	mach_msg_header_t message = {.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_MAKE_SEND, 0)};

	frame(MACHD_OP_CALL, 1, &call, sizeof call, &in, sizeof in);
	message.msgh_remote_port = args.rcv_name = port;
	frame(MACHD_OP_MESSAGE, 2, &args, sizeof args, &message, sizeof message);
}

int main(int argc, char **argv)
{
	static const struct ipc_outbox outbox = {.answer = on_answer,
						 .timer = on_timer,
						 .alarm = on_alarm,
						 .release = on_release,
						 .corrupt = on_text,
						 .boost = on_boost,
						 .warn = on_text};
	struct trap_config config = {.seed = 1, .owner_uid = 0};
	struct trap_input gone = {.kind = TRAP_DISCONNECT, .now = 2000};

	machd_limits_init(&config.limits);
	record = argc == 2 ? record_open(argv[1], &config) : NULL;
	if (!record) {
		fprintf(stderr, "usage: %s FILE; %s\n", argv[0], strerror(errno));
		return 2;
	}
	host = trap_start(&config, record_outbox(record, &outbox));
	FUZZ_CHECK(host);
	connect_and_greet();
	talk();
	gone.thread = thread;
	FUZZ_CHECK(!record_input(record, host, &gone));
	record_stop(record, host);
	return 0;
}
