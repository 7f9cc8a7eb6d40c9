/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The model's quality of service [18]: what a message is stamped with, whom its override reaches,
 * and in which order blocked senders get slots [12.2].
 */
#include <mach/mach_voucher_types.h>

#include "tests/model/model_private.h"

/* The QoS of a pthread_priority_t: the number of its lowest bit from bit 8 on. */
static uint32_t qos_of(uint32_t priority)
{
	for (uint32_t qos = 1; qos <= MACH_MSG_QOS_LAST && !(priority & 0x20000000); qos++)
		if (priority & 0x80u << qos)
			return qos;
	return 0;
}

/* The override of mach_msg's argument; `raw` if that is a pthread_priority_t. */
static uint32_t override_of(uint32_t argument, bool raw)
{
	uint32_t override = raw ? qos_of(argument) : argument >> 20 & 0xf;

	return override < MACH_MSG_QOS_LAST ? override : MACH_MSG_QOS_LAST;
}

/* The priority that the message's voucher names, or 0. */
static uint32_t of_voucher(const struct m_msg *msg)
{
	const struct m_port *voucher = msg->voucher_right.port;

	return voucher ? voucher->values[MACH_VOUCHER_ATTR_KEY_PTHPRIORITY - 1].word : 0;
}

void m_stamp(const struct model *model, struct m_msg *msg, const struct machd_message_args *args)
{
	uint32_t argument = args->priority, qos = argument >> 16 & 0xf, override = 0;
	bool given = args->option & MACH_SEND_OVERRIDE, raw = (argument & 0xff) == 0xff;

	if (given && !raw) {
		if (qos >= 1 && qos <= MACH_MSG_QOS_LAST)
			msg->priority = 0x80u << qos | (argument >> 8 & 0xff);
	} else if (of_voucher(msg) && model->mutation != MODEL_PRIORITY_UNSAID) {
		msg->priority = of_voucher(msg);
	} else if (args->option & MACH_SEND_PROPAGATE_QOS && qos_of(args->thread_priority)) {
		msg->priority = args->thread_priority & 0x3fff;
	}
	if (given)
		override = override_of(argument, raw);
	msg->override = qos_of(msg->priority);
	if (override > msg->override)
		msg->override = override;
}

void m_raise_queue(const struct model *model, struct m_port *port, const struct m_msg *msg)
{
	struct m_msg *earlier;

	TAILQ_FOREACH (earlier, &port->queue, link)
		if (earlier->override < msg->override && model->mutation != MODEL_OVERRIDE_STAYS)
			earlier->override = msg->override;
}

void m_raise_head(struct m_port *port, const struct machd_message_args *args)
{
	uint32_t override = override_of(args->priority, (args->priority & 0xff) == 0xff);
	struct m_msg *head = TAILQ_FIRST(&port->queue);

	if (args->option & MACH_SEND_OVERRIDE && head && head->override < override)
		head->override = override;
}

void m_queue_sender(struct m_thread *thread)
{
	struct m_threads *senders = &thread->port->senders;
	struct m_thread *other;

	thread->qos = qos_of(thread->args.thread_priority);
	if (thread->msg->override > thread->qos)
		thread->qos = thread->msg->override;
	TAILQ_FOREACH (other, senders, link)
		if (other->qos < thread->qos) {
			TAILQ_INSERT_BEFORE(other, thread, link);
			return;
		}
	TAILQ_INSERT_TAIL(senders, thread, link);
}
