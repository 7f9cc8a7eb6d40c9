/* SPDX-License-Identifier: Apache-2.0 */
/* Ids and random numbers of a host. */
#include "daemon/ipc/ipc_host.h"

uint64_t ipc_host_id(struct ipc_host *host)
{
	return ++host->h_last_id;
}

/* A counter run through a mixing function: small state, and good enough to shuffle names. */
uint64_t ipc_host_random(struct ipc_host *host)
{
	uint64_t x = host->h_random += 0x9e3779b97f4a7c15u;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}
