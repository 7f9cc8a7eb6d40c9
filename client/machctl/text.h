/* SPDX-License-Identifier: Apache-2.0 */
/* Words and numbers for people: see text.c. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Room for what text_count() and text_age() write, which is far shorter. */
#define TEXT_COUNT_SIZE 24
/* A command name as the kernel keeps it has at most 15 bytes. */
#define TEXT_COMMAND_SIZE 64

/* A count in at most five characters: up to 99999 exactly, then 100k, 12M, 3G, cut off. */
const char *text_count(uint64_t value, char text[TEXT_COUNT_SIZE]);

/* A time in at most six characters, such as 15us, 350ms, 1.2s, 12m, 3h or 4d. */
const char *text_age(uint64_t ns, char text[TEXT_COUNT_SIZE]);

/* The command name of a process; false, and `command` is "-", if it is gone. */
bool text_command(int32_t pid, char command[TEXT_COMMAND_SIZE]);

/*
 * A copy of `text` that is safe on a terminal: every byte that is not printable ASCII, and the
 * backslash, as \xNN. free() it.
 */
char *text_escape(const char *text);

/* malloc() that exits with a message when there is no memory. */
void *text_alloc(size_t size);
