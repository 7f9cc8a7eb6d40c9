/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Watch requests: watchers ask for pages of all tables, from where the last one ended or from
 * wherever the input says, while tasks make ports and names, send, and leave. Every page is whole
 * records of its table; from the beginning on each table has an end. Each input is run twice.
 *
 *   step    u8 kind, u8 who, and what the kind needs
 */
#include <mach/kern_return.h>
#include <mach/message.h>
#include <mach/port.h>
#include <string.h>

#include "protocol/frame.h"
#include "protocol/ops.h"
#include "protocol/rows.h"
#include "protocol/watch.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/world.h"

enum { TASKS = 3, WATCHERS = 2, STEPS_MAX = 200, PAGES_MAX = 200 };

static const size_t record_sizes[] = {
	[MACHD_WATCH_TASKS] = sizeof(struct machd_watch_task),
	[MACHD_WATCH_PORTS] = sizeof(struct machd_watch_port),
	[MACHD_WATCH_NAMES] = sizeof(struct machd_watch_name),
	[MACHD_WATCH_MESSAGES] = sizeof(struct machd_watch_message),
	[MACHD_WATCH_QUEUES] = sizeof(struct machd_watch_queue),
	[MACHD_WATCH_HOLDS] = sizeof(struct machd_watch_hold),
	[MACHD_WATCH_WAITS] = sizeof(struct machd_watch_wait),
	[MACHD_WATCH_LIMITS] = sizeof(struct machd_watch_limit),
	[MACHD_WATCH_TOTALS] = sizeof(struct machd_watch_totals),
	[MACHD_WATCH_POLICY] = sizeof(struct machd_watch_policy),
};

static struct {
	struct world *world;
	struct machd_watch asked;
	struct machd_watch_answer answer;
	uint32_t ports[TASKS];			/* the last one that each task made, */
	uint32_t self[TASKS], bootstrap[TASKS]; /* and the first names it was told */
} stage;

/* They can be unpacked, to the last one. */
static void check_records(const uint8_t *bytes, size_t size, size_t record_size)
{
	uint8_t *packed = malloc(size + 1);
	struct machd_rows rows;
	enum machd_rows_state state;

	FUZZ_CHECK(packed);
	memcpy(packed, bytes, size);
	machd_rows_begin(&rows, packed, record_size);
	do
		state = machd_rows_next(&rows, size);
	while (state == MACHD_ROWS_READY);
	FUZZ_CHECK(state == MACHD_ROWS_END);
	free(packed);
}

static void on_page(const uint8_t *body, size_t size)
{
	struct machd_watch_answer *answer = &stage.answer;
	uint32_t table = stage.asked.table;

	FUZZ_CHECK(size >= sizeof *answer);
	memcpy(answer, body, sizeof *answer);
	size -= sizeof *answer;
	FUZZ_CHECK(answer->code == KERN_SUCCESS || size == 0);
	if (table == 0 || table >= sizeof record_sizes / sizeof *record_sizes) {
		FUZZ_CHECK(answer->code == KERN_INVALID_ARGUMENT);
		return;
	}
	FUZZ_CHECK(answer->record_size == record_sizes[table]);
	check_records(body + sizeof *answer, size, answer->record_size);
}

static void on_answer(struct world_link *link, const struct ipc_answer *answer)
{
	const uint8_t *body = (const uint8_t *)answer->packet + sizeof(struct machd_frame);
	size_t size = answer->size - sizeof(struct machd_frame);
	struct machd_frame frame;

	memcpy(&frame, answer->packet, sizeof frame);
	if (frame.op == (MACHD_OP_WATCH | MACHD_OP_ANSWER))
		on_page(body, size);
	if (frame.op == (MACHD_OP_CALL | MACHD_OP_ANSWER) &&
	    size == sizeof(struct machd_call_answer) + 4)
		memcpy(&stage.ports[link - stage.world->links],
		       body + sizeof(struct machd_call_answer), 4);
}

static void join(unsigned who)
{
	struct world_link *link = &stage.world->links[who];

	if (link->thread)
		return;
	world_connect(stage.world, link);
	if (who >= TASKS) {
		world_hello_watcher(stage.world, link);
		return;
	}
	world_hello(stage.world, link, NULL, who == 1 ? 32 : 64);
	stage.self[who] = link->names[0];
	stage.bootstrap[who] = link->names[1];
}

/* Ask, and let the page be made; a watcher whose request makes no sense is dropped, and back for
 * the next one. */
static void ask(struct world_link *link, const struct machd_watch *request)
{
	stage.asked = *request;
	stage.answer = (struct machd_watch_answer){.code = KERN_FAILURE};
	world_request(stage.world, link, MACHD_OP_WATCH, request, sizeof *request, NULL, 0);
	world_work(stage.world);
}

static void ask_for_policy(struct world_link *link, struct fuzz_script *script)
{
	struct machd_watch_policy_request request = {.head = {.table = MACHD_WATCH_POLICY}};
	unsigned length = fuzz_take(script) % (sizeof request.service + 1);

	request.head.pid = 100 + (int32_t)(fuzz_take(script) % 8);
	for (unsigned i = 0; i < length; i++)
		request.service[i] = (char)fuzz_take(script);
	stage.asked = request.head;
	world_request(stage.world, link, MACHD_OP_WATCH, &request, sizeof request, NULL, 0);
	world_work(stage.world);
}

static void watch(struct world_link *link, struct fuzz_script *script)
{
	unsigned how = fuzz_take(script);
	struct machd_watch request = {.table = fuzz_take(script) % 12};

	if (how & 1)
		request.pid = 100 + (int32_t)(fuzz_take(script) % 8);
	if (how & 2)
		request.object = fuzz_take(script);
	if (how & 4) {
		request.task = stage.answer.next_task;
		request.index = stage.answer.next_index;
	}
	if (how & 8)
		request.task = fuzz_take(script);
	if (how & 16)
		request.index = fuzz_take(script) * UINT64_C(0x0101010101010101);
	if (request.table == MACHD_WATCH_POLICY)
		ask_for_policy(link, script);
	else
		ask(link, &request);
}

static void call(struct world_link *link, uint32_t routine, uint32_t target, const void *in,
		 size_t size)
{
	struct machd_call head = {.routine = routine, .target = target};
	uint8_t body[sizeof head + 256];

	memcpy(body, &head, sizeof head);
	memcpy(body + sizeof head, in, size);
	world_request(stage.world, link, MACHD_OP_CALL, body, sizeof head + size, NULL, 0);
}

static void make_name(unsigned who, unsigned which)
{
	struct bootstrap_check_in_in in = {.service = {(char)('a' + which % 20)}};

	call(&stage.world->links[who], MACHD_ROUTINE_bootstrap_check_in, stage.bootstrap[who], &in,
	     sizeof in);
}

static void send_once(struct world_link *link, uint32_t port)
{
	struct {
		struct machd_message_args args;
		mach_msg_header_t header;
	} request = {
		.args = {.option = MACH_SEND_MSG | MACH_SEND_TIMEOUT | MACH64_SEND_ANY,
			 .send_size = sizeof request.header},
		.header = {.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_MAKE_SEND,
						       MACH_MSG_TYPE_MAKE_SEND_ONCE),
			   .msgh_remote_port = port,
			   .msgh_local_port = port},
	};

	world_request(stage.world, link, MACHD_OP_MESSAGE, &request, sizeof request, NULL, 0);
}

static void do_step(struct fuzz_script *script)
{
	unsigned kind = fuzz_take(script), way = fuzz_take(script), who = way % TASKS;
	struct world_link *link = &stage.world->links[who];
	struct world_link *watcher = &stage.world->links[TASKS + way % WATCHERS];
	struct mach_port_allocate_in allocate = {kind & 8 ? MACH_PORT_RIGHT_PORT_SET
							  : MACH_PORT_RIGHT_RECEIVE};
	struct mach_port_destroy_in destroy = {stage.ports[who]};

	join(who);
	join(TASKS + way % WATCHERS);
	switch (kind % 8) {
	case 0:
		call(link, MACHD_ROUTINE_mach_port_allocate, stage.self[who], &allocate,
		     sizeof allocate);
		break;
	case 1:
		send_once(link, stage.ports[who]);
		break;
	case 2:
		make_name(who, kind / 8);
		break;
	case 3:
		call(link, MACHD_ROUTINE_mach_port_destroy, stage.self[who], &destroy,
		     sizeof destroy);
		break;
	case 4:
		world_disconnect(stage.world, kind & 8 ? watcher : link);
		break;
	default:
		watch(watcher, script);
	}
}

/* From the beginning on, page by page; the trace has no end. */
static void read_all(struct world_link *link, uint32_t table)
{
	struct machd_watch request = {.table = table};

	for (unsigned i = 0; i < PAGES_MAX; i++) {
		ask(link, &request);
		FUZZ_CHECK(link->thread && stage.answer.code == KERN_SUCCESS);
		request.task = stage.answer.next_task;
		request.index = stage.answer.next_index;
		if (request.task == 0 && request.index == 0)
			return;
	}
	FUZZ_CHECK(table == MACHD_WATCH_MESSAGES);
}

static void run(struct world *world, struct fuzz_script *script)
{
	memset(&stage, 0, sizeof stage);
	stage.world = world;
	world->answered = on_answer;
	for (unsigned i = 0; i < STEPS_MAX && script->at < script->end; i++)
		do_step(script);
	for (unsigned i = 0; i < WATCHERS; i++) {
		join(TASKS + i);
		for (uint32_t table = MACHD_WATCH_TASKS; table < MACHD_WATCH_POLICY; table++)
			read_all(&world->links[TASKS + i], table);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	world_twice(run, bytes, size);
	return 0;
}
