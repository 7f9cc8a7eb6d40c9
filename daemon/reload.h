/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration of the running daemon: read when it starts, and again on SIGHUP. reload_read()
 * reads and checks all files, reload_now() puts them in force, so that a wrong file changes
 * nothing.
 */
#pragma once

#include <stdbool.h>

#include "daemon/config.h"

struct gate;
struct options;
struct services;

/*
 * Read all files into `config`. The command line has precedence, and limits are lowered to fit the
 * descriptors that the daemon may have. False: the error has been logged, with file and line, and
 * nothing has changed.
 */
bool reload_read(const struct options *options, struct config *config);

/* --check-config: report on stdout, or in the log, whether the files are good; an exit status. */
int reload_check(const struct options *options);

/* Put InspectGroup= in force, for connections made from now on. */
void reload_inspect_group(const struct config *config, struct gate *gate);

/*
 * Read all files again. If they are good they are in force from now on, except Socket=, which needs
 * a restart, as a line in the log says. If not, nothing changes, which is logged as well; but a
 * wrong file of services.d only keeps its own rules as they were. `config` and `services` are what
 * is in force.
 */
void reload_now(const struct options *options, struct config *config, struct services *services,
		struct gate *gate);
