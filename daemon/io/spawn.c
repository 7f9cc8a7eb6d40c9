/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a plan to a process, by libuv: it forks, resets signals and changes the user. What is
 * executed is this very program, which becomes the command's reaper. All other descriptors of the
 * daemon are closed on exec.
 */
#include "daemon/io/spawn.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/io/reaper.h"

#define THIS_PROGRAM "/proc/self/exe"

#define SEARCH_PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

enum { ENV_PATH, ENV_SOCKET, ENV_HOME, ENV_USER, ENV_LOGNAME, ENV_RUNTIME, ENV_COUNT };

/* A variable is a home directory or a socket's path at most. */
#define VARIABLE_SIZE 320

struct environment {
	char text[ENV_COUNT][VARIABLE_SIZE];
	char *list[ENV_COUNT + 1];
};

static void set_environment(struct environment *environment, const struct plan *plan,
			    const char *socket)
{
	const char *runtime = plan->other_user ? NULL : getenv("XDG_RUNTIME_DIR");
	unsigned count = runtime ? ENV_COUNT : ENV_RUNTIME;

	snprintf(environment->text[ENV_PATH], VARIABLE_SIZE, SEARCH_PATH);
	snprintf(environment->text[ENV_SOCKET], VARIABLE_SIZE, "MACHD_SOCKET=%s", socket);
	snprintf(environment->text[ENV_HOME], VARIABLE_SIZE, "HOME=%s", plan->home);
	snprintf(environment->text[ENV_USER], VARIABLE_SIZE, "USER=%s", plan->user);
	snprintf(environment->text[ENV_LOGNAME], VARIABLE_SIZE, "LOGNAME=%s", plan->user);
	if (runtime)
		snprintf(environment->text[ENV_RUNTIME], VARIABLE_SIZE, "XDG_RUNTIME_DIR=%s",
			 runtime);
	for (unsigned i = 0; i < count; i++)
		environment->list[i] = environment->text[i];
	environment->list[count] = NULL;
}

/* Of a reaper, with those of the command behind its own. */
struct arguments {
	char name[sizeof REAPER_NAME];
	char patience[24];
	char *list[REAPER_ARGUMENTS + PLAN_WORDS_MAX + 1];
};

/* libuv wants strings that it could change, and does not. */
static void set_arguments(struct arguments *arguments, const struct plan *plan, uint64_t patience)
{
	const char *word = plan->words;
	unsigned count = REAPER_ARGUMENTS;

	strcpy(arguments->name, REAPER_NAME);
	snprintf(arguments->patience, sizeof arguments->patience, "%" PRIu64, patience);
	arguments->list[0] = arguments->name;
	arguments->list[1] = arguments->patience;
	for (unsigned i = 0; i < plan->word_count; i++) {
		arguments->list[count++] = (char *)(uintptr_t)word;
		word += strlen(word) + 1;
	}
	arguments->list[count] = NULL;
}

int spawn_command(uv_loop_t *loop, uv_process_t *process, const struct plan *plan,
		  const char *socket, uint64_t patience, int failure, uv_exit_cb ended)
{
	struct arguments arguments;
	struct environment environment;
	uv_stdio_container_t streams[] = {
		{.flags = UV_IGNORE},
		{.flags = UV_INHERIT_FD, .data.fd = STDERR_FILENO},
		{.flags = UV_INHERIT_FD, .data.fd = STDERR_FILENO},
		[REAPER_FD] = {.flags = UV_INHERIT_FD, .data.fd = failure},
	};
	uv_process_options_t options = {
		.exit_cb = ended,
		.file = THIS_PROGRAM,
		.args = arguments.list,
		.env = environment.list,
		.cwd = "/",
		.flags = UV_PROCESS_DETACHED,
		.stdio = streams,
		.stdio_count = sizeof streams / sizeof *streams,
		.uid = plan->uid,
		.gid = plan->gid,
	};

	if (plan->other_user)
		options.flags |= UV_PROCESS_SETUID | UV_PROCESS_SETGID;
	set_arguments(&arguments, plan, patience);
	set_environment(&environment, plan, socket);
	return uv_spawn(loop, process, &options);
}
