/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the real machctl and reads what it wrote. */
#include "tests/flow/machctl_run.h"

#include <ctype.h>
#include <fcntl.h>
#include <pty.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "tests/flow/flow.h"

#define ARGUMENTS 16

static char *content(int fd)
{
	off_t size = lseek(fd, 0, SEEK_END);
	char *text = calloc(1, (size_t)size + 1);

	CHECK(text && size >= 0 && pread(fd, text, (size_t)size, 0) == size);
	close(fd);
	return text;
}

/* The program; opened once, so that a process with fewer rights can run it, too. */
static int program(void)
{
	static int fd = -1;
	const char *path = getenv("MACHCTL_BINARY");

	if (fd < 0 && path)
		fd = open(path, O_PATH | O_CLOEXEC);
	return fd;
}

static void run(struct machctl *run, int target, char **arguments)
{
	int out = memfd_create("out", MFD_CLOEXEC), err = memfd_create("err", MFD_CLOEXEC);
	int status, binary = program();
	pid_t pid;

	CHECK(binary >= 0 && out >= 0 && err >= 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		dup2(target >= 0 ? target : out, STDOUT_FILENO);
		dup2(err, STDERR_FILENO);
		fexecve(binary, arguments, environ);
		_exit(127);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	run->status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	run->out = content(out);
	run->err = content(err);
}

static void collect(char **arguments, const char *first, va_list more)
{
	unsigned count = 0;

	arguments[count++] = (char *)(uintptr_t) "machctl";
	for (const char *argument = first; argument; argument = va_arg(more, const char *)) {
		CHECK(count < ARGUMENTS - 1);
		arguments[count++] = (char *)(uintptr_t)argument;
	}
	arguments[count] = NULL;
}

void machctl_run(struct machctl *result, const char *first, ...)
{
	char *arguments[ARGUMENTS];
	va_list more;

	va_start(more, first);
	collect(arguments, first, more);
	va_end(more);
	run(result, -1, arguments);
}

void machctl_run_into(struct machctl *result, int target, const char *first, ...)
{
	char *arguments[ARGUMENTS];
	va_list more;

	va_start(more, first);
	collect(arguments, first, more);
	va_end(more);
	run(result, target, arguments);
}

void machctl_free(struct machctl *result)
{
	free(result->out);
	free(result->err);
}

char *machctl_on_terminal(const char *command, unsigned short columns)
{
	enum { ROOM = 1 << 20 };
	struct winsize size = {.ws_row = 24, .ws_col = columns};
	struct termios raw = {0};
	struct machctl result;
	int master, slave, output = memfd_create("out", MFD_CLOEXEC);
	char block[4096];
	ssize_t got;
	pid_t reader;

	cfmakeraw(&raw);
	CHECK(openpty(&master, &slave, NULL, &raw, &size) == 0 && output >= 0);
	/* Somebody has to read: a terminal takes only so much. */
	reader = fork();
	CHECK(reader >= 0);
	if (reader == 0) {
		close(slave);
		while ((got = read(master, block, sizeof block)) > 0)
			CHECK(write(output, block, (size_t)got) == got);
		_exit(0);
	}
	machctl_run_into(&result, slave, command, NULL);
	CHECK_EQ(result.status, 0);
	machctl_free(&result);
	close(slave);
	close(master);
	CHECK(waitpid(reader, NULL, 0) == reader);
	return content(output);
}

char *machctl_line(const char *output, const char *text)
{
	const char *found = strstr(output, text), *start = found;

	if (!found)
		return NULL;
	while (start > output && start[-1] != '\n')
		start--;
	return strndup(start, strcspn(start, "\n"));
}

uint64_t json_number_in(const char *line, const char *key)
{
	char member[64];
	const char *found;

	snprintf(member, sizeof member, "\"%s\": ", key);
	found = strstr(line, member);
	CHECK(found && isdigit((unsigned char)found[strlen(member)]));
	return strtoull(found + strlen(member), NULL, 10);
}

/*
 * A reader of JSON that only says whether it is right: each part returns what follows, or NULL. It
 * looks at each byte once, and not at all whether strings are UTF-8. No functions of string.h here:
 * under a sanitizer each call of them reads the text to its end.
 */
static const char *json_value(const char *at, unsigned depth);

static const char *skip_blanks(const char *at)
{
	while (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t')
		at++;
	return at;
}

static const char *json_word(const char *at, const char *word)
{
	while (*word)
		if (*at++ != *word++)
			return NULL;
	return at;
}

/* What follows a backslash. */
static const char *json_escape(const char *at)
{
	if (*at == 'u') {
		for (unsigned i = 1; i <= 4; i++)
			if (!isxdigit((unsigned char)at[i]))
				return NULL;
		return at + 5;
	}
	return *at && strchr("\"\\/bfnrt", *at) ? at + 1 : NULL;
}

static const char *json_string(const char *at)
{
	if (*at++ != '"')
		return NULL;
	while (at && *at != '"') {
		if ((unsigned char)*at < ' ')
			return NULL;
		at = *at == '\\' ? json_escape(at + 1) : at + 1;
	}
	return at ? at + 1 : NULL;
}

/* Whole numbers: machctl writes no others. */
static const char *json_number(const char *at)
{
	const char *digits = *at == '-' ? at + 1 : at, *end = digits;

	while (isdigit((unsigned char)*end))
		end++;
	return end == digits || (end > digits + 1 && *digits == '0') ? NULL : end;
}

static const char *json_member(const char *at, unsigned depth)
{
	at = json_string(at);
	if (!at)
		return NULL;
	at = skip_blanks(at);
	return *at == ':' ? json_value(skip_blanks(at + 1), depth) : NULL;
}

/* An array or an object, from its opening bracket on. */
static const char *json_nest(const char *at, unsigned depth)
{
	bool object = *at == '{';
	char end = object ? '}' : ']';

	at = skip_blanks(at + 1);
	if (*at == end)
		return at + 1;
	for (;;) {
		at = object ? json_member(at, depth + 1) : json_value(at, depth + 1);
		if (!at)
			return NULL;
		at = skip_blanks(at);
		if (*at == end)
			return at + 1;
		if (*at != ',')
			return NULL;
		at = skip_blanks(at + 1);
	}
}

static const char *json_value(const char *at, unsigned depth)
{
	if (depth > 16)
		return NULL;
	switch (*at) {
	case '{':
	case '[':
		return json_nest(at, depth);
	case '"':
		return json_string(at);
	case 't':
		return json_word(at, "true");
	case 'f':
		return json_word(at, "false");
	case 'n':
		return json_word(at, "null");
	}
	return json_number(at);
}

bool json_valid(const char *text)
{
	const char *end = json_value(skip_blanks(text), 0);

	return end && *skip_blanks(end) == 0;
}
