/* SPDX-License-Identifier: Apache-2.0 */
/* What mach_vm_region() tells. */
#pragma once

#include <mach/boolean.h>
#include <mach/message.h>
#include <mach/vm_inherit.h>
#include <mach/vm_prot.h>
#include <stdint.h>

typedef int *vm_region_info_t;
typedef int vm_region_flavor_t;
typedef int vm_behavior_t;

#define VM_BEHAVIOR_DEFAULT ((vm_behavior_t)0)

#define VM_REGION_BASIC_INFO_64 9

#pragma pack(push, 4)

struct vm_region_basic_info_64 {
	vm_prot_t protection;
	vm_prot_t max_protection; /* always all: Linux does not tell */
	vm_inherit_t inheritance;
	boolean_t shared;   /* with other processes, or with a file */
	boolean_t reserved; /* always 0 */
	uint64_t offset;    /* in the file that is mapped */
	vm_behavior_t behavior;
	unsigned short user_wired_count; /* always 0 */
};

#pragma pack(pop)

typedef struct vm_region_basic_info_64 *vm_region_basic_info_64_t;
typedef struct vm_region_basic_info_64 vm_region_basic_info_data_64_t;

#define VM_REGION_BASIC_INFO_COUNT_64 \
	((mach_msg_type_number_t)(sizeof(vm_region_basic_info_data_64_t) / sizeof(int)))
