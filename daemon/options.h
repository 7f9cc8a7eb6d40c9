/* SPDX-License-Identifier: Apache-2.0 */
/* machd's command line. */
#pragma once

#include <stdbool.h>

#include "daemon/base/log.h"

struct options {
	bool foreground;
	bool check_config;
	bool has_log_level; /* --log-level was given: it wins over machd.conf */
	enum log_level log_level;
	int ready_fd;				       /* -1: none */
	const char *socket, *config, *record, *replay; /* NULL: not given */
};

/* Read the command line. Prints and exits for --help, --version and for a wrong one (64). */
void options_parse(struct options *options, int argc, char **argv);
