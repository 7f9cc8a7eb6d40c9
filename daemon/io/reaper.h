/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process between machd and a command that it starts: machd's own program under another name. It
 * is a subreaper, so that whatever the command leaves behind becomes its child, also what has gone
 * into a session of its own; there is no control group for this without systemd. It tells by its
 * end what became of the command, when nothing of that is left:
 *
 *   - a command that fails (a status other than 0, or a signal) takes the rest along, which gets
 *     SIGTERM and in the end SIGKILL; then the reaper ends in the same way;
 *   - one that exits with 0 may have left a process behind that serves: the reaper exits with 0
 *     when there is none any more.
 *
 * SIGTERM to the reaper, or the end of machd, ends all of it.
 */
#pragma once

#include "daemon/io/plan.h"

/* Its name, and so its argument 0; then the patience in ms, and the words of the command. */
#define REAPER_NAME	 "machd-reaper"
#define REAPER_ARGUMENTS 2

/* Where it writes the errno, an int, if the command cannot be executed. */
#define REAPER_FD 3

/* Be one, and do not return, if that is this process's name. */
void reaper_main(int argc, char **argv);
