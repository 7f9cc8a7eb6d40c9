/* SPDX-License-Identifier: Apache-2.0 */
/* Time, timers and semaphores, as programs that were written for one system use them. */
#include <mach/clock.h>
#include <mach/mach.h>
#include <mach/mach_time.h>
#include <mach/mk_timer.h>
#include <mach/semaphore.h>
#include <mach/sync_policy.h>
#include <mach/task.h>
#include <mach/thread_switch.h>
#include <stdio.h>

static double seconds(uint64_t elapsed)
{
	static mach_timebase_info_data_t timebase;

	if (timebase.denom == 0)
		(void)mach_timebase_info(&timebase);
	return (double)elapsed * timebase.numer / timebase.denom / NSEC_PER_SEC;
}

static mach_timespec_t now(void)
{
	mach_timespec_t time = {0, 0};
	clock_serv_t clock;

	host_get_clock_service(mach_host_self(), CALENDAR_CLOCK, &clock);
	clock_get_time(clock, &time);
	mach_port_deallocate(mach_task_self(), clock);
	return time;
}

static void meet(void)
{
	mach_timespec_t a_moment = {0, 1000 * NSEC_PER_USEC};
	semaphore_t semaphore;

	if (semaphore_create(mach_task_self(), &semaphore, SYNC_POLICY_FIFO, 0) != KERN_SUCCESS)
		return;
	semaphore_signal(semaphore);
	semaphore_wait(semaphore);
	if (semaphore_timedwait(semaphore, a_moment) == KERN_OPERATION_TIMED_OUT)
		semaphore_signal_all(semaphore);
	semaphore_destroy(mach_task_self(), semaphore);
}

int main(void)
{
	mach_timespec_t early = now(), late;
	uint64_t start = mach_absolute_time(), left;
	mach_port_name_t timer = mk_timer_create();

	mk_timer_arm(timer, start + NSEC_PER_SEC);
	meet();
	thread_switch(THREAD_NULL, SWITCH_OPTION_WAIT, 1);
	mk_timer_cancel(timer, &left);
	mk_timer_destroy(timer);
	late = now();
	if (CMP_MACH_TIMESPEC(&early, &late) > 0 || BAD_MACH_TIMESPEC(&late))
		return 1;
	SUB_MACH_TIMESPEC(&late, &early);
	ADD_MACH_TIMESPEC(&early, &late);
	printf("%u s, %f s\n", late.tv_sec, seconds(mach_absolute_time() - start));
	return 0;
}
