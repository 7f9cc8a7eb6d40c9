/* SPDX-License-Identifier: Apache-2.0 */
/* Seeds of the frame fuzzer for descriptors of event loops, and for auxiliary data. */
#include <mach/message.h>
#include <mach/port.h>
#include <string.h>

#include "protocol/frame.h"
#include "protocol/ops.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/script.h"
#include "tests/fuzz/seeds.h"

#define MAKE MACH_MSG_TYPE_MAKE_SEND

static void call(unsigned link, unsigned routine, const void *in, size_t size)
{
	uint8_t body[64];
	struct machd_call head = {.routine = routine, .target = FUZZ_NAME_SELF};

	FUZZ_CHECK(sizeof head + size <= sizeof body);
	memcpy(body, &head, sizeof head);
	memcpy(body + sizeof head, in, size);
	seed_request(link, MACHD_OP_CALL, 0, body, sizeof head + size);
}

#define CALL(link, routine, ...)                                                 \
	call(link, MACHD_ROUTINE_##routine, &(struct routine##_in){__VA_ARGS__}, \
	     sizeof(struct routine##_in))

static void send(unsigned link, uint32_t port, uint32_t aux_size)
{
	struct {
		struct machd_message_args args;
		mach_msg_header_t header;
		uint8_t aux[64];
	} body = {
		.args = {.option = MACH_SEND_MSG | MACH64_SEND_MQ_CALL | MACH_SEND_TIMEOUT |
				   MACH64_MSG_VECTOR,
			 .send_size = sizeof body.header,
			 .aux_size = aux_size},
		.header = {.msgh_bits = MACH_MSGH_BITS(MAKE, 0), .msgh_remote_port = port},
	};

	seed_request(link, MACHD_OP_MESSAGE, 0, &body, offsetof(__typeof__(body), aux) + aux_size);
}

static void receive(unsigned link, uint32_t name, uint64_t option, uint32_t aux_size)
{
	struct machd_message_args args = {.option = MACH_RCV_MSG | MACH_RCV_TIMEOUT | option,
					  .rcv_size = 64,
					  .rcv_name = name,
					  .rcv_aux_size = aux_size};

	seed_request(link, MACHD_OP_MESSAGE, 0, &args, sizeof args);
}

static void seed_aux(void)
{
	seed_step(FUZZ_CONNECT, 0);
	CALL(0, mach_port_allocate, .right = MACH_PORT_RIGHT_RECEIVE);
	for (uint32_t size = 0; size <= 64; size += 8)
		send(0, FUZZ_NAME(2), size);
	receive(0, FUZZ_NAME(2), 0, 0);
	receive(0, FUZZ_NAME(2), MACH64_MSG_VECTOR, 16);
	receive(0, FUZZ_NAME(2), MACH64_MSG_VECTOR | MACH_RCV_LARGE, 8);
	receive(0, FUZZ_NAME(2), MACH64_MSG_VECTOR, 8);
	receive(0, FUZZ_NAME(2), MACH64_MSG_VECTOR | MACHD_RCV_LINEAR, 1024);
	receive(0, FUZZ_NAME(2), 0, 128);
	seed_save("frame", "aux");
}

/* A bell is asked for with two good descriptors; its id is learned as names are. */
static void seed_bell(void)
{
	const uint32_t port = FUZZ_NAME(2), set = FUZZ_NAME(3), bell = FUZZ_NAME(4);

	seed_step(FUZZ_CONNECT, 0);
	CALL(0, mach_port_allocate, .right = MACH_PORT_RIGHT_RECEIVE);
	CALL(0, mach_port_allocate, .right = MACH_PORT_RIGHT_PORT_SET);
	seed_request(0, MACHD_OP_BELL, FUZZ_FDS(2, 0, 1, 0), "", 0);
	CALL(0, machd_bell_add, .bell = bell, .name = port);
	CALL(0, machd_bell_add, .bell = bell, .name = set);
	send(0, port, 8);
	CALL(0, mach_port_insert_member, .name = port, .pset = set);
	CALL(0, machd_bell_next, .bell = bell, .max = 9);
	receive(0, set, 0, 0);
	send(0, port, 0);
	CALL(0, machd_bell_remove, .bell = bell, .name = set);
	CALL(0, mach_port_destroy, .name = port);
	CALL(0, machd_bell_next, .bell = bell, .max = 1);
	CALL(0, machd_bell_add, .bell = bell, .name = set);
	CALL(0, mach_port_destroy, .name = set);
	CALL(0, machd_bell_close, .bell = bell);
	seed_request(0, MACHD_OP_BELL, FUZZ_FDS(2, 0, 1, 0), "", 0);
	CALL(0, mach_port_allocate, .right = MACH_PORT_RIGHT_RECEIVE);
	CALL(0, machd_bell_add, .bell = FUZZ_NAME(5), .name = FUZZ_NAME(6));
	seed_step(FUZZ_DISCONNECT, 0);
	seed_save("frame", "bell");
}

void seed_bell_frames(void)
{
	seed_aux();
	seed_bell();
}
