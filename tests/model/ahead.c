/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads that have a board: what they send may need no answer, and what they receive may have been
 * lent to them. The model knows nothing of this. To it each of their calls is one like any other,
 * made at that moment, and all that anybody can see has to be as it says.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/lab/lab_window.h"
#include "tests/model/world_private.h"

#define FRAME sizeof(struct machd_frame)

void ahead_board(struct world *world, struct actor *actor)
{
	struct trap_fd fd = {.handle = lab_fd(world->lab),
			     .size = MACHD_BOARD_SIZE,
			     .sealed = world->op->count ? TRAP_FD_FIXED : TRAP_FD_NO_ROOM};
	struct lab_frame frame = {.op = MACHD_OP_BOARD, .fds = &fd, .fd_count = 1};

	world_request(world, actor, &frame);
	model_board(&world->model, actor->model, world->op->count);
}

/* --- loans --- */

bool world_loan(const struct actor *actor)
{
	return actor->lab->lent > 0 && actor->loan.taken < actor->loan.count;
}

void ahead_forget(struct actor *actor)
{
	free(actor->loan.bytes);
	actor->loan.bytes = NULL;
	actor->loan.count = actor->loan.taken = 0;
}

void ahead_lend(struct world *world, struct actor *actor, uint32_t count)
{
	size_t size = actor->lab->memory_size - FRAME;

	ahead_forget(actor);
	actor->loan.bytes = malloc(size);
	LAB_TRUE(actor->loan.bytes && size > 0);
	memcpy(actor->loan.bytes, actor->lab->memory + FRAME, size);
	actor->loan.size = size;
	actor->loan.at = 0;
	actor->loan.count = count;
	actor->loan.name = actor->model->args.rcv_name;
	actor->loan.option = actor->model->args.option;
	actor->loan.op_name = world->op->receive;
}

/* The next message of it. */
static struct machd_loan next_loan(const struct actor *actor)
{
	struct machd_loan loan;

	LAB_TRUE(actor->loan.at + sizeof loan <= actor->loan.size);
	memcpy(&loan, actor->loan.bytes + actor->loan.at, sizeof loan);
	LAB_TRUE(loan.reserved == 0);
	LAB_TRUE(actor->loan.at + sizeof loan + loan.size <= actor->loan.size);
	return loan;
}

/* Options with which one may take from a loan, or ask for one, as the library says. */
static bool plain_receive(const struct machd_message_args *args)
{
	const uint64_t options = MACH_RCV_MSG | MACH_RCV_TIMEOUT | MACH_RCV_LARGE |
				 MACH_RCV_LARGE_IDENTITY | 0x0f000000u | MACH64_SEND_ANY |
				 MACH64_SEND_MQ_CALL;

	return args->option & MACH_RCV_MSG && !(args->option & ~options) && !args->rcv_aux_size;
}

static bool takes_loan(const struct actor *actor, const struct machd_message_args *args)
{
	return world_loan(actor) && args->rcv_name == actor->loan.name &&
	       args->option == actor->loan.option && args->rcv_size >= next_loan(actor).size;
}

/* What the machine would have answered. */
static void compare_loan(struct world *world, struct actor *actor)
{
	struct machd_loan loan = next_loan(actor);
	struct machd_message_answer answer = {
		.place = MACHD_PLACE_RECEIVE, .priority = loan.priority, .override = loan.override};
	size_t size = sizeof answer + loan.size;
	uint8_t *bytes = malloc(size);

	LAB_TRUE(bytes);
	memcpy(bytes, &answer, sizeof answer);
	memcpy(bytes + sizeof answer, actor->loan.bytes + actor->loan.at + sizeof loan, loan.size);
	actor->loan.at += (sizeof loan + loan.size + 7) & ~(size_t)7;
	actor->loan.taken++;
	actor->lab->fd_count = 0;
	world->borrowed++;
	world_compare_one(world, actor, bytes, size);
	free(bytes);
}

/* --- sends without an answer --- */

static bool plain_send(const struct machd_message_args *args, const uint8_t *message,
		       mach_msg_header_t *header)
{
	if (args->option != (MACH_SEND_MSG | MACH64_SEND_ANY) || args->memory_count ||
	    args->aux_size || args->send_size < sizeof *header || args->send_size % 4)
		return false;
	memcpy(header, message, sizeof *header);
	return header->msgh_bits == MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0) &&
	       header->msgh_local_port == MACH_PORT_NULL;
}

static void compare_unanswered(struct world *world, struct actor *actor)
{
	const struct machd_message_answer answer = {.code = MACH_MSG_SUCCESS};

	actor->lab->fd_count = 0;
	world->unanswered++;
	world_compare_one(world, actor, (const uint8_t *)&answer, sizeof answer);
}

/* --- servers: a reply, and the next request --- */

static bool serves(const struct machd_message_args *args, const uint8_t *message,
		   mach_msg_header_t *header)
{
	struct machd_message_args receive = *args;

	receive.option &= ~(uint64_t)(MACH_SEND_MSG | MACH_SEND_TIMEOUT);
	if (!(args->option & MACH_SEND_MSG) || !plain_receive(&receive) || args->memory_count ||
	    args->aux_size || args->send_size < sizeof *header || args->send_size % 4)
		return false;
	memcpy(header, message, sizeof *header);
	return header->msgh_bits == MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND_ONCE, 0) &&
	       header->msgh_local_port == MACH_PORT_NULL;
}

mach_port_name_t world_promised_reply(const struct actor *actor)
{
	uint32_t taken = actor->lab->taken;
	machd_window_t word = actor->lab->board[MACHD_BOARD_REPLY + taken];

	return world_loan(actor) && machd_window_end(word) == taken ? machd_window_name(word)
								    : MACH_PORT_NULL;
}

/* The next message is taken, and the reply goes out. */
static void reply(struct world *world, struct actor *actor, const struct machd_message_args *args,
		  const uint8_t *message)
{
	const struct machd_message_args send = {.option = MACH_SEND_MSG | MACH64_SEND_ANY,
						.send_size = args->send_size,
						.thread_priority = args->thread_priority};
	struct lab_frame frame = {.op = MACHD_OP_MESSAGE,
				  .parts = {{&send, sizeof send}, {message, args->send_size}},
				  .flags = MACHD_REQUEST_UNANSWERED | MACHD_REQUEST_REPLY};

	actor->lab->taken++;
	world->unanswered++;
	world_request(world, actor, &frame);
}

/* --- all of them --- */

bool ahead_begin(struct world *world, struct actor *actor, const struct machd_message_args *args,
		 const uint8_t *message, uint32_t *flags)
{
	mach_msg_header_t header;

	*flags = 0;
	if (!actor->lab->has_board)
		return true;
	if (serves(args, message, &header)) {
		*flags = MACHD_REQUEST_LOAN | MACHD_REQUEST_REPLY;
		if (!takes_loan(actor, args) || header.msgh_remote_port == MACH_PORT_NULL ||
		    world_promised_reply(actor) != header.msgh_remote_port)
			return true;
		reply(world, actor, args, message);
		return false;
	}
	if (takes_loan(actor, args)) {
		*flags = MACHD_REQUEST_LOAN;
		if (world->options.mutation != MODEL_LOAN_TWICE)
			actor->lab->taken++;
		world_machine_done(world);
		return false;
	}
	if (plain_receive(args)) {
		*flags = MACHD_REQUEST_LOAN;
	} else if (world->op->tail == 0 && plain_send(args, message, &header)) {
		unsigned index = machd_window_of(header.msgh_remote_port);

		*flags = MACHD_REQUEST_WINDOW;
		if (lab_window(actor->lab, header.msgh_remote_port) == 0)
			return true;
		*flags = MACHD_REQUEST_UNANSWERED;
		actor->lab->unanswered[index]++;
		return world->options.mutation != MODEL_UNANSWERED_LOST;
	}
	return true;
}

void ahead_finish(struct world *world, struct actor *actor, uint32_t flags)
{
	if (flags == MACHD_REQUEST_UNANSWERED)
		compare_unanswered(world, actor);
	else if (flags & MACHD_REQUEST_LOAN && !actor->lab->asked)
		compare_loan(world, actor);
}
