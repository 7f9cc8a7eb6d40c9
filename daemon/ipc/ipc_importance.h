/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Importance [5.2, 20]: a task that serves an important task is important meanwhile.
 *
 * A task donates if it was made a donor or is boosted itself. While it does (ipc_source.h), what it
 * sends to a port that accepts importance carries a boost (MACH_MSGH_BITS_RAISEIMP). If it passes
 * on the send-once right that made it important, that boost goes along. A boost is counted at one
 * place at a time, from the send to the reply:
 *
 *   in the message     at its port (ip_boosts), and so at the task that has the receive right, or
 *                      that of the port in whose queue it is, and so on (ipc_transit.h)
 *   received           at the task, with the send-once right to reply to, until that right goes;
 *                      without such a right the boost ends
 *   in a voucher       at the task, if it wanted one instead (ipc_inherit.h)
 *   held               at the task (t_held), if it asked for that, until it drops it
 *
 * A port with a temporary owner (MACH_PORT_TEMPOWNER) boosts nobody until it has moved. At the end
 * of an input the outbox is told which tasks became boosted or ceased to be.
 */
#pragma once

#include "daemon/ipc/ipc_types.h"

/* Change a task's count of boosts; does nothing for NULL (the task is gone). */
void ipc_importance_count_task(struct ipc_host *host, struct ipc_task *task, int64_t delta);

/* Change a port's count of boosts. */
void ipc_importance_count_port(struct ipc_host *host, struct ipc_port *port, int delta);

/* Boosts of a port and of those in its queue. */
uint32_t ipc_importance_of(const struct ipc_port *port);

/* Does what the task sends carry a boost? */
bool ipc_importance_donates(const struct ipc_task *task);

/* Make a task a donor. KERN_RESOURCE_SHORTAGE: its user has as many as it may. */
kern_return_t ipc_importance_donate(struct ipc_host *host, struct ipc_task *task);

/*
 * A message of that task goes to its destination: make it a donation, unless the task is not
 * important and can never become so because it has had no port that accepts importance.
 */
void ipc_importance_send(struct ipc_host *host, const struct ipc_task *sender,
			 struct ipc_kmsg *kmsg);

/* A message will not be received, or not yet: take its boost back. */
void ipc_importance_clean(struct ipc_host *host, struct ipc_kmsg *kmsg);

/*
 * A task has received a message, with the right to reply under that name. True if the boost is with
 * that name now; otherwise it is gone.
 */
bool ipc_importance_receive(struct ipc_host *host, struct ipc_space *space, struct ipc_kmsg *kmsg,
			    mach_port_name_t reply);

/* The right of an entry goes: end the boost that it holds. */
void ipc_importance_entry_gone(struct ipc_host *host, struct ipc_space *space,
			       struct ipc_entry *entry);

/*
 * Hold a boost, for the task that received the message with this reply right, or drop one that is
 * held. KERN_INVALID_RIGHT: no boost came with that right. KERN_FAILURE: none is held.
 */
kern_return_t ipc_importance_hold(struct ipc_host *host, struct ipc_task *task,
				  mach_port_name_t reply);
kern_return_t ipc_importance_drop(struct ipc_host *host, struct ipc_task *task);

/* The port accepts importance from now on, for nobody yet if its owner is temporary. */
void ipc_importance_accept(struct ipc_host *host, struct ipc_port *port, bool temporary);

/*
 * A donating sender has armed a send-possible request: the first such request boosts the port until
 * all of them have fired [14.3].
 */
void ipc_importance_arm(struct ipc_host *host, struct ipc_port *port);
void ipc_importance_disarm(struct ipc_host *host, struct ipc_port *port);

/* The receive right was put into a space or into a message, or is about to be taken out. */
void ipc_importance_arrived(struct ipc_host *host, struct ipc_port *port);
void ipc_importance_leaves(struct ipc_host *host, struct ipc_port *port);

/* The task ends, with all its boosts. */
void ipc_importance_end(struct ipc_host *host, struct ipc_task *task);

/* Tell the outbox what has changed during this input. */
void ipc_importance_tell(struct ipc_host *host);
