/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors of a message: ports, plain and guarded, in and out [4, 5.3, 9.4, 16.1]. */
#include <string.h>

#include "tests/model/model_private.h"

#define HEAD ((uint32_t)sizeof(struct machd_message_answer))

typedef mach_msg_port_descriptor_t plain_t;
typedef mach_msg_guarded_port_descriptor64_t guarded_t;

/* A descriptor as it was sent. */
struct part {
	uint32_t size, type;
	mach_port_name_t name;
	uint32_t disposition, flags;
	uint64_t context;
};

/* The descriptor that begins here; the type alone if there are not enough bytes for it. */
static struct part read_part(const uint8_t *bytes, uint32_t left)
{
	struct part part = {.size = sizeof(plain_t)};
	guarded_t guarded;
	plain_t plain;

	memcpy(&plain, bytes, sizeof plain);
	part.type = plain.type;
	part.name = plain.name;
	part.disposition = plain.disposition;
	if (part.type != MACH_MSG_GUARDED_PORT_DESCRIPTOR)
		return part;
	part.size = sizeof guarded;
	if (left < sizeof guarded)
		return part;
	memcpy(&guarded, bytes, sizeof guarded);
	part.name = guarded.name;
	part.disposition = guarded.disposition;
	part.flags = guarded.flags;
	part.context = guarded.context;
	return part;
}

static bool content_good(const struct part *part)
{
	if (part->type != MACH_MSG_GUARDED_PORT_DESCRIPTOR)
		return true;
	if (part->disposition != MACH_MSG_TYPE_MOVE_RECEIVE)
		return false;
	if (part->flags == 0 || part->flags & ~(uint32_t)MACH_MSG_GUARD_FLAGS_MASK)
		return false;
	return !(part->flags & MACH_MSG_GUARD_FLAGS_UNGUARDED_ON_SEND) || part->context == 0;
}

uint32_t m_body_check(const uint8_t *bytes, uint32_t size, unsigned count, uint64_t option)
{
	bool ports_only = option & (MACH64_SEND_KOBJECT_CALL | MACH64_SEND_DK_CALL);
	uint32_t at = sizeof(mach_msg_base_t);
	bool good = true;

	if (option & MACH64_SEND_KOBJECT_CALL && count > 3)
		return MACH_SEND_TOO_LARGE;

	for (unsigned i = 0; i < count; i++) {
		struct part part;

		if (size - at < sizeof(plain_t))
			return MACH_SEND_MSG_TOO_SMALL;
		part = read_part(bytes + at, size - at);
		if (part.type != MACH_MSG_PORT_DESCRIPTOR &&
		    (part.type != MACH_MSG_GUARDED_PORT_DESCRIPTOR || ports_only))
			return MACH_SEND_INVALID_TYPE;
		if (size - at < part.size)
			return MACH_SEND_MSG_TOO_SMALL;
		good &= content_good(&part);
		at += part.size;
	}
	return good ? MACH_MSG_SUCCESS : MACH_SEND_INVALID_TYPE;
}

static bool guard_good(const struct m_port *port, const struct part *part)
{
	if (port->guarded)
		return port->context == part->context;
	return part->flags & MACH_MSG_GUARD_FLAGS_UNGUARDED_ON_SEND;
}

static bool part_good(const struct m_msg *msg, const struct m_entry *entry, const struct part *part)
{
	bool read = !msg->dest.port->dead && !msg->dest.port->kernel; /* by a task, one day */

	if (!MACH_PORT_VALID(part->name))
		return true;
	if (!entry || !m_copyin_good(entry, part->disposition))
		return false;
	if (read && m_kept(entry, part->disposition))
		return false;
	return part->type != MACH_MSG_GUARDED_PORT_DESCRIPTOR || guard_good(entry->port, part);
}

/* A receive right that goes into a message is on its way to the message's destination. */
static void set_transit(struct m_msg *msg, struct m_port *port)
{
	if (m_circular(port, msg->dest.port))
		msg->circular = true;
	else
		port->transit = msg->dest.port;
}

bool m_copyin_body(struct model *model, struct m_task *task, const uint8_t *bytes, unsigned count,
		   struct m_msg *msg)
{
	uint32_t at = sizeof(mach_msg_base_t);
	struct m_deleted deleted = {0};

	for (unsigned i = 0; i < count; i++) {
		struct part part = read_part(bytes + at, msg->size - at);
		struct m_right *right = &msg->descriptor[i];

		if (!part_good(msg, m_look(task, part.name), &part))
			return false;
		*right = m_copyin_name(model, task, part.name, part.disposition, &deleted);
		m_deleted_send(model, &deleted);
		msg->descriptors = i + 1;
		if (part.type == MACH_MSG_GUARDED_PORT_DESCRIPTOR) {
			msg->guard[i] = part.flags;
			msg->guarded++;
		}
		if (right->port && right->type == MACH_MSG_TYPE_PORT_RECEIVE)
			set_transit(msg, right->port);
		at += part.size;
	}
	return true;
}

static void put_plain(struct model *model, struct m_thread *thread, uint32_t at,
		      struct m_right right, bool *full)
{
	struct m_answer *answer = &thread->answer;
	plain_t plain = {.disposition = right.type};
	mach_port_name_t name;
	struct m_entry *entry = m_copyout(model, thread->task, right, &name, full);

	memcpy(answer->bytes + at, &plain, sizeof plain);
	m_put_name(answer, at + offsetof(plain_t, name), entry, name);
}

/* A receive right that comes under guard; `address` is what it is guarded with then. */
static void put_guarded(struct model *model, struct m_thread *thread, uint32_t at,
			struct m_right right, uint32_t flags, bool giving_back, bool *full)
{
	uint64_t address = giving_back ? thread->args.send_address : thread->args.rcv_address;
	bool guards = flags & MACH_MSG_GUARD_FLAGS_IMMOVABLE_RECEIVE;
	guarded_t guarded = {.disposition = right.type,
			     .type = MACH_MSG_GUARDED_PORT_DESCRIPTOR,
			     .flags = flags};
	struct m_answer *answer = &thread->answer;
	struct m_entry *entry = NULL;
	mach_port_name_t name = MACH_PORT_NULL;

	if (right.port)
		guarded.flags |= MACH_MSG_GUARD_FLAGS_UNGUARDED_ON_SEND;
	if (giving_back || thread->args.option & MACH_RCV_GUARDED_DESC)
		entry = m_copyout(model, thread->task, right, &name, full);
	else
		m_right_destroy(model, right);
	if (entry && guards) {
		guarded.context = right.port->context = address;
		guarded.flags = MACH_MSG_GUARD_FLAGS_IMMOVABLE_RECEIVE;
		right.port->guarded = true;
		right.port->immovable = !giving_back;
	}
	memcpy(answer->bytes + at, &guarded, sizeof guarded);
	m_put_name(answer, at + offsetof(guarded_t, name), entry, name);
}

bool m_put_descriptors(struct model *model, struct m_thread *thread, struct m_msg *msg,
		       bool giving_back)
{
	uint32_t at = HEAD + sizeof(mach_msg_base_t);
	bool full = false;

	for (unsigned i = 0; i < msg->descriptors; i++) {
		if (msg->guard[i]) {
			put_guarded(model, thread, at, msg->descriptor[i], msg->guard[i],
				    giving_back, &full);
			at += sizeof(guarded_t);
		} else {
			put_plain(model, thread, at, msg->descriptor[i], &full);
			at += sizeof(plain_t);
		}
	}
	return full;
}
