/* SPDX-License-Identifier: Apache-2.0 */
/* Accounts of tasks, and charging them. */
#include "daemon/ipc/ipc_account.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "daemon/base/mem.h"
#include "daemon/ipc/ipc_host.h"

struct ipc_account *ipc_account_get(struct ipc_user *user, int32_t pid)
{
	struct ipc_account *account;

	HASH_FIND(hh, user->u_accounts, &pid, sizeof pid, account);
	if (account)
		return ipc_account_ref(account);
	account = mem_alloc(sizeof *account);
	if (!account)
		return NULL;
	account->ac_pid = pid;
	HASH_ADD(hh, user->u_accounts, ac_pid, sizeof account->ac_pid, account);
	if (!account->hh.tbl) {
		mem_free(account);
		return NULL;
	}
	account->ac_user = ipc_user_ref(user);
	account->ac_refs = 1;
	return account;
}

struct ipc_account *ipc_account_ref(struct ipc_account *account)
{
	account->ac_refs++;
	return account;
}

void ipc_account_put(struct ipc_account *account)
{
	if (--account->ac_refs)
		return;
	for (unsigned i = 0; i < IPC_CHARGE_KINDS; i++)
		assert(account->ac_held[i] == 0);
	HASH_DEL(account->ac_user->u_accounts, account);
	ipc_user_put(account->ac_user);
	mem_free(account);
}

/* The log says once that a task is refused something, and again when it had less in between. */
static void tell(struct ipc_host *host, struct ipc_account *account, enum ipc_charge kind)
{
	const struct ipc_user *user = account->ac_user;
	char text[200];

	if (account->ac_told & 1u << kind)
		return;
	account->ac_told |= 1u << kind;
	snprintf(text, sizeof text,
		 "pid %" PRId32 " of uid %" PRIu32 " holds %" PRIu64 " of the %" PRIu64
		 " of its user and gets no more: %s=",
		 account->ac_pid, user->u_uid, account->ac_held[kind], user->u_held[kind],
		 machd_limit_at((uint32_t)ipc_user_limit(kind))->key);
	host->h_outbox->warn(host->h_outbox->context, text);
}

static void hold(struct ipc_account *account, enum ipc_charge kind, uint64_t amount)
{
	account->ac_held[kind] += amount;
	if (account->ac_held[kind] > account->ac_peak[kind])
		account->ac_peak[kind] = account->ac_held[kind];
}

static bool share_fits(const struct ipc_host *host, const struct ipc_account *account,
		       enum ipc_charge kind, uint64_t amount)
{
	return ipc_share_fits(account->ac_held[kind], account->ac_user->u_held[kind],
			      ipc_user_limit_value(host, kind), host->h_limits.task_share, amount);
}

bool ipc_account_fits(const struct ipc_host *host, const struct ipc_account *account,
		      enum ipc_charge kind, uint64_t amount)
{
	return share_fits(host, account, kind, amount) &&
	       ipc_user_fits(host, account->ac_user, kind, amount);
}

bool ipc_account_charge(struct ipc_host *host, struct ipc_account *account, enum ipc_charge kind,
			uint64_t amount)
{
	struct ipc_user *user = account->ac_user;
	bool fits = share_fits(host, account, kind, amount);

	if (!fits)
		tell(host, account, kind);
	if (!fits || !ipc_user_charge(host, user, kind, amount)) {
		account->ac_refused++;
		return false;
	}
	hold(account, kind, amount);
	return true;
}

void ipc_account_charge_always(struct ipc_account *account, enum ipc_charge kind, uint64_t amount)
{
	hold(account, kind, amount);
	ipc_user_charge_always(account->ac_user, kind, amount);
}

void ipc_account_discharge(struct ipc_account *account, enum ipc_charge kind, uint64_t amount)
{
	assert(account->ac_held[kind] >= amount);
	account->ac_held[kind] -= amount;
	if (account->ac_held[kind] < account->ac_peak[kind] / 2)
		account->ac_told &= ~(1u << kind);
	ipc_user_discharge(account->ac_user, kind, amount);
}
