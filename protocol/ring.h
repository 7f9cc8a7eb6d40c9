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

/* The words of one direction, each where only one end writes it often. */
struct machd_ring_words {
	_Alignas(64) _Atomic uint32_t tail;   /* the writer's index */
	_Atomic uint32_t cpu;		      /* the CPU that the writer was on */
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
	MACHD_RING_ON_SOCKET = 2, /* client: it waits for a packet, and that may be the answer */
};

enum machd_record_type {
	MACHD_RECORD_FRAME = 1,	 /* a frame */
	MACHD_RECORD_PACKET = 2, /* completion: the frame is the next packet on the socket */
	MACHD_RECORD_SKIP = 3,	 /* nothing, up to the ring's end */
};

/* Before each frame, which begins and ends at a multiple of this size. */
struct machd_record {
	uint32_t length; /* bytes that follow */
	uint32_t type;	 /* enum machd_record_type */
};

/* One end of one direction. Private to that end. */
struct machd_ring {
	struct machd_ring_words *words;
	uint8_t *bytes;
	uint32_t at;		    /* own index: all before it is published, or consumed */
	uint32_t next;		    /* the end of what was begun, or of the record looked at */
	uint32_t cursor;	    /* writer: where the next bytes go */
	uint32_t seen;		    /* the other's index when it was last read */
	uint32_t turn;		    /* writer: an empty ring used so far is begun anew */
	struct machd_record record; /* reader: the one looked at */
};

/* What an end finds. */
enum machd_ring_state {
	MACHD_RING_EMPTY,  /* reader: there is no record; writer: there is no room */
	MACHD_RING_READY,  /* there is one */
	MACHD_RING_BROKEN, /* the other end has written nonsense */
};

/* An end of fresh, zeroed memory. */
void machd_ring_init(struct machd_ring *ring, struct machd_rings *shared, bool completion);

/*
 * Writing: begin a record of `length` bytes, add exactly as many, and go on with another or publish
 * all that was begun. When there is no room nothing has happened.
 */
enum machd_ring_state machd_ring_begin(struct machd_ring *ring, enum machd_record_type type,
				       uint32_t length);
void machd_ring_add(struct machd_ring *ring, const void *bytes, uint32_t size);
void machd_ring_publish(struct machd_ring *ring);

/* Forget what was begun since the last publish. */
void machd_ring_abandon(struct machd_ring *ring);

/*
 * For who copies the bytes by other means: where the next ones go. *size, the most that is wanted,
 * becomes what lies there in one piece and counts as added.
 */
void *machd_ring_room(struct machd_ring *ring, uint32_t *size);

/*
 * Reading: look for a record. It is in ring->record then, and looking again finds the same until it
 * is consumed, whatever the other end does meanwhile. `offset` and `size` lie within its length.
 */
enum machd_ring_state machd_ring_look(struct machd_ring *ring);
void machd_ring_copy(const struct machd_ring *ring, uint32_t offset, void *to, uint32_t size);
void machd_ring_consume(struct machd_ring *ring);

/* Its bytes where they lie; *size, the most that is wanted, becomes what is there in one piece. */
const void *machd_ring_piece(const struct machd_ring *ring, uint32_t offset, uint32_t *size);

/*
 * Sleeping. A reader dozes, looks again, and sleeps if there is nothing. A writer wakes when it has
 * published: what it gets is how the reader sleeps, who counts as awake from then on. A reader
 * that rouses itself gets AWAKE if somebody has begun to wake it, else what it said.
 */
void machd_ring_doze(struct machd_ring *ring, enum machd_ring_sleep how);
enum machd_ring_sleep machd_ring_wake(struct machd_ring *ring);
enum machd_ring_sleep machd_ring_rouse(struct machd_ring *ring);

/* The CPU that the writer was on when he published last, for who waits for more. A hint. */
void machd_ring_set_cpu(struct machd_ring *ring, uint32_t cpu);
uint32_t machd_ring_cpu(const struct machd_ring *ring);

/* What the reader says now, of which nothing follows. */
enum machd_ring_sleep machd_ring_sleeps(const struct machd_ring *ring);
