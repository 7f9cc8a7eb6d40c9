/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is in an audit token, by name: the one in a message's trailer says who sent it. Words of a
 * token are not to be counted elsewhere.
 */
#pragma once

#include <mach/message.h>
#include <sys/types.h>

typedef pid_t au_asid_t; /* an audit session; 0 */

typedef struct au_tid {
	uint32_t port;
	uint32_t machine;
} au_tid_t;

/* The user who logged in; machd has it from the process's effective user. */
static inline uid_t audit_token_to_auid(audit_token_t token)
{
	return token.val[0];
}

static inline uid_t audit_token_to_euid(audit_token_t token)
{
	return token.val[1];
}

static inline gid_t audit_token_to_egid(audit_token_t token)
{
	return token.val[2];
}

static inline uid_t audit_token_to_ruid(audit_token_t token)
{
	return token.val[3];
}

static inline gid_t audit_token_to_rgid(audit_token_t token)
{
	return token.val[4];
}

static inline pid_t audit_token_to_pid(audit_token_t token)
{
	return (pid_t)token.val[5];
}

static inline au_asid_t audit_token_to_asid(audit_token_t token)
{
	return (au_asid_t)token.val[6];
}

/* Differs between two processes that had the same pid one after the other. */
static inline int audit_token_to_pidversion(audit_token_t token)
{
	return (int)token.val[7];
}

/* All at once; what is not wanted may be NULL. There are no terminals: `tid` is zero. */
static inline void audit_token_to_au32(audit_token_t token, uid_t *auid, uid_t *euid, gid_t *egid,
				       uid_t *ruid, gid_t *rgid, pid_t *pid, au_asid_t *asid,
				       au_tid_t *tid)
{
	if (auid)
		*auid = audit_token_to_auid(token);
	if (euid)
		*euid = audit_token_to_euid(token);
	if (egid)
		*egid = audit_token_to_egid(token);
	if (ruid)
		*ruid = audit_token_to_ruid(token);
	if (rgid)
		*rgid = audit_token_to_rgid(token);
	if (pid)
		*pid = audit_token_to_pid(token);
	if (asid)
		*asid = audit_token_to_asid(token);
	if (tid)
		tid->port = tid->machine = 0;
}
