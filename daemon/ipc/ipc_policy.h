/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an administrator has decided about tasks, by the uid of their processes (machd.conf,
 * [policy]). It is part of what the state machine starts from, and of a record: plain bytes, no
 * pointers, no holes.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define IPC_POLICY_UIDS 62

/* All uids, or some. */
struct ipc_uids {
	uint32_t us_all; /* 1: all, and the list does not matter */
	uint32_t us_count;
	uint32_t us_uid[IPC_POLICY_UIDS];
};

struct ipc_policy {
	struct ipc_uids p_hardened; /* whose reply ports are marked [17.1] */
	uint32_t p_strict_reply;    /* 1: MACH_MSG_STRICT_REPLY has an effect [17.4] */
};

static inline bool ipc_uids_have(const struct ipc_uids *uids, uint32_t uid)
{
	for (uint32_t i = 0; i < uids->us_count; i++)
		if (uids->us_uid[i] == uid)
			return true;
	return uids->us_all;
}

/* The bytes of a policy make sense; what is not used is 0. */
static inline bool ipc_uids_good(const struct ipc_uids *uids)
{
	uint32_t rest = 0;

	for (uint32_t i = uids->us_count; i < IPC_POLICY_UIDS; i++)
		rest |= uids->us_uid[i];
	return uids->us_all <= 1 && uids->us_count <= IPC_POLICY_UIDS && rest == 0;
}

static inline bool ipc_policy_good(const struct ipc_policy *policy)
{
	return ipc_uids_good(&policy->p_hardened) && policy->p_strict_reply <= 1;
}
