/* SPDX-License-Identifier: Apache-2.0 */
/* What the vm_ calls have in common. */
#pragma once

#include <stdbool.h>

#include <mach/mach_types.h>
#include <mach/memory_object_types.h>

#include "protocol/frame.h"

/* Only the task's own memory can be changed. MACH_SEND_INVALID_DEST */
kern_return_t mi_vm_check_task(vm_map_t task);

/* Are these flags that vm_allocate() and vm_map() know? */
bool mi_vm_flags_good(int flags);

/* What to tell mmap() of where memory shall be, and what to say when it refuses. */
void mi_vm_place(vm_address_t address, int flags, void **wanted, int *how);
kern_return_t mi_vm_refused(int error, int flags);

/*
 * What a memory entry is of, and a new descriptor of the memfd. MACH_SEND_INVALID_RIGHT: no send
 * right. KERN_INVALID_OBJECT: it is no memory entry. KERN_RESOURCE_SHORTAGE, MACHD_NO_DAEMON
 */
kern_return_t mi_memory_entry(mem_entry_name_port_t entry, int *fd, struct machd_extent *extent);

/* The whole pages of a range; KERN_INVALID_ARGUMENT: it goes past the end of memory. */
kern_return_t mi_vm_pages(vm_address_t address, vm_size_t size, vm_address_t *start,
			  vm_address_t *end);

/* What is wrong with pages that could not be used so: KERN_PROTECTION_FAILURE, _INVALID_ADDRESS. */
kern_return_t mi_vm_why(vm_address_t address, vm_size_t size, int protection);
