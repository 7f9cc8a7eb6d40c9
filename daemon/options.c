/* SPDX-License-Identifier: Apache-2.0 */
/* The command line, by glibc's argp. */
#include "daemon/options.h"

#include <argp.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sysexits.h>

enum {
	OPTION_CHECK_CONFIG = 0x100,
	OPTION_FOREGROUND,
	OPTION_LOG_LEVEL,
	OPTION_READY_FD,
	OPTION_RECORD,
	OPTION_REPLAY,
};

static const struct argp_option rows[] = {
	{"foreground", OPTION_FOREGROUND, NULL, 0,
	 "For a terminal or a test: log to stderr, do not talk to systemd. machd stays in the "
	 "foreground without it too; it never forks.",
	 0},
	{"socket", 's', "PATH", 0,
	 "Listen there. Default: Socket= of the configuration, else $XDG_RUNTIME_DIR/machd.sock, "
	 "or "
	 "/run/machd/machd.sock for root. A socket handed over by systemd comes before all of "
	 "them.",
	 0},
	{"config", 'c', "FILE", 0,
	 "Read this file, which must exist. Default: /etc/machd/machd.conf if there is one.", 0},
	{"check-config", OPTION_CHECK_CONFIG, NULL, 0,
	 "Say whether the configuration is good, and exit.", 0},
	{"log-level", OPTION_LOG_LEVEL, "LEVEL", 0, "error, warning, notice, info or debug.", 0},
	{"ready-fd", OPTION_READY_FD, "N", 0,
	 "Write a newline to this descriptor and close it as soon as clients can connect.", 0},
	{"record", OPTION_RECORD, "FILE", 0,
	 "Write down everything that goes in and out. The file holds what clients sent.", 0},
	{"replay", OPTION_REPLAY, "FILE", 0,
	 "Do again what such a file says and compare; then exit with 0: same, 1: differs, 65: not "
	 "a "
	 "record.",
	 0},
	{0},
};

static void print_version(FILE *stream, struct argp_state *state)
{
	(void)state;
	fprintf(stream, "machd %s\n", MACHD_VERSION);
}

static int parse_fd(const char *text, struct argp_state *state)
{
	char *end;
	long number;

	errno = 0;
	number = strtol(text, &end, 10);
	if (errno || end == text || *end || number < 0 || number > INT_MAX)
		argp_error(state, "--ready-fd=%s: this is not a descriptor", text);
	return (int)number;
}

static void parse_level(struct options *options, const char *text, struct argp_state *state)
{
	if (!log_level_parse(text, &options->log_level))
		argp_error(state, "--log-level=%s: use error, warning, notice, info or debug",
			   text);
	options->has_log_level = true;
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case OPTION_FOREGROUND:
		options->foreground = true;
		return 0;
	case OPTION_CHECK_CONFIG:
		options->check_config = true;
		return 0;
	case 's':
		options->socket = argument;
		return 0;
	case 'c':
		options->config = argument;
		return 0;
	case OPTION_RECORD:
		options->record = argument;
		return 0;
	case OPTION_REPLAY:
		options->replay = argument;
		return 0;
	case OPTION_READY_FD:
		options->ready_fd = parse_fd(argument, state);
		return 0;
	case OPTION_LOG_LEVEL:
		parse_level(options, argument, state);
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "there is no use for \"%s\"", argument);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

void options_parse(struct options *options, int argc, char **argv)
{
	static const struct argp parser = {
		.options = rows,
		.parser = parse_option,
		.doc = "machd hosts Mach ports for the processes of this machine.",
	};

	*options = (struct options){.ready_fd = -1};
	argp_program_version_hook = print_version;
	argp_err_exit_status = EX_USAGE;
	argp_parse(&parser, argc, argv, 0, NULL, options);
}
