/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may own and look up service names, as machd.conf's [names] and the files of services.d say
 * (machd-services(5)). The state machine starts with a policy and may get another as an input. It
 * is part of a record: plain bytes, no padding, and unused bytes are 0.
 *
 * A rule is for one name or for a prefix: "org.example.*". The rule for the exact name has
 * precedence, then the one with the longest prefix.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/ipc/ipc_identity.h"
#include "daemon/ipc/ipc_policy.h"
#include "protocol/limits.h"
#include "protocol/watch.h"

struct ipc_host;
struct ipc_task;

#define BOOT_POLICY_RULES 1024
#define BOOT_POLICY_IDS	  16
#define BOOT_POLICY_FILE  256

/* A set of processes: those of a listed user, in a listed group, or in the unit. */
struct boot_who {
	uint32_t bw_all;     /* 1: everybody */
	uint32_t bw_default; /* 1: nothing is listed: root and the daemon's uid */
	uint32_t bw_user_count, bw_group_count;
	uint32_t bw_users[BOOT_POLICY_IDS];
	uint32_t bw_groups[BOOT_POLICY_IDS];
	/* The lines of the file that say so; 0: none. */
	uint32_t bw_users_line, bw_groups_line, bw_unit_line;
	uint32_t bw_reserved;
	char bw_unit[IPC_IDENTITY_UNIT]; /* or "" */
};

/* What to do when nobody has checked in. */
enum boot_start {
	BOOT_START_NEVER,
	BOOT_START_UNIT,    /* systemd starts a unit */
	BOOT_START_COMMAND, /* machd starts a command */
};

struct boot_rule {
	char br_service[MACHD_SERVICE_NAME_MAX + 1];
	char br_file[BOOT_POLICY_FILE];
	uint32_t br_line; /* where the rule begins */
	uint32_t br_start;
	struct boot_who br_own;	    /* check it in, register it */
	struct boot_who br_look_up; /* look it up */
	uint64_t br_timeout;	    /* ns from a start to the check-in */
	uint64_t br_interval;	    /* ns, in which it may be started */
	uint32_t br_burst;	    /* this many times */
	uint32_t br_reserved;
};

struct boot_policy_head {
	struct ipc_uids bh_register; /* who may own names without a rule */
	uint32_t bh_line;	     /* of Register=; 0: it is not set */
	uint32_t bh_count;	     /* of rules */
	char bh_file[BOOT_POLICY_FILE];
};

struct boot_policy {
	struct boot_policy_head bp_head;
	struct boot_rule *bp_rules; /* by name; no two have the same */
};

_Static_assert(sizeof(struct boot_who) == 32 + 8 * BOOT_POLICY_IDS + IPC_IDENTITY_UNIT,
	       "record layout");
_Static_assert(sizeof(struct boot_rule) ==
		       MACHD_SERVICE_NAME_MAX + 33 + BOOT_POLICY_FILE + 2 * sizeof(struct boot_who),
	       "record layout");

/* No rules, and everybody may own names. */
void boot_policy_init(struct boot_policy *policy);

/* Bytes of the rules. */
size_t boot_policy_rules_size(const struct boot_policy *policy);

/* Do the bytes of the head make sense; and those of the rules? */
bool boot_policy_head_good(const struct boot_policy_head *head);
bool boot_policy_rules_good(const struct boot_policy *policy);

/* Let `to` have what `from` has; false without memory, and nothing was changed. */
bool boot_policy_copy(struct boot_policy *to, const struct boot_policy *from);
void boot_policy_free(struct boot_policy *policy);

/* The rule for this very name, or NULL: the name is a declared one, whose port machd keeps. */
const struct boot_rule *boot_policy_declares(const struct boot_policy *policy, const char *name);

/* A decision, and the line that it is from. */
struct boot_verdict {
	bool bv_allowed;
	enum machd_policy_why bv_why;
	const char *bv_file; /* NULL: none */
	uint32_t bv_line;
};

/* May the task check in or register this name? */
struct boot_verdict boot_policy_own(const struct ipc_host *host, const struct ipc_task *task,
				    const char *name);

/*
 * May it look the name up? `owner`: the uid of the name's owner, for names without a rule; NULL if
 * nobody owns it.
 */
struct boot_verdict boot_policy_look_up(const struct ipc_host *host, const struct ipc_task *task,
					const char *name, const uint32_t *owner);
