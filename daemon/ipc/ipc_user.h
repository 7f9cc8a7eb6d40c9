/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Accounting by uid: what one user's tasks make the daemon hold. What a process makes it
 * hold is charged to the process's account (ipc_account.h) and with that to its user; tasks and
 * service names are charged here alone. Who is charged keeps a reference until the charge is given
 * back.
 *
 * A user may hold what its limit says, and of what the other users leave of the machine a share:
 * UserShare= percent. So the more users there are the less there is for each, but for a new one
 * there is always something. Root and whom the daemon belongs to may have all that is left.
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
	IPC_CHARGE_PROMISES, /* messages that may come unasked, see ipc_window.h */
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
	uint32_t u_told;		   /* kinds that it was refused, as bits: said in the log */
};

/* The user with this uid, with a reference for the caller; NULL without memory. */
struct ipc_user *ipc_user_get(struct ipc_host *host, uint32_t uid);

/* Another reference to a user already held. */
struct ipc_user *ipc_user_ref(struct ipc_user *user);

/* Give a reference back. The last one frees the user; it must hold nothing then. */
void ipc_user_put(struct ipc_user *user);

/* The limit of struct machd_limits that holds for a kind: where it is there. */
size_t ipc_user_limit(enum ipc_charge kind);

/*
 * May somebody who holds `held` of what is `total` in all have `amount` more, if the limit for all
 * is `limit` and nobody may have more than `percent` of what the others leave?
 */
bool ipc_share_fits(uint64_t held, uint64_t total, uint64_t limit, uint64_t percent,
		    uint64_t amount);

/* host's limits are others now. */
void ipc_user_limits_changed(struct ipc_host *host);

/* The value of that limit. */
uint64_t ipc_user_limit_value(const struct ipc_host *host, enum ipc_charge kind);

/* Would it be within the user's limit and its share of the machine to have `amount` more? */
bool ipc_user_fits(const struct ipc_host *host, const struct ipc_user *user, enum ipc_charge kind,
		   uint64_t amount);

/* Charge `amount`, or refuse if that does not fit: false, nothing charged. */
bool ipc_user_charge(struct ipc_host *host, struct ipc_user *user, enum ipc_charge kind,
		     uint64_t amount);

/* Charge for what must not be refused, such as a notification somebody else asked for. */
void ipc_user_charge_always(struct ipc_user *user, enum ipc_charge kind, uint64_t amount);

void ipc_user_discharge(struct ipc_user *user, enum ipc_charge kind, uint64_t amount);
