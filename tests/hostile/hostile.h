/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the hostile tests share: a victim (a machd process of their own, with a log file), raw
 * connections that send whatever bytes they like, and two innocents that talk to each other through
 * the victim all the while. Everything waits on a condition, bounded by a deadline.
 */
#pragma once

#include <check.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "protocol/frame.h"
#include "protocol/hello.h"

/* A connection that can say anything. */
struct raw {
	int fd;
	uint32_t sequence; /* of the last request */
	struct machd_welcome welcome;
};

struct victim {
	pid_t pid;
	char directory[64], socket[96], log[96], record[96];
	unsigned descriptors;	   /* open in the victim when only the innocents are there */
	unsigned drops;		   /* lines in the log that tell of a drop, as far as expected */
	struct raw server, client; /* the innocents */
	uint32_t service, send, reply; /* the server's port; the client's names of it and of its own
					*/
};

extern struct victim victim;

/* Start machd, with at most `descriptors` of them if that is not 0, and the innocents. */
void victim_start(unsigned descriptors);

/*
 * The innocents are served; SIGTERM ends machd in order, with nothing left in its memory; what it
 * recorded of the attack is replayed with the same outcome.
 */
void victim_stop(void);

/* victim_start() with as many as it likes, as a fixture. */
void victim_setup(void);

/*
 * After an attack: wait until the victim's descriptors are what they were, then see that the
 * innocents are served, and that since the last time `drops` peers were dropped and the last one of
 * them because of a reason that contains `reason` (any, if it is NULL). VICTIM_DROPS_ANY: the test
 * does not know how many, as they may be dropped at the last moment.
 */
#define VICTIM_DROPS_ANY UINT_MAX
void victim_unharmed(unsigned drops, const char *reason);

/* One call from the innocent client to the innocent server and back. */
void victim_serves(void);

/* Descriptors that the victim has open; how many lines of its log contain `text`. */
unsigned victim_descriptors(void);
unsigned victim_lines(const char *text);

/* Connect; and also say hello, as a new task. */
void raw_connect(struct raw *raw);
void raw_join(struct raw *raw);
void raw_close(struct raw *raw);

/* Send a packet as it is, with `count` descriptors. false if the victim has closed. */
bool raw_packet(const struct raw *raw, const void *bytes, size_t size, const int *fds,
		unsigned count);

/* Put a frame into `packet` (which has room for it); returns its size. */
size_t raw_frame(void *packet, enum machd_op op, uint32_t sequence, const void *body, size_t size);

/* Send a frame with a true length, and `count` descriptors that it states. */
bool raw_send(const struct raw *raw, enum machd_op op, uint32_t sequence, const void *body,
	      size_t size, const int *fds, unsigned count);

/*
 * Wait for a packet: its size, 0 if the victim has closed the connection. `fd` gets a descriptor
 * that came with it, or -1; if it is NULL there must be none.
 */
size_t raw_receive(const struct raw *raw, void *packet, size_t size, int *fd);

/* The victim closes this connection, perhaps after some answers. */
void raw_dropped(struct raw *raw);

/* Call a routine of ops.def: the code; `out` is filled if it is KERN_SUCCESS. */
uint32_t raw_call(struct raw *raw, uint32_t routine, uint32_t target, const void *in,
		  size_t in_size, void *out, size_t out_size);

/* Make a port; its name. */
uint32_t raw_port(struct raw *raw);

/* A request to send a message, to receive one, or both: fill `args` behind it yourself. */
struct raw_message {
	struct machd_message_args args;
	uint32_t bits, size, remote, local, voucher, id; /* a Mach header */
};

/* A message of 24 bytes to `port`, with these dispositions. */
struct raw_message raw_message(uint32_t port, uint32_t bits);

/* Numbers that look random and are the same in each run. */
uint32_t raw_random(void);

/* Run tests, each between `setup` and `teardown` (or NULL); returns what main() does. */
int hostile_run(const char *name, const TTest *const *tests, size_t count, void (*setup)(void),
		void (*teardown)(void));
