/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Quality of service on the client's side [18]: what a thread says it is, what Linux makes of it if
 * it says nothing, and what the last message it received came with.
 */
#include <errno.h>
#include <mach/message.h>
#include <machd.h>
#include <pthread/qos.h>
#include <sched.h>
#include <sys/resource.h>

#include "client/mi.h"

#define QOS_SHIFT	  8
#define SCHED_DEADLINE_NO 6 /* SCHED_DEADLINE, which sched.h does not name */
#define NICE_FAR	  10

static _Thread_local qos_class_t own_class;
static _Thread_local uint32_t own_priority;
static _Thread_local uint64_t received;

/* A pthread_priority_t: a bit for the QoS, and a byte that is 0xff for a relative priority of 0. */
static uint32_t make_priority(mach_msg_qos_t qos, int relative)
{
	return 1U << (QOS_SHIFT + qos - 1) | (uint8_t)(relative - 1);
}

static mach_msg_qos_t qos_of_class(qos_class_t qos_class)
{
	switch (qos_class) {
	case QOS_CLASS_USER_INTERACTIVE:
		return MACH_MSG_QOS_USER_INTERACTIVE;
	case QOS_CLASS_USER_INITIATED:
		return MACH_MSG_QOS_USER_INITIATED;
	case QOS_CLASS_DEFAULT:
		return MACH_MSG_QOS_DEFAULT;
	case QOS_CLASS_UTILITY:
		return MACH_MSG_QOS_UTILITY;
	case QOS_CLASS_BACKGROUND:
		return MACH_MSG_QOS_BACKGROUND;
	case QOS_CLASS_UNSPECIFIED:
		break;
	}
	return MACH_MSG_QOS_UNSPECIFIED;
}

int pthread_set_qos_class_self_np(qos_class_t qos_class, int relative_priority)
{
	mach_msg_qos_t qos = qos_of_class(qos_class);

	if (qos == MACH_MSG_QOS_UNSPECIFIED || relative_priority > 0 ||
	    relative_priority < QOS_MIN_RELATIVE_PRIORITY)
		return EINVAL;
	own_class = qos_class;
	own_priority = make_priority(qos, relative_priority);
	return 0;
}

qos_class_t qos_class_self(void)
{
	return own_class;
}

static mach_msg_qos_t qos_of_nice(int nice)
{
	if (nice >= NICE_FAR)
		return MACH_MSG_QOS_BACKGROUND;
	if (nice > 0)
		return MACH_MSG_QOS_UTILITY;
	if (nice == 0)
		return MACH_MSG_QOS_DEFAULT;
	return nice > -NICE_FAR ? MACH_MSG_QOS_USER_INITIATED : MACH_MSG_QOS_USER_INTERACTIVE;
}

/* Both calls speak of the calling thread only, and cannot fail for it. */
static mach_msg_qos_t qos_of_schedule(void)
{
	switch (sched_getscheduler(0) & ~SCHED_RESET_ON_FORK) {
	case SCHED_FIFO:
	case SCHED_RR:
	case SCHED_DEADLINE_NO:
		return MACH_MSG_QOS_USER_INTERACTIVE;
	case SCHED_BATCH:
		return MACH_MSG_QOS_BACKGROUND;
	case SCHED_IDLE:
		return MACH_MSG_QOS_MAINTENANCE;
	default:
		return qos_of_nice(getpriority(PRIO_PROCESS, 0));
	}
}

uint32_t mi_thread_priority(mach_msg_option64_t option)
{
	bool wanted = (option & MACH_SEND_MSG) && (option & MACH_SEND_PROPAGATE_QOS);

	if (own_priority || !wanted)
		return own_priority;
	return make_priority(qos_of_schedule(), 0);
}

void mi_received_qos(uint32_t priority, uint32_t override)
{
	received = (uint64_t)priority << 32 | override;
}

uint64_t machd_received_qos(void)
{
	return received;
}
