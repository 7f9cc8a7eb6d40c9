/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Importance [5.2, 20]: who serves an important task is important as long as it does.
 *
 * A task donates if it was made a donor or is boosted itself. What it sends to a port that accepts
 * importance carries a boost (MACH_MSGH_BITS_RAISEIMP) while it does (ipc_source.h); if it hands
 * the right to reply on that made it important, the boost goes with that. It is counted at one
 * place at a time, from the send to the reply:
 *
 *   in the message     at its port (ip_boosts), and so at the task that has the receive right, or
 *                      that of the port in whose queue it is, and so on (ipc_transit.h)
 *   received           at the task, with the send-once right to reply to, until that right goes;
 *                      a message without one is no boost any more
 *   in a voucher       at the task, if it wanted one instead (ipc_inherit.h)
 *   held               at the task (t_held), if it asked for that, until it says it is done
 *
 * A port with a temporary owner (MACH_PORT_TEMPOWNER) boosts nobody until it has moved. What came
 * of it is told through the outbox when an input is done, for tasks that are boosted now and were
 * not before, or the other way round.
 */
#pragma once

#include "daemon/ipc/ipc_types.h"

/* Boosts of a task, more or fewer; NULL: it is gone, and nobody counts any more. */
void ipc_importance_count_task(struct ipc_host *host, struct ipc_task *task, int64_t delta);

/* One boost more or less for a port. */
void ipc_importance_count_port(struct ipc_host *host, struct ipc_port *port, int delta);

/* Boosts of a port and of those in its queue. */
uint32_t ipc_importance_of(const struct ipc_port *port);

/* Does what the task sends carry a boost? */
bool ipc_importance_donates(const struct ipc_task *task);

/* Make a task a donor. KERN_RESOURCE_SHORTAGE: its user has as many as it may. */
kern_return_t ipc_importance_donate(struct ipc_host *host, struct ipc_task *task);

/*
 * A message of that task goes to its destination: it boosts that while the task is important. No
 * donation is a message of a task that is not, and has never had a port that accepts importance.
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

/* An entry is not the right any more that it was. */
void ipc_importance_entry_gone(struct ipc_host *host, struct ipc_space *space,
			       struct ipc_entry *entry);

/*
 * One more assertion for the task that received the message with this right to reply, and one less.
 * KERN_INVALID_RIGHT: no boost came with it. KERN_FAILURE: there is none.
 */
kern_return_t ipc_importance_hold(struct ipc_host *host, struct ipc_task *task,
				  mach_port_name_t reply);
kern_return_t ipc_importance_drop(struct ipc_host *host, struct ipc_task *task);

/* The port accepts importance from now on, for nobody yet if its owner is temporary. */
void ipc_importance_accept(struct ipc_host *host, struct ipc_port *port, bool temporary);

/*
 * A donor cannot send and wants to hear when it can: the first one that asks boosts the port until
 * everybody who asked was told [14.3].
 */
void ipc_importance_arm(struct ipc_host *host, struct ipc_port *port);
void ipc_importance_disarm(struct ipc_host *host, struct ipc_port *port);

/* The receive right was put into a space or into a message, or is about to be taken out. */
void ipc_importance_arrived(struct ipc_host *host, struct ipc_port *port);
void ipc_importance_leaves(struct ipc_host *host, struct ipc_port *port);

/* The task ends, with all its boosts. */
void ipc_importance_end(struct ipc_host *host, struct ipc_task *task);

/* Tell what has changed during this input. */
void ipc_importance_tell(struct ipc_host *host);
