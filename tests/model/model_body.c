/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors of a message: rights, arrays of them, and memory, in and out [4, 5.3, 9.4, 11]. */
#include <assert.h>
#include <string.h>

#include "tests/model/layout.h"
#include "tests/model/model_private.h"

#define HEAD ((uint32_t)sizeof(struct machd_message_answer))

enum { FORWARD_FROM = 65, KOBJECT_PARTS = 3, SMALL = 32768, PHYSICAL = 7 << 20, PAGE = 4096 };

static uint32_t word_of(const uint8_t *bytes)
{
	uint32_t word;

	memcpy(&word, bytes, sizeof word);
	return word;
}

static bool has_rights(const struct m_part *part)
{
	return part->type == MACH_MSG_PORT_DESCRIPTOR ||
	       part->type == MACH_MSG_GUARDED_PORT_DESCRIPTOR ||
	       part->type == MACH_MSG_OOL_PORTS_DESCRIPTOR;
}

/* --- before any right moves --- */

static struct m_part read_part(unsigned word, const uint8_t *bytes)
{
	struct m_part part = {.type = bytes[LAYOUT_TYPE]};
	uint16_t flags;

	part.count = word_of(bytes + layout_number(word, part.type));
	part.disposition = bytes[LAYOUT_DISPOSITION];
	if (part.type == MACH_MSG_GUARDED_PORT_DESCRIPTOR) {
		memcpy(&flags, bytes + LAYOUT_FLAGS, sizeof flags);
		part.flags = flags;
		memcpy(&part.context, bytes + LAYOUT_CONTEXT, word / 8);
	} else if (layout_memory(part.type)) {
		part.copy = bytes[LAYOUT_COPY];
		part.flags = bytes[LAYOUT_DEALLOCATE];
	}
	if (!layout_memory(part.type)) {
		part.data = bytes + layout_number(word, part.type);
		part.count = 1;
	}
	return part;
}

static uint32_t content_code(const struct m_part *part)
{
	bool given = part->flags & MACH_MSG_GUARD_FLAGS_UNGUARDED_ON_SEND;

	switch (part->type) {
	case MACH_MSG_OOL_DESCRIPTOR:
	case MACH_MSG_OOL_VOLATILE_DESCRIPTOR:
		return part->copy > MACH_MSG_VIRTUAL_COPY ? MACH_SEND_INVALID_TYPE : 0;
	case MACH_MSG_GUARDED_PORT_DESCRIPTOR:
		if (part->disposition != MACH_MSG_TYPE_MOVE_RECEIVE || part->flags == 0 ||
		    part->flags & ~(uint32_t)MACH_MSG_GUARD_FLAGS_MASK || (given && part->context))
			return MACH_SEND_INVALID_TYPE;
	}
	return 0;
}

/* Few descriptors are looked at from the last to the first. */
static uint32_t check_contents(const struct model *model, const struct m_msg *msg)
{
	bool forward = msg->parts >= FORWARD_FROM || model->mutation == MODEL_ERRORS_FORWARD;
	uint64_t rights = 0;

	for (unsigned i = 0; i < msg->parts; i++) {
		const struct m_part *part = &msg->part[forward ? i : msg->parts - 1 - i];
		uint32_t code = content_code(part);

		rights += has_rights(part) ? part->count : 0;
		if (rights > UINT32_MAX)
			return MACH_SEND_TOO_LARGE;
		if (code)
			return code;
	}
	return MACH_MSG_SUCCESS;
}

static uint32_t check_totals(const struct m_msg *msg)
{
	uint64_t rights = 0, physical = 0;

	for (unsigned i = 0; i < msg->parts; i++) {
		const struct m_part *part = &msg->part[i];

		if (has_rights(part))
			rights += part->count;
		else if (part->copy == MACH_MSG_PHYSICAL_COPY && !part->flags &&
			 part->count > SMALL)
			physical += ((uint64_t)part->count + PAGE - 1) / PAGE * PAGE;
	}
	if (rights > MACHD_MESSAGE_PORTS_MAX)
		return MACH_SEND_TOO_LARGE;
	return physical + 8 * rights > PHYSICAL ? MACH_MSG_VM_KERNEL : MACH_MSG_SUCCESS;
}

static uint32_t walk(const struct m_thread *thread, const struct m_sent *sent, struct m_msg *msg)
{
	const bool old_only =
		thread->args.option & (MACH64_SEND_KOBJECT_CALL | MACH64_SEND_DK_CALL);
	unsigned word = thread->task->word;
	uint32_t at = sizeof(mach_msg_base_t), size = thread->args.send_size;

	for (unsigned i = 0; i < msg->parts; i++) {
		unsigned type;

		if (size - at < LAYOUT_LEAST)
			return MACH_SEND_MSG_TOO_SMALL;
		type = sent->bytes[at + LAYOUT_TYPE];
		if (type > MACH_MSG_GUARDED_PORT_DESCRIPTOR ||
		    (old_only && type > MACH_MSG_OOL_PORTS_DESCRIPTOR))
			return MACH_SEND_INVALID_TYPE;
		if (size - at < layout_bytes(word, type))
			return MACH_SEND_MSG_TOO_SMALL;
		msg->part[i] = read_part(word, sent->bytes + at);
		at += layout_bytes(word, type);
	}
	return MACH_MSG_SUCCESS;
}

/* Is the piece in a memfd that can be relied on, and which is not that of the body? */
static bool in_fd(const struct m_sent *sent, const struct machd_memory *memory, uint32_t size)
{
	const struct m_fd *fd = &sent->fd[memory->fd];

	return memory->fd >= (sent->tail != 0) && memory->fd < sent->fds && fd->sealed &&
	       memory->offset <= fd->size && size <= fd->size - memory->offset;
}

/* Where the memory is; what cannot be relied on counts as unreadable. */
static void find_memory(const struct machd_message_args *args, const struct m_sent *sent,
			struct m_part *part, uint32_t index, uint32_t *used)
{
	bool names = part->type == MACH_MSG_OOL_PORTS_DESCRIPTOR;
	uint64_t size = names ? part->count * UINT64_C(4) : part->count;
	struct machd_memory memory = {.source = MACHD_MEMORY_UNREADABLE};

	if (index < args->memory_count)
		memory = sent->memory[index];
	part->memory.source = MACHD_MEMORY_UNREADABLE;
	if (part->count == 0) {
		part->memory.source = MACHD_MEMORY_NONE;
	} else if (memory.source == MACHD_MEMORY_INLINE && size <= args->data_size - *used) {
		part->memory.source = MACHD_MEMORY_INLINE;
		part->data = sent->data + *used;
		*used += (uint32_t)size;
	} else if (memory.source == MACHD_MEMORY_FD && !names &&
		   in_fd(sent, &memory, part->count)) {
		part->memory = memory;
	}
}

/* The parts become the message's own: their bytes are copied, and there is room for rights. */
static void keep_parts(struct model *model, const struct m_thread *thread,
		       const struct m_sent *sent, struct m_msg *msg)
{
	uint32_t used = 0, index = 0, rights = 0;

	for (unsigned i = 0; i < msg->parts; i++) {
		struct m_part *part = &msg->part[i];
		uint32_t size = part->count * (has_rights(part) ? 4 : 1);

		if (layout_memory(part->type))
			find_memory(&thread->args, sent, part, index++, &used);
		if (part->data)
			part->data = memcpy(m_alloc(model, size), part->data, size);
		rights += has_rights(part) && part->data ? part->count : 0;
	}
	msg->right = m_alloc(model, rights * sizeof *msg->right);
}

static bool has_memory(const struct m_msg *msg)
{
	for (unsigned i = 0; i < msg->parts; i++)
		if (layout_memory(msg->part[i].type))
			return true;
	return false;
}

uint32_t m_body_check(struct model *model, const struct m_thread *thread, const struct m_sent *sent,
		      unsigned count, struct m_msg *msg)
{
	uint32_t code;

	if (thread->args.option & MACH64_SEND_KOBJECT_CALL && count > KOBJECT_PARTS)
		return MACH_SEND_TOO_LARGE;
	msg->parts = count;
	msg->part = m_alloc(model, count * sizeof *msg->part);
	code = walk(thread, sent, msg);
	if (code == MACH_MSG_SUCCESS)
		code = check_contents(model, msg);
	if (code == MACH_MSG_SUCCESS)
		code = check_totals(msg);
	if (code == MACH_MSG_SUCCESS && has_memory(msg) && thread->args.memory_count == 0)
		code = MACHD_MEMORY_WANTED;
	if (code == MACH_MSG_SUCCESS)
		keep_parts(model, thread, sent, msg);
	return code;
}

/* --- in --- */

static bool guard_good(const struct m_port *port, const struct m_part *part)
{
	if (port->guarded)
		return port->context == part->context;
	return part->flags & MACH_MSG_GUARD_FLAGS_UNGUARDED_ON_SEND;
}

static bool right_good(const struct model *model, const struct m_msg *msg,
		       const struct m_entry *entry, const struct m_part *part)
{
	bool read = !msg->dest.port->dead && !msg->dest.port->kernel; /* by a task, one day */
	enum m_use use = read ? M_FOR_BODY : M_FOR_DAEMON;

	if (entry && entry->port && entry->port->only_reply &&
	    model->mutation == MODEL_REPLY_PORT_LENT)
		use = M_FOR_REPLY;
	if (!entry || !m_copyin_good(entry, part->disposition, use))
		return false;
	return part->type != MACH_MSG_GUARDED_PORT_DESCRIPTOR || guard_good(entry->port, part);
}

/* A receive right that goes into a message is on its way to the message's destination. */
static void set_transit(const struct model *model, struct m_msg *msg, const struct m_part *part,
			struct m_port *port)
{
	bool round = m_circular(port, msg->dest.port);

	if (part->type == MACH_MSG_OOL_PORTS_DESCRIPTOR && model->mutation == MODEL_ARRAYS_ROUND)
		round = true;
	port->tempowner = false;
	if (round)
		msg->circular = true;
	else
		port->transit = msg->dest.port;
}

static bool copyin_rights(struct model *model, struct m_task *task, struct m_msg *msg,
			  struct m_part *part)
{
	struct m_deleted deleted = {0};

	part->rights = msg->right + msg->right_count;
	for (uint32_t i = 0; i < part->count; i++) {
		mach_port_name_t name = word_of(part->data + 4 * i);
		struct m_right *right = &part->rights[i];

		if (MACH_PORT_VALID(name) && !right_good(model, msg, m_look(task, name), part))
			return false;
		*right = m_copyin_name(model, task, name, part->disposition, &deleted);
		m_deleted_send(model, &deleted);
		msg->right_count++;
		if (right->port && right->type == MACH_MSG_TYPE_PORT_RECEIVE)
			set_transit(model, msg, part, right->port);
	}
	return true;
}

uint32_t m_copyin_body(struct model *model, struct m_thread *thread, struct m_msg *msg)
{
	for (unsigned i = 0; i < msg->parts; i++) {
		struct m_part *part = &msg->part[i];
		bool memory = layout_memory(part->type);

		msg->refused = msg->right_count;
		if (part->memory.source == MACHD_MEMORY_UNREADABLE)
			return MACH_SEND_INVALID_MEMORY;
		if (model->mutation != MODEL_MEMORY_LEFT)
			thread->memory_taken += memory;
		if (has_rights(part) && !copyin_rights(model, thread->task, msg, part)) {
			if (memory && model->mutation == MODEL_ARRAY_OF_NOTHING)
				msg->right_count = (unsigned)(part->rights - msg->right);
			return MACH_SEND_INVALID_RIGHT;
		}
		part->disposition = m_received_type(part->disposition);
	}
	return MACH_MSG_SUCCESS;
}

/* --- out --- */

uint32_t m_body_at(const struct m_msg *msg, unsigned word)
{
	uint32_t at = sizeof(mach_msg_base_t);

	if (!msg->complex)
		return sizeof(mach_msg_header_t);
	for (unsigned i = 0; i < msg->parts; i++)
		at += layout_bytes(word, msg->part[i].type);
	return at;
}

uint32_t m_msg_size(const struct m_msg *msg, unsigned word)
{
	return m_body_at(msg, word) + msg->body_size;
}

static uint32_t inline_size(const struct m_part *part)
{
	if (part->memory.source != MACHD_MEMORY_INLINE)
		return 0;
	return part->type == MACH_MSG_OOL_PORTS_DESCRIPTOR ? 4 * part->count : part->count;
}

static uint32_t table_size(const struct m_msg *msg)
{
	uint32_t size = 0;

	for (unsigned i = 0; i < msg->parts; i++)
		if (layout_memory(msg->part[i].type))
			size += sizeof(struct machd_memory);
	return size;
}

uint32_t m_memory_size(const struct m_msg *msg)
{
	uint32_t size = table_size(msg);

	for (unsigned i = 0; i < msg->parts; i++)
		size += inline_size(&msg->part[i]);
	return size;
}

/* Where the next of a message's parts goes in an answer. */
struct out {
	struct model *model;
	struct m_thread *thread;
	bool giving_back;
	uint32_t full;		  /* bits of a code: there was no room for a name */
	uint32_t at, table, data; /* the descriptor, its memory, and its bytes */
};

static void put_right(struct out *out, uint32_t at, struct m_right right)
{
	mach_port_name_t name;
	struct m_entry *entry = m_copyout(out->model, out->thread->task, right, &name, &out->full);

	m_put_name(&out->thread->answer, at, entry, name);
}

/* A receive right that comes under guard: that is the address of the buffer it comes to. */
static void put_guarded(struct out *out, const struct m_part *part)
{
	struct m_thread *thread = out->thread;
	unsigned word = thread->task->word;
	uint64_t address = out->giving_back ? thread->args.send_address : thread->args.rcv_address;
	uint8_t *bytes = thread->answer.bytes + out->at;
	struct m_right right = *part->rights;
	uint16_t flags = (uint16_t)part->flags;
	mach_port_name_t name = MACH_PORT_NULL;
	struct m_entry *entry = NULL;

	if (right.port)
		flags |= MACH_MSG_GUARD_FLAGS_UNGUARDED_ON_SEND;
	if (out->giving_back || thread->args.option & MACH_RCV_GUARDED_DESC)
		entry = m_copyout(out->model, thread->task, right, &name, &out->full);
	else
		m_right_destroy(out->model, right);
	if (entry && flags & MACH_MSG_GUARD_FLAGS_IMMOVABLE_RECEIVE) {
		memcpy(bytes + LAYOUT_CONTEXT, &address, word / 8);
		right.port->context = address;
		flags = MACH_MSG_GUARD_FLAGS_IMMOVABLE_RECEIVE;
		right.port->guarded = true;
		right.port->immovable = !out->giving_back;
	}
	memcpy(bytes + LAYOUT_FLAGS, &flags, sizeof flags);
	m_put_name(&thread->answer, out->at + layout_number(word, part->type), entry, name);
}

/* A descriptor with memory: where that is, and its bytes or names. */
static void put_memory(struct out *out, const struct m_part *part)
{
	struct m_answer *answer = &out->thread->answer;
	uint8_t *bytes = answer->bytes + out->at;
	bool names = part->type == MACH_MSG_OOL_PORTS_DESCRIPTOR;

	bytes[LAYOUT_COPY] = names ? MACH_MSG_VIRTUAL_COPY : (uint8_t)part->copy;
	bytes[LAYOUT_DEALLOCATE] = bytes[LAYOUT_COPY] == MACH_MSG_VIRTUAL_COPY;
	if (!names)
		bytes[LAYOUT_DISPOSITION] = 0;
	m_answer_word(answer, out->at + layout_number(out->thread->task->word, part->type),
		      part->count);
	memcpy(answer->bytes + out->table, &part->memory, sizeof part->memory);
	out->table += sizeof part->memory;
	for (uint32_t i = 0; names && i < part->count; i++)
		put_right(out, out->data + 4 * i, part->rights[i]);
	if (!names && part->data)
		memcpy(answer->bytes + out->data, part->data, part->count);
	out->data += inline_size(part);
}

uint32_t m_put_parts(struct model *model, struct m_thread *thread, struct m_msg *msg,
		     bool giving_back)
{
	struct m_answer *answer = &thread->answer;
	uint32_t table = table_size(msg), memory = answer->size - m_memory_size(msg);
	struct out out = {.model = model,
			  .thread = thread,
			  .giving_back = giving_back,
			  .at = HEAD + sizeof(mach_msg_base_t),
			  .table = memory,
			  .data = memory + table};

	for (unsigned i = 0; i < msg->parts; i++) {
		const struct m_part *part = &msg->part[i];

		answer->bytes[out.at + LAYOUT_TYPE] = (uint8_t)part->type;
		answer->bytes[out.at + LAYOUT_DISPOSITION] = (uint8_t)part->disposition;
		if (layout_memory(part->type))
			put_memory(&out, part);
		else if (part->type == MACH_MSG_GUARDED_PORT_DESCRIPTOR)
			put_guarded(&out, part);
		else
			put_right(&out, out.at, *part->rights);
		out.at += layout_bytes(thread->task->word, part->type);
	}
	if (table == 0)
		return out.full;
	answer->memory = memory;
	m_answer_word(answer, offsetof(struct machd_message_answer, memory_count),
		      table / sizeof(struct machd_memory));
	answer->fds = msg->fds;
	memcpy(answer->fd, msg->fd, sizeof msg->fd);
	return out.full;
}
