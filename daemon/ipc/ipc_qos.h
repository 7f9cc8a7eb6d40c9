/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Quality of service [18]. At copyin a message gets a priority, which never changes, and an
 * override, which later messages raise: their receiver must first deal with this one. Queues stay
 * first in, first out.
 *
 * Priorities are words in the form of pthread_priority_t: a bit for the QoS, and a byte for the
 * priority relative to it. Senders that wait for a slot are ordered by QoS [12.2].
 */
#pragma once

#include "daemon/base/list.h"
#include "daemon/ipc/ipc_types.h"

/* QoS of a pthread_priority_t; MACH_MSG_QOS_UNSPECIFIED if it has none. */
mach_msg_qos_t ipc_qos_of(uint32_t priority);

/* The override that mach_msg's priority argument asks for beside the message's own QoS. */
mach_msg_qos_t ipc_qos_override(mach_msg_priority_t argument);

/* Stamp a message that is being copied in, as the options of its send say. */
void ipc_kmsg_set_qos(struct ipc_kmsg *kmsg, const struct ipc_msg_args *args);

/*
 * Put a message at the end of a queue and carry its override towards the head, until a message has
 * one as high. True if the head's override is new. What a queue holds is raised at most once for
 * each QoS there is, so all sends together pay no more than that for each message.
 */
bool ipc_qos_enqueue(struct list *queue, struct ipc_kmsg *kmsg);

/* The override of the head of a queue; MACH_MSG_QOS_UNSPECIFIED for an empty one. */
mach_msg_qos_t ipc_qos_of_head(const struct list *queue);

/* Raise the override of the head of a queue. True if it is new. */
bool ipc_qos_raise_head(struct list *queue, mach_msg_qos_t qos);

/*
 * Senders that wait for a slot of one queue, as a list: it has the first of each QoS, the highest
 * first, and each of them leads the rest of its QoS in th_followers, first in first out. So it is
 * never longer than there are QoS, and nobody has to be passed who waits for the same.
 */
void ipc_senders_add(struct list *senders, struct ipc_thread *thread, mach_msg_qos_t qos);

/* How many wait. */
uint32_t ipc_senders_count(const struct list *senders);

/* The sender that gets the next slot, or NULL. */
struct ipc_thread *ipc_senders_first(const struct list *senders);

/* Take a waiting thread off; on any other list than that of senders it leads nobody. */
void ipc_senders_remove(struct ipc_thread *thread);
