/* SPDX-License-Identifier: Apache-2.0 */
/* machctl's command line: finds the command, reads the options, and explains both. */
#include <argp.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/machctl/machctl.h"

struct command {
	const char *name;
	const char *arguments; /* for the usage line; NULL: it takes none */
	const char *help;      /* of `machctl NAME --help`, below the options */
	void (*run)(const struct options *options);
	const struct argp_option *options; /* NULL: only those that every command has */
};

#define SHARED_OPTIONS                                                                \
	{"json", 'j', NULL, 0, "Write a JSON array with an object for each line", 0}, \
	{                                                                             \
		"socket", 's', "PATH", 0, "The daemon's socket", 0                    \
	}

static const struct argp_option shared_options[] = {SHARED_OPTIONS, {0}};

static const struct argp_option trace_options[] = {
	{"port", 'p', "OBJECT", 0, "Only messages to the port with this id", 1},
	{"id", 'i', "NUMBER", 0, "Only messages with this msgh_id", 1},
	{"count", 'n', "NUMBER", 0, "End after so many messages", 1},
	SHARED_OPTIONS,
	{0},
};

static const struct command commands[] = {
	{"ps", NULL,
	 "Show the tasks: one for each process that uses machd.\v"
	 "CHAN its connections, NAMES entries of its name space, RECV SEND ONCE DEAD\n"
	 "how many of them are rights of that kind, QUEUE messages on the ports it\n"
	 "receives from, WAIT its blocked threads, SENT and RCVD messages in all,\n"
	 "BAD how often it misused a name; if anybody is important, IMP requests and\n"
	 "replies that make it so now, with + for a donor of importance.\n\n"
	 "--json: task pid command uid gid channels names receive send send_once sets\n"
	 "dead queued queued_bytes waiting boosts donor sent received\n"
	 "guard_exceptions. command is null when the process is gone.",
	 cmd_ps, NULL},
	{"ports", "[PID]",
	 "Show the names of every task, or of process PID, and what they stand for.\v"
	 "RIGHTS and REFS of this name; then of the port, the same in every task:\n"
	 "OBJECT its id, QUEUE messages/limit, SEND and ONCE rights there are, WAIT\n"
	 "2r two blocked receivers, 2s two blocked senders; FLAGS requested notices\n"
	 "N no senders, P port destroyed, D dead name, and S in a port set, I accepts\n"
	 "importance, T for the next owner only; OWNER the process that receives (-: on\n"
	 "its way, dead, or machd); WHAT service or kind.\n\n"
	 "--json: task pid command name rights urefs kind object receiver{task pid\n"
	 "name} service msgcount qlimit seqno mscount srights sorights waiters\n"
	 "blocked_senders override boosts no_senders port_destroyed dead_name importance\n"
	 "temporary_owner in_set. override is the QoS of the first message, boosts how\n"
	 "many messages carry importance.",
	 cmd_ports, NULL},
	{"names", NULL,
	 "Show the service names that can be looked up, and who serves them.\v"
	 "OBJECT is the id of the service's port, as in `machctl ports`; BY how the\n"
	 "name came to be.\n\n"
	 "--json: service task pid command uid object checked_in. task is 0 while\n"
	 "nobody holds the receive right.",
	 cmd_names, NULL},
	{"trace", "[PID]",
	 "Show messages as they are sent: all, or those from and to process PID.\v"
	 "TIME seconds since the system started; FROM and TO processes (machd; dead: the\n"
	 "port has died, dying: its task does; moving: it is itself in a message); ID\n"
	 "msgh_id; SIZE bytes of body and out-of-line memory; PORTS rights in it; OBJECT\n"
	 "the port's id, as in `machctl ports`; WHAT is known of the id, and XNU's names\n"
	 "for the rest.\n"
	 "It goes on until it is interrupted. machd traces only while somebody reads;\n"
	 "what a slow reader misses is said on stderr.\n\n"
	 "--json: an object for each line, and no array around them: number time_ns\n"
	 "from to object id size ports flags what. from and to are null for machd, and\n"
	 "where nobody receives.",
	 cmd_trace, trace_options},
};

static const char help[] =
	"Look into a running machd: its tasks, their ports, the service names.\v"
	"Commands (`machctl COMMAND --help` explains columns and JSON keys):\n"
	"  ps            the tasks, one for each process that uses machd\n"
	"  ports [PID]   every name of every task, or of one process\n"
	"  names         the service names that can be looked up\n"
	"  trace [PID]   the messages that are sent, while they are sent\n\n"
	"The socket: --socket, else MACHD_SOCKET, else $XDG_RUNTIME_DIR/machd.sock or\n"
	"/run/machd/machd.sock. You see tasks of your own uid; root sees all.\n"
	"NO_COLOR turns colours off.\n\n"
	"Exit status: 0 good, 1 error, 2 wrong usage, 3 no daemon to be reached.";

/* What the command line gave so far. */
struct line {
	const struct command *command;
	struct options options;
};

void fail(enum exit_code code, const char *format, ...)
{
	va_list arguments;

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
	for (unsigned i = 0; i < sizeof commands / sizeof *commands; i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
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

static error_t parse_trace_option(int key, char *argument, struct argp_state *state)
{
	struct options *options = &((struct line *)state->input)->options;

	switch (key) {
	case 'p':
		options->object = read_number(state, argument, UINT64_MAX);
		return 0;
	case 'i':
		options->id = (uint32_t)read_number(state, argument, UINT32_MAX);
		options->has_id = true;
		return 0;
	case 'n':
		options->count = read_number(state, argument, UINT64_MAX);
		return 0;
	}
	return parse_option(key, argument, state);
}

/* What follows the command's name. */
static error_t parse_command(int key, char *argument, struct argp_state *state)
{
	struct line *line = state->input;

	if (key != ARGP_KEY_ARG)
		return parse_trace_option(key, argument, state);
	if (!line->command->arguments || line->options.pid)
		argp_error(state, "too many arguments");
	line->options.pid = read_pid(state, argument);
	return 0;
}

static void run_command(struct line *line, int argc, char **argv)
{
	char name[32];
	struct argp parser = {
		.options = line->command->options ? line->command->options : shared_options,
		.parser = parse_command,
		.args_doc = line->command->arguments,
		.doc = line->command->help,
	};

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

	argp_err_exit_status = EXIT_USAGE;
	argp_program_version = "machctl " MACHD_VERSION;
	argp_parse(&parser, argc, argv, ARGP_IN_ORDER, NULL, &line);
	if (fflush(stdout) || ferror(stdout))
		fail(EXIT_ERROR, "cannot write the output: %s", strerror(errno));
	return EXIT_GOOD;
}
