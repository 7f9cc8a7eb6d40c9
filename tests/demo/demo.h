/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the programs of tests/demo.sh share: the service's messages, and shorthands. Each program is
 * an ordinary Mach program; it finds the daemon through MACHD_SOCKET.
 *
 * demo.sh conducts them through pipes: a program writes a line to descriptor 3 when it has got
 * somewhere, and reads a line from its standard input before it goes on.
 */
#pragma once

#include <mach/mach.h>
#include <stdint.h>

#define DEMO_SERVICE   "demo.service"
#define DEMO_KEEPER    "demo.keeper"
#define DEMO_SUCCESSOR "demo.successor"

enum demo_message {
	DEMO_ADD_ONE = 100, /* struct demo_number: answered with number + 1 */
	DEMO_CHUNK,	    /* struct demo_chunk: part of a file; no answer */
	DEMO_DIGEST,	    /* header only: answered with a struct demo_digest */
	DEMO_OPEN,	    /* header only: answered with a struct demo_port, a send right */
	DEMO_HAND_OVER,	    /* struct demo_port: a receive right with what is queued on it */
	DEMO_ITEM,	    /* struct demo_item */
	DEMO_ANSWER = 100,  /* added to a request's id, as MIG does */
};

/* Data bytes of one chunk: a message that goes in one packet. */
#define DEMO_CHUNK_SIZE 49152
#define DEMO_HASH_SIZE	32

struct demo_number {
	mach_msg_header_t header;
	uint64_t number;
};

struct demo_chunk {
	mach_msg_header_t header;
	uint32_t index; /* 0, 1, 2 ... */
	uint32_t size;	/* bytes of data that count */
	uint8_t data[DEMO_CHUNK_SIZE];
};

struct demo_digest {
	mach_msg_header_t header;
	uint32_t chunks;
	uint32_t misplaced; /* chunks that were not the next one */
	uint64_t bytes;
	uint8_t hash[DEMO_HASH_SIZE];
};

struct demo_port {
	mach_msg_header_t header;
	mach_msg_body_t body;
	mach_msg_port_descriptor_t port;
	uint32_t queued; /* DEMO_HAND_OVER: messages on it when it was sent */
};

/* Items of the mailbox that changes hands. */
#define DEMO_ITEMS_BEFORE 600 /* queued before it does */
#define DEMO_ITEMS	  1000

struct demo_item {
	mach_msg_header_t header;
	uint32_t index;
	uint8_t data[212];
};

/* Fill in the data of item number `index`, different for each. */
void demo_item_fill(struct demo_item *item, uint32_t index);

/* Print what failed and exit, unless `code` is success. */
void demo_check(kern_return_t code, const char *what);

/* Print what went wrong and exit. */
__attribute__((noreturn, format(printf, 1, 2))) void demo_fail(const char *format, ...);

mach_port_t demo_check_in(const char *service);
mach_port_t demo_look_up(const char *service);

/* Send a message of `size` bytes to `port` and forget it. Waits while the port is full. */
void demo_send(mach_port_t port, mach_msg_header_t *message, mach_msg_size_t size, uint32_t id);

/*
 * Send a request of `size` bytes to `port` and wait for the answer, in the same buffer of
 * `room` bytes (a trailer needs some, too).
 */
void demo_call(mach_port_t port, mach_msg_header_t *message, mach_msg_size_t size,
	       mach_msg_size_t room, uint32_t id);

/* Turn a request that was received into the header of its answer of `size` bytes. */
void demo_turn_round(mach_msg_header_t *message, mach_msg_size_t size);

/* Tell demo.sh that this point is reached; wait for demo.sh. */
void demo_reached(void);
void demo_await(void);
