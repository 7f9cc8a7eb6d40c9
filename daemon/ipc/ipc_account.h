/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Accounting by task: the resources that one process makes the daemon hold, within the limits of
 * its user. All its connections and its task share one account. Ports, messages and the like keep a
 * reference to the account they are charged to, so it outlives its process until the last of them
 * is gone.
 *
 * A task may hold TaskShare= percent of what the other tasks of its user leave: a task that leaks
 * or floods always leaves something for its neighbours.
 */
#pragma once

#include "daemon/base/hash.h"
#include "daemon/ipc/ipc_user.h"

struct ipc_account {
	struct ipc_user *ac_user;
	uint32_t ac_refs;
	int32_t ac_pid;	     /* of the process, even when it is gone */
	uint32_t ac_told;    /* bits of kinds whose refusal has been logged */
	uint64_t ac_refused; /* charges, ever */
	uint64_t ac_held[IPC_CHARGE_KINDS];
	uint64_t ac_peak[IPC_CHARGE_KINDS]; /* the most at once */
	UT_hash_handle hh;		    /* in u_accounts, by ac_pid */
};

/* The account of a process of `user`, with a reference for the caller; NULL without memory. */
struct ipc_account *ipc_account_get(struct ipc_user *user, int32_t pid);

/* Another reference. */
struct ipc_account *ipc_account_ref(struct ipc_account *account);

/* Give a reference back. The last one frees the account; it must hold nothing then. */
void ipc_account_put(struct ipc_account *account);

/* Would `amount` more be within the task's share and its user's limits? */
bool ipc_account_fits(const struct ipc_host *host, const struct ipc_account *account,
		      enum ipc_charge kind, uint64_t amount);

/*
 * Charge `amount`. False, and nothing is charged: that exceeds the task's share or its user's
 * limits.
 */
bool ipc_account_charge(struct ipc_host *host, struct ipc_account *account, enum ipc_charge kind,
			uint64_t amount);

/* Charge even beyond the limit, for what must not fail: such as another's notification. */
void ipc_account_charge_always(struct ipc_account *account, enum ipc_charge kind, uint64_t amount);

void ipc_account_discharge(struct ipc_account *account, enum ipc_charge kind, uint64_t amount);
