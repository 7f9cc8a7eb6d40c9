/* SPDX-License-Identifier: Apache-2.0 */
/* Writing trace records to files, and reading them; a file may come from anybody. */
#include "client/machctl/trace_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client/machctl/machctl.h"
#include "client/machctl/text.h"

/* No record of a later version is larger. */
#define RECORD_MOST 4096

struct trace_file {
	FILE *stream;
	const char *path;
	uint32_t record_size;
};

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static struct trace_file *open_stream(const char *path, const char *mode)
{
	struct trace_file *file = text_alloc(sizeof *file);

	file->path = path;
	file->record_size = sizeof(struct machd_watch_message);
	file->stream = fopen(path, mode);
	if (!file->stream)
		fail(EXIT_ERROR, "cannot open %s: %s", path, strerror(errno));
	return file;
}

static void put(struct trace_file *file, const void *bytes, size_t size)
{
	if (fwrite(bytes, size, 1, file->stream) != 1)
		fail(EXIT_ERROR, "cannot write to %s: %s", file->path, strerror(errno));
}

struct trace_file *trace_file_create(const char *path)
{
	struct trace_file *file = open_stream(path, "we");
	struct trace_file_header header = {
		.magic = TRACE_FILE_MAGIC,
		.version = TRACE_FILE_VERSION,
		.order = TRACE_FILE_ORDER,
		.header_size = sizeof header,
		.record_size = file->record_size,
		.calendar = clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_MONOTONIC),
	};

	put(file, &header, sizeof header);
	trace_file_flush(file);
	return file;
}

struct trace_file *trace_file_open(const char *path)
{
	struct trace_file *file = open_stream(path, "re");
	struct trace_file_header header;

	if (fread(&header, sizeof header, 1, file->stream) != 1 ||
	    memcmp(header.magic, TRACE_FILE_MAGIC, sizeof header.magic) != 0)
		fail(EXIT_ERROR, "%s is no file that `machctl trace -w` has written", path);
	if (header.order != TRACE_FILE_ORDER)
		fail(EXIT_ERROR, "%s comes from a machine with another byte order", path);
	if (header.version != TRACE_FILE_VERSION)
		fail(EXIT_ERROR, "%s has version %u, this machctl reads version %u", path,
		     header.version, TRACE_FILE_VERSION);
	if (header.header_size < sizeof header || header.header_size > RECORD_MOST ||
	    header.record_size < file->record_size || header.record_size > RECORD_MOST ||
	    fseek(file->stream, (long)header.header_size, SEEK_SET) < 0)
		fail(EXIT_ERROR, "the header of %s is damaged", path);
	file->record_size = header.record_size;
	return file;
}

void trace_file_add(struct trace_file *file, const struct machd_watch_message *message)
{
	put(file, message, sizeof *message);
}

void trace_file_flush(struct trace_file *file)
{
	if (fflush(file->stream))
		fail(EXIT_ERROR, "cannot write to %s: %s", file->path, strerror(errno));
}

bool trace_file_next(struct trace_file *file, struct machd_watch_message *message)
{
	uint8_t record[RECORD_MOST];
	size_t got = fread(record, 1, file->record_size, file->stream);

	if (ferror(file->stream))
		fail(EXIT_ERROR, "cannot read %s: %s", file->path, strerror(errno));
	if (got == 0)
		return false;
	if (got < file->record_size)
		fail(EXIT_ERROR, "%s ends in the middle of a record", file->path);
	memcpy(message, record, sizeof *message);
	return true;
}

void trace_file_close(struct trace_file *file)
{
	if (!file)
		return;
	if (fclose(file->stream))
		fail(EXIT_ERROR, "cannot write to %s: %s", file->path, strerror(errno));
	free(file);
}
