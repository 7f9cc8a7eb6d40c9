/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bootstrap registry: service names and the ports behind them. It holds a send right to each; a
 * name is free again when its port dies.
 */
#pragma once

#include "daemon/base/hash.h"
#include "daemon/ipc/ipc_types.h"
#include "protocol/limits.h"

struct boot_service {
	char s_name[MACHD_SERVICE_NAME_MAX + 1];
	struct ipc_port *s_port;     /* a naked send right */
	struct ipc_user *s_user;     /* whose it is, and who is charged */
	bool s_checked_in;	     /* else registered */
	struct boot_service *s_next; /* another name of the same port */
	UT_hash_handle hh;
};

/* The service of this name, or NULL. */
struct boot_service *boot_find(struct ipc_host *host, const char *name);

/*
 * Enter a name; takes the send right `port` on success. False without memory, or if the task's user
 * has as many names as a limit allows.
 */
bool boot_enter(struct ipc_host *host, const char *name, struct ipc_port *port,
		const struct ipc_task *task, bool checked_in);

/* Give a name up. */
void boot_remove(struct ipc_host *host, struct boot_service *service);

/* A port that has names died: they go (ipc_host's h_service_died). */
void boot_service_died(struct ipc_host *host, struct ipc_port *port);

/* Give all names up: the machine stops. */
void boot_forget_all(struct ipc_host *host);
