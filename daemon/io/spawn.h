/* SPDX-License-Identifier: Apache-2.0 */
/* Starting the command of a plan: see spawn.c. */
#pragma once

#include <uv.h>

#include "daemon/io/plan.h"

/*
 * Start the command with nothing of ours but stderr: a session of its own, /dev/null for input, the
 * root directory, an environment of PATH, HOME, USER, LOGNAME, XDG_RUNTIME_DIR if the daemon has
 * one, and MACHD_SOCKET. As another user it has no supplementary groups. `ended` is called when
 * it ends. 0, or a negative code of libuv; the handle is to be closed in either case.
 */
int spawn_command(uv_loop_t *loop, uv_process_t *process, const struct plan *plan,
		  const char *socket, uv_exit_cb ended);
