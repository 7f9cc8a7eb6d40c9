/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that are not messages to a port. */
#pragma once

#include <mach/kern_return.h>
#include <mach/message.h>
#include <mach/port.h>
#include <machd_cdefs.h>

MACHD_BEGIN_DECLS

/*
 * A fresh receive right. MACH_PORT_NULL if there is no room, or machd cannot be reached.
 */
extern mach_port_name_t mach_reply_port(void);

/*
 * The calling thread's special reply port, a new one with each call: a receive and a send right
 * under one name, which MACH_RCV_SYNC_WAIT knows. It cannot be sent; the one before is an ordinary
 * port from then on. MACH_PORT_NULL as above.
 */
extern mach_port_t thread_get_special_reply_port(void);

/*
 * Let other threads run; whether one did is not known: FALSE. `pri` does not matter.
 */
extern boolean_t swtch(void);
extern boolean_t swtch_pri(int pri);

/*
 * The same (mach/thread_switch.h), or be gone for option_time milliseconds. Which thread comes next
 * is Linux's choice. KERN_INVALID_ARGUMENT: no such option.
 */
extern kern_return_t thread_switch(mach_port_name_t thread_name, int option,
				   mach_msg_timeout_t option_time);

/* Which rights to give up. */
typedef enum thread_destruct_special_reply_port_rights {
	THREAD_SPECIAL_REPLY_PORT_ALL = 0,
	THREAD_SPECIAL_REPLY_PORT_RECEIVE_ONLY = 1, /* leaves a dead name */
	THREAD_SPECIAL_REPLY_PORT_SEND_ONLY = 2,
} thread_destruct_special_reply_port_rights_t;

/* KERN_INVALID_ARGUMENT: no such choice; those of mach_port_destruct or mach_port_deallocate. */
extern kern_return_t thread_destruct_special_reply_port(
	mach_port_name_t port, thread_destruct_special_reply_port_rights_t rights);

/*
 * A send right to the task of a process, or to its name port: one's own uid's, or any for root.
 * `target_tport` is the caller's task. KERN_FAILURE: there is no such task, or it may not be had.
 */
extern kern_return_t task_for_pid(mach_port_name_t target_tport, int pid, mach_port_name_t *t);
extern kern_return_t task_name_for_pid(mach_port_name_t target_tport, int pid,
				       mach_port_name_t *tn);

/* The process of a task that is known by any of its ports. KERN_FAILURE: it is none; *x is -1. */
extern kern_return_t pid_for_task(mach_port_name_t t, int *x);

MACHD_END_DECLS
