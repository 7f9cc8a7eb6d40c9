/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Out-of-line memory. On the way out small pieces and arrays of names are copied into the frame;
 * what is a region (client/region.h) goes by its own memfd, and all the rest is copied into one
 * sealed memfd. On the way in the memfds are mapped, each receiver's own copy on write, and the
 * addresses written into the message.
 */
#include <errno.h>
#include <fcntl.h>
#include <mach/mach_init.h>
#include <mach/message.h>
#include <mach/vm_page_size.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "client/mi.h"
#include "client/region.h"

#define TYPE_AT 11 /* offset of the type byte in every descriptor */

/* From this size on a memfd is cheaper than bytes in a frame. */
#define INLINE_PIECE_MAX 16384u

/* A descriptor with memory, as the message has it. */
struct piece {
	uintptr_t address;
	uint64_t size; /* in bytes; may be more than there is memory */
	bool names;    /* an array of port names: the daemon has to read it */
	bool deallocate;
};

static size_t descriptor_size(uint8_t type)
{
	return type == MACH_MSG_PORT_DESCRIPTOR ? sizeof(mach_msg_port_descriptor_t)
						: sizeof(mach_msg_ool_descriptor_t);
}

static uint8_t type_of(const uint8_t *descriptor)
{
	return descriptor[TYPE_AT];
}

/* The piece of memory of a descriptor; false: it has none. */
static bool read_piece(const uint8_t *bytes, struct piece *piece)
{
	mach_msg_ool_descriptor_t memory;
	mach_msg_ool_ports_descriptor_t ports;

	switch (type_of(bytes)) {
	case MACH_MSG_OOL_PORTS_DESCRIPTOR:
		memcpy(&ports, bytes, sizeof ports);
		*piece = (struct piece){(uintptr_t)ports.address,
					(uint64_t)ports.count * sizeof(mach_port_name_t), true,
					ports.deallocate};
		return true;
	case MACH_MSG_OOL_DESCRIPTOR:
	case MACH_MSG_OOL_VOLATILE_DESCRIPTOR:
		memcpy(&memory, bytes, sizeof memory);
		*piece = (struct piece){(uintptr_t)memory.address, memory.size, false,
					memory.deallocate};
		return true;
	default:
		return false;
	}
}

/* So much of a message is read at first: most have few descriptors. */
#define FIRST_LOOK 256

/* Copy the message's descriptors; how many bytes of them make sense is what is walked later. */
static int copy_descriptors(const void *message, const mach_msg_header_t *header, size_t size,
			    struct mi_memory *memory)
{
	union {
		mach_msg_base_t base;
		uint8_t bytes[FIRST_LOOK];
	} look;
	size_t seen = size < sizeof look ? size : sizeof look, bytes;

	if (size < sizeof look.base)
		return 0;
	if (!mi_fetch(&look, message, seen))
		return EFAULT;
	if (header)
		look.base.header = *header;
	if (!(look.base.header.msgh_bits & MACH_MSGH_BITS_COMPLEX))
		return 0;
	bytes = size - sizeof look.base;
	if (bytes > MACHD_INLINE_LIMIT)
		bytes = MACHD_INLINE_LIMIT;
	if (look.base.body.msgh_descriptor_count > bytes / sizeof(mach_msg_port_descriptor_t))
		return 0; /* the daemon will say so */
	if (bytes > look.base.body.msgh_descriptor_count * sizeof(mach_msg_descriptor_t))
		bytes = look.base.body.msgh_descriptor_count * sizeof(mach_msg_descriptor_t);
	/* Behind them comes what a short one at the end may be taken for. */
	memory->descriptors = calloc(1, bytes + sizeof(mach_msg_descriptor_t));
	if (!memory->descriptors)
		return ENOMEM;
	memory->descriptor_count = look.base.body.msgh_descriptor_count;
	if (sizeof look.base + bytes <= seen) {
		memcpy(memory->descriptors, look.bytes + sizeof look.base, bytes);
		return 0;
	}
	return mi_fetch(memory->descriptors, (const char *)message + sizeof look.base, bytes)
		       ? 0
		       : EFAULT;
}

/*
 * How much there is to gather: entries of the table, bytes that would go inline at most, and those
 * of names, which must.
 */
static void measure(const struct mi_memory *memory, uint32_t *count, uint64_t *bytes,
		    uint64_t *names)
{
	const uint8_t *at = memory->descriptors;
	struct piece piece;

	*count = 0;
	*bytes = *names = 0;
	for (uint32_t i = 0; i < memory->descriptor_count; i++) {
		if (read_piece(at, &piece)) {
			++*count;
			if (piece.names || piece.size <= INLINE_PIECE_MAX)
				*bytes += piece.size;
			if (piece.names)
				*names += piece.size;
		}
		at += descriptor_size(type_of(at));
	}
}

/* Gathering: what is filled so far. */
struct gathering {
	struct mi_memory *memory;
	uint8_t *data; /* the inline bytes */
	size_t data_size, data_room;
	uint64_t names_left; /* bytes of names to come, for which room is kept */
	uint64_t fd_size;
	int copies;	    /* the memfd of pieces that are copied; -1: none yet */
	uint32_t copies_fd; /* its index */
	unsigned fd_index;  /* of the first of the memory's memfds */
};

static void gather_inline(struct gathering *g, const struct piece *piece,
			  struct machd_memory *entry)
{
	size_t size = (size_t)piece->size; /* there is room for it */

	if (!mi_fetch(g->data + g->data_size, (const void *)piece->address, size))
		return;
	entry->source = MACHD_MEMORY_INLINE;
	g->data_size += size;
}

/* Send one more memfd along; its index in the frame. */
static uint32_t add_fd(struct gathering *g, int fd)
{
	g->memory->fds.fd[g->memory->fds.count] = fd;
	return g->fd_index + g->memory->fds.count++;
}

/*
 * A piece that is a region needs no copy, and is gone at once if it is given away. One descriptor
 * is left for those that do.
 */
static bool gather_region(struct gathering *g, const struct piece *piece,
			  struct machd_memory *entry)
{
	size_t size = (size_t)piece->size;
	int fd = -1;

	if (size < MI_REGION_MIN - 2 * vm_page_size ||
	    g->fd_index + g->memory->fds.count + 1 >= MACHD_FRAME_FDS_MAX)
		return false;
	if (piece->deallocate)
		fd = mi_region_give(piece->address, size, &entry->offset);
	if (fd >= 0)
		g->memory->withdrawn |= UINT64_C(1) << g->memory->fds.count;
	else
		fd = mi_region_share(piece->address, size, &entry->offset);
	if (fd < 0)
		return false;
	entry->source = MACHD_MEMORY_FD;
	entry->fd = add_fd(g, fd);
	return true;
}

/* Write a piece to the end of the memfd, at the offset in a page that it has in memory. */
static int gather_fd(struct gathering *g, const struct piece *piece, struct machd_memory *entry)
{
	uint64_t at = mach_vm_round_page(g->fd_size) + (piece->address & vm_page_mask);
	int error;

	if (g->copies < 0) {
		g->copies = memfd_create("mach memory", MFD_CLOEXEC | MFD_ALLOW_SEALING);
		if (g->copies < 0)
			return errno;
		g->copies_fd = add_fd(g, g->copies);
	}
	error = mi_fill(g->copies, (const void *)piece->address, (size_t)piece->size, at);
	if (error)
		return error == EFAULT ? 0 : error; /* the daemon refuses it, when it gets there */
	entry->source = MACHD_MEMORY_FD;
	entry->fd = g->copies_fd;
	entry->offset = at;
	g->fd_size = at + piece->size;
	return 0;
}

static int gather_piece(struct gathering *g, const struct piece *piece, struct machd_memory *entry)
{
	size_t room = g->data_room - g->data_size;

	*entry = (struct machd_memory){.source = MACHD_MEMORY_UNREADABLE};
	if (piece->size == 0) {
		entry->source = MACHD_MEMORY_NONE;
		return 0;
	}
	if (piece->names) {
		g->names_left -= piece->size;
		if (piece->size <= room)
			gather_inline(g, piece, entry);
		return 0;
	}
	if (piece->size <= INLINE_PIECE_MAX && g->names_left <= room &&
	    piece->size <= room - g->names_left) {
		gather_inline(g, piece, entry);
		return 0;
	}
	return gather_region(g, piece, entry) ? 0 : gather_fd(g, piece, entry);
}

static int gather_all(struct gathering *g)
{
	const uint8_t *at = g->memory->descriptors;
	struct machd_memory *entry = g->memory->table;
	struct piece piece;
	int error = 0;

	for (uint32_t i = 0; i < g->memory->descriptor_count && error == 0; i++) {
		if (read_piece(at, &piece))
			error = gather_piece(g, &piece, entry++);
		at += descriptor_size(type_of(at));
	}
	if (error == 0 && g->copies >= 0 && fcntl(g->copies, F_ADD_SEALS, MI_SEALS))
		error = errno;
	return error;
}

int mi_memory_gather(const void *message, const mach_msg_header_t *header, size_t size, size_t room,
		     unsigned fd_index, struct mi_memory *memory)
{
	struct gathering g = {.memory = memory, .copies = -1, .fd_index = fd_index};
	uint64_t bytes;
	size_t table;
	int error;

	*memory = (struct mi_memory){0};
	error = copy_descriptors(message, header, size, memory);
	if (error)
		return error;
	measure(memory, &memory->count, &bytes, &g.names_left);
	if (memory->count == 0)
		return 0;
	table = memory->count * sizeof *memory->table;
	if (table > room)
		return ENOMEM;
	g.data_room = bytes < room - table ? (size_t)bytes : room - table;
	memory->table = malloc(table + g.data_room);
	if (!memory->table)
		return ENOMEM;
	memset(memory->table, 0, table);
	memory->fd_index = fd_index;
	g.data = (uint8_t *)memory->table + table;
	error = gather_all(&g);
	memory->data_size = (uint32_t)g.data_size;
	memory->size = table + g.data_size;
	return error;
}

/* Walks the memory that is given away, in order. */
struct given {
	const struct mi_memory *memory;
	const uint8_t *at;
	uint32_t looked_at;
	uint32_t pieces; /* with memory, so far */
	char *start;	 /* whole pages */
	size_t size;
};

static bool next_given(struct given *given)
{
	struct piece piece;

	if (given->looked_at == 0)
		given->at = given->memory->descriptors;
	while (given->looked_at < given->memory->descriptor_count) {
		bool memory = read_piece(given->at, &piece);

		given->looked_at++;
		given->at += descriptor_size(type_of(given->at));
		if (!memory)
			continue;
		given->pieces++;
		if (!piece.deallocate || piece.size == 0)
			continue;
		given->start = (char *)trunc_page(piece.address);
		given->size = round_page(piece.address + (size_t)piece.size) -
			      (size_t)(uintptr_t)given->start;
		return true;
	}
	return false;
}

/* Is it memory that mi_region_give() took away? Its descriptor's place in memory->fds then. */
static bool is_withdrawn(const struct given *given, unsigned *fd)
{
	const struct machd_memory *entry = &given->memory->table[given->pieces - 1];

	if (entry->source != MACHD_MEMORY_FD)
		return false;
	*fd = entry->fd - given->memory->fd_index;
	return given->memory->withdrawn >> *fd & 1;
}

void mi_memory_sent(struct mi_memory *memory, bool hides)
{
	struct given given = {.memory = memory};
	unsigned fd;

	memory->hidden = hides;
	while (hides && next_given(&given))
		if (!is_withdrawn(&given, &fd))
			mprotect(given.start, given.size, PROT_NONE);
	mi_fds_close(&memory->fds);
}

/* Memory that was given away and has come back, or never went, can be used again. */
static void take_back(const struct given *given, const struct mi_fds *returned)
{
	const struct machd_memory *entry = &given->memory->table[given->pieces - 1];
	unsigned at;

	if (!is_withdrawn(given, &at)) {
		if (given->memory->hidden &&
		    mprotect(given->start, given->size, PROT_READ | PROT_WRITE))
			mprotect(given->start, given->size, PROT_READ);
		return;
	}
	if (!returned)
		returned = &given->memory->fds;
	else
		at = entry->fd;
	if (at >= returned->count || !mi_region_restore(given->start, given->size, returned->fd[at],
							mach_vm_trunc_page(entry->offset)))
		mi_region_unmap(given->start, given->size);
}

void mi_memory_taken(const struct mi_memory *memory, uint32_t taken, const struct mi_fds *returned)
{
	struct given given = {.memory = memory};

	while (memory->table && next_given(&given)) {
		if (given.pieces <= taken)
			mi_region_unmap(given.start, given.size);
		else
			take_back(&given, returned);
	}
}

void mi_memory_free(struct mi_memory *memory)
{
	free(memory->table);
	free(memory->descriptors);
	mi_fds_close(&memory->fds);
}

/* The way in. */

struct memory_frame {
	struct machd_frame frame;
	uint8_t bytes[MACHD_FRAME_SIZE_MAX - sizeof(struct machd_frame)];
};

/* Map one piece; NULL: there is no room. `data` moves behind what was used of it. */
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
		return NULL; /* lost on the way */
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

/* An array of names for which there is no room: its rights are given up. */
static void drop_names(struct mi_channel *channel, const uint8_t *data, size_t size,
		       mach_msg_type_name_t type)
{
	for (size_t at = 0; at < size; at += sizeof(mach_port_name_t)) {
		mach_port_name_t name;

		memcpy(&name, data + at, sizeof name);
		drop_name(channel, name, type);
	}
}

/* Does the entry say something that can be? */
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

/* Write an address into a descriptor; with NULL the memory's size is 0, an array keeps its count.
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
	struct piece piece;
	void *address = NULL;

	if (!read_piece(descriptor, &piece))
		return true;
	if (p->left == 0 || !entry_good(p->received, p->entry, piece.size, (size_t)(p->end - data)))
		return false;
	if (p->entry->source != MACHD_MEMORY_NONE) {
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
		descriptor += descriptor_size(type_of(descriptor));
	}
	return NULL;
}

/* There is no memory to fetch the frame into: the message has none then. */
static int fetch_nothing(struct mi_channel *channel, struct mi_received_memory *received)
{
	mach_msg_base_t *base = received->message;
	uint8_t *descriptor = (uint8_t *)(base + 1);
	struct machd_frame head = {0};
	struct iovec part = {&head, sizeof head};
	struct mi_answer came = {.parts = &part, .count = 1};
	struct piece piece;
	int error = mi_answer(channel, &came);

	received->fds = came.fds;
	received->bits = MACH_MSG_VM_KERNEL;
	for (uint32_t i = 0; base && i < base->body.msgh_descriptor_count; i++) {
		if (read_piece(descriptor, &piece))
			place_address(descriptor, NULL);
		descriptor += descriptor_size(type_of(descriptor));
	}
	return error;
}

/* A frame with more bytes of memory is a rarity, and its pages are not kept for the next. */
#define KEPT 16384u

/* The channel's place for such frames; NULL: there is no memory. */
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
