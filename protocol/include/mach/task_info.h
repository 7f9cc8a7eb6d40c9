/* SPDX-License-Identifier: Apache-2.0 */
/* What task_info tells; lengths are in 32-bit words. */
#pragma once

#include <mach/message.h>
#include <mach/time_value.h>
#include <mach/vm_types.h>

typedef natural_t task_flavor_t;
typedef integer_t *task_info_t;
typedef int policy_t;

#define TASK_INFO_MAX 1024
typedef integer_t task_info_data_t[TASK_INFO_MAX];

#define POLICY_TIMESHARE 1

#define TASK_BASIC_INFO_32   4
#define TASK_BASIC_INFO_64   5
#define TASK_SECURITY_TOKEN  13
#define TASK_AUDIT_TOKEN     15
#define MACH_TASK_BASIC_INFO 20

#ifdef __LP64__
#define TASK_BASIC_INFO TASK_BASIC_INFO_64
#else
#define TASK_BASIC_INFO TASK_BASIC_INFO_32
#endif

#pragma pack(push, 4)

/* Times are those of all threads, whether they have ended or not. */
#pragma pack(push, 4)
struct task_basic_info_32 {
	integer_t suspend_count; /* 0 */
	natural_t virtual_size;	 /* bytes, at most what fits */
	natural_t resident_size;
	time_value_t user_time;
	time_value_t system_time;
	policy_t policy; /* POLICY_TIMESHARE */
};

struct task_basic_info_64 {
	integer_t suspend_count;
	mach_vm_size_t virtual_size;
	mach_vm_size_t resident_size;
	time_value_t user_time;
	time_value_t system_time;
	policy_t policy;
};

struct task_basic_info {
	integer_t suspend_count;
	vm_size_t virtual_size;
	vm_size_t resident_size;
	time_value_t user_time;
	time_value_t system_time;
	policy_t policy;
};

struct mach_task_basic_info {
	mach_vm_size_t virtual_size;
	mach_vm_size_t resident_size;
	mach_vm_size_t resident_size_max; /* the most there ever was */
	time_value_t user_time;
	time_value_t system_time;
	policy_t policy;
	integer_t suspend_count;
};
#pragma pack(pop)

#pragma pack(pop)

typedef struct task_basic_info_32 task_basic_info_32_data_t;
typedef struct task_basic_info_32 *task_basic_info_32_t;
typedef struct task_basic_info_64 task_basic_info_64_data_t;
typedef struct task_basic_info_64 *task_basic_info_64_t;
typedef struct task_basic_info task_basic_info_data_t;
typedef struct task_basic_info *task_basic_info_t;
typedef struct mach_task_basic_info mach_task_basic_info_data_t;
typedef struct mach_task_basic_info *mach_task_basic_info_t;

#define MACHD_TASK_WORDS(type)	   ((mach_msg_type_number_t)(sizeof(type) / sizeof(natural_t)))
#define TASK_BASIC_INFO_32_COUNT   MACHD_TASK_WORDS(task_basic_info_32_data_t)
#define TASK_BASIC_INFO_64_COUNT   MACHD_TASK_WORDS(task_basic_info_64_data_t)
#define TASK_BASIC_INFO_COUNT	   MACHD_TASK_WORDS(task_basic_info_data_t)
#define MACH_TASK_BASIC_INFO_COUNT MACHD_TASK_WORDS(mach_task_basic_info_data_t)
#define TASK_SECURITY_TOKEN_COUNT  MACHD_TASK_WORDS(security_token_t)
#define TASK_AUDIT_TOKEN_COUNT	   MACHD_TASK_WORDS(audit_token_t)

/* What shall follow when a task misuses a name: guard exceptions. */
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
