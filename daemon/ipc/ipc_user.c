/* SPDX-License-Identifier: Apache-2.0 */
/* The table of users, and charging. The limits are those of protocol/limits.def. */
#include "daemon/ipc/ipc_user.h"

#include <assert.h>

#include "daemon/base/mem.h"
#include "daemon/ipc/ipc_host.h"

struct ipc_user *ipc_user_get(struct ipc_host *host, uint32_t uid)
{
	struct ipc_user *user;

	LIST_FOR_EACH (node, &host->h_users) {
		user = list_entry(node, struct ipc_user, u_link);
		if (user->u_uid == uid)
			return ipc_user_ref(user);
	}
	user = mem_alloc(sizeof *user);
	if (!user)
		return NULL;
	user->u_uid = uid;
	user->u_refs = 1;
	list_append(&host->h_users, &user->u_link);
	return user;
}

struct ipc_user *ipc_user_ref(struct ipc_user *user)
{
	user->u_refs++;
	return user;
}

void ipc_user_put(struct ipc_user *user)
{
	if (--user->u_refs)
		return;
	for (unsigned i = 0; i < IPC_CHARGE_KINDS; i++)
		assert(user->u_held[i] == 0);
	list_remove(&user->u_link);
	mem_free(user);
}

static uint64_t limit_of(const struct ipc_host *host, enum ipc_charge kind)
{
	switch (kind) {
	case IPC_CHARGE_TASKS:
		return host->h_limits.tasks_per_user;
	case IPC_CHARGE_CHANNELS:
		return host->h_limits.channels_per_user;
	case IPC_CHARGE_NAMES:
		return host->h_limits.names_per_user;
	case IPC_CHARGE_PORTS:
		return host->h_limits.ports_per_user;
	case IPC_CHARGE_MESSAGES:
		return host->h_limits.messages_per_user;
	case IPC_CHARGE_BYTES:
		return host->h_limits.bytes_per_user;
	case IPC_CHARGE_MEMFDS:
		return host->h_limits.memfds_per_user;
	case IPC_CHARGE_MEMORY:
		return host->h_limits.memory_per_user;
	case IPC_CHARGE_VOUCHERS:
		return host->h_limits.vouchers_per_user;
	case IPC_CHARGE_LINKS:
		return host->h_limits.links_per_user;
	case IPC_CHARGE_BELLS:
		return host->h_limits.bells_per_user;
	case IPC_CHARGE_SERVICES:
		return host->h_limits.services_per_user;
	case IPC_CHARGE_DONORS:
		return host->h_limits.donors_per_user;
	case IPC_CHARGE_KINDS:
		break;
	}
	return 0;
}

bool ipc_user_charge(struct ipc_host *host, struct ipc_user *user, enum ipc_charge kind,
		     uint64_t amount)
{
	uint64_t limit = limit_of(host, kind);

	if (amount > limit || user->u_held[kind] > limit - amount)
		return false;
	user->u_held[kind] += amount;
	return true;
}

void ipc_user_charge_always(struct ipc_user *user, enum ipc_charge kind, uint64_t amount)
{
	user->u_held[kind] += amount;
}

void ipc_user_discharge(struct ipc_user *user, enum ipc_charge kind, uint64_t amount)
{
	assert(user->u_held[kind] >= amount);
	user->u_held[kind] -= amount;
}
