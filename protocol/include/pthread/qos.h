/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The quality of service of a thread, which is that of the messages it sends with
 * MACH_SEND_PROPAGATE_QOS, and its place among those that wait for room in a queue. It is the
 * library's own note: how Linux schedules the thread does not change.
 *
 * For a thread that has set none, MACH_SEND_PROPAGATE_QOS looks at how Linux schedules it:
 *
 *   SCHED_FIFO, SCHED_RR, SCHED_DEADLINE, or nice -10 and below   user-interactive
 *   nice -9 to -1                                                 user-initiated
 *   nice 0                                                        default
 *   nice 1 to 9                                                   utility
 *   SCHED_BATCH, or nice 10 and above                             background
 *   SCHED_IDLE                                                    maintenance
 */
#pragma once

#include <machd_cdefs.h>
#include <sys/qos.h>

MACHD_BEGIN_DECLS

/*
 * Set that of the calling thread: one of QOS_CLASS_ but QOS_CLASS_UNSPECIFIED, and a relative
 * priority from 0 to QOS_MIN_RELATIVE_PRIORITY. 0, or EINVAL.
 */
extern int pthread_set_qos_class_self_np(qos_class_t qos_class, int relative_priority);

/* What the calling thread has set, or QOS_CLASS_UNSPECIFIED. */
extern qos_class_t qos_class_self(void);

MACHD_END_DECLS
