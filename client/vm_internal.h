/* SPDX-License-Identifier: Apache-2.0 */
/* What the vm_ calls have in common. */
#pragma once

#include <mach/mach_types.h>

/* Only the task's own memory can be changed. MACH_SEND_INVALID_DEST */
kern_return_t mi_vm_check_task(vm_map_t task);

/* The whole pages of a range; KERN_INVALID_ARGUMENT: it goes past the end of memory. */
kern_return_t mi_vm_pages(vm_address_t address, vm_size_t size, vm_address_t *start,
			  vm_address_t *end);

/* What is wrong with pages that could not be used so: KERN_PROTECTION_FAILURE, _INVALID_ADDRESS. */
kern_return_t mi_vm_why(vm_address_t address, vm_size_t size, int protection);
