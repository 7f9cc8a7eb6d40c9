/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starts the providers of declared names. The first look-up or message while nobody has checked in
 * causes a start: outbox->start() is called once. Then either a task checks in, or TRAP_START says
 * that none will. In that case, or if the rate of starts is over its limit, the port is destroyed
 * with its queue: senders' reply rights produce send-once notifications, send rights become dead
 * names. The next look-up begins again, with another port.
 *
 * The port of a declared name that nothing starts is kept as long as a start may take, for a task
 * that checks in again. The port of a created name is kept without limit.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct boot_service;
struct ipc_host;
struct ipc_port;

/* The name of this port that is kept, or NULL. */
struct boot_service *boot_kept(const struct ipc_port *port);

/* A message was queued on a port kept by the daemon (o_service_wanted). */
void boot_service_wanted(struct ipc_host *host, struct ipc_port *port);

/* Start the services that are wanted, at the end of an input. */
void boot_start_wanted(struct ipc_host *host);

/* Its port came back: must it be started, or waited for, at once? */
bool boot_start_due(const struct ipc_host *host, const struct boot_service *service);

/* May it be started now? Not if it was started too often, or if nothing starts it. */
bool boot_start_allowed(const struct ipc_host *host, const struct boot_service *service);

/* End a start: the service has checked in, or is no longer wanted. */
void boot_start_over(struct ipc_host *host, struct boot_service *service, bool checked_in);

/* TRAP_START: a start failed; `why` may be "". Does nothing if that start is over. */
void boot_start_ended(struct ipc_host *host, uint64_t id, const char *why);
