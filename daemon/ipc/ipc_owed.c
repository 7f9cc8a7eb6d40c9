/* SPDX-License-Identifier: Apache-2.0 */
/* Counts the messages that the daemon may have to send, and reserves their memory. */
#include "daemon/ipc/ipc_owed.h"

#include "daemon/ipc/ipc_host.h"

/* Free pieces kept beyond need, so that most calls neither allocate nor free a chunk. */
#define SPARE (UINT64_C(2) * IPC_OWED_WORDS * MEM_RESERVE_CHUNK)

bool ipc_owed_keep(struct ipc_host *host, uint64_t count)
{
	return mem_reserve_keep(&host->h_notices, host->h_owed + count);
}

void ipc_owed_begin(struct ipc_host *host)
{
	host->h_owed++;
}

void ipc_owed_end(struct ipc_host *host)
{
	host->h_owed--;
	if (host->h_notices.mr_free > 2 * (host->h_owed + SPARE))
		mem_reserve_trim(&host->h_notices, host->h_owed + SPARE);
}
