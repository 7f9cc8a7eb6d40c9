/* SPDX-License-Identifier: Apache-2.0 */
/* thread_switch: yields the CPU; Linux chooses the next thread. */
#include <mach/thread_switch.h>
#include <pthread.h>
#include <sched.h>
#include <time.h>

boolean_t swtch(void)
{
	sched_yield();
	return FALSE;
}

boolean_t swtch_pri(int pri)
{
	(void)pri;
	return swtch();
}

static void be_gone(mach_msg_timeout_t milliseconds)
{
	struct timespec time = {.tv_sec = (time_t)(milliseconds / 1000),
				.tv_nsec = (long)(milliseconds % 1000) * 1000000};
	int state;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	clock_nanosleep(CLOCK_MONOTONIC, 0, &time, NULL);
	pthread_setcancelstate(state, NULL);
}

kern_return_t thread_switch(mach_port_name_t thread_name, int option,
			    mach_msg_timeout_t option_time)
{
	(void)thread_name;
	if (!valid_switch_option(option))
		return KERN_INVALID_ARGUMENT;
	if (option == SWITCH_OPTION_WAIT || option == SWITCH_OPTION_OSLOCK_WAIT)
		be_gone(option_time);
	else
		swtch();
	return KERN_SUCCESS;
}
