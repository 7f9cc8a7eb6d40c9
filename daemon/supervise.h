/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What machd tells the service manager that started it: that it is ready, reads its configuration,
 * stops; that the loop still runs; and one line about what it does, for `systemctl status`. Nothing
 * is said, and no timer runs, if nobody listens. A manager that hangs is not waited for: of what it
 * has no room to hear only that machd is ready is said again.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <uv.h>

struct gate;

struct supervise {
	struct gate *gate;
	bool silent;		    /* nobody listens */
	int fd;			    /* from here */
	struct sockaddr_un manager; /* to there */
	socklen_t manager_size;
	uv_timer_t again;	     /* runs while it has not heard that we are ready */
	uv_timer_t watchdog;	     /* runs if the manager wants to hear from the loop */
	uv_timer_t status;	     /* runs while the line below is not true any more */
	uint64_t tasks, ports, sent; /* what the line told of, and messages sent until then */
	uint64_t rate, since;	     /* messages per second; when that was, ns */
};

/* To be called once, with a gate that was started. `silent`: never say anything. */
void supervise_start(struct supervise *supervise, struct gate *gate, bool silent);

/* Clients can connect. */
void supervise_ready(struct supervise *supervise);

/* The configuration is about to be read again; supervise_ready() when that is done. */
void supervise_reloading(const struct supervise *supervise);

/* The end has begun. The handles are closed when the loop has run once more. */
void supervise_stop(struct supervise *supervise);
