/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Seeds of the frame fuzzer for MIG calls on the daemon's ports: each routine of ops.def once, with
 * a request of the right shape, in the layout of either word size. The fuzzer makes the wrong ones.
 */
#include <mach/message.h>
#include <mach/ndr.h>
#include <mach/port.h>
#include <string.h>

#include "protocol/frame.h"
#include "protocol/ops.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/script.h"
#include "tests/fuzz/seeds.h"

/* Slots of a link's names: a port of its own, with a send right, and where replies go. */
#define PORT  FUZZ_NAME(2)
#define REPLY FUZZ_NAME(3)

static struct {
	uint8_t bytes[2048], data[512];
	struct machd_memory table[4];
	size_t size, data_size;
	uint32_t memory_count, descriptors;
	uint32_t words[256], word_count;
	bool narrow; /* for a 32-bit client */
} request;

static void add(const void *descriptor, size_t size)
{
	FUZZ_CHECK(request.size + size <= sizeof request.bytes);
	memcpy(request.bytes + request.size, descriptor, size);
	request.size += size;
	request.descriptors++;
}

static void add_port(unsigned type)
{
	mach_msg_port_descriptor_t port = {.name = PORT,
					   .disposition = type == MACH_MSG_TYPE_PORT_SEND_ONCE
								  ? MACH_MSG_TYPE_MAKE_SEND_ONCE
								  : MACH_MSG_TYPE_MAKE_SEND,
					   .type = MACH_MSG_PORT_DESCRIPTOR};

	add(&port, sizeof port);
}

static void add_bytes(const void *bytes, size_t size)
{
	FUZZ_CHECK(request.data_size + size <= sizeof request.data);
	request.table[request.memory_count++].source = MACHD_MEMORY_INLINE;
	memcpy(request.data + request.data_size, bytes, size);
	request.data_size += size;
}

/* Out-of-line memory, or an array of rights: `count` is what its last word says. */
static void add_memory(unsigned type, unsigned disposition, uint32_t count)
{
	mach_msg_ool_ports_descriptor64_t wide = {
		.type = type, .disposition = disposition, .count = count};
	mach_msg_ool_ports_descriptor32_t narrow = {
		.type = type, .disposition = disposition, .count = count};

	if (request.narrow)
		add(&narrow, sizeof narrow);
	else
		add(&wide, sizeof wide);
}

static void put_words(uint32_t word, unsigned count)
{
	while (count-- > 0)
		request.words[request.word_count++] = word;
}

/* The fields of a REF as memory; those of a FRAME are not there. */
static const struct machd_field *add_group(const struct machd_field *field)
{
	static const uint8_t zeros[256];
	bool ref = field->f_kind == MACHD_FIELD_REF;
	uint32_t size = 0;

	while ((++field)->f_kind != MACHD_FIELD_END)
		size += field->f_size;
	if (ref) {
		add_memory(MACH_MSG_OOL_DESCRIPTOR, 0, size);
		add_bytes(zeros, size);
	}
	return field;
}

static const struct machd_field *add_field(const struct machd_field *field)
{
	const uint32_t name = PORT;

	switch (field->f_kind) {
	case MACHD_FIELD_DATA:
		put_words(field->f_size > 64 ? 0x61 : PORT, field->f_size / 4);
		break;
	case MACHD_FIELD_PORT:
	case MACHD_FIELD_POLY:
		add_port(field->f_type);
		break;
	case MACHD_FIELD_ARRAY:
	case MACHD_FIELD_BYTES:
		put_words(4 / field->f_size, 2);
		break;
	case MACHD_FIELD_OOL_PORTS:
		add_memory(MACH_MSG_OOL_PORTS_DESCRIPTOR, MACH_MSG_TYPE_MAKE_SEND, 1);
		add_bytes(&name, sizeof name);
		put_words(1, 1);
		break;
	case MACHD_FIELD_REF:
	case MACHD_FIELD_FRAME:
		return add_group(field);
	}
	return field;
}

/* Send what was put together, and receive the reply in the same call. */
static void finish(const struct machd_routine_row *row, uint32_t target)
{
	const NDR_record_t ndr = {.int_rep = NDR_INT_LITTLE_ENDIAN};
	mach_msg_base_t base = {
		.header = {.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND,
						       MACH_MSG_TYPE_MAKE_SEND_ONCE),
			   .msgh_remote_port = target,
			   .msgh_local_port = REPLY,
			   .msgh_id = (mach_msg_id_t)row->number},
		.body = {request.descriptors}};
	struct machd_message_args args = {.option = MACH_SEND_MSG | MACH_RCV_MSG |
						    MACH_RCV_TIMEOUT | MACH64_SEND_ANY,
					  .rcv_size = 4096,
					  .rcv_name = REPLY,
					  .memory_count = request.memory_count,
					  .data_size = (uint32_t)request.data_size};
	size_t head = request.descriptors ? sizeof base : sizeof base.header;
	uint8_t body[4096], *at = body + sizeof args;

	if (request.descriptors)
		base.header.msgh_bits |= MACH_MSGH_BITS_COMPLEX;
	memcpy(at, &base, head);
	memcpy(at + head, request.bytes, request.size);
	at += head + request.size;
	if (request.word_count) {
		memcpy(at, &ndr, sizeof ndr);
		memcpy(at + sizeof ndr, request.words, 4 * request.word_count);
		at += sizeof ndr + 4 * request.word_count;
	}
	args.send_size = (uint32_t)(at - body - sizeof args);
	memcpy(at, request.table, request.memory_count * sizeof *request.table);
	at += request.memory_count * sizeof *request.table;
	memcpy(at, request.data, request.data_size);
	at += request.data_size;
	memcpy(body, &args, sizeof args);
	seed_request(0, MACHD_OP_MESSAGE, 0, body, (size_t)(at - body));
}

static void call(const struct machd_routine_row *row, uint32_t target, bool narrow)
{
	memset(&request, 0, sizeof request);
	request.narrow = narrow;
	for (const struct machd_field *field = row->in; field->f_kind != MACHD_FIELD_END; field++)
		field = add_field(field);
	/* A word that MIG puts behind the array is in front of it in ops.def. */
	for (const struct machd_field *field = row->in; field->f_kind != MACHD_FIELD_END; field++)
		if (field->f_kind == MACHD_FIELD_LATE)
			put_words(64, 1);
	finish(row, target);
}

static void allocate(void)
{
	struct {
		struct machd_call call;
		struct mach_port_allocate_in in;
	} body = {{MACHD_ROUTINE_mach_port_allocate, FUZZ_NAME_SELF}, {MACH_PORT_RIGHT_RECEIVE}};

	seed_request(0, MACHD_OP_CALL, 0, &body, sizeof body);
}

static void seed_calls(const char *name, bool narrow)
{
	seed_step(narrow ? FUZZ_NARROW : FUZZ_CONNECT, 0);
	allocate();
	allocate();
	for (unsigned i = 0; i < machd_routine_count; i++)
		if (machd_routines[i].object != MACHD_OBJECT_TRAP)
			call(&machd_routines[i],
			     machd_routines[i].object == MACHD_OBJECT_BOOTSTRAP ? FUZZ_NAME_BOOT
										: FUZZ_NAME_SELF,
			     narrow);
	seed_save("frame", name);
}

void seed_mig_frames(void)
{
	seed_calls("mig", false);
	seed_calls("mig-narrow", true);
}
