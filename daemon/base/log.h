/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log: one line per event, to journald when systemd started us, else to stderr. Writing a line
 * never blocks and never fails for the caller: a line that cannot be written is lost.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* The numbers are syslog's, as journald's PRIORITY field wants them. */
enum log_level {
	LOG_LEVEL_ERROR = 3,
	LOG_LEVEL_WARNING = 4,
	LOG_LEVEL_NOTICE = 5,
	LOG_LEVEL_INFO = 6,
	LOG_LEVEL_DEBUG = 7,
};

/*
 * Choose where lines go: with `journal` to journald if stderr is its stream, else to stderr.
 * Before the first call they go to stderr.
 */
void log_start(bool journal);

/* Give the descriptor of the journal back; lines go to stderr again. */
void log_stop(void);

/* Lines above this level are not written; LOG_LEVEL_INFO before the first call. */
void log_set_level(enum log_level level);

/* The level called `name` ("error" ... "debug") into `level`; false if there is none. */
bool log_level_parse(const char *name, enum log_level *level);

/* Write one line. Newlines and other control characters in it become '?'. */
void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...)	 log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_notice(...)	 log_line(LOG_LEVEL_NOTICE, __VA_ARGS__)
#define log_info(...)	 log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)	 log_line(LOG_LEVEL_DEBUG, __VA_ARGS__)

/* Guards lines that a client can cause as often as it likes. Zeroed is a fresh one. */
struct log_limit {
	uint64_t since; /* ns: when the current interval began */
	uint32_t count; /* lines let through in it */
	uint32_t hidden;
};

#define LOG_LIMIT_LINES	   50
#define LOG_LIMIT_INTERVAL 10000000000ULL /* ns */

/*
 * May a line be written at `now` (ns)? At most LOG_LIMIT_LINES in LOG_LIMIT_INTERVAL may; the first
 * one afterwards is preceded by a line that says how many were hidden. At LOG_LEVEL_DEBUG all may.
 */
bool log_limit_pass(struct log_limit *limit, uint64_t now);
