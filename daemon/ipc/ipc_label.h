/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Labels: the name and domain that a service port was made with [16.5]. The connection ports made
 * for that service have the same label. Message filters go by it.
 */
#pragma once

#include "daemon/ipc/ipc_types.h"

/* In this domain are the services of bootstrap servers; their ids have a meaning of their own. */
#define IPC_LABEL_BOOTSTRAP 7

struct ipc_label {
	uint32_t l_refs;
	struct mach_service_port_info l_info;
	struct ipc_account *l_account; /* who pays */
	uint64_t l_owner;	       /* id of the task that made the service */
	uint64_t l_guard;	       /* of the receive right when that task gave it away */
	bool l_guarded;		       /* it was under a strict guard then */
	bool l_returning; /* the right is coming back, by a port-destroyed notification */
};

/* NULL: no memory, or the task's user is at its limit of ports. One reference. */
struct ipc_label *ipc_label_create(struct ipc_host *host, const struct ipc_task *owner,
				   const struct mach_service_port_info *info);

struct ipc_label *ipc_label_ref(struct ipc_label *label);
void ipc_label_release(struct ipc_label *label); /* NULL passes */

/*
 * The receive right of a service port leaves a space, or arrives in one. To its owner, and only
 * when nobody else has it any more, it comes back as it went: under its guard.
 */
void ipc_label_leaves(const struct ipc_port *port);
void ipc_label_arrives(struct ipc_port *port);
