/* SPDX-License-Identifier: Apache-2.0 */
/* A private D-Bus broker for a benchmark, and a bare D-Bus client. */
#pragma once

#include "tests/bench/bench.h"

/* Start "dbus-broker" or "dbus-daemon", as the case's broker begins, on a fresh socket, with a
 * policy that allows all and no limits; its pid. */
pid_t bus_start(const struct bench_case *run);

/* Where it listens: as a path, and as D-Bus writes it. */
const char *bus_path(void);
const char *bus_address(void);

/* A bare client: one socket, and what was received. */
struct bus_client {
	int sock;
	char name[32];	    /* unique on the bus */
	size_t have, taken; /* bytes in `in`; those of the message that was returned last */
	char in[2 * BENCH_SIZE_MAX];
	char out[BENCH_SIZE_MAX + 4096];
};

enum bus_type { BUS_CALL = 1, BUS_RETURN = 2, BUS_ERROR = 3 };

/* Connect, authenticate and say hello. */
struct bus_client *bus_connect(void);

/* Send a call of Echo to `peer`, or the return of the call `serial`, with an array of `size` bytes.
 */
void bus_send(struct bus_client *client, enum bus_type type, uint32_t serial, const char *peer,
	      const char *bytes, uint32_t size);

/* Wait for the next call or return, skipping signals: its serial (of a return, that of the call it
 * answers). `sender` (may be NULL) gets 32 bytes: who sent it. The end of the process, if the bus
 * ends. */
uint32_t bus_next(struct bus_client *client, enum bus_type type, char *sender);
