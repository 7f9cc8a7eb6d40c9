/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starts of services: what the outbox's start() asks for is tried, and what comes of it is fed back
 * as TRAP_START: a command that cannot be executed, fails, or has ended with all that it has
 * started; a unit that systemd cannot start or that has ended; or that nobody has checked in by the
 * deadline. The machine says when a start is over (started()); a command that has not checked in
 * gets SIGTERM then, with all that it has started, and SIGKILL if it goes on: or each time that it
 * is wanted would leave one more.
 */
#pragma once

#include <uv.h>

#include "daemon/base/list.h"
#include "daemon/io/manager.h"
#include "daemon/io/plan.h"

struct gate;

struct activator {
	struct gate *gate;
	const struct plans *plans; /* NULL: none */
	const char *socket;	   /* for the commands: MACHD_SOCKET */
	uint64_t patience;	   /* ms from SIGTERM to SIGKILL */
	struct list starts;	   /* activate.c's own, from here on */
	struct manager manager;
	uv_timer_t again; /* runs while there are lost ones */
	uint64_t lost[BOOT_POLICY_RULES];
	unsigned lost_count; /* starts that there was no memory for */
};

/* `plans`, `socket`, `patience` and `manager.user` may be set from then on. */
void activator_init(struct activator *activator, struct gate *gate);

/* The outbox's calls. */
void activator_start(struct activator *activator, uint64_t id, const char *service,
		     uint64_t deadline);
void activator_started(struct activator *activator, uint64_t id, bool checked_in);

/* Commands get SIGTERM; handles are closed when the loop has run once more. */
void activator_stop(struct activator *activator);
