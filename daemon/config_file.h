/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of sections and Key=value lines, as machd.conf and those of services.d are: what both have
 * in common. config.c and services.c say which sections and keys there are.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define CONFIG_ERROR_SIZE 512

struct config_file {
	const char *path;
	void *context; /* for the two below */
	/* A section begins. 0: an error, as told by config_fail(). */
	int (*on_section)(struct config_file *file, const char *section);
	/* A key in it, "" before the first. The same. */
	int (*on_key)(struct config_file *file, const char *section, const char *key,
		      const char *value);
	char *error; /* of CONFIG_ERROR_SIZE, "" as long as all is well */

	FILE *stream; /* from here on: config_file_read()'s own */
	int line;     /* being read, from 1 on */
	int error_line;
};

/*
 * Read the file. `path`, `error` and the callbacks are set by the caller. false: `error` says what
 * is wrong and where ("FILE:LINE: ...").
 */
bool config_file_read(struct config_file *file);

/* Something is wrong with this line; only the first thing wrong is told. Returns 0. */
__attribute__((format(printf, 2, 3))) int config_fail(struct config_file *file, const char *format,
						      ...);

/* Add a key to a text that lists those a section has: " A=, B=". Returns its new length. */
size_t config_list_key(char known[CONFIG_ERROR_SIZE], size_t used, const char *key);
