/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration of the running daemon: read when it starts, and again on SIGHUP. Whatever is
 * read from files belongs into reload_read(), and what of it takes effect at once into
 * reload_now(), so that a file that is wrong changes nothing at all.
 */
#pragma once

#include <stdbool.h>

#include "daemon/config.h"

struct gate;
struct options;
struct services;

/*
 * Read all files into `config`. What the command line says comes before them, and limits are made
 * to fit the descriptors there are. false: what is wrong, with file and line, is in the log;
 * nothing has changed.
 */
bool reload_read(const struct options *options, struct config *config);

/* --check-config: say on stdout, or in the log, what is thought of the files; an exit status. */
int reload_check(const struct options *options);

/* Who may inspect from now on (InspectGroup=): those that connect, not those that have. */
void reload_inspect_group(const struct config *config, struct gate *gate);

/*
 * Read all files again. If they are good, all that they say holds from now on, but for Socket=: a
 * line in the log says that it has to wait until machd starts again. If they are not, everything
 * stays as it was, which is logged as well. A file of services.d that is wrong keeps only its own
 * rules as they were. `config` and `services` are what is in force.
 */
void reload_now(const struct options *options, struct config *config, struct services *services,
		struct gate *gate);
