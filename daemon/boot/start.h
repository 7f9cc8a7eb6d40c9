/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starting what provides a declared name. The first look-up or message while nobody has checked in
 * asks for it. The outbox is told once; then either somebody checks in, or an input says that
 * nobody will. Then, as when it would be started too often, the port ends with its queue: senders'
 * reply rights produce send-once notifications, their send rights become dead names. The next
 * look-up begins anew, with another port.
 *
 * Of a name that nothing starts, the port waits as long for whoever brings the service back. Of one
 * that was created and is not declared, it waits without end.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct boot_service;
struct ipc_host;
struct ipc_port;

/* The name of this port that is kept, or NULL. */
struct boot_service *boot_kept(const struct ipc_port *port);

/* Somebody waits for what is behind a port that is with the daemon (h_service_wanted). */
void boot_service_wanted(struct ipc_host *host, struct ipc_port *port);

/* Start what is wanted: the last thing of an input but for its clearing away. */
void boot_start_wanted(struct ipc_host *host);

/* Its port came back: is it to be started, or waited for, at once? */
bool boot_start_due(const struct ipc_host *host, const struct boot_service *service);

/* May it be started now? It may not if it was too often, or if nothing starts it. */
bool boot_start_allowed(const struct ipc_host *host, const struct boot_service *service);

/* Nothing is wanted of it any more, or it has what was wanted. */
void boot_start_over(struct ipc_host *host, struct boot_service *service, bool checked_in);

/* A start ended without a check-in; `why` may be "". An id that is over is no matter any more. */
void boot_start_ended(struct ipc_host *host, uint64_t id, const char *why);
