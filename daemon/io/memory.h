/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that the daemon sends: memfds of its own. */
#pragma once

#include "daemon/ipc/ipc_outbox.h"

/* A memfd with these bytes that nobody can change. IPC_FD_NONE: no memory or no descriptor. */
ipc_fd_t memory_of(const void *bytes, size_t size);
