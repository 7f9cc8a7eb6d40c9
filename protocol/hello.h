/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hello and welcome: the first frame in each direction, a msgpack map behind the frame header.
 * Unknown keys are skipped, so that a later version can add some; a missing or repeated key, a
 * wrong type or anything behind the map makes the whole hello bad.
 *
 *   hello    {"machd": [oldest, newest version], "word": 32 or 64, "role": "task" or "watch",
 *             "pidns": inode of the pid namespace, "token": 16 bytes, "parent": 16 bytes}
 *             token: that of the task to join; parent: that of the task whose process forked this
 *             one, from whom a new task inherits
 *   welcome  {"machd": version, "task": id, "token": 16 bytes, "self": name, "host": name,
 *             "bootstrap": name, "inline": bytes of a message that go in a frame,
 *             "thread": number of this connection among those of the daemon}
 *   or       {"machd": 0, "error": "text"}                                a refusal
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MACHD_TOKEN_SIZE 16

enum machd_role {
	MACHD_ROLE_TASK = 1, /* a thread of a Mach task */
	MACHD_ROLE_WATCH,    /* machctl: no task, only MACHD_OP_WATCH */
};

struct machd_hello {
	uint32_t version_oldest, version_newest;
	uint32_t word; /* bits of a pointer: 32 or 64 */
	uint32_t role; /* enum machd_role */
	uint64_t pid_namespace;
	bool joins; /* token is that of the task to join */
	uint8_t token[MACHD_TOKEN_SIZE];
	bool inherits; /* parent is that of the task to inherit from */
	uint8_t parent[MACHD_TOKEN_SIZE];
};

struct machd_welcome {
	uint32_t version; /* 0: refused, error says why */
	uint32_t inline_max;
	uint64_t task, thread;
	uint32_t self, host, bootstrap; /* names in the task's space; 0 for a watcher */
	uint8_t token[MACHD_TOKEN_SIZE];
	char error[128];
};

/* Bytes that any hello or welcome of this version fits in. */
#define MACHD_HELLO_SIZE_MAX 512

/* Write the msgpack map into `buffer`; returns its length, 0 if it does not fit. */
size_t machd_hello_pack(const struct machd_hello *hello, void *buffer, size_t size);
size_t machd_welcome_pack(const struct machd_welcome *welcome, void *buffer, size_t size);

/* Read a map. NULL if it is good, else a phrase that says what is wrong with it. */
const char *machd_hello_unpack(const void *bytes, size_t size, struct machd_hello *hello);
const char *machd_welcome_unpack(const void *bytes, size_t size, struct machd_welcome *welcome);
