/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arbitrary packets on several connections of one state machine. Each input is run twice: the same
 * inputs must give the same outputs and the same state. Everything else that must hold is checked
 * in world.c, and by the sanitizers.
 */
#include <string.h>

#include "daemon/base/mem.h"
#include "protocol/frame.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/script.h"
#include "tests/fuzz/world.h"

enum { FDS_MAX = 3, STEPS_MAX = 256 };

/* A size and that many bytes, or what is left. */
static size_t take_bytes(struct fuzz_script *script, const uint8_t **bytes)
{
	size_t size = fuzz_take(script);

	size |= fuzz_take(script) << 8;
	if (size > (size_t)(script->end - script->at))
		size = (size_t)(script->end - script->at);
	*bytes = script->at;
	script->at += size;
	return size;
}

static unsigned make_fds(struct world *world, unsigned how, struct trap_fd *fds)
{
	unsigned count = 0;

	while (count < (how & 3) && world_handle(world, &fds[count].handle)) {
		fds[count].sealed = how >> 4 & 1;
		fds[count].size = UINT64_C(1024) << (how >> 5);
		count++;
	}
	return count;
}

/* Replace the placeholders for names by names. */
static void put_names(const struct world_link *link, uint8_t *bytes, size_t size)
{
	uint32_t word;

	for (size_t i = 0; i + sizeof word <= size; i += sizeof word) {
		memcpy(&word, bytes + i, sizeof word);
		if (!FUZZ_IS_NAME(word))
			continue;
		word = link->names[word % WORLD_NAMES];
		memcpy(bytes + i, &word, sizeof word);
	}
}

static void send_request(struct world *world, struct world_link *link, unsigned op,
			 const void *body, size_t size, unsigned how)
{
	struct machd_frame frame = {.op = (uint16_t)op, .flags = link->flags};
	struct trap_fd fds[FDS_MAX];
	unsigned fd_count = make_fds(world, how, fds);
	uint8_t *packet = malloc(sizeof frame + size);

	FUZZ_CHECK(packet);
	for (unsigned i = 0; i < fd_count; i++) {
		if (fds[i].sealed == TRAP_FD_SEALED && op == MACHD_OP_BELL)
			fds[i].sealed = TRAP_FD_SOCKET;
		if (fds[i].sealed == TRAP_FD_SEALED && op == MACHD_OP_BOARD)
			fds[i].sealed = TRAP_FD_FIXED;
	}
	link->flags = 0;
	frame.length = (uint32_t)(sizeof frame + size);
	frame.fds = (uint16_t)(fd_count ^ (how >> 2 & 3));
	if (op == MACHD_OP_HELLO)
		link->sequence = 0;
	else if (op != MACHD_OP_CANCEL)
		link->sequence++;
	frame.sequence = link->sequence;
	memcpy(packet, &frame, sizeof frame);
	memcpy(packet + sizeof frame, body, size);
	put_names(link, packet + sizeof frame, size);
	world_packet(world, link, packet, sizeof frame + size, fds, fd_count);
	free(packet);
}

static void do_request(struct world *world, struct world_link *link, struct fuzz_script *script)
{
	unsigned op = fuzz_take(script), how = fuzz_take(script);
	const uint8_t *bytes;
	size_t size = take_bytes(script, &bytes);

	if (link->thread)
		send_request(world, link, op, bytes, size, how);
}

/* A request as large as a frame may be, from a short script. */
static void do_large(struct world *world, struct world_link *link, struct fuzz_script *script)
{
	static uint8_t body[MACHD_FRAME_SIZE_MAX - sizeof(struct machd_frame)];
	size_t zeros = fuzz_take(script) * 1024;
	unsigned op = fuzz_take(script), how = fuzz_take(script);
	const uint8_t *bytes;
	size_t size = take_bytes(script, &bytes);

	if (!link->thread)
		return;
	memcpy(body, bytes, size);
	if (zeros > sizeof body - size)
		zeros = sizeof body - size;
	memset(body + size, 0, zeros);
	send_request(world, link, op, body, size + zeros, how);
}

static void do_raw(struct world *world, struct world_link *link, struct fuzz_script *script)
{
	unsigned how = fuzz_take(script);
	const uint8_t *bytes;
	size_t size = take_bytes(script, &bytes);
	struct machd_frame frame;
	struct trap_fd fds[FDS_MAX];
	unsigned fd_count;

	if (!link->thread)
		return;
	if (size >= sizeof frame) {
		memcpy(&frame, bytes, sizeof frame);
		if (frame.sequence > link->sequence)
			link->sequence = frame.sequence;
	}
	fd_count = make_fds(world, how, fds);
	world_packet(world, link, bytes, size, fds, fd_count);
}

static void do_limits(struct world *world, struct fuzz_script *script)
{
	const struct machd_limit_row *row =
		&machd_limit_rows[fuzz_take(script) % machd_limit_row_count];
	struct machd_limits limits;

	machd_limits_init(&limits);
	*machd_limit_field(&limits, row) = fuzz_take(script);
	world_limits(world, &limits);
}

static void do_step(struct world *world, struct fuzz_script *script)
{
	unsigned kind = fuzz_take(script) % FUZZ_STEPS;
	struct world_link *link = &world->links[fuzz_take(script) % WORLD_LINKS];

	world->now += 1000;
	switch (kind) {
	case FUZZ_CONNECT:
		world_connect(world, link);
		world_hello(world, link, NULL, 64);
		break;
	case FUZZ_JOIN:
		world_connect(world, link);
		world_hello(world, link, world->links[fuzz_take(script) % WORLD_LINKS].token, 64);
		break;
	case FUZZ_SILENT:
		world_connect(world, link);
		break;
	case FUZZ_RAW:
		do_raw(world, link, script);
		break;
	case FUZZ_REQUEST:
		do_request(world, link, script);
		break;
	case FUZZ_LARGE:
		do_large(world, link, script);
		break;
	case FUZZ_TIMEOUT:
		world_timeout(world, link);
		break;
	case FUZZ_DISCONNECT:
		world_disconnect(world, link);
		break;
	case FUZZ_WORK:
		world_work(world);
		break;
	case FUZZ_ALARM:
		world_alarm(world);
		break;
	case FUZZ_FLAGS:
		link->flags = fuzz_take(script) & 7;
		break;
	case FUZZ_NARROW:
		world_connect(world, link);
		world_hello(world, link, NULL, 32);
		break;
	case FUZZ_LIMITS:
		do_limits(world, script);
		break;
	default:
		mem_fail_after(fuzz_take(script));
	}
}

static void run(struct world *world, struct fuzz_script *script)
{
	for (unsigned i = 0; i < STEPS_MAX && script->at < script->end; i++)
		do_step(world, script);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	world_twice(run, bytes, size);
	return 0;
}
