/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Accounting by uid: the resources that one user's tasks make the daemon hold. What a process uses
 * is charged to its account (ipc_account.h) and through that to its user; only tasks and service
 * names are charged to the user directly. The charged object keeps a reference to the user until
 * the charge is returned.
 *
 * A user may hold up to its limit, and at most a share (UserShare= percent) of what the other users
 * leave of the machine. So each gets less the more users there are, but something is always left
 * for a new one. Root and the daemon's own uid may have all that is left.
 */
#pragma once

#include "daemon/base/list.h"
#include "daemon/ipc/ipc_types.h"

enum ipc_charge {
	IPC_CHARGE_TASKS,
	IPC_CHARGE_CHANNELS,
	IPC_CHARGE_NAMES,
	IPC_CHARGE_PORTS,
	IPC_CHARGE_MESSAGES,
	IPC_CHARGE_BYTES,
	IPC_CHARGE_MEMFDS,
	IPC_CHARGE_MEMORY, /* bytes of those memfds */
	IPC_CHARGE_VOUCHERS,
	IPC_CHARGE_LINKS,
	IPC_CHARGE_BELLS,
	IPC_CHARGE_SERVICES,
	IPC_CHARGE_DONORS,
	IPC_CHARGE_PROMISES, /* messages that may come unanswered, see ipc_window.h */
	IPC_CHARGE_RINGS,
	IPC_CHARGE_KINDS,
};

struct ipc_user {
	struct ipc_host *u_host;
	struct list u_link;		/* host's users */
	struct ipc_account *u_accounts; /* hash by pid */
	uint32_t u_uid;
	uint32_t u_refs;
	uint64_t u_held[IPC_CHARGE_KINDS];
	uint64_t u_peak[IPC_CHARGE_KINDS]; /* the most at once */
	uint64_t u_sent, u_received;	   /* messages of its tasks, ever */
	uint64_t u_destroyed;		   /* messages it paid for that nobody received */
	uint64_t u_sent_bytes;		   /* content of those that were sent */
	uint32_t u_told;		   /* bits of kinds whose refusal has been logged */
};

/* The user with this uid, with a reference for the caller; NULL without memory. */
struct ipc_user *ipc_user_get(struct ipc_host *host, uint32_t uid);

/* Another reference to a user already held. */
struct ipc_user *ipc_user_ref(struct ipc_user *user);

/* Give a reference back. The last one frees the user; it must hold nothing then. */
void ipc_user_put(struct ipc_user *user);

/* The offset in struct machd_limits of the limit for a kind. */
size_t ipc_user_limit(enum ipc_charge kind);

/*
 * The share rule: may a holder of `held` out of `total` in use have `amount` more, if `limit` is
 * for all holders together and each may have at most `percent` of what the others leave of it?
 */
bool ipc_share_fits(uint64_t held, uint64_t total, uint64_t limit, uint64_t percent,
		    uint64_t amount);

/* The host's limits have changed. */
void ipc_user_limits_changed(struct ipc_host *host);

/* The value of that limit. */
uint64_t ipc_user_limit_value(const struct ipc_host *host, enum ipc_charge kind);

/* Would `amount` more be within the user's limit and its share of the machine? */
bool ipc_user_fits(const struct ipc_host *host, const struct ipc_user *user, enum ipc_charge kind,
		   uint64_t amount);

/* Charge `amount`, or refuse if that does not fit: false, nothing charged. */
bool ipc_user_charge(struct ipc_host *host, struct ipc_user *user, enum ipc_charge kind,
		     uint64_t amount);

/* Charge even beyond the limit, for what must not fail: such as another's notification. */
void ipc_user_charge_always(struct ipc_user *user, enum ipc_charge kind, uint64_t amount);

void ipc_user_discharge(struct ipc_user *user, enum ipc_charge kind, uint64_t amount);
