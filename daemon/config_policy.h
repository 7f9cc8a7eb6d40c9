/* SPDX-License-Identifier: Apache-2.0 */
/* The values of machd.conf's [policy] section: see config_policy.c. */
#pragma once

#include <stdbool.h>

#include "daemon/ipc/ipc_policy.h"

/* "all", "none", or uids with blanks between them. false: it is neither, or there are too many. */
bool policy_parse_uids(const char *value, struct ipc_uids *uids);
