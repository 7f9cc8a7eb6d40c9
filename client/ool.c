/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sends out-of-line memory. Small pieces and arrays of names are copied into the frame; a region
 * (client/region.h) is sent as its own memfd; everything else is copied into one sealed memfd.
 * Memory that is given away is inaccessible until it is known whether the daemon took it.
 */
#include <errno.h>
#include <fcntl.h>
#include <mach/vm_page_size.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "client/exchange.h"
#include "client/ool.h"
#include "client/region.h"
#include "protocol/limits.h"

/* Bytes of a message that are read at first: most have few descriptors. */
#define FIRST_LOOK 256

/* Copy the message's descriptors, as many bytes as they may have; they are checked when walked. */
static int copy_descriptors(const struct exchange *x, struct mi_memory *memory)
{
	union {
		mach_msg_base_t base;
		uint8_t bytes[FIRST_LOOK];
	} look;
	size_t size = x->send_size;
	size_t seen = size < sizeof look ? size : sizeof look, bytes;

	if (size < sizeof look.base)
		return 0;
	if (!mi_fetch(&look, x->send, seen))
		return EFAULT;
	if (x->header)
		look.base.header = *x->header;
	if (!(look.base.header.msgh_bits & MACH_MSGH_BITS_COMPLEX))
		return 0;
	bytes = size - sizeof look.base;
	if (bytes > MACHD_INLINE_LIMIT)
		bytes = MACHD_INLINE_LIMIT;
	if (look.base.body.msgh_descriptor_count > bytes / sizeof(mach_msg_port_descriptor_t))
		return 0; /* the daemon will say so */
	if (bytes > look.base.body.msgh_descriptor_count * sizeof(mach_msg_descriptor_t))
		bytes = look.base.body.msgh_descriptor_count * sizeof(mach_msg_descriptor_t);
	/* One more, zeroed, so that a truncated descriptor at the end can be read whole. */
	memory->descriptors = calloc(1, bytes + sizeof(mach_msg_descriptor_t));
	if (!memory->descriptors)
		return ENOMEM;
	memory->descriptor_count = look.base.body.msgh_descriptor_count;
	if (sizeof look.base + bytes <= seen) {
		memcpy(memory->descriptors, look.bytes + sizeof look.base, bytes);
		return 0;
	}
	return mi_fetch(memory->descriptors, (const char *)x->send + sizeof look.base, bytes)
		       ? 0
		       : EFAULT;
}

/*
 * What there is to gather: *count entries of the table, at most *bytes inline, and *names of those
 * for arrays of names, which must go inline.
 */
static void measure(const struct mi_memory *memory, uint32_t *count, uint64_t *bytes,
		    uint64_t *names)
{
	const uint8_t *at = memory->descriptors;
	struct mi_piece piece;

	*count = 0;
	*bytes = *names = 0;
	for (uint32_t i = 0; i < memory->descriptor_count; i++) {
		if (mi_piece_read(at, &piece)) {
			++*count;
			if (piece.names || piece.size <= MACHD_MEMORY_INLINE_MAX)
				*bytes += piece.size;
			if (piece.names)
				*names += piece.size;
		}
		at += mi_descriptor_size(mi_descriptor_type(at));
	}
}

/* Memory that is given away goes in whole pages: the first byte of a piece's, and their end. */
static uintptr_t first_page(const struct mi_piece *piece)
{
	return trunc_page(piece->address);
}

static uintptr_t behind_pages(const struct mi_piece *piece)
{
	return round_page(piece->address + (size_t)piece->size);
}

/* An iterator over the memory that is given away, in order. */
struct given {
	const struct mi_memory *memory;
	const uint8_t *at;
	uint32_t looked_at; /* descriptors */
	uint32_t pieces;    /* descriptors with memory among them */
	char *start;	    /* the current piece, whole pages */
	size_t size;
};

static bool next_given(struct given *given)
{
	struct mi_piece piece;

	if (given->looked_at == 0)
		given->at = given->memory->descriptors;
	while (given->looked_at < given->memory->descriptor_count) {
		bool memory = mi_piece_read(given->at, &piece);

		given->looked_at++;
		given->at += mi_descriptor_size(mi_descriptor_type(given->at));
		if (!memory)
			continue;
		given->pieces++;
		if (!piece.deallocate || piece.size == 0)
			continue;
		given->start = (char *)first_page(&piece);
		given->size = behind_pages(&piece) - first_page(&piece);
		return true;
	}
	return false;
}

/* The state of gathering. */
struct gathering {
	const struct exchange *x;
	struct mi_memory *memory;
	uint8_t *data; /* the inline bytes */
	size_t data_size, data_room;
	uint64_t names_left; /* bytes of names to come, for which room is reserved */
	uint64_t fd_size;
	int copies;			  /* the memfd of pieces that are copied; -1: none yet */
	uint32_t copies_fd;		  /* its index */
	unsigned fd_index;		  /* of the first of the memory's memfds */
	uint32_t given;			  /* pieces so far that are given away */
	uintptr_t given_start, given_end; /* the range that all of them are in */
};

/*
 * Mach takes memory from the sender descriptor by descriptor: what a later one names on a page that
 * an earlier one gave away is not there any more [11].
 */
static bool is_gone(const struct gathering *g, const struct mi_piece *piece)
{
	struct given given = {.memory = g->memory};
	uintptr_t start = piece->address, end = start + (size_t)piece->size;

	if (start >= g->given_end || end <= g->given_start)
		return false;
	for (uint32_t i = 0; i < g->given && next_given(&given); i++)
		if (start < (uintptr_t)given.start + given.size && end > (uintptr_t)given.start)
			return true;
	return false;
}

static void note_given(struct gathering *g, const struct mi_piece *piece)
{
	if (!piece->deallocate || piece->size == 0)
		return;
	if (g->given == 0 || first_page(piece) < g->given_start)
		g->given_start = first_page(piece);
	if (behind_pages(piece) > g->given_end)
		g->given_end = behind_pages(piece);
	g->given++;
}

static void gather_inline(struct gathering *g, const struct mi_piece *piece,
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

/* Is some of the message, which is still to be sent, on the pages of this piece? */
static bool has_message(const struct exchange *x, const struct mi_piece *piece)
{
	uintptr_t message = (uintptr_t)x->send, aux = (uintptr_t)x->send_aux;
	uintptr_t start = first_page(piece), end = behind_pages(piece);

	return (message < end && message + x->send_size > start) ||
	       (aux < end && aux + x->send_aux_size > start);
}

/*
 * A region needs no copy; if it is given away it is unmapped now. One descriptor of the frame is
 * left for the memfd of copies.
 */
static bool gather_region(struct gathering *g, const struct mi_piece *piece,
			  struct machd_memory *entry)
{
	size_t size = (size_t)piece->size;
	int fd = -1;

	if (size < MI_REGION_MIN - 2 * vm_page_size ||
	    g->fd_index + g->memory->fds.count + 1 >= MACHD_FRAME_FDS_MAX)
		return false;
	if (piece->deallocate && !has_message(g->x, piece))
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
static int gather_fd(struct gathering *g, const struct mi_piece *piece, struct machd_memory *entry)
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

static int gather_piece(struct gathering *g, const struct mi_piece *piece,
			struct machd_memory *entry)
{
	size_t room = g->data_room - g->data_size;

	*entry = (struct machd_memory){.source = MACHD_MEMORY_UNREADABLE};
	if (piece->size == 0) {
		entry->source = MACHD_MEMORY_NONE;
		return 0;
	}
	if (piece->names)
		g->names_left -= piece->size;
	if (is_gone(g, piece))
		return 0;
	if (piece->names) {
		if (piece->size <= room)
			gather_inline(g, piece, entry);
		return 0;
	}
	if (piece->size <= MACHD_MEMORY_INLINE_MAX && g->names_left <= room &&
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
	struct mi_piece piece;
	int error = 0;

	for (uint32_t i = 0; i < g->memory->descriptor_count && error == 0; i++) {
		if (mi_piece_read(at, &piece)) {
			error = gather_piece(g, &piece, entry++);
			note_given(g, &piece);
		}
		at += mi_descriptor_size(mi_descriptor_type(at));
	}
	return error == 0 && g->copies >= 0 ? mi_seal(g->copies, MI_SEALS) : error;
}

int mi_memory_gather(const struct exchange *x, size_t room, unsigned fd_index,
		     struct mi_memory *memory)
{
	struct gathering g = {.x = x, .memory = memory, .copies = -1, .fd_index = fd_index};
	uint64_t bytes;
	size_t table;
	int error;

	mi_memory_none(memory);
	error = copy_descriptors(x, memory);
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

/* Was this piece unmapped by mi_region_give()? Then *fd is its memfd's index in memory->fds. */
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

/* The memory was not taken: map or unprotect it again. */
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
