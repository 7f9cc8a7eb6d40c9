/* SPDX-License-Identifier: Apache-2.0 */
/* What a process uses, as Linux says in /proc. */
#pragma once

#include <stdbool.h>

#include "daemon/ipc/ipc_usage.h"

/* False: there is no such process, or it has ended, or it cannot be looked at. */
bool usage_of(int pid, struct ipc_usage *usage);
