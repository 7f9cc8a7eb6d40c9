/* SPDX-License-Identifier: Apache-2.0 */
/* What starts a service: the part of a rule of services.d that only the io layer has to know. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/boot/policy.h"

#define PLAN_WORDS_SIZE 2048
#define PLAN_WORDS_MAX	64
#define PLAN_NAME_SIZE	64
#define PLAN_HOME_SIZE	256

struct plan {
	char service[MACHD_SERVICE_NAME_MAX + 1];
	uint32_t start; /* enum boot_start */
	char unit[IPC_IDENTITY_UNIT];
	char words[PLAN_WORDS_SIZE]; /* of a command, each with its zero */
	unsigned word_count;
	size_t words_used;
	bool other_user; /* it runs as another user than the daemon: */
	uint32_t uid, gid;
	char user[PLAN_NAME_SIZE], home[PLAN_HOME_SIZE];
};

/* Plans by service, in the order of strcmp(). */
struct plans {
	struct plan *plans;
	size_t count;
};

/* The plan for a service, or NULL. */
const struct plan *plans_find(const struct plans *plans, const char *service);
