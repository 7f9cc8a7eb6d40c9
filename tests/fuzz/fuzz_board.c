/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Boards: threads of one task send without an answer as far as they were promised room, and receive
 * what is lent to them, while they come and go and ports die. Whatever order an input makes of
 * that, each message is received once and in order. Another task believes of its board what the
 * input says, and harms nobody. Each input is run twice, with the same outcome.
 *
 *   step    u8 kind, u8 who, and what the kind needs
 */
#include <mach/kern_return.h>
#include <mach/message.h>
#include <mach/port.h>
#include <string.h>

#include "protocol/frame.h"
#include "protocol/ops.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/world.h"

enum { FRIENDS = 3, STRANGER = FRIENDS, LINKS, PORTS = 3, LOANS = 64, STEPS_MAX = 160 };

/* What a friend knows of its own board. */
struct friend
{
	uint32_t sent[MACHD_BOARD_WINDOWS]; /* through each window */
	uint32_t loans[LOANS], taken;	    /* ids of messages that are lent to it */
	uint32_t self;			    /* its task's own port, the first name it is told */
	unsigned port;			    /* that they are on */
};

static struct {
	struct world *world;
	struct friend friends[LINKS];
	uint32_t ports[PORTS + 1];		       /* names; the last is the stranger's */
	uint32_t sent[PORTS + 1], received[PORTS + 1]; /* messages: the id of the next */
	uint32_t code, id, name;		       /* of the last answer */
	unsigned receives;			       /* from that port; PORTS + 1: nobody does */
} stage;

struct request {
	struct machd_message_args args;
	mach_msg_header_t header;
};

static struct friend *friend_of(const struct world_link *link)
{
	return &stage.friends[link - stage.world->links];
}

/* What is lent goes on where the message that came with it ends. */
static void note_loans(struct world_link *link, const struct ipc_answer *answer)
{
	const uint8_t *at = (const uint8_t *)answer->memory + sizeof(struct machd_frame);
	struct friend *friend = friend_of(link);
	mach_msg_header_t header;
	struct machd_loan loan;

	friend->taken = 0;
	friend->port = stage.receives;
	for (uint32_t i = 0; i < link->lent; i++) {
		memcpy(&loan, at, sizeof loan);
		memcpy(&header, at + sizeof loan, sizeof header);
		friend->loans[i] = (uint32_t)header.msgh_id;
		at += (sizeof loan + loan.size + 7) & ~(size_t)7;
	}
}

static void on_answer(struct world_link *link, const struct ipc_answer *answer)
{
	const uint8_t *body = (const uint8_t *)answer->packet + sizeof(struct machd_frame);
	size_t size = answer->size - sizeof(struct machd_frame);
	struct machd_message_answer message;
	struct machd_frame frame;
	mach_msg_header_t header;

	memcpy(&frame, answer->packet, sizeof frame);
	memcpy(&stage.code, body, sizeof stage.code);
	if (frame.op == (MACHD_OP_CALL | MACHD_OP_ANSWER) && size >= 12)
		memcpy(&stage.name, body + sizeof(struct machd_call_answer), sizeof stage.name);
	if (frame.op != (MACHD_OP_MESSAGE | MACHD_OP_ANSWER))
		return;
	memcpy(&message, body, sizeof message);
	if (message.place != MACHD_PLACE_RECEIVE || size < sizeof message + sizeof header)
		return;
	memcpy(&header, body + sizeof message, sizeof header);
	stage.id = (uint32_t)header.msgh_id;
	if (message.loans)
		note_loans(link, answer);
}

static uint32_t call(struct world_link *link, uint32_t routine, uint32_t target, const void *in,
		     size_t size)
{
	struct machd_call head = {.routine = routine, .target = target};
	uint8_t body[sizeof head + 32];

	memcpy(body, &head, sizeof head);
	memcpy(body + sizeof head, in, size);
	stage.code = KERN_FAILURE;
	world_request(stage.world, link, MACHD_OP_CALL, body, sizeof head + size, NULL, 0);
	return stage.code;
}

static void make_port(struct world_link *link, unsigned port)
{
	struct mach_port_allocate_in allocate = {MACH_PORT_RIGHT_RECEIVE};
	struct mach_port_insert_right_in insert = {.right_type = MACH_MSG_TYPE_MAKE_SEND};

	FUZZ_CHECK(call(link, MACHD_ROUTINE_mach_port_allocate, friend_of(link)->self, &allocate,
			sizeof allocate) == KERN_SUCCESS);
	insert.name = insert.right = stage.ports[port] = stage.name;
	FUZZ_CHECK(call(link, MACHD_ROUTINE_mach_port_insert_right, friend_of(link)->self, &insert,
			sizeof insert) == KERN_SUCCESS);
	stage.sent[port] = stage.received[port] = 0;
}

static void join(unsigned who, bool first)
{
	struct world_link *link = &stage.world->links[who];
	struct trap_fd board = {.sealed = TRAP_FD_FIXED, .size = MACHD_BOARD_SIZE};

	stage.world->process = who == STRANGER ? 2 : 1;
	world_connect(stage.world, link);
	world_hello(stage.world, link, first ? NULL : stage.world->links[0].token, 64);
	stage.friends[who] = (struct friend){.self = link->names[0]};
	if (world_handle(stage.world, &board.handle))
		world_request(stage.world, link, MACHD_OP_BOARD, "", 0, &board, 1);
}

/* Send message `id` to a port; is it known to be sent when the answer, or none, is there? */
static bool post(struct world_link *link, uint32_t name, uint32_t id, uint32_t flags)
{
	bool unanswered = flags == MACHD_REQUEST_UNANSWERED;
	struct request request = {
		.args = {.option = MACH_SEND_MSG | MACH64_SEND_ANY,
			 .send_size = sizeof request.header},
		.header = {.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0),
			   .msgh_size = sizeof request.header,
			   .msgh_remote_port = name,
			   .msgh_id = (mach_msg_id_t)id},
	};

	if (!unanswered)
		request.args.option |= MACH_SEND_TIMEOUT;
	stage.code = MACH_SEND_TIMED_OUT;
	link->flags = flags;
	world_request(stage.world, link, MACHD_OP_MESSAGE, &request, sizeof request, NULL, 0);
	link->flags = 0;
	return unanswered || stage.code == MACH_MSG_SUCCESS;
}

/* As the library does. */
static void send_next(struct world_link *link, unsigned port)
{
	unsigned index = machd_window_of(stage.ports[port]);
	uint32_t *sent = &friend_of(link)->sent[index];
	machd_window_t window = link->windows[index];
	bool open = machd_window_name(window) == stage.ports[port] &&
		    (int32_t)(machd_window_end(window) - *sent) > 0;

	*sent += open;
	stage.sent[port] += post(link, stage.ports[port], stage.sent[port],
				 open ? MACHD_REQUEST_UNANSWERED : MACHD_REQUEST_WINDOW);
	FUZZ_CHECK(link->thread);
}

static bool receive(struct world_link *link, unsigned port)
{
	struct machd_message_args args = {.option =
						  MACH_RCV_MSG | MACH_RCV_TIMEOUT | MACH64_SEND_ANY,
					  .rcv_size = 256,
					  .rcv_name = stage.ports[port]};

	stage.receives = port;
	stage.code = MACH_RCV_TIMED_OUT;
	link->flags = MACHD_REQUEST_LOAN;
	world_request(stage.world, link, MACHD_OP_MESSAGE, &args, sizeof args, NULL, 0);
	link->flags = 0;
	return stage.code == MACH_MSG_SUCCESS;
}

static bool receive_next(struct world_link *link, unsigned port)
{
	if (!receive(link, port))
		return false;
	FUZZ_CHECK(stage.id == stage.received[port]);
	stage.received[port]++;
	return true;
}

/* What is still lent is still on the queue, in front. */
static void take_loans(struct world_link *link, unsigned count)
{
	struct friend *friend = friend_of(link);

	for (; count && link->lent && friend->taken < link->lent; count--) {
		FUZZ_CHECK(friend->loans[friend->taken] == stage.received[friend->port]);
		stage.received[friend->port]++;
		link->taken = ++friend->taken;
	}
}

static void replace(struct world_link *link, unsigned port)
{
	struct mach_port_mod_refs_in in = {
		.name = stage.ports[port], .right = MACH_PORT_RIGHT_RECEIVE, .delta = -1};

	FUZZ_CHECK(call(link, MACHD_ROUTINE_mach_port_mod_refs, friend_of(link)->self, &in,
			sizeof in) == KERN_SUCCESS);
	make_port(link, port);
}

/* It says what it likes. It may be dropped, and is back. */
static void be_strange(struct fuzz_script *script)
{
	struct world_link *link = &stage.world->links[STRANGER];
	unsigned how = fuzz_take(script);

	if (!link->thread) {
		join(STRANGER, true);
		make_port(link, PORTS);
	}
	if (how & 1)
		post(link, stage.ports[how & 2 ? PORTS : 0], how,
		     how & 4 ? MACHD_REQUEST_UNANSWERED : MACHD_REQUEST_WINDOW);
	else
		receive(link, PORTS);
	link->taken = how & 8 ? fuzz_take(script) * 0x01010101u : how >> 4;
}

static void do_step(struct fuzz_script *script)
{
	unsigned kind = fuzz_take(script), who = fuzz_take(script) % FRIENDS;
	struct world_link *link = &stage.world->links[who];
	unsigned port = kind / 8 % PORTS;

	switch (kind % 8) {
	case 0:
	case 1:
		send_next(link, port);
		break;
	case 2:
		receive_next(link, port);
		break;
	case 3:
		take_loans(link, fuzz_take(script));
		break;
	case 4:
		if (who) {
			world_disconnect(stage.world, link);
			join(who, false);
		}
		break;
	case 5:
		replace(link, port);
		break;
	case 6:
		be_strange(script);
		break;
	default:
		world_work(stage.world);
	}
}

static void run(struct world *world, struct fuzz_script *script)
{
	struct world_link *first = &world->links[0];

	memset(&stage, 0, sizeof stage);
	stage.world = world;
	world->answered = on_answer;
	world->counts_taken = true;
	for (unsigned i = 0; i < FRIENDS; i++)
		join(i, i == 0);
	for (unsigned i = 0; i < PORTS; i++)
		make_port(first, i);
	for (unsigned i = 0; i < STEPS_MAX && script->at < script->end; i++)
		do_step(script);
	for (unsigned i = 0; i < PORTS; i++) {
		while (receive_next(first, i))
			continue;
		FUZZ_CHECK(stage.received[i] == stage.sent[i]);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	world_twice(run, bytes, size);
	return 0;
}
