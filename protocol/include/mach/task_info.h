/* SPDX-License-Identifier: Apache-2.0 */
/* What shall follow when a task misuses a name: guard exceptions. */
#pragma once

#include <stdint.h>

typedef uint32_t task_exc_guard_behavior_t;

/* Of memory; machd keeps these, but has no such exceptions. */
#define TASK_EXC_GUARD_VM_DELIVER 0x01
#define TASK_EXC_GUARD_VM_ONCE	  0x02
#define TASK_EXC_GUARD_VM_CORPSE  0x04
#define TASK_EXC_GUARD_VM_FATAL	  0x08
#define TASK_EXC_GUARD_VM_ALL	  0x0f

/* Of ports. */
#define TASK_EXC_GUARD_MP_DELIVER 0x10 /* tell the task */
#define TASK_EXC_GUARD_MP_ONCE	  0x20 /* but once */
#define TASK_EXC_GUARD_MP_CORPSE  0x40 /* kept, but there are no corpses here */
#define TASK_EXC_GUARD_MP_FATAL	  0x80 /* it ends the task */
#define TASK_EXC_GUARD_MP_ALL	  0xf0

#define TASK_EXC_GUARD_NONE 0x00
#define TASK_EXC_GUARD_ALL  0xff
