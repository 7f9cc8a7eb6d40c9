/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log. Lines for journald go over a socket of our own that never blocks, in its native
 * protocol: a journald that hangs must not hang the daemon with it.
 */
#include "daemon/base/log.h"

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define LINE_SIZE_MAX 1024

static const struct sockaddr_un journal_address = {AF_UNIX, "/run/systemd/journal/socket"};

static enum log_level threshold = LOG_LEVEL_INFO;
static int journal_fd = -1;

static const char *level_name(enum log_level level)
{
	switch (level) {
	case LOG_LEVEL_ERROR:
		return "error";
	case LOG_LEVEL_WARNING:
		return "warning";
	case LOG_LEVEL_NOTICE:
		return "notice";
	case LOG_LEVEL_INFO:
		return "info";
	case LOG_LEVEL_DEBUG:
		return "debug";
	}
	return "log";
}

/* systemd tells the device and inode of the stream that it made our stderr. */
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat st;

	return stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
	       fstat(STDERR_FILENO, &st) == 0 && st.st_dev == device && st.st_ino == inode;
}

void log_start(bool journal)
{
	log_stop();
	if (journal && stderr_is_journal())
		journal_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

void log_stop(void)
{
	if (journal_fd >= 0)
		close(journal_fd);
	journal_fd = -1;
}

void log_set_level(enum log_level level)
{
	threshold = level;
}

bool log_level_parse(const char *name, enum log_level *level)
{
	for (enum log_level l = LOG_LEVEL_ERROR; l <= LOG_LEVEL_DEBUG; l++) {
		if (strcmp(name, level_name(l)) == 0) {
			*level = l;
			return true;
		}
	}
	return false;
}

static void send_to_journal(enum log_level level, const char *text)
{
	char entry[LINE_SIZE_MAX + 64];
	int size = snprintf(entry, sizeof entry,
			    "PRIORITY=%d\nSYSLOG_IDENTIFIER=machd\nMESSAGE=%s\n", (int)level, text);

	sendto(journal_fd, entry, (size_t)size, MSG_NOSIGNAL,
	       (const struct sockaddr *)&journal_address, sizeof journal_address);
}

static void write_to_stderr(enum log_level level, const char *text)
{
	char line[LINE_SIZE_MAX + 64];
	int size = snprintf(line, sizeof line, "machd: %s: %s\n", level_name(level), text);
	struct pollfd ready = {STDERR_FILENO, POLLOUT, 0};

	/* Others share this descriptor, so it stays blocking: ask whether there is room. */
	if (poll(&ready, 1, 0) == 1 && write(STDERR_FILENO, line, (size_t)size) < 0)
		return; /* nobody is left who could be told */
}

void log_line(enum log_level level, const char *format, ...)
{
	char text[LINE_SIZE_MAX];
	va_list arguments;

	if (level > threshold)
		return;
	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	for (char *c = text; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
	if (journal_fd >= 0)
		send_to_journal(level, text);
	else
		write_to_stderr(level, text);
}

bool log_limit_pass(struct log_limit *limit, uint64_t now)
{
	if (threshold == LOG_LEVEL_DEBUG)
		return true;
	if (limit->since == 0 || now - limit->since >= LOG_LIMIT_INTERVAL) {
		if (limit->hidden)
			log_notice("%u lines like the next one were not written", limit->hidden);
		*limit = (struct log_limit){.since = now};
	}
	if (limit->count == LOG_LIMIT_LINES) {
		limit->hidden++;
		return false;
	}
	limit->count++;
	return true;
}
