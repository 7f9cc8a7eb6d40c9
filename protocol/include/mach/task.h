/* SPDX-License-Identifier: Apache-2.0 */
/* Operations on a task. */
#pragma once

#include <mach/mach_types.h>
#include <mach/task_info.h>
#include <mach/task_special_ports.h>
#include <machd_cdefs.h>

MACHD_BEGIN_DECLS

/* A send right to one of the task's special ports, or MACH_PORT_NULL if that is not set. */
extern kern_return_t task_get_special_port(task_t task, int which_port, mach_port_t *special_port);

/*
 * Set one to a copy of a send right. KERN_NO_ACCESS: the kernel and host ports are fixed, and an
 * access port cannot be replaced. KERN_INVALID_ARGUMENT: no port to be set. KERN_INVALID_RIGHT: a
 * right that must stay where it is.
 */
extern kern_return_t task_set_special_port(task_t task, int which_port, mach_port_t special_port);

/*
 * Remember copies of up to three send rights with the task; KERN_INVALID_ARGUMENT: more. Lookup
 * gives them back, always three, in memory to be freed with vm_deallocate().
 */
extern kern_return_t mach_ports_register(task_t target_task, mach_port_array_t init_port_set,
					 mach_msg_type_number_t init_port_setCnt);
extern kern_return_t mach_ports_lookup(task_t target_task, mach_port_array_t *init_port_set,
				       mach_msg_type_number_t *init_port_setCnt);

/*
 * What is known of a task. `task_info_outCnt` has the room, and gets the length, in 32-bit words.
 * KERN_INVALID_ARGUMENT: no such flavor, too little room, or the process cannot be looked at.
 */
extern kern_return_t task_info(task_name_t target_task, task_flavor_t flavor,
			       task_info_t task_info_out, mach_msg_type_number_t *task_info_outCnt);

/*
 * Send rights to the ports of the task's threads, as far as they have used machd, in memory to be
 * freed with vm_deallocate().
 */
extern kern_return_t task_threads(task_t target_task, thread_act_array_t *act_list,
				  mach_msg_type_number_t *act_listCnt);

/*
 * What shall follow of guard exceptions (TASK_EXC_GUARD_), unless machd_guard_behavior() says
 * something else: a task that sets any for ports is treated as on Mach. The reasons up to
 * MAX_FATAL_kGUARD_EXC_CODE end it; those up to MAX_OPTIONAL_kGUARD_EXC_CODE with MP_FATAL. With
 * MP_DELIVER the handler of machd_guard_behavior() is told of the others, with MP_ONCE of one. Only
 * a process's own setting has an effect. KERN_INVALID_ARGUMENT: no such bits.
 */
extern kern_return_t task_get_exc_guard_behavior(task_t task, task_exc_guard_behavior_t *behavior);
extern kern_return_t task_set_exc_guard_behavior(task_t task, task_exc_guard_behavior_t behavior);

MACHD_END_DECLS
