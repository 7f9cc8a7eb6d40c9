/* SPDX-License-Identifier: Apache-2.0 */
/* The other side of the outbox for the frame fuzzer, with the checks that hold for any input. */
#include "tests/fuzz/world.h"

#include <string.h>

#include "daemon/base/mem.h"
#include "daemon/boot/policy.h"
#include "protocol/frame.h"
#include "tests/fuzz/fuzz.h"

/* FNV-1a: order and content of outputs, in one number. */
static void hear(struct world *world, const void *bytes, size_t size)
{
	const uint8_t *at = bytes;

	while (size--)
		world->heard = (world->heard ^ *at++) * UINT64_C(0x100000001b3);
}

static void give_back(struct world *world, ipc_fd_t handle)
{
	FUZZ_CHECK(handle >= 1 && handle <= world->last_handle);
	FUZZ_CHECK(world->held[handle]);
	world->held[handle] = false;
}

/* Names have both low bits set; what has not is 0 or no name. */
static void learn_name(struct world_link *link, uint32_t name)
{
	if ((name & 3) == 3)
		link->names[link->name_count++ % WORLD_NAMES] = name;
}

/* Remember the names in an answer, so that later requests can use them. */
static void learn(struct world_link *link, const struct machd_frame *frame, const uint8_t *body,
		  size_t size)
{
	struct machd_welcome welcome;
	uint32_t words[8];

	if (frame->op != (MACHD_OP_HELLO | MACHD_OP_ANSWER) && size >= sizeof link->code)
		memcpy(&link->code, body, sizeof link->code);
	switch (frame->op) {
	case MACHD_OP_HELLO | MACHD_OP_ANSWER:
		FUZZ_CHECK(!machd_welcome_unpack(body, size, &welcome));
		learn_name(link, welcome.self);
		learn_name(link, welcome.bootstrap);
		break;
	case MACHD_OP_CALL | MACHD_OP_ANSWER:
		FUZZ_CHECK(size >= sizeof(struct machd_call_answer));
		if (size == sizeof(struct machd_call_answer) + 4) {
			memcpy(words, body, 12);
			learn_name(link, words[2]);
		}
		break;
	case MACHD_OP_MESSAGE | MACHD_OP_ANSWER:
		FUZZ_CHECK(size >= sizeof(struct machd_message_answer));
		if (size >= sizeof(struct machd_message_answer) + sizeof words) {
			memcpy(words, body + sizeof(struct machd_message_answer), sizeof words);
			learn_name(link, words[2]);
			learn_name(link, words[7]);
		}
		break;
	case MACHD_OP_BELL | MACHD_OP_ANSWER:
		FUZZ_CHECK(size == sizeof(struct machd_bell_answer));
		memcpy(words, body, sizeof(struct machd_bell_answer));
		link->names[link->name_count++ % WORLD_NAMES] = words[2];
		break;
	default:
		break;
	}
}

/* One of an answer's packets, which carries so many descriptors. */
static struct machd_frame check_packet(const struct world_link *link, const void *packet,
				       size_t size, unsigned fds)
{
	struct machd_frame frame;

	FUZZ_CHECK(size >= sizeof frame && size <= MACHD_FRAME_SIZE_MAX);
	memcpy(&frame, packet, sizeof frame);
	FUZZ_CHECK(frame.length == size &&
		   frame.flags <= (MACHD_ANSWER_GUARD | MACHD_ANSWER_GUARD_ACTS));
	FUZZ_CHECK(frame.op & MACHD_OP_ANSWER);
	FUZZ_CHECK(frame.sequence <= link->sequence);
	FUZZ_CHECK(frame.fds == fds);
	return frame;
}

static void on_answer(void *context, struct ipc_thread *thread, const struct ipc_answer *answer)
{
	struct world *world = context;
	struct world_link *link = trap_cookie(thread);
	struct machd_frame frame;

	FUZZ_CHECK(link->thread == thread);
	frame = check_packet(link, answer->packet, answer->size,
			     answer->ring	   ? MACHD_RING_FDS /* made by who sends it */
			     : answer->memory_size ? 0
						   : answer->fd_count);
	hear(world, answer->packet, answer->size);
	if (answer->memory_size) {
		check_packet(link, answer->memory, answer->memory_size, answer->fd_count);
		hear(world, answer->memory, answer->memory_size);
	}
	for (unsigned i = 0; i < answer->fd_count; i++)
		give_back(world, answer->fds[i]);
	learn(link, &frame, (const uint8_t *)answer->packet + sizeof frame,
	      answer->size - sizeof frame);
	if (world->answered)
		world->answered(link, answer);
}

static void on_timer(void *context, struct ipc_thread *thread, uint64_t deadline)
{
	struct world_link *link = trap_cookie(thread);

	link->deadline = deadline;
	hear(context, &deadline, sizeof deadline);
}

static void on_board(void *context, struct ipc_thread *thread, ipc_fd_t fd)
{
	(void)thread;
	give_back(context, fd);
}

static void on_window(void *context, struct ipc_thread *thread, unsigned index,
		      machd_window_t window)
{
	struct world_link *link = trap_cookie(thread);

	FUZZ_CHECK(index < MACHD_BOARD_WORDS);
	link->windows[index] = window;
	hear(context, &window, sizeof window);
}

static void on_lend(void *context, struct ipc_thread *thread, uint32_t count)
{
	struct world_link *link = trap_cookie(thread);

	link->lent = count;
	link->taken = 0;
	hear(context, &count, sizeof count);
}

static bool on_usage(void *context, int32_t pid, struct ipc_usage *usage)
{
	*usage = (struct ipc_usage){.us_resident = (uint64_t)pid};
	hear(context, usage, sizeof *usage);
	return pid & 1;
}

/* There is never any: what is in it nobody would look at. */
static ipc_fd_t on_memory(void *context, const void *bytes, size_t size)
{
	hear(context, bytes, size);
	return IPC_FD_NONE;
}

/* Some were taken, or more than there were. */
static uint32_t on_settle(void *context, struct ipc_thread *thread, bool over)
{
	const struct world *world = context;
	struct world_link *link = trap_cookie(thread);
	uint32_t taken = world->counts_taken ? link->taken : link->lent * 3 / 2;

	if (over)
		link->lent = link->taken = 0;
	hear(context, &taken, sizeof taken);
	return taken;
}

static void on_alarm(void *context, uint64_t deadline)
{
	struct world *world = context;

	world->alarm = deadline;
	hear(world, &deadline, sizeof deadline);
}

static void on_release(void *context, ipc_fd_t fd)
{
	give_back(context, fd);
	hear(context, &fd, sizeof fd);
}

static void on_corrupt(void *context, const char *message)
{
	(void)context;
	fprintf(stderr, "a signature is wrong: %s\n", message);
	abort();
}

static void on_boost(void *context, int32_t pid, uint32_t uid, bool on)
{
	(void)uid;
	(void)on;
	hear(context, &pid, sizeof pid);
}

static void on_warn(void *context, const char *text)
{
	hear(context, text, strlen(text));
}

static void on_ring(void *context, ipc_fd_t ring, ipc_fd_t quiet, bool on)
{
	uint64_t words[] = {ring, quiet, on};

	hear(context, words, sizeof words);
}

static void on_start(void *context, uint64_t id, const char *service, uint64_t deadline)
{
	uint64_t words[] = {id, deadline};

	hear(context, words, sizeof words);
	hear(context, service, strlen(service));
}

static void on_started(void *context, uint64_t id, bool checked_in)
{
	uint64_t words[] = {id, checked_in};

	hear(context, words, sizeof words);
}

/* One name that is kept, for everybody. */
static struct boot_rule kept = {
	.br_service = "kept",
	.br_file = "/services",
	.br_start = BOOT_START_COMMAND,
	.br_own.bw_all = 1,
	.br_look_up.bw_all = 1,
	.br_timeout = 1000,
	.br_interval = UINT64_MAX,
	.br_burst = 3,
};

static const struct boot_policy names = {
	.bp_head = {.bh_register.us_all = 1, .bh_count = 1},
	.bp_rules = &kept,
};

/* Its port ends, wherever it is. */
static void stop_keeping(struct world *world)
{
	struct boot_policy none;
	struct trap_input input = {.kind = TRAP_NAMES, .names = &none, .now = world->now};

	boot_policy_init(&none);
	trap_input(world->host, &input);
}

void world_start(struct world *world)
{
	struct trap_config config = {
		.seed = 1,
		.key = "a key for tests",
		.names = &names,
		/* For one of the two uids that there are: see world_connect(). */
		.policy = {.p_hardened = {.us_count = 1, .us_uid = {1000}},
			   .p_filtered = {.us_count = 1, .us_uid = {1000}},
			   .p_rule_count = 1,
			   .p_rules = {{.fr_service = "*", .fr_first = 0, .fr_last = 99}}}};

	memset(world, 0, sizeof *world);
	world->now = 1;
	world->outbox = (struct ipc_outbox){.context = world,
					    .answer = on_answer,
					    .timer = on_timer,
					    .alarm = on_alarm,
					    .release = on_release,
					    .corrupt = on_corrupt,
					    .boost = on_boost,
					    .warn = on_warn,
					    .ring = on_ring,
					    .start = on_start,
					    .started = on_started,
					    .board = on_board,
					    .window = on_window,
					    .lend = on_lend,
					    .settle = on_settle,
					    .usage = on_usage,
					    .memory = on_memory};
	machd_limits_init(&config.limits);
	FUZZ_CHECK(mem_live() == 0);
	world->host = trap_start(&config, &world->outbox);
	FUZZ_CHECK(world->host);
}

void world_stop(struct world *world, uint8_t digest[TRAP_DIGEST_SIZE], uint64_t *heard)
{
	struct trap_totals totals;

	mem_fail_after(0);
	world_work(world);
	trap_digest(world->host, digest);
	for (unsigned i = 0; i < WORLD_LINKS; i++)
		world_disconnect(world, &world->links[i]);
	stop_keeping(world);
	world_work(world);
	trap_totals(world->host, &totals);
	FUZZ_CHECK(totals.tasks == 0 && totals.channels == 0);
	FUZZ_CHECK(totals.messages_queued == 0 && totals.bytes_queued == 0 && totals.memfds == 0);
	for (ipc_fd_t i = 1; i <= world->last_handle; i++)
		FUZZ_CHECK(!world->held[i]);
	trap_stop(world->host);
	FUZZ_CHECK(mem_live() == 0);
	*heard = world->heard;
}

/* Feed; what breaks the protocol is disconnected, as the io layer would. */
static void feed(struct world *world, struct world_link *link, struct trap_input *input)
{
	const char *problem;

	input->now = world->now;
	input->thread = link->thread;
	problem = trap_input(world->host, input);
	if (problem) {
		hear(world, problem, strlen(problem));
		world_disconnect(world, link);
	}
}

void world_connect(struct world *world, struct world_link *link)
{
	uint64_t channel = ++world->last_channel;
	uint64_t process = world->process ? world->process : channel;
	struct trap_input input = {.kind = TRAP_CONNECT,
				   .now = world->now,
				   .channel = channel,
				   .cookie = link,
				   .peer = {.uid = process % 3 ? 1000 : 0,
					    .gid = 100,
					    .pid = (int32_t)(100 + process),
					    .pidversion = (uint32_t)process}};

	if (link->thread)
		return;
	memset(link, 0, sizeof *link);
	memcpy(input.peer.token, &channel, sizeof channel);
	memcpy(link->token, input.peer.token, sizeof link->token);
	if (trap_input(world->host, &input)) {
		FUZZ_CHECK(!input.thread);
		return;
	}
	FUZZ_CHECK(input.thread);
	FUZZ_CHECK(trap_cookie(input.thread) == link && trap_channel(input.thread) == channel);
	FUZZ_CHECK(trap_find(world->host, channel) == input.thread);
	link->thread = input.thread;
}

void world_packet(struct world *world, struct world_link *link, const void *packet, size_t size,
		  const struct trap_fd *fds, unsigned fd_count)
{
	struct trap_input input = {.kind = TRAP_FRAME,
				   .packet = packet,
				   .size = size,
				   .fds = fds,
				   .fd_count = fd_count};

	for (unsigned i = 0; i < fd_count; i++)
		world->held[fds[i].handle] = true;
	feed(world, link, &input);
}

void world_request(struct world *world, struct world_link *link, unsigned op, const void *body,
		   size_t size, const struct trap_fd *fds, unsigned fd_count)
{
	struct machd_frame frame = {.length = (uint32_t)(sizeof frame + size),
				    .op = (uint16_t)op,
				    .fds = (uint16_t)fd_count,
				    .flags = link->flags};
	uint8_t *packet = malloc(sizeof frame + size);

	FUZZ_CHECK(packet);
	if (op == MACHD_OP_HELLO)
		link->sequence = 0;
	else if (op != MACHD_OP_CANCEL)
		link->sequence++;
	frame.sequence = link->sequence;
	memcpy(packet, &frame, sizeof frame);
	memcpy(packet + sizeof frame, body, size);
	world_packet(world, link, packet, sizeof frame + size, fds, fd_count);
	free(packet);
}

void world_hello(struct world *world, struct world_link *link, const uint8_t *token, uint32_t word)
{
	struct machd_hello hello = {.version_oldest = MACHD_PROTOCOL_VERSION,
				    .version_newest = MACHD_PROTOCOL_VERSION,
				    .word = word,
				    .role = MACHD_ROLE_TASK,
				    .pid_namespace = 1,
				    .joins = token != NULL};
	uint8_t body[MACHD_HELLO_SIZE_MAX];

	if (token)
		memcpy(hello.token, token, sizeof hello.token);
	if (link->thread)
		world_request(world, link, MACHD_OP_HELLO, body,
			      machd_hello_pack(&hello, body, sizeof body), NULL, 0);
}

void world_hello_watcher(struct world *world, struct world_link *link)
{
	struct machd_hello hello = {.version_oldest = MACHD_PROTOCOL_VERSION,
				    .version_newest = MACHD_PROTOCOL_VERSION,
				    .word = 64,
				    .role = MACHD_ROLE_WATCH,
				    .pid_namespace = 1};
	uint8_t body[MACHD_HELLO_SIZE_MAX];

	if (link->thread)
		world_request(world, link, MACHD_OP_HELLO, body,
			      machd_hello_pack(&hello, body, sizeof body), NULL, 0);
}

void world_timeout(struct world *world, struct world_link *link)
{
	struct trap_input input = {.kind = TRAP_TIMEOUT};

	if (!link->thread || !link->deadline)
		return;
	if (world->now < link->deadline)
		world->now = link->deadline;
	link->deadline = 0;
	feed(world, link, &input);
}

void world_alarm(struct world *world)
{
	struct trap_input input = {.kind = TRAP_ALARM};

	if (!world->alarm)
		return;
	if (world->now < world->alarm)
		world->now = world->alarm;
	input.now = world->now;
	FUZZ_CHECK(!trap_input(world->host, &input));
}

void world_disconnect(struct world *world, struct world_link *link)
{
	struct trap_input input = {
		.kind = TRAP_DISCONNECT, .now = world->now, .thread = link->thread};

	if (!link->thread)
		return;
	FUZZ_CHECK(!trap_input(world->host, &input));
	link->thread = NULL;
}

void world_limits(struct world *world, const struct machd_limits *limits)
{
	struct trap_input input = {.kind = TRAP_LIMITS, .now = world->now, .limits = limits};

	FUZZ_CHECK(!trap_input(world->host, &input));
}

void world_work(struct world *world)
{
	struct trap_input input = {.kind = TRAP_WORK, .now = world->now};

	while (trap_has_work(world->host))
		FUZZ_CHECK(!trap_input(world->host, &input));
}

bool world_handle(struct world *world, ipc_fd_t *handle)
{
	if (world->last_handle == WORLD_HANDLES)
		return false;
	*handle = ++world->last_handle;
	return true;
}

void world_twice(void (*run)(struct world *world, struct fuzz_script *script), const uint8_t *bytes,
		 size_t size)
{
	static const uint8_t nothing[1];
	static struct world world;
	uint8_t digests[2][TRAP_DIGEST_SIZE];
	uint64_t heard[2];

	for (unsigned i = 0; i < 2; i++) {
		struct fuzz_script script = {nothing, nothing};

		if (bytes)
			script = (struct fuzz_script){bytes, bytes + size};
		world_start(&world);
		run(&world, &script);
		world_stop(&world, digests[i], &heard[i]);
	}
	FUZZ_CHECK(memcmp(digests[0], digests[1], sizeof digests[0]) == 0);
	FUZZ_CHECK(heard[0] == heard[1]);
}
