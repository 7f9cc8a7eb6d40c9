/* SPDX-License-Identifier: Apache-2.0 */
/* semaphore_*: a call that waits is answered by the daemon when the waiting ends. */
#include <mach/mach_init.h>
#include <mach/semaphore.h>

#include "client/mi.h"

kern_return_t semaphore_create(task_t task, semaphore_t *semaphore, int policy, int value)
{
	struct semaphore_create_in in = {.policy = policy, .value = value};
	struct semaphore_create_out out;
	kern_return_t code = MI_CALL(semaphore_create, task, &in, &out);

	if (code == KERN_SUCCESS)
		*semaphore = out.semaphore;
	return code;
}

kern_return_t semaphore_destroy(task_t task, semaphore_t semaphore)
{
	struct semaphore_destroy_in in = {.semaphore = semaphore};

	return MI_CALL(semaphore_destroy, task, &in, NULL);
}

kern_return_t semaphore_signal(semaphore_t semaphore)
{
	struct semaphore_signal_in in = {.semaphore = semaphore};

	return MI_CALL(semaphore_signal, mach_task_self(), &in, NULL);
}

kern_return_t semaphore_signal_all(semaphore_t semaphore)
{
	struct semaphore_signal_all_in in = {.semaphore = semaphore};

	return MI_CALL(semaphore_signal_all, mach_task_self(), &in, NULL);
}

kern_return_t semaphore_signal_thread(semaphore_t semaphore, thread_t thread)
{
	struct semaphore_signal_thread_in in = {.semaphore = semaphore, .thread = thread};

	return MI_CALL(semaphore_signal_thread, mach_task_self(), &in, NULL);
}

kern_return_t semaphore_wait(semaphore_t semaphore)
{
	struct semaphore_wait_in in = {.wait = semaphore};

	return MI_WAIT(semaphore_wait, mach_task_self(), &in);
}

kern_return_t semaphore_wait_signal(semaphore_t wait_semaphore, semaphore_t signal_semaphore)
{
	struct semaphore_wait_signal_in in = {.wait = wait_semaphore, .signal = signal_semaphore};

	return MI_WAIT(semaphore_wait_signal, mach_task_self(), &in);
}

kern_return_t semaphore_timedwait(semaphore_t semaphore, mach_timespec_t wait_time)
{
	struct semaphore_timedwait_in in = {
		.wait = semaphore, .sec = wait_time.tv_sec, .nsec = wait_time.tv_nsec};

	return MI_WAIT(semaphore_timedwait, mach_task_self(), &in);
}

kern_return_t semaphore_timedwait_signal(semaphore_t wait_semaphore, semaphore_t signal_semaphore,
					 mach_timespec_t wait_time)
{
	struct semaphore_timedwait_signal_in in = {.wait = wait_semaphore,
						   .signal = signal_semaphore,
						   .sec = wait_time.tv_sec,
						   .nsec = wait_time.tv_nsec};

	return MI_WAIT(semaphore_timedwait_signal, mach_task_self(), &in);
}
