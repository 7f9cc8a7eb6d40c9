/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an administrator has decided about tasks, by the uid of their processes, and about the
 * messages that some of them may send (machd.conf, [policy] and [filter]). It is part of what the
 * state machine starts from, and of a record: plain bytes, no pointers, no holes, and what is not
 * used is 0.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IPC_POLICY_UIDS	 62
#define IPC_POLICY_RULES 64
#define IPC_POLICY_NAME	 256

/* All uids, or some. */
struct ipc_uids {
	uint32_t us_all; /* 1: all, and the list does not matter */
	uint32_t us_count;
	uint32_t us_uid[IPC_POLICY_UIDS];
};

/* Ids of messages that may be sent to a service; a service may have several rules. */
struct ipc_filter_rule {
	char fr_service[IPC_POLICY_NAME]; /* "*": every one that has no rule of its own */
	uint32_t fr_first, fr_last;	  /* none, if the first is larger */
};

struct ipc_policy {
	struct ipc_uids p_hardened; /* whose reply ports are marked [17.1] */
	struct ipc_uids p_filtered; /* whose messages are filtered [16.4] */
	uint32_t p_strict_reply;    /* 1: MACH_MSG_STRICT_REPLY has an effect [17.4] */
	uint32_t p_service_defense; /* 1: service ports are for who may make them [16.5] */
	uint32_t p_rule_count;
	struct ipc_filter_rule p_rules[IPC_POLICY_RULES];
};

/* Bytes of a policy that are used, from its beginning. */
size_t ipc_policy_size(const struct ipc_policy *policy);

/* The bytes of a policy up to its rules make sense; and those of its rules. */
bool ipc_policy_head_good(const struct ipc_policy *policy);
bool ipc_policy_rules_good(const struct ipc_policy *policy);

/* Do the bytes make sense? */
bool ipc_uids_good(const struct ipc_uids *uids);

bool ipc_uids_have(const struct ipc_uids *uids, uint32_t uid);

/*
 * The number, from 1 on, of the first rule for this service, or of that for all others; 0: there is
 * none. `service` may be NULL: a port of no service.
 */
uint32_t ipc_policy_rule(const struct ipc_policy *policy, const char *service);

/* May a filtered task send a message with this id there? Where no rule is, everything may go. */
bool ipc_policy_allows(const struct ipc_policy *policy, const char *service, uint32_t id);
