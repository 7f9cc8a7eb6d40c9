/* SPDX-License-Identifier: Apache-2.0 */
/* Starting the command of a plan: see spawn.c. */
#pragma once

#include <uv.h>

#include "daemon/io/plan.h"

/*
 * Start the command with nothing of ours but stderr: a session of its own, /dev/null for input, the
 * root directory, an environment of PATH, HOME, USER, LOGNAME, XDG_RUNTIME_DIR if the daemon has
 * one, and MACHD_SOCKET. As another user it has no supplementary groups.
 *
 * The process is its reaper (reaper.h), with `patience` in ms: it ends as the command does,
 * when nothing of it is left, and then `ended` is called. If the command cannot be executed, the
 * errno is written to `failure` before, as an int. 0, or a negative code of libuv; the handle is to
 * be closed in either case.
 */
int spawn_command(uv_loop_t *loop, uv_process_t *process, const struct plan *plan,
		  const char *socket, uint64_t patience, int failure, uv_exit_cb ended);
