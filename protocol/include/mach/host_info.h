/* SPDX-License-Identifier: Apache-2.0 */
/* What host_info tells; lengths are in 32-bit words. */
#pragma once

#include <mach/boolean.h>
#include <mach/machine.h>
#include <mach/message.h>
#include <mach/vm_types.h>

typedef integer_t host_flavor_t;
typedef integer_t *host_info_t;

#define HOST_INFO_MAX 1024
typedef integer_t host_info_data_t[HOST_INFO_MAX];

#define KERNEL_VERSION_MAX 512
typedef char kernel_version_t[KERNEL_VERSION_MAX];

#define HOST_BASIC_INFO		 1
#define HOST_SCHED_INFO		 3
#define HOST_RESOURCE_SIZES	 4 /* not told */
#define HOST_PRIORITY_INFO	 5
#define HOST_SEMAPHORE_TRAPS	 7 /* no words: semaphores are signalled by traps */
#define HOST_MACH_MSG_TRAP	 8 /* no words: messages are sent by a trap */
#define HOST_CAN_HAS_DEBUGGER	 11
#define HOST_PREFERRED_USER_ARCH 12

#define MACHD_INFO_WORDS(type) ((mach_msg_type_number_t)(sizeof(type) / sizeof(integer_t)))

#pragma pack(push, 4)
struct host_basic_info {
	integer_t max_cpus;
	integer_t avail_cpus;
	natural_t memory_size; /* bytes, 2 GiB if there is more */
	cpu_type_t cpu_type;
	cpu_subtype_t cpu_subtype;
	cpu_threadtype_t cpu_threadtype;
	integer_t physical_cpu; /* cores */
	integer_t physical_cpu_max;
	integer_t logical_cpu; /* what a core can run at a time counts each */
	integer_t logical_cpu_max;
	uint64_t max_mem; /* bytes */
};
#pragma pack(pop)

typedef struct host_basic_info host_basic_info_data_t;
typedef struct host_basic_info *host_basic_info_t;
#define HOST_BASIC_INFO_COUNT MACHD_INFO_WORDS(host_basic_info_data_t)

struct host_sched_info {
	integer_t min_timeout; /* ms */
	integer_t min_quantum; /* ms */
};

typedef struct host_sched_info host_sched_info_data_t;
typedef struct host_sched_info *host_sched_info_t;
#define HOST_SCHED_INFO_COUNT MACHD_INFO_WORDS(host_sched_info_data_t)

struct host_priority_info {
	integer_t kernel_priority;
	integer_t system_priority;
	integer_t server_priority;
	integer_t user_priority;
	integer_t depress_priority;
	integer_t idle_priority;
	integer_t minimum_priority;
	integer_t maximum_priority;
};

typedef struct host_priority_info host_priority_info_data_t;
typedef struct host_priority_info *host_priority_info_t;
#define HOST_PRIORITY_INFO_COUNT MACHD_INFO_WORDS(host_priority_info_data_t)

struct host_can_has_debugger_info {
	boolean_t can_has_debugger;
};

typedef struct host_can_has_debugger_info host_can_has_debugger_info_data_t;
typedef struct host_can_has_debugger_info *host_can_has_debugger_info_t;
#define HOST_CAN_HAS_DEBUGGER_COUNT MACHD_INFO_WORDS(host_can_has_debugger_info_data_t)

struct host_preferred_user_arch {
	cpu_type_t cpu_type;
	cpu_subtype_t cpu_subtype;
};

typedef struct host_preferred_user_arch host_preferred_user_arch_data_t;
typedef struct host_preferred_user_arch *host_preferred_user_arch_t;
#define HOST_PREFERRED_USER_ARCH_COUNT MACHD_INFO_WORDS(host_preferred_user_arch_data_t)
