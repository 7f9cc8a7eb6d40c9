/* SPDX-License-Identifier: Apache-2.0 */
/* What ports are and what rights to them are called: see port_words.c. */
#pragma once

#include <stdint.h>

#include "client/machctl/json.h"

/* The kind of a port, enum machd_watch_kind, in a word. */
const char *port_kind(uint32_t kind);

/* The rights under a name, MACH_PORT_TYPE_ bits, in short words with commas between; "-": none. */
#define PORT_RIGHTS_SIZE 40
const char *port_rights(uint32_t type, char text[PORT_RIGHTS_SIZE]);

/* The same in whole words, as an array. */
void port_rights_json(struct json *json, const char *key, uint32_t type);

/* A naked right, MACH_MSG_TYPE_PORT_. */
const char *port_right(uint32_t type);

/* What a port is besides its kind, enum machd_watch_flags: words with commas between, or "-". */
#define PORT_FLAGS_SIZE 240
const char *port_flags(uint32_t flags, char text[PORT_FLAGS_SIZE]);

/* The same as members of an object, each true or false. */
void port_flags_json(struct json *json, uint32_t flags);
