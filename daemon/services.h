/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of services.d, read into rules for the state machine and plans for the io layer
 * (machd-services(5)).
 */
#pragma once

#include <stdbool.h>

#include "daemon/boot/policy.h"
#include "daemon/config.h"
#include "daemon/io/plan.h"

struct services {
	struct boot_policy policy;
	struct plans plans; /* one for each rule, in the same order */
};

/* The rules and plans found so far, and what there was before: see services.c. */
struct service_list;

void services_init(struct services *services);
void services_free(struct services *services);

/* How reading files went. */
enum services_result {
	SERVICES_GOOD,
	SERVICES_WRONG,	    /* something was, and the rest is in force */
	SERVICES_NO_MEMORY, /* `to` has nothing, not even Register= */
};

/*
 * Read all files: those in Services= of `config`; else those in services.d beside `config_path`,
 * if that is not NULL; else those of the system or, for a user's own daemon, of the user. Of a file
 * that is wrong, which is logged, the rules in `old` stay. `to` is fresh.
 */
enum services_result services_read(struct services *to, const struct services *old,
				   const struct config *config, const char *config_path);

/* Is this a user's own daemon, and no service of the system? */
bool services_of_user(void);

/*
 * One file: adds to `list`. false: `error` says what is wrong ("FILE:LINE: ..."), and nothing was
 * added.
 */
bool service_file_read(struct service_list *list, const char *path, char error[CONFIG_ERROR_SIZE]);
