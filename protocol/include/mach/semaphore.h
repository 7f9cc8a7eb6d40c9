/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Semaphores. They are known by send rights and can be sent in messages. Codes of all calls:
 * KERN_INVALID_NAME, _INVALID_RIGHT, _INVALID_CAPABILITY for what is no semaphore, KERN_TERMINATED
 * for one that was destroyed; waiting may also end with KERN_ABORTED, because of a signal.
 */
#pragma once

#include <mach/clock_types.h>
#include <mach/kern_return.h>
#include <mach/mach_types.h>
#include <mach/port.h>
#include <mach/sync_policy.h>
#include <machd_cdefs.h>

MACHD_BEGIN_DECLS

/* A semaphore of the task; `value` waits will not block. KERN_INVALID_ARGUMENT */
extern kern_return_t semaphore_create(task_t task, semaphore_t *semaphore, int policy, int value);

/* End it; who waits gets KERN_TERMINATED. The name stays, and has to be deallocated. */
extern kern_return_t semaphore_destroy(task_t task, semaphore_t semaphore);

/* Wake one waiter, or let one wait to come pass. */
extern kern_return_t semaphore_signal(semaphore_t semaphore);

/* Wake all waiters. */
extern kern_return_t semaphore_signal_all(semaphore_t semaphore);

/*
 * Wake one thread if it waits for this semaphore, or any one that does if `thread` is THREAD_NULL.
 * KERN_NOT_WAITING: there is none, and nothing is remembered. KERN_INVALID_ARGUMENT: not a thread.
 */
extern kern_return_t semaphore_signal_thread(semaphore_t semaphore, thread_t thread);

extern kern_return_t semaphore_wait(semaphore_t semaphore);

/* Signal the second as the waiting for the first begins. */
extern kern_return_t semaphore_wait_signal(semaphore_t wait_semaphore,
					   semaphore_t signal_semaphore);

/* KERN_OPERATION_TIMED_OUT; KERN_INVALID_VALUE: a time that is none. {0, 0} does not wait. */
extern kern_return_t semaphore_timedwait(semaphore_t semaphore, mach_timespec_t wait_time);
extern kern_return_t semaphore_timedwait_signal(semaphore_t wait_semaphore,
						semaphore_t signal_semaphore,
						mach_timespec_t wait_time);

MACHD_END_DECLS
