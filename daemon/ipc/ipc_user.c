/* SPDX-License-Identifier: Apache-2.0 */
/* The table of users, and charging. The limits are those of protocol/limits.def. */
#include "daemon/ipc/ipc_user.h"

#include <assert.h>
#include <string.h>

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

size_t ipc_user_limit(enum ipc_charge kind)
{
	static const size_t limits[IPC_CHARGE_KINDS] = {
		[IPC_CHARGE_TASKS] = offsetof(struct machd_limits, tasks_per_user),
		[IPC_CHARGE_CHANNELS] = offsetof(struct machd_limits, channels_per_user),
		[IPC_CHARGE_NAMES] = offsetof(struct machd_limits, names_per_user),
		[IPC_CHARGE_PORTS] = offsetof(struct machd_limits, ports_per_user),
		[IPC_CHARGE_MESSAGES] = offsetof(struct machd_limits, messages_per_user),
		[IPC_CHARGE_BYTES] = offsetof(struct machd_limits, bytes_per_user),
		[IPC_CHARGE_MEMFDS] = offsetof(struct machd_limits, memfds_per_user),
		[IPC_CHARGE_MEMORY] = offsetof(struct machd_limits, memory_per_user),
		[IPC_CHARGE_VOUCHERS] = offsetof(struct machd_limits, vouchers_per_user),
		[IPC_CHARGE_LINKS] = offsetof(struct machd_limits, links_per_user),
		[IPC_CHARGE_BELLS] = offsetof(struct machd_limits, bells_per_user),
		[IPC_CHARGE_SERVICES] = offsetof(struct machd_limits, services_per_user),
		[IPC_CHARGE_DONORS] = offsetof(struct machd_limits, donors_per_user),
	};

	return limits[kind];
}

static uint64_t limit_of(const struct ipc_host *host, enum ipc_charge kind)
{
	uint64_t limit;

	memcpy(&limit, (const char *)&host->h_limits + ipc_user_limit(kind), sizeof limit);
	return limit;
}

bool ipc_user_charge(struct ipc_host *host, struct ipc_user *user, enum ipc_charge kind,
		     uint64_t amount)
{
	uint64_t limit = limit_of(host, kind);

	if (amount > limit || user->u_held[kind] > limit - amount)
		return false;
	ipc_user_charge_always(user, kind, amount);
	return true;
}

void ipc_user_charge_always(struct ipc_user *user, enum ipc_charge kind, uint64_t amount)
{
	user->u_held[kind] += amount;
	if (user->u_held[kind] > user->u_peak[kind])
		user->u_peak[kind] = user->u_held[kind];
}

void ipc_user_discharge(struct ipc_user *user, enum ipc_charge kind, uint64_t amount)
{
	assert(user->u_held[kind] >= amount);
	user->u_held[kind] -= amount;
}
