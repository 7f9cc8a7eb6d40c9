/* SPDX-License-Identifier: Apache-2.0 */
/* machctl's command line: finds the command, reads the options, and explains both. */
#include <argp.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/machctl/commands.h"
#include "client/machctl/machctl.h"
#include "client/machctl/screen.h"

static const char help[] =
	"Look into a running machd: its tasks, their ports, the service names.\v"
	"Commands (`machctl COMMAND --help` explains columns and JSON keys):\n"
	"  ps           tasks, one a process   port PORT    who has rights to a port\n"
	"  ports [PID]  names and their ports  queues [PID] ports with messages\n"
	"  names        service names          why PID      who waits for whom\n"
	"  limits       limits and their use   graph [PID]  all this for Graphviz\n"
	"  policy explain PID NAME             what a process may do with a name\n"
	"  metrics      numbers, OpenMetrics   leaks        whose names grow in number\n"
	"  top          who is busy, live      trace [PID]  messages as they are sent\n\n"
	"The socket: --socket, else MACHD_SOCKET, else $XDG_RUNTIME_DIR/machd.sock or\n"
	"/run/machd/machd.sock. You see tasks of your own uid; root, machd's user and\n"
	"the group that machd.conf names see all. NO_COLOR turns colours off.\n\n"
	"Exit status: 0 good, 1 error, 2 wrong usage, 3 no daemon to be reached,\n"
	"4 found what was looked for (why: a circle; leaks: growth).";

/* Of stdout, where it is no terminal: there may be very much. */
#define OUTPUT_BUFFER 65536

/* What the command line gave so far. */
struct line {
	const struct command *command;
	struct options options;
};

void fail(enum exit_code code, const char *format, ...)
{
	va_list arguments;

	screen_leave();
	fflush(stdout);
	fputs("machctl: ", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	exit(code);
}

static const struct command *find_command(const char *name)
{
	const struct command *command = commands;

	while (command->name && strcmp(command->name, name) != 0)
		command++;
	return command->name ? command : NULL;
}

void finish(enum exit_code code)
{
	if (fflush(stdout) || ferror(stdout))
		fail(EXIT_ERROR, "cannot write the output: %s", strerror(errno));
	exit(code);
}

static int32_t read_pid(struct argp_state *state, const char *text)
{
	char *end;
	long pid;

	errno = 0;
	pid = strtol(text, &end, 10);
	if (errno || end == text || *end || pid <= 0 || pid > INT32_MAX)
		argp_error(state, "'%s' is not a process id", text);
	return (int32_t)pid;
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
	struct line *line = state->input;

	switch (key) {
	case 'j':
		line->options.json = true;
		return 0;
	case 's':
		if (*argument == '\0')
			argp_error(state, "--socket is empty: it wants a path");
		line->options.socket = argument;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static uint64_t read_number(struct argp_state *state, const char *text, uint64_t most)
{
	char *end;
	unsigned long long number;

	errno = 0;
	number = strtoull(text, &end, 0);
	if (errno || end == text || *end || *text == '-' || number > most)
		argp_error(state, "'%s' is not a number from 0 to %llu", text,
			   (unsigned long long)most);
	return number;
}

static double read_seconds(struct argp_state *state, const char *text)
{
	char *end;
	double seconds = strtod(text, &end);

	if (end == text || *end || !(seconds >= 0.01) || seconds > 86400)
		argp_error(state, "'%s' is not a number of seconds from 0.01 to 86400", text);
	return seconds;
}

/* -i is the id of a message to one command, and a time to others. */
static void parse_i(struct options *options, const struct command *command,
		    struct argp_state *state, const char *argument)
{
	if (command->interval > 0) {
		options->interval = read_seconds(state, argument);
	} else {
		options->id = (uint32_t)read_number(state, argument, UINT32_MAX);
		options->has_id = true;
	}
}

static error_t parse_special_option(int key, char *argument, struct argp_state *state)
{
	struct line *line = state->input;
	struct options *options = &line->options;

	switch (key) {
	case 'p':
		options->object = read_number(state, argument, UINT64_MAX);
		return 0;
	case 'i':
		parse_i(options, line->command, state, argument);
		return 0;
	case 'n':
		options->count = read_number(state, argument, UINT64_MAX);
		return 0;
	case 'a':
		options->all = true;
		return 0;
	case 'b':
		options->batch = true;
		return 0;
	case 'o':
		options->sort = argument;
		return 0;
	case 'w':
		options->write = argument;
		return 0;
	case 'r':
		options->read = argument;
		return 0;
	}
	return parse_option(key, argument, state);
}

/* "explain", a process, the name of a service. */
static void parse_explain(struct options *options, char *argument, struct argp_state *state)
{
	if (state->arg_num > 2)
		argp_error(state, "too many arguments");
	else if (state->arg_num == 2)
		options->port = argument;
	else if (state->arg_num == 1)
		options->pid = read_pid(state, argument);
	else if (strcmp(argument, "explain") != 0)
		argp_error(state, "'%s' is not explain", argument);
}

/* The words behind a command that are no options. */
static void parse_argument(struct line *line, char *argument, struct argp_state *state)
{
	struct options *options = &line->options;
	enum arguments takes = line->command->takes;

	if (takes == ARGUMENTS_EXPLAIN) {
		parse_explain(options, argument, state);
	} else if (takes == ARGUMENTS_PORT && state->arg_num == 0) {
		options->port = argument;
	} else if (takes == ARGUMENTS_PORT && state->arg_num == 1) {
		options->pid = read_pid(state, options->port);
		options->name = (uint32_t)read_number(state, argument, UINT32_MAX);
	} else if (takes != ARGUMENTS_NONE && takes != ARGUMENTS_PORT && state->arg_num == 0) {
		options->pid = read_pid(state, argument);
	} else {
		argp_error(state, "too many arguments");
	}
}

/* What follows the command's name. */
static error_t parse_command(int key, char *argument, struct argp_state *state)
{
	struct line *line = state->input;
	enum arguments takes = line->command->takes;

	switch (key) {
	case ARGP_KEY_ARG:
		parse_argument(line, argument, state);
		return 0;
	case ARGP_KEY_END:
		if (takes == ARGUMENTS_EXPLAIN && !line->options.port)
			argp_error(state, "say explain, a process and a name");
		return 0;
	case ARGP_KEY_NO_ARGS:
		if (takes == ARGUMENTS_THIS_PID || takes == ARGUMENTS_PORT)
			argp_error(state, "%s is missing", line->command->arguments);
		return 0;
	}
	return parse_special_option(key, argument, state);
}

static void run_command(struct line *line, int argc, char **argv)
{
	char name[32];
	struct argp parser = {
		.options = line->command->options,
		.parser = parse_command,
		.args_doc = line->command->arguments,
		.doc = line->command->help,
	};

	line->options.interval = line->command->interval;
	line->options.count = line->command->count;
	snprintf(name, sizeof name, "machctl %s", line->command->name);
	argv[0] = name;
	argp_parse(&parser, argc, argv, 0, NULL, line);
	line->command->run(&line->options);
}

/* What stands before the command's name; from there on it is the command's. */
static error_t parse_main(int key, char *argument, struct argp_state *state)
{
	struct line *line = state->input;

	switch (key) {
	case ARGP_KEY_ARG:
		line->command = find_command(argument);
		if (!line->command) {
			argp_error(state, "there is no command '%s'", argument);
			return EINVAL;
		}
		run_command(line, state->argc - state->next + 1, state->argv + state->next - 1);
		state->next = state->argc;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "which command?");
		return 0;
	}
	return parse_option(key, argument, state);
}

int main(int argc, char **argv)
{
	static const struct argp parser = {
		.options = shared_options,
		.parser = parse_main,
		.args_doc = "COMMAND",
		.doc = help,
	};
	struct line line = {0};

	/* The note on mandatory arguments would not leave room for what matters. */
	setenv("ARGP_HELP_FMT", "no-dup-args-note", 0);
	argp_err_exit_status = EXIT_USAGE;
	if (!isatty(STDOUT_FILENO))
		setvbuf(stdout, NULL, _IOFBF, OUTPUT_BUFFER);
	argp_program_version = "machctl " MACHD_VERSION;
	argp_parse(&parser, argc, argv, ARGP_IN_ORDER, NULL, &line);
	finish(EXIT_GOOD);
}
