/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guard exceptions [16.2]. A flag in an answer says that the request raised one. If the program has
 * asked for a reaction, the details are fetched after the call, and outside of it.
 */
#include <mach/mach_init.h>
#include <mach/task.h>
#include <machd.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "client/mi.h"

/* EXC_GUARD's code: the type in the highest 3 bits, the reason, the name. */
#define CODE_TYPE_SHIFT	  61
#define CODE_REASON_SHIFT 32

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static int behavior = MACHD_GUARD_IGNORE;
static machd_guard_handler_t handler;

static void read_environment(void)
{
	const char *value = secure_getenv("MACHD_GUARD");

	if (value && strcmp(value, "abort") == 0)
		behavior = MACHD_GUARD_ABORT;
}

/* What holds now. */
static int current(machd_guard_handler_t *now)
{
	int result;

	pthread_once(&once, read_environment);
	pthread_mutex_lock(&lock);
	result = behavior;
	*now = handler;
	pthread_mutex_unlock(&lock);
	return result;
}

int machd_guard_behavior(int new_behavior, machd_guard_handler_t new_handler)
{
	int old;

	pthread_once(&once, read_environment);
	pthread_mutex_lock(&lock);
	old = behavior;
	behavior = new_behavior;
	handler = new_handler;
	pthread_mutex_unlock(&lock);
	return old;
}

/* The end; whoever looks at the core finds why in machd_last_error()'s text. */
static _Noreturn void die(const struct machd_guard_exception *exception)
{
	mi_set_error("guard exception: reason 0x%x, name 0x%x", exception->reason, exception->name);
	abort();
}

/* What a task that has set this gets on Mach. */
static void act_as_mach(const struct machd_guard_exception *exception, uint32_t wanted,
			machd_guard_handler_t tell)
{
	if (!(wanted & TASK_EXC_GUARD_MP_ALL))
		return;
	if (exception->reason <= MAX_FATAL_kGUARD_EXC_CODE ||
	    (exception->reason <= MAX_OPTIONAL_kGUARD_EXC_CODE &&
	     (wanted & TASK_EXC_GUARD_MP_FATAL)))
		die(exception);
	if ((wanted & TASK_EXC_GUARD_MP_DELIVER) && tell)
		tell(exception);
}

static void act(const struct machd_guard_exception *exception, uint32_t wanted)
{
	machd_guard_handler_t tell;

	switch (current(&tell)) {
	case MACHD_GUARD_CALLBACK:
		if (tell)
			tell(exception);
		return;
	case MACHD_GUARD_ABORT:
		if (exception->reason <= MAX_OPTIONAL_kGUARD_EXC_CODE)
			die(exception);
		return;
	}
	act_as_mach(exception, wanted, tell);
}

static struct machd_guard_exception describe(uint32_t reason, mach_port_name_t name,
					     uint64_t subcode)
{
	return (struct machd_guard_exception){
		.reason = reason,
		.name = name,
		.code = (uint64_t)GUARD_TYPE_MACH_PORT << CODE_TYPE_SHIFT |
			(uint64_t)reason << CODE_REASON_SHIFT | name,
		.subcode = subcode,
	};
}

void mi_guard_raised(uint32_t answer_flags)
{
	struct machd_take_guard_exception_in in;
	struct machd_take_guard_exception_out out;
	struct machd_guard_exception exception;
	machd_guard_handler_t unused;

	if (!(answer_flags & MACHD_ANSWER_GUARD_ACTS) && current(&unused) == MACHD_GUARD_IGNORE)
		return;
	if (MI_CALL(machd_take_guard_exception, mach_task_self(), &in, &out) != KERN_SUCCESS ||
	    out.reason == 0)
		return;
	exception = describe(out.reason, out.name, out.subcode);
	act(&exception, out.behavior);
}

void mi_guard_raise(uint32_t reason, mach_port_name_t name)
{
	struct machd_guard_exception exception = describe(reason, name, 0);
	task_exc_guard_behavior_t wanted = 0;

	task_get_exc_guard_behavior(mach_task_self(), &wanted);
	act(&exception, wanted);
}
