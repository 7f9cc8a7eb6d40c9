/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rings: frames in memory that a channel's two ends share, beside its socket.
 *
 * One memfd holds both directions: requests from the client (submission) and answers to it
 * (completion). Each is a ring of bytes with one writer and one reader. A record in it is a header
 * and a frame, byte for byte what a packet would be. An index counts bytes and wraps with its
 * 32 bits; each end keeps its own and only publishes it in the shared words.
 *
 * What the other end writes is never trusted: its index is read once and checked against ours, a
 * record's header is copied once, and its bytes are copied before anybody looks at them. Whoever
 * finds nonsense gives the channel up, as for a broken frame.
 *
 * A reader that goes to sleep says so in the shared words and looks again; a writer that has
 * published looks there and wakes it. How is the business of the two ends. Nothing here makes a
 * system call.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/limits.h"

/* The shared words of one direction. What different ends write is on different cache lines. */
struct machd_ring_words {
	_Alignas(64) _Atomic uint32_t tail;   /* the writer's index */
	_Atomic uint32_t cpu;		      /* on which the writer last published */
	_Alignas(64) _Atomic uint32_t head;   /* the reader's index */
	_Alignas(64) _Atomic uint32_t asleep; /* enum machd_ring_sleep of the reader */
};

/* The first page of the memfd; the bytes of the submission ring follow, then the completion's. */
struct machd_rings {
	struct machd_ring_words submission, completion;
	uint8_t unused[MACHD_RING_HEAD - 2 * sizeof(struct machd_ring_words)];
	uint8_t bytes[2][MACHD_RING_SIZE];
};

/* How a reader wants to be woken. */
enum machd_ring_sleep {
	MACHD_RING_AWAKE = 0,
	MACHD_RING_ASLEEP = 1,	  /* daemon: by its event descriptor; client: by futex */
	MACHD_RING_ON_SOCKET = 2, /* client: by a packet, it is blocked on its socket */
};

enum machd_record_type {
	MACHD_RECORD_FRAME = 1,	 /* a frame */
	MACHD_RECORD_PACKET = 2, /* completion: the frame is the next packet on the socket */
	MACHD_RECORD_SKIP = 3,	 /* padding, up to the end of the ring's bytes */
};

/* The header of a record. Records begin and end at multiples of its size. */
struct machd_record {
	uint32_t length; /* bytes that follow */
	uint32_t type;	 /* enum machd_record_type */
};

/* One end of one direction. Private to that end. */
struct machd_ring {
	struct machd_ring_words *words;
	uint8_t *bytes;
	uint32_t at;	 /* own index: all before it is published, or consumed */
	uint32_t next;	 /* end of the records begun, or of the record looked at */
	uint32_t cursor; /* writer: where the next bytes go */
	uint32_t seen;	 /* the other end's index when it was last read */
	uint32_t turn;	 /* writer: a ring that is empty here starts over at its first byte,
			    so that little traffic touches few pages */
	struct machd_record record; /* reader: header of the record looked at */
};

/* The result of looking for a record, or for room. */
enum machd_ring_state {
	MACHD_RING_EMPTY,  /* reader: there is no record; writer: there is no room */
	MACHD_RING_READY,  /* there is one */
	MACHD_RING_BROKEN, /* the other end has written nonsense */
};

/* Set up one end of one direction; the shared memory is zeroed. */
void machd_ring_init(struct machd_ring *ring, struct machd_rings *shared, bool completion);

/*
 * Writing: begin a record of `length` bytes, add exactly as many, then begin another or publish all
 * that were begun. Without room for it, begin changes nothing.
 */
enum machd_ring_state machd_ring_begin(struct machd_ring *ring, enum machd_record_type type,
				       uint32_t length);
void machd_ring_add(struct machd_ring *ring, const void *bytes, uint32_t size);
void machd_ring_publish(struct machd_ring *ring);

/* Drop the records begun since the last publish. */
void machd_ring_abandon(struct machd_ring *ring);

/*
 * Instead of machd_ring_add(), for callers that copy by other means: the address for the next
 * bytes. *size is the number wanted; it becomes the number that fit there contiguously, and they
 * count as added.
 */
void *machd_ring_room(struct machd_ring *ring, uint32_t *size);

/*
 * Reading: look for a record. READY: its header is in ring->record, and stays the same until it is
 * consumed, whatever the other end does meanwhile. `offset` and `size` lie within its length.
 */
enum machd_ring_state machd_ring_look(struct machd_ring *ring);
void machd_ring_copy(const struct machd_ring *ring, uint32_t offset, void *to, uint32_t size);
void machd_ring_consume(struct machd_ring *ring);

/* The record's bytes in place; *size is the number wanted and becomes the contiguous number. */
const void *machd_ring_piece(const struct machd_ring *ring, uint32_t offset, uint32_t *size);

/*
 * Sleeping. A reader calls doze, looks again, and sleeps if there is still nothing. A writer that
 * has published calls wake: it returns how the reader is to be woken and marks it awake. A reader
 * that wakes by itself calls rouse: it returns what doze was given, or AWAKE if a writer has called
 * wake in between.
 */
void machd_ring_doze(struct machd_ring *ring, enum machd_ring_sleep how);
enum machd_ring_sleep machd_ring_wake(struct machd_ring *ring);
enum machd_ring_sleep machd_ring_rouse(struct machd_ring *ring);

/* The CPU on which the writer last published: a hint for readers that choose how to wait. */
void machd_ring_set_cpu(struct machd_ring *ring, uint32_t cpu);
uint32_t machd_ring_cpu(const struct machd_ring *ring);

/* The reader's state at this moment, unchanged. */
enum machd_ring_sleep machd_ring_sleeps(const struct machd_ring *ring);
