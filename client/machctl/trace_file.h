/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of trace records: `trace -w` writes them, `trace -r` reads them, machd-protocol(7)
 * describes them. A header, then records as they came from the daemon, in the byte order of the
 * machine.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "protocol/watch.h"

#define TRACE_FILE_MAGIC   "machdtrc"
#define TRACE_FILE_VERSION 1
#define TRACE_FILE_ORDER   0x01020304u

struct trace_file_header {
	char magic[8];
	uint32_t version;
	uint32_t order;	      /* TRACE_FILE_ORDER, else it is of another kind of machine */
	uint32_t header_size; /* the records begin there */
	uint32_t
		record_size; /* of each; what is behind those that we know belongs to a later one */
	uint64_t calendar;   /* ns to add to the time of a record: the time of day */
};

struct trace_file;

/* A new file, or one to read. They exit with a message if it cannot be had or is none. */
struct trace_file *trace_file_create(const char *path);
struct trace_file *trace_file_open(const char *path);

/* Add a record; it is in the file after trace_file_flush(). Both exit with a message on failure. */
void trace_file_add(struct trace_file *file, const struct machd_watch_message *message);
void trace_file_flush(struct trace_file *file);

/* The next record; false: that was all. Exits with a message if the file ends within one. */
bool trace_file_next(struct trace_file *file, struct machd_watch_message *message);

void trace_file_close(struct trace_file *file);
