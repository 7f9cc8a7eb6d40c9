/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a task has from the start: its own port, its host's and the bootstrap port. In Mach sources
 * mach_task_self_ and bootstrap_port are variables; here they are macros, so that the first use can
 * connect to machd.
 */
#pragma once

#include <mach/mach_types.h>
#include <mach/vm_page_size.h>
#include <machd_cdefs.h>

MACHD_BEGIN_DECLS

/* Behind mach_task_self_. */
extern mach_port_t machd_task_self(void);

/* Behind bootstrap_port: where its value is. It may be assigned to; a new task gets a new value. */
extern mach_port_t *machd_bootstrap_port(void);

/*
 * The host's port: a send right, one user reference more with each call. MACH_PORT_NULL if machd
 * cannot be reached.
 */
extern mach_port_t mach_host_self(void);

/*
 * The calling thread's port: a send right, one user reference more with each call. It dies with the
 * thread. MACH_PORT_NULL if machd cannot be reached.
 */
extern mach_port_t mach_thread_self(void);

/*
 * The port of any thread of this process, by its pthread_t; no user reference is given.
 * MACH_PORT_NULL: another thread that has not used machd yet, or machd cannot be reached.
 */
extern mach_port_t pthread_mach_thread_np(unsigned long thread);

/* vm_page_size; `host` does not matter. */
extern kern_return_t host_page_size(host_t host, vm_size_t *out_page_size);

/* Is it a name of the calling task's own port? */
extern boolean_t mach_task_is_self(task_name_t task);

MACHD_END_DECLS

/*
 * The name of the calling task's own port; no user reference is taken. MACH_PORT_NULL if machd
 * cannot be reached.
 */
#define mach_task_self_	 (machd_task_self())
#define mach_task_self() mach_task_self_
#define current_task()	 mach_task_self()

/* Where services are looked up (servers/bootstrap.h). */
#define bootstrap_port (*machd_bootstrap_port())
