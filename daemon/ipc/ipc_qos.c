/* SPDX-License-Identifier: Apache-2.0 */
/* The QoS of messages, and the order of those who wait to send one. */
#include "daemon/ipc/ipc_qos.h"

#include "daemon/ipc/ipc_kmsg.h"
#include "daemon/ipc/ipc_port.h"
#include "daemon/ipc/ipc_thread.h"
#include "daemon/ipc/ipc_voucher.h"

/* Of a pthread_priority_t: where its QoS bits are, and those of a word that has no QoS at all. */
#define QOS_SHIFT     8
#define QOS_BITS      ((1U << MACH_MSG_QOS_LAST) - 1)
#define RELATIVE_MASK 0xffU
#define SCHED_PRI     0x20000000U
#define MEANT	      (QOS_BITS << QOS_SHIFT | RELATIVE_MASK)

/* At most the highest QoS, whatever the four bits of a word say. */
static mach_msg_qos_t bounded(mach_msg_qos_t qos)
{
	return qos < MACH_MSG_QOS_LAST ? qos : MACH_MSG_QOS_LAST;
}

mach_msg_qos_t ipc_qos_of(uint32_t priority)
{
	if (priority & SCHED_PRI)
		return MACH_MSG_QOS_UNSPECIFIED;
	return (mach_msg_qos_t)__builtin_ffs((int)(priority >> QOS_SHIFT & QOS_BITS));
}

/* The word for a QoS and a relative priority of 0 to -15; 0 for a QoS that is none. */
static uint32_t priority_of(mach_msg_qos_t qos, int relative)
{
	if (qos == MACH_MSG_QOS_UNSPECIFIED || qos > MACH_MSG_QOS_LAST)
		return MACH_MSG_PRIORITY_UNSPECIFIED;
	return 1U << (QOS_SHIFT + qos - 1) | ((uint32_t)(relative - 1) & RELATIVE_MASK);
}

mach_msg_qos_t ipc_qos_override(mach_msg_priority_t argument)
{
	if (mach_msg_priority_is_pthread_priority(argument))
		return ipc_qos_of(argument);
	return bounded(mach_msg_priority_overide_qos(argument));
}

/* A priority word from a client, reduced to the bits that have a meaning. */
static uint32_t without_flags(uint32_t priority)
{
	return ipc_qos_of(priority) ? priority & MEANT : MACH_MSG_PRIORITY_UNSPECIFIED;
}

static mach_msg_qos_t higher(mach_msg_qos_t a, mach_msg_qos_t b)
{
	return a > b ? a : b;
}

/* The priority of the voucher that the message carries, if that names one. */
static uint32_t from_voucher(const struct ipc_kmsg *kmsg)
{
	const struct ipc_port *port = kmsg->ikm_header.ikm_voucher;

	return port ? ipc_voucher_priority(port->ip_voucher) : MACH_MSG_PRIORITY_UNSPECIFIED;
}

void ipc_kmsg_set_qos(struct ipc_kmsg *kmsg, const struct ipc_msg_args *args)
{
	mach_msg_priority_t argument = args->a_priority;
	bool override = args->a_option & MACH_SEND_OVERRIDE;
	uint32_t priority = from_voucher(kmsg);

	if (override && !mach_msg_priority_is_pthread_priority(argument))
		priority = priority_of(mach_msg_priority_qos(argument),
				       mach_msg_priority_relpri(argument));
	else if (!priority && (args->a_option & MACH_SEND_PROPAGATE_QOS))
		priority = without_flags(args->a_thread_priority);
	kmsg->ikm_header.ikm_priority = priority;
	kmsg->ikm_override = ipc_qos_of(priority);
	if (override)
		kmsg->ikm_override = higher(kmsg->ikm_override, ipc_qos_override(argument));
}

static struct ipc_kmsg *kmsg_of(struct list *node)
{
	return list_entry(node, struct ipc_kmsg, ikm_work.w_link);
}

bool ipc_qos_enqueue(struct list *queue, struct ipc_kmsg *kmsg)
{
	struct list *node = queue->prev;

	list_append(queue, &kmsg->ikm_work.w_link);
	for (; node != queue; node = node->prev) {
		if (kmsg->ikm_override <= kmsg_of(node)->ikm_override)
			return false;
		kmsg_of(node)->ikm_override = kmsg->ikm_override;
	}
	return true;
}

mach_msg_qos_t ipc_qos_of_head(const struct list *queue)
{
	return list_empty(queue) ? MACH_MSG_QOS_UNSPECIFIED : kmsg_of(queue->next)->ikm_override;
}

bool ipc_qos_raise_head(struct list *queue, mach_msg_qos_t qos)
{
	if (list_empty(queue) || ipc_qos_of_head(queue) >= qos)
		return false;
	kmsg_of(queue->next)->ikm_override = qos;
	return true;
}

void ipc_senders_add(struct list *senders, struct ipc_thread *thread, mach_msg_qos_t qos)
{
	struct list *node = senders->next;
	struct ipc_thread *leader = NULL;

	thread->th_qos = qos;
	for (; node != senders; node = node->next) {
		leader = list_entry(node, struct ipc_thread, th_link);
		if (leader->th_qos <= qos)
			break;
	}
	if (node != senders && leader->th_qos == qos)
		list_append(&leader->th_followers, &thread->th_link);
	else
		list_insert_before(node, &thread->th_link);
}

uint32_t ipc_senders_count(const struct list *senders)
{
	uint32_t count = 0;

	LIST_FOR_EACH (node, senders) {
		count++;
		LIST_FOR_EACH (follower,
			       &list_entry(node, struct ipc_thread, th_link)->th_followers)
			count++;
	}
	return count;
}

struct ipc_thread *ipc_senders_first(const struct list *senders)
{
	return list_first(senders, struct ipc_thread, th_link);
}

void ipc_senders_remove(struct ipc_thread *thread)
{
	struct ipc_thread *next = list_first(&thread->th_followers, struct ipc_thread, th_link);

	if (next) {
		list_remove(&next->th_link);
		list_insert_before(&thread->th_link, &next->th_link);
		list_splice(&next->th_followers, &thread->th_followers);
	}
	list_remove(&thread->th_link);
}
