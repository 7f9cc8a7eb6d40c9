/* SPDX-License-Identifier: Apache-2.0 */
/*
 * systemd's manager, asked over D-Bus to start units; nothing waits for it. The connection is made
 * with the first unit, and again after it was lost. Whose manager: that of the system, or the
 * user's own; DBUS_SYSTEM_BUS_ADDRESS and DBUS_SESSION_BUS_ADDRESS say where.
 */
#pragma once

#include <stdbool.h>
#include <systemd/sd-bus.h>
#include <uv.h>

#include "daemon/base/list.h"
#include "daemon/io/event.h"

struct manager {
	struct events *events;
	bool user;	    /* the user's own manager; may be set before the first unit */
	sd_bus *bus;	    /* NULL: not connected */
	struct list jobs;   /* under way */
	struct event event; /* of the bus */
	uv_timer_t timer;   /* for the next thing that the bus has to do by itself */
};

/* A unit being started; the caller's. Zeroed is one that is not under way. */
struct manager_job {
	struct list link;
	struct manager *manager; /* NULL: not under way */
	bool started;		 /* the job is done, and the unit watched */
	sd_bus_slot *call;	 /* what the manager was asked last and has not answered */
	char *path;		 /* its name for the job, and then for the unit */
	sd_bus_slot *changes;	 /* of the unit, from then on */
	void (*ended)(struct manager_job *job, const char *why);
};

void manager_init(struct manager *manager, uv_loop_t *loop, struct events *events);

/* The connection is closed; the timer is when the loop has run once more. */
void manager_stop(struct manager *manager);

/*
 * Ask for a unit. `ended` is called once, later, unless the job is forgotten before: when systemd
 * cannot start it, or has started it and it has ended; `why` says what went wrong. If systemd does
 * not say any more how the unit does, it is not called. 0, or an errno; then it is not called
 * either.
 */
int manager_start_unit(struct manager *manager, struct manager_job *job, const char *unit,
		       void (*ended)(struct manager_job *job, const char *why));

/* It does not matter any more what becomes of the unit. */
void manager_forget(struct manager_job *job);
