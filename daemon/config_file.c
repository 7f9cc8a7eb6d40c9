/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading lines for libinih, which splits them into sections, keys and values. It counts no lines
 * for its caller, cuts long ones in two and takes an indented line for more of the value above it.
 * So it gets its lines through next_line() here, which counts them, refuses long ones and takes the
 * indentation off; and sections are told of here, as libinih knows only those that have keys.
 */
#include "daemon/config_file.h"

#include <errno.h>
#include <ini.h>
#include <stdarg.h>
#include <string.h>

#define BYTE_ORDER_MARK "\xef\xbb\xbf" /* as some editors begin a file */
#define BLANKS		" \t\r\v\f"
#define SECTION_SIZE	32 /* longer names are none of ours, and are cut in what is said of them */

int config_fail(struct config_file *file, const char *format, ...)
{
	va_list arguments;
	int used;

	if (*file->error)
		return 0;
	file->error_line = file->line;
	used = snprintf(file->error, CONFIG_ERROR_SIZE, "%s:%d: ", file->path, file->line);
	if (used < 0 || used >= CONFIG_ERROR_SIZE)
		return 0;
	va_start(arguments, format);
	vsnprintf(file->error + used, (size_t)(CONFIG_ERROR_SIZE - used), format, arguments);
	va_end(arguments);
	return 0;
}

size_t config_list_key(char known[CONFIG_ERROR_SIZE], size_t used, const char *key)
{
	if (used < CONFIG_ERROR_SIZE)
		used += (size_t)snprintf(known + used, CONFIG_ERROR_SIZE - used,
					 "%s %s=", used ? "," : "", key);
	return used;
}

/* libinih's handler: 0 is an error. */
static int on_key(void *context, const char *section, const char *key, const char *value)
{
	struct config_file *file = context;

	return *file->error ? 0 : file->on_key(file, section, key, value);
}

static void begin_section(struct config_file *file, const char *line)
{
	size_t length = strcspn(line, "]");
	char section[SECTION_SIZE];
	const char *rest;

	if (line[length] == '\0') {
		config_fail(file, "the ] behind the name of the section is missing");
		return;
	}
	rest = line + length + 1;
	rest += strspn(rest, " \t\r\n");
	snprintf(section, sizeof section, "%.*s", (int)(length - 1), line + 1);
	if (*rest != '\0' && *rest != '#' && *rest != ';')
		config_fail(file, "there is text behind the section: put it on a line of its own");
	else
		file->on_section(file, section);
}

/* Read one line as fgets() does, but all of it: the end of one that is too long is thrown away. */
static bool read_whole_line(struct config_file *file, char *line, int size)
{
	size_t length = 0;
	int c = getc(file->stream);

	if (c == EOF)
		return false;
	file->line++;
	for (; c != EOF && c != '\n'; c = getc(file->stream)) {
		if (c == '\0')
			config_fail(file, "there is a zero byte in this line");
		if (length == (size_t)size - 2)
			config_fail(file, "this line is longer than %d bytes", size - 2);
		else
			line[length++] = (char)c;
	}
	line[length] = '\0';
	return true;
}

static bool starts_with_mark(const char *text)
{
	return strncmp(text, BYTE_ORDER_MARK, strlen(BYTE_ORDER_MARK)) == 0;
}

/* libinih's reader. */
static char *next_line(char *line, int size, void *context)
{
	struct config_file *file = context;
	size_t indent;

	if (*file->error || !read_whole_line(file, line, size))
		return NULL;
	/* All that libinih takes off, or it would know of a section that was not told of here. */
	indent = strspn(line, BLANKS);
	while (file->line == 1 && starts_with_mark(line + indent)) {
		indent += strlen(BYTE_ORDER_MARK);
		indent += strspn(line + indent, BLANKS);
	}
	memmove(line, line + indent, strlen(line + indent) + 1);
	if (*line == '[')
		begin_section(file, line);
	return line;
}

static bool read_from(struct config_file *file)
{
	int line = ini_parse_stream(next_line, file, on_key, file);

	if (ferror(file->stream)) {
		snprintf(file->error, CONFIG_ERROR_SIZE, "%s: cannot be read: %s", file->path,
			 strerror(errno));
		return false;
	}
	if (line > 0 && (!*file->error || line < file->error_line)) {
		*file->error = '\0';
		file->line = line;
		config_fail(file, "this is neither a [section] nor Key=value");
	}
	return *file->error == '\0';
}

bool config_file_read(struct config_file *file)
{
	bool done;

	*file->error = '\0';
	file->line = file->error_line = 0;
	file->stream = fopen(file->path, "re");
	if (!file->stream) {
		snprintf(file->error, CONFIG_ERROR_SIZE, "%s: cannot be read: %s", file->path,
			 strerror(errno));
		return false;
	}
	done = read_from(file);
	fclose(file->stream);
	return done;
}
