/* SPDX-License-Identifier: Apache-2.0 */
/* The frame of a mach_msg: the message, where its memory is, and that. */
#include <stdlib.h>
#include <string.h>

#include "tests/model/layout.h"
#include "tests/model/rng.h"
#include "tests/model/world_private.h"

enum { MESSAGE_MAX = 2048, DATA_MAX = 16384, AUX_MAX = 1032, PAGE = 4096 };

/* A message in the making. */
struct draft {
	struct world *world;
	unsigned word;
	uint32_t at;
	uint32_t memory_count, data_size;
	unsigned fds;
	struct trap_fd fd[2]; /* of the body's end, if there is one, then of memory */
	uint64_t fd_size;     /* of that */
	struct machd_memory memory[OP_DESCRIPTORS];
	_Alignas(8) uint8_t bytes[MESSAGE_MAX];
	uint8_t data[DATA_MAX];
	uint8_t aux[AUX_MAX];
};

static void put_word(struct draft *draft, uint32_t offset, uint32_t word)
{
	memcpy(draft->bytes + draft->at + offset, &word, sizeof word);
}

/* The names of an array: those that there are, over and over. */
static void compose_names(struct draft *draft, const struct op_descriptor *desc)
{
	const struct world *world = draft->world;

	if (desc->count > DATA_MAX / 8 || desc->different == 0)
		return;
	for (uint32_t i = 0; i < desc->count && draft->data_size + 4 <= DATA_MAX; i++) {
		mach_port_name_t name =
			world_name(world, &world->op->array[desc->first + i % desc->different]);

		memcpy(draft->data + draft->data_size, &name, sizeof name);
		draft->data_size += sizeof name;
	}
}

static void compose_bytes(struct draft *draft, uint32_t count)
{
	uint64_t payload = draft->world->op->number + draft->at;

	for (; count && draft->data_size < DATA_MAX; count--)
		draft->data[draft->data_size++] = (uint8_t)rng_next(&payload);
}

/* Where the memory of a descriptor is, and its bytes if they are in the frame. */
static void compose_memory(struct draft *draft, const struct op_descriptor *desc)
{
	struct machd_memory *memory = &draft->memory[draft->memory_count++];

	*memory = (struct machd_memory){.source = desc->source};
	if (desc->source == MACHD_MEMORY_INLINE && desc->type == MACH_MSG_OOL_PORTS_DESCRIPTOR)
		compose_names(draft, desc);
	else if (desc->source == MACHD_MEMORY_INLINE)
		compose_bytes(draft, desc->count);
	if (desc->source != MACHD_MEMORY_FD)
		return;
	memory->offset = draft->fd_size + desc->context % PAGE;
	memory->fd = draft->fds;
	draft->fd_size = (memory->offset + desc->count + PAGE - 1) / PAGE * PAGE;
}

static void compose_descriptor(struct draft *draft, const struct op_descriptor *desc)
{
	uint8_t *bytes = draft->bytes + draft->at;
	uint64_t context = desc->context;
	uint16_t flags = desc->flags;

	bytes[LAYOUT_TYPE] = desc->type;
	bytes[LAYOUT_DISPOSITION] = desc->disposition;
	if (desc->type == MACH_MSG_GUARDED_PORT_DESCRIPTOR) {
		memcpy(bytes + LAYOUT_CONTEXT, &context, draft->word / 8);
		memcpy(bytes + LAYOUT_FLAGS, &flags, sizeof flags);
	} else if (layout_memory(desc->type)) {
		bytes[LAYOUT_COPY] = desc->copy;
		bytes[LAYOUT_DEALLOCATE] = desc->gives;
	}
	if (layout_memory(desc->type)) {
		put_word(draft, layout_number(draft->word, desc->type), desc->count);
		compose_memory(draft, desc);
	} else {
		put_word(draft, layout_number(draft->word, desc->type),
			 world_name(draft->world, &desc->name));
	}
	draft->at += layout_bytes(draft->word, desc->type);
}

static void compose_filler(struct draft *draft)
{
	static const struct op_descriptor null = {.disposition = MACH_MSG_TYPE_COPY_SEND};

	for (unsigned i = 0; i < draft->world->op->filler; i++)
		compose_descriptor(draft, &null);
}

static void compose(struct draft *draft)
{
	const struct world *world = draft->world;
	const struct op *op = world->op;
	mach_msg_base_t base = {
		.header = {.msgh_bits = op->bits,
			   .msgh_size = op->number, /* not looked at */
			   .msgh_remote_port = world_name(world, &op->dest),
			   .msgh_local_port = world_name(world, &op->reply),
			   .msgh_voucher_port = world_name(world, &op->voucher),
			   .msgh_id = (int32_t)op->id},
		.body = {op->announced},
	};
	uint64_t payload = op->number;

	for (size_t i = 0; i < MESSAGE_MAX; i++)
		draft->bytes[i] = (uint8_t)rng_next(&payload);
	for (size_t i = 0; i < op->aux_size; i++)
		draft->aux[i] = (uint8_t)rng_next(&payload);
	memcpy(draft->bytes, &base, sizeof base.header);
	if (!(op->bits & MACH_MSGH_BITS_COMPLEX))
		return;
	memcpy(draft->bytes, &base, sizeof base);
	draft->at = sizeof base;
	compose_filler(draft);
	for (unsigned i = 0; i < op->descriptors; i++)
		compose_descriptor(draft, &op->descriptor[i]);
}

/* How many of a message's bytes go in a descriptor: none that the daemon must read. */
static uint32_t tail_of(const struct op *op, unsigned word)
{
	return op_least_size(op, word) + op->tail <= op->size ? op->tail : 0;
}

static void add_fd(struct draft *draft, uint64_t size, bool sealed)
{
	draft->fd[draft->fds++] = (struct trap_fd){
		.handle = lab_fd(draft->world->lab), .size = size, .sealed = sealed};
}

/* The whole message, and what can be wrong with its memory. */
static void draft_message(struct draft *draft, uint32_t tail)
{
	enum op_fault fault = draft->world->op->fault;

	if (tail)
		add_fd(draft, tail, true);
	compose(draft);
	if (fault == OP_FAULT_UNGATHERED)
		draft->memory_count = draft->data_size = 0;
	else if (draft->fd_size)
		add_fd(draft, draft->fd_size, fault != OP_FAULT_UNSEALED);
	if (fault == OP_FAULT_SHORT)
		draft->data_size /= 2;
}

static struct m_sent sent_of(const struct draft *draft, uint32_t tail)
{
	struct m_sent sent = {.bytes = draft->bytes,
			      .tail = tail,
			      .memory = draft->memory,
			      .data = draft->data,
			      .aux = draft->aux,
			      .fds = draft->fds};

	for (unsigned i = 0; i < draft->fds; i++)
		sent.fd[i] = (struct m_fd){draft->fd[i].handle, draft->fd[i].size,
					   draft->fd[i].sealed == TRAP_FD_SEALED};
	return sent;
}

void world_message(struct world *world, struct actor *actor)
{
	const struct op *op = world->op;
	bool sends = op->option & MACH_SEND_MSG;
	struct draft *draft = calloc(1, sizeof *draft);
	struct machd_message_args args = {
		.option = op->option,
		.send_address = 0x1000,
		.rcv_address = 0x2000,
		.send_size = sends ? op->size : 0,
		.aux_size = sends ? op->aux_size : 0,
		.rcv_size = op->receive_size,
		.rcv_aux_size = op->receive_aux_size,
		.rcv_name = world_name(world, &op->receive),
		.timeout = op->timeout,
		.priority = op->priority,
		.thread_priority = op->thread_priority,
	};
	struct lab_frame frame = {.op = MACHD_OP_MESSAGE, .parts = {{&args, sizeof args}}};
	struct m_sent sent;
	uint32_t tail;
	bool asks;

	LAB_TRUE(draft);
	draft->world = world;
	draft->word = actor->model->task->word;
	tail = sends ? tail_of(op, draft->word) : 0;
	if (sends)
		draft_message(draft, tail);
	args.memory_count = draft->memory_count;
	args.data_size = draft->data_size;
	frame.parts[1].bytes = draft->bytes;
	frame.parts[1].size = args.send_size - tail;
	frame.parts[2].bytes = draft->memory;
	frame.parts[2].size = draft->memory_count * sizeof draft->memory[0];
	frame.parts[3].bytes = draft->data;
	frame.parts[3].size = draft->data_size;
	frame.parts[4].bytes = draft->aux;
	frame.parts[4].size = args.aux_size;
	frame.fds = draft->fd;
	frame.fd_count = draft->fds;
	sent = sent_of(draft, tail);
	asks = ahead_begin(world, actor, &args, draft->bytes, &frame.flags);
	sent.promised = !asks || frame.flags == MACHD_REQUEST_UNANSWERED;
	if (asks)
		world_request(world, actor, &frame);
	model_message(&world->model, actor->model, &args, &sent);
	ahead_finish(world, actor, frame.flags);
	free(draft);
}
