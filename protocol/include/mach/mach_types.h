/* SPDX-License-Identifier: Apache-2.0 */
/* Names for ports by the object they stand for. All of them are mach_port_t. */
#pragma once

#include <mach/boolean.h>
#include <mach/kern_return.h>
#include <mach/mach_voucher_types.h>
#include <mach/message.h>
#include <mach/notify.h>
#include <mach/port.h>
#include <mach/vm_types.h>

typedef mach_port_t task_t;
typedef mach_port_t task_name_t;
typedef mach_port_t task_inspect_t;
typedef mach_port_t task_read_t;
typedef mach_port_t thread_t;
typedef mach_port_t thread_act_t;
typedef mach_port_t *thread_act_array_t;
typedef mach_port_t host_t;
typedef mach_port_t host_priv_t;
typedef mach_port_t clock_serv_t;
typedef mach_port_t ipc_space_t;
typedef mach_port_t vm_map_t;

#define TASK_NULL      ((task_t)0)
#define TASK_NAME_NULL ((task_name_t)0)
#define THREAD_NULL    ((thread_t)0)
#define HOST_NULL      ((host_t)0)
#define HOST_PRIV_NULL ((host_priv_t)0)
#define CLOCK_NULL     ((clock_serv_t)0)
#define IPC_SPACE_NULL ((ipc_space_t)0)
#define VM_MAP_NULL    ((vm_map_t)0)
