/* SPDX-License-Identifier: Apache-2.0 */
/*
 * machd.conf: what an administrator may set, with defaults built in. Read once at start, and again
 * for the limits and the log level when told to.
 */
#pragma once

#include <stdbool.h>
#include <sys/un.h>

#include "daemon/base/log.h"
#include "daemon/boot/policy.h"
#include "daemon/config_file.h"
#include "daemon/ipc/ipc_policy.h"
#include "protocol/limits.h"

#define CONFIG_GROUP_SIZE    64
#define CONFIG_DEFAULT_GROUP "machd-inspect"

#define CONFIG_DEFAULT_PATH "/etc/machd/machd.conf"

struct config {
	char socket[sizeof(((struct sockaddr_un *)0)->sun_path)]; /* "": the default place */
	enum log_level log_level;
	bool discard_bad_signature; /* OnBadSignature=discard */
	struct ipc_policy policy;
	struct boot_policy_head names; /* Register= */
	char services[512];	       /* Services=: directories with blanks between them, or "" */
	unsigned spin_us;	       /* how long to look for more before sleeping */
	int importance_nice;	       /* what a boost adds to nice values */
	char inspect_group[CONFIG_GROUP_SIZE]; /* its members see what belongs to other users */
	struct machd_limits limits;
};

/* Fill `config` with the defaults. */
void config_init(struct config *config);

/*
 * Read the file at `path` into `config`, which has the defaults, or what earlier files said: that
 * gives way. false: `error` says what is wrong and where ("FILE:LINE: ..."), and what would be
 * right; `config` is not fit for use then.
 */
bool config_read(struct config *config, const char *path, char error[CONFIG_ERROR_SIZE]);

/*
 * The defaults, then the file at `path`, which must exist (NULL: CONFIG_DEFAULT_PATH, if it does),
 * then the files whose names end in .conf in the directory with the path of that file and ".d", if
 * there is one. false: as for config_read().
 */
bool config_load(struct config *config, const char *path, char error[CONFIG_ERROR_SIZE]);
