/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading machd.conf with libinih, which splits lines into sections, keys and values. It counts no
 * lines for its caller, cuts long ones in two and takes an indented line for more of the value
 * above it. So it gets its lines through next_line() here, which counts them, refuses long ones and
 * takes the indentation off.
 */
#include "daemon/config.h"

#include <ctype.h>
#include <errno.h>
#include <ini.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/config_policy.h"

#define MAIN_KEYS	      7
#define IMPORTANCE_NICE_LEAST (-20)
#define LIMIT_KEYS	      (sizeof(struct machd_limits) / sizeof(uint64_t))

struct reader {
	FILE *file;
	const char *path;
	int line;
	char *error; /* of CONFIG_ERROR_SIZE, "" as long as all is well */
	int error_line;
	struct config *config;
	int set_in[MAIN_KEYS + LIMIT_KEYS]; /* the line that set a key; 0: none */
};

/* Only the first thing wrong is told. Returns what an inih handler returns then. */
__attribute__((format(printf, 2, 3))) static int fail(struct reader *reader, const char *format,
						      ...)
{
	va_list arguments;
	int used;

	if (*reader->error)
		return 0;
	reader->error_line = reader->line;
	used = snprintf(reader->error, CONFIG_ERROR_SIZE, "%s:%d: ", reader->path, reader->line);
	if (used < 0 || used >= CONFIG_ERROR_SIZE)
		return 0;
	va_start(arguments, format);
	vsnprintf(reader->error + used, (size_t)(CONFIG_ERROR_SIZE - used), format, arguments);
	va_end(arguments);
	return 0;
}

/* Values. */

static int set_socket(struct reader *reader, const char *value)
{
	size_t most = sizeof reader->config->socket - 1;

	if (*value != '/')
		return fail(reader, "Socket=%s is not an absolute path", value);
	if (strlen(value) > most)
		return fail(reader, "Socket=%s is too long: a socket's path has at most %zu bytes",
			    value, most);
	strcpy(reader->config->socket, value);
	return 1;
}

static int set_log_level(struct reader *reader, const char *value)
{
	if (log_level_parse(value, &reader->config->log_level))
		return 1;
	return fail(reader, "LogLevel=%s is not a level: use error, warning, notice, info or debug",
		    value);
}

static int set_on_bad_signature(struct reader *reader, const char *value)
{
	reader->config->discard_bad_signature = strcmp(value, "discard") == 0;
	if (reader->config->discard_bad_signature || strcmp(value, "abort") == 0)
		return 1;
	return fail(reader, "OnBadSignature=%s is not a choice: use abort or discard", value);
}

static int set_importance_nice(struct reader *reader, const char *value)
{
	char *end;
	long nice = strtol(value, &end, 10);

	if (*value == '\0' || *end != '\0' || nice > 0 || nice < IMPORTANCE_NICE_LEAST)
		return fail(reader, "ImportanceNice=%s is no number from %d to 0", value,
			    IMPORTANCE_NICE_LEAST);
	reader->config->importance_nice = (int)nice;
	return 1;
}

static int set_uids(struct reader *reader, const char *key, const char *value,
		    struct ipc_uids *uids)
{
	if (policy_parse_uids(value, uids))
		return 1;
	return fail(reader, "%s=%s is not a choice: use all, none or up to %d uids", key, value,
		    IPC_POLICY_UIDS);
}

static int set_hardened(struct reader *reader, const char *value)
{
	return set_uids(reader, "Hardened", value, &reader->config->policy.p_hardened);
}

static int set_filtered(struct reader *reader, const char *value)
{
	return set_uids(reader, "Filtered", value, &reader->config->policy.p_filtered);
}

static int set_enforce_strict_reply(struct reader *reader, const char *value)
{
	reader->config->policy.p_strict_reply = strcmp(value, "yes") == 0;
	if (reader->config->policy.p_strict_reply || strcmp(value, "no") == 0)
		return 1;
	return fail(reader, "EnforceStrictReply=%s is not a choice: use yes or no", value);
}

/* The keys of [machd], then those of [policy]. */
static const struct main_key {
	const char *section, *key;
	int (*set)(struct reader *reader, const char *value);
} main_keys[MAIN_KEYS] = {
	{"machd", "Socket", set_socket},
	{"machd", "LogLevel", set_log_level},
	{"machd", "OnBadSignature", set_on_bad_signature},
	{"machd", "ImportanceNice", set_importance_nice},
	{"policy", "Hardened", set_hardened},
	{"policy", "EnforceStrictReply", set_enforce_strict_reply},
	{"policy", "Filtered", set_filtered},
};

/* Digits and perhaps a K, M or G, which multiply by 1024 and its powers. */
static bool parse_number(const char *text, uint64_t *number)
{
	static const char suffixes[] = "KMG";
	const char *suffix;
	char *end;

	if (!isdigit((unsigned char)*text))
		return false;
	errno = 0;
	*number = strtoull(text, &end, 10);
	if (errno == ERANGE)
		*number = UINT64_MAX;
	if (*end == '\0')
		return true;
	suffix = strchr(suffixes, *end);
	if (!suffix || end[1] != '\0')
		return false;
	for (; suffix >= suffixes; suffix--)
		*number = *number > UINT64_MAX / 1024 ? UINT64_MAX : *number * 1024;
	return true;
}

static int set_limit(struct reader *reader, const struct machd_limit_row *row, const char *value)
{
	uint64_t number;

	if (!parse_number(value, &number))
		return fail(reader, "%s=%s is not a number: use %llu to %llu, K, M or G may follow",
			    row->key, value, (unsigned long long)row->least,
			    (unsigned long long)row->most);
	if (number < row->least || number > row->most)
		return fail(reader, "%s=%s is out of range: use %llu to %llu", row->key, value,
			    (unsigned long long)row->least, (unsigned long long)row->most);
	*machd_limit_field(&reader->config->limits, row) = number;
	return 1;
}

/* Keys. */

/* A key may be set once: `slot` says which one it is. */
static bool first_time(struct reader *reader, unsigned slot, const char *key)
{
	if (reader->set_in[slot])
		return fail(reader, "%s= was set in line %d already: remove one of them", key,
			    reader->set_in[slot]);
	reader->set_in[slot] = reader->line;
	return true;
}

/* Add a key to a list of those that a section has. */
static size_t list_key(char *known, size_t used, const char *key)
{
	if (used < CONFIG_ERROR_SIZE)
		used += (size_t)snprintf(known + used, CONFIG_ERROR_SIZE - used,
					 "%s %s=", used ? "," : "", key);
	return used;
}

static int unknown_key(struct reader *reader, const char *section, const char *key)
{
	char known[CONFIG_ERROR_SIZE] = "";
	size_t used = 0;

	for (unsigned i = 0; i < MAIN_KEYS; i++)
		if (strcmp(section, main_keys[i].section) == 0)
			used = list_key(known, used, main_keys[i].key);
	for (unsigned i = 0; i < machd_limit_row_count && strcmp(section, "limits") == 0; i++)
		used = list_key(known, used, machd_limit_rows[i].key);
	return fail(reader, "unknown key %s= in [%s]: it has%s", key, section, known);
}

static int set_main_key(struct reader *reader, const char *section, const char *key,
			const char *value)
{
	for (unsigned i = 0; i < MAIN_KEYS; i++)
		if (strcmp(section, main_keys[i].section) == 0 &&
		    strcmp(key, main_keys[i].key) == 0)
			return first_time(reader, i, key) && main_keys[i].set(reader, value);
	return unknown_key(reader, section, key);
}

static int set_limit_key(struct reader *reader, const char *key, const char *value)
{
	for (unsigned i = 0; i < machd_limit_row_count; i++)
		if (strcmp(key, machd_limit_rows[i].key) == 0)
			return first_time(reader, MAIN_KEYS + i, key) &&
			       set_limit(reader, &machd_limit_rows[i], value);
	return unknown_key(reader, "limits", key);
}

/* Here the keys are names of services. */
static int set_filter(struct reader *reader, const char *service, const char *value)
{
	const char *wrong = policy_parse_filter(service, value, &reader->config->policy);

	return wrong ? fail(reader, "%s=%s in [filter]: %s", service, value, wrong) : 1;
}

/* libinih's handler: 0 is an error. */
static int on_key(void *context, const char *section, const char *key, const char *value)
{
	struct reader *reader = context;

	if (*reader->error)
		return 0;
	if (strcmp(section, "limits") == 0)
		return set_limit_key(reader, key, value);
	if (strcmp(section, "filter") == 0)
		return set_filter(reader, key, value);
	if (*section != '\0')
		return set_main_key(reader, section, key, value);
	return fail(reader,
		    "%s= is in no section: put it below [machd], [policy], [filter] or [limits]",
		    key);
}

/* Lines. */

/* libinih tells of sections only when they have keys, and cuts their names. */
static void check_section(struct reader *reader, const char *line)
{
	size_t length = strcspn(line, "]");
	const char *rest;

	if (line[length] == '\0') {
		fail(reader, "the ] behind the name of the section is missing");
		return;
	}
	rest = line + length + 1;
	rest += strspn(rest, " \t\r\n");
	if (*rest != '\0' && *rest != '#' && *rest != ';')
		fail(reader, "there is text behind the section: put it on a line of its own");
	else if (strncmp(line, "[machd]", length + 1) != 0 &&
		 strncmp(line, "[policy]", length + 1) != 0 &&
		 strncmp(line, "[filter]", length + 1) != 0 &&
		 strncmp(line, "[limits]", length + 1) != 0)
		fail(reader,
		     "unknown section %.*s]: there are [machd], [policy], [filter] and [limits]",
		     (int)length, line);
}

/* Read one line as fgets() does, but all of it: the end of one that is too long is thrown away. */
static bool read_whole_line(struct reader *reader, char *line, int size)
{
	size_t length = 0;
	int c = getc(reader->file);

	if (c == EOF)
		return false;
	reader->line++;
	for (; c != EOF && c != '\n'; c = getc(reader->file)) {
		if (c == '\0')
			fail(reader, "there is a zero byte in this line");
		if (length == (size_t)size - 2)
			fail(reader, "this line is longer than %d bytes", size - 2);
		else
			line[length++] = (char)c;
	}
	line[length] = '\0';
	return true;
}

/* libinih's reader. */
static char *next_line(char *line, int size, void *context)
{
	struct reader *reader = context;
	size_t indent;

	if (*reader->error || !read_whole_line(reader, line, size))
		return NULL;
	indent = strspn(line, " \t");
	memmove(line, line + indent, strlen(line + indent) + 1);
	if (*line == '[')
		check_section(reader, line);
	return line;
}

static bool read_from(struct reader *reader)
{
	int line = ini_parse_stream(next_line, reader, on_key, reader);

	if (ferror(reader->file)) {
		snprintf(reader->error, CONFIG_ERROR_SIZE, "%s: cannot be read: %s", reader->path,
			 strerror(errno));
		return false;
	}
	if (line > 0 && (!*reader->error || line < reader->error_line)) {
		*reader->error = '\0';
		reader->line = line;
		fail(reader, "this is neither a [section] nor Key=value");
	}
	return *reader->error == '\0';
}

void config_init(struct config *config)
{
	*config = (struct config){.log_level = LOG_LEVEL_INFO};
	machd_limits_init(&config->limits);
}

bool config_read(struct config *config, const char *path, char error[CONFIG_ERROR_SIZE])
{
	struct reader reader = {.path = path, .error = error, .config = config};
	bool done;

	*error = '\0';
	reader.file = fopen(path, "re");
	if (!reader.file) {
		snprintf(error, CONFIG_ERROR_SIZE, "%s: cannot be read: %s", path, strerror(errno));
		return false;
	}
	done = read_from(&reader);
	fclose(reader.file);
	return done;
}
