/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Words and numbers that machctl shows to people. Names come from other processes, which may have
 * put anything into them.
 */
#include "client/machctl/text.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/machctl/machctl.h"

const char *text_count(uint64_t value, char text[TEXT_COUNT_SIZE])
{
	static const char units[] = {0, 'k', 'M', 'G', 'T', 'P', 'E'};
	unsigned unit = 0;
	int length;

	while (value > (unit == 0 ? 99999 : 9999)) {
		value /= 1000;
		unit++;
	}
	length = snprintf(text, TEXT_COUNT_SIZE, "%u", (unsigned)value);
	text[length] = units[unit];
	text[length + 1] = 0;
	return text;
}

const char *text_age(uint64_t ns, char text[TEXT_COUNT_SIZE])
{
	uint64_t seconds = ns / 1000000000, days = seconds / 86400;

	if (ns < 1000000)
		snprintf(text, TEXT_COUNT_SIZE, "%uus", (unsigned)(ns / 1000));
	else if (ns < 1000000000)
		snprintf(text, TEXT_COUNT_SIZE, "%ums", (unsigned)(ns / 1000000));
	else if (seconds < 100)
		snprintf(text, TEXT_COUNT_SIZE, "%u.%us", (unsigned)seconds,
			 (unsigned)(ns / 100000000 % 10));
	else if (seconds < 100 * 60)
		snprintf(text, TEXT_COUNT_SIZE, "%um", (unsigned)(seconds / 60));
	else if (days < 4)
		snprintf(text, TEXT_COUNT_SIZE, "%uh", (unsigned)(seconds / 3600));
	else
		snprintf(text, TEXT_COUNT_SIZE, "%ud", (unsigned)(days < 99999 ? days : 99999));
	return text;
}

bool text_command(int32_t pid, char command[TEXT_COMMAND_SIZE])
{
	char path[32];
	ssize_t got;
	int fd;

	strcpy(command, "-");
	snprintf(path, sizeof path, "/proc/%d/comm", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	got = read(fd, command, TEXT_COMMAND_SIZE - 1);
	close(fd);
	if (got <= 0) {
		strcpy(command, "-");
		return false;
	}
	command[got] = 0;
	if (command[got - 1] == '\n')
		command[got - 1] = 0;
	return true;
}

char *text_escape(const char *text)
{
	char *copy = text_alloc(strlen(text) * 4 + 1), *end = copy;

	for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
		if (*c >= ' ' && *c < 0x7f && *c != '\\')
			*end++ = (char)*c;
		else
			end += sprintf(end, "\\x%02x", *c);
	}
	*end = 0;
	return copy;
}

void *text_alloc(size_t size)
{
	void *memory = malloc(size);

	if (!memory)
		fail(EXIT_ERROR, "out of memory");
	return memory;
}
