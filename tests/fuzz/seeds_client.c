/* SPDX-License-Identifier: Apache-2.0 */
/* Seeds of the client: what a daemon answers, as tests/fuzz/fuzz_client.c reads it. */
#include <mach/message.h>
#include <string.h>

#include "protocol/frame.h"
#include "protocol/hello.h"
#include "protocol/limits.h"
#include "tests/fuzz/seeds.h"

enum { GOOD = 0, BEHIND = 2 << 5, IN_RING = 4 << 5, SCRIBBLE = 6 << 5, NO_FDS = 0x80 };
enum { SEND = 0, RECEIVE = 3, LISTS = 5, PORT = 8, REPEATED = 0x80 };

static void begin(unsigned first)
{
	seed_put_u8(first);
}

/* The head of a frame in answer to what was asked. */
static void put_head(unsigned kind, size_t size, unsigned fds)
{
	seed_put_u8(kind);
	seed_put_u8((unsigned)(size >> 8));
	seed_put_u8(size & 0xff);
	if (kind != IN_RING)
		seed_put_u8(fds);
}

static void put_answer(unsigned kind, const void *bytes, size_t size, unsigned fds)
{
	put_head(kind, size, fds);
	seed_put(bytes, size);
}

static void put_welcome(void)
{
	const struct machd_welcome welcome = {.version = MACHD_PROTOCOL_VERSION,
					      .inline_max = MACHD_INLINE_MAX,
					      .task = 1,
					      .thread = 2,
					      .self = 0x103,
					      .host = 0x203,
					      .bootstrap = 0x303};
	uint8_t bytes[MACHD_HELLO_SIZE_MAX];

	put_answer(GOOD, bytes, machd_welcome_pack(&welcome, bytes, sizeof bytes), NO_FDS);
}

/* A call's answer with so many words. */
static void put_call(unsigned kind, unsigned words, unsigned fds)
{
	const uint32_t answer[32] = {0, 0, 3, 0x503, 5, 6, 7, 8};

	put_answer(kind, answer, (2 + words) * sizeof *answer, fds);
}

static void put_ring(unsigned size, unsigned sealed)
{
	const struct machd_ring_answer answer = {0, 0};

	put_head(GOOD, sizeof answer, 1);
	seed_put_u8(size);
	seed_put_u8(sealed);
	seed_put(&answer, sizeof answer);
}

/* A message that was received, with `memory` descriptors of out-of-line memory. */
static void put_message(unsigned kind, uint32_t memory, uint32_t loans)
{
	struct {
		struct machd_message_answer answer;
		mach_msg_header_t header;
		mach_msg_body_t body;
		mach_msg_ool_descriptor_t ool[2];
		mach_msg_trailer_t trailer;
	} message = {
		.answer = {.place = MACHD_PLACE_RECEIVE, .memory_count = memory, .loans = loans},
		.header = {.msgh_bits = memory ? MACH_MSGH_BITS_COMPLEX : 0,
			   .msgh_size =
				   offsetof(__typeof__(message), trailer) - sizeof message.answer,
			   .msgh_id = 9},
		.body = {.msgh_descriptor_count = memory},
		.trailer = {.msgh_trailer_size = sizeof message.trailer}};

	for (unsigned i = 0; i < 2; i++) {
		message.ool[i].size = 100;
		message.ool[i].type = MACH_MSG_OOL_DESCRIPTOR;
	}
	put_answer(kind, &message, sizeof message, NO_FDS);
}

/* What follows it: the memory of two descriptors, the second a memfd of a page. */
static void put_memory(void)
{
	const struct {
		struct machd_memory table[2];
		uint8_t bytes[100];
	} memory = {.table = {{MACHD_MEMORY_INLINE, 0, 0}, {MACHD_MEMORY_FD, 0, 0}}};

	seed_put_u8(1 << 5 | 1); /* of another kind than the request */
	seed_put_u8(sizeof memory >> 8);
	seed_put_u8(sizeof memory & 0xff);
	seed_put_u8(MACHD_OP_MEMORY);
	seed_put_u8(1);
	seed_put_u8(64);
	seed_put(&memory, sizeof memory);
}

void seed_clients(void)
{
	begin(REPEATED | PORT);
	put_welcome();
	put_call(GOOD, 1, NO_FDS);
	put_ring(1, 1);
	for (unsigned i = 0; i < 8; i++)
		put_call(IN_RING, 1, 0);
	seed_save("client", "ring");
	begin(REPEATED | PORT);
	put_welcome();
	put_call(GOOD, 1, NO_FDS);
	put_ring(0, 1);
	put_call(GOOD, 1, NO_FDS);
	seed_save("client", "small-ring");
	begin(REPEATED | RECEIVE);
	put_welcome();
	for (unsigned i = 0; i < 3; i++)
		put_message(GOOD, 0, 0);
	put_message(BEHIND, 2, 0);
	put_memory();
	put_message(BEHIND, 0, 2);
	seed_save("client", "messages");
	begin(SEND);
	put_welcome();
	for (unsigned i = 0; i < 30; i++)
		put_call(GOOD, i % 12, i % 3 ? NO_FDS : 1);
	seed_save("client", "answers");
	begin(LISTS);
	put_welcome();
	for (unsigned i = 0; i < 30; i++)
		put_call(GOOD, 1 + i % 7, NO_FDS);
	seed_save("client", "lists");
	begin(REPEATED | SEND);
	put_welcome();
	put_call(GOOD, 0, NO_FDS);
	put_message(GOOD, 0, 0);
	seed_put_u8(SCRIBBLE | 1);
	seed_put("\0\1\0\0\0\100\1", 7);
	put_message(GOOD, 0, 0);
	seed_save("client", "promises");
}
