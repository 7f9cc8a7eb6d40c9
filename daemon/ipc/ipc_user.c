/* SPDX-License-Identifier: Apache-2.0 */
/* The table of users, and charging. The limits are those of protocol/limits.def. */
#include "daemon/ipc/ipc_user.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
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
	user->u_host = host;
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
		[IPC_CHARGE_PROMISES] = offsetof(struct machd_limits, promises_per_user),
		[IPC_CHARGE_RINGS] = offsetof(struct machd_limits, rings_per_user),
	};

	return limits[kind];
}

uint64_t ipc_user_limit_value(const struct ipc_host *host, enum ipc_charge kind)
{
	uint64_t limit;

	memcpy(&limit, (const char *)&host->h_limits + ipc_user_limit(kind), sizeof limit);
	return limit;
}

/*
 * The part of a user's charge that counts against the machine's share: up to its limit. What was
 * charged beyond it (ipc_user_charge_always) takes nothing from others.
 */
static uint64_t counted(uint64_t held, uint64_t limit)
{
	return held < limit ? held : limit;
}

/* Set what a user holds. */
static void set_held(struct ipc_user *user, enum ipc_charge kind, uint64_t held)
{
	struct ipc_host *host = user->u_host;
	uint64_t limit = ipc_user_limit_value(host, kind);

	host->h_held[kind] += counted(held, limit) - counted(user->u_held[kind], limit);
	user->u_held[kind] = held;
}

void ipc_user_limits_changed(struct ipc_host *host)
{
	for (unsigned kind = 0; kind < IPC_CHARGE_KINDS; kind++) {
		uint64_t limit = ipc_user_limit_value(host, kind);

		host->h_held[kind] = 0;
		LIST_FOR_EACH (node, &host->h_users)
			host->h_held[kind] += counted(
				list_entry(node, struct ipc_user, u_link)->u_held[kind], limit);
	}
}

/* What all users may hold together. */
static uint64_t machine_limit(const struct ipc_host *host, enum ipc_charge kind)
{
	const struct machd_limits *limits = &host->h_limits;

	if (kind == IPC_CHARGE_CHANNELS)
		return limits->channels;
	if (kind == IPC_CHARGE_MEMFDS)
		return limits->memfds;
	return ipc_user_limit_value(host, kind) * limits->full_users;
}

bool ipc_share_fits(uint64_t held, uint64_t total, uint64_t limit, uint64_t percent,
		    uint64_t amount)
{
	uint64_t others = total - held;
	uint64_t left = limit > others ? limit - others : 0;
	uint64_t share = left / 100 * percent + left % 100 * percent / 100;

	return amount <= share && held <= share - amount;
}

/* The log says once that a user is refused something, and again when it had less in between. */
static void tell(struct ipc_host *host, struct ipc_user *user, enum ipc_charge kind)
{
	size_t offset = ipc_user_limit(kind);
	char text[160];

	if (user->u_told & 1u << kind)
		return;
	user->u_told |= 1u << kind;
	snprintf(text, sizeof text,
		 "uid %" PRIu32 " holds %" PRIu64 " and gets no more: %s=", user->u_uid,
		 user->u_held[kind], machd_limit_at((uint32_t)offset)->key);
	host->h_outbox->warn(host->h_outbox->context, text);
}

bool ipc_user_fits(const struct ipc_host *host, const struct ipc_user *user, enum ipc_charge kind,
		   uint64_t amount)
{
	bool owner = user->u_uid == 0 || user->u_uid == host->h_owner_uid;
	uint64_t held = user->u_held[kind], limit = ipc_user_limit_value(host, kind);

	return amount <= limit && held <= limit - amount &&
	       ipc_share_fits(held, host->h_held[kind], machine_limit(host, kind),
			      owner ? 100 : host->h_limits.user_share, amount);
}

bool ipc_user_charge(struct ipc_host *host, struct ipc_user *user, enum ipc_charge kind,
		     uint64_t amount)
{
	if (!ipc_user_fits(host, user, kind, amount)) {
		tell(host, user, kind);
		return false;
	}
	ipc_user_charge_always(user, kind, amount);
	return true;
}

void ipc_user_charge_always(struct ipc_user *user, enum ipc_charge kind, uint64_t amount)
{
	set_held(user, kind, user->u_held[kind] + amount);
	if (user->u_held[kind] > user->u_peak[kind])
		user->u_peak[kind] = user->u_held[kind];
}

void ipc_user_discharge(struct ipc_user *user, enum ipc_charge kind, uint64_t amount)
{
	assert(user->u_held[kind] >= amount);
	set_held(user, kind, user->u_held[kind] - amount);
	if (user->u_held[kind] < user->u_peak[kind] / 2)
		user->u_told &= ~(1u << kind);
}
