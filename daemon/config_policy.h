/* SPDX-License-Identifier: Apache-2.0 */
/* The values of machd.conf's [policy] and [filter] sections: see config_policy.c. */
#pragma once

#include <stdbool.h>

#include "daemon/ipc/ipc_policy.h"

/* "all", "none", or uids with blanks between them. false: it is neither, or there are too many. */
bool policy_parse_uids(const char *value, struct ipc_uids *uids);

/*
 * A key of [filter]: a service and the ids that may be sent to it, "none", or numbers and ranges
 * with blanks between them. The first `*earlier` rules are of earlier files; those for this service
 * are taken out, and *earlier is what is left. NULL, or what is wrong.
 */
const char *policy_parse_filter(const char *service, const char *value, struct ipc_policy *policy,
				uint32_t *earlier);
