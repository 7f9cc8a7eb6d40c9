/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Receives out-of-line memory, after the message itself: bytes that came in the frame are copied to
 * fresh pages, memfds are mapped copy-on-write, and the addresses are written into the descriptors.
 * If memory cannot be mapped the message is received nevertheless, without it and with
 * MACH_MSG_VM_SPACE [11].
 */
#include <errno.h>
#include <mach/mach_init.h>
#include <mach/message.h>
#include <mach/vm_page_size.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "client/mi.h"
#include "client/ool.h"
#include "client/region.h"
#include "protocol/limits.h"

struct memory_frame {
	struct machd_frame frame;
	uint8_t bytes[MACHD_FRAME_SIZE_MAX - sizeof(struct machd_frame)];
};

/* Map one piece; NULL: that failed. *data advances past what was used. */
static void *map_piece(const struct mi_received_memory *received, const struct machd_memory *entry,
		       uint64_t wanted, const uint8_t **data)
{
	size_t in_page = entry->offset & vm_page_mask, size = (size_t)wanted;
	void *pages;

	if (wanted > SIZE_MAX - in_page)
		return NULL;
	if (entry->source == MACHD_MEMORY_INLINE) {
		pages = mi_pages(round_page(size));
		if (pages)
			memcpy(pages, *data, size);
		*data += size;
		return pages;
	}
	if (entry->fd >= received->fds.count)
		return NULL; /* this process had no room for the descriptor */
	pages = mmap(NULL, in_page + size, PROT_READ | PROT_WRITE, MAP_PRIVATE,
		     received->fds.fd[entry->fd], (off_t)(entry->offset - in_page));
	if (pages == MAP_FAILED)
		return NULL;
	if (entry->offset == in_page)
		mi_region_adopt(pages, round_page(in_page + size), received->fds.fd[entry->fd]);
	return (char *)pages + in_page;
}

/* Give up a right that was just received, in the middle of a call. */
static void drop_name(struct mi_channel *channel, mach_port_name_t name, mach_msg_type_name_t type)
{
	struct mach_port_mod_refs_in receive = {
		.name = name, .right = MACH_PORT_RIGHT_RECEIVE, .delta = -1};
	struct mach_port_deallocate_in other = {.name = name};
	bool is_receive = type == MACH_MSG_TYPE_PORT_RECEIVE;
	struct mi_call call = {
		.routine = is_receive ? MACHD_ROUTINE_mach_port_mod_refs
				      : MACHD_ROUTINE_mach_port_deallocate,
		.target = mach_task_self(),
		.in = is_receive ? (const void *)&receive : (const void *)&other,
		.in_size = is_receive ? sizeof receive : sizeof other,
	};

	if (MACH_PORT_VALID(name))
		mi_call_within(channel, &call);
}

/* An array of names could not be mapped: release its rights. */
static void drop_names(struct mi_channel *channel, const uint8_t *data, size_t size,
		       mach_msg_type_name_t type)
{
	for (size_t at = 0; at < size; at += sizeof(mach_port_name_t)) {
		mach_port_name_t name;

		memcpy(&name, data + at, sizeof name);
		drop_name(channel, name, type);
	}
}

/* Is all of a piece in what came, for ever? As mi_keeps(). */
static int check_file(const struct mi_received_memory *received, const struct machd_memory *entry,
		      uint64_t size)
{
	uint64_t end;

	if (entry->source != MACHD_MEMORY_FD || entry->fd >= received->fds.count)
		return 0;
	return __builtin_add_overflow(entry->offset, size, &end)
		       ? EPROTO
		       : mi_keeps(received->fds.fd[entry->fd], end);
}

/* Is the entry consistent with the descriptor and with what came? */
static bool entry_good(const struct mi_received_memory *received, const struct machd_memory *entry,
		       uint64_t size, size_t data_left)
{
	switch (entry->source) {
	case MACHD_MEMORY_NONE:
		return size == 0;
	case MACHD_MEMORY_INLINE:
		return size <= data_left;
	case MACHD_MEMORY_FD:
		return entry->fd >= received->skip &&
		       (entry->fd < received->fds.count || received->lost);
	}
	return false;
}

/* Write an address into a descriptor. NULL: memory gets size 0, an array of ports keeps its count.
 */
static void place_address(uint8_t *descriptor, void *address)
{
	mach_msg_ool_descriptor_t memory;

	memcpy(&memory, descriptor, sizeof memory);
	memory.address = address;
	if (!address && memory.type != MACH_MSG_OOL_PORTS_DESCRIPTOR)
		memory.size = 0;
	memcpy(descriptor, &memory, sizeof memory);
}

struct placing {
	struct mi_channel *channel;
	struct mi_received_memory *received;
	const struct machd_memory *entry;
	uint32_t left; /* entries */
	const uint8_t *data, *end;
};

/* One descriptor of the message in the program's memory. False: the frame makes no sense. */
static bool place_one(struct placing *p, uint8_t *descriptor)
{
	mach_msg_type_name_t type = ((mach_msg_ool_ports_descriptor_t *)descriptor)->disposition;
	const uint8_t *data = p->data;
	struct mi_piece piece;
	void *address = NULL;
	int error;

	if (!mi_piece_read(descriptor, &piece))
		return true;
	if (p->left == 0 || !entry_good(p->received, p->entry, piece.size, (size_t)(p->end - data)))
		return false;
	error = check_file(p->received, p->entry, piece.size);
	if (error == EPROTO)
		return false;
	if (p->entry->source != MACHD_MEMORY_NONE) {
		if (error == 0)
			address = map_piece(p->received, p->entry, piece.size, &p->data);
		if (!address)
			p->received->bits |= MACH_MSG_VM_SPACE;
		if (!address && piece.names)
			drop_names(p->channel, data, (size_t)piece.size, type);
	}
	place_address(descriptor, address);
	p->entry++;
	p->left--;
	return true;
}

/* All descriptors of the message, which the kernel has just written there. */
static const char *place_all(struct mi_channel *channel, struct mi_received_memory *received,
			     const struct memory_frame *frame)
{
	size_t size = frame->frame.length - sizeof frame->frame;
	mach_msg_base_t *base = received->message;
	uint8_t *descriptor = (uint8_t *)(base + 1);
	struct placing p = {.channel = channel, .received = received, .left = received->count};

	if (received->count > size / sizeof(struct machd_memory))
		return "machd sent a table of memory that is cut short";
	p.entry = (const struct machd_memory *)(const void *)frame->bytes;
	p.data = frame->bytes + received->count * sizeof(struct machd_memory);
	p.end = frame->bytes + size;
	for (uint32_t i = 0; base && i < base->body.msgh_descriptor_count; i++) {
		if (!place_one(&p, descriptor))
			return "machd sent memory that makes no sense";
		descriptor += mi_descriptor_size(mi_descriptor_type(descriptor));
	}
	return NULL;
}

/* There is no memory to receive the frame into: the message is delivered without its memory. */
static int fetch_nothing(struct mi_channel *channel, struct mi_received_memory *received)
{
	mach_msg_base_t *base = received->message;
	uint8_t *descriptor = (uint8_t *)(base + 1);
	struct machd_frame head = {0};
	struct iovec part = {&head, sizeof head};
	struct mi_answer came = {.parts = &part, .count = 1};
	struct mi_piece piece;
	int error = mi_answer(channel, &came);

	received->fds = came.fds;
	received->bits = MACH_MSG_VM_KERNEL;
	for (uint32_t i = 0; base && i < base->body.msgh_descriptor_count; i++) {
		if (mi_piece_read(descriptor, &piece))
			place_address(descriptor, NULL);
		descriptor += mi_descriptor_size(mi_descriptor_type(descriptor));
	}
	return error;
}

/* After a frame longer than this, which is rare, the buffer's pages are given back. */
#define KEPT (MACHD_MEMORY_INLINE_MAX + 4096u)

/* The channel's buffer for such frames; NULL: there is no memory. */
static struct memory_frame *frame_of(struct mi_channel *channel)
{
	_Static_assert(sizeof(struct memory_frame) == MACHD_FRAME_SIZE_MAX, "all of a frame");
	if (!channel->memory_frame)
		channel->memory_frame = mi_pages(MACHD_FRAME_SIZE_MAX);
	return channel->memory_frame;
}

int mi_memory_receive(struct mi_channel *channel, struct mi_received_memory *received)
{
	struct memory_frame *frame = frame_of(channel);
	struct iovec part = {frame, sizeof *frame};
	struct mi_answer came = {.parts = &part, .count = 1};
	int error;

	received->bits = 0;
	received->problem = NULL;
	if (!frame)
		return fetch_nothing(channel, received);
	error = mi_answer(channel, &came);
	received->fds = came.fds;
	received->lost = came.lost_fd;
	if (error == 0)
		received->problem = mi_check_answer(channel, &frame->frame, MACHD_OP_MEMORY, &came);
	if (error == 0 && !received->problem)
		received->problem = place_all(channel, received, frame);
	if (came.size > KEPT)
		madvise(frame, sizeof *frame, MADV_DONTNEED);
	return error;
}
